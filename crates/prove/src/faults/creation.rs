//! `story new` that is killed, or one of whose calls fails: there is a complete new story, or none.

use std::fs;
use std::path::PathBuf;

use testkit::Finished;

use super::judge::said;
use super::operation::{Operation, holds_only, succeeds, word_of};
use super::place::{Author, ID, Place, Version, finish};
use super::scene::{Aim, SET, Scene, write_root};

const NEW: &str = "S-0035";
const AFTER_NEW: &str = "S-0036";
const TITLE: &str = "Made while calls fail";
const NOW: &str = "2026-01-12T10:00:00Z";

/// `story new` with a body of over two pages, so that a torn story is noticed.
pub const CREATION: Operation = Operation {
    scene: Scene {
        command: &[
            "STORY",
            "new",
            TITLE,
            "--body",
            "@body.md",
            "--now",
            NOW,
            "--timeout",
            "1s",
        ],
        before: |place| {
            for id in ids(place).iter().filter(|id| *id != ID) {
                let left = stories(place).join(id);
                fs::remove_dir_all(&left)
                    .or_else(|_| fs::remove_file(&left))
                    .expect("the build folder can be written");
            }
            write_root(place, "body.md", &body());
        },
        aim: Aim::Nothing,
        ..SET
    },
    after_kill: |place, finished| {
        let left = found(place)?;
        if finished.stdout.contains(NEW) && left != Left::Story {
            return Err(format!("it was acknowledged, and is {left:?}"));
        }
        goes_on(place, left)?;
        tidy(place, left)?;
        Ok(match left {
            Left::Nothing => "none",
            Left::EmptyFolder => "none, but its folder",
            Left::Story => "complete",
        })
    },
    after_error: |place, finished, exit| {
        let left = found(place)?;
        let is_told = finished.stdout == format!("{NEW}\n");
        match (exit, left) {
            (0, Left::Story) if is_told => {}
            (9, Left::Story) => {}
            (1 | 8, Left::Nothing | Left::EmptyFolder) if finished.stdout.is_empty() => {}
            _ => return Err(format!("it is {left:?} after {}", said(finished))),
        }
        goes_on(place, left)?;
        finish(&mut place.story(&["doctor", "--fix"]));
        tidy(place, left)?;
        Ok(word_of(exit))
    },
};

/// What there is of the new story.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    Nothing,
    EmptyFolder,
    Story,
}

fn stories(place: &Place) -> PathBuf {
    place.root.join(".ai-sdlc/stories")
}

/// The names of folders and files among the stories, in order.
fn ids(place: &Place) -> Vec<String> {
    let entries = fs::read_dir(stories(place)).expect("the build folder can be read");
    let mut ids: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    ids.sort();
    ids
}

fn body() -> String {
    "A line of the new story's body, like every other.\n".repeat(180)
}

/// The whole file of a new story.
fn text(id: &str, priority: u32) -> String {
    format!(
        "---\nid: {id}\ntitle: {TITLE}\nslug: made-while-calls-fail\npriority: {priority}\nstatus: backlog\ntype: feature\ncreated: '2026-01-12'\nlabels: []\nresearch_complete: false\nplan_complete: false\nimplementation_complete: false\nreviews_complete: false\ncontent_type: code\n---\n{}",
        body()
    )
}

/// What there is of the new story, for whoever looks at the files and for a reader of ours; the other story is as it was.
fn found(place: &Place) -> Result<Left, String> {
    let folder = stories(place).join(NEW);
    let left = match fs::read_to_string(folder.join("story.md")) {
        Ok(now) if now == text(NEW, 10) => Left::Story,
        Ok(other) => {
            let head: String = other.chars().take(60).collect();
            return Err(format!("half a story: {} bytes, {head:?}", other.len()));
        }
        Err(_) if folder.exists() => Left::EmptyFolder,
        Err(_) => Left::Nothing,
    };
    let listed = succeeds(place, "list", &["list"])?;
    if listed.stdout.contains(NEW) != (left == Left::Story) || !listed.stdout.contains(ID) {
        return Err(format!("it is {left:?}, but listed: {}", said(&listed)));
    }
    let as_prepared = Version {
        author: Author::Us,
        count: 0,
    };
    match place.version()? {
        now if now == as_prepared => Ok(left),
        now => Err(format!("the other story is {now:?}")),
    }
}

/// The next story is made without waiting, complete, and its id is one that nobody had.
fn goes_on(place: &Place, left: Left) -> Result<(), String> {
    let command = ["new", TITLE, "--body", "@body.md", "--now", NOW];
    let next = [&command[..], &["--timeout", "0"]].concat();
    let next: Finished = succeeds(place, "the next new", &next)?;
    let (id, priority) = match left {
        Left::Nothing => (NEW, 10),
        Left::EmptyFolder => (AFTER_NEW, 10),
        Left::Story => (AFTER_NEW, 20),
    };
    let now = fs::read_to_string(stories(place).join(id).join("story.md"));
    if next.stdout == format!("{id}\n") && now.is_ok_and(|now| now == text(id, priority)) {
        return Ok(());
    }
    let told = said(&next);
    Err(format!("after {left:?} the next is not {id}: {told}"))
}

/// Nothing lies there but the stories, and `story doctor` finds at most an empty folder.
fn tidy(place: &Place, left: Left) -> Result<(), String> {
    let expected: &[&str] = match left {
        Left::Nothing => &[ID, NEW],
        Left::EmptyFolder | Left::Story => &[ID, NEW, AFTER_NEW],
    };
    let there = ids(place);
    if there != expected {
        return Err(format!("among the stories lie {there:?}, not {expected:?}"));
    }
    for id in &there[1..] {
        let litter = testkit::leftovers(&stories(place).join(id));
        if !litter.is_empty() {
            return Err(format!("left behind: {litter:?}"));
        }
    }
    holds_only(place, &[])?;
    let doctor = succeeds(place, "doctor", &["doctor"])?;
    let names_the_folder = doctor.stderr.contains("0 problems, 1 warnings")
        && doctor
            .stdout
            .contains(&format!("{NEW}: the folder holds no story.md"));
    let is_well = match left {
        Left::EmptyFolder => names_the_folder,
        Left::Nothing | Left::Story => doctor.stderr.trim() == "all is well",
    };
    if is_well {
        return Ok(());
    }
    let told = said(&doctor);
    Err(format!("{left:?}, and doctor finds: {told}"))
}
