//! The sidecar of a dead owner, and several who want it.

use rustix::io::Errno;

use super::stage::{Stage, TRY};
use crate::sys::Call;

#[test]
fn two_adopt_one_dead_owners_record_and_one_wins() {
    let stage = Stage::new();
    stage.leave_dead_sidecar();
    let mut first = stage.process();
    let mut second = stage.process();
    first.begin_to(TRY, Call::TryLock);
    second.begin_to(TRY, Call::TryLock);
    first.main().to(Call::Write);
    assert_eq!(second.finish(), "contended", "one of them is adopting it");
    assert_eq!(first.finish(), "acquired from the dead");
    assert_eq!(second.run(TRY), "contended", "and has it");
    assert_eq!(first.run("release"), "released");
    stage.assert_nothing_left();
}

#[test]
fn adopter_that_dies_is_adopted() {
    let stage = Stage::new();
    stage.leave_dead_sidecar();
    let mut first = stage.process();
    first.begin_to(TRY, Call::Write);
    first.crash(&stage);
    let mut second = stage.process();
    assert_eq!(second.run(TRY), "acquired from the dead");
    assert_eq!(second.run("release"), "released");
    stage.assert_nothing_left();
}

/// The lock was released, and taken by a third, between our open and our kernel lock.
#[test]
fn kernel_lock_on_a_removed_sidecar_is_no_lock() {
    let stage = Stage::new();
    let mut first = stage.holder(TRY);
    let mut late = stage.process();
    late.begin_to(TRY, Call::TryLock);
    assert_eq!(first.run("release"), "released");
    let mut third = stage.holder(TRY);
    late.main().to(Call::Look);
    assert_eq!(
        late.finish(),
        "contended",
        "the file that it has locked is not the sidecar any more"
    );
    assert_eq!(third.run("verify"), "held");
    assert_eq!(third.run("release"), "released");
    stage.assert_nothing_left();
}

/// The same with a dead owner, whose record one adopts and releases while the other stands before its kernel lock.
#[test]
fn kernel_lock_on_an_adopted_and_removed_sidecar_is_no_lock() {
    let stage = Stage::new();
    stage.leave_dead_sidecar();
    let mut late = stage.process();
    late.begin_to(TRY, Call::TryLock);
    let mut first = stage.process();
    assert_eq!(first.run(TRY), "acquired from the dead");
    assert_eq!(first.run("release"), "released");
    assert_eq!(late.finish(), "acquired", "it begins anew, and is alone");
    assert_eq!(late.run("verify"), "held");
    assert_eq!(late.run("release"), "released");
    stage.assert_nothing_left();
}

/// Another user's sidecar cannot be written: it is removed under its kernel lock.
#[test]
fn another_users_dead_sidecar_is_removed_while_it_is_locked() {
    let stage = Stage::new();
    stage.leave_dead_sidecar();
    let mut first = stage.process();
    first.begin_to(TRY, Call::Open);
    first.main().refuse(Errno::ACCESS);
    first.main().to(Call::Remove);
    let mut second = stage.process();
    assert_eq!(second.run(TRY), "contended", "nobody else judges it now");
    second.begin_to(TRY, Call::TryLock);
    first.main().to(Call::Link);
    let mut third = stage.holder(TRY);
    assert_eq!(
        second.finish(),
        "contended",
        "what it opened is removed, and a third has the name"
    );
    assert_eq!(
        first.finish(),
        "contended",
        "the same for the one who removed"
    );
    assert_eq!(third.run("release"), "released");
    stage.assert_nothing_left();
}
