//! What is common to the tests that try every call: where to interrupt, how far, and what was wrong there.
//!
//! What is at the sidecar's place at first differs; one of ours takes the lock and gives it back, and is interrupted at
//! its first, second, third call, and so on, until it has made them all. Each is a point; the tests count them.

use rustix::io::Errno;

use super::process::{Process, Said};
use super::stage::Stage;

/// Acquires at once or not at all, stays for a place that is no call, releases.
pub const CYCLE: &str = "cycle 0 60000";

/// What stands at the sidecar's place at first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    Nothing,
    DeadSidecar,
    StaleFile,
    StaleFolder,
}

impl Start {
    pub const ALL: [Self; 4] = [
        Self::Nothing,
        Self::DeadSidecar,
        Self::StaleFile,
        Self::StaleFolder,
    ];

    pub fn set(self, stage: &Stage) {
        match self {
            Self::Nothing => {}
            Self::DeadSidecar => stage.leave_dead_sidecar(),
            Self::StaleFile => {
                stage.put_file();
                stage.make_stale();
            }
            Self::StaleFolder => {
                stage.put_folder();
                stage.make_stale();
            }
        }
    }
}

/// What a file system can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Usual,
    /// It has neither nameless files nor an exchange.
    Poor,
    /// Nor second names, like FAT.
    Fat,
}

impl Place {
    pub const ALL: [Self; 3] = [Self::Usual, Self::Poor, Self::Fat];
}

/// The calls that a poor file system refuses, and how.
pub fn refusal(place: Place, call: &str) -> Option<Errno> {
    match (place, call) {
        (Place::Poor | Place::Fat, "CreateNameless") => Some(Errno::OPNOTSUPP),
        (Place::Poor | Place::Fat, "Exchange") => Some(Errno::INVAL),
        (Place::Fat, "Link") => Some(Errno::PERM),
        _ => None,
    }
}

pub fn step(process: &mut Process, place: Place) -> Said {
    let refusal = process.at().and_then(|call| refusal(place, call));
    match refusal {
        Some(errno) => process.main().refuse(errno),
        None => process.main().step(),
    }
}

/// Begins, and lets it make its first `calls` calls; returns the outcome if it has not so many.
pub fn lead(process: &mut Process, order: &str, place: Place, calls: usize) -> Option<String> {
    let mut said = process.begin(order);
    for _ in 0..calls {
        if !matches!(said, Said::At(_)) {
            break;
        }
        said = step(process, place);
    }
    match said {
        Said::At(_) => None,
        Said::Done(outcome) => Some(outcome),
        Said::Gone => panic!("the process has ended"),
    }
}

/// Lets it go on to the outcome.
pub fn end(process: &mut Process, place: Place) -> String {
    loop {
        match step(process, place) {
            Said::At(_) => {}
            Said::Done(outcome) => return outcome,
            Said::Gone => panic!("the process has ended"),
        }
    }
}

/// What was wrong, and where.
pub struct Findings {
    points: usize,
    wrong: Vec<String>,
}

impl Findings {
    pub const fn new() -> Self {
        Self {
            points: 0,
            wrong: Vec::new(),
        }
    }

    pub fn point(&mut self, place: &str, outcome: Result<(), String>) {
        self.points += 1;
        if let Err(err) = outcome {
            self.wrong.push(format!("{place}: {err}"));
        }
    }

    pub fn add(&mut self, others: Self) {
        self.points += others.points;
        self.wrong.extend(others.wrong);
    }

    pub fn check(&self, least: usize) {
        println!("points tried: {}", self.points);
        assert!(self.wrong.is_empty(), "{:#?}", self.wrong);
        assert!(
            self.points >= least,
            "only {} points: fewer than {least} say nothing",
            self.points
        );
    }
}

pub fn everywhere() -> impl Iterator<Item = (Place, Start)> {
    let places = Place::ALL.into_iter();
    places.flat_map(|place| Start::ALL.map(|start| (place, start)))
}

pub fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise()) }
}
