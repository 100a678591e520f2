//! Revision: the content hash that optimistic callers compare.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::error::RevisionError;

/// Fewest digits that name a revision; with 48 bits two versions of one story do not meet by chance.
const SHORTEST_PREFIX: usize = 12;

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// SHA-256 of a whole story file in lower-case hexadecimal digits, as the reference tool's
/// `storyContentHash` has it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Revision(String);

impl Revision {
    /// Hashes the bytes of a file.
    pub fn of(bytes: &[u8]) -> Self {
        Self(hexadecimal(&Sha256::digest(bytes)))
    }

    /// The 64 digits.
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
        let sound = (SHORTEST_PREFIX..=self.0.len()).contains(&prefix.len())
            && prefix.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !sound {
            return Err(RevisionError {
                given: prefix.chars().take(80).collect(),
            });
        }
        Ok(self.0.starts_with(&prefix.to_ascii_lowercase()))
    }
}

/// Two lower-case digits for each byte.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

impl fmt::Display for Revision {
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
        assert_eq!(
            Revision::of(b"abc").as_str(),
            expected,
            "the FIPS 180-2 vector"
        );
    }

    #[test]
    fn matches_accepts_prefixes_of_twelve_digits_or_more() {
        let revision = Revision::of(b"abc");
        let table = [
            ("ba7816bf8f01", Ok(true)),
            ("BA7816BF8F01", Ok(true)),
            ("ba7816bf8f02", Ok(false)),
            (revision.as_str(), Ok(true)),
            ("ba7816bf8f0", Err(())),
            ("ba7816bf8f0g", Err(())),
            ("", Err(())),
        ];
        for (prefix, expected) in table {
            let found = revision.matches(prefix).map_err(|_| ());
            assert_eq!(found, expected, "prefix {prefix:?}");
        }
    }
}
