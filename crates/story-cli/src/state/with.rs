//! `story state with`: a command under the lock of a JSON file, whose path it is told.

use super::target;
use crate::args::state::StateWithArgs;
use crate::lock::run::{LockedCommand, TellsPath, exit_code};
use crate::output::Output;
use crate::settings::{STATE_PATH, Settings};

/// Runs the command and returns its exit code; our own where it was not started.
pub fn run(args: &StateWithArgs, settings: &Settings, output: &Output) -> u8 {
    let exit = target::of(&args.file).and_then(|target| {
        let command = LockedCommand {
            target: &target,
            verb: "story state with",
            words: &args.command,
            tells_path: TellsPath::In(STATE_PATH),
        };
        command.run(settings, output)
    });
    exit_code(exit, args.conflict_exit_code, output)
}
