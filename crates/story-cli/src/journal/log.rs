//! `story log`: the changes of a story, as its journal has them.

use std::fmt::Write as _;

use serde_json::{Map, Value as Json, json};
use story::journal::{self, Entry, EntryBody, EntryChange, Logged, LoggedText, State};

use super::file_of;
use crate::args::journal::LogArgs;
use crate::failure::Failure;
use crate::json;
use crate::output::{Output, write_json};
use crate::places::Target;
use crate::settings::Settings;
use crate::terminal::{Style, escape_line};
use crate::value_text;

/// Longest value that people are shown, in characters; chosen.
const MAX_SHOWN: usize = 40;

/// Prints the changes.
///
/// # Errors
///
/// When the story or its journal cannot be read, or stdout does not take them.
pub fn run(args: &LogArgs, settings: &Settings, output: &Output) -> Result<(), Failure> {
    let target = Target::of_story(&args.story, settings)?;
    let story = story::read(&target.path)
        .map_err(|err| Failure::from_read(err, settings.timeout).about("read", &target))?;
    let file = file_of(&target, settings).map_err(|failure| failure.about("read", &target))?;
    let journal = match &file {
        Some(file) => journal::read(file)
            .map_err(|err| Failure::from_journal(&err).about("read the journal of", &target))?,
        None => None,
    };
    let journal = journal.unwrap_or_default();
    let entries = journal.entries(story.revision().as_str());
    let left_out = match args.limit {
        0 => 0,
        limit => entries.len().saturating_sub(limit),
    };
    let shown = &entries[left_out..];
    if journal.torn() > 0 {
        output.warning(&format!(
            "{} lines of the journal cannot be read",
            journal.torn()
        ));
    }
    if output.is_json() {
        let mut result = json::success_of(target.id.as_deref(), &target.absolute());
        result.insert("left_out".to_owned(), left_out.into());
        let entries = shown.iter().map(|(entry, state)| to_json(entry, *state));
        result.insert("entries".to_owned(), entries.collect());
        return write_json(result);
    }
    if file.is_none() {
        output.note(&format!(
            "{} lies in no sdlc root: it has no journal",
            target.name()
        ));
    } else if entries.is_empty() {
        output.note(&format!("{}: no change is in its journal", target.name()));
    }
    if left_out > 0 {
        output.note(&format!("{left_out} earlier changes; --limit 0 shows all"));
    }
    shown
        .iter()
        .try_for_each(|(entry, state)| print(entry, *state, output))
}

fn print(entry: &Entry, state: State, output: &Output) -> Result<(), Failure> {
    let owner = entry.owner.as_deref().unwrap_or("-");
    let head = format!(
        "{}  {}  {}  {owner}  {}",
        entry.at,
        entry.op,
        state.name(),
        entry.command
    );
    let head = match &entry.run {
        Some(run) => format!("{head}  in run {run}"),
        None => head,
    };
    let style = match state {
        State::Done => Style::Heading,
        State::Void | State::Unknown => Style::Warning,
    };
    output.line(Some(style), &escape_line(&head))?;
    for change in &entry.changes {
        output.line(None, &escape_line(&format!("  {}", shown(change))))?;
    }
    match &entry.body {
        Some(body) => output.line(None, &escape_line(&format!("  {}", shown_body(body)))),
        None if entry.is_empty() && entry.before == entry.after => {
            output.line(None, "  nothing to change")
        }
        None if entry.is_empty() => output.line(None, "  comments or layout only"),
        None => Ok(()),
    }
}

fn shown(change: &EntryChange) -> String {
    let mut text = format!("{}: ", change.key);
    match (&change.old, &change.new) {
        (Logged::Nothing, new) => write!(text, "added, {}", shortened(new)),
        (old, Logged::Nothing) => write!(text, "removed, {}", shortened(old)),
        (old, new) => write!(text, "{} -> {}", shortened(old), shortened(new)),
    }
    .expect("a String takes any text");
    text
}

fn shortened(logged: &Logged) -> String {
    let text = match logged {
        Logged::Nothing => return "nothing".to_owned(),
        Logged::TooLarge(_) => return "(too large for the journal)".to_owned(),
        Logged::Value(value) => value_text::inline(value),
    };
    if text.chars().count() <= MAX_SHOWN {
        return text;
    }
    let start: String = text.chars().take(MAX_SHOWN - 3).collect();
    format!("{start}...")
}

fn shown_body(body: &EntryBody) -> String {
    let count = |text: &LoggedText| match text {
        LoggedText::Lines(lines) => lines
            .split_inclusive(|byte| *byte == b'\n')
            .count()
            .to_string(),
        LoggedText::TooLarge { bytes, .. } => format!("{bytes} bytes of"),
    };
    format!(
        "content: {} lines removed, {} added",
        count(&body.old),
        count(&body.new)
    )
}

fn to_json(entry: &Entry, state: State) -> Json {
    let changes: Vec<Json> = entry
        .changes
        .iter()
        .map(|change| {
            let mut member = Map::new();
            member.insert("key".to_owned(), change.key.as_str().into());
            for (name, logged) in [("old", &change.old), ("new", &change.new)] {
                if let Some(value) = logged_json(logged) {
                    member.insert(name.to_owned(), value);
                }
            }
            member.into()
        })
        .collect();
    let body = entry.body.as_ref().map(
        |body| json!({ "at": body.at, "old": text_json(&body.old), "new": text_json(&body.new) }),
    );
    json!({
        "op": entry.op,
        "at": entry.at,
        "owner": entry.owner,
        "run": entry.run,
        "command": entry.command,
        "state": state.name(),
        "before": entry.before,
        "after": entry.after,
        "changes": changes,
        "content": body,
    })
}

/// A missing member says that the key was not there; a value too large for the journal is an object with its hash.
fn logged_json(logged: &Logged) -> Option<Json> {
    match logged {
        Logged::Nothing => None,
        Logged::Value(value) => Some(value.to_json()),
        Logged::TooLarge(hash) => Some(json!({ "sha256": hash })),
    }
}

fn text_json(text: &LoggedText) -> Json {
    match text {
        LoggedText::Lines(lines) => String::from_utf8_lossy(lines).into(),
        LoggedText::TooLarge { sha256, bytes } => json!({ "sha256": sha256, "bytes": bytes }),
    }
}
