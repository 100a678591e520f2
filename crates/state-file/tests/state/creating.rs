//! Files that are not there yet.

use std::sync::Barrier;
use std::thread::ScopedJoinHandle;

use serde::{Deserialize, Serialize};
use state_file::{Missing, StateFile, UpdateOptions, Version, Versioning};
use testkit::Sandbox;

use crate::support::{PATIENCE, add_one, assert_no_leftovers, options};

fn creating() -> UpdateOptions {
    UpdateOptions {
        missing: Missing::Created,
        ..options(PATIENCE)
    }
}

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(default)]
struct Tally {
    count: i64,
}

#[test]
fn missing_file_is_created_from_an_empty_object_when_asked_for() {
    let sandbox = Sandbox::new();
    let path = sandbox.join("state.json");
    let updated = state_file::edit(&path, &creating(), add_one).expect("it is created");
    assert!(updated.changed(), "that is a change");
    assert_eq!(updated.before, None, "there was nothing before");
    assert_eq!(updated.revision_before(), None, "and no revision of it");
    assert_eq!(updated.value, 1, "a missing number starts at 0");
    let text = sandbox.read("state.json");
    assert_eq!(text, updated.after.as_str(), "what is told is in the file");
    let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(value, serde_json::json!({"count": 1}), "one member");
    assert!(
        text.ends_with("}\n"),
        "with a line feed at its end: {text:?}"
    );
    assert_no_leftovers(&sandbox);
}

#[test]
fn file_is_created_by_a_change_that_changes_nothing_too() {
    let sandbox = Sandbox::new();
    let path = sandbox.join("state.json");
    let nothing = |_: &mut json_text::JsonText| Ok::<_, std::convert::Infallible>(());
    let updated = state_file::edit(&path, &creating(), nothing).expect("it is created");
    assert!(updated.changed(), "there is a file where none was");
    assert_eq!(sandbox.read("state.json"), "{}\n", "an empty object");
    let again = state_file::edit(&path, &creating(), nothing).expect("it is there");
    assert!(!again.changed(), "and from then on nothing is written");
}

#[test]
fn file_is_not_created_when_the_change_refuses() {
    let sandbox = Sandbox::new();
    let path = sandbox.join("state.json");
    let refused = state_file::edit(&path, &creating(), |text| {
        add_one(text).expect("it can be counted");
        Err::<(), _>(std::fmt::Error)
    });
    assert!(refused.is_err(), "{refused:?}");
    assert!(!path.exists(), "nothing was created");
    assert_no_leftovers(&sandbox);
}

#[test]
fn of_two_creators_one_creates_and_the_other_changes_what_is_there() {
    const CREATORS: i64 = 8;
    for optimistic in [false, true] {
        let sandbox = Sandbox::new();
        let path = sandbox.join("state.json");
        let start = Barrier::new(8);
        let created: Vec<bool> = std::thread::scope(|scope| {
            let creators: Vec<_> = (0..CREATORS)
                .map(|_| {
                    scope.spawn(|| {
                        start.wait();
                        let updated = if optimistic {
                            state_file::edit_optimistic(&path, &creating(), add_one)
                        } else {
                            state_file::edit(&path, &creating(), add_one)
                        };
                        updated.expect("nobody fails").before.is_none()
                    })
                })
                .collect();
            let joined = creators.into_iter().map(ScopedJoinHandle::join);
            joined.map(|created| created.expect("no panic")).collect()
        });
        assert_eq!(
            created.iter().filter(|created| **created).count(),
            1,
            "one of them has created it (optimistic: {optimistic})"
        );
        let value: serde_json::Value =
            serde_json::from_str(&sandbox.read("state.json")).expect("JSON");
        assert_eq!(value["count"], CREATORS, "and nobody's change is lost");
        assert_no_leftovers(&sandbox);
    }
}

#[test]
fn created_file_of_a_type_gets_its_defaults_and_the_first_number() {
    let sandbox = Sandbox::new();
    let file = StateFile::<Tally>::new(sandbox.join("state.json"))
        .versioned_by(Versioning::Member("version".to_owned()));
    let updated = file
        .update(&creating(), |tally| tally.count += 1)
        .expect("it is created");
    let value: serde_json::Value = serde_json::from_str(&sandbox.read("state.json")).expect("JSON");
    assert_eq!(
        value,
        serde_json::json!({"count": 1, "version": 1}),
        "what was changed, and the first number"
    );
    assert_eq!(
        file.version_after(&updated).expect("it has one"),
        Version::Number(1),
        "as it is told"
    );
}

#[cfg(unix)]
#[test]
fn link_to_a_missing_file_stays_a_link_to_what_is_created() {
    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.join("real")).expect("a folder");
    std::os::unix::fs::symlink("real/state.json", sandbox.join("link.json")).expect("a link");
    let updated = state_file::edit(&sandbox.join("link.json"), &creating(), add_one);
    let updated = updated.expect("it is created");
    assert_eq!(updated.path, sandbox.join("real/state.json"), "behind it");
    assert!(
        sandbox.join("link.json").is_symlink(),
        "the link is one still"
    );
    assert!(sandbox.join("real/state.json").is_file(), "and leads to it");
}
