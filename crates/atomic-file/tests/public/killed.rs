//! A writer that is killed, or whose system calls fail, at each step of a commit.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use atomic_file::sweep;
use rustix::process::{Pid, Signal, kill_process};
use testkit::{Sandbox, SecondProcess, skip, wait_until};

use crate::support::{names, update};

/// How long something that must come is waited for.
const PATIENCE: Duration = Duration::from_mins(1);

const OLD: &str = "the old version";
const NEW: &str = "the new version, a little longer";

const REPLACE: &[&str] = &["replace"];
const REPLACE_FAST: &[&str] = &["replace", "fast"];
const CREATE: &[&str] = &["create"];

/// Runs the example program under strace, which may tamper with some of its system calls; returns the trace.
fn traced(folder: &Path, injects: &[String], verb: &[&str]) -> (ExitStatus, String) {
    let trace = folder.with_extension("trace");
    let mut command = Command::new("strace");
    command.arg("-o").arg(&trace);
    for inject in injects {
        command.arg("-e").arg(format!("inject={inject}"));
    }
    let status = command
        .arg(program())
        .arg(verb[0])
        .arg(folder.join("story.md"))
        .arg(NEW)
        .args(&verb[1..])
        .status()
        .expect("strace can be started");
    let text = fs::read_to_string(&trace).unwrap_or_default();
    fs::remove_file(&trace).ok();
    (status, text)
}

/// The example program, which is built together with the tests.
fn program() -> PathBuf {
    let tests = std::env::current_exe().expect("the test binary knows where it is");
    let folder = tests
        .ancestors()
        .nth(2)
        .expect("it is in target/debug/deps");
    folder.join("examples/atomic_write")
}

/// The system calls of the commit: the name of each, and the how-manieth of that name in the program it is.
fn steps(trace: &str) -> Vec<(String, usize)> {
    let mut counts = HashMap::new();
    let mut inside = false;
    let mut steps = Vec::new();
    for line in trace.lines() {
        let Some((call, arguments)) = line.split_once('(') else {
            continue;
        };
        let count = counts.entry(call.to_owned()).or_insert(0);
        *count += 1;
        // The first time that the path is used is when it is resolved.
        inside |= call.starts_with("readlink") && arguments.contains("/story.md\"");
        if inside && !call.starts_with("exit") {
            steps.push((call.to_owned(), *count));
        }
    }
    assert!(steps.len() > 15, "the trace shows the commit: {trace}");
    steps
}

/// Whether this can be done here; skips the test where not.
fn can_trace(name: &str) -> bool {
    let strace = Command::new("strace")
        .args(["-o", "/dev/null", "true"])
        .output();
    let reason = if !strace.is_ok_and(|output| output.status.success()) {
        "needs strace, and the right to trace"
    } else if !program().is_file() {
        "needs the example program, which `cargo test` builds without `--test`"
    } else {
        return true;
    };
    skip(name, reason);
    false
}

/// A folder on a real disk, and one in memory.
fn sandboxes() -> Vec<Sandbox> {
    let sandboxes = [Some(Sandbox::new()), Sandbox::on_tmpfs()];
    sandboxes.into_iter().flatten().collect()
}

fn renewed(sandbox: &Sandbox) -> (PathBuf, PathBuf) {
    let folder = sandbox.join("folder");
    fs::remove_dir_all(&folder).ok();
    let path = sandbox.write("folder/story.md", OLD);
    // A fresh file takes calls more or less, depending on how fresh it is.
    testkit::set_age(&path, Duration::from_mins(1));
    (folder, path)
}

/// File systems differ in what they offer: what has to be refused to make this one like each of them.
///
/// Returns for each a description and the tampering: nothing; no files without names; no swapping; neither.
fn places(trace: &str) -> Vec<(&'static str, Vec<String>)> {
    let opens = trace.lines().filter(|line| line.starts_with("openat("));
    let anonymous = 1 + opens.take_while(|line| !line.contains("O_TMPFILE")).count();
    let no_tmpfile = format!("openat:error=EOPNOTSUPP:when={anonymous}");
    let no_swap = "renameat2:error=EINVAL".to_owned();
    vec![
        ("everything", vec![]),
        ("no files without names", vec![no_tmpfile.clone()]),
        ("no swapping", vec![no_swap.clone()]),
        ("neither", vec![no_tmpfile, no_swap]),
    ]
}

