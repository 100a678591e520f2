//! A command whose system calls fail, one at a time.

use super::calls::{Call, ERRORS, errors_of, foremost_error, is_interruptible, is_out_of_reach};
use super::crew::{Tried, each};
use super::judge::after_error;
use super::kill::traced_calls;
use super::place::Place;
use super::scene::Scene;
use crate::case::{Skip, Tally};
use crate::context::Context;

/// Of a command with more calls than this, each meets one error in a usual run.
const LENGTHY: usize = 300;

/// Lets each call of the program's own code fail: with every error in a long run, else with the foremost one
/// and another.
pub fn at_each_call(context: &Context, name: &str, scene: &Scene) -> Result<Tally, Skip> {
    let points = points(context, traced_calls(context, name, scene)?);
    each(context, name, &points, |place, (call, error)| {
        failed_at(scene, place, call, error)
    })
}

/// The calls that can fail, each with the errors that it is to meet.
pub fn points(context: &Context, calls: Vec<Call>) -> Vec<(Call, &'static str)> {
    let is_lengthy = calls.len() > LENGTHY;
    let mut points: Vec<(Call, &'static str)> = Vec::new();
    for (at, call) in calls.into_iter().enumerate() {
        if !call.in_main || is_out_of_reach(&call) {
            continue;
        }
        for error in chosen(context, &call, at, is_lengthy) {
            points.push((call.clone(), error));
        }
    }
    points
}

fn chosen(context: &Context, call: &Call, at: usize, is_lengthy: bool) -> Vec<&'static str> {
    let possible = errors_of(&call.name);
    if context.long || possible.len() < ERRORS.len() {
        return possible.to_vec();
    }
    let by_chance = match at % 2 {
        0 => "EINTR",
        _ => ERRORS[mixed(context.seed, at) % ERRORS.len()],
    };
    let mut chosen = vec![foremost_error(&call.name), by_chance];
    chosen.dedup();
    if is_lengthy {
        chosen.swap_remove(at / 2 % chosen.len());
    }
    chosen
}

/// A number that looks like chance, the same for the same seed and place.
fn mixed(seed: u64, at: usize) -> usize {
    let mut number = seed
        .wrapping_add(at as u64)
        .wrapping_mul(0x9E37_79B9_7F4A_7C15);
    number ^= number >> 29;
    number = number.wrapping_mul(0xBF58_476D_1CE4_E5B9);
    usize::try_from(number >> 33).unwrap_or_default()
}

fn failed_at(scene: &Scene, place: &Place, call: &Call, error: &str) -> Tried {
    let inject = format!("{}:error={error}:when={}", call.name, call.number);
    let ended = scene.run(place, Some(&inject));
    if !place.trace().contains("(INJECTED)") {
        return None;
    }
    let must_succeed = error == "EINTR" && is_interruptible(&call.name);
    let judged = after_error(scene, place, &ended, must_succeed);
    Some(judged.map_err(|wrong| format!("{inject}: {wrong} [{}]", call.shown)))
}
