use std::collections::BTreeMap;
use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::intent::parse_intents;
use crate::lease::{DEFAULT_MAX_AGE, DEFAULT_TTL};
use crate::project::Project;
use crate::roles::Roles;

// Nothing is written there, and none of the names of these tests is in it.
static PROJECT: LazyLock<Project> =
    LazyLock::new(|| Project::new(&testkit::fixtures().join("leases")).expect("a project"));

fn noon() -> Timestamp {
    "2026-03-04T12:00:00Z".parse().expect("a time")
}

fn present() -> Present<'static> {
    Present {
        now: noon(),
        max_age: DEFAULT_MAX_AGE,
        is_gone: &|_| false,
    }
}

fn requests(text: &str) -> Vec<PlannedRequest> {
    let path = testkit::fixtures().join("leases/roles.json");
    let roles = std::fs::read_to_string(path).expect("the fixture can be read");
    let roles = Roles::parse(&roles).expect("roles");
    let intents = parse_intents(text).expect("intents");
    let planned = intents
        .iter()
        .map(|intent| intent.planned(&roles, &PROJECT));
    planned
        .collect::<Result<_, _>>()
        .expect("they can be planned")
}

fn report(text: &str) -> Report {
    check(&requests(text), &Leases::default(), &present()).expect("it can be checked")
}

/// The leases of agents outside of a plan, each until so many minutes after noon.
fn held(leases: &[(&str, u64)]) -> Leases {
    let mut held = Leases::default();
    for (text, minutes) in leases {
        for request in requests(text) {
            let ttl = Duration::from_mins(*minutes);
            let request = request.request(ttl).expect("it takes a lease");
            held.acquire(&request, &present()).expect("it is free");
        }
    }
    held
}

fn conflicts(report: &Report) -> Vec<String> {
    let shown = report.conflicts.iter().map(|conflict| {
        let paths = conflict.paths.iter();
        let paths = paths.map(|clash| format!("{} {}", clash.wanted, clash.held));
        format!("{conflict}: {}", paths.collect::<Vec<_>>().join(", "))
    });
    shown.collect()
}

fn offers(report: &Report) -> Vec<String> {
    let offers = report.conflicts.iter().flat_map(|found| &found.resolutions);
    offers.map(ToString::to_string).collect()
}

/// The waves as `a b | c @13:00 (x)`.
fn waves(report: &Report) -> String {
    let shown = report.waves.iter().map(|wave| {
        let mut words: Vec<String> = wave.agents.iter().map(ToString::to_string).collect();
        words.extend(
            wave.not_before
                .map(|time| format!("@{}", time.strftime("%H:%M"))),
        );
        let agents: Vec<_> = wave.waits_for.iter().map(Agent::as_str).collect();
        if !agents.is_empty() {
            words.push(format!("({})", agents.join(" ")));
        }
        words.join(" ")
    });
    shown.collect::<Vec<_>>().join(" | ")
}

#[test]
fn check_of_disjoint_agents_finds_nothing_and_runs_all_at_once() {
    let found = report(
        r#"[{"agent":"a","role":"integration-developer","with":{"vendor":"stripe"}},
            {"agent":"b","role":"integration-developer","with":{"vendor":"paypal"}},
            {"agent":"c","role":"frontend-developer","with":{"vendor":"stripe"}},
            {"agent":"d","role":"integration-reviewer"}]"#,
    );
    assert_eq!(found.conflicts, [], "nothing overlaps");
    assert_eq!(waves(&found), "a b c d", "all run side by side");
}

#[test]
fn check_of_developer_and_tester_of_one_vendor_offers_a_split() {
    let found = report(
        r#"[{"agent":"dev","role":"integration-developer","with":{"vendor":"stripe"},"task_description":"x"},
            {"agent":"test","role":"backend-tester","with":{"vendor":"stripe"},"task_description":"y"}]"#,
    );
    assert_eq!(
        conflicts(&found),
        [
            "dev and test for \"y\": backend/pkg/integrations/stripe/ backend/pkg/integrations/stripe/*_test.go"
        ],
        "the tests lie in the developer's folder"
    );
    assert_eq!(
        offers(&found),
        [
            "run test when dev has finished",
            "split backend/pkg/integrations/stripe/: dev gets backend/pkg/integrations/stripe/ without \
             backend/pkg/integrations/stripe/*_test.go; test gets backend/pkg/integrations/stripe/*_test.go",
            "have one agent do the tasks of dev and test",
        ],
        "nothing would be left for the tester if its files were reassigned"
    );
    assert_eq!(waves(&found), "dev | test", "one after the other");
}

