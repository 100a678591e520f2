//! Leases on a disk whose power is cut: what was acquired is there, and no token is given out twice.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::Duration;

use testkit::{Finished, SecondProcess};

use super::calls::{Call, baseline, run_killed};
use super::commands::{PATIENCE, run};
use super::disk::{Cut, FileSystem};
use super::trial::{Trial, on_disks, wrong_at_once};
use crate::case::{Skip, Tally};
use crate::context::Context;
use crate::kernel::chance::Chance;
use crate::leases::{Kind, Listed, NOW, is_whole, litter_in, printed_token};

/// Of a longer row a usual run takes as many calls as this, evenly spread.
const POINTS: usize = 30;

/// A cut comes after so many acquisitions at most, and a while that is shorter than one or longer.
const MOST_ACKNOWLEDGED: u64 = 6;
const LONGEST_WHILE_US: u64 = 20_000;

/// What is listed once `FIRST` and `SECOND` were acquired.
const LISTED: [&str; 2] = [
    "a: src/a.txt until 11:00, 1, live",
    "x: docs/ until 11:00, 1, live",
];
const FIRST: [&str; 4] = ["acquire", "docs/", "--as", "x"];
const SECOND: [&str; 4] = ["acquire", "src/a.txt", "--as", "a"];

/// Two writers that acquire one thing after the other; each prints its tokens.
const ACQUIRES: &str =
    r#"i=0; while "$@" "src/$0-$i.txt" --as "$0"; do i=$((i + 1)); done; exit 1"#;

/// What a case saw in the end.
#[derive(Default)]
struct Seen {
    old: usize,
    new: usize,
    acknowledged: usize,
}

/// The store of a trial.
struct Store<'a> {
    trial: &'a Trial<'a>,
    kind: Kind,
}

/// Kills an acquisition at each of its calls and cuts the power, one kind of cut after the other; and the first one of a
/// store is cut after its end in each way that there is.
pub fn each_call(context: &Context, fs: FileSystem, kind: Kind) -> Result<Tally, Skip> {
    let baseline = calls_of(&Trial::new(context, fs, "baseline")?, kind);
    let calls = match baseline {
        Ok(calls) => calls,
        Err(wrong) => return Ok(wrong_at_once(wrong)),
    };
    let kinds = fs.cuts();
    let step = calls.len().div_ceil(POINTS).max(1);
    let cut_at = |index: usize| kinds[index % kinds.len()];
    let sampled = calls.iter();
    let mut jobs: Vec<(Option<&Call>, Cut)> = if context.long {
        sampled
            .flat_map(|call| kinds.iter().map(move |&cut| (Some(call), cut)))
            .collect()
    } else {
        sampled
            .step_by(step)
            .enumerate()
            .map(|(index, call)| (Some(call), cut_at(index)))
            .collect()
    };
    jobs.extend(kinds.iter().map(|&cut| (None, cut)));
    let outcomes = on_disks(context, fs, &jobs, |trial, &(call, cut)| {
        let store = Store { trial, kind };
        match call {
            Some(call) => store.killed_at(call, cut),
            None => store.cut_after_the_first(cut),
        }
    })?;
    Ok(tally(outcomes, calls.len()))
}

/// Lets two agents acquire one thing after the other, and cuts the power at moments that the seed chooses.
pub fn moments(context: &Context, fs: FileSystem, kind: Kind) -> Result<Tally, Skip> {
    let rounds = if context.long {
        200
    } else {
        context.rounds(20)
    };
    let jobs: Vec<u64> = (0..rounds).collect();
    let outcomes = on_disks(context, fs, &jobs, |trial, &round| {
        let seed = context.seed.wrapping_mul(1_000_003).wrapping_add(round);
        Store { trial, kind }.cut_at_work(seed)
    })?;
    Ok(tally(outcomes, 0))
}

