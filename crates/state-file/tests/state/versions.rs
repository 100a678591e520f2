//! Replacing a value only if the file is the version that was seen.

use std::sync::Barrier;
use std::thread::ScopedJoinHandle;

use atomic_file::Revision;
use json_text::Path;
use serde::{Deserialize, Serialize};
use state_file::{ReadError, StateFile, UpdateError, Version, Versioning};
use testkit::Sandbox;

use crate::support::{
    Counter, PATIENCE, STATE, assert_no_leftovers, counted, counter, increment, options, state,
};

fn numbered(path: &std::path::Path) -> StateFile<Counter> {
    StateFile::new(path).versioned_by(Versioning::Member("version".to_owned()))
}

#[test]
fn replace_if_writes_when_the_version_is_the_one_seen() {
    let sandbox = Sandbox::new();
    let path = state(&sandbox);
    let file = counter(&path);
    let seen = file.read().expect("it is readable");
    let next = Counter { count: 70 };
    let replaced = file
        .replace_if(&options(PATIENCE), &seen.version, &next)
        .expect("nobody was faster");
    assert_eq!(sandbox.read("state.json"), counted(70), "only the count");
    assert_eq!(
        file.version_after(&replaced).expect("contents have one"),
        file.read().expect("it is readable").version,
        "the version that is told is the next one to give"
    );
    assert_no_leftovers(&sandbox);
}

#[test]
fn replace_if_is_a_conflict_with_both_versions_when_somebody_was_faster() {
    let sandbox = Sandbox::new();
    let path = state(&sandbox);
    let file = counter(&path);
    let seen = file.read().expect("it is readable");
    increment(&path).expect("somebody is faster");
    let next = Counter { count: 70 };
    let lost = file
        .replace_if(&options(PATIENCE), &seen.version, &next)
        .expect_err("it is another version");
    assert!(lost.is_retryable(), "after reading again");
    assert!(!lost.is_committed(), "nothing of it is there");
    let UpdateError::Conflict {
        path: of,
        expected,
        found,
    } = lost
    else {
        panic!("a conflict: {lost:?}");
    };
    assert_eq!((of, expected), (path, seen.version), "what was expected");
    let now = Revision::of(counted(8).as_bytes());
    assert_eq!(found, Version::Content(now), "and what is there");
    assert_eq!(sandbox.read("state.json"), counted(8), "theirs stands");
    assert_no_leftovers(&sandbox);
}

#[test]
fn of_many_who_replace_the_same_version_exactly_one_wins() {
    const RIVALS: i64 = 8;
    let sandbox = Sandbox::new();
    let path = state(&sandbox);
    let file = counter(&path);
    let seen = file.read().expect("it is readable");
    let start = Barrier::new(8);
    let winners: Vec<i64> = std::thread::scope(|scope| {
        let rivals: Vec<_> = (0..RIVALS)
            .map(|number| {
                let (file, seen, start) = (&file, &seen, &start);
                scope.spawn(move || {
                    let next = Counter {
                        count: 100 + number,
                    };
                    start.wait();
                    match file.replace_if(&options(PATIENCE), &seen.version, &next) {
                        Ok(_) => Some(next.count),
                        Err(UpdateError::Conflict { .. }) => None,
                        Err(other) => panic!("a conflict or nothing: {other:?}"),
                    }
                })
            })
            .collect();
        let joined = rivals.into_iter().map(ScopedJoinHandle::join);
        joined.filter_map(|won| won.expect("no panic")).collect()
    });
    assert_eq!(winners.len(), 1, "one wins: {winners:?}");
    assert_eq!(sandbox.read("state.json"), counted(winners[0]), "its value");
}

#[test]
fn version_member_is_raised_by_each_change_that_writes_and_compared_instead_of_the_contents() {
    let sandbox = Sandbox::new();
    let path = sandbox.write("state.json", "{\"version\": 41, \"count\": 1, \"x\": 1.0}");
    let file = numbered(&path);
    let seen = file.read().expect("it is readable");
    assert_eq!(
        seen.version,
        Version::Number(41),
        "the number is the version"
    );
    file.update(&options(PATIENCE), |_| ())
        .expect("nothing to do");
    assert_eq!(
        file.read().expect("readable").version,
        Version::Number(41),
        "what writes nothing raises nothing"
    );
    // Somebody who does not raise it is not seen: that is what comparing a number means.
    sandbox.write("state.json", "{\"version\": 41, \"count\": 1, \"x\": 2.0}");
    file.replace_if(&options(PATIENCE), &seen.version, &Counter { count: 5 })
        .expect("the number is the same");
    assert_eq!(
        sandbox.read("state.json"),
        "{\"version\": 42, \"count\": 5, \"x\": 2.0}",
        "raised, and what the program does not know stays"
    );
    let lost = file
        .replace_if(&options(PATIENCE), &seen.version, &Counter { count: 6 })
        .expect_err("41 is gone");
    let UpdateError::Conflict {
        expected, found, ..
    } = lost
    else {
        panic!("a conflict: {lost:?}");
    };
    assert_eq!(
        (expected, found),
        (Version::Number(41), Version::Number(42)),
        "both numbers are told"
    );
    file.update(&options(PATIENCE), |value| value.count += 1)
        .expect("it is updated");
    file.update_optimistic(&options(PATIENCE), |value| Counter {
        count: value.count + 1,
    })
    .expect("it is updated");
    assert_eq!(
        sandbox.read("state.json"),
        "{\"version\": 44, \"count\": 7, \"x\": 2.0}",
        "each way raises it"
    );
}

