//! One transaction in memory: what `set` and `apply` do to a story, and under which conditions. Pure.

use story::journal::JournalError;
use story::{Conflict, Document, EditError, OperationError, RevisionError, Value};

use crate::failure::Failure;
use crate::merging::edited::Edited;
use crate::settings::Touch;
use crate::value_text;

/// The key that holds the day of the last change.
const UPDATED: &str = "updated";
/// How results call the body.
const CONTENT: &str = "content";

/// One thing to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Operation {
    /// Sets a value.
    Set(String, Value),
    /// Removes a key.
    Unset(String),
    /// Adds to an integer.
    Increment(String, i64),
    /// Adds each value to a list unless it is there.
    Add(String, Vec<Value>),
    /// Removes each value from a list.
    Remove(String, Vec<Value>),
    /// Appends a value to a list and keeps the last `cap` items.
    Push(String, Value, Option<usize>),
    /// Appends text to the body.
    AppendBody(String),
    /// Replaces the body.
    ReplaceBody(String),
}

impl Operation {
    /// The key that it is about; `None` for the body.
    pub fn key(&self) -> Option<&str> {
        match self {
            Self::Set(key, _)
            | Self::Unset(key)
            | Self::Increment(key, _)
            | Self::Add(key, _)
            | Self::Remove(key, _)
            | Self::Push(key, _, _) => Some(key),
            Self::AppendBody(_) | Self::ReplaceBody(_) => None,
        }
    }

    fn apply(&self, story: &mut Document) -> Result<bool, EditError> {
        match self {
            Self::Set(key, value) => story.set(key, value.clone()),
            Self::Unset(key) => story.unset(key),
            Self::Increment(key, by) => {
                let before = story.get(key)?;
                let after = story.increment(key, *by)?;
                Ok(before != Some(Value::Int(after)))
            }
            Self::Add(key, values) => any(values, |value| story.add_to_set(key, value.clone())),
            Self::Remove(key, values) => any(values, |value| story.remove_from_set(key, value)),
            Self::Push(key, value, cap) => story.push(key, value.clone(), *cap),
            Self::AppendBody(text) => {
                story.append_body(text);
                Ok(!text.is_empty())
            }
            Self::ReplaceBody(text) => {
                let is_new = story.body() != text.as_bytes();
                story.set_body(text);
                Ok(is_new)
            }
        }
    }
}

/// Does it for each value; true when one of them changed something.
fn any(
    values: &[Value],
    mut edit: impl FnMut(&Value) -> Result<bool, EditError>,
) -> Result<bool, EditError> {
    let mut changed = false;
    for value in values {
        changed |= edit(value)?;
    }
    Ok(changed)
}

/// What must hold before anything is done.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// The key has the value.
    Equals(String, Value),
    /// The key is absent.
    Absent(String),
    /// The key is absent or null.
    Nothing(String),
}

impl Condition {
    fn check(&self, story: &Document) -> Result<(), Refusal> {
        let (key, wanted) = match self {
            Self::Equals(key, value) => (key, value_text::inline(value)),
            Self::Absent(key) => (key, "absent".to_owned()),
            Self::Nothing(key) => (key, "absent or null".to_owned()),
        };
        let found = story.get(key)?;
        let holds = match (self, &found) {
            (Self::Equals(_, wanted), Some(found)) => is_same(wanted, found),
            (Self::Equals(..), None) => false,
            (Self::Absent(_), found) => found.is_none(),
            (Self::Nothing(_), found) => matches!(found, None | Some(Value::Null)),
        };
        if holds {
            return Ok(());
        }
        Err(Refusal::Condition {
            key: key.clone(),
            found: found.map_or_else(|| "absent".to_owned(), |found| value_text::inline(&found)),
            wanted,
        })
    }
}

/// A date in a file may stand unquoted, one on the command line is a text: they are the same to people.
fn is_same(wanted: &Value, found: &Value) -> bool {
    match (wanted, found) {
        (Value::String(wanted), Value::Timestamp(found)) => wanted == found,
        _ => wanted == found,
    }
}

/// How many operations a transaction may have; chosen: ten times what any tool of today asks for. The lock is held
/// meanwhile, and each operation looks at all frontmatter there is.
const MAX_OPERATIONS: usize = 1000;

