//! Cuts of a whole kernel while four writers work on two stories.

use std::collections::BTreeMap;
use std::path::Path;
use std::thread;
use std::time::Duration;

use super::chance::Chance;
use super::guest::{Guest, Machine, image, need_guests};
use crate::case::{Skip, Tally};
use crate::context::Context;

const SCRIPT: &str = include_str!("cuts.sh");

/// A boot takes two seconds; the rest is for slow machines.
const LIMIT: Duration = Duration::from_secs(90);

/// What is cut, and what must hold.
struct Plan {
    file_system: &'static str,
    mkfs: &'static [&'static str],
    /// Smaller ones the tools refuse to make.
    megabytes: u64,
    writer: Writer,
    rounds: u64,
}

/// Who updates the stories.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Writer {
    Story,
    /// `story --fast`: the last updates may be undone, all else holds.
    Fast,
    /// Without lock, new file or sync.
    Plain,
}

impl Writer {
    fn name(self) -> &'static str {
        match self {
            Self::Story => "story",
            Self::Fast => "fast",
            Self::Plain => "plain",
        }
    }

    fn is_durable(self) -> bool {
        self != Self::Fast
    }
}

pub fn ext4(context: &Context) -> Result<Tally, Skip> {
    cut(context, "ext4", Writer::Story, rounds(context, 3))
}

pub fn xfs(context: &Context) -> Result<Tally, Skip> {
    cut(context, "xfs", Writer::Story, rounds(context, 3))
}

pub fn btrfs(context: &Context) -> Result<Tally, Skip> {
    cut(context, "btrfs", Writer::Story, rounds(context, 3))
}

pub fn fast(context: &Context) -> Result<Tally, Skip> {
    let (mut all, mut notes) = (Tally::default(), Vec::new());
    for file_system in ["ext4", "xfs", "btrfs"] {
        let tally = cut(context, file_system, Writer::Fast, rounds(context, 1))?;
        all.points += tally.points;
        all.wrong.extend(tally.wrong);
        notes.push(format!("{file_system}: {}", tally.note));
    }
    all.note = notes.join("; ");
    Ok(all)
}

pub fn written_in_place(context: &Context) -> Result<Tally, Skip> {
    cut(context, "ext4", Writer::Plain, 1)
}

fn rounds(context: &Context, usual: u64) -> u64 {
    if context.long {
        100
    } else {
        context.rounds(usual)
    }
}

fn cut(
    context: &Context,
    file_system: &'static str,
    writer: Writer,
    rounds: u64,
) -> Result<Tally, Skip> {
    let (mkfs, megabytes): (&[&str], u64) = match file_system {
        "ext4" => (&["mkfs.ext4", "-q", "-F"], 64),
        "xfs" => (&["mkfs.xfs", "-q", "-f"], 320),
        _ => (&["mkfs.btrfs", "-q", "-f"], 128),
    };
    run(
        context,
        &Plan {
            file_system,
            mkfs,
            megabytes,
            writer,
            rounds,
        },
    )
}

fn run(context: &Context, plan: &Plan) -> Result<Tally, Skip> {
    need_guests(&[plan.mkfs[0]])?;
    let folder = context.folder(&format!("cuts-{}-{}", plan.file_system, plan.writer.name()));
    let disk = image(&folder, "disk", plan.megabytes, plan.mkfs)?;
    let mut chance = Chance::new(
        context.seed,
        &format!("{} {}", plan.file_system, plan.writer.name()),
    );
    let mut tally = Tally::default();
    let mut known = Known::default();
    for round in 0..=plan.rounds {
        let mut guest = boot(context, plan, &folder, &disk, round == 0);
        let found = known.take_stock(&mut guest, plan)?;
        if round > 0 {
            let place = format!("{} cut {round}, --seed {}", plan.file_system, context.seed);
            let whole = if found.is_empty() {
                Ok(())
            } else {
                Err(format!("{place}: {}", found.join("; ")))
            };
            tally.point(whole);
        }
        if round < plan.rounds {
            known.work_until_cut(guest, &mut chance)?;
        }
    }
    tally.note = known.note();
    Ok(tally)
}

fn boot(context: &Context, plan: &Plan, folder: &Path, disk: &Path, first: bool) -> Guest {
    let story = context.story.display().to_string();
    Machine {
        folder,
        script: SCRIPT,
        settings: &[
            ("STORY", &story),
            ("FS", plan.file_system),
            ("WRITER", plan.writer.name()),
            ("FIRST", if first { "yes" } else { "no" }),
        ],
        disks: &[disk],
        limit: LIMIT,
    }
    .boot()
}

type Counters = BTreeMap<String, u64>;

/// What must be on the disk.
#[derive(Default)]
struct Known {
    /// The highest number of each counter that was acknowledged.
    acknowledged: Counters,
    acknowledgements: u64,
    in_flight: u64,
    undone: u64,
    leftovers: u64,
    /// Those of the leftovers that the next update did not meet, but `story doctor --fix`.
    for_doctor: u64,
    /// What went wrong while the writers worked: told at the next check.
    failed: Vec<String>,
}

impl Known {
    /// Reads what the guest says about its disk, until its writers work; what is wrong with it comes back.
    fn take_stock(&mut self, guest: &mut Guest, plan: &Plan) -> Result<Vec<String>, Skip> {
        let mut wrong = std::mem::take(&mut self.failed);
        while let Some(line) = guest.next()? {
            let (word, rest) = line.split_once(' ').unwrap_or((&line, ""));
            match word {
                "found" => wrong.extend(self.compare(rest, plan.writer)),
                "start" => match stories(rest) {
                    Ok(counters) => self.acknowledged = counters,
                    Err(why) => wrong.push(format!("after the next update {why}")),
                },
                "after-cut" => self.leftovers += 1,
                "for-doctor" if plan.file_system == "btrfs" => self.for_doctor += 1,
                "working" => return Ok(wrong),
                _ => wrong.push(line),
            }
        }
        panic!("the guest's writers end by a cut only");
    }

