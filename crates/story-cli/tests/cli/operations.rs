//! The table "Operations" of docs/contract.md, row by row, through the real binary.
//!
//! # Adding a row
//!
//! Write the row into the table: `| name | `story verb` | marks | what it does |`, with R, W and U as the table explains
//! them. A row with W needs `fixtures/operations/<name>.json` (the name in lower case, one hyphen for whatever is neither
//! letter nor digit); a row without may have one. It holds a list of cases:
//!
//! ```json
//! [
//!   {
//!     "name": "what this case shows",
//!     "before": ["---", "id: S-0034", "---"],
//!     "call": ["block", "S-0034", "--reason", "why"],
//!     "after": ["---", "id: S-0034", "status: blocked", "---"],
//!     "answer": { "changed": ["status"] }
//!   }
//! ]
//! ```
//!
//! - `before` and `after` are the lines of `.ai-sdlc/stories/S-0034/story.md`; every line ends with a line feed. Without
//!   `before` there is no such story. Without `after` not one byte of it may change.
//! - `call` is run with `--json --now 2026-03-04T05:06:07Z` in the folder that holds `.ai-sdlc`; it must begin with a verb of
//!   the row. `stdin` is what it reads.
//! - `answer`: these members, at any depth, must be in the line of JSON. `says`: these texts must be in it. `exit` is 0 unless
//!   it is given.
//! - `files` and `files_after` are more files, by their path in that folder: `{ ".ai-sdlc/stories/S-0034/plan.md": ["x"] }`;
//!   in `files_after`, null means that there is none.
//!
//! `UPDATE_EXPECT=1` writes `after` and `files_after` anew. Each W row needs a case that changes something. In a row with U
//! each change of the story leaves `updated: '2026-03-04'`, in one without it does not, unless the call says `--touch` or
//! `--no-touch`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use serde_json::{Map, Value};
use testkit::{Sandbox, SecondProcess, fixtures, workspace};

use crate::desk::{Desk, PATIENCE, TODAY, one_json};

const STORY: &str = ".ai-sdlc/stories/S-0034/story.md";
const NOW: &str = "2026-03-04T05:06:07Z";
const MEMBERS: [&str; 10] = [
    "name",
    "before",
    "files",
    "call",
    "stdin",
    "exit",
    "after",
    "files_after",
    "answer",
    "says",
];

/// The operations that the contract demands; counters have a row for each thing that can be done to them.
const DEMANDED: [&str; 43] = [
    "parse",
    "write",
    "set status",
    "set field",
    "append to section",
    "story context",
    "section path",
    "section read",
    "section write",
    "move (deprecated)",
    "create",
    "block",
    "diagnostic",
    "record refinement",
    "can retry refinement",
    "reset phase",
    "latest review feedback",
    "append refinement note",
    "effective max retries",
    "at max retries",
    "increment retry",
    "reset cycle",
    "append review",
    "latest review",
    "mark complete",
    "PR merged?",
    "mark merged",
    "auto-complete",
    "snapshot max retries",
    "total recovery",
    "increment total recovery",
    "reset total recovery",
    "implementation retries",
    "increment implementation retries",
    "reset implementation retries",
    "reset workflow state",
    "unblock",
    "link ticket",
    "human feedback",
    "approve",
    "make tasks",
    "task progress",
    "next task",
];

/// A row of the table.
struct Row {
    name: String,
    /// The words behind `story`, of each verb that does it.
    verbs: Vec<Vec<String>>,
    writes: bool,
    dates: bool,
}

impl Row {
    fn parse(line: &str) -> Self {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [name, verbs, marks, _] = cells[..] else {
            panic!("a row of the table of operations has four cells: {line}");
        };
        let verbs = verbs.split('`').skip(1).step_by(2);
        let words = |verb: &str| {
            let words = verb.split(' ').skip(1);
            let is_word = |word: &&str| word.starts_with(|c: char| c.is_ascii_lowercase());
            words.take_while(is_word).map(str::to_owned).collect()
        };
        let has = |mark: &str| marks.split(' ').any(|other| other == mark);
        Self {
            name: name.to_owned(),
            verbs: verbs.map(words).collect(),
            writes: has("W"),
            dates: has("U"),
        }
    }

