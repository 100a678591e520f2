//! `story run`: a command as a task that can be undone, and what becomes of tasks.

mod answer;
mod command;
mod failure;
mod json;
mod known;
mod list;
mod resume;
mod settle;
mod table;
mod tasks;
mod telling;
mod words;
mod work;

pub use self::known::Known;
pub use self::tasks::{Tasks, lock_tree, release};
pub use self::words::named;
use crate::app::heard_enough;
use crate::args::run::{RunArgs, RunOptions};
use crate::args::run_verbs::RunVerb;
use crate::failure::Failure;
use crate::output::Output;
use crate::settings::Settings;
use crate::sys;

/// Runs the command, or one of the verbs, and returns the exit code.
///
/// # Errors
///
/// [`Failure`]; the command was not started.
pub fn run(args: &RunArgs, settings: &Settings, output: &Output) -> Result<u8, Failure> {
    // If this fails, git and the command say so.
    sys::expect_children().ok();
    let Some(verb) = &args.verb else {
        return Ok(command::run(args, settings, output));
    };
    if args.options != RunOptions::default() {
        return Err(
            Failure::usage("options of `story run` do not go with one of its verbs")
                .hint("a program of that name is run by `story run -- NAME`"),
        );
    }
    match verb {
        RunVerb::List(args) => heard_enough(list::list(&Tasks::open(settings, output)?, args)),
        RunVerb::Resume(args) => resume::run(Tasks::open(settings, output)?, args),
        RunVerb::Restore(args) => {
            settle::restore(&Tasks::open(settings, output)?, args).map(|()| 0)
        }
        RunVerb::Abandon(args) => {
            settle::abandon(&Tasks::open(settings, output)?, args).map(|()| 0)
        }
        RunVerb::Show(args) => heard_enough(list::show(&Tasks::open(settings, output)?, args)),
    }
}
