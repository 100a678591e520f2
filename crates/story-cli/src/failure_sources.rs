//! From the errors of the libraries to failures: code, words and advice. Pure.

use std::error::Error;
use std::time::Duration;

use atomic_file::CommitError;
use sidecar_lock::{
    AcquireError, BreakError, ForeignKind, ForeignLock, InheritError, InspectError, LockedBy,
};
use story::{EditError, ParseError, ReadError, UpdateError};

use crate::durations::{format, rough};
use crate::failure::{AlreadyDone, Code, Failure};
use crate::merging::conflicts::{self, WRITING};
use crate::operations::Refusal;
use crate::sys;

const UNLOCKED_HEADLINE: &str = "cannot take the lock";
pub const REPAIR_HINT: &str = "repair the file by hand; it was left as it is";

impl Failure {
    /// A lock was not acquired; `timeout` is the limit that was in force.
    pub fn from_acquire(err: AcquireError, timeout: Duration) -> Self {
        let path = err.path().to_path_buf();
        let retryable = err.is_retryable();
        let failure = match err {
            AcquireError::Contended {
                by,
                waited,
                attempts,
                ..
            } => Self::contended(&by, &path, waited, attempts, timeout),
            err => {
                let (code, hint) = judge_acquire(&err);
                let mut failure = Self::new(code, UNLOCKED_HEADLINE).with_chain(&err);
                failure.hint = advised(&err, hint);
                failure
            }
        };
        failure.at(&path).retryable(retryable)
    }

    fn contended(
        by: &LockedBy,
        path: &std::path::Path,
        waited: Duration,
        attempts: u32,
        timeout: Duration,
    ) -> Self {
        let cause = format!(
            "{} is locked by another process: {}; gave up after {} and {attempts} attempts",
            path.display(),
            locked_by(by),
            rough(waited),
        );
        let mut failure = Self::new(Code::Locked, UNLOCKED_HEADLINE).cause(cause);
        failure.waited_ms = Some(millis(waited));
        let limit = format(timeout);
        failure.hint = Some(match by {
            LockedBy::Holder(holder) => {
                failure.holder = Some(Box::new(holder.clone()));
                format!(
                    "wait for that process to end, or raise --timeout (now {limit}); if it hangs, end pid {}",
                    holder.pid
                )
            }
            LockedBy::Foreign(foreign) => {
                failure.stale_in_ms = Some(millis(foreign.stale_in));
                format!(
                    "wait, or raise --timeout (now {limit}) above {}: then it is taken over if nobody touches it",
                    rough(foreign.stale_in)
                )
            }
            LockedBy::Unknown => format!("wait, or raise --timeout (now {limit})"),
        });
        failure
    }

    /// A story was not read.
    pub fn from_read(err: ReadError, timeout: Duration) -> Self {
        let path = err.path().to_path_buf();
        let retryable = err.is_retryable();
        let failure = match err {
            ReadError::Lock(err) => return Self::from_acquire(err, timeout),
            ReadError::Parse { source, .. } => Self::from_parse(&source, &path),
            ReadError::File(err) => Self::from_file_read(&err),
            err => Self::new(Code::Io, "cannot read").with_chain(&err),
        };
        failure.at(&path).retryable(retryable)
    }

    /// A file was not read, whatever it should be.
    pub fn from_file_read(err: &atomic_file::ReadError) -> Self {
        let (code, hint) = judge_file_read(err);
        let mut failure = Self::new(code, "cannot read").with_chain(err);
        failure.hint = advised(err, hint);
        failure.at(err.path()).retryable(err.is_retryable())
    }

    /// A text is no story; `path` is where it was read.
    pub fn from_parse(err: &ParseError, path: &std::path::Path) -> Self {
        let place = format!(
            "{}:{}:{}: {}",
            path.display(),
            err.line,
            err.column,
            err.kind
        );
        let mut failure = Self::new(Code::Parse, "cannot read").cause(place);
        failure.position = Some((err.line, err.column));
        failure.hint(REPAIR_HINT)
    }

