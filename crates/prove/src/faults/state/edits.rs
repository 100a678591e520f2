//! `story state set` that is killed, or one of whose calls fails: the file is the old or the new one, or with `--create` there
//! is a complete file or none.

use std::fs;
use std::time::Duration;

use testkit::Finished;

use crate::faults::judge::said;
use crate::faults::operation::{Judged, Operation, all_is_well, succeeds, word_of};
use crate::faults::place::{Place, finish};
use crate::faults::scene::{Aim, SET, Scene};
use crate::state_files::{STATE, beside, clear, count_of, state, write};

const PATH: &str = ".ai-sdlc/state.json";
const INC: &[&str] = &["state", "set", PATH, "--inc", "count"];
/// What `--create` makes.
const CREATED: &str = "{\n  \"count\": 1\n}\n";

/// A count of a file that somebody has laid out.
pub const COUNT: Operation = Operation {
    scene: Scene {
        command: &[
            "STORY",
            "state",
            "set",
            PATH,
            "--inc",
            "count",
            "--timeout",
            "1s",
        ],
        before: |place| {
            clear(&place.root.join(".ai-sdlc"));
            let path = place.root.join(PATH);
            write(&path, state(0).as_bytes());
            // A fresh file takes calls more or less, depending on how fresh it is.
            testkit::set_age(&path, Duration::from_mins(1));
        },
        aim: Aim::Nothing,
        ..SET
    },
    after_kill: |place, finished| judged_after_kill(place, finished, counted),
    after_error: |place, finished, exit| judged_after_error(place, finished, exit, counted),
};

/// A count of a file that is not there yet.
pub const CREATE: Operation = Operation {
    scene: Scene {
        command: &[
            "STORY",
            "state",
            "set",
            PATH,
            "--inc",
            "count",
            "--create",
            "--timeout",
            "1s",
        ],
        before: |place| clear(&place.root.join(".ai-sdlc")),
        aim: Aim::Nothing,
        ..SET
    },
    after_kill: |place, finished| judged_after_kill(place, finished, created),
    after_error: |place, finished, exit| judged_after_error(place, finished, exit, created),
};

/// How often the file that is there was counted up.
type Counted = fn(&Place) -> Result<u32, String>;

fn counted(place: &Place) -> Result<u32, String> {
    let bytes = fs::read(place.root.join(PATH)).map_err(|err| format!("it is gone: {err}"))?;
    let whole = count_of(&bytes);
    whole.ok_or_else(|| format!("neither old nor new: {} bytes", bytes.len()))
}

fn created(place: &Place) -> Result<u32, String> {
    match fs::read_to_string(place.root.join(PATH)) {
        Err(_) => Ok(0),
        Ok(text) => match (1..=2).find(|count| text == CREATED.replace('1', &count.to_string())) {
            Some(count) => Ok(count),
            None => Err(format!("neither whole nor missing: {text:?}")),
        },
    }
}

fn judged_after_kill(place: &Place, finished: &Finished, counted: Counted) -> Judged {
    let count = counted(place)?;
    if finished.stderr.contains("changed count") && count != 1 {
        return Err("it was acknowledged, and is not there".to_owned());
    }
    goes_on(place, count, counted)?;
    is_tidy(place)?;
    Ok(if count == 0 { "old" } else { "new" })
}

fn judged_after_error(place: &Place, finished: &Finished, exit: i32, counted: Counted) -> Judged {
    let count = counted(place)?;
    if !matches!((exit, count), (0 | 9, 1) | (1 | 8, 0)) {
        return Err(format!("it is at {count} after {}", said(finished)));
    }
    goes_on(place, count, counted)?;
    finish(&mut place.story(&["doctor", "--fix"]));
    is_tidy(place)?;
    Ok(word_of(exit))
}

/// The next one counts up without waiting.
fn goes_on(place: &Place, before: u32, counted: Counted) -> Result<(), String> {
    let next = [INC, &["--create", "--timeout", "0"]].concat();
    let next = succeeds(place, "the next count", &next)?;
    match counted(place)? {
        now if now == before + 1 => Ok(()),
        now => Err(format!("{now} after {before}: {}", said(&next))),
    }
}

/// Nothing lies beside the file, and `story doctor` finds nothing.
fn is_tidy(place: &Place) -> Result<(), String> {
    let names = beside(&place.root.join(".ai-sdlc"), &[STATE]);
    if names.is_empty() {
        return all_is_well(place);
    }
    Err(format!("left behind: {names:?}"))
}
