//! Locks of other tools: judged, and changed at that moment.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::time::Duration;

use rustix::io::Errno;

use super::process::Said;
use super::stage::{Stage, TRY, WAIT, put};
use crate::sys::{self, Call};

#[test]
fn two_judge_one_stale_file_and_one_replaces_it() {
    let stage = Stage::new();
    stage.put_file();
    stage.make_stale();
    let mut first = stage.process();
    let mut second = stage.process();
    first.begin_to(TRY, Call::TryLock);
    second.begin_to(TRY, Call::TryLock);
    first.main().to(Call::Exchange);
    assert_eq!(second.finish(), "contended", "one of them judges at a time");
    assert_eq!(first.finish(), "acquired from another tool");
    assert_eq!(second.run(TRY), "contended", "it is our lock now");
    assert_eq!(first.run("release"), "released");
    stage.assert_nothing_left();
}

/// The second one opened the stale file before the first replaced it, and gets its kernel lock afterwards.
#[test]
fn stale_file_that_was_replaced_is_not_replaced_again() {
    let stage = Stage::new();
    stage.put_file();
    stage.make_stale();
    let mut late = stage.process();
    late.begin_to(TRY, Call::TryLock);
    let mut first = stage.process();
    assert_eq!(first.run(TRY), "acquired from another tool");
    late.main().to(Call::Look);
    assert_eq!(late.finish(), "contended", "what it judged is gone");
    assert_eq!(first.run("verify"), "held");
    assert_eq!(first.run("release"), "released");
    stage.assert_nothing_left();
}

#[test]
fn empty_file_that_a_script_has_just_made_is_respected() {
    let stage = Stage::new();
    put(stage.sidecar(), b"");
    let mut ours = stage.process();
    assert_eq!(
        ours.run(TRY),
        "contended",
        "it may be about to write its pid"
    );
    assert_eq!(
        fs::read(stage.sidecar()).unwrap(),
        b"",
        "it stands untouched"
    );
}

/// A clock that steps makes a fresh lock look old; a holder that refreshes its lock looks the same to us.
#[test]
fn clock_that_steps_between_two_looks_condemns_nobody() {
    for is_folder in [false, true] {
        let stage = Stage::new();
        if is_folder {
            stage.put_folder();
        } else {
            stage.put_file();
        }
        let mut ours = stage.process();
        ours.begin_to(WAIT, Call::Watch);
        // An hour, and not before the boot: the test may run on a machine that has just started.
        let hour = Duration::from_hours(1);
        let is_old = sys::since_boot().is_some_and(|up| up > hour);
        testkit::set_age(
            stage.sidecar(),
            if is_old { hour } else { Duration::from_secs(6) },
        );
        ours.main().to(Call::Look);
        assert_eq!(
            ours.main().step_to_wait_or_end(),
            "Wait",
            "it is watched anew"
        );
        drop(ours);
        assert!(stage.sidecar().exists(), "it stands");
    }
}

#[test]
fn file_that_was_replaced_between_judgement_and_swap_gets_its_place_back() {
    let stage = Stage::new();
    stage.put_file();
    stage.make_stale();
    let mut ours = stage.process();
    ours.begin_to(TRY, Call::Exchange);
    // Its owner is done, and the next one makes its own.
    stage.remove_sidecar();
    put(stage.sidecar(), b"next");
    let next = fs::metadata(stage.sidecar()).unwrap().ino();
    assert_eq!(ours.finish(), "contended");
    assert_eq!(fs::read(stage.sidecar()).unwrap(), b"next", "it stands");
    assert_eq!(
        fs::metadata(stage.sidecar()).unwrap().ino(),
        next,
        "the same"
    );
    assert_eq!(stage.names(), ["story.md.lock"], "and nothing beside it");
}

#[test]
fn file_that_was_touched_between_judgement_and_swap_gets_its_place_back() {
    let stage = Stage::new();
    stage.put_file();
    stage.make_stale();
    let mut ours = stage.process();
    ours.begin_to(TRY, Call::Exchange);
    testkit::set_age(stage.sidecar(), Duration::ZERO);
    assert_eq!(ours.finish(), "contended", "its owner lives after all");
    assert_eq!(fs::read(stage.sidecar()).unwrap(), b"4711\n", "it stands");
    assert_eq!(stage.names(), ["story.md.lock"], "and nothing beside it");
}

