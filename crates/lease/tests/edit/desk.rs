//! A project with a store and a clock that tests set.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use jiff::Timestamp;
use lease::edit::{EditError, Edited, Expect, Replacement, Workplace, Write, Writer};
use lease::store::{LeaseStore, Transaction, transact};
use lease::{Agent, Leases, Mode, Pattern, Project, Request, Rules, Scope, StoreError, Token};
use testkit::{Sandbox, leftovers};

/// What somebody does to the leases.
type Meddling = Box<dyn FnOnce(&mut Leases) + Send>;

/// A store in memory, in which somebody may do something between an agent's wish to lock it and the lock.
#[derive(Default)]
pub struct MemoryStore {
    pub leases: Mutex<Leases>,
    before_begin: Mutex<Option<Meddling>>,
    place: PathBuf,
}

impl std::fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MemoryStore")
    }
}

struct Locked<'a>(MutexGuard<'a, Leases>);

impl Transaction for Locked<'_> {
    fn leases(&self) -> &Leases {
        &self.0
    }

    fn verify(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn commit(mut self: Box<Self>, after: &Leases) -> Result<(), StoreError> {
        *self.0 = after.clone();
        Ok(())
    }
}

impl LeaseStore for MemoryStore {
    fn place(&self) -> &Path {
        &self.place
    }

    fn read(&self) -> Result<Leases, StoreError> {
        Ok(self.leases.lock().expect("nobody panics").clone())
    }

    fn begin(&self, _: Duration) -> Result<Box<dyn Transaction + '_>, StoreError> {
        let mut leases = self.leases.lock().expect("nobody panics");
        if let Some(meddle) = self.before_begin.lock().expect("nobody panics").take() {
            meddle(&mut leases);
        }
        Ok(Box::new(Locked(leases)))
    }
}

/// The desk of an agent.
pub struct Desk {
    pub sandbox: Sandbox,
    pub store: MemoryStore,
    pub rules: Rules,
    pub now: Arc<Mutex<Timestamp>>,
    project: Project,
}

impl Desk {
    pub fn new() -> Self {
        let sandbox = Sandbox::new();
        let start: Timestamp = "2026-01-15T10:00:00Z".parse().expect("a time");
        let now = Arc::new(Mutex::new(start));
        let clock = Arc::clone(&now);
        Self {
            project: Project::new(sandbox.path()).expect("it is a folder"),
            store: MemoryStore {
                place: sandbox.join("locks"),
                ..MemoryStore::default()
            },
            rules: Rules {
                clock: Arc::new(move || *clock.lock().expect("nobody panics")),
                ..Rules::default()
            },
            sandbox,
            now,
        }
    }

    fn place(&self) -> Workplace<'_> {
        Workplace::new(&self.project, &self.store, &self.rules)
    }

    pub fn pass(&self, time: Duration) {
        *self.now.lock().expect("nobody panics") += time;
    }

    /// Has this done once, just before the store is locked the next time.
    pub fn before_the_lock(&self, meddle: impl FnOnce(&mut Leases) + Send + 'static) {
        *self.store.before_begin.lock().expect("nobody panics") = Some(Box::new(meddle));
    }

    pub fn request(&self, agent: &str, path: &str) -> Request {
        let path = self.project.path(Path::new(path)).expect("a path");
        Request {
            agent: by(agent).agent,
            scope: Scope::from_iter([Pattern::Directory(path)]),
            mode: Mode::Exclusive,
            ttl: Duration::from_mins(1),
            task: Some("the work".to_owned()),
            bind_to: None,
        }
    }

    pub fn acquire(&self, request: &Request) -> Token {
        let acquired = transact(&self.store, Duration::ZERO, |leases| {
            leases.acquire(request, &self.rules.present())
        });
        let lease = acquired.expect("it is free").lease;
        lease.token.expect("a lease of ours has a number")
    }

    /// A lease of `agent` on `path` and all below it, for a minute.
    pub fn holds(&self, agent: &str, path: &str) -> Token {
        self.acquire(&self.request(agent, path))
    }

    pub fn edit(&self, path: &str, old: &str, new: &str) -> Result<Edited, EditError> {
        self.replace(&replacement(path, old, new), &by("a1"))
    }

    pub fn replace(&self, edit: &Replacement, by: &Writer) -> Result<Edited, EditError> {
        self.place().surgical_edit(edit, by)
    }

    pub fn write(&self, path: &str, text: &str, expect: Expect) -> Result<Edited, EditError> {
        let write = Write {
            path: path.into(),
            contents: text.into(),
            expect,
        };
        self.place().write_file(&write, &by("a1"))
    }

    /// Nothing of ours may lie about, whatever happened.
    pub fn assert_tidy(&self) {
        let left = leftovers(self.sandbox.path());
        assert_eq!(
            left,
            Vec::<PathBuf>::new(),
            "no lock or temporary file is left"
        );
    }
}

pub fn by(agent: &str) -> Writer {
    let mut writer = Writer::new(Agent::new(agent).expect("a name"));
    writer.lock.timeout = Duration::from_secs(20);
    writer
}

pub fn replacement(path: &str, old: &str, new: &str) -> Replacement {
    Replacement {
        path: path.into(),
        old: old.into(),
        new: new.into(),
        if_revision: None,
    }
}
