//! What is told of a task that has ended: to people in words, to programs as one line of JSON.

use std::path::PathBuf;

use serde_json::{Value, json};
use task_runner::{Ended, Fate, Kept, Report};

use super::telling::Teller;
use super::words::command_on;
use super::work::End;
use crate::child::When;
use crate::json::{object, success, text};
use crate::output::{Output, write_json};
use crate::snapshot::{only_copy, restored_to_json, short, tell_restored};
use crate::transaction::chain;

/// Tells how a task ended, what became of the tree, and how to go back.
///
/// `notes` is what is worth telling of the files that were restored.
pub fn tell(
    report: &Report,
    end: &End,
    notes: &[String],
    teller: &mut Teller<'_>,
    output: &Output,
) {
    for trouble in &report.troubles {
        let cause = trouble.error().map(|err| format!(": {}", chain(err)));
        teller.warn(format!("{trouble}{}", cause.unwrap_or_default()));
    }
    if let End::Ended {
        when: When::OutOfTime { survivors },
        ..
    } = end
        && *survivors > 0
    {
        teller.warn(format!(
            "{survivors} processes of the task go on though they were sent SIGKILL"
        ));
    }
    if matches!(report.fate, Fate::Gone) {
        teller.warn(format!(
            "somebody has deleted the ref of snapshot {} while the task ran",
            short(&report.snapshot.id)
        ));
    }
    if let End::Unknown(err) = end {
        teller.warn(format!(
            "the system does not tell how the command ended: {err}"
        ));
    }
    let (what, hint) = words(report);
    output.note(&format!("task {} {}; {what}", report.task, report.ended));
    if let Fate::Restored { restored, .. } = &report.fate {
        tell_restored(&report.snapshot, restored, notes, output);
    }
    if let Some(hint) = hint
        && !output.is_json()
    {
        output.hint(&hint);
    }
}

/// What became of the tree, and what to do next.
fn words(report: &Report) -> (String, Option<String>) {
    let task = report.task.as_str();
    let id = short(&report.snapshot.id);
    let go_back = command_on(&["run", "restore"], task);
    match &report.fate {
        Fate::Dropped => (
            "its snapshot is dropped, for nothing would be lost".to_owned(),
            None,
        ),
        Fate::Kept(Kept::OnlyCopy { only_there, commit }) => (
            format!(
                "its snapshot {id} is kept, for it holds {}",
                only_copy(only_there, commit.as_deref())
            ),
            Some(format!(
                "{go_back} goes back to it, `story snapshot drop {id} --force` loses it"
            )),
        ),
        Fate::Gone => (
            "the tree is left as it is".to_owned(),
            Some(format!(
                "if git still has it, `git stash apply {}` applies the snapshot",
                report.snapshot.id
            )),
        ),
        Fate::Kept(_) => (
            format!("the tree is left as it is, and snapshot {id} is kept"),
            Some(format!(
                "{go_back} brings back the tree as it was before, {} leaves it as it is",
                command_on(&["run", "abandon"], task)
            )),
        ),
        // How to undo that is told with what it did.
        Fate::Restored { .. } => ("the tree is brought back".to_owned(), None),
    }
}

/// Answers programs with one line.
pub fn write(report: &Report, exit_code: u8, teller: &Teller<'_>) {
    let signal = match report.ended {
        Ended::Signalled { signal } => Some(signal),
        _ => None,
    };
    let only_there: &[PathBuf] = match &report.fate {
        Fate::Kept(Kept::OnlyCopy { only_there, .. }) => only_there,
        _ => &[],
    };
    let mut result = success();
    result.extend(object(json!({
        "task": report.task.as_str(),
        "run": report.run,
        "ended": ended_name(report.ended),
        "exit_code": exit_code,
        "signal": signal,
        "snapshot": report.snapshot.id,
        "dropped": is_dropped(&report.fate),
        "only_there": only_there.iter().map(|path| text(path)).collect::<Vec<_>>(),
        "restored": restored(&report.fate),
        "left": teller.left.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "warnings": teller.warnings,
    })));
    // The exit code of the command was asked for; whoever closed stdout does not read this line.
    write_json(result).ok();
}

fn ended_name(ended: Ended) -> &'static str {
    task_runner::State::from(ended).name()
}

fn is_dropped(fate: &Fate) -> bool {
    match fate {
        Fate::Dropped => true,
        Fate::Kept(_) | Fate::Gone => false,
        Fate::Restored { is_dropped, .. } => *is_dropped,
    }
}

fn restored(fate: &Fate) -> Value {
    match fate {
        Fate::Restored { restored, .. } => restored_to_json(restored),
        _ => Value::Null,
    }
}
