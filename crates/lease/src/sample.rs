//! What the tests of this crate build their cases from. Times are seconds after an arbitrary one.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::agent::Agent;
use crate::error::{LeaseError, StoreError};
use crate::glob::Glob;
use crate::lease::{DEFAULT_MAX_AGE, Mode, Present};
use crate::leases::{Leases, Request};
use crate::pattern::Pattern;
use crate::process::Process;
use crate::project_path::ProjectPath;
use crate::rules::Rules;
use crate::scope::Scope;
use crate::store::{LeaseStore, Transaction};

/// The time `seconds` after an arbitrary one.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + seconds).expect("a time")
}

pub(crate) fn agent(name: &str) -> Agent {
    Agent::new(name).expect("a name")
}

pub(crate) fn path(text: &str) -> ProjectPath {
    ProjectPath::from_parts(text.split('/').filter(|part| !part.is_empty()))
}

/// `a/` is a directory, with one of `*?{` it is a glob, else a file.
pub(crate) fn pattern(text: &str) -> Pattern {
    if text.contains(['*', '?', '{']) {
        Pattern::Glob(Glob::from_clean(text).expect("a glob"))
    } else if text.ends_with('/') {
        Pattern::Directory(path(text))
    } else {
        Pattern::File(path(text))
    }
}

/// Patterns with blanks between them.
pub(crate) fn scope(text: &str) -> Scope {
    text.split_whitespace().map(pattern).collect()
}

/// A request for 60 s.
pub(crate) fn request(name: &str, wanted: &str, mode: Mode) -> Request {
    Request {
        agent: agent(name),
        scope: scope(wanted),
        mode,
        ttl: Duration::from_mins(1),
        task: None,
        bind_to: None,
    }
}

pub(crate) fn exclusive(name: &str, wanted: &str) -> Request {
    request(name, wanted, Mode::Exclusive)
}

pub(crate) fn shared(name: &str, wanted: &str) -> Request {
    request(name, wanted, Mode::Shared)
}

/// A made-up process.
pub(crate) fn process(pid: u32) -> Process {
    Process {
        pid,
        start_time: 1,
        boot_id: "boot".to_owned(),
        pid_namespace: 1,
        host: "host".to_owned(),
    }
}

/// A clock and the processes that have ended.
#[derive(Default)]
pub(crate) struct World {
    pub(crate) gone: HashSet<u32>,
}

impl World {
    /// Calls `look` with the present at `seconds`.
    pub(crate) fn when<T>(&self, seconds: i64, look: impl FnOnce(&Present<'_>) -> T) -> T {
        look(&Present {
            now: at(seconds),
            max_age: DEFAULT_MAX_AGE,
            is_gone: &|process| self.gone.contains(&process.pid),
        })
    }
}

/// The agents that stand in the way, in the order in which they are told.
pub(crate) fn blockers(err: &LeaseError) -> Vec<String> {
    let by = match err {
        LeaseError::Taken(by) | LeaseError::TimedOut(by) | LeaseError::Stopped(by) => by,
        other => panic!("something stands against it, not {other}"),
    };
    let agents = by.obstacles.iter().map(|one| one.agent.to_string());
    agents.collect()
}

/// A store in memory, for one process.
#[derive(Debug, Clone, Default)]
pub(crate) struct Memory(Arc<Inside>);

#[derive(Debug, Default)]
struct Inside {
    leases: Mutex<Leases>,
    /// How many more times it is busy.
    busy: AtomicU32,
    /// How often it was written.
    commits: AtomicU32,
}

impl Memory {
    pub(crate) fn leases(&self) -> Leases {
        self.lock().clone()
    }

    /// Changes it behind everybody's back.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Leases) -> T) -> T {
        change(&mut self.lock())
    }

    pub(crate) fn be_busy(&self, times: u32) {
        self.0.busy.store(times, Ordering::SeqCst);
    }

    pub(crate) fn is_busy(&self) -> bool {
        self.0.busy.load(Ordering::SeqCst) > 0
    }

    pub(crate) fn commits(&self) -> u32 {
        self.0.commits.load(Ordering::SeqCst)
    }

    fn lock(&self) -> MutexGuard<'_, Leases> {
        self.0.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LeaseStore for Memory {
    fn place(&self) -> &Path {
        Path::new("memory")
    }

    fn read(&self) -> Result<Leases, StoreError> {
        Ok(self.leases())
    }

    fn begin(&self, _timeout: Duration) -> Result<Box<dyn Transaction + '_>, StoreError> {
        let less = |times: u32| times.checked_sub(1);
        let busy = &self.0.busy;
        if busy
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, less)
            .is_ok()
        {
            return Err(StoreError::Busy {
                path: PathBuf::from("memory"),
                waited: Duration::ZERO,
            });
        }
        Ok(Box::new(Locked {
            inside: self.0.as_ref(),
            leases: self.lock(),
        }))
    }
}

struct Locked<'a> {
    inside: &'a Inside,
    leases: MutexGuard<'a, Leases>,
}

impl Transaction for Locked<'_> {
    fn leases(&self) -> &Leases {
        &self.leases
    }

    fn verify(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn commit(mut self: Box<Self>, after: &Leases) -> Result<(), StoreError> {
        self.leases.clone_from(after);
        self.inside.commits.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

/// Rules with a clock that the test sets, in milliseconds after [`at`] zero.
pub(crate) fn rules_at(clock: &Arc<std::sync::atomic::AtomicI64>) -> Rules {
    let clock = Arc::clone(clock);
    Rules {
        clock: Arc::new(move || {
            let millis = clock.load(Ordering::SeqCst);
            at(0)
                .saturating_add(jiff::SignedDuration::from_millis(millis))
                .expect("a time")
        }),
        ..Rules::default()
    }
}
