//! A command that is killed at each of its system calls.

use std::os::unix::process::ExitStatusExt as _;

use super::calls::{Call, calls};
use super::crew::{Tried, each};
use super::judge::after_kill;
use super::place::{Place, make_ancient};
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
            super::judge::said(&ended.finished)
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
    let ended = scene.run(place, Some(&inject));
    // Another run may make a call less, where threads meet. (The other code is how a parent tells it.)
    let status = ended.finished.status;
    if status.signal() != Some(9) && status.code() != Some(128 + 9) {
        return None;
    }
    if call.name == "utimensat" && place.sidecar().is_dir() {
        // The pin has just made a stale directory look fresh, and this call would have taken that back. The next
        // update respects the directory for another stale limit: let it have passed.
        make_ancient(&place.sidecar());
    }
    let judged = after_kill(scene, place, &ended);
    Some(judged.map_err(|wrong| format!("{inject}: {wrong} [{}]", call.shown)))
}
