//! Breaking a lock by hand: only the one that was looked at, and not a live owner's unless told so.

use std::fs;
use std::io;
use std::time::Duration;

use crate::error::{BreakError, LockedBy};
use crate::foreign;
use crate::inspect::{LockState, inspect};
use crate::lock::SidecarLock;
use crate::record::{self, Contents};
use crate::release::names;
use crate::sys::{self, Kind, Look};

/// How far breaking a lock may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Force {
    /// Only when the kernel says that the owner is dead.
    #[default]
    IfDead,
    /// Also when the owner lives or cannot be asked (another tool's lock). It goes on believing that
    /// it holds the lock; only the compare-and-swap commit protects the data then.
    EvenIfAlive,
}

pub(crate) fn break_with_token(
    lock: &SidecarLock,
    token: &str,
    force: Force,
) -> Result<(), BreakError> {
    let io = |step, source| BreakError::Io {
        step,
        path: lock.sidecar().to_path_buf(),
        source,
    };
    let Some(look) = sys::look(lock.sidecar()).map_err(|err| io("look at", err))? else {
        return Err(BreakError::NotLocked {
            resource: lock.resource().to_path_buf(),
        });
    };
    if look.kind == Kind::File {
        return break_file(lock, token, force);
    }
    match inspect(lock, Duration::ZERO).map_err(|err| io("look at", err.source))? {
        LockState::Obstructed(what) => Err(BreakError::Obstructed {
            sidecar: lock.sidecar().to_path_buf(),
            what,
        }),
        LockState::Foreign(directory) if directory.token == token => {
            if force == Force::IfDead {
                return Err(owner_alive(lock, LockedBy::Foreign(directory)));
            }
            fs::remove_dir(lock.sidecar()).map_err(|err| io("remove", err))
        }
        LockState::Free => Err(BreakError::NotLocked {
            resource: lock.resource().to_path_buf(),
        }),
        _ => Err(other_token(lock)),
    }
}

fn break_file(lock: &SidecarLock, token: &str, force: Force) -> Result<(), BreakError> {
    let io = |step, source| BreakError::Io {
        step,
        path: lock.sidecar().to_path_buf(),
        source,
    };
    let (file, look) = match sys::open_existing(lock.sidecar()) {
        Err(err) if err.kind() == io::ErrorKind::NotFound => {
            return Err(BreakError::NotLocked {
                resource: lock.resource().to_path_buf(),
            });
        }
        opened => opened.map_err(|err| io("open", err))?,
    };
    let dead = sys::try_lock(&file).map_err(|err| io("lock", err))?;
    let head = sys::read_head(&file).map_err(|err| io("read", err))?;
    let owner = owner(&head, &look, token).ok_or_else(|| other_token(lock))?;
    let vouched_dead = dead && !matches!(owner, LockedBy::Foreign(_));
    if !vouched_dead && force == Force::IfDead {
        return Err(owner_alive(lock, owner));
    }
    if !names(lock.sidecar(), look.id).map_err(|err| io("look at", err))? {
        return Err(other_token(lock));
    }
    let removed = fs::remove_file(lock.sidecar()).map_err(|err| io("remove", err));
    if dead {
        sys::unlock(&file).map_err(|err| io("unlock", err))?;
    }
    removed
}

/// Who holds the lock, if it is the one that the token names.
fn owner(head: &[u8], look: &Look, token: &str) -> Option<LockedBy> {
    match record::parse(head) {
        Contents::Ours(record) if record.holder.token == token => {
            Some(LockedBy::Holder(record.holder))
        }
        Contents::NotOurs if foreign::token(look) == token => {
            Some(LockedBy::Foreign(foreign::ForeignLock {
                kind: foreign::ForeignKind::File,
                age: look
                    .modified
                    .and_then(|modified| modified.elapsed().ok())
                    .unwrap_or_default(),
                stale_in: Duration::ZERO,
                token: token.to_owned(),
            }))
        }
        _ => None,
    }
}

fn other_token(lock: &SidecarLock) -> BreakError {
    BreakError::OtherToken {
        resource: lock.resource().to_path_buf(),
    }
}

fn owner_alive(lock: &SidecarLock, by: LockedBy) -> BreakError {
    BreakError::OwnerAlive {
        resource: lock.resource().to_path_buf(),
        by: Box::new(by),
    }
}
