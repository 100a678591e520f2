//! Runs of tasks, by the library alone.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use task_runner::{
    AtomicSnapshot, Authorship, Choice, Ended, Event, Fate, Filter, JOURNAL_NAME, Journal, Kept,
    NothingShared, OnFailure, Report, RunError, RunnerOptions, Running, SharedFiles, Snapshot,
    State, Task, TaskId, TaskRecord, TaskRunner, Trouble, Witness,
};

use crate::repo::Repo;

const PATIENCE: Duration = Duration::from_secs(20);

fn now() -> Timestamp {
    "2026-11-22T10:00:00Z".parse().expect("a time")
}

/// Writes down what is told, and answers as it was made to.
struct Recorder {
    told: Vec<String>,
    answer: Choice,
}

impl Recorder {
    fn new() -> Self {
        Self {
            told: Vec::new(),
            answer: Choice::Keep,
        }
    }
}

impl Witness for Recorder {
    fn tell(&mut self, event: Event<'_>) {
        self.told.push(match event {
            Event::Locked => "locked".to_owned(),
            Event::Interrupted(interrupted) => format!("interrupted {}", interrupted.run),
            Event::Recorded(_) => "recorded".to_owned(),
            other => format!("{other:?}"),
        });
    }

    fn choose(&mut self, ended: Ended, _: &Snapshot) -> Choice {
        self.told.push(format!("asked after {ended:?}"));
        self.answer
    }
}

fn task(on_failure: OnFailure) -> Task {
    Task {
        on_failure,
        command: vec!["make".into()],
        ..Task::new(TaskId::new("T-1").expect("a good name"))
    }
}

