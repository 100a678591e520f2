//! Files in, values, messages and files out: `fixtures/stories`. `UPDATE_EXPECT=1` rewrites what
//! is expected; the difference is reviewed like code.

use std::path::{Path, PathBuf};

use serde_json::Value as Json;
use story::{Document, EditError, Value};

/// The files of one kind in one folder of the fixtures, by name.
fn fixtures(folder: &str, ending: &str) -> Vec<PathBuf> {
    let folder = testkit::fixtures().join("stories").join(folder);
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("the fixtures are there")
        .map(|entry| entry.expect("an entry can be read").path())
        .filter(|path| path.to_string_lossy().ends_with(ending))
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "there are fixtures");
    paths
}

/// Compares with the file that holds what is expected, or rewrites it.
#[expect(
    clippy::disallowed_methods,
    reason = "fixtures are rewritten by a person's wish only"
)]
fn expect(path: &Path, found: &[u8]) {
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(path, found).expect("the fixture can be written");
        return;
    }
    let expected = std::fs::read(path).unwrap_or_default();
    assert_eq!(
        String::from_utf8_lossy(found),
        String::from_utf8_lossy(&expected),
        "{} holds what is expected",
        path.display()
    );
    assert_eq!(
        found,
        expected,
        "{} holds what is expected, byte for byte",
        path.display()
    );
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let name = path
        .file_name()
        .expect("a fixture has a name")
        .to_string_lossy();
    let stem = name.split('.').next().expect("a name has a stem");
    path.with_file_name(format!("{stem}{ending}"))
}

#[test]
fn valid_stories_are_read_losslessly() {
    for path in fixtures("valid", ".md") {
        let bytes = std::fs::read(&path).expect("a fixture can be read");
        let story = Document::parse(bytes.as_slice())
            .unwrap_or_else(|err| panic!("{}: {err}", path.display()));
        assert_eq!(
            story.as_bytes(),
            bytes,
            "{}: each byte is kept",
            path.display()
        );
        crate::invariants::parse_is_lossless(&bytes);
        let values = format!("{:#}\n", story.to_value().to_json());
        expect(&beside(&path, ".json"), values.as_bytes());
    }
}

#[test]
fn invalid_stories_are_refused_with_line_and_column() {
    for path in fixtures("invalid", ".md") {
        let bytes = std::fs::read(&path).expect("a fixture can be read");
        let err = Document::parse(bytes).err();
        let err = err.unwrap_or_else(|| panic!("{} is refused", path.display()));
        expect(&beside(&path, ".error"), format!("{err}\n").as_bytes());
    }
}

#[test]
fn edits_change_what_they_mean_and_nothing_else() {
    for path in fixtures("edits", ".before.md") {
        let bytes = std::fs::read(&path).expect("a fixture can be read");
        let mut story =
            Document::parse(bytes).unwrap_or_else(|err| panic!("{}: {err}", path.display()));
        let edits =
            std::fs::read_to_string(beside(&path, ".edits.json")).expect("the edits can be read");
        let edits: Vec<Json> =
            serde_json::from_str(&edits).unwrap_or_else(|err| panic!("{}: {err}", path.display()));
        let mut outcomes = String::new();
        for edit in &edits {
            let before = story.clone();
            let outcome = match apply(&mut story, edit) {
                Ok(true) => "changed".to_owned(),
                Ok(false) => "unchanged".to_owned(),
                Err(err) => format!("refused: {err}"),
            };
            if outcome != "changed" {
                assert_eq!(
                    story,
                    before,
                    "{}: {outcome} means no byte changed",
                    path.display()
                );
            }
            outcomes.extend([outcome.as_str(), "\n"]);
        }
        expect(&beside(&path, ".outcome"), outcomes.as_bytes());
        expect(&beside(&path, ".after.md"), story.as_bytes());
        let again = Document::parse(story.as_bytes()).expect("the result is a story");
        assert!(
            crate::invariants::same(&again.to_value(), &story.to_value()),
            "{}: the result reads as it is held",
            path.display()
        );
    }
}

/// `["set", path, value]`, `["date", path, text]`, `["unset", path]`, `["increment", path, by]`,
/// `["push", path, value, cap]`, `["add", path, value]`, `["remove", path, value]`,
/// `["append_body", text]`, `["set_body", text]`.
fn apply(story: &mut Document, edit: &Json) -> Result<bool, EditError> {
    let text = |at: usize| {
        edit[at]
            .as_str()
            .unwrap_or_else(|| panic!("{edit} has a text at {at}"))
    };
    let value = |at: usize| Value::from_json(&edit[at]);
    match text(0) {
        "set" => story.set(text(1), value(2)),
        "date" => story.set(text(1), Value::Timestamp(text(2).to_owned())),
        "unset" => story.unset(text(1)),
        "increment" => story
            .increment(text(1), edit[2].as_i64().expect("a number"))
            .map(|_| true),
        "push" => {
            let cap = edit[3]
                .as_u64()
                .map(|cap| usize::try_from(cap).expect("a small number"));
            story.push(text(1), value(2), cap)
        }
        "add" => story.add_to_set(text(1), value(2)),
        "remove" => story.remove_from_set(text(1), &value(2)),
        "append_body" => {
            story.append_body(text(1));
            Ok(true)
        }
        "set_body" => {
            story.set_body(text(1));
            Ok(true)
        }
        other => panic!("{other} is no edit"),
    }
}
