//! What agents did, counted from the histories of the tasks. Pure.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::entry::{Action, Entry};
use super::error::RuleError;
use super::lenient;
use super::moment::Moment;
use super::tasks::{Tasks, without_place};

/// What one agent did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AgentMetrics {
    /// How many tasks it put on the board, children included.
    #[serde(deserialize_with = "lenient::or_default")]
    pub created: u64,
    /// How often it began to work on a task.
    #[serde(deserialize_with = "lenient::or_default")]
    pub claimed: u64,
    /// How many tasks it completed.
    #[serde(deserialize_with = "lenient::or_default")]
    pub completed: u64,
    /// How many tasks it could not do.
    #[serde(deserialize_with = "lenient::or_default")]
    pub failed: u64,
    /// How many tasks it gave back.
    #[serde(deserialize_with = "lenient::or_default")]
    pub released: u64,
    /// How many of the tasks that it created are parts of others.
    #[serde(deserialize_with = "lenient::or_default")]
    pub spawned: u64,
    /// Milliseconds from each of its claims to the claim's end; claims that have not ended do not count yet.
    #[serde(alias = "busyMs", deserialize_with = "lenient::or_default")]
    pub busy_ms: u64,
}

/// One of the numbers of an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counter {
    Created,
    Claimed,
    Completed,
    Failed,
    Released,
    Spawned,
    BusyMs,
}

impl Counter {
    pub(super) const ALL: [Self; 7] = [
        Self::Created,
        Self::Claimed,
        Self::Completed,
        Self::Failed,
        Self::Released,
        Self::Spawned,
        Self::BusyMs,
    ];

    /// The member in the file.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Claimed => "claimed",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Released => "released",
            Self::Spawned => "spawned",
            Self::BusyMs => "busy_ms",
        }
    }

    pub(super) fn of(self, metrics: &AgentMetrics) -> u64 {
        match self {
            Self::Created => metrics.created,
            Self::Claimed => metrics.claimed,
            Self::Completed => metrics.completed,
            Self::Failed => metrics.failed,
            Self::Released => metrics.released,
            Self::Spawned => metrics.spawned,
            Self::BusyMs => metrics.busy_ms,
        }
    }

    fn place(self, metrics: &mut AgentMetrics) -> &mut u64 {
        match self {
            Self::Created => &mut metrics.created,
            Self::Claimed => &mut metrics.claimed,
            Self::Completed => &mut metrics.completed,
            Self::Failed => &mut metrics.failed,
            Self::Released => &mut metrics.released,
            Self::Spawned => &mut metrics.spawned,
            Self::BusyMs => &mut metrics.busy_ms,
        }
    }
}

/// One claim: an agent that began to work on a task.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Claim {
    /// When it began; `None` where nobody wrote it down.
    #[serde(
        default,
        deserialize_with = "lenient::moment",
        skip_serializing_if = "Option::is_none"
    )]
    pub at: Option<Moment>,
    /// The task.
    #[serde(deserialize_with = "lenient::id")]
    pub task: String,
    /// Whose claim it is.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub agent: String,
    /// When it ended.
    #[serde(
        default,
        alias = "endedAt",
        deserialize_with = "lenient::moment",
        skip_serializing_if = "Option::is_none"
    )]
    pub ended_at: Option<Moment>,
    /// How it ended, by the word in the task's history: `completed`, `failed`, `released`, `blocked`, `reopened`,
    /// `cancelled`, or `claimed` by somebody else. `None`: the agent works on the task.
    #[serde(
        default,
        deserialize_with = "lenient::text",
        skip_serializing_if = "Option::is_none"
    )]
    pub outcome: Option<String>,
}

/// The metrics file, `agent-performance-metrics.json`. Members that are not known here stay in the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Metrics {
    /// The numbers of each agent.
    #[serde(deserialize_with = "lenient::members")]
    pub agents: BTreeMap<String, AgentMetrics>,
    /// One for each time that somebody began to work on a task, in the order in which they began.
    #[serde(deserialize_with = "lenient::or_default")]
    pub claims: Vec<Claim>,
}

