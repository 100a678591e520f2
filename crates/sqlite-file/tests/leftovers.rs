//! Files beside a database: of killed processes, of others that use it, of other programs, and without their database.
#![cfg(unix)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use sqlite_file::rusqlite::Connection;
use sqlite_file::{Database, DatabaseError, Leftovers, Schema, Users};
use testkit::{Sandbox, SecondProcess};

const PATIENCE: Duration = Duration::from_secs(20);
const SCHEMA: Schema<'_> = Schema {
    application_id: 0x7465_7374,
    migrations: &["CREATE TABLE a (x INTEGER) STRICT;"],
};
const CHILD: &str = "SQLITE_FILE_WRITES";

fn recover(path: &Path) -> (Database, Option<Leftovers>) {
    Database::open_and_recover(path, &SCHEMA, PATIENCE).expect("it can be recovered")
}

fn rows(database: &Database) -> i64 {
    let count = "SELECT count(*) FROM a";
    let count = database.connection().query_row(count, [], |row| row.get(0));
    count.expect("the table is there")
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    PathBuf::from(format!("{}{ending}", path.display()))
}

/// A process that has committed a row and has the database open.
fn writer(path: &Path) -> SecondProcess {
    let program = std::env::current_exe().expect("this program has a path");
    let mut command = Command::new(program);
    command
        .args(["--exact", "child_writes_and_waits", "--nocapture"])
        .env(CHILD, path);
    let mut process = SecondProcess::spawn(&mut command);
    // The test's own words may stand before it on the line.
    while !process
        .next_line(PATIENCE)
        .expect("it says when it is ready")
        .ends_with("READY")
    {}
    process
}

#[test]
fn child_writes_and_waits() {
    let Some(path) = std::env::var_os(CHILD) else {
        return;
    };
    let database = Database::open(Path::new(&path), &SCHEMA, PATIENCE).expect("it opens");
    let row = "INSERT INTO a VALUES (1)";
    database.connection().execute(row, []).expect("it writes");
    println!("READY");
    std::io::stdin()
        .read_line(&mut String::new())
        .expect("stdin can be read");
    drop(database);
}

#[test]
fn what_a_killed_process_committed_is_brought_in_and_told_once() {
    let sandbox = Sandbox::new();
    let path = sandbox.join("killed.db");
    writer(&path).kill_9();
    let length = fs::metadata(beside(&path, "-wal"))
        .expect("it stayed")
        .len();
    assert!(length > 0, "the row is in the -wal only");
    let (database, found) = recover(&path);
    let found = found.expect("it is told");
    assert_eq!(found.wal_bytes, Some(length), "what lay there");
    assert_eq!(found.users, Users::Nobody, "its process is dead");
    assert!(!found.checkpoint.busy, "nobody stood in the way");
    assert_eq!(found.checkpoint.frames, Some(0), "the -wal was emptied");
    assert_eq!(rows(&database), 1, "what was committed is there");
    drop(database);
    let (database, found) = recover(&path);
    assert_eq!(found, None, "nothing is left to be told");
    assert_eq!(rows(&database), 1, "and nothing was lost");
}

#[test]
fn files_of_a_live_process_are_not_called_left_behind() {
    let sandbox = Sandbox::new();
    let path = sandbox.join("used.db");
    let live = writer(&path);
    let (database, found) = recover(&path);
    let found = found.expect("its files are there");
    assert_eq!(found.users, Users::Others, "somebody has it open");
    assert_eq!(rows(&database), 1, "what it committed is read");
    drop(database);
    assert!(
        beside(&path, "-wal").exists(),
        "the files of a live one stay"
    );
    assert!(live.wait(PATIENCE).status.success(), "it was not disturbed");
}

