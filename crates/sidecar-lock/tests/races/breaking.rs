//! Locks that are broken by hand, or borrowed from a parent, and their owners' own ways meanwhile.

use super::stage::{Stage, TRY};
use crate::sys::Call;

/// The owner gives the lock back, and another takes it, just before it is broken.
#[test]
fn break_of_a_live_lock_spares_the_successor() {
    let stage = Stage::new();
    let mut first = stage.holder(TRY);
    let order = format!("break {} alive", stage.token());
    let mut breaker = stage.process();
    breaker.begin_to(&order, Call::Exchange);
    assert_eq!(first.run("release"), "released");
    let mut second = stage.holder(TRY);
    assert_eq!(breaker.finish(), "other token", "that lock is gone");
    assert_eq!(second.run("verify"), "held", "the successor's stands");
    assert_eq!(second.run("release"), "released");
    stage.assert_nothing_left();
}

#[test]
fn owner_of_a_broken_lock_notices() {
    let stage = Stage::new();
    let mut first = stage.holder("acquire 0 60000 careless");
    let token = stage.token();
    let mut breaker = stage.process();
    assert_eq!(breaker.run(&format!("break {token}")), "owner alive");
    assert_eq!(breaker.run(&format!("break {token} alive")), "broken");
    stage.assert_nothing_left();
    assert_eq!(first.run("verify"), "lost");
    let mut second = stage.holder(TRY);
    assert_eq!(first.run("release"), "lost", "and removes nothing");
    assert_eq!(second.run("release"), "released");
    stage.assert_nothing_left();
}

/// The owner is about to remove its sidecar when that is broken: the breaker's own has the name for a moment.
#[test]
fn break_meets_the_release_of_the_same_lock() {
    for pause in [Call::Look, Call::Remove] {
        let stage = Stage::new();
        let mut first = stage.holder(TRY);
        let order = format!("break {} alive", stage.token());
        let mut breaker = stage.process();
        first.begin_to("release", Call::Remove);
        breaker.begin_to(&order, Call::Exchange);
        breaker.main().to(pause);
        first.finish();
        let broken = breaker.finish();
        assert!(
            ["broken", "other token"].contains(&broken.as_str()),
            "{broken}"
        );
        stage.assert_nothing_left();
    }
}

#[test]
fn dead_lock_that_is_being_broken_is_not_adopted() {
    let stage = Stage::new();
    stage.leave_dead_sidecar();
    let order = format!("break {}", stage.token());
    let mut breaker = stage.process();
    breaker.begin_to(&order, Call::Remove);
    let mut ours = stage.process();
    assert_eq!(ours.run(TRY), "contended", "it is about to go");
    ours.begin_to(TRY, Call::TryLock);
    assert_eq!(breaker.finish(), "broken");
    assert_eq!(ours.finish(), "acquired", "a new one");
    assert_eq!(ours.run("release"), "released");
    stage.assert_nothing_left();
}

#[test]
fn dead_lock_that_was_adopted_meanwhile_is_not_broken() {
    let stage = Stage::new();
    stage.leave_dead_sidecar();
    let order = format!("break {}", stage.token());
    for pause in [Call::Open, Call::TryLock] {
        let mut breaker = stage.process();
        breaker.begin_to(&order, pause);
        let mut ours = stage.process();
        ours.run(TRY);
        assert_eq!(breaker.finish(), "other token", "paused at {pause:?}");
        assert_eq!(ours.run("verify"), "held");
        ours.crash(&stage);
    }
    stage.assert_next_gets_it();
}

/// Node's folder goes, and another Node's comes, just before it is broken.
#[test]
fn break_of_a_folder_spares_the_next_one() {
    for pause in [Call::OpenFolder, Call::Recheck, Call::Pin] {
        let stage = Stage::new();
        stage.put_folder();
        let order = format!("break {} alive", stage.token());
        let mut breaker = stage.process();
        breaker.begin_to(&order, pause);
        std::fs::remove_dir(stage.sidecar()).unwrap();
        stage.put_folder();
        assert_eq!(breaker.finish(), "other token", "paused at {pause:?}");
        std::fs::remove_dir(stage.sidecar()).expect("it stands, empty");
        stage.assert_nothing_left();
    }
}

#[test]
fn break_meets_another_kind_of_lock() {
    let stage = Stage::new();
    stage.put_file();
    let order = format!("break {} alive", stage.token());
    let mut breaker = stage.process();
    breaker.begin_to(&order, Call::Open);
    stage.remove_sidecar();
    stage.put_folder();
    assert_eq!(breaker.finish(), "other token");
    let order = format!("break {} alive", stage.token());
    breaker.begin_to(&order, Call::OpenFolder);
    std::fs::remove_dir(stage.sidecar()).unwrap();
    stage.put_file();
    assert_eq!(breaker.finish(), "other token");
    let order = format!("break {} alive", stage.token());
    assert_eq!(breaker.run(&order), "broken", "the one that it looked at");
    stage.assert_nothing_left();
}

#[test]
fn child_notices_that_its_parent_has_released() {
    let stage = Stage::new();
    let mut parent = stage.holder(TRY);
    let order = format!("inherit {}", stage.token());
    let mut child = stage.process();
    child.begin_to(&order, Call::Open);
    child.main().reach("Inherited");
    assert_eq!(parent.run("release"), "released");
    let mut other = stage.holder(TRY);
    assert_eq!(
        child.finish(),
        "lost",
        "another one's lock is not its parent's"
    );
    assert_eq!(child.run(&order), "not held");
    assert_eq!(other.run("release"), "released");
    stage.put_folder();
    assert_eq!(child.run(&order), "not held", "a folder is nobody's token");
    std::fs::remove_dir(stage.sidecar()).unwrap();
    stage.assert_nothing_left();
}

#[test]
fn child_whose_parent_releases_during_its_look_has_no_lock() {
    for pause in [Call::Open, Call::TryLockShared, Call::Read] {
        let stage = Stage::new();
        let mut parent = stage.holder(TRY);
        let order = format!("inherit {}", stage.token());
        let mut child = stage.process();
        child.begin_to(&order, pause);
        assert_eq!(parent.run("release"), "released");
        let outcome = child.finish();
        assert_ne!(outcome, "held", "paused at {pause:?}");
        stage.assert_nothing_left();
    }
}
