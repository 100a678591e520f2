//! Files that nobody can read.

use std::fs;
use std::time::Duration;

use lease::store::transact;
use lease::{Force, LeaseError, StoreError};
use testkit::set_age;

use crate::desk::{Desk, PATIENCE, agent};

const GOOD: &str = r#"{"agent":"x","locked_at":"2026-01-02T03:00:00Z","files":["a"],"expires_at":"2026-01-02T04:00:00Z"}"#;

/// After this number none is higher.
const ENDLESS: &str = r#"{"token":18446744073709551615,"mode":"shared","files":["a"],"acquired_at":"2026-01-02T03:00:00Z","renewed_at":"2026-01-02T03:00:00Z","expires_at":"2026-01-02T04:00:00Z","generation":1}"#;

/// Old enough not to be in the making, and to count still.
const A_MOMENT: Duration = Duration::from_secs(10);

/// Too old to count.
const LONG: Duration = Duration::from_mins(61);

#[test]
fn unreadable_file_blocks_until_it_is_old_and_is_named() {
    let too_large = GOOD.replace("\"a\"", &format!("\"{}\"", "a".repeat(1 << 20)));
    let table: Vec<(String, &str)> = vec![
        (String::new(), "not a JSON object"),
        ("{\"agent\":\"x\"".to_owned(), "not a JSON object"),
        ("[]".to_owned(), "not a JSON object"),
        (format!("{GOOD}{GOOD}"), "not a JSON object"),
        (GOOD.replace("agent", "agents"), "`agent` is missing"),
        (GOOD.replace("locked_at", "at"), "`locked_at` is missing"),
        (GOOD.replace("files", "file"), "`files` is missing"),
        (GOOD.replace("expires_at", "end"), "`expires_at` is missing"),
        (GOOD.replace("[\"a\"]", "\"a\""), "`files`: invalid type"),
        (GOOD.replace("\"a\"", "null"), "`files`: invalid type"),
        (GOOD.replace("\"a\"", "\"\""), "empty"),
        (GOOD.replace("\"a\"", "\"a*[\""), "is no glob"),
        (GOOD.replace("\"x\"", "\"y\""), "it is the file of \"y\""),
        (GOOD.replace("04:00:00Z", "24:99"), "`expires_at`: "),
        (GOOD.replace("T04:00:00Z", ""), "`expires_at`: "),
        (
            GOOD.replace("\"files\"", "\"files\":[],\"files\""),
            "`files` stands there twice",
        ),
        (
            GOOD.replace("\"files\"", "\"leases\":7,\"files\""),
            "`leases`: invalid type",
        ),
        (too_large, "more than the limit of 1048576"),
        (
            GOOD.replace("\"files\"", &format!("\"leases\":[{ENDLESS}],\"files\"")),
            "higher than the number of any lease",
        ),
    ];
    for (text, reason) in table {
        let shown: String = text.chars().take(200).collect();
        let desk = Desk::by_the_clock();
        let path = desk.sandbox.write("locks/x.lock", text);
        set_age(&path, A_MOMENT);
        match desk.acquire("agent-1", &["b"]) {
            Err(LeaseError::Unreadable(found)) => {
                assert_eq!(found.path, path, "the file is named: {shown}");
                assert!(
                    found.reason.contains(reason),
                    "{reason:?} is told of {shown}: {}",
                    found.reason
                );
            }
            other => panic!("{shown} stands in everybody's way, not {other:?}"),
        }
        set_age(&path, LONG);
        desk.must_acquire("agent-1", &["b"]);
        assert!(path.exists(), "it is left alone: {shown}");
    }
}

#[test]
fn something_that_is_no_file_blocks_as_well() {
    for make in [
        "mkdir -p locks/x.lock",
        "mkdir locks; mkfifo locks/x.lock",
        "mkdir locks; ln -s ../elsewhere locks/x.lock",
        "mkdir locks; touch \"locks/x:y.lock\"",
    ] {
        let desk = Desk::by_the_clock();
        desk.script(make);
        let refused = desk.acquire("agent-1", &["b"]);
        assert!(
            matches!(refused, Err(LeaseError::Unreadable(_))),
            "{make}: {refused:?}"
        );
    }
}

