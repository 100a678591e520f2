//! Which tasks were interrupted. Pure.

use std::collections::HashSet;
use std::ffi::OsString;
use std::path::Path;

use super::{Findings, Holding, Interrupted, Remedy, What};
use crate::journal::{Attempt, State, TaskRecord};
use crate::snapshot::Snapshot;

/// Says which tasks wait for a decision: those that the journal knows in its order, then those of which there is only a
/// snapshot. A task that runs is none of them.
pub fn interrupted(findings: &Findings<'_>) -> Vec<Interrupted> {
    let known = findings.tasks.iter().filter(|task| task.is_open());
    let known = known.filter_map(|task| of_task(task, findings));
    let mut found: Vec<Interrupted> = known.collect();
    for snapshot in unrecorded(findings) {
        // The earliest is the one to go back to.
        if found.iter().all(|one| one.task != snapshot.task) {
            found.push(of_snapshot(snapshot));
        }
    }
    found
}

fn of_task(task: &TaskRecord, findings: &Findings<'_>) -> Option<Interrupted> {
    let last = task.attempts.last()?;
    let (snapshot, gone) = snapshots_of(task, findings);
    let what = match last.state {
        State::Running => match holder_of(last, findings.holding) {
            Holder::Lives => return None,
            Holder::Outlived(pids) => What::Outlived { pids },
            Holder::Died => what_died(last),
        },
        State::Interrupted => what_died(last),
        // It was dropped, and its runner died before it could write that down.
        State::Done if snapshot.is_none() => return None,
        state => What::Kept { state },
    };
    let can = remedies(&what, snapshot, &last.command);
    Some(Interrupted {
        task: task.task.clone(),
        run: last.run(),
        began_at: last.began_at,
        command: last.command.clone(),
        what,
        snapshot: snapshot.cloned(),
        gone,
        can,
    })
}

/// The command begins after the journal has the snapshot.
fn what_died(attempt: &Attempt) -> What {
    match attempt.snapshot {
        Some(_) => What::AtWork,
        None => What::BeforeWork,
    }
}

pub(super) enum Holder {
    Lives,
    Outlived(Vec<u32>),
    Died,
}

pub(super) fn holder_of(attempt: &Attempt, holding: &Holding) -> Holder {
    let Holding::Somebody {
        pid,
        token,
        outlived_by,
    } = holding
    else {
        return match holding {
            Holding::Unknown => Holder::Lives,
            _ => Holder::Died,
        };
    };
    let is_it = match &attempt.lock_token {
        Some(its) => token.as_ref() == Some(its),
        None => *pid == Some(attempt.pid),
    };
    match is_it {
        false => Holder::Died,
        true if outlived_by.is_empty() => Holder::Lives,
        true => Holder::Outlived(outlived_by.clone()),
    }
}

/// The earliest snapshot that is kept and still there, and the commits of those that are gone.
fn snapshots_of<'a>(
    task: &TaskRecord,
    findings: &Findings<'a>,
) -> (Option<&'a Snapshot>, Vec<String>) {
    let mut there = None;
    let mut gone = Vec::new();
    for attempt in &task.attempts {
        let found = snapshot_of(attempt, findings);
        there = there.or(found);
        if let (None, Some(commit), true) = (found, &attempt.snapshot, attempt.is_snapshot_kept) {
            gone.push(commit.clone());
        }
    }
    (there, gone)
}

pub(super) fn snapshot_of<'a>(attempt: &Attempt, findings: &Findings<'a>) -> Option<&'a Snapshot> {
    let mut all = findings.snapshots.iter();
    match &attempt.snapshot {
        Some(commit) if attempt.is_snapshot_kept => all.find(|one| one.id == *commit),
        Some(_) => None,
        // Its runner died after the snapshot was there and before the journal had it.
        None => all.find(|one| is_of_run(one, &attempt.run(), findings.top)),
    }
}

fn is_of_run(snapshot: &Snapshot, run: &str, top: &Path) -> bool {
    snapshot.run.as_deref() == Some(run) && snapshot.rescue_of.is_none() && snapshot.worktree == top
}

/// Snapshots that were taken for runs in this tree of which the journal has nothing, the earliest first.
pub(super) fn unrecorded<'a>(findings: &Findings<'a>) -> Vec<&'a Snapshot> {
    let attempts = || findings.tasks.iter().flat_map(|task| &task.attempts);
    let written = attempts().filter_map(|one| one.snapshot.as_deref());
    let found = attempts().filter_map(|one| snapshot_of(one, findings));
    let known: HashSet<&str> = written.chain(found.map(|one| one.id.as_str())).collect();
    let mut unknown: Vec<&Snapshot> = findings
        .snapshots
        .iter()
        .filter(|one| {
            one.run
                .as_deref()
                .is_some_and(|run| is_of_run(one, run, findings.top))
        })
        .filter(|one| !known.contains(one.id.as_str()))
        .collect();
    unknown.sort_by_key(|one| one.taken_at);
    unknown
}

fn of_snapshot(snapshot: &Snapshot) -> Interrupted {
    let what = What::Unrecorded;
    let can = remedies(&what, Some(snapshot), &[]);
    Interrupted {
        task: snapshot.task.clone(),
        run: snapshot.run.clone().unwrap_or_default(),
        began_at: snapshot.taken_at,
        command: Vec::new(),
        what,
        snapshot: Some(snapshot.clone()),
        gone: Vec::new(),
        can,
    }
}

fn remedies(what: &What, snapshot: Option<&Snapshot>, command: &[OsString]) -> Vec<Remedy> {
    if matches!(what, What::Outlived { .. }) {
        return Vec::new();
    }
    let is_done = matches!(what, What::Kept { state: State::Done });
    let resume = (!command.is_empty() && !is_done).then_some(Remedy::Resume);
    let restore = snapshot.map(|_| Remedy::Restore);
    let abandon = Some(Remedy::Abandon);
    [resume, restore, abandon].into_iter().flatten().collect()
}

#[cfg(test)]
mod tests;
