//! Passing the lock on to a waiter, and waiters that come, go and die meanwhile.

use super::process::{Process, Said, Thread};
use super::stage::{Stage, TRY, WAIT};
use crate::sys::{self, Call};

/// Gives up after a moment, long enough to be led to its place in the queue.
const BRIEFLY: &str = "acquire 1000 60000";

/// A process that waits in the queue, with its helper asleep there.
fn waiter(stage: &Stage, order: &str) -> Process {
    let mut waiter = stage.process();
    waiter.begin_freely(order);
    stage.wait_for_waiters(1);
    waiter
}

/// The same, with its helper under control: it sleeps in the queue.
fn waiter_and_helper(stage: &Stage, order: &str) -> (Process, Thread) {
    let mut waiter = stage.process();
    waiter.watch("queue");
    waiter.begin_to(order, Call::Register);
    waiter.main().let_go();
    let mut helper = waiter.thread();
    assert_eq!(helper.at(), Some("LockBlocking"));
    helper.let_go();
    stage.wait_for_waiters(1);
    (waiter, helper)
}

#[test]
fn waiter_gets_the_sidecar_and_the_last_one_removes_it() {
    let stage = Stage::new();
    let mut first = stage.holder(TRY);
    let mut second = waiter(&stage, WAIT);
    first.begin_to("release", Call::Write);
    first.main().to(Call::Unlock);
    assert_eq!(first.finish(), "released", "it is marked, not removed");
    assert_eq!(second.outcome(), "acquired", "a hand-over is no crash");
    second.begin_to("release", Call::Remove);
    assert_eq!(second.finish(), "released");
    stage.assert_nothing_left();
}

/// The owner saw nobody, and removes the sidecar; the waiter is granted a file that is gone.
#[test]
fn waiter_that_registers_after_the_look_begins_anew() {
    let stage = Stage::new();
    let mut first = stage.holder(TRY);
    let mut late = stage.process();
    late.begin_to(WAIT, Call::Register);
    first.begin_to("release", Call::Remove);
    late.main().let_go();
    stage.wait_for_waiters(1);
    assert_eq!(first.finish(), "released");
    assert_eq!(late.finish(), "acquired");
    assert_eq!(late.run("release"), "released");
    stage.assert_nothing_left();
}

/// The owner saw a waiter, marks the sidecar and keeps it; the waiter goes away, with its process.
#[test]
fn last_waiter_leaves_while_the_owner_hands_over() {
    for until in [Call::Write, Call::Unlock] {
        let stage = Stage::new();
        let mut first = stage.holder(TRY);
        let mut leaving = waiter(&stage, BRIEFLY);
        first.begin_to("release", until);
        assert_eq!(leaving.outcome(), "contended", "its time is up");
        leaving.exit();
        first.main().to(Call::TryLock);
        first.main().to(Call::Remove);
        assert_eq!(first.finish(), "released", "it looked again");
        stage.assert_nothing_left();
    }
}

/// The same, but the process lives: its helper is granted when nobody wants it any more, and cleans up.
#[test]
fn helper_that_is_granted_too_late_cleans_up() {
    let stage = Stage::new();
    let mut first = stage.holder(TRY);
    let (mut leaving, mut helper) = waiter_and_helper(&stage, BRIEFLY);
    first.begin_to("release", Call::Unlock);
    leaving.main().expect_at(Call::Look);
    assert_eq!(leaving.finish(), "contended", "its time is up");
    assert_eq!(
        first.main().step(),
        Said::At("AskRegistered".into()),
        "it looks again"
    );
    assert_eq!(helper.next(), Said::At("Granted".into()));
    assert_eq!(first.finish(), "released", "the heir has it");
    helper.to(Call::Remove);
    assert_eq!(stage.names(), ["story.md.lock"], "not yet removed");
    helper.to(Call::Unlock);
    helper.free();
    stage.assert_nothing_left();
}

/// And while that helper cleans up, its process comes back.
#[test]
fn place_whose_helper_passes_the_lock_on_is_not_taken_over() {
    let stage = Stage::new();
    let mut first = stage.holder(TRY);
    let (mut leaving, mut helper) = waiter_and_helper(&stage, BRIEFLY);
    first.begin_to("release", Call::Unlock);
    leaving.main().expect_at(Call::Look);
    assert_eq!(leaving.finish(), "contended", "its time is up");
    first.main().step();
    assert_eq!(helper.next(), Said::At("Granted".into()));
    assert_eq!(first.finish(), "released", "the heir has it");
    helper.to(Call::AskRegistered);
    // It comes back: registers anew, with another helper.
    leaving.begin_to(WAIT, Call::Register);
    leaving.main().let_go();
    let mut other_helper = leaving.thread();
    other_helper.free();
    stage.wait_for_waiters(1);
    helper.to(Call::Write);
    helper.free();
    assert_eq!(leaving.finish(), "acquired", "from its own helper");
    assert_eq!(leaving.run("release"), "released");
    stage.assert_nothing_left();
}

