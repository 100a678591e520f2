//! The ref that keeps a snapshot alive, and the disk that has it.

use std::fs::File;
use std::io;

use super::error::SnapshotError;
use super::trees::Recorded;
use super::{BASE_REF, Snapshot};
use crate::git::{GitError, Repository};
use crate::sys;
use crate::task_id::TaskId;

/// Gives the record a ref of its own, after its objects are on the disk.
pub(crate) fn publish(
    repository: &Repository,
    recorded: &Recorded,
) -> Result<Snapshot, SnapshotError> {
    let damaged = |what| SnapshotError::Damaged {
        id: recorded.id.clone(),
        what,
    };
    let task = TaskId::new(&recorded.about.task).map_err(|err| damaged(err.to_string()))?;
    sync(repository)?;
    let name = format!("{BASE_REF}{}", task.in_ref());
    for number in 1_u32.. {
        let reference = numbered(&name, recorded.about.rescue_of.is_some(), number);
        if create(repository, &reference, &recorded.id)? {
            sync(repository)?;
            if let Err(err) = check_is_whole(repository, recorded) {
                // It would be a promise that nobody can keep, and git refuses to tidy up a repository that has one.
                take_back(repository, &reference, &recorded.id);
                return Err(err);
            }
            return recorded
                .about
                .snapshot(recorded.id.clone(), reference)
                .map_err(damaged);
        }
    }
    unreachable!("there are more numbers than refs")
}

/// The names of a task's snapshots, one after the other. `+` stands in no task's part of it.
fn numbered(name: &str, is_rescue: bool, number: u32) -> String {
    match (is_rescue, number) {
        (false, 1) => name.to_owned(),
        (false, _) => format!("{name}+{number}"),
        (true, 1) => format!("{name}+rescue"),
        (true, _) => format!("{name}+rescue{number}"),
    }
}

/// Makes a ref. `false` where there is one of that name.
fn create(repository: &Repository, reference: &str, id: &str) -> Result<bool, SnapshotError> {
    // The old value zero makes git refuse a ref that is there; a log of it would be one more thing to remove.
    let none = repository.no_id();
    let git = repository.git(["update-ref", reference, id, &none]);
    match git.set("core.logAllRefUpdates=false").run() {
        Ok(_) => Ok(true),
        Err(GitError::Failed { stderr, .. }) if stderr.contains("already exists") => Ok(false),
        Err(err) => Err(err.into()),
    }
}

/// Whether git has everything that the record needs. Objects that nothing refers to yet are gone when somebody prunes the
/// repository between their writing and the ref; from the ref on they are kept.
fn check_is_whole(repository: &Repository, recorded: &Recorded) -> Result<(), SnapshotError> {
    let id = &recorded.id;
    // What HEAD has is not ours to look after; of a partial clone, neither is what its remote has promised.
    let mut words = vec![
        "rev-list".to_owned(),
        "--objects".to_owned(),
        "--quiet".to_owned(),
        "--exclude-promisor-objects".to_owned(),
        id.clone(),
    ];
    words.extend(recorded.about.head.as_ref().map(|head| format!("^{head}")));
    match repository.git(words).run() {
        Ok(_) => Ok(()),
        Err(GitError::Failed { stderr, .. }) => Err(SnapshotError::Vanished {
            id: id.clone(),
            stderr,
        }),
        Err(err) => Err(err.into()),
    }
}

/// Removes a ref that was just made, if it still is what was made.
fn take_back(repository: &Repository, reference: &str, id: &str) {
    if let Err(err) = repository.git(["update-ref", "-d", reference, id]).run() {
        tracing::warn!(%err, reference, "the ref of a snapshot that is not whole is left");
    }
}

/// Waits until everything that was written into the repository is on the disk: what git wrote for us, and what somebody else
/// wrote before and we only refer to, which git does not sync by default.
fn sync(repository: &Repository) -> Result<(), SnapshotError> {
    let path = repository.common_dir().join("objects");
    let synced: io::Result<()> = File::open(&path).and_then(|folder| sys::sync_around(&folder));
    synced.map_err(|source| SnapshotError::Scratch { path, source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbered_names_are_all_different() {
        let names: Vec<_> = (1..3)
            .flat_map(|number| [false, true].map(|rescue| numbered("r/T", rescue, number)))
            .collect();
        assert_eq!(
            names,
            ["r/T", "r/T+rescue", "r/T+2", "r/T+rescue2"],
            "in turn"
        );
    }
}
