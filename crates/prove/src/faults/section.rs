//! `story section append` to an existing file that is killed, or one of whose calls fails: the file is the old or the new one.

use std::fs;

use testkit::Finished;

use super::judge::said;
use super::operation::{Operation, all_is_well, holds_only, succeeds, word_of};
use super::place::{Author, ID, Place, Version, finish};
use super::scene::{Aim, SET, Scene};

const FILE: &str = "research.md";
const NOW: &str = "2026-01-12T10:00:00Z";

/// The second entry of a section file.
pub const APPEND: Operation = Operation {
    scene: Scene {
        command: &[
            "STORY",
            "section",
            "append",
            ID,
            "research",
            "an entry",
            "--now",
            NOW,
            "--timeout",
            "1s",
        ],
        before: |place| {
            place.overwrite(FILE, &text(1));
            // A fresh file takes calls more or less, depending on how fresh it is.
            testkit::set_age(
                &place.folder().join(FILE),
                std::time::Duration::from_mins(1),
            );
        },
        aim: Aim::Nothing,
        ..SET
    },
    after_kill: |place, finished| {
        let entries = entries(place)?;
        if finished.stderr.contains("changed research.md") && entries != 2 {
            return Err("it was acknowledged, and is not there".to_owned());
        }
        goes_on(place, entries)?;
        holds_only(place, &[FILE])?;
        all_is_well(place)?;
        Ok(if entries == 1 { "old" } else { "new" })
    },
    after_error: |place, finished, exit| {
        let entries = entries(place)?;
        if !matches!((exit, entries), (0 | 9, 2) | (1 | 8, 1)) {
            let told = said(finished);
            return Err(format!("it has {entries} entries after {told}"));
        }
        goes_on(place, entries)?;
        finish(&mut place.story(&["doctor", "--fix"]));
        holds_only(place, &[FILE])?;
        all_is_well(place)?;
        Ok(word_of(exit))
    },
};

/// The whole file with that many entries; over two pages long, so that a torn one is noticed.
fn text(entries: u32) -> String {
    let line = "A line of what was found out, like every other line of it.\n";
    let first = format!("---\n*Generated: 2026-01-11*\n\n{}", line.repeat(160));
    let later = (2..=entries).map(|number| {
        format!("\n\n---\n\n## Iteration {number}\n*Generated: 2026-01-12*\n\nan entry")
    });
    std::iter::once(first).chain(later).collect()
}

/// How many entries the file has, which is whole; the story is as it was.
fn entries(place: &Place) -> Result<u32, String> {
    let as_prepared = Version {
        author: Author::Us,
        count: 0,
    };
    let story = place.version()?;
    if story != as_prepared {
        return Err(format!("the story was changed: {story:?}"));
    }
    let now = fs::read_to_string(place.folder().join(FILE))
        .map_err(|err| format!("{FILE} is gone: {err}"))?;
    let whole = (1..=3).find(|entries| text(*entries) == now);
    whole.ok_or_else(|| format!("{FILE} is neither old nor new: {} bytes", now.len()))
}

/// The next entry is appended without waiting, after those that are there.
fn goes_on(place: &Place, before: u32) -> Result<(), String> {
    let command = ["section", "append", ID, "research", "an entry"];
    let next = [&command[..], &["--now", NOW, "--timeout", "0"]].concat();
    let next: Finished = succeeds(place, "the next entry", &next)?;
    match entries(place)? {
        now if now == before + 1 => Ok(()),
        now => {
            let told = said(&next);
            Err(format!("after {before} entries there are {now}: {told}"))
        }
    }
}