    /// A story was not updated.
    pub fn from_update(err: UpdateError<Refusal>, timeout: Duration) -> Self {
        let (retryable, is_committed) = (err.is_retryable(), err.is_committed());
        let failure = match err {
            UpdateError::Lock(err) => Self::from_acquire(err, timeout),
            UpdateError::Inherit(err) => Self::from_inherit(&err),
            UpdateError::Read(err) => Self::from_read(err, timeout),
            UpdateError::Edit(refusal) => Self::from_refusal(&refusal),
            UpdateError::Commit(err) => Self::from_commit(&err),
            UpdateError::TooLarge { ref path, .. } => {
                let path = path.clone();
                Self::new(Code::Refused, "refused")
                    .with_chain(&err)
                    .at(&path)
            }
            UpdateError::Conflict { ref path, .. } => {
                let path = path.clone();
                Self::new(Code::Conflict, "conflict")
                    .with_chain(&err)
                    .at(&path)
                    .hint("read the story again and repeat the change; nothing was written")
            }
            UpdateError::LockLost { ref path, .. } => {
                let path = path.clone();
                Self::new(Code::Lost, "lock lost")
                    .with_chain(&err)
                    .at(&path)
                    .hint("find out who removes the .lock file; nothing was written")
            }
            err => Self::from_journalled(err),
        };
        debug_assert_eq!(
            failure.is_committed(),
            is_committed,
            "one code says committed"
        );
        // A refusal knows itself whether waiting helps.
        let retryable = retryable || failure.retryable;
        failure.retryable(retryable)
    }

    /// An operation with an id of the caller was not done.
    fn from_journalled(err: UpdateError<Refusal>) -> Self {
        match err {
            UpdateError::AlreadyDone { op, at, path, revision } => {
                let mut failure = Self::new(Code::Already, "done before").at(&path);
                failure.already = Some(AlreadyDone { op, at, revision });
                failure
            }
            err @ UpdateError::OutcomeUnknown { .. } => Self::new(Code::Conflict, "conflict")
                .with_chain(&err)
                .hint("look at the story; if the change is not in it, repeat it under another --op-id"),
            err @ UpdateError::OtherOperation { .. } => Self::new(Code::Refused, "refused")
                .with_chain(&err)
                .hint("each operation needs an --op-id of its own"),
            err @ UpdateError::Journal { .. } => Self::new(Code::Io, "cannot update")
                .with_chain(&err)
                .hint("nothing was written; repair the journal, or leave --op-id out"),
            err => Self::new(Code::Io, "cannot update").with_chain(&err),
        }
    }

    /// A file was not written.
    pub fn from_commit(err: &CommitError) -> Self {
        let (code, hint) = judge_commit(err);
        let headline = match code {
            Code::Unsynced => "committed, not known durable",
            _ => "cannot write",
        };
        let mut failure = Self::new(code, headline).with_chain(err).at(err.path());
        failure.retryable = err.is_retryable();
        failure.hint = advised(err, hint);
        failure
    }

    /// The parent's lock does not serve.
    pub fn from_inherit(err: &InheritError) -> Self {
        Self::new(Code::Lost, "the inherited lock does not serve").with_chain(err)
    }

    /// An edit was refused, or a precondition failed.
    pub fn from_refusal(refusal: &Refusal) -> Self {
        let failure = |code| Self::new(code, "refused");
        match refusal {
            Refusal::Condition { .. } | Refusal::OtherRevision { .. } => failure(Code::Conflict)
                .with_chain(refusal)
                .hint("read the story again and decide anew; nothing was written"),
            Refusal::Revision(err) => failure(Code::Usage).with_chain(err),
            Refusal::Edit(err) => Self::from_edit(err),
            Refusal::Operation(err) => Self::from_operation(err),
            Refusal::Merge(found) => {
                let mut failure = failure(Code::Conflict)
                    .with_chain(refusal)
                    .hint("nothing was written; read the story again and make your change anew");
                conflicts::add(&mut failure, found, WRITING);
                failure
            }
            Refusal::Journal(err) => Self::from_journal(err),
            Refusal::Leased(failure) => failure.clone(),
            Refusal::Interrupted => failure(Code::Io).with_chain(refusal),
        }
    }

