//! `story run list` and `show`.

use serde_json::{Value, json};

use super::json::{attempt_to_json, known_to_json};
use super::known::{Known, verb};
use super::table;
use super::tasks::Tasks;
use super::words::command_on;
use crate::args::run_verbs::{ListArgs, ShowArgs};
use crate::failure::Failure;
use crate::json::success;
use crate::output::{write_json, write_stdout};

pub(super) fn list(tasks: &Tasks<'_>, args: &ListArgs) -> Result<(), Failure> {
    let mut listed = tasks.list()?;
    listed.retain(|known| args.all || known.needs_something());
    if tasks.output.is_json() {
        return listed.iter().try_for_each(|known| {
            let mut result = success();
            result.extend(known_to_json(known));
            write_json(result)
        });
    }
    if listed.is_empty() {
        let none = if args.all {
            "no tasks"
        } else {
            "no task runs, and none waits for a decision"
        };
        tasks.output.note(none);
        return Ok(());
    }
    let canvas = tasks.output.canvas(tasks.settings);
    write_stdout(table::tasks(&listed, tasks.now(), canvas).as_bytes())?;
    if let Some(hint) = listed.iter().find_map(hint) {
        tasks.output.hint(&hint);
    }
    Ok(())
}

pub(super) fn show(tasks: &Tasks<'_>, args: &ShowArgs) -> Result<(), Failure> {
    let known = tasks.find(&args.task)?;
    let attempts = known.record.as_ref().map(|record| &record.attempts[..]);
    let attempts = attempts.unwrap_or_default();
    if tasks.output.is_json() {
        let mut result = success();
        result.extend(known_to_json(&known));
        let attempts: Value = attempts.iter().map(attempt_to_json).collect();
        result.insert("attempts".to_owned(), attempts);
        result.insert("warnings".to_owned(), json!([]));
        return write_json(result);
    }
    let mut text = table::about(&known);
    if !attempts.is_empty() {
        let canvas = tasks.output.canvas(tasks.settings);
        text.push('\n');
        text.push_str(&table::attempts(attempts, tasks.now(), canvas));
    }
    write_stdout(text.as_bytes())?;
    if let Some(hint) = hint(&known) {
        tasks.output.hint(&hint);
    }
    Ok(())
}

/// What can be done about a task, as commands.
fn hint(known: &Known) -> Option<String> {
    let task = known.task()?;
    let commands: Vec<_> = known
        .can()
        .iter()
        .map(|can| command_on(&["run", verb(*can)], task.as_str()))
        .collect();
    (!commands.is_empty()).then(|| commands.join(", "))
}
