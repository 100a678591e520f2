//! Values of a type: only what the program changed is changed in the file.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::fs;

use serde::{Deserialize, Serialize};
use state_file::{StateFile, UpdateError};
use testkit::Sandbox;

use crate::support::{PATIENCE, STATE, assert_no_leftovers, counted, counter, options, state};

#[test]
fn update_changes_the_member_that_the_program_changed_and_no_other_byte() {
    let sandbox = Sandbox::new();
    let path = state(&sandbox);
    let updated = counter(&path)
        .update(&options(PATIENCE), |value| {
            value.count += 1;
            value.count
        })
        .expect("it is updated");
    assert_eq!(updated.value, 8, "what the closure returned");
    assert!(updated.changed(), "something was written");
    assert_eq!(updated.before.as_deref(), Some(STATE.as_bytes()), "before");
    assert_eq!(sandbox.read("state.json"), counted(8), "and after");
    assert_no_leftovers(&sandbox);
}

#[test]
fn value_that_is_the_same_afterwards_writes_nothing() {
    let sandbox = Sandbox::new();
    let path = state(&sandbox);
    // A hard-linked file is refused as soon as anything is written.
    fs::hard_link(&path, sandbox.join("other.json")).expect("a second name");
    let updated = counter(&path)
        .update(&options(PATIENCE), |value| {
            value.count += 1;
            value.count -= 1;
        })
        .expect("there is nothing to write");
    assert!(!updated.changed(), "nothing was written");
    let refused = counter(&path).update(&options(PATIENCE), |value| value.count += 1);
    assert!(
        matches!(refused, Err(UpdateError::Commit(_))),
        "the control: a write would have been refused: {refused:?}"
    );
    assert_eq!(sandbox.read("state.json"), STATE, "it stays as it is");
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Shares {
    of: HashMap<String, f64>,
    #[serde(default)]
    notes: BTreeMap<String, Option<String>>,
}

/// Numbers in forms that a serialiser would not choose, in an order of their own.
fn shares_text(changed: &str) -> String {
    let mut text = "{\"of\": {".to_owned();
    for number in (0..200).rev() {
        write!(text, "\"k{number}\": {number}.50, ").expect("a text takes everything");
    }
    text.push_str(changed);
    text.push_str("},\n \"unknown\" : [1.0, {}]}");
    text
}

#[test]
fn maps_without_order_change_nothing_that_is_the_same() {
    let sandbox = Sandbox::new();
    let path = sandbox.write("state.json", shares_text("\"last\": 1.0"));
    let file = StateFile::<Shares>::new(&path);
    // A map that grows is ordered anew, and one that is read again has another order from the start.
    let updated = file
        .update(&options(PATIENCE), |value| {
            for extra in 0..1000 {
                value.of.insert(format!("x{extra}"), 0.0);
            }
            value.of.retain(|key, _| !key.starts_with('x'));
            value.of.shrink_to_fit();
            value.of.insert("last".to_owned(), 2.5);
        })
        .expect("it is updated");
    assert!(updated.changed(), "one share has changed");
    assert_eq!(
        sandbox.read("state.json"),
        shares_text("\"last\": 2.5"),
        "and only that one"
    );
    let seen = file.read().expect("it is readable");
    let replaced = file
        .replace_if(&options(PATIENCE), &seen.version, &seen.value)
        .expect("it is that version");
    assert!(!replaced.changed(), "the same value changes no byte");
    let updated = file
        .update_optimistic(&options(PATIENCE), Clone::clone)
        .expect("nobody is there");
    assert!(!updated.changed(), "nor does a copy of it");
}

#[test]
fn members_that_are_added_removed_and_nulled_do_so_in_the_file() {
    let sandbox = Sandbox::new();
    let path = sandbox.write(
        "state.json",
        "{\n  \"of\": {},\n  \"notes\": {\n    \"a\": \"x\",\n    \"b\": \"y\"\n  },\n  \"other\": 1.0\n}\n",
    );
    StateFile::<Shares>::new(&path)
        .update(&options(PATIENCE), |value| {
            value.notes.remove("a");
            value.notes.insert("b".to_owned(), None);
            value.notes.insert("c".to_owned(), Some("z".to_owned()));
        })
        .expect("it is updated");
    assert_eq!(
        sandbox.read("state.json"),
        "{\n  \"of\": {},\n  \"notes\": {\n    \"b\": null,\n    \"c\": \"z\"\n  },\n  \"other\": 1.0\n}\n",
        "in the layout of the file"
    );
}

#[test]
fn change_that_refuses_writes_nothing_and_its_error_comes_through() {
    let sandbox = Sandbox::new();
    let path = state(&sandbox);
    let refused = counter(&path)
        .try_update(&options(PATIENCE), |value| {
            value.count = 99;
            Err::<(), _>(std::fmt::Error)
        })
        .expect_err("it refuses");
    assert!(
        matches!(refused, UpdateError::Edit(std::fmt::Error)),
        "{refused:?}"
    );
    let refused = counter(&path)
        .try_update_optimistic(&options(PATIENCE), |_| Err(std::fmt::Error))
        .expect_err("it refuses");
    assert!(
        matches!(refused, UpdateError::Edit(std::fmt::Error)),
        "{refused:?}"
    );
    assert_eq!(sandbox.read("state.json"), STATE, "it stays as it is");
    assert_no_leftovers(&sandbox);
}

#[test]
fn value_that_json_cannot_say_is_refused() {
    #[derive(Serialize, Deserialize)]
    struct Pairs {
        #[serde(default)]
        pairs: BTreeMap<(u8, u8), u8>,
    }
    let sandbox = Sandbox::new();
    let path = sandbox.write("state.json", "{}");
    let refused = StateFile::<Pairs>::new(&path)
        .update(&options(PATIENCE), |value| value.pairs.insert((1, 2), 3))
        .expect_err("a key must be a text");
    assert!(
        matches!(refused, UpdateError::Unwritable { .. }),
        "{refused:?}"
    );
    assert!(
        refused.to_string().contains("state.json"),
        "it names the file: {refused}"
    );
    assert_eq!(sandbox.read("state.json"), "{}", "it stays as it is");
}

#[cfg(unix)]
#[test]
fn link_stays_a_link_and_the_file_behind_it_is_changed() {
    let sandbox = Sandbox::new();
    let path = sandbox.write("real/state.json", STATE);
    let link = sandbox.join("link.json");
    std::os::unix::fs::symlink("real/state.json", &link).expect("a link");
    let updated = counter(&link)
        .update(&options(PATIENCE), |value| value.count += 1)
        .expect("it is updated");
    assert_eq!(updated.path, path, "the file behind the link is told");
    assert!(link.is_symlink(), "the link is one still");
    assert_eq!(
        sandbox.read("real/state.json"),
        counted(8),
        "the file behind"
    );
    assert_no_leftovers(&sandbox);
}
