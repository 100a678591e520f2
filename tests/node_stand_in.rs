//! Node programs that write whole stories, or change shared JSON files, by way of the modules in `examples/node`: nobody loses
//! anything (contract, 15.10).

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use testkit::{Finished, Sandbox, SecondProcess, on_path, skip, without_settings, workspace};

use crate::support::{Content, PATIENCE, StoryBox, alone, run, story};

const NODES: usize = 4;
const ROUNDS: usize = 5;
const SETTERS: usize = 4;
const SETS: usize = 10;

/// Node, with the binary under test as its `story`; `None`: there is no Node.
fn node(test: &str, arguments: &[&Path]) -> Option<Command> {
    if on_path("node").is_none() {
        skip(test, "node is not installed");
        return None;
    }
    let mut command = Command::new("node");
    without_settings(&mut command);
    command
        .args(arguments)
        .env("STORY_COMMAND", env!("CARGO_BIN_EXE_story"));
    Some(command)
}

fn works(finished: &Finished) {
    assert!(finished.status.success(), "it works: {finished:?}");
}

#[test]
fn whole_stories_written_by_node_lose_nothing_of_anybody() {
    let test = "whole_stories_written_by_node_lose_nothing_of_anybody";
    let _alone = alone();
    let story_box = StoryBox::new(Content::Torn);
    story_box.must_set(&["labels=[]", "retry_count=0", "shared=0"]);
    let before = story_box.text();
    let module = workspace().join("examples/node/write-story.mjs");
    let worker = workspace().join("tests/peers/stand_in.mjs");
    let mut nodes = Vec::new();
    for name in 0..NODES {
        let Some(mut command) = node(test, &[&worker, &module, &story_box.path]) else {
            return;
        };
        command.args([format!("n{name}"), ROUNDS.to_string()]);
        nodes.push(SecondProcess::spawn_ready(&mut command, PATIENCE));
    }
    for node in &mut nodes {
        node.send_line("go");
    }
    std::thread::scope(|scope| {
        for _ in 0..SETTERS {
            scope.spawn(|| {
                for _ in 0..SETS {
                    story_box.must_set(&["--inc", "shared", "--inc", "retry_count"]);
                }
            });
        }
    });
    let again = nodes.into_iter().map(|node| {
        let finished = node.wait(PATIENCE);
        works(&finished);
        let last = finished.stdout.lines().last().unwrap_or_default();
        last.parse::<usize>().expect("a number of reruns")
    });
    let again: usize = again.sum();
    assert!(
        again >= NODES - 1,
        "all but one met another's line in the body: {again}"
    );
    assert_eq!(
        story_box.number("shared"),
        (SETTERS * SETS) as u64,
        "every `story set`"
    );
    let counted = (NODES * ROUNDS + SETTERS * SETS) as u64;
    assert_eq!(
        story_box.number("retry_count"),
        counted,
        "the counter that all count in"
    );
    has_all_of_all(&story_box);
    let (_, body) = before.split_once("\n---\n").expect("a story has a body");
    assert!(
        story_box.text().contains(body),
        "the body that was there is there, byte for byte"
    );
    story_box.assert_alone();
}

fn has_all_of_all(story_box: &StoryBox) {
    let after = story_box.text();
    for name in 0..NODES {
        assert_eq!(
            story_box.number(&format!("by.n{name}")),
            ROUNDS as u64,
            "the own counter"
        );
        for round in 1..=ROUNDS {
            assert_eq!(
                after.matches(&format!("- n{name}-{round}\n")).count(),
                1,
                "each label"
            );
            assert_eq!(
                after.matches(&format!("line {round} of n{name}\n")).count(),
                1,
                "each line of the body"
            );
        }
    }
}

