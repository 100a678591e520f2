//! `story review` and `story auto-complete`: what reviews decided, and what follows from it.

use serde_json::json;
use story::review::{self, Completion, Review, Verdict};
use story::{Document, Value, refinement};

use super::{Desk, Told};
use crate::args::review::{AutoCompleteArgs, ReviewAddArgs, ReviewVerb};
use crate::failure::Failure;
use crate::text_argument;
use crate::value_text;

/// Notes a review, or shows the latest.
pub(super) fn run(verb: &ReviewVerb, desk: &Desk<'_>) -> Result<(), Failure> {
    match verb {
        ReviewVerb::Add(args) => add(args, desk),
        ReviewVerb::Latest(args) => {
            let target = desk.target(&args.story)?;
            desk.look(&target, latest)
        }
        ReviewVerb::Feedback(args) => {
            let target = desk.target(&args.story)?;
            desk.look(&target, |story| {
                let feedback = refinement::latest_feedback(story);
                let members = json!({ "feedback": feedback });
                Told::new(members, feedback.unwrap_or_default())
            })
        }
    }
}

fn add(args: &ReviewAddArgs, desk: &Desk<'_>) -> Result<(), Failure> {
    let verdict = |is_passed| {
        if is_passed {
            Verdict::Passed
        } else {
            Verdict::NotPassed
        }
    };
    let feedback = args.feedback.as_deref().map(text_argument::read_or_stdin);
    let review = Review {
        decision: args.decision,
        severity: args.severity,
        feedback: feedback
            .transpose()?
            .unwrap_or_default()
            .trim_end()
            .to_owned(),
        blockers: args.blockers.clone(),
        code: verdict(args.code_passed),
        security: verdict(args.security_passed),
        product_owner: verdict(args.po_passed),
    };
    let now = desk.settings.moment();
    if !args.auto_complete {
        let target = desk.target(&args.story)?;
        let operation = |story: &mut Document| review::append(story, &review, now);
        return desk.change(&target, "story review add", operation, |()| Told::default());
    }
    let (target, limits) = desk.limited(&args.story)?;
    let operation = |story: &mut Document| {
        review::append(story, &review, now)?;
        review::auto_complete(story, Some(review.decision), &limits)
    };
    desk.change(&target, "story review add", operation, completion)
}

/// Completes a story by what its latest review decided.
pub(super) fn auto_complete(args: &AutoCompleteArgs, desk: &Desk<'_>) -> Result<(), Failure> {
    let (target, limits) = desk.limited(&args.story)?;
    let operation = |story: &mut Document| {
        let decision = review::latest_decision(story);
        review::auto_complete(story, decision, &limits)
    };
    desk.change(&target, "story auto-complete", operation, completion)
}

fn completion(completion: Completion) -> Told {
    let (name, words) = match completion {
        Completion::Done => ("done", "all phases are complete, and the story is done"),
        Completion::Complete => (
            "complete",
            "all phases are complete; the status stays, for it was not in-progress",
        ),
        Completion::NotApproved => ("not_approved", "not completed: it is not approved"),
        Completion::SwitchedOff => (
            "switched_off",
            "not completed: autoCompleteOnApproval is switched off",
        ),
    };
    Told::new(json!({ "completion": name }), words)
}

fn latest(story: &Document) -> Told {
    let review = review::latest(story);
    let words: Vec<String> = match &review {
        None => Vec::new(),
        Some(Value::Map(entries)) => entries
            .iter()
            .map(|(key, value)| format!("{key}={}", value_text::inline(value)))
            .collect(),
        Some(other) => vec![value_text::bare(other)],
    };
    let members = json!({ "review": review.map(|review| review.to_json()) });
    Told::new(members, words.join("\n"))
}
