//! The checkpoint of a run, `.workflow-state.json`: read, judged, and changed value by value. Pure.
//!
//! A change edits the text in place: keys that we do not know, the order of keys and numbers stay as they are.

use std::time::Duration;

use atomic_file::Revision;
use json_text::{Json, JsonText, Path};
use serde_json::{Value, json};

use crate::moment::Moment;

/// The name of the file, in the story's folder; in the sdlc root that of the old global one.
pub const FILE_NAME: &str = ".workflow-state.json";

/// The version that we know.
pub const VERSION: &str = "1.0";

/// From this age on a checkpoint is worth a warning (contract, section 11).
pub const OLD_AFTER: Duration = Duration::from_hours(48);

/// A checkpoint, as it stands in its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkflowState {
    text: JsonText,
    value: Value,
}

/// Something that a workflow does to a story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// What it is: `research`, `plan`, `implement`, …
    pub kind: String,
    /// The id of the story.
    pub story_id: String,
    /// The path of the story.
    pub story_path: String,
}

/// The moment of a change, and the story as it is then.
#[derive(Debug, Clone)]
pub struct Present {
    /// Becomes `timestamp`, `startedAt`, `completedAt`.
    pub now: Moment,
    /// Becomes `storyContentHash`.
    pub story: Revision,
}

/// What a new checkpoint says about its run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewWorkflow {
    /// `workflow-<milliseconds>-<8 hexadecimal digits>`.
    pub id: String,
    /// The sdlc root.
    pub sdlc_root: String,
    /// The id of the story.
    pub story_id: String,
}

/// Why a checkpoint cannot be read or changed. Retrying the same does not help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// The file is no JSON.
    #[error("the checkpoint is not JSON: {message}")]
    Syntax {
        /// The parser's own words, with line and column.
        message: String,
    },
    /// Something that must be there is missing, or of another type.
    #[error("the checkpoint is invalid: {member} is not {wanted}")]
    Invalid {
        /// The member.
        member: &'static str,
        /// What it should be.
        wanted: &'static str,
    },
    /// It belongs to another run.
    #[error("the checkpoint belongs to {found}, not to {wanted}")]
    OtherWorkflow {
        /// Its `workflowId`.
        found: String,
        /// The one asked for.
        wanted: String,
    },
    /// An action is under way, or was when its run ended.
    #[error("the action {kind} has been running since {since}")]
    Running {
        /// What it is.
        kind: String,
        /// When it was started, as it stands there.
        since: String,
    },
    /// There is no action to be finished.
    #[error("no action is running")]
    NothingRunning,
    /// There is no checkpoint.
    #[error("there is no checkpoint")]
    Missing,
    /// A global checkpoint does not tell what story it is about.
    #[error("the global checkpoint names no story")]
    NoStory,
    /// A global checkpoint is about a story that cannot be one.
    #[error("the global checkpoint is about {id:?}, which is not the id of a story")]
    UnsafeId {
        /// What stands there.
        id: String,
    },
    /// The global checkpoint is about another story by now. Look again.
    #[error("the global checkpoint is about {found}, not about {wanted}")]
    OtherStory {
        /// The story that it is about.
        found: String,
        /// The one asked for.
        wanted: String,
    },
    /// The story has a checkpoint of its own that cannot be read; the global one is kept.
    #[error("the story has a checkpoint already, and that cannot be read: {source}")]
    BadTarget {
        /// What is wrong with it.
        source: Box<StateError>,
    },
}

/// What a resuming run should be warned of.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Doubt {
    /// Another version wrote it.
    #[error("the checkpoint has the version {found}; {VERSION} is known")]
    OtherVersion {
        /// That version.
        found: String,
    },
    /// It is older than [`OLD_AFTER`], or its time cannot be read.
    #[error("the checkpoint is old: it was written at {timestamp}")]
    Old {
        /// When it was written, as it stands there.
        timestamp: String,
    },
    /// The story is not what it was.
    #[error("the story has changed since the checkpoint was written")]
    StoryChanged,
}

impl WorkflowState {
    /// Reads a checkpoint and makes sure that what every reader needs is there.
    ///
    /// # Errors
    ///
    /// [`StateError::Syntax`], [`StateError::Invalid`].
    pub fn parse(bytes: &[u8]) -> Result<Self, StateError> {
        Self::of_text(JsonText::parse(bytes).map_err(|err| syntax(&err))?)
    }

