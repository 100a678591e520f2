//! System calls of the other threads: strace follows one of them, from where it sleeps.
//!
//! `when=` counts in each thread by itself, so a number would mean a call of each of them. Here strace is attached to the
//! one thread by its id while it sleeps. What comes before that sleep is the start of a thread by the standard library.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;

use testkit::{Finished, SecondProcess, wait_until};

use super::calls::{Call, calls, errors_of};
use super::crew::{Tried, each};
use super::judge::{after_error, after_kill};
use super::place::{ID, LIMIT, Place};
use super::scene::{Ended, LOCK_HOLD, Scene, WAITER, somebody_queues};
use crate::case::{Skip, Tally};
use crate::context::{Context, need_programs};

/// A thread, and what it sleeps in.
pub struct Sleeper {
    /// The name of the thread, as the kernel has it: 15 bytes.
    name: &'static str,
    /// What its process does.
    scene: &'static Scene,
    /// Brings the process to the point where that thread sleeps, lets strace in, and goes on to the end.
    run: fn(&Place, &Sleeper, Option<&str>) -> Finished,
}

/// The one that sleeps in the kernel's queue for a waiter.
pub const IN_THE_QUEUE: Sleeper = Sleeper {
    name: "sidecar-lock qu",
    scene: &WAITER,
    run: as_a_waiter,
};

/// The one that waits for signals.
pub const FOR_SIGNALS: Sleeper = Sleeper {
    name: "signals",
    ..IN_THE_QUEUE
};

/// The one that keeps a long holder's sidecar fresh.
pub const HEARTBEAT: Sleeper = Sleeper {
    name: "sidecar-lock ke",
    scene: &LOCK_HOLD,
    run: as_a_holder,
};

/// How many beats are awaited: one that fails, and one that shows that it goes on.
const BEATS: usize = 3;

/// Kills the process at each call that the thread makes, and lets each fail with every error.
pub fn at_each_call(context: &Context, name: &str, sleeper: &Sleeper) -> Result<Tally, Skip> {
    need_programs(&["strace"])?;
    let place = Place::new(context, &format!("{name} undisturbed"))?;
    place.renew();
    (sleeper.run)(&place, sleeper, None);
    let mut injections: Vec<(Call, String)> = Vec::new();
    for call in calls(&place.trace()) {
        let point = |what: String| {
            (
                call.clone(),
                format!("{}:{what}:when={}", call.name, call.number),
            )
        };
        injections.push(point("signal=KILL".to_owned()));
        for error in errors_of(&call.name) {
            injections.push(point(format!("error={error}")));
        }
    }
    each(context, name, &injections, |place, (call, inject)| {
        disturbed(sleeper, place, inject)
            .map(|judged| judged.map_err(|wrong| format!("{inject}: {wrong} [{}]", call.shown)))
    })
}

fn disturbed(sleeper: &Sleeper, place: &Place, inject: &str) -> Tried {
    place.renew();
    let before = place.version().expect("a story is prepared");
    let finished = (sleeper.run)(place, sleeper, Some(inject));
    let was_killed = finished.status.signal() == Some(9);
    let ended = Ended {
        before,
        finished,
        others_counted: 0,
    };
    if was_killed {
        return Some(after_kill(sleeper.scene, place, &ended));
    }
    // A thread that is about to sleep for good may be gone with its process before it comes to that.
    if !place.trace().contains("(INJECTED)") {
        return None;
    }
    Some(after_error(sleeper.scene, place, &ended, false))
}

fn as_a_waiter(place: &Place, sleeper: &Sleeper, inject: Option<&str>) -> Finished {
    let holder = SecondProcess::spawn_ready(&mut place.story(&["lock", "hold", ID]), LIMIT);
    let mut waiter = SecondProcess::spawn(&mut place.story(&sleeper.scene.command[1..]));
    wait_until("the waiter sleeps in the queue", LIMIT, || {
        somebody_queues(place) || waiter.has_ended()
    });
    let strace = place.attached(inject, sleeper.thread_of(waiter.id()));
    let held = holder.wait(LIMIT);
    assert!(held.status.success(), "the holder releases: {held:?}");
    let finished = waiter.wait(LIMIT);
    strace.wait(LIMIT);
    finished
}

fn as_a_holder(place: &Place, sleeper: &Sleeper, inject: Option<&str>) -> Finished {
    // With this limit the heart beats twenty times a second.
    let hold = [&sleeper.scene.command[1..], &["--stale-after", "150ms"]].concat();
    let mut holder = SecondProcess::spawn_ready(&mut place.story(&hold), LIMIT);
    let strace = place.attached(inject, sleeper.thread_of(holder.id()));
    wait_until("the heart beats", LIMIT, || {
        place.trace().matches("utimensat(").count() >= BEATS || holder.has_ended()
    });
    let finished = holder.wait(LIMIT);
    strace.wait(LIMIT);
    finished
}

impl Sleeper {
    fn thread_of(&self, process: u32) -> u32 {
        let mut found = None;
        wait_until("the thread is there", LIMIT, || {
            found = self.thread_now(process);
            found.is_some()
        });
        found.expect("it was waited for")
    }

    fn thread_now(&self, process: u32) -> Option<u32> {
        let threads = fs::read_dir(format!("/proc/{process}/task")).ok()?;
        let is_it = |id: &u32| {
            let name = fs::read_to_string(format!("/proc/{process}/task/{id}/comm"));
            name.is_ok_and(|name| name.trim_end() == self.name)
        };
        threads
            .filter_map(|thread| thread.ok()?.file_name().to_str()?.parse().ok())
            .find(is_it)
    }
}
