//! The lock of a tree, with real processes: who gets it, who is respected, what the dead leave.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use jiff::Timestamp;
use rustix::process::Signal;
use serde_json::{Value, json};
use sidecar_lock::Obstruction;
use task_runner::{
    HolderKind, StateLock, StateLockConflictError, StateLockError, StateLockGuard,
    StateLockOptions, TaskId, TreeLock,
};
use testkit::{Sandbox, SecondProcess};

const PATIENCE: Duration = Duration::from_secs(30);
const MINUTE: Duration = Duration::from_mins(1);

fn lock_of(sandbox: &Sandbox) -> StateLock {
    StateLock::new(sandbox.path()).expect("the folder is there")
}

fn task(name: &str) -> TaskId {
    TaskId::new(name).expect("a good name")
}

fn now() -> StateLockOptions {
    StateLockOptions::at(Timestamp::now())
}

fn waiting(wait: Duration) -> StateLockOptions {
    StateLockOptions { wait, ..now() }
}

fn conflict(acquired: Result<StateLockGuard, StateLockError>) -> StateLockConflictError {
    match acquired {
        Err(StateLockError::Conflict(conflict)) => *conflict,
        other => panic!("somebody else has the lock, yet: {other:?}"),
    }
}

fn assert_no_lock(sandbox: &Sandbox) {
    let left = testkit::leftovers(sandbox.path());
    assert_eq!(
        left,
        Vec::<PathBuf>::new(),
        "no lock or temporary file is left"
    );
}

/// The example program. `cargo test` builds examples beside the tests; when only one test binary was asked for, it is built
/// here.
fn program() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let build = || {
        let tests = std::env::current_exe().expect("a test has a path");
        let profile = tests.parent().and_then(Path::parent);
        let profile = profile.expect("tests live in target/<profile>/deps");
        let program = profile.join("examples/one_at_a_time");
        if !program.exists() {
            let mut command = Command::new(env!("CARGO"));
            command.args(["build", "--quiet", "--example", "one_at_a_time"]);
            command.arg("--manifest-path");
            command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"));
            command.arg("--target-dir");
            command.arg(profile.parent().expect("a profile lives in target"));
            let built = command.status().expect("cargo runs");
            assert!(built.success(), "the example is built");
        }
        program
    };
    BUILT.get_or_init(build).clone()
}

/// Starts the example with a shell script as its command.
fn start(sandbox: &Sandbox, name: &str, script: &str) -> SecondProcess {
    let mut command = Command::new(program());
    command.arg(sandbox.path());
    command.args([name, "0", "sh", "-c", script]);
    SecondProcess::spawn(&mut command)
}

/// The same, once it has the lock; its script runs until its input is closed.
fn started(sandbox: &Sandbox, name: &str) -> SecondProcess {
    let mut runner = start(sandbox, name, "echo $$; exec cat");
    let ready = format!("READY {}", runner.id());
    runner.expect_line(&ready, PATIENCE);
    runner
}

fn pid_told(runner: &mut SecondProcess) -> u32 {
    let line = runner
        .next_line(PATIENCE)
        .expect("the script tells its pid");
    line.parse().expect("a pid")
}

/// Kills the runner alone: what it started goes on.
fn kill_only(runner: &mut SecondProcess) {
    runner.signal(Signal::KILL);
    testkit::wait_until("the runner is dead", PATIENCE, || runner.has_ended());
}

/// A process that runs until it is dropped, and is then known to be gone.
struct Stranger(SecondProcess);

impl Stranger {
    fn new() -> Self {
        let mut command = Command::new("sh");
        Self(SecondProcess::spawn_ready(
            command.args(["-c", "echo READY; exec cat"]),
            PATIENCE,
        ))
    }

    fn id(&self) -> u32 {
        self.0.id()
    }

    fn end(self) {
        self.0.wait(PATIENCE);
    }
}

fn put_foreign(lock: &StateLock, text: &str, age: Duration) {
    #[expect(
        clippy::disallowed_methods,
        reason = "another tool writes it like that"
    )]
    fs::write(lock.path(), text).expect("the place is free");
    testkit::set_age(lock.path(), age);
}

