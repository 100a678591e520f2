//! Taking back one change of a story by its journal. Pure.

use crate::document::Document;
use crate::journal::chain::{Journal, path_of, value_of};
use crate::journal::encoding::{Logged, LoggedText};
use crate::journal::line::{Entry, EntryBody, State};
use crate::operation_error::OperationError;

/// The key that every change sets: it says nothing about what was changed.
const UPDATED: &str = "updated";

/// Why a change was not taken back. Nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UndoError {
    /// The journal holds no change that was done.
    #[error("the journal holds no change that could be undone")]
    Nothing,
    /// The journal holds no such operation.
    #[error("the journal holds no operation {op}")]
    NoSuchOperation {
        /// The id that was asked for.
        op: String,
    },
    /// The operation was not done, or nobody can say.
    #[error("operation {op} ({command}) was not done: its state is {}", state.name())]
    NotDone {
        /// Its id.
        op: String,
        /// What it was.
        command: String,
        /// What became of it.
        state: State,
    },
    /// It changed no value and no line of the body.
    #[error("operation {op} ({command}) changed no value and no line of the body")]
    NoValues {
        /// Its id.
        op: String,
        /// What it was.
        command: String,
    },
    /// A later change touches the same.
    #[error("operation {later} ({command}, {at}) has changed {what} since")]
    Later {
        /// The id of the later operation.
        later: String,
        /// What it was.
        command: String,
        /// When it was.
        at: String,
        /// The key, or the body.
        what: String,
    },
    /// Somebody who keeps no journal changed the same.
    #[error("{what} is not what operation {op} left: somebody without a journal has changed it")]
    Changed {
        /// The operation that was to be undone.
        op: String,
        /// The key, or the body.
        what: String,
    },
    /// What was there is not in the journal.
    #[error("what {what} was before operation {op} was too large for the journal")]
    TooLarge {
        /// The operation that was to be undone.
        op: String,
        /// The key, or the body.
        what: String,
    },
}

/// What was taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undone {
    /// The operation's id.
    pub op: String,
    /// What it was.
    pub command: String,
}

/// Takes back the operation `op`, or the last one that changed something, in the story in memory.
///
/// Values come back as values: comments that stood behind a removed key do not, and the key comes back at the end.
/// `updated` is left alone unless it is all that was changed.
///
/// # Errors
///
/// [`OperationError::Undo`]; [`OperationError::Edit`] when an old value cannot be written. Retrying does not help.
pub fn undo(
    story: &mut Document,
    journal: &Journal,
    op: Option<&str>,
) -> Result<Undone, OperationError> {
    let present = story.revision().to_string();
    let entries = journal.entries(&present);
    let at = target(&entries, op)?;
    let entry = entries[at].0;
    let later: Vec<&Entry> = entries[at + 1..]
        .iter()
        .filter(|(_, state)| *state != State::Void)
        .map(|(entry, _)| *entry)
        .collect();
    let is_unbroken = journal.is_unbroken_since(entry.key(), &present);
    let body = match &entry.body {
        Some(body) => Some(old_body(entry, body, &later, story, is_unbroken)?),
        None => None,
    };
    let changes = entry
        .changes
        .iter()
        .filter(|change| change.key != UPDATED || (entry.changes.len() == 1 && body.is_none()));
    for change in changes {
        let key = &change.key;
        let touches = |entry: &&&Entry| entry.changes.iter().any(|other| other.key == *key);
        if let Some(later) = later.iter().find(touches) {
            return Err(UndoError::later(later, key).into());
        }
        if !change.new.is(value_of(story, key).as_ref()) {
            return Err(UndoError::changed(entry, key).into());
        }
        match &change.old {
            Logged::Nothing => story.unset(&path_of(key))?,
            Logged::Value(value) => story.set(&path_of(key), value.clone())?,
            Logged::TooLarge(_) => return Err(UndoError::too_large(entry, key).into()),
        };
    }
    if let Some(body) = body {
        story.set_body(&body);
    }
    Ok(Undone {
        op: entry.op.clone(),
        command: entry.command.clone(),
    })
}

fn target(entries: &[(&Entry, State)], op: Option<&str>) -> Result<usize, UndoError> {
    let is_meant = |(entry, state): &(&Entry, State)| match op {
        Some(op) => entry.op == op,
        None => *state == State::Done && !entry.is_empty(),
    };
    let is_done = |found: &(&Entry, State)| is_meant(found) && found.1 == State::Done;
    let found = entries
        .iter()
        .rposition(is_done)
        .or_else(|| entries.iter().rposition(is_meant));
    let Some(at) = found else {
        return Err(
            op.map_or(UndoError::Nothing, |op| UndoError::NoSuchOperation {
                op: op.to_owned(),
            }),
        );
    };
    let (entry, state) = entries[at];
    let (op, command) = (entry.op.clone(), entry.command.clone());
    if state != State::Done {
        return Err(UndoError::NotDone { op, command, state });
    }
    if entry.is_empty() {
        return Err(UndoError::NoValues { op, command });
    }
    Ok(at)
}

