//! `story doctor --audit DIR`: who writes shared files without holding their lock.
//!
//! All folders below DIR are watched through one queue of the kernel (inotify), so what happened to a file and what happened
//! to its sidecar are known in the order in which they happened; [`judge`] says what follows from it. What can be seen from
//! outside is told, no more:
//!
//! # Blind spots
//!
//! - **What the kernel does not tell**: writes through `mmap`, writes on another machine (NFS, SMB and other network file
//!   systems), and writes through another name of the file that lies outside of DIR (hard links, bind mounts).
//! - **Other ways to lock**: a tool that holds a lock which is no sidecar (`flock` on the file itself, a database, a queue)
//!   is told as one that does not lock.
//! - **Somebody else's lock**: a write in place while another holds the lock is told only where that owner commits in our way
//!   in the same tenure, which shows that it writes nothing in place. While `story with`, `story lock run` or another tool
//!   holds the lock, whoever writes may be the owner.
//! - **An owner who died a moment ago** counts as alive until somebody has looked ([`LOOK_AT_OWNERS`]).
//! - **The first moment of a new folder**: what was written into it before it was watched is not judged.
//! - **A queue that overflows** loses events: that is told, and everything is looked at anew; what changed meanwhile is not
//!   judged.
//! - **Who it was** is known only while the file is still open for writing, and of other users' processes only to root.
//! - Folders of git and of installed packages, and those that are tagged as caches, are not looked into.

mod judge;
mod looking;
mod shared;
mod telling;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use self::judge::{Judge, Lock, Past, What};
use self::shared::Shared;
use self::telling::Telling;
use crate::args::DoctorArgs;
use crate::failure::{Code, Failure};
use crate::failure_sources::code_of_io;
use crate::output::Output;
use crate::places::is_missing;
use crate::settings::Settings;
use crate::signals;
use crate::sys::{self, Change, ChangeEvents, ChangeKind, Waited};

/// How often the owners of locks are looked at: a dead one's lock guards nothing. Chosen: a look costs microseconds.
const LOOK_AT_OWNERS: Duration = Duration::from_millis(200);
/// How long events that never end may go on after the time is over. Chosen.
const LONGEST_END: Duration = Duration::from_secs(2);

/// Watches until the time is over or a signal comes. Returns 7 when somebody wrote past the lock, else 0.
///
/// # Errors
///
/// [`Failure`] when the folder cannot be watched, or stdout does not take a finding.
pub fn run(
    folder: &Path,
    args: &DoctorArgs,
    settings: &Settings,
    output: &Output,
) -> Result<u8, Failure> {
    signals::note();
    let root = fs::canonicalize(folder).map_err(|err| unwatchable(folder, &err))?;
    let mut audit = Audit::begin(root, args, settings, output)?;
    let deadline = args.duration.map(|duration| Instant::now() + duration);
    while let Some(timeout) = audit.time_left(deadline) {
        if audit.is_drained()? && audit.events.wait(timeout) == Waited::Unheard {
            break;
        }
    }
    // The signal was asked for: it is how an audit without an end is ended.
    sys::forget_arrived();
    audit.telling.end()
}

fn unwatchable(folder: &Path, err: &io::Error) -> Failure {
    let code = match err.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Code::NotFound,
        _ => code_of_io(err),
    };
    let failure = Failure::new(code, format!("cannot watch {}", folder.display()))
        .cause(err.to_string())
        .at(folder);
    match err.kind() {
        io::ErrorKind::Unsupported => failure.hint("an audit needs the events of Linux"),
        _ => failure,
    }
}

fn globs(patterns: &[String]) -> Result<GlobSet, Failure> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        let glob = GlobBuilder::new(pattern).literal_separator(true).build();
        set.add(glob.map_err(|err| Failure::usage(format!("--also {pattern}: {err}")))?);
    }
    set.build()
        .map_err(|err| Failure::usage(format!("--also: {err}")))
}

/// A folder as it was listed.
struct Listed {
    folder: PathBuf,
    sidecars: Vec<(PathBuf, Lock)>,
}

/// One audit.
struct Audit<'a> {
    root: PathBuf,
    events: ChangeEvents,
    judge: Judge,
    telling: Telling<'a>,
    /// Folders that were listed, whose events until then may still be in the queue.
    listed: Vec<Listed>,
    stale_after: Duration,
    owners_seen_at: Instant,
    /// When it was first seen that the time is over.
    over_since: Option<Instant>,
    is_gone: bool,
}

impl<'a> Audit<'a> {
    /// Watches everything, and says so.
    fn begin(
        root: PathBuf,
        args: &DoctorArgs,
        settings: &'a Settings,
        output: &'a Output,
    ) -> Result<Self, Failure> {
        let shared = Shared::new(root.clone(), globs(&args.also)?);
        let mut events = ChangeEvents::new().map_err(|err| unwatchable(&root, &err))?;
        events.add(&root).map_err(|err| unwatchable(&root, &err))?;
        let mut audit = Self {
            events,
            judge: Judge::new(shared),
            telling: Telling::new(settings, output),
            listed: Vec::new(),
            stale_after: settings.stale_after(),
            owners_seen_at: Instant::now(),
            over_since: None,
            is_gone: false,
            root,
        };
        audit.cover_all()?;
        while !audit.is_drained()? {}
        let (root, folders) = (audit.root.clone(), audit.events.count());
        audit.telling.begin(&root, folders)?;
        Ok(audit)
    }

