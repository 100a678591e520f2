//! Two workers that try the points of a case side by side, each in a project of its own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::calls::{injected, is_out_of_reach};
use super::place::Place;
use crate::case::{Skip, Tally};
use crate::context::Context;
use crate::share::Point;

/// As many as the machines have processors that run this.
const WORKERS: usize = 2;

/// What came of a point: well or wrong, and in a word what happened; `None` when it was not reached this time.
pub type Tried = Option<Result<&'static str, String>>;

/// Tries each point once, of those that this run is to try.
pub fn each<P: Point + Sync>(
    context: &Context,
    name: &str,
    points: &[P],
    try_point: impl Fn(&Place, &P) -> Tried + Sync,
) -> Result<Tally, Skip> {
    let places = (0..WORKERS)
        .map(|worker| Place::new(context, &format!("{name} {worker}")))
        .collect::<Result<Vec<_>, _>>()?;
    let points: Vec<&P> = context
        .share_of(points)
        .into_iter()
        .map(|at| &points[at])
        .collect();
    let next = AtomicUsize::new(0);
    let found: Mutex<Vec<(usize, Tried)>> = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for place in &places {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(point) = points.get(at) else {
                        return;
                    };
                    let tried = unless_it_panics(place, || try_point(place, point));
                    found
                        .lock()
                        .expect("a worker does not panic")
                        .push((at, tried));
                }
            });
        }
    });
    let mut found = found.into_inner().expect("a worker does not panic");
    found.sort_by_key(|(at, _)| *at);
    Ok(counted(found.into_iter().map(|(_, tried)| tried)))
}

/// A hang, and whatever else the tools of these cases give up on, is wrong at this point, and the others go on.
///
/// But for a call that cannot be made to fail: what comes how-manieth may differ from run to run.
fn unless_it_panics(place: &Place, try_point: impl FnOnce() -> Tried) -> Tried {
    catch_unwind(AssertUnwindSafe(try_point)).unwrap_or_else(|panic| {
        let words = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("no words");
        match injected(&place.trace()) {
            Some(call) if is_out_of_reach(&call) => None,
            Some(call) => Some(Err(format!("gave up: {} [{words}]", call.shown))),
            None => Some(Err(format!("gave up: {words}"))),
        }
    })
}

fn counted(found: impl Iterator<Item = Tried>) -> Tally {
    let mut tally = Tally::default();
    let mut words: Vec<(&str, u64)> = Vec::new();
    for tried in found.flatten() {
        if let Ok(word) = &tried {
            match words.iter_mut().find(|(known, _)| known == word) {
                Some((_, count)) => *count += 1,
                None => words.push((word, 1)),
            }
        }
        tally.point(tried.map(drop));
    }
    let words: Vec<String> = words
        .iter()
        .map(|(word, count)| format!("{word} {count}"))
        .collect();
    tally.note = words.join(", ");
    tally
}
