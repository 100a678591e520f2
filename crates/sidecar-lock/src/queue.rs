//! Sleeping in the kernel's queue with a deadline: helper threads that block in flock.
//!
//! flock has no time limit. A helper blocks, the waiter sleeps on a condition with its deadline. A
//! waiter that gives up leaves its helper in the queue; when that is granted after all, it passes the
//! lock on as any owner would. The next waiter for the same file takes such a place over instead of
//! starting another thread, so that short deadlines do not pile threads up.

use std::fs::File;
use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::record::{self, Contents};
use crate::release::release;
use crate::sys::{self, Name};

/// How long a waiter that gave up watches whether its helper is granted just now. An owner that saw
/// our registration may be between its look and its unlock (SL1 "hand-over", step 4).
const SETTLE: Duration = Duration::from_millis(2);
/// Helpers kept for later waits; more than one only where threads of one process wait at once.
const KEPT_HELPERS: usize = 4;

#[derive(Debug)]
enum State {
    Waiting,
    Granted,
    Failed(io::Error),
    /// The waiter gave up; the helper still sleeps in the queue.
    Abandoned,
    /// The helper was granted after the waiter gave up, and passes the lock on.
    PassingOn,
    /// It has passed the lock on.
    Settled,
}

#[derive(Debug)]
struct Place {
    file: Arc<File>,
    id: sys::FileId,
    sidecar: Name,
    state: Mutex<State>,
    changed: Condvar,
    /// The process whose helper sleeps here.
    pid: u32,
}

