//! Thinking without the lock: rounds that are lost, and the one that cannot be.

use std::cell::Cell;
use std::time::Duration;

use state_file::UpdateError;
use testkit::{ForeignLock, LegacyWriter, Sandbox};

use crate::support::{
    Counter, PATIENCE, STATE, add_one, assert_no_leftovers, counted, counter, increment, options,
    sidecar, state,
};

#[test]
fn thinking_keeps_nobody_out_and_a_lost_round_is_told() {
    let sandbox = Sandbox::new();
    let path = state(&sandbox);
    let rounds = Cell::new(0);
    let updated = counter(&path)
        .update_optimistic(&options(PATIENCE), |value| {
            rounds.set(rounds.get() + 1);
            if rounds.get() == 1 {
                increment(&path).expect("nobody is kept out while somebody thinks");
            }
            Counter {
                count: value.count * 10,
            }
        })
        .expect("the second round succeeds");
    assert_eq!((rounds.get(), updated.lost_rounds), (2, 1), "one was lost");
    assert!(
        updated.waited >= Duration::from_millis(10),
        "and the pause before the next one is told"
    );
    assert_eq!(
        sandbox.read("state.json"),
        counted(80),
        "thought out anew for what is there: 7, then 8, then 80"
    );
    assert_no_leftovers(&sandbox);
}

#[test]
fn round_that_nobody_disturbs_is_not_lost() {
    let sandbox = Sandbox::new();
    let path = state(&sandbox);
    let updated = state_file::edit_optimistic(&path, &options(PATIENCE), add_one);
    let updated = updated.expect("nobody is there");
    assert_eq!((updated.value, updated.lost_rounds), (8, 0), "at once");
    assert_eq!(updated.before.as_deref(), Some(STATE.as_bytes()), "before");
    assert_eq!(updated.after.as_str(), counted(8), "after");
    assert_eq!(sandbox.read("state.json"), counted(8), "in the file");
}

#[test]
fn after_three_lost_rounds_the_last_is_made_under_the_lock() {
    let sandbox = Sandbox::new();
    let path = state(&sandbox);
    let held: Cell<Vec<bool>> = Cell::default();
    let updated = state_file::edit_optimistic(&path, &options(PATIENCE), |text| {
        let mut seen = held.take();
        seen.push(sidecar(&path).exists());
        if !sidecar(&path).exists() {
            increment(&path).expect("somebody is faster each time that they can be");
        }
        held.set(seen);
        add_one(text)
    })
    .expect("the fourth round cannot be lost");
    assert_eq!(
        held.take(),
        [false, false, false, true],
        "three rounds without the lock, one with it"
    );
    assert_eq!(updated.lost_rounds, 3, "they are told");
    assert_eq!(
        (updated.value, sandbox.read("state.json")),
        (11, counted(11)),
        "all four"
    );
    assert_no_leftovers(&sandbox);
}

#[test]
fn lost_round_when_the_time_is_up_is_a_conflict_with_both_versions() {
    let sandbox = Sandbox::new();
    let path = state(&sandbox);
    let seen = counter(&path).read().expect("it is readable");
    let lost = counter(&path)
        .update_optimistic(&options(Duration::ZERO), |value| {
            increment(&path).expect("somebody is faster");
            Counter {
                count: value.count * 10,
            }
        })
        .expect_err("there is no time for another round");
    let now = counter(&path).read().expect("it is readable");
    let UpdateError::Conflict {
        expected, found, ..
    } = &lost
    else {
        panic!("a conflict: {lost:?}");
    };
    assert_eq!(
        (expected, found),
        (&seen.version, &now.version),
        "what was thought for, and what is there"
    );
    assert!(lost.is_retryable(), "later it may succeed");
    assert_eq!(sandbox.read("state.json"), counted(8), "theirs stands");
    assert_no_leftovers(&sandbox);
}

#[test]
fn change_by_somebody_without_the_lock_is_a_lost_round_too() {
    let sandbox = Sandbox::new();
    let path = state(&sandbox);
    let editor = LegacyWriter::new(&path);
    let rounds = Cell::new(0);
    let updated = state_file::edit_optimistic(&path, &options(PATIENCE), |text| {
        rounds.set(rounds.get() + 1);
        if rounds.get() == 1 {
            editor.save_by_rename(&counted(50));
        }
        add_one(text)
    })
    .expect("the second round succeeds");
    assert_eq!(updated.lost_rounds, 1, "it is told");
    assert_eq!(
        sandbox.read("state.json"),
        counted(51),
        "on what they wrote"
    );
    assert_no_leftovers(&sandbox);
}

#[test]
fn file_removed_while_thinking_is_not_found_and_not_resurrected() {
    let sandbox = Sandbox::new();
    let path = state(&sandbox);
    let refused = state_file::edit_optimistic(&path, &options(PATIENCE), |text| {
        std::fs::remove_file(&path).ok();
        add_one(text)
    })
    .expect_err("there is nothing to change");
    assert!(refused.is_not_found(), "{refused:?}");
    assert!(!path.exists(), "a removed file stays removed");
    assert_no_leftovers(&sandbox);
}

#[test]
fn lock_that_another_keeps_ends_the_rounds_at_the_limit() {
    let sandbox = Sandbox::new();
    let path = state(&sandbox);
    let held = ForeignLock::file(&sidecar(&path)).expect("the lock is free");
    let refused = state_file::edit_optimistic(&path, &options(Duration::from_millis(50)), add_one)
        .expect_err("nobody gets past a lock");
    assert!(
        matches!(refused, UpdateError::Lock(_)) && refused.is_retryable(),
        "{refused:?}"
    );
    drop(held);
    assert_eq!(sandbox.read("state.json"), STATE, "nothing was written");
}