/// What is done to one story, all of it or nothing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Transaction {
    /// In this order.
    pub operations: Vec<Operation>,
    /// A version made of an older one, merged before anything else is done.
    pub merging: Option<Box<Edited>>,
    /// All of them must hold.
    pub conditions: Vec<Condition>,
    /// The revision that the story must have; a prefix of 12 digits or more.
    pub revision: Option<String>,
    /// Whether a change sets `updated`.
    pub touch: Touch,
    /// The caller's id of it: with the same id it is done once.
    pub op_id: Option<String>,
}

/// Why a transaction was not done. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// A condition does not hold.
    #[error("{key} is {found}, not {wanted}")]
    Condition {
        /// The key.
        key: String,
        /// What it should be.
        wanted: String,
        /// What it is.
        found: String,
    },
    /// The story has another revision.
    #[error("the story has the revision {found}, not {wanted}")]
    OtherRevision {
        /// The revision asked for.
        wanted: String,
        /// The story's.
        found: String,
    },
    /// The revision asked for is none.
    #[error(transparent)]
    Revision(#[from] RevisionError),
    /// An operation is not possible.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// A rule of the contract is in the way.
    #[error(transparent)]
    Operation(#[from] OperationError),
    /// Others changed the same in another way since the story was read.
    #[error("others have changed the same in another way")]
    Merge(Vec<Conflict>),
    /// The journal by which a change is taken back cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Another agent has leased it, or who has cannot be found out.
    #[error("{}", .0.message())]
    Leased(Failure),
    /// A signal came before anything was written.
    #[error("interrupted")]
    Interrupted,
}

impl Transaction {
    /// Refuses two operations on one key: their order would be a guess. And more than [`MAX_OPERATIONS`].
    pub fn check(&self) -> Result<(), String> {
        let count = self.operations.len();
        if count > MAX_OPERATIONS {
            return Err(format!(
                "{count} operations in one transaction; {MAX_OPERATIONS} at most"
            ));
        }
        for (at, operation) in self.operations.iter().enumerate() {
            let earlier = &self.operations[..at];
            if earlier.iter().any(|other| other.key() == operation.key()) {
                let what = operation.key().unwrap_or("the body");
                return Err(format!("two operations on {what} in one transaction"));
            }
        }
        Ok(())
    }

    /// Whether there is nothing to do at all.
    pub fn is_empty(&self) -> bool {
        self.is_touch_only() && self.touch != Touch::Always
    }

    fn is_touch_only(&self) -> bool {
        self.operations.is_empty() && self.merging.is_none()
    }

    /// Whether it sets the status to done by hand.
    pub fn sets_done(&self) -> bool {
        self.operations.iter().any(|operation| {
            matches!(operation, Operation::Set(key, Value::String(value)) if key == "status" && value == "done")
        })
    }

    /// Does it to the story in memory and returns the keys that changed.
    ///
    /// # Errors
    ///
    /// [`Refusal`]; the story may then be changed in part and must not be written.
    pub fn apply(&self, story: &mut Document, today: &str) -> Result<Vec<String>, Refusal> {
        if let Some(wanted) = &self.revision {
            let found = story.revision();
            if !found.matches(wanted)? {
                return Err(Refusal::OtherRevision {
                    wanted: wanted.clone(),
                    found: found.to_string(),
                });
            }
        }
        for condition in &self.conditions {
            condition.check(story)?;
        }
        let mut changed = match &self.merging {
            Some(edited) => edited.merge_into(story)?,
            None => Vec::new(),
        };
        for operation in &self.operations {
            if operation.apply(story)? {
                changed.push(operation.key().unwrap_or(CONTENT).to_owned());
            }
        }
        let is_change = !changed.is_empty() || self.is_touch_only();
        if is_change && self.wants_touch(story)? && story.set(UPDATED, today)? {
            changed.push(UPDATED.to_owned());
        }
        Ok(changed)
    }

    fn wants_touch(&self, story: &Document) -> Result<bool, EditError> {
        let is_callers = self
            .operations
            .iter()
            .any(|operation| operation.key() == Some(UPDATED))
            || self
                .merging
                .as_ref()
                .is_some_and(|edited| edited.changes(UPDATED));
        Ok(!is_callers
            && match self.touch {
                Touch::Never => false,
                Touch::Always => true,
                Touch::IfPresent => story.get(UPDATED)?.is_some(),
            })
    }
}
