//! A cut at any moment, while two programs make one update after the other.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use testkit::SecondProcess;

use super::board::{Board, STORIES, Seen, Version};
use super::commands::PATIENCE;
use super::disk::{Cut, FileSystem};
use super::trial::{Trial, on_disks};
use super::updates::acknowledges;
use crate::case::{Skip, Tally};
use crate::context::Context;

/// Of each of its stories a writer would make far more than it can before the cut.
const UPDATES: usize = 1000;

/// A cut comes after so many acknowledgements at most, and a while that is shorter than an update or longer.
const MOST_ACKNOWLEDGED: u64 = 12;
const LONGEST_WHILE_US: u64 = 2500;

/// Whether updates wait for the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writers {
    /// They do: what was acknowledged must be there.
    Durable,
    /// They do not: an earlier version may come back, whole.
    Fast,
}

/// Cuts the power at moments that the seed chooses. After each cut, every counter is at least what was acknowledged.
pub fn moments(context: &Context, fs: FileSystem, writers: Writers) -> Result<Tally, Skip> {
    let rounds = if context.long {
        400
    } else {
        context.rounds(30)
    };
    let jobs: Vec<u64> = (0..rounds).collect();
    let outcomes = on_disks(context, fs, &jobs, |trial, &round| {
        let seed = context.seed.wrapping_mul(1_000_003).wrapping_add(round);
        one_round(trial, writers, seed)
    })?;
    let mut tally = Tally::default();
    let mut sum = Seen::default();
    let (mut acknowledged, mut most_lost) = (0, 0);
    for outcome in outcomes {
        if let Ok(round) = &outcome {
            acknowledged += round.acknowledged;
            most_lost = most_lost.max(round.lost);
            sum.add(&round.seen);
        }
        tally.point(outcome.map(drop));
    }
    tally.note =
        format!("{acknowledged} acknowledged, at most {most_lost} of a story lost in a cut; {sum}");
    Ok(tally)
}

#[derive(Default)]
struct Round {
    acknowledged: usize,
    /// The most updates of one story that were acknowledged and are not there.
    lost: usize,
    seen: Seen,
}

fn one_round(trial: &Trial<'_>, writers: Writers, seed: u64) -> Result<Round, String> {
    let mut chance = Chance(seed);
    let cuts = trial.disk.fs.cuts();
    let cut = cuts[chance.below(cuts.len() as u64)];
    let acknowledgements = chance.below(MOST_ACKNOWLEDGED);
    let pause = Duration::from_micros(chance.below(LONGEST_WHILE_US) as u64);
    let what = format!(
        "{writers:?}, seed {seed}, {acknowledgements} answers, then {pause:?}, cut {cut:?}"
    );
    trial.point(&what, || {
        let counts = cut_at_work(trial, writers, cut, acknowledgements, pause)?;
        let mut round = Round::default();
        for (id, _) in STORIES {
            let acknowledged = counts.get(id).copied().unwrap_or(0);
            round.acknowledged += acknowledged;
            let mut lost = 0;
            let judge = |found: Version| {
                lost = acknowledged.saturating_sub(found.count);
                if writers == Writers::Durable && lost > 0 {
                    return Err(format!(
                        "{lost} of {acknowledged} ACKNOWLEDGED updates are LOST"
                    ));
                }
                Ok(())
            };
            trial.board.check(id, judge, &mut round.seen)?;
            round.lost = round.lost.max(lost);
        }
        trial.board.check_clean(&mut round.seen)?;
        Ok(round)
    })
}

/// Lets the writers work, cuts the power under them, and says what they had acknowledged, by story.
fn cut_at_work(
    trial: &Trial<'_>,
    writers: Writers,
    cut: Cut,
    acknowledgements: usize,
    pause: Duration,
) -> Result<BTreeMap<String, usize>, String> {
    let mut counts = BTreeMap::new();
    let mut count = |line: &str| {
        if let Some(id) = acknowledges(line) {
            *counts.entry(id).or_default() += 1;
        }
    };
    let mut at_work = Vec::new();
    // Each of the two has a story of its own, and one is of both.
    for (name, stories) in [("one", ["S-1", "S-2"]), ("two", ["S-3", "S-2"])] {
        let edits = edits(trial, name, stories)?;
        at_work.push(SecondProcess::spawn(&mut command(
            &trial.board,
            writers,
            edits,
        )));
    }
    for _ in 0..acknowledgements {
        for process in &mut at_work {
            count(&process.next_line(PATIENCE).ok_or("it ended too early")?);
        }
    }
    // The moment is chance's, not a wait for anything.
    thread::sleep(pause);
    for process in &mut at_work {
        process.lines_so_far().iter().for_each(|line| count(line));
    }
    trial.disk.power_off(cut, &trial.board.folder("S-2"))?;
    for process in at_work {
        // What it says after the cut nobody would have heard.
        process.kill_9();
    }
    trial.disk.power_on(cut)?;
    Ok(counts)
}

fn command(board: &Board<'_>, writers: Writers, edits: PathBuf) -> std::process::Command {
    let mut command = board.story();
    command.args(["apply", "--stop-on-error"]).arg(edits);
    if writers == Writers::Fast {
        command.arg("--fast");
    }
    command
}

fn edits(trial: &Trial<'_>, name: &str, stories: [&str; 2]) -> Result<PathBuf, String> {
    let path = trial.disk.aside.join(name);
    let edit = |id: &str| {
        format!(
            "{}\n",
            serde_json::json!({"story": id, "inc": {"count": 1}})
        )
    };
    let lines = stories.map(edit).concat().repeat(UPDATES);
    File::create(&path)
        .and_then(|mut file| file.write_all(lines.as_bytes()))
        .map_err(|err| err.to_string())?;
    Ok(path)
}

/// A small generator (splitmix64): a round's seed gives its moment again.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % end).unwrap_or(0)
    }
}
