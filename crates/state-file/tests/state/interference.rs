//! Others who do not know our lock, or remove it, while a change is under way.

use std::fs;
use std::time::Duration;

use state_file::{Missing, UpdateError, UpdateOptions};
use testkit::{LegacyWriter, Sandbox};

use crate::support::{
    PATIENCE, add_one, assert_no_leftovers, counted, counter, options, sidecar, state,
};

#[test]
fn change_runs_again_on_what_an_editor_saved_meanwhile() {
    type Save = fn(&LegacyWriter, &str);
    let saves: [(&str, Save); 2] = [
        ("by rename", LegacyWriter::save_by_rename),
        ("in place", LegacyWriter::overwrite),
    ];
    for (how, save) in saves {
        let sandbox = Sandbox::new();
        let path = state(&sandbox);
        let editor = LegacyWriter::new(&path);
        let mut runs = 0;
        let updated = counter(&path)
            .update(&options(PATIENCE), |value| {
                runs += 1;
                if runs == 1 {
                    save(&editor, &counted(100));
                }
                value.count += 1;
            })
            .expect("the second run succeeds");
        assert_eq!((runs, updated.reruns), (2, 1), "{how}: one rerun, told");
        assert_eq!(sandbox.read("state.json"), counted(101), "{how}: both");
        assert_no_leftovers(&sandbox);
    }
}

#[test]
fn change_gives_up_when_an_editor_saves_each_time() {
    let sandbox = Sandbox::new();
    let path = state(&sandbox);
    let editor = LegacyWriter::new(&path);
    let mut runs = 0;
    let refused = state_file::edit(&path, &options(Duration::ZERO), |text| {
        runs += 1;
        editor.save_by_rename(&counted(100 + runs));
        add_one(text)
    })
    .expect_err("there is no end to it");
    assert!(
        matches!(refused, UpdateError::Interfered { reruns: 3, .. }),
        "{refused:?}"
    );
    assert!(refused.is_retryable(), "later it may succeed");
    assert_eq!(sandbox.read("state.json"), counted(104), "theirs stands");
    assert_no_leftovers(&sandbox);
}

#[test]
fn file_removed_meanwhile_is_not_found_and_not_resurrected() {
    let sandbox = Sandbox::new();
    let path = state(&sandbox);
    let refused = state_file::edit(&path, &options(PATIENCE), |text| {
        fs::remove_file(&path).ok();
        add_one(text)
    })
    .expect_err("there is nothing to change");
    assert!(refused.is_not_found(), "{refused:?}");
    assert!(!path.exists(), "a removed file stays removed");
    assert_no_leftovers(&sandbox);
}

#[test]
fn file_created_meanwhile_by_somebody_without_the_lock_is_changed_and_not_overwritten() {
    let sandbox = Sandbox::new();
    let path = sandbox.join("state.json");
    let wanted = UpdateOptions {
        missing: Missing::Created,
        ..options(PATIENCE)
    };
    let mut runs = 0;
    let updated = state_file::edit(&path, &wanted, |text| {
        runs += 1;
        if runs == 1 {
            state(&sandbox);
        }
        add_one(text)
    })
    .expect("the second run succeeds");
    assert_eq!((runs, updated.reruns), (2, 1), "one rerun, told");
    assert_eq!(sandbox.read("state.json"), counted(8), "theirs, changed");
    assert_no_leftovers(&sandbox);
}

#[test]
fn lock_removed_by_a_vandal_is_taken_anew_and_the_change_made_once() {
    let sandbox = Sandbox::new();
    let path = state(&sandbox);
    let mut runs = 0;
    let updated = state_file::edit(&path, &options(PATIENCE), |text| {
        runs += 1;
        if runs == 1 {
            fs::remove_file(sidecar(&path)).expect("the vandal finds it");
        }
        add_one(text)
    })
    .expect("the second run succeeds");
    assert_eq!((runs, updated.reruns), (2, 1), "one rerun, told");
    assert_eq!(sandbox.read("state.json"), counted(8), "made once");
    assert_no_leftovers(&sandbox);
}
