//! Who has the lock of a tree, or had it.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use sidecar_lock::{Holder, Printable};

use super::foreign_lock::{ForeignRecord, age_at};
use crate::process;
use crate::sys;

/// The members that a record of ours has beside those of `sidecar-lock`.
pub(super) const TASK_ID: &str = "task_id";
pub(super) const TIMESTAMP: &str = "timestamp";

/// Who has the lock of a tree, as far as its file tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TreeHolder {
    /// The process that took it.
    pub pid: Option<u32>,
    /// The task that it runs.
    pub task_id: Option<String>,
    /// When it was taken.
    pub since: Option<Timestamp>,
    /// The machine.
    pub host: Option<String>,
    /// Free text: who.
    pub owner: Option<String>,
    /// The command.
    pub command: Option<String>,
    /// Whose kind of lock it is.
    pub kind: HolderKind,
    /// What `story lock break` takes to remove this one lock by hand.
    pub token: Option<String>,
    /// The process that took it has died; these, which it started, still run and keep the lock. Only what this user may look
    /// at is known.
    pub outlived_by: Vec<u32>,
    /// Nobody runs who could have it, as far as can be known: it is freed so much later if nobody touches it, in milliseconds.
    pub freed_in_ms: Option<u64>,
}

/// Whose kind of lock it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum HolderKind {
    /// One of ours: the kernel says whether its holder lives.
    Ours,
    /// Ours by its kernel lock, but its record cannot be read: a later version, or just being written.
    Unreadable,
    /// Another tool's.
    Foreign,
}

impl TreeHolder {
    pub(super) fn ours(holder: &Holder) -> Self {
        let text = |name| holder.extra.get(name).and_then(Value::as_str);
        let since = text(TIMESTAMP).unwrap_or(&holder.acquired_at);
        Self {
            pid: Some(holder.pid),
            task_id: text(TASK_ID).map(str::to_owned),
            since: since.parse().ok(),
            host: Some(holder.host.clone()).filter(|host| !host.is_empty()),
            owner: holder.owner.clone(),
            command: holder.command.clone(),
            kind: HolderKind::Ours,
            token: Some(holder.token.clone()),
            outlived_by: Vec::new(),
            freed_in_ms: None,
        }
    }

    /// The same for a lock that is held: its holder may have died, and left it to a process that it started.
    pub(super) fn ours_held(holder: &Holder, sidecar: &Path) -> Self {
        let mut found = Self::ours(holder);
        if process::is_gone(holder) {
            found.outlived_by = sys::who_has_locked(sidecar);
        }
        found
    }

    pub(super) fn unreadable() -> Self {
        Self {
            kind: HolderKind::Unreadable,
            ..Self::foreign(&ForeignRecord::default(), None)
        }
    }

    pub(super) fn foreign(record: &ForeignRecord, token: Option<String>) -> Self {
        Self {
            pid: record.pid,
            task_id: record.task_id.clone(),
            since: record.written_at,
            host: record.host.clone(),
            owner: None,
            command: None,
            kind: HolderKind::Foreign,
            token,
            outlived_by: Vec::new(),
            freed_in_ms: None,
        }
    }
}

impl fmt::Display for TreeHolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            HolderKind::Ours => "a run",
            HolderKind::Unreadable => "a live process whose record cannot be read",
            HolderKind::Foreign => "another tool",
        };
        match &self.task_id {
            Some(task) => write!(f, "task {}", Printable(task))?,
            None => f.write_str(what)?,
        }
        if let Some(pid) = self.pid {
            write!(f, ", pid {pid}")?;
        }
        if let Some(host) = &self.host {
            write!(f, " on {}", Printable(host))?;
        }
        if let Some(owner) = &self.owner {
            write!(f, " for \"{}\"", Printable(owner))?;
        }
        if let Some(since) = self.since {
            write!(f, ", since {since}")?;
        }
        if !self.outlived_by.is_empty() {
            let pids: Vec<String> = self.outlived_by.iter().map(u32::to_string).collect();
            write!(
                f,
                "; that process has died, but what it started still runs: pid {}",
                pids.join(", ")
            )?;
        }
        if let Some(freed_in) = self.freed_in_ms {
            let freed_in = rough(Duration::from_millis(freed_in));
            write!(
                f,
                "; no such process is seen here, so it is freed in {freed_in}"
            )?;
        }
        Ok(())
    }
}

/// A lock that was left over by somebody who died, and was freed: worth a warning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Freed {
    /// Who had it; `None` where its record could not be read.
    pub holder: Option<Box<TreeHolder>>,
    /// How old it was, in milliseconds, where it said when it was taken.
    pub age_ms: Option<u64>,
}

impl Freed {
    pub(super) fn of(holder: TreeHolder, now: Timestamp) -> Self {
        let age = holder.since.map(|since| age_at(since, now));
        Self {
            age_ms: age.map(millis),
            holder: Some(Box::new(holder)),
        }
    }

    pub(super) fn unreadable() -> Self {
        Self {
            holder: None,
            age_ms: None,
        }
    }
}

impl fmt::Display for Freed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("freed a lock of the tree whose holder is gone")?;
        if let Some(holder) = &self.holder {
            write!(f, ": {holder}")?;
        }
        match self.age_ms {
            Some(age) => write!(f, " ({} old)", rough(Duration::from_millis(age))),
            None => Ok(()),
        }
    }
}

pub(super) fn millis(length: Duration) -> u64 {
    u64::try_from(length.as_millis()).unwrap_or(u64::MAX)
}

/// A length of time for people: two figures are enough.
fn rough(length: Duration) -> String {
    match length.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    }
}
