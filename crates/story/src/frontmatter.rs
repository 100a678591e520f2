//! A typed view of a story's frontmatter, for reading. Pure.
//!
//! The view is made from our own reading of the file, by the YAML 1.1 table, and given its types by `yaml_serde`. It is never
//! written back: that would re-serialise the whole frontmatter.

mod fields_of;
mod records;
mod words;

use serde::{Deserialize, Deserializer};

use crate::document::Document;
use crate::limits::Limit;
use crate::value::Value;
use fields_of::fields_of;

pub use records::{
    BlockedDiagnostic, ErrorEntry, RefinementIteration, ReviewEntry, TddCycle, TestRun,
};
pub use words::{ContentType, Effort, StoryType};

use crate::status::Status;

/// What the frontmatter of a story says, by the types of the contract. A missing key and null are the same.
///
/// Words that the contract does not know are kept as text, as are keys, in [`Frontmatter::extra`].
///
/// # Example
///
/// ```
/// use story::{Document, Frontmatter, Status};
///
/// let text = "---\nid: S-0034\nstatus: in-progress\nmax_retries: .inf\nsprint: 7\n---\n";
/// let story = Document::parse(text)?;
/// let view = Frontmatter::of(&story)?;
/// assert_eq!(view.status, Status::InProgress);
/// assert_eq!(view.labels, Vec::<String>::new());
/// assert_eq!(view.extra, [("sprint".to_owned(), 7.into())]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the contract's flags, each a key of its own"
)]
pub struct Frontmatter {
    /// The name of the story; empty where it is missing.
    pub id: String,
    /// What it is called; empty where it is missing.
    pub title: String,
    /// The title as part of file names and branches.
    pub slug: Option<String>,
    /// Lower comes first.
    pub priority: Option<f64>,
    /// Where it stands; a missing one is backlog.
    pub status: Status,
    /// What kind of work it is; a missing one is feature.
    #[serde(rename = "type")]
    pub story_type: StoryType,
    /// Day.
    pub created: Option<String>,
    /// Day.
    pub updated: Option<String>,
    /// Who works on it.
    pub assignee: Option<String>,
    /// Free words; `epic-…`, `sprint-…` and `team-…` have a meaning.
    pub labels: Vec<String>,
    /// How much work it is.
    pub estimated_effort: Option<Effort>,
    /// Ids of stories that must be done before.
    pub dependencies: Vec<String>,
    /// The epic, with or without `epic-` before it.
    pub epic: Option<String>,
    /// Whether the research is through.
    pub research_complete: bool,
    /// Whether there is a plan.
    pub plan_complete: bool,
    /// Whether it is implemented.
    pub implementation_complete: bool,
    /// Whether it is reviewed.
    pub reviews_complete: bool,
    /// Whether the plan was accepted.
    pub plan_review_complete: Option<bool>,
    /// How often the plan was judged.
    pub plan_review_iteration: Option<u64>,
    /// Where the pull request is.
    pub pr_url: Option<String>,
    /// The branch of the work.
    pub branch: Option<String>,
    /// The folder of the work, absolute.
    pub worktree_path: Option<String>,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// Whether the pull request is merged.
    pub pr_merged: Option<bool>,
    /// The commit of the merge.
    pub merge_sha: Option<String>,
    /// Time.
    pub merged_at: Option<String>,
    /// What is changed by it; a missing one is code.
    pub content_type: ContentType,
    /// Whether sources must change, whatever [`Frontmatter::content_type`] says.
    pub requires_source_changes: Option<bool>,
    /// Each time it was refined.
    pub refinement_iterations: Vec<RefinementIteration>,
    /// How often it was refined.
    pub refinement_count: u64,
    /// The most that it may be; missing: the configuration's.
    #[serde(deserialize_with = "limit")]
    pub max_refinement_attempts: Option<Limit>,
    /// How often the cycle was started again.
    pub retry_count: u64,
    /// The most that it may be; missing: the configuration's.
    #[serde(deserialize_with = "limit")]
    pub max_retries: Option<Limit>,
    /// Why it was started again last.
    pub last_restart_reason: Option<String>,
    /// Time.
    pub last_restart_timestamp: Option<String>,
    /// The last reviews.
    pub review_history: Vec<ReviewEntry>,
    /// How often the implementation was tried again.
    pub implementation_retry_count: u64,
    /// The most that it may be; missing: the configuration's.
    #[serde(deserialize_with = "limit")]
    pub max_implementation_retries: Option<Limit>,
    /// How often anything was tried again.
    pub total_recovery_attempts: u64,
    /// Why it is blocked.
    pub blocked_reason: Option<String>,
    /// Time.
    pub blocked_at: Option<String>,
    /// What was known when it was blocked last; stays when it is unblocked.
    pub blocked_diagnostic: Option<BlockedDiagnostic>,
    /// Errors that came again.
    pub error_history: Vec<ErrorEntry>,
    /// Whether tests come first.
    pub tdd_enabled: Option<bool>,
    /// The cycle that is going on.
    pub tdd_current_test: Option<TddCycle>,
    /// The cycles before.
    pub tdd_test_history: Vec<TddCycle>,
    /// How the tests went last.
    pub last_test_run: Option<TestRun>,
    /// The system that the ticket is in: github, jira, linear.
    pub ticket_provider: Option<String>,
    /// The ticket's name there; a number counts as its text.
    #[serde(deserialize_with = "text_or_number")]
    pub ticket_id: Option<String>,
    /// Where the ticket can be looked at.
    pub ticket_url: Option<String>,
    /// Time.
    pub ticket_synced_at: Option<String>,
    /// All other keys, in the order of the file.
    #[serde(skip)]
    pub extra: Vec<(String, Value)>,
}

