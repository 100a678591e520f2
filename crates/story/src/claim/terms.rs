//! What a claim is made of, each checked when it is made. Pure.

use std::fmt;
use std::time::Duration;

/// For how long a claim holds unless it is renewed: at least [`Lease::SHORTEST`], at most [`Lease::LONGEST`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease(Duration);

impl Lease {
    /// Chosen: below this a worker could not renew in time over a busy lock.
    pub const SHORTEST: Duration = Duration::from_secs(1);
    /// Chosen: beyond every piece of work; a forgotten claim must end some day.
    pub const LONGEST: Duration = Duration::from_hours(30 * 24);

    /// A lease of that length.
    ///
    /// # Errors
    ///
    /// When it is too short or too long.
    pub fn new(duration: Duration) -> Result<Self, LeaseError> {
        if duration < Self::SHORTEST {
            Err(LeaseError::TooShort)
        } else if duration > Self::LONGEST {
            Err(LeaseError::TooLong)
        } else {
            Ok(Self(duration))
        }
    }

    /// How long it is.
    pub fn duration(self) -> Duration {
        self.0
    }
}

impl Default for Lease {
    /// Half an hour, as the requirement for `story claim` says.
    fn default() -> Self {
        Self(Duration::from_mins(30))
    }
}

/// Why a duration is no lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LeaseError {
    /// Below [`Lease::SHORTEST`].
    #[error("a lease is at least 1 s")]
    TooShort,
    /// Above [`Lease::LONGEST`].
    #[error("a lease is at most 30 days (720h)")]
    TooLong,
}

/// The name of a worker: one line, not empty, at most [`Owner::MAX_CHARS`] characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner(String);

impl Owner {
    /// Chosen: as long as a title may be.
    pub const MAX_CHARS: usize = 200;

    /// A name; white space around it is dropped.
    ///
    /// # Errors
    ///
    /// When it is empty, too long, or holds a control character.
    pub fn new(name: &str) -> Result<Self, OwnerError> {
        let name = name.trim();
        if name.is_empty() {
            Err(OwnerError::Empty)
        } else if name.chars().count() > Self::MAX_CHARS {
            Err(OwnerError::TooLong)
        } else if name.chars().any(char::is_control) {
            Err(OwnerError::Control)
        } else {
            Ok(Self(name.to_owned()))
        }
    }
}

impl AsRef<str> for Owner {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text is no name of a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OwnerError {
    /// Nothing but white space.
    #[error("the name is empty")]
    Empty,
    /// More than [`Owner::MAX_CHARS`].
    #[error("the name is longer than {} characters", Owner::MAX_CHARS)]
    TooLong,
    /// It would not stand on one line.
    #[error("the name holds a control character")]
    Control,
}

/// What tells a claim from every other one: 16 hexadecimal digits, of which the first is a letter.
///
/// It is compared for being equal, under the story's lock; later tokens are not greater. A number that grows would have to
/// outlive the claim, or a worker whose claim was taken over long ago could show the same number as its grandchild.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// The token that random bytes make. The first digit becomes a letter, so that YAML never reads it as a number: the
    /// token can stand in `--if claim_token=…` as it is.
    pub fn new(random: [u8; 8]) -> Self {
        let number = u64::from_be_bytes(random);
        let letter = 0xa + (number >> 60) % 6;
        Self(format!(
            "{:016x}",
            (number & (u64::MAX >> 4)) | letter << 60
        ))
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
