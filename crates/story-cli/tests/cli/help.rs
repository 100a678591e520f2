//! Help, completions and manual pages; every command that the help shows works.

use std::fs;

use testkit::{on_path, skip};

use crate::desk::{Desk, PATIENCE, finish};
use testkit::SecondProcess;

const VERBS: [&[&str]; 13] = [
    &[],
    &["get"],
    &["show"],
    &["set"],
    &["apply"],
    &["lock"],
    &["lock", "status"],
    &["lock", "run"],
    &["lock", "hold"],
    &["lock", "break"],
    &["init"],
    &["doctor"],
    &["man"],
];

#[test]
fn help_is_a_result_of_every_verb() {
    let desk = Desk::new();
    for verb in VERBS {
        let finished = desk.expect(0, &[verb, &["--help"]].concat());
        assert!(
            finished.stdout.contains("Usage: story"),
            "help on stdout: {finished:?}"
        );
        assert_eq!(finished.stderr, "", "and only there");
    }
    let version = desk.expect(0, &["--version"]);
    assert_eq!(
        version.stdout,
        format!("story {}\n", env!("CARGO_PKG_VERSION")),
        "the version"
    );
}

/// The commands that the help of a verb shows as examples.
fn examples(desk: &Desk, verb: &[&str]) -> Vec<String> {
    let help = desk.expect(0, &[verb, &["--help"]].concat()).stdout;
    let Some((_, examples)) = help.split_once("\nExample") else {
        return Vec::new();
    };
    let lines = examples.lines().skip(1);
    let commands = lines.take_while(|line| line.starts_with("  "));
    commands.map(|line| line.trim().to_owned()).collect()
}

#[test]
fn every_example_of_the_help_works() {
    let mut tried = 0;
    for verb in VERBS {
        for example in examples(&Desk::new(), verb) {
            let desk = Desk::new();
            desk.sandbox.write(
                "changes.jsonl",
                "{\"story\": \"S-0034\", \"inc\": {\"n\": 1}}\n",
            );
            desk.sandbox.write("notes/plan.md", "plan\n");
            desk.sandbox.write(
                ".ai-sdlc/stories/S-0034/story.md",
                crate::desk::STORY.replace(
                    "assignee:\n",
                    "retry_count: 1\nblocked_reason: x\nreview_history:\n  - decision: APPROVED\n",
                ),
            );
            fs::create_dir(desk.sandbox.join("man1")).expect("a folder can be made");
            // Holding and breaking need another process; the rest of the line is commented by two blanks.
            let command = example.split("   ").next().unwrap_or_default();
            let (command, expected) = match command {
                "sleep 5 | story lock hold S-0034" => ("true | story lock hold S-0034", 0),
                command if command.starts_with("story lock break") => (command, 3),
                command => (command, 0),
            };
            let binary = std::path::Path::new(env!("CARGO_BIN_EXE_story"));
            let folder = binary.parent().expect("a binary lies in a folder");
            let path = format!(
                "{}:{}",
                folder.display(),
                std::env::var("PATH").unwrap_or_default()
            );
            let mut shell = std::process::Command::new("sh");
            shell.args(["-c", command]).current_dir(desk.sandbox.path());
            let finished = finish(shell.env("PATH", path).env_remove("AI_SDLC_ROOT"));
            assert_eq!(
                finished.status.code(),
                Some(expected),
                "the example `{command}` works: {finished:?}"
            );
            tried += 1;
        }
    }
    assert!(tried >= 20, "examples were found: {tried}");
}

#[test]
fn line_with_everything_in_the_help_of_apply_is_a_request() {
    let desk = Desk::with("---\nid: S-0034\ndependencies: [S-0001]\nnotes: []\n---\n");
    let help = desk.expect(0, &["apply", "--help"]).stdout;
    let (_, line) = help
        .split_once("A line with everything:")
        .expect("the help shows one");
    let line = line.replace(
        "\"0123456789ab\"",
        &desk.json(0, &["get", "S-0034"])["rev"].to_string(),
    );
    let finished = desk.feed(&line, &["apply"]);
    assert!(finished.status.success(), "it is applied: {finished:?}");
}

#[test]
fn completions_are_made_for_each_shell() {
    let desk = Desk::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let finished = desk.expect(0, &["completions", shell]);
        assert!(
            finished.stdout.contains("append-body"),
            "{shell} knows the options"
        );
    }
    if on_path("bash").is_none() {
        return skip(
            "completions_are_made_for_each_shell",
            "bash is not installed",
        );
    }
    let script = desk.expect(0, &["completions", "bash"]).stdout;
    let path = desk.sandbox.write("story.bash", script);
    let mut bash = std::process::Command::new("bash");
    let finished = SecondProcess::spawn(bash.arg("-n").arg(path)).wait(PATIENCE);
    assert!(
        finished.status.success(),
        "bash can read them: {finished:?}"
    );
}

#[test]
fn manual_pages_are_printed_or_written_to_a_folder() {
    let desk = Desk::new();
    let page = desk.expect(0, &["man"]).stdout;
    assert!(
        page.contains(".TH story 1"),
        "a page for man(1): {page:.100}"
    );
    fs::create_dir(desk.sandbox.join("man1")).expect("a folder can be made");
    for _ in 0..2 {
        desk.expect(0, &["man", "man1"]);
    }
    let mut names: Vec<_> = fs::read_dir(desk.sandbox.join("man1"))
        .expect("the folder can be listed")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .into_string()
                .expect("a name")
        })
        .collect();
    names.sort();
    for name in [
        "story.1",
        "story-set.1",
        "story-lock-run.1",
        "story-doctor.1",
    ] {
        assert!(
            names.iter().any(|other| other == name),
            "{name} is written: {names:?}"
        );
    }
    desk.expect(3, &["man", "no-such-folder"]);
    desk.assert_tidy();
}
