//! A cut at each system call of an update.

use super::board::Seen;
use super::calls::{Call, baseline, run_killed};
use super::disk::{Cut, FileSystem};
use super::trial::{Trial, on_disks, wrong_at_once};
use super::updates::{ONE, Update, acknowledged};
use crate::case::{Skip, Tally};
use crate::context::Context;

/// From so many calls on a usual run leaves some out.
const LONG_ROW: usize = 85;

/// Kills the update at each of its calls and cuts the power.
///
/// A usual run takes one kind of cut after the other, and at the end all of them; of a long row of calls it takes every
/// third, by the seed. A long run takes all kinds at each call.
pub fn each_call(context: &Context, fs: FileSystem, update: Update) -> Result<Tally, Skip> {
    let calls = match calls_of(&Trial::new(context, fs, "baseline")?, update) {
        Ok(calls) => calls,
        Err(wrong) => return Ok(wrong_at_once(wrong)),
    };
    let kinds = fs.cuts();
    let mut jobs = Vec::new();
    let step = if context.long || calls.len() < LONG_ROW {
        1
    } else {
        3
    };
    for (index, call) in (context.seed..).zip(&calls) {
        let kind = usize::try_from(index / step).unwrap_or(0) % kinds.len();
        match kinds.get(kind) {
            _ if context.long => jobs.extend(kinds.iter().map(|&cut| (Some(call), cut))),
            Some(&cut) if index % step == 0 => jobs.push((Some(call), cut)),
            _ => {}
        }
    }
    jobs.extend(kinds.iter().map(|&cut| (None, cut)));
    let outcomes = on_disks(context, fs, &jobs, |trial, &(call, cut)| {
        let mut seen = Seen::default();
        let outcome = point(trial, update, call, cut, &mut seen);
        (outcome, seen)
    })?;
    let mut tally = Tally::default();
    let mut sum = Seen::default();
    let mut acknowledgements = 0;
    for (outcome, seen) in outcomes {
        acknowledgements += outcome.as_ref().copied().unwrap_or(0);
        tally.point(outcome.map(drop));
        sum.add(&seen);
    }
    tally.note = format!(
        "{} calls, {acknowledgements} acknowledged; {} old, {} new; {sum}",
        calls.len(),
        sum.old,
        sum.new
    );
    Ok(tally)
}

/// The calls of the update when nothing is in its way.
fn calls_of(trial: &Trial<'_>, update: Update) -> Result<Vec<Call>, String> {
    trial.point("its way, uncut", || {
        let command = update.command(&trial.board, &trial.disk.aside)?;
        let trace = trial.disk.aside.join("trace");
        let calls = baseline(&command, &trial.disk.at, &trace)?;
        for id in update.stories() {
            update.judge(trial.board.version(id)?, true)?;
        }
        Ok(calls)
    })
}

/// Kills the update at a call (or not), cuts the power, and checks everything. Says how many updates were acknowledged.
fn point(
    trial: &Trial<'_>,
    update: Update,
    call: Option<&Call>,
    cut: Cut,
    seen: &mut Seen,
) -> Result<usize, String> {
    let at = call.map_or("the end".to_owned(), Call::to_string);
    let what = format!("{update:?}, killed at {at}, cut {cut:?}");
    trial.point(&what, || {
        let board = &trial.board;
        let command = update.command(board, &trial.disk.aside)?;
        let finished = run_killed(&command, call, &[]);
        let acknowledged = acknowledged(&finished.stdout);
        if call.is_none() && acknowledged.len() != update.stories().len() {
            return Err(format!("it failed by itself: {finished:?}"));
        }
        trial.disk.cut(cut, &board.folder(ONE))?;
        for id in update.stories() {
            let judge = |found| update.judge(found, acknowledged.contains(id));
            board.check(id, judge, seen)?;
        }
        board.check_clean(seen)?;
        // Under the lock of a parent that lives nobody else can tell that a writer has died.
        if seen.doctors > 0 && update != Update::LockRun && trial.disk.fs != FileSystem::Btrfs {
            return Err(
                "the next update has not swept what was left, the doctor had to".to_owned(),
            );
        }
        Ok(acknowledged.len())
    })
}
