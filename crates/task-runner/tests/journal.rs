//! The journal through its public face: what stays in it, whoever is killed, deletes it, or comes at the same time.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use sqlite_file::DatabaseError;
use sqlite_file::rusqlite::Connection;
use task_runner::{
    Attempt, Decision, Ended, Filter, JOURNAL_NAME, Journal, JournalError, JournalWarning,
    NewAttempt, State, TaskId, Written,
};
use testkit::Sandbox;

const PATIENCE: Duration = Duration::from_secs(30);

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).expect("a time of this century")
}

fn task(name: &str) -> TaskId {
    TaskId::new(name).expect("a good name")
}

fn new(name: &str) -> NewAttempt {
    NewAttempt {
        task: task(name),
        label: format!("label of {name}"),
        command: vec!["make".into(), "all".into()],
        folder: PathBuf::new(),
        owner: None,
        pid: 7,
        lock_token: None,
    }
}

fn open(path: &Path) -> (Journal, Vec<JournalWarning>) {
    Journal::open(path, PATIENCE).expect("it opens")
}

fn journal(sandbox: &Sandbox) -> Journal {
    open(&sandbox.join(JOURNAL_NAME)).0
}

fn begin(journal: &Journal, name: &str, second: i64, snapshot: Option<&str>) -> Attempt {
    let mut attempt = journal.begin(&new(name), at(second)).expect("it begins");
    if let Some(snapshot) = snapshot {
        let set = journal.set_snapshot(&mut attempt, snapshot, at(second));
        set.expect("it is written");
    }
    attempt
}

fn end(journal: &Journal, attempt: &mut Attempt, ended: Ended, second: i64) {
    let written = journal.end(attempt, ended, at(second));
    let written = written.expect("it is written");
    assert_eq!(written, Written::InPlace, "where it began");
}

fn names_in(folder: &Path) -> Vec<OsString> {
    let entries = fs::read_dir(folder).expect("it can be listed");
    entries
        .map(|entry| entry.expect("an entry").file_name())
        .collect()
}

#[test]
fn open_and_reading_make_nothing_and_the_first_attempt_makes_the_database() {
    let sandbox = Sandbox::new();
    let journal = journal(&sandbox);
    let listed = journal.list(Filter::All).expect("an empty one");
    assert_eq!(listed, [], "nothing ever ran");
    let found = journal.task(&task("T")).expect("an empty one");
    assert_eq!(found, None, "nor this one");
    assert!(names_in(sandbox.path()).is_empty(), "no file was made");
    begin(&journal, "T", 0, None);
    assert_eq!(
        names_in(sandbox.path()),
        [JOURNAL_NAME],
        "and nothing stays beside it"
    );
}

#[test]
fn attempt_comes_back_with_every_field() {
    let sandbox = Sandbox::new();
    let journal = journal(&sandbox);
    let full = NewAttempt {
        task: task("Ünal's \"task\" %"),
        label: "line 1\nline 2".to_owned(),
        command: odd_words(),
        folder: odd_words().into_iter().collect::<OsString>().into(),
        owner: Some("claude".to_owned()),
        pid: u32::MAX,
        lock_token: Some("token".to_owned()),
    };
    let mut attempt = journal.begin(&full, at(0)).expect("it begins");
    let run = format!("{}.1", full.task);
    assert_eq!(attempt.run(), run, "its name tells task and number");
    let set = journal.set_snapshot(&mut attempt, "abc", at(1));
    set.expect("it is written");
    end(&journal, &mut attempt, Ended::Failed { code: -3 }, 2);
    let found = journal.task(&full.task).expect("it can be read");
    let found = found.expect("it is there");
    assert_eq!(found.attempts, [attempt.clone()], "nothing was lost");
    assert_eq!(
        (found.state, found.label, found.command, found.folder),
        (State::Failed, full.label, full.command, full.folder),
        "the task is as its latest attempt"
    );
    assert_eq!(
        (found.created_at, found.changed_at, found.snapshot),
        (at(0), at(2), Some("abc".to_owned())),
        "when it was made and changed, and what is kept"
    );
    assert_eq!(
        (attempt.exit_code, attempt.signal, attempt.ended_at),
        (Some(-3), None, Some(at(2))),
        "how it ended"
    );
}

