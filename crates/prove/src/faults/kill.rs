//! A command that is killed at each of its system calls.

use std::os::unix::process::ExitStatusExt as _;

use super::calls::{Call, calls};
use super::crew::{Tried, each};
use super::judge::{after_kill, said};
use super::place::{ID, Place, finish};
use super::scene::Scene;
use crate::case::{Skip, Tally};
use crate::context::{Context, need_programs};

/// Kills at each call from where the program's own code begins.
pub fn at_each_call(context: &Context, name: &str, scene: &Scene) -> Result<Tally, Skip> {
    let calls = traced_calls(context, name, scene)?;
    let calls: Vec<Call> = calls.into_iter().filter(|call| call.in_main).collect();
    at(context, name, scene, &calls)
}

/// Kills at each call, the loader's too.
pub fn at_each_call_from_the_first(
    context: &Context,
    name: &str,
    scene: &Scene,
) -> Result<Tally, Skip> {
    let calls = traced_calls(context, name, scene)?;
    // The first one starts the program: strace has nothing to kill before it.
    at(context, name, scene, &calls[1..])
}

/// The calls of an undisturbed run.
pub fn traced_calls(context: &Context, name: &str, scene: &Scene) -> Result<Vec<Call>, Skip> {
    need_programs(&["strace", "git"])?;
    let place = Place::new(context, &format!("{name} undisturbed"))?;
    let ended = scene.run(&place, None);
    let found = calls(&place.trace());
    if found.len() < 20 {
        return Err(Skip::because(format!(
            "strace may not trace here: {}",
            said(&ended.finished)
        )));
    }
    Ok(found)
}

fn at(context: &Context, name: &str, scene: &Scene, calls: &[Call]) -> Result<Tally, Skip> {
    each(context, name, calls, |place, call| {
        killed_at(scene, place, call)
    })
}

fn killed_at(scene: &Scene, place: &Place, call: &Call) -> Tried {
    let inject = format!("{}:signal=KILL:when={}", call.name, call.number);
    let mut ended = scene.run(place, Some(&inject));
    // Another run may make a call less, where threads meet. (The other code is how a parent tells it.)
    let status = ended.finished.status;
    if status.signal() != Some(9) && status.code() != Some(128 + 9) {
        return None;
    }
    // The pin has just made a stale directory look fresh, and this call would have taken that back. It is the one point
    // after which the next update waits (docs/protocol.md, "Limits"), so it is judged and shown by itself.
    let looks_fresh = call.name == "utimensat" && place.sidecar().is_dir();
    let judged = if looks_fresh {
        respected_for_a_stale_limit(place).and_then(|()| {
            ended.others_counted += 1;
            after_kill(scene, place, &ended).map(|_| "old, free a stale limit later")
        })
    } else {
        after_kill(scene, place, &ended)
    };
    Some(judged.map_err(|wrong| format!("{inject}: {wrong} [{}]", call.shown)))
}

/// An update at once is told that the lock is in use; one that may wait counts up when the stale limit is over.
fn respected_for_a_stale_limit(place: &Place) -> Result<(), String> {
    let update = |limits: &[&str]| {
        let command = ["set", ID, "--inc", "retry_count"];
        finish(&mut place.story(&[&command[..], limits].concat()))
    };
    let at_once = update(&["--timeout", "0"]);
    let patient = update(&["--timeout", "15s", "--stale-after", "1s"]);
    if at_once.status.code() == Some(4) && patient.status.success() {
        return Ok(());
    }
    Err(format!(
        "a pinned directory: at once {}; with time {}",
        said(&at_once),
        said(&patient)
    ))
}
