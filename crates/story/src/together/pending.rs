//! The folder of decided transactions of one sdlc root, `journal/pending`: there only while one is under way, or after
//! its process died. Whoever holds the lock of a story that a record names may take that story to where it is to be.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use atomic_file::{CommitError, CommitOptions, Original, Resolved};
use sidecar_lock::{LockOptions, SidecarLock};

use super::Trouble;
use super::record::{Part, Record};
use crate::folder::{self, Order};
use crate::read::MAX_STORY_BYTES;
use crate::workspace::{LegacyFolder, STORIES};

const FOLDERS: [&str; 2] = ["journal", "pending"];
const ENDING: &str = "transaction";
const SET_ASIDE: &str = "unfinished-";
/// How often the folder may go away under us; chosen.
const TRIES: u32 = 20;
/// How many stories of the largest size fit into one transaction; chosen so that nobody's memory is used up.
const MAX_RECORD_BYTES: u64 = 4 * MAX_STORY_BYTES;

/// Where the decided transactions of a root are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pending {
    root: PathBuf,
}

/// A record in its file.
#[derive(Debug, Clone)]
pub(crate) struct Filed {
    path: PathBuf,
    pub(crate) record: Record,
}

impl Pending {
    /// Of the root in which a story lies, whose path is resolved; `None` where it lies in none.
    pub(crate) fn of(story: &Path) -> Option<Self> {
        let folder = story.parent()?;
        let above = folder.parent()?;
        let root = if above.file_name()? == STORIES {
            above.parent()?
        } else {
            LegacyFolder::named(folder.file_name()?.to_str()?)?;
            above
        };
        Some(Self {
            root: root.to_path_buf(),
        })
    }

    /// Of a root whose path is resolved.
    pub(crate) fn in_root(root: &Path) -> Self {
        Self {
            root: root.to_path_buf(),
        }
    }

    /// The path of a story as records have it.
    pub(crate) fn relative(&self, story: &Path) -> Option<PathBuf> {
        story.strip_prefix(&self.root).ok().map(Path::to_path_buf)
    }

    /// The records that wait, oldest first. Nearly always there is no such folder, and that is one system call.
    pub(crate) fn records(&self) -> Result<Vec<Filed>, Trouble> {
        let folder = self.folder();
        if !is_own_folder(&folder) {
            return Ok(Vec::new());
        }
        let mut filed = Vec::new();
        for entry in folder::entries_if_there(&folder, Order::Name)? {
            let path = folder.join(&entry.name);
            if path.extension().is_some_and(|end| end == ENDING)
                && let Some(record) = read(&path)?
            {
                filed.push(Filed { path, record });
            }
        }
        Ok(filed)
    }

    /// Decides a transaction: once the record is there, all of its parts are going to be in place.
    pub(crate) fn file(&self, record: Record) -> Result<Filed, CommitError> {
        let folder = self.folder();
        let path = folder.join(unique_name().map_err(|source| CommitError::Io {
            step: "name the transaction",
            path: folder.clone(),
            source,
        })?);
        let fail = |kind: io::ErrorKind| CommitError::Io {
            step: "describe the transaction",
            path: path.clone(),
            source: kind.into(),
        };
        let bytes = record
            .encode()
            .ok_or_else(|| fail(io::ErrorKind::InvalidFilename))?;
        if bytes.len() as u64 > MAX_RECORD_BYTES {
            return Err(fail(io::ErrorKind::FileTooLarge));
        }
        let mut tries = 0;
        loop {
            tries += 1;
            self.make_folder()?;
            match atomic_file::create_resolved(at(&path), &bytes, &CommitOptions::default()) {
                Ok(_) => return Ok(Filed { path, record }),
                // Another transaction has ended just now, and taken the empty folder away.
                Err(CommitError::NotFound { .. }) if tries < TRIES => {}
                Err(CommitError::CommittedUnsynced { source, .. }) => {
                    // Nobody may act on a record that a power cut takes away; but what stays, others act on.
                    let is_gone = atomic_file::remove(at(&path))
                        .map_or_else(|err| err.is_committed(), |_| true);
                    if !is_gone {
                        return Ok(Filed { path, record });
                    }
                    let step = "make the transaction durable";
                    return Err(CommitError::Io { step, path, source });
                }
                Err(err) => return Err(err),
            }
        }
    }

    fn make_folder(&self) -> Result<(), CommitError> {
        let mut folder = self.root.clone();
        let mut is_new = false;
        for name in FOLDERS {
            folder.push(name);
            is_new = atomic_file::ensure_folder(&folder)?;
        }
        if !is_new {
            tidy(&folder);
        }
        Ok(())
    }