#[test]
fn file_that_goes_between_judgement_and_swap_leaves_the_name_free() {
    let stage = Stage::new();
    stage.put_file();
    stage.make_stale();
    let mut ours = stage.process();
    ours.begin_to(TRY, Call::Exchange);
    stage.remove_sidecar();
    assert_eq!(ours.finish(), "acquired", "nothing had to be taken over");
    assert_eq!(ours.run("release"), "released");
    stage.assert_nothing_left();
}

/// What was displaced was no stale lock, and meanwhile somebody took our sidecar's place.
#[test]
fn displaced_lock_whose_place_was_taken_is_left_to_the_sweep() {
    let stage = Stage::new();
    stage.put_file();
    stage.make_stale();
    let mut ours = stage.process();
    ours.begin_to(TRY, Call::Exchange);
    stage.remove_sidecar();
    put(stage.sidecar(), b"next");
    ours.main().to(Call::Look);
    // A person deletes our sidecar, which nobody owns yet, and another takes the lock.
    stage.remove_sidecar();
    let mut third = stage.holder(TRY);
    assert_eq!(ours.finish(), "contended");
    assert_eq!(third.run("verify"), "held", "the third one's lock stands");
    assert_eq!(stage.names().len(), 2, "the displaced one is kept");
    assert_eq!(third.run("release"), "released");
    let displaced = stage.path(&stage.names()[0]);
    assert_eq!(fs::read(&displaced).unwrap(), b"next", "as it was");
    let found = || crate::sweep_temporaries(stage.lock.folder()).unwrap().len();
    assert_eq!(found(), 0, "as long as it may be somebody's");
    testkit::set_age(&displaced, Duration::from_secs(61));
    assert_eq!(found(), 1, "not for ever");
    stage.assert_nothing_left();
}

/// The same, one step later: what the second swap brings back is not ours, and gets its place back, too.
#[test]
fn third_lock_that_a_putting_back_meets_gets_its_place_back() {
    let stage = Stage::new();
    stage.put_file();
    stage.make_stale();
    let mut ours = stage.process();
    ours.begin_to(TRY, Call::Exchange);
    stage.remove_sidecar();
    put(stage.sidecar(), b"next");
    ours.main().to(Call::Look);
    ours.main().to(Call::Exchange);
    stage.remove_sidecar();
    let mut third = stage.holder(TRY);
    ours.main().to(Call::Look);
    ours.main().to(Call::Exchange);
    assert_eq!(ours.finish(), "contended");
    assert_eq!(third.run("verify"), "held", "the third one's lock stands");
    assert_eq!(third.run("release"), "released");
    let displaced = stage.path(&stage.names()[0]);
    assert_eq!(fs::read(displaced).unwrap(), b"next", "as it was");
}

/// A file system without an exchange: the stale lock is moved away, and its name is free for a moment.
#[test]
fn lock_moved_away_leaves_its_name_to_whoever_comes_first() {
    for is_folder in [false, true] {
        let stage = Stage::new();
        if is_folder {
            stage.put_folder();
        } else {
            stage.put_file();
        }
        stage.make_stale();
        let mut ours = stage.process();
        ours.begin_to(TRY, Call::Exchange);
        let said = ours.main().refuse(Errno::INVAL);
        assert_eq!(said, Said::At("Rename".into()), "the other way");
        ours.main().to(Call::Link);
        let mut third = stage.holder(TRY);
        assert_eq!(ours.finish(), "contended");
        assert_eq!(third.run("verify"), "held");
        assert_eq!(third.run("release"), "released");
        stage.assert_nothing_left();
    }
}

#[test]
fn lock_moved_away_by_mistake_is_put_back() {
    let stage = Stage::new();
    stage.put_file();
    stage.make_stale();
    let mut ours = stage.process();
    ours.begin_to(TRY, Call::Exchange);
    ours.main().refuse(Errno::INVAL);
    stage.remove_sidecar();
    put(stage.sidecar(), b"next");
    ours.main().to(Call::Rename);
    assert_eq!(ours.finish(), "contended");
    assert_eq!(fs::read(stage.sidecar()).unwrap(), b"next", "it stands");
    assert_eq!(stage.names(), ["story.md.lock"], "and nothing beside it");
}
