//! Writers that are broken on purpose: the cuts must show it.

use std::ffi::OsString;
use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;

use super::board::{Seen, Version, text};
use super::calls::{baseline, run_killed};
use super::commands::must;
use super::disk::{Cut, FileSystem};
use super::trial::{Trial, on_disks, wrong_at_once};
use super::updates::{ONE, Update, acknowledged};
use crate::case::{Skip, Tally};
use crate::context::Context;

/// The update of the product, with one of its calls a lie: it succeeds and does nothing.
pub fn without(context: &Context, fs: FileSystem, sync: &'static str) -> Result<Tally, Skip> {
    let lie: [OsString; 2] = ["-e".into(), format!("inject={sync}:retval=0").into()];
    at_the_end(context, fs, &|trial| {
        let command = Update::Set.command(&trial.board, &trial.disk.aside)?;
        let finished = run_killed(&command, None, &lie);
        if acknowledged(&finished.stdout).contains(ONE) {
            Ok(())
        } else {
            Err(format!("it failed by itself: {finished:?}"))
        }
    })
}

/// A copy under another name, and a rename; the folder is synced, the file is not.
pub fn rename_without_sync(context: &Context, fs: FileSystem) -> Result<Tally, Skip> {
    at_the_end(context, fs, &|trial| {
        let story = trial.board.path(ONE);
        let temporary = story.with_file_name("new");
        must(Command::new("cp").arg(new_version(trial)?).arg(&temporary))?;
        must(Command::new("mv").arg("-T").arg(&temporary).arg(&story))?;
        must(Command::new("sync").arg(trial.board.folder(ONE)))
    })
}

/// A writer that truncates the story and writes it anew, killed at each of its calls.
pub fn in_place(context: &Context, fs: FileSystem) -> Result<Tally, Skip> {
    let trial = Trial::new(context, fs, "baseline")?;
    let calls = trial.point("its way, uncut", || {
        let command = overwrite(&trial)?;
        baseline(&command, &trial.disk.at, &trial.disk.aside.join("trace"))
    });
    let calls = match calls {
        Ok(calls) => calls,
        Err(wrong) => return Ok(wrong_at_once(wrong)),
    };
    let outcomes = on_disks(context, fs, &calls, |trial, call| {
        let what = format!("a writer in place, killed at {call}");
        trial.point(&what, || {
            run_killed(&overwrite(trial)?, Some(call), &[]);
            check(trial, Cut::JournalWritten, false)
        })
    })?;
    Ok(tally(outcomes))
}

fn overwrite(trial: &Trial<'_>) -> Result<Command, String> {
    let mut command = Command::new("dd");
    let argument = |name: &str, path: PathBuf| {
        let mut argument = OsString::from(name);
        argument.push(path);
        argument
    };
    command.args(["bs=4096", "status=none"]);
    command.arg(argument("if=", new_version(trial)?));
    command.arg(argument("of=", trial.board.path(ONE)));
    Ok(command)
}

fn new_version(trial: &Trial<'_>) -> Result<PathBuf, String> {
    let path = trial.disk.aside.join("new.md");
    let new = Version {
        count: 0,
        edited: true,
    };
    File::create(&path)
        .and_then(|mut file| file.write_all(&text(ONE, new)))
        .map_err(|err| err.to_string())?;
    Ok(path)
}

/// Lets `write` finish, and cuts the power in each way that there is.
fn at_the_end(
    context: &Context,
    fs: FileSystem,
    write: &(dyn Fn(&Trial<'_>) -> Result<(), String> + Sync),
) -> Result<Tally, Skip> {
    let rounds = if context.long { 20 } else { 1 };
    let jobs = fs.cuts().repeat(rounds);
    let outcomes = on_disks(context, fs, &jobs, |trial, &cut| {
        trial.point(&format!("{cut:?} after the end"), || {
            write(trial)?;
            check(trial, cut, true)
        })
    })?;
    Ok(tally(outcomes))
}

fn check(trial: &Trial<'_>, cut: Cut, acknowledged: bool) -> Result<(), String> {
    trial.disk.cut(cut, &trial.board.folder(ONE))?;
    let judge = |found| Update::Set.judge(found, acknowledged);
    trial.board.check(ONE, judge, &mut Seen::default())
}

/// Only what the broken writer is to blame for counts as wrong: a control that fails for another reason proves nothing.
fn tally(outcomes: Vec<Result<(), String>>) -> Tally {
    let mut tally = Tally::default();
    let (mut lost, mut torn, mut others) = (0, 0, Vec::new());
    for outcome in outcomes {
        match &outcome {
            Err(wrong) if wrong.contains("LOST") => lost += 1,
            Err(wrong) if wrong.contains("TORN") => torn += 1,
            Err(wrong) => {
                others.push(wrong.clone());
                continue;
            }
            Ok(()) => {}
        }
        tally.point(outcome);
    }
    let other = others.first().map_or(String::new(), |other| {
        format!("; {} points for another reason: {other}", others.len())
    });
    tally.note = format!("{lost} acknowledged lost, {torn} torn{other}");
    tally
}