#[test]
fn acquire_writes_pid_timestamp_and_task_and_release_leaves_nothing() {
    let sandbox = Sandbox::new();
    let lock = lock_of(&sandbox);
    let mut options = now();
    options.now = "2026-01-12T10:00:00.123456Z".parse().expect("a time");
    let guard = lock.acquire(&task("T-1"), &options).expect("it is free");
    assert!(guard.freed().is_none(), "nobody had it before");
    let text = fs::read(sandbox.join(".devs-state.lock")).expect("it has this name");
    let record: Value = serde_json::from_slice(&text).expect("other tools read JSON");
    assert_eq!(record["pid"], std::process::id(), "RISKS-127: pid");
    assert_eq!(record["task_id"], "T-1", "RISKS-127: task_id");
    assert_eq!(
        record["timestamp"], "2026-01-12T10:00:00.123Z",
        "RISKS-127: timestamp"
    );
    guard.release().expect("it stands");
    assert_no_lock(&sandbox);
    assert_eq!(
        lock.inspect(options.now).expect("readable"),
        TreeLock::Free,
        "it is free again"
    );
}

#[test]
fn longest_names_are_told_whole_beside_long_texts() {
    let sandbox = Sandbox::new();
    let lock = lock_of(&sandbox);
    for name in ["\"\\".repeat(32), "ü".repeat(32), "x".repeat(64)] {
        let options = StateLockOptions {
            owner: Some("\u{1}\"".repeat(200)),
            command: Some("\\".repeat(400)),
            ..now()
        };
        let guard = lock.acquire(&task(&name), &options).expect("it is free");
        let TreeLock::Held(holder) = lock.inspect(options.now).expect("readable") else {
            panic!("it is held")
        };
        assert_eq!(
            holder.task_id.as_deref(),
            Some(name.as_str()),
            "a task's name is never cut"
        );
        let since = holder.since.expect("nor is the time");
        assert_eq!(
            since.as_millisecond(),
            options.now.as_millisecond(),
            "of the acquisition"
        );
        guard.release().expect("it stands");
    }
}

#[test]
fn conflict_names_pid_and_task_of_the_holder() {
    let sandbox = Sandbox::new();
    let lock = lock_of(&sandbox);
    let mut runner = started(&sandbox, "T-first");
    let conflict = conflict(lock.acquire(&task("T-second"), &now()));
    assert_eq!(conflict.pid(), Some(runner.id()), "pid");
    assert_eq!(conflict.task_id(), Some("T-first"), "task");
    assert_eq!(conflict.holder.kind, HolderKind::Ours, "whose lock it is");
    assert!(conflict.holder.outlived_by.is_empty(), "its runner lives");
    let text = conflict.to_string();
    let expected = format!(
        "locked by another process: task T-first, pid {}",
        runner.id()
    );
    assert!(text.contains(&expected), "{text}");
    pid_told(&mut runner);
    let finished = runner.wait(PATIENCE);
    assert!(
        finished.stdout.ends_with("RELEASED\n"),
        "the first completes: {finished:?}"
    );
    assert_no_lock(&sandbox);
}

#[test]
fn waiter_gets_the_lock_when_the_holder_is_done() {
    let sandbox = Sandbox::new();
    let lock = lock_of(&sandbox);
    let mut runner = started(&sandbox, "T-first");
    pid_told(&mut runner);
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| lock.acquire(&task("T-second"), &waiting(PATIENCE)));
        testkit::wait_until("the waiter waits", PATIENCE, || {
            fs::read_dir("/proc/self/fd").is_ok_and(|mut open| {
                open.any(|entry| {
                    let target = entry.and_then(|entry| fs::read_link(entry.path()));
                    target.is_ok_and(|target| target == lock.path())
                })
            })
        });
        runner.wait(PATIENCE);
        let guard = waiter.join().expect("no panic").expect("it is free now");
        assert!(
            guard.freed().is_none(),
            "a holder that released is no dead one"
        );
    });
    assert_no_lock(&sandbox);
}

#[test]
fn twenty_at_once_are_one_run_and_nineteen_conflicts() {
    let sandbox = Sandbox::new();
    let mut all: Vec<SecondProcess> = (0..20)
        .map(|number| start(&sandbox, &format!("T-{number}"), "exec cat"))
        .collect();
    let mut winner = None;
    let mut refused = Vec::new();
    for (number, process) in all.iter_mut().enumerate() {
        let line = process
            .next_line(PATIENCE)
            .expect("each says what came of it");
        if line.starts_with("READY ") {
            assert!(winner.is_none(), "T-{number} has it, too");
            winner = Some(number);
        } else {
            refused.push(line);
        }
    }
    let winner = winner.expect("one has it");
    let name = format!("task T-{winner}, pid {}", all[winner].id());
    assert_eq!(refused.len(), 19, "all others are refused while it runs");
    for line in &refused {
        assert!(
            line.contains(&name),
            "each is told by whom ({name}): {line}"
        );
    }
    for (number, process) in all.into_iter().enumerate() {
        let expected = i32::from(number != winner);
        let finished = process.wait(PATIENCE);
        assert_eq!(finished.status.code(), Some(expected), "{finished:?}");
    }
    assert_no_lock(&sandbox);
}

