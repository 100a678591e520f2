//! The texts of both files: a rule's decision becomes edits of them. Pure.

use json_text::{EditError, Json, JsonText, Kind, ParseError, Path};

use super::difference::{Difference, Place, differences};
use super::entry::Entry;
use super::error::RuleError;
use super::metrics::{self, AgentMetrics, Claim, Counter, Effect, Metrics, effects_of};
use super::rules::{Decision, Edit};
use super::task::Task;
use super::tasks::{Shape, Tasks};

/// What a new file of tasks begins with.
const NO_TASKS: &str = "{\n  \"tasks\": []\n}\n";
/// What a new metrics file begins with.
const NO_METRICS: &str = "{\n  \"agents\": {},\n  \"claims\": []\n}\n";

/// The members that other tools spell otherwise: one that is there is changed under its own name.
const SPELLINGS: [(&str, &str); 5] = [
    ("created_at", "createdAt"),
    ("updated_at", "updatedAt"),
    ("completed_at", "completedAt"),
    ("ended_at", "endedAt"),
    ("busy_ms", "busyMs"),
];

/// Why a text cannot be edited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TextError {
    /// It is no JSON.
    Parse(ParseError),
    /// It is no board, or a rule refuses the change.
    Rule(RuleError),
}

impl From<ParseError> for TextError {
    fn from(err: ParseError) -> Self {
        Self::Parse(err)
    }
}

impl From<RuleError> for TextError {
    fn from(err: RuleError) -> Self {
        Self::Rule(err)
    }
}

/// What a decision makes of the file of tasks.
#[derive(Debug)]
pub(super) struct Decided {
    /// The task that was asked for, after the change.
    pub(super) task: Task,
    /// Whether anything changes.
    pub(super) changed: bool,
    /// The text, as it is to be.
    pub(super) text: JsonText,
    /// What the metrics must hear of.
    pub(super) effects: Vec<Effect>,
}

/// Has a rule decide about a file of tasks; `None`: there is no file, and it is as if the board were empty.
pub(super) fn decide(
    text: Option<JsonText>,
    rule: impl FnOnce(&Tasks) -> Result<Decision, RuleError>,
) -> Result<Decided, TextError> {
    let mut text = or_new(text, NO_TASKS)?;
    let tasks = Tasks::parse(text.as_str())?;
    let decision = rule(&tasks)?;
    let mut effects = Vec::new();
    for edit in &decision.edits {
        write(&mut text, &tasks, edit, &mut effects)
            .map_err(|err| unclear(named(&tasks, edit), &err))?;
    }
    let place = list(tasks.shape).index(decision.place);
    let task = text.raw(&place).unwrap_or_default();
    let task = serde_json::from_str(task).map_err(|err| RuleError::Unclear {
        task: tasks.all().get(decision.place).map(|it| it.id.clone()),
        member: String::new(),
        reason: err.to_string(),
    })?;
    Ok(Decided {
        task,
        changed: !decision.edits.is_empty(),
        text,
        effects,
    })
}

fn list(shape: Shape) -> Path {
    match shape {
        Shape::Bare => Path::whole(),
        Shape::Member => Path::whole().key("tasks"),
    }
}

fn named(tasks: &Tasks, edit: &Edit) -> Option<String> {
    let at = match edit {
        Edit::Add(task) => return Some(task.id.clone()),
        Edit::Set { at, .. }
        | Edit::Unset { at, .. }
        | Edit::Push { at, .. }
        | Edit::Context { at, .. }
        | Edit::Note { at, .. } => *at,
    };
    tasks.all().get(at).map(|task| task.id.clone())
}

fn unclear(task: Option<String>, err: &EditError) -> RuleError {
    RuleError::Unclear {
        task,
        member: String::new(),
        reason: err.to_string(),
    }
}

fn write(
    text: &mut JsonText,
    tasks: &Tasks,
    edit: &Edit,
    effects: &mut Vec<Effect>,
) -> Result<(), EditError> {
    let task = |at: usize| list(tasks.shape).index(at);
    match edit {
        Edit::Add(new) => {
            effects.extend(effects_of_new(new));
            push(text, &list(tasks.shape), &json(new))
        }
        Edit::Set { at, member, value } => {
            let path = spelled(text, &task(*at), member);
            text.set(&path, &checked(value))
        }
        Edit::Unset { at, member } => {
            let path = spelled(text, &task(*at), member);
            text.unset(&path).map(|_| ())
        }
        Edit::Push { at, member, value } => push(text, &task(*at).key(*member), &checked(value)),
        Edit::Context { at, key, value } => {
            let context = task(*at).key("context");
            match value {
                Some(value) => {
                    if text.kind(&context) == Some(Kind::Null) {
                        text.set(&context, &checked("{}"))?;
                    }
                    text.set(&context.key(key.clone()), &checked(value))
                }
                None => text.unset(&context.key(key.clone())).map(|_| ()),
            }
        }
        Edit::Note { at, entry } => {
            let old = &tasks.all()[*at];
            effects.extend(effects_of(&old.id, &old.history, entry));
            push(text, &task(*at).key("history"), &json(entry))
        }
    }
}

