//! The name of a task, and how it stands in the name of a ref. Pure.

use std::fmt::{self, Write as _};

use serde::Serialize;

/// The longest name of a task in bytes (chosen: escaped it still fits the name of a file).
pub const MAX_TASK_ID_BYTES: usize = 64;

/// The name of a task: any text of 1 to [`MAX_TASK_ID_BYTES`] bytes on one line.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct TaskId(String);

/// Why a text is no name of a task. Retrying does not help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a task's id has 1 to {MAX_TASK_ID_BYTES} bytes and no control characters, so it cannot be {given:?}"
)]
pub struct TaskIdError {
    /// The text.
    pub given: String,
}

impl TaskId {
    /// Takes a text as the name of a task.
    ///
    /// # Errors
    ///
    /// [`TaskIdError`].
    pub fn new(text: &str) -> Result<Self, TaskIdError> {
        let fits = (1..=MAX_TASK_ID_BYTES).contains(&text.len());
        if fits && !text.chars().any(char::is_control) {
            Ok(Self(text.to_owned()))
        } else {
            let given = text.to_owned();
            Err(TaskIdError { given })
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// One component of the name of a ref: letters, digits, `_` and `-` as they are, dots where git allows them, every other
    /// byte as `%XX`.
    pub fn in_ref(&self) -> String {
        let mut escaped = String::new();
        let mut previous = b'.';
        for byte in self.0.bytes() {
            let is_plain = byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
            let is_inner_dot = byte == b'.' && previous != b'.';
            if is_plain || is_inner_dot {
                escaped.push(char::from(byte));
            } else {
                write!(escaped, "%{byte:02X}").expect("a String takes any text");
            }
            previous = byte;
        }
        // Git refuses both ends; a number may follow the first.
        for refused in [".lock", "."] {
            if let Some(rest) = escaped.strip_suffix(refused) {
                escaped = format!("{rest}%2E{}", &refused[1..]);
            }
        }
        escaped
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_ref_is_a_component_that_git_takes_and_no_other_task_has() {
        let table = [
            ("T-1", "T-1"),
            ("S-0034.build", "S-0034.build"),
            ("a/b c", "a%2Fb%20c"),
            (".hidden", "%2Ehidden"),
            ("a..b", "a.%2Eb"),
            ("x.lock", "x%2Elock"),
            ("x.", "x%2E"),
            ("@{~^:?*[\\", "%40%7B%7E%5E%3A%3F%2A%5B%5C"),
            ("50%", "50%25"),
            ("ü", "%C3%BC"),
        ];
        for (text, expected) in table {
            let id = TaskId::new(text).expect("a good name");
            assert_eq!(id.in_ref(), expected, "{text}");
        }
    }

    #[test]
    fn new_refuses_what_cannot_stand_on_one_line() {
        for text in ["", "a\nb", "\u{1b}[2J", &"x".repeat(65)] {
            assert!(TaskId::new(text).is_err(), "{text:?} is no name of a task");
        }
    }
}