/// Short limits do not pile helpers up: the next wait takes the abandoned place over.
#[test]
fn next_wait_takes_the_abandoned_place_over() {
    let stage = Stage::new();
    let mut first = stage.holder(TRY);
    let (mut waiter, mut helper) = waiter_and_helper(&stage, BRIEFLY);
    waiter.main().expect_at(Call::Look);
    assert_eq!(waiter.finish(), "contended");
    waiter.begin_to(WAIT, Call::Register);
    waiter.main().let_go();
    stage.wait_for_registration();
    first.begin_to("release", Call::Write);
    assert_eq!(first.finish(), "released", "it saw the waiter");
    assert_eq!(
        helper.next(),
        Said::At("Granted".into()),
        "the helper of the first wait is granted"
    );
    helper.free();
    assert_eq!(waiter.finish(), "acquired", "for the second");
    assert_eq!(waiter.run("release"), "released");
    stage.assert_nothing_left();
}

#[test]
fn grant_that_comes_with_the_deadline_is_passed_on() {
    let stage = Stage::new();
    let mut first = stage.holder(TRY);
    let (mut leaving, mut helper) = waiter_and_helper(&stage, BRIEFLY);
    leaving.main().expect_at(Call::Look);
    assert_eq!(first.run("release"), "released", "it saw the waiter");
    assert_eq!(helper.next(), Said::At("Granted".into()));
    helper.free();
    assert_eq!(leaving.finish(), "contended", "the time was up");
    testkit::wait_until("the grant is passed on", super::stage::PATIENCE, || {
        stage.names().is_empty()
    });
    stage.assert_next_gets_it();
}

/// A person deletes the sidecar, another takes the lock, and then the waiter of the deleted one is granted.
#[test]
fn heir_of_a_deleted_sidecar_owns_nothing() {
    let stage = Stage::new();
    let mut first = stage.holder("acquire 0 60000 careless");
    let mut heir = stage.process();
    heir.begin_to(WAIT, Call::Register);
    heir.main().let_go();
    stage.wait_for_waiters(1);
    stage.remove_sidecar();
    let mut third = stage.holder(TRY);
    assert_eq!(first.run("release"), "lost");
    heir.main().expect_at(Call::Unregister);
    heir.main().to(Call::Register);
    heir.main().let_go();
    stage.wait_for_waiters(1);
    assert_eq!(third.run("release"), "released");
    assert_eq!(heir.finish(), "acquired");
    assert_eq!(heir.run("release"), "released");
    stage.assert_nothing_left();
}

/// Between the owner's second look and its kernel lock the heir has come, gone, and a third has published.
#[test]
fn second_look_removes_no_successors_lock() {
    let stage = Stage::new();
    let mut first = stage.holder(TRY);
    let leaving = waiter(&stage, WAIT);
    first.begin_to("release", Call::Unlock);
    leaving.crash(&stage);
    first.main().to(Call::TryLock);
    let mut heir = stage.process();
    assert_eq!(heir.run(TRY), "acquired", "the sidecar says: released");
    assert_eq!(heir.run("release"), "released");
    let mut third = stage.holder(TRY);
    assert_eq!(first.finish(), "released");
    assert_eq!(third.run("verify"), "held", "the third one's lock stands");
    assert_eq!(third.run("release"), "released");
    stage.assert_nothing_left();
}

/// Somebody inspects while the owner looks again: a shared lock is no heir.
#[test]
fn inspection_is_not_taken_for_an_heir() {
    let stage = Stage::new();
    let mut first = stage.holder(TRY);
    let leaving = waiter(&stage, WAIT);
    first.begin_to("release", Call::Unlock);
    leaving.crash(&stage);
    first.main().to(Call::TryLock);
    let mut looker = stage.process();
    looker.begin_to("inspect", Call::UnlockShared);
    first.main().to(Call::TryLockShared);
    first.main().to(Call::TryLock);
    assert_eq!(looker.finish(), "leftover", "that is how it looks now");
    first.main().to(Call::Remove);
    assert_eq!(first.finish(), "released");
    stage.assert_nothing_left();
}

#[test]
fn single_attempt_does_not_fail_because_somebody_inspects() {
    let stage = Stage::new();
    stage.leave_dead_sidecar();
    let mut looker = stage.process();
    looker.begin_to("inspect", Call::UnlockShared);
    let mut ours = stage.process();
    ours.begin_to(TRY, Call::TryLock);
    ours.main().to(Call::TryLockShared);
    ours.main().to(Call::TryLock);
    assert_eq!(looker.finish(), "leftover");
    assert_eq!(ours.finish(), "acquired from the dead");
    assert_eq!(ours.run("release"), "released");
    stage.assert_nothing_left();
}

