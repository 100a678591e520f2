//! The folder of decided transactions of one place: there only while one is under way, or after its process died. Whoever
//! holds the lock of a file that a record names may take that file to where it is to be.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use atomic_file::{CommitError, CommitOptions, Original, ReadError, Resolved, Revision, names_in};
use sidecar_lock::{LockOptions, SidecarLock};

use super::error::FinishError;
use super::record::{Part, Record};
use super::rules::{Place, Rules};

const ENDING: &str = "transaction";
const SET_ASIDE: &str = "unfinished-";
/// How often the folder may go away under us; chosen.
const TRIES: u32 = 20;
/// How many files of the largest size fit into one transaction; chosen so that nobody's memory is used up.
const FILES_IN_RECORD: u64 = 4;

/// Where the decided transactions of a place are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pending {
    place: Place,
    /// The largest record, in bytes.
    max_bytes: u64,
}

/// A record in its file.
#[derive(Debug, Clone)]
pub(crate) struct Filed {
    path: PathBuf,
    max_bytes: u64,
    pub(crate) record: Record,
}

impl Pending {
    /// Of the place of a file, whose path is resolved; `None` where it has none.
    pub(crate) fn of(file: &Path, rules: &Rules) -> Option<Self> {
        Some(Self::at((rules.place_of)(file)?, rules))
    }

    /// Of a place.
    pub(crate) fn at(place: Place, rules: &Rules) -> Self {
        Self {
            place,
            max_bytes: FILES_IN_RECORD.saturating_mul(rules.max_bytes),
        }
    }

    /// The path of a file as records have it.
    pub(crate) fn relative(&self, file: &Path) -> Option<PathBuf> {
        file.strip_prefix(self.place.base())
            .ok()
            .map(Path::to_path_buf)
    }

    /// The path of a file that a record names.
    pub(crate) fn absolute(&self, relative: &Path) -> PathBuf {
        self.place.base().join(relative)
    }

    /// The records that wait, oldest first. Nearly always there is no such folder, and that is one system call.
    pub(crate) fn records(&self) -> Result<Vec<Filed>, ReadError> {
        let folder = self.place.folder();
        if !is_own_folder(&folder) {
            return Ok(Vec::new());
        }
        let mut filed = Vec::new();
        for name in names_in(&folder)? {
            let path = folder.join(&name);
            if path.extension().is_some_and(|end| end == ENDING)
                && let Some(record) = read(&path, self.max_bytes)?
            {
                filed.push(self.filed(path, record));
            }
        }
        Ok(filed)
    }

    /// Decides a transaction: once the record is there, all of its parts are going to be in place.
    pub(crate) fn file(&self, record: Record) -> Result<Filed, CommitError> {
        let folder = self.place.folder();
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
        if bytes.len() as u64 > self.max_bytes {
            return Err(fail(io::ErrorKind::FileTooLarge));
        }
        let mut tries = 0;
        loop {
            tries += 1;
            self.make_folder()?;
            match atomic_file::create_resolved(at(&path), &bytes, &CommitOptions::default()) {
                Ok(_) => return Ok(self.filed(path, record)),
                // Another transaction has ended just now, and taken the empty folder away.
                Err(CommitError::NotFound { .. }) if tries < TRIES => {}
                Err(CommitError::CommittedUnsynced { source, .. }) => {
                    // Nobody may act on a record that a power cut takes away; but what stays, others act on.
                    let is_gone = atomic_file::remove(at(&path))
                        .map_or_else(|err| err.is_committed(), |_| true);
                    if !is_gone {
                        return Ok(self.filed(path, record));
                    }
                    let step = "make the transaction durable";
                    return Err(CommitError::Io { step, path, source });
                }
                Err(err) => return Err(err),
            }
        }
    }

    fn filed(&self, path: PathBuf, record: Record) -> Filed {
        Filed {
            path,
            max_bytes: self.max_bytes,
            record,
        }
    }

    fn make_folder(&self) -> Result<(), CommitError> {
        let mut is_new = false;
        let mut last = None;
        for folder in self.place.folders() {
            is_new = atomic_file::ensure_folder(&folder)?;
            last = Some(folder);
        }
        if let Some(folder) = last.filter(|_| !is_new) {
            tidy(&folder);
        }
        Ok(())
    }

    /// What files were to be, where somebody else had changed the same meanwhile.
    pub(crate) fn set_aside(&self) -> Result<Vec<PathBuf>, ReadError> {
        let folder = self.place.folder();
        if !is_own_folder(&folder) {
            return Ok(Vec::new());
        }
        let is_ours = |name: &OsString| name.to_string_lossy().starts_with(SET_ASIDE);
        let names = names_in(&folder)?.into_iter().filter(is_ours);
        Ok(names.map(|name| folder.join(name)).collect())
    }
}

impl Filed {
    /// The part that is about a file.
    pub(crate) fn part(&self, relative: &Path) -> Option<&Part> {
        self.record.parts.iter().find(|part| part.path == relative)
    }

    /// Takes a part out, or puts another in its place; the file goes with the last one.
    pub(crate) fn settle(
        &self,
        relative: &Path,
        with: Option<Part>,
        options: &LockOptions,
    ) -> Result<(), FinishError> {
        let guard = SidecarLock::new(&self.path)?.acquire(options)?;
        let Some(mut record) = read(&self.path, self.max_bytes)? else {
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

    /// Keeps what a file was to be beside the record, for a person, under the file's own ending.
    pub(crate) fn set_aside(&self, part: &Part) -> Result<PathBuf, CommitError> {
        let revision = Revision::of(&part.after);
        let mut name = OsString::from(format!("{SET_ASIDE}{}", &revision.as_str()[..12]));
        if let Some(ending) = part.path.extension() {
            name.push(".");
            name.push(ending);
        }
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
    for name in names_in(folder).unwrap_or_default() {
        let path = folder.join(&name);
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
fn read(path: &Path, max_bytes: u64) -> Result<Option<Record>, ReadError> {
    match Original::read_resolved(at(path), max_bytes) {
        Ok(original) => Ok(Record::decode(original.bytes())),
        Err(ReadError::NotFound { .. } | ReadError::NotRegular { .. }) => Ok(None),
        Err(err) => Err(err),
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