    fn of_text(text: JsonText) -> Result<Self, StateError> {
        let value = text.value(&Path::whole()).unwrap_or_default();
        let member = |path: &str| value.pointer(path).unwrap_or(&Value::Null);
        let is_text = |path: &str| member(path).as_str().is_some_and(|text| !text.is_empty());
        let is_action = |action: &Value| action.get("type").is_some_and(Value::is_string);
        let running = member("/currentAction");
        let completed = member("/completedActions").as_array();
        let demands = [
            (value.is_object(), "the whole", "an object"),
            (is_text("/version"), "version", "a text"),
            (is_text("/workflowId"), "workflowId", "a text"),
            (is_text("/timestamp"), "timestamp", "a text"),
            (
                running.is_null() || is_action(running),
                "currentAction",
                "null or an action with a type",
            ),
            (
                completed.is_some_and(|actions| actions.iter().all(is_action)),
                "completedActions",
                "a list of actions with a type",
            ),
            (member("/context").is_object(), "context", "an object"),
            (is_text("/context/sdlcRoot"), "context.sdlcRoot", "a text"),
        ];
        for (holds, member, wanted) in demands {
            if !holds {
                return Err(StateError::Invalid { member, wanted });
            }
        }
        Ok(Self { text, value })
    }

    /// The checkpoint of a run that has done nothing yet.
    pub fn new(workflow: &NewWorkflow, present: &Present) -> Self {
        let value = json!({
            "version": VERSION,
            "workflowId": workflow.id,
            "timestamp": present.now.stamp(),
            "currentAction": null,
            "completedActions": [],
            "context": {
                "sdlcRoot": workflow.sdlc_root,
                "options": { "story": workflow.story_id },
                "storyContentHash": present.story.as_str(),
            },
        });
        let text = pretty(&value);
        Self { text, value }
    }

    /// The text of the file.
    pub fn as_str(&self) -> &str {
        self.text.as_str()
    }

    /// All that stands in it.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// The id of the run.
    pub fn workflow_id(&self) -> &str {
        self.text_at("/workflowId")
    }

    /// The action that is running, or was when the run ended.
    pub fn current_action(&self) -> Option<Action> {
        self.value
            .get("currentAction")
            .filter(|action| !action.is_null())
            .map(action)
    }

    /// The actions that are done, the oldest first.
    pub fn completed_actions(&self) -> Vec<Action> {
        let actions = self.value.get("completedActions").and_then(Value::as_array);
        actions.into_iter().flatten().map(action).collect()
    }

    /// The story that it is about: that of the options, else that of the first action that was done.
    pub fn story_id(&self) -> Option<&str> {
        let of_options = self.value.pointer("/context/options/story");
        let of_first = self.value.pointer("/completedActions/0/storyId");
        let is_filled = |id: &&str| !id.is_empty();
        [of_options, of_first]
            .into_iter()
            .find_map(|id| id.and_then(Value::as_str).filter(is_filled))
    }

    /// What a resuming run should be warned of. None of it keeps it from resuming.
    pub fn doubts(&self, present: &Present) -> Vec<Doubt> {
        let mut doubts = Vec::new();
        let version = self.text_at("/version");
        if version != VERSION {
            let found = version.to_owned();
            doubts.push(Doubt::OtherVersion { found });
        }
        let timestamp = self.text_at("/timestamp");
        let written_at = Moment::parse(timestamp);
        if written_at.is_none_or(|at| at.after(OLD_AFTER) < present.now) {
            let timestamp = timestamp.to_owned();
            doubts.push(Doubt::Old { timestamp });
        }
        let hash = self.text_at("/context/storyContentHash");
        if !hash.is_empty() && !hash.eq_ignore_ascii_case(present.story.as_str()) {
            doubts.push(Doubt::StoryChanged);
        }
        doubts
    }

    /// Makes sure that it belongs to a run.
    ///
    /// # Errors
    ///
    /// [`StateError::OtherWorkflow`].
    pub fn check_workflow(&self, id: &str) -> Result<(), StateError> {
        if self.workflow_id() == id {
            return Ok(());
        }
        Err(StateError::OtherWorkflow {
            found: self.workflow_id().to_owned(),
            wanted: id.to_owned(),
        })
    }

