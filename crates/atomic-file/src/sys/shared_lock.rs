//! The shared kernel lock on a folder that several writers of this process may have open as one.
//!
//! Such a lock belongs to what was opened, not to who asks for it: the first of its writers to end would take it from all
//! the others. So they are counted.

use std::fs::File;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::fs::FlockOperation;

use super::unix::{try_flock, unlock};

/// A folder that is locked for as long as it has writers.
struct Writers {
    folder: Arc<File>,
    count: usize,
}

static LOCKED: Mutex<Vec<Writers>> = Mutex::new(Vec::new());

fn locked() -> MutexGuard<'static, Vec<Writers>> {
    // Plain values, right at every step.
    LOCKED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes part in the lock of `folder`; `Ok(false)` while a sweeper has it.
pub(super) fn try_join(folder: &Arc<File>) -> io::Result<bool> {
    let mut locked = locked();
    if let Some(writers) = of(&mut locked, folder) {
        writers.count += 1;
        return Ok(true);
    }
    let got_it = try_flock(folder, FlockOperation::NonBlockingLockShared)?;
    if got_it {
        let folder = Arc::clone(folder);
        locked.push(Writers { folder, count: 1 });
    }
    Ok(got_it)
}

/// Ends one part in the lock of `folder`; the last one gives it back.
pub(super) fn leave(folder: &Arc<File>) {
    let mut locked = locked();
    let Some(writers) = of(&mut locked, folder) else {
        return;
    };
    writers.count -= 1;
    if writers.count == 0 {
        unlock(folder);
        locked.retain(|writers| writers.count > 0);
    }
}

fn of<'a>(locked: &'a mut [Writers], folder: &Arc<File>) -> Option<&'a mut Writers> {
    locked
        .iter_mut()
        .find(|writers| Arc::ptr_eq(&writers.folder, folder))
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
        for writer in [&first, &second] {
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
}
