//! On a terminal no text from a file acts on it.

use std::process::Command;

use testkit::{on_path, skip};

use crate::desk::{Desk, finish};

const HOSTILE: &str =
    "---\nid: S-0034\ntitle: \"a\\e]0;owned\\ab\"\n---\nbody \u{1b}[2J \u{9b}2J \u{202e} end\n";

/// Runs a command of the shell on a terminal of its own and returns what came out of it.
fn on_terminal(desk: &Desk, test: &str, arguments: &str) -> Option<String> {
    // util-linux has -c; the BSDs take the command as arguments.
    if on_path("script").is_none() || !cfg!(target_os = "linux") {
        skip(test, "no script(1) of util-linux to make a terminal");
        return None;
    }
    let line = format!("{} {arguments}", env!("CARGO_BIN_EXE_story"));
    let mut command = Command::new("script");
    command.args(["-q", "-e", "-c", &line, "/dev/null"]);
    command.env("NO_COLOR", "1").env_remove("AI_SDLC_ROOT");
    Some(finish(command.current_dir(desk.sandbox.path())).stdout)
}

fn assert_harmless(text: &str, what: &str) {
    assert!(
        !text.contains(['\u{1b}', '\u{9b}', '\u{202e}', '\u{7}']),
        "{what} is harmless on a terminal: {text:?}"
    );
}

#[test]
fn text_from_files_is_escaped_on_a_terminal() {
    let test = "text_from_files_is_escaped_on_a_terminal";
    let desk = Desk::with(HOSTILE);
    for arguments in [
        "show S-0034",
        "get S-0034",
        "get S-0034 title",
        "set S-0034 title=x --dry-run",
        "show S-0034 --json",
    ] {
        let Some(text) = on_terminal(&desk, test, arguments) else {
            return;
        };
        assert!(
            text.contains("S-0034") || text.contains("owned"),
            "something is shown: {text:?}"
        );
        assert_harmless(&text, arguments);
    }
}

#[test]
fn text_from_files_in_messages_is_escaped_everywhere() {
    let desk = Desk::with("---\nid: S-0034\n\"a\\e[2J\": 1\n\"a\\e[2J\": 2\n---\n");
    for arguments in [
        &["get", "S-0034"][..],
        &["doctor"],
        &["set", "S-0034", "x=1", "--json"],
        &["get", "S-\u{1b}[2J"],
        &["lock", "status", "no/\u{1b}[2J"],
        &["\u{1b}[2J"],
    ] {
        let finished = desk.run(arguments);
        assert!(!finished.status.success(), "it is refused: {finished:?}");
        assert_harmless(&finished.stdout, "stdout");
        assert_harmless(&finished.stderr, "stderr");
    }
}

#[test]
fn owner_of_a_lock_cannot_act_on_the_terminal_of_those_who_wait() {
    let desk = Desk::new();
    let holder = desk.hold(&["--owner", "x\u{1b}[2J\u{202e}"]);
    for arguments in [
        &["set", "S-0034", "a=1", "--timeout", "0"][..],
        &["set", "S-0034", "a=1", "--timeout", "0", "--json"],
        &["lock", "status"],
        &["lock", "status", "--json"],
    ] {
        let finished = desk.run(arguments);
        assert_harmless(&finished.stdout, "stdout");
        assert_harmless(&finished.stderr, "stderr");
    }
    holder.wait(crate::desk::PATIENCE);
}
