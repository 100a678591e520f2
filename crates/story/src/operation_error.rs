//! Why an operation of the contract was not done.

use crate::error::EditError;

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
}