    /// How long to wait at most; `None`: it is over.
    fn time_left(&mut self, deadline: Option<Instant>) -> Option<Duration> {
        let left = deadline.map_or(LOOK_AT_OWNERS, |deadline| {
            deadline.saturating_duration_since(Instant::now())
        });
        if self.is_gone {
            return None;
        }
        if !left.is_zero() && signals::pending().is_none() {
            return Some(left.min(LOOK_AT_OWNERS));
        }
        // What came until now is still judged.
        let over_since = *self.over_since.get_or_insert_with(Instant::now);
        if self.is_drained().is_ok_and(|drained| drained) || over_since.elapsed() > LONGEST_END {
            return None;
        }
        Some(Duration::ZERO)
    }

    /// Takes some of the events that have come; whether there were none.
    fn is_drained(&mut self) -> Result<bool, Failure> {
        let changes = self.events.take();
        if !changes.is_empty() {
            for change in changes {
                self.take(change)?;
            }
            return Ok(false);
        }
        for Listed { folder, sidecars } in std::mem::take(&mut self.listed) {
            self.judge.settle(&folder, sidecars);
        }
        let found = self.judge.drained(&mut looking::keeper_of);
        self.tell(&found)?;
        if self.owners_seen_at.elapsed() >= LOOK_AT_OWNERS {
            self.owners_seen_at = Instant::now();
            for sidecar in self.judge.held() {
                if let Some(Lock::Dead(owner)) = looking::state_of(&sidecar, self.stale_after) {
                    self.judge.dies(sidecar, owner);
                }
            }
        }
        Ok(true)
    }

    fn take(&mut self, change: Change) -> Result<(), Failure> {
        match change {
            Change::File(path, kind) => self.judged(path, what_of(kind)),
            // A folder can be a lock of another tool.
            Change::Folder(path, kind) if shared::is_sidecar(&path) => {
                self.judged(path, what_of(kind))
            }
            Change::Folder(path, kind) => self.folder(&path, kind),
            Change::Unwatched(folder) => {
                self.judge.forget_below(&folder);
                if folder != self.root {
                    return Ok(());
                }
                self.is_gone = true;
                self.telling.blind("the folder is gone")
            }
            Change::Lost => {
                self.judge.forget();
                self.telling
                    .blind("events were lost: what changed meanwhile was not judged")?;
                self.cover_all()
            }
        }
    }

    fn judged(&mut self, path: PathBuf, what: What) -> Result<(), Failure> {
        let found = self.judge.take(path, what, &mut looking::keeper_of);
        self.tell(&found)
    }

    fn tell(&mut self, found: &[Past]) -> Result<(), Failure> {
        found.iter().try_for_each(|past| self.telling.past(past))
    }

    /// A folder came or went.
    fn folder(&mut self, path: &Path, kind: ChangeKind) -> Result<(), Failure> {
        match kind {
            ChangeKind::Created | ChangeKind::MovedHere(_) if path.starts_with(&self.root) => {
                self.cover(path)
            }
            ChangeKind::MovedAway(_) => {
                self.events.remove_below(path);
                self.judge.forget_below(path);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Watches everything below the root, and the folder above it, where the sidecar of a folder stands.
    fn cover_all(&mut self) -> Result<(), Failure> {
        let root = self.root.clone();
        if let Some(above) = root.parent()
            && self.events.add(above).is_ok()
        {
            self.list(above);
        }
        self.cover(&root)
    }

    /// Watches a folder and all below it. Watched first, then listed: what happens in between is seen twice rather than never.
    fn cover(&mut self, folder: &Path) -> Result<(), Failure> {
        let mut folders = vec![folder.to_path_buf()];
        while let Some(folder) = folders.pop() {
            let is_root = folder == self.root;
            let name = folder.file_name().unwrap_or_default();
            let is_skipped =
                !shared::is_looked_into(name) || folder.join(shared::CACHE_TAG).exists();
            if is_skipped && !is_root {
                continue;
            }
            match self.events.add(&folder) {
                Ok(()) => folders.extend(self.list(&folder)),
                // It was removed again, or is a link by now.
                Err(err) if is_missing(&err) || err.kind() == io::ErrorKind::NotADirectory => {}
                Err(err) => {
                    let reason = format!("{} is not watched: {err}", folder.display());
                    self.telling.blind(&reason)?;
                }
            }
        }
        Ok(())
    }

    /// Lists a folder that is watched; returns the folders in it.
    fn list(&mut self, folder: &Path) -> Vec<PathBuf> {
        self.judge.begin(folder.to_path_buf());
        let entries = sys::entries_of(folder).unwrap_or_default();
        let (sidecars, others): (Vec<_>, Vec<_>) = entries
            .into_iter()
            .partition(|path| shared::is_sidecar(path));
        let stale_after = self.stale_after;
        let sidecars = sidecars
            .into_iter()
            .filter_map(|path| {
                let lock = looking::state_of(&path, stale_after)?;
                Some((path, lock))
            })
            .collect();
        let folder = folder.to_path_buf();
        self.listed.push(Listed { folder, sidecars });
        let is_folder =
            |path: &PathBuf| fs::symlink_metadata(path).is_ok_and(|found| found.is_dir());
        others.into_iter().filter(is_folder).collect()
    }
}

fn what_of(kind: ChangeKind) -> What {
    match kind {
        ChangeKind::Created => What::Created,
        ChangeKind::Written => What::Written,
        ChangeKind::Closed => What::Closed,
        ChangeKind::Removed => What::Removed,
        ChangeKind::MovedAway(number) => What::MovedAway(number),
        ChangeKind::MovedHere(number) => What::MovedHere(number),
    }
}