/// An acquisition whose syncs are a lie: they succeed and do nothing.
pub fn without_sync(context: &Context, fs: FileSystem, kind: Kind) -> Result<Tally, Skip> {
    let lie: [OsString; 2] = ["-e".into(), "inject=fsync,fdatasync:retval=0".into()];
    let outcomes = on_disks(context, fs, fs.cuts(), |trial, &cut| {
        let store = Store { trial, kind };
        trial.point(&format!("{cut:?} after the end, without a sync"), || {
            let told = run_killed(&store.lease(&SECOND), None, &lie);
            store.cut(cut)?;
            store.judged(None, &told)
        })
    })?;
    let is_lost = |outcome: &Result<Seen, String>| match outcome {
        Ok(_) => true,
        Err(wrong) => wrong.contains("LOST") || wrong.contains("TORN"),
    };
    // A control that fails for another reason proves nothing.
    Ok(tally(outcomes.into_iter().filter(is_lost).collect(), 0))
}

/// The calls of the second acquisition when nothing is in its way.
fn calls_of(trial: &Trial<'_>, kind: Kind) -> Result<Vec<Call>, String> {
    let store = Store { trial, kind };
    trial.point("its way, uncut", || {
        store.acquired(&FIRST)?;
        let trace = trial.disk.aside.join("trace");
        let calls = baseline(&store.lease(&SECOND), &trial.disk.at, &trace)?;
        match store.list()?.leases {
            listed if listed == LISTED => Ok(calls),
            listed => Err(format!("uncut it leads to {listed:?}")),
        }
    })
}

fn tally(outcomes: Vec<Result<Seen, String>>, calls: usize) -> Tally {
    let mut tally = Tally::default();
    let mut sum = Seen::default();
    for outcome in outcomes {
        if let Ok(seen) = &outcome {
            sum.old += seen.old;
            sum.new += seen.new;
            sum.acknowledged += seen.acknowledged;
        }
        tally.point(outcome.map(drop));
    }
    let Seen {
        old,
        new,
        acknowledged,
    } = sum;
    tally.note = format!("{calls} calls, {acknowledged} acknowledged; {old} old, {new} new");
    tally
}