/// The whole body with the old lines in place of the new ones.
fn old_body(
    entry: &Entry,
    body: &EntryBody,
    later: &[&Entry],
    story: &Document,
    is_unbroken: bool,
) -> Result<String, UndoError> {
    let what = "the body";
    let changed = || UndoError::changed(entry, what);
    let LoggedText::Lines(old) = &body.old else {
        return Err(UndoError::too_large(entry, what));
    };
    let mut at = body.at;
    for later in later {
        if let Some(other) = &later.body {
            at = moved(at, body.new.len(), other).ok_or_else(|| UndoError::later(later, what))?;
        }
    }
    let found = story.body();
    if !is_unbroken {
        // The lines may stand elsewhere by now; they are still those only if no others are like them.
        at = only_place(found, &body.new).ok_or_else(changed)?;
    }
    let end = at + body.new.len();
    if !found.get(at..end).is_some_and(|lines| body.new.is(lines)) {
        return Err(changed());
    }
    let mut undone = found.to_vec();
    undone.splice(at..end, old.iter().copied());
    String::from_utf8(undone).map_err(|_| changed())
}

/// Where lines at `at` are after a later change of the body; `None` when it touches them.
fn moved(at: usize, len: usize, later: &EntryBody) -> Option<usize> {
    let later_end = later.at + later.old.len();
    let is_same_place = len == 0 && later.at <= at && at <= later_end;
    if is_same_place {
        None
    } else if later_end <= at {
        Some(at - later.old.len() + later.new.len())
    } else if later.at >= at + len {
        Some(at)
    } else {
        None
    }
}

fn only_place(body: &[u8], lines: &LoggedText) -> Option<usize> {
    let LoggedText::Lines(lines) = lines else {
        return None;
    };
    if lines.is_empty() {
        return None;
    }
    let mut places = memchr::memmem::find_iter(body, lines);
    let first = places.next()?;
    let is_only = memchr::memmem::find(&body[first + 1..], lines).is_none();
    let begins_line = first == 0 || body[first - 1] == b'\n';
    (is_only && begins_line).then_some(first)
}

impl UndoError {
    fn later(later: &Entry, what: &str) -> Self {
        Self::Later {
            later: later.op.clone(),
            command: later.command.clone(),
            at: later.at.clone(),
            what: what.to_owned(),
        }
    }

    fn changed(entry: &Entry, what: &str) -> Self {
        Self::Changed {
            op: entry.op.clone(),
            what: what.to_owned(),
        }
    }

