//! The folder goes under a waiter, as `git checkout` and `git clean` make it: it held nothing, and begins anew.

use std::fs;

use super::stage::{Stage, TRY, WAIT};
use crate::sys::Call;

/// What a process on its way to a free lock calls, with and without files that have no name.
const CALLS: [Call; 5] = [
    Call::Look,
    Call::CreateNameless,
    Call::TryLock,
    Call::Write,
    Call::Link,
];

#[test]
fn folder_made_anew_before_the_lock_is_taken_is_the_one_that_is_locked() {
    for call in CALLS {
        let stage = Stage::new();
        let mut ours = stage.process();
        ours.begin_to(TRY, call);
        fs::remove_dir_all(stage.lock.folder()).unwrap();
        fs::create_dir(stage.lock.folder()).unwrap();
        assert_eq!(ours.finish(), "acquired", "removed before {call:?}");
        assert!(stage.sidecar().exists(), "where others look for it");
        assert_eq!(ours.run("release"), "released");
        stage.assert_nothing_left();
    }
}

#[test]
fn folder_removed_before_the_lock_is_taken_is_called_missing() {
    for call in CALLS {
        let stage = Stage::new();
        let mut ours = stage.process();
        ours.begin_to(TRY, call);
        fs::remove_dir_all(stage.lock.folder()).unwrap();
        let outcome = ours.finish();
        assert!(
            outcome.starts_with("error NoSuchFolder"),
            "removed before {call:?}: {outcome}"
        );
    }
}

/// The owner is still there and has the removed sidecar locked; who waited in its queue goes where others will look.
#[test]
fn waiter_whose_folder_was_made_anew_goes_on_there() {
    let stage = Stage::new();
    let mut first = stage.holder("acquire 0 60000 careless");
    let mut second = stage.process();
    second.begin_freely(WAIT);
    stage.wait_for_waiters(1);
    fs::remove_dir_all(stage.lock.folder()).unwrap();
    fs::create_dir(stage.lock.folder()).unwrap();
    assert_eq!(first.run("release"), "lost", "its sidecar was removed");
    assert_eq!(second.outcome(), "acquired");
    assert!(stage.sidecar().exists(), "where others look for it");
    assert_eq!(second.run("release"), "released");
    stage.assert_nothing_left();
}
