//! Waiting for another tool's lock: what wakes, and what does not.

use std::fs::{self, File};

use super::process::Said;
use super::stage::{Stage, TRY, WAIT, put};
use crate::sys::Call;

/// The event may come between the look and the watch: after the watch is on it looks again.
#[test]
fn lock_that_goes_before_the_watch_is_not_waited_for() {
    let stage = Stage::new();
    stage.put_file();
    let mut ours = stage.process();
    ours.begin_to(WAIT, Call::Watch);
    stage.remove_sidecar();
    assert_eq!(ours.finish(), "acquired");
    assert_eq!(ours.run("release"), "released");
    stage.assert_nothing_left();
}

#[test]
fn lock_that_goes_between_look_and_sleep_wakes() {
    let stage = Stage::new();
    stage.put_folder();
    let mut ours = stage.process();
    ours.begin_to(WAIT, Call::Wait);
    fs::remove_dir(stage.sidecar()).unwrap();
    assert_eq!(ours.finish(), "acquired");
    assert_eq!(ours.run("release"), "released");
    stage.assert_nothing_left();
}

/// Neither looks at the lock, nor files without a name, nor locks of other resources wake anybody.
#[test]
fn probes_and_other_names_wake_nobody() {
    let stage = Stage::new();
    stage.put_file();
    let mut ours = stage.process();
    ours.begin_to(WAIT, Call::Wait);
    // Opened, even for writing, and closed: that is what each waiter does to look.
    drop(
        File::options()
            .read(true)
            .write(true)
            .open(stage.sidecar())
            .unwrap(),
    );
    stage.state();
    // Another resource's lock comes and goes: made without a name, linked, removed.
    put(&stage.path("other.md"), b"");
    let other = crate::SidecarLock::new(stage.path("other.md")).unwrap();
    drop(other.acquire(&crate::LockOptions::default()).unwrap());
    assert_eq!(
        ours.main().step(),
        Said::At("Wait".into()),
        "it goes on sleeping, without a look at the lock"
    );
    stage.remove_sidecar();
    assert_eq!(ours.main().step(), Said::At("Look".into()), "this wakes it");
    assert_eq!(ours.finish(), "acquired");
    assert_eq!(ours.run("release"), "released");
}

/// A waiter is woken by the foreign lock's end, and a script is faster.
#[test]
fn script_that_is_faster_than_a_woken_waiter_is_respected() {
    let stage = Stage::new();
    stage.put_file();
    let mut ours = stage.process();
    ours.begin_to("acquire 1000 60000", Call::Wait);
    stage.remove_sidecar();
    ours.main().to(Call::Link);
    put(stage.sidecar(), b"faster");
    assert_eq!(ours.finish(), "contended");
    assert_eq!(fs::read(stage.sidecar()).unwrap(), b"faster", "it stands");
    stage.remove_sidecar();
    assert_eq!(ours.run(TRY), "acquired");
    assert_eq!(ours.run("release"), "released");
    stage.assert_nothing_left();
}
