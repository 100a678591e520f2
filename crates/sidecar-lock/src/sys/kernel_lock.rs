//! The kernel lock on an open sidecar, through fd-lock: flock on Unix, `LockFileEx` on Windows.
//!
//! fd-lock's guards borrow the file; a lock here outlives the call, so the guard is forgotten and
//! the lock ends by [`unlock`] or with the last descriptor of the open file.

use std::fs::File;
use std::io;

use fd_lock::RwLock;

use super::{Call, about_to};

/// Takes the exclusive lock if it is free. Locking a file that this descriptor has locked is a no-op.
pub(crate) fn try_lock(file: &File) -> io::Result<bool> {
    about_to(Call::TryLock)?;
    match uninterrupted(|| RwLock::new(file).try_write().map(std::mem::forget)) {
        Ok(()) => Ok(true),
        Err(err) if err.kind() == io::ErrorKind::WouldBlock => Ok(false),
        Err(err) => Err(err),
    }
}

/// Takes a shared lock if no exclusive one is held: for looking only.
pub(crate) fn try_lock_shared(file: &File) -> io::Result<bool> {
    about_to(Call::TryLockShared)?;
    let lock = RwLock::new(file);
    match uninterrupted(|| lock.try_read()) {
        // Dropping the guard unlocks.
        Ok(_guard) => about_to(Call::UnlockShared).map(|()| true),
        Err(err) if err.kind() == io::ErrorKind::WouldBlock => Ok(false),
        Err(err) => Err(err),
    }
}

/// Sleeps in the kernel's queue until the exclusive lock is granted.
pub(crate) fn lock_blocking(file: &File) -> io::Result<()> {
    about_to(Call::LockBlocking)?;
    uninterrupted(|| RwLock::new(file).write().map(std::mem::forget))?;
    about_to(Call::Granted)
}

/// Makes a call again for as long as signals interrupt it.
fn uninterrupted<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

/// Gives the lock back at once, even while a forked child still has the descriptor.
#[cfg(unix)]
pub(crate) fn unlock(file: &File) -> io::Result<()> {
    about_to(Call::Unlock)?;
    // fd-lock unlocks only by dropping a guard, and a new guard costs another system call.
    let unlock = rustix::fs::FlockOperation::Unlock;
    Ok(rustix::io::retry_on_intr(|| {
        rustix::fs::flock(file, unlock)
    })?)
}

/// Gives the lock back.
#[cfg(windows)]
pub(crate) fn unlock(file: &File) -> io::Result<()> {
    // Here the owner is refused a second lock, so there is no guard to drop; the system unlocks when
    // the last handle is closed, which the callers do next.
    let _ = file;
    Ok(())
}
