//! Why a text is refused, and why an edit is.

use std::fmt;

use crate::path::Path;

/// What a JSON value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `null`.
    Null,
    /// `true`, `false`.
    Bool,
    /// A number of any size and form.
    Number,
    /// A text in quotes.
    String,
    /// `[…]`.
    List,
    /// `{…}`.
    Object,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "null",
            Self::Bool => "a truth value",
            Self::Number => "a number",
            Self::String => "a text",
            Self::List => "a list",
            Self::Object => "an object",
        })
    }
}

/// A text is not the JSON that is read here. Retrying does not help, unless somebody is just writing the file in place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} at line {line}, column {column}")]
#[non_exhaustive]
pub struct ParseError {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong there.
    pub kind: ParseErrorKind,
}

/// What is wrong with a text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// A byte that is not UTF-8 (RFC 8259, section 8.1).
    #[error("not UTF-8")]
    NotUtf8,
    /// A byte order mark before the text, which RFC 8259, section 8.1, forbids.
    #[error("a byte order mark")]
    Bom,
    /// Nothing, or nothing but white space.
    #[error("no value: the text is empty")]
    Empty,
    /// The text ends in the middle of a value.
    #[error("the text ends too early")]
    Truncated,
    /// Something follows the value.
    #[error("something follows the value")]
    TrailingGarbage,
    /// An object has two members of one name. Programs differ in which one they take, so an edit might change the wrong one.
    #[error("the member {key:?} stands there twice")]
    Duplicate {
        /// The name, unescaped.
        key: String,
    },
    /// Lists and objects are nested in [`MAX_DEPTH`](crate::MAX_DEPTH) levels or more.
    #[error("nested too deeply")]
    TooDeep,
    /// The text has 4 GiB or more.
    #[error("too long")]
    TooLong,
    /// Against the grammar.
    #[error("{problem}")]
    Syntax {
        /// What is not there, or should not be.
        problem: &'static str,
    },
}

/// An edit does not fit what stands there. The text is as it was; retrying the same does not help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// A member is wanted of something that has none.
    #[error("{} is {found}, not an object", at(path))]
    NotAnObject {
        /// Where it stands.
        path: Path,
        /// What it is.
        found: Kind,
    },
    /// An item is wanted of something that has none.
    #[error("{} is {found}, not a list", at(path))]
    NotAList {
        /// Where it stands.
        path: Path,
        /// What it is.
        found: Kind,
    },
    /// A list has no such item. Only a push makes one.
    #[error("there is no {path}: the list has {len} items, and only a push adds one")]
    NoItem {
        /// The item.
        path: Path,
        /// How many there are; 0 where there is no list either.
        len: usize,
    },
    /// What is to be counted up is no whole number.
    #[error("{} is {found}, not a whole number", at(path))]
    NotAnInteger {
        /// Where it stands.
        path: Path,
        /// What it is: the number itself, or its kind.
        found: String,
    },
    /// The number, or the sum, is not within the range of an `i64`.
    #[error("{} is {found}: plus {by} is out of range", at(path))]
    Overflow {
        /// Where it stands.
        path: Path,
        /// What it is.
        found: String,
        /// What was to be added.
        by: i64,
    },
    /// The whole text cannot be removed.
    #[error("the whole text cannot be removed")]
    Whole,
    /// The result would be nested too deeply to be read again.
    #[error("{} would be nested too deeply", at(path))]
    TooDeep {
        /// Where the value was to stand.
        path: Path,
    },
    /// The result would have 4 GiB or more.
    #[error("the text would be too long")]
    TooLong,
    /// One of the two serialisations to be followed is no JSON, or has two members of one name.
    #[error("the serialisation to be followed is not usable")]
    Serialisation {
        /// What is wrong with it.
        #[source]
        source: ParseError,
    },
}

/// A path as the subject of a sentence.
fn at(path: &Path) -> String {
    if path.is_whole() {
        "the whole text".to_owned()
    } else {
        path.to_string()
    }
}
