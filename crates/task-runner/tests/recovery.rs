//! What is said about interrupted tasks, with a real lock and journal, and real deaths.
#![cfg(unix)]

#[cfg(target_os = "linux")]
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
#[cfg(target_os = "linux")]
use std::process::Stdio;
use std::time::Duration;

use jiff::Timestamp;
use task_runner::{
    Attempt, Ended, Interrupted, JOURNAL_NAME, Journal, JournalError, NewAttempt, Recovery, Remedy,
    Snapshot, State, StateLock, StateLockError, StateLockGuard, StateLockOptions, TaskId, What,
};
#[cfg(target_os = "linux")]
use testkit::wait_until;
use testkit::{Sandbox, SecondProcess};

const PATIENCE: Duration = Duration::from_secs(30);
const PLACE: &str = "RECOVERY_TEST_PLACE";
/// What a task reads that outlives its runner.
#[cfg(target_os = "linux")]
const PIPE: &str = "pipe";

#[derive(Debug, thiserror::Error)]
enum LookError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Lock(#[from] StateLockError),
}

fn now() -> Timestamp {
    // Whole milliseconds, as the journal keeps them.
    Timestamp::from_millisecond(Timestamp::now().as_millisecond()).expect("a time")
}

fn task() -> TaskId {
    TaskId::new("T").expect("a good name")
}

fn journal(top: &Path) -> Journal {
    let opened = Journal::open(&top.join(JOURNAL_NAME), PATIENCE);
    opened.expect("it opens").0
}

fn lock(top: &Path) -> StateLock {
    StateLock::new(top).expect("the folder is there")
}

fn acquire(top: &Path) -> StateLockGuard {
    let options = StateLockOptions {
        wait: PATIENCE,
        ..StateLockOptions::at(now())
    };
    lock(top).acquire(&task(), &options).expect("it gets free")
}

fn begin(journal: &Journal, guard: &StateLockGuard) -> Attempt {
    let new = NewAttempt {
        task: task(),
        label: String::new(),
        command: vec!["make".into()],
        folder: PathBuf::new(),
        owner: None,
        pid: std::process::id(),
        lock_token: Some(guard.token().to_owned()),
    };
    journal.begin(&new, now()).expect("it begins")
}

fn snapshot(top: &Path, id: &str, run: &str) -> Snapshot {
    Snapshot {
        id: id.to_owned(),
        reference: "refs/devs-snapshots/T".to_owned(),
        task: task(),
        run: Some(run.to_owned()),
        rescue_of: None,
        label: "build".to_owned(),
        taken_at: now(),
        worktree: top.to_owned(),
        head: None,
        branch: None,
    }
}

fn look(top: &Path, snapshots: &[Snapshot]) -> Vec<Interrupted> {
    let journal = journal(top);
    let recovery = Recovery {
        journal: &journal,
        top,
    };
    let found = recovery.look(&lock(top), now(), || Ok::<_, LookError>(snapshots.to_vec()));
    found.expect("it can be looked at")
}

fn settle(top: &Path, snapshots: &[Snapshot]) -> Vec<Interrupted> {
    let guard = acquire(top);
    let journal = journal(top);
    let recovery = Recovery {
        journal: &journal,
        top,
    };
    let found = recovery.settle(&guard, snapshots, now());
    found.expect("it can be written down")
}

fn attempts(top: &Path) -> Vec<Attempt> {
    let found = journal(top).task(&task()).expect("it can be read");
    found.expect("it is known").attempts
}

fn other(top: &Path, role: &str) -> SecondProcess {
    let program = std::env::current_exe().expect("this program has a path");
    let mut command = Command::new(program);
    command
        .args(["--exact", role, "--nocapture"])
        .env(PLACE, top);
    let mut process = SecondProcess::spawn(&mut command);
    // The test's own words may stand before it on the line.
    while !process
        .next_line(PATIENCE)
        .expect("it says when it is ready")
        .ends_with("READY")
    {}
    process
}

#[test]
fn child_works_without_end() {
    let Some(top) = std::env::var_os(PLACE) else {
        return;
    };
    let top = Path::new(&top);
    let guard = acquire(top);
    let journal = journal(top);
    let mut attempt = begin(&journal, &guard);
    let set = journal.set_snapshot(&mut attempt, "abc", now());
    set.expect("it is written");
    println!("READY");
    std::io::stdin()
        .read_line(&mut String::new())
        .expect("stdin can be read");
}

#[test]
fn run_is_left_in_peace_while_it_lives_and_told_when_it_was_killed() {
    let sandbox = Sandbox::new();
    let top = sandbox.path();
    let there = [snapshot(top, "abc", "T.1")];
    let worker = other(top, "child_works_without_end");
    assert_eq!(look(top, &there), [], "it works");
    worker.kill_9();
    let told = look(top, &there);
    assert_eq!(told.len(), 1, "it is told: {told:?}");
    assert_eq!(
        (told[0].what.clone(), told[0].snapshot.as_ref()),
        (What::AtWork, Some(&there[0])),
        "what happened, and what there is to go back to"
    );
    assert_eq!(
        told[0].can,
        [Remedy::Resume, Remedy::Restore, Remedy::Abandon],
        "what can be done"
    );
    assert_eq!(
        attempts(top)[0].state,
        State::Running,
        "who only looks writes nothing down"
    );
    assert_eq!(settle(top, &there), told, "under the lock it is the same");
    let attempt = &attempts(top)[0];
    assert_eq!(
        (attempt.state, attempt.snapshot.as_deref()),
        (State::Interrupted, Some("abc")),
        "and is written down"
    );
    assert_eq!(look(top, &there), told, "it stays until it is decided");
}

