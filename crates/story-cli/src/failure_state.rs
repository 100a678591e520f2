//! From the errors of state files to failures: code, words and advice. Pure.

use std::time::Duration;

use json_text::ParseError;
use state_file::{PatchError, ReadError, UpdateError};

use crate::failure::{Code, Failure};
use crate::failure_sources::REPAIR_HINT;
use crate::state::refusal::Refusal;

const AGAIN_HINT: &str = "read the file again and decide anew; nothing was written";
const CREATE_HINT: &str = "with --create it is made";

impl Failure {
    /// A JSON file was not read.
    pub fn from_state_read(err: ReadError) -> Self {
        let path = err.path().to_path_buf();
        let retryable = err.is_retryable();
        let failure = match err {
            ReadError::Parse { source, path } => Self::from_json(&source, &path),
            ReadError::File(err) => Self::from_file_read(&err),
            err => Self::new(Code::Parse, "cannot read")
                .with_chain(&err)
                .hint(REPAIR_HINT),
        };
        failure.at(&path).retryable(retryable)
    }

    /// A text is no JSON; `path` is where it was read.
    fn from_json(err: &ParseError, path: &std::path::Path) -> Self {
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

    /// A JSON file was not changed; `timeout` is the limit that was in force.
    pub fn from_state_update(err: UpdateError<Refusal>, timeout: Duration) -> Self {
        let retryable = err.is_retryable();
        let failure = match err {
            UpdateError::Lock(err) => Self::from_acquire(err, timeout),
            UpdateError::Inherit(err) => Self::from_inherit(&err),
            UpdateError::Read(err) => {
                let is_missing = err.is_not_found();
                let failure = Self::from_state_read(err);
                if is_missing {
                    failure.hint(CREATE_HINT)
                } else {
                    failure
                }
            }
            UpdateError::Edit(refusal) => Self::from_state_refusal(&refusal),
            UpdateError::Commit(err) => Self::from_commit(&err),
            UpdateError::Conflict { ref found, .. } => {
                let found = found.to_string();
                let mut failure = Self::new(Code::Conflict, "conflict")
                    .with_chain(&err)
                    .hint("others were faster each time; try again, or without --optimistic");
                failure.revision = Some(found);
                failure
            }
            UpdateError::Interfered { .. } => Self::new(Code::Conflict, "conflict")
                .with_chain(&err)
                .hint("whoever writes there should take the lock; nothing was written"),
            UpdateError::LockLost { .. } => Self::new(Code::Lost, "lock lost")
                .with_chain(&err)
                .hint("find out who removes the .lock file; nothing was written"),
            err @ (UpdateError::TooLarge { .. }
            | UpdateError::Unwritable { .. }
            | UpdateError::Text { .. }) => Self::new(Code::Refused, "refused").with_chain(&err),
            err => Self::new(Code::Io, "cannot update").with_chain(&err),
        };
        // A refusal knows itself whether waiting helps.
        let retryable = retryable || failure.retryable;
        failure.retryable(retryable)
    }

    fn from_state_refusal(refusal: &Refusal) -> Self {
        let failure = |code| Self::new(code, "refused").with_chain(refusal);
        match refusal {
            Refusal::Condition { revision, .. } => {
                failure(Code::Conflict).hint(AGAIN_HINT).of(revision)
            }
            Refusal::OtherRevision { found, .. } => {
                failure(Code::Conflict).hint(AGAIN_HINT).of(found)
            }
            Refusal::Patch {
                source: PatchError::TestFailed { .. },
                revision,
            } => failure(Code::Conflict).hint(AGAIN_HINT).of(revision),
            Refusal::Edit(_) | Refusal::Patch { .. } => failure(Code::Refused),
            Refusal::Leased(failure) => failure.clone(),
            Refusal::Interrupted => failure(Code::Io),
        }
    }

    /// The same, with the revision that the file has.
    fn of(mut self, revision: &atomic_file::Revision) -> Self {
        self.revision = Some(revision.to_string());
        self
    }
}

#[cfg(test)]
mod tests {
    use atomic_file::Revision;
    use state_file::Version;

    use super::*;

    #[test]
    fn conflict_tells_the_revision_that_the_file_has() {
        let [seen, now] = [&b"{}"[..], b"[]"].map(Revision::of);
        let lost = UpdateError::Conflict {
            path: "state.json".into(),
            expected: Version::Content(seen),
            found: Version::Content(now.clone()),
        };
        let failure = Failure::from_state_update(lost, Duration::ZERO);
        assert_eq!(failure.code, Code::Conflict, "exit 5");
        assert!(failure.retryable, "the next try may be the first");
        assert_eq!(
            failure.revision,
            Some(now.to_string()),
            "what to compare with next"
        );
    }

    #[test]
    fn code_says_what_the_caller_can_do() {
        let path = || "state.json".into();
        let table = [
            (
                UpdateError::Interfered {
                    path: path(),
                    reruns: 3,
                },
                Code::Conflict,
                true,
            ),
            (
                UpdateError::TooLarge {
                    path: path(),
                    size: 2,
                    limit: 1,
                },
                Code::Refused,
                false,
            ),
            (UpdateError::Edit(Refusal::Interrupted), Code::Io, false),
            (
                UpdateError::Edit(Refusal::Edit(json_text::EditError::Whole)),
                Code::Refused,
                false,
            ),
        ];
        for (err, code, retryable) in table {
            let words = err.to_string();
            let failure = Failure::from_state_update(err, Duration::ZERO);
            assert_eq!(
                (failure.code, failure.retryable),
                (code, retryable),
                "what becomes of: {words}"
            );
        }
    }
}
