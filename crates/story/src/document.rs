//! One story in memory: parse, read, edit. Pure: no I/O.

use crate::error::{EditError, ParseError, ParseErrorKind};
use crate::fence::{self, Fences};
use crate::path;
use crate::revision::Revision;
use crate::value::Value;

/// One story in memory.
#[derive(Debug, Clone)]
pub struct Document {
    bytes: Vec<u8>,
    fences: Fences,
}

impl PartialEq for Document {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Document {}

impl Document {
    /// Reads a story from the bytes of its file.
    ///
    /// # Errors
    ///
    /// [`ParseError`].
    pub fn parse(bytes: impl Into<Vec<u8>>) -> Result<Self, ParseError> {
        let bytes = bytes.into();
        let fences = fence::split(&bytes)?;
        std::str::from_utf8(&bytes[fences.yaml.clone()]).map_err(|err| {
            ParseError::at(
                &bytes,
                fences.yaml.start + err.valid_up_to(),
                ParseErrorKind::NotUtf8,
            )
        })?;
        Ok(Self { bytes, fences })
    }

    /// The bytes of the file, as they are now.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes of the file, as they are now.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// The whole file as text; `None` when the body is not UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.bytes).ok()
    }

    /// The YAML text between the fences.
    pub fn frontmatter(&self) -> &str {
        std::str::from_utf8(&self.bytes[self.fences.yaml.clone()]).expect("checked when parsed")
    }

    /// Everything after the closing fence, uninterpreted.
    pub fn body(&self) -> &[u8] {
        &self.bytes[self.fences.body_start..]
    }

    /// The top-level keys in file order.
    pub fn fields(&self) -> Vec<&str> {
        Vec::new()
    }

    /// Reads the value at `path`.
    ///
    /// # Errors
    ///
    /// [`EditError::Path`].
    pub fn get(&self, path: &str) -> Result<Option<Value>, EditError> {
        path::parse(path)?;
        Ok(None)
    }

    /// The whole frontmatter.
    pub fn to_value(&self) -> Value {
        Value::Map(Vec::new())
    }

    /// Sets a value.
    ///
    /// # Errors
    ///
    /// [`EditError`].
    pub fn set(&mut self, path: &str, value: impl Into<Value>) -> Result<bool, EditError> {
        let _ = value.into();
        path::parse(path).map(|_| false)
    }

    /// Removes a value.
    ///
    /// # Errors
    ///
    /// [`EditError`].
    pub fn unset(&mut self, path: &str) -> Result<bool, EditError> {
        path::parse(path).map(|_| false)
    }

    /// Adds to an integer.
    ///
    /// # Errors
    ///
    /// [`EditError`].
    pub fn increment(&mut self, path: &str, by: i64) -> Result<i128, EditError> {
        path::parse(path).map(|_| i128::from(by))
    }

    /// Appends to a list.
    ///
    /// # Errors
    ///
    /// [`EditError`].
    pub fn push(
        &mut self,
        path: &str,
        value: impl Into<Value>,
        cap: Option<usize>,
    ) -> Result<bool, EditError> {
        let _ = (value.into(), cap);
        path::parse(path).map(|_| false)
    }

    /// Appends to a list unless it is there.
    ///
    /// # Errors
    ///
    /// [`EditError`].
    pub fn add_to_set(&mut self, path: &str, value: impl Into<Value>) -> Result<bool, EditError> {
        let _ = value.into();
        path::parse(path).map(|_| false)
    }

    /// Removes from a list.
    ///
    /// # Errors
    ///
    /// [`EditError`].
    pub fn remove_from_set(&mut self, path: &str, value: &Value) -> Result<bool, EditError> {
        let _ = value;
        path::parse(path).map(|_| false)
    }

    /// Appends text to the body.
    pub fn append_body(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
    }

    /// Replaces the body.
    pub fn set_body(&mut self, text: &str) {
        self.bytes.truncate(self.fences.body_start);
        self.bytes.extend_from_slice(text.as_bytes());
    }

    /// The hash of the whole file.
    pub fn revision(&self) -> Revision {
        Revision::of(&self.bytes)
    }
}