#[cfg(target_os = "linux")]
#[test]
fn child_lends_its_lock_to_a_task_that_reads_a_pipe() {
    use std::os::unix::process::CommandExt as _;

    let Some(top) = std::env::var_os(PLACE) else {
        return;
    };
    let top = Path::new(&top);
    let guard = acquire(top);
    let mut attempt = begin(&journal(top), &guard);
    let set = journal(top).set_snapshot(&mut attempt, "abc", now());
    set.expect("it is written");
    let lent = guard.lend().expect("it can be lent");
    // In a group of its own, so that who kills this process does not reach it.
    let mut task = Command::new("cat")
        .arg(top.join(PIPE))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .expect("cat starts");
    drop(lent);
    println!("READY");
    task.wait().expect("it is our child");
}

#[cfg(target_os = "linux")]
#[test]
fn task_that_outlives_its_runner_is_told_and_nothing_can_be_done_until_it_ends() {
    let sandbox = Sandbox::new();
    let top = sandbox.path();
    let pipe = top.join(PIPE);
    let made = Command::new("mkfifo").arg(&pipe).status();
    assert!(made.is_ok_and(|made| made.success()), "there is a pipe");
    // Both ends: to open it does not wait, and when this is dropped the task comes to its end, also if the test fails.
    let pipe = File::options().read(true).write(true).open(&pipe);
    let pipe = pipe.expect("it opens");
    let there = [snapshot(top, "abc", "T.1")];
    other(top, "child_lends_its_lock_to_a_task_that_reads_a_pipe").kill_9();
    let told = look(top, &there);
    assert!(
        matches!(&told[0].what, What::Outlived { pids } if pids.len() == 1),
        "its task goes on, by its number: {told:?}"
    );
    assert_eq!(told[0].can, [], "whatever was done would be undone by it");
    drop(pipe);
    wait_until("the task ends, and the lock is free", PATIENCE, || {
        // While it is ending it has the lock, and nobody sees that.
        look(top, &there)
            .first()
            .is_some_and(|one| one.what == What::AtWork)
    });
    assert_eq!(settle(top, &there)[0].what, What::AtWork, "then it is");
}

#[test]
fn settle_writes_down_what_a_dead_runner_could_not() {
    let sandbox = Sandbox::new();
    let top = sandbox.path();
    let before = journal(top);
    let guard = acquire(top);
    let first = begin(&before, &guard);
    let mut second = begin(&before, &guard);
    let set = before.set_snapshot(&mut second, "gone", now());
    set.expect("it is written");
    guard.release().expect("it is released");
    let there = [
        snapshot(top, "of the first", &first.run()),
        snapshot(top, "of a fifth", "T.5"),
        snapshot(top, "of another first", "T.1"),
    ];
    let told = settle(top, &there);
    assert_eq!(told.len(), 1, "one task: {told:?}");
    assert_eq!(told[0].gone, ["gone"], "the ref that somebody deleted");
    let found = attempts(top);
    let written: Vec<_> = found
        .iter()
        .map(|one| {
            let commit = one.snapshot.as_deref().expect("each has one");
            (one.number, commit, one.is_snapshot_kept)
        })
        .collect();
    let [fifth, other_first] = ["of a fifth", "of another first"];
    assert_eq!(
        written,
        [
            (1, "of the first", true),
            (2, "gone", false),
            (5, fifth, true),
            (6, other_first, true),
        ],
        "nothing that could be found is lost, and no attempt is overwritten"
    );
    assert!(
        found.iter().all(|one| one.state == State::Interrupted),
        "none of them runs: {found:?}"
    );
    let again = settle(top, &there);
    assert_eq!(again[0].gone, [""; 0], "it is told once");
    assert_eq!(attempts(top), found, "and nothing is written twice");
}

#[test]
fn child_runs_again_and_again() {
    let Some(top) = std::env::var_os(PLACE) else {
        return;
    };
    let top = Path::new(&top);
    println!("READY");
    let stop = std::thread::spawn(|| std::io::stdin().read_line(&mut String::new()));
    while !stop.is_finished() {
        let guard = acquire(top);
        let journal = journal(top);
        let mut attempt = begin(&journal, &guard);
        let ended = journal.end(&mut attempt, Ended::Done, now());
        ended.expect("it is written");
        guard.release().expect("it is released");
        println!("RAN");
    }
}

#[test]
fn runs_that_come_and_go_while_somebody_looks_are_never_called_interrupted() {
    const RUNS: usize = 40;
    const LOOKS: usize = 20;
    let sandbox = Sandbox::new();
    let top = sandbox.path();
    let mut runner = other(top, "child_runs_again_and_again");
    let mut runs = 0;
    let mut looks = 0;
    while runs < RUNS || looks < LOOKS {
        assert!(!runner.has_ended(), "it is not hindered");
        assert_eq!(look(top, &[]), [], "nobody was killed");
        runs += runner.lines_so_far().len();
        looks += 1;
    }
    let ended = runner.wait(PATIENCE);
    assert!(ended.status.success(), "nor hindered: {ended:?}");
}
