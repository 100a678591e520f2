//! Why an operation of the contract was not done.

use crate::claim::ClaimError;
use crate::error::EditError;
use crate::journal::UndoError;
use crate::tasks::TaskError;
use crate::workflow_state::StateError;

/// Why an operation of the contract was not done. Nothing was written; the same call on the same story fails again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OperationError {
    /// The edit itself is not possible.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// A heading is empty or more than one line.
    #[error("{given:?} is not a heading: one line of text is needed")]
    Heading {
        /// The heading as given.
        given: String,
    },
    /// The file has no `id`: it may be anything.
    #[error("it is no story: its frontmatter has no id")]
    NoId,
    /// A story cannot be done before it is implemented and reviewed.
    #[error(
        "a story is done once implementation_complete and reviews_complete are true; \
         implementation_complete is {implementation}, reviews_complete is {reviews}"
    )]
    NotComplete {
        /// What stands behind `implementation_complete`.
        implementation: String,
        /// What stands behind `reviews_complete`.
        reviews: String,
    },
    /// Only what is blocked can be unblocked.
    #[error("only a blocked story can be unblocked; the status is {status}")]
    NotBlocked {
        /// What stands behind `status`.
        status: String,
    },
    /// A claim was not made, renewed or released.
    #[error(transparent)]
    Claim(#[from] ClaimError),
    /// A checkpoint cannot be read, or changed like that.
    #[error(transparent)]
    Checkpoint(#[from] StateError),
    /// The table of tasks cannot be made or changed like that.
    #[error(transparent)]
    Task(#[from] TaskError),
    /// A change is not taken back.
    #[error(transparent)]
    Undo(#[from] UndoError),
}