fn effects_of_new(task: &Task) -> impl Iterator<Item = Effect> + '_ {
    let at = |number: usize, entry: &Entry| effects_of(&task.id, &task.history[..number], entry);
    let entries = task.history.iter().enumerate();
    entries.flat_map(move |(number, entry)| at(number, entry))
}

/// The member as the file spells it.
fn spelled(text: &JsonText, object: &Path, member: &str) -> Path {
    let own = object.clone().key(member);
    let other = SPELLINGS.iter().find(|(ours, _)| *ours == member);
    let other = other.map(|(_, theirs)| object.clone().key(*theirs));
    match other {
        Some(other) if text.kind(&own).is_none() && text.kind(&other).is_some() => other,
        _ => own,
    }
}

/// Null is an empty list.
fn push(text: &mut JsonText, list: &Path, item: &Json) -> Result<(), EditError> {
    if text.kind(list) == Some(Kind::Null) {
        text.set(list, &checked("[]"))?;
    }
    text.push(list, item)
}

fn json(value: &impl serde::Serialize) -> Json {
    Json::of(value).expect("a task, an entry and a claim are JSON, no member of theirs twice")
}

fn checked(value: &str) -> Json {
    value.parse().expect("it was made from JSON that is sound")
}

fn or_new(text: Option<JsonText>, new: &str) -> Result<JsonText, ParseError> {
    text.map_or_else(|| JsonText::parse(new.as_bytes()), Ok)
}

/// What a metrics file is to say after a decision. Where there is none it is to say all about the board. `None`: nothing
/// changes.
pub(super) fn account(
    text: Option<JsonText>,
    decided: &Decided,
) -> Result<Option<JsonText>, TextError> {
    let Some(mut text) = text else {
        let all = metrics::of(&Tasks::parse(decided.text.as_str())?);
        return Ok(Some(rebuilt(None, &all)?.0));
    };
    if decided.effects.is_empty() {
        return Ok(None);
    }
    let metrics = Metrics::parse(text.as_str())?;
    for effect in &decided.effects {
        note(&mut text, &metrics, effect).map_err(|err| unclear(None, &err))?;
    }
    Ok(Some(text))
}

fn note(text: &mut JsonText, metrics: &Metrics, effect: &Effect) -> Result<(), EditError> {
    let claims = Path::whole().key("claims");
    match effect {
        Effect::Count { agent, counter, by } => {
            let by = i64::try_from(*by).unwrap_or(i64::MAX);
            let path = counter_path(text, agent, *counter)?;
            text.increment(&path, by).map(|_| ())
        }
        Effect::Begin(claim) => push(text, &claims, &json(claim)),
        Effect::End(claim) => match metrics.open_claim(claim) {
            Some(at) => end(text, &claims.index(at), claim),
            None => push(text, &claims, &json(claim)),
        },
    }
}

/// The place of an agent's number; the objects on the way are there afterwards.
fn counter_path(text: &mut JsonText, agent: &str, counter: Counter) -> Result<Path, EditError> {
    let agents = Path::whole().key("agents");
    let agent = agents.clone().key(agent);
    for object in [&agents, &agent] {
        if text.kind(object) == Some(Kind::Null) {
            text.set(object, &checked("{}"))?;
        }
    }
    Ok(spelled(text, &agent, counter.as_str()))
}

fn end(text: &mut JsonText, place: &Path, claim: &Claim) -> Result<(), EditError> {
    if let Some(at) = &claim.ended_at {
        let path = spelled(text, place, "ended_at");
        text.set(&path, &json(at))?;
    }
    let outcome = claim.outcome.as_deref().unwrap_or_default();
    text.set(&place.clone().key("outcome"), &Json::text(outcome))
}

/// The metrics file with all that is to be in it; what is not known here stays, claims are written anew if they differ.
/// Also says whether anything differed.
pub(super) fn rebuilt(
    text: Option<JsonText>,
    all: &Metrics,
) -> Result<(JsonText, Vec<Difference>), TextError> {
    let mut text = or_new(text, NO_METRICS)?;
    let found = Metrics::parse(text.as_str())?;
    let differences = differences(all, &found);
    let none = AgentMetrics::default();
    for difference in &differences {
        let written = match &difference.place {
            Place::Counter { agent, counter } => {
                let number = counter.of(all.agents.get(agent).unwrap_or(&none));
                counter_path(&mut text, agent, *counter)
                    .and_then(|path| text.set(&path, &json(&number)))
            }
            Place::Claim => text.set(&Path::whole().key("claims"), &json(&all.claims)),
        };
        written.map_err(|err| unclear(None, &err))?;
    }
    Ok((text, differences))
}

#[cfg(test)]
mod tests;
