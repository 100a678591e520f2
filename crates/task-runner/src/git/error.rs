//! Why git could not be used.

use std::io;
use std::path::PathBuf;

/// A git command failed, or there is nothing for it to work on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GitError {
    /// There is no git. Retrying helps after it was installed.
    #[error("git is not installed, or is not on the PATH")]
    NotInstalled {
        /// What the system said.
        source: io::Error,
    },
    /// The git that was found lacks what is needed. Retrying helps after it was updated.
    #[error("git {found} is too old: {needed} or later is needed")]
    TooOld {
        /// Its version, as it says.
        found: String,
        /// The oldest that will do.
        needed: &'static str,
    },
    /// The folder is in no repository. Retrying does not help.
    #[error("{} is not inside a git repository: {}", folder.display(), stderr.trim_end())]
    NoRepository {
        /// Where git looked, upwards.
        folder: PathBuf,
        /// What git said.
        stderr: String,
    },
    /// The repository has no working tree. Retrying does not help.
    #[error("the git repository of {} is bare: it has no files to work on", folder.display())]
    Bare {
        /// Where git looked, upwards.
        folder: PathBuf,
    },
    /// The folder belongs to git itself. Retrying does not help.
    #[error("{} lies inside git's own folder", folder.display())]
    InsideGitFolder {
        /// The folder.
        folder: PathBuf,
    },
    /// Git refuses a repository that belongs to somebody else. Retrying helps after `git config --global safe.directory`.
    #[error("git does not trust the repository of {}: {}", folder.display(), stderr.trim_end())]
    NotTrusted {
        /// Where git looked, upwards.
        folder: PathBuf,
        /// What git said.
        stderr: String,
    },
    /// A git command failed. Whether retrying helps is in what it said.
    #[error("{command} failed ({}): {}", ended(*code), stderr.trim_end())]
    Failed {
        /// The command, shortened.
        command: String,
        /// Its exit code; `None` where a signal ended it.
        code: Option<i32>,
        /// What git said.
        stderr: String,
    },
    /// A git command could not be started, or not be talked to. Retrying may help.
    #[error("cannot run {command}")]
    Io {
        /// The command, shortened.
        command: String,
        /// What the system said.
        source: io::Error,
    },
    /// A git command answered something that its documentation does not say. Retrying does not help.
    #[error("{command} answered what cannot be understood: {answer}")]
    Unexpected {
        /// The command, shortened.
        command: String,
        /// What is wrong with the answer.
        answer: String,
    },
}

fn ended(code: Option<i32>) -> String {
    code.map_or_else(
        || "ended by a signal".to_owned(),
        |code| format!("exit code {code}"),
    )
}