impl Metrics {
    /// Reads the text of a metrics file.
    ///
    /// # Errors
    ///
    /// [`RuleError::Unclear`] names the member that cannot be read. Retrying does not help.
    pub fn parse(text: &str) -> Result<Self, RuleError> {
        let unclear = |member: String, reason: String| RuleError::Unclear {
            task: None,
            member,
            reason,
        };
        // A list would do for an object, its items by their places.
        if !text.trim_start().starts_with('{') {
            return Err(unclear(String::new(), "an object is expected".to_owned()));
        }
        let mut reader = serde_json::Deserializer::from_str(text);
        serde_path_to_error::deserialize(&mut reader)
            .map_err(|err| unclear(err.path().to_string(), without_place(err.inner())))
    }

    /// The place of the claim that a task has not ended, if there is one like that.
    pub(super) fn open_claim(&self, claim: &Claim) -> Option<usize> {
        let is_it = |it: &Claim| {
            it.outcome.is_none()
                && it.task == claim.task
                && it.agent == claim.agent
                && it.at == claim.at
        };
        self.claims.iter().rposition(is_it)
    }

    fn take(&mut self, effect: Effect) {
        match effect {
            Effect::Count { agent, counter, by } => {
                let number = counter.place(self.agents.entry(agent).or_default());
                *number = number.saturating_add(by);
            }
            Effect::Begin(claim) => self.claims.push(claim),
            Effect::End(claim) => match self.open_claim(&claim) {
                Some(at) => self.claims[at] = claim,
                None => self.claims.push(claim),
            },
        }
    }
}

/// What an entry of a history changes in the metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Effect {
    /// A number grows.
    Count {
        agent: String,
        counter: Counter,
        by: u64,
    },
    /// A claim begins.
    Begin(Claim),
    /// A claim, which has neither end nor outcome in the file, is to be this one.
    End(Claim),
}

/// What the metrics must say about a board.
///
/// Only histories count: tasks that were put into the file without one were done by nobody.
pub fn of(tasks: &Tasks) -> Metrics {
    let mut effects = Vec::new();
    for task in tasks.all() {
        let mut tally = Tally::new(&task.id);
        for entry in &task.history {
            tally.take(entry, &mut effects);
        }
    }
    Metrics::from_effects(effects)
}

impl Metrics {
    /// Of all effects of a board: the open claim of each task is found by the task, not by a search.
    fn from_effects(effects: Vec<Effect>) -> Self {
        let mut metrics = Self::default();
        let mut open: HashMap<String, usize> = HashMap::new();
        for effect in effects {
            match effect {
                Effect::Begin(claim) => {
                    open.insert(claim.task.clone(), metrics.claims.len());
                    metrics.claims.push(claim);
                }
                Effect::End(claim) => match open.remove(&claim.task) {
                    Some(at) => metrics.claims[at] = claim,
                    None => metrics.claims.push(claim),
                },
                count @ Effect::Count { .. } => metrics.take(count),
            }
        }
        metrics.claims.sort();
        metrics
    }
}

/// What one new entry changes, after those that a task has already.
pub(super) fn effects_of(task: &str, history: &[Entry], new: &Entry) -> Vec<Effect> {
    let mut tally = Tally::new(task);
    let mut effects = Vec::new();
    for entry in history {
        tally.take(entry, &mut effects);
    }
    effects.clear();
    tally.take(new, &mut effects);
    effects
}

/// Goes through the history of one task.
struct Tally<'a> {
    task: &'a str,
    open: Option<Claim>,
}

impl<'a> Tally<'a> {
    fn new(task: &'a str) -> Self {
        Self { task, open: None }
    }

    fn take(&mut self, entry: &Entry, effects: &mut Vec<Effect>) {
        let counter = match entry.action {
            Action::Created => Some(Counter::Created),
            Action::Spawned => Some(Counter::Spawned),
            Action::Claimed => Some(Counter::Claimed),
            Action::Completed => Some(Counter::Completed),
            Action::Failed => Some(Counter::Failed),
            Action::Released => Some(Counter::Released),
            _ => None,
        };
        if let Some(counter) = counter {
            effects.extend(count(&entry.agent, counter, 1));
        }
        if ends_a_claim(&entry.action) {
            self.end(entry, effects);
        }
        if entry.action == Action::Claimed {
            let claim = Claim {
                at: entry.at,
                task: self.task.to_owned(),
                agent: entry.agent.clone(),
                ended_at: None,
                outcome: None,
            };
            effects.push(Effect::Begin(claim.clone()));
            self.open = Some(claim);
        }
    }

