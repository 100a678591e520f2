//! `story refine`: refinements that a review asks for.

use serde_json::json;
use story::limits::Limits;
use story::{Document, refinement};

use super::{Desk, Told};
use crate::args::review::{RefineNoteArgs, RefineRecordArgs, RefineVerb};
use crate::failure::Failure;
use crate::text_argument;

/// Notes a refinement, or looks whether one more is allowed.
pub(super) fn run(verb: &RefineVerb, desk: &Desk<'_>) -> Result<(), Failure> {
    match verb {
        RefineVerb::Show(args) => {
            let (target, limits) = desk.limited(&args.story)?;
            desk.look(&target, |story| refinements(story, &limits))
        }
        RefineVerb::Record(args) => record(args, desk),
        RefineVerb::Note(args) => note(args, desk),
    }
}

fn record(args: &RefineRecordArgs, desk: &Desk<'_>) -> Result<(), Failure> {
    let feedback = text_argument::read_or_stdin(&args.feedback)?;
    let (target, limits) = desk.limited(&args.story)?;
    let now = desk.settings.moment();
    let operation = |story: &mut Document| {
        let iteration = refinement::record(story, &args.agent, feedback.trim_end(), now)?;
        let mut told = refinements(story, &limits);
        let iteration = json!(i64::try_from(iteration).ok());
        told.members.insert("iteration".to_owned(), iteration);
        Ok(told)
    };
    desk.change(&target, "story refine record", operation, |told| told)
}

fn note(args: &RefineNoteArgs, desk: &Desk<'_>) -> Result<(), Failure> {
    let text = text_argument::read_or_stdin(&args.text)?;
    if text.trim().is_empty() {
        return Err(Failure::usage("the note is empty"));
    }
    let target = desk.target(&args.story)?;
    let operation =
        |story: &mut Document| refinement::append_note(story, args.iteration, text.trim_end());
    desk.change(&target, "story refine note", operation, |()| {
        Told::default()
    })
}

fn refinements(story: &Document, limits: &Limits) -> Told {
    let budget = refinement::refinements(story, limits);
    Told::budget("refinement_count", budget, ["refinements", "reached"])
}
