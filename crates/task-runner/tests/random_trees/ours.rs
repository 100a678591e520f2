//! The operations under test, as these cases use them.

use std::path::Path;

use jiff::Timestamp;
use task_runner::{
    AtomicSnapshot, Drop, DropError, Dropped, Head, NothingShared, RestoreError, RestoreOptions,
    Restored, Snapshot, SnapshotError, TakeOptions, Taken, TaskId,
};

use crate::plan::HeadTo;

fn snapshots(top: &Path) -> AtomicSnapshot {
    AtomicSnapshot::open(top).expect("it is a working tree")
}

/// Records the tree.
pub fn take(top: &Path, task: &str) -> Result<Taken, SnapshotError> {
    let task = TaskId::new(task).expect("a good name");
    snapshots(top).take(&TakeOptions::new(task, Timestamp::now()), &NothingShared)
}

/// The snapshot that this id names.
pub fn found(top: &Path, id: &str) -> Snapshot {
    snapshots(top).find(id).expect("it was taken")
}

/// Whether its ref is there.
pub fn is_there(top: &Path, snapshot: &Snapshot) -> bool {
    let all = snapshots(top).list().expect("the refs can be read");
    all.iter()
        .any(|other| other.reference == snapshot.reference)
}

/// Brings the tree back.
pub fn restore(top: &Path, snapshot: &Snapshot, head: HeadTo) -> Result<Restored, RestoreError> {
    let options = RestoreOptions {
        head: match head {
            HeadTo::Keep => Head::Keep,
            HeadTo::Back => Head::Back,
        },
        ..RestoreOptions::new(Timestamp::now())
    };
    snapshots(top).restore(snapshot, &options, &NothingShared)
}

/// Lets go of a snapshot that holds the only copy of nothing.
pub fn drop(top: &Path, snapshot: &Snapshot) -> Result<Dropped, DropError> {
    snapshots(top).drop(snapshot, Drop::IfSafe)
}
