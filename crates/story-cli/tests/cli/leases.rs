//! `story lease`: results, refusals, exit codes, in both kinds of stores. Many processes at once: `tests/leases.rs`.

use serde_json::json;

use crate::desk::{Desk, one_json};

const NOON: &str = "2026-03-04T12:00:00Z";
const LATER: &str = "2026-03-04T12:20:00Z";
const TOO_LATE: &str = "2026-03-04T13:00:01Z";

/// Both kinds of stores.
const STORES: [&str; 2] = ["locks", "leases.db"];

fn lease<'a>(store: &'a str, now: &'a str, rest: &[&'a str]) -> Vec<&'a str> {
    [&["lease", "--store", store, "--now", now], rest].concat()
}

#[test]
fn acquire_prints_a_token_that_rises() {
    for store in STORES {
        let desk = Desk::new();
        let token = |rest: &[&str]| -> u64 {
            let finished = desk.expect(0, &lease(store, NOON, rest));
            finished.stdout.trim_end().parse().expect("a number")
        };
        let first = token(&["acquire", "src/", "--as", "ann"]);
        let second = token(&["acquire", "docs/a.md", "--as", "bob"]);
        desk.expect(0, &lease(store, NOON, &["release", "--as", "ann"]));
        let third = token(&["acquire", "src/", "--as", "bob"]);
        assert!(first < second && second < third, "{first} {second} {third}");
        assert!(first >= 1_772_625_600_000, "no less than the time: {first}");
    }
}

#[test]
fn acquire_of_what_another_holds_is_exit_4_and_says_who_what_until_when_and_why() {
    for store in STORES {
        let desk = Desk::new();
        let mine = ["acquire", "src/", "--as", "ann", "--task", "new API"];
        desk.expect(0, &lease(store, NOON, &mine));
        let refused = desk.json(
            4,
            &lease(store, LATER, &["acquire", "src/a.rs", "--as", "bob"]),
        );
        let error = &refused["error"];
        assert_eq!(error["code"], "ELOCKED", "as for a lock: {error}");
        assert_eq!(error["retryable"], true, "it ends some day: {error}");
        let message = error["message"].as_str().unwrap_or_default();
        let words = "src/a.rs is held by ann as src/ until 2026-03-04T13:00:00Z for \"new API\"";
        assert!(message.contains(words), "who, what, until when: {message}");
        let listed = desk.json(0, &lease(store, LATER, &["list"]));
        assert_eq!(
            listed["leases"].as_array().map(Vec::len),
            Some(1),
            "a refused request leaves nothing: {listed}"
        );
    }
}

#[test]
fn acquire_after_the_end_of_another_lease_takes_over_and_says_so() {
    for store in STORES {
        let desk = Desk::new();
        desk.expect(0, &lease(store, NOON, &["acquire", "a.rs", "--as", "ann"]));
        let taken = desk.expect(
            0,
            &lease(store, TOO_LATE, &["acquire", "a.rs", "--as", "bob"]),
        );
        assert!(
            taken.stderr.contains("Overwriting expired lock for ann"),
            "the take-over is told: {}",
            taken.stderr
        );
        let lost = desk.json(5, &lease(store, TOO_LATE, &["renew", "--as", "ann"]));
        assert_eq!(
            lost["error"]["code"], "ECONFLICT",
            "ann has lost it: {lost}"
        );
        assert_eq!(lost["error"]["retryable"], false, "for good: {lost}");
    }
}

#[test]
fn renew_moves_the_end_and_keeps_the_token() {
    for store in STORES {
        let desk = Desk::new();
        let acquired = desk.json(0, &lease(store, NOON, &["acquire", "a.rs", "--as", "ann"]));
        let renewed = desk.json(
            0,
            &lease(store, LATER, &["renew", "--as", "ann", "--ttl", "2h"]),
        );
        let now = &renewed["renewed"][0];
        assert_eq!(now["token"], acquired["token"], "the same lease: {now}");
        assert_eq!(
            now["expires_at"], "2026-03-04T14:20:00.000Z",
            "later: {now}"
        );
        assert_eq!(now["generation"], 2, "another version of it: {now}");
    }
}

#[test]
fn release_gives_back_what_is_named_and_only_ones_own() {
    for store in STORES {
        let desk = Desk::new();
        desk.expect(
            0,
            &lease(store, NOON, &["acquire", "src/", "a.md", "--as", "ann"]),
        );
        let part = desk.json(7, &lease(store, NOON, &["release", "src/x", "--as", "ann"]));
        assert_eq!(part["error"]["code"], "EREFUSED", "a part: {part}");
        let others = desk.json(4, &lease(store, NOON, &["release", "a.md", "--as", "bob"]));
        assert_eq!(others["error"]["code"], "ELOCKED", "ann's: {others}");
        desk.expect(0, &lease(store, NOON, &["release", "a.md", "--as", "ann"]));
        desk.expect(0, &lease(store, NOON, &["release", "a.md", "--as", "ann"]));
        desk.expect(0, &lease(store, NOON, &["acquire", "a.md", "--as", "bob"]));
        desk.expect(4, &lease(store, NOON, &["acquire", "src/y", "--as", "bob"]));
    }
}

