//! The locks that this process holds or waits for: nesting, release, and what is left to tidy up.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use crate::error::{AcquireError, LostError, ReleaseError};
use crate::keeper;
use crate::options::{Fairness, LockOptions};
use crate::release::{Released, release, sweep};
use crate::sys::{self, Name};

/// One held lock, released once.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) resource: PathBuf,
    pub(crate) sidecar: Name,
    pub(crate) file: Arc<File>,
    pub(crate) id: sys::FileId,
    pub(crate) run_started: Duration,
    pub(crate) fairness: Fairness,
    /// How often the sidecar's time is refreshed.
    beat: Duration,
    last_beat: Mutex<Instant>,
    acquired_at: Instant,
    /// A forked child has a copy of this value, but not the lock.
    pub(crate) pid: u32,
    /// Locked while a release is under way: who ends the process waits for it.
    released: Mutex<bool>,
    /// The release is over: asking for that costs no system call, as the process id does.
    is_done: AtomicBool,
}

impl Held {
    pub(crate) fn new(
        resource: &Path,
        sidecar: &Name,
        file: Arc<File>,
        id: sys::FileId,
        run_started: Duration,
        options: &LockOptions,
        pid: u32,
    ) -> Self {
        Self {
            resource: resource.to_path_buf(),
            sidecar: sidecar.clone(),
            file,
            id,
            run_started,
            fairness: options.fairness,
            beat: keeper::beat_for(options.effective_stale_after()),
            last_beat: Mutex::new(Instant::now()),
            acquired_at: Instant::now(),
            pid,
            released: Mutex::new(false),
            is_done: AtomicBool::new(false),
        }
    }

    /// When the sidecar's time has to be refreshed next.
    pub(crate) fn beat_due(&self) -> Instant {
        *self
            .last_beat
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            + self.beat
    }

    pub(crate) fn set_beaten(&self, now: Instant) {
        *self
            .last_beat
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = now;
    }

    /// Whether the sidecar still names the file that is locked.
    pub(crate) fn verify(&self) -> Result<(), LostError> {
        let lost = |source| LostError {
            sidecar: self.sidecar.path().to_path_buf(),
            source,
        };
        match sys::look(&self.sidecar) {
            Ok(Some(look)) if look.id == self.id => Ok(()),
            Ok(_) => Err(lost(None)),
            Err(err) => Err(lost(Some(err))),
        }
    }

    /// Gives the lock back, once, and only in the process that acquired it.
    pub(crate) fn release(&self) -> Result<(), ReleaseError> {
        if self.is_done.load(Ordering::Acquire) || self.pid != std::process::id() {
            return Ok(());
        }
        let mut is_released = self.released.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::replace(&mut *is_released, true) {
            return Ok(());
        }
        let released = self.give_back();
        self.is_done.store(true, Ordering::Release);
        released
    }

    fn give_back(&self) -> Result<(), ReleaseError> {
        let run = sys::since_boot().map(|now| now.saturating_sub(self.run_started));
        let run_over = run.is_none_or(|run| run >= self.fairness.run);
        if run_over {
            // Those who wait move over to the next sidecar one by one: who came back at once would stand before them.
            let step_back = if sys::anyone_registered(&self.file) {
                (self.acquired_at.elapsed() / 2).min(LONGEST_STEP_BACK)
            } else {
                Duration::ZERO
            };
            lock_table().stay_away(&self.resource, step_back.max(self.fairness.gap));
        }
        let released = release(&self.file, &self.sidecar, self.id, run_over);
        let mut table = lock_table();
        table.leave(self);
        match released {
            Ok(Released::Removed) => Ok(()),
            Ok(Released::HandedOver) => {
                table.hand_over(&self.sidecar, self.id);
                keeper::wake(&mut table, self.pid);
                Ok(())
            }
            Ok(Released::NotOurs) => Err(ReleaseError::Lost(LostError {
                sidecar: self.sidecar.path().to_path_buf(),
                source: None,
            })),
            Err(source) => Err(ReleaseError::NotRemoved {
                sidecar: self.sidecar.path().to_path_buf(),
                source,
            }),
        }
    }
}

/// What this process has to do with locks at this moment.
pub(crate) struct Table {
    entries: Vec<Entry>,
    /// Sidecars passed on.
    pub(crate) hand_overs: Vec<HandOver>,
    /// Resources that we stay away from for a moment, so that others can enter.
    yields: Vec<(PathBuf, Instant)>,
    pub(crate) keeper: keeper::State,
}

/// A sidecar that was passed on.
pub(crate) struct HandOver {
    pub(crate) sidecar: Name,
    id: sys::FileId,
    /// When that was done last.
    at: Instant,
}

impl HandOver {
    /// When the keeper looks whether the heir took it.
    pub(crate) fn due(&self) -> Instant {
        self.at + LOOK_AFTER
    }
}

struct Entry {
    resource: PathBuf,
    thread: ThreadId,
    held: Option<Arc<Held>>,
}

static TABLE: Mutex<Table> = Mutex::new(Table {
    entries: Vec::new(),
    hand_overs: Vec::new(),
    yields: Vec::new(),
    keeper: keeper::State::new(),
});

pub(crate) fn lock_table() -> MutexGuard<'static, Table> {
    // The table is a list of plain values: valid at every step, so a panic elsewhere does not spoil it.
    TABLE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How long after its last hand-over of a sidecar a process looks whether the heir lives (SL1 "hand-over"). Chosen: who passes it on
