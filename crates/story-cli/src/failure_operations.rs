//! From the errors of the contract's operations to failures: code and advice. Pure.

use story::OperationError;

use crate::failure::{Code, Failure};

impl Failure {
    /// An operation of the contract was not done.
    pub fn from_operation(err: &OperationError) -> Self {
        match err {
            OperationError::Edit(err) => Self::from_edit(err),
            err => Self::new(Code::Refused, "refused").with_chain(err),
        }
    }
}
