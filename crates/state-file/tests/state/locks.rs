//! The lock itself: held for other work, given on, lost, taken over.

use std::convert::Infallible;
use std::fs;
use std::time::Duration;

use json_text::JsonText;
use sidecar_lock::AcquireError;
use state_file::{UpdateError, UpdateOptions, WithLockError, with_file_lock};
use testkit::{ForeignLock, Sandbox, set_age};

use crate::support::{
    PATIENCE, STATE, add_one, assert_no_leftovers, counted, increment, options, sidecar, state,
};

#[test]
fn work_under_the_lock_keeps_others_out_and_gives_its_value() {
    let sandbox = Sandbox::new();
    let path = state(&sandbox);
    let done = with_file_lock(&path, &options(PATIENCE), |lock| {
        assert_eq!(lock.path(), path, "the file is told");
        lock.verify().expect("it is held");
        std::thread::scope(|scope| {
            let other = scope
                .spawn(|| state_file::edit(&path, &options(Duration::ZERO), add_one).map(|_| ()));
            other.join().expect("no panic")
        })
    })
    .expect("it is held to the end");
    assert!(
        matches!(
            done.value,
            Err(UpdateError::Lock(AcquireError::Contended { .. }))
        ),
        "another is kept out: {:?}",
        done.value
    );
    assert_eq!(
        (done.path, sandbox.read("state.json")),
        (path, STATE.to_owned()),
        "as it was"
    );
    assert_no_leftovers(&sandbox);
}

#[test]
fn changes_inside_the_work_go_under_its_lock_by_its_token() {
    let sandbox = Sandbox::new();
    let path = state(&sandbox);
    let done = with_file_lock(&path, &options(PATIENCE), |lock| {
        let waiting_for_oneself = increment(&path);
        assert!(
            matches!(
                waiting_for_oneself,
                Err(UpdateError::Lock(AcquireError::Nested { .. }))
            ),
            "refused at once: {waiting_for_oneself:?}"
        );
        state_file::edit(&path, &lock.options(), add_one).expect("it is our own lock");
        state_file::edit_optimistic(&path, &lock.options(), add_one).expect("here, too");
        lock.token().to_owned()
    })
    .expect("it is held to the end");
    assert_eq!(sandbox.read("state.json"), counted(9), "both are there");
    let outlived = UpdateOptions {
        inherited_token: Some(done.value),
        ..options(PATIENCE)
    };
    let refused = state_file::edit(&path, &outlived, add_one).expect_err("that lock is gone");
    assert!(matches!(refused, UpdateError::Inherit(_)), "{refused:?}");
    assert_no_leftovers(&sandbox);
}

#[test]
fn lock_lost_during_the_work_is_an_error_that_carries_its_value() {
    let sandbox = Sandbox::new();
    let path = state(&sandbox);
    let lost = with_file_lock(&path, &options(PATIENCE), |lock| {
        fs::remove_file(sidecar(&path)).expect("the vandal finds it");
        assert!(lock.verify().is_err(), "who looks can know it");
        "what was found out"
    });
    let err = lost.expect_err("somebody may have come in between");
    assert!(!err.is_retryable(), "it has run: its author must decide");
    let WithLockError::Lost {
        path: of, value, ..
    } = err
    else {
        panic!("it is lost: {err:?}");
    };
    assert_eq!(
        (of, value),
        (path, "what was found out"),
        "nothing is lost but the lock"
    );
}

#[test]
fn work_does_not_run_without_the_lock() {
    let sandbox = Sandbox::new();
    let path = state(&sandbox);
    let _held = ForeignLock::file(&sidecar(&path)).expect("the lock is free");
    let refused = with_file_lock(&path, &options(Duration::ZERO), |_| {
        panic!("somebody else holds it")
    });
    let err = refused.expect_err("somebody else holds it");
    assert!(err.is_retryable(), "they may be done later: {err:?}");
    assert!(
        err.to_string().contains("locked by another process"),
        "{err}"
    );
}

#[test]
fn lock_of_a_file_that_is_not_there_can_be_held() {
    let sandbox = Sandbox::new();
    let done = with_file_lock(&sandbox.join("state.json"), &options(PATIENCE), |_| 5);
    assert_eq!(done.expect("its folder is there").value, 5, "it ran");
    assert_no_leftovers(&sandbox);
}

#[test]
fn stale_lock_of_another_tool_is_taken_over_and_that_is_told() {
    let nothing = |_: &mut JsonText| Ok::<_, Infallible>(());
    let sandbox = Sandbox::new();
    let path = state(&sandbox);
    let mut options = options(PATIENCE);
    options.lock.stale_after = Some(Duration::from_millis(200));
    let leave_a_lock = || {
        let left = sandbox.write("state.json.lock", "left\n");
        set_age(&left, Duration::from_hours(1));
    };
    leave_a_lock();
    let updated = state_file::edit(&path, &options, nothing).expect("it is stale");
    assert!(updated.took_over.is_some(), "under the lock: {updated:?}");
    leave_a_lock();
    let updated = state_file::edit_optimistic(&path, &options, nothing).expect("it is stale");
    assert!(updated.took_over.is_some(), "optimistic: {updated:?}");
    leave_a_lock();
    let done = with_file_lock(&path, &options, |_| ()).expect("it is stale");
    assert!(done.took_over.is_some(), "any work: {done:?}");
    assert_no_leftovers(&sandbox);
}