impl Place {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

static IDLE: Mutex<Vec<(u32, Sender<Arc<Place>>)>> = Mutex::new(Vec::new());
static ABANDONED: Mutex<Vec<Arc<Place>>> = Mutex::new(Vec::new());

fn list<T>(mutex: &'static Mutex<Vec<T>>) -> MutexGuard<'static, Vec<T>> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A place in the queue of one sidecar. Dropping it gives the place up.
#[derive(Debug)]
pub(crate) struct Ticket {
    place: Option<Arc<Place>>,
}

/// What a wait in the queue came to.
pub(crate) enum Waited {
    Granted(Arc<File>),
    TimeIsUp,
}

/// Registers as a waiter and enters the queue of `file`.
pub(crate) fn enter(file: Arc<File>, id: sys::FileId, sidecar: &Name) -> io::Result<Ticket> {
    if let Some(place) = take_over_abandoned(id, sidecar) {
        return Ok(Ticket { place: Some(place) });
    }
    sys::register(&file)?;
    let place = Arc::new(Place {
        file,
        id,
        sidecar: sidecar.clone(),
        state: Mutex::new(State::Waiting),
        changed: Condvar::new(),
        pid: std::process::id(),
    });
    if let Err(err) = dispatch(Arc::clone(&place)) {
        sys::unregister(&place.file);
        return Err(err);
    }
    Ok(Ticket { place: Some(place) })
}

fn take_over_abandoned(id: sys::FileId, sidecar: &Name) -> Option<Arc<Place>> {
    let mut abandoned = list(&ABANDONED);
    let pid = std::process::id();
    abandoned.retain(|place| place.pid == pid);
    let found = abandoned
        .iter()
        .position(|place| place.id == id && place.sidecar.path() == sidecar.path())?;
    let place = abandoned.swap_remove(found);
    drop(abandoned);
    let mut state = place.state();
    if !matches!(*state, State::Abandoned) || sys::register(&place.file).is_err() {
        return None;
    }
    *state = State::Waiting;
    drop(state);
    Some(place)
}

fn dispatch(mut place: Arc<Place>) -> io::Result<()> {
    let pid = std::process::id();
    loop {
        let idle = list(&IDLE).pop();
        let Some((helper_pid, helper)) = idle else {
            break;
        };
        if helper_pid != pid {
            continue;
        }
        match helper.send(place) {
            Ok(()) => return Ok(()),
            Err(unsent) => place = unsent.0,
        }
    }
    let (sender, places) = channel();
    // The receiver lives in the new thread; should it not start, the error returns before any wait.
    sender
        .send(place)
        .map_err(|_| io::Error::other("the queue helper is gone"))?;
    thread::Builder::new()
        .name("sidecar-lock queue".into())
        .stack_size(128 * 1024)
        .spawn(move || help(&sender, &places))?;
    Ok(())
}

/// A helper's life: one place after the other.
fn help(own: &Sender<Arc<Place>>, places: &Receiver<Arc<Place>>) {
    while let Ok(place) = places.recv() {
        let locked = sys::lock_blocking(&place.file);
        let mut state = place.state();
        match (&*state, locked) {
            (State::Abandoned, locked) => {
                *state = State::PassingOn;
                drop(state);
                if locked.is_ok() {
                    pass_on(&place);
                }
                *place.state() = State::Settled;
                list(&ABANDONED).retain(|other| !Arc::ptr_eq(other, &place));
            }
            (_, Ok(())) => {
                *state = State::Granted;
                drop(state);
            }
            (_, Err(err)) => {
                *state = State::Failed(err);
                drop(state);
            }
        }
        place.changed.notify_all();
        drop(place);
        let mut idle = list(&IDLE);
        if idle.len() >= KEPT_HELPERS {
            return;
        }
        idle.push((std::process::id(), own.clone()));
    }
}

/// Granted although nobody waits any more: do what an owner does at the end.
fn pass_on(place: &Place) {
    let passed = match sys::read_head(&place.file) {
        Ok(head) if !matches!(record::parse(&head), Contents::NotOurs) => {
            release(&place.file, &place.sidecar, place.id, false).map(drop)
        }
        Ok(_) => sys::unlock(&place.file),
        Err(err) => sys::unlock(&place.file).and(Err(err)),
    };
    if let Err(err) = passed {
        tracing::debug!(sidecar = %place.sidecar.path().display(), %err, "late grant not passed on");
    }
}

impl Ticket {
    /// The open sidecar whose queue this is, while the place is held.
    pub(crate) fn file(&self) -> Option<&File> {
        self.place.as_ref().map(|place| place.file.as_ref())
    }

    /// Which file's queue this is, while the place is held.
    pub(crate) fn id(&self) -> Option<sys::FileId> {
        self.place.as_ref().map(|place| place.id)
    }

    pub(crate) fn is_for(&self, id: sys::FileId) -> bool {
        self.id() == Some(id)
    }

    /// Sleeps until the lock is granted or `until` has come. After a grant the place is used up.
    pub(crate) fn wait(&mut self, until: Instant) -> io::Result<Waited> {
        let Some(place) = self.place.take() else {
            return Ok(Waited::TimeIsUp);
        };
        let mut state = place.state();
        loop {
            match std::mem::replace(&mut *state, State::Waiting) {
                State::Granted => {
                    drop(state);
                    sys::unregister(&place.file);
                    return Ok(Waited::Granted(Arc::clone(&place.file)));
                }
                State::Failed(err) => {
                    drop(state);
                    sys::unregister(&place.file);
                    return Err(err);
                }
                State::Waiting | State::Abandoned | State::PassingOn | State::Settled => {}
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                drop(state);
                self.place = Some(place);
                return Ok(Waited::TimeIsUp);
            }
            state = place
                .changed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Gives the place up; returns the file if it was granted in this very moment.
    pub(crate) fn give_up(mut self) -> Option<Arc<File>> {
        self.place.take().and_then(|place| abandon(&place))
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(place) = self.place.take()
            && abandon(&place).is_some()
        {
            pass_on(&place);
        }
    }
}

fn abandon(place: &Arc<Place>) -> Option<Arc<File>> {
    // First into the list, then into the state: a helper that is granted in between finds both.
    list(&ABANDONED).push(Arc::clone(place));
    let mut state = place.state();
    let granted = match &*state {
        State::Granted => Some(Arc::clone(&place.file)),
        State::Failed(_) => None,
        _ => {
            *state = State::Abandoned;
            sys::unregister(&place.file);
            let settled = place
                .changed
                .wait_timeout_while(state, SETTLE, |state| !matches!(state, State::Settled))
                .unwrap_or_else(PoisonError::into_inner);
            drop(settled);
            return None;
        }
    };
    drop(state);
    list(&ABANDONED).retain(|other| !Arc::ptr_eq(other, place));
    sys::unregister(&place.file);
    granted
}