#[test]
fn checkpoint_that_others_hinder_is_a_value_and_loses_nothing() {
    let sandbox = Sandbox::new();
    let path = sandbox.join("busy.db");
    let writing = Database::open(&path, &SCHEMA, PATIENCE).expect("it is made");
    let reading = Database::open(&path, &SCHEMA, PATIENCE).expect("a second connection");
    reading.begin_to_read().expect("a reader");
    assert_eq!(rows(&reading), 0, "it reads this state");
    let insert = "INSERT INTO a VALUES (1)";
    writing.connection().execute(insert, []).expect("a row");
    let hindered = writing
        .checkpoint_truncate(Duration::ZERO)
        .expect("busy is no error");
    assert!(hindered.busy, "the reader needs the -wal: {hindered:?}");
    let (third, found) = recover(&path);
    let found = found.expect("the files are there");
    assert!(
        found.checkpoint.busy && found.users == Users::Others,
        "opening says so, too: {found:?}"
    );
    assert_eq!(rows(&third), 1, "the row is there");
    reading.roll_back().expect("it ends");
    let done = writing
        .checkpoint_truncate(PATIENCE)
        .expect("nobody is in the way");
    assert!(!done.busy, "now it comes to its end: {done:?}");
    assert_eq!(
        fs::metadata(beside(&path, "-wal"))
            .expect("it is open")
            .len(),
        0,
        "and nothing is left in it"
    );
}

#[test]
fn reader_that_was_killed_leaves_files_that_hold_nothing() {
    let sandbox = Sandbox::new();
    let path = sandbox.join("read.db");
    drop(Database::open(&path, &SCHEMA, PATIENCE).expect("it is made"));
    // What a killed reader leaves: both files, the first one empty.
    sandbox.write("read.db-wal", "");
    sandbox.write("read.db-shm", vec![0; 32768]);
    let (database, found) = recover(&path);
    let found = found.expect("it is told");
    assert_eq!(
        (found.wal_bytes, found.users),
        (Some(0), Users::Nobody),
        "it was empty and nobody uses it"
    );
    drop(database);
    assert!(
        !beside(&path, "-wal").exists() && !beside(&path, "-shm").exists(),
        "the last one to close takes them away"
    );
}

#[test]
fn files_beside_a_database_of_another_program_keep_every_byte() {
    let sandbox = Sandbox::new();
    let original = sandbox.join("theirs.db");
    let theirs = Connection::open(&original).expect("a database");
    theirs
        .execute_batch("PRAGMA journal_mode = wal; CREATE TABLE t (x); INSERT INTO t VALUES (1)")
        .expect("sql is right");
    // What is on the disk while it is open is what stays when it is killed.
    let path = sandbox.join("killed.db");
    for ending in ["", "-wal"] {
        fs::copy(beside(&original, ending), beside(&path, ending)).expect("it is there");
    }
    let bytes = |ending| fs::read(beside(&path, ending)).expect("it is there");
    let before = [bytes(""), bytes("-wal")];
    assert!(!before[1].is_empty(), "there is something in the -wal");
    let table: [(&str, Option<DatabaseError>); 3] = [
        ("open", Database::open(&path, &SCHEMA, PATIENCE).err()),
        (
            "open_and_recover",
            Database::open_and_recover(&path, &SCHEMA, PATIENCE).err(),
        ),
        (
            "open_to_read",
            Database::open_to_read(&path, &SCHEMA, PATIENCE).err(),
        ),
    ];
    for (call, err) in table {
        assert!(
            matches!(err, Some(DatabaseError::OtherApplication { .. })),
            "{call} refuses it for what it is: {err:?}"
        );
        assert_eq!([bytes(""), bytes("-wal")], before, "{call} changed nothing");
    }
}

#[test]
fn wal_whose_database_is_gone_is_refused_and_stays() {
    let sandbox = Sandbox::new();
    let path = sandbox.join("gone.db");
    writer(&path).kill_9();
    fs::remove_file(&path).expect("somebody deletes it");
    let wal = beside(&path, "-wal");
    let before = fs::read(&wal).expect("it is there");
    for round in ["without a file", "with an empty one"] {
        let refused = Database::open_and_recover(&path, &SCHEMA, PATIENCE).map(drop);
        assert!(
            matches!(&refused, Err(DatabaseError::OrphanedWal { wal: named }) if *named == wal),
            "{round}: it is named: {refused:?}"
        );
        assert_eq!(fs::read(&wal).expect("it is there"), before, "{round}");
        sandbox.write("gone.db", "");
    }
}
