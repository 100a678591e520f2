//! `story doctor`: finds what is wrong, mends what it may, leaves the rest alone.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use testkit::{ForeignLock, Sandbox, SecondProcess, on_path, skip, wait_until};

use crate::desk::{Desk, PATIENCE, finish, json_lines};
use crate::git_desk::GitDesk;

/// Runs the doctor and returns its findings and the summary.
fn doctor(desk: &Desk, code: i32, arguments: &[&str]) -> (Vec<Value>, Value) {
    let finished = desk.expect(code, &[&["doctor", "--json"], arguments].concat());
    let mut lines = json_lines(&finished.stdout);
    let summary = lines.pop().expect("the summary comes last");
    (lines, summary)
}

fn checks(findings: &[Value]) -> Vec<&str> {
    let names = findings
        .iter()
        .map(|finding| finding["check"].as_str().unwrap_or_default());
    names.collect()
}

#[test]
fn healthy_project_has_no_findings() {
    let desk = Desk::new();
    let (findings, summary) = doctor(&desk, 0, &[]);
    assert!(findings.is_empty(), "all is well: {findings:?}");
    assert_eq!(summary["problems"], 0, "and says so: {summary}");
    let words = desk.expect(0, &["doctor"]);
    assert!(
        words.stderr.contains("all is well"),
        "to people as well: {words:?}"
    );
    desk.assert_tidy();
}

#[test]
fn leftover_lock_of_a_dead_owner_is_found_and_removed() {
    let desk = Desk::new();
    desk.hold(&["--owner", "runner 2"]).kill_9();
    let (findings, _) = doctor(&desk, 1, &[]);
    assert_eq!(
        checks(&findings),
        ["lock"],
        "the lock is found: {findings:?}"
    );
    let message = findings[0]["message"].as_str().unwrap_or_default();
    assert!(
        message.contains("runner 2"),
        "its owner is named: {message}"
    );
    let (findings, summary) = doctor(&desk, 0, &["--fix"]);
    assert_eq!(findings[0]["fixed"], true, "it is mended: {findings:?}");
    assert_eq!(summary["fixed"], 1, "and counted: {summary}");
    desk.assert_tidy();
    doctor(&desk, 0, &[]);
}

#[test]
fn held_locks_and_locks_of_others_are_left_alone() {
    let desk = Desk::new();
    let holder = desk.hold(&[]);
    desk.sandbox.write("Cargo.lock", "");
    desk.sandbox.write(".ai-sdlc/yarn.lock", "a lease\n");
    desk.sandbox.write(".ai-sdlc/stories/S-0034/other.lock", "");
    for name in [
        "Cargo.lock",
        ".ai-sdlc/yarn.lock",
        ".ai-sdlc/stories/S-0034/other.lock",
    ] {
        testkit::set_age(&desk.sandbox.join(name), Duration::from_hours(2));
    }
    for fix in [&[][..], &["--fix"]] {
        let (findings, _) = doctor(&desk, 0, fix);
        assert!(
            findings.is_empty(),
            "none of the doctor's business: {findings:?}"
        );
    }
    for name in [
        "Cargo.lock",
        ".ai-sdlc/yarn.lock",
        ".ai-sdlc/stories/S-0034/other.lock",
    ] {
        assert!(desk.sandbox.join(name).exists(), "{name} is untouched");
    }
    assert!(
        holder.wait(PATIENCE).status.success(),
        "the holder kept its lock"
    );
}

#[test]
fn abandoned_locks_of_other_tools_are_found_and_removed() {
    let desk = Desk::new();
    let lock_path = desk.sandbox.join(".ai-sdlc/stories/S-0034/story.md.lock");
    let lock = ForeignLock::directory(&lock_path).expect("the name is free");
    let fresh = doctor(&desk, 0, &["--stale-after", "1h"]).0;
    assert!(fresh.is_empty(), "a fresh one is respected: {fresh:?}");
    lock.set_age(Duration::from_hours(2));
    lock.abandon();
    let old = doctor(&desk, 1, &["--stale-after", "250ms"]).0;
    assert_eq!(checks(&old), ["lock"], "an old one is found: {old:?}");
    doctor(&desk, 0, &["--fix", "--stale-after", "250ms"]);
    assert!(!lock_path.exists(), "and removed");
    fs::File::create(&lock_path).expect("the name is free");
    testkit::set_age(&lock_path, Duration::from_hours(2));
    doctor(&desk, 0, &["--fix", "--stale-after", "250ms"]);
    assert!(!lock_path.exists(), "an empty file, too");
}