#[test]
fn replace_and_create_succeed_wherever_files_can_be_renamed() {
    if !can_trace("replace_and_create_succeed_wherever_files_can_be_renamed") {
        return;
    }
    let sandbox = Sandbox::new();
    for verb in [REPLACE, CREATE] {
        let prepared = || {
            let (folder, path) = renewed(&sandbox);
            if verb == CREATE {
                fs::remove_file(path).expect("it is ours");
            }
            folder
        };
        let (_, trace) = traced(&prepared(), &[], verb);
        for (place, injects) in places(&trace) {
            let folder = prepared();
            let (status, _) = traced(&folder, &injects, verb);
            assert_eq!(status.code(), Some(0), "{place}: {verb:?} succeeds");
            assert_eq!(
                sandbox.read("folder/story.md"),
                NEW,
                "{place}: it is in place"
            );
            assert_eq!(names(&folder), ["story.md"], "{place}: nothing is left");
        }
    }
}

#[test]
fn refusals_leave_nothing_wherever_files_can_be_renamed() {
    if !can_trace("refusals_leave_nothing_wherever_files_can_be_renamed") {
        return;
    }
    let sandbox = Sandbox::new();
    for verb in [REPLACE, CREATE] {
        let (folder, _) = renewed(&sandbox);
        let (_, trace) = traced(&folder, &[], verb);
        for (place, mut injects) in places(&trace) {
            let (folder, _) = renewed(&sandbox);
            if verb == REPLACE {
                injects.push("write:error=ENOSPC".to_owned());
            }
            let (status, _) = traced(&folder, &injects, verb);
            assert_eq!(
                status.code(),
                Some(1),
                "{place}: the disk is full, or the name is taken"
            );
            assert_eq!(
                sandbox.read("folder/story.md"),
                OLD,
                "{place}: nothing was changed"
            );
            assert_eq!(names(&folder), ["story.md"], "{place}: nothing is left");
        }
    }
}

#[test]
fn writer_killed_at_any_step_leaves_the_old_version_or_the_new_one() {
    if !can_trace("writer_killed_at_any_step_leaves_the_old_version_or_the_new_one") {
        return;
    }
    for sandbox in sandboxes() {
        let (folder, _) = renewed(&sandbox);
        let (_, trace) = traced(&folder, &[], REPLACE);
        for (place, injects) in places(&trace) {
            let (folder, _) = renewed(&sandbox);
            let (status, trace) = traced(&folder, &injects, REPLACE);
            assert!(
                status.success(),
                "{place}: undisturbed it succeeds: {trace}"
            );
            let mut outcomes = HashMap::new();
            for (call, number) in steps(&trace) {
                // A call can be tampered with in one way only; the calls around it are killed all the same.
                if injects.iter().any(|inject| inject.starts_with(&call)) {
                    continue;
                }
                let kill = format!("{call}:signal=KILL:when={number}");
                let injects: Vec<String> = injects.iter().cloned().chain([kill]).collect();
                let step = format!("{place}, {call} number {number}");
                *outcomes
                    .entry(killed(&sandbox, &injects, &step))
                    .or_insert(0) += 1;
            }
            let expected = [(false, 0), (false, 1), (true, 0)];
            let after_a_swap = (place == "everything").then_some((true, 1));
            for outcome in expected.into_iter().chain(after_a_swap) {
                assert!(
                    outcomes.contains_key(&outcome),
                    "{place}: old or new, with and without a leftover all occur: {outcomes:?}"
                );
            }
        }
    }
}

