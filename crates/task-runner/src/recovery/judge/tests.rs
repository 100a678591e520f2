//! What is told about every kind of end.

use std::path::PathBuf;

use jiff::Timestamp;

use super::*;
use crate::task_id::TaskId;

const TOP: &str = "/tree";

fn task_id(name: &str) -> TaskId {
    TaskId::new(name).expect("a good name")
}

fn attempt(number: u32, state: State, snapshot: Option<&str>) -> Attempt {
    Attempt {
        task: task_id("T"),
        number,
        state,
        label: String::new(),
        command: vec!["make".into()],
        folder: PathBuf::new(),
        owner: None,
        pid: 7,
        lock_token: Some(format!("token {number}")),
        began_at: Timestamp::UNIX_EPOCH,
        ended_at: None,
        exit_code: None,
        signal: None,
        snapshot: snapshot.map(str::to_owned),
        is_snapshot_kept: snapshot.is_some(),
    }
}

fn task(attempts: Vec<Attempt>) -> TaskRecord {
    let last = attempts.last().expect("a task has an attempt");
    let mut kept = attempts.iter().filter(|one| one.is_snapshot_kept);
    TaskRecord {
        task: task_id("T"),
        state: last.state,
        label: String::new(),
        command: last.command.clone(),
        folder: PathBuf::new(),
        snapshot: kept.find_map(|one| one.snapshot.clone()),
        created_at: Timestamp::UNIX_EPOCH,
        changed_at: Timestamp::UNIX_EPOCH,
        attempts,
    }
}

fn snapshot(id: &str, run: Option<&str>) -> Snapshot {
    Snapshot {
        id: id.to_owned(),
        reference: "refs/devs-snapshots/T".to_owned(),
        task: task_id("T"),
        run: run.map(str::to_owned),
        rescue_of: None,
        label: String::new(),
        taken_at: Timestamp::UNIX_EPOCH,
        worktree: PathBuf::from(TOP),
        head: None,
        branch: None,
    }
}

fn held_by(token: &str, outlived_by: &[u32]) -> Holding {
    Holding::Somebody {
        pid: Some(99),
        token: Some(token.to_owned()),
        outlived_by: outlived_by.to_vec(),
    }
}

fn told(tasks: &[TaskRecord], snapshots: &[Snapshot], holding: &Holding) -> Vec<Interrupted> {
    interrupted(&Findings {
        tasks,
        snapshots,
        holding,
        top: Path::new(TOP),
    })
}

/// What is told about one task, the commit to go back to, and what can be done.
fn about(
    attempts: Vec<Attempt>,
    snapshots: &[Snapshot],
    holding: &Holding,
) -> Option<(What, Option<String>, Vec<Remedy>)> {
    let mut found = told(&[task(attempts)], snapshots, holding);
    assert!(found.len() < 2, "one task is told once: {found:?}");
    let found = found.pop()?;
    Some((found.what, found.snapshot.map(|one| one.id), found.can))
}

#[test]
fn attempt_that_runs_is_interrupted_unless_its_holder_has_the_lock() {
    use Remedy::{Abandon, Restore, Resume};
    let running = || vec![attempt(1, State::Running, Some("a"))];
    let there = [snapshot("a", Some("T.1"))];
    let died = Some((
        What::AtWork,
        Some("a".to_owned()),
        vec![Resume, Restore, Abandon],
    ));
    let outlived = What::Outlived { pids: vec![5, 6] };
    let table = [
        ("free", Holding::Nobody, died.clone()),
        ("another run", held_by("token 2", &[]), died),
        ("its own", held_by("token 1", &[]), None),
        ("unknown", Holding::Unknown, None),
        (
            "its children",
            held_by("token 1", &[5, 6]),
            Some((outlived, Some("a".to_owned()), Vec::new())),
        ),
    ];
    for (name, holding, expected) in table {
        assert_eq!(
            about(running(), &there, &holding),
            expected,
            "the lock is held by: {name}"
        );
    }
    let mut without_token = running();
    without_token[0].lock_token = None;
    without_token[0].pid = 99;
    let holding = held_by("whichever", &[]);
    assert_eq!(
        about(without_token, &there, &holding),
        None,
        "then its process is it"
    );
}

#[test]
fn runner_that_died_around_the_snapshot_is_told_apart() {
    use Remedy::{Abandon, Restore, Resume};
    let before = || vec![attempt(1, State::Running, None)];
    let nobody = Holding::Nobody;
    assert_eq!(
        about(before(), &[], &nobody),
        Some((What::BeforeWork, None, vec![Resume, Abandon])),
        "before it was taken: there is nothing to go back to"
    );
    let by_run = [snapshot("a", Some("T.1"))];
    let found = Some((
        What::BeforeWork,
        Some("a".to_owned()),
        vec![Resume, Restore, Abandon],
    ));
    assert_eq!(
        about(before(), &by_run, &nobody),
        found,
        "between the ref and the journal: the run's name finds it"
    );
    let mut elsewhere = by_run;
    elsewhere[0].worktree = PathBuf::from("/other");
    assert_eq!(
        about(before(), &elsewhere, &nobody),
        Some((What::BeforeWork, None, vec![Resume, Abandon])),
        "the same name in another worktree is another run"
    );
}

