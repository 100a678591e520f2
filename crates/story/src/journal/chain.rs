//! What a journal says: which attempts were done, and which changes of the file it does not explain. Pure.

use std::collections::HashMap;

use crate::document::Document;
use crate::journal::line::{Entry, Line, Seen, State};
use crate::path::{self, Step};
use crate::value::Value;

/// A journal in memory.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Journal {
    records: Vec<Record>,
    words: HashMap<String, Words>,
    torn: usize,
}

#[derive(Debug, Clone, PartialEq)]
enum Record {
    Entry(Box<Entry>),
    Seen(Seen),
}

impl Record {
    /// The revision that the file had when this was written.
    fn found(&self) -> &str {
        match self {
            Self::Entry(entry) => &entry.before,
            Self::Seen(seen) => &seen.revision,
        }
    }
}

/// An attempt: its place among the records, and what became of it.
type Judged<'a> = (usize, &'a Entry, State);

/// What was said about one attempt. Its own process knows; others judge by what they find.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Words {
    own: Option<State>,
    settled: Option<State>,
}

/// A change of the file that no line explains.
#[derive(Debug, Clone, PartialEq)]
pub struct Gap<'a> {
    /// The last line before it.
    pub after: &'a Entry,
    /// The first change behind it; `None`: it is the present version that differs.
    pub until: Option<&'a Entry>,
    /// What the file was, by its lines.
    pub from: &'a str,
    /// What it was found as.
    pub to: String,
    /// Keys of the journal whose values are not what the last line left. Others may have changed, too.
    pub keys: Vec<String>,
    /// Changes that it took back: the file was found as it had been before them. Somebody wrote an old copy.
    pub lost: Vec<&'a Entry>,
}

impl Journal {
    /// Reads the lines. Those that are torn, or of a later version, are left out and counted.
    pub fn parse(bytes: &[u8]) -> Self {
        let mut journal = Self::default();
        for line in bytes
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
        {
            match Line::parse(line) {
                Some(Line::Entry(entry)) => journal.records.push(Record::Entry(entry)),
                Some(Line::Seen(seen)) => journal.records.push(Record::Seen(seen)),
                Some(Line::Own(key, state)) => {
                    journal.words.entry(key).or_default().own = Some(state);
                }
                Some(Line::Settled(key, state)) => {
                    journal.words.entry(key).or_default().settled = Some(state);
                }
                None => journal.torn += 1,
            }
        }
        journal
    }

    /// How many lines could not be read.
    pub fn torn(&self) -> usize {
        self.torn
    }

