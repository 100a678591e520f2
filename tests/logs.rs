//! Logs that many processes write and rotate: every line is there, once and whole.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use testkit::{Sandbox, SecondProcess, wait_until};

use crate::support::{PATIENCE, alone, story};

/// As many, and as many lines of each, as the requirement asks for.
const WRITERS: usize = 16;
const LINES: usize = 200;

/// A process that appends the lines that it is sent, and rotates at 4 KB. It keeps all old logs.
fn writer(log: &Path) -> SecondProcess {
    let mut command = story();
    command.args(["state", "append", "--fast", "--timeout", "60s"]);
    command.arg(log).arg("-");
    command.args(["--max-size", "4KB", "--keep", "100000"]);
    SecondProcess::spawn(&mut command)
}

/// A line long enough that a write in two parts would show.
fn line(writer: usize, number: usize) -> String {
    format!("{writer} {number} {}", "x".repeat(40 + number % 50))
}

/// The log and its old ones.
fn logs(log: &Path) -> Vec<PathBuf> {
    let folder = log.parent().expect("it lies in a folder");
    let entries = fs::read_dir(folder).expect("it can be listed");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .filter(|path| path.extension().is_none_or(|end| end != "lock"))
        .collect()
}

/// How often each line is there, in all logs.
fn counted(log: &Path) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for path in logs(log) {
        let text = fs::read_to_string(&path).expect("a log is text");
        assert!(
            text.is_empty() || text.ends_with('\n'),
            "{} ends with a whole line",
            path.display()
        );
        for line in text.lines() {
            *counts.entry(line.to_owned()).or_insert(0) += 1;
        }
    }
    counts
}

#[test]
fn lines_of_many_writers_are_all_there_once_across_rotations() {
    let _alone = alone();
    let sandbox = Sandbox::new();
    let log = sandbox.join("run.log");
    let mut writers: Vec<_> = (0..WRITERS).map(|_| writer(&log)).collect();
    for number in 0..LINES {
        for (index, writer) in writers.iter_mut().enumerate() {
            writer.send_line(&line(index, number));
        }
    }
    for writer in writers {
        let finished = writer.wait(PATIENCE);
        assert!(finished.status.success(), "every line fits: {finished:?}");
    }
    let counts = counted(&log);
    for index in 0..WRITERS {
        for number in 0..LINES {
            let line = line(index, number);
            assert_eq!(counts.get(&line), Some(&1), "once and whole: {line}");
        }
    }
    assert_eq!(counts.len(), WRITERS * LINES, "and nothing else is there");
    assert!(logs(&log).len() > 20, "it was rotated again and again");
    for path in logs(&log) {
        let size = fs::metadata(&path).expect("it is there").len();
        // What others append while one looks comes on top: a line of each.
        assert!(
            size < 4096 + 200 * WRITERS as u64,
            "{}: {size}",
            path.display()
        );
    }
    assert!(!sandbox.join("run.log.lock").exists(), "no lock is left");
}

#[test]
fn killed_writers_and_rotators_lose_no_line_that_others_wrote() {
    let _alone = alone();
    let sandbox = Sandbox::new();
    let log = sandbox.join("run.log");
    let mut survivor = writer(&log);
    let (mut sent, mut rotations) = (0, 0);
    for round in 1..=40 {
        let mut victim = writer(&log);
        for number in 0..LINES {
            victim.send_line(&line(round, number));
            survivor.send_line(&line(0, sent));
            sent += 1;
        }
        // Somewhere in the middle of its lines, and of a rotation as it comes.
        wait_until("the log was rotated since", PATIENCE, || {
            let now = logs(&log).len();
            now > rotations || victim.has_ended()
        });
        rotations = logs(&log).len();
        victim.kill_9();
    }
    let finished = survivor.wait(PATIENCE);
    assert!(finished.status.success(), "it is not held up: {finished:?}");
    let counts = counted(&log);
    for number in 0..sent {
        let line = line(0, number);
        assert_eq!(counts.get(&line), Some(&1), "once and whole: {line}");
    }
    for (found, count) in &counts {
        let mut words = found.split(' ').map(str::parse::<usize>);
        let (Some(Ok(index)), Some(Ok(number))) = (words.next(), words.next()) else {
            panic!("a line that nobody wrote: {found}");
        };
        assert_eq!(*found, line(index, number), "whole");
        assert_eq!(*count, 1, "once: {found}");
    }
    // The next to rotate closes the gap, and takes over the lock that a dead one may have left.
    let mut last = writer(&log);
    for number in 0..100 {
        last.send_line(&line(99, number));
    }
    let finished = last.wait(PATIENCE);
    assert!(
        finished.status.success(),
        "nothing is in its way: {finished:?}"
    );
    assert!(logs(&log).len() > rotations, "it did rotate");
    assert!(!sandbox.join("run.log.lock").exists(), "no lock is left");
}
