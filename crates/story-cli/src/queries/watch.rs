//! `story watch`: one line for each change of a story, whoever made it.

use serde_json::{Map, Value, json};
use story::workspace::StoryFile;
use story::{Change, Changes, Revision, Workspace, scan};

use super::cells::cut;
use super::known::{Body, Event, Known, What};
use super::observer::{Observer, Seen};
use crate::failure::Failure;
use crate::json;
use crate::output::{Output, write_json};
use crate::places;
use crate::settings::Settings;
use crate::signals;
use crate::terminal::{Style, escape_line};
use crate::value_text::inline;

/// How much of a value people are shown. Chosen.
const WIDEST_VALUE: usize = 40;

/// Prints changes until a signal comes or nobody reads them.
///
/// # Errors
///
/// [`Failure`] when there is no sdlc root, or a change cannot be written.
pub fn run(settings: &Settings, output: &Output) -> Result<(), Failure> {
    let workspace = places::workspace(settings)?;
    signals::watch();
    let mut observer = Observer::new(&workspace);
    let mut known = Known::default();
    // Watched first: what happens in between is seen twice rather than never.
    let files = covered(&workspace, &mut observer);
    known.learn(&files);
    begin(&known, &observer, settings, output)?;
    loop {
        let events = match observer.next() {
            Seen::Files(paths) => known.look_at(paths),
            Seen::All => None,
            Seen::Unheard => return Ok(()),
        };
        let events = events.unwrap_or_else(|| {
            let files = covered(&workspace, &mut observer);
            known.look_at_all(&files)
        });
        for event in events {
            tell(&event, settings, output)?;
        }
    }
}

/// The files of the workspace, all of them watched.
pub fn covered(workspace: &Workspace, observer: &mut Observer) -> Vec<StoryFile> {
    let (files, _) = scan::files_of(workspace);
    if !observer.cover(&files) {
        return files;
    }
    // What came before its folder was watched made no event.
    let (again, _) = scan::files_of(workspace);
    observer.cover(&again);
    again
}

fn begin(
    known: &Known,
    observer: &Observer,
    settings: &Settings,
    output: &Output,
) -> Result<(), Failure> {
    let mut warnings: Vec<_> = known
        .troubles()
        .iter()
        .map(|trouble| format!("left out: {trouble}"))
        .collect();
    if observer.is_blind() {
        warnings
            .push("not every folder can be watched: changes are seen within a second".to_owned());
    }
    for warning in &warnings {
        output.warning(warning);
    }
    if !output.is_json() {
        let stories = if known.count() == 1 {
            "story"
        } else {
            "stories"
        };
        output.note(&format!("watching {} {stories}", known.count()));
        return Ok(());
    }
    let mut line = json::success();
    line.insert("event".to_owned(), "watching".into());
    line.insert("at".to_owned(), settings.moment().stamp().into());
    line.insert("stories".to_owned(), known.count().into());
    line.insert("warnings".to_owned(), warnings.into());
    write_json(line)
}

fn tell(event: &Event, settings: &Settings, output: &Output) -> Result<(), Failure> {
    if output.is_json() {
        return write_json(line_of(event, settings));
    }
    let (style, text) = text_of(&event.what);
    let line = format!(
        "{} {} {text}",
        settings.moment().stamp(),
        escape_line(&event.story)
    );
    output.line(style, &escape_line(&line))
}

/// The style of a line, and what it says behind the story.
fn text_of(what: &What) -> (Option<Style>, String) {
    let short = |rev: &Revision| rev.to_string().chars().take(12).collect::<String>();
    match what {
        What::Created(changes, rev) => {
            let title = changes.iter().find(|change| change.key == "title");
            let title = title
                .map(|change| format!(" {}", shown(change.new.as_ref())))
                .unwrap_or_default();
            (
                Some(Style::Added),
                format!("created{title} (rev {})", short(rev)),
            )
        }
        What::Changed(changes, body, rev) => {
            let keys = changes.iter().map(|change| {
                let (old, new) = (shown(change.old.as_ref()), shown(change.new.as_ref()));
                format!("{}: {old} -> {new}", change.key)
            });
            let body = (*body == Body::Changed).then(|| Changes::CONTENT.to_owned());
            let parts: Vec<_> = keys.chain(body).collect();
            let parts = if parts.is_empty() {
                "layout".to_owned()
            } else {
                parts.join(", ")
            };
            (None, format!("changed {parts} (rev {})", short(rev)))
        }
        What::Removed => (Some(Style::Removed), "removed".to_owned()),
        What::Unreadable(reason) => (Some(Style::Warning), format!("cannot be read: {reason}")),
    }
}

/// A value on one line, cut; `-` where there is none.
fn shown(value: Option<&story::Value>) -> String {
    value.map_or_else(
        || "-".to_owned(),
        |value| cut(&inline(value), WIDEST_VALUE).into_owned(),
    )
}

fn line_of(event: &Event, settings: &Settings) -> Map<String, Value> {
    let (name, changes, body, rev) = match &event.what {
        What::Created(changes, rev) => ("created", &changes[..], Body::Changed, Some(rev)),
        What::Changed(changes, body, rev) => ("changed", &changes[..], *body, Some(rev)),
        What::Removed => ("removed", &[][..], Body::Same, None),
        What::Unreadable(_) => ("unreadable", &[][..], Body::Same, None),
    };
    let mut keys: Vec<_> = changes.iter().map(|change| change.key.clone()).collect();
    let mut details: Vec<_> = changes.iter().map(detail).collect();
    if body == Body::Changed {
        keys.push(Changes::CONTENT.to_owned());
        details.push(json!({ "key": Changes::CONTENT }));
    }
    let mut line = json::success_of(Some(&event.story), &event.path);
    line.insert("event".to_owned(), name.into());
    line.insert("at".to_owned(), settings.moment().stamp().into());
    line.insert("copy".to_owned(), event.copy.to_string().into());
    line.insert("changed".to_owned(), keys.into());
    line.insert("changes".to_owned(), details.into());
    line.insert("rev".to_owned(), rev.map(ToString::to_string).into());
    if let What::Unreadable(reason) = &event.what {
        line.insert("message".to_owned(), reason.as_str().into());
    }
    line
}

/// A key with its values; what was or is not there has no member.
fn detail(change: &Change) -> Value {
    let mut detail = Map::new();
    detail.insert("key".to_owned(), change.key.as_str().into());
    for (name, value) in [("old", &change.old), ("new", &change.new)] {
        if let Some(value) = value {
            detail.insert(name.to_owned(), value.to_json());
        }
    }
    detail.into()
}
