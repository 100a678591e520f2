//! The verbs that move a story along: `complete`.

use serde_json::Map;

use crate::args::lifecycle::{CompleteArgs, LifecycleVerb};
use crate::contract::{Dates, change, tell};
use crate::failure::Failure;
use crate::output::Output;
use crate::places::Target;
use crate::settings::Settings;

/// Runs one of them and returns the exit code.
///
/// # Errors
///
/// [`Failure`]; the story is unchanged unless it says committed.
pub fn run(verb: &LifecycleVerb, settings: &Settings, output: &Output) -> Result<u8, Failure> {
    match verb {
        LifecycleVerb::Complete(args) => complete(args, settings, output),
    }
    .map(|()| 0)
}

fn complete(args: &CompleteArgs, settings: &Settings, output: &Output) -> Result<(), Failure> {
    let target = Target::of_story(&args.story, settings)?;
    let operation = story::lifecycle::mark_complete;
    let ((), done) = change(
        &target,
        "story complete",
        Dates::Updated,
        settings,
        output,
        operation,
    )?;
    tell(&done, Map::new(), output)
}
