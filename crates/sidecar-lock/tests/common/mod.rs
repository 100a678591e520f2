//! What the tests of this crate share.
#![expect(dead_code, reason = "every test binary uses a part of it")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use sidecar_lock::{LockOptions, SidecarLock};
use testkit::{Sandbox, SecondProcess};

pub const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

pub fn patience(timeout: Duration) -> LockOptions {
    LockOptions {
        timeout,
        ..LockOptions::default()
    }
}

/// A sandbox with a resource in it, and its lock.
pub fn resource() -> (Sandbox, SidecarLock) {
    let sandbox = Sandbox::new();
    let path = sandbox.write("story.md", "---\nid: S-0001\n---\n");
    let lock = SidecarLock::new(path).expect("the folder exists");
    (sandbox, lock)
}

pub fn assert_nothing_left(sandbox: &Sandbox) {
    let left = testkit::leftovers(sandbox.path());
    assert_eq!(
        left,
        Vec::<PathBuf>::new(),
        "no lock or temporary file is left"
    );
}

/// The example program `hold`. `cargo test` builds examples beside the tests; when only one test
/// binary was asked for, it is built here.
fn hold_program() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let build = || {
        let tests = std::env::current_exe().expect("a test has a path");
        let profile = tests
            .parent()
            .and_then(Path::parent)
            .expect("tests live in target/<profile>/deps");
        let program = profile.join("examples/hold");
        if !program.exists() {
            let target = profile.parent().expect("a profile lives in target");
            let built = Command::new(env!("CARGO"))
                .args(["build", "--quiet", "--example", "hold", "--manifest-path"])
                .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
                .arg("--target-dir")
                .arg(target)
                .status()
                .expect("cargo runs");
            assert!(built.success(), "the example is built");
        }
        program
    };
    BUILT.get_or_init(build).clone()
}

/// A second process that holds the lock.
pub fn holder_process(resource: &Path) -> SecondProcess {
    let mut process = SecondProcess::spawn(Command::new(hold_program()).arg(resource));
    let line = process.next_line(Duration::from_secs(20));
    assert!(
        line.is_some_and(|line| line.starts_with("READY ")),
        "the second process holds the lock"
    );
    process
}

/// Leaves the sidecar of an owner that is gone: its record, and no kernel lock.
pub fn leave_behind(lock: &SidecarLock) -> String {
    let guard = lock.acquire(&LockOptions::default()).expect("it is free");
    let token = guard.holder().token.clone();
    let record = std::fs::read(lock.sidecar()).expect("the sidecar is readable");
    guard.release().expect("nobody interfered");
    put(lock.sidecar(), &record);
    token
}

pub fn put(path: &Path, bytes: &[u8]) {
    use std::io::Write;
    std::fs::File::create(path)
        .and_then(|mut file| file.write_all(bytes))
        .expect("the sandbox is writable");
}
