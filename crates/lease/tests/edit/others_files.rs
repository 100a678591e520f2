//! What an edit leaves alone: data that looks like a lock, and files that are nobody's to edit.

use std::os::unix::fs::MetadataExt as _;
use std::time::Duration;

use lease::Project;
use lease::edit::{EditError, Expect};
use lease::store::folder::FolderStore;
use lease::store::sqlite::SqliteStore;
use lease::store::{LeaseStore, transact};
use sidecar_lock::{AcquireError, LockOptions, SidecarLock};
use testkit::set_age;

use crate::desk::{Desk, by, replacement};

/// Longer than any machine runs, and than any lock is held.
const OLD: Duration = Duration::from_hours(400 * 24);

#[test]
fn lock_files_of_package_managers_survive_however_old_they_are() {
    let cases = [
        ("Gemfile", "Gemfile.lock", true),
        ("Cargo", "Cargo.lock", true),
        ("rails_5.gemfile", "rails_5.gemfile.lock", false),
    ];
    for (file, data, is_edited) in cases {
        let desk = Desk::new();
        desk.sandbox.write(file, "gem 'old'");
        let lock = desk.sandbox.write(data, "the versions of everything");
        set_age(&lock, OLD);
        let before = lock.metadata().expect("it is there");
        desk.holds("a1", ".");
        let edited = desk.edit(file, "old", "new");
        assert_eq!(edited.is_ok(), is_edited, "{file}: {edited:?}");
        if let Err(refused) = &edited {
            assert!(
                matches!(refused, EditError::Obstructed { obstacle, .. } if *obstacle == lock),
                "what is in the way is named: {refused:?}"
            );
            assert_eq!(desk.sandbox.read(file), "gem 'old'", "nothing was changed");
        }
        let after = lock.metadata().expect("it is there still");
        assert_eq!(
            desk.sandbox.read(data),
            "the versions of everything",
            "{data} is whole"
        );
        let same = (before.ino(), before.mtime()) == (after.ino(), after.mtime());
        assert!(same, "{data} was not touched");
    }
}

#[test]
fn file_at_the_place_of_a_lock_is_not_taken_over_after_the_limit_for_stories() {
    let desk = Desk::new();
    desk.sandbox.write("a.rs", "old");
    let lock = desk.sandbox.write("a.rs.lock", "data or lock");
    set_age(&lock, Duration::from_secs(1));
    desk.holds("a1", "a.rs");
    let mut impatient = by("a1");
    impatient.lock.timeout = Duration::from_millis(600);
    impatient.lock.stale_after = Some(Duration::from_millis(1));
    let refused = desk.replace(&replacement("a.rs", "old", "new"), &impatient);
    assert!(
        matches!(&refused, Err(EditError::Lock(AcquireError::Contended { sidecar, .. })) if *sidecar == lock),
        "it is waited for, and named: {refused:?}"
    );
    assert_eq!(
        desk.sandbox.read("a.rs.lock"),
        "data or lock",
        "it was left alone"
    );
    assert_eq!(desk.sandbox.read("a.rs"), "old", "nothing was changed");
}

#[test]
fn lock_left_empty_by_a_power_cut_is_taken_over() {
    let desk = Desk::new();
    desk.sandbox.write("a.rs", "old");
    for left in [&b""[..], &[0; 100]] {
        let lock = desk.sandbox.write("a.rs.lock", left);
        set_age(&lock, OLD);
        desk.holds("a1", "a.rs");
        let edited = desk.write("a.rs", &format!("{}", left.len()), Expect::Anything);
        let took_over = edited.expect("nothing is lost with it").took_over;
        assert!(took_over.is_some(), "and that is told");
        desk.assert_tidy();
    }
}

#[test]
fn files_of_git_of_the_leases_and_lock_files_are_refused() {
    let desk = Desk::new();
    desk.holds("a1", ".");
    desk.sandbox.write(".git/config", "[core]");
    desk.sandbox.write("locks/a1.lock", "{}");
    let guarded = desk.sandbox.write("a.rs", "text");
    let lock = SidecarLock::new(guarded).expect("a path");
    let held = lock.acquire(&LockOptions::default()).expect("it is free");
    for path in [
        ".",
        ".git/config",
        ".git/new",
        "locks/a1.lock",
        "LOCKS/new.lock",
        "locks.lock",
        "locks-wal",
        "a.rs.lock",
        "a.md.lock",
    ] {
        let refused = desk.write(path, "text", Expect::Anything);
        assert!(
            matches!(refused, Err(EditError::Refused { .. })),
            "{path}: {refused:?}"
        );
    }
    assert_eq!(
        desk.sandbox.read(".git/config"),
        "[core]",
        "nothing was changed"
    );
    held.release().expect("nobody has touched it");
    desk.write("Cargo.lock", "data", Expect::Absent)
        .expect("data is an agent's business");
}

#[test]
fn files_of_another_store_of_leases_are_refused() {
    let desk = Desk::new();
    desk.holds("a1", ".");
    let project = Project::new(desk.sandbox.path()).expect("it is a folder");
    let folder = FolderStore::new(desk.sandbox.join("agents"), project.clone());
    let database = SqliteStore::new(desk.sandbox.join("leases.db"), project);
    for store in [&folder as &dyn LeaseStore, &database] {
        let request = desk.request("a2", "a.rs");
        transact(store, Duration::ZERO, |leases| {
            leases.acquire(&request, &desk.rules.present())
        })
        .expect("it is free there");
    }
    for path in [
        "agents/a2.lock",
        "agents/new.lock",
        "agents/.leases.json",
        "agents.lock",
        "leases.db",
        "leases.db-wal",
    ] {
        let refused = desk.write(path, "text", Expect::Anything);
        assert!(
            matches!(refused, Err(EditError::Refused { .. })),
            "{path} protects the work of others: {refused:?}"
        );
    }
    for path in ["agents.rs", "other.db", "other.db-wal"] {
        let written = desk.write(path, "text", Expect::Absent);
        assert!(written.is_ok(), "{path} is no part of a store: {written:?}");
    }
}