    /// The attempts, oldest first, with what became of them. `present` is the story's revision now.
    pub fn entries<'a>(&'a self, present: &str) -> Vec<(&'a Entry, State)> {
        let judged = self.judged(present).into_iter();
        judged.map(|(_, entry, state)| (entry, state)).collect()
    }

    fn judged<'a>(&'a self, present: &str) -> Vec<Judged<'a>> {
        let nexts = self.records[1.min(self.records.len())..]
            .iter()
            .map(Record::found);
        let records = self.records.iter().zip(nexts.chain([present]));
        let judged = records
            .enumerate()
            .filter_map(|(at, (record, next))| match record {
                Record::Entry(entry) => Some((at, &**entry, self.state_of(entry, next))),
                Record::Seen(_) => None,
            });
        judged.collect()
    }

    /// `next` is the revision that the file had at the next line.
    fn state_of(&self, entry: &Entry, next: &str) -> State {
        let words = self.words.get(entry.key()).copied().unwrap_or_default();
        words
            .own
            .or(words.settled)
            .unwrap_or_else(|| judge(entry, next))
    }

    /// The last attempt, if nobody has said yet what became of it, with what the present revision says.
    pub(crate) fn unsettled<'a>(&'a self, present: &str) -> Option<(&'a Entry, State)> {
        let Some(Record::Entry(entry)) = self.records.last() else {
            return None;
        };
        let is_settled = self.words.contains_key(entry.key());
        (!is_settled).then(|| (&**entry, judge(entry, present)))
    }

    /// What became of the operation that a caller gave this id: done if any attempt was, else as of the last one.
    pub(crate) fn operation<'a>(&'a self, op: &str, present: &str) -> Option<(&'a Entry, State)> {
        let mut last = None;
        for (_, entry, state) in self.judged(present) {
            if entry.op != op {
                continue;
            }
            if state == State::Done {
                return Some((entry, state));
            }
            last = Some((entry, state));
        }
        last
    }

    /// Whether every change since the entry with this key is explained, so that what it left can be found again.
    pub(crate) fn is_unbroken_since(&self, key: &str, present: &str) -> bool {
        let mut expected: Option<&str> = None;
        for (_, entry, state) in self.judged(present) {
            let is_reached = expected.is_some() || entry.key() == key;
            if !is_reached || state == State::Void {
                continue;
            }
            if state == State::Unknown || expected.is_some_and(|expected| expected != entry.before)
            {
                return false;
            }
            expected = Some(&entry.after);
        }
        expected == Some(present)
    }

    /// Whether every change from the revision `then` to the revision `present` was made by runs that `is_its` knows: an unbroken
    /// chain of lines. A change that was made without a journal, by nobody's run, or whose outcome nobody knows, is somebody else's.
    ///
    /// It asks about contents: what led to `then` does not matter, nor what happened before the file had these bytes for the last
    /// time, for whoever brought them back wanted them.
    pub fn is_only_of(&self, then: &str, present: &str, is_its: impl Fn(&str) -> bool) -> bool {
        let mut expected = present;
        for (_, entry, state) in self.judged(present).into_iter().rev() {
            if expected == then {
                return true;
            }
            if state == State::Void || entry.before == entry.after {
                continue;
            }
            let is_its = entry.run.as_deref().is_some_and(&is_its);
            if state == State::Unknown || entry.after != expected || !is_its {
                return false;
            }
            expected = &entry.before;
        }
        expected == then
    }

    /// The changes that no line explains, oldest first, since the last version that somebody accepted.
    ///
    /// Attempts that came to nothing are passed over: what they found, the next line finds again.
    pub fn gaps(&self, story: &Document) -> Vec<Gap<'_>> {
        let present = story.revision().to_string();
        let accepted = self
            .records
            .iter()
            .rposition(|record| matches!(record, Record::Seen(_)));
        let mut expected = match accepted.map(|at| &self.records[at]) {
            Some(Record::Seen(seen)) => Some(seen.revision.as_str()),
            _ => None,
        };
        let entries: Vec<_> = self
            .judged(&present)
            .into_iter()
            .filter(|(_, _, state)| *state != State::Void)
            .collect();
        let mut gaps = Vec::new();
        for (number, (at, entry, _)) in entries.iter().enumerate() {
            if accepted.is_some_and(|accepted| *at < accepted) {
                continue;
            }
            if let Some(from) = expected.filter(|from| *from != entry.before) {
                gaps.extend(gap(&entries, number, from, &entry.before, story));
            }
            expected = Some(&entry.after);
        }
        if let Some(from) = expected.filter(|from| *from != present) {
            gaps.extend(gap(&entries, entries.len(), from, &present, story));
        }
        gaps
    }
}

/// What the file tells about an attempt about which nobody has said a word.
fn judge(entry: &Entry, next: &str) -> State {
    if next == entry.after {
        State::Done
    } else if next == entry.before {
        State::Void
    } else {
        State::Unknown
    }
}

/// The gap before the entry of this number; `None` where no entry is left that it could come after.
fn gap<'a>(
    entries: &[Judged<'a>],
    number: usize,
    from: &'a str,
    to: &str,
    story: &Document,
) -> Option<Gap<'a>> {
    let (earlier, later) = entries.split_at(number);
    let entry_of = |(_, entry, _): &Judged<'a>| *entry;
    let earlier: Vec<&'a Entry> = earlier.iter().map(entry_of).collect();
    let later: Vec<&'a Entry> = later.iter().map(entry_of).collect();
    let lost = earlier.iter().rposition(|entry| entry.before == to);
    Some(Gap {
        after: earlier.last()?,
        until: later.first().copied(),
        from,
        to: to.to_owned(),
        keys: differing_keys(&earlier, &later, story),
        lost: lost.map_or_else(Vec::new, |first| earlier[first..].to_vec()),
    })
}