/// A field has another type than the contract says. Retrying does not help: the field must be put right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path} is not what it should be: {message}")]
#[non_exhaustive]
pub struct FieldError {
    /// The path of the field, such as `labels` or `review_history[0].decision`.
    pub path: String,
    /// What stands there, and what should.
    pub message: String,
}

impl Frontmatter {
    /// Reads the frontmatter of a story.
    ///
    /// # Errors
    ///
    /// [`FieldError`] for the first field of a wrong type. Retrying does not help.
    pub fn of(story: &Document) -> Result<Self, FieldError> {
        let Value::Map(entries) = story.to_value() else {
            return Ok(Self::default());
        };
        let known = fields_of::<Self>();
        let is_known = |entry: &(String, Value)| known.contains(&entry.0.as_str());
        let (entries, extra): (Vec<_>, Vec<_>) = entries.into_iter().partition(is_known);
        let entries = without_nulls(Value::Map(entries));
        let typed = serde_yaml::to_value(&entries).map_err(|err| FieldError {
            path: "the frontmatter".to_owned(),
            message: err.to_string(),
        })?;
        let view: Self = serde_path_to_error::deserialize(typed).map_err(|err| FieldError {
            path: err.path().to_string(),
            message: err.inner().to_string(),
        })?;
        Ok(Self { extra, ..view })
    }

    /// The value of a key that the contract does not know.
    pub fn extra(&self, key: &str) -> Option<&Value> {
        let found = self.extra.iter().find(|(name, _)| name == key);
        found.map(|(_, value)| value)
    }
}

/// Null says no more than a missing key. In a list it is an item.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Map(entries) => {
            let entries = entries.into_iter();
            let present = entries.filter(|(_, value)| *value != Value::Null);
            Value::Map(
                present
                    .map(|(key, value)| (key, without_nulls(value)))
                    .collect(),
            )
        }
        Value::List(items) => Value::List(items.into_iter().map(without_nulls).collect()),
        value => value,
    }
}

fn limit<'de, D: Deserializer<'de>>(source: D) -> Result<Option<Limit>, D::Error> {
    let number = serde_yaml::Number::deserialize(source)?;
    let value = match (number.as_i64(), number.as_u64(), number.as_f64()) {
        (Some(int), _, _) => Value::Int(int.into()),
        (_, Some(int), _) => Value::Int(int.into()),
        (_, _, Some(float)) => Value::Float(float),
        _ => Value::Null,
    };
    let limit = Limit::of_value(&value);
    let unusable = || serde::de::Error::custom(format_args!("{number} is no limit"));
    limit.map(Some).ok_or_else(unusable)
}

fn text_or_number<'de, D: Deserializer<'de>>(source: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "a text or a number")]
    enum Written {
        Text(String),
        Number(serde_yaml::Number),
    }
    Ok(Some(match Written::deserialize(source)? {
        Written::Text(text) => text,
        Written::Number(number) => number.to_string(),
    }))
}

#[cfg(test)]
mod tests;
