//! `story state append` to a log that has grown too large: killed, or one of its calls fails. Each line is there once and whole,
//! in the log or in an older one.

use std::fs;
use std::time::Duration;

use testkit::Finished;

use crate::faults::judge::said;
use crate::faults::operation::{Judged, Operation, all_is_well, succeeds, word_of};
use crate::faults::place::{Place, finish};
use crate::faults::scene::{Aim, SET, Scene};
use crate::leases::names_in;
use crate::state_files::{beside, clear, write};

const LOG: &str = "notifications.log";
const PATH: &str = ".ai-sdlc/notifications.log";
/// How many lines are there before.
const LINES: u32 = 200;

/// A line that does not fit into the log any more.
pub const APPEND: Operation = Operation {
    scene: Scene {
        command: &[
            "STORY",
            "state",
            "append",
            PATH,
            "line 200",
            "--max-size",
            "1KB",
            "--keep",
            "3",
            "--timeout",
            "1s",
        ],
        before: |place| {
            let root = place.root.join(".ai-sdlc");
            clear(&root);
            let lines: Vec<String> = (0..LINES)
                .map(|number| {
                    format!(
                        "line {number}
"
                    )
                })
                .collect();
            write(&root.join(LOG), lines.concat().as_bytes());
            // A fresh file takes calls more or less, depending on how fresh it is.
            testkit::set_age(&root.join(LOG), Duration::from_mins(1));
        },
        aim: Aim::Nothing,
        ..SET
    },
    after_kill: |place, _| {
        let count = lines(place)?;
        goes_on(place, count)?;
        // The next line needs no lock, unless it is the one that rotates: the lock stays until then, or until the doctor comes.
        if place.root.join(PATH).with_extension("log.lock").exists() {
            finish(&mut place.story(&["doctor", "--fix"]));
        }
        is_tidy(place)?;
        Ok(if count == LINES { "old" } else { "new" })
    },
    after_error: |place, finished, exit| judged_after_error(place, finished, exit),
};

fn judged_after_error(place: &Place, finished: &Finished, exit: i32) -> Judged {
    let count = lines(place)?;
    if !matches!((exit, count - LINES), (0 | 9, 1) | (1 | 8, 0)) {
        return Err(format!("there are {count} lines after {}", said(finished)));
    }
    goes_on(place, count)?;
    finish(&mut place.story(&["doctor", "--fix"]));
    is_tidy(place)?;
    Ok(word_of(exit))
}

/// How many lines there are in all logs, oldest first: each once, whole, in order.
fn lines(place: &Place) -> Result<u32, String> {
    let root = place.root.join(".ai-sdlc");
    let mut logs = logs(place);
    logs.reverse();
    let texts = logs.iter().map(|name| fs::read_to_string(root.join(name)));
    let text: String = texts
        .collect::<Result<_, _>>()
        .map_err(|err| err.to_string())?;
    let mut count = 0;
    for line in text.split_inclusive('\n') {
        if line != format!("line {count}\n") {
            return Err(format!("after {count} lines of {logs:?} comes {line:?}"));
        }
        count += 1;
    }
    if count < LINES {
        return Err(format!("only {count} lines are there, in {logs:?}"));
    }
    Ok(count)
}

/// The logs that there are, the present one first.
fn logs(place: &Place) -> Vec<String> {
    let mut names = names_in(&place.root.join(".ai-sdlc"));
    names.retain(|name| name.strip_prefix(LOG).is_some_and(|rest| rest != ".lock"));
    names
}

/// The next line is appended without waiting.
fn goes_on(place: &Place, count: u32) -> Result<(), String> {
    let line = format!("line {count}");
    let next = [
        "state",
        "append",
        PATH,
        &line,
        "--max-size",
        "1KB",
        "--keep",
        "3",
        "--timeout",
        "0",
    ];
    succeeds(place, "the next line", &next)?;
    match lines(place)? {
        now if now == count + 1 => Ok(()),
        now => Err(format!(
            "after {count} lines and another one there are {now}"
        )),
    }
}

/// Nothing lies beside the logs, and `story doctor` finds nothing.
fn is_tidy(place: &Place) -> Result<(), String> {
    let logs = logs(place);
    let logs: Vec<&str> = logs.iter().map(String::as_str).collect();
    let names = beside(&place.root.join(".ai-sdlc"), &logs);
    if names.is_empty() {
        return all_is_well(place);
    }
    Err(format!("left behind: {names:?}"))
}
