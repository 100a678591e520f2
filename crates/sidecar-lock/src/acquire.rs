//! The one loop that acquires: look, then publish, adopt, replace, or wait.
//!
//! Ownership is: the kernel lock on the file **and** the sidecar's name stands for that file **and**
//! it carries our record. Every way to a guard below establishes all three.

mod foreign;
mod waiting;

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use crate::error::{AcquireError, LockedBy, Obstruction};
use crate::foreign::{ForeignLock, Observation};
use crate::guard::{LockGuard, TookOver};
use crate::held::{Held, Reservation};
use crate::identity::new_holder;
use crate::lock::SidecarLock;
use crate::options::LockOptions;
use crate::queue::Ticket;
use crate::record::{self, Contents, Record};
use crate::stale::Limits;
use crate::sys::{self, Kind, Linked, Look, Name};
use crate::wait::Patience;

/// How often the sidecar may change hands under our eyes before the limit of time applies: a single
/// attempt must not fail only because a look met a release.
const FREE_RESTARTS: u32 = 16;

pub(crate) fn acquire(
    lock: &SidecarLock,
    options: &LockOptions,
) -> Result<LockGuard, AcquireError> {
    let mut attempt = Attempt::begin(lock, options)?;
    let mut restarts = 0;
    loop {
        match attempt.look()? {
            Outcome::Acquired(guard) => return Ok(*guard),
            Outcome::Moved => {
                restarts += 1;
                if restarts > FREE_RESTARTS && attempt.patience.is_over() {
                    return Err(attempt.contended(LockedBy::Unknown));
                }
            }
            Outcome::Busy(busy) => match attempt.patience.next_look() {
                Some(until) => attempt.wait(busy, until)?,
                None if restarts < FREE_RESTARTS && busy.is_only_looked_at() => restarts += 1,
                None => return Err(attempt.give_up(busy)),
            },
        }
    }
}

enum Outcome {
    Acquired(Box<LockGuard>),
    /// What we looked at changed meanwhile: look again.
    Moved,
    Busy(Busy),
}

enum Busy {
    /// A live owner that uses the kernel lock.
    Locked(Arc<File>, sys::FileId),
    /// The same, and we have a place in its queue.
    Queued,
    Foreign(ForeignLock),
}

impl Busy {
    /// Whether nobody holds the lock: somebody inspects it at this moment, with a shared lock.
    fn is_only_looked_at(&self) -> bool {
        matches!(self, Self::Locked(file, _) if sys::try_lock_shared(file).unwrap_or(false))
    }
}

/// One acquisition in progress.
struct Attempt<'a> {
    lock: &'a SidecarLock,
    /// In the folder that this attempt works in, as long as there is one.
    sidecar: Name,
    /// How often that folder was found removed.
    removals: u32,
    options: &'a LockOptions,
    limits: Limits,
    patience: Patience,
    reservation: Option<Reservation>,
    pid: u32,
    observation: Observation,
    ticket: Option<Ticket>,
    granted: Option<(Arc<File>, sys::FileId)>,
    /// A sidecar that was removed while we were next in its queue: keeping its kernel lock keeps the
    /// others of that queue asleep until we have published, so that they follow in order.
    dead: Option<Arc<File>>,
    events: Option<sys::Events>,
    /// A lock that was removed on the way, because it could not be written over.
    took_over: Option<TookOver>,
}

impl<'a> Attempt<'a> {
    fn begin(lock: &'a SidecarLock, options: &'a LockOptions) -> Result<Self, AcquireError> {
        let reservation = Reservation::make(lock.resource())?;
        let sidecar = open(lock)?;
        let attempt = Self {
            lock,
            sidecar,
            removals: 0,
            options,
            limits: Limits {
                stale_after: options.effective_stale_after(),
                timeout: options.timeout,
            },
            patience: Patience::new(options),
            observation: Observation::default(),
            ticket: None,
            granted: None,
            dead: None,
            events: None,
            took_over: None,
            pid: reservation.pid(),
            reservation: Some(reservation),
        };
        attempt.stay_away();
        Ok(attempt)
    }

    /// After a run of hand-overs that this process has ended: lets others in first. Who cannot wait that long does not.
    fn stay_away(&self) {
        let until = self
            .reservation
            .as_ref()
            .and_then(Reservation::stay_away_until);
        if let Some(until) = until {
            let pause = until.saturating_duration_since(Instant::now());
            thread::sleep(pause.min(self.options.timeout / 2));
        }
    }

