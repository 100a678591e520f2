//! `story set --op-id` that is killed, or one of whose calls fails, and is then repeated until it succeeds: done once.

use serde_json::Value;
use testkit::Finished;

use super::judge::said;
use super::operation::{Operation, all_is_well, holds_only, succeeds, word_of};
use super::place::{Author, ID, Place, Version, finish};
use super::scene::{Aim, SET, Scene};

const OPERATION: &str = "count-once";

/// One count with a name of its own.
pub const SET_ONCE: Operation = Operation {
    scene: Scene {
        command: &[
            "STORY",
            "set",
            ID,
            "--inc",
            "retry_count",
            "--op-id",
            OPERATION,
            "--timeout",
            "1s",
        ],
        aim: Aim::Counts(1),
        ..SET
    },
    after_kill: |place, finished| {
        let count = count(place)?;
        if finished.stderr.contains("changed retry_count") && count != 1 {
            return Err("it was acknowledged, and is not there".to_owned());
        }
        ends_at_one(place, count)?;
        holds_only(place, &[])?;
        all_is_well(place)?;
        Ok(if count == 0 { "old" } else { "new" })
    },
    after_error: |place, finished, exit| {
        let count = count(place)?;
        if !matches!((exit, count), (0 | 9, 1) | (1 | 8, 0)) {
            let told = said(finished);
            return Err(format!("it is at {count} after {told}"));
        }
        ends_at_one(place, count)?;
        nothing_unexplained(place)?;
        finish(&mut place.story(&["doctor", "--fix"]));
        holds_only(place, &[])?;
        all_is_well(place)?;
        Ok(word_of(exit))
    },
};

/// How often the story was counted up, which is whole.
fn count(place: &Place) -> Result<u32, String> {
    match place.version()? {
        Version {
            author: Author::Us,
            count: count @ (0 | 1),
        } => Ok(count),
        other => Err(format!("the story is {other:?}")),
    }
}

/// Repeated, it succeeds without waiting and is done once; repeated again, it changes nothing; the journal says so.
fn ends_at_one(place: &Place, before: u32) -> Result<(), String> {
    let command = ["set", ID, "--inc", "retry_count", "--op-id", OPERATION];
    let again = [&command[..], &["--timeout", "0"]].concat();
    for (is_done, what) in [(before == 1, "the repetition"), (true, "another")] {
        let repeated: Finished = succeeds(place, what, &again)?;
        let says_done = repeated
            .stderr
            .contains(&format!("operation {OPERATION} was done"));
        if count(place)? != 1 || says_done != is_done {
            let (now, told) = (count(place)?, said(&repeated));
            return Err(format!("from {before} {what} makes {now}: {told}"));
        }
    }
    let log = succeeds(place, "log", &["log", ID, "--json"])?;
    let times = times_done(&log.stdout);
    if times == Some(1) {
        return Ok(());
    }
    let told = said(&log);
    Err(format!(
        "the journal has it as done {times:?} times: {told}"
    ))
}

/// How many lines of the journal say that it was done.
fn times_done(log: &str) -> Option<usize> {
    let log: Value = serde_json::from_str(log).ok()?;
    let is_it = |entry: &&Value| entry["op"] == OPERATION && entry["state"] == "done";
    Some(log["entries"].as_array()?.iter().filter(is_it).count())
}

/// A failing call may leave a lock or a temporary file, but the journal explains the story.
fn nothing_unexplained(place: &Place) -> Result<(), String> {
    let doctor = finish(&mut place.story(&["doctor", "--json"]));
    if doctor.stdout.contains("\"check\":\"journal\"") {
        let told = said(&doctor);
        return Err(format!("the journal does not explain the story: {told}"));
    }
    Ok(())
}