    fn file_name(&self) -> String {
        let words: Vec<String> = self
            .name
            .to_lowercase()
            .split(|c: char| !c.is_ascii_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect();
        format!("{}.json", words.join("-"))
    }

    fn path(&self) -> PathBuf {
        fixtures().join("operations").join(self.file_name())
    }
}

fn rows() -> Vec<Row> {
    let page = fs::read_to_string(workspace().join("docs/contract.md")).expect("the page is there");
    let (_, section) = page
        .split_once("\n## Operations\n")
        .expect("the page has the section");
    let section = section.split("\n## ").next().unwrap_or_default();
    let lines = section.lines().filter(|line| line.starts_with('|'));
    // The first two are the heading and its underline.
    let rows: Vec<Row> = lines.skip(2).map(Row::parse).collect();
    assert!(rows.len() >= 12, "the table was found: {}", rows.len());
    rows
}

#[test]
fn every_row_has_a_verb_that_exists_and_a_name_of_its_own() {
    let desk = Desk::new();
    let mut names = BTreeSet::new();
    for row in rows() {
        assert!(!row.verbs.is_empty(), "{} has a verb", row.name);
        assert!(names.insert(row.file_name()), "{} stands once", row.name);
        for verb in &row.verbs {
            let words: Vec<&str> = verb.iter().map(String::as_str).collect();
            let help = desk.expect(0, &[&words, &["--help"][..]].concat()).stdout;
            let usage = format!("Usage: story {}", words.join(" "));
            assert!(help.contains(&usage), "{} is done by {words:?}", row.name);
        }
    }
    let listed = fs::read_dir(fixtures().join("operations")).expect("the cases can be listed");
    for entry in listed {
        let name = entry.expect("an entry").file_name();
        let name = name.to_string_lossy().into_owned();
        assert!(
            names.contains(&name),
            "{name} belongs to a row of the table"
        );
    }
}

#[test]
fn no_operation_that_the_contract_demands_is_left_out() {
    let names: BTreeSet<String> = rows().into_iter().map(|row| row.name).collect();
    for demanded in DEMANDED {
        assert!(names.contains(demanded), "{demanded} has a row: {names:?}");
    }
}

#[test]
fn every_row_that_writes_does_what_its_cases_say() {
    for row in rows() {
        let path = row.path();
        let Ok(text) = fs::read_to_string(&path) else {
            assert!(
                !row.writes,
                "{} writes, so it needs {}",
                row.name,
                path.display()
            );
            continue;
        };
        let mut cases: Vec<Case> = match serde_json::from_str(&text) {
            Ok(Value::Array(cases)) => cases
                .into_iter()
                .map(|case| Case::new(&row, case))
                .collect(),
            other => panic!("{} is a list of cases: {other:?}", path.display()),
        };
        let changing = cases
            .iter_mut()
            .filter_map(|case| case.run(&row).then_some(()));
        let changing = changing.count();
        assert!(
            changing > 0 || !row.writes,
            "{} has a case that changes something",
            row.name
        );
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            let cases: Vec<Value> = cases.into_iter().map(|case| case.members.into()).collect();
            let text = serde_json::to_string_pretty(&cases).expect("it is JSON") + "\n";
            let rewritten =
                Sandbox::inside(&std::env::temp_dir()).expect("fixtures can be written");
            let path_of_new = rewritten.write("new.json", text);
            fs::copy(path_of_new, &path).expect("a fixture can be written");
        }
    }
}

/// A case of a row.
struct Case {
    title: String,
    members: Map<String, Value>,
}

impl Case {
    fn new(row: &Row, case: Value) -> Self {
        let Value::Object(members) = case else {
            panic!("a case of {} is an object: {case}", row.name);
        };
        let title = format!("{}: {}", row.name, members["name"]);
        for member in members.keys() {
            assert!(
                MEMBERS.contains(&member.as_str()),
                "{title}: what is {member}?"
            );
        }
        Self { title, members }
    }

