//! Who holds a file may edit it, and only as long as it holds it.

use std::sync::Arc;
use std::time::Duration;

use atomic_file::CommitOptions;
use lease::edit::{EditError, Expect, Writer};
use lease::{Force, LeaseError, Mode, Request, Token, Unreadable};

use crate::desk::{Desk, by, replacement};

#[test]
fn edit_by_who_does_not_hold_the_file_is_refused_and_the_holder_named() {
    let desk = Desk::new();
    desk.sandbox.write("src/a.txt", "old");
    let nobody = desk.edit("src/a.txt", "old", "new");
    assert!(
        matches!(nobody, Err(EditError::Lease(LeaseError::NotHeld { .. }))),
        "nobody holds it: {nobody:?}"
    );
    desk.holds("a2", "src");
    let other = desk.edit("src/a.txt", "old", "new");
    let Err(EditError::Lease(LeaseError::HeldByAnother(holder))) = &other else {
        panic!("another holds it: {other:?}");
    };
    assert_eq!(holder.agent.as_str(), "a2", "the holder is named");
    assert!(other.is_err_and(|err| err.is_retryable()), "waiting helps");
    assert_eq!(desk.sandbox.read("src/a.txt"), "old", "nothing was changed");
    let edit = replacement("src/a.txt", "old", "new");
    desk.replace(&edit, &by("a2")).expect("the holder may");
    assert_eq!(desk.sandbox.read("src/a.txt"), "new", "its edit is there");
    desk.assert_tidy();
}

#[test]
fn edit_by_a_reader_with_another_token_or_an_ended_lease_is_refused() {
    let desk = Desk::new();
    desk.sandbox.write("shared.txt", "old");
    desk.sandbox.write("own.txt", "old");
    desk.acquire(&Request {
        mode: Mode::Shared,
        ..desk.request("a1", "shared.txt")
    });
    let token = desk.holds("a1", "own.txt");
    let shared = desk.edit("shared.txt", "old", "new");
    assert!(
        matches!(shared, Err(EditError::Lease(LeaseError::SharedOnly { .. }))),
        "reading only: {shared:?}"
    );
    let edit = replacement("own.txt", "old", "new");
    let with = |token| Writer {
        token: Some(token),
        ..by("a1")
    };
    let other = desk.replace(&edit, &with(Token(token.0 + 1)));
    assert!(
        matches!(other, Err(EditError::Lease(LeaseError::NotHeld { .. }))),
        "another lease: {other:?}"
    );
    desk.pass(Duration::from_mins(1));
    let ended = desk.replace(&edit, &with(token));
    assert!(
        matches!(ended, Err(EditError::Lease(LeaseError::Ended { .. }))),
        "it has ended: {ended:?}"
    );
    assert_eq!(desk.sandbox.read("own.txt"), "old", "nothing was changed");
    let again = desk.holds("a1", "own.txt");
    desk.replace(&edit, &with(again)).expect("it is held again");
}

/// What happens while an agent works on a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Ended,
    TakenOver,
    Broken,
}

