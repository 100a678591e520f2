//! What these tests share: short commits, a second self, mounts of one's own.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use atomic_file::{CommitError, CommitOptions, Committed, Durability, Original};

/// Names the folder that a second self is to work in.
const ROLE: &str = "ATOMIC_FILE_TEST_FOLDER";

pub(crate) fn fast() -> CommitOptions {
    CommitOptions {
        durability: Durability::Fast,
        ..CommitOptions::default()
    }
}

pub(crate) fn original(path: &Path) -> Original {
    Original::read(path).expect("the file can be read")
}

/// Reads and commits with nobody in between.
pub(crate) fn update(path: &Path, contents: &[u8]) -> Result<Committed, CommitError> {
    atomic_file::replace_if_unchanged(original(path), contents, &CommitOptions::default())
}

/// The names in a folder, in order.
pub(crate) fn names(folder: &Path) -> Vec<OsString> {
    let mut names: Vec<OsString> = fs::read_dir(folder)
        .expect("the folder can be listed")
        .map(|entry| entry.expect("the folder can be listed").file_name())
        .collect();
    names.sort();
    names
}

/// Where this process is the second self of a test: the folder to work in.
pub(crate) fn role() -> Option<PathBuf> {
    std::env::var_os(ROLE).map(PathBuf::from)
}

/// The command line that runs the test `name` (with its module) once more, as a second self working in `folder`.
pub(crate) fn self_arguments(name: &str) -> Vec<OsString> {
    let exe = std::env::current_exe().expect("the test binary knows where it is");
    [exe.into_os_string()]
        .into_iter()
        .chain(["--exact", name, "--nocapture", "--test-threads=1"].map(OsString::from))
        .collect()
}

/// Runs `wrapper` followed by the test `name` as a second self and returns what became of it.
pub(crate) fn second_self(wrapper: &[&str], name: &str, folder: &Path) -> Output {
    let arguments: Vec<OsString> = wrapper
        .iter()
        .map(OsString::from)
        .chain(self_arguments(name))
        .collect();
    Command::new(&arguments[0])
        .args(&arguments[1..])
        .env(ROLE, folder)
        .output()
        .expect("the second self can be started")
}

/// Fails unless the second self passed; its messages are in the report.
pub(crate) fn assert_passed(output: &Output) {
    assert!(
        output.status.success(),
        "the second self failed ({}):\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Runs the test `name` as a second self after `script` has prepared mounts (in `$1`, the folder) that nobody else sees.
///
/// Skips and returns `false` where that is not allowed.
pub(crate) fn with_mounts(name: &str, folder: &Path, script: &str) -> bool {
    if !is_root() || testkit::on_path("unshare").is_none() {
        testkit::skip(name, "needs root and unshare for mounts of its own");
        return false;
    }
    let folder_text = folder.to_str().expect("a sandbox has a plain name");
    let prepared = format!("{script}; shift; exec \"$@\"");
    let wrapper = |script| {
        let unshare = ["unshare", "-m", "--propagation", "private", "sh", "-ec"];
        [&unshare[..], &[script, "sh", folder_text]].concat()
    };
    let probe = wrapper(script);
    let probe = Command::new(probe[0]).args(&probe[1..]).output();
    if !probe.is_ok_and(|probe| probe.status.success()) {
        testkit::skip(name, "mounts of its own are not allowed here");
        return false;
    }
    assert_passed(&second_self(&wrapper(&prepared), name, folder));
    true
}
