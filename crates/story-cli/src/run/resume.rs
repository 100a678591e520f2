//! `story run resume`: the command of a task once more.

use task_runner::Snapshot;

use super::command::TaskCommand;
use super::known::Known;
use super::tasks::{Tasks, release};
use crate::args::run::RunOptions;
use crate::args::run_verbs::ResumeArgs;
use crate::failure::{Code, Failure};
use crate::signals;

/// Runs it and returns its exit code.
///
/// # Errors
///
/// [`Failure`] when it was not started.
pub(super) fn run(tasks: Tasks<'_>, args: &ResumeArgs) -> Result<u8, Failure> {
    signals::watch();
    // What was interrupted is written down before the next attempt begins.
    let (guard, known) = tasks.settle(&args.task, "story run resume")?;
    release(guard, tasks.output);
    let record = known
        .record
        .as_ref()
        .filter(|record| !record.command.is_empty());
    let Some(record) = record.filter(|_| known.state() != "done") else {
        return Err(refused(&known, args));
    };
    let options = RunOptions {
        label: Some(record.label.clone()),
        ..RunOptions::default()
    };
    let command = TaskCommand {
        task: args.task.clone(),
        words: &record.command,
        folder: Some(&record.folder),
        since: since(&known),
        options: &options,
    };
    command.run(tasks.snapshots, tasks.settings, tasks.output)
}

/// The state before the first attempt; of a task that was restored or given up the present one.
fn since(known: &Known) -> Option<Snapshot> {
    known.open.as_ref()?.snapshot.clone()
}

fn refused(known: &Known, args: &ResumeArgs) -> Failure {
    let task = &args.task;
    let failure = Failure::new(Code::Refused, format!("cannot resume task {task}"));
    if known.state() == "done" {
        failure.cause("it is done").hint(format!(
            "`story run --task {task} -- CMD` runs a command under its name"
        ))
    } else {
        failure
            .cause("its command is not known: the journal was deleted since")
            .hint(format!(
                "`story run --task {task} -- CMD` runs it, `story run restore {task}` goes back"
            ))
    }
}
