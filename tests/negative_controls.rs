//! Locks that are broken on purpose: the stress oracle must catch each in seconds, and pass the real one.
//!
//! An oracle that cannot fail proves nothing. The three flaws are the classical ones of a lock file that is removed after
//! use; `Flaw::None` shows that it is the flaw that is caught, not the harness.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use sidecar_lock::{LockOptions, SidecarLock};
use testkit::Sandbox;

use crate::support::{CriticalSection, alone};

const VISITORS: usize = 8;
/// How long a sound lock must stand it.
const STAND: Duration = Duration::from_secs(3);
/// How long a broken one may take to show; chosen, ten times what was seen.
const CATCH: Duration = Duration::from_secs(20);

/// What is wrong with a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flaw {
    None,
    /// The lock file that was opened may be unlinked by the time it is locked: two holders of two files of one name.
    NoInodeRecheck,
    /// Between unlock and unlink the next one locks the file, and its name is removed from under it.
    UnlockBeforeUnlink,
    WriteWithoutLock,
}

/// The textbook lock file: open or create, flock, compare inodes, work, unlink, unlock.
struct TextbookLock {
    path: PathBuf,
    flaw: Flaw,
}

impl TextbookLock {
    fn locked(&self, work: impl FnOnce()) {
        if self.flaw == Flaw::WriteWithoutLock {
            return work();
        }
        let file = self.acquire();
        work();
        if self.flaw == Flaw::UnlockBeforeUnlink {
            flock(&file, FlockOperation::Unlock).expect("a held lock can be dropped");
            fs::remove_file(&self.path).ok();
        } else {
            fs::remove_file(&self.path).ok();
            flock(&file, FlockOperation::Unlock).expect("a held lock can be dropped");
        }
    }

    fn acquire(&self) -> File {
        loop {
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(&self.path)
                .expect("the lock file can be opened");
            flock(&file, FlockOperation::LockExclusive).expect("a lock can be waited for");
            if self.flaw == Flaw::NoInodeRecheck || names(&self.path, &file) {
                return file;
            }
        }
    }
}

fn names(path: &Path, file: &File) -> bool {
    let opened = file.metadata().expect("an open file has metadata");
    fs::symlink_metadata(path)
        .is_ok_and(|named| (named.dev(), named.ino()) == (opened.dev(), opened.ino()))
}

/// What a stress run showed.
#[derive(Debug)]
struct Outcome {
    visits: u64,
    overlaps: u64,
    lost: u64,
    took: Duration,
}

impl Outcome {
    fn is_sound(&self) -> bool {
        self.overlaps == 0 && self.lost == 0
    }
}

/// Lets eight visitors through `locked` until the oracle has caught something or `limit` has passed.
fn stress(limit: Duration, locked: impl Fn(&Path, &dyn Fn()) + Sync) -> Outcome {
    let sandbox = Sandbox::new();
    let resource = sandbox.write("resource", "");
    let section = CriticalSection::new(&sandbox);
    let visits = AtomicU64::new(0);
    let caught = AtomicBool::new(false);
    let began_at = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..VISITORS {
            scope.spawn(|| {
                while !caught.load(Ordering::Relaxed) && began_at.elapsed() < limit {
                    locked(&resource, &|| section.visit(Duration::from_micros(50)));
                    visits.fetch_add(1, Ordering::Relaxed);
                    if section.has_overlaps() {
                        caught.store(true, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let verdict = section.verdict();
    let visits = visits.into_inner();
    Outcome {
        visits,
        overlaps: verdict.overlaps,
        lost: visits.abs_diff(verdict.counted),
        took: began_at.elapsed(),
    }
}

fn stress_textbook(flaw: Flaw, limit: Duration) -> Outcome {
    stress(limit, |resource, work| {
        let mut path = resource.to_owned().into_os_string();
        path.push(".lock");
        TextbookLock {
            path: path.into(),
            flaw,
        }
        .locked(work);
    })
}

fn stress_ours(limit: Duration) -> Outcome {
    stress(limit, |resource, work| {
        let lock = SidecarLock::new(resource).expect("the resource is there");
        let options = LockOptions {
            timeout: Duration::from_mins(1),
            ..LockOptions::default()
        };
        let guard = lock
            .acquire(&options)
            .expect("everybody gets a turn within a minute");
        work();
        guard.release().expect("the lock is still ours");
    })
}

#[test]
fn oracle_catches_each_broken_lock_in_seconds_and_passes_the_real_one() {
    let _alone = alone();
    for flaw in [
        Flaw::NoInodeRecheck,
        Flaw::UnlockBeforeUnlink,
        Flaw::WriteWithoutLock,
    ] {
        let outcome = stress_textbook(flaw, CATCH);
        assert!(
            !outcome.is_sound(),
            "{flaw:?} is caught within {CATCH:?}: {outcome:?}"
        );
        assert!(
            outcome.took < CATCH,
            "{flaw:?} is caught in seconds: {outcome:?}"
        );
    }
    for (name, outcome) in [
        ("textbook", stress_textbook(Flaw::None, STAND)),
        ("ours", stress_ours(STAND)),
    ] {
        assert!(
            outcome.is_sound(),
            "the {name} lock stands the same stress: {outcome:?}"
        );
        assert!(
            outcome.visits > 500,
            "{name}: the stress is one: {outcome:?}"
        );
    }
}
