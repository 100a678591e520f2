//! `story task …`: the table of tasks in a story's body.

use serde_json::{Map, Value, json};
use story::Document;
use story::tasks::{self, Initialised, Task, TaskTable};

use crate::args::task::{TaskInitArgs, TaskListArgs, TaskNextArgs, TaskSetArgs, TaskVerb};
use crate::contract::{Dates, change, tell};
use crate::failure::{Code, Failure};
use crate::get;
use crate::json;
use crate::output::{Output, write_json};
use crate::places::Target;
use crate::settings::Settings;
use crate::transaction::id_of;

/// Runs one of them.
///
/// # Errors
///
/// [`Failure`]; the story is unchanged unless it says committed.
pub fn run(verb: &TaskVerb, settings: &Settings, output: &Output) -> Result<(), Failure> {
    match verb {
        TaskVerb::Init(args) => init(args, settings, output),
        TaskVerb::Set(args) => set(args, settings, output),
        TaskVerb::Next(args) => next(args, settings, output),
        TaskVerb::List(args) => list(args, settings, output),
    }
}

fn init(args: &TaskInitArgs, settings: &Settings, output: &Output) -> Result<(), Failure> {
    let target = Target::of_story(&args.story, settings)?;
    let ((made, table), mut done) = change(
        &target,
        "story task init",
        Dates::Nothing,
        settings,
        output,
        |story| {
            let made = tasks::initialise(story, &args.tasks)?;
            Ok((made, tasks::read(story)))
        },
    )?;
    if made == Initialised::WasThere {
        done.warn(format!(
            "## {} occurs in the story already: nothing was added",
            tasks::HEADING
        ));
    }
    let mut members = to_members(&table);
    members.insert("made".to_owned(), (made == Initialised::Made).into());
    tell(&done, members, output)
}

fn set(args: &TaskSetArgs, settings: &Settings, output: &Output) -> Result<(), Failure> {
    let target = Target::of_story(&args.story, settings)?;
    let now = settings.moment();
    let (table, mut done) = change(
        &target,
        "story task set",
        Dates::Nothing,
        settings,
        output,
        |story| {
            tasks::set_status(story, &args.task, args.status.status(), now)?;
            Ok(tasks::read(story))
        },
    )?;
    for line in &table.skipped {
        done.warn(not_understood(line));
    }
    let task = table.tasks.iter().find(|task| task.name == args.task);
    tell(
        &done,
        json::object(json!({ "task": task.map(to_json) })),
        output,
    )
}

fn next(args: &TaskNextArgs, settings: &Settings, output: &Output) -> Result<(), Failure> {
    let target = Target::of_story(&args.story, settings)?;
    let story = get::read(&target, false, settings, output)?;
    let Some(task) = tasks::next_pending(&story) else {
        return Err(Failure::new(Code::NotFound, "")
            .cause("no task is pending")
            .about("tell the next task of", &target));
    };
    if output.is_json() {
        let mut result = result_of(&story, &target);
        result.insert("task".to_owned(), to_json(&task));
        return write_json(result);
    }
    output.line(None, &task.name)
}

fn list(args: &TaskListArgs, settings: &Settings, output: &Output) -> Result<(), Failure> {
    let target = Target::of_story(&args.story, settings)?;
    let story = get::read(&target, false, settings, output)?;
    let table = tasks::read(&story);
    for line in &table.skipped {
        output.warning(&not_understood(line));
    }
    if output.is_json() {
        let mut result = result_of(&story, &target);
        result.extend(to_members(&table));
        let warnings: Vec<_> = table
            .skipped
            .iter()
            .map(|line| not_understood(line))
            .collect();
        result.insert("warnings".to_owned(), warnings.into());
        return write_json(result);
    }
    let lines = table
        .tasks
        .iter()
        .map(|task| format!("{:<11}  {}\n", task.status, task.name));
    output.data(lines.collect::<String>().as_bytes())
}

fn not_understood(line: &str) -> String {
    format!("a row of the table of tasks is not understood, and was left as it is: {line}")
}

fn result_of(story: &Document, target: &Target) -> Map<String, Value> {
    let id = id_of(story).or_else(|| target.id.clone());
    json::success_of(id.as_deref(), &target.absolute())
}

fn to_members(table: &TaskTable) -> Map<String, Value> {
    let tasks: Vec<Value> = table.tasks.iter().map(to_json).collect();
    json::object(json!({ "tasks": tasks }))
}

fn to_json(task: &Task) -> Value {
    json!({
        "name": task.name,
        "status": task.status.name(),
        "started": task.started,
        "completed": task.completed,
        "error": task.error,
    })
}