#[test]
fn lock_of_a_killed_runner_is_freed_with_a_warning_that_names_pid_task_and_age() {
    let sandbox = Sandbox::new();
    let lock = lock_of(&sandbox);
    let runner = started(&sandbox, "T-dead");
    let pid = runner.id();
    runner.kill_9();
    let TreeLock::Leftover(Some(holder)) = lock.inspect(Timestamp::now()).expect("readable") else {
        panic!("the kernel says that it is dead")
    };
    assert_eq!(holder.pid, Some(pid), "who it was");
    let mut later = now();
    later.now += MINUTE * 7;
    let guard = lock.acquire(&task("T-next"), &later).expect("at once");
    let freed = guard.freed().expect("it is told");
    let text = freed.to_string();
    for part in [format!("task T-dead, pid {pid}"), "(7 min old)".to_owned()] {
        assert!(text.contains(&part), "{part:?} is in {text:?}");
    }
    guard.release().expect("it stands");
    assert_no_lock(&sandbox);
}

#[test]
fn tree_stays_locked_while_the_task_outlives_its_killed_runner() {
    let sandbox = Sandbox::new();
    let lock = lock_of(&sandbox);
    let mut runner = started(&sandbox, "T-orphan");
    let child = pid_told(&mut runner);
    kill_only(&mut runner);
    let conflict = conflict(lock.acquire(&task("T-next"), &now()));
    assert_eq!(
        conflict.holder.outlived_by,
        [child],
        "what still runs is named"
    );
    assert_eq!(conflict.task_id(), Some("T-orphan"), "and whose it is");
    let text = conflict.to_string();
    let expected = format!("that process has died, but what it started still runs: pid {child}");
    assert!(text.contains(&expected), "{text}");
    assert!(
        !lock
            .is_stale(Duration::ZERO, Timestamp::now())
            .expect("readable"),
        "whatever its age"
    );
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| lock.acquire(&task("T-next"), &waiting(PATIENCE)));
        runner.close_stdin();
        let guard = waiter
            .join()
            .expect("no panic")
            .expect("its last process has ended");
        let freed = guard
            .freed()
            .expect("its runner never released")
            .to_string();
        assert!(freed.contains("T-orphan"), "{freed}");
        guard.release().expect("it stands");
    });
    assert_no_lock(&sandbox);
}

#[test]
fn daemon_that_a_task_leaves_behind_blocks_nobody_after_the_release() {
    let sandbox = Sandbox::new();
    let lock = lock_of(&sandbox);
    // The daemon keeps all descriptors but the output, at whose end the test looks.
    let script = "exec 9<&0; cat <&9 >/dev/null 2>&1 & echo $!";
    let mut runner = start(&sandbox, "T-daemon", script);
    let ready = format!("READY {}", runner.id());
    runner.expect_line(&ready, PATIENCE);
    let daemon = pid_told(&mut runner);
    runner.expect_line("RELEASED", PATIENCE);
    let opened = fs::read_dir(format!("/proc/{daemon}/fd")).expect("the daemon runs");
    let has_it = opened.flatten().any(|entry| {
        let target = fs::read_link(entry.path()).unwrap_or_default();
        target.starts_with(sandbox.path())
    });
    assert!(
        has_it,
        "it has inherited the lock: else this test tests nothing"
    );
    let guard = lock.acquire(&task("T-next"), &now()).expect("at once");
    assert!(guard.freed().is_none(), "the runner has released it");
    guard.release().expect("it stands");
    runner.wait(PATIENCE);
    assert_no_lock(&sandbox);
}

