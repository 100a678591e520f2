//! The shared kernel lock on a folder that several writers of this process may have open as one.
//!
//! Such a lock belongs to what was opened, not to who asks for it: the first of its writers to end would take it from all
//! the others. So they are counted.

use std::fs::File;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::fs::FlockOperation;

use super::unix::{try_flock, unlock};

/// A folder, and how many writers have it locked.
struct Writers {
    folder: Arc<File>,
    count: Arc<Mutex<usize>>,
}

/// The folders that writers are at or come to.
static FOLDERS: Mutex<Vec<Writers>> = Mutex::new(Vec::new());

// What is guarded are plain values, right at every step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The count of one folder. It alone is locked during a system call: a server that does not answer stops no other folder.
fn count_of(folder: &Arc<File>) -> Arc<Mutex<usize>> {
    let mut folders = lock(&FOLDERS);
    if let Some(writers) = folders
        .iter()
        .find(|writers| Arc::ptr_eq(&writers.folder, folder))
    {
        return Arc::clone(&writers.count);
    }
    let count = Arc::new(Mutex::new(0));
    folders.push(Writers {
        folder: Arc::clone(folder),
        count: Arc::clone(&count),
    });
    count
}

/// Forgets folders that nobody is at: only the list has their count.
fn forget_free() {
    lock(&FOLDERS)
        .retain(|writers| Arc::strong_count(&writers.count) > 1 || *lock(&writers.count) > 0);
}

/// Takes part in the lock of `folder`; `Ok(false)` while a sweeper has it.
pub(super) fn try_join(folder: &Arc<File>) -> io::Result<bool> {
    let count = count_of(folder);
    let got_it = {
        let mut writers = lock(&count);
        let got_it = match *writers {
            0 => try_flock(folder, FlockOperation::NonBlockingLockShared),
            _ => Ok(true),
        };
        *writers += usize::from(matches!(got_it, Ok(true)));
        got_it
    };
    drop(count);
    if !matches!(got_it, Ok(true)) {
        forget_free();
    }
    got_it
}

/// Ends one part in the lock of `folder`; the last one gives it back.
pub(super) fn leave(folder: &Arc<File>) {
    let count = count_of(folder);
    {
        let mut writers = lock(&count);
        if *writers == 1 {
            unlock(folder);
        }
        *writers = writers.saturating_sub(1);
    }
    drop(count);
    forget_free();
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::sys::Directory;

    #[test]
    fn folder_is_locked_until_the_last_of_its_writers_has_ended() {
        let sandbox = testkit::Sandbox::new();
        let handle = Arc::new(std::fs::File::open(sandbox.path()).expect("it is there"));
        let [first, second] = [(); 2].map(|()| Directory::shared(&handle));
        let sweeper = Directory::open(sandbox.path()).expect("it is there");
        let may_sweep = || sweeper.try_lock_exclusive().expect("it can be asked for");
        // Who asks twice is one writer still.
        for writer in [&first, &second, &first] {
            assert!(
                writer.try_lock_shared().expect("it can be asked for"),
                "writers share it"
            );
        }
        first.unlock();
        first.unlock();
        assert!(!may_sweep(), "the second writer is at work still");
        second.unlock();
        assert!(may_sweep(), "nobody is");
        assert!(
            !first.try_lock_shared().expect("it can be asked for"),
            "and a sweeper is alone"
        );
    }

    #[test]
    fn folder_whose_server_does_not_answer_stops_no_other() {
        let sandbox = testkit::Sandbox::new();
        let open = || Arc::new(std::fs::File::open(sandbox.path()).expect("it is there"));
        let [hanging, other] = [open(), open()];
        let count = super::count_of(&hanging);
        let _in_its_call = super::lock(&count);
        assert!(
            super::try_join(&other).expect("it can be asked for"),
            "its own lock is free"
        );
        super::leave(&other);
        assert!(
            !super::lock(&super::FOLDERS)
                .iter()
                .any(|writers| Arc::ptr_eq(&writers.folder, &other)),
            "and it is forgotten"
        );
    }
}
