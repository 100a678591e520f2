use proptest::prelude::*;

use super::super::choose::Filter;
use super::super::moment::Moment;
use super::super::rules::{self, Amendment, Completion, NewTask, OpenChildren, Present, Right};
use super::super::task::Status;
use super::*;

fn text(text: &str) -> JsonText {
    JsonText::parse(text.as_bytes()).unwrap_or_else(|err| panic!("{text}: {err}"))
}

fn at(milliseconds: i64) -> Moment {
    let start = Moment::parse("2026-01-12T10:00:00Z").expect("an instant");
    Moment::from_milliseconds(start.milliseconds() + milliseconds).expect("a moment")
}

fn present(agent: &str, milliseconds: i64) -> Present<'_> {
    Present {
        at: at(milliseconds),
        agent,
        seed: 7,
    }
}

/// A board of another tool, laid out as nobody else does it.
const ODD: &str = r#"{ "version": 1.0,
    "tasks" : [ {"id":"a","title":"A",   "createdAt":"2026-01-01T00:00:00Z","updatedAt": 1,
          "huge": 12345678901234567890123, "history": null, "tags":["x"]},
      {"id": 7, "dependencies": ["a"], "context": null, "children":null}
   ]
}"#;

#[test]
fn decide_leaves_every_other_byte_of_the_file() {
    let decided = decide(Some(text(ODD)), |tasks| {
        rules::claim(tasks, "a", &present("bob", 0))
    })
    .expect("it is free");
    let now = "2026-01-12T10:00:00.000Z";
    let expected = ODD
        .replace("\"updatedAt\": 1", &format!("\"updatedAt\": \"{now}\""))
        .replace(
            r#""history": null, "tags":["x"]}"#,
            &format!(
                r#""history": [{{"at":"{now}","agent":"bob","action":"claimed"}}], "tags":["x"],"status":"in_progress","assignee":"bob"}}"#
            ),
        );
    let found: String = decided.text.as_str().split_whitespace().collect();
    let wanted: String = expected.split_whitespace().collect();
    assert_eq!(found, wanted, "nothing but what is meant changes");
    assert!(
        decided.text.as_str().starts_with(
            "{ \"version\": 1.0,\n    \"tasks\" : [ {\"id\":\"a\",\"title\":\"A\",   \"createdAt\""
        ),
        "the layout stays: {}",
        decided.text.as_str()
    );
}

#[test]
fn decide_edits_members_that_are_null() {
    let amendment = Amendment {
        context: vec![(
            "k".to_owned(),
            serde_json::value::RawValue::from_string("1.0".to_owned()).expect("JSON"),
        )],
        ..Amendment::default()
    };
    let decided = decide(Some(text(ODD)), |tasks| {
        rules::update(tasks, "7", &amendment, &present("bob", 0))
    });
    let task = decided.expect("it is there").task;
    assert_eq!(
        task.context.map(|it| it.get().split_whitespace().collect()),
        Some("{\"k\":1.0}".to_owned()),
        "null was no context"
    );
    let new = NewTask {
        id: Some("c".to_owned()),
        ..NewTask::new("Part")
    };
    let decided = decide(Some(text(ODD)), |tasks| {
        rules::spawn(tasks, "7", &new, &present("bob", 0))
    });
    let tasks = decided.expect("it is there").text;
    let tasks = Tasks::parse(tasks.as_str()).expect("a board");
    let parent = tasks.find("7").expect("it is there");
    assert_eq!(parent.children, ["c"], "null were no children");
}