#[test]
fn obstacles_are_reported_and_stay() {
    let desk = Desk::new();
    let lock_path = desk.sandbox.join(".ai-sdlc/stories/S-0034/story.md.lock");
    symlink("nowhere", &lock_path).expect("a link can be made");
    for fix in [&[][..], &["--fix"]] {
        let (findings, _) = doctor(&desk, 1, fix);
        assert_eq!(
            checks(&findings),
            ["lock"],
            "it is in the way: {findings:?}"
        );
        assert_eq!(
            findings[0]["fixed"], false,
            "a person has to look: {findings:?}"
        );
    }
    assert!(lock_path.is_symlink(), "it is untouched");
}

#[test]
fn unreadable_stories_are_named_with_line_and_column() {
    let desk = Desk::new();
    desk.sandbox.write(
        ".ai-sdlc/stories/S-0002/story.md",
        "---\nid: S-0002\nid: again\n---\n",
    );
    desk.sandbox
        .write(".ai-sdlc/backlog/01-old.md", "no fences\n");
    desk.sandbox
        .write(".ai-sdlc/stories/S-0003/notes.txt", "no story\n");
    desk.sandbox
        .write(".ai-sdlc/worktrees/w/.ai-sdlc/stories/S-0004/story.md", "");
    let (findings, summary) = doctor(&desk, 1, &["--fix"]);
    assert_eq!(summary["problems"], 3, "three cannot be read: {findings:?}");
    assert_eq!(
        summary["warnings"], 1,
        "a folder without a story is worth a word: {findings:?}"
    );
    let place: Vec<_> = findings
        .iter()
        .filter(|finding| finding["story"] == "S-0002")
        .map(|finding| (finding["line"].as_u64(), finding["column"].as_u64()))
        .collect();
    assert_eq!(
        place,
        [(Some(3), Some(1))],
        "the place is told: {findings:?}"
    );
    let words = desk.expect(1, &["doctor"]);
    assert!(
        words.stdout.contains("S-0002/story.md:3:1: "),
        "to people as well: {words:?}"
    );
}

#[test]
fn rescued_copies_are_reported_and_kept() {
    let desk = Desk::new();
    let name = ".ai-sdlc/stories/S-0034/story.md.0123456789abcdef.rescued";
    let path = desk.sandbox.write(name, "somebody's work");
    let is_one = atomic_file::is_rescued_name(path.file_name().expect("a name"));
    assert!(is_one, "the name is one that commits give");
    let (findings, _) = doctor(&desk, 1, &["--fix"]);
    assert_eq!(
        checks(&findings),
        ["rescued"],
        "it is reported: {findings:?}"
    );
    assert_eq!(
        desk.sandbox.read(name),
        "somebody's work",
        "and never removed"
    );
}

#[test]
fn missing_ignore_rules_are_a_warning_and_can_be_added() {
    if on_path("git").is_none() {
        return skip(
            "missing_ignore_rules_are_a_warning_and_can_be_added",
            "git is not installed",
        );
    }
    let desk = Desk::new();
    let made = Command::new("git")
        .args(["init", "--quiet"])
        .current_dir(desk.sandbox.path())
        .status()
        .expect("git can be run");
    assert!(made.success(), "a repository can be made");
    let (findings, summary) = doctor(&desk, 0, &[]);
    assert_eq!(
        checks(&findings),
        ["ignore"],
        "the rules are missed: {findings:?}"
    );
    assert_eq!(summary["warnings"], 1, "as a warning: {summary}");
    let (findings, _) = doctor(&desk, 0, &["--fix"]);
    assert_eq!(
        findings[0]["fixed"], true,
        "they can be added: {findings:?}"
    );
    assert!(doctor(&desk, 0, &[]).0.is_empty(), "and then git agrees");
    desk.sandbox.write(
        ".gitignore",
        format!("{}!*.md.lock\n", desk.sandbox.read(".gitignore")),
    );
    let (findings, _) = doctor(&desk, 0, &["--fix"]);
    assert_eq!(
        findings[0]["fixed"], false,
        "git itself is asked, not the file: {findings:?}"
    );
}

