//! `story run`: a command as a task that can be undone, and what becomes of tasks.

use crate::args::run::{RunArgs, RunOptions};
use crate::failure::{Code, Failure};
use crate::output::Output;
use crate::settings::Settings;

/// Runs the command, or one of the verbs, and returns the exit code.
///
/// # Errors
///
/// [`Failure`]; the command was not started.
pub fn run(args: &RunArgs, _settings: &Settings, _output: &Output) -> Result<u8, Failure> {
    let Some(verb) = &args.verb else {
        return Err(
            Failure::new(Code::Refused, "this build of story runs no tasks")
                .cause("the runner is not in it"),
        );
    };
    if args.options != RunOptions::default() {
        return Err(
            Failure::usage("options of `story run` do not go with one of its verbs")
                .hint("a program of that name is run by `story run -- NAME`"),
        );
    }
    match *verb {}
}
