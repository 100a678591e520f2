//! From the errors of the contract's operations to failures: code and advice. Pure.

use story::OperationError;
use story::claim::ClaimError;
use story::journal::UndoError;
use story::tasks::TaskError;
use story::workflow_state::StateError;

use crate::failure::{Code, Failure};

impl Failure {
    /// An operation of the contract was not done.
    pub fn from_operation(err: &OperationError) -> Self {
        match err {
            OperationError::Edit(err) => Self::from_edit(err),
            OperationError::Claim(err) => Self::from_claim(err),
            OperationError::Checkpoint(err) => Self::from_checkpoint(err),
            OperationError::Task(err) => Self::from_task(err),
            OperationError::Heading { .. } => Self::new(Code::Usage, "refused").with_chain(err),
            OperationError::Undo(err) => Self::from_undo(err),
            err => {
                let mut failure = Self::new(Code::Refused, "refused").with_chain(err);
                failure.hint = hint(err).map(str::to_owned);
                failure
            }
        }
    }

    fn from_undo(err: &UndoError) -> Self {
        let (code, hint) = match err {
            UndoError::Nothing | UndoError::NoSuchOperation { .. } => {
                (Code::NotFound, "`story log STORY` shows the operations")
            }
            UndoError::Later { .. } => (
                Code::Refused,
                "undo the later change first, or set the value as it should be",
            ),
            _ => (
                Code::Refused,
                "look at the story and its log, and set the value as it should be",
            ),
        };
        Self::new(code, "refused").with_chain(err).hint(hint)
    }

    fn from_task(err: &TaskError) -> Self {
        let failure = |code| Self::new(code, "refused").with_chain(err);
        match err {
            TaskError::Missing { .. } => failure(Code::NotFound)
                .hint("`story task list STORY` shows the tasks; `story task init` makes the table"),
            _ => failure(Code::Usage),
        }
    }

    fn from_checkpoint(err: &StateError) -> Self {
        let (code, hint) = match err {
            StateError::Syntax { .. } | StateError::Invalid { .. } => (
                Code::Parse,
                "look at the .workflow-state.json, then remove it",
            ),
            StateError::BadTarget { .. } => (
                Code::Parse,
                "look at the story's .workflow-state.json, then `story workflow clear STORY`",
            ),
            StateError::Missing => (
                Code::NotFound,
                "`story workflow start STORY ACTION` makes it",
            ),
            StateError::NothingRunning => (Code::Refused, "say which action is done"),
            StateError::OtherWorkflow { .. } | StateError::OtherStory { .. } => (
                Code::Conflict,
                "another run is, or was, at work: look with `story workflow show STORY`",
            ),
            StateError::Running { .. } => (
                Code::Refused,
                "wait for `story workflow finish`; if its run has ended: start with --resume, or finish with --given-up",
            ),
            _ => (
                Code::Refused,
                "look at the .workflow-state.json in the sdlc root",
            ),
        };
        Self::new(code, "refused").with_chain(err).hint(hint)
    }

    fn from_claim(err: &ClaimError) -> Self {
        let (code, hint) = match err {
            ClaimError::Taken(_) => (
                Code::Locked,
                "wait until that claim ends, or take another story",
            ),
            ClaimError::Own(_) => (
                Code::Refused,
                "`story renew` has it end later; another worker needs another name",
            ),
            ClaimError::Waiting(_) => (
                Code::Refused,
                "finish what it depends on first, or take it out of `dependencies`",
            ),
            ClaimError::Lost(_) => (
                Code::Conflict,
                "stop, and look at what the others did meanwhile; nothing was written",
            ),
            _ => (Code::Refused, "`story get STORY status` shows where it is"),
        };
        let failure = Self::new(code, "refused").with_chain(err).hint(hint);
        failure.retryable(code == Code::Locked)
    }
}

fn hint(err: &OperationError) -> Option<&'static str> {
    match err {
        OperationError::NoId => {
            Some("look at the file; if it is a story, give it its id: story set FILE id=S-0001")
        }
        OperationError::NotComplete { .. } => {
            Some("`story complete` marks all four phases complete; `story set` follows no rule")
        }
        OperationError::NotBlocked { .. } => Some("`story status STORY NEW` sets any status"),
        _ => None,
    }
}
