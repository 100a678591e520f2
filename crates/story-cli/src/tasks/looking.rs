//! `story tasks list`, `show`, `metrics`: what only looks.

use serde_json::{Value, json};
use state_file::board::{Status, Task, Tasks};

use super::json::{ManyTasks, OneTask, names};
use super::table::{self, Detail};
use super::{Desk, absolute, is_claimable, place, text};
use crate::args::tasks::{ListArgs, ShowArgs, TaskStatus};
use crate::failure::Failure;
use crate::json::{self as shapes, object, success};
use crate::output::{write_json, write_json_of, write_stdout};

pub(super) fn list(desk: &Desk<'_>, args: &ListArgs) -> Result<(), Failure> {
    let found = desk.read_tasks("list the tasks")?;
    let all = &found.tasks;
    let shown = in_order(all, |task| is_meant(task, all, args, desk));
    if desk.output.is_json() {
        let mut rest = place(&found);
        rest.insert("counts".to_owned(), counts(&shown));
        return write_json_of(&ManyTasks::new(&shown, all, desk.asking(), rest));
    }
    if shown.is_empty() {
        desk.output.note("no tasks");
        return Ok(());
    }
    let detail = if args.long {
        Detail::Long
    } else {
        Detail::Short
    };
    let canvas = desk.output.canvas(desk.settings);
    write_stdout(table::tasks(&shown, all, detail, canvas).as_bytes())
}

/// Those that are meant, the next first: as claims take them.
fn in_order(all: &Tasks, is_meant: impl Fn(&Task) -> bool) -> Vec<&Task> {
    let mut shown: Vec<&Task> = all.all().iter().filter(|task| is_meant(task)).collect();
    shown.sort_by_key(|task| (task.priority, task.created_at));
    shown
}

fn is_meant(task: &Task, all: &Tasks, args: &ListArgs, desk: &Desk<'_>) -> bool {
    let has_status = |wanted: &TaskStatus| wanted.status() == task.status;
    let is_same =
        |wanted: &Option<String>, found: &Option<String>| wanted.is_none() || wanted == found;
    (args.statuses.is_empty() || args.statuses.iter().any(has_status))
        && args.tags.iter().all(|tag| task.tags.contains(tag))
        && is_same(&args.assignee, &task.assignee)
        && is_same(&args.parent, &task.parent)
        && (!args.ready || is_claimable(task, all, desk.asking()))
}

/// How many there are of each status.
fn counts(shown: &[&Task]) -> Value {
    let count = |status| shown.iter().filter(|task| task.status == status).count();
    let counts = Status::ALL.map(|status| (status.to_string(), count(status).into()));
    Value::Object(counts.into_iter().collect())
}

pub(super) fn show(desk: &Desk<'_>, args: &ShowArgs) -> Result<(), Failure> {
    let found = desk.read_tasks("show the task")?;
    let all = &found.tasks;
    let Some(task) = all.find(&args.id) else {
        return Err(desk.no_such_task(&args.id, "show the task"));
    };
    if !desk.output.is_json() {
        return write_stdout(text::of(task, all).as_bytes());
    }
    let mut rest = object(json!({
        "ready": is_claimable(task, all, desk.asking()),
        "waits_for": names(&all.waits_for(task)),
    }));
    rest.extend(place(&found));
    write_json_of(&OneTask::new(task, rest))
}

pub(super) fn metrics(desk: &Desk<'_>) -> Result<(), Failure> {
    let found = desk.read("show the metrics")?;
    let agents = &found.metrics.agents;
    if desk.output.is_json() {
        let mut result = success();
        result.extend(object(json!({
            "agents": agents,
            "claims": found.metrics.claims,
            "path": shapes::text(&absolute(&desk.metrics)),
            "warnings": [],
        })));
        return write_json(result);
    }
    if agents.is_empty() {
        desk.output.note("nobody has done anything");
        return Ok(());
    }
    let canvas = desk.output.canvas(desk.settings);
    write_stdout(table::metrics(agents, canvas).as_bytes())
}