#[test]
fn foreign_lock_of_a_live_process_is_respected_however_old_and_freed_when_that_is_gone() {
    let sandbox = Sandbox::new();
    let lock = lock_of(&sandbox);
    let stranger = Stranger::new();
    let pid = stranger.id();
    let text = json!({ "pid": pid, "task_id": "T-other" }).to_string();
    put_foreign(&lock, &text, MINUTE * 600);
    let conflict = conflict(lock.acquire(&task("T-1"), &waiting(Duration::from_secs(2))));
    assert_eq!(conflict.pid(), Some(pid), "pid");
    assert_eq!(conflict.task_id(), Some("T-other"), "task");
    assert_eq!(
        conflict.holder.kind,
        HolderKind::Foreign,
        "whose lock it is"
    );
    assert!(
        conflict.waited >= Duration::from_secs(2),
        "it waited: {:?}",
        conflict.waited
    );
    assert!(
        !lock.is_stale(MINUTE, Timestamp::now()).expect("readable"),
        "a live holder's lock is never stale"
    );
    let refused = lock.release(Timestamp::now());
    assert!(
        matches!(refused, Err(StateLockError::Conflict(_))),
        "{refused:?}"
    );
    assert_eq!(
        fs::read_to_string(lock.path()).expect("it stands"),
        text,
        "it was not touched"
    );

    stranger.end();
    assert!(
        lock.is_stale(MINUTE, Timestamp::now()).expect("readable"),
        "now it is"
    );
    let guard = lock
        .acquire(&task("T-1"), &now())
        .expect("nobody has it any more");
    let freed = guard.freed().expect("it is told").to_string();
    assert!(
        freed.contains(&format!("task T-other, pid {pid}")),
        "{freed}"
    );
    guard.release().expect("it stands");
    assert_no_lock(&sandbox);
}

#[test]
fn foreign_lock_whose_pid_was_given_to_a_later_process_is_freed() {
    let sandbox = Sandbox::new();
    let lock = lock_of(&sandbox);
    let stranger = Stranger::new();
    let taken_at = (Timestamp::now() - MINUTE * 60).to_string();
    let text = json!({ "pid": stranger.id(), "timestamp": taken_at, "task_id": "T-old" });
    put_foreign(&lock, &text.to_string(), MINUTE * 60);
    let guard = lock
        .acquire(&task("T-1"), &now())
        .expect("that process is a later one");
    let freed = guard.freed().expect("it is told").to_string();
    assert!(
        freed.contains("T-old") && freed.contains("60 min old"),
        "{freed}"
    );
}

#[test]
fn young_foreign_lock_of_a_dead_process_is_respected_until_it_is_five_minutes_old() {
    let sandbox = Sandbox::new();
    let lock = lock_of(&sandbox);
    let stranger = Stranger::new();
    let pid = stranger.id();
    stranger.end();
    let taken_at = Timestamp::now() - MINUTE * 4;
    let text = json!({ "pid": pid, "timestamp": taken_at.as_millisecond(), "task_id": "T-dead" });
    put_foreign(&lock, &text.to_string(), MINUTE * 6);
    let conflict = conflict(lock.acquire(&task("T-1"), &now()));
    let freed_in = conflict.holder.freed_in_ms.expect("it says when");
    assert!(freed_in <= 60_000, "in the fifth minute: {freed_in} ms");
    let mut later = now();
    later.now += MINUTE * 2;
    let guard = lock
        .acquire(&task("T-1"), &later)
        .expect("two minutes later");
    assert!(guard.freed().is_some(), "it is told");
}

#[test]
fn lock_without_a_pid_counts_by_its_age_alone() {
    for (age, is_freed) in [(4, false), (6, true)] {
        let sandbox = Sandbox::new();
        let lock = lock_of(&sandbox);
        put_foreign(&lock, "locked", MINUTE * age);
        let acquired = lock.acquire(&task("T-1"), &now());
        assert_eq!(
            acquired.is_ok(),
            is_freed,
            "a file of {age} min: {acquired:?}"
        );
        let sandbox = Sandbox::new();
        let lock = lock_of(&sandbox);
        fs::create_dir(lock.path()).expect("the place is free");
        testkit::set_age(lock.path(), MINUTE * age);
        let acquired = lock.acquire(&task("T-1"), &now());
        assert_eq!(
            acquired.is_ok(),
            is_freed,
            "a folder of {age} min: {acquired:?}"
        );
    }
}

#[test]
fn waiter_gets_the_lock_when_another_tool_removes_its_own() {
    let sandbox = Sandbox::new();
    let lock = lock_of(&sandbox);
    let stranger = Stranger::new();
    let text = json!({ "pid": stranger.id(), "task_id": "T-other" });
    put_foreign(&lock, &text.to_string(), Duration::ZERO);
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| lock.acquire(&task("T-1"), &waiting(PATIENCE)));
        fs::remove_file(lock.path()).expect("its holder removes it");
        let guard = waiter.join().expect("no panic").expect("it is free now");
        assert!(guard.freed().is_none(), "nothing was taken from anybody");
    });
    assert_no_lock(&sandbox);
}

