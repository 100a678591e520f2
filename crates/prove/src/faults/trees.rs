//! Snapshots and tasks in a git tree that are killed, or one of whose calls fails: the tree is as it was, or one command makes
//! it so; what a task had made meanwhile is kept; stashes, reflogs, refs and index are as they were.
//!
//! The calls are those of `story` itself. A git that it has started when it is killed goes on to its end, as it would.

mod judge;
mod subject;
mod tree;

use std::os::unix::process::ExitStatusExt as _;

use super::calls::{Call, calls, is_interruptible, sqlite_gives_up};
use super::crew::each;
use super::errno;
use super::judge::said;
use super::operation::Judged;
use crate::case::{Case, Expect, Skip, Tally};
use crate::context::{Context, need_programs};
use judge::told_truly;
use subject::Subject;
use tree::Tree;

/// Of more points than this a usual run takes some, evenly spread; other ones for another seed. Chosen: each starts git a
/// hundred times.
const MOST: usize = 40;

/// Two cases for each row, and then the control.
macro_rules! table {
    ($($what:literal: $subject:path;)*) => {
        &[
            $(
                case(concat!("kill: ", $what), |of| {
                    killed(of, concat!("kill ", $what), &$subject)
                }),
                case(concat!("errno: ", $what), |of| {
                    failed(of, concat!("errno ", $what), &$subject)
                }),
            )*
            Case {
                name: "kill: a task between git stash push and pop",
                expect: Expect::SomethingWrong,
                minimum: 10,
                run: |of| killed(of, "kill stash push and pop", &subject::STASH),
            },
        ]
    };
}

/// The cases of this section.
pub const CASES: &[Case] = table![
    "snapshot take": subject::TAKE;
    "snapshot restore": subject::RESTORE;
    "snapshot drop": subject::DROP;
    "run of a task that fails": subject::RUN;
];

const fn case(name: &'static str, run: fn(&Context) -> Result<Tally, Skip>) -> Case {
    Case {
        name,
        expect: Expect::NothingWrong,
        minimum: 12,
        run,
    }
}

/// Kills it at each of its calls.
fn killed(context: &Context, name: &str, subject: &Subject) -> Result<Tally, Skip> {
    let calls = traced_calls(context, name, subject)?;
    let calls: Vec<Call> = calls.into_iter().filter(|call| call.in_main).collect();
    each(
        context,
        name,
        &sampled(context, calls, |call| call),
        |place, call| {
            let tree = Tree::new(place);
            let inject = format!("{}:signal=KILL:when={}", call.name, call.number);
            let run = tree.run(subject, Some(&inject));
            if run.finished.status.signal() != Some(9) {
                return None;
            }
            let judged = (subject.after_kill)(&tree, &run);
            Some(judged.map_err(|wrong| format!("{inject}: {wrong} [{}]", call.shown)))
        },
    )
}

/// Lets each of its calls fail.
fn failed(context: &Context, name: &str, subject: &Subject) -> Result<Tally, Skip> {
    let points = errno::points(context, traced_calls(context, name, subject)?);
    each(
        context,
        name,
        &sampled(context, points, |(call, _)| call),
        |place, (call, error)| {
            let tree = Tree::new(place);
            let inject = format!("{}:error={error}:when={}", call.name, call.number);
            let run = tree.run(subject, Some(&inject));
            if !place.trace().contains("(INJECTED)") {
                return None;
            }
            let must_succeed = *error == "EINTR" && is_repeated(call);
            let judged: Judged = told_truly(subject, &run.finished, must_succeed)
                .and_then(|()| (subject.after_error)(&tree, &run));
            Some(judged.map_err(|wrong| format!("{inject}: {wrong} [{}]", call.shown)))
        },
    )
}

/// Whether a call that a signal interrupts is made again.
fn is_repeated(call: &Call) -> bool {
    is_interruptible(&call.name) && !(call.shown.contains("/.devs.db") && sqlite_gives_up(call))
}

fn traced_calls(context: &Context, name: &str, subject: &Subject) -> Result<Vec<Call>, Skip> {
    need_programs(&["strace", "git"])?;
    let place = super::place::Place::new(context, &format!("{name} undisturbed"))?;
    let run = Tree::new(&place).run(subject, None);
    let found = calls(&place.trace());
    if found.len() < 20 || run.finished.status.code() != Some(subject.exit) {
        let told = said(&run.finished);
        return Err(Skip::because(format!("undisturbed it says: {told}")));
    }
    Ok(found)
}

/// Half of them calls by which something takes effect, half any others, each evenly spread.
fn sampled<P>(context: &Context, points: Vec<P>, call: fn(&P) -> &Call) -> Vec<P> {
    let (changes, others): (Vec<P>, Vec<P>) = points
        .into_iter()
        .partition(|point| takes_effect(&call(point).name));
    let spread = |points: Vec<P>| {
        let step = match points.len().div_ceil(MOST / 2) {
            _ if context.long => 1,
            step => step.max(1),
        };
        let first = usize::try_from(context.seed).unwrap_or_default() % step;
        points.into_iter().skip(first).step_by(step)
    };
    spread(changes).chain(spread(others)).collect()
}

fn takes_effect(call: &str) -> bool {
    [
        "rename", "link", "unlink", "symlink", "mkdir", "rmdir", "fchmod",
    ]
    .iter()
    .any(|name| call.starts_with(name))
}