impl Store<'_> {
    fn killed_at(&self, call: &Call, cut: Cut) -> Result<Seen, String> {
        let what = format!("{:?}, killed at {call}, cut {cut:?}", self.kind);
        self.trial.point(&what, || {
            let before = self.acquired(&FIRST)?;
            let told = run_killed(&self.lease(&SECOND), Some(call), &[]);
            self.cut(cut)?;
            self.judged(Some(before), &told)
        })
    }

    fn cut_after_the_first(&self, cut: Cut) -> Result<Seen, String> {
        let what = format!("{:?}, the first, cut {cut:?}", self.kind);
        self.trial.point(&what, || {
            let told = run(&mut self.lease(&SECOND));
            self.cut(cut)?;
            self.judged(None, &told)
        })
    }

    fn cut_at_work(&self, seed: u64) -> Result<Seen, String> {
        let mut chance = Chance::new(seed, "leases");
        let cuts = self.trial.disk.fs.cuts();
        let cut = cuts[usize::try_from(chance.below(cuts.len() as u64)).unwrap_or_default()];
        let answers = chance.below(MOST_ACKNOWLEDGED);
        let pause = Duration::from_micros(chance.below(LONGEST_WHILE_US));
        let what = format!(
            "{:?}, seed {seed}, {answers} answers, then {pause:?}, {cut:?}",
            self.kind
        );
        self.trial.point(&what, || {
            let mut at_work = ["one", "two"].map(|name| self.writer(name));
            let mut printed = Vec::new();
            for _ in 0..answers {
                for process in &mut at_work {
                    printed.push(process.next_line(PATIENCE).ok_or("it ended too early")?);
                }
            }
            // The moment is chance's, not a wait for anything.
            thread::sleep(pause);
            for process in &mut at_work {
                printed.extend(process.lines_so_far());
            }
            self.trial.disk.power_off(cut, &self.folder())?;
            for process in at_work {
                // What it says after the cut nobody would have heard.
                process.kill_9();
            }
            self.trial.disk.power_on(cut)?;
            self.all_there(&printed)
        })
    }

    /// What was there before is there; what was acknowledged is there; and the store goes on.
    fn judged(&self, before: Option<u64>, told: &Finished) -> Result<Seen, String> {
        let now = self.list()?;
        let printed = printed_token(&told.stdout);
        for (token, what) in [(before, "earlier"), (printed, "ACKNOWLEDGED")] {
            if token.is_some_and(|token| !now.tokens.contains(&token)) {
                return Err(format!("an {what} lease is LOST: {token:?} of {now:?}"));
            }
        }
        let expected = &LISTED[..if before.is_some() { 2 } else { 1 }];
        let is_new = now.leases == expected;
        if !is_new && now.leases != expected[1..] {
            return Err(format!("neither old nor new: {now:?}"));
        }
        self.goes_on(&now, printed)?;
        Ok(Seen {
            old: usize::from(!is_new),
            new: usize::from(is_new),
            acknowledged: usize::from(printed.is_some()),
        })
    }

    fn all_there(&self, printed: &[String]) -> Result<Seen, String> {
        let now = self.list()?;
        let printed: Result<Vec<u64>, _> = printed.iter().map(|line| line.parse()).collect();
        let printed = printed.map_err(|err| format!("no token: {err}"))?;
        if let Some(lost) = printed.iter().find(|token| !now.tokens.contains(token)) {
            return Err(format!("an ACKNOWLEDGED lease is LOST: {lost} of {now:?}"));
        }
        self.goes_on(&now, printed.iter().copied().max())?;
        Ok(Seen {
            old: 0,
            new: now.tokens.len(),
            acknowledged: printed.len(),
        })
    }

    /// The next acquisition needs no wait, its token is higher than all, and nothing else lies there.
    fn goes_on(&self, now: &Listed, printed: Option<u64>) -> Result<(), String> {
        let highest = printed.unwrap_or_default().max(now.highest());
        let mut tokens = now.tokens.clone();
        tokens.sort_unstable();
        tokens.dedup();
        if tokens.len() != now.tokens.len() {
            return Err(format!("one token for two leases: {now:?}"));
        }
        let next =
            self.acquired(&["acquire", "elsewhere.txt", "--as", "next", "--timeout", "0"])?;
        if next <= highest {
            return Err(format!("the token {next} after {highest}: {now:?}"));
        }
        match self.kind {
            Kind::Database => is_whole(&self.path()),
            Kind::Folder => self.is_tidy(),
        }
    }

    /// On btrfs a cut can take a lock and leave the file beside it (docs/reliability.md, "Not promised").
    fn is_tidy(&self) -> Result<(), String> {
        let litter = litter_in(&self.path());
        if litter.is_empty() || self.trial.disk.fs == FileSystem::Btrfs {
            return Ok(());
        }
        Err(format!("the next acquisition does not sweep {litter:?}"))
    }

    fn list(&self) -> Result<Listed, String> {
        let listed = run(&mut self.lease(&["list", "--json", "--timeout", "0"]));
        let list = Listed::of(&listed.stdout);
        match list {
            Some(list) if listed.status.success() && listed.stderr.is_empty() => Ok(list),
            _ => Err(format!("the store is TORN: {listed:?}")),
        }
    }

    fn acquired(&self, arguments: &[&str]) -> Result<u64, String> {
        let finished = run(&mut self.lease(arguments));
        printed_token(&finished.stdout).ok_or_else(|| format!("{arguments:?}: {finished:?}"))
    }

    fn lease(&self, arguments: &[&str]) -> Command {
        let mut command = self.trial.board.story();
        command.arg("lease").arg("--store").arg(self.path());
        command.args(["--now", NOW]).args(arguments);
        command
    }

    fn writer(&self, name: &str) -> SecondProcess {
        let acquire = self.lease(&["acquire"]);
        let mut shell = Command::new("sh");
        shell.args(["-c", ACQUIRES, name]);
        shell.arg(acquire.get_program()).args(acquire.get_args());
        testkit::without_settings(&mut shell);
        SecondProcess::spawn(&mut shell)
    }

    fn cut(&self, cut: Cut) -> Result<(), String> {
        self.trial.disk.cut(cut, &self.folder())
    }

    fn path(&self) -> PathBuf {
        self.trial.board.root.join(self.kind.name())
    }

    /// The folder at work.
    fn folder(&self) -> PathBuf {
        match self.kind {
            // It may not be there yet.
            Kind::Folder if self.path().exists() => self.path(),
            _ => self.trial.board.root.clone(),
        }
    }
}
