//! An agent that is stopped in its edit until its lease has ended, by the real clock, and goes on though nobody took over.

use testkit::Finished;

use super::edits::{EDITED, FILE, FIRST, prepare_files};
use super::paused::{EDIT, Stopped, text, traced_calls};
use super::store::Store;
use crate::case::{Skip, Tally};
use crate::context::Context;
use crate::faults::crew::{Tried, each};
use crate::faults::judge::said;
use crate::faults::place::finish;
use crate::leases::Kind;

/// How long the lease runs: longer than the edit takes to its first look at it, on a busy machine. Chosen.
const TTL: &str = "1500ms";

/// How many calls a usual run takes; each lasts as long as the lease. Chosen.
const POINTS: usize = 12;

/// Stops it at some of its calls, evenly spread, and at each in a long run.
pub fn at_some_calls(context: &Context, name: &str, kind: Kind) -> Result<Tally, Skip> {
    let calls = traced_calls(context, name, kind, EDIT)?;
    let step = if context.long {
        1
    } else {
        calls.len().div_ceil(POINTS)
    };
    let points: Vec<_> = calls.iter().step_by(step.max(1)).collect();
    each(context, name, &points, |place, call| {
        let inject = format!("{}:signal=STOP:when={}", call.name, call.number);
        let tried = overslept_at(&Store { place, kind }, &inject)?;
        Some(tried.map_err(|wrong| format!("{inject}: {wrong} [{}]", call.shown)))
    })
}

fn overslept_at(store: &Store<'_>, inject: &str) -> Tried {
    store.renew(prepare_files);
    let acquire = ["lease", "acquire", FILE, "--as", "a", "--ttl", TTL];
    let acquired = finish(&mut store.story_now(&acquire));
    if !acquired.status.success() {
        return Some(Err(format!("no lease: {}", said(&acquired))));
    }
    let stopped = Stopped::start(store, EDIT, inject)?;
    let was_done = text(store) == EDITED.text();
    let wait = ["lease", "wait", FILE, "--as", "b", "--wait", "5s"];
    let waited = finish(&mut store.story_now(&wait));
    // Begins a change of the store, and finds nothing to change.
    let look = ["lease", "release", "--as", "nobody", "--timeout", "0"];
    let looked = finish(&mut store.story_now(&look));
    let resumed = stopped.resumed();
    // Stopped while it opens or closes a database, it keeps others from reading, too, for longer than the lease runs.
    let was_unlocked = match (waited.status.code(), looked.status.code()) {
        (Some(0), Some(0)) => true,
        (Some(0 | 4), Some(4)) => false,
        _ => {
            let told = (said(&waited), said(&looked));
            return Some(Err(format!("it cannot be looked at: {told:?}")));
        }
    };
    Some(judged(store, &resumed, was_done, was_unlocked))
}

/// Whether it had locked the store before its lease ended decides whether it may still write.
fn judged(
    store: &Store<'_>,
    resumed: &Finished,
    was_done: bool,
    was_unlocked: bool,
) -> Result<&'static str, String> {
    let is_new = text(store) == EDITED.text();
    let is_old = text(store) == FIRST.text();
    match resumed.status.code() {
        Some(0) if was_done && is_new => Ok("done before"),
        Some(0) if !was_unlocked && is_new => Ok("done, it held the store"),
        Some(4 | 5) if !was_done && is_old => Ok("refused"),
        _ => Err(format!(
            "done before: {was_done}, the store unlocked: {was_unlocked}, new: {is_new}; {}",
            said(resumed)
        )),
    }
}
