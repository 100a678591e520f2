//! Databases of ours, of others, damaged, missing, left behind by killed processes.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlite_file::rusqlite::{self, Connection};
use sqlite_file::{Database, DatabaseError, Schema};
use testkit::Sandbox;

const PATIENCE: Duration = Duration::from_secs(20);
const ID: i32 = 0x7465_7374;
const FIRST: Schema<'_> = Schema {
    application_id: ID,
    migrations: &["CREATE TABLE a (x INTEGER) STRICT; INSERT INTO a VALUES (1);"],
};
const SECOND: Schema<'_> = Schema {
    application_id: ID,
    migrations: &[
        FIRST.migrations[0],
        "ALTER TABLE a ADD COLUMN y TEXT; UPDATE a SET y = 'new';",
    ],
};

fn open(path: &Path, schema: &Schema<'_>) -> Result<Database, DatabaseError> {
    Database::open(path, schema, PATIENCE)
}

fn text(database: &Database, sql: &str) -> String {
    let mut statement = database.connection().prepare(sql).expect("sql is right");
    let first = statement.query_row([], |row| row.get::<_, rusqlite::types::Value>(0));
    format!("{:?}", first.expect("there is a row"))
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    PathBuf::from(format!("{}{ending}", path.display()))
}

#[test]
fn open_makes_a_durable_shared_database_with_every_setting() {
    let sandbox = Sandbox::new();
    let path = sandbox.join("new.db");
    let database = open(&path, &FIRST).expect("it is made");
    let table = [
        ("journal_mode", "Text(\"wal\")"),
        ("synchronous", "Integer(2)"),
        ("foreign_keys", "Integer(1)"),
        ("trusted_schema", "Integer(0)"),
        ("fullfsync", "Integer(1)"),
        ("user_version", "Integer(1)"),
    ];
    for (pragma, expected) in table {
        let found = text(&database, &format!("PRAGMA {pragma}"));
        assert_eq!(found, expected, "{pragma} holds from the first moment");
    }
    drop(database);
    let header = fs::read(&path).expect("the file is there");
    assert_eq!(
        header[68..72],
        ID.to_be_bytes(),
        "the file itself says whose it is"
    );
    assert!(
        !beside(&path, "-wal").exists() && !beside(&path, "-shm").exists(),
        "the last one to close takes its helper files away"
    );
}

#[test]
fn open_migrates_once_and_refuses_what_a_later_version_made() {
    let sandbox = Sandbox::new();
    let path = sandbox.join("grown.db");
    drop(open(&path, &FIRST).expect("version 1"));
    let early = Database::open_to_read(&path, &SECOND, PATIENCE).expect_err("not up to date");
    assert!(
        matches!(
            early,
            DatabaseError::EarlierVersion {
                found: 1,
                known: 2,
                ..
            }
        ),
        "reading alone does not migrate: {early}"
    );
    for _ in 0..2 {
        let database = open(&path, &SECOND).expect("version 2");
        let rows = text(&database, "SELECT count(*) || max(y) FROM a");
        assert_eq!(rows, "Text(\"1new\")", "each migration ran once");
    }
    let later = open(&path, &FIRST).expect_err("a later version");
    assert!(
        matches!(
            later,
            DatabaseError::LaterVersion {
                found: 2,
                known: 1,
                ..
            }
        ),
        "it is refused by name: {later}"
    );
}

#[test]
fn failed_migration_leaves_the_version_before_it() {
    let sandbox = Sandbox::new();
    let path = sandbox.join("torn.db");
    let torn = Schema {
        application_id: ID,
        migrations: &[FIRST.migrations[0], "DELETE FROM a; no sql;"],
    };
    open(&path, &torn).expect_err("the second migration is wrong");
    let database = open(&path, &SECOND).expect("the database is as if nobody had tried");
    let rows = text(&database, "SELECT count(*) FROM a");
    assert_eq!(
        rows, "Integer(1)",
        "nothing of the failed migration is left"
    );
}

#[test]
fn databases_of_others_and_other_files_are_refused_and_keep_every_byte() {
    let sandbox = Sandbox::new();
    let foreign = |name: &str, sql: &str| {
        let path = sandbox.join(name);
        let made = Connection::open(&path).expect("a database");
        made.execute_batch(sql).expect("sql is right");
        path
    };
    let table = [
        foreign("plain.db", "CREATE TABLE t (x)"),
        foreign("wal.db", "PRAGMA journal_mode = wal; CREATE TABLE t (x)"),
        foreign("named.db", "PRAGMA application_id = 5"),
        sandbox.write(
            "notes.db",
            "no database, but a text of some length".repeat(99),
        ),
        sandbox.write("short.db", "x"),
    ];
    for path in &table {
        let before = fs::read(path).expect("it is there");
        let err = open(path, &FIRST).expect_err("not ours");
        let is_named = matches!(
            err,
            DatabaseError::OtherApplication { .. } | DatabaseError::NotADatabase { .. }
        );
        assert!(
            is_named,
            "{} is refused for what it is: {err:?}",
            path.display()
        );
        assert!(!err.is_retryable(), "trying again does not help");
        Database::open_to_read(path, &FIRST, PATIENCE).expect_err("not to be read either");
        assert_eq!(
            fs::read(path).expect("still there"),
            before,
            "it was not changed"
        );
    }
}

