//! From the errors of edits to failures: code and advice. Pure.

use std::path::Path;

use lease::edit::EditError;

use crate::failure::{Code, Failure};
use crate::settings::Settings;

impl Failure {
    /// A file of the project was not edited; `given` is how it was named.
    pub fn from_edit_of_file(err: EditError, given: &Path, settings: &Settings) -> Self {
        let given = given.display();
        let (retryable, is_committed) = (err.is_retryable(), err.is_committed());
        let headline = if is_committed {
            format!("committed, not known durable: the change of {given} is in the file")
        } else {
            format!("cannot edit {given}")
        };
        let failure = match err {
            EditError::Lease(err) => {
                let doing = format!("edit {given}");
                return Self::from_lease(err, &doing, settings);
            }
            EditError::Lock(err) => Self::from_acquire(err, settings.timeout),
            EditError::Read(err) => Self::from_read(err.into(), settings.timeout),
            EditError::Commit(err) => Self::from_commit(&err),
            err => {
                let (code, hint) = judge(&err);
                let mut failure = Self::new(code, "").with_chain(&err);
                failure.hint = hint.map(str::to_owned);
                if let EditError::Obstructed { obstacle, .. } = &err {
                    failure = failure.at(obstacle);
                }
                failure
            }
        };
        failure.headline(headline).retryable(retryable)
    }
}

fn judge(err: &EditError) -> (Code, Option<&'static str>) {
    match err {
        EditError::NotFound { .. } => (
            Code::Conflict,
            Some("read the file again; the text must match byte for byte, line feeds included"),
        ),
        EditError::Ambiguous { .. } => (
            Code::Conflict,
            Some("give more of what stands around it, in --old and in --new"),
        ),
        EditError::RevisionDiffers { .. } | EditError::Exists { .. } => (
            Code::Conflict,
            Some("read the file and decide anew; nothing was written"),
        ),
        EditError::Conflict { .. } => (
            Code::Conflict,
            Some("read the file again and repeat the edit; nothing was written"),
        ),
        EditError::Missing { .. } => (
            Code::NotFound,
            Some("`story write-file PATH --create` makes a file"),
        ),
        EditError::NothingToFind => (
            Code::Usage,
            Some("say in --old what to replace; `story write-file` writes a whole file"),
        ),
        EditError::Refused { .. } | EditError::TooLarge { .. } => (Code::Refused, None),
        EditError::Unfit { .. } => (
            Code::Refused,
            Some("`story set` and `story edit` change a story and keep it one"),
        ),
        EditError::Obstructed { .. } => (
            Code::Locked,
            Some(
                "if it is a lock that nobody holds any more, remove it; if it is data, edit the file under another name",
            ),
        ),
        EditError::LockLost { .. } => (
            Code::Lost,
            Some("find out who removes the .lock file; nothing was written"),
        ),
        _ => (Code::Io, None),
    }
}
