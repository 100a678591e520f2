//! A cut at each system call of an update.

use std::ffi::OsString;

use super::board::{Board, Seen};
use super::calls::{Call, baseline, run_killed};
use super::disk::{Cut, Disk, FileSystem};
use super::updates::{ONE, Update, acknowledged};
use crate::case::{Skip, Tally};
use crate::context::Context;

/// Kills the update at each of its calls and cuts the power. A usual run takes one kind of cut after the other, and at
/// the end all of them; a long one all of them at each call.
pub fn each_call(context: &Context, fs: FileSystem, update: Update) -> Result<Tally, Skip> {
    let trial = Trial::new(context, fs, update)?;
    let mut tally = Tally::default();
    let mut seen = Seen::default();
    let calls = match trial.calls() {
        Ok(calls) => calls,
        Err(wrong) => return Ok(wrong_at_once(wrong)),
    };
    let kinds = fs.cuts();
    let mut acknowledgements = 0;
    for (index, call) in calls.iter().map(Some).chain([None]).enumerate() {
        let turn = (index as u64 + context.seed) % kinds.len() as u64;
        for (kind, &cut) in kinds.iter().enumerate() {
            if context.long || call.is_none() || kind as u64 == turn {
                let outcome = trial.point(call, cut, &[], &mut seen);
                acknowledgements += outcome.as_ref().copied().unwrap_or(0);
                tally.point(outcome.map(drop));
            }
        }
    }
    tally.note = format!(
        "{} calls, {acknowledgements} acknowledged; {seen}",
        calls.len()
    );
    Ok(tally)
}

/// A tally of what went wrong before there was a point.
pub fn wrong_at_once(wrong: String) -> Tally {
    Tally {
        wrong: vec![wrong],
        ..Tally::default()
    }
}

/// An update on a disk.
pub struct Trial<'a> {
    /// The disk.
    pub disk: Disk,
    /// The stories on it.
    pub board: Board<'a>,
    context: &'a Context,
    update: Update,
}

impl<'a> Trial<'a> {
    /// A disk with a board on it.
    pub fn new(context: &'a Context, fs: FileSystem, update: Update) -> Result<Self, Skip> {
        let disk = Disk::new(context, fs, |at| {
            Board::new(context, at).make().map_err(Skip)
        })?;
        let board = Board::new(context, &disk.at);
        Ok(Self {
            disk,
            board,
            context,
            update,
        })
    }

    /// The calls of the update when nothing is in its way.
    fn calls(&self) -> Result<Vec<Call>, String> {
        self.disk.reset()?;
        let place = self.context.folder("power");
        let command = self.update.command(&self.board, &place)?;
        let calls = baseline(&command, &self.disk.at, &place.join("trace"))?;
        for id in self.update.stories() {
            let version = self.board.version(id)?;
            self.update.judge(version, true)?;
        }
        self.disk.unmount()?;
        Ok(calls)
    }

    /// Kills the update at a call (or not), cuts the power, and checks everything. Says how many updates were acknowledged.
    ///
    /// `extra` are further arguments for strace.
    pub fn point(
        &self,
        call: Option<&Call>,
        cut: Cut,
        extra: &[OsString],
        seen: &mut Seen,
    ) -> Result<usize, String> {
        self.point_inner(call, cut, extra, seen).map_err(|wrong| {
            let fs = self.disk.fs.name();
            let at = call.map_or("the end".to_owned(), |call| {
                format!("{}#{}", call.name, call.count)
            });
            format!(
                "{:?} on {fs}, killed at {at}, cut {cut:?}: {wrong}",
                self.update
            )
        })
    }

    fn point_inner(
        &self,
        call: Option<&Call>,
        cut: Cut,
        extra: &[OsString],
        seen: &mut Seen,
    ) -> Result<usize, String> {
        self.disk.reset()?;
        let place = self.context.folder("power");
        let command = self.update.command(&self.board, &place)?;
        let finished = run_killed(&command, call, extra);
        let acknowledged = acknowledged(&finished);
        if call.is_none() && acknowledged.len() != self.update.stories().len() {
            return Err(format!("it failed by itself: {finished:?}"));
        }
        let folder = self.board.path(ONE).with_file_name("");
        self.disk.cut(cut, &folder)?;
        for id in self.update.stories() {
            let judge = |found| self.update.judge(found, acknowledged.contains(id));
            self.board.check(id, judge, seen)?;
        }
        self.board.check_clean()?;
        self.disk.unmount()?;
        Ok(acknowledged.len())
    }
}
