//! `story reset-cycle`, `story retry` and `story recovery`: counters and their limits.

use serde_json::json;
use story::limits::Limits;
use story::{Document, error_history, recovery};

use super::{Desk, Told};
use crate::args::recovery::{
    RecoveryCountVerb, ResetCycleArgs, RetryErrorArgs, RetryIncArgs, RetryShowArgs, RetryVerb,
    StoryArgs,
};
use crate::failure::Failure;
use crate::text_argument;

/// Sends a story back to planning.
pub(super) fn reset_cycle(args: &ResetCycleArgs, desk: &Desk<'_>) -> Result<(), Failure> {
    let (target, limits) = desk.limited(&args.story)?;
    let now = desk.settings.moment();
    let operation = |story: &mut Document| {
        recovery::reset_cycle(story, &args.reason, now)?;
        Ok(retries(story, &limits))
    };
    desk.change(&target, "story reset-cycle", operation, |told| told)
}

/// Counts retries, and notes the errors that led to them.
pub(super) fn run(verb: &RetryVerb, desk: &Desk<'_>) -> Result<(), Failure> {
    match verb {
        RetryVerb::Show(args) => show(args, desk),
        RetryVerb::Inc(args) => increment(args, desk),
        RetryVerb::Snapshot(args) => snapshot(args, desk),
        RetryVerb::Reset(args) => {
            let (target, limits) = desk.limited(&args.story)?;
            let operation = |story: &mut Document| {
                recovery::reset_implementation_retries(story)?;
                Ok(implementation_retries(story, &limits))
            };
            desk.change(&target, "story retry reset", operation, |told| told)
        }
        RetryVerb::Error(args) => error(args, desk),
        RetryVerb::Success(args) => {
            let target = desk.target(&args.story)?;
            let nothing = |()| Told::default();
            desk.change(
                &target,
                "story retry success",
                error_history::clear,
                nothing,
            )
        }
    }
}

/// Counts recoveries.
pub(super) fn run_recovery(verb: &RecoveryCountVerb, desk: &Desk<'_>) -> Result<(), Failure> {
    let (target, limits) = desk.limited(verb.story())?;
    let told = |story: &Document| recoveries(story, &limits);
    match verb {
        RecoveryCountVerb::Show(_) => desk.look(&target, told),
        RecoveryCountVerb::Inc(_) => {
            let operation = |story: &mut Document| {
                recovery::increment_recoveries(story)?;
                Ok(told(story))
            };
            desk.change(&target, "story recovery inc", operation, |told| told)
        }
        RecoveryCountVerb::Reset(_) => {
            let operation = |story: &mut Document| {
                recovery::reset_recoveries(story)?;
                Ok(told(story))
            };
            desk.change(&target, "story recovery reset", operation, |told| told)
        }
    }
}

fn show(args: &RetryShowArgs, desk: &Desk<'_>) -> Result<(), Failure> {
    let (target, limits) = desk.limited(&args.story)?;
    desk.look(&target, |story| {
        if args.implementation {
            return implementation_retries(story, &limits);
        }
        let budget = match args.max {
            None => recovery::retries(story, &limits),
            Some(max) => recovery::retries_within(story, max),
        };
        let mut told = Told::budget("retry_count", budget, RETRIES);
        let auto_restart = limits.auto_restart_on_rejection.into();
        told.members.insert("auto_restart".to_owned(), auto_restart);
        told
    })
}

fn increment(args: &RetryIncArgs, desk: &Desk<'_>) -> Result<(), Failure> {
    let (target, limits) = desk.limited(&args.story)?;
    let now = desk.settings.moment();
    let operation = |story: &mut Document| {
        if args.implementation {
            recovery::increment_implementation_retries(story)?;
            Ok(implementation_retries(story, &limits))
        } else {
            recovery::increment_retries(story, now)?;
            Ok(retries(story, &limits))
        }
    };
    desk.change(&target, "story retry inc", operation, |told| told)
}

fn snapshot(args: &StoryArgs, desk: &Desk<'_>) -> Result<(), Failure> {
    let (target, limits) = desk.limited(&args.story)?;
    let operation = |story: &mut Document| {
        recovery::snapshot_retries(story, &limits)?;
        Ok(retries(story, &limits))
    };
    desk.change(&target, "story retry snapshot", operation, |told| told)
}

fn error(args: &RetryErrorArgs, desk: &Desk<'_>) -> Result<(), Failure> {
    // No @FILE: errors may begin so.
    let text = if args.text == "-" {
        text_argument::read_or_stdin("-")?
    } else {
        args.text.clone()
    };
    let text = text.trim_end();
    if text.is_empty() {
        return Err(Failure::usage("the text of the error is empty"));
    }
    let target = desk.target(&args.story)?;
    let now = desk.settings.moment();
    desk.change(
        &target,
        "story retry error",
        |story| error_history::record(story, text, now),
        |seen| {
            let times = seen.consecutive;
            let words = match times {
                1 => "another error than the last one".to_owned(),
                times => format!("the same error {times} times in a row"),
            };
            Told::new(json!({ "hash": seen.hash, "consecutive": times }), words)
        },
    )
}

const RETRIES: [&str; 2] = ["retries", "reached"];

fn retries(story: &Document, limits: &Limits) -> Told {
    Told::budget("retry_count", recovery::retries(story, limits), RETRIES)
}

fn implementation_retries(story: &Document, limits: &Limits) -> Told {
    let budget = recovery::implementation_retries(story, limits);
    let words = ["retries of the implementation", "passed"];
    Told::budget("implementation_retry_count", budget, words)
}

fn recoveries(story: &Document, limits: &Limits) -> Told {
    let budget = recovery::recoveries(story, limits);
    Told::budget("total_recovery_attempts", budget, ["recoveries", "reached"])
}
