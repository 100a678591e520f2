//! `story state`: JSON files that many use.

mod answer;
mod append;
mod change;
mod condition;
mod get;
mod key;
mod leases;
mod one_line;
mod patch;
pub mod refusal;
mod set;
mod target;
mod with;

use crate::app;
use crate::args::state::StateVerb;
use crate::failure::Failure;
use crate::output::Output;
use crate::settings::Settings;

/// Runs one of the verbs and returns the exit code.
///
/// # Errors
///
/// [`Failure`]; the file is unchanged unless it says committed.
pub fn run(verb: &StateVerb, settings: &Settings, output: &Output) -> Result<u8, Failure> {
    match verb {
        StateVerb::Get(args) => app::heard_enough(get::run(args, output)),
        StateVerb::Set(args) => set::run(args, settings, output).map(|()| 0),
        StateVerb::Patch(args) => patch::run(args, settings, output).map(|()| 0),
        StateVerb::With(args) => Ok(with::run(args, settings, output)),
        StateVerb::Append(args) => append::run(args, settings, output).map(|()| 0),
    }
}