    /// Makes sure that no action is running.
    ///
    /// # Errors
    ///
    /// [`StateError::Running`].
    pub fn check_idle(&self) -> Result<(), StateError> {
        match self.current_action() {
            None => Ok(()),
            Some(action) => Err(StateError::Running {
                kind: action.kind,
                since: self.text_at("/currentAction/startedAt").to_owned(),
            }),
        }
    }

    /// Notes that an action begins; one that was left unfinished is replaced.
    ///
    /// # Errors
    ///
    /// None that a checkpoint that could be read leads to.
    pub fn start(&mut self, action: &Action, present: &Present) -> Result<(), StateError> {
        let running = with_time(action, "startedAt", present.now);
        let mut text = self.text.clone();
        set(&mut text, &["currentAction"], &running)?;
        self.settle(text, present)
    }

    /// Notes that an action is done: the one that is running, or `action`, whether it was started or not.
    ///
    /// # Errors
    ///
    /// [`StateError::NothingRunning`] without `action`.
    pub fn finish(&mut self, action: Option<&Action>, present: &Present) -> Result<(), StateError> {
        let running = self.current_action();
        let done = match (action, &running) {
            (None, None) => return Err(StateError::NothingRunning),
            (None, Some(running)) => running,
            (Some(action), _) => action,
        };
        let ends_running = running
            .as_ref()
            .is_some_and(|running| running.kind == done.kind && running.story_id == done.story_id);
        let completed = with_time(done, "completedAt", present.now);
        let mut text = self.text.clone();
        let list = Path::whole().key("completedActions");
        text.push(&list, &json(&completed)?)
            .map_err(|err| syntax(&err))?;
        if ends_running {
            set(&mut text, &["currentAction"], &Value::Null)?;
        }
        self.settle(text, present)
    }

    /// Notes that the running action ended without being done.
    ///
    /// # Errors
    ///
    /// [`StateError::NothingRunning`].
    pub fn give_up(&mut self, present: &Present) -> Result<(), StateError> {
        if self.current_action().is_none() {
            return Err(StateError::NothingRunning);
        }
        let mut text = self.text.clone();
        set(&mut text, &["currentAction"], &Value::Null)?;
        self.settle(text, present)
    }

    /// Takes a changed text over, with the time and the story of the change.
    fn settle(&mut self, mut text: JsonText, present: &Present) -> Result<(), StateError> {
        set(&mut text, &["timestamp"], &present.now.stamp().into())?;
        let hash = present.story.as_str().into();
        set(&mut text, &["context", "storyContentHash"], &hash)?;
        *self = Self::of_text(text)?;
        Ok(())
    }

    fn text_at(&self, path: &str) -> &str {
        let text = self.value.pointer(path).and_then(Value::as_str);
        text.unwrap_or_default()
    }
}

fn set(text: &mut JsonText, keys: &[&str], value: &Value) -> Result<(), StateError> {
    let path = keys.iter().fold(Path::whole(), |path, key| path.key(*key));
    text.set(&path, &json(value)?).map_err(|err| syntax(&err))
}

fn pretty(value: &Value) -> JsonText {
    let text = JsonText::parse(format!("{value:#}\n").as_bytes());
    text.expect("what serde_json writes is JSON")
}

fn json(value: &Value) -> Result<Json, StateError> {
    Json::of(value).map_err(|err| syntax(&err))
}

fn syntax(err: &impl ToString) -> StateError {
    let message = err.to_string();
    StateError::Syntax { message }
}

