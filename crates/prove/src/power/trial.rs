//! A disk with a board on it, and several of them at work at once.

use std::thread;

use super::board::Board;
use super::disk::{Disk, FileSystem};
use crate::case::{Skip, Tally};
use crate::context::Context;
use crate::share::Point;

/// How many disks are at work at once. Most of a point is waiting: for the kernel to mount, to unmount, to end a process.
const AT_ONCE: usize = 4;

/// A disk with a board on it.
pub struct Trial<'a> {
    /// The disk.
    pub disk: Disk,
    /// The stories on it.
    pub board: Board<'a>,
}

impl<'a> Trial<'a> {
    /// A new one; `name` is its own among those of this run.
    pub fn new(context: &'a Context, fs: FileSystem, name: &str) -> Result<Self, Skip> {
        let disk = Disk::new(context, fs, name, |at| {
            Board::new(context, at).make().map_err(Skip)
        })?;
        let board = Board::new(context, &disk.at);
        Ok(Self { disk, board })
    }

    /// Does `work` on a fresh disk; `what` is said in front of what was wrong.
    pub fn point<T>(
        &self,
        what: &str,
        work: impl FnOnce() -> Result<T, String>,
    ) -> Result<T, String> {
        let outcome = self
            .disk
            .reset()
            .and_then(|()| work())
            .and_then(|done| self.disk.unmount().map(|()| done));
        outcome.map_err(|wrong| {
            self.disk.tidy();
            let line = wrong.trim().replace('\n', " | ");
            format!("{}: {what}: {line}", self.disk.fs.name())
        })
    }
}

/// Does `work` for each of the jobs that this run is to do, on several disks at once. The answers are in the order of the jobs.
pub fn on_disks<J: Point + Sync, R: Send>(
    context: &Context,
    fs: FileSystem,
    jobs: &[J],
    work: impl Fn(&Trial<'_>, &J) -> R + Sync,
) -> Result<Vec<R>, Skip> {
    let jobs: Vec<&J> = context
        .share_of(jobs)
        .into_iter()
        .map(|at| &jobs[at])
        .collect();
    let lane = |lane: usize| -> Result<Vec<R>, Skip> {
        let trial = Trial::new(context, fs, &lane.to_string())?;
        let own = jobs.iter().skip(lane).step_by(AT_ONCE);
        Ok(own.map(|job| work(&trial, job)).collect())
    };
    let lanes: Result<Vec<Vec<R>>, Skip> = thread::scope(|scope| {
        let lane = &lane;
        let lanes: Vec<_> = (0..AT_ONCE)
            .map(|number| scope.spawn(move || lane(number)))
            .collect();
        let ends = lanes.into_iter().map(thread::ScopedJoinHandle::join);
        ends.map(|end| end.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    let mut lanes: Vec<_> = lanes?.into_iter().map(Vec::into_iter).collect();
    let order = (0..jobs.len()).map(|index| index % AT_ONCE);
    Ok(order.filter_map(|lane| lanes[lane].next()).collect())
}

/// A tally of what went wrong before there was a point.
pub fn wrong_at_once(wrong: String) -> Tally {
    Tally {
        wrong: vec![wrong],
        ..Tally::default()
    }
}