#[test]
fn program_that_sets_the_version_itself_does_not_get_around_the_next_number() {
    #[derive(Serialize, Deserialize)]
    struct Both {
        version: u64,
        count: i64,
    }
    let sandbox = Sandbox::new();
    let path = sandbox.write("state.json", "{\"version\": 3, \"count\": 1}");
    StateFile::<Both>::new(&path)
        .versioned_by(Versioning::Member("version".to_owned()))
        .update(&options(PATIENCE), |value| {
            value.count = 2;
            value.version = 2;
        })
        .expect("it is updated");
    assert_eq!(
        sandbox.read("state.json"),
        "{\"version\": 4, \"count\": 2}",
        "the number only grows"
    );
}

#[test]
fn file_whose_version_member_does_not_serve_is_refused_and_stays_as_it_is() {
    let table = [
        ("{\"count\": 1}", "there is none"),
        ("{\"count\": 1, \"version\": \"2.0\"}", "it is a text"),
        ("{\"count\": 1, \"version\": 1.5}", "it is 1.5"),
        ("{\"count\": 1, \"version\": -1}", "it is -1"),
        ("{\"count\": 1, \"version\": null}", "it is null"),
        (
            "{\"count\": 1, \"version\": 9223372036854775807}",
            "cannot be raised any more",
        ),
    ];
    for (text, reason) in table {
        let sandbox = Sandbox::new();
        let path = sandbox.write("state.json", text);
        let refused = numbered(&path)
            .update(&options(PATIENCE), |value| value.count += 1)
            .expect_err("it has no number that serves");
        let UpdateError::Read(ReadError::Version { source, path: of }) = refused else {
            panic!("{text}: {refused:?}");
        };
        assert!(
            source.to_string().contains(reason) && source.to_string().contains("\"version\""),
            "{text}: the error names member and reason: {source}"
        );
        assert_eq!(of, path, "and the file");
        assert_eq!(sandbox.read("state.json"), text, "it stays as it is");
    }
}

#[test]
fn version_member_with_dots_and_slashes_is_one_member() {
    let sandbox = Sandbox::new();
    let path = sandbox.write("state.json", "{\"a.b/c[0]\": 1, \"count\": 1}");
    let file = counter(&path).versioned_by(Versioning::Member("a.b/c[0]".to_owned()));
    file.update(&options(PATIENCE), |value| value.count = 2)
        .expect("it is updated");
    let found = state_file::read(&path).expect("it is readable");
    assert_eq!(
        found.text.raw(&Path::whole().key("a.b/c[0]")),
        Some("2"),
        "raised: {}",
        found.text.as_str()
    );
}

#[test]
fn content_version_is_compared_where_versions_are_numbers_too() {
    let sandbox = Sandbox::new();
    let path = sandbox.write("state.json", "{\"version\": 1, \"count\": 1}");
    let seen = counter(&path).read().expect("it is readable");
    sandbox.write("state.json", "{\"version\": 1, \"count\": 3}");
    let lost = numbered(&path).replace_if(&options(PATIENCE), &seen.version, &Counter { count: 2 });
    assert!(
        matches!(
            lost,
            Err(UpdateError::Conflict {
                found: Version::Content(_),
                ..
            })
        ),
        "the whole file was seen, the whole file is compared: {lost:?}"
    );
    let lost = counter(&path).replace_if(
        &options(PATIENCE),
        &Version::Number(1),
        &Counter { count: 2 },
    );
    assert!(
        matches!(lost, Err(UpdateError::Conflict { .. })),
        "a number says nothing where there are none: {lost:?}"
    );
    assert_ne!(sandbox.read("state.json"), STATE, "nothing was written");
}
