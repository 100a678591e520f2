//! The README's tour is true, and so are the pages about agents, shared JSON files and working trees: every command in them is run here, and prints what they show.

use std::fs;
use std::path::Path;
use std::process::Command;

use testkit::{Sandbox, on_path, skip, story_fixture, without_settings, workspace};

use crate::support::{run, story};

/// Where the README's author was, and on which machine.
const AUTHORS_FOLDER: &str = "/home/maria/board";
const AUTHORS_HOST: &str = "build-3";
/// Printed before the output of each command.
const MARK: &str = "=== next command";

/// A command and what it prints, as the README shows it.
#[derive(Debug, PartialEq)]
struct Step {
    command: String,
    output: Vec<String>,
}

/// The commands of all `console` blocks, in order.
fn steps(readme: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut is_console = false;
    for line in readme.lines() {
        if let Some(name) = line.strip_prefix("```") {
            is_console = name == "console";
        } else if is_console && let Some(command) = line.strip_prefix("$ ") {
            steps.push(Step {
                command: command.to_owned(),
                output: Vec::new(),
            });
        } else if is_console {
            let step = steps.last_mut().expect("a block begins with a command");
            step.output.push(line.to_owned());
        }
    }
    steps
}

/// Replaces what differs from run to run: numbers, tokens, times.
fn without_particulars(line: &str) -> String {
    let mut text = String::new();
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let hex = rest
            .find(|char: char| !char.is_ascii_hexdigit())
            .unwrap_or(rest.len());
        let digits = rest
            .find(|char: char| !char.is_ascii_digit())
            .unwrap_or(rest.len());
        let taken = if hex >= 12 { hex } else { digits };
        if taken > 0 {
            text.push('#');
            rest = &rest[taken..];
        } else {
            text.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    text
}

/// What each command of one shell session prints.
fn outputs(steps: &[Step], folder: &Path) -> Vec<Vec<String>> {
    let script: Vec<String> = steps
        .iter()
        .map(|step| format!("echo '{MARK}'\n{}\n", step.command))
        .collect();
    let program = Path::new(env!("CARGO_BIN_EXE_story"));
    let mut path = program
        .parent()
        .expect("it lies in a folder")
        .as_os_str()
        .to_owned();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    let mut shell = Command::new("sh");
    shell
        .arg("-c")
        .arg(format!("exec 2>&1\n{}wait\n", script.concat()));
    shell.current_dir(folder).env("PATH", path);
    without_settings(&mut shell);
    let finished = run(&mut shell);
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let resolved = folder.canonicalize().expect("the sandbox is there");
    let told = finished
        .stdout
        .replace(&*resolved.to_string_lossy(), AUTHORS_FOLDER)
        .replace(
            &format!(" on {}", host.trim_end()),
            &format!(" on {AUTHORS_HOST}"),
        );
    let lines = |part: &str| part.lines().map(str::to_owned).collect();
    told.split(&format!("{MARK}\n"))
        .skip(1)
        .map(lines)
        .collect()
}

#[test]
fn commands_of_the_tour_print_what_the_readme_shows() {
    let readme = fs::read_to_string(workspace().join("README.md")).expect("there is a README");
    let steps = steps(&readme);
    assert!(steps.len() >= 8, "the tour is found: {}", steps.len());
    let sandbox = Sandbox::new();
    sandbox.write(
        ".ai-sdlc/stories/S-0034/story.md",
        story_fixture("valid/S-0034.md"),
    );
    // What the README's first command does, in one process.
    let mut first = story();
    first
        .current_dir(sandbox.path())
        .args(["set", "S-0034", "status=in-progress"]);
    let first = run(first.args(["--inc", "retry_count=16", "--add", "labels=urgent"]));
    assert!(first.status.success(), "the story is prepared: {first:?}");

    assert_prints(&steps, &sandbox);
}

#[test]
fn commands_of_the_page_about_agents_print_what_it_shows() {
    if let Some(missing) = ["jq", "sqlite3"]
        .into_iter()
        .find(|name| on_path(name).is_none())
    {
        skip(
            "commands_of_the_page_about_agents",
            &format!("no {missing}"),
        );
        return;
    }
    let page = workspace().join("docs/architecture/parallelism.md");
    let steps = steps(&fs::read_to_string(page).expect("there is a page"));
    assert!(steps.len() >= 15, "the commands are found: {}", steps.len());
    let sandbox = Sandbox::new();
    sandbox.write(".ai-sdlc/stories/.keep", "");
    assert_prints(&steps, &sandbox);
}

#[test]
fn commands_of_the_page_about_state_files_print_what_it_shows() {
    let page = workspace().join("docs/architecture/state-files.md");
    let steps = steps(&fs::read_to_string(page).expect("there is a page"));
    assert!(steps.len() >= 15, "the commands are found: {}", steps.len());
    let sandbox = Sandbox::new();
    sandbox.write(".ai-sdlc/stories/.keep", "");
    assert_prints(&steps, &sandbox);
}

#[test]
fn commands_of_the_page_about_working_trees_print_what_it_shows() {
    if on_path("git").is_none() {
        skip("commands_of_the_page_about_working_trees", "no git");
        return;
    }
    let page = workspace().join("docs/architecture/state-management.md");
    let steps = steps(&fs::read_to_string(page).expect("there is a page"));
    assert!(steps.len() >= 15, "the commands are found: {}", steps.len());
    let sandbox = Sandbox::new();
    sandbox.write("app.txt", "one\n");
    sandbox.write(".gitignore", ".devs-state.lock\n.devs.db*\n");
    // What the page's author had before its first command.
    for arguments in [
        "init -q -b main .",
        "config user.name maria",
        "config user.email maria@example.org",
        "add .",
        "commit -q -m first",
    ] {
        let mut git = Command::new("git");
        git.current_dir(sandbox.path()).args(arguments.split(' '));
        let finished = run(&mut git);
        assert!(finished.status.success(), "git {arguments}: {finished:?}");
    }
    sandbox.write("app.txt", "one\ntwo\n");
    sandbox.write("notes.txt", "to do\n");
    assert_prints(&steps, &sandbox);
}

fn assert_prints(steps: &[Step], sandbox: &Sandbox) {
    let outputs = outputs(steps, sandbox.path());
    assert_eq!(outputs.len(), steps.len(), "each command was run");
    for (step, output) in steps.iter().zip(&outputs) {
        let plain = |lines: &[String]| {
            lines
                .iter()
                .map(|line| without_particulars(line))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            plain(output),
            plain(&step.output),
            "the page shows what this prints: {}\n{}",
            step.command,
            output.join("\n")
        );
    }
}