#[test]
fn decide_on_a_context_that_is_none_is_unclear() {
    let amendment = Amendment {
        context: vec![(
            "k".to_owned(),
            serde_json::value::RawValue::from_string("1".to_owned()).expect("JSON"),
        )],
        ..Amendment::default()
    };
    let found = decide(Some(text(r#"[{"id": "a", "context": [1]}]"#)), |tasks| {
        rules::update(tasks, "a", &amendment, &present("bob", 0))
    });
    let TextError::Rule(err) = found.expect_err("a list has no keys") else {
        panic!("the rules know the task");
    };
    assert_eq!(
        err.to_string(),
        "task a: [0].context is a list, not an object",
        "which task, and what stands there"
    );
}

#[test]
fn account_ends_the_claim_that_is_open() {
    let tasks = r#"[{"id": "a", "status": "in_progress", "assignee": "bob",
        "history": [{"at": "2026-01-12T10:00:00Z", "agent": "bob", "action": "claimed"}]}]"#;
    let metrics = r#"{"agents": {"bob": {"claimed": 1, "busyMs": 3, "mood": "good"}, "eve": null}, "claims": [
        {"task": "a", "agent": "bob", "at": "2026-01-12T10:00:00Z", "mark": 1.0}], "since": 1e400}"#;
    let decided = decide(Some(text(tasks)), |tasks| {
        rules::complete(tasks, "a", &Completion::default(), &present("bob", 1500))
    })
    .expect("it is bob's");
    let found = account(Some(text(metrics)), &decided).expect("it is clear");
    let expected = metrics
        .replace("\"busyMs\": 3", "\"busyMs\": 1503")
        .replace("\"good\"}", "\"good\", \"completed\": 1}")
        .replace(
            "\"mark\": 1.0}",
            "\"mark\": 1.0, \"ended_at\": \"2026-01-12T10:00:01.500Z\", \"outcome\": \"completed\"}",
        );
    assert_eq!(
        found.expect("it changes").as_str(),
        expected,
        "in place, by the file's own spelling"
    );
}

#[test]
fn account_of_metrics_that_are_not_there_says_all() {
    let tasks = r#"[{"id": "b", "history": [{"agent": "ann", "action": "created"}]}, {"id": "a"}]"#;
    let decided = decide(Some(text(tasks)), |tasks| {
        rules::claim(tasks, "a", &present("bob", 0))
    })
    .expect("it is free");
    let found = account(None, &decided)
        .expect("it is clear")
        .expect("it is new");
    let metrics = Metrics::parse(found.as_str()).expect("it is clear");
    assert_eq!(
        metrics,
        metrics::of(&Tasks::parse(decided.text.as_str()).expect("a board")),
        "also what was before"
    );
    assert_eq!(metrics.agents["ann"].created, 1, "by ann, long ago");
}