#[test]
fn old_unreadable_file_is_overwritten_by_its_own_agent() {
    let desk = Desk::by_the_clock();
    let path = desk.sandbox.write("locks/agent-1.lock", "{");
    set_age(&path, A_MOMENT);
    let refused = desk.acquire("agent-1", &["b"]);
    assert!(
        matches!(refused, Err(LeaseError::Unreadable(_))),
        "what it holds may hold for others of the name: {refused:?}"
    );
    set_age(&path, LONG);
    desk.must_acquire("agent-1", &["b"]);
    assert_eq!(desk.leases().unreadable, [], "it can be read now");
    assert!(desk.is_held("b"), "and says what is held");
}

#[test]
fn old_unreadable_folder_is_not_overwritten() {
    let desk = Desk::by_the_clock();
    let path = desk.sandbox.join("locks/agent-1.lock");
    fs::create_dir_all(&path).expect("a folder can be made");
    set_age(&path, LONG);
    let refused = desk.acquire("agent-1", &["b"]);
    assert!(
        matches!(&refused, Err(LeaseError::Store(StoreError::NotAStore { path: named, .. })) if *named == path),
        "it is named: {refused:?}"
    );
    assert!(path.is_dir(), "and stays");
}

#[test]
fn break_by_force_removes_a_file_and_says_that_it_leaves_a_folder() {
    let desk = Desk::by_the_clock();
    let file = desk.sandbox.write("locks/x.lock", "{");
    let folder = desk.sandbox.join("locks/y.lock");
    fs::create_dir_all(&folder).expect("a folder can be made");
    let by_force = |name: &str| {
        transact(&desk.store, PATIENCE, |leases| {
            leases.break_leases(&agent(name), None, Force::EvenIfLive, &desk.present())
        })
    };
    by_force("x").expect("it is a file");
    assert!(!file.exists(), "a file goes");
    let refused = by_force("y");
    assert!(
        matches!(&refused, Err(LeaseError::Store(StoreError::NotAStore { path, .. })) if *path == folder),
        "it stands in the way still, and is named: {refused:?}"
    );
    assert!(folder.is_dir(), "what may be full of anything stays");
    set_age(&folder, LONG);
    by_force("y").expect("it stands in nobody's way any more");
}

#[test]
fn prune_removes_unreadable_files_that_count_no_longer() {
    let desk = Desk::by_the_clock();
    let young = desk.sandbox.write("locks/young.lock", "{");
    let old = desk.sandbox.write("locks/old.lock", "{");
    set_age(&young, A_MOMENT);
    set_age(&old, LONG);
    transact(&desk.store, PATIENCE, |leases| {
        Ok(leases.prune(&desk.present()))
    })
    .expect("what cannot be read does not keep anybody from clearing away");
    assert!(young.exists(), "what may count stays");
    assert!(!old.exists(), "what counts no longer goes");
}

#[test]
fn unreadable_state_is_named_with_advice() {
    for text in [
        "{",
        "{}",
        r#"{"last_token":1,"waiting":[{"ticket":1}]}"#,
        r#"{"last_token":-1}"#,
        r#"{"last_token":18446744073709551615}"#,
    ] {
        let desk = Desk::new();
        let path = desk.sandbox.write("locks/.leases.json", text);
        match desk.acquire("agent-1", &["b"]) {
            Err(LeaseError::Store(StoreError::NotAStore {
                path: named,
                reason,
            })) => {
                assert_eq!(named, path, "the file is named");
                assert!(reason.contains("may be removed"), "with advice: {reason}");
            }
            other => panic!("{text} is no state, not {other:?}"),
        }
        fs::remove_file(&path).expect("it can be removed");
        desk.must_acquire("agent-1", &["b"]);
    }
}
