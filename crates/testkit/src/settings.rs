//! What steers the toolkit from outside.

use std::process::Command;

/// Removes from a command's environment what steers `story`.
pub fn without_settings(command: &mut Command) {
    for name in [
        "AI_SDLC_ROOT",
        "STORY_OWNER",
        "STORY_AGENT",
        "STORY_LOCK_HELD",
        "STORY_PATH",
    ] {
        command.env_remove(name);
    }
}
