//! Tidying up what the dead left, beside those who are at work.

use rustix::io::Errno;

use super::stage::{Stage, TRY};
use crate::sys::Call;

fn found(stage: &Stage) -> usize {
    let found = crate::find_temporaries(stage.lock.folder());
    found.expect("the folder can be read").len()
}

/// A sidecar under its temporary name, from its making to its link: at each step it is left alone.
#[test]
fn sweep_leaves_what_is_being_made() {
    let stage = Stage::new();
    let mut ours = stage.process();
    ours.begin_to(TRY, Call::CreateNameless);
    ours.main().refuse(Errno::OPNOTSUPP);
    let mut sweeper = stage.process();
    for next in [
        Call::Look,
        Call::TryLock,
        Call::Write,
        Call::Link,
        Call::Remove,
    ] {
        ours.main().to(next);
        assert_eq!(sweeper.run("sweep"), "swept 0", "about to {next:?}");
    }
    assert_eq!(ours.finish(), "acquired");
    assert_eq!(ours.run("release"), "released");
    stage.assert_nothing_left();
}

#[test]
fn sweep_leaves_the_sidecar_that_is_about_to_be_swapped_in() {
    let stage = Stage::new();
    stage.put_file();
    stage.make_stale();
    let mut ours = stage.process();
    ours.begin_to(TRY, Call::Exchange);
    let mut sweeper = stage.process();
    assert_eq!(sweeper.run("sweep"), "swept 0");
    assert_eq!(ours.finish(), "acquired from another tool");
    assert_eq!(ours.run("release"), "released");
    stage.assert_nothing_left();
}

/// A displaced lock may have to be put back: until its breaker has looked, it is no leftover.
#[test]
fn sweep_leaves_a_displaced_lock_to_its_breaker() {
    for is_folder in [false, true] {
        for has_exchange in [true, false] {
            let stage = Stage::new();
            if is_folder {
                stage.put_folder();
            } else {
                stage.put_file();
            }
            stage.make_stale();
            let mut ours = stage.process();
            ours.begin_to(TRY, Call::Exchange);
            if !has_exchange {
                ours.main().refuse(Errno::INVAL);
            }
            ours.main().to(Call::Look);
            let mut sweeper = stage.process();
            assert_eq!(
                sweeper.run("sweep"),
                "swept 0",
                "folder {is_folder}, exchange {has_exchange}"
            );
            assert_eq!(ours.finish(), "acquired from another tool");
            assert_eq!(ours.run("release"), "released");
            stage.assert_nothing_left();
        }
    }
}

#[test]
fn temporary_name_of_a_killed_publisher_is_swept() {
    let stage = Stage::new();
    let mut dying = stage.process();
    dying.begin_to(TRY, Call::CreateNameless);
    dying.main().refuse(Errno::OPNOTSUPP);
    dying.main().to(Call::Link);
    dying.crash(&stage);
    assert_eq!(found(&stage), 1, "it is found");
    stage.assert_next_gets_it();
}

/// Killed between the link and the removal of the temporary name: one file, two names.
#[test]
fn second_name_of_a_killed_owners_sidecar_is_swept() {
    let stage = Stage::new();
    let mut dying = stage.process();
    dying.begin_to(TRY, Call::CreateNameless);
    dying.main().refuse(Errno::OPNOTSUPP);
    dying.main().to(Call::Link);
    dying.main().to(Call::Remove);
    dying.crash(&stage);
    assert_eq!(stage.names().len(), 2, "both names stand");
    stage.assert_next_gets_it();
}

/// The same, and the one that comes next gives the kernel lock back by itself: a child that it starts meanwhile has the
/// file open for a moment, and the second name would look held.
#[test]
fn sidecar_with_a_second_name_is_unlocked_as_soon_as_it_is_removed() {
    let stage = Stage::new();
    let mut dying = stage.process();
    dying.begin_to(TRY, Call::CreateNameless);
    dying.main().refuse(Errno::OPNOTSUPP);
    dying.main().to(Call::Link);
    dying.main().to(Call::Remove);
    dying.crash(&stage);
    let mut next = stage.process();
    next.begin_to(TRY, Call::Unlock);
    assert_eq!(stage.names().len(), 1, "the sidecar is removed");
    assert_eq!(next.finish(), "acquired from the dead");
    assert_eq!(next.run("release"), "released");
    stage.assert_next_gets_it();
}

/// Two tidy up at once.
#[test]
fn two_sweeps_at_once_do_not_fail() {
    let stage = Stage::new();
    let mut dying = stage.process();
    dying.begin_to(TRY, Call::CreateNameless);
    dying.main().refuse(Errno::OPNOTSUPP);
    dying.main().to(Call::Link);
    dying.crash(&stage);
    let mut first = stage.process();
    first.begin_to("sweep", Call::Remove);
    let mut second = stage.process();
    assert_eq!(second.run("sweep"), "swept 1");
    let swept = first.finish();
    assert!(swept.starts_with("swept"), "gone is gone: {swept}");
    stage.assert_nothing_left();
}
