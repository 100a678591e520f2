//! Optimistic changes with a last look under the lock.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use json_text::EditError;
use state_file::UpdateError;
use testkit::Sandbox;

use crate::support::{
    PATIENCE, STATE, add_one, assert_no_leftovers, counted, increment, options, sidecar, state,
};

/// Tells when it goes what was in the file then.
struct Witness {
    path: std::path::PathBuf,
    saw: Rc<RefCell<Vec<String>>>,
}

impl Drop for Witness {
    fn drop(&mut self) {
        let text = std::fs::read_to_string(&self.path).expect("it is there");
        self.saw.borrow_mut().push(text);
    }
}

#[test]
fn confirmation_is_asked_under_the_lock_and_lives_until_the_change_is_in_place() {
    let sandbox = Sandbox::new();
    let path = state(&sandbox);
    let saw = Rc::default();
    let held = Cell::new(Vec::new());
    let updated = state_file::edit_optimistic_if(
        &path,
        &options(PATIENCE),
        |text| {
            held.set([held.take(), vec![sidecar(&path).exists()]].concat());
            add_one(text)
        },
        || {
            held.set([held.take(), vec![sidecar(&path).exists()]].concat());
            Ok(Witness {
                path: path.clone(),
                saw: Rc::clone(&saw),
            })
        },
    );
    updated.expect("nobody is in the way");
    assert_eq!(
        held.take(),
        [false, true],
        "thought out without, confirmed with the lock"
    );
    assert_eq!(
        *saw.borrow(),
        [counted(8)],
        "what it stands for was kept until the end"
    );
    assert_no_leftovers(&sandbox);
}

#[test]
fn refused_confirmation_leaves_the_file() {
    let sandbox = Sandbox::new();
    let path = state(&sandbox);
    let refused = state_file::edit_optimistic_if(&path, &options(PATIENCE), add_one, || {
        Err::<(), _>(EditError::Whole)
    });
    let err = refused.expect_err("it was not confirmed");
    assert!(
        matches!(err, UpdateError::Edit(EditError::Whole)),
        "the reason is the caller's: {err}"
    );
    assert_eq!(sandbox.read("state.json"), STATE, "nothing is written");
    assert_no_leftovers(&sandbox);
}

#[test]
fn confirmation_is_asked_in_the_last_round_too_and_not_for_lost_ones() {
    let sandbox = Sandbox::new();
    let path = state(&sandbox);
    let asked = Cell::new(0);
    let updated = state_file::edit_optimistic_if(
        &path,
        &options(PATIENCE),
        |text| {
            if !sidecar(&path).exists() {
                increment(&path).expect("nobody is kept out while somebody thinks");
            }
            add_one(text)
        },
        || {
            asked.set(asked.get() + 1);
            Ok(())
        },
    );
    let updated = updated.expect("the last round succeeds");
    assert_eq!(updated.lost_rounds, 3, "three were lost");
    assert_eq!(asked.get(), 1, "only what is put in place is confirmed");
    assert_eq!(
        sandbox.read("state.json"),
        counted(11),
        "7, three others, and ours"
    );
}