/// Keys whose value behind the gap, as far as it is known, is not what the lines before it left.
fn differing_keys(earlier: &[&Entry], later: &[&Entry], story: &Document) -> Vec<String> {
    let mut keys: Vec<&str> = Vec::new();
    for change in earlier.iter().rev().flat_map(|entry| &entry.changes) {
        if !keys.contains(&change.key.as_str()) {
            keys.push(&change.key);
        }
    }
    let change_of = |entry: &&Entry, key: &str| {
        entry
            .changes
            .iter()
            .find(|change| change.key == key)
            .cloned()
    };
    let differs = |key: &&str| {
        let left = earlier.iter().rev().find_map(|entry| change_of(entry, key));
        let found = later.iter().find_map(|entry| change_of(entry, key));
        match (left, found) {
            (Some(left), Some(found)) => !left.new.same(&found.old),
            (Some(left), None) => !left.new.is(value_of(story, key).as_ref()),
            (None, _) => false,
        }
    };
    keys.into_iter()
        .filter(differs)
        .map(str::to_owned)
        .collect()
}

/// The value of a top-level key, whatever characters are in it.
pub(crate) fn value_of(story: &Document, key: &str) -> Option<Value> {
    story.get(&path_of(key)).ok().flatten()
}

/// The path of a top-level key.
pub(crate) fn path_of(key: &str) -> String {
    path::display(&[Step::Key(key.to_owned())])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::encoding::Logged;
    use crate::journal::line::EntryChange;

    /// A story whose revision is known by its letter.
    fn story(letter: &str) -> Document {
        Document::parse(format!("---\nk: {letter}\n---\n")).expect("a story")
    }

    fn revision(letter: &str) -> String {
        story(letter).revision().to_string()
    }

    /// Lines as words: `a>b` is a change from a to b named by those letters, `done:a>b`, `void:a>b`, `judged-done:a>b` and
    /// so on are words about it, `seen:b` a version that was accepted, anything else a torn line.
    fn journal(lines: &str) -> Journal {
        let mut bytes = Vec::new();
        for line in lines.split(' ') {
            let (word, about) = line.split_once(':').unwrap_or(("", line));
            let line = match (word, about.split_once('>')) {
                ("", Some((before, after))) => entry(about, before, after),
                ("done", _) => Line::Own(about.to_owned(), State::Done),
                ("void", _) => Line::Own(about.to_owned(), State::Void),
                ("judged-done", _) => Line::Settled(about.to_owned(), State::Done),
                ("judged-void", _) => Line::Settled(about.to_owned(), State::Void),
                ("judged-unknown", _) => Line::Settled(about.to_owned(), State::Unknown),
                ("seen", _) => Line::Seen(Seen {
                    revision: revision(about),
                    at: String::new(),
                    owner: None,
                }),
                _ => {
                    bytes.extend_from_slice(b"{\"v\":1,\"op\n");
                    continue;
                }
            };
            bytes.extend(line.to_bytes());
        }
        Journal::parse(&bytes)
    }

    /// Behind a `@` in the name stands the run.
    fn entry(name: &str, before: &str, after: &str) -> Line {
        let (after, run) = match after.split_once('@') {
            Some((after, run)) => (after, Some(run.to_owned())),
            None => (after, None),
        };
        let logged = |letter: &str| Logged::Value(letter.into());
        Line::Entry(Box::new(Entry {
            op: name.to_owned(),
            attempt: None,
            at: String::new(),
            owner: None,
            run,
            command: String::new(),
            before: revision(before),
            after: revision(after),
            changes: vec![EntryChange {
                key: "k".to_owned(),
                old: logged(before),
                new: logged(after),
            }],
            body: None,
        }))
    }

    #[test]
    fn state_of_an_attempt_follows_from_words_and_revisions() {
        let table = [
            ("a>b done:a>b", "x", "done"),
            ("a>b void:a>b", "b", "void"),
            // Without a word the file tells.
            ("a>b", "b", "done"),
            ("a>b", "a", "void"),
            ("a>b", "c", "unknown"),
            ("a>b torn", "b", "done"),
            // Nothing was to be changed.
            ("a>a done:a>a", "x", "done"),
            // The next line tells what the file was then.
            ("a>b b>c done:b>c", "c", "done done"),
            ("a>b a>c done:a>c", "c", "void done"),
            ("a>b x>c done:x>c", "c", "unknown done"),
            ("a>b seen:b", "x", "done"),
            // Who made the attempt knows better than who found it, whoever spoke first.
            ("a>b judged-void:a>b done:a>b", "b", "done"),
            ("a>b done:a>b judged-void:a>b", "b", "done"),
            ("a>b judged-done:a>b void:a>b", "b", "void"),
            ("a>b judged-unknown:a>b", "b", "unknown"),
            // A word whose line was dropped is about nothing.
            ("done:z>a a>b done:a>b", "b", "done"),
        ];
        for (lines, present, expected) in table {
            let journal = journal(lines);
            let entries = journal.entries(&revision(present));
            let states: Vec<_> = entries.iter().map(|(_, state)| state.name()).collect();
            assert_eq!(
                states.join(" "),
                expected,
                "{lines} with the file at {present}"
            );
        }
    }

    #[test]
    fn last_attempt_without_a_word_is_to_be_settled() {
        let table = [
            ("a>b", "b", Some(State::Done)),
            ("a>b torn", "a", Some(State::Void)),
            ("a>b done:a>b b>c", "x", Some(State::Unknown)),
            ("a>b done:a>b", "b", None),
            ("a>b judged-unknown:a>b", "b", None),
            ("a>b seen:b", "b", None),
            ("torn", "b", None),
        ];
        for (lines, present, expected) in table {
            let journal = journal(lines);
            let found = journal
                .unsettled(&revision(present))
                .map(|(_, state)| state);
            assert_eq!(found, expected, "{lines} with the file at {present}");
        }
    }

    #[test]
    fn gaps_are_the_changes_that_no_line_explains() {
        // Each gap: the line before it, the line behind it or `now`, the keys, the lost changes.
        let table: [(&str, &str, &[&str]); 13] = [
            ("a>b done:a>b b>c done:b>c", "c", &[]),
            ("a>b done:a>b", "x", &["a>b now k"]),
            ("a>b done:a>b x>c done:x>c", "c", &["a>b x>c k"]),
            (
                "a>b done:a>b x>c done:x>c",
                "y",
                &["a>b x>c k", "x>c now k"],
            ),
            // Killed before the commit, or in it.
            ("a>b done:a>b b>c", "b", &[]),
            ("a>b done:a>b b>c", "c", &[]),
            ("a>b done:a>b b>c", "x", &["b>c now k"]),
            // An attempt that came to nothing, and whatever it found.
            ("a>b done:a>b x>c void:x>c b>d done:b>d", "d", &[]),
            // Somebody wrote an old copy.
            ("a>b done:a>b b>c done:b>c", "b", &["b>c now k lost:b>c"]),
            (
                "a>b done:a>b b>c done:b>c",
                "a",
                &["b>c now k lost:a>b,b>c"],
            ),
            // Accepted.
            ("a>b done:a>b seen:x", "x", &[]),
            (
                "a>b done:a>b x>c done:x>c seen:c c>d done:c>d",
                "y",
                &["c>d now k"],
            ),
            ("seen:a a>b done:a>b", "b", &[]),
        ];
        for (lines, present, expected) in table {
            let journal = journal(lines);
            let found: Vec<String> = journal.gaps(&story(present)).iter().map(told).collect();
            assert_eq!(found, expected, "{lines} with the file at {present}");
        }
        let empty = Journal::parse(b"");
        assert_eq!(
            empty.gaps(&story("a")),
            [],
            "without a journal there is nothing to explain"
        );
    }

    fn told(gap: &Gap<'_>) -> String {
        let until = gap.until.map_or("now", |entry| &entry.op);
        let mut text = format!("{} {until} {}", gap.after.op, gap.keys.join(","));
        let lost: Vec<_> = gap.lost.iter().map(|entry| entry.op.as_str()).collect();
        if !lost.is_empty() {
            text.push_str(" lost:");
            text.push_str(&lost.join(","));
        }
        text
    }

    #[test]
    fn chain_is_only_of_a_run_when_every_change_since_then_is_its() {
        let table = [
            ("a>b@r done:a>b@r", "a", "b", true),
            ("a>b@r done:a>b@r b>c@r done:b>c@r", "a", "c", true),
            ("a>b@r done:a>b@r b>c@r done:b>c@r", "b", "c", true),
            // What led to the version of then is not asked.
            ("x>a done:x>a a>b@r done:a>b@r", "a", "b", true),
            ("a>b@other done:a>b@other b>c@r done:b>c@r", "b", "c", true),
            // Without a word the file tells, and attempts in vain are passed over, whoever made them.
            ("a>b@r", "a", "b", true),
            ("a>x void:a>x a>b@r done:a>b@r", "a", "b", true),
            ("a>b@r done:a>b@r b>x", "a", "b", true),
            ("a>b@r done:a>b@r b>b done:b>b", "a", "b", true),
            // Others.
            ("a>b done:a>b", "a", "b", false),
            ("a>b@other done:a>b@other", "a", "b", false),
            ("a>b@r done:a>b@r b>c done:b>c", "a", "c", false),
            ("a>b done:a>b b>c@r done:b>c@r", "a", "c", false),
            // Changes that no line explains: at the end, in the middle, at the beginning.
            ("a>b@r done:a>b@r", "a", "x", false),
            ("a>b@r done:a>b@r x>c@r done:x>c@r", "a", "c", false),
            ("x>c@r done:x>c@r", "a", "c", false),
            ("a>b@r seen:x x>c@r done:x>c@r", "a", "c", false),
            (
                "a>b@r judged-unknown:a>b@r b>c@r done:b>c@r",
                "a",
                "c",
                false,
            ),
            ("torn", "a", "b", false),
        ];
        for (lines, then, present, expected) in table {
            let journal = journal(lines);
            let (then, present) = (revision(then), revision(present));
            let found = journal.is_only_of(&then, &present, |run| run == "r");
            assert_eq!(found, expected, "{lines} with the file at {present}");
        }
    }

    #[test]
    fn operation_was_done_if_one_of_its_attempts_was() {
        let attempt = |number: &str, before: &str, after: &str| {
            let Line::Entry(mut entry) = entry("mine", before, after) else {
                panic!("it is an entry");
            };
            entry.attempt = Some(number.to_owned());
            Line::Entry(entry).to_bytes()
        };
        let word = |number: &str, state| Line::Own(number.to_owned(), state).to_bytes();
        let first = [attempt("1", "a", "b"), word("1", State::Void)].concat();
        let second = [
            first.clone(),
            attempt("2", "a", "b"),
            word("2", State::Done),
        ]
        .concat();
        let third = [
            second.clone(),
            attempt("3", "b", "c"),
            word("3", State::Void),
        ]
        .concat();
        let table = [
            (&first, Some(State::Void)),
            (&second, Some(State::Done)),
            (&third, Some(State::Done)),
        ];
        for (bytes, expected) in table {
            let journal = Journal::parse(bytes);
            let found = journal.operation("mine", "x").map(|(_, state)| state);
            assert_eq!(found, expected, "{}", String::from_utf8_lossy(bytes));
            assert_eq!(journal.operation("other", "x"), None, "an id of nobody");
        }
    }
}
