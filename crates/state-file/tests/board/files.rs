//! What stands in the files, what is read from them, and what is refused.

use std::cell::Cell;
use std::fs;

use state_file::board::{
    Actor, Amendment, Board, BoardError, Completion, Failure, Filter, Moment, NewTask, Right,
    RuleError, Status,
};
use testkit::Sandbox;

use crate::support::{METRICS, Place, TASKS, actor, options};

#[test]
fn create_makes_both_files() {
    let place = Place::new();
    let new = NewTask {
        id: Some("a".to_owned()),
        ..NewTask::new("Write it")
    };
    let created = place.board.create(&new, &actor("ann", 0), &options());
    let created = created.expect("the task is sound");
    assert!(created.changed, "something changed");
    let now = "2026-01-12T10:00:00.000Z";
    let expected = format!(
        r#"{{
  "tasks": [
    {{
      "id": "a",
      "title": "Write it",
      "status": "pending",
      "priority": 3,
      "children": [],
      "dependencies": [],
      "tags": [],
      "context": {{}},
      "created_at": "{now}",
      "updated_at": "{now}",
      "history": [
        {{
          "at": "{now}",
          "agent": "ann",
          "action": "created"
        }}
      ]
    }}
  ]
}}
"#
    );
    assert_eq!(place.sandbox.read(TASKS), expected, "the file of tasks");
    assert_eq!(created.text.as_str(), expected, "and as it is told");
    let metrics = "{\n  \"agents\": {\n    \"ann\": {\n      \"created\": 1\n    }\n  },\n  \"claims\": []\n}\n";
    assert_eq!(place.sandbox.read(METRICS), metrics, "and the metrics");
    place.assert_agreement();
    place.assert_tidy();
}

#[test]
fn life_of_a_task_is_counted_in_the_metrics() {
    let place = Place::new();
    let (board, options) = (&place.board, options());
    let id = place.create(&NewTask::new("Write it"));
    let claimed = board.claim(&id, &actor("ann", 1000), &options);
    assert!(claimed.expect("it is free").changed, "ann begins");
    let again = board.claim(&id, &actor("ann", 2000), &options);
    assert!(!again.expect("it is hers").changed, "and is told so");
    let taken = board.claim(&id, &actor("bob", 2000), &options);
    let Err(BoardError::Rule(RuleError::Taken { by, .. })) = taken else {
        panic!("it is taken: {taken:?}");
    };
    assert_eq!(by, "ann", "by whom");
    board
        .release(&id, Right::Holder, &actor("ann", 3000), &options)
        .expect("it is hers");
    let next = board.claim_next(&Filter::default(), &actor("bob", 4000), &options);
    assert_eq!(next.expect("one is free").task.id, id, "the only one");
    let child = board.spawn(&id, &NewTask::new("Part"), &actor("bob", 5000), &options);
    let child = child.expect("the parent is open").task;
    assert_eq!(child.parent.as_deref(), Some(id.as_str()), "it is linked");
    let completion = Completion::default();
    let early = board.complete(&id, &completion, &actor("bob", 6000), &options);
    assert!(
        matches!(&early, Err(BoardError::Rule(RuleError::OpenChildren { children, .. })) if *children == [child.id.clone()]),
        "a part is open: {early:?}"
    );
    board
        .claim(&child.id, &actor("cyd", 6000), &options)
        .expect("it is free");
    let failure = Failure {
        reason: "broken",
        right: Right::Holder,
    };
    board
        .fail(&child.id, &failure, &actor("cyd", 7500), &options)
        .expect("it is cyd's");
    let done = board.complete(&id, &completion, &actor("bob", 9000), &options);
    assert_eq!(
        done.expect("all parts ended").task.status,
        Status::Completed,
        "it is done"
    );
    let found = board.read().expect("both are clear");
    assert!(found.is_settled, "nobody else is at work");
    let numbers = |agent: &str| {
        let it = &found.metrics.agents[agent];
        [
            it.created,
            it.claimed,
            it.completed,
            it.failed,
            it.released,
            it.spawned,
            it.busy_ms,
        ]
    };
    assert_eq!(numbers("ann"), [0, 1, 0, 0, 1, 0, 2000], "ann's");
    assert_eq!(numbers("bob"), [1, 1, 1, 0, 0, 1, 5000], "bob's");
    assert_eq!(numbers("cyd"), [0, 1, 0, 1, 0, 0, 1500], "cyd's");
    assert_eq!(found.metrics.claims.len(), 3, "one for each beginning");
    place.assert_agreement();
    place.assert_tidy();
}

#[test]
fn change_that_is_refused_leaves_both_files() {
    let place = Place::new();
    place.sandbox.write(TASKS, "[ {\"id\": \"a\"} ]");
    place
        .sandbox
        .write(METRICS, "{\"agents\": {\"ann\": {\"claimed\": \"often\"}}}");
    let found = place.board.claim("a", &actor("ann", 0), &options());
    let err = found.expect_err("the metrics are unclear");
    assert_eq!(
        err.to_string(),
        format!(
            "{} cannot be understood: the file: agents.ann.claimed: invalid type: string \"often\", expected u64",
            place.sandbox.join(METRICS).display()
        ),
        "which file, which member, and why"
    );
    assert_eq!(
        place.sandbox.read(TASKS),
        "[ {\"id\": \"a\"} ]",
        "neither changes"
    );
    place.assert_tidy();
}

