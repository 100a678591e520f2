//! Where a process meets others: each call that somebody else could notice is announced here first.
//!
//! In a program this is nothing at all. Only the unit tests of this crate, which are compiled apart from everything that
//! is shipped, have a scheduler that listens: it can pause the thread, end the process, or refuse the call
//! (`tests/races`).

#[cfg(test)]
pub(crate) use listening::{about_to, listen};
#[cfg(not(test))]
pub(crate) use silent::about_to;

/// What a thread is about to do.
#[cfg_attr(
    not(target_os = "linux"),
    expect(dead_code, reason = "other systems make fewer calls")
)]
#[cfg_attr(test, derive(Debug))]
#[derive(Clone, Copy)]
pub(crate) enum Call {
    /// lstat of a path.
    Look,
    Open,
    OpenFolder,
    ReadFolder,
    Read,
    /// fstat of an open folder, for its time.
    Recheck,
    CreateNameless,
    CreateNamed,
    Write,
    SetLength,
    Touch,
    Link,
    Exchange,
    Rename,
    Remove,
    RemoveFolder,
    Pin,
    Unpin,
    TryLock,
    TryLockShared,
    UnlockShared,
    /// Sleep in the kernel's queue.
    LockBlocking,
    /// No call: the kernel lock was granted after a sleep, and nobody knows yet.
    Granted,
    Unlock,
    Register,
    Unregister,
    AskRegistered,
    AskFileSystem,
    Watch,
    /// Sleep until an event.
    Wait,
}

#[cfg(not(test))]
mod silent {
    #[inline]
    #[expect(clippy::unnecessary_wraps, reason = "a scheduler can refuse a call")]
    pub(crate) const fn about_to(_call: super::Call) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod listening {
    use std::io;
    use std::sync::OnceLock;

    use super::Call;

    type Scheduler = fn(Call) -> io::Result<()>;

    static SCHEDULER: OnceLock<Scheduler> = OnceLock::new();

    /// From now on every call of this process is announced to `scheduler`.
    pub(crate) fn listen(scheduler: Scheduler) {
        assert!(SCHEDULER.set(scheduler).is_ok(), "one scheduler a process");
    }

    pub(crate) fn about_to(call: Call) -> io::Result<()> {
        SCHEDULER.get().map_or(Ok(()), |scheduler| scheduler(call))
    }
}