/// Runs the commit into its death and checks what is left; returns whether it is the new version, and the leftovers.
fn killed(sandbox: &Sandbox, injects: &[String], step: &str) -> (bool, usize) {
    let (folder, path) = renewed(sandbox);
    let (status, _) = traced(&folder, injects, REPLACE);
    assert_eq!(status.signal(), Some(9), "{step}: it was killed");
    let left = sandbox.read("folder/story.md");
    assert!(
        left == OLD || left == NEW,
        "{step}: whole, old or new: {left:?}"
    );
    let litter = names(&folder).len() - 1;
    assert!(litter <= 1, "{step}: at most one temporary file");
    let swept = sweep(&folder).expect("nothing is in the way");
    assert!(!swept.busy, "{step}: the dead keep no lock");
    assert_eq!(
        swept.removed.len(),
        litter,
        "{step}: it is recognised: {swept:?}"
    );
    assert_eq!(names(&folder), ["story.md"], "{step}: nothing is left");
    assert_eq!(
        sandbox.read("folder/story.md"),
        left,
        "{step}: the story stays"
    );
    update(&path, b"next").unwrap_or_else(|err| panic!("{step}: the next one works: {err}"));
    (left == NEW, litter)
}

#[test]
fn person_who_saved_just_before_the_writer_was_killed_loses_nothing() {
    // Killed between the swap and the look, having displaced a person's save: the worst moment.
    if !can_trace("person_who_saved_just_before_the_writer_was_killed_loses_nothing") {
        return;
    }
    let sandbox = Sandbox::new();
    let (folder, _) = renewed(&sandbox);
    let (_, trace) = traced(&folder, &[], REPLACE);
    let steps = steps(&trace);
    let swap = steps.iter().position(|(call, _)| call == "renameat2");
    let (call, number) = &steps[swap.expect("there is a swap") + 1];
    let (folder, path) = renewed(&sandbox);
    let inject = format!("{call}:signal=KILL:when={number}");
    traced(&folder, &[inject], REPLACE);
    assert_eq!(
        sandbox.read("folder/story.md"),
        NEW,
        "the swap has happened"
    );
    let leftover = names(&folder).remove(0);
    assert!(
        atomic_file::is_temporary_name(&leftover),
        "{leftover:?} is what was displaced"
    );
    // As if a person had saved between the writer's last look and the swap.
    sandbox.write(Path::new("folder").join(&leftover), "a person's only copy");
    let swept = sweep(&folder).expect("the dead keep no lock");
    assert_eq!(
        swept.restored,
        [path],
        "the person's version is put back: {swept:?}"
    );
    assert_eq!(
        sandbox.read("folder/story.md"),
        "a person's only copy",
        "nothing is lost"
    );
    assert_eq!(names(&folder), ["story.md"], "nothing is left");
}

#[test]
fn durable_commit_gives_back_what_is_written_into_the_old_version_during_its_sync() {
    // An editor opens the story, we swap, the editor writes: into a file that has lost its name.
    if !can_trace("durable_commit_gives_back_what_is_written_into_the_old_version_during_its_sync")
    {
        return;
    }
    let sandbox = Sandbox::new();
    let (folder, path) = renewed(&sandbox);
    let mut editor = File::options()
        .write(true)
        .open(&path)
        .expect("it is there");
    let writer = SecondProcess::spawn(
        Command::new("strace")
            .arg("-o")
            .arg(sandbox.join("trace"))
            .args(["-e", "inject=fsync:signal=STOP:when=1"])
            .arg(program())
            .args([REPLACE[0].as_ref(), path.as_os_str(), NEW.as_ref()]),
    );
    wait_until("the commit stops at its sync", PATIENCE, || {
        // Written when the whole process has stopped; before, strace itself stops it at every call.
        fs::read_to_string(sandbox.join("trace"))
            .is_ok_and(|trace| trace.contains("stopped by SIGSTOP"))
    });
    assert_eq!(
        sandbox.read("folder/story.md"),
        NEW,
        "the names are swapped"
    );
    editor.set_len(0).expect("it is open");
    editor.write_all(b"a person's save").expect("it is open");
    drop(editor);
    let child = Pid::from_raw(child_of(writer.id()).expect("it is stopped, not gone"));
    kill_process(child.expect("no pid is 0"), Signal::CONT).expect("it is ours");
    let finished = writer.wait(PATIENCE);
    assert_eq!(
        finished.status.code(),
        Some(1),
        "the commit did not happen: {finished:?}"
    );
    assert_eq!(
        sandbox.read("folder/story.md"),
        "a person's save",
        "and the save has the name"
    );
    assert_eq!(names(&folder), ["story.md"], "nothing is left");
}

