//! What only the database promises: what is in its rows, what happens to damaged ones, deletion under way.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use lease::store::sqlite::SqliteStore;
use lease::store::{LeaseStore, transact};
use lease::{Lease, Mode, Process, Project, Request, StoreError, Token, Which};
use sqlite_file::rusqlite::Connection;
use testkit::Sandbox;

use crate::support::{PATIENCE, agent, at, request, scope};

fn acquire(store: &dyn LeaseStore, request: &Request) -> Lease {
    transact(store, PATIENCE, |leases| {
        leases.acquire(request, &at(Timestamp::now()))
    })
    .expect("nothing stands against it")
    .lease
}

fn database(sandbox: &Sandbox) -> PathBuf {
    sandbox.join("made/leases.db")
}

fn store_in(sandbox: &Sandbox) -> SqliteStore {
    let project = Project::new(sandbox.path()).expect("the sandbox is there");
    SqliteStore::new(database(sandbox), project)
}

fn by_hand(sandbox: &Sandbox, sql: &str) {
    let connection = Connection::open(database(sandbox)).expect("it can be opened");
    connection.execute_batch(sql).expect("sql is right");
}

#[test]
fn lease_comes_back_as_it_was_with_every_field() {
    let sandbox = Sandbox::new();
    let store = store_in(&sandbox);
    let full = Request {
        mode: Mode::Shared,
        task: Some("Ünal's \"task\", 1\n2".to_owned()),
        bind_to: Some(Process::current()),
        ..request(
            &agent("Ünal 1"),
            scope(
                sandbox.path(),
                &["a b.rs", "\"quoted\"", "src/", "**/*_test.go", "./"],
            ),
        )
    };
    let lease = acquire(&store, &full);
    let waiting = request(&agent("b"), scope(sandbox.path(), &["src/x"]));
    let now = Timestamp::now();
    let ticket = transact(&store, PATIENCE, |leases| {
        leases.enqueue(&waiting, now, Process::current(), &at(now))
    })
    .expect("it may wait");
    drop(store);
    let again = store_in(&sandbox);
    let read = again.read().expect("it can be read");
    assert_eq!(read.held.len(), 1, "one lease is there");
    let found = &read.held[0];
    let millisecond = |at: Timestamp| at.as_millisecond();
    assert_eq!(
        (found.token, &found.agent, &found.scope, found.mode),
        (lease.token, &lease.agent, &lease.scope, lease.mode),
        "it is the same lease"
    );
    assert_eq!(
        (&found.task, &found.bound_to, found.generation),
        (&lease.task, &lease.bound_to, 1),
        "and nothing of it was lost"
    );
    let times =
        |lease: &Lease| [lease.acquired_at, lease.renewed_at, lease.expires_at].map(millisecond);
    assert_eq!(times(found), times(&lease), "its times, to the millisecond");
    let waiter = &read.waiting[0];
    assert_eq!(
        (waiter.ticket, &waiter.agent, &waiter.scope, &waiter.process),
        (ticket, &waiting.agent, &waiting.scope, &Process::current()),
        "who waits is there, too"
    );
    assert_eq!(
        read.last_token, ticket,
        "the last number that was given out"
    );
}

#[test]
fn reading_a_store_that_is_not_there_makes_nothing() {
    let sandbox = Sandbox::new();
    let store = store_in(&sandbox);
    assert_eq!(
        store.read().expect("empty"),
        lease::Leases::default(),
        "no leases"
    );
    assert!(
        !sandbox.join("made").exists(),
        "not even the folder was made"
    );
    drop(store.begin(PATIENCE).expect("it is made"));
    assert!(database(&sandbox).is_file(), "who locks it makes it");
}

#[test]
fn dropped_transaction_changes_nothing_and_lets_others_in() {
    let sandbox = Sandbox::new();
    let store = store_in(&sandbox);
    let held = store.begin(PATIENCE).expect("it is free");
    for other in [&store, &store_in(&sandbox)] {
        let limit = Duration::from_millis(30);
        match other.begin(limit).map(drop) {
            Err(err @ StoreError::Busy { .. }) => {
                assert!(err.is_retryable(), "busy is for now only");
            }
            unexpected => panic!("two at once: {unexpected:?}"),
        }
        assert!(other.read().is_ok(), "readers do not wait");
    }
    drop(held);
    drop(store.begin(Duration::ZERO).expect("it is free again"));
}

