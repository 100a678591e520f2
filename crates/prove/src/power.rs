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
mod leasing;
mod moments;
mod snapshots;
mod state;
mod trial;
mod updates;

use crate::case::{Case, Expect, Skip, Tally};
use crate::context::Context;

use crate::leases::Kind::{Database, Folder};

use controls::{in_place, rename_without_sync, without};
use disk::FileSystem::{Btrfs, Ext4, Xfs};
use each_call::each_call;
use moments::Writers::{Durable, Fast};
use moments::moments;
use state::Subject;
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
    promise("power: lease acquire, folder, ext4", |of| {
        leasing::each_call(of, Ext4, Folder)
    }),
    promise("power: lease acquire, database, ext4", |of| {
        leasing::each_call(of, Ext4, Database)
    }),
    promise("power: lease acquire, folder, xfs", |of| {
        leasing::each_call(of, Xfs, Folder)
    }),
    promise("power: lease acquire, database, xfs", |of| {
        leasing::each_call(of, Xfs, Database)
    }),
    promise("power: lease acquire, folder, btrfs", |of| {
        leasing::each_call(of, Btrfs, Folder)
    }),
    promise("power: lease acquire, database, btrfs", |of| {
        leasing::each_call(of, Btrfs, Database)
    }),
    few("power: leases, any moment, folder, ext4", |of| {
        leasing::moments(of, Ext4, Folder)
    }),
    few("power: leases, any moment, database, ext4", |of| {
        leasing::moments(of, Ext4, Database)
    }),
    few("power: leases, any moment, folder, xfs", |of| {
        leasing::moments(of, Xfs, Folder)
    }),
    few("power: leases, any moment, database, xfs", |of| {
        leasing::moments(of, Xfs, Database)
    }),
    few("power: leases, any moment, folder, btrfs", |of| {
        leasing::moments(of, Btrfs, Folder)
    }),
    few("power: leases, any moment, database, btrfs", |of| {
        leasing::moments(of, Btrfs, Database)
    }),
    control("power: leases without a sync, folder, ext4", |of| {
        leasing::without_sync(of, Ext4, Folder)
    }),
    control("power: leases without a sync, database, ext4", |of| {
        leasing::without_sync(of, Ext4, Database)
    }),
    control("power: leases without a sync, folder, xfs", |of| {
        leasing::without_sync(of, Xfs, Folder)
    }),
    control("power: leases without a sync, database, xfs", |of| {
        leasing::without_sync(of, Xfs, Database)
    }),
    control("power: leases without a sync, folder, btrfs", |of| {
        leasing::without_sync(of, Btrfs, Folder)
    }),
    control("power: leases without a sync, database, btrfs", |of| {
        leasing::without_sync(of, Btrfs, Database)
    }),
    few("power: state set, ext4", |of| {
        state::each_call(of, Ext4, Subject::Set)
    }),
    few("power: state set, xfs", |of| {
        state::each_call(of, Xfs, Subject::Set)
    }),
    few("power: state set, btrfs", |of| {
        state::each_call(of, Btrfs, Subject::Set)
    }),
    few("power: tasks claim, ext4", |of| {
        state::each_call(of, Ext4, Subject::Claim)
    }),
    few("power: tasks claim, xfs", |of| {
        state::each_call(of, Xfs, Subject::Claim)
    }),
    few("power: tasks claim, btrfs", |of| {
        state::each_call(of, Btrfs, Subject::Claim)
    }),
    few("power: tasks done, ext4", |of| {
        state::each_call(of, Ext4, Subject::Done)
    }),
    few("power: tasks done, xfs", |of| {
        state::each_call(of, Xfs, Subject::Done)
    }),
    few("power: tasks done, btrfs", |of| {
        state::each_call(of, Btrfs, Subject::Done)
    }),
    control("power: state set without a sync, ext4", |of| {
        state::without_sync(of, Ext4, Subject::Set)
    }),
    control("power: state set without a sync, xfs", |of| {
        state::without_sync(of, Xfs, Subject::Set)
    }),
    control("power: state set without a sync, btrfs", |of| {
        state::without_sync(of, Btrfs, Subject::Set)
    }),
    control("power: tasks claim without a sync, ext4", |of| {
        state::without_sync(of, Ext4, Subject::Claim)
    }),
    control("power: tasks claim without a sync, xfs", |of| {
        state::without_sync(of, Xfs, Subject::Claim)
    }),
    control("power: tasks claim without a sync, btrfs", |of| {
        state::without_sync(of, Btrfs, Subject::Claim)
    }),
    few("power: snapshot take, ext4", |of| snapshots::take(of, Ext4)),
    few("power: snapshot take, xfs", |of| snapshots::take(of, Xfs)),
    few("power: snapshot take, btrfs", |of| {
        snapshots::take(of, Btrfs)
    }),
    control("power: snapshot take without a sync, ext4", |of| {
        snapshots::without_sync(of, Ext4)
    }),
    control("power: snapshot take without a sync, xfs", |of| {
        snapshots::without_sync(of, Xfs)
    }),
    control("power: snapshot take without a sync, btrfs", |of| {
        snapshots::without_sync(of, Btrfs)
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

/// Fewer cuts are enough where each is one of a series.
const fn few(name: &'static str, run: Run) -> Case {
    Case {
        minimum: 15,
        ..promise(name, run)
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
