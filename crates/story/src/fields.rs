//! Fields read as what the contract says they are. Lenient: a value of another type counts as missing, for other tools
//! write these files too. Pure.

use crate::document::Document;
use crate::value::Value;

impl Document {
    /// The text behind a top-level key; a date counts as its text.
    pub fn text(&self, key: &str) -> Option<String> {
        match self.field(key)? {
            Value::String(text) | Value::Timestamp(text) => Some(text),
            _ => None,
        }
    }

    /// The truth value behind a top-level key; missing is false.
    pub fn flag(&self, key: &str) -> bool {
        self.field(key) == Some(Value::Bool(true))
    }

    /// The whole number behind a top-level key; missing is `None`.
    pub fn count(&self, key: &str) -> Option<i128> {
        match self.field(key)? {
            Value::Int(int) => Some(int),
            _ => None,
        }
    }

    /// The items of the list behind a top-level key; missing is empty.
    pub fn list(&self, key: &str) -> Vec<Value> {
        match self.field(key) {
            Some(Value::List(items)) => items,
            _ => Vec::new(),
        }
    }

    /// The texts in the list behind a top-level key; items of other types are left out.
    pub fn texts(&self, key: &str) -> Vec<String> {
        self.list(key)
            .into_iter()
            .filter_map(|item| match item {
                Value::String(text) | Value::Timestamp(text) => Some(text),
                _ => None,
            })
            .collect()
    }

    /// Whether there is something other than null behind a top-level key.
    pub fn has(&self, key: &str) -> bool {
        !matches!(self.field(key), None | Some(Value::Null))
    }

    fn field(&self, key: &str) -> Option<Value> {
        self.get(key).ok().flatten()
    }
}
