//! Giving a lock back: remove the sidecar, or leave it to those who wait.

use std::fs::File;
use std::io;
use std::thread;
use std::time::Duration;

use crate::record::{self, Contents};
use crate::sys::{self, Name};

/// What became of the sidecar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Released {
    Removed,
    HandedOver,
    /// The name no longer stood for our file; it was left alone.
    NotOurs,
}

/// Releases the lock on `file`, which the caller holds.
///
/// Removing comes before unlocking: after unlocking, the name may stand for the successor's lock.
/// With waiters registered, and unless the run of hand-overs is over, the sidecar stays and the
/// kernel grants the head of its queue. Every answer of the registration is legal for an owner: a
/// wrong one costs time, never exclusion.
pub(crate) fn release(
    file: &File,
    sidecar: &Name,
    id: sys::FileId,
    run_over: bool,
) -> io::Result<Released> {
    match release_held(file, sidecar, id, run_over) {
        Ok(released) => Ok(released),
        // Whatever went wrong: the lock itself is given back, also where a child has the descriptor.
        Err(err) => sys::unlock(file).and(Err(err)),
    }
}

fn release_held(
    file: &File,
    sidecar: &Name,
    id: sys::FileId,
    run_over: bool,
) -> io::Result<Released> {
    let mut run_over = run_over;
    let mut passed_on = false;
    loop {
        if !names(sidecar, id)? {
            sys::unlock(file)?;
            // An heir may have come, gone and cleaned up between our unlock and our second look.
            return Ok(if passed_on {
                Released::HandedOver
            } else {
                Released::NotOurs
            });
        }
        if run_over || !sys::anyone_registered(file) {
            let removed = sys::remove_file(sidecar);
            sys::unlock(file)?;
            return removed.map(|()| Released::Removed);
        }
        // Without the mark (a sidecar of another user, opened for reading) the heir merely reports
        // a crash that was none.
        if let Err(err) = sys::write_at(file, b"1", record::RELEASED_AT) {
            tracing::debug!(sidecar = %sidecar.path().display(), %err, "lock file not marked as released");
        }
        sys::unlock(file)?;
        // Whoever is registered now answers for the sidecar; if nobody is, the heir has it already
        // (busy) or all of them went away, and then we take it back and clean up.
        if sys::anyone_registered(file) || !take_if_free(file)? {
            return Ok(Released::HandedOver);
        }
        run_over = false;
        passed_on = true;
    }
}

/// Whether the name stands for the file with this identity.
fn names(name: &Name, id: sys::FileId) -> io::Result<bool> {
    Ok(sys::look(name)?.is_some_and(|look| look.id == id))
}

/// How often, and for how long each time, we step aside for somebody who only looks at the lock.
const LOOKERS: u32 = 20;
const STEP_ASIDE: Duration = Duration::from_micros(100);

/// Takes the kernel lock unless an owner has it. A shared lock is no owner's: somebody inspects.
fn take_if_free(file: &File) -> io::Result<bool> {
    for _ in 0..LOOKERS {
        if sys::try_lock(file)? {
            return Ok(true);
        }
        if !sys::try_lock_shared(file)? {
            return Ok(false);
        }
        thread::sleep(STEP_ASIDE);
    }
    Ok(false)
}

/// Looks after a hand-over: a record that says "released" on a free lock means that the heir died.
pub(crate) fn sweep(sidecar: &Name) {
    if let Err(err) = try_sweep(sidecar) {
        tracing::debug!(sidecar = %sidecar.path().display(), %err, "passed-on lock file not looked after");
    }
}

fn try_sweep(sidecar: &Name) -> io::Result<()> {
    let (file, look) = match sys::open_existing(sidecar) {
        Err(err) if sys::is_other_kind(&err) => return Ok(()),
        opened => opened?,
    };
    let released = |head: &[u8]| matches!(record::parse(head), Contents::Ours(r) if r.released);
    if look.kind != sys::Kind::File || !released(&sys::read_head(&file)?) || !take_if_free(&file)? {
        return Ok(());
    }
    // Somebody may have adopted it between the look and the lock, and crashed: then it is not ours
    // to judge, the next acquire takes it over and says so.
    match sys::read_head(&file) {
        Ok(head) if released(&head) => release(&file, sidecar, look.id, false).map(drop),
        Ok(_) => sys::unlock(&file),
        Err(err) => sys::unlock(&file).and(Err(err)),
    }
}
