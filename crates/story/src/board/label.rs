//! Patterns for labels: `*` stands for any text. Pure.

use std::str::FromStr;

/// The longest pattern, in characters (contract, section 11).
const LONGEST: usize = 100;

/// A pattern that a whole label matches or not; `*` stands for any text, everything else for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelPattern(String);

/// Why a text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PatternError {
    /// There is nothing in it.
    #[error("a label pattern is empty")]
    Empty,
    /// It has too many characters.
    #[error("a label pattern has {length} characters, and {LONGEST} are allowed")]
    TooLong {
        /// How many it has.
        length: usize,
    },
}

impl FromStr for LabelPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let length = text.chars().count();
        match length {
            0 => Err(PatternError::Empty),
            1..=LONGEST => Ok(Self(text.to_owned())),
            _ => Err(PatternError::TooLong { length }),
        }
    }
}

impl LabelPattern {
    /// Whether a whole label matches.
    pub fn matches(&self, label: &str) -> bool {
        let mut parts = self.0.split('*');
        // `split` gives at least one part.
        let first = parts.next().unwrap_or_default();
        let Some(last) = parts.next_back() else {
            return label == first;
        };
        let Some(mut rest) = label
            .strip_prefix(first)
            .and_then(|rest| rest.strip_suffix(last))
        else {
            return false;
        };
        // Each part at its first place leaves the most for those behind it.
        parts.all(|part| match rest.find(part) {
            Some(at) => {
                rest = &rest[at + part.len()..];
                true
            }
            None => false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pattern_matches_whole_labels() {
        let table = [
            (
                "team-a",
                &["team-a"][..],
                &["team-ab", "xteam-a", "Team-a", ""][..],
            ),
            (
                "team-*",
                &["team-", "team-a", "team-*"],
                &["team", "xteam-a"],
            ),
            ("*", &["", "x", "日本"], &[]),
            ("*-x", &["-x", "epic-x", "-x-x"], &["-xy", "x"]),
            (
                "a*b*c",
                &["abc", "axbxc", "abbc", "abcbc"],
                &["ac", "acb", "abcd"],
            ),
            ("**a**", &["a", "xax"], &["b"]),
            ("ab*ba", &["abba", "abxba"], &["aba"]),
            ("a.b", &["a.b"], &["axb"]),
            ("[a]?", &["[a]?"], &["a"]),
            ("é*", &["été", "é"], &["e"]),
        ];
        for (pattern, matching, others) in table {
            let read: LabelPattern = pattern.parse().expect("a pattern");
            for label in matching {
                assert!(read.matches(label), "{pattern} matches {label:?}");
            }
            for label in others {
                assert!(!read.matches(label), "{pattern} does not match {label:?}");
            }
        }
    }

    #[test]
    fn pattern_has_up_to_a_hundred_characters() {
        assert_eq!("".parse::<LabelPattern>(), Err(PatternError::Empty), "none");
        let longest = "é".repeat(100);
        assert!(
            longest.parse::<LabelPattern>().is_ok(),
            "characters, not bytes"
        );
        let refused = "é".repeat(101).parse::<LabelPattern>();
        assert_eq!(
            refused,
            Err(PatternError::TooLong { length: 101 }),
            "one more"
        );
        let slow: LabelPattern = "a*".repeat(50).parse().expect("a pattern");
        assert!(!slow.matches(&"a".repeat(49)), "and no pattern takes long");
    }
}