#[test]
fn tokens_rise_after_release_and_after_deletion() {
    let sandbox = Sandbox::new();
    let store = store_in(&sandbox);
    let wanted = request(&agent("a"), scope(sandbox.path(), &["x"]));
    let mut last = Token::default();
    for round in 0..6 {
        let token = acquire(&store, &wanted).token.expect("it has a number");
        assert!(token > last, "round {round}: {token} comes after {last}");
        last = token;
        if round % 2 == 0 {
            transact(&store, PATIENCE, |leases| {
                leases.release(&wanted.agent, &Which::All, &at(Timestamp::now()))
            })
            .expect("it is given back");
        } else {
            for name in ["leases.db", "leases.db-wal", "leases.db-shm"] {
                fs::remove_file(database(&sandbox).with_file_name(name)).ok();
            }
        }
    }
}

#[cfg(unix)]
#[test]
fn change_of_a_database_that_is_deleted_meanwhile_is_done_again_in_the_new_one() {
    let sandbox = Sandbox::new();
    let store = store_in(&sandbox);
    let wanted = request(&agent("a"), scope(sandbox.path(), &["x"]));
    let mut runs = 0;
    let acquired = transact(&store, PATIENCE, |leases| {
        runs += 1;
        if runs == 1 {
            for name in ["leases.db", "leases.db-wal", "leases.db-shm"] {
                fs::remove_file(database(&sandbox).with_file_name(name)).ok();
            }
        }
        leases.acquire(&wanted, &at(Timestamp::now()))
    });
    let token = acquired.expect("it is acquired").lease.token;
    assert_eq!(runs, 2, "the first try was for nobody to see");
    let held = store.read().expect("it can be read").held;
    let tokens: Vec<_> = held.iter().map(|lease| lease.token).collect();
    assert_eq!(tokens, [token], "what was answered is in the store");
}

#[test]
fn rows_that_make_no_sense_stop_everybody_until_they_are_repaired() {
    let sandbox = Sandbox::new();
    let store = store_in(&sandbox);
    acquire(&store, &request(&agent("a"), scope(sandbox.path(), &["x"])));
    for (column, value) in [
        ("expires_at", "'tomorrow'"),
        ("files", "'{}'"),
        ("files", "'[]'"),
        ("files", "'[\"../outside\"]'"),
        ("agent", "'a/b'"),
        ("globs", "'[\"a{\"]'"),
        ("bound_to", "'7'"),
        ("token", "9007199254740992"),
    ] {
        by_hand(
            &sandbox,
            &format!(
                "CREATE TABLE saved AS SELECT {column} AS old FROM locks; UPDATE locks SET {column} = {value}"
            ),
        );
        for refused in [store.read().map(drop), store.begin(PATIENCE).map(drop)] {
            match refused {
                Err(StoreError::NotAStore { reason, .. }) => {
                    assert!(
                        reason.contains("table locks"),
                        "it says which row: {reason}"
                    );
                }
                unexpected => panic!("{column} = {value}: {unexpected:?}"),
            }
        }
        by_hand(
            &sandbox,
            &format!("UPDATE locks SET {column} = (SELECT old FROM saved); DROP TABLE saved"),
        );
        assert_eq!(
            store.read().expect("repaired").held.len(),
            1,
            "it is there again"
        );
    }
}

#[test]
fn other_files_are_no_stores_and_are_left_alone() {
    let sandbox = Sandbox::new();
    let text = sandbox.write("made/leases.db", "my diary, which somebody named badly");
    let before = fs::read(&text).expect("it is there");
    let store = store_in(&sandbox);
    for refused in [store.read().map(drop), store.begin(PATIENCE).map(drop)] {
        assert!(
            matches!(refused, Err(StoreError::NotAStore { .. })),
            "it is refused: {refused:?}"
        );
    }
    assert_eq!(
        fs::read(&text).expect("still there"),
        before,
        "it was not changed"
    );
}
