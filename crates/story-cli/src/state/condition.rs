//! What must hold before a JSON file is changed. Pure.

use atomic_file::Revision;
use json_text::{Json, JsonText};

use super::key::Key;
use super::one_line::inline;
use super::refusal::Refusal;

/// What must hold of one key.
#[derive(Debug, Clone)]
pub enum Condition {
    /// It has the value; numbers are compared by what they are worth.
    Equals(Key, Json),
    /// It is absent.
    Absent(Key),
}

impl Condition {
    /// Looks whether it holds.
    ///
    /// # Errors
    ///
    /// [`Refusal::Condition`]: it does not.
    pub fn check(&self, text: &JsonText) -> Result<(), Refusal> {
        let (key, wanted) = match self {
            Self::Equals(key, value) => (key, inline(value.as_str())),
            Self::Absent(key) => (key, "absent".to_owned()),
        };
        let found = text.raw(&key.path);
        let holds = match (self, found) {
            (Self::Equals(_, wanted), Some(found)) => {
                state_file::is_same_json(found, wanted.as_str())
            }
            (Self::Equals(..), None) => false,
            (Self::Absent(_), found) => found.is_none(),
        };
        if holds {
            return Ok(());
        }
        Err(Refusal::Condition {
            key: key.given.clone(),
            found: found.map_or_else(|| "absent".to_owned(), inline),
            wanted,
            revision: Revision::of(text.as_bytes()),
        })
    }
}

/// Looks whether the text has the revision that was asked for, if one was.
///
/// # Errors
///
/// [`Refusal::OtherRevision`]: it has another.
pub fn check_revision(text: &JsonText, wanted: Option<&str>) -> Result<(), Refusal> {
    let Some(wanted) = wanted else {
        return Ok(());
    };
    let found = Revision::of(text.as_bytes());
    // What is no revision was refused when the command line was read.
    if found.matches(wanted).unwrap_or(false) {
        return Ok(());
    }
    Err(Refusal::OtherRevision {
        wanted: wanted.to_owned(),
        found,
    })
}
