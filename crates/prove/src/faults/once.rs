//! An operation with an id that is killed, or one of whose calls fails, and then tried again: it is done once.

use std::os::unix::process::ExitStatusExt as _;

use testkit::Finished;

use super::crew::each;
use super::errno;
use super::judge::said;
use super::kill::traced_calls;
use super::place::{ID, Place, finish};
use super::scene::{SET, Scene};
use crate::case::{Skip, Tally};
use crate::context::Context;

const ONCE: Scene = Scene {
    command: &[
        "STORY",
        "set",
        ID,
        "--inc",
        "retry_count",
        "--timeout",
        "1s",
        "--op-id",
        "once",
        "--json",
    ],
    ..SET
};

/// Kills it at each call.
pub fn killed_at_each_call(context: &Context, name: &str) -> Result<Tally, Skip> {
    let calls = traced_calls(context, name, &ONCE)?;
    let calls: Vec<_> = calls.into_iter().filter(|call| call.in_main).collect();
    each(context, name, &calls, |place, call| {
        let inject = format!("{}:signal=KILL:when={}", call.name, call.number);
        let finished = ONCE.run(place, Some(&inject)).finished;
        if finished.status.signal() != Some(9) {
            return None;
        }
        let judged = tried_again(place, &finished);
        Some(judged.map_err(|wrong| format!("{inject}: {wrong} [{}]", call.shown)))
    })
}

/// Lets each call fail.
pub fn failed_at_each_call(context: &Context, name: &str) -> Result<Tally, Skip> {
    let calls = traced_calls(context, name, &ONCE)?;
    let points = errno::points(context, calls);
    each(context, name, &points, |place, (call, error)| {
        let inject = format!("{}:error={error}:when={}", call.name, call.number);
        let finished = ONCE.run(place, Some(&inject)).finished;
        if !place.trace().contains("(INJECTED)") {
            return None;
        }
        let judged = right_answer(place, &finished).and_then(|()| tried_again(place, &finished));
        Some(judged.map_err(|wrong| format!("{inject}: {wrong} [{}]", call.shown)))
    })
}

fn right_answer(place: &Place, finished: &Finished) -> Result<(), String> {
    let count = place.version()?.count;
    let is_right = match finished.status.code() {
        Some(0) => count == 1,
        Some(1 | 8) => count == 0,
        Some(9) => count == 1 && finished.stderr.contains("committed"),
        _ => false,
    };
    if is_right {
        return Ok(());
    }
    Err(format!("no true answer, at {count}: {}", said(finished)))
}

/// The same command, twice more: whatever became of the first, it has counted up once; and the journal explains it.
fn tried_again(place: &Place, finished: &Finished) -> Result<&'static str, String> {
    let was_done = place.version()?.count;
    for _ in 0..2 {
        let again = finish(&mut place.story(&ONCE.command[1..]));
        let count = place.version()?.count;
        if !again.status.success() || count != 1 {
            return Err(format!(
                "at {was_done} before, then at {count}: {}; tried again: {}",
                said(finished),
                said(&again)
            ));
        }
        let is_told = again.stdout.contains("\"already\":true");
        if was_done == 1 && !is_told {
            return Err(format!(
                "it does not say that it was done: {}",
                said(&again)
            ));
        }
    }
    finish(&mut place.story(&["doctor", "--fix"]));
    let doctor = finish(&mut place.story(&["doctor"]));
    if !doctor.status.success() || !place.leftovers()?.is_empty() {
        return Err(format!(
            "left behind: {:?}; {}",
            place.leftovers()?,
            said(&doctor)
        ));
    }
    Ok(if was_done == 1 {
        "done before"
    } else {
        "done now"
    })
}
