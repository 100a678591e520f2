//! `story tasks new`, `spawn`, `claim`, `update`, `done`, `fail`, `release`: what changes the board.

use serde_json::json;
use state_file::board::{Completion, Done, Filter, OpenChildren, TransactionTold};

use super::json::OneTask;
use super::{Desk, given};
use crate::args::tasks::{
    ClaimArgs, DoneArgs, FailArgs, NewArgs, ReleaseArgs, SpawnArgs, UpdateArgs,
};
use crate::failure::{Code, Failure};
use crate::failure_sources::millis;
use crate::json::{self as shapes, object};
use crate::output::write_json_of;
use crate::text_argument;
use crate::transaction::{chain, took_over_text};

pub(super) fn new(desk: &Desk<'_>, args: &NewArgs) -> Result<(), Failure> {
    let new = given::new_task(&args.title, &args.task)?;
    let doing = "put the task on the board";
    let changed = desk.change(doing, |board, actor, options| {
        board.create(&new, actor, options)
    })?;
    told(desk, &changed, Told::Id)
}

pub(super) fn spawn(desk: &Desk<'_>, args: &SpawnArgs) -> Result<(), Failure> {
    let new = given::new_task(&args.title, &args.task)?;
    let doing = format!("put a child of {} on the board", args.parent);
    let changed = desk.change(&doing, |board, actor, options| {
        board.spawn(&args.parent, &new, actor, options)
    })?;
    told(desk, &changed, Told::Id)
}

pub(super) fn claim(desk: &Desk<'_>, args: &ClaimArgs) -> Result<(), Failure> {
    desk.must_have_a_name()?;
    let Some(id) = &args.id else {
        return claim_next(desk, args);
    };
    let changed = desk.change(&format!("claim {id}"), |board, actor, options| {
        board.claim(id, actor, options)
    })?;
    told(desk, &changed, Told::Id)
}

fn claim_next(desk: &Desk<'_>, args: &ClaimArgs) -> Result<(), Failure> {
    let filter = Filter {
        tags: args.tags.clone(),
        complexity: args.complexity.clone(),
        parent: args.parent.clone(),
    };
    let changed = desk.change("claim a task", |board, actor, options| {
        board.claim_next(&filter, actor, options)
    });
    match changed {
        Ok(changed) => told(desk, &changed, Told::Id),
        Err(failure) if failure.code == Code::NothingReady => Err(desk.nothing_ready(failure)),
        Err(failure) => Err(failure),
    }
}

pub(super) fn update(desk: &Desk<'_>, args: &UpdateArgs) -> Result<(), Failure> {
    let amendment = given::amendment(args)?;
    let doing = format!("update {}", args.id);
    let changed = desk.change(&doing, |board, actor, options| {
        board.update(&args.id, &amendment, actor, options)
    })?;
    told(desk, &changed, Told::Note("updated"))
}

pub(super) fn done(desk: &Desk<'_>, args: &DoneArgs) -> Result<(), Failure> {
    desk.must_have_a_name()?;
    let completion = Completion {
        result: given::text(args.result.as_deref())?,
        open_children: if args.with_open_children {
            OpenChildren::Allowed
        } else {
            OpenChildren::Refused
        },
        right: given::right(args.force),
    };
    let doing = format!("complete {}", args.id);
    let changed = desk.change(&doing, |board, actor, options| {
        board.complete(&args.id, &completion, actor, options)
    })?;
    told(desk, &changed, Told::Note("completed"))
}

pub(super) fn fail(desk: &Desk<'_>, args: &FailArgs) -> Result<(), Failure> {
    desk.must_have_a_name()?;
    let reason = text_argument::read(&args.reason)?;
    let failure = state_file::board::Failure {
        reason: &reason,
        right: given::right(args.force),
    };
    let doing = format!("say that {} has failed", args.id);
    let changed = desk.change(&doing, |board, actor, options| {
        board.fail(&args.id, &failure, actor, options)
    })?;
    told(desk, &changed, Told::Note("failed"))
}

pub(super) fn release(desk: &Desk<'_>, args: &ReleaseArgs) -> Result<(), Failure> {
    desk.must_have_a_name()?;
    let right = given::right(args.force);
    let doing = format!("give {} back", args.id);
    let changed = desk.change(&doing, |board, actor, options| {
        board.release(&args.id, right, actor, options)
    })?;
    told(desk, &changed, Told::Note("given back"))
}

/// What people are told of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// The id, on stdout: for scripts.
    Id,
    /// What became of the task.
    Note(&'static str),
}

/// The change is made; that it could not be told makes it no failure to be tried again.
fn told(desk: &Desk<'_>, changed: &Done, what: Told) -> Result<(), Failure> {
    let warnings = warnings_of(&changed.told);
    for warning in &warnings {
        desk.output.warning(warning);
    }
    tell(desk, changed, what, &warnings).map_err(|unwritten| {
        if !changed.changed {
            return unwritten;
        }
        Failure::new(
            Code::Unsynced,
            "committed, not reported: the change is on the board",
        )
        .cause(unwritten.message())
        .hint("`story tasks list` shows it; do not run it again unseen")
    })
}

pub(super) fn warnings_of(told: &TransactionTold) -> Vec<String> {
    let took_over = told.took_over.iter().map(took_over_text);
    let others = told.warnings.iter().map(|warning| chain(warning));
    took_over.chain(others).collect()
}

fn tell(desk: &Desk<'_>, changed: &Done, what: Told, warnings: &[String]) -> Result<(), Failure> {
    let task = &changed.task;
    if desk.output.is_json() {
        let mut rest = object(json!({
            "changed": changed.changed,
            "path": shapes::text(&changed.told.path),
            "rev": changed.revision().to_string(),
            "waited_ms": millis(changed.told.waited),
            "warnings": warnings,
        }));
        if let Some(taken) = changed.told.took_over.first() {
            rest.insert("took_over".to_owned(), shapes::took_over(taken));
        }
        return write_json_of(&OneTask::new(task, rest));
    }
    match what {
        Told::Id => {
            if !changed.changed {
                desk.output
                    .note(&format!("{} is claimed by this agent already", task.id));
            }
            desk.output.line(None, &task.id)
        }
        Told::Note(done) if changed.changed => {
            desk.output.note(&format!("{}: {done}", task.id));
            Ok(())
        }
        Told::Note(_) => {
            desk.output.note(&format!("{}: nothing to change", task.id));
            Ok(())
        }
    }
}