    fn end(&mut self, entry: &Entry, effects: &mut Vec<Effect>) {
        let Some(claim) = self.open.take() else {
            return;
        };
        let both = entry.at.zip(claim.at);
        let busy = both.map_or(0, |(end, begin)| end.milliseconds_since(begin));
        effects.extend(count(&claim.agent, Counter::BusyMs, busy));
        effects.push(Effect::End(Claim {
            ended_at: entry.at,
            outcome: Some(entry.action.to_string()),
            ..claim
        }));
    }
}

/// `None`: nobody is known to have done it, or there is nothing to add.
fn count(agent: &str, counter: Counter, by: u64) -> Option<Effect> {
    let is_something = !agent.is_empty() && by > 0;
    is_something.then(|| Effect::Count {
        agent: agent.to_owned(),
        counter,
        by,
    })
}

fn ends_a_claim(action: &Action) -> bool {
    matches!(
        action,
        Action::Claimed
            | Action::Completed
            | Action::Failed
            | Action::Released
            | Action::Blocked
            | Action::Reopened
            | Action::Cancelled
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_counts_what_the_histories_say() {
        let text = r#"[
            {"id": "a", "history": [
                {"at": "2026-01-12T10:00:00Z", "agent": "ann", "action": "created"},
                {"at": "2026-01-12T10:00:01Z", "agent": "bob", "action": "claimed"},
                {"at": "2026-01-12T10:00:02Z", "agent": "bob", "action": "spawned", "child": "b"},
                {"at": "2026-01-12T10:00:03Z", "agent": "bob", "action": "released"},
                {"at": "2026-01-12T10:00:04Z", "agent": "bob", "action": "claimed"},
                {"at": "2026-01-12T10:00:09Z", "agent": "ann", "action": "completed", "holder": "bob"}]},
            {"id": "b", "history": [
                {"at": "2026-01-12T10:00:02Z", "agent": "bob", "action": "created"},
                {"at": "2026-01-12T10:00:05Z", "agent": "cyd", "action": "claimed"},
                {"action": "polished", "agent": "eve"}, {"action": "completed"}, "note"]},
            {"id": "c", "status": "completed", "assignee": "dan"}
        ]"#;
        let found = of(&Tasks::parse(text).expect("a board"));
        let agent = |created, claimed, completed, released, spawned, busy_ms| AgentMetrics {
            created,
            claimed,
            completed,
            failed: 0,
            released,
            spawned,
            busy_ms,
        };
        let expected = BTreeMap::from([
            ("ann".to_owned(), agent(1, 0, 1, 0, 0, 0)),
            ("bob".to_owned(), agent(1, 2, 0, 1, 1, 7000)),
            ("cyd".to_owned(), agent(0, 1, 0, 0, 0, 0)),
        ]);
        assert_eq!(
            found.agents, expected,
            "deeds are the doer's, time is the holder's, and strange words count for nothing"
        );
        let claims: Vec<_> = found
            .claims
            .iter()
            .map(|it| (it.task.as_str(), it.agent.as_str(), it.outcome.as_deref()))
            .collect();
        assert_eq!(
            claims,
            [
                ("a", "bob", Some("released")),
                ("a", "bob", Some("completed")),
                ("b", "cyd", Some("completed"))
            ],
            "one entry for each claim, in order of time"
        );
    }

    #[test]
    fn metrics_that_are_unclear_are_named() {
        let table = [
            (
                r#"{"agents": {"ann": {"claimed": -1}}}"#,
                "the file: agents.ann.claimed: ",
            ),
            (
                r#"{"claims": [{"agent": "ann"}]}"#,
                "the file: claims[0]: missing field `task`",
            ),
            ("[]", "the file: "),
        ];
        for (text, expected) in table {
            let err = Metrics::parse(text).expect_err("it is unclear").to_string();
            assert!(err.starts_with(expected), "{text}: {err}");
        }
        let found = Metrics::parse(r#"{"agents": null, "other": 1e400}"#).expect("it is clear");
        assert_eq!(found, Metrics::default(), "null is nothing");
    }
}