#[test]
fn task_that_ended_is_told_while_its_snapshot_is_kept() {
    use Remedy::{Abandon, Restore, Resume};
    let there = [snapshot("a", Some("T.1"))];
    let kept = |state| (What::Kept { state }, Some("a".to_owned()));
    let all = vec![Resume, Restore, Abandon];
    let table = [
        (State::Failed, all.clone()),
        (State::Signalled, all.clone()),
        (State::TimedOut, all.clone()),
        (State::NotStarted, all),
        (State::Done, vec![Restore, Abandon]),
    ];
    for (state, can) in table {
        let (what, commit) = kept(state);
        assert_eq!(
            about(vec![attempt(1, state, Some("a"))], &there, &Holding::Nobody),
            Some((what, commit, can)),
            "{state}"
        );
        assert_eq!(
            about(vec![attempt(1, state, None)], &there, &Holding::Nobody),
            None,
            "{state}: nothing is kept, and its name alone is no reason"
        );
    }
}

#[test]
fn snapshot_that_is_gone_is_said_to_be() {
    let gone = |state| {
        let tasks = [task(vec![attempt(1, state, Some("a"))])];
        let found = told(&tasks, &[], &Holding::Nobody);
        found.into_iter().next()
    };
    let failed = gone(State::Failed).expect("it is told");
    assert_eq!(
        (failed.snapshot, &failed.gone[..]),
        (None, &["a".to_owned()][..]),
        "its commit"
    );
    assert_eq!(
        failed.can,
        [Remedy::Resume, Remedy::Abandon],
        "there is nothing to go back to"
    );
    let text = gone(State::Interrupted).expect("it is told").to_string();
    assert!(
        text.contains("deleted the ref of its snapshot a"),
        "a person reads it: {text}"
    );
    assert_eq!(
        gone(State::Done),
        None,
        "it was dropped, and only its journal does not know yet"
    );
}

#[test]
fn state_to_go_back_to_is_the_one_before_the_earliest_attempt_that_is_kept() {
    let attempts = vec![
        attempt(1, State::Interrupted, Some("a")),
        attempt(2, State::Failed, Some("b")),
        attempt(3, State::Interrupted, None),
    ];
    let [a, b] = ["a", "b"].map(|id| snapshot(id, None));
    for (there, expected) in [
        (vec![b.clone(), a.clone()], Some("a")),
        (vec![b], Some("b")),
        (vec![], None),
    ] {
        let (_, found, _) = about(attempts.clone(), &there, &Holding::Nobody).expect("it is told");
        assert_eq!(found.as_deref(), expected, "of {} snapshots", there.len());
    }
}

#[test]
fn decided_tasks_are_not_told_again() {
    for state in [State::Restored, State::Abandoned] {
        let mut decided = task(vec![attempt(1, State::Failed, Some("a"))]);
        decided.state = state;
        let there = [snapshot("a", Some("T.1"))];
        let found = told(&[decided], &there, &Holding::Nobody);
        assert_eq!(found, [], "{state}, with or without its snapshot");
    }
}

#[test]
fn snapshot_of_a_run_that_nobody_wrote_down_is_told() {
    let of_run = |id, second| Snapshot {
        taken_at: Timestamp::from_second(second).expect("a time"),
        ..snapshot(id, Some("T.4"))
    };
    let found = told(
        &[],
        &[of_run("late", 9), of_run("early", 3)],
        &Holding::Nobody,
    );
    let ids: Vec<_> = found
        .iter()
        .map(|one| one.snapshot.as_ref().map(|one| one.id.as_str()))
        .collect();
    assert_eq!(ids, [Some("early")], "once, with the earliest state");
    assert_eq!(
        (&found[0].what, found[0].run.as_str(), &found[0].can[..]),
        (
            &What::Unrecorded,
            "T.4",
            &[Remedy::Restore, Remedy::Abandon][..]
        ),
        "its command is not known"
    );
    let by_hand = snapshot("a", None);
    let rescue = Snapshot {
        rescue_of: Some("b".to_owned()),
        ..of_run("c", 1)
    };
    let elsewhere = Snapshot {
        worktree: PathBuf::from("/other"),
        ..of_run("d", 1)
    };
    let found = told(&[], &[by_hand, rescue, elsewhere], &Holding::Nobody);
    assert_eq!(found, [], "these wait for nobody here");
    let mut forgotten = attempt(4, State::Failed, Some("early"));
    forgotten.is_snapshot_kept = false;
    let found = told(
        &[task(vec![forgotten])],
        &[of_run("early", 3)],
        &Holding::Nobody,
    );
    assert_eq!(found, [], "the journal knows it and has given it up");
}
