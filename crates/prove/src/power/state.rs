//! JSON state files on a disk whose power is cut: one that is counted up, and a board of tasks with its metrics, which must
//! both be old or both be new.

use std::ffi::OsString;
use std::fs;
use std::process::Command;

use super::calls::{Call, baseline, run_killed};
use super::commands::{must, run};
use super::disk::{Cut, FileSystem};
use super::trial::{Trial, on_disks, wrong_at_once};
use crate::case::{Skip, Tally};
use crate::context::Context;
use crate::state_files::{
    BOARD, Bench, CLAIM, Change, DONE, Left, STATE, acknowledges, beside, clear, count_of, state,
    write,
};

/// Of a longer row a usual run takes as many calls as this, evenly spread.
const POINTS: usize = 25;

/// What is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// `story state set --inc`.
    Set,
    /// `story tasks claim`.
    Claim,
    /// `story tasks done`.
    Done,
}

/// What was there in the end, and whether that had been acknowledged.
struct Seen {
    left: Left,
    is_acknowledged: bool,
}

/// Kills a change at each of its calls and cuts the power, one kind of cut after the other; then all kinds after its end.
pub fn each_call(context: &Context, fs: FileSystem, subject: Subject) -> Result<Tally, Skip> {
    let calls = match calls_of(&Trial::new(context, fs, "baseline")?, subject) {
        Ok(calls) => calls,
        Err(wrong) => return Ok(wrong_at_once(wrong)),
    };
    let kinds = fs.cuts();
    let step = if context.long {
        1
    } else {
        calls.len().div_ceil(POINTS).max(1)
    };
    let sampled = calls.iter().step_by(step).enumerate();
    let mut jobs: Vec<(Option<&Call>, Cut)> = sampled
        .map(|(index, call)| (Some(call), kinds[index % kinds.len()]))
        .collect();
    jobs.extend(kinds.iter().map(|&cut| (None, cut)));
    let outcomes = on_disks(context, fs, &jobs, |trial, &(call, cut)| {
        point(trial, subject, call, cut, &[])
    })?;
    Ok(tally(outcomes, calls.len()))
}

/// A change whose syncs are a lie: they succeed and do nothing. Cut after its end in each way that there is.
pub fn without_sync(context: &Context, fs: FileSystem, subject: Subject) -> Result<Tally, Skip> {
    let lie: [OsString; 2] = ["-e".into(), "inject=fsync,fdatasync:retval=0".into()];
    let outcomes = on_disks(context, fs, fs.cuts(), |trial, &cut| {
        point(trial, subject, None, cut, &lie)
    })?;
    let is_shown = |outcome: &Result<Seen, String>| match outcome {
        Ok(_) => true,
        Err(wrong) => ["LOST", "TORN", "HALF"]
            .iter()
            .any(|word| wrong.contains(word)),
    };
    // A control that fails for another reason proves nothing.
    Ok(tally(outcomes.into_iter().filter(is_shown).collect(), 0))
}

fn tally(outcomes: Vec<Result<Seen, String>>, calls: usize) -> Tally {
    let mut tally = Tally::default();
    let (mut acknowledged, mut old, mut new, mut decided) = (0, 0, 0, 0);
    for outcome in outcomes {
        if let Ok(seen) = &outcome {
            acknowledged += usize::from(seen.is_acknowledged);
            *match seen.left {
                Left::Old => &mut old,
                Left::New => &mut new,
                Left::Decided => &mut decided,
            } += 1;
        }
        tally.point(outcome.map(drop));
    }
    tally.note = format!(
        "{calls} calls, {acknowledged} acknowledged; {old} old, {new} new, {decided} finished by the next"
    );
    tally
}

/// The calls of a change when nothing is in its way.
fn calls_of(trial: &Trial<'_>, subject: Subject) -> Result<Vec<Call>, String> {
    trial.point("its way, uncut", || {
        subject.renew(trial)?;
        let trace = trial.disk.aside.join("trace");
        let calls = baseline(&subject.command(trial), &trial.disk.at, &trace)?;
        match subject.judge(trial, "")? {
            Left::New => Ok(calls),
            other => Err(format!("uncut it leads to {other:?}")),
        }
    })
}

