//! Help, completions and manual pages; every command that the help shows works.

use std::fs;
use std::path::Path;
use std::process::Command;

use testkit::{Finished, SecondProcess, on_path, skip, without_settings};

use crate::desk::{Desk, PATIENCE, finish};

/// All verbs, those inside of others too, as the help lists them.
fn verbs(desk: &Desk) -> Vec<Vec<String>> {
    let mut verbs = vec![Vec::new()];
    let mut at = 0;
    while at < verbs.len() {
        let verb: Vec<String> = verbs[at].clone();
        let help = help(desk, &verb);
        let names = listed(&help).filter(|name| *name != "help");
        verbs.extend(names.map(|name| [&verb[..], &[name.to_owned()]].concat()));
        at += 1;
    }
    verbs
}

/// The commands that a help lists, by the columns at the left.
fn listed(help: &str) -> impl Iterator<Item = &str> {
    let (_, commands) = help.split_once("\nCommands:\n").unwrap_or_default();
    let lines = commands.lines().take_while(|line| !line.is_empty());
    let named = lines.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    named.filter_map(|line| line.split_whitespace().next())
}

fn help(desk: &Desk, verb: &[String]) -> String {
    let words: Vec<&str> = verb.iter().map(String::as_str).collect();
    let finished = desk.expect(0, &[&words, &["--help"][..]].concat());
    assert_eq!(finished.stderr, "", "help goes to stdout alone");
    finished.stdout
}

/// Leases the files of the examples, as a script without our tools does it.
const LEASE: &str = r#"mkdir .ai-sdlc/locks; printf '{"agent":"worker-1","locked_at":"%s","files":[],"directories":["src/","docs/"],"expires_at":"2999-01-01T00:00:00Z"}' "$(date -u +%FT%TZ)" > .ai-sdlc/locks/worker-1.lock"#;

/// A board with the task of the examples.
const TASK: &str = r#"echo '{"tasks":[{"id":"task_1768212000000_k3x9a2","title":"Write the parser","tags":["rust"]}]}' > .ai-sdlc/tasks.json; story tasks check --rebuild"#;

/// A repository with a commit.
const REPOSITORY: &str =
    "git init --quiet && git add --all && git -c user.name=a -c user.email=a@b commit --quiet -m x";

/// A task that did not end well.
const FAILED_TASK: &str = "story run --task parser -- sh -c 'echo >> notes/plan.md; false' || true";

/// What must have been done before the examples of a verb work.
fn needed_before(verb: &[String]) -> &'static [&'static str] {
    let words: Vec<&str> = verb.iter().map(String::as_str).collect();
    match words[..] {
        ["renew" | "release"] => &["story claim S-0034 --as worker-1"],
        ["lease", "release" | "renew" | "break"] => {
            &["story lease acquire docs/api.md --as worker-1 --now 2026-01-12"]
        }
        ["init"] | ["lease", "guard"] => &["git init --quiet"],
        ["lease", "plan"] => &[
            r#"echo '[{"agent": "a1", "files": ["x.rs"]}]' > agents.json"#,
            r#"echo '{"roles": {}}' > scopes.json"#,
        ],
        ["merge-driver"] => {
            &["for name in base ours theirs; do story show S-0034 > $name.md; done"]
        }
        ["section", "get"] => &["story section append S-0034 --heading 'Acceptance Criteria' x"],
        ["tasks", "done" | "fail" | "release"] => &[
            TASK,
            "story tasks claim task_1768212000000_k3x9a2 --as worker-1",
        ],
        ["tasks", _] => &[TASK],
        ["task", _] => &["story task init S-0034 T1 T2"],
        ["workflow", "show" | "finish" | "clear"] => &["story workflow start S-0034 plan"],
        ["edit-file"] => &[
            "mkdir src; echo 'retries: 3' > src/main.rs; echo 'retries: 3' > old.txt; echo x > new.txt",
            LEASE,
        ],
        ["write-file"] => &["mkdir docs src; echo x > new.txt", LEASE],
        ["state", _] => &[
            r#"echo '{"phase": "plan", "agents": [{"name": "a"}]}' > state.json"#,
            r#"echo '{"phase": "build"}' > change.json"#,
        ],
        ["run", "resume"] => &[
            REPOSITORY,
            "story run --task parser -- test -e good || touch good",
        ],
        ["run", "list" | "show" | "restore" | "abandon"] => &[REPOSITORY, FAILED_TASK],
        ["run"] | ["snapshot", "take" | "list"] => &[REPOSITORY],
        ["snapshot", _] => &[REPOSITORY, "story snapshot take --task parser"],
        ["unblock"] => &["story block S-0034 --reason x"],
        _ => &[],
    }
}

#[test]
fn help_is_a_result_of_every_verb() {
    let desk = Desk::new();
    let verbs = verbs(&desk);
    for verb in [
        &["set"][..],
        &["lock", "run"],
        &["status"],
        &["state", "set"],
    ] {
        assert!(
            verbs.iter().any(|listed| listed == verb),
            "{verb:?} is listed"
        );
    }
    for verb in verbs {
        let help = help(&desk, &verb);
        assert!(help.contains("Usage: story"), "help of {verb:?}: {help}");
    }
    let version = desk.expect(0, &["--version"]);
    assert_eq!(
        version.stdout,
        format!("story {}\n", env!("CARGO_PKG_VERSION")),
        "the version"
    );
}

/// The commands that the help of a verb shows as examples.
fn examples(desk: &Desk, verb: &[String]) -> Vec<String> {
    let help = help(desk, verb);
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
    for verb in verbs(&Desk::new()) {
        for example in examples(&Desk::new(), &verb) {
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
            for needed in needed_before(&verb) {
                let prepared = shell(&desk, needed);
                assert!(prepared.status.success(), "`{needed}` works: {prepared:?}");
            }
            let finished = shell(&desk, command);
            assert_eq!(
                finished.status.code(),
                Some(expected),
                "the example `{command}` works: {finished:?}"
            );
            tried += 1;
        }
    }
    assert!(tried >= 40, "examples were found: {tried}");
}

/// Runs a line of a shell that finds the binary as `story`.
fn shell(desk: &Desk, line: &str) -> Finished {
    let binary = Path::new(env!("CARGO_BIN_EXE_story"));
    let folder = binary.parent().expect("a binary lies in a folder");
    let path = std::env::var("PATH").unwrap_or_default();
    let mut shell = Command::new("sh");
    shell.args(["-c", line]).current_dir(desk.sandbox.path());
    shell.env("PATH", format!("{}:{path}", folder.display()));
    without_settings(&mut shell);
    // An editor that asks nobody.
    shell.env("EDITOR", "true");
    finish(&mut shell)
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
    let mut bash = Command::new("bash");
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
