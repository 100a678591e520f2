//! Others who do not know our lock, or remove it, while a session is under way.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use atomic_file::{Original, ReadError, create_resolved};
use locked_file::{Interference, Session, SessionError, Terms, Told};
use testkit::{LegacyWriter, Sandbox};

use crate::{PATIENCE, waiting};

const MAX: u64 = 1000;

/// Appends a word to a file, or creates it; `meanwhile` is what others do between the read and the commit of each try.
fn append(
    path: &Path,
    word: &str,
    timeout: Duration,
    mut meanwhile: impl FnMut(u32),
) -> Result<Told, SessionError> {
    let options = waiting(timeout);
    let mut session = Session::new(path, Terms::with(&options))?;
    let mut lock = session.acquire()?;
    for number in 1.. {
        let original = match Original::read_resolved(lock.resolved(), MAX) {
            Ok(original) => Some(original),
            Err(ReadError::NotFound { .. }) => None,
            Err(err) => panic!("it can be read: {err}"),
        };
        let bytes = original.as_ref().map_or(&b""[..], Original::bytes);
        let after = [bytes, word.as_bytes()].concat();
        let commit = session.commit_options();
        let committed = if let Some(original) = original {
            let staged = original.stage(&after, &commit).expect("there is room");
            meanwhile(number);
            lock.guarding(|| staged.commit())
        } else {
            meanwhile(number);
            lock.guarding(|| create_resolved(lock.resolved(), &after, &commit))
        };
        match session.judge(committed)? {
            None => break,
            Some(interference) => lock = session.go_on(lock, interference)?,
        }
    }
    session.release(lock);
    Ok(session.done())
}

fn assert_tidy(sandbox: &Sandbox) {
    let left = testkit::leftovers(sandbox.path());
    assert!(left.is_empty(), "nothing is left behind: {left:?}");
}

fn sidecar(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}

#[test]
fn session_begins_again_on_what_somebody_saved_meanwhile() {
    let sandbox = Sandbox::new();
    let path = sandbox.write("log", "mine ");
    let editor = LegacyWriter::new(&path);
    let told = append(&path, "ours", PATIENCE, |number| {
        if number == 1 {
            editor.save_by_rename("theirs ");
        }
    })
    .expect("the second try succeeds");
    assert_eq!(told.reruns, 1, "one rerun, and it is told");
    assert_eq!(sandbox.read("log"), "theirs ours", "both changes are there");
    assert_tidy(&sandbox);
}

#[test]
fn session_begins_again_when_somebody_creates_the_file_meanwhile() {
    let sandbox = Sandbox::new();
    let path = sandbox.join("log");
    let told = append(&path, "ours", PATIENCE, |number| {
        if number == 1 {
            sandbox.write("log", "theirs ");
        }
    })
    .expect("the second try succeeds");
    assert_eq!(told.reruns, 1, "one rerun, and it is told");
    assert_eq!(sandbox.read("log"), "theirs ours", "both changes are there");
    assert_tidy(&sandbox);
}

#[test]
fn session_takes_the_lock_anew_when_it_was_removed() {
    let sandbox = Sandbox::new();
    let path = sandbox.write("log", "");
    let told = append(&path, "ours", PATIENCE, |number| {
        if number == 1 {
            fs::remove_file(sidecar(&path)).expect("the lock is there");
            sandbox.write("log", "theirs ");
        }
    })
    .expect("the second try succeeds");
    assert_eq!(told.reruns, 1, "one rerun, and it is told");
    assert!(
        told.warnings.is_empty(),
        "no word about the lost one: {told:?}"
    );
    assert_eq!(
        sandbox.read("log"),
        "theirs ours",
        "nothing was written without a lock"
    );
    assert_tidy(&sandbox);
}

#[test]
fn session_gives_up_after_three_reruns_when_the_time_is_over() {
    let sandbox = Sandbox::new();
    let path = sandbox.write("log", "");
    let editor = LegacyWriter::new(&path);
    let mut tries = 0;
    let refused = append(&path, "ours", Duration::ZERO, |number| {
        tries = number;
        editor.save_by_rename(&format!("version {number}"));
    })
    .expect_err("there is no end to it");
    assert!(
        matches!(refused, SessionError::Conflict { reruns: 3, .. }),
        "{refused:?}"
    );
    assert!(refused.is_retryable(), "later it may succeed");
    assert!(!refused.is_committed(), "nothing of ours is in place");
    assert_eq!(tries, 4, "three retries, even where the time is up at once");
    assert_eq!(sandbox.read("log"), "version 4", "theirs stands");
    assert_tidy(&sandbox);
}

#[test]
fn session_gives_up_when_its_lock_is_removed_again_and_again() {
    let sandbox = Sandbox::new();
    let path = sandbox.write("log", "before");
    let refused = append(&path, "ours", Duration::ZERO, |_| {
        fs::remove_file(sidecar(&path)).expect("the lock is there");
    })
    .expect_err("there is no end to it");
    assert!(
        matches!(refused, SessionError::LockLost { .. }),
        "{refused:?}"
    );
    assert_eq!(sandbox.read("log"), "before", "nothing of ours is in place");
    assert_tidy(&sandbox);
}

#[test]
fn judge_says_of_a_file_that_changed_that_the_next_try_is_to_be_made() {
    let sandbox = Sandbox::new();
    let path = sandbox.write("log", "");
    let options = waiting(PATIENCE);
    let mut session = Session::new(&path, Terms::with(&options)).expect("its folder is there");
    let changed = atomic_file::CommitError::Changed { path };
    let judged = session.judge(Err(changed)).expect("this is no failure");
    assert!(
        matches!(judged, Some(Interference::Changed)),
        "the try was in vain: {judged:?}"
    );
}