    /// A path is malformed, or an edit not possible.
    pub fn from_edit(err: &EditError) -> Self {
        let code = match err {
            EditError::Path { .. } => Code::Usage,
            _ => Code::Refused,
        };
        let mut failure = Self::new(code, "refused").with_chain(err);
        if let EditError::Type { position, .. } | EditError::Unsupported { position, .. } = err {
            failure.position = Some((position.line, position.column));
        }
        failure
    }

    /// A lock was not looked at.
    pub fn from_inspect(err: &InspectError) -> Self {
        let code = code_of_io(&err.source);
        Self::new(code, "cannot look at the lock")
            .with_chain(err)
            .at(&err.sidecar)
    }

    /// A lock was not broken.
    pub fn from_break(err: &BreakError) -> Self {
        let (code, hint) = match err {
            BreakError::NotLocked { .. } => (Code::NotFound, None),
            BreakError::OtherToken { .. } => (
                Code::Conflict,
                Some("look again with `story lock status`: the lock has changed hands"),
            ),
            BreakError::OwnerAlive { .. } => (
                Code::Refused,
                Some(
                    "end that process instead; or say --force and --yes-the-owner-is-alive: it goes on believing that it holds the lock",
                ),
            ),
            BreakError::Obstructed { .. } => (Code::Refused, Some(OBSTRUCTED_HINT)),
            BreakError::Io { source, .. } => (code_of_io(source), None),
            _ => (Code::Io, None),
        };
        let mut failure = Self::new(code, "cannot break the lock");
        if let BreakError::OwnerAlive { resource, by } = err {
            failure = failure.cause(format!(
                "the lock of {} is in use: {}",
                resource.display(),
                locked_by(by)
            ));
            if let LockedBy::Holder(holder) = by.as_ref() {
                failure.holder = Some(Box::new(holder.clone()));
            }
        } else {
            failure = failure.with_chain(err);
        }
        failure.hint = hint.map(str::to_owned);
        failure
    }

    /// Adds an error and everything behind it, each said once.
    pub fn with_chain(mut self, err: &dyn Error) -> Self {
        let mut next = Some(err);
        while let Some(err) = next {
            let text = err.to_string();
            if self.causes.last() != Some(&text) {
                self.causes.push(text);
            }
            next = err.source();
        }
        self
    }
}

const OBSTRUCTED_HINT: &str = "look at what stands there and remove it by hand";
const PERMISSION_HINT: &str =
    "make the folder writable for this user: the lock and the new version are made in it";
const READ_ONLY_HINT: &str = "work on a copy, or have the file system mounted writable";
const NO_SPACE_HINT: &str = "free some space; the old version is intact";

pub fn judge_acquire(err: &AcquireError) -> (Code, Option<&'static str>) {
    match err {
        AcquireError::Nested { .. } => (Code::Nested, Some(NESTED_HINT)),
        AcquireError::NoSuchFolder { .. } => (
            Code::NotFound,
            Some("look at the path: one of its folders, or the working folder, is not there"),
        ),
        AcquireError::NameTooLong { .. } => (
            Code::Refused,
            Some("give the file a shorter name: that of its lock is five bytes longer"),
        ),
        AcquireError::NotWritable { .. } => (Code::NoPermission, Some(PERMISSION_HINT)),
        AcquireError::NotRemovable { .. } => (
            Code::NoPermission,
            Some("have its owner, or root, run `story doctor --fix` or remove it"),
        ),
        AcquireError::ReadOnly { .. } => (Code::ReadOnly, Some(READ_ONLY_HINT)),
        AcquireError::NoSpace { .. } => (Code::NoSpace, Some(NO_SPACE_HINT)),
        AcquireError::Obstructed { .. } => (Code::Refused, Some(OBSTRUCTED_HINT)),
        _ => (Code::Io, None),
    }
}

/// What to do about a nested lock.
pub const NESTED_HINT: &str =
    "use the lock that is held: `story set` in the command works under it without taking it again";

