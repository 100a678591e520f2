//! What can go wrong with a database.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{ErrorCode, ffi};

/// Why a database could not be opened or used. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseError {
    /// Others kept it locked. Try again later.
    #[error("{} is busy: others kept it locked for {} ms", .path.display(), .waited.as_millis())]
    Busy {
        /// The database.
        path: PathBuf,
        /// How long was waited.
        waited: Duration,
    },
    /// It is another kind of file, or damaged. Retrying does not help.
    #[error("{} is no database, or is damaged", .path.display())]
    NotADatabase {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// It belongs to another program. Retrying does not help.
    #[error("{} is a database of another program (application id {found:#x})", .path.display())]
    OtherApplication {
        /// The database.
        path: PathBuf,
        /// Its application id; 0 where that program has none.
        found: i32,
    },
    /// A later version of this program has made it. Retrying does not help.
    #[error("{} has version {found}; this program knows versions up to {known}", .path.display())]
    LaterVersion {
        /// The database.
        path: PathBuf,
        /// Its version.
        found: usize,
        /// The last one that is known.
        known: usize,
    },
    /// It was to be read only, and an earlier version of this program has made it; opening it to write brings it up to date.
    #[error("{} has the earlier version {found} and was not brought to version {known} yet", .path.display())]
    EarlierVersion {
        /// The database.
        path: PathBuf,
        /// Its version.
        found: usize,
        /// The one that is needed.
        known: usize,
    },
    /// The file system cannot do what many processes need. Retrying does not help.
    #[error("{} cannot be shared: the file system offers the journal mode {mode:?} only", .path.display())]
    NoWal {
        /// The database.
        path: PathBuf,
        /// What SQLite offers instead.
        mode: String,
    },
    /// It lies on another machine. Retrying does not help.
    #[error("{} is on a network file system, where SQLite may lose data", .path.display())]
    Network {
        /// The database.
        path: PathBuf,
    },
    /// There is a `-wal`, and the database that it belongs to is gone. Retrying helps once it was moved away, or its database
    /// was brought back.
    #[error("{} may hold what was committed last, but its database is gone", .wal.display())]
    OrphanedWal {
        /// The `-wal`.
        wal: PathBuf,
    },
    /// The system refused something; the kind of `source` tells what. Retrying helps after repair.
    #[error("cannot {step} {}", .path.display())]
    Io {
        /// What was being done.
        step: &'static str,
        /// The database.
        path: PathBuf,
        /// The reason; SQLite's own error is inside.
        source: io::Error,
    },
}

impl DatabaseError {
    /// Whether the same call may succeed later by itself.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Busy { .. })
    }

    /// What an error of SQLite means here.
    pub(crate) fn new(
        step: &'static str,
        path: &Path,
        waited: Duration,
        err: rusqlite::Error,
    ) -> Self {
        let path = path.to_owned();
        if is_busy(&err) {
            return Self::Busy { path, waited };
        }
        match err.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
                Self::NotADatabase { path, source: err }
            }
            _ => Self::Io {
                step,
                source: io::Error::new(kind(&path, &err), err),
                path,
            },
        }
    }
}

/// Whether others have it locked.
pub(crate) fn is_busy(err: &rusqlite::Error) -> bool {
    // "Protocol": SQLite gave up after many tries because others came and went all the time.
    matches!(
        err.sqlite_error_code(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::FileLockingProtocolFailed)
    )
}

/// The folder in which it lies; the working folder for a name alone.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

/// SQLite does not pass on what the system said; what it says itself comes near.
fn kind(path: &Path, err: &rusqlite::Error) -> io::ErrorKind {
    match err.sqlite_error_code() {
        Some(ErrorCode::ReadOnly) => io::ErrorKind::ReadOnlyFilesystem,
        Some(ErrorCode::DiskFull) => io::ErrorKind::StorageFull,
        Some(ErrorCode::PermissionDenied) => io::ErrorKind::PermissionDenied,
        Some(ErrorCode::OutOfMemory) => io::ErrorKind::OutOfMemory,
        Some(ErrorCode::CannotOpen) if path.is_dir() => io::ErrorKind::IsADirectory,
        Some(ErrorCode::CannotOpen) => match folder_of(path).metadata() {
            Err(err) => err.kind(),
            Ok(_) => io::ErrorKind::PermissionDenied,
        },
        _ if is_without_room(err) => io::ErrorKind::StorageFull,
        _ => io::ErrorKind::Other,
    }
}

/// On a full disk the `-shm` is the first that cannot grow, and SQLite does not call that full.
fn is_without_room(err: &rusqlite::Error) -> bool {
    err.sqlite_error()
        .is_some_and(|err| err.extended_code == ffi::SQLITE_IOERR_SHMSIZE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_disk_is_told_as_such_also_where_sqlite_calls_it_otherwise() {
        for (code, expected) in [
            (ffi::SQLITE_FULL, io::ErrorKind::StorageFull),
            (ffi::SQLITE_IOERR_SHMSIZE, io::ErrorKind::StorageFull),
            (ffi::SQLITE_IOERR_READ, io::ErrorKind::Other),
        ] {
            let err = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            let found = kind(Path::new("x.db"), &err);
            assert_eq!(found, expected, "SQLite's error {code}");
        }
    }

    #[test]
    fn kind_of_what_cannot_be_opened_is_not_found_only_where_the_folder_is_missing() {
        let cannot_open =
            rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_CANTOPEN), None);
        for (path, expected) in [
            ("leases.db", io::ErrorKind::PermissionDenied),
            ("./leases.db", io::ErrorKind::PermissionDenied),
            ("no such folder/leases.db", io::ErrorKind::NotFound),
            (".", io::ErrorKind::IsADirectory),
        ] {
            assert_eq!(kind(Path::new(path), &cannot_open), expected, "{path}");
        }
    }
}
