//! A transaction over two stories that is killed, or one of whose calls fails: both are changed or neither.

use std::fs;
use std::path::PathBuf;

use testkit::Finished;

use super::judge::said;
use super::operation::{Judged, Operation, word_of};
use super::place::{ID, Place, Version, finish};
use super::scene::{APPLY, Scene, write_root};

const OTHER: &str = "S-0035";
const COUNTER: &str = "retry_count";

/// A transaction of two lines, each on a story of its own.
pub const TOGETHER: Operation = Operation {
    scene: SCENE,
    after_kill,
    after_error,
};

const SCENE: Scene = Scene {
    command: &[
        "STORY",
        "apply",
        "requests.jsonl",
        "--together",
        "--timeout",
        "1s",
    ],
    before: |place| {
        fs::remove_dir_all(journal(place)).ok();
        let first = fs::read_to_string(place.path()).expect("a story is prepared");
        let other = first.replace(ID, OTHER);
        fs::create_dir_all(folder_of_other(place)).expect("the build folder can be written");
        write_root(place, ".ai-sdlc/stories/S-0035/story.md", &other);
        let line = |id| format!("{{\"story\":\"{id}\",\"inc\":{{\"{COUNTER}\":1}}}}\n");
        write_root(place, "requests.jsonl", &(line(ID) + &line(OTHER)));
    },
    ..APPLY
};

fn folder_of_other(place: &Place) -> PathBuf {
    place.root.join(".ai-sdlc/stories").join(OTHER)
}

fn journal(place: &Place) -> PathBuf {
    place.root.join(".ai-sdlc/journal")
}

fn after_kill(place: &Place, finished: &Finished) -> Judged {
    let shown = shown(place)?;
    if finished.stdout.contains("\"ok\":true") && shown == 0 {
        return Err(format!(
            "it was acknowledged, and is not done: {}",
            said(finished)
        ));
    }
    let stored = stored(place)?;
    goes_on(place, shown)?;
    Ok(match stored {
        (0, 0) if shown == 0 => "neither",
        (1, 1) => "both",
        _ => "both, finished by the next update",
    })
}

fn after_error(place: &Place, finished: &Finished, exit: i32) -> Judged {
    let shown = shown(place)?;
    if !matches!((exit, shown), (0 | 9, 1) | (1 | 8, 0)) {
        let told = said(finished);
        return Err(format!("no true answer: both are at {shown}: {told}"));
    }
    goes_on(place, shown)?;
    Ok(word_of(exit))
}

/// What both stories show to a reader of ours, which must be the same.
fn shown(place: &Place) -> Result<u32, String> {
    let shown = |id| {
        let got = finish(&mut place.story(&["get", id, COUNTER]));
        let count = got.stdout.trim().parse::<u32>();
        count.map_err(|_| format!("{id} cannot be read: {}", said(&got)))
    };
    match (shown(ID)?, shown(OTHER)?) {
        (one, other) if one == other && one <= 1 => Ok(one),
        (one, other) => Err(format!("one story is at {one}, the other at {other}")),
    }
}

/// What both files hold, byte by byte.
fn stored(place: &Place) -> Result<(u32, u32), String> {
    let other = fs::read_to_string(folder_of_other(place).join("story.md"))
        .map_err(|err| format!("the other story is gone: {err}"))?;
    let other = Version::of(other.replace(OTHER, ID).as_bytes()).ok_or("the other is torn")?;
    Ok((place.version()?.count, other.count))
}

/// The next updates succeed without waiting, and so does the next transaction, which leaves nothing behind.
fn goes_on(place: &Place, shown: u32) -> Result<(), String> {
    for id in [ID, OTHER] {
        let next = finish(&mut place.story(&["set", id, "--inc", COUNTER, "--timeout", "0"]));
        if !next.status.success() {
            return Err(format!("the next update of {id} fails: {}", said(&next)));
        }
    }
    let expected = (shown + 1, shown + 1);
    if stored(place)? != expected {
        let stored = stored(place)?;
        return Err(format!("the next updates make {stored:?} of {shown}"));
    }
    let again =
        finish(&mut place.story(&["apply", "requests.jsonl", "--together", "--timeout", "0"]));
    if !again.status.success() {
        return Err(format!("the next transaction fails: {}", said(&again)));
    }
    finish(&mut place.story(&["doctor", "--fix"]));
    let doctor = finish(&mut place.story(&["doctor"]));
    let left = (
        place.leftovers()?,
        testkit::leftovers(&folder_of_other(place)),
    );
    let is_tidy = left.0.is_empty() && left.1.is_empty();
    if !doctor.status.success() || !is_tidy || journal(place).join("pending").exists() {
        return Err(format!("left behind: {left:?}; {}", said(&doctor)));
    }
    Ok(())
}
