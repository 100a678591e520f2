//! Which version of a file somebody has seen: by its contents, or by a number in it.

use std::fmt;

use atomic_file::Revision;
use json_text::{Json, JsonText, Path};
use serde_json::Value;

/// What identifies a version of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Versioning {
    /// Its contents: nothing is added to people's files, and no change goes unnoticed.
    #[default]
    Content,
    /// An integer member at the top, by this name. Each change of ours raises it by one; a change by somebody who does not
    /// raise it goes unnoticed by whoever compares the number.
    Member(String),
}

/// A version of a file, as a reader saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Version {
    /// The SHA-256 of all its bytes.
    Content(Revision),
    /// The number in its version member.
    Number(u64),
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Content(revision) => revision.fmt(f),
            Self::Number(number) => number.fmt(f),
        }
    }
}

/// Why a file that should have a version member has none that serves.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("its version is to be the member {member:?}, a whole number of at least 0, but {found}")]
pub struct VersionError {
    /// The name of the member.
    pub member: String,
    /// What stands there, in words.
    pub found: String,
}

impl Versioning {
    /// The version that a text has. For [`Versioning::Content`] that costs a look at every byte.
    ///
    /// # Errors
    ///
    /// [`VersionError`]: the member is missing, or no whole number. A person must repair it.
    pub fn of(&self, text: &JsonText) -> Result<Version, VersionError> {
        match self {
            Self::Content => Ok(Version::Content(Revision::of(text.as_bytes()))),
            Self::Member(member) => number(text, member).map(Version::Number),
        }
    }

    /// Makes the text a new version of what was numbered `before`; `None`: of nothing, the first one is 1.
    pub(crate) fn raise(&self, text: &mut JsonText, before: Option<u64>) -> Result<(), RaiseError> {
        let Self::Member(member) = self else {
            return Ok(());
        };
        let next = i64::try_from(before.unwrap_or(0).saturating_add(1)).map_err(|_| {
            RaiseError::Version(VersionError {
                member: member.clone(),
                found: "it cannot be raised any more".to_owned(),
            })
        })?;
        text.set(&path_of(member), &Json::integer(next))
            .map_err(RaiseError::Edit)
    }

    /// The number before a change; `None` where versions are no numbers.
    pub(crate) fn number(&self, text: &JsonText) -> Result<Option<u64>, VersionError> {
        match self {
            Self::Content => Ok(None),
            Self::Member(member) => number(text, member).map(Some),
        }
    }
}

/// Why the number was not raised.
#[derive(Debug)]
pub(crate) enum RaiseError {
    Version(VersionError),
    Edit(json_text::EditError),
}

fn number(text: &JsonText, member: &str) -> Result<u64, VersionError> {
    let found = match text.value(&path_of(member)) {
        None => "there is none".to_owned(),
        Some(Value::Number(number)) => match number.as_u64() {
            Some(number) => return Ok(number),
            None => format!("it is {number}"),
        },
        Some(Value::Null) => "it is null".to_owned(),
        Some(Value::Bool(_)) => "it is a boolean".to_owned(),
        Some(Value::String(_)) => "it is a text".to_owned(),
        Some(Value::Array(_)) => "it is a list".to_owned(),
        Some(Value::Object(_)) => "it is an object".to_owned(),
    };
    Err(VersionError {
        member: member.to_owned(),
        found,
    })
}

/// The member itself, whatever dots and slashes its name has.
fn path_of(member: &str) -> Path {
    Path::whole().key(member)
}