    fn look(&mut self) -> Result<Outcome, AcquireError> {
        if let Some((file, id)) = self.granted.take() {
            return self.claim(file, id, Origin::Queue);
        }
        let look = match sys::look(&self.sidecar) {
            // On NFS: another machine has removed the folder.
            Err(err) if is_stale(&err) => return self.begin_anew("look at", err),
            look => look.map_err(|err| self.io("look at", err))?,
        };
        let Some(look) = look else {
            self.leave_queue();
            return self.publish();
        };
        match look.kind {
            Kind::File if self.ticket.as_ref().is_some_and(|t| t.is_for(look.id)) => {
                Ok(Outcome::Busy(Busy::Queued))
            }
            Kind::File => {
                self.leave_queue();
                match self.open_and_claim() {
                    // On NFS: another machine has removed it meanwhile.
                    Err(AcquireError::Io { source, .. }) if is_stale(&source) => Ok(Outcome::Moved),
                    outcome => outcome,
                }
            }
            Kind::Directory => self.judge_directory(),
            Kind::Symlink => Err(self.obstructed(Obstruction::Symlink)),
            Kind::Special => Err(self.obstructed(Obstruction::Special)),
        }
    }

    // --- The sidecar is absent -----------------------------------------------------------------

    fn publish(&mut self) -> Result<Outcome, AcquireError> {
        let mut record = self.new_record(None);
        let bytes = record.lay_out();
        let linked = sys::prepare(&self.sidecar, &bytes)
            .and_then(|prepared| sys::link_prepared(&prepared, &self.sidecar));
        match linked {
            Ok(Linked::Done(file, id)) => Ok(self.acquired(file, id, &record, None)),
            Ok(Linked::Taken) => Ok(Outcome::Moved),
            // There is no place for a name in a folder that has been removed.
            Err(err) if err.kind() == io::ErrorKind::NotFound => self.begin_anew("create", err),
            Err(err) => Err(self.io("create", err)),
        }
    }

    /// The folder is gone, and with it all that was waited for. As nothing is held yet, this attempt may as well have
    /// begun now: in the folder that its path leads to.
    fn begin_anew(
        &mut self,
        step: &'static str,
        source: io::Error,
    ) -> Result<Outcome, AcquireError> {
        self.removals += 1;
        if self.removals > FREE_RESTARTS {
            return Err(self.io(step, source));
        }
        self.sidecar = open(self.lock)?;
        self.events = None;
        Ok(Outcome::Moved)
    }

    // --- A file stands there -------------------------------------------------------------------

    fn open_and_claim(&mut self) -> Result<Outcome, AcquireError> {
        let (file, look) = match sys::open_existing(&self.sidecar) {
            Ok(opened) => opened,
            Err(err) if sys::is_other_kind(&err) => return Ok(Outcome::Moved),
            Err(err) => return Err(self.io("open", err)),
        };
        if look.kind != Kind::File {
            return Ok(Outcome::Moved);
        }
        let file = Arc::new(file);
        if sys::try_lock(&file).map_err(|err| self.io("lock", err))? {
            self.claim(file, look.id, Origin::FirstTry)
        } else {
            Ok(Outcome::Busy(Busy::Locked(file, look.id)))
        }
    }

    /// We hold the kernel lock on `file`: is it the sidecar, and whose record does it carry?
    fn claim(
        &mut self,
        file: Arc<File>,
        id: sys::FileId,
        origin: Origin,
    ) -> Result<Outcome, AcquireError> {
        // The name may have been removed, or may stand for a new file, since this one was opened;
        // then we hold a lock that nobody else can see.
        let look = sys::look(&self.sidecar).map_err(|err| self.io("look at", err))?;
        let Some(look) = look.filter(|look| look.id == id) else {
            if origin == Origin::Queue {
                if self.dead.is_none() {
                    thread::sleep(self.options.fairness.gap);
                }
                self.dead = Some(file);
            }
            return Ok(Outcome::Moved);
        };
        let head = sys::read_head(&file).map_err(|err| self.io("read", err))?;
        match record::parse_of(&head, look.is_marked) {
            Contents::Ours(record) => self.adopt(file, &look, Some(&record)),
            Contents::OursUnreadable => self.adopt(file, &look, None),
            Contents::NotOurs => self.judge_file(&file, &look),
        }
    }

    /// The owner is gone (or has left the sidecar to us): writes our record over its own.
    fn adopt(
        &mut self,
        file: Arc<File>,
        look: &Look,
        previous: Option<&Record>,
    ) -> Result<Outcome, AcquireError> {
        let mut record = self.new_record(previous);
        let took_over = match previous {
            Some(previous) if previous.released => None,
            Some(previous) => Some(TookOver::Crashed(Box::new(previous.holder.clone()))),
            None => Some(TookOver::CrashedUnreadable),
        };
        // Its other names, in a backup for instance, are not ours to write to.
        if look.links > 1 {
            return self.remove_adopted(&file, took_over);
        }
        match sys::write_at(&file, &record.lay_out(), 0) {
            Ok(()) => {}
            // Opened for reading only (another user's file).
            Err(err) if sys::is_read_only_file(&err) => {
                return self.remove_adopted(&file, took_over);
            }
            Err(err) => return Err(self.io("write", err)),
        }
        if look.size != record::SIZE as u64 {
            sys::set_length(&file, record::SIZE as u64).map_err(|err| self.io("write", err))?;
        }
        Ok(self.acquired(file, look.id, &record, took_over))
    }

