//! A failure as it is told: code, exit, headline, causes, hint, and what JSON says beside.

use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};

use sidecar_lock::Holder;
use task_runner::TreeHolder;

use crate::places::Target;

/// What kind of failure it is; each has an exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// The system refused something that has no code of its own.
    Io,
    /// The lock was lost while it was needed.
    Lost,
    /// The command line or a line of JSON is wrong.
    Usage,
    /// There is no such story, file, folder or key.
    NotFound,
    /// Nothing is ready to be worked on.
    NothingReady,
    /// Somebody else holds the lock.
    Locked,
    /// This process, or its parent, holds the lock.
    Nested,
    /// A precondition failed, or others changed the story meanwhile.
    Conflict,
    /// The file cannot be read as what it should be.
    Parse,
    /// A rule forbids it.
    Refused,
    /// No permission.
    NoPermission,
    /// Read-only file system.
    ReadOnly,
    /// No space.
    NoSpace,
    /// The change is in the file; something after it failed.
    Unsynced,
    /// The operation was done before: what was asked for is so. A success that has no result of its own.
    Already,
}

impl Code {
    /// The name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Io => "EIO",
            Self::Lost => "ELOST",
            Self::Usage => "EUSAGE",
            Self::NotFound => "ENOTFOUND",
            Self::NothingReady => "ENOTHINGREADY",
            Self::Locked => "ELOCKED",
            Self::Nested => "ENESTED",
            Self::Conflict => "ECONFLICT",
            Self::Parse => "EPARSE",
            Self::Refused => "EREFUSED",
            Self::NoPermission => "EACCES",
            Self::ReadOnly => "EROFS",
            Self::NoSpace => "ENOSPC",
            Self::Unsynced => "EUNSYNCED",
            Self::Already => "EALREADY",
        }
    }

    /// The exit code of the process.
    pub fn exit(self) -> u8 {
        match self {
            Self::Already => 0,
            Self::Io | Self::Lost => 1,
            Self::Usage => 2,
            Self::NotFound | Self::NothingReady => 3,
            Self::Locked | Self::Nested => 4,
            Self::Conflict => 5,
            Self::Parse => 6,
            Self::Refused => 7,
            Self::NoPermission | Self::ReadOnly | Self::NoSpace => 8,
            Self::Unsynced => 9,
        }
    }
}

/// Why a command did not do what it should. Boxed, because it is the seldom half of many results.
#[derive(Debug, Clone)]
pub struct Failure(Box<Facts>);

impl Deref for Failure {
    type Target = Facts;

    fn deref(&self) -> &Facts {
        &self.0
    }
}

impl DerefMut for Failure {
    fn deref_mut(&mut self) -> &mut Facts {
        &mut self.0
    }
}

/// An operation that was done before.
#[derive(Debug, Clone)]
pub struct AlreadyDone {
    /// The id that the caller gave it.
    pub op: String,
    /// When it was done.
    pub at: String,
    /// The story's revision now.
    pub revision: String,
}

/// What is known about a failure.
#[derive(Debug, Clone)]
pub struct Facts {
    /// What kind.
    pub code: Code,
    /// What failed, on what: one line.
    pub headline: String,
    /// Why, the nearest reason first.
    pub causes: Vec<String>,
    /// What to do about it.
    pub hint: Option<String>,
    /// The id of the story, where one is known.
    pub story: Option<String>,
    /// The file that it is about.
    pub path: Option<PathBuf>,
    /// Who holds the lock.
    pub holder: Option<Box<Holder>>,
    /// Who holds the lock of the tree.
    pub tree_holder: Option<Box<TreeHolder>>,
    /// How long was waited for the lock.
    pub waited_ms: Option<u64>,
    /// When another tool's lock may be taken over.
    pub stale_in_ms: Option<u64>,
    /// Line and column in the file, counted from 1.
    pub position: Option<(usize, usize)>,
    /// The revision that the file has, where that is why nothing was done.
    pub revision: Option<String>,
    /// What both sides of a merge changed, as JSON.
    pub conflicts: Vec<serde_json::Value>,
    /// Whether the same command may succeed later by itself.
    pub retryable: bool,
    /// The operation that was done before, where that is why nothing was done.
    pub already: Option<AlreadyDone>,
    /// Whether the reader of our output went away: nobody to tell.
    pub is_unheard: bool,
    /// The exit code, where it is not that of the kind.
    pub exit_code: Option<u8>,
}

impl Failure {
    /// A failure with nothing but what must be known.
    pub fn new(code: Code, headline: impl Into<String>) -> Self {
        Self(Box::new(Facts {
            code,
            headline: headline.into(),
            causes: Vec::new(),
            hint: None,
            story: None,
            path: None,
            holder: None,
            tree_holder: None,
            waited_ms: None,
            stale_in_ms: None,
            position: None,
            revision: None,
            conflicts: Vec::new(),
            retryable: false,
            already: None,
            is_unheard: false,
            exit_code: None,
        }))
    }

    /// A mistake on the command line or in a line of JSON.
    pub fn usage(headline: impl Into<String>) -> Self {
        Self::new(Code::Usage, headline)
    }

    /// Adds a reason behind those that are there.
    pub fn cause(mut self, cause: impl Into<String>) -> Self {
        self.causes.push(cause.into());
        self
    }

    /// Says what failed in other words.
    pub fn headline(mut self, headline: impl Into<String>) -> Self {
        self.headline = headline.into();
        self
    }

    /// Gives advice.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Says whether the same command may succeed later by itself.
    pub fn retryable(mut self, retryable: bool) -> Self {
        self.retryable = retryable;
        self
    }

    /// Names the file.
    pub fn at(mut self, path: &Path) -> Self {
        self.path = Some(path.to_path_buf());
        self
    }

    /// Names the story, and says what was being done to it: `cannot <verb> story S-0034`. If it was done, it says that.
    pub fn about(mut self, verb: &str, target: &Target) -> Self {
        self.headline = if let Some(already) = &self.already {
            format!(
                "{}: nothing to change, operation {} was done at {}",
                target.name(),
                already.op,
                already.at
            )
        } else if self.is_committed() {
            format!(
                "committed, not known durable: the change of {} is in the file",
                target.name()
            )
        } else {
            format!("cannot {verb} {}", target.name())
        };
        self.story.clone_from(&target.id);
        self.path = Some(target.absolute());
        self
    }

    /// The reader of our output went away.
    pub fn nobody_listens(mut self) -> Self {
        self.is_unheard = true;
        self
    }

    /// Turns a result that could not be written into the one failure that says: it is done all the same.
    pub fn after_commit(self, target: &Target) -> Self {
        let headline = format!(
            "committed, not reported: the change of {} is in the file",
            target.name()
        );
        let mut failure = Self::new(Code::Unsynced, headline)
            .cause(self.message())
            .at(&target.absolute())
            .hint("do not run it again: the change would be applied twice");
        failure.story.clone_from(&target.id);
        failure
    }

    /// Whether the change is in the file in spite of the failure.
    pub fn is_committed(&self) -> bool {
        self.code == Code::Unsynced
    }

    /// The exit code.
    pub fn exit(&self) -> u8 {
        self.exit_code.unwrap_or(self.code.exit())
    }

    /// Headline and causes in one sentence, for JSON.
    pub fn message(&self) -> String {
        let mut message = self.headline.clone();
        for cause in &self.causes {
            message.push_str(": ");
            message.push_str(cause);
        }
        message
    }
}
