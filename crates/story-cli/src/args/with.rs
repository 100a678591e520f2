//! The grammar of `story with`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

/// Run a command while holding the lock of a story
///
/// As `story lock run`, for a story that exists; the command also finds its path in `STORY_PATH`. Its exit code is passed on,
/// 128+n when signal n ended it. A `story set` in it works under this lock.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  story with S-0034 -- sh -c 'story set \"$STORY_PATH\" status=ready'
  story with S-0034 --timeout 1m -- sh -c 'grep -c TODO \"$STORY_PATH\" || true'")]
pub struct WithArgs {
    /// An id, or a path with a / or ending in .md
    pub story: PathBuf,
    /// Exit with N when the command could not be started, instead of our own code
    #[arg(long, value_name = "N")]
    pub conflict_exit_code: Option<u8>,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    pub command: Vec<OsString>,
}