#[test]
fn check_offers_of_each_conflict_what_makes_sense_there() {
    let table: [(&str, &str, &[&str]); 7] = [
        (
            r#""files":["x","own-a"]"#,
            r#""files":["x","own-b"]"#,
            &[
                "run b when a has finished",
                "leave x to a, and out of what b does",
            ],
        ),
        (
            r#""files":["x","own-a"]"#,
            r#""files":["x"]"#,
            &[
                "run b when a has finished",
                "leave x to b, and out of what a does",
                "have one agent do the tasks of a and b",
            ],
        ),
        (
            r#""directories":["d"]"#,
            r#""directories":["d"]"#,
            &[
                "run b when a has finished",
                "have one agent do the tasks of a and b",
            ],
        ),
        (
            r#""files":["d/x","own-a"]"#,
            r#""directories":["d","e"]"#,
            &[
                "run b when a has finished",
                "leave d/x to b, and out of what a does",
                "split d/: b gets d/ without d/x; a gets d/x",
            ],
        ),
        (
            r#""globs":["d/*.rs"],"files":["own-a"]"#,
            r#""files":["d/x.rs","own-b"]"#,
            &[
                "run b when a has finished",
                "leave d/x.rs to a, and out of what b does",
                "split d/*.rs: a gets d/*.rs without d/x.rs; b gets d/x.rs",
            ],
        ),
        (
            r#""directories":["d"],"mode":"shared"},{"agent":"c","directories":["e"],"mode":"shared""#,
            r#""directories":["d/e"],"mode":"shared""#,
            &[],
        ),
        (
            r#""directories":["d"],"mode":"none""#,
            r#""directories":["d"]"#,
            &[],
        ),
    ];
    for (a, b, expected) in table {
        let found = report(&format!(r#"[{{"agent":"a",{a}}},{{"agent":"b",{b}}}]"#));
        assert_eq!(offers(&found), expected, "the offers for {a} and {b}");
    }
}

#[test]
fn check_tells_leases_of_others_and_until_when_they_hold() {
    let others = held(&[
        (
            r#"[{"agent":"x","directories":["lib"],"task_description":"tidy"}]"#,
            60,
        ),
        (r#"[{"agent":"y","files":["doc/a"],"mode":"shared"}]"#, 30),
        (r#"[{"agent":"b","files":["own"]}]"#, 90),
    ]);
    let plan = requests(
        r#"[{"agent":"a","files":["lib/one","lib/two","other"]},
            {"agent":"b","files":["own"]},
            {"agent":"c","directories":["doc"],"mode":"shared"},
            {"agent":"d","directories":["doc/"]},
            {"agent":"e","files":["far"],"after":["a"]}]"#,
    );
    let found = check(&plan, &others, &present()).expect("it can be checked");
    assert_eq!(
        conflicts(&found),
        [
            "c and d: doc/ doc/",
            "a and x, which holds it until 2026-03-04T13:00:00Z for \"tidy\": lib/one lib/, lib/two lib/",
            "d and y, which holds it until 2026-03-04T12:30:00Z: doc/ doc/a",
        ],
        "one for each lease; one's own lease, and sharing, are none"
    );
    assert_eq!(
        offers(&found)[2..],
        [
            "run a when x has finished",
            "leave lib/one, lib/two to x, and out of what a does",
            "run d when y has finished",
            "split doc/: d gets doc/ without doc/a; y gets doc/a",
        ],
        "what is held stays as it is"
    );
    assert_eq!(
        waves(&found),
        "b c | d @12:30 (y) | a @13:00 (x) | e @13:00",
        "who has to wait delays nobody but those that come after it"
    );
}

#[test]
fn check_sees_ended_leases_as_free_and_waiters_as_before_the_plan() {
    let mut others = held(&[(r#"[{"agent":"x","files":["f"]}]"#, 60)]);
    let waits = requests(r#"[{"agent":"y","files":["f","g"]}]"#);
    let request = waits[0].request(DEFAULT_TTL).expect("it takes a lease");
    let until = "2026-03-04T14:00:00Z".parse().expect("a time");
    let process = crate::Process::current();
    others
        .enqueue(&request, until, process, &present())
        .expect("it waits");
    let plan = requests(r#"[{"agent":"a","files":["f"]},{"agent":"b","files":["g"]}]"#);
    let found = check(&plan, &others, &present()).expect("it can be checked");
    assert_eq!(
        conflicts(&found),
        [
            "a and x, which holds it until 2026-03-04T13:00:00Z: f f",
            "a and y, which waits for it already: f f",
            "b and y, which waits for it already: g g",
        ],
        "nobody overtakes those who wait"
    );
    let later = Present {
        now: until,
        ..present()
    };
    let found = check(&plan, &others, &later).expect("it can be checked");
    assert_eq!(found.conflicts, [], "both have ended by then");
}

#[test]
fn check_counts_agents_that_come_after_each_other_as_settled() {
    let found = report(
        r#"[{"agent":"c","files":["x"],"after":["b"]},
            {"agent":"b","files":["y"],"after":["a"]},
            {"agent":"a","files":["x"]},
            {"agent":"d","files":["x"]}]"#,
    );
    assert_eq!(
        conflicts(&found),
        ["c and d: x x", "a and d: x x"],
        "a and c never run at the same time"
    );
    assert_eq!(waves(&found), "a | b d | c", "c comes last, by way of b");
}

#[test]
fn check_refuses_a_plan_that_has_no_order() {
    let table = [
        (
            r#"[{"agent":"a","files":["x"]},{"agent":"a","files":["y"]}]"#,
            "agent a stands in the plan twice",
        ),
        (
            r#"[{"agent":"a","files":["x"],"after":["b"]}]"#,
            "agent a comes after b, which is not in the plan",
        ),
        (
            r#"[{"agent":"a","files":["x"],"after":["a"]}]"#,
            "in a circle: a after a",
        ),
        (
            r#"[{"agent":"z","mode":"none","after":["a"]},{"agent":"a","mode":"none","after":["b","d"]},
                {"agent":"b","mode":"none","after":["c"]},{"agent":"c","mode":"none","after":["a"]},{"agent":"d","mode":"none"}]"#,
            "in a circle: a after b after c after a",
        ),
    ];
    for (text, expected) in table {
        let refused = check(&requests(text), &Leases::default(), &present());
        let refused = refused.expect_err("it is refused").to_string();
        assert!(refused.ends_with(expected), "{text}: {refused}");
    }
}

#[test]
fn check_is_refused_while_a_file_of_leases_cannot_be_read() {
    let leases = Leases {
        unreadable: vec![crate::Unreadable {
            path: "locks/x.lock".into(),
            reason: "broken".to_owned(),
            modified_at: noon(),
        }],
        ..Leases::default()
    };
    let refused = check(&[], &leases, &present());
    assert!(
        matches!(refused, Err(PlanError::Lease(LeaseError::Unreadable(_)))),
        "it may cover anything: {refused:?}"
    );
}

const PATTERNS: [&str; 8] = [
    "a",
    "a/b",
    "a/b/c",
    "a/*.rs",
    "**/c",
    "b",
    "b/x.rs",
    "{a,b}/x.rs",
];

prop_compose! {
    /// A plan in which an agent comes only after ones that stand somewhere else in it, in no circle, and leases of others.
    fn plans()(
        agents in prop::collection::vec((prop::collection::vec(0..PATTERNS.len(), 1..4), 0..4_u8, prop::collection::vec(any::<prop::sample::Index>(), 0..3)), 1..10),
        shuffle in any::<u64>(),
        others in prop::collection::vec((0..PATTERNS.len(), 1..90_u64), 0..4),
    ) -> (Vec<PlannedRequest>, Leases) {
        let mut intents = Vec::new();
        for (at, (patterns, mode, after)) in agents.iter().enumerate() {
            let files: Vec<_> = patterns.iter().map(|pattern| PATTERNS[*pattern]).collect();
            let mode = ["exclusive", "exclusive", "shared", "none"][usize::from(*mode)];
            let after: Vec<_> = after.iter().filter(|_| at > 0).map(|index| format!("a{}", index.index(at))).collect();
            intents.push(serde_json::json!({"agent": format!("a{at}"), "files": files, "mode": mode, "after": after}));
        }
        // In an order that says nothing.
        intents.sort_by_key(|intent| {
            let name = intent["agent"].to_string().bytes().fold(shuffle, |sum, byte| sum.rotate_left(7) ^ u64::from(byte));
            name.wrapping_mul(0x9e37_79b9_7f4a_7c15)
        });
        let plan = requests(&serde_json::to_string(&intents).expect("JSON"));
        let mut held = Leases::default();
        for (at, (pattern, minutes)) in others.iter().enumerate() {
            let text = serde_json::json!([{"agent": format!("x{at}"), "files": [PATTERNS[*pattern]]}]);
            for request in requests(&text.to_string()) {
                let request = request.request(Duration::from_mins(*minutes)).expect("a lease");
                held.acquire(&request, &present()).ok();
            }
        }
        (plan, held)
    }
}

proptest! {
    #[test]
    fn waves_hold_each_agent_once_and_no_two_that_conflict_and_keep_the_order((plan, held) in plans()) {
        let found = check(&plan, &held, &present()).expect("it has no circle");
        let again = check(&plan, &held, &present()).expect("it has no circle");
        prop_assert_eq!(&found, &again, "the same plan, the same report");
        let mut wave_of = BTreeMap::new();
        for (index, wave) in found.waves.iter().enumerate() {
            prop_assert!(!wave.agents.is_empty(), "no wave is empty");
            for agent in &wave.agents {
                prop_assert!(wave_of.insert(agent, index).is_none(), "{} stands in one wave", agent);
            }
        }
        prop_assert_eq!(wave_of.len(), plan.len(), "each agent stands in one");
        for one in &plan {
            for after in &one.after {
                prop_assert!(wave_of[after] < wave_of[&one.agent], "{} comes after {}", one.agent, after);
            }
            for other in plan.iter().filter(|other| other.agent != one.agent) {
                let conflict = one.access.mode().zip(other.access.mode()).is_some_and(|(mode, others)| mode.excludes(others))
                    && one.scope.meets(&other.scope);
                prop_assert!(!conflict || wave_of[&one.agent] != wave_of[&other.agent], "{} beside {}", one.agent, other.agent);
            }
            let wave = &found.waves[wave_of[&one.agent]];
            if let Some(request) = one.request(DEFAULT_TTL) {
                for obstacle in held.check(&one.agent, &one.scope, request.mode, &present()) {
                    prop_assert!(wave.not_before >= Some(obstacle.until), "{} waits for {}", one.agent, obstacle.agent);
                    prop_assert!(wave.waits_for.contains(&obstacle.agent), "and it is said for whom");
                }
            }
        }
        for pair in found.waves.windows(2) {
            prop_assert!(pair[0].not_before <= pair[1].not_before, "a later wave begins no earlier");
        }
    }

    #[test]
    fn wave_can_be_acquired_as_a_whole_once_the_leases_of_others_have_ended((plan, mut held) in plans()) {
        let found = check(&plan, &held, &present()).expect("it has no circle");
        for wave in &found.waves {
            let present = Present { now: wave.not_before.unwrap_or(noon()), ..present() };
            for agent in &wave.agents {
                let request = plan.iter().find(|request| request.agent == *agent).expect("it is in the plan");
                if let Some(request) = request.request(DEFAULT_TTL) {
                    let acquired = held.acquire(&request, &present);
                    prop_assert!(acquired.is_ok(), "{}: {:?}", agent, acquired);
                }
            }
            for agent in &wave.agents {
                held.release(agent, &crate::Which::All, &present).expect("it is its own");
            }
        }
    }
}
