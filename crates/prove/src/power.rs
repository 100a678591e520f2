//! Power cuts: a file system on a disk of our own, cut off at each step of an update, and at any moment.
//!
//! The machine goes on, so a lock of before the cut has a past that a reboot would have ended; see `Board::reboot`.

mod board;
mod calls;
mod commands;
mod disk;
mod each_call;
mod updates;

use crate::case::{Case, Expect};

use disk::FileSystem::{Btrfs, Ext4, Xfs};
use each_call::each_call;
use updates::Update::{Apply, LockRun, Set, SetFast};

/// The cases of this section.
pub const CASES: &[Case] = &[
    promise("power: set, ext4", |context| each_call(context, Ext4, Set)),
    promise("power: set, xfs", |context| each_call(context, Xfs, Set)),
    promise("power: set, btrfs", |context| {
        each_call(context, Btrfs, Set)
    }),
    promise("power: set --fast, ext4", |context| {
        each_call(context, Ext4, SetFast)
    }),
    promise("power: set --fast, xfs", |context| {
        each_call(context, Xfs, SetFast)
    }),
    promise("power: set --fast, btrfs", |context| {
        each_call(context, Btrfs, SetFast)
    }),
    promise("power: apply, ext4", |context| {
        each_call(context, Ext4, Apply)
    }),
    promise("power: apply, xfs", |context| {
        each_call(context, Xfs, Apply)
    }),
    promise("power: apply, btrfs", |context| {
        each_call(context, Btrfs, Apply)
    }),
    promise("power: lock run, ext4", |context| {
        each_call(context, Ext4, LockRun)
    }),
    promise("power: lock run, xfs", |context| {
        each_call(context, Xfs, LockRun)
    }),
    promise("power: lock run, btrfs", |context| {
        each_call(context, Btrfs, LockRun)
    }),
];

type Run = fn(&crate::context::Context) -> Result<crate::case::Tally, crate::case::Skip>;

const fn promise(name: &'static str, run: Run) -> Case {
    Case {
        name,
        expect: Expect::NothingWrong,
        minimum: 25,
        run,
    }
}