fn judge_file_read(err: &atomic_file::ReadError) -> (Code, Option<&'static str>) {
    use atomic_file::ReadError as File;
    match err {
        File::NotFound { .. } => (Code::NotFound, None),
        File::NotRegular { .. } | File::TooLarge { .. } => (Code::Parse, None),
        File::Unstable { .. } => (
            Code::Conflict,
            Some("somebody writes it in place: try again"),
        ),
        File::NoPermission { .. } => (
            Code::NoPermission,
            Some("make the file readable for this user"),
        ),
        _ => (Code::Io, None),
    }
}

fn judge_commit(err: &CommitError) -> (Code, Option<&'static str>) {
    match err {
        CommitError::Changed { .. } | CommitError::AlreadyExists { .. } => {
            (Code::Conflict, Some("read it again and repeat the change"))
        }
        CommitError::Rescued { .. } => (
            Code::Conflict,
            Some("compare the rescued copy with the story by hand"),
        ),
        CommitError::NotFound { .. } => (Code::NotFound, None),
        CommitError::HardLinked { .. } => (
            Code::Refused,
            Some(
                "make it a file of its own (cp, then mv over it): its other names would keep the old text",
            ),
        ),
        CommitError::NotRegular { .. } => (Code::Parse, None),
        CommitError::NoPermission { .. } => (Code::NoPermission, Some(PERMISSION_HINT)),
        CommitError::OwnerNotKept { .. } => (
            Code::NoPermission,
            Some("run it as the owner of the file: a new version must not change hands"),
        ),
        CommitError::MountPoint { .. } => (
            Code::Refused,
            Some(
                "mount its folder instead of the single file: a new version takes the old one's name",
            ),
        ),
        CommitError::ReadOnly { .. } => (Code::ReadOnly, Some(READ_ONLY_HINT)),
        CommitError::NoSpace { .. } => (Code::NoSpace, Some(NO_SPACE_HINT)),
        CommitError::CommittedUnsynced { .. } => (
            Code::Unsynced,
            Some("do not run it again: the change is in the file; look after the disk"),
        ),
        _ => (Code::Io, None),
    }
}

/// The usual hint, unless the system's error behind `err` says more about what to do.
fn advised(err: &(dyn Error + 'static), usual: Option<&'static str>) -> Option<String> {
    let mut next = Some(err);
    let mut advice = None;
    while let Some(err) = next {
        advice = advice.or_else(|| err.downcast_ref().and_then(sys::advice));
        next = err.source();
    }
    let hint = match usual {
        Some(hint) if hint != PERMISSION_HINT => Some(hint),
        _ => advice.or(usual),
    };
    hint.map(str::to_owned)
}

/// What to do about an error of the system.
pub fn hint_of_io(err: &std::io::Error) -> Option<&'static str> {
    match code_of_io(err) {
        Code::NoPermission => sys::advice(err).or(Some(PERMISSION_HINT)),
        Code::ReadOnly => Some(READ_ONLY_HINT),
        Code::NoSpace => Some(NO_SPACE_HINT),
        _ => sys::advice(err),
    }
}

/// Sorts an error of the system.
pub fn code_of_io(err: &std::io::Error) -> Code {
    use std::io::ErrorKind;
    match err.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => Code::NotFound,
        ErrorKind::PermissionDenied => Code::NoPermission,
        ErrorKind::ReadOnlyFilesystem => Code::ReadOnly,
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Code::NoSpace,
        _ => Code::Io,
    }
}

/// Who holds a lock, in words.
pub fn locked_by(by: &LockedBy) -> String {
    match by {
        LockedBy::Foreign(foreign) => format!("held by {}", foreign_lock(foreign)),
        by => by.to_string(),
    }
}

/// Another tool's lock, in words.
pub fn foreign_lock(foreign: &ForeignLock) -> String {
    let kind = match foreign.kind {
        ForeignKind::File => "a lock file",
        ForeignKind::Directory => "a lock directory",
    };
    let age = rough(foreign.age);
    if foreign.stale_in.is_zero() {
        format!("{kind} of another tool, last touched {age} ago, abandoned")
    } else {
        let stale_in = rough(foreign.stale_in);
        format!(
            "{kind} of another tool, last touched {age} ago, abandoned in {stale_in} unless it is touched"
        )
    }
}

/// A length of time as JSON has it.
pub fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
