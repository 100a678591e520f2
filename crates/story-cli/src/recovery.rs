//! The verbs that count tries, review and refine, and restart the cycle: `reset-cycle`, `retry`, `recovery`, `refine`,
//! `review`, `auto-complete`.

mod refine;
mod retry;
mod review;

use std::path::Path;

use serde_json::{Map, Value, json};
use story::limits::Limits;
use story::recovery::Budget;
use story::{Document, OperationError};

use crate::args::recovery::RecoveryVerb;
use crate::configuration;
use crate::contract::{Dates, change, tell};
use crate::failure::Failure;
use crate::get;
use crate::json;
use crate::output::{Output, write_json};
use crate::places::Target;
use crate::settings::Settings;
use crate::transaction::id_of;

/// Runs one of them and returns the exit code.
///
/// # Errors
///
/// [`Failure`]; the story is unchanged unless it says committed.
pub fn run(verb: &RecoveryVerb, settings: &Settings, output: &Output) -> Result<u8, Failure> {
    let desk = Desk { settings, output };
    match verb {
        RecoveryVerb::ResetCycle(args) => retry::reset_cycle(args, &desk),
        RecoveryVerb::Retry(verb) => retry::run(verb, &desk),
        RecoveryVerb::Recovery(verb) => retry::run_recovery(verb, &desk),
        RecoveryVerb::Refine(verb) => refine::run(verb, &desk),
        RecoveryVerb::Review(verb) => review::run(verb, &desk),
        RecoveryVerb::AutoComplete(args) => review::auto_complete(args, &desk),
    }
    .map(|()| 0)
}

/// What all of them need.
struct Desk<'a> {
    settings: &'a Settings,
    output: &'a Output,
}

impl Desk<'_> {
    fn target(&self, story: &Path) -> Result<Target, Failure> {
        Target::of_story(story, self.settings)
    }

    /// The story, and the limits that count for it.
    fn limited(&self, story: &Path) -> Result<(Target, Limits), Failure> {
        let mut target = self.target(story)?;
        let limits = configuration::limits(&mut target, self.settings)?;
        Ok((target, limits))
    }

    /// Changes the story. `command` is told to those who wait for it.
    fn change<T>(
        &self,
        target: &Target,
        command: &str,
        operation: impl FnMut(&mut Document) -> Result<T, OperationError>,
        told: impl FnOnce(T) -> Told,
    ) -> Result<(), Failure> {
        let (settings, output) = (self.settings, self.output);
        let (value, done) = change(target, command, Dates::Updated, settings, output, operation)?;
        let told = told(value);
        tell(&done, told.members, output)?;
        if !told.words.is_empty() {
            output.note(&told.words);
        }
        Ok(())
    }

    /// Looks at the story and prints what there is to tell.
    fn look(&self, target: &Target, look: impl FnOnce(&Document) -> Told) -> Result<(), Failure> {
        let story = get::read(target, false, self.settings, self.output)?;
        let told = look(&story);
        if self.output.is_json() {
            let id = id_of(&story).or_else(|| target.id.clone());
            let mut result = json::success_of(id.as_deref(), &target.absolute());
            result.insert("rev".to_owned(), story.revision().to_string().into());
            result.insert("warnings".to_owned(), target.warnings.clone().into());
            result.extend(told.members);
            json::add_copy(&mut result, target.copy.as_ref());
            return write_json(result);
        }
        if told.words.is_empty() {
            return Ok(());
        }
        self.output.data(format!("{}\n", told.words).as_bytes())
    }
}

/// What there is to tell: to programs and to people.
#[derive(Default)]
struct Told {
    members: Map<String, Value>,
    words: String,
}

impl Told {
    fn new(members: Value, words: impl Into<String>) -> Self {
        let members = match members {
            Value::Object(members) => members,
            _ => Map::new(),
        };
        Self {
            members,
            words: words.into(),
        }
    }

    /// How far a counter is on the way to its limit. `reached` says in a word when it is exhausted.
    fn budget(counter: &str, budget: Budget, [noun, reached]: [&str; 2]) -> Self {
        let used = budget.used;
        let words = match (budget.limit.times(), budget.is_exhausted) {
            (None, _) => format!("{used} {noun}; there is no limit"),
            (Some(most), true) => format!("{used} of {most} {noun}; the limit is {reached}"),
            (Some(most), false) => format!("{used} of {most} {noun}; the limit is not {reached}"),
        };
        let max = budget.limit.times();
        Self::new(
            json!({ counter: used, "max": max, "at_max": budget.is_exhausted }),
            words,
        )
    }
}