#[test]
fn shared_leases_go_together_and_with_no_exclusive_one() {
    for store in STORES {
        let desk = Desk::new();
        for name in ["ann", "bob"] {
            desk.expect(
                0,
                &lease(store, NOON, &["acquire", "src/", "--shared", "--as", name]),
            );
        }
        desk.expect(4, &lease(store, NOON, &["acquire", "src/a", "--as", "cid"]));
        desk.expect(
            0,
            &lease(store, NOON, &["check", "src/a", "--shared", "--as", "cid"]),
        );
        desk.expect(4, &lease(store, NOON, &["check", "src/a", "--as", "ann"]));
    }
}

#[test]
fn check_and_wait_take_nothing() {
    for store in STORES {
        let desk = Desk::new();
        desk.expect(0, &lease(store, NOON, &["check", "src/", "--as", "ann"]));
        assert!(
            !desk.sandbox.join(store).exists(),
            "{store} is not made by a look"
        );
        desk.expect(0, &lease(store, NOON, &["acquire", "src/", "--as", "ann"]));
        desk.expect(0, &lease(store, NOON, &["check", "src/a", "--as", "ann"]));
        desk.expect(4, &lease(store, NOON, &["check", "src/a"]));
        let late = ["wait", "src/a", "--as", "bob", "--wait", "50ms"];
        let waited = desk.json(4, &lease(store, NOON, &late));
        assert!(
            waited["error"]["waited_ms"].as_u64() >= Some(50),
            "it waited: {waited}"
        );
        let queue = desk.json(0, &lease(store, NOON, &["queue"]));
        assert_eq!(queue["waiting"], json!([]), "nobody stands in line");
    }
}

#[test]
fn break_ends_a_live_lease_only_by_force() {
    for store in STORES {
        let desk = Desk::new();
        desk.expect(0, &lease(store, NOON, &["acquire", "a.md", "--as", "ann"]));
        let refused = desk.json(7, &lease(store, NOON, &["break", "ann"]));
        assert!(
            refused["error"]["hint"].to_string().contains("--force"),
            "what to do: {refused}"
        );
        desk.expect(0, &lease(store, NOON, &["break", "ann", "--force"]));
        desk.expect(0, &lease(store, NOON, &["acquire", "a.md", "--as", "bob"]));
    }
}

#[test]
fn file_that_cannot_be_read_is_exit_6_until_it_is_broken_by_force() {
    let desk = Desk::new();
    desk.expect(
        0,
        &[
            "lease", "--store", "locks", "acquire", "a.md", "--as", "ann",
        ],
    );
    desk.sandbox.write("locks/zoe.lock", "{ \"agent\": ");
    let acquire = [
        "lease", "--store", "locks", "acquire", "b.md", "--as", "ann",
    ];
    let refused = desk.json(6, &acquire);
    let message = refused["error"]["message"].as_str().unwrap_or_default();
    assert!(message.contains("zoe.lock"), "named: {message}");
    let listed = desk.expect(0, &["lease", "--store", "locks", "list"]);
    assert!(
        listed.stdout.contains("ann"),
        "the rest is shown: {listed:?}"
    );
    assert!(
        listed.stderr.contains("zoe.lock"),
        "and it is named: {listed:?}"
    );
    desk.expect(6, &["lease", "--store", "locks", "break", "zoe"]);
    desk.expect(0, &["lease", "--store", "locks", "break", "zoe", "--force"]);
    desk.expect(0, &acquire);
}

#[test]
fn mistakes_are_exit_2_and_leave_no_store() {
    for store in STORES {
        let desk = Desk::new();
        let table: [&[&str]; 7] = [
            &["acquire", "a.md"],
            &["acquire", "--as", "ann"],
            &["acquire", "a.md", "--as", "a/b"],
            &["acquire", "a.md", "--as", ".ann"],
            &["acquire", "../a.md", "--as", "ann"],
            &["acquire", "/etc/passwd", "--as", "ann"],
            &["acquire", "--glob", "[", "--as", "ann"],
        ];
        for rest in table {
            let refused = desk.json(2, &lease(store, NOON, rest));
            assert_eq!(refused["error"]["code"], "EUSAGE", "{rest:?}: {refused}");
        }
        assert!(
            !desk.sandbox.join(store).exists(),
            "{store}: nothing is made"
        );
        for ttl in ["0", "-1s", "99ms", "25h"] {
            let acquire = ["acquire", "a.md", "--as", "ann", "--ttl", ttl];
            let refused = desk.json(2, &lease(store, NOON, &acquire));
            assert_eq!(refused["error"]["code"], "EUSAGE", "{ttl}: {refused}");
        }
    }
}

