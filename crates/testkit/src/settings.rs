//! What steers the toolkit from outside.

use std::process::Command;

/// Removes from a command's environment what steers `story`.
pub fn without_settings(command: &mut Command) {
    for name in [
        "AI_SDLC_ROOT",
        "AI_SDLC_MAX_RETRIES",
        "AI_SDLC_IMPLEMENTATION_MAX_RETRIES",
        "AI_SDLC_AUTO_COMPLETE",
        "AI_SDLC_AUTO_RESTART",
        "STORY_OWNER",
        "STORY_AGENT",
        "STORY_LEASES",
        "STORY_TASKS",
        "STORY_LOCK_HELD",
        "STORY_RUN",
        "STORY_TASK",
        "STORY_SNAPSHOT",
        "STORY_PATH",
        "VISUAL",
        "EDITOR",
        "COLUMNS",
    ] {
        command.env_remove(name);
    }
}
