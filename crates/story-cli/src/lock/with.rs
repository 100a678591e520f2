//! `story with`: a command under the lock of a story, whose path it is told.

use super::run::{LockedCommand, TellsPath, exit_code};
use crate::args::with::WithArgs;
use crate::output::Output;
use crate::places::Target;
use crate::settings::{STORY_PATH, Settings};

/// Runs the command and returns its exit code; our own where it was not started.
pub fn run(args: &WithArgs, settings: &Settings, output: &Output) -> u8 {
    let exit = Target::of_story(&args.story, settings).and_then(|target| {
        let command = LockedCommand {
            target: &target,
            verb: "story with",
            words: &args.command,
            tells_path: TellsPath::In(STORY_PATH),
        };
        command.run(settings, output)
    });
    exit_code(exit, args.conflict_exit_code, output)
}
