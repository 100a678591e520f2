//! From the errors of the contract's operations to failures: code and advice. Pure.

use story::OperationError;

use crate::failure::{Code, Failure};

impl Failure {
    /// An operation of the contract was not done.
    pub fn from_operation(err: &OperationError) -> Self {
        match err {
            OperationError::Edit(err) => Self::from_edit(err),
            err => {
                let mut failure = Self::new(Code::Refused, "refused").with_chain(err);
                failure.hint = hint(err).map(str::to_owned);
                failure
            }
        }
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