#[test]
fn open_to_read_creates_and_changes_nothing() {
    let sandbox = Sandbox::new();
    let read = |name: &str| {
        Database::open_to_read(&sandbox.join(name), &FIRST, PATIENCE).map(|found| found.is_some())
    };
    assert!(
        !read("missing.db").expect("no file is an empty database"),
        "nothing is there"
    );
    assert!(
        !read("no/folder.db").expect("no folder either"),
        "nothing is there"
    );
    sandbox.write("empty.db", "");
    assert!(
        !read("empty.db").expect("an empty file"),
        "nothing is in it"
    );
    drop(open(&sandbox.join("full.db"), &FIRST).expect("it is made"));
    let reader = Database::open_to_read(&sandbox.join("full.db"), &FIRST, PATIENCE)
        .expect("it can be read")
        .expect("it is there");
    reader
        .connection()
        .execute_batch("DELETE FROM a")
        .expect_err("a reader cannot write");
    drop(reader);
    let mut names: Vec<_> = fs::read_dir(sandbox.path())
        .expect("the folder can be listed")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    names.sort();
    assert_eq!(
        names,
        ["empty.db", "full.db"],
        "reading leaves nothing behind"
    );
}

#[test]
fn names_that_mean_something_to_sqlite_are_files() {
    let sandbox = Sandbox::new();
    let program = std::env::current_exe().expect("this program has a path");
    let mut command = std::process::Command::new(program);
    // Relative names, so another process: the working folder belongs to all tests of this one.
    command
        .current_dir(sandbox.path())
        .args(["--exact", "child_opens_odd_names", "--nocapture"])
        .env("SQLITE_FILE_CHILD", "1");
    let ended = command.output().expect("it runs");
    assert!(ended.status.success(), "it opens them: {ended:?}");
    for name in [":memory:", "file:odd.db?mode=memory"] {
        assert!(sandbox.join(name).is_file(), "{name} is a file");
    }
}

#[test]
fn child_opens_odd_names() {
    if std::env::var_os("SQLITE_FILE_CHILD").is_none() {
        return;
    }
    for name in [":memory:", "file:odd.db?mode=memory"] {
        open(Path::new(name), &FIRST).expect("it is made");
    }
}

#[test]
fn places_where_nothing_can_be_made_say_so() {
    let sandbox = Sandbox::new();
    let kind = |path: &Path| match open(path, &FIRST) {
        Err(DatabaseError::Io { source, .. }) => source.kind(),
        other => panic!("{}: {other:?}", path.display()),
    };
    assert_eq!(
        kind(&sandbox.join("no/x.db")),
        std::io::ErrorKind::NotFound,
        "no folder"
    );
    for no_file in [sandbox.path(), Path::new("/dev/null")] {
        let refused = open(no_file, &FIRST);
        assert!(
            matches!(refused, Err(DatabaseError::NotADatabase { .. })),
            "{} is no file: {refused:?}",
            no_file.display()
        );
    }
    #[cfg(target_os = "linux")]
    assert_eq!(
        kind(Path::new("/sys/x.db")),
        std::io::ErrorKind::PermissionDenied,
        "nobody may create there"
    );
}

#[test]
fn sixteen_threads_make_one_database_at_once() {
    for _ in 0..10 {
        let sandbox = Sandbox::new();
        let path = sandbox.join("raced.db");
        std::thread::scope(|scope| {
            let opening: Vec<_> = (0..16)
                .map(|_| scope.spawn(|| open(&path, &SECOND).map(drop)))
                .collect();
            for opened in opening {
                opened.join().expect("no panic").expect("everybody gets in");
            }
        });
        let database = open(&path, &SECOND).expect("it is there");
        let rows = text(&database, "SELECT count(*) || max(y) FROM a");
        assert_eq!(rows, "Text(\"1new\")", "it was made once");
    }
}

#[test]
fn writer_waits_no_longer_than_it_was_told_and_readers_do_not_wait() {
    let sandbox = Sandbox::new();
    let path = sandbox.join("held.db");
    let holder = open(&path, &FIRST).expect("it is made");
    let other = open(&path, &FIRST).expect("a second connection");
    holder.begin_immediate(PATIENCE).expect("it is free");
    holder
        .connection()
        .execute_batch("UPDATE a SET x = 2")
        .expect("a change");
    let limit = Duration::from_millis(60);
    match other.begin_immediate(limit) {
        Err(err @ DatabaseError::Busy { waited, .. }) => {
            assert!(waited >= limit, "it waited for {waited:?}");
            assert!(err.is_retryable(), "busy is for now only");
        }
        unexpected => panic!("two writers: {unexpected:?}"),
    }
    assert_eq!(
        text(&other, "SELECT x FROM a"),
        "Integer(1)",
        "what is committed is read"
    );
    holder.roll_back().expect("it is given back");
    other
        .begin_immediate(Duration::ZERO)
        .expect("now it is free");
    other.commit().expect("nothing to write");
}

#[cfg(unix)]
#[test]
fn has_moved_notices_deletion_and_replacement() {
    let sandbox = Sandbox::new();
    let path = sandbox.join("moved.db");
    let old = open(&path, &FIRST).expect("it is made");
    assert!(
        !old.has_moved().expect("it can be asked"),
        "it is in its place"
    );
    fs::remove_file(&path).expect("it can be deleted");
    assert!(old.has_moved().expect("it can be asked"), "it is gone");
    sandbox.write("moved.db", "");
    assert!(
        old.has_moved().expect("it can be asked"),
        "that is another file"
    );
}
