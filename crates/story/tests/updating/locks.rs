//! Locks of parents, of the dead, and of those who only read.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::channel;
use std::time::{Duration, SystemTime};

use sidecar_lock::{AcquireError, InheritError, LockOptions, SidecarLock, TookOver};
use story::{ReadError, UpdateError, UpdateOptions, Value, Warning};
use testkit::{Sandbox, SecondProcess};

use crate::support::{
    PATIENCE, STORY, assert_no_leftovers, get, increment, lock_options, options, sidecar, story,
};

fn inheriting(token: &str) -> UpdateOptions {
    UpdateOptions {
        inherited_token: Some(token.to_owned()),
        ..options(PATIENCE)
    }
}

#[test]
fn update_works_under_the_lock_of_a_parent() {
    let sandbox = Sandbox::new();
    let path = story(&sandbox);
    let lock = SidecarLock::new(&path).expect("the folder is there");
    let guard = lock.acquire(&LockOptions::default()).expect("it is free");
    let options = inheriting(&guard.holder().token);
    let updated = story::update(&path, &options, |story| story.increment("retry_count", 1));
    assert_eq!(
        updated.expect("the lock serves").value,
        1,
        "the edit is applied"
    );
    guard.verify().expect("the parent still holds it");
    guard.release().expect("the parent releases it");
    let refused = story::update(&path, &options, |story| story.increment("retry_count", 1))
        .expect_err("nobody holds it any more");
    assert!(
        matches!(refused, UpdateError::Inherit(InheritError::NotHeld { .. })),
        "{refused:?}"
    );
    assert_no_leftovers(&sandbox);
}

#[test]
fn update_writes_nothing_when_the_lock_of_the_parent_is_removed() {
    let sandbox = Sandbox::new();
    let path = story(&sandbox);
    let lock = SidecarLock::new(&path).expect("the folder is there");
    let guard = lock.acquire(&LockOptions::default()).expect("it is free");
    let options = inheriting(&guard.holder().token);
    let refused = story::update(&path, &options, |story| {
        fs::remove_file(sidecar(&path)).expect("the lock is there");
        story.increment("retry_count", 1)
    })
    .expect_err("the lock cannot be acquired anew by a child");
    assert!(
        matches!(refused, UpdateError::LockLost { .. }),
        "{refused:?}"
    );
    assert_eq!(sandbox.read("story.md"), STORY, "nothing was written");
    guard.release().expect_err("the lock was removed");
}

/// The second self of the tests below: takes the lock and waits to be killed.
const HOLD: &str = "STORY_TEST_HOLD";

fn killed_holder(name: &str, sandbox: &Sandbox) {
    let exe = std::env::current_exe().expect("the test binary knows where it is");
    let mut command = Command::new(exe);
    command.args(["--exact", name, "--nocapture"]);
    command.env(HOLD, sandbox.join("story.md"));
    let mut holder = SecondProcess::spawn(&mut command);
    // The harness has written the beginning of this line.
    while !holder
        .next_line(PATIENCE)
        .expect("it holds the lock")
        .ends_with("HELD")
    {}
    holder.kill_9();
    assert!(
        sidecar(&sandbox.join("story.md")).exists(),
        "the dead leave their lock"
    );
}

/// Whether this process is the second self; it then holds the lock until it is killed.
fn is_holder() -> bool {
    let Some(path) = std::env::var_os(HOLD) else {
        return false;
    };
    let lock = SidecarLock::new(path).expect("the folder is there");
    let _guard = lock.acquire(&LockOptions::default()).expect("it is free");
    writeln!(std::io::stdout(), "HELD").expect("the first self listens");
    std::io::stdin().read_line(&mut String::new()).ok();
    true
}

#[test]
fn update_takes_over_the_lock_of_the_dead_and_says_so() {
    if is_holder() {
        return;
    }
    let sandbox = Sandbox::new();
    let path = story(&sandbox);
    killed_holder(
        "locks::update_takes_over_the_lock_of_the_dead_and_says_so",
        &sandbox,
    );
    let updated = increment(&path).expect("the dead hold nothing");
    assert!(
        matches!(updated.took_over, Some(TookOver::Crashed(_))),
        "{:?}",
        updated.took_over
    );
    assert!(
        updated.warnings.is_empty(),
        "nothing else was left: {:?}",
        updated.warnings
    );
    assert_no_leftovers(&sandbox);
}