    /// What stories were to be, where somebody else had changed the same meanwhile.
    pub(crate) fn set_aside(&self) -> Result<Vec<PathBuf>, Trouble> {
        let folder = self.folder();
        if !is_own_folder(&folder) {
            return Ok(Vec::new());
        }
        let entries = folder::entries_if_there(&folder, Order::Name)?;
        let names = entries.into_iter().map(|entry| entry.name);
        let is_ours = |name: &OsString| name.to_string_lossy().starts_with(SET_ASIDE);
        Ok(names
            .filter(is_ours)
            .map(|name| folder.join(name))
            .collect())
    }

    fn folder(&self) -> PathBuf {
        let mut folder = self.root.clone();
        folder.extend(FOLDERS);
        folder
    }
}

impl Filed {
    /// The part that is about a story.
    pub(crate) fn part(&self, relative: &Path) -> Option<&Part> {
        self.record.parts.iter().find(|part| part.path == relative)
    }

    /// Takes a part out, or puts another in its place; the file goes with the last one.
    pub(crate) fn settle(
        &self,
        relative: &Path,
        with: Option<Part>,
        options: &LockOptions,
    ) -> Result<(), Trouble> {
        let guard = SidecarLock::new(&self.path)?.acquire(options)?;
        let Some(mut record) = read(&self.path)? else {
            return Ok(());
        };
        match with {
            Some(new) => {
                if let Some(part) = record.parts.iter_mut().find(|part| part.path == relative) {
                    *part = new;
                }
            }
            None => record.parts.retain(|part| part.path != relative),
        }
        if record.parts.is_empty() {
            self.discard()?;
        } else if let Some(bytes) = record.encode() {
            atomic_file::replace(&self.path, &bytes, &CommitOptions::default())?;
        }
        if let Err(err) = guard.release() {
            tracing::warn!(%err, "lock of a transaction not released cleanly");
        }
        self.remove_empty_folder();
        Ok(())
    }

    /// Takes the whole record away: all of its parts are in place.
    pub(crate) fn discard(&self) -> Result<(), CommitError> {
        atomic_file::remove(at(&self.path))?;
        self.remove_empty_folder();
        Ok(())
    }

    /// The next transaction makes it again; until then looking for records costs next to nothing.
    fn remove_empty_folder(&self) {
        if let Some(folder) = self.path.parent() {
            std::fs::remove_dir(folder).ok();
        }
    }

    /// Keeps what a story was to be beside the record, for a person.
    pub(crate) fn set_aside(&self, part: &Part) -> Result<PathBuf, CommitError> {
        let revision = crate::Revision::of(&part.after);
        let name = format!("{SET_ASIDE}{}.md", &revision.as_str()[..12]);
        let path = self.path.with_file_name(name);
        match atomic_file::create_resolved(at(&path), &part.after, &CommitOptions::default()) {
            Ok(_) | Err(CommitError::AlreadyExists { .. }) => Ok(path),
            Err(err) => Err(err),
        }
    }
}

/// Removes what processes left here that died while they wrote a record down, or finished one. What stays harms nobody.
fn tidy(folder: &Path) {
    if let Err(err) = atomic_file::sweep(folder) {
        tracing::warn!(%err, "leftovers of transactions not swept");
    }
    for entry in folder::entries_if_there(folder, Order::Directory).unwrap_or_default() {
        let path = folder.join(&entry.name);
        let is_lock = path.extension().is_some_and(|end| end == "lock");
        let guarded = path.with_extension("");
        if is_lock && !guarded.exists() {
            let removed = SidecarLock::new(&guarded)
                .map(|lock| lock.remove_leftover(LockOptions::default().effective_stale_after()));
            if let Ok(Err(err)) | Err(err) = removed {
                tracing::debug!(%err, "the lock of a transaction stays");
            }
        }
    }
}

/// A real folder, reached without links in our own part of the path: nobody leads us elsewhere.
fn is_own_folder(folder: &Path) -> bool {
    let is_real = |folder: &Path| {
        folder
            .symlink_metadata()
            .is_ok_and(|metadata| metadata.is_dir())
    };
    is_real(folder) && folder.parent().is_some_and(is_real)
}

/// `None`: it is gone, or nothing of ours.
fn read(path: &Path) -> Result<Option<Record>, Trouble> {
    match Original::read_resolved(at(path), MAX_RECORD_BYTES) {
        Ok(original) => Ok(Record::decode(original.bytes())),
        Err(
            atomic_file::ReadError::NotFound { .. } | atomic_file::ReadError::NotRegular { .. },
        ) => Ok(None),
        Err(err) => Err(Trouble::Read(err.into())),
    }
}

fn unique_name() -> io::Result<String> {
    let mut random = [0; 8];
    getrandom::fill(&mut random)
        .map_err(|_| io::Error::other("the system has no random numbers"))?;
    Ok(format!("{:016x}.{ENDING}", u64::from_le_bytes(random)))
}

fn at(path: &Path) -> Resolved<'_> {
    Resolved { path, folder: None }
}