#[cfg(unix)]
fn odd_words() -> Vec<OsString> {
    use std::os::unix::ffi::OsStringExt as _;
    let mut words: Vec<OsString> = ["sh", "", "a \"b\" 'c'\n", "ü"]
        .map(OsString::from)
        .to_vec();
    words.push(OsString::from_vec(vec![b'/', 0xFF, 1, b'x']));
    words
}

#[cfg(not(unix))]
fn odd_words() -> Vec<OsString> {
    ["sh", "", "a \"b\" 'c'\n", "ü"]
        .map(OsString::from)
        .to_vec()
}

#[test]
fn every_outcome_is_a_state_of_its_own() {
    let sandbox = Sandbox::new();
    let journal = journal(&sandbox);
    let (failed, signalled) = (Ended::Failed { code: 9 }, Ended::Signalled { signal: 15 });
    let table = [
        (Ended::Done, State::Done, Some(0), None),
        (failed, State::Failed, Some(9), None),
        (signalled, State::Signalled, None, Some(15)),
        (Ended::TimedOut, State::TimedOut, None, None),
        (Ended::NotStarted, State::NotStarted, None, None),
    ];
    for (ended, state, exit_code, signal) in table {
        let mut attempt = begin(&journal, state.name(), 0, None);
        end(&journal, &mut attempt, ended, 1);
        let found = journal.task(&attempt.task).expect("it can be read");
        let found = found.expect("it is there");
        let last = &found.attempts[0];
        assert_eq!(
            (found.state, last.state, last.exit_code, last.signal),
            (state, state, exit_code, signal),
            "it {ended}"
        );
    }
    let open = journal.list(Filter::Open).expect("it can be read");
    assert_eq!(open, [], "nothing of all that is left to be decided");
}

#[test]
fn history_stays_and_the_earliest_kept_snapshot_is_the_one_of_the_task() {
    let sandbox = Sandbox::new();
    let journal = journal(&sandbox);
    let kept = || {
        let found = journal.task(&task("T")).expect("it can be read");
        found.expect("it is there").snapshot
    };
    let forget = |snapshot, second| {
        let written = journal.forget_snapshot(&task("T"), snapshot, at(second));
        written.expect("it is written");
    };
    let mut first = begin(&journal, "T", 0, Some("one"));
    journal.interrupt(&mut first, at(1)).expect("it is written");
    let mut second = begin(&journal, "T", 2, Some("two"));
    assert_eq!(kept().as_deref(), Some("one"), "the state before both");
    end(&journal, &mut second, Ended::Done, 3);
    forget("one", 4);
    assert_eq!(kept().as_deref(), Some("two"), "the next that is kept");
    forget("two", 5);
    assert_eq!(kept(), None, "none is kept any more");
    let decided = journal.decide(&task("T"), Decision::Abandoned, at(6));
    decided.expect("it is written");
    let found = journal.list(Filter::All).expect("it can be read");
    let history: Vec<_> = found[0]
        .attempts
        .iter()
        .map(|attempt| (attempt.number, attempt.state, attempt.snapshot.as_deref()))
        .collect();
    assert_eq!(
        history,
        [
            (1, State::Interrupted, Some("one")),
            (2, State::Done, Some("two"))
        ],
        "what happened is not rewritten"
    );
    assert_eq!(
        found[0].state,
        State::Abandoned,
        "the decision is the task's"
    );
}

#[test]
fn outcome_of_an_earlier_attempt_is_not_the_one_of_the_task() {
    let sandbox = Sandbox::new();
    let journal = journal(&sandbox);
    let mut first = begin(&journal, "T", 0, None);
    begin(&journal, "T", 1, None);
    journal.interrupt(&mut first, at(2)).expect("it is written");
    let found = journal.task(&task("T")).expect("it can be read");
    let found = found.expect("it is there");
    assert_eq!(found.attempts[0].state, State::Interrupted, "the first");
    assert_eq!(found.state, State::Running, "the second one runs");
}

