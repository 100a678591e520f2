//! Power cuts: a file system on a disk of our own, cut off at each step of an update, and at any moment.
//!
//! The machine itself goes on: no age and no boot tells the next update that the owner of a lock is gone.
//!
//! Not here: a disk that tears a single write, or that says it has flushed and has not.

mod board;
mod calls;
mod commands;
mod controls;
mod disk;
mod each_call;
mod moments;
mod trial;
mod updates;

use crate::case::{Case, Expect, Skip, Tally};
use crate::context::Context;

use controls::{in_place, rename_without_sync, without};
use disk::FileSystem::{Btrfs, Ext4, Xfs};
use each_call::each_call;
use moments::Writers::{Durable, Fast};
use moments::moments;
use updates::Update::{Apply, LockRun, Set, SetFast};

/// The cases of this section.
pub const CASES: &[Case] = &[
    promise("power: set, ext4", |of| each_call(of, Ext4, Set)),
    promise("power: set, xfs", |of| each_call(of, Xfs, Set)),
    promise("power: set, btrfs", |of| each_call(of, Btrfs, Set)),
    promise("power: set --fast, ext4", |of| each_call(of, Ext4, SetFast)),
    promise("power: set --fast, xfs", |of| each_call(of, Xfs, SetFast)),
    promise("power: set --fast, btrfs", |of| {
        each_call(of, Btrfs, SetFast)
    }),
    promise("power: apply, ext4", |of| each_call(of, Ext4, Apply)),
    promise("power: apply, xfs", |of| each_call(of, Xfs, Apply)),
    promise("power: apply, btrfs", |of| each_call(of, Btrfs, Apply)),
    promise("power: lock run, ext4", |of| each_call(of, Ext4, LockRun)),
    promise("power: lock run, xfs", |of| each_call(of, Xfs, LockRun)),
    promise("power: lock run, btrfs", |of| each_call(of, Btrfs, LockRun)),
    promise("power: any moment, ext4", |of| moments(of, Ext4, Durable)),
    promise("power: any moment, xfs", |of| moments(of, Xfs, Durable)),
    promise("power: any moment, btrfs", |of| moments(of, Btrfs, Durable)),
    promise("power: any moment --fast, ext4", |of| {
        moments(of, Ext4, Fast)
    }),
    promise("power: any moment --fast, xfs", |of| moments(of, Xfs, Fast)),
    promise("power: any moment --fast, btrfs", |of| {
        moments(of, Btrfs, Fast)
    }),
    control("power: no sync of the file, ext4", |of| {
        without(of, Ext4, "fdatasync")
    }),
    control("power: no sync of the file, xfs", |of| {
        without(of, Xfs, "fdatasync")
    }),
    control("power: no sync of the file, btrfs", |of| {
        without(of, Btrfs, "fdatasync")
    }),
    control("power: no sync of the folder, ext4", |of| {
        without(of, Ext4, "fsync")
    }),
    control("power: no sync of the folder, xfs", |of| {
        without(of, Xfs, "fsync")
    }),
    control("power: no sync of the folder, btrfs", |of| {
        without(of, Btrfs, "fsync")
    }),
    // Not on ext4, which writes a file out by itself when it is renamed over another one.
    control("power: rename without sync, xfs", |of| {
        rename_without_sync(of, Xfs)
    }),
    control("power: rename without sync, btrfs", |of| {
        rename_without_sync(of, Btrfs)
    }),
    control("power: write in place, ext4", |of| in_place(of, Ext4)),
    control("power: write in place, xfs", |of| in_place(of, Xfs)),
    control("power: write in place, btrfs", |of| in_place(of, Btrfs)),
];

type Run = fn(&Context) -> Result<Tally, Skip>;

const fn promise(name: &'static str, run: Run) -> Case {
    Case {
        name,
        expect: Expect::NothingWrong,
        minimum: 25,
        run,
    }
}

const fn control(name: &'static str, run: Run) -> Case {
    Case {
        name,
        expect: Expect::SomethingWrong,
        minimum: 4,
        run,
    }
}