/// Chosen by the kernel, and killed before it knew: the owner looks once more, a moment later.
#[test]
fn heir_that_dies_being_granted_is_cleaned_up_a_moment_later() {
    let stage = Stage::new();
    let mut first = stage.process();
    first.watch("keeper");
    assert_eq!(first.run(TRY), "acquired");
    let (heir, mut helper) = waiter_and_helper(&stage, WAIT);
    assert_eq!(first.run("release"), "released", "handed over");
    assert_eq!(helper.next(), Said::At("Granted".into()));
    let mut keeper = first.thread();
    assert_eq!(keeper.at(), Some("Open"), "the look a moment later");
    heir.crash(&stage);
    assert_eq!(stage.names(), ["story.md.lock"], "nobody owns it");
    keeper.to(Call::Remove);
    keeper.to(Call::Unlock);
    keeper.free();
    stage.assert_nothing_left();
}

/// The same without the look: the next one adopts it, and calls nobody crashed who had released.
#[test]
fn heir_that_dies_being_granted_is_replaced_by_the_next() {
    let stage = Stage::new();
    let mut first = stage.process();
    first.watch("keeper");
    assert_eq!(first.run(TRY), "acquired");
    let (heir, mut helper) = waiter_and_helper(&stage, WAIT);
    assert_eq!(first.run("release"), "released", "handed over");
    assert_eq!(helper.next(), Said::At("Granted".into()));
    heir.crash(&stage);
    let keeper = first.thread();
    assert_eq!(keeper.at(), Some("Open"), "it has not looked yet");
    let mut next = stage.process();
    assert_eq!(next.run(TRY), "acquired");
    assert_eq!(next.run("release"), "released");
    stage.assert_nothing_left();
}

/// The look a moment later finds a released record; before its kernel lock somebody adopts it, and crashes.
#[test]
fn look_afterwards_leaves_a_crash_to_be_reported() {
    let stage = Stage::new();
    let mut first = stage.process();
    first.watch("keeper");
    assert_eq!(first.run(TRY), "acquired");
    let heir = waiter(&stage, WAIT);
    first.begin_to("release", Call::Unlock);
    heir.crash(&stage);
    // As if the heir had died right after the second look: it had the lock, or was registered.
    first.main().to(Call::TryLock);
    let mut short = stage.process();
    short.begin_to("inspect", Call::UnlockShared);
    for _ in 0..20 {
        first.main().to(Call::TryLockShared);
    }
    assert_eq!(first.finish(), "released", "it believes in an heir");
    short.finish();
    let mut keeper = first.thread();
    keeper.to(Call::TryLock);
    let crashing = stage.holder(TRY);
    crashing.crash(&stage);
    keeper.to(Call::Unlock);
    keeper.free();
    let mut next = stage.process();
    assert_eq!(
        next.run(WAIT),
        "acquired from the dead",
        "the crash is not hidden"
    );
    assert_eq!(next.run("release"), "released");
    stage.assert_nothing_left();
}

/// The run of hand-overs is over: the sidecar goes, and the head of its queue keeps the others asleep.
#[test]
fn removed_sidecars_queue_sleeps_until_its_head_has_published() {
    let stage = Stage::new();
    let mut first = stage.holder("acquire 0 0");
    let mut second = stage.process();
    second.begin_to(WAIT, Call::Register);
    second.main().let_go();
    stage.wait_for_waiters(1);
    let mut third = stage.process();
    third.begin_to(WAIT, Call::Register);
    third.main().let_go();
    stage.wait_for_waiters(2);
    let (removed, _) = sys::open_existing(&sys::Name::open(stage.sidecar()).unwrap()).unwrap();
    assert_eq!(first.run("release"), "released", "removed, though two wait");
    second.main().expect_at(Call::Unregister);
    second.main().to(Call::Link);
    assert!(
        !sys::try_lock_shared(&removed).unwrap(),
        "the others of the removed sidecar's queue still sleep"
    );
    second.main().to(Call::Unlock);
    assert_eq!(second.finish(), "acquired");
    third.main().expect_at(Call::Unregister);
    third.main().to(Call::Register);
    third.main().let_go();
    stage.wait_for_waiters(1);
    assert_eq!(second.run("release"), "released");
    assert_eq!(third.finish(), "acquired", "they follow one by one");
    assert_eq!(third.run("release"), "released");
    stage.assert_nothing_left();
}

/// The head of the removed sidecar's queue dies before it has published: the kernel wakes the next.
#[test]
fn head_of_a_removed_sidecars_queue_dies_and_the_next_follows() {
    let stage = Stage::new();
    let mut first = stage.holder("acquire 0 0");
    let mut second = stage.process();
    second.begin_to(WAIT, Call::Register);
    second.main().let_go();
    stage.wait_for_waiters(1);
    let mut third = stage.process();
    third.begin_freely(WAIT);
    stage.wait_for_waiters(2);
    assert_eq!(first.run("release"), "released");
    second.main().expect_at(Call::Unregister);
    second.main().to(Call::Link);
    second.crash(&stage);
    assert_eq!(third.outcome(), "acquired");
    assert_eq!(third.run("release"), "released");
    stage.assert_nothing_left();
}
