//! Closed and full streams: no panic, and never a committed change that is told as a failure to repeat.

use std::fs::{File, OpenOptions};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use testkit::skip;

use crate::desk::Desk;

/// A device that is always full.
fn full(test: &str) -> Option<File> {
    let path = Path::new("/dev/full");
    let opened = OpenOptions::new().write(true).open(path).ok();
    if opened.is_none() {
        skip(test, "there is no /dev/full");
    }
    opened
}

/// A pipe whose reader has gone.
fn closed() -> Stdio {
    let (reader, writer) = std::io::pipe().expect("a pipe can be made");
    drop(reader);
    writer.into()
}

fn run(command: &mut Command, stdout: Stdio) -> Output {
    let output = command
        .stdin(Stdio::null())
        .stdout(stdout)
        .stderr(Stdio::piped())
        .output();
    let output = output.expect("the binary can be run");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(!stderr.contains("panicked"), "no panic: {stderr}");
    output
}

#[test]
fn committed_change_that_cannot_be_reported_is_exit_9() {
    let test = "committed_change_that_cannot_be_reported_is_exit_9";
    let desk = Desk::new();
    desk.sandbox.write(
        "one.json",
        "{\"story\":\"S-0034\",\"inc\":{\"count\":1}}\n{\"story\":\"S-0034\",\"inc\":{\"count\":1}}\n",
    );
    let verbs: [&[&str]; 2] = [
        &["set", "S-0034", "--inc", "count", "--json"],
        &["apply", "one.json"],
    ];
    let mut expected = 0;
    for verb in verbs {
        let Some(full) = full(test) else { return };
        for stdout in [full.into(), closed()] {
            let output = run(&mut desk.story(verb), stdout);
            let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(
                output.status.code(),
                Some(9),
                "{verb:?}: committed, not reported: {stderr}"
            );
            assert!(stderr.contains("committed"), "it says so: {stderr}");
            expected += 1;
            assert!(
                desk.text().contains(&format!("count: {expected}\n")),
                "{verb:?}: the change is there, and only the one ({expected}): {}",
                desk.text()
            );
        }
    }
    desk.assert_tidy();
}

#[test]
fn failure_that_cannot_be_reported_keeps_its_own_code() {
    let test = "failure_that_cannot_be_reported_keeps_its_own_code";
    let desk = Desk::new();
    desk.sandbox
        .write("one.json", "{\"story\":\"S-9\",\"inc\":{\"count\":1}}\n");
    let verbs: [&[&str]; 2] = [
        &["set", "S-9", "--inc", "count", "--json"],
        &["apply", "one.json"],
    ];
    for verb in verbs {
        let Some(full) = full(test) else { return };
        for stdout in [full.into(), closed()] {
            let output = run(&mut desk.story(verb), stdout);
            assert_eq!(output.status.code(), Some(3), "{verb:?}: {output:?}");
        }
    }
}

#[test]
fn looking_into_a_closed_pipe_is_no_failure_and_into_a_full_disk_is_one() {
    let test = "looking_into_a_closed_pipe_is_no_failure_and_into_a_full_disk_is_one";
    let body = "a line of the body\n".repeat(100_000);
    let desk = Desk::with(format!("---\nid: S-0034\n---\n{body}"));
    desk.expect(0, &["set", "S-0034", "a=1"]);
    let verbs: [&[&str]; 6] = [
        &["show", "S-0034"],
        &["log", "S-0034"],
        &["get", "S-0034"],
        &["lock", "status", "S-0034"],
        &["--help"],
        &["completions", "bash"],
    ];
    for verb in verbs {
        let output = run(&mut desk.story(verb), closed());
        assert_eq!(
            output.status.code(),
            Some(0),
            "{verb:?} into a closed pipe: {output:?}"
        );
        let Some(full) = full(test) else { return };
        let output = run(&mut desk.story(verb), full.into());
        assert_eq!(
            output.status.code(),
            Some(8),
            "{verb:?} on a full disk: {output:?}"
        );
    }
}

#[test]
fn closed_stderr_changes_nothing() {
    let desk = Desk::new();
    let mut command = desk.story(&["set", "S-0034", "status=done"]);
    let output = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(closed())
        .output();
    let output = output.expect("the binary can be run");
    assert_eq!(
        output.status.code(),
        Some(0),
        "the change counts, not the word about it: {output:?}"
    );
    let mut command = desk.story(&["set", "S-9", "status=done"]);
    let output = command.stdin(Stdio::null()).stderr(closed()).output();
    let output = output.expect("the binary can be run");
    assert_eq!(
        output.status.code(),
        Some(3),
        "the exit code is told all the same: {output:?}"
    );
}

#[test]
fn hold_that_cannot_say_ready_does_not_hold() {
    let desk = Desk::new();
    let output = run(&mut desk.story(&["lock", "hold", "S-0034"]), closed());
    assert_eq!(
        output.status.code(),
        Some(1),
        "nobody could rely on it: {output:?}"
    );
    desk.assert_tidy();
}