    fn too_large(entry: &Entry, what: &str) -> Self {
        Self::TooLarge {
            op: entry.op.clone(),
            what: what.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::changes::Changes;
    use crate::journal::line::Line;

    const STORY: &str =
        "---\nid: S-1\nstatus: ready\nn: 1\nupdated: '2026-01-01'\n---\none\ntwo\nthree\n";

    /// A story and its journal, as updates leave them. Operations are called a, b, c.
    struct Bench {
        story: Document,
        journal: Vec<u8>,
        names: std::ops::RangeInclusive<char>,
    }

    impl Bench {
        fn new() -> Self {
            Self {
                story: Document::parse(STORY).expect("a story"),
                journal: Vec::new(),
                names: 'a'..='z',
            }
        }

        fn change(mut self, edit: impl FnOnce(&mut Document)) -> Self {
            let before = self.story.clone();
            edit(&mut self.story);
            let op = self.names.next().expect("few operations").to_string();
            let entry = Entry {
                op: op.clone(),
                attempt: None,
                at: "then".to_owned(),
                owner: None,
                run: None,
                command: "test".to_owned(),
                before: before.revision().to_string(),
                after: self.story.revision().to_string(),
                changes: Vec::new(),
                body: None,
            };
            let entry = entry.with_changes(&Changes::between(&before, &self.story));
            self.journal.extend(Line::Entry(Box::new(entry)).to_bytes());
            self.journal.extend(Line::Own(op, State::Done).to_bytes());
            self
        }

        fn set(self, key: &str, value: impl Into<crate::value::Value>) -> Self {
            self.change(|story| {
                story.set(key, value).expect("it can be set");
            })
        }

        fn replace(self, old: &str, new: &str) -> Self {
            self.change(|story| replace(story, old, new))
        }

        /// Somebody without a journal does it.
        fn foreign(mut self, edit: impl FnOnce(&mut Document)) -> Self {
            edit(&mut self.story);
            self
        }

        fn undo(&self, op: Option<&str>) -> Result<String, OperationError> {
            let mut story = self.story.clone();
            undo(&mut story, &Journal::parse(&self.journal), op)?;
            Ok(story.as_str().expect("a text").to_owned())
        }

        #[track_caller]
        fn refuses(&self, op: &str, why: &str) {
            let refused = self.undo(Some(op)).expect_err(why);
            assert!(
                refused.to_string().contains(why),
                "it says {why:?}: {refused}"
            );
        }
    }

    fn replace(story: &mut Document, old: &str, new: &str) {
        let body = String::from_utf8(story.body().to_vec()).expect("a text");
        assert!(body.contains(old), "{old:?} is in the body");
        story.set_body(&body.replacen(old, new, 1));
    }

    #[test]
    fn undo_of_the_last_change_brings_the_story_back() {
        let benches = [
            Bench::new().set("status", "done"),
            Bench::new().replace("two\n", "2\n"),
            Bench::new().replace("three\n", "three\nfour\n"),
            Bench::new().replace("three\n", ""),
            Bench::new().change(|story| story.append_body("more")),
            Bench::new().change(|story| story.set_body("")),
            Bench::new().change(|story| {
                story.set("new", 1).expect("it can be set");
                story.increment("n", 4).expect("it can be added to");
                replace(story, "one\n", "1\n");
            }),
        ];
        for bench in benches {
            let undone = bench.undo(None).expect("it can be undone");
            assert_eq!(undone, STORY, "as it was before {:?}", bench.story.as_str());
        }
    }

    #[test]
    fn undo_leaves_updated_alone_unless_it_is_all() {
        let dated = Bench::new().change(|story| {
            story.set("n", 2).expect("it can be set");
            story.set("updated", "2026-02-02").expect("it can be set");
        });
        let undone = dated.undo(None).expect("it can be undone");
        assert!(
            undone.contains("n: 1") && undone.contains("2026-02-02"),
            "{undone}"
        );
        let later = dated.set("updated", "2026-03-03");
        assert!(
            later.undo(Some("a")).is_ok(),
            "a later date is in nobody's way"
        );
        let undone = later.undo(None).expect("it can be undone");
        assert!(undone.contains("2026-02-02"), "the date itself: {undone}");
    }

    #[test]
    fn undo_of_an_earlier_change_keeps_the_later_ones() {
        let bench = Bench::new()
            .set("status", "done")
            .replace("two\n", "2\n")
            .replace("one\n", "zero\none\n")
            .replace("three\n", "three\nfour\n");
        let undone = bench
            .undo(Some("a"))
            .expect("nobody touched the status since");
        assert!(
            undone.contains("status: ready\n") && undone.ends_with("zero\none\n2\nthree\nfour\n")
        );
        let undone = bench
            .undo(Some("b"))
            .expect("the lines around it have changed, not it");
        assert!(
            undone.ends_with("---\nzero\none\ntwo\nthree\nfour\n"),
            "{undone}"
        );
    }

    #[test]
    fn undo_is_refused_when_something_touched_the_same_since() {
        let bench = Bench::new().set("n", 2).set("n", 3).set("status", "done");
        bench.refuses("a", "operation b (test, then) has changed n since");
        let back = Bench::new().set("n", 2).set("n", 3).set("n", 2);
        back.refuses("a", "has changed n since");
        let body = Bench::new()
            .replace("two\n", "2\n2\n")
            .replace("2\n2\n", "2\nx\n2\n");
        body.refuses("a", "operation b (test, then) has changed the body since");
        let gone = Bench::new()
            .replace("two\n", "")
            .replace("one\n", "one\nhere\n");
        gone.refuses("a", "has changed the body since");
        let foreign = Bench::new().set("n", 2).foreign(|story| {
            story.set("n", 7).expect("it can be set");
        });
        foreign.refuses("a", "n is not what operation a left");
        let foreign = Bench::new()
            .replace("two\n", "2\n")
            .foreign(|story| replace(story, "2\n", "x\n"));
        foreign.refuses("a", "the body is not what operation a left");
    }

    #[test]
    fn undo_finds_lines_that_others_moved_only_if_there_are_no_others_like_them() {
        let moved = Bench::new()
            .replace("two\n", "2\n")
            .foreign(|story| replace(story, "one\n", "zero\none\n"));
        let undone = moved.undo(Some("a")).expect("the line is unique");
        assert!(undone.ends_with("zero\none\ntwo\nthree\n"), "{undone}");
        let doubled = Bench::new()
            .replace("two\n", "2\n")
            .foreign(|story| replace(story, "one\n", "2\n"));
        doubled.refuses("a", "the body is not what operation a left");
        let removed = Bench::new()
            .replace("two\n", "")
            .foreign(|story| replace(story, "one\n", "zero\n"));
        removed.refuses("a", "the body is not what operation a left");
    }

    #[test]
    fn undo_says_why_there_is_nothing_to_undo() {
        let bench = Bench::new();
        assert!(bench.undo(None).is_err(), "an empty journal");
        let bench = bench.set("n", 2);
        bench.refuses("z", "holds no operation z");
        let nothing = bench.change(|_| {});
        nothing.refuses("b", "changed no value");
        assert!(
            nothing.undo(None).is_ok_and(|undone| undone == STORY),
            "the last that changed something"
        );
        let large = "x".repeat(crate::journal::MAX_LOGGED_BYTES);
        let large = Bench::new().set("n", large.as_str()).set("n", 1);
        large.refuses("b", "too large for the journal");
        let mut void = Bench::new().set("n", 2);
        void.journal
            .extend(Line::Own("a".to_owned(), State::Void).to_bytes());
        void.refuses("a", "its state is void");
        assert!(void.undo(None).is_err(), "what was not done is not undone");
    }
}
