//! Several processes at one store: killed at any moment, and one that does not notice that the database was deleted.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use jiff::Timestamp;
use lease::store::{LeaseStore, transact};
use lease::{Token, Which};
use sqlite_file::rusqlite::Connection;
use testkit::{Sandbox, SecondProcess};

use crate::support::{Chance, Kind, PATIENCE, agent, at, request, scope, size};

const PLACE: &str = "LEASE_TEST_PLACE";
const NAME: &str = "LEASE_TEST_NAME";
const KIND: &str = "LEASE_TEST_KIND";

/// Another process that acquires and releases one file, once for each line that it is sent, or without end.
fn other(kind: Kind, sandbox: &Sandbox, name: &str, role: &str) -> SecondProcess {
    let program = std::env::current_exe().expect("this program has a path");
    let mut command = Command::new(program);
    command
        .args(["--exact", role, "--nocapture"])
        .env(PLACE, sandbox.path())
        .env(KIND, kind.name())
        .env(NAME, name);
    SecondProcess::spawn(&mut command)
}

fn role() -> Option<(Kind, PathBuf, String)> {
    let place = std::env::var_os(PLACE)?;
    let kind = Kind::named(&std::env::var(KIND).ok()?);
    Some((kind, place.into(), std::env::var(NAME).ok()?))
}

fn acquire_and_release(
    store: &dyn LeaseStore,
    folder: &Path,
    name: &str,
    mut told: impl FnMut(Token),
) {
    let holder = agent(name);
    let wanted = request(&holder, scope(folder, &[name, &format!("{name}-too/")]));
    let acquired = transact(store, PATIENCE, |leases| {
        leases.acquire(&wanted, &at(Timestamp::now()))
    });
    told(
        acquired
            .expect("nobody else wants it")
            .lease
            .token
            .expect("it has a number"),
    );
    transact(store, PATIENCE, |leases| {
        leases.release(&holder, &Which::All, &at(Timestamp::now()))
    })
    .expect("it is given back");
}

fn tell(token: Token) {
    let mut stdout = std::io::stdout();
    writeln!(stdout, "token {token}").expect("the test listens");
    stdout.flush().expect("the test listens");
}

/// The next token that the other one tells of.
fn told(other: &mut SecondProcess) -> u64 {
    loop {
        let line = other.next_line(PATIENCE).expect("it goes on");
        // The test harness writes its own line before the first one.
        if let Some((_, token)) = line.split_once("token ") {
            return token.parse().expect("a number");
        }
    }
}

#[test]
fn child_works_without_end() {
    let Some((kind, folder, name)) = role() else {
        return;
    };
    let store = kind.open(&folder);
    loop {
        acquire_and_release(&*store, &folder, &name, tell);
    }
}

#[test]
fn child_works_when_told() {
    let Some((kind, folder, name)) = role() else {
        return;
    };
    let store = kind.open(&folder);
    for _ in std::io::stdin().lines() {
        acquire_and_release(&*store, &folder, &name, tell);
        println!("DONE");
    }
}

fn check_integrity(path: &Path) {
    let connection = Connection::open(path).expect("it can be opened");
    let answer: String = connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .expect("it can be checked");
    assert_eq!(answer, "ok", "the database is whole");
}

/// Kills `other` at some moment of its work; returns the tokens that it has told of.
fn kill_somewhere(mut other: SecondProcess, chance: &mut Chance) -> Vec<u64> {
    let mut tokens: Vec<u64> = (0..=chance.below(3)).map(|_| told(&mut other)).collect();
    // No waiting for anything: the moment is to be another one each time.
    std::thread::sleep(Duration::from_micros(chance.below(4_000) as u64));
    let last_words = other.kill_9().stdout;
    let told = last_words
        .split_inclusive('\n')
        .filter(|line| line.ends_with('\n'))
        .filter_map(|line| line.trim_end().split_once("token "));
    tokens.extend(told.map(|(_, token)| token.parse::<u64>().expect("a number")));
    tokens
}

#[test]
fn killed_processes_leave_a_whole_store_and_no_token_comes_twice() {
    for kind in Kind::ALL {
        let sandbox = Sandbox::new();
        let mut chance = Chance::new(u64::from(std::process::id()));
        let mut seen = BTreeSet::new();
        let mut leftovers = 0;
        let mut left_held = 0;
        for round in 0..size("STORY_LEASE_KILLS", 12) {
            let work = "processes::child_works_without_end";
            let survivor = other(kind, &sandbox, "survivor", work);
            let victim = other(kind, &sandbox, "victim", work);
            for killed in [victim, survivor] {
                for token in kill_somewhere(killed, &mut chance) {
                    assert!(seen.insert(token), "round {round}: {token} came twice");
                }
            }
            leftovers += usize::from(sandbox.join("leases.db-wal").exists());
            let store = kind.open(sandbox.path());
            left_held += store.read().expect("it can be read").held.len();
            acquire_and_release(&*store, sandbox.path(), "own", |token| {
                let last = seen.last().copied().unwrap_or_default();
                assert!(token.0 > last, "round {round}: {token} comes after {last}");
                seen.insert(token.0);
            });
            if kind == Kind::Sqlite {
                check_integrity(&sandbox.join("leases.db"));
            }
        }
        assert!(left_held > 0, "some were killed while they held something");
        assert!(
            leftovers > 0 || kind != Kind::Sqlite,
            "some left files that had to be recovered"
        );
    }
}

#[test]
fn database_deleted_under_a_process_is_replaced_by_a_whole_one() {
    let sandbox = Sandbox::new();
    let path = sandbox.join("leases.db");
    let mut other = other(
        Kind::Sqlite,
        &sandbox,
        "other",
        "processes::child_works_when_told",
    );
    let mut last = 0;
    // The database alone, as somebody does who does not know the files beside it; then all of them.
    for ending in [&[""][..], &["", "-wal", "-shm"], &[""]] {
        for _ in 0..3 {
            other.send_line("go");
            let token = told(&mut other);
            assert!(token > last, "tokens rise: {token} after {last}");
            last = token;
            // It has the store no longer in use, but lives on.
            other.expect_line("DONE", PATIENCE);
        }
        for ending in ending {
            std::fs::remove_file(format!("{}{ending}", path.display())).ok();
        }
        let store = Kind::Sqlite.open(sandbox.path());
        for _ in 0..3 {
            acquire_and_release(&*store, sandbox.path(), "own", |token| {
                assert!(token.0 > last, "tokens rise: {token} after {last}");
                last = token.0;
            });
            check_integrity(&path);
        }
    }
    other.send_line("go");
    assert!(
        told(&mut other) > last,
        "the other one has found the new database"
    );
    check_integrity(&path);
}
