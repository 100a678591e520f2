//! The soak: writers, readers, killers, stoppers, vandals and Node peers on a handful of stories, for as long as one
//! likes; at the end of each epoch the log of all changes is compared with what is in the stories.
//!
//! Each story meets its own mischief, so that each keeps a promise that can be checked to the letter; see the kinds in
//! `place.rs`. It drives the real `story` and links none of the crates that it tries.

mod broken;
mod checker;
mod epoch;
mod jobs;
mod mischief;
mod peers;
mod place;
mod readers;
mod report;
mod rng;
mod text;
mod vandals;
mod visitors;
mod writers;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::process::{Pid, getpid, set_child_subreaper};

pub use report::{Report, Sort};

/// What a soak does.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The `story` to try.
    pub story: PathBuf,
    /// An existing folder to work in. An epoch that found something wrong leaves its own folder there.
    pub folder: PathBuf,
    /// How long mischief is done in all.
    pub length: Duration,
    /// How long one set of stories is used.
    pub epoch: Duration,
    /// What chance is taken from. The machine's own timing is not repeated by it.
    pub seed: u64,
    /// Writers for each of the five kinds of story.
    pub writers: usize,
    /// Readers of each story, and as many that ask with `story get`.
    pub readers: usize,
    /// Visitors of the critical sections of two stories.
    pub visitors: usize,
    /// Threads that run `story doctor --fix`.
    pub menders: usize,
    /// Threads that kill.
    pub killers: usize,
    /// Threads that stop.
    pub stoppers: usize,
    /// Threads that harm locks.
    pub vandals: usize,
    /// Node programs, where Node and its packages are there.
    pub peers: usize,
    /// The negative control: writers and visitors take no lock, and nobody does any mischief.
    pub broken: bool,
}

impl Settings {
    /// Two minutes for a machine of two cores.
    pub fn new(story: PathBuf, folder: PathBuf) -> Self {
        Self {
            story,
            folder,
            length: Duration::from_mins(2),
            // Chosen: the stories grow to some ten thousand bytes in that time.
            epoch: Duration::from_secs(20),
            seed: 1,
            writers: 3,
            readers: 1,
            visitors: 2,
            menders: 1,
            killers: 2,
            stoppers: 2,
            vandals: 2,
            peers: 2,
            broken: false,
        }
    }
}

/// Runs a soak; `tell` gets a line at the end of each epoch.
///
/// What must have happened and did not (no kill met a holder, no live lock was deleted) is wrong as well: then the run
/// proves nothing.
///
/// # Panics
///
/// When the soak itself cannot go on: its folder cannot be written, `story` cannot be started.
pub fn run(settings: &Settings, mut tell: impl FnMut(&str)) -> Report {
    // A child of a killed `lock run` is ours then, and can be waited for.
    adopt(Some(getpid()));
    let began = Instant::now();
    let mut sum = Report::default();
    let mut number = 0;
    while began.elapsed() < settings.length {
        let rest = settings.length.saturating_sub(began.elapsed());
        let length = settings.epoch.min(rest.max(Duration::from_secs(2)));
        let report = epoch::run(settings, number, length);
        tell(&format!(
            "epoch {number} at {:.0} s: {} changes, {} kills ({} of a holder), {} stops, {} wrong",
            began.elapsed().as_secs_f64(),
            report.of("changes acknowledged") + report.of("changes by Node peers"),
            report.of("kills"),
            report.of("kills of a holder"),
            report.of("stops"),
            report.wrong_total(),
        ));
        for line in &report.wrong {
            tell(&format!("WRONG: {line}"));
        }
        sum.add(report);
        number += 1;
    }
    if !settings.broken {
        missed(settings, &mut sum);
    }
    adopt(None);
    sum
}

fn adopt(orphans: Option<Pid>) {
    set_child_subreaper(orphans).expect("Linux lets a process adopt its grandchildren");
}

/// Notes what should have happened and did not.
fn missed(settings: &Settings, report: &mut Report) {
    let needed = [
        (settings.killers, "kills of a holder"),
        (settings.killers, "changes of the killed"),
        (settings.killers, "take-overs from the dead"),
        (settings.stoppers, "stops of a holder"),
        (settings.vandals, "deleted live locks"),
        (settings.vandals, "fresh locks of other tools"),
        (settings.visitors, "visits under `lock run`"),
        (settings.readers, "new versions seen by readers"),
        (settings.writers, "saves by an editor"),
    ];
    for (actors, what) in needed {
        if actors > 0 && report.of(what) == 0 {
            report.wrong(Sort::Idle, &format!("the soak proves nothing: no {what}"));
        }
    }
}
