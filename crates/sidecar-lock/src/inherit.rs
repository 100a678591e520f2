//! Working under a lock that a parent process holds.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::error::{InheritError, LostError};
use crate::holder::Holder;
use crate::lock::SidecarLock;
use crate::record::{self, Contents};
use crate::sys::{self, Kind, Name};

/// A lock that a living parent process holds and has named by its token. Releasing stays the parent's.
///
/// Children of one parent are not excluded from each other: the compare-and-swap commit protects the
/// data between them.
#[derive(Debug)]
pub struct InheritedLock {
    resource: PathBuf,
    sidecar: Name,
    holder: Holder,
}

impl InheritedLock {
    /// The parent's record.
    pub fn holder(&self) -> &Holder {
        &self.holder
    }

    /// Makes sure that the parent still holds the lock.
    ///
    /// # Errors
    ///
    /// [`LostError`]: it does not.
    pub fn verify(&self) -> Result<(), LostError> {
        match held_under(&self.sidecar, &self.holder.token) {
            Ok(Some(_)) => Ok(()),
            Ok(None) => Err(LostError {
                sidecar: self.sidecar.path().to_path_buf(),
                source: None,
            }),
            Err(source) => Err(LostError {
                sidecar: self.sidecar.path().to_path_buf(),
                source: Some(source),
            }),
        }
    }

    /// The canonical path of what is locked.
    pub fn resource(&self) -> &std::path::Path {
        &self.resource
    }

    /// The open folder in which the parent's lock was found; see [`LockGuard::folder`](crate::LockGuard::folder).
    pub fn folder(&self) -> Option<&Arc<File>> {
        self.sidecar.folder().as_file()
    }
}

pub(crate) fn inherit(lock: &SidecarLock, token: &str) -> Result<InheritedLock, InheritError> {
    let found = match lock.open() {
        Err(err) if sys::is_other_kind(&err) => Ok(None),
        Err(err) => Err(err),
        Ok(sidecar) => {
            held_under(&sidecar, token).map(|holder| holder.map(|holder| (sidecar, holder)))
        }
    };
    match found {
        Ok(Some((sidecar, holder))) => Ok(InheritedLock {
            resource: lock.resource().to_path_buf(),
            sidecar,
            holder,
        }),
        Ok(None) => Err(InheritError::NotHeld {
            resource: lock.resource().to_path_buf(),
        }),
        Err(source) => Err(InheritError::Io {
            sidecar: lock.sidecar().to_path_buf(),
            source,
        }),
    }
}

/// The record, if the sidecar carries this token and a live owner.
fn held_under(sidecar: &Name, token: &str) -> io::Result<Option<Holder>> {
    let (file, look) = match sys::open_existing(sidecar) {
        Err(err) if sys::is_other_kind(&err) => return Ok(None),
        opened => opened?,
    };
    if look.kind != Kind::File || sys::try_lock_shared(&file)? {
        return Ok(None);
    }
    Ok(match record::parse(&sys::read_head(&file)?) {
        Contents::Ours(record) if record.holder.token == token => Some(record.holder),
        _ => None,
    })
}
