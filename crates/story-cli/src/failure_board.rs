//! From the errors of the board of tasks to failures: code and advice. Pure.

use std::path::Path;

use locked_file::SessionError;
use locked_file::together::FinishError;
use serde_json::{Value, json};
use state_file::board::{BoardError, RuleError, Status};

use crate::failure::{Code, Failure};
use crate::failure_sources::REPAIR_HINT;
use crate::settings::Settings;

impl Failure {
    /// A board was not read or changed. `doing` is told: `claim task_1`.
    pub fn from_board(err: BoardError, doing: &str, settings: &Settings) -> Self {
        let retryable = err.is_retryable();
        let failure = match err {
            BoardError::Rule(err) => Self::from_rule(&err),
            BoardError::Unclear { path, source } => unclear(&path, &source),
            BoardError::Read(err) => {
                let is_missing = err.is_not_found();
                let failure = Self::from_state_read(err);
                if is_missing {
                    failure.hint("`story tasks new TITLE` makes the board; --board names another one")
                } else {
                    failure
                }
            }
            BoardError::Session(err) => from_session(err, settings).retryable(retryable),
            BoardError::Pending { source } => from_finish(source, settings)
                .retryable(retryable)
                .hint("another process was stopped in the middle, and what it had decided comes first; mend what is in the way"),
            BoardError::Apart { .. } => Self::new(Code::Usage, "").with_chain(&err),
            BoardError::TooLarge { ref path, .. } => {
                let path = path.clone();
                Self::new(Code::Refused, "").with_chain(&err).at(&path)
            }
            BoardError::Undecided { source } => Self::from_commit(&source),
            BoardError::Unfinished { source } => {
                let why = from_finish(source, settings);
                return Self::new(
                    Code::Unsynced,
                    "committed, not carried out everywhere: the next one who reads or changes the board does that",
                )
                .cause(why.message())
                .hint("do not run it again; mend what is in the way");
            }
            err => Self::new(Code::Io, "").with_chain(&err),
        };
        if failure.is_committed() {
            return failure;
        }
        failure.headline(format!("cannot {doing}"))
    }

    /// A rule of the board refused something.
    pub fn from_rule(err: &RuleError) -> Self {
        let (code, hint) = judge(err);
        let mut failure = Self::new(code, "refused").with_chain(err).hint(hint);
        failure.conflicts = conflicts(err);
        // What waits for other tasks is no better a moment later.
        failure.retryable(code == Code::Locked)
    }
}

/// Says which of the two files it is, for people too.
fn unclear(path: &Path, source: &RuleError) -> Failure {
    let (code, hint) = judge(source);
    Failure::new(code, "")
        .cause(format!("{}: {source}", path.display()))
        .hint(hint)
        .at(path)
}

fn from_session(err: SessionError, settings: &Settings) -> Failure {
    match err {
        SessionError::Lock(err) => Failure::from_acquire(err, settings.timeout),
        SessionError::Inherit(err) => Failure::from_inherit(&err),
        SessionError::Commit(err) => Failure::from_commit(&err),
        SessionError::Conflict { ref path, .. } => {
            let path = path.clone();
            Failure::new(Code::Conflict, "")
                .with_chain(&err)
                .at(&path)
                .hint("try again; whoever writes there should take the lock")
        }
        SessionError::LockLost { ref path, .. } => {
            let path = path.clone();
            Failure::new(Code::Lost, "")
                .with_chain(&err)
                .at(&path)
                .hint("find out who removes the .lock file; nothing was written")
        }
    }
}

fn from_finish(err: FinishError, settings: &Settings) -> Failure {
    match err {
        FinishError::Read(err) => Failure::from_file_read(&err),
        FinishError::Lock(err) => Failure::from_acquire(err, settings.timeout),
        FinishError::Commit(err) => Failure::from_commit(&err),
    }
}

fn judge(err: &RuleError) -> (Code, &'static str) {
    match err {
        RuleError::NotFound { .. } => (Code::NotFound, "`story tasks list` shows the tasks"),
        RuleError::UnknownDependency { .. } => (
            Code::NotFound,
            "`story tasks list` shows the tasks; put that one on the board first",
        ),
        RuleError::Taken { .. } => (
            Code::Locked,
            "wait until that agent has done it or given it back, or take another: story tasks claim",
        ),
        RuleError::NotReady { .. } => (
            Code::Refused,
            "wait until they are completed, or take another: story tasks claim",
        ),
        RuleError::NothingReady { .. } => (
            Code::NothingReady,
            "`story tasks list --long` shows what each waits for",
        ),
        RuleError::OpenChildren { .. } => {
            (Code::Refused, "end them first, or say --with-open-children")
        }
        RuleError::Circle { .. } => (Code::Refused, "one of them must not wait"),
        RuleError::Invalid { .. } => (
            Code::Usage,
            "`story tasks new --help` and `story tasks update --help` show the grammar",
        ),
        RuleError::Unclear { .. } | RuleError::DuplicateId { .. } => (Code::Parse, REPAIR_HINT),
        _ => (Code::Refused, "`story tasks show ID` shows how it is"),
    }
}

/// What stands against it, for programs.
fn conflicts(err: &RuleError) -> Vec<Value> {
    match err {
        RuleError::Taken { id, by } => vec![json!({ "task": id, "agent": by })],
        RuleError::NotReady { waits_for, .. } => waits_for
            .iter()
            .map(|it| json!({ "task": it.id, "status": it.status.map(Status::as_str) }))
            .collect(),
        RuleError::OpenChildren { children, .. } => {
            children.iter().map(|id| json!({ "task": id })).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use state_file::board::RuleError;

    use super::unclear;

    #[test]
    fn file_that_is_no_board_is_named() {
        let source = RuleError::Unclear {
            task: None,
            member: "agents".to_owned(),
            reason: "an object is expected".to_owned(),
        };
        let failure = unclear(Path::new("/p/metrics.json"), &source);
        assert_eq!(
            failure.message(),
            ": /p/metrics.json: the file: agents: an object is expected",
            "there are two files, and somebody has to mend the right one"
        );
    }
}