/// As a writer leaves it that died after the swap and before it looked at what it had displaced: a
/// person's save, under the temporary name.
fn displace_a_persons_version(sandbox: &Sandbox, path: &Path) {
    let displaced = sandbox.write("displaced", STORY.replace("# Body", "# A person's heading"));
    let ours = fs::metadata(path).expect("it is there");
    let modified = ours.mtime() * 1_000_000_000 + ours.mtime_nsec();
    let own = format!("{:x}-{:x}-{modified:x}", ours.ino(), ours.size());
    let temporary = format!(".story.md.{own}.1-2-3.0123456789abcdef.atomic-tmp");
    fs::hard_link(&displaced, sandbox.join(temporary)).expect("a second name");
    fs::remove_file(displaced).expect("the first name goes");
}

#[test]
fn read_locked_after_a_death_puts_a_persons_version_back_before_it_reads() {
    if is_holder() {
        return;
    }
    let sandbox = Sandbox::new();
    let path = story(&sandbox);
    displace_a_persons_version(&sandbox, &path);
    let name = "locks::read_locked_after_a_death_puts_a_persons_version_back_before_it_reads";
    killed_holder(name, &sandbox);
    let read = story::read_locked(&path, &options(PATIENCE).lock).expect("the dead hold nothing");
    assert!(
        read.as_str()
            .is_some_and(|text| text.contains("# A person's heading")),
        "the person's version is read"
    );
    assert_no_leftovers(&sandbox);
}

#[test]
fn update_sweeps_after_a_lock_that_a_power_cut_emptied() {
    for (left, record) in [("nothing", vec![]), ("zeros", vec![0; 512])] {
        let sandbox = Sandbox::new();
        let path = story(&sandbox);
        displace_a_persons_version(&sandbox, &path);
        let lock = File::create(sidecar(&path)).expect("the folder can be written");
        (&lock).write_all(&record).expect("it can be written");
        lock.set_modified(SystemTime::UNIX_EPOCH)
            .expect("before this machine booted");
        let updated = increment(&path).expect("nobody can hold it");
        assert!(
            matches!(
                updated.warnings.as_slice(),
                [Warning::File(locked_file::Warning::Restored { .. })]
            ),
            "{left} in the lock: what its owner left is looked after: {:?}",
            updated.warnings
        );
        assert_no_leftovers(&sandbox);
    }
}

#[test]
fn update_after_a_death_puts_a_persons_version_back_before_it_reads() {
    if is_holder() {
        return;
    }
    let sandbox = Sandbox::new();
    let path = story(&sandbox);
    displace_a_persons_version(&sandbox, &path);
    let name = "locks::update_after_a_death_puts_a_persons_version_back_before_it_reads";
    killed_holder(name, &sandbox);
    let updated = increment(&path).expect("the dead hold nothing");
    assert!(
        matches!(
            updated.warnings.as_slice(),
            [Warning::File(locked_file::Warning::Restored { .. })]
        ),
        "it is told: {:?}",
        updated.warnings
    );
    let text = sandbox.read("story.md");
    assert!(
        text.contains("# A person's heading"),
        "the person's version is the base: {text}"
    );
    assert!(text.contains("retry_count: 1"), "and has the edit: {text}");
    assert_no_leftovers(&sandbox);
}

#[test]
fn read_locked_waits_for_the_writer_at_work() {
    let sandbox = Sandbox::new();
    let path = story(&sandbox);
    let (entered, has_entered) = channel();
    let (go_on, may_go_on) = channel::<()>();
    std::thread::scope(|scope| {
        let path = &path;
        scope.spawn(move || {
            story::update(path, &options(PATIENCE), |story| {
                entered.send(()).expect("the reader is there");
                may_go_on
                    .recv_timeout(PATIENCE)
                    .expect("the reader goes on");
                story.increment("retry_count", 1)
            })
            .expect("nobody else writes");
        });
        has_entered
            .recv_timeout(PATIENCE)
            .expect("the writer begins");
        let before = story::read(path).expect("reading needs no lock");
        assert_eq!(
            get(&before, "retry_count"),
            Some(Value::Int(0)),
            "the old version, whole"
        );
        let refused = story::read_locked(path, &lock_options(Duration::ZERO));
        assert!(
            matches!(
                refused,
                Err(ReadError::Lock(AcquireError::Contended { .. }))
            ),
            "a writer is at work: {refused:?}"
        );
        go_on.send(()).expect("the writer is there");
        let after = story::read_locked(path, &lock_options(PATIENCE)).expect("it is free now");
        assert_eq!(
            get(&after, "retry_count"),
            Some(Value::Int(1)),
            "the new version"
        );
    });
    assert_no_leftovers(&sandbox);
}
