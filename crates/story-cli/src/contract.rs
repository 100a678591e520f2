//! The verbs that are operations of the contract: each is one locked change with its rules built in.

use serde_json::{Map, Value};
use story::{
    Changes, Dating, Document, FoundBeside, Next, OperationError, carry_out, has_id, has_own_folder,
};

use crate::failure::{Code, Failure};
use crate::operations::Refusal;
use crate::output::{Output, write_json};
use crate::places::Target;
use crate::settings::{Settings, Touch};
use crate::signals;
use crate::transaction::{self, Done, WithRevision};

/// Whether the contract has an operation set `updated` (its mark U).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dates {
    /// It does, unless `--no-touch` is given.
    Updated,
    /// It does not, unless `--touch` is given.
    Nothing,
}

/// Carries an operation out on a story, under its lock. `command` is told to those who wait: `story block`.
///
/// # Errors
///
/// [`Failure`]; the story is unchanged unless it says committed.
pub fn change<T>(
    target: &Target,
    command: &str,
    dates: Dates,
    settings: &Settings,
    output: &Output,
    mut operation: impl FnMut(&mut Document) -> Result<T, OperationError>,
) -> Result<(T, Done), Failure> {
    signals::note();
    let dating = dating(dates, settings);
    let with_revision = with_revision(output);
    let edit = |story: &mut Document| -> Result<_, Refusal> {
        let before = story.clone();
        let value = carry_out(story, dating, &mut operation)?;
        Ok((value, Changes::between(&before, story).keys()))
    };
    transaction::change(target, settings, with_revision, command, edit)
}

/// Lets an operation say what becomes of a file beside a story, under the story's lock.
///
/// # Errors
///
/// [`Failure`]; the file is unchanged unless it says committed.
pub fn change_beside<T>(
    target: &Target,
    name: &str,
    command: &str,
    settings: &Settings,
    output: &Output,
    mut operation: impl FnMut(FoundBeside<'_>) -> Result<(T, Next), OperationError>,
) -> Result<(T, Done), Failure> {
    check_own_folder(target)?;
    signals::note();
    let edit = |found: FoundBeside<'_>| -> Result<_, Refusal> {
        // A story that somebody has broken keeps nobody from writing beside it; what was never one does.
        if Document::parse(found.story).is_ok_and(|story| !has_id(&story)) {
            return Err(OperationError::NoId.into());
        }
        Ok(operation(found)?)
    };
    transaction::change_beside(target, name, settings, with_revision(output), command, edit)
}

/// Refuses a story that does not have its folder for itself: others would share what is written beside it.
///
/// # Errors
///
/// `EREFUSED`.
pub fn check_own_folder(target: &Target) -> Result<(), Failure> {
    if has_own_folder(&target.absolute()) {
        return Ok(());
    }
    Err(Failure::new(Code::Refused, "")
        .cause("its folder holds other stories as well, which would share what is written beside it")
        .hint("give it a folder of its own, stories/ID/story.md; `story section append --heading` writes into the story itself")
        .about("write beside", target))
}

fn with_revision(output: &Output) -> WithRevision {
    if output.is_json() {
        WithRevision::Yes
    } else {
        WithRevision::No
    }
}

/// Tells what a change did: to people a line, to programs the usual JSON with `members` added.
///
/// # Errors
///
/// When the result cannot be written; it says committed if something was changed.
pub fn tell(done: &Done, members: Map<String, Value>, output: &Output) -> Result<(), Failure> {
    done.tell(output);
    if !output.is_json() {
        return Ok(());
    }
    let mut result = done.to_json();
    result.extend(members);
    write_json(result).map_err(|unwritten| done.unreported(unwritten))
}

/// Whether a change dates the story, by its mark and `--touch`.
pub fn dating(dates: Dates, settings: &Settings) -> Dating {
    match (settings.touch, dates) {
        (Touch::Never, _) | (Touch::IfPresent, Dates::Nothing) => Dating::Left,
        (Touch::Always, _) | (Touch::IfPresent, Dates::Updated) => Dating::Day(settings.moment()),
    }
}
