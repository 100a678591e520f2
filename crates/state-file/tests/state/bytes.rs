//! Real-world files changed by programs that know one member of them: every other byte stays.

use std::fmt::Write as _;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use state_file::StateFile;
use testkit::Sandbox;

use crate::support::{PATIENCE, assert_no_leftovers, options};

fn fixture(name: &str) -> String {
    let path = testkit::fixtures().join("state").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|err| panic!("{}: {err}", path.display()))
}

/// Changes `text` in all three ways, and asserts that only `old` has become `new`.
fn assert_only<T: Serialize + DeserializeOwned + Clone>(
    text: &str,
    [old, new]: [&str; 2],
    change: impl Fn(&mut T),
) {
    assert_eq!(text.matches(old).count(), 1, "{old} stands there once");
    let expected = text.replace(old, new);
    let sandbox = Sandbox::new();
    for how in ["update", "update_optimistic", "replace_if"] {
        let path = sandbox.write("file.json", text);
        let file = StateFile::<T>::new(&path);
        let changed = |value: &T| {
            let mut value = value.clone();
            change(&mut value);
            value
        };
        let updated = match how {
            "update" => file.update(&options(PATIENCE), &change),
            "update_optimistic" => file.update_optimistic(&options(PATIENCE), changed),
            _ => {
                let seen = file.read().expect("it is readable");
                file.replace_if(&options(PATIENCE), &seen.version, &changed(&seen.value))
            }
        };
        updated.unwrap_or_else(|err| panic!("{how}: {err:?}"));
        let found = sandbox.read("file.json");
        assert!(
            found == expected,
            "{how}: only {old} has become {new}: {}",
            first_difference(&found, &expected)
        );
        assert_no_leftovers(&sandbox);
    }
}

/// Where two texts begin to differ, with what stands around.
fn first_difference(found: &str, expected: &str) -> String {
    let at = found
        .bytes()
        .zip(expected.bytes())
        .position(|(found, expected)| found != expected)
        .unwrap_or(found.len().min(expected.len()));
    let around = |text: &str| {
        let piece = text.as_bytes();
        let piece = &piece[at.saturating_sub(40)..piece.len().min(at + 40)];
        String::from_utf8_lossy(piece).into_owned()
    };
    format!("at {at}: {:?} for {:?}", around(found), around(expected))
}

#[derive(Clone, Serialize, Deserialize)]
struct Package {
    version: String,
}

#[test]
fn version_of_a_package_json_changes_alone() {
    let text = fixture("package.json");
    assert_only(&text, ["1.2.3", "1.2.4"], |package: &mut Package| {
        package.version = "1.2.4".to_owned();
    });
    // The same in one line, with other line ends, and without a final one.
    let variants = [
        text.replace('\n', " "),
        text.replace('\n', "\r\n"),
        text.trim_end().to_owned(),
        format!("\n\n{text}\n\n"),
    ];
    for text in variants {
        assert_only(&text, ["1.2.3", "1.2.4"], |package: &mut Package| {
            package.version = "1.2.4".to_owned();
        });
    }
}

#[test]
fn option_of_a_tsconfig_with_odd_indentation_changes_alone() {
    #[derive(Clone, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Config {
        compiler_options: Options,
        references: Vec<Reference>,
    }
    #[derive(Clone, Serialize, Deserialize)]
    struct Options {
        strict: bool,
    }
    #[derive(Clone, Serialize, Deserialize)]
    struct Reference {
        path: String,
    }
    let text = fixture("tsconfig.json");
    assert!(text.contains("\r\n\t"), "it has odd indentation and CRLF");
    assert_only(&text, ["false", "true"], |config: &mut Config| {
        config.compiler_options.strict = true;
    });
    assert_only(&text, ["../b", "../c"], |config: &mut Config| {
        config.references[1].path = "../c".to_owned();
    });
    assert_only(
        &text,
        [
            "\r\n   \"references\": [ { \"path\": \"../a\" }, ",
            "\r\n   \"references\": [ ",
        ],
        |config: &mut Config| {
            config.references.remove(0);
        },
    );
}

#[derive(Clone, Serialize, Deserialize)]
struct Board {
    tasks: Vec<Task>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Task {
    id: String,
    status: String,
}

/// A task list of 5 MB as tools write it, with members that [`Task`] does not know.
fn large_board() -> String {
    let mut text = "{\n  \"tasks\": [\n".to_owned();
    let mut number = 0;
    while text.len() < 5_000_000 {
        let comma = if number == 0 { "" } else { ",\n" };
        write!(
            text,
            "{comma}    {{\n      \"id\": \"task_{number}\",\n      \"title\": \"Do \\u00e4 thing \\\"{number}\\\"\",\n      \
             \"priority\": {},\n      \"status\": \"pending\",\n      \"estimate\": {}.50,\n      \"tags\": [\"a\", \"b\"],\n      \
             \"context\": {{ \"file\": \"src/{number}.rs\", \"lines\": [1, 2.0, 3e2] }}\n    }}",
            number % 5,
            number % 9,
        )
        .expect("a text takes everything");
        number += 1;
    }
    text.push_str("\n  ],\n  \"version\": 2.0\n}\n");
    text
}

#[test]
fn task_of_a_board_of_5_mb_changes_alone() {
    let text = large_board();
    let place = text.find("\"id\": \"task_9000\"").expect("it is there");
    let end = place + text[place..].find("pending").expect("it has a status") + "pending".len();
    let old = &text[place..end];
    let new = old.replace("pending", "completed");
    assert_only(&text, [old, &new], |board: &mut Board| {
        board.tasks[9000].status = "completed".to_owned();
    });
}

#[test]
fn task_taken_out_of_a_board_of_5_mb_takes_its_bytes_along_and_no_other() {
    let text = large_board();
    let from = text
        .find("    {\n      \"id\": \"task_70\",")
        .expect("there");
    let to = text
        .find("    {\n      \"id\": \"task_71\",")
        .expect("there");
    assert_only(&text, [&text[from..to], ""], |board: &mut Board| {
        board.tasks.remove(70);
    });
}
