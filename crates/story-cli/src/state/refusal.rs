//! Why a change of a JSON file was not made. Nothing was written.

use atomic_file::Revision;
use state_file::PatchError;

use crate::failure::Failure;
use crate::signals;

/// Why a change was not made.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// A condition does not hold.
    #[error("{key} is {found}, not {wanted}")]
    Condition {
        /// The key.
        key: String,
        /// What it should be.
        wanted: String,
        /// What it is.
        found: String,
        /// The file's revision.
        revision: Revision,
    },
    /// The file has another revision.
    #[error("the file has the revision {found}, not {wanted}")]
    OtherRevision {
        /// The revision asked for.
        wanted: String,
        /// The file's.
        found: Revision,
    },
    /// An operation is not possible.
    #[error(transparent)]
    Edit(#[from] json_text::EditError),
    /// An operation of a patch is not possible, or its test failed.
    #[error("{source}")]
    Patch {
        /// Which, and why.
        source: PatchError,
        /// The file's revision.
        revision: Revision,
    },
    /// Another agent has leased it, or who has cannot be found out.
    #[error("{}", .0.message())]
    Leased(Failure),
    /// A signal came before anything was written.
    #[error("interrupted")]
    Interrupted,
}

impl From<signals::Interrupted> for Refusal {
    fn from(_: signals::Interrupted) -> Self {
        Self::Interrupted
    }
}