    /// Runs it and says whether it changed anything.
    fn run(&mut self, row: &Row) -> bool {
        let desk = Desk::empty();
        let before = self.files("files", "before");
        for (path, text) in &before {
            desk.sandbox
                .write(path, text.as_deref().unwrap_or_default());
        }
        let answer = self.call(row, &desk);
        self.judge(&answer);
        let mut expected = before.clone();
        expected.extend(self.files("files_after", "after"));
        let read = |path: &String| {
            let text = fs::read_to_string(desk.sandbox.join(path)).ok();
            (path.clone(), text)
        };
        let found: Files = expected.keys().map(read).collect();
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            self.note(&before, &found);
        } else {
            for (path, text) in &found {
                let title = &self.title;
                assert_eq!(*text, expected[path], "{title}: {path} afterwards");
            }
        }
        self.assert_dated(row, &before, &found);
        let left = testkit::leftovers(desk.sandbox.path());
        assert!(left.is_empty(), "{}: nothing is left: {left:?}", self.title);
        before != found
    }

    fn call(&self, row: &Row, desk: &Desk) -> String {
        let call = self.texts("call");
        let is_of_row = |verb: &Vec<String>| call.starts_with(verb);
        assert!(
            row.verbs.iter().any(is_of_row),
            "{}: calls its verb",
            self.title
        );
        let mut command = desk.story(&["--json", "--now", NOW]);
        let mut process = SecondProcess::spawn(command.args(&call));
        if let Some(input) = self.members.get("stdin").and_then(Value::as_str) {
            input.lines().for_each(|line| process.send_line(line));
        }
        let finished = process.wait(PATIENCE);
        let exit = self
            .members
            .get("exit")
            .and_then(Value::as_i64)
            .unwrap_or(0);
        assert_eq!(
            finished.status.code().map(i64::from),
            Some(exit),
            "{}: the exit code: {finished:?}",
            self.title
        );
        finished.stdout
    }

    fn judge(&self, answer: &str) {
        if let Some(expected) = self.members.get("answer") {
            assert_within(expected, &one_json(answer), &self.title);
        }
        for text in self.texts("says") {
            assert!(
                answer.contains(&text),
                "{}: {answer} says {text:?}",
                self.title
            );
        }
    }

    fn assert_dated(&self, row: &Row, before: &Files, found: &Files) {
        let call = self.texts("call");
        let is_told = call.iter().any(|word| word.ends_with("touch"));
        let (Some(Some(old)), Some(Some(new))) = (before.get(STORY), found.get(STORY)) else {
            return;
        };
        if old == new || is_told {
            return;
        }
        let is_dated = new.contains(&format!("\nupdated: '{TODAY}'"));
        assert_eq!(
            is_dated, row.dates,
            "{}: `updated` as the row says",
            self.title
        );
    }

    /// Takes what was found for what should be.
    fn note(&mut self, before: &Files, found: &Files) {
        for member in ["after", "files_after"] {
            self.members.remove(member);
        }
        let mut files = Map::new();
        for (path, text) in found
            .iter()
            .filter(|(path, text)| before.get(*path) != Some(*text))
        {
            let lines = text.as_deref().map_or(Value::Null, |text| {
                let lines = text.strip_suffix('\n').unwrap_or(text).split('\n');
                lines.map(Value::from).collect()
            });
            if path == STORY {
                self.members.insert("after".to_owned(), lines);
            } else {
                files.insert(path.clone(), lines);
            }
        }
        if !files.is_empty() {
            self.members.insert("files_after".to_owned(), files.into());
        }
    }

    fn files(&self, files: &str, story: &str) -> Files {
        let mut found = Files::new();
        if let Some(Value::Object(files)) = self.members.get(files) {
            found.extend(
                files
                    .iter()
                    .map(|(path, lines)| (path.clone(), text_of(lines))),
            );
        }
        if let Some(lines) = self.members.get(story) {
            found.insert(STORY.to_owned(), text_of(lines));
        }
        found
    }

    fn texts(&self, member: &str) -> Vec<String> {
        let items = self.members.get(member).and_then(Value::as_array);
        let texts = items.into_iter().flatten().map(|item| {
            let text = item.as_str();
            text.unwrap_or_else(|| panic!("{}: texts in {member}", self.title))
                .to_owned()
        });
        texts.collect()
    }
}

/// Files by their path; `None`: it is not there.
type Files = BTreeMap<String, Option<String>>;

fn text_of(lines: &Value) -> Option<String> {
    let mut text = String::new();
    for line in lines.as_array()? {
        text.push_str(line.as_str().expect("lines are texts"));
        text.push('\n');
    }
    Some(text)
}

/// Demands that all members of `expected` are in `found`.
fn assert_within(expected: &Value, found: &Value, title: &str) {
    match (expected, found) {
        (Value::Object(expected), Value::Object(members)) => {
            for (name, expected) in expected {
                let found = members.get(name);
                let found = found.unwrap_or_else(|| panic!("{title}: no {name} in {members:?}"));
                assert_within(expected, found, title);
            }
        }
        _ => assert_eq!(found, expected, "{title}: the answer"),
    }
}
