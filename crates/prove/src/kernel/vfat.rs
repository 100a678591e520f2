//! A file system that tells names apart by more than their case only for people, in a kernel that has it.

use std::time::Duration;

use super::guest::{Machine, image, need_guests};
use crate::case::{Skip, Tally};
use crate::context::Context;

const SCRIPT: &str = include_str!("vfat.sh");
const LIMIT: Duration = Duration::from_mins(5);

/// `story`'s exit code for a lock that somebody else holds.
const CONTENDED: &str = "4";

pub fn vfat(context: &Context) -> Result<Tally, Skip> {
    need_guests(&["mkfs.vfat"])?;
    let folder = context.folder("vfat");
    let disk = image(&folder, "disk", 64, &["mkfs.vfat"])?;
    let story = context.story.display().to_string();
    let seed = context.seed.to_string();
    let kills = if context.long { 200 } else { context.rounds(8) };
    let kills = kills.to_string();
    let machine = Machine {
        folder: &folder,
        script: SCRIPT,
        settings: &[("STORY", &story), ("SEED", &seed), ("KILLS", &kills)],
        disks: &[&disk],
        limit: LIMIT * if context.long { 4 } else { 1 },
    };
    let mut tally = Tally::default();
    for line in machine.boot().all()? {
        match judge(&line) {
            Some(outcome) => tally.point(outcome.map_err(|why| format!("{why} (--seed {seed})"))),
            None => tally.wrong.push(format!("{line} (--seed {seed})")),
        }
    }
    "one lock by three names, 4 writers, kills".clone_into(&mut tally.note);
    Ok(tally)
}

/// What a line of the guest says about a point; `None` for a line that should not be there.
fn judge(line: &str) -> Option<Result<(), String>> {
    let words: Vec<&str> = line.split(' ').collect();
    let is_well = match words[..] {
        ["refused", _, code] => code == CONTENDED,
        ["value", "count", number] => number == "40",
        ["value", _, number] => number == "10",
        ["killed", before, found, after, ..] => {
            let number = |text: &str| text.parse::<u64>().ok();
            number(before)
                .zip(number(found))
                .zip(number(after))
                .is_some_and(|((before, found), after)| {
                    (before..=before + 1).contains(&found) && after == found + 1
                })
        }
        // What is worth knowing is a warning; a problem would be told here.
        ["doctor", ..] => line.contains("0 problems"),
        _ => return None,
    };
    Some(if is_well {
        Ok(())
    } else {
        Err(line.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::judge;

    #[test]
    fn judge_knows_what_is_well() {
        for (line, expected) in [
            ("refused story.md 4", Some(true)),
            ("refused story.md 0", Some(false)),
            ("value count 40", Some(true)),
            ("value count 39", Some(false)),
            ("value a 10", Some(true)),
            ("killed 40 41 42 after 0.020 s", Some(true)),
            ("killed 40 40 41 after 0.020 s", Some(true)),
            ("killed 40 39 40 after 0.020 s", Some(false)),
            ("killed 40 42 43 after 0.020 s", Some(false)),
            ("killed 40 none: no such story", Some(false)),
            ("left STORY.md.lock", None),
        ] {
            assert_eq!(
                judge(line).map(|outcome| outcome.is_ok()),
                expected,
                "{line}"
            );
        }
    }
}
