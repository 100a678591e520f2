//! The snapshots of a repository: all of them, or the one that somebody means.

use std::collections::BTreeMap;

use super::about::About;
use super::error::SnapshotError;
use super::{BASE_REF, Snapshot};
use crate::git::{GitError, Repository};

/// The fewest digits that name a snapshot: git's own `core.abbrev` shows as many.
const FEWEST_DIGITS: usize = 7;

/// All of them, the oldest first. A ref that is not of our making, or of a later version, is passed over with a warning.
pub(crate) fn list(repository: &Repository) -> Result<Vec<Snapshot>, SnapshotError> {
    let refs = repository.git([
        "for-each-ref",
        "--format=%(objectname) %(refname)",
        BASE_REF,
    ]);
    let refs = refs.run_line()?;
    let mut snapshots = Vec::new();
    let mut blobs = repository.blobs()?;
    let by_name: BTreeMap<&str, &str> = refs
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(id, name)| (name, id))
        .collect();
    for (reference, id) in by_name {
        let read = match blobs.read(&format!("{id}^4:about.json")) {
            Ok(bytes) => About::parse(&bytes),
            Err(GitError::Unexpected { answer, .. }) => Err(answer),
            Err(err) => return Err(err.into()),
        };
        let found = read.and_then(|about| about.snapshot(id.to_owned(), reference.to_owned()));
        match found {
            Ok(snapshot) => snapshots.push(snapshot),
            Err(what) => tracing::warn!(reference, what, "not a snapshot of ours"),
        }
    }
    snapshots.sort_by(|a, b| (a.taken_at, &a.reference).cmp(&(b.taken_at, &b.reference)));
    Ok(snapshots)
}

/// The one that `text` means: a ref, the id of a commit or its beginning, or a task, whose latest it is, but for rescues.
pub(crate) fn choose(snapshots: Vec<Snapshot>, text: &str) -> Result<Snapshot, SnapshotError> {
    let given = || text.to_owned();
    let by_ref = |snapshot: &&Snapshot| {
        let short = snapshot.reference.strip_prefix(BASE_REF);
        snapshot.reference == text
            || short.is_some_and(|short| short.contains('+') && short == text)
    };
    if let Some(found) = snapshots.iter().find(by_ref) {
        return Ok(found.clone());
    }
    // A task may look like the beginning of an id; who gave it that name means the task. Never a rescue: to restore one by the
    // task's name would bring back what was just undone.
    let (rescues, taken): (Vec<_>, Vec<_>) = snapshots
        .iter()
        .filter(|snapshot| snapshot.task.as_str() == text)
        .partition(|snapshot| snapshot.rescue_of.is_some());
    if let Some(found) = taken.last() {
        return Ok((*found).clone());
    }
    let rescues: Vec<String> = rescues.iter().map(|rescue| rescue.id.clone()).collect();
    let digits = text.to_ascii_lowercase();
    let is_id =
        digits.len() >= FEWEST_DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut found: Vec<Snapshot> = snapshots
        .into_iter()
        .filter(|snapshot| is_id && snapshot.id.starts_with(&digits))
        .collect();
    found.dedup_by(|a, b| a.id == b.id);
    match found.len() {
        0 => Err(SnapshotError::NotFound {
            given: given(),
            rescues,
        }),
        1 => Ok(found.remove(0)),
        _ => Err(SnapshotError::Ambiguous {
            given: given(),
            ids: found.into_iter().map(|snapshot| snapshot.id).collect(),
        }),
    }
}
