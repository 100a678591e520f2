//! Takes in a process of their own: as another user, and in an environment that speaks of another repository.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use task_runner::{AtomicSnapshot, NothingShared};
use testkit::Sandbox;

use crate::ordinary::options;
use crate::repo::Repo;
use crate::seen::{on_disk, recorded, untouchable};
use crate::tools::system;

/// Names the tree for the other process.
const TREE: &str = "STORY_TEST_TREE";

/// Nobody in particular: no file is theirs before it is given to them.
const NOBODY: u32 = 65_534;

#[test]
#[ignore = "the other process of these tests, which start it themselves"]
fn takes_where_it_is_told() {
    let top = std::env::var_os(TREE).expect("a test starts this");
    let snapshots = AtomicSnapshot::open(Path::new(&top)).expect("a tree");
    match snapshots.take(&options("T-1"), &NothingShared) {
        Ok(taken) => println!("\nSAID {}", taken.snapshot.id),
        Err(err) => println!("\nSAID refused: {err}"),
    }
}

fn child(top: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("a test has a path"));
    let which = "child::takes_where_it_is_told";
    command
        .args(["--exact", which, "--ignored", "--nocapture"])
        .current_dir(top)
        .env(TREE, top);
    command
}

/// What the other process says.
fn said(command: &mut Command) -> std::io::Result<String> {
    let output = command.output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find_map(|line| line.strip_prefix("SAID "));
    let line = line.unwrap_or_else(|| panic!("{text}{}", String::from_utf8_lossy(&output.stderr)));
    Ok(line.to_owned())
}

#[test]
fn take_names_what_cannot_be_read_and_leaves_nothing() {
    const NAME: &str = "take_names_what_cannot_be_read_and_leaves_nothing";
    let is_root = rustix::process::geteuid().is_root();
    for (closed, expected) in [
        ("README.md", "cannot read README.md"),
        ("untracked", "cannot read untracked"),
        (
            "src",
            "cannot list a folder: warning: could not open directory 'src/'",
        ),
        (
            "new folder",
            "cannot list a folder: warning: could not open directory 'new folder/'",
        ),
    ] {
        let repo = Repo::new();
        repo.write("untracked", "x");
        repo.write("new folder/file", "x");
        // It has to be read, whatever the index remembers.
        repo.write("README.md", "changed\n");
        let place = Sandbox::inside(&std::env::temp_dir()).expect("the system's place for such");
        let top = place.join("tree");
        system(
            &repo,
            "cp",
            &["-a", ".", top.to_str().expect("a plain path")],
        );
        let mut command = child(&top);
        if is_root {
            let owner = format!("{NOBODY}:{NOBODY}");
            let path = place.path().to_str().expect("a plain path");
            system(&repo, "chown", &["-R", &owner, path]);
            command.uid(NOBODY).gid(NOBODY).env("HOME", place.path());
        }
        let none = fs::Permissions::from_mode(0o000);
        fs::set_permissions(top.join(closed), none).expect("it is ours");
        let before = is_root.then(|| untouchable(&top));
        let Ok(line) = said(&mut command) else {
            return testkit::skip(NAME, "another user cannot start this program");
        };
        assert!(line.contains(expected), "{closed:?}: {line}");
        if let Some(before) = before {
            assert_eq!(untouchable(&top), before, "nothing of the user's changed");
            let refs = repo.git_in(
                &top,
                [
                    "-c",
                    "safe.directory=*",
                    "for-each-ref",
                    "refs/devs-snapshots",
                ],
            );
            assert_eq!(refs, "", "no ref was made");
        }
    }
}

#[test]
fn take_records_the_tree_that_it_is_in_whatever_the_environment_says() {
    let other = Repo::new();
    let repo = Repo::new();
    repo.write("README.md", "changed\n");
    repo.write("[a]*", "a name like a pattern");
    let before = untouchable(other.top());
    let mut command = child(repo.top());
    // As a hook of another repository has them, and more.
    command
        .env("GIT_DIR", other.join(".git"))
        .env("GIT_COMMON_DIR", other.join(".git"))
        .env("GIT_WORK_TREE", other.top())
        .env("GIT_INDEX_FILE", other.join(".git/index"))
        .env("GIT_OBJECT_DIRECTORY", other.join(".git/objects"))
        .env("GIT_PREFIX", "src/")
        .env("GIT_NAMESPACE", "elsewhere")
        .env("GIT_ICASE_PATHSPECS", "1")
        .env("GIT_GLOB_PATHSPECS", "1")
        .env("GIT_ATTR_SOURCE", "HEAD")
        .env("GIT_DEFAULT_HASH", "sha256")
        .env("LC_ALL", "de_DE.UTF-8")
        .env("LANGUAGE", "de");
    let id = said(&mut command).expect("it can be started");
    let snapshots = AtomicSnapshot::open(repo.top()).expect("a tree");
    let snapshot = snapshots.find(&id).expect("it is found");
    assert_eq!(
        recorded(&snapshots, &snapshot),
        on_disk(repo.top(), &[]),
        "this tree"
    );
    assert_eq!(untouchable(other.top()), before, "not the other");
}