/// The user that is called `nobody` on most systems.
const NOBODY: u32 = 65534;

#[test]
fn folder_where_locks_do_not_work_is_a_problem() {
    // A place and a program that a user without privileges can reach: root may write everywhere.
    let sandbox = Sandbox::inside(&std::env::temp_dir()).expect("the temporary folder can be used");
    sandbox.write(".ai-sdlc/stories/S-0034/story.md", crate::desk::STORY);
    let set_mode = |name: &str, mode| {
        fs::set_permissions(sandbox.join(name), fs::Permissions::from_mode(mode))
            .expect("the mode can be set");
    };
    set_mode("", 0o755);
    // By a process of its own: while this one has the copy open for writing, a child that another test has just forked
    // would have it open, too, and a program that is written to cannot be run.
    let mut copy = Command::new("cp");
    let copied = finish(
        copy.args([env!("CARGO_BIN_EXE_story"), "story"])
            .current_dir(sandbox.path()),
    );
    assert!(
        copied.status.success(),
        "the program can be copied: {copied:?}"
    );
    set_mode(".ai-sdlc/stories", 0o555);
    let mut command = Command::new(sandbox.join("story"));
    command
        .args(["doctor", "--json"])
        .current_dir(sandbox.path());
    command.env_remove("AI_SDLC_ROOT");
    if rustix::process::getuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    let finished = finish(&mut command);
    set_mode(".ai-sdlc/stories", 0o755);
    assert_eq!(
        finished.status.code(),
        Some(1),
        "it is a problem: {finished:?}"
    );
    let findings = json_lines(&finished.stdout);
    for (check, path) in [
        ("place", ".ai-sdlc/stories/S-0034"),
        ("file-system", ".ai-sdlc/stories"),
    ] {
        let is_told = |finding: &Value| {
            finding["check"] == check
                && finding["path"] == sandbox.join(path).to_string_lossy().as_ref()
        };
        assert!(
            findings.iter().any(is_told),
            "{check} of {path} is a problem: {findings:?}"
        );
    }
}

#[test]
fn doctor_names_and_finishes_a_transaction_over_state_files() {
    let desk = Desk::new();
    desk.sandbox.write(".ai-sdlc/tasks.json", "{\"a\": 1}\n");
    desk.sandbox.write(".ai-sdlc/metrics.json", "{}\n");
    // As a process leaves it that was killed between the decision and the files.
    let parts = r#"{"v":1,"parts":[{"path":"tasks.json","before":9,"after":9},{"path":"metrics.json","before":3,"after":9}]}"#;
    let bytes = "{\"a\": 1}\n{\"a\": 2}\n{}\n{\"b\": 2}\n";
    let record = ".ai-sdlc/.state-pending/0123456789abcdef.transaction";
    desk.sandbox.write(record, format!("{parts}\n{bytes}"));
    desk.sandbox.write(
        ".ai-sdlc/.state-pending/unfinished-0123456789ab-tasks.json",
        "{}",
    );
    let found = desk.expect(1, &["doctor"]).stdout;
    for part in [
        "tasks.json: is to be changed by a transaction",
        "metrics.json: is to",
    ] {
        assert!(found.contains(part), "each file is named, {part}: {found}");
    }
    assert!(
        found.contains("unfinished-0123456789ab-tasks.json: what a transaction wanted"),
        "and what was kept for a person: {found}"
    );
    desk.expect(1, &["doctor", "--fix"]);
    assert_eq!(
        desk.sandbox.read(".ai-sdlc/tasks.json"),
        "{\"a\": 2}\n",
        "the first file is where it was to be"
    );
    assert_eq!(
        desk.sandbox.read(".ai-sdlc/metrics.json"),
        "{\"b\": 2}\n",
        "and the second"
    );
    assert!(!desk.sandbox.join(record).exists(), "the record is gone");
}

