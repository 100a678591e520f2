//! After a lock was taken over: what its last owner may have left is cleaned up before the file is read.

use atomic_file::sweep_beside;
use sidecar_lock::{ForeignKind, LockGuard, TookOver};

use crate::lock::locked_by;
use crate::warning::Warning;

/// Cleans up beside a file whose lock was taken over from a dead owner; nothing to do for any other.
///
/// Before the read, because a version that somebody saved may come back by it. Afterwards the dead one's lock tells nobody
/// any more. What goes wrong is told, and a later sweep does it.
pub fn clean_up_after_the_dead(guard: &LockGuard) -> Vec<Warning> {
    let Some(took_over) = guard.took_over() else {
        return Vec::new();
    };
    sweep_locks_beside(guard);
    if may_be_of_the_dead(took_over) {
        sweep_file_of(guard)
    } else {
        Vec::new()
    }
}

/// Removes what others left beside a lock that died while they took it over.
pub fn sweep_locks_beside(guard: &LockGuard) {
    if let Err(err) = guard.sweep_temporaries() {
        tracing::warn!(%err, "leftovers of lock files not swept");
    }
}

/// Whether a lock that was taken over may have belonged to one of ours, which may have died in a commit.
///
/// So may a file that looks like another tool's: nobody syncs a sidecar, and a power cut leaves it empty or full of
/// zeros as a rule.
fn may_be_of_the_dead(took_over: &TookOver) -> bool {
    match took_over {
        TookOver::Foreign(lock) => lock.kind == ForeignKind::File,
        _ => true,
    }
}

/// Only where the lock's owner died can a writer of ours have died in the middle of a commit; the usual update never
/// lists the folder.
fn sweep_file_of(guard: &LockGuard) -> Vec<Warning> {
    let path = guard.resource();
    let swept = match sweep_beside(locked_by(guard)) {
        Ok(swept) => swept,
        Err(err) => return vec![Warning::not_swept(path, Some(err))],
    };
    let busy = swept.busy.then(|| Warning::not_swept(path, None));
    let restored = swept.restored.into_iter();
    let rescued = swept.rescued.into_iter();
    busy.into_iter()
        .chain(restored.map(|path| Warning::Restored { path }))
        .chain(rescued.map(|rescued| Warning::rescued(path, rescued)))
        .collect()
}