/// The process that strace runs.
fn child_of(strace: u32) -> Option<i32> {
    let children = fs::read_to_string(format!("/proc/{strace}/task/{strace}/children"));
    children.ok()?.split_whitespace().next()?.parse().ok()
}

#[test]
fn failure_of_any_step_is_an_error_or_a_whole_commit() {
    if !can_trace("failure_of_any_step_is_an_error_or_a_whole_commit") {
        return;
    }
    let sandbox = Sandbox::new();
    let (folder, _) = renewed(&sandbox);
    let (_, trace) = traced(&folder, &[], REPLACE);
    let mut unsynced = 0;
    for (call, number) in steps(&trace) {
        // What has no bearing on the commit: memory, and closing what was synced.
        if [
            "close",
            "brk",
            "mmap",
            "munmap",
            "mprotect",
            "getrandom",
            "futex",
            "sigaltstack",
        ]
        .contains(&call.as_str())
        {
            continue;
        }
        for errno in ["EIO", "ENOSPC", "EINVAL", "EINTR", "EOPNOTSUPP"] {
            let (folder, path) = renewed(&sandbox);
            let inject = format!("{call}:error={errno}:when={number}");
            let (status, _) = traced(&folder, &[inject], REPLACE);
            let step = format!("{errno} of {call} number {number}");
            let left = sandbox.read("folder/story.md");
            match status.code() {
                Some(0) => assert_eq!(left, NEW, "{step}: what is reported as done is there"),
                Some(9) => {
                    assert_eq!(left, NEW, "{step}: what is reported as committed is there");
                    unsynced += 1;
                }
                Some(1) => assert_eq!(left, OLD, "{step}: what is reported as failed is not there"),
                other => panic!("{step}: it ends with an answer: {other:?}"),
            }
            let litter = names(&folder).len() - 1;
            let swept = sweep(&folder).expect("nothing is in the way");
            assert_eq!(
                swept.removed.len(),
                litter,
                "{step}: leftovers are recognised: {swept:?}"
            );
            update(&path, b"next").unwrap_or_else(|err| panic!("{step}: the next works: {err}"));
        }
    }
    assert!(unsynced > 0, "a failed sync of the folder is told apart");
}

#[test]
fn fast_commit_syncs_the_contents_but_not_the_folder() {
    if !can_trace("fast_commit_syncs_the_contents_but_not_the_folder") {
        return;
    }
    let sandbox = Sandbox::new();
    let (folder, _) = renewed(&sandbox);
    let (_, trace) = traced(&folder, &[], REPLACE_FAST);
    let calls: Vec<String> = steps(&trace).into_iter().map(|(call, _)| call).collect();
    let at = |wanted: &str| calls.iter().position(|call| call == wanted);
    assert!(
        at("fdatasync").is_some(),
        "the contents are synced: {calls:?}"
    );
    assert!(
        at("fdatasync") < at("linkat"),
        "before they have any name: {calls:?}"
    );
    assert!(
        at("linkat") < at("renameat2"),
        "and before they are in place: {calls:?}"
    );
    assert_eq!(at("fsync"), None, "the folder is not: {calls:?}");
    assert_eq!(at("getdents64"), None, "and it is never listed: {calls:?}");
    let (folder, _) = renewed(&sandbox);
    let (_, trace) = traced(&folder, &[], REPLACE);
    let calls: Vec<String> = steps(&trace).into_iter().map(|(call, _)| call).collect();
    let at = |wanted: &str| calls.iter().position(|call| call == wanted);
    assert!(
        at("renameat2") < at("fsync"),
        "a durable one syncs the folder last: {calls:?}"
    );
}
