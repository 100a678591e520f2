//! The verbs that make stories and move their files: `new`, `move`.

mod body;
mod new;
mod relocate;

use crate::args::creation::CreationVerb;
use crate::failure::Failure;
use crate::output::Output;
use crate::settings::Settings;

/// Runs one of them and returns the exit code.
///
/// # Errors
///
/// [`Failure`]; nothing was made or moved unless it says committed.
pub fn run(verb: &CreationVerb, settings: &Settings, output: &Output) -> Result<u8, Failure> {
    match verb {
        CreationVerb::New(args) => new::run(args, settings, output),
        CreationVerb::Move(args) => relocate::run(args, settings, output),
    }
    .map(|()| 0)
}
