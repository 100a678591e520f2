//! Running commands that must end.

use std::process::Command;
use std::time::Duration;

use testkit::{Finished, SecondProcess};

/// No command of ours takes a hundredth of this.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// Runs a command to its end, with nothing on its standard input.
pub fn run(command: &mut Command) -> Finished {
    SecondProcess::spawn(command).wait(PATIENCE)
}

/// Runs a command that must succeed; else its words.
pub fn must(command: &mut Command) -> Result<(), String> {
    let finished = run(command);
    if finished.status.success() {
        return Ok(());
    }
    Err(format!(
        "{command:?} failed ({}): {}",
        finished.status,
        finished.stderr.trim()
    ))
}