#[test]
fn nested_acquire_is_refused_at_once_however_long_it_would_wait() {
    let sandbox = Sandbox::new();
    let lock = lock_of(&sandbox);
    let guard = lock.acquire(&task("T-outer"), &now()).expect("it is free");
    let nested = lock.acquire(&task("T-inner"), &waiting(MINUTE * 60));
    assert!(
        matches!(nested, Err(StateLockError::Nested { .. })),
        "{nested:?}"
    );
    let of_a_child = StateLockOptions {
        inherited_token: Some(guard.token().to_owned()),
        ..waiting(MINUTE * 60)
    };
    std::thread::scope(|scope| {
        // As another process would be: the lock is not this thread's.
        let nested = scope.spawn(|| lock.acquire(&task("T-inner"), &of_a_child));
        let nested = nested.join().expect("no panic");
        assert!(
            matches!(nested, Err(StateLockError::Nested { .. })),
            "{nested:?}"
        );
    });
    guard.release().expect("it stands");
    let guard = lock.acquire(&task("T-later"), &of_a_child);
    assert!(
        guard.is_ok(),
        "whoever started us has ended: its word counts no more: {guard:?}"
    );
}

#[test]
fn release_without_a_lock_is_nothing_and_of_a_dead_ones_lock_says_whose_it_was() {
    let sandbox = Sandbox::new();
    let lock = lock_of(&sandbox);
    let released = lock.release(Timestamp::now()).expect("a no-op");
    assert!(released.is_none(), "there was nothing");
    started(&sandbox, "T-dead").kill_9();
    let later = Timestamp::now() + MINUTE * 3;
    assert!(
        lock.is_stale(MINUTE * 2, later).expect("readable"),
        "dead and older than 2 min"
    );
    assert!(
        !lock.is_stale(MINUTE * 4, later).expect("readable"),
        "not older than 4 min"
    );
    let freed = lock
        .release(later)
        .expect("its holder is dead")
        .expect("it was there");
    assert!(freed.to_string().contains("T-dead"), "{freed}");
    assert!(
        !lock.is_stale(Duration::ZERO, later).expect("readable"),
        "what is not there is not stale"
    );
    assert_no_lock(&sandbox);
}

#[test]
fn panic_releases_the_lock() {
    let sandbox = Sandbox::new();
    let lock = lock_of(&sandbox);
    let panicked = std::thread::scope(|scope| {
        let worker = scope.spawn(|| {
            let _guard = lock.acquire(&task("T-1"), &now()).expect("it is free");
            std::panic::resume_unwind(Box::new("a task panics"));
        });
        worker.join()
    });
    assert!(panicked.is_err(), "it did panic");
    assert_no_lock(&sandbox);
}

#[test]
fn what_is_no_lock_is_left_alone() {
    let sandbox = Sandbox::new();
    let lock = lock_of(&sandbox);
    fs::create_dir(lock.path()).expect("the place is free");
    sandbox.write(".devs-state.lock/keep", "mine");
    let found = lock.inspect(Timestamp::now()).expect("readable");
    assert_eq!(
        found,
        TreeLock::Obstructed(Obstruction::DirectoryWithContent),
        "it is told"
    );
    let refused = lock.acquire(&task("T-1"), &now());
    assert!(
        matches!(refused, Err(StateLockError::Acquire(_))),
        "{refused:?}"
    );
    let refused = lock.release(Timestamp::now());
    assert!(!matches!(refused, Ok(Some(_))), "{refused:?}");
    assert_eq!(
        sandbox.read(".devs-state.lock/keep"),
        "mine",
        "it was not touched"
    );
}

#[test]
fn child_started_without_lending_keeps_nothing() {
    let sandbox = Sandbox::new();
    let lock = lock_of(&sandbox);
    let guard = lock.acquire(&task("T-1"), &now()).expect("it is free");
    drop(guard.lend().expect("a descriptor is left"));
    let mut child = Command::new("ls")
        .args(["-l", "/proc/self/fd"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("ls starts");
    let mut told = String::new();
    let mut out = child.stdout.take().expect("a pipe");
    std::io::Read::read_to_string(&mut out, &mut told).expect("text");
    child.wait().expect("it ends");
    assert!(
        told.contains("->") && !told.contains(&*sandbox.path().to_string_lossy()),
        "what was lent is taken back: {told}"
    );
    guard.release().expect("it stands");
}
