//! Giving the lock back, and those who come meanwhile.

use std::fs;

use super::stage::{Stage, TRY, WAIT};
use crate::sys::Call;

#[test]
fn removing_comes_before_unlocking() {
    let stage = Stage::new();
    let mut first = stage.holder(TRY);
    let mut second = stage.process();
    first.begin_to("release", Call::Remove);
    assert_eq!(
        second.run(TRY),
        "contended",
        "whoever is about to remove the sidecar still has the lock"
    );
    first.main().to(Call::Unlock);
    assert_eq!(second.run(TRY), "acquired", "the name is free");
    assert_eq!(first.finish(), "released");
    assert_eq!(second.run("verify"), "held", "the successor's lock stands");
    assert_eq!(second.run("release"), "released");
    stage.assert_nothing_left();
}

/// A person deletes the sidecar, another takes the lock, and the first comes back.
#[test]
fn owner_whose_sidecar_was_replaced_removes_nothing() {
    let stage = Stage::new();
    let mut first = stage.holder("acquire 0 60000 careless");
    stage.remove_sidecar();
    assert_eq!(first.run("verify"), "lost", "it is told before it commits");
    let mut second = stage.holder(TRY);
    assert_eq!(
        first.run("verify"),
        "lost",
        "also when another stands there"
    );
    assert_eq!(first.run("release"), "lost", "and when it releases");
    assert_eq!(second.run("verify"), "held", "the successor's lock stands");
    assert_eq!(second.run("release"), "released");
    stage.assert_nothing_left();
}

/// The keeper has taken note of a lock, and comes to it when it is released.
#[test]
fn heartbeat_after_the_release_touches_no_successor() {
    let stage = Stage::new();
    let mut first = stage.process();
    first.watch("keeper");
    assert_eq!(first.run("acquire 0 60000 hasty"), "acquired");
    let mut keeper = first.thread();
    assert_eq!(keeper.at(), Some("Touch"), "it is about to refresh it");
    assert_eq!(first.run("release"), "released");
    let mut second = stage.holder(TRY);
    testkit::set_age(stage.sidecar(), std::time::Duration::from_millis(500));
    let before = fs::metadata(stage.sidecar()).unwrap().modified().unwrap();
    keeper.free();
    assert_eq!(first.run("inspect"), "held", "the successor's");
    let after = fs::metadata(stage.sidecar()).unwrap().modified().unwrap();
    assert_eq!(before, after, "the successor's sidecar is another file");
    assert_eq!(second.run("release"), "released");
    stage.assert_nothing_left();
}

/// A child has a copy of every descriptor between fork and exec.
#[test]
fn child_that_keeps_the_open_sidecar_keeps_no_lock() {
    let stage = Stage::new();
    let mut first = stage.holder(TRY);
    first.run("lend");
    first.begin_to("release", Call::Unlock);
    let mut waiter = stage.process();
    assert_eq!(waiter.run(TRY), "acquired", "the sidecar is gone");
    assert_eq!(first.finish(), "released");
    assert_eq!(waiter.run("release"), "released");
    stage.assert_nothing_left();
}

/// The same when the sidecar is handed over: the kernel lock has to be free for the heir.
#[test]
fn child_that_keeps_the_open_sidecar_does_not_keep_it_from_the_heir() {
    let stage = Stage::new();
    let mut first = stage.holder(TRY);
    first.run("lend");
    let mut heir = stage.process();
    heir.begin_to(WAIT, Call::Register);
    heir.main().free();
    stage.wait_for_waiters(1);
    assert_eq!(first.run("release"), "released");
    assert_eq!(heir.outcome(), "acquired", "though the child lives");
    assert_eq!(heir.run("release"), "released");
    stage.assert_nothing_left();
}

/// A child of one who waited once keeps the open file whose registration said so.
#[test]
fn child_of_a_former_waiter_keeps_no_registration() {
    let stage = Stage::new();
    let mut first = stage.holder(TRY);
    let [mut second, mut third] = [stage.process(), stage.process()];
    second.begin_freely(WAIT);
    stage.wait_for_waiters(1);
    third.begin_freely(WAIT);
    stage.wait_for_waiters(2);
    assert_eq!(first.run("release"), "released");
    assert_eq!(second.outcome(), "acquired");
    second.run("lend");
    assert_eq!(second.run("release"), "released");
    assert_eq!(third.outcome(), "acquired");
    third.begin_to("release", Call::AskRegistered);
    third.main().to(Call::Remove);
    assert_eq!(third.finish(), "released", "nobody waits any more");
    stage.assert_nothing_left();
}