#[test]
fn list_tells_what_is_open_and_the_latest_change_first() {
    let sandbox = Sandbox::new();
    let journal = journal(&sandbox);
    begin(&journal, "running", 1, None);
    end(
        &journal,
        &mut begin(&journal, "done", 2, None),
        Ended::Done,
        9,
    );
    let mut failed = begin(&journal, "failed", 3, Some("f"));
    end(&journal, &mut failed, Ended::Failed { code: 1 }, 9);
    begin(&journal, "restored", 4, Some("r"));
    let decided = journal.decide(&task("restored"), Decision::Restored, at(10));
    decided.expect("it is written");
    let names = |filter| -> Vec<String> {
        let found = journal.list(filter).expect("it can be read");
        found.iter().map(|record| record.task.to_string()).collect()
    };
    assert_eq!(
        names(Filter::All),
        ["restored", "done", "failed", "running"],
        "by change, then by name"
    );
    assert_eq!(
        names(Filter::Open),
        ["failed", "running"],
        "what runs, and what has a snapshot that nobody decided about"
    );
}

#[test]
fn attempt_is_written_anew_when_its_task_deleted_the_journal() {
    let sandbox = Sandbox::new();
    let journal = journal(&sandbox);
    let mut attempt = begin(&journal, "T", 0, Some("abc"));
    fs::remove_file(journal.path()).expect("git clean -fdx");
    let written = journal.end(&mut attempt, Ended::Failed { code: 1 }, at(1));
    let written = written.expect("it ends all the same");
    assert_eq!(written, Written::Anew, "and that is told");
    let found = journal.task(&task("T")).expect("it can be read");
    let found = found.expect("it is there again");
    assert_eq!(found.attempts, [attempt], "with all that its runner knew");
    assert_eq!(
        (found.label.as_str(), found.snapshot.as_deref()),
        ("label of T", Some("abc")),
        "so the snapshot is found"
    );
}

#[test]
fn database_of_another_program_is_refused_by_its_name_and_left_alone() {
    let sandbox = Sandbox::new();
    let tables = "CREATE TABLE tasks (id TEXT, snapshot_stash_ref TEXT)";
    for (name, before_it) in [
        ("plain.db", ""),
        ("wal.db", "PRAGMA journal_mode = wal;"),
        ("marked.db", "PRAGMA application_id = 5;"),
    ] {
        let path = sandbox.join(name);
        let theirs = Connection::open(&path).expect("a database");
        let made = theirs.execute_batch(&format!("{before_it} {tables}"));
        made.expect("sql is right");
        drop(theirs);
        let before = fs::read(&path).expect("it is there");
        let err = Journal::open(&path, PATIENCE).expect_err("it is not ours");
        assert!(
            matches!(
                err,
                JournalError::Database(DatabaseError::OtherApplication { .. })
            ),
            "{name} is another program's: {err:?}"
        );
        assert!(
            err.to_string().contains(name) && !err.is_retryable(),
            "it is named, and trying again does not help: {err}"
        );
        assert_eq!(fs::read(&path).expect("it is there"), before, "{name}");
    }
    assert_eq!(
        names_in(sandbox.path()).len(),
        3,
        "and nothing was put beside them"
    );
}

#[test]
fn row_that_was_edited_by_hand_is_named() {
    let sandbox = Sandbox::new();
    let journal = journal(&sandbox);
    begin(&journal, "T-1", 0, None);
    for sql in [
        "UPDATE attempts SET command = '7'",
        "UPDATE attempts SET command = '[]', began_at = 'yesterday'",
    ] {
        let by_hand = Connection::open(journal.path()).expect("it can be opened");
        by_hand.execute_batch(sql).expect("sql is right");
        drop(by_hand);
        let err = journal.list(Filter::All).expect_err("it makes no sense");
        let text = err.to_string();
        assert!(
            matches!(err, JournalError::Unreadable { .. })
                && text.contains("T-1")
                && text.contains("attempts"),
            "the row is named: {text}"
        );
    }
}

#[cfg(unix)]
mod processes {
    use std::process::Command;

    use sqlite_file::Users;
    use testkit::SecondProcess;

    use super::*;

    const PLACE: &str = "JOURNAL_TEST_PLACE";

    fn other(path: &Path, role: &str) -> SecondProcess {
        let program = std::env::current_exe().expect("this program has a path");
        let mut command = Command::new(program);
        command
            .args(["--exact", role, "--nocapture"])
            .env(PLACE, path);
        SecondProcess::spawn(&mut command)
    }