#[test]
fn files_that_are_no_board_are_told() {
    let table = [
        (
            "{\"tasks\": [{\"id\": \"b\", \"priority\": \"high\"}]}",
            "tasks.json cannot be understood: task b: priority: ",
        ),
        ("{\"tasks\": [", "tasks.json is not readable JSON"),
        (
            "{\"tasks\": [], \"tasks\": []}",
            "tasks.json is not readable JSON",
        ),
        ("\u{feff}[]", "tasks.json is not readable JSON"),
        ("", "tasks.json is not readable JSON"),
    ];
    for (text, expected) in table {
        let place = Place::new();
        place.sandbox.write(TASKS, text);
        let (board, bob) = (&place.board, actor("bob", 0));
        let errors = [
            board.read().err(),
            board.create(&NewTask::new("t"), &bob, &options()).err(),
            board.check(&options()).err(),
        ];
        for err in errors {
            let err = err.expect("it is no board").to_string();
            assert!(err.contains(expected), "{text:?}: {err}");
        }
        assert_eq!(place.sandbox.read(TASKS), text, "it stays as it is");
        assert!(!place.sandbox.join(METRICS).exists(), "no metrics of it");
        place.assert_tidy();
    }
}

#[test]
fn time_is_told_once_the_locks_of_both_files_are_held() {
    let place = Place::new();
    place.create(&NewTask::new("t"));
    let looks = Cell::new(0);
    let ann = Actor::new("ann", 7, || {
        looks.set(looks.get() + 1);
        for name in [TASKS, METRICS] {
            let lock = place.sandbox.join(format!("{name}.lock"));
            assert!(
                lock.exists(),
                "{name} is locked when the clock is looked at"
            );
        }
        Moment::from_milliseconds(1000).expect("a moment")
    });
    let claimed = place.board.claim_next(&Filter::default(), &ann, &options());
    claimed.expect("it is ready");
    assert_eq!(looks.get(), 1, "the clock is looked at");
}

#[test]
fn tasks_can_be_read_whatever_became_of_the_metrics() {
    let place = Place::new();
    let id = place.create(&NewTask::new("t"));
    for text in ["", "[]", "{\"agents\": {\"ann\": 5}}"] {
        place.sandbox.write(METRICS, text);
        let seen = place.board.read_tasks().expect("the tasks are clear");
        assert!(seen.tasks.find(&id).is_some(), "beside {text:?}");
        assert!(place.board.read().is_err(), "both are not: {text:?}");
    }
}

#[test]
fn board_that_is_not_there_is_not_made_by_looking_for_work() {
    let place = Place::new();
    let (board, ann) = (&place.board, actor("ann", 0));
    let errors = [
        board.claim_next(&Filter::default(), &ann, &options()).err(),
        board
            .update("a", &Amendment::default(), &ann, &options())
            .err(),
        board.check(&options()).err(),
        board.rebuild_metrics(&options()).err(),
        board.read().err(),
    ];
    for err in errors {
        assert!(
            matches!(&err, Some(BoardError::Read(err)) if err.is_not_found()),
            "there is none: {err:?}"
        );
    }
    let left = fs::read_dir(place.sandbox.path()).expect("it is a folder");
    assert_eq!(left.count(), 0, "nothing is made");
}

#[test]
fn files_of_two_folders_are_refused() {
    let place = Place::new();
    let other = Sandbox::new();
    let apart = Board::at(&place.sandbox.join(TASKS), &other.join(METRICS));
    assert!(matches!(apart, Err(BoardError::Apart { .. })), "{apart:?}");
    let same = Board::at(&place.sandbox.join(TASKS), &place.sandbox.join(TASKS));
    assert!(matches!(same, Err(BoardError::Apart { .. })), "{same:?}");
}

#[cfg(unix)]
#[test]
fn link_into_another_folder_is_refused_when_the_board_changes() {
    let place = Place::new();
    let other = Sandbox::new();
    let tasks = other.write(TASKS, "[]");
    std::os::unix::fs::symlink(&tasks, place.sandbox.join(TASKS)).expect("links are possible");
    let new = NewTask::new("Write it");
    let found = place.board.create(&new, &actor("ann", 0), &options());
    assert!(matches!(found, Err(BoardError::Apart { .. })), "{found:?}");
    assert_eq!(other.read(TASKS), "[]", "nothing is changed");
}

#[test]
fn rebuild_metrics_makes_them_agree() {
    let place = Place::new();
    let id = place.create(&NewTask::new("Write it"));
    place
        .board
        .claim(&id, &actor("ann", 0), &options())
        .expect("it is free");
    for wrong in [
        Some("{\"mood\": 1.0, \"agents\": {\"ann\": {\"claimed\": 9}}}"),
        None,
    ] {
        match wrong {
            Some(text) => {
                place.sandbox.write(METRICS, text);
            }
            None => fs::remove_file(place.sandbox.join(METRICS)).expect("it was there"),
        }
        let check = place.board.check(&options()).expect("it is clear");
        assert!(!check.differences.is_empty(), "the difference is told");
        let rebuilt = place.board.rebuild_metrics(&options());
        assert_eq!(
            rebuilt.expect("it is clear").differences,
            check.differences,
            "and told again"
        );
        if wrong.is_some() {
            let kept = place.sandbox.read(METRICS);
            assert!(kept.contains("\"mood\": 1.0"), "the rest is kept: {kept}");
        }
        place.assert_agreement();
    }
    let before = place.sandbox.read(METRICS);
    let again = place.board.rebuild_metrics(&options());
    assert_eq!(again.expect("it is clear").differences, [], "none is left");
    assert_eq!(place.sandbox.read(METRICS), before, "nothing is written");
    place.assert_tidy();
}
