//! Breaking a lock by hand: only the one that was looked at, and not a live owner's unless told so.

use std::fs::File;
use std::io;
use std::time::Duration;

use crate::error::{BreakError, LockedBy, Obstruction};
use crate::foreign::{self, ForeignKind, ForeignLock};
use crate::identity::new_holder;
use crate::lock::SidecarLock;
use crate::options::LockOptions;
use crate::record::{self, Contents, Record};
use crate::release::release;
use crate::sys::{self, Kind, Look, Name};

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
    let sidecar = &opened(lock, lock.open())?;
    let look = sys::look(sidecar).map_err(|err| io(lock, "look at", err))?;
    match look.map(|look| look.kind) {
        None => Err(not_locked(lock)),
        Some(Kind::File) => break_file(lock, sidecar, token, force),
        Some(Kind::Directory) => break_folder(lock, sidecar, token, force),
        Some(Kind::Symlink) => Err(obstructed(lock, Obstruction::Symlink)),
        Some(Kind::Special) => Err(obstructed(lock, Obstruction::Special)),
    }
}

fn break_file(
    lock: &SidecarLock,
    sidecar: &Name,
    token: &str,
    force: Force,
) -> Result<(), BreakError> {
    let (file, look) = opened(lock, sys::open_existing(sidecar))?;
    let locked = sys::try_lock(&file).map_err(|err| io(lock, "lock", err))?;
    let broken = judge_open_file(lock, token, force, (&file, &look), locked)
        .and_then(|is_dead| break_open_file(lock, sidecar, &look, is_dead));
    // Closing does it, too, unless a child that is being started has the descriptor.
    if locked && let Err(err) = sys::unlock(&file) {
        tracing::debug!(sidecar = %lock.sidecar().display(), %err, "a lock file was not unlocked");
    }
    broken
}

/// Whether the owner of an open sidecar is dead, if it may be broken.
fn judge_open_file(
    lock: &SidecarLock,
    token: &str,
    force: Force,
    (file, look): (&File, &Look),
    locked: bool,
) -> Result<bool, BreakError> {
    let head = sys::read_head(file).map_err(|err| io(lock, "read", err))?;
    let owner = owner(&head, look, token).ok_or_else(|| other_token(lock))?;
    let is_dead = locked && !matches!(owner, LockedBy::Foreign(_));
    if !is_dead && force == Force::IfDead {
        return Err(owner_alive(lock, owner));
    }
    Ok(is_dead)
}

fn break_open_file(
    lock: &SidecarLock,
    sidecar: &Name,
    look: &Look,
    is_dead: bool,
) -> Result<(), BreakError> {
    let now = sys::look(sidecar).map_err(|err| io(lock, "look at", err))?;
    let now = now
        .filter(|now| now.id == look.id)
        .ok_or_else(|| other_token(lock))?;
    if is_dead {
        // Only who has its kernel lock gives the name away, and that is us.
        return sys::remove_file(sidecar).map_err(|err| io(lock, "remove", err));
    }
    replace_and_release(lock, sidecar, &now)
}

fn break_folder(
    lock: &SidecarLock,
    sidecar: &Name,
    token: &str,
    force: Force,
) -> Result<(), BreakError> {
    let (folder, look) = opened(lock, sys::open_folder(sidecar))?;
    if !sys::is_empty_folder(&folder, sidecar).map_err(|err| io(lock, "read", err))? {
        return Err(obstructed(lock, Obstruction::DirectoryWithContent));
    }
    if foreign::token(&look) != token {
        return Err(other_token(lock));
    }
    if force == Force::IfDead {
        let by = foreign_lock(ForeignKind::Directory, &look, token);
        return Err(owner_alive(lock, LockedBy::Foreign(by)));
    }
    if !sys::try_lock(&folder).map_err(|err| io(lock, "lock", err))? {
        // One of ours is replacing it at this moment.
        return Err(other_token(lock));
    }
    let pinned = sys::pin(&folder, sidecar, &look).map_err(|err| io(lock, "pin", err))?;
    replace_and_release(lock, sidecar, &pinned.ok_or_else(|| other_token(lock))?)
}

/// Breaks a lock whose owner may give it back, and another take it, at any moment: removing whatever has the name could
/// hit the successor. A sidecar of ours takes its place first, as in an acquisition.
fn replace_and_release(
    lock: &SidecarLock,
    sidecar: &Name,
    judged: &Look,
) -> Result<(), BreakError> {
    let purpose = LockOptions {
        purpose: Some("break a lock".into()),
        ..LockOptions::default()
    };
    let mut record = Record {
        holder: new_holder(&purpose, 0, std::process::id()),
        released: false,
        run_started: Duration::ZERO,
    };
    let bytes = record.lay_out();
    let swapped = sys::swap_in(&bytes, sidecar, judged);
    let (file, id) = swapped
        .map_err(|err| io(lock, "replace", err))?
        .ok_or_else(|| other_token(lock))?;
    let released = release(&file, sidecar, id, true);
    released.map(drop).map_err(|err| io(lock, "remove", err))
}

/// What was opened, unless another lock, or none, has the name by now.
fn opened<T>(lock: &SidecarLock, opened: io::Result<T>) -> Result<T, BreakError> {
    match opened {
        Err(err) if err.kind() == io::ErrorKind::NotFound => Err(not_locked(lock)),
        Err(err) if sys::is_other_kind(&err) => Err(other_token(lock)),
        opened => opened.map_err(|err| io(lock, "open", err)),
    }
}

/// Who holds the lock, if it is the one that the token names.
fn owner(head: &[u8], look: &Look, token: &str) -> Option<LockedBy> {
    match record::parse(head) {
        Contents::Ours(record) if record.holder.token == token => {
            Some(LockedBy::Holder(record.holder))
        }
        Contents::NotOurs if foreign::token(look) == token => Some(LockedBy::Foreign(
            foreign_lock(ForeignKind::File, look, token),
        )),
        _ => None,
    }
}

fn foreign_lock(kind: ForeignKind, look: &Look, token: &str) -> ForeignLock {
    ForeignLock {
        kind,
        age: look
            .modified
            .and_then(|modified| modified.elapsed().ok())
            .unwrap_or_default(),
        stale_in: Duration::ZERO,
        token: token.to_owned(),
        text: None,
    }
}

fn io(lock: &SidecarLock, step: &'static str, source: io::Error) -> BreakError {
    BreakError::Io {
        step,
        path: lock.sidecar().to_path_buf(),
        source,
    }
}

fn not_locked(lock: &SidecarLock) -> BreakError {
    BreakError::NotLocked {
        resource: lock.resource().to_path_buf(),
    }
}

fn obstructed(lock: &SidecarLock, what: Obstruction) -> BreakError {
    BreakError::Obstructed {
        sidecar: lock.sidecar().to_path_buf(),
        what,
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
