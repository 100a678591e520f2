//! Files as people and programs write them.

use json_text::{JsonText, Path};
use serde_json::{Value, json};

use crate::edits::{assert_is, json, path, text};

const PACKAGE: &str = r#"{
  "name": "@team/tool",
  "version": "1.4.0",
  "private": true,

  "scripts": {
    "build": "tsc -p . && node \"scripts/post.js\"",
    "test": "vitest run --dir \u0074ests"
  },
  "files": ["dist", "README.md"],
  "engines": { "node": ">=20" },
  "exports": {
    ".": { "types": "./dist/index.d.ts", "default": "./dist/index.js" },
    "./package.json": "./package.json"
  },
  "dependencies": {}
}
"#;

#[test]
fn package_json_keeps_every_other_byte() {
    let table = [
        ("version", r#""1.5.0""#, "1.4.0", "1.5.0"),
        (
            "scripts.lint",
            r#""eslint""#,
            "\\u0074ests\"\n",
            "\\u0074ests\",\n    \"lint\": \"eslint\"\n",
        ),
        (
            "engines.npm",
            r#"">=10""#,
            "\">=20\" }",
            "\">=20\", \"npm\": \">=10\" }",
        ),
        (
            "/exports/.~1cli",
            r#"{"default":"./cli.js"}"#,
            "./package.json\"\n  }",
            "./package.json\",\n    \"./cli\": {\n      \"default\": \"./cli.js\"\n    }\n  }",
        ),
        (
            "/exports/./import",
            "null",
            "index.js\" }",
            "index.js\", \"import\": null }",
        ),
        (
            "/dependencies/@types~1node",
            r#""^22.0.0""#,
            "{}\n}",
            "{\n    \"@types/node\": \"^22.0.0\"\n  }\n}",
        ),
        (
            "type",
            r#""module""#,
            "{}\n}",
            "{},\n  \"type\": \"module\"\n}",
        ),
    ];
    let mut all = text(PACKAGE);
    let mut wanted = PACKAGE.to_owned();
    for (at, value, old, new) in table {
        let mut edited = text(PACKAGE);
        edited.set(&path(at), &json(value)).expect("it fits");
        assert_is(&edited, &PACKAGE.replacen(old, new, 1), at);
        all.set(&path(at), &json(value)).expect("it fits");
        wanted = wanted.replacen(old, new, 1);
        assert_eq!(
            all.raw(&path(at)).map(|raw| raw.replace(['\n', ' '], "")),
            Some(value.replace(' ', "")),
            "it is there: {at}"
        );
    }
}

#[test]
fn package_json_loses_only_the_line_of_what_is_removed() {
    let mut edited = text(PACKAGE);
    edited
        .push(&path("files"), &json("\"bin\""))
        .expect("it is a list");
    assert_is(
        &edited,
        &PACKAGE.replacen("\"README.md\"]", "\"README.md\", \"bin\"]", 1),
        "a file more",
    );
    for (at, gone) in [
        ("private", "  \"private\": true,\n"),
        (
            "scripts.build",
            "    \"build\": \"tsc -p . && node \\\"scripts/post.js\\\"\",\n",
        ),
        (
            "/exports/.~1package.json",
            ",\n    \"./package.json\": \"./package.json\"",
        ),
        ("dependencies", ",\n  \"dependencies\": {}"),
    ] {
        let mut edited = text(PACKAGE);
        assert_eq!(edited.unset(&path(at)), Ok(true), "{at} is there");
        assert_is(&edited, &PACKAGE.replacen(gone, "", 1), at);
    }
}

#[test]
fn tsconfig_with_odd_indentation_keeps_it() {
    let before = "{\r\n\t\"compilerOptions\": {\r\n\t\t  \"target\" : \"ES2022\",\r\n\t\t  \"lib\": [ \"ES2022\",\r\n\t\t           \"DOM\" ],\r\n\t\t  \"paths\":{\"@/*\":[\"src/*\"]}},\r\n\t\"include\": [\r\n\"src\"\r\n\t] }";
    let table = [
        (
            "compilerOptions.strict",
            "true",
            "src/*\"]}",
            "src/*\"]},\r\n\t\t  \"strict\":true",
        ),
        (
            "compilerOptions.plugins",
            "[{\"name\":\"x\"}]",
            "src/*\"]}",
            "src/*\"]},\r\n\t\t  \"plugins\":[\r\n\t\t  \t  {\r\n\t\t  \t  \t  \"name\":\"x\"\r\n\t\t  \t  }\r\n\t\t  ]",
        ),
        (
            "/compilerOptions/paths/~0~1*",
            "[\"lib/*\"]",
            "[\"src/*\"]",
            "[\"src/*\"],\"~/*\":[\"lib/*\"]",
        ),
        ("compilerOptions.target", "\"ES2023\"", "ES2022", "ES2023"),
        ("exclude", "[]", "\t] }", "\t],\r\n\t\"exclude\": [] }"),
    ];
    for (at, value, old, new) in table {
        let mut edited = text(before);
        edited.set(&path(at), &json(value)).expect("it fits");
        assert_is(&edited, &before.replacen(old, new, 1), at);
    }
    for (at, item, old, new) in [
        (
            "compilerOptions.lib",
            "\"X\"",
            "\"DOM\" ]",
            "\"DOM\",\r\n\t\t           \"X\" ]",
        ),
        (
            "include",
            "\"tests\"",
            "\"src\"\r\n",
            "\"src\",\r\n\"tests\"\r\n",
        ),
    ] {
        let mut edited = text(before);
        edited.push(&path(at), &json(item)).expect("it is a list");
        assert_is(&edited, &before.replacen(old, new, 1), at);
    }
}

/// A board of that many tasks, pretty-printed, with texts of some length: 10,000 make 5 MB.
fn board(tasks: usize) -> String {
    let task = |number: usize| {
        json!({
            "id": format!("task_{}_{number:06}", 1_760_000_000_000_u64 + number as u64),
            "title": format!("Task {number}: läßt sich \"teilen\"\n"),
            "priority": number % 5,
            "status": "pending",
            "assignee": null,
            "tags": ["x", "y"],
            "dependencies": [],
            "context": {"files": ["src/a.rs", "src/b.rs"], "weight": 1.5},
            "history": [{"at": "2026-11-22T00:00:00.000Z", "agent": "a", "action": "created"}],
        })
    };
    let tasks: Vec<_> = (0..tasks).map(task).collect();
    format!("{:#}\n", json!({ "tasks": tasks, "version": 1 }))
}

#[test]
fn tasks_json_of_five_megabytes_keeps_every_other_byte() {
    let before = board(10_000);
    assert!(
        before.len() > 5_000_000,
        "it is that large: {}",
        before.len()
    );
    let mut edited = text(&before);
    let task = Path::whole().key("tasks").index(5_000);
    let start = before
        .find("task_1760000005000_005000")
        .expect("it is there");
    let (head, tail) = before.split_at(start);
    let mut tail = tail.to_owned();
    let mut put = |edited: &JsonText, old: &str, new: &str| {
        tail = tail.replacen(old, new, 1);
        assert!(
            edited.as_str() == [head, &tail].concat(),
            "only {new} is new"
        );
    };
    edited
        .set(&task.clone().key("status"), &json("\"in_progress\""))
        .expect("it is there");
    put(
        &edited,
        "\"status\": \"pending\"",
        "\"status\": \"in_progress\"",
    );
    edited
        .set(&task.clone().key("assignee"), &json("\"me\""))
        .expect("it is there");
    put(&edited, "\"assignee\": null", "\"assignee\": \"me\"");
    edited
        .set(&task.clone().key("context").key("n"), &json("1.0"))
        .expect("it fits");
    put(
        &edited,
        "\"weight\": 1.5",
        "\"weight\": 1.5,\n        \"n\": 1.0",
    );
    edited
        .push(
            &task.clone().key("dependencies"),
            &json("\"task_1_000000\""),
        )
        .expect("it is a list");
    put(
        &edited,
        "\"dependencies\": []",
        "\"dependencies\": [\n        \"task_1_000000\"\n      ]",
    );
    assert_eq!(
        edited.increment(&Path::whole().key("version"), 1),
        Ok(2),
        "it counts"
    );
    put(&edited, "\"version\": 1", "\"version\": 2");
    assert!(
        JsonText::parse(edited.as_bytes()).as_ref() == Ok(&edited),
        "the index is as if it had been read"
    );
}

#[test]
fn every_task_of_a_large_board_can_change_at_once() {
    let before = board(500);
    let mut edited = text(&before);
    let mut value: Value = edited.to().expect("it is JSON");
    let was = serde_json::to_vec(&value).expect("it has a form in JSON");
    for task in value["tasks"].as_array_mut().expect("it is a list") {
        task["status"] = json!("done");
    }
    let is = serde_json::to_vec(&value).expect("it has a form in JSON");
    edited.follow(&was, &is).expect("it is short");
    let wanted = before.replace("\"status\": \"pending\"", "\"status\": \"done\"");
    assert_is(&edited, &wanted, "each of them");
}
