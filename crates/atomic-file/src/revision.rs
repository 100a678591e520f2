//! Which version of a file is meant: the SHA-256 of its bytes, which optimistic callers compare. Pure.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

/// Fewest digits that name a revision; with 48 bits two versions of one file do not meet by chance.
const SHORTEST_PREFIX: usize = 12;

const DIGITS: usize = 64;

/// How much of a text that is no revision an error repeats; chosen.
const MAX_GIVEN: usize = 80;

/// SHA-256 of a whole file in 64 lower-case hexadecimal digits, as the reference tool's `storyContentHash` has it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Revision(String);

impl Revision {
    /// Hashes the bytes of a file.
    pub fn of(bytes: &[u8]) -> Self {
        let mut text = String::with_capacity(DIGITS);
        for byte in Sha256::digest(bytes) {
            text.push(digit(byte >> 4));
            text.push(digit(byte & 15));
        }
        Self(text)
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Says whether `prefix` (12 to 64 hexadecimal digits, any case) names this revision.
    ///
    /// # Errors
    ///
    /// [`RevisionError`] when `prefix` is too short, too long or not hexadecimal. Retrying with the
    /// same text does not help.
    pub fn matches(&self, prefix: &str) -> Result<bool, RevisionError> {
        let prefix: RevisionPrefix = prefix.parse()?;
        Ok(prefix.names(self))
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn digit(value: u8) -> char {
    char::from_digit(u32::from(value), 16).expect("four bits are one digit")
}

/// The beginning of a revision, long enough to name it: 12 to 64 hexadecimal digits, any case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevisionPrefix(String);

/// A revision was given with too few or wrong characters. Retrying does not help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is not a revision: {SHORTEST_PREFIX} to {DIGITS} hexadecimal digits are needed")]
#[non_exhaustive]
pub struct RevisionError {
    /// The text as given, or its beginning.
    pub given: String,
}

impl RevisionPrefix {
    /// Whether this revision is meant.
    pub fn names(&self, revision: &Revision) -> bool {
        revision.0.starts_with(&self.0)
    }
}

impl From<&Revision> for RevisionPrefix {
    fn from(whole: &Revision) -> Self {
        Self(whole.0.clone())
    }
}

impl FromStr for RevisionPrefix {
    type Err = RevisionError;

    fn from_str(given: &str) -> Result<Self, RevisionError> {
        let sound = (SHORTEST_PREFIX..=DIGITS).contains(&given.len())
            && given.bytes().all(|byte| byte.is_ascii_hexdigit());
        if sound {
            Ok(Self(given.to_ascii_lowercase()))
        } else {
            let given = given.chars().take(MAX_GIVEN).collect();
            Err(RevisionError { given })
        }
    }
}

impl fmt::Display for RevisionPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revision_of_known_text_is_its_sha256() {
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let found = Revision::of(b"abc");
        assert_eq!(found.as_str(), expected, "the FIPS 180-2 vector");
    }

    #[test]
    fn prefix_names_a_revision_by_twelve_digits_or_more() {
        let revision = Revision::of(b"abc");
        let too_long = format!("{revision}0");
        let table = [
            ("ba7816bf8f01", Some(true)),
            ("BA7816BF8F01", Some(true)),
            ("ba7816bf8f02", Some(false)),
            (revision.as_str(), Some(true)),
            (too_long.as_str(), None),
            ("ba7816bf8f0", None),
            ("ba7816bf8f0g", None),
            ("", None),
        ];
        for (text, expected) in table {
            let found = revision.matches(text).ok();
            assert_eq!(found, expected, "prefix {text:?}");
        }
    }
}
