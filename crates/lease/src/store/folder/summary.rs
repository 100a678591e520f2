//! All leases of an agent, taken together: what stands at the top of its file, for tools that know the schema only. Pure.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::times::{second_after, second_before};
use crate::lease::Lease;
use crate::pattern::Pattern;
use crate::scope::Scope;

/// The union of leases, in whole seconds.
#[derive(Debug)]
pub(super) struct Summary {
    /// The entries of `files`, globs too, each with what is meant by it.
    pub(super) files: BTreeMap<String, Scope>,
    /// The entries of `directories`, likewise.
    pub(super) directories: BTreeMap<String, Scope>,
    /// When the first was acquired; rounded down.
    pub(super) locked_at: Timestamp,
    /// When the last ends; rounded up.
    pub(super) expires_at: Timestamp,
    /// What the latest that has a task is for.
    pub(super) task: Option<String>,
}

impl Summary {
    /// `None` of no leases.
    pub(super) fn of(leases: &[Lease]) -> Option<Self> {
        let locked_at = leases.iter().map(|lease| lease.acquired_at).min()?;
        let expires_at = leases.iter().map(|lease| lease.expires_at).max()?;
        let latest = leases
            .iter()
            .filter(|lease| lease.task.is_some())
            .max_by_key(|lease| (lease.acquired_at, lease.token));
        let mut summary = Self {
            files: BTreeMap::new(),
            directories: BTreeMap::new(),
            locked_at: second_before(locked_at),
            expires_at: second_after(expires_at),
            task: latest.and_then(|lease| lease.task.clone()),
        };
        for pattern in leases.iter().flat_map(|lease| lease.scope.patterns()) {
            let list = match pattern {
                Pattern::Directory(_) => &mut summary.directories,
                Pattern::File(_) | Pattern::Glob(_) => &mut summary.files,
            };
            let meant = list.entry(pattern.to_string()).or_default();
            meant.insert(pattern.clone());
        }
        Some(summary)
    }
}
