//! The verbs that move a story along: `status`, `context`, `block`, `unblock`, `approve`, `complete`, `merged`, `reset-phase`,
//! `reset-workflow`, `link`, `feedback`.

use std::path::Path;

use serde_json::{Map, Value, json};
use story::diagnostic::Circumstances;
use story::lifecycle::{self, Retries};
use story::ticket::{self, Ticket};
use story::{Document, OperationError, Phase, Status, feedback};

use crate::app::heard_enough;
use crate::args::lifecycle::{
    BlockArgs, FeedbackArgs, LifecycleVerb, LinkArgs, NewStatus, StatusArgs,
};
use crate::context;
use crate::contract::{Dates, change, tell};
use crate::failure::Failure;
use crate::get;
use crate::json;
use crate::output::{Output, write_json};
use crate::places::Target;
use crate::settings::Settings;
use crate::text_argument;
use crate::transaction::id_of;
use crate::value_text;

/// Runs one of them and returns the exit code.
///
/// # Errors
///
/// [`Failure`]; the story is unchanged unless it says committed.
pub fn run(verb: &LifecycleVerb, settings: &Settings, output: &Output) -> Result<u8, Failure> {
    let desk = Desk { settings, output };
    match verb {
        LifecycleVerb::Status(args) => match args.new {
            None => return heard_enough(show_status(args, settings, output)),
            Some(new) => desk.set_status(&args.story, new),
        },
        LifecycleVerb::Context(args) => return heard_enough(context::run(args, settings, output)),
        LifecycleVerb::Block(args) => desk.block(args),
        LifecycleVerb::Unblock(args) => {
            let retries = if args.reset_retries {
                Retries::Reset
            } else {
                Retries::Kept
            };
            desk.to_status("story unblock", &args.story, |story| {
                lifecycle::unblock(story, retries)
            })
        }
        LifecycleVerb::Approve(args) => {
            desk.plain("story approve", &args.story, lifecycle::approve)
        }
        LifecycleVerb::Complete(args) => {
            desk.plain("story complete", &args.story, lifecycle::mark_complete)
        }
        LifecycleVerb::Merged(args) => desk.plain("story merged", &args.story, |story| {
            lifecycle::mark_merged(story, args.sha.as_deref(), settings.moment())
        }),
        LifecycleVerb::ResetPhase(args) => desk.plain("story reset-phase", &args.story, |story| {
            lifecycle::reset_phase(story, args.phase.redo())
        }),
        LifecycleVerb::ResetWorkflow(args) => {
            let operation = lifecycle::reset_workflow;
            desk.to_status("story reset-workflow", &args.story, operation)
        }
        LifecycleVerb::Link(args) => desk.link(args),
        LifecycleVerb::Feedback(args) => desk.feedback(args),
    }
    .map(|()| 0)
}

/// What all of them need.
struct Desk<'a> {
    settings: &'a Settings,
    output: &'a Output,
}

impl Desk<'_> {
    /// An operation that has nothing to tell but what it changed.
    fn plain(
        &self,
        command: &str,
        story: &Path,
        operation: impl FnMut(&mut Document) -> Result<(), OperationError>,
    ) -> Result<(), Failure> {
        self.operate(command, story, Dates::Updated, operation, |()| Map::new())
    }

    /// An operation that decides about the status.
    fn to_status(
        &self,
        command: &str,
        story: &Path,
        operation: impl FnMut(&mut Document) -> Result<Status, OperationError>,
    ) -> Result<(), Failure> {
        self.operate(command, story, Dates::Updated, operation, |status| {
            members(json!({ "status": status.as_str() }))
        })
    }

    fn set_status(&self, story: &Path, new: NewStatus) -> Result<(), Failure> {
        let status = new.status();
        let operation = |story: &mut Document| {
            story::set_status(story, &status)?;
            Ok(Phase::next(story))
        };
        self.operate("story status", story, Dates::Updated, operation, |next| {
            members(json!({ "status": status.as_str(), "next": next.map(Phase::as_str) }))
        })
    }

    fn block(&self, args: &BlockArgs) -> Result<(), Failure> {
        let circumstances = Circumstances {
            suggested_fix: args.suggested_fix.clone(),
            identical_errors: args.identical_errors.then_some(true),
            consecutive: args.consecutive,
        };
        let now = self.settings.moment();
        self.plain("story block", &args.story, |story| {
            lifecycle::block(story, &args.reason, &circumstances, now)
        })
    }

    fn link(&self, args: &LinkArgs) -> Result<(), Failure> {
        let body = args.body.as_deref().map(text_argument::read_or_stdin);
        let body = body.transpose()?;
        let ticket = Ticket {
            provider: args.provider.provider(),
            id: &args.id,
            url: &args.url,
            title: args.title.as_deref(),
            body: body.as_deref(),
        };
        let operation = |story: &mut Document| ticket::link(story, &ticket, self.settings.moment());
        let nothing = |()| Map::new();
        self.operate(
            "story link",
            &args.story,
            Dates::Nothing,
            operation,
            nothing,
        )
    }

    fn feedback(&self, args: &FeedbackArgs) -> Result<(), Failure> {
        let text = text_argument::read_or_stdin(&args.text)?;
        if text.trim().is_empty() {
            return Err(Failure::usage("the feedback is empty"));
        }
        let operation = |story: &mut Document| {
            feedback::append(story, &text, self.settings.moment());
            Ok(())
        };
        let nothing = |()| Map::new();
        self.operate(
            "story feedback",
            &args.story,
            Dates::Nothing,
            operation,
            nothing,
        )
    }

    fn operate<T>(
        &self,
        command: &str,
        story: &Path,
        dates: Dates,
        operation: impl FnMut(&mut Document) -> Result<T, OperationError>,
        to_members: impl FnOnce(T) -> Map<String, Value>,
    ) -> Result<(), Failure> {
        let target = Target::of_story(story, self.settings)?;
        let (value, done) = change(
            &target,
            command,
            dates,
            self.settings,
            self.output,
            operation,
        )?;
        tell(&done, to_members(value), self.output)
    }
}

fn show_status(args: &StatusArgs, settings: &Settings, output: &Output) -> Result<(), Failure> {
    let target = Target::of_story(&args.story, settings)?;
    let story = get::read(&target, false, settings, output)?;
    let status = Status::of(&story);
    let status = status.as_ref().map(Status::as_str);
    let next = Phase::next(&story).map(Phase::as_str);
    let is_merged = lifecycle::is_merged(&story);
    if output.is_json() {
        let id = id_of(&story).or_else(|| target.id.clone());
        let mut result = json::success_of(id.as_deref(), &target.absolute());
        result.insert("rev".to_owned(), story.revision().to_string().into());
        result.insert("status".to_owned(), status.into());
        result.insert("next".to_owned(), next.into());
        result.insert("merged".to_owned(), is_merged.into());
        json::add_copy(&mut result, target.copy.as_ref());
        return write_json(result);
    }
    let text = format!(
        "status={}\nnext={}\nmerged={is_merged}\n",
        status.map_or_else(String::new, |status| value_text::inline(&status.into())),
        next.unwrap_or_default()
    );
    output.data(text.as_bytes())
}

fn members(json: Value) -> Map<String, Value> {
    match json {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
