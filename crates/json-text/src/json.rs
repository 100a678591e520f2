//! A JSON value as it is to be written.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use crate::error::ParseError;
use crate::scan::{decode, scan};
use crate::tree::{Node, Tree};

/// A value to be put into a text. Numbers stay as they are given: 1.0, 1e400, 12345678901234567890123. White space in it does not count:
/// an edit lays it out as its neighbours are.
///
/// ```
/// use json_text::Json;
///
/// let given: Json = "1.0".parse()?;
/// assert_eq!(given.as_str(), "1.0");
/// assert_eq!(Json::text("a \"b\"").as_str(), r#""a \"b\"""#);
/// # Ok::<(), json_text::ParseError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Json {
    text: String,
    nodes: Vec<Node>,
}

/// A value that cannot be written as JSON. Retrying does not help.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JsonError {
    /// Its own serialisation fails, for example of a map whose keys are no texts.
    #[error("the value has no form in JSON")]
    Serialise {
        /// What it says.
        #[source]
        source: serde_json::Error,
    },
    /// What it serialises to is not usable: two members of one name, or nested too deeply.
    #[error("the value is not usable as JSON")]
    Unusable {
        /// What is wrong with it.
        #[source]
        source: ParseError,
    },
}

impl Json {
    /// The JSON of a value of any type.
    ///
    /// # Errors
    ///
    /// [`JsonError`].
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Result<Self, JsonError> {
        let text =
            serde_json::to_string(value).map_err(|source| JsonError::Serialise { source })?;
        Self::checked(text).map_err(|source| JsonError::Unusable { source })
    }

    /// A text, which becomes a JSON string.
    pub fn text(text: &str) -> Self {
        Self::scalar(quoted(text))
    }

    /// `null`.
    pub fn null() -> Self {
        Self::scalar("null".to_owned())
    }

    /// A whole number.
    pub fn integer(number: i64) -> Self {
        Self::scalar(number.to_string())
    }

    /// The value as it was given.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) fn tree(&self) -> Tree<'_> {
        Tree::new(&self.text, &self.nodes)
    }

    pub(crate) fn checked(text: String) -> Result<Self, ParseError> {
        match scan(&text) {
            Ok(nodes) => Ok(Self { text, nodes }),
            Err(fault) => Err(fault.in_text(text.as_bytes())),
        }
    }

    fn scalar(text: String) -> Self {
        let nodes = vec![Node::new(0, text.len())];
        Self { text, nodes }
    }
}

/// A text as a JSON string.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

impl FromStr for Json {
    type Err = ParseError;

    /// Checks a JSON text.
    ///
    /// # Errors
    ///
    /// [`ParseError`]: it is not strict JSON.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::checked(decode(text.as_bytes().to_vec())?)
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