fn run(
    repo: &Repo,
    task: &Task,
    recorder: &mut Recorder,
    work: impl FnOnce(&Running<'_>) -> Ended,
) -> Result<Report, RunError> {
    run_with(&NothingShared, repo, task, recorder, work)
}

fn run_with(
    shared: &dyn SharedFiles,
    repo: &Repo,
    task: &Task,
    recorder: &mut Recorder,
    work: impl FnOnce(&Running<'_>) -> Ended,
) -> Result<Report, RunError> {
    let options = RunnerOptions {
        shared,
        now: &now,
        patience: PATIENCE,
    };
    let snapshots = AtomicSnapshot::open(repo.top()).expect("a tree");
    let runner = TaskRunner::new(snapshots, options).expect("a tree");
    let ran = runner.run(task, recorder, |running| (work(running), ()));
    ran.map(|(report, ())| report)
}

fn journaled(repo: &Repo) -> TaskRecord {
    let (journal, _) = Journal::open(&repo.join(JOURNAL_NAME), PATIENCE).expect("a journal");
    let mut tasks = journal.list(Filter::All).expect("it can be read");
    tasks.pop().expect("the task is in it")
}

fn snapshots(repo: &Repo) -> usize {
    let snapshots = AtomicSnapshot::open(repo.top()).expect("a tree");
    snapshots.list().expect("they can be listed").len()
}

fn is_locked(repo: &Repo) -> bool {
    repo.join(".devs-state.lock").exists()
}

#[test]
fn run_has_lock_journal_and_snapshot_before_the_work_and_gives_them_back() {
    let repo = Repo::new();
    let mut recorder = Recorder::new();
    let report = run(&repo, &task(OnFailure::Keep), &mut recorder, |running| {
        assert!(is_locked(&repo), "the tree is locked");
        assert_eq!(running.run(), "T-1.1", "the first attempt");
        let known = journaled(&repo);
        assert_eq!(known.state, State::Running, "the journal has it");
        let id = Some(running.snapshot().id.clone());
        assert_eq!(known.snapshot, id, "and its snapshot");
        assert_eq!(snapshots(&repo), 1, "which has a ref");
        Ended::Done
    });
    let report = report.expect("it is run");
    assert_eq!(recorder.told, ["locked", "recorded"], "in this order");
    assert!(matches!(report.fate, Fate::Dropped), "{report:?}");
    assert!(report.troubles.is_empty(), "{report:?}");
    let known = journaled(&repo);
    assert_eq!(known.state, State::Done, "how it ended is written down");
    assert_eq!(known.snapshot, None, "and that the snapshot is gone");
    assert_eq!(snapshots(&repo), 0, "which it is");
    assert!(!is_locked(&repo), "the lock is released");
}

#[test]
fn run_whose_work_panics_keeps_the_snapshot_and_releases_the_lock() {
    let repo = Repo::new();
    let panicking = catch_unwind(AssertUnwindSafe(|| {
        run(
            &repo,
            &task(OnFailure::Restore),
            &mut Recorder::new(),
            |_| {
                fs::remove_file(repo.join("README.md")).expect("it is there");
                panic!("the work fails badly")
            },
        )
    }));
    let panic = panicking.expect_err("the panic goes on");
    let words = panic.downcast_ref::<&str>();
    assert_eq!(words, Some(&"the work fails badly"), "as it was");
    assert!(!is_locked(&repo), "the lock is released");
    assert_eq!(snapshots(&repo), 1, "the snapshot is kept");
    let known = journaled(&repo);
    assert_eq!(known.state, State::Interrupted, "it did not come to an end");
    assert!(known.snapshot.is_some(), "the journal knows the way back");
    let mut recorder = Recorder::new();
    let mut next = task(OnFailure::Keep);
    next.id = TaskId::new("T-2").expect("a good name");
    run(&repo, &next, &mut recorder, |_| Ended::Done).expect("the next task runs");
    assert_eq!(
        recorder.told,
        ["locked", "interrupted T-1.1", "recorded"],
        "and is told of it"
    );
}

#[test]
fn run_restores_after_each_bad_end_and_only_then() {
    for (ended, policy, answer, restored) in [
        (
            Ended::Failed { code: 1 },
            OnFailure::Keep,
            Choice::Restore,
            false,
        ),
        (
            Ended::Failed { code: 1 },
            OnFailure::Restore,
            Choice::Keep,
            true,
        ),
        (
            Ended::Signalled { signal: 9 },
            OnFailure::Restore,
            Choice::Keep,
            true,
        ),
        (Ended::TimedOut, OnFailure::Ask, Choice::Restore, true),
        (Ended::TimedOut, OnFailure::Ask, Choice::Keep, false),
        (Ended::Done, OnFailure::Restore, Choice::Restore, false),
    ] {
        let repo = Repo::new();
        let mut recorder = Recorder::new();
        recorder.answer = answer;
        let report = run(&repo, &task(policy), &mut recorder, |_| {
            fs::remove_file(repo.join("README.md")).expect("it is there");
            ended
        });
        let report = report.expect("it is run");
        let case = format!("{ended:?} {policy:?} {answer:?}: {report:?}");
        assert_eq!(repo.join("README.md").exists(), restored, "{case}");
        assert!(report.troubles.is_empty(), "{case}");
        let state = journaled(&repo).state;
        assert_eq!(state == State::Restored, restored, "{state}: {case}");
        let was_asked = recorder.told.iter().any(|told| told.starts_with("asked"));
        assert_eq!(was_asked, policy == OnFailure::Ask, "{case}");
        assert!(!is_locked(&repo), "{case}");
    }
}

#[test]
fn run_that_goes_on_from_an_earlier_attempt_keeps_its_snapshot() {
    let repo = Repo::new();
    let before = fs::read(repo.join("README.md")).expect("it is there");
    let first = run(&repo, &task(OnFailure::Keep), &mut Recorder::new(), |_| {
        fs::remove_file(repo.join("README.md")).expect("it is there");
        Ended::Failed { code: 1 }
    });
    let first = first.expect("it is run");
    assert!(matches!(first.fate, Fate::Kept(Kept::NotDone)), "{first:?}");
    let again = Task {
        since: Some(first.snapshot.clone()),
        ..task(OnFailure::Restore)
    };
    let second = run(&repo, &again, &mut Recorder::new(), |running| {
        assert_eq!(running.run(), "T-1.2", "the second attempt");
        assert_eq!(running.snapshot(), &first.snapshot, "none of its own");
        Ended::Failed { code: 1 }
    });
    second.expect("it is run");
    let after = fs::read(repo.join("README.md")).expect("it is back");
    assert_eq!(after, before, "as it was before the first");
}

/// `README.md` is shared, and all that was done to it was done since `T-1.1`.
struct SinceTheFirst;

impl SharedFiles for SinceTheFirst {
    fn is_shared(&self, path: &Path) -> bool {
        path == Path::new("README.md")
    }

    fn is_apart(&self, path: &Path) -> bool {
        NothingShared.is_apart(path)
    }

    fn authorship(
        &self,
        _: &Path,
        _: Option<&[u8]>,
        _: Option<&[u8]>,
        run: Option<&str>,
    ) -> Authorship {
        if run == Some("T-1.1") {
            Authorship::OnlyTheRun
        } else {
            Authorship::OthersToo
        }
    }
}

#[test]
fn run_that_goes_on_from_an_earlier_attempt_undoes_what_that_did_to_shared_files() {
    let repo = Repo::new();
    let before = fs::read(repo.join("README.md")).expect("it is there");
    let first = run(&repo, &task(OnFailure::Keep), &mut Recorder::new(), |_| {
        repo.write("README.md", "by the first\n");
        Ended::Failed { code: 1 }
    });
    let again = Task {
        since: Some(first.expect("it is run").snapshot),
        ..task(OnFailure::Restore)
    };
    let recorder = &mut Recorder::new();
    let second = run_with(&SinceTheFirst, &repo, &again, recorder, |_| Ended::Failed {
        code: 1,
    });
    let second = second.expect("it is run");
    let after = fs::read(repo.join("README.md")).expect("it is there");
    assert_eq!(after, before, "as it was before the first: {second:?}");
}

#[test]
fn run_that_committed_and_is_restored_keeps_the_snapshot_for_where_head_was() {
    let repo = Repo::new();
    let was = repo.git(["rev-parse", "HEAD"]);
    let report = run(
        &repo,
        &task(OnFailure::Restore),
        &mut Recorder::new(),
        |_| {
            repo.write("README.md", "committed\n");
            repo.git(["commit", "-q", "-am", "by the task"]);
            Ended::Failed { code: 1 }
        },
    );
    let report = report.expect("it is run");
    assert_eq!(repo.read("README.md"), b"a project\n", "the file is back");
    assert_ne!(repo.git(["rev-parse", "HEAD"]), was, "HEAD is not");
    let Fate::Restored { is_dropped, .. } = &report.fate else {
        panic!("{report:?}")
    };
    assert!(!is_dropped, "one more restore can bring HEAD back");
    let snapshots = AtomicSnapshot::open(repo.top()).expect("a tree");
    let kept = snapshots.find(&report.snapshot.id).expect("it is there");
    assert_eq!(kept.head, Some(was), "it knows where HEAD was");
}

#[test]
fn run_that_lost_its_lock_touches_nothing_any_more() {
    let repo = Repo::new();
    let report = run(
        &repo,
        &task(OnFailure::Restore),
        &mut Recorder::new(),
        |_| {
            fs::remove_file(repo.join("README.md")).expect("it is there");
            fs::remove_file(repo.join(".devs-state.lock")).expect("it is there");
            Ended::Failed { code: 1 }
        },
    );
    let report = report.expect("it is run");
    assert!(
        matches!(report.troubles[..], [Trouble::LockLost(_), ..]),
        "{report:?}"
    );
    assert!(
        matches!(report.fate, Fate::Kept(Kept::Trouble)),
        "{report:?}"
    );
    assert!(
        !repo.join("README.md").exists(),
        "somebody else may work in the tree"
    );
    assert_eq!(snapshots(&repo), 1, "the way back is kept");
}

#[test]
fn run_whose_journal_is_deleted_meanwhile_says_so_and_is_in_the_new_one() {
    let repo = Repo::new();
    let report = run(&repo, &task(OnFailure::Keep), &mut Recorder::new(), |_| {
        fs::remove_file(repo.join(JOURNAL_NAME)).expect("it is there");
        Ended::Failed { code: 3 }
    });
    let report = report.expect("it is run");
    assert!(
        matches!(report.troubles[..], [Trouble::JournalDeleted]),
        "{report:?}"
    );
    let known = journaled(&repo);
    assert_eq!(known.state, State::Failed, "how it ended");
    assert_eq!(known.snapshot, Some(report.snapshot.id), "and the way back");
}

#[test]
fn run_is_refused_while_a_merge_is_under_way_and_leaves_nothing() {
    let repo = Repo::new();
    repo.git(["checkout", "-q", "-b", "other"]);
    repo.write("README.md", "theirs\n");
    repo.git(["commit", "-q", "-am", "theirs"]);
    repo.git(["checkout", "-q", "-"]);
    repo.write("README.md", "ours\n");
    repo.git(["commit", "-q", "-am", "ours"]);
    let merge = Repo::try_git(repo.top(), ["merge", "-q", "other"]);
    assert!(!merge.status.success(), "there is a conflict");
    let refused = run(&repo, &task(OnFailure::Keep), &mut Recorder::new(), |_| {
        panic!("the work is not begun")
    });
    assert!(matches!(refused, Err(RunError::Snapshot(_))), "{refused:?}");
    assert!(!is_locked(&repo), "the lock is released");
    assert_eq!(snapshots(&repo), 0, "no snapshot is left");
    assert_eq!(
        journaled(&repo).state,
        State::NotStarted,
        "and it is written down"
    );
}

#[test]
fn run_whose_end_cannot_be_written_down_keeps_the_snapshot() {
    let repo = Repo::new();
    let report = run(&repo, &task(OnFailure::Keep), &mut Recorder::new(), |_| {
        fs::remove_file(repo.join(JOURNAL_NAME)).expect("it is there");
        fs::create_dir(repo.join(JOURNAL_NAME)).expect("its place is free");
        Ended::Done
    });
    let report = report.expect("it is run");
    assert!(
        matches!(report.troubles[..], [Trouble::NotWrittenDown(_)]),
        "{report:?}"
    );
    assert!(
        matches!(report.fate, Fate::Kept(Kept::Trouble)),
        "for the journal it still runs: {report:?}"
    );
    assert_eq!(snapshots(&repo), 1, "the way back is kept");
}
