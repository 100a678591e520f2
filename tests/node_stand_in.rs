//! Node programs that write whole stories, by way of the module in `examples/node`: nobody loses anything (contract, 15.10).

use std::path::Path;
use std::process::Command;

use testkit::{Finished, SecondProcess, on_path, skip, without_settings, workspace};

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
