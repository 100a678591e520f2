//! A KEY of the command line: the path into a JSON file, and how it was written.

use json_text::Path;

use crate::failure::Failure;

/// A path, with the words that results and errors call it by.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    /// As it was given.
    pub given: String,
    /// What it means.
    pub path: Path,
}

impl Key {
    /// Reads `a.b[0].c`, or a JSON pointer.
    ///
    /// # Errors
    ///
    /// `EUSAGE` when it is neither.
    pub fn parse(given: &str) -> Result<Self, Failure> {
        let path = given.parse::<Path>().map_err(|err| {
            Failure::usage(format!("{given:?} is no path into a JSON file"))
                .with_chain(&err)
                .hint("say it as a.b[0].c, or as a JSON pointer: /a/b/0/c")
        })?;
        Ok(Self {
            given: given.to_owned(),
            path,
        })
    }
}