#[test]
fn doctor_removes_what_dead_writers_left_beside_state_files() {
    let desk = Desk::new();
    desk.sandbox.write("tasks.json", "{}\n");
    desk.sandbox.write(".ai-sdlc/.state-pending/kept", "");
    for folder in ["", ".ai-sdlc/.state-pending/"] {
        let name = format!("{folder}.tasks.json.0.x.0123456789abcdef.atomic-tmp");
        desk.sandbox.write(name, "half");
    }
    let mut hold = desk.story(&["lock", "hold", "./tasks.json"]);
    SecondProcess::spawn_ready(&mut hold, PATIENCE).kill_9();
    let lock = desk.sandbox.join("tasks.json.lock");
    assert!(lock.exists(), "the dead one left its lock");
    desk.expect(1, &["doctor"]);
    desk.expect(0, &["doctor", "--fix"]);
    assert!(!lock.exists(), "the lock is gone");
    desk.assert_tidy();
}

#[test]
fn what_a_killed_task_leaves_is_named_and_its_lock_removed() {
    let desk = GitDesk::at_work();
    let task = ["run", "--task", "T-1", "--", "sh", "-c", "echo READY; cat"];
    let mut runner = SecondProcess::spawn(&mut desk.story(&task));
    runner.expect_line("READY", PATIENCE);
    let (findings, _) = doctor(&desk, 0, &[]);
    assert!(
        findings.is_empty(),
        "a task that runs is none: {findings:?}"
    );
    runner.kill_9();
    let lock = desk.sandbox.join(".devs-state.lock");
    wait_until("what it started has ended", PATIENCE, || {
        doctor_finds(&desk, "left over")
    });
    assert!(lock.exists(), "nobody has looked since");
    let (findings, _) = doctor(&desk, 1, &["--fix"]);
    assert_eq!(checks(&findings), ["task", "task"], "{findings:?}");
    assert_eq!(findings[0]["fixed"], true, "the lock: {findings:?}");
    let message = findings[0]["message"].as_str().unwrap_or_default();
    assert!(message.contains("task T-1"), "whose: {message}");
    assert!(!lock.exists(), "it is gone");
    let message = findings[1]["message"].as_str().unwrap_or_default();
    assert!(
        message.contains("T-1 was interrupted") && message.contains("story run show T-1"),
        "a person decides: {message}"
    );
    assert_eq!(findings[1]["fixed"], false, "nobody else: {findings:?}");
    desk.expect(0, &["run", "abandon", "T-1"]);
    doctor(&desk, 0, &[]);
}

fn doctor_finds(desk: &Desk, text: &str) -> bool {
    desk.run(&["doctor"]).stdout.contains(text)
}

#[test]
fn old_snapshots_and_a_journal_that_is_none_are_named() {
    let desk = GitDesk::at_work();
    desk.expect(0, &["snapshot", "take", "--now", "2026-01-12"]);
    let (findings, _) = doctor(&desk, 0, &["--now", "2026-02-10"]);
    assert!(findings.is_empty(), "less than 30 days: {findings:?}");
    let (findings, summary) = doctor(&desk, 0, &["--now", "2026-02-13"]);
    assert_eq!(checks(&findings), ["snapshot"], "older: {findings:?}");
    assert_eq!(summary["warnings"], 1, "a note, no problem: {summary}");
    desk.sandbox.write(
        ".devs.db",
        "no database, but long enough to be looked at by SQLite as one\n".repeat(100),
    );
    let (findings, _) = doctor(&desk, 1, &["--now", "2026-01-13"]);
    assert_eq!(checks(&findings), ["task"], "the journal: {findings:?}");
}