/// again and again does not wake its keeper each time, and tools that poll, the only ones that a dead heir holds up, look less often.
const LOOK_AFTER: Duration = Duration::from_millis(20);

/// The same for a process that ends: an heir that lives runs within this time.
const LOOK_AT_END_AFTER: Duration = Duration::from_millis(1);

/// Who ended a run while others waited leaves them the lock for half the time that it was held: no time is lost, as the next
/// holds it for as long, and a waiter needs some 0.2 ms to move over (2 cores). At most for this long; chosen.
const LONGEST_STEP_BACK: Duration = Duration::from_secs(1);

impl Table {
    pub(crate) fn held(&self) -> impl Iterator<Item = &Arc<Held>> {
        self.entries.iter().filter_map(|entry| entry.held.as_ref())
    }

    fn leave(&mut self, held: &Held) {
        self.entries.retain(|entry| {
            !entry
                .held
                .as_ref()
                .is_some_and(|other| std::ptr::eq(other.as_ref(), held))
        });
    }

    fn stay_away(&mut self, resource: &Path, gap: Duration) {
        if !gap.is_zero() {
            self.yields.retain(|(path, _)| path != resource);
            self.yields
                .push((resource.to_path_buf(), Instant::now() + gap));
        }
    }

    fn hand_over(&mut self, sidecar: &Name, id: sys::FileId) {
        let at = Instant::now();
        // The number of a sidecar that is gone may be that of another one by now.
        let is_same =
            |entry: &&mut HandOver| entry.id == id && entry.sidecar.path() == sidecar.path();
        match self.hand_overs.iter_mut().find(is_same) {
            // We had it once more since the last time: somebody took it then.
            Some(entry) => entry.at = at,
            None => self.hand_overs.push(HandOver {
                sidecar: sidecar.clone(),
                id,
                at,
            }),
        }
    }
}

/// A place in the table: refuses a second lock of the same resource by the same thread.
pub(crate) struct Reservation {
    resource: PathBuf,
    thread: ThreadId,
    /// The process, asked for once.
    pid: u32,
    entered: bool,
}

impl Reservation {
    pub(crate) fn make(resource: &Path) -> Result<Self, AcquireError> {
        let thread = std::thread::current().id();
        let mut table = lock_table();
        let pid = std::process::id();
        // Entries from before a fork belong to the parent.
        table
            .entries
            .retain(|entry| entry.held.as_ref().is_none_or(|held| held.pid == pid));
        if table
            .entries
            .iter()
            .any(|entry| entry.thread == thread && entry.resource == resource)
        {
            return Err(AcquireError::Nested {
                resource: resource.to_path_buf(),
            });
        }
        table.entries.push(Entry {
            resource: resource.to_path_buf(),
            thread,
            held: None,
        });
        Ok(Self {
            resource: resource.to_path_buf(),
            thread,
            pid,
            entered: false,
        })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// Until when this process, which has ended a run of hand-overs, leaves the lock to others. A thread that holds another
    /// lock goes on: those who wait for that one would pay.
    pub(crate) fn stay_away_until(&self) -> Option<Instant> {
        let mut table = lock_table();
        if table
            .entries
            .iter()
            .any(|entry| entry.thread == self.thread && entry.held.is_some())
        {
            return None;
        }
        let now = Instant::now();
        table.yields.retain(|(_, until)| *until > now);
        table
            .yields
            .iter()
            .find(|(path, _)| *path == self.resource)
            .map(|(_, until)| *until)
    }

    /// Turns the reservation into a held lock, which the keeper keeps fresh.
    pub(crate) fn enter(mut self, held: Held) -> Arc<Held> {
        let held = Arc::new(held);
        let mut table = lock_table();
        if let Some(entry) = table.entries.iter_mut().find(|entry| self.is(entry)) {
            entry.held = Some(Arc::clone(&held));
        }
        keeper::wake(&mut table, self.pid);
        self.entered = true;
        held
    }

    fn is(&self, entry: &Entry) -> bool {
        entry.held.is_none() && entry.thread == self.thread && entry.resource == self.resource
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if !self.entered {
            lock_table().entries.retain(|entry| !self.is(entry));
        }
    }
}

/// Releases every lock of this process: for the moment before it ends by a signal.
///
/// The guards themselves become empty; what they guarded may no longer be written. A release that
/// another thread has begun is waited for. Returns what went wrong, for a message.
pub fn release_all_held() -> Vec<ReleaseError> {
    let held: Vec<Arc<Held>> = lock_table().held().map(Arc::clone).collect();
    held.iter()
        .filter_map(|held| held.release().err())
        .collect()
}

/// Makes sure that sidecars which this process passed on were taken: for the moment before it ends.
///
/// Waits at most 1 ms, and only after a hand-over within the last one. Without this call a waiter
/// that is killed exactly while it is being granted can leave a sidecar behind; the next `acquire`
/// adopts it, but a tool that only knows "file exists" would wait.
pub fn settle_hand_overs() {
    let pending = std::mem::take(&mut lock_table().hand_overs);
    for entry in pending {
        std::thread::sleep(LOOK_AT_END_AFTER.saturating_sub(entry.at.elapsed()));
        sweep(&entry.sidecar);
    }
}

#[cfg(test)]
mod tests;