#[test]
fn lease_lost_between_the_look_and_the_commit_stops_the_edit() {
    for fate in [Fate::Ended, Fate::TakenOver, Fate::Broken] {
        for before in [None, Some("old")] {
            let desk = Desk::new();
            if let Some(text) = before {
                desk.sandbox.write("a.txt", text);
            }
            desk.holds("a1", "a.txt");
            let theirs = desk.request("a2", "a.txt");
            let (now, rules) = (Arc::clone(&desk.now), desk.rules.clone());
            desk.before_the_lock(move |leases| {
                if fate == Fate::Broken {
                    let agent = &by("a1").agent;
                    let broken =
                        leases.break_leases(agent, None, Force::EvenIfLive, &rules.present());
                    assert_eq!(broken.map(|ended| ended.len()).ok(), Some(1), "it was held");
                    return;
                }
                *now.lock().expect("nobody panics") += Duration::from_secs(61);
                if fate == Fate::TakenOver {
                    let taken = leases.acquire(&theirs, &rules.present());
                    assert!(taken.is_ok(), "its time is over: {taken:?}");
                }
            });
            let refused = match before {
                None => desk.write("a.txt", "new", Expect::Absent),
                Some(old) => desk.edit("a.txt", old, "new"),
            };
            let Err(EditError::Lease(refused)) = refused else {
                panic!("{fate:?}: the second look sees it: {refused:?}");
            };
            let is_expected = match refused {
                LeaseError::HeldByAnother(_) => fate == Fate::TakenOver,
                LeaseError::Ended { .. } => fate == Fate::Ended,
                LeaseError::NotHeld { .. } => fate == Fate::Broken,
                _ => false,
            };
            assert!(is_expected, "{fate:?} is told as what it is: {refused:?}");
            let text = std::fs::read_to_string(desk.sandbox.join("a.txt")).ok();
            assert_eq!(
                text.as_deref(),
                before,
                "{fate:?}: nothing of it is written"
            );
            desk.assert_tidy();
        }
    }
}

#[test]
fn edit_is_refused_while_a_list_of_leases_cannot_be_read() {
    let desk = Desk::new();
    desk.sandbox.write("a.txt", "old");
    desk.holds("a1", "a.txt");
    let modified_at = *desk.now.lock().expect("nobody panics");
    let broken = Unreadable {
        path: "locks/a2.lock".into(),
        reason: "no JSON".to_owned(),
        modified_at,
    };
    desk.before_the_lock(|leases| leases.unreadable.push(broken));
    for look in ["under the lock", "at the start"] {
        let refused = desk.edit("a.txt", "old", "new");
        assert!(
            matches!(refused, Err(EditError::Lease(LeaseError::Unreadable(_)))),
            "it may say anything, {look}: {refused:?}"
        );
    }
    assert_eq!(desk.sandbox.read("a.txt"), "old", "nothing was changed");
}

#[test]
fn change_by_a_person_between_the_read_and_the_commit_is_kept_and_edited() {
    let desk = Desk::new();
    let path = desk.sandbox.write("a.txt", "one two");
    desk.holds("a1", "a.txt");
    desk.before_the_lock(move |_| {
        let saved = atomic_file::replace(&path, b"one two three", &CommitOptions::default());
        assert!(saved.is_ok(), "a person saves: {saved:?}");
    });
    let edited = desk.edit("a.txt", "two", "2").expect("it is tried again");
    assert_eq!(
        desk.sandbox.read("a.txt"),
        "one 2 three",
        "both changes are there"
    );
    assert_eq!(edited.reruns, 1, "and that is told");
    desk.assert_tidy();
}

#[test]
fn file_made_by_another_between_the_look_and_the_commit_is_not_overwritten() {
    let desk = Desk::new();
    let path = desk.sandbox.join("a.txt");
    desk.holds("a1", "a.txt");
    desk.before_the_lock(move |_| {
        let made = atomic_file::create(&path, b"theirs", &CommitOptions::default());
        assert!(made.is_ok(), "a person makes it: {made:?}");
    });
    let refused = desk.write("a.txt", "ours", Expect::Absent);
    assert!(
        matches!(refused, Err(EditError::Exists { .. })),
        "it is there by now: {refused:?}"
    );
    assert_eq!(desk.sandbox.read("a.txt"), "theirs", "theirs stands");
    desk.assert_tidy();
}

#[test]
fn lock_file_removed_between_the_look_and_the_commit_is_taken_again() {
    let desk = Desk::new();
    desk.sandbox.write("a.txt", "old");
    let sidecar = desk.sandbox.join("a.txt.lock");
    desk.holds("a1", "a.txt");
    desk.before_the_lock(move |_| std::fs::remove_file(sidecar).expect("it is there"));
    let edited = desk.edit("a.txt", "old", "new").expect("it is tried again");
    assert_eq!(edited.reruns, 1, "without the lock nothing was written");
    assert_eq!(desk.sandbox.read("a.txt"), "new", "with it, it was");
    desk.assert_tidy();
}
