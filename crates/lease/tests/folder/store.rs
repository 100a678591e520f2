//! The folder as a store: where it is, what it remembers, when it goes.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use jiff::Timestamp;
use lease::store::folder::{FolderStore, Removal};
use lease::store::{LeaseStore as _, transact};
use lease::{LeaseError, Process, StoreError, Turn, Which};
use testkit::{leftovers, skip};

use crate::desk::{Desk, HOUR, PATIENCE, project};

#[test]
fn store_that_is_not_there_is_empty_and_looking_does_not_make_it() {
    let desk = Desk::new();
    assert_eq!(desk.leases(), lease::Leases::default(), "nothing is held");
    let transaction = desk.store.begin(PATIENCE).expect("it can be locked");
    assert_eq!(
        *transaction.leases(),
        lease::Leases::default(),
        "nothing either"
    );
    drop(transaction);
    let left: Vec<_> = fs::read_dir(desk.sandbox.path())
        .expect("it can be listed")
        .collect();
    assert!(
        left.is_empty(),
        "whoever only looks leaves nothing: {left:?}"
    );
}

#[test]
fn token_rises_even_if_the_folder_is_deleted() {
    let mut desk = Desk::new();
    let mut last = None;
    for delete in [true, true, false] {
        let token = desk.must_acquire("agent-1", &["a"]).lease.token;
        assert!(token > last, "{token:?} comes after {last:?}");
        last = token;
        if delete {
            fs::remove_dir_all(desk.folder()).expect("anybody can delete it");
        }
        desk.later(Duration::from_millis(1));
    }
}

#[test]
fn token_rises_though_the_clock_was_set_back() {
    let mut desk = Desk::new();
    let first = desk.must_acquire("agent-1", &["a"]).lease.token;
    desk.release("agent-1", &Which::All);
    desk.now = "2025-01-01T00:00:00Z".parse().expect("a time");
    let second = desk.must_acquire("agent-1", &["a"]).lease.token;
    assert!(second > first, "the store remembers the last number");
    fs::remove_file(desk.folder().join(".leases.json")).expect("it is there");
    let third = desk.must_acquire("agent-1", &["b"]).lease.token;
    assert!(third > second, "and so do the leases that are held");
}

#[test]
fn queue_is_kept_until_the_lease_is_there() {
    let desk = Desk::new();
    desk.must_acquire("agent-1", &["a"]);
    let request = desk.wants("agent-2", &["a"]);
    let until = desk.now + HOUR;
    let ticket = transact(&desk.store, PATIENCE, |leases| {
        leases.enqueue(&request, until, Process::current(), &desk.present())
    })
    .expect("it may wait");
    let waiting = desk.leases().waiting;
    assert_eq!(waiting.len(), 1, "one waits");
    assert_eq!(waiting[0].ticket, ticket, "at its place");
    assert_eq!(waiting[0].scope, request.scope, "for what it wants");
    assert_eq!(waiting[0].process, Process::current(), "as it is");
    desk.release("agent-1", &Which::All);
    let turn = transact(&desk.store, PATIENCE, |leases| {
        leases.try_turn(&request, ticket, &desk.present())
    });
    assert!(matches!(turn, Ok(Turn::Granted(_))), "its turn: {turn:?}");
    assert_eq!(desk.leases().waiting, [], "its place is free");
    assert!(desk.is_held("a"), "and it has the lease");
}

#[test]
fn commit_in_vain_leaves_the_place_in_the_queue() {
    let desk = Desk::new();
    desk.must_acquire("agent-1", &["a"]);
    let request = desk.wants("agent-2", &["a"]);
    let until = desk.now + HOUR;
    let ticket = transact(&desk.store, PATIENCE, |leases| {
        leases.enqueue(&request, until, Process::current(), &desk.present())
    })
    .expect("it may wait");
    desk.release("agent-1", &Which::All);
    let transaction = desk.store.begin(PATIENCE).expect("nobody has it");
    let mut after = transaction.leases().clone();
    after
        .try_turn(&request, ticket, &desk.present())
        .expect("its turn");
    // Something in the way of the agent's file.
    fs::create_dir(desk.folder().join("agent-2.lock")).expect("it is free");
    transaction.commit(&after).expect_err("it is in the way");
    fs::remove_dir(desk.folder().join("agent-2.lock")).expect("it is ours");
    assert_eq!(desk.leases().waiting.len(), 1, "it waits still");
}