fn point(
    trial: &Trial<'_>,
    subject: Subject,
    call: Option<&Call>,
    cut: Cut,
    extra: &[OsString],
) -> Result<Seen, String> {
    let at = call.map_or("the end".to_owned(), Call::to_string);
    trial.point(&format!("{subject:?}, killed at {at}, cut {cut:?}"), || {
        subject.renew(trial)?;
        let told = run_killed(&subject.command(trial), call, extra);
        let is_acknowledged = acknowledges(&told.stdout);
        if call.is_none() && !is_acknowledged {
            return Err(format!("it failed by itself: {told:?}"));
        }
        trial.disk.cut(cut, &trial.board.root)?;
        let left = subject.judge(trial, &told.stdout)?;
        Ok(Seen {
            left,
            is_acknowledged,
        })
    })
}

impl Subject {
    /// The change of the board; none of the counted state.
    fn change(self) -> Option<&'static Change> {
        match self {
            Self::Set => None,
            Self::Claim => Some(&CLAIM),
            Self::Done => Some(&DONE),
        }
    }

    fn bench<'a>(self, trial: &'a Trial<'_>) -> Option<Bench<'a>> {
        Some(Bench {
            root: trial.board.root.clone(),
            kept: trial.disk.aside.join("board"),
            story: Box::new(|| trial.board.story()),
            change: self.change()?,
        })
    }

    /// Puts the files there, and on the disk.
    fn renew(self, trial: &Trial<'_>) -> Result<(), String> {
        let root = &trial.board.root;
        if let Some(bench) = self.bench(trial) {
            bench.renew();
        } else {
            clear(root);
            write(&root.join(STATE), state(0).as_bytes());
        }
        must(Command::new("sync").arg("-f").arg(root))
    }

    fn command(self, trial: &Trial<'_>) -> Command {
        let of_board = self.bench(trial).map(|bench| bench.command());
        of_board.unwrap_or_else(|| {
            let mut command = trial.board.story();
            command
                .args(["state", "set"])
                .arg(trial.board.root.join(STATE));
            command.args(["--inc", "count", "--json"]);
            command
        })
    }

    /// What was acknowledged is there, all of it is old or all of it is new, and the next change needs no wait.
    fn judge(self, trial: &Trial<'_>, told: &str) -> Result<Left, String> {
        let judged = self.bench(trial).map(|bench| bench.judge(told));
        let left = judged.unwrap_or_else(|| judge_state(trial, told))?;
        let known: &[&str] = if self == Self::Set { &[STATE] } else { &BOARD };
        let litter = beside(&trial.board.root, known);
        // On btrfs a cut can take a lock and leave the file beside it (docs/reliability.md, "Not promised").
        if litter.is_empty() || trial.disk.fs == FileSystem::Btrfs {
            return Ok(left);
        }
        Err(format!("the next change does not sweep {litter:?}"))
    }
}

fn judge_state(trial: &Trial<'_>, told: &str) -> Result<Left, String> {
    let path = trial.board.root.join(STATE);
    let count = || {
        let bytes = fs::read(&path).map_err(|err| format!("the state is LOST: {err}"))?;
        count_of(&bytes).ok_or_else(|| format!("the state is TORN: {} bytes", bytes.len()))
    };
    let left = match count()? {
        0 if acknowledges(told) => {
            return Err("an ACKNOWLEDGED change is LOST".to_owned());
        }
        0 => Left::Old,
        1 => Left::New,
        other => return Err(format!("nobody counted to {other}")),
    };
    let before = count()?;
    let mut next = Subject::Set.command(trial);
    let next = run(next.args(["--timeout", "0"]));
    if next.status.success() && count()? == before + 1 {
        return Ok(left);
    }
    Err(format!("the next change after {left:?}: {next:?}"))
}