    /// Removes a sidecar that cannot be written over, while its kernel lock is held: then we publish our own.
    fn remove_adopted(
        &mut self,
        file: &File,
        took_over: Option<TookOver>,
    ) -> Result<Outcome, AcquireError> {
        let removed = sys::remove_file(&self.sidecar).map_err(|err| self.not_removed(err));
        // Not by closing alone: a child that is being started may have it, and another name of the file would look held.
        sys::unlock(file).map_err(|err| self.io("unlock", err))?;
        removed?;
        self.took_over = took_over.or(self.took_over.take());
        Ok(Outcome::Moved)
    }

    // --- Results -------------------------------------------------------------------------------

    fn new_record(&self, previous: Option<&Record>) -> Record {
        let run_started = previous
            .filter(|previous| previous.released)
            .map(|previous| previous.run_started)
            // A run that begins in the future would never be over.
            .filter(|started| sys::since_boot().is_none_or(|now| *started <= now))
            .or_else(sys::since_boot)
            .unwrap_or_default();
        Record {
            holder: new_holder(
                self.options,
                previous.map_or(0, |p| p.holder.generation.saturating_add(1)),
                self.pid,
            ),
            released: false,
            run_started,
        }
    }

    fn acquired(
        &mut self,
        file: Arc<File>,
        id: sys::FileId,
        record: &Record,
        took_over: Option<TookOver>,
    ) -> Outcome {
        let held = Held::new(
            self.lock.resource(),
            &self.sidecar,
            file,
            id,
            record.run_started,
            self.options,
            self.pid,
        );
        let held = match self.reservation.take() {
            Some(reservation) => reservation.enter(held),
            None => Arc::new(held),
        };
        self.free_dead();
        Outcome::Acquired(Box::new(LockGuard::new(
            held,
            record.holder.clone(),
            took_over.or(self.took_over.take()),
            self.patience.waited(),
            self.patience.looks(),
        )))
    }

    fn give_up(&mut self, busy: Busy) -> AcquireError {
        let by = match busy {
            Busy::Foreign(foreign) => LockedBy::Foreign(foreign),
            Busy::Locked(file, _) => locked_by(&file),
            Busy::Queued => self
                .ticket
                .as_ref()
                .and_then(Ticket::file)
                .map_or(LockedBy::Unknown, locked_by),
        };
        self.contended(by)
    }

    fn contended(&self, by: LockedBy) -> AcquireError {
        AcquireError::Contended {
            resource: self.lock.resource().to_path_buf(),
            sidecar: self.lock.sidecar().to_path_buf(),
            by: Box::new(by),
            waited: self.patience.waited(),
            attempts: self.patience.looks(),
        }
    }

    fn obstructed(&self, what: Obstruction) -> AcquireError {
        AcquireError::Obstructed {
            sidecar: self.lock.sidecar().to_path_buf(),
            what,
        }
    }

    fn not_removed(&self, source: io::Error) -> AcquireError {
        match source.kind() {
            io::ErrorKind::PermissionDenied => AcquireError::NotRemovable {
                path: self.lock.sidecar().to_path_buf(),
                source,
            },
            _ => self.io("remove", source),
        }
    }

    fn io(&self, step: &'static str, source: io::Error) -> AcquireError {
        AcquireError::from_io(step, self.lock.sidecar(), source)
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        self.free_dead();
        // Granted but not claimed (an error on the way): unlock before the descriptor goes, a forked
        // child may keep it open.
        if let Some((file, _)) = self.granted.take()
            && let Err(err) = sys::unlock(&file)
        {
            tracing::debug!(%err, "a granted lock file was not unlocked");
        }
    }
}

/// Binds to the folder that the path leads to now.
fn open(lock: &SidecarLock) -> Result<Name, AcquireError> {
    lock.open()
        .map_err(|err| AcquireError::from_io("open the folder of", lock.sidecar(), err))
}

/// Whether an open file, or folder, is gone on its server.
fn is_stale(err: &io::Error) -> bool {
    err.kind() == io::ErrorKind::StaleNetworkFileHandle
}

/// How the kernel lock was got.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    FirstTry,
    Queue,
}

fn locked_by(file: &File) -> LockedBy {
    match sys::read_head(file).map(|head| record::parse(&head)) {
        Ok(Contents::Ours(record)) => LockedBy::Holder(record.holder),
        _ => LockedBy::Unknown,
    }
}