#[test]
fn remove_if_empty_removes_only_what_holds_nothing() {
    let desk = Desk::new();
    let removal = |desk: &Desk| desk.store.remove_if_empty(PATIENCE).expect("it can look");
    assert_eq!(removal(&desk), Removal::default(), "nothing to remove");
    desk.must_acquire("agent-1", &["a"]);
    assert_eq!(removal(&desk), Removal::default(), "somebody holds a lease");
    desk.release("agent-1", &Which::All);
    assert!(removal(&desk).removed, "nobody holds anything");
    assert!(!desk.folder().exists(), "it is gone");
    assert_eq!(leftovers(desk.sandbox.path()), [] as [PathBuf; 0], "wholly");
}

#[test]
fn remove_if_empty_leaves_numbers_that_are_ahead_of_the_clock() {
    let mut desk = Desk::by_the_clock();
    desk.later(HOUR);
    let token = desk.must_acquire("agent-1", &["a"]).lease.token;
    desk.release("agent-1", &Which::All);
    let removal = desk.store.remove_if_empty(PATIENCE).expect("it can look");
    assert_eq!(removal, Removal::default(), "a new folder would count anew");
    desk.now = Timestamp::now();
    let next = desk.must_acquire("agent-1", &["a"]).lease.token;
    assert!(next > token, "{next:?} is higher than {token:?}");
}

#[test]
fn folder_behind_a_link_is_the_store_for_all_its_names() {
    let desk = Desk::new();
    fs::create_dir(desk.sandbox.join("real")).expect("it is free");
    symlink("real", desk.folder()).expect("it is free");
    desk.must_acquire("agent-1", &["a"]);
    let other = FolderStore::new(desk.sandbox.join("real"), project(desk.sandbox.path()));
    assert_eq!(
        other.read().expect("it can be read"),
        desk.leases(),
        "one store"
    );
    let transaction = other.begin(PATIENCE).expect("nobody has it");
    let refused = desk.store.begin(Duration::ZERO).map(drop);
    assert!(
        matches!(refused, Err(StoreError::Lock(_))),
        "one lock: {refused:?}"
    );
    drop(transaction);
}

#[test]
fn store_that_cannot_be_is_refused_with_the_reason() {
    let desk = Desk::new();
    desk.sandbox.write("locks", "a file");
    for refused in [
        desk.store.read().map(drop),
        desk.store.begin(PATIENCE).map(drop),
    ] {
        assert!(
            matches!(&refused, Err(StoreError::NotAStore { path, .. }) if *path == desk.folder()),
            "a file is no folder: {refused:?}"
        );
    }
    let nowhere = FolderStore::new(
        desk.sandbox.join("none/locks"),
        project(desk.sandbox.path()),
    );
    nowhere.read().expect("what is not there holds nothing");
    let refused = nowhere.begin(PATIENCE).map(drop);
    assert!(
        matches!(
            refused,
            Err(StoreError::Lock(
                sidecar_lock::AcquireError::NoSuchFolder { .. }
            ))
        ),
        "it is made in a folder that exists: {refused:?}"
    );
}

/// Takes away, or gives back, the right to write something; `false` where that does not work.
fn set_immutable(flag: &str, path: &Path) -> bool {
    let status = Command::new("chattr").arg(flag).arg(path).output();
    status.is_ok_and(|output| output.status.success())
}

#[test]
fn folder_without_permission_is_refused_and_nothing_changes() {
    let name = "folder_without_permission_is_refused_and_nothing_changes";
    let desk = Desk::new();
    desk.must_acquire("agent-1", &["a"]);
    // The state as well as the folder: it is written before the lease, which must not be there without it.
    for path in [desk.folder(), desk.folder().join(".leases.json")] {
        if !set_immutable("+i", &path) {
            return skip(name, "needs root, chattr and a file system with attributes");
        }
        let refused = desk.acquire("agent-2", &["b"]);
        assert!(set_immutable("-i", &path), "it can be given back");
        assert!(
            matches!(&refused, Err(LeaseError::Store(err @ StoreError::Commit(_))) if !err.is_committed()),
            "no permission: {refused:?}"
        );
        assert!(!desk.is_held("b"), "nothing was written");
    }
    desk.must_acquire("agent-2", &["b"]);
}

#[test]
fn temporary_file_that_its_writer_could_not_remove_is_swept_by_the_next_change() {
    let desk = Desk::new();
    desk.must_acquire("agent-1", &["a"]);
    // The name of a version that was never finished. No lock of a dead writer lies beside it: a power cut can take that.
    let left = desk.sandbox.write(
        "locks/..leases.json.0.x.0123456789abcdef.atomic-tmp",
        "half",
    );
    desk.must_acquire("agent-1", &["b"]);
    assert!(!left.exists(), "nobody else would take it away");
    assert!(
        desk.is_held("a") && desk.is_held("b"),
        "the leases are there"
    );
}