#[test]
fn example_for_node_works() {
    let story_box = StoryBox::new(Content::Small);
    story_box.must_set(&["labels=[a]", "--no-touch"]);
    let before = story_box.text();
    let example = workspace().join("examples/node/example.mjs");
    let Some(mut command) = node("example_for_node_works", &[&example, &story_box.path]) else {
        return;
    };
    let finished = run(&mut command);
    works(&finished);
    assert!(
        finished.stdout.starts_with("changed labels, "),
        "it says what: {finished:?}"
    );
    let expected = before.replace("labels: [a]", "labels: [a, from-node]");
    let (head, body) = expected.split_once("\n---\n").expect("a story has a body");
    let after = story_box.text();
    assert!(after.contains("labels"), "{after}");
    assert!(
        after.ends_with(&format!("{body}A line from Node.\n")),
        "the body: {after}"
    );
    let kept = head.lines().filter(|line| {
        !line.starts_with("updated") && !line.contains("labels") && !line.contains("retry_count")
    });
    for line in kept {
        assert!(after.contains(line), "{line:?} is as it was: {after}");
    }
    works(&run(story()
        .args(["get"])
        .arg(&story_box.path)
        .arg("retry_count")));
}

/// What no program here means to change: numbers that JavaScript cannot hold, a layout that no serialiser makes.
const KEPT: &str =
    "{\n   \"exact\": [1.0, 12345678901234567890123, 1e400],\n\t \"odd\" : { \"x\":1 },\n";

#[test]
fn state_files_changed_by_node_lose_nothing_of_anybody() {
    let test = "state_files_changed_by_node_lose_nothing_of_anybody";
    let _alone = alone();
    let sandbox = Sandbox::new();
    let text = format!("{KEPT}   \"gone\": null,\n   \"count\": 0,\n   \"log\": []\n}}\n");
    let path = sandbox.write("state.json", text);
    let module = workspace().join("examples/node/state-file.mjs");
    let worker = workspace().join("tests/peers/state_peer.mjs");
    let mut nodes = Vec::new();
    for name in 0..NODES {
        let Some(mut command) = node(test, &[&worker, &module, &path]) else {
            return;
        };
        command.args([format!("n{name}"), ROUNDS.to_string()]);
        nodes.push(SecondProcess::spawn_ready(&mut command, PATIENCE));
    }
    for node in &mut nodes {
        node.send_line("go");
    }
    std::thread::scope(|scope| {
        for _ in 0..SETTERS {
            scope.spawn(|| {
                for _ in 0..SETS {
                    let mut set = story();
                    set.args(["state", "set"]).arg(&path);
                    works(&run(set.args(["--inc", "count", "--timeout", "60s"])));
                }
            });
        }
    });
    let again = nodes.into_iter().map(|node| {
        let finished = node.wait(PATIENCE);
        works(&finished);
        let last = finished.stdout.lines().last().unwrap_or_default();
        last.parse::<usize>().expect("a number of reruns")
    });
    let again: usize = again.sum();
    assert!(
        again >= NODES - 1,
        "all but one lost the first compare-and-swap: {again}"
    );
    let after = std::fs::read_to_string(&path).expect("the file is there");
    assert!(after.starts_with(KEPT), "nobody meant these bytes: {after}");
    let after = without_numbers_too_large(&after);
    let counted = NODES * ROUNDS + SETTERS * SETS;
    assert_eq!(after["count"], counted, "each count of all is there");
    assert_eq!(after.get("gone"), None, "what all remove is gone");
    for name in 0..NODES {
        let mine = &after["by"][format!("a/n{name}~.b")];
        assert_eq!(mine, &Value::from(ROUNDS), "the own counter of n{name}");
    }
    let log = after["log"].as_array().expect("a list");
    assert_eq!(log.len(), NODES * ROUNDS, "each line, once");
    for line in
        (0..NODES).flat_map(|name| (1..=ROUNDS).map(move |round| format!("n{name}-{round}")))
    {
        assert!(log.contains(&Value::from(line.as_str())), "{line} is there");
    }
    assert!(
        testkit::leftovers(sandbox.path()).is_empty(),
        "nothing is left behind"
    );
}

/// The value of a text whose number out of range is another one.
fn without_numbers_too_large(text: &str) -> Value {
    serde_json::from_str(&text.replacen("1e400", "0", 1)).expect("it is JSON")
}
