//! Stopping an update in the middle, so that a test can act between its read and its commit.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use rustix::process::Signal;
use testkit::{SecondProcess, wait_until};

use super::{PATIENCE, StoryBox};

/// Starts `story set --inc count` and stops it at the first moment at which it holds the lock.
///
/// `None` when it was through before it could be stopped. Works on Linux only (`/proc`); a story of
/// [`Content::Large`](super::Content::Large) gives it enough time.
pub fn stopped_inside(story: &StoryBox) -> Option<SecondProcess> {
    let mut command = story.command(&["set"]);
    command.args(["--inc", "count", "--timeout", "20s"]);
    stopped_with_lock(&mut command, &story.lock_path())
}

/// Starts a command that changes a file and stops it at the first moment at which it holds the lock.
///
/// As [`stopped_inside`]: `None` when it was through, and Linux only.
pub fn stopped_with_lock(command: &mut Command, lock_path: &Path) -> Option<SecondProcess> {
    let update = SecondProcess::spawn(command);
    let deadline = Instant::now() + PATIENCE;
    // Not `wait_until`: its pause would be longer than the moment that is looked for.
    while !lock_path.exists() {
        if state(&update) == Some('Z') || Instant::now() > deadline {
            let finished = update.wait(PATIENCE);
            assert!(
                finished.status.success(),
                "an undisturbed update succeeds: {finished:?}"
            );
            return None;
        }
    }
    update.signal(Signal::STOP);
    wait_until("the update is stopped or through", PATIENCE, || {
        matches!(state(&update), Some('T' | 'Z') | None)
    });
    Some(update)
}

/// The letter that the kernel gives for the process: `T` stopped, `Z` ended and not reaped yet.
fn state(process: &SecondProcess) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", process.id())).ok()?;
    stat.rsplit(')').next()?.trim_start().chars().next()
}