fn action(value: &Value) -> Action {
    let text = |key| {
        value
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    Action {
        kind: text("type"),
        story_id: text("storyId"),
        story_path: text("storyPath"),
    }
}

fn with_time(action: &Action, key: &str, now: Moment) -> Value {
    json!({
        "type": action.kind,
        "storyId": action.story_id,
        "storyPath": action.story_path,
        key: now.stamp(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{
  "version": "1.0",
  "workflowId": "workflow-1-0123abcd",
  "timestamp": "2026-03-04T05:06:07.000Z",
  "currentAction": null,
  "completedActions": [
    {
      "type": "refine",
      "storyId": "S-1",
      "storyPath": "/p/story.md",
      "completedAt": "2026-03-04T05:06:07.000Z",
      "cost": 1.50
    }
  ],
  "later": {"unknown": 12345678901234567890123},
  "context": {
    "options": {"auto": true},
    "sdlcRoot": "/p"
  }
}
"#;

    fn present(now: &str) -> Present {
        Present {
            now: Moment::parse(now).expect("an instant"),
            story: Revision::of(b"abc"),
        }
    }

    fn state(text: &str) -> WorkflowState {
        WorkflowState::parse(text.as_bytes()).expect("a checkpoint")
    }

    fn plan() -> Action {
        Action {
            kind: "plan".to_owned(),
            story_id: "S-1".to_owned(),
            story_path: "/p/story.md".to_owned(),
        }
    }

    #[test]
    fn parse_demands_what_every_reader_needs() {
        let table = [
            ("\"version\": \"1.0\"", "\"version\": 1", "version"),
            ("\"workflow-1-0123abcd\"", "\"\"", "workflowId"),
            ("\"timestamp\"", "\"time\"", "timestamp"),
            (
                "\"currentAction\": null",
                "\"currentAction\": 1",
                "currentAction",
            ),
            (
                "\"currentAction\": null",
                "\"currentAction\": {}",
                "currentAction",
            ),
            (
                "\"completedActions\": [",
                "\"completedActions\": [1,",
                "completedActions",
            ),
            ("\"completedActions\"", "\"completed\"", "completedActions"),
            ("\"context\"", "\"content\"", "context"),
            ("\"sdlcRoot\"", "\"root\"", "context.sdlcRoot"),
        ];
        for (old, new, expected) in table {
            let refused = WorkflowState::parse(TEXT.replacen(old, new, 1).as_bytes());
            assert!(
                matches!(refused, Err(StateError::Invalid { member, .. }) if member == expected),
                "{new} in the place of {old}: {refused:?}"
            );
        }
        let twice = TEXT.replacen('{', "{\"version\": \"0\",", 1);
        for text in ["", "{", "\u{feff}{}", &twice] {
            let refused = WorkflowState::parse(text.as_bytes());
            assert!(
                matches!(refused, Err(StateError::Syntax { .. })),
                "{text:?}: {refused:?}"
            );
        }
        let refused = WorkflowState::parse(b"{\"a\": \"\xff\"}");
        assert!(
            matches!(refused, Err(StateError::Syntax { .. })),
            "not UTF-8: {refused:?}"
        );
        let without = TEXT.replace("  \"currentAction\": null,\n", "");
        assert_eq!(
            state(&without).current_action(),
            None,
            "a missing action is none"
        );
    }

    #[test]
    fn changes_keep_what_they_do_not_mean() {
        let mut edited = state(TEXT);
        edited
            .start(&plan(), &present("2026-03-05T00:00:00Z"))
            .expect("it can be changed");
        let started = TEXT
            .replace("\"timestamp\": \"2026-03-04T05:06:07.000Z\"", "\"timestamp\": \"2026-03-05T00:00:00.000Z\"")
            .replace(
                "\"currentAction\": null",
                "\"currentAction\": {\n    \"type\": \"plan\",\n    \"storyId\": \"S-1\",\n    \
                 \"storyPath\": \"/p/story.md\",\n    \"startedAt\": \"2026-03-05T00:00:00.000Z\"\n  }",
            )
            .replace(
                "\"sdlcRoot\": \"/p\"",
                &format!("\"sdlcRoot\": \"/p\",\n    \"storyContentHash\": \"{}\"", Revision::of(b"abc")),
            );
        assert_eq!(
            edited.as_str(),
            started,
            "the action, the time and the hash"
        );
        assert!(
            matches!(edited.check_idle(), Err(StateError::Running { ref kind, .. }) if kind == "plan"),
            "it is running"
        );
        edited
            .finish(None, &present("2026-03-05T00:00:01Z"))
            .expect("one is running");
        assert_eq!(edited.current_action(), None, "it is over");
        assert_eq!(
            edited.completed_actions().len(),
            2,
            "and among those that are done"
        );
        assert_eq!(edited.completed_actions()[1], plan(), "last");
        for kept in ["1.50", "12345678901234567890123", "{\"auto\": true}"] {
            assert!(
                edited.as_str().contains(kept),
                "{kept} stays as it is: {}",
                edited.as_str()
            );
        }
    }

    #[test]
    fn finish_takes_the_running_action_or_the_one_that_is_named() {
        let now = present("2026-03-05T00:00:00Z");
        assert_eq!(
            state(TEXT).finish(None, &now),
            Err(StateError::NothingRunning),
            "nothing runs"
        );
        assert_eq!(
            state(TEXT).give_up(&now),
            Err(StateError::NothingRunning),
            "nothing to give up"
        );
        let mut edited = state(TEXT);
        edited
            .finish(Some(&plan()), &now)
            .expect("it need not be running");
        assert_eq!(edited.completed_actions()[1], plan(), "it is done");
        edited.start(&plan(), &now).expect("it can be changed");
        let other = Action {
            kind: "review".to_owned(),
            ..plan()
        };
        edited.finish(Some(&other), &now).expect("another one");
        assert_eq!(
            edited.current_action(),
            Some(plan()),
            "the running one goes on"
        );
        edited.finish(Some(&plan()), &now).expect("this one");
        assert_eq!(edited.current_action(), None, "until it is named");
        edited.start(&plan(), &now).expect("it can be changed");
        edited.give_up(&now).expect("it runs");
        assert_eq!(edited.current_action(), None, "given up");
        assert_eq!(edited.completed_actions().len(), 4, "and not done");
    }

    #[test]
    fn new_checkpoint_is_one_that_can_be_read() {
        let workflow = NewWorkflow {
            id: "workflow-1-00000000".to_owned(),
            sdlc_root: "/p".to_owned(),
            story_id: "S-1".to_owned(),
        };
        let now = present("2026-03-05T00:00:00Z");
        let new = WorkflowState::new(&workflow, &now);
        assert_eq!(
            WorkflowState::parse(new.as_str().as_bytes()).as_ref(),
            Ok(&new),
            "it is valid"
        );
        assert_eq!(new.story_id(), Some("S-1"), "its story");
        assert_eq!(new.doubts(&now), [], "nothing to doubt");
        assert_eq!(new.check_workflow("workflow-1-00000000"), Ok(()), "its id");
        assert!(
            new.check_workflow("workflow-2-00000000").is_err(),
            "no other"
        );
    }

    #[test]
    fn doubts_are_told_and_keep_nobody_from_resuming() {
        let old = |timestamp: &str| Doubt::Old {
            timestamp: timestamp.to_owned(),
        };
        let written = "2026-03-04T05:06:07.000Z";
        let hash = "\"storyContentHash\": \"00\", \"sdlcRoot\"";
        let table = [
            (TEXT.to_owned(), "2026-03-06T05:06:07Z", vec![]),
            (
                TEXT.to_owned(),
                "2026-03-06T05:06:07.001Z",
                vec![old(written)],
            ),
            (
                TEXT.replace(written, "soon"),
                "2026-03-04T05:06:07Z",
                vec![old("soon")],
            ),
            (
                TEXT.replace("\"1.0\"", "\"2.0\""),
                "2026-03-04T05:06:07Z",
                vec![Doubt::OtherVersion {
                    found: "2.0".to_owned(),
                }],
            ),
            (
                TEXT.replace("\"sdlcRoot\"", hash),
                "2026-03-04T05:06:07Z",
                vec![Doubt::StoryChanged],
            ),
        ];
        for (text, now, expected) in table {
            assert_eq!(state(&text).doubts(&present(now)), expected, "at {now}");
        }
    }

    #[test]
    fn story_id_is_that_of_the_options_else_of_the_first_action() {
        let with_option = TEXT.replace("\"auto\": true", "\"story\": \"S-2\"");
        assert_eq!(
            state(&with_option).story_id(),
            Some("S-2"),
            "the option counts"
        );
        assert_eq!(state(TEXT).story_id(), Some("S-1"), "else the first action");
        let neither = TEXT.replace("\"storyId\": \"S-1\"", "\"storyId\": null");
        assert_eq!(state(&neither).story_id(), None, "neither");
    }
}
