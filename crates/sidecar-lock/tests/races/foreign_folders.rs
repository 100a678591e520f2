//! Folders of other tools: judged, and changed at that moment.

use std::fs;
use std::time::Duration;

use super::stage::{Stage, TRY};
use crate::sys::Call;

#[test]
fn two_judge_one_stale_directory_and_one_replaces_it() {
    for pause in [Call::OpenFolder, Call::ReadFolder, Call::TryLock] {
        let stage = Stage::new();
        stage.put_folder();
        stage.make_stale();
        let mut first = stage.process();
        let mut second = stage.process();
        second.begin_to(TRY, pause);
        first.begin_to(TRY, Call::Exchange);
        assert_eq!(second.finish(), "contended", "one of them judges at a time");
        assert_eq!(first.finish(), "acquired from another tool");
        second.begin_to(TRY, Call::TryLock);
        assert_eq!(second.finish(), "contended", "it is our lock now");
        assert_eq!(first.run("release"), "released");
        stage.assert_nothing_left();
    }
}

/// The second one opened the stale directory before the first replaced it.
#[test]
fn stale_directory_that_was_replaced_is_not_replaced_again() {
    let stage = Stage::new();
    stage.put_folder();
    stage.make_stale();
    let mut late = stage.process();
    late.begin_to(TRY, Call::TryLock);
    let mut first = stage.process();
    assert_eq!(first.run(TRY), "acquired from another tool");
    assert_eq!(late.finish(), "contended", "what it judged is gone");
    assert_eq!(first.run("verify"), "held");
    assert_eq!(first.run("release"), "released");
    stage.assert_nothing_left();
}

#[test]
fn directory_touched_between_judgement_and_pin_is_left_alone() {
    let stage = Stage::new();
    stage.put_folder();
    stage.make_stale();
    let mut ours = stage.process();
    ours.begin_to(TRY, Call::Recheck);
    testkit::set_age(stage.sidecar(), Duration::ZERO);
    assert_eq!(ours.finish(), "contended", "its owner lives after all");
    fs::remove_dir(stage.sidecar()).expect("nothing was put into it");
    stage.assert_nothing_left();
}

#[test]
fn directory_touched_between_pin_and_swap_gets_its_place_back() {
    let stage = Stage::new();
    stage.put_folder();
    stage.make_stale();
    let mut ours = stage.process();
    ours.begin_to(TRY, Call::Exchange);
    testkit::set_age(stage.sidecar(), Duration::from_secs(1));
    assert_eq!(ours.finish(), "contended", "its owner lives after all");
    assert!(stage.sidecar().is_dir(), "it stands");
    assert_eq!(stage.names(), ["story.md.lock"], "and nothing beside it");
}

/// Node removes its directory, and another Node makes its own.
#[test]
fn directory_replaced_between_judgement_and_pin_is_left_alone() {
    for pause in [
        Call::OpenFolder,
        Call::ReadFolder,
        Call::TryLock,
        Call::Recheck,
        Call::Pin,
    ] {
        let stage = Stage::new();
        stage.put_folder();
        stage.make_stale();
        let mut ours = stage.process();
        ours.begin_to(TRY, pause);
        fs::remove_dir(stage.sidecar()).unwrap();
        stage.put_folder();
        assert_eq!(ours.finish(), "contended", "paused at {pause:?}");
        fs::remove_dir(stage.sidecar()).expect("nothing was put into it");
        stage.assert_nothing_left();
    }
}

#[test]
fn directory_that_goes_before_the_pin_leaves_the_name_free() {
    for pause in [
        Call::OpenFolder,
        Call::ReadFolder,
        Call::TryLock,
        Call::Recheck,
        Call::Pin,
    ] {
        let stage = Stage::new();
        stage.put_folder();
        stage.make_stale();
        let mut ours = stage.process();
        ours.begin_to(TRY, pause);
        fs::remove_dir(stage.sidecar()).unwrap();
        assert_eq!(ours.finish(), "acquired", "paused at {pause:?}");
        assert_eq!(ours.run("release"), "released");
        stage.assert_nothing_left();
    }
}

/// Only a rename can bring another directory to the name of a pinned one; then the pin is taken out again.
#[test]
fn directory_moved_away_between_look_and_pin_is_unpinned() {
    let stage = Stage::new();
    stage.put_folder();
    stage.make_stale();
    let moved = stage.path("moved");
    let mut ours = stage.process();
    ours.begin_to(TRY, Call::Pin);
    let cwd = rustix::fs::CWD;
    rustix::fs::renameat(cwd, stage.sidecar(), cwd, &moved).unwrap();
    stage.put_folder();
    ours.main().to(Call::Unpin);
    assert_eq!(ours.finish(), "contended", "the new one is fresh");
    fs::remove_dir(moved).expect("no pin is left in it");
    fs::remove_dir(stage.sidecar()).expect("none was put into this one");
    stage.assert_nothing_left();
}

/// Another tool that judged the directory stale as well cannot remove it, and make its own, before the swap.
#[test]
fn pinned_directory_cannot_be_removed_before_the_swap() {
    let stage = Stage::new();
    stage.put_folder();
    stage.make_stale();
    let mut ours = stage.process();
    ours.begin_to(TRY, Call::Exchange);
    let refused = fs::remove_dir(stage.sidecar()).expect_err("it is pinned");
    assert_eq!(
        refused.kind(),
        std::io::ErrorKind::DirectoryNotEmpty,
        "between our last look and the swap it stays"
    );
    assert_eq!(ours.finish(), "acquired from another tool");
    assert_eq!(ours.run("release"), "released");
    stage.assert_nothing_left();
}

/// The pin of a breaker that died does not keep the next one off.
#[test]
fn breaker_that_dies_after_its_pin_is_replaced() {
    for pause in [Call::Exchange, Call::Unpin, Call::RemoveFolder] {
        let stage = Stage::new();
        stage.put_folder();
        stage.make_stale();
        let mut dying = stage.process();
        dying.begin_to(TRY, pause);
        dying.crash(&stage);
        if stage.sidecar().is_dir() {
            stage.make_stale();
        }
        stage.assert_next_gets_it();
    }
}
