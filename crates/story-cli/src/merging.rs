//! The verbs that merge what two sides did: `edit`, `merge-driver`.

pub mod conflicts;
mod copy;
mod driver;
mod edit;
pub mod edited;

use crate::args::merging::MergingVerb;
use crate::failure::Failure;
use crate::output::Output;
use crate::settings::Settings;

/// Runs one of them and returns the exit code.
///
/// # Errors
///
/// [`Failure`]; the story is unchanged unless it says committed.
pub fn run(verb: &MergingVerb, settings: &Settings, output: &Output) -> Result<u8, Failure> {
    match verb {
        MergingVerb::Edit(args) => edit::run(args, settings, output),
        MergingVerb::MergeDriver(args) => Ok(driver::run(args, output)),
    }
}