    /// Compares what was found with what was acknowledged, and at most one update more that nobody was told of.
    fn compare(&mut self, found: &str, writer: Writer) -> Vec<String> {
        let found = match stories(found) {
            Ok(found) => found,
            Err(why) => return vec![why],
        };
        let mut wrong = Vec::new();
        for (key, &acknowledged) in &self.acknowledged {
            let found = found.get(key).copied().unwrap_or(0);
            self.in_flight += u64::from(found > acknowledged);
            let lost = acknowledged.saturating_sub(found);
            self.undone += lost;
            if found > acknowledged + 1 || lost > 0 && writer.is_durable() {
                wrong.push(format!("{key} is {found}, acknowledged {acknowledged}"));
            }
        }
        wrong
    }

    /// Lets the writers work for a while, cuts, and notes what they were told.
    fn work_until_cut(&mut self, mut guest: Guest, chance: &mut Chance) -> Result<(), Skip> {
        for _ in 0..chance.below(40) + 4 {
            match guest.next()? {
                Some(line) => self.hear(&line),
                None => panic!("the guest's writers end by a cut only"),
            }
        }
        // Somewhere within the updates under way: each takes some ten milliseconds there.
        thread::sleep(Duration::from_micros(chance.below(30_000)));
        for line in guest.cut() {
            self.hear(&line);
        }
        Ok(())
    }

    fn hear(&mut self, line: &str) {
        let mut words = line.split(' ');
        match (
            words.next(),
            words.next(),
            words.next().and_then(|number| number.parse().ok()),
        ) {
            (Some("ack"), Some(key), Some(number)) => {
                self.acknowledged.insert(key.to_owned(), number);
                self.acknowledgements += 1;
            }
            _ => self.failed.push(line.to_owned()),
        }
    }

    fn note(&self) -> String {
        format!(
            "{} acknowledged, {} undone, {} in flight arrived, {} leftovers swept ({} by doctor)",
            self.acknowledgements, self.undone, self.in_flight, self.leftovers, self.for_doctor
        )
    }
}

/// The counters of both stories, if each is whole: exactly the bytes that it began with, but for the numbers.
fn stories(line: &str) -> Result<Counters, String> {
    let (one, two) = line.split_once(' ').ok_or("one story only was told")?;
    let mut counters = Counters::new();
    for (name, hex, keys) in [
        ("S-1", one, &["a", "b", "c", "next"][..]),
        ("S-2", two, &["d", "next"]),
    ] {
        let text = from_hex(hex);
        let torn = || format!("{name} is torn: {text:?}");
        let mut rest = text.strip_prefix("---\nid: S-1\n").ok_or_else(torn)?;
        for key in keys {
            let (line, after) = rest.split_once('\n').ok_or_else(torn)?;
            let number = line
                .strip_prefix(key)
                .and_then(|line| line.strip_prefix(": "));
            let number = number
                .and_then(|number| number.parse().ok())
                .ok_or_else(torn)?;
            let key = if *key == "next" {
                format!("next of {name}")
            } else {
                (*key).to_owned()
            };
            counters.insert(key, number);
            rest = after;
        }
        if rest != "---\nbody\n" {
            return Err(torn());
        }
    }
    Ok(counters)
}

fn from_hex(hex: &str) -> String {
    let bytes: Vec<u8> = hex
        .as_bytes()
        .chunks(2)
        .filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> String {
        let pairs: Vec<String> = text.bytes().map(|byte| format!("{byte:02x}")).collect();
        pairs.concat()
    }

    fn disk(a: u64, two: &str) -> String {
        let one = format!("---\nid: S-1\na: {a}\nb: 0\nc: 0\nnext: 1\n---\nbody\n");
        format!("{} {}", hex(&one), hex(two))
    }

    const TWO: &str = "---\nid: S-1\nd: 7\nnext: 1\n---\nbody\n";

    fn known(a: u64) -> Known {
        let acknowledged = stories(&disk(a, TWO)).expect("they are whole");
        Known {
            acknowledged,
            ..Known::default()
        }
    }

    #[test]
    fn compare_allows_one_update_more_than_was_acknowledged_and_none_less() {
        for (acknowledged, durable, fast) in [
            (5, true, true),
            (4, true, true),
            (3, false, false),
            (6, false, true),
        ] {
            let is_well = |writer| {
                known(acknowledged)
                    .compare(&disk(5, TWO), writer)
                    .is_empty()
            };
            assert_eq!(
                is_well(Writer::Story),
                durable,
                "found 5, acknowledged {acknowledged}"
            );
            assert_eq!(
                is_well(Writer::Fast),
                fast,
                "fast: found 5, acknowledged {acknowledged}"
            );
        }
    }

    #[test]
    fn stories_that_are_not_whole_are_seen() {
        assert!(stories(&disk(5, TWO)).is_ok(), "whole");
        for torn in [
            "",
            "---\n",
            "---\nid: S-1\nd: 7\nnext: 1\n---\nbod",
            "---\nid: S-1\nd: 7\nnext: 1\n---\nbody\n\0",
        ] {
            assert!(stories(&disk(5, torn)).is_err(), "{torn:?} is no story");
        }
    }
}
