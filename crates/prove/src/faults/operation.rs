//! An operation with writes of its own that is killed at each of its calls, or one of whose calls fails: a judge of its own
//! says what must be true afterwards.

use std::os::unix::process::ExitStatusExt as _;

use testkit::Finished;

use super::calls::is_interruptible;
use super::crew::each;
use super::errno;
use super::judge::{documented, names_a_file, said};
use super::kill::traced_calls;
use super::place::{Place, finish};
use super::scene::Scene;
use crate::case::{Skip, Tally};
use crate::context::Context;

/// Well, with what happened in a word; or what is wrong.
pub type Judged = Result<&'static str, String>;

/// An operation, and what must be true after it was disturbed.
pub struct Operation {
    /// The command, and what is there before it.
    pub scene: Scene,
    /// Judges what a kill left.
    pub after_kill: fn(&Place, &Finished) -> Judged,
    /// Judges what a failing call led to, which ended with this exit code: 0, 1, 8 or 9.
    pub after_error: fn(&Place, &Finished, i32) -> Judged,
}

/// Kills it at each call.
pub fn killed_at_each_call(
    context: &Context,
    name: &str,
    operation: &Operation,
) -> Result<Tally, Skip> {
    let calls = traced_calls(context, name, &operation.scene)?;
    let calls: Vec<_> = calls.into_iter().filter(|call| call.in_main).collect();
    each(context, name, &calls, |place, call| {
        let inject = format!("{}:signal=KILL:when={}", call.name, call.number);
        let finished = operation.scene.run(place, Some(&inject)).finished;
        if finished.status.signal() != Some(9) {
            return None;
        }
        let judged = (operation.after_kill)(place, &finished);
        Some(judged.map_err(|wrong| format!("{inject}: {wrong} [{}]", call.shown)))
    })
}

/// Lets each call fail.
pub fn failed_at_each_call(
    context: &Context,
    name: &str,
    operation: &Operation,
) -> Result<Tally, Skip> {
    let calls = traced_calls(context, name, &operation.scene)?;
    let points = errno::points(context, calls);
    each(context, name, &points, |place, (call, error)| {
        let inject = format!("{}:error={error}:when={}", call.name, call.number);
        let finished = operation.scene.run(place, Some(&inject)).finished;
        if !place.trace().contains("(INJECTED)") {
            return None;
        }
        let must_succeed = *error == "EINTR" && is_interruptible(&call.name);
        let is_sync = matches!(call.name.as_str(), "fsync" | "fdatasync") && !must_succeed;
        let judged = true_answer(&finished, must_succeed)
            .and_then(|exit| told_if_unsynced(&finished, exit, is_sync))
            .and_then(|exit| (operation.after_error)(place, &finished, exit));
        Some(judged.map_err(|wrong| format!("{inject}: {wrong} [{}]", call.shown)))
    })
}

/// The exit code, if it is one of those that a failing call may lead to, and said as the documentation says.
fn true_answer(finished: &Finished, must_succeed: bool) -> Result<i32, String> {
    let exit = documented(finished)?;
    let wrong = match exit {
        0 => return Ok(exit),
        _ if must_succeed => "EINTR is not retried",
        _ if !names_a_file(finished) => "the error names no file",
        9 if !finished.stderr.contains("committed") => "it does not say that it is committed",
        _ => return Ok(exit),
    };
    Err(format!("{wrong}: {}", said(finished)))
}

/// A sync that failed is told: by the exit code, or by a warning where it was not one of the change itself.
fn told_if_unsynced(finished: &Finished, exit: i32, is_sync: bool) -> Result<i32, String> {
    let is_told = exit != 0 || finished.stderr.contains("would survive a power cut");
    if is_sync && !is_told {
        return Err(format!("done without a sync: {}", said(finished)));
    }
    Ok(exit)
}

/// What an exit code means for the change.
pub fn word_of(exit: i32) -> &'static str {
    match exit {
        0 => "done",
        9 => "committed, not durable",
        _ => "refused",
    }
}

/// Runs `story ARGUMENTS`, which must succeed; `what` it is stands in the error.
pub fn succeeds(place: &Place, what: &str, arguments: &[&str]) -> Result<Finished, String> {
    let finished = finish(&mut place.story(arguments));
    if finished.status.success() {
        return Ok(finished);
    }
    Err(format!("{what} fails: {}", said(&finished)))
}

/// `story doctor` finds nothing at all.
pub fn all_is_well(place: &Place) -> Result<(), String> {
    let doctor = succeeds(place, "doctor", &["doctor"])?;
    if doctor.stderr.trim() == "all is well" {
        return Ok(());
    }
    Err(format!("afterwards doctor finds: {}", said(&doctor)))
}

/// The names in the story's folder are these alone, beside the story's and a person's.
pub fn holds_only(place: &Place, names: &[&str]) -> Result<(), String> {
    let found = place.leftovers()?;
    if found == names {
        return Ok(());
    }
    Err(format!("beside the story lie {found:?}, not {names:?}"))
}