#[test]
fn rebuilt_metrics_say_what_the_board_says_and_keep_the_rest() {
    let tasks = Tasks::parse(
        r#"[{"id": "a", "history": [{"at": "2026-01-12T10:00:00Z", "agent": "bob", "action": "claimed"}]}]"#,
    )
    .expect("a board");
    let all = metrics::of(&tasks);
    let wrong = r#"{"agents": {"bob": {"claimed": 7, "mood": "good"}, "eve": {"failed": 2}}, "claims": [{"task": "z"}], "k": 1.0}"#;
    let (found, differences) = rebuilt(Some(text(wrong)), &all).expect("it is clear");
    let told: Vec<_> = differences
        .iter()
        .map(|it| (it.what.as_str(), it.expected.as_str(), it.found.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("agents.bob.claimed", "1", "7"),
            ("agents.eve.failed", "0", "2"),
            ("claims", "", r#"{"task":"z","agent":""}"#),
            (
                "claims",
                r#"{"at":"2026-01-12T10:00:00.000Z","task":"a","agent":"bob"}"#,
                ""
            ),
        ],
        "each difference"
    );
    let (again, none) = rebuilt(Some(found.clone()), &all).expect("it is clear");
    assert_eq!(none, [], "nothing differs any more");
    assert_eq!(again.as_str(), found.as_str(), "and nothing is written");
    for kept in ["\"mood\": \"good\"", "\"k\": 1.0"] {
        assert!(found.as_str().contains(kept), "{kept} stays");
    }
}

/// What an agent tries, on a task by its place.
#[derive(Debug, Clone)]
enum Try {
    Create(usize),
    Spawn(usize),
    Claim(usize),
    Next,
    Complete(usize, OpenChildren, Right),
    Fail(usize, Right),
    Release(usize, Right),
    Update(usize, Option<Status>, Right),
}

fn tries() -> impl Strategy<Value = Try> {
    let right = || prop_oneof![3 => Just(Right::Holder), 1 => Just(Right::Anybody)];
    let children = prop_oneof![Just(OpenChildren::Refused), Just(OpenChildren::Allowed)];
    let place = || 0..6_usize;
    let status = proptest::option::of(proptest::sample::select(&Status::ALL[..]));
    prop_oneof![
        1 => place().prop_map(Try::Create),
        1 => place().prop_map(Try::Spawn),
        1 => place().prop_map(Try::Claim),
        2 => Just(Try::Next),
        3 => (place(), children, right()).prop_map(|(at, children, right)| Try::Complete(at, children, right)),
        1 => (place(), right()).prop_map(|(at, right)| Try::Fail(at, right)),
        1 => (place(), right()).prop_map(|(at, right)| Try::Release(at, right)),
        1 => (place(), status, right()).prop_map(|(at, status, right)| Try::Update(at, status, right)),
    ]
}

fn rule(tasks: &Tasks, this: &Try, present: &Present<'_>) -> Result<Decision, RuleError> {
    let id = |at: usize| {
        tasks
            .all()
            .get(at)
            .map_or("nobody", |task| task.id.as_str())
    };
    match this {
        Try::Create(on) => {
            let dependency = tasks.all().get(*on).map(|task| task.id.clone());
            let new = NewTask {
                dependencies: dependency.into_iter().collect(),
                ..NewTask::new("Task")
            };
            rules::create(tasks, &new, present)
        }
        Try::Spawn(at) => rules::spawn(tasks, id(*at), &NewTask::new("Part"), present),
        Try::Claim(at) => rules::claim(tasks, id(*at), present),
        Try::Next => rules::claim_next(tasks, &Filter::default(), present),
        Try::Complete(at, open_children, right) => {
            let completion = Completion {
                open_children: *open_children,
                right: *right,
                result: None,
            };
            rules::complete(tasks, id(*at), &completion, present)
        }
        Try::Fail(at, right) => rules::fail(tasks, id(*at), "broken", *right, present),
        Try::Release(at, right) => rules::release(tasks, id(*at), *right, present),
        Try::Update(at, status, right) => {
            let amendment = Amendment {
                status: *status,
                right: *right,
                note: Some("so".to_owned()),
                ..Amendment::default()
            };
            rules::update(tasks, id(*at), &amendment, present)
        }
    }
}

/// What must hold of a board whatever agents did.
fn check(tasks: &JsonText, metrics: &JsonText) -> Result<(), TestCaseError> {
    let board = Tasks::parse(tasks.as_str()).expect("it stays a board");
    let metrics = Metrics::parse(metrics.as_str()).expect("they stay metrics");
    prop_assert_eq!(
        differences(&metrics::of(&board), &metrics),
        vec![],
        "the metrics agree with the board"
    );
    for task in board.all() {
        let open = metrics
            .claims
            .iter()
            .filter(|claim| claim.task == task.id && claim.outcome.is_none());
        let holders: Vec<_> = open.map(|claim| Some(claim.agent.as_str())).collect();
        let expected = match task.status {
            Status::InProgress => vec![task.assignee.as_deref()],
            _ => vec![],
        };
        prop_assert_eq!(
            holders,
            expected,
            "one holder of {}, while it is in progress",
            &task.id
        );
    }
    prop_assert_eq!(
        super::super::problem::problems(&board),
        vec![],
        "the board is sound"
    );
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn metrics_agree_with_the_board_whatever_agents_do(
        operations in proptest::collection::vec((tries(), 0..3_usize, 0..5_i64), 1..40)
    ) {
        let mut tasks = JsonText::parse(NO_TASKS.as_bytes()).expect("it is JSON");
        let mut metrics: Option<JsonText> = None;
        let mut now = 0;
        for (number, (this, agent, passed)) in operations.iter().enumerate() {
            now += passed;
            let present = Present {
                at: at(now),
                agent: ["ann", "bob", "cyd.x/y"][*agent],
                seed: number as u64,
            };
            match decide(Some(tasks.clone()), |tasks| rule(tasks, this, &present)) {
                Ok(decided) => {
                    if decided.changed {
                        let accounted = account(metrics.take(), &decided).expect("it is clear");
                        metrics = accounted.or(metrics);
                    }
                    prop_assert_eq!(
                        decided.changed,
                        decided.text != tasks,
                        "a change is told where there is one"
                    );
                    tasks = decided.text;
                }
                Err(TextError::Rule(err)) => prop_assert!(
                    !matches!(err, RuleError::Unclear { .. }),
                    "rules refuse, the board stays clear: {}", err
                ),
                Err(TextError::Parse(err)) => prop_assert!(false, "it stays JSON: {}", err),
            }
            if let Some(metrics) = &metrics {
                check(&tasks, metrics)?;
            }
        }
    }
}
