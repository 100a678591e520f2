//! One task as the file has it. Pure.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use super::entry::{self, Entry};
use super::lenient;
use super::moment::Moment;

/// The priority of a task that names none; 1 comes first.
pub const DEFAULT_PRIORITY: i64 = 3;

/// How far a task has come.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nobody works on it.
    #[default]
    Pending,
    /// Its assignee works on it.
    #[serde(alias = "inProgress", alias = "in-progress")]
    InProgress,
    /// It waits for something that the board does not know.
    Blocked,
    /// Done.
    Completed,
    /// It could not be done.
    Failed,
    /// Not wanted any more.
    #[serde(alias = "canceled")]
    Cancelled,
}

impl Status {
    /// All of them, in the order of a task's life.
    pub const ALL: [Self; 6] = [
        Self::Pending,
        Self::InProgress,
        Self::Blocked,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
    ];

    /// The word in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::InProgress => "in_progress",
            Self::Blocked => "blocked",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing is going to be done about the task, unless somebody opens it again.
    pub fn is_ended(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that is no status. Retrying does not help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{given}` is no status; they are pending, in_progress, blocked, completed, failed and cancelled"
)]
pub struct StatusError {
    given: String,
}

impl FromStr for Status {
    type Err = StatusError;

    fn from_str(word: &str) -> Result<Self, StatusError> {
        let given = || StatusError {
            given: word.chars().take(80).collect(),
        };
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == word)
            .ok_or_else(given)
    }
}

/// One task. What other tools wrote is read as far as it can be understood (`createdAt` for `created_at`, null for what
/// is not there, numbers for ids); what is not known here stays in the file, for changes are made in its text.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Task {
    /// Its name on the board, `task_<milliseconds>_<6 of a-z0-9>` where this library gave it.
    #[serde(deserialize_with = "lenient::id")]
    pub id: String,
    /// What it is about, in one line.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub title: String,
    /// What it is about, in full.
    #[serde(
        default,
        deserialize_with = "lenient::text",
        skip_serializing_if = "Option::is_none"
    )]
    pub description: Option<String>,
    /// How far it has come.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub status: Status,
    /// 1 comes first; [`DEFAULT_PRIORITY`] where none is named.
    #[serde(default = "default_priority", deserialize_with = "priority")]
    pub priority: i64,
    /// A word for how hard it is; the library compares it only.
    #[serde(
        default,
        deserialize_with = "lenient::text",
        skip_serializing_if = "Option::is_none"
    )]
    pub complexity: Option<String>,
    /// Who works on it, or for whom it is reserved.
    #[serde(
        default,
        deserialize_with = "lenient::text",
        skip_serializing_if = "Option::is_none"
    )]
    pub assignee: Option<String>,
    /// The task that it is a part of.
    #[serde(
        default,
        deserialize_with = "lenient::text",
        skip_serializing_if = "Option::is_none"
    )]
    pub parent: Option<String>,
    /// The tasks that are parts of it.
    #[serde(default, deserialize_with = "lenient::texts")]
    pub children: Vec<String>,
    /// The tasks that must be completed before it can be claimed.
    #[serde(default, deserialize_with = "lenient::texts")]
    pub dependencies: Vec<String>,
    /// Words to find it by.
    #[serde(default, deserialize_with = "lenient::texts")]
    pub tags: Vec<String>,
    /// Whatever agents tell each other, as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<Box<RawValue>>,
    /// When it was put on the board.
    #[serde(
        default,
        alias = "createdAt",
        deserialize_with = "lenient::moment",
        skip_serializing_if = "Option::is_none"
    )]
    pub created_at: Option<Moment>,
    /// When it was last changed.
    #[serde(
        default,
        alias = "updatedAt",
        deserialize_with = "lenient::moment",
        skip_serializing_if = "Option::is_none"
    )]
    pub updated_at: Option<Moment>,
    /// When it was completed.
    #[serde(
        default,
        alias = "completedAt",
        deserialize_with = "lenient::moment",
        skip_serializing_if = "Option::is_none"
    )]
    pub completed_at: Option<Moment>,
    /// What was done to it, oldest first. The metrics are counted from this.
    #[serde(default, deserialize_with = "entry::history")]
    pub history: Vec<Entry>,
}

fn default_priority() -> i64 {
    DEFAULT_PRIORITY
}

fn priority<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(DEFAULT_PRIORITY))
}

#[cfg(test)]
mod tests {
    use super::super::entry::Action;
    use super::*;

    fn task(text: &str) -> Task {
        serde_json::from_str(text).unwrap_or_else(|err| panic!("{text}: {err}"))
    }

    #[test]
    fn task_of_another_tool_is_read_as_far_as_it_is_understood() {
        let found = task(
            r#"{"id": 7, "title": null, "status": "in-progress", "assignee": "", "children": null, "priority": null,
                "dependencies": [1, "b"], "createdAt": "2026-01-12T10:00:00Z", "updated_at": 1768212000000,
                "complexity": 5, "colour": {"deep": [1e400]}, "context": {"n": 12345678901234567890123},
                "history": ["begun", {"at": "?", "action": "jumped", "result": {"x": 1}}, null, [1], 3]}"#,
        );
        assert_eq!(found.id, "7", "a number is an id, too");
        assert_eq!(
            (found.title.as_str(), found.assignee, found.priority),
            ("", None, DEFAULT_PRIORITY),
            "null, empty and missing mean: not there"
        );
        assert_eq!(found.status, Status::InProgress, "spelled otherwise");
        assert_eq!(found.dependencies, ["1", "b"], "ids of both kinds");
        assert_eq!(found.complexity.as_deref(), Some("5"), "as a word");
        assert_eq!(
            found.created_at, found.updated_at,
            "a moment as text, or as milliseconds"
        );
        let context = found.context.expect("it has one");
        assert_eq!(
            context.get(),
            r#"{"n": 12345678901234567890123}"#,
            "numbers of any size"
        );
        assert_eq!(found.history.len(), 5, "one entry for each line");
        assert_eq!(found.history[0].note.as_deref(), Some("begun"), "a note");
        let jumped = &found.history[1];
        assert_eq!(
            (jumped.at, &jumped.action),
            (None, &Action::Other("jumped".to_owned())),
            "words of another tool"
        );
    }

    #[test]
    fn task_that_is_unclear_is_an_error() {
        let table = [
            "{}",
            r#"{"id": ""}"#,
            r#"{"id": "a", "status": "perhaps"}"#,
            r#"{"id": "a", "priority": "high"}"#,
            r#"{"id": "a", "history": {}}"#,
            r#"{"id": "a", "createdAt": 1, "created_at": 1}"#,
            "[]",
        ];
        for text in table {
            let found: Result<Task, _> = serde_json::from_str(text);
            assert!(found.is_err(), "{text} cannot be understood");
        }
    }

    #[test]
    fn status_is_read_as_it_is_written() {
        for status in Status::ALL {
            assert_eq!(status.as_str().parse(), Ok(status), "{status}");
            let json = serde_json::to_string(&status).expect("a word");
            assert_eq!(json, format!("\"{status}\""), "the same word in the file");
        }
        assert!("done".parse::<Status>().is_err(), "not a status");
    }
}