#[test]
fn names_with_special_characters_are_globs_or_meant_letter_by_letter() {
    let desk = Desk::new();
    let acquired = desk.json(
        0,
        &[
            "lease",
            "acquire",
            "src/*.rs",
            "--file-literal",
            "odd*name",
            "app/[id].tsx",
            "--as",
            "ann",
        ],
    );
    let lease = &acquired["lease"];
    assert_eq!(lease["globs"], json!(["src/*.rs"]), "a glob: {lease}");
    assert_eq!(
        lease["files"],
        json!(["app/[id].tsx", "odd*name"]),
        "names: {lease}"
    );
    desk.expect(4, &["lease", "check", "src/main.rs", "--as", "bob"]);
    desk.expect(0, &["lease", "check", "oddXname", "--as", "bob"]);
}

#[test]
fn folder_is_the_default_store_and_the_environment_names_another() {
    let desk = Desk::new();
    desk.expect(0, &["lease", "acquire", "a.md", "--as", "ann"]);
    let file = desk.sandbox.join(".ai-sdlc/locks/ann.lock");
    let text = std::fs::read_to_string(&file).expect("one file an agent");
    let record: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
    assert_eq!(record["files"], json!(["a.md"]), "the schema: {record}");
    let mut command = desk.story(&["lease", "list", "--json"]);
    command.env("STORY_LEASES", "elsewhere.db");
    let listed = one_json(&crate::desk::finish(&mut command).stdout);
    assert_eq!(listed["leases"], json!([]), "another store: {listed}");
}

#[test]
fn only_store_that_is_there_is_the_default_and_two_are_refused() {
    let desk = Desk::new();
    let database = ["lease", "--store", ".ai-sdlc/leases.db"];
    desk.expect(
        0,
        &[&database[..], &["acquire", "a.md", "--as", "ann"]].concat(),
    );
    let taken = desk.expect(4, &["lease", "acquire", "a.md", "--as", "bob"]);
    assert!(taken.stderr.contains("held by ann"), "seen: {taken:?}");
    let folder = [
        "lease",
        "--store",
        ".ai-sdlc/locks",
        "acquire",
        "b.md",
        "--as",
        "bob",
    ];
    desk.expect(0, &folder);
    let both = desk.expect(2, &["lease", "check", "a.md", "--as", "bob"]);
    assert!(both.stderr.contains("two stores"), "which one: {both:?}");
    desk.expect(
        4,
        &[&database[..], &["check", "a.md", "--as", "bob"]].concat(),
    );
}

#[test]
fn store_in_a_folder_that_is_not_there_is_refused_and_not_made() {
    let desk = Desk::new();
    for store in ["no/such/locks", "no/such/x.db"] {
        let refused = desk.json(
            3,
            &["lease", "--store", store, "acquire", "a", "--as", "ann"],
        );
        assert_eq!(refused["error"]["code"], "ENOTFOUND", "mistyped: {refused}");
        assert!(
            !desk.sandbox.join("no").exists(),
            "{store}: nothing is made"
        );
    }
}

#[test]
fn deadlock_is_told_at_once_with_the_circle() {
    for store in STORES {
        let desk = Desk::new();
        for (name, file) in [("ann", "a.md"), ("bob", "b.md")] {
            desk.expect(
                0,
                &["lease", "--store", store, "acquire", file, "--as", name],
            );
        }
        let base = ["lease", "--store", store, "acquire", "--wait", "50s"];
        let waits = [&base[..], &["b.md", "--as", "ann"]].concat();
        let waiter = testkit::SecondProcess::spawn(&mut desk.story(&waits));
        testkit::wait_until("ann waits", crate::desk::PATIENCE, || {
            let queue = desk.expect(0, &["lease", "--store", store, "queue"]);
            queue.stdout.contains("ann")
        });
        let refused = desk.json(4, &[&base[..], &["a.md", "--as", "bob"]].concat());
        let error = &refused["error"];
        assert_eq!(error["retryable"], false, "waiting does not help: {error}");
        let circle = error["conflicts"].as_array().expect("the circle");
        let agents: Vec<_> = circle.iter().map(|link| link["agent"].as_str()).collect();
        assert_eq!(agents, [Some("bob"), Some("ann")], "who waits: {error}");
        desk.expect(0, &["lease", "--store", store, "release", "--as", "bob"]);
        assert!(
            waiter.wait(crate::desk::PATIENCE).status.success(),
            "ann's turn"
        );
    }
}
