//! What SIGINT, SIGTERM and SIGHUP do: release locks and end, pass on to a child, or wait for a commit to end.
//!
//! A commit that has begun is finished: it takes milliseconds, and its outcome can then be told. Everything before it
//! (waiting, reading standard input, holding a lock by hand) ends at once, with the locks released.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::sys;

/// A signal came before anything was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interrupted {
    /// Its number.
    pub signal: u8,
}

/// What the process is doing, as far as signals are concerned.
struct State {
    is_watching: bool,
    is_committing: bool,
    waiting: Option<sys::Received>,
    child: Option<u32>,
}

static STATE: Mutex<State> = Mutex::new(State {
    is_watching: false,
    is_committing: false,
    waiting: None,
    child: None,
});

/// From now on a signal is only noted, for [`begin_commit`] and [`pending`]. For work that never waits.
pub fn note() {
    // Without it a signal ends the process as usual, and the next owner adopts its lock.
    sys::note_signals().ok();
}

/// From now on signals release the locks of this process, in a thread of its own. For work that may wait.
pub fn watch() {
    note();
    let was_watching = std::mem::replace(&mut lock().is_watching, true);
    if was_watching {
        return;
    }
    sys::watch_signals(receive).ok();
    // One that came before anybody listened: nothing is held yet.
    if let Some(exit) = pending() {
        std::process::exit(i32::from(exit));
    }
}

/// Whether [`watch`] has been called.
pub fn is_watching() -> bool {
    lock().is_watching
}

fn receive(signal: sys::Received) {
    let mut state = lock();
    if let Some(child) = state.child {
        forward(child, signal);
    } else if state.is_committing {
        state.waiting = Some(signal);
    } else {
        sidecar_lock::release_all_held();
        sidecar_lock::settle_hand_overs();
        // The state stays locked: nobody begins a commit any more.
        std::process::exit(i32::from(exit_code(signal.number)));
    }
}

/// Enters the part that signals do not cut short.
///
/// # Errors
///
/// [`Interrupted`] when a signal has come already.
pub fn begin_commit() -> Result<(), Interrupted> {
    let mut state = lock();
    if let Some(signal) = sys::arrived() {
        return Err(Interrupted { signal });
    }
    state.is_committing = true;
    Ok(())
}

/// As [`begin_commit`], for an end that has to be made in any case.
pub fn begin_end() {
    lock().is_committing = true;
}

/// Leaves that part. A signal that came meanwhile is told by [`pending`].
pub fn end_commit() {
    lock().is_committing = false;
}

/// The exit code that a signal demands which came and ended nothing, even if nobody has dealt with it yet.
pub fn pending() -> Option<u8> {
    sys::arrived().map(exit_code)
}

/// From now on signals go to this child, also one that came since [`begin_commit`]: so a child is never started and
/// then left alone.
pub fn forward_to(child: u32) {
    let mut state = lock();
    state.child = Some(child);
    state.is_committing = false;
    if let Some(signal) = state.waiting.take() {
        forward(child, signal);
    }
}

fn forward(child: u32, signal: sys::Received) {
    // A terminal has told the child itself: it sends to the whole foreground group.
    if !signal.is_from_kernel {
        sys::forward(child, signal.number);
    }
}

/// The child has ended; its number may soon be another process's. What came until now was its business; from now on
/// signals wait, for the lock is released. Returns the last one that came.
pub fn forward_to_nobody() -> Option<u8> {
    let mut state = lock();
    state.child = None;
    state.is_committing = true;
    let last = sys::arrived();
    sys::forget_arrived();
    last
}

fn exit_code(signal: u8) -> u8 {
    128 + signal
}

fn lock() -> MutexGuard<'static, State> {
    // Plain values, valid at every step.
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}