    /// What it says behind a mark; the test's own words may stand before it on the line.
    fn said(process: &mut SecondProcess) -> Option<String> {
        while let Some(line) = process.next_line(PATIENCE) {
            if let Some((_, words)) = line.split_once("SAYS ") {
                return Some(words.to_owned());
            }
        }
        None
    }

    #[test]
    fn child_makes_attempts() {
        let Some(path) = std::env::var_os(PLACE) else {
            return;
        };
        println!("SAYS ready");
        let mut turns = std::io::stdin().lines();
        while let Some(Ok(_)) = turns.next() {
            let (journal, warnings) = open(Path::new(&path));
            assert_eq!(warnings, [], "nobody was killed");
            let mut attempt = begin(&journal, "T", 0, None);
            end(&journal, &mut attempt, Ended::Done, 1);
            println!("SAYS {}", attempt.number);
        }
    }

    #[test]
    fn processes_that_open_and_begin_at_once_get_numbers_of_their_own_and_no_warning() {
        const PROCESSES: usize = 6;
        const TURNS: usize = 10;
        let sandbox = Sandbox::new();
        let path = sandbox.join(JOURNAL_NAME);
        let role = "processes::child_makes_attempts";
        let mut others: Vec<_> = (0..PROCESSES).map(|_| other(&path, role)).collect();
        for other in &mut others {
            let ready = said(other);
            assert_eq!(ready.as_deref(), Some("ready"), "it waits for its turn");
        }
        for other in &mut others {
            (0..TURNS).for_each(|_| other.send_line("go"));
            other.close_stdin();
        }
        let mut numbers = Vec::new();
        for mut other in others {
            while let Some(number) = said(&mut other) {
                numbers.push(number.parse::<usize>().expect("a number"));
            }
            let ended = other.wait(PATIENCE);
            assert!(ended.status.success(), "nobody failed: {ended:?}");
        }
        assert!(!numbers.is_sorted(), "they came at the same time");
        numbers.sort_unstable();
        let all: Vec<_> = (1..=PROCESSES * TURNS).collect();
        assert_eq!(numbers, all, "each number was given once");
        let found = open(&path).0.task(&task("T")).expect("it can be read");
        let found = found.expect("it is there").attempts.len();
        assert_eq!(found, all.len(), "all of them are there");
    }

    #[test]
    fn child_writes_without_end() {
        let Some(path) = std::env::var_os(PLACE) else {
            return;
        };
        let (journal, _) = open(Path::new(&path));
        loop {
            let mut attempt = begin(&journal, "T", 0, Some("abc"));
            end(&journal, &mut attempt, Ended::Done, 2);
            println!("SAYS {}", attempt.number);
        }
    }

    #[test]
    fn journal_of_a_process_that_was_killed_at_any_moment_is_whole_and_has_all_that_it_was_told() {
        const KILLS: u64 = 25;
        let sandbox = Sandbox::new();
        let path = sandbox.join(JOURNAL_NAME);
        let mut told = 0;
        let mut left_behind = 0;
        for round in 0..KILLS {
            let mut writer = other(&path, "processes::child_writes_without_end");
            for _ in 0..=round % 3 {
                said(&mut writer).expect("it writes");
                told += 1;
            }
            // Anywhere in what it does next.
            std::thread::sleep(Duration::from_micros(round * 700));
            let ended = writer.kill_9();
            told += ended.stdout.matches("SAYS ").count();
            let (journal, warnings) = open(&path);
            for JournalWarning::LeftBehind { found, .. } in &warnings {
                assert_eq!(found.users, Users::Nobody, "it was killed");
                assert!(!found.checkpoint.busy, "nobody else is there");
            }
            left_behind += warnings.len();
            let found = journal.task(&task("T")).expect("it can be read");
            let attempts = found.expect("it is there").attempts;
            let done = attempts.iter().filter(|one| one.state == State::Done);
            assert!(
                done.count() >= told,
                "round {round}: all {told} that were acknowledged are there"
            );
            assert_eq!(open(&path).1, [], "it is told once");
            let check = Connection::open(&path).expect("it can be opened");
            let check =
                check.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0));
            assert_eq!(check.as_deref(), Ok("ok"), "round {round}: it is whole");
        }
        assert!(left_behind > 0, "some were killed while they wrote");
    }
}
