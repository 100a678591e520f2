//! Locks on the files of a project, for agents: acquired at once or in order of arrival, renewed, given back, looked at.

use std::path::Path;
use std::time::Duration;

use crate::agent::Agent;
use crate::error::{LeaseError, Obstacle};
use crate::guard::LeaseGuard;
use crate::lease::{Lease, Mode, Present, Standing};
use crate::leases::{Force, Leases, Released, Request, Which};
use crate::patience::Patience;
use crate::process::Process;
use crate::project::Project;
use crate::queue::Waiter;
use crate::rules::Rules;
use crate::scope::Scope;
use crate::store::sqlite::SqliteStore;
use crate::store::{LeaseStore, transact};
use crate::waiting::{self, Won};

/// The database of locks in the output directory, where nobody names another place.
pub const DATABASE: &str = "leases.db";

/// The locks of one project.
///
/// It keeps nothing in memory: all who use the same store see the same locks, in threads, processes and after a crash. A
/// lock is a lease: it outlives the process that took it, and ends when it is given back or its time is over.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::path::Path;
/// use std::time::Duration;
///
/// # let tree = tempfile::tempdir()?;
/// # let (project_root, output_directory) = (tree.path(), tree.path().join(".ai-sdlc"));
/// let manager = lease::FileLockManager::open(project_root, &output_directory)?;
/// let (ttl, limit) = (Duration::from_mins(10), Duration::from_secs(30));
/// let won = manager.acquire_lock(Path::new("src/main.rs"), "agent-1", ttl, limit)?;
/// assert!(!won.queued, "nobody else wants it");
/// // Edit the file, and renew the lock before the ten minutes are over.
/// manager.release_lock(Path::new("src/main.rs"), "agent-1")?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct FileLockManager {
    project: Project,
    store: Box<dyn LeaseStore>,
    rules: Rules,
}

impl FileLockManager {
    /// The locks on the files of `project` that are kept in `store`.
    pub fn new(project: Project, store: Box<dyn LeaseStore>, rules: Rules) -> Self {
        Self {
            project,
            store,
            rules,
        }
    }

    /// The locks on the files of the project at `project_root`, in the database `leases.db` of `output_directory`. Nothing
    /// is made before the first lock.
    ///
    /// # Errors
    ///
    /// [`LeaseError::Path`]: there is no such project.
    pub fn open(project_root: &Path, output_directory: &Path) -> Result<Self, LeaseError> {
        let project = Project::new(project_root)?;
        let store = SqliteStore::new(output_directory.join(DATABASE), project.clone());
        Ok(Self::new(project, Box::new(store), Rules::default()))
    }

    /// The project.
    pub fn project(&self) -> &Project {
        &self.project
    }

    /// Where the locks are kept.
    pub fn store(&self) -> &dyn LeaseStore {
        self.store.as_ref()
    }

    /// How the store is used.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Locks a file, which need not exist, or a directory with all under it, exclusively for `ttl`.
    ///
    /// Where others hold it, waits up to `limit` in order of arrival; with a limit of zero it is refused at once. Locks that
    /// have ended, or were not renewed for longer than the maximum age, are taken by force; [`Acquired::warnings`] tells so.
    ///
    /// [`Acquired::warnings`]: crate::Acquired::warnings
    ///
    /// # Errors
    ///
    /// As [`FileLockManager::acquire`]; and [`LeaseError::Path`], [`LeaseError::Agent`]: retrying does not help.
    pub fn acquire_lock(
        &self,
        file_path: &Path,
        agent_id: &str,
        ttl: Duration,
        limit: Duration,
    ) -> Result<Won, LeaseError> {
        let request = Request {
            agent: Agent::new(agent_id)?,
            scope: self.scope_of(file_path)?,
            mode: Mode::Exclusive,
            ttl,
            task: None,
            bind_to: None,
        };
        self.acquire(&request, limit)
    }

    /// Acquires all that is asked for, or nothing, waiting as long as `patience` says.
    ///
    /// Several files are taken in one transaction. Nobody ever has a part of them and waits for the rest, so the order in
    /// which they are named does not matter.
    ///
    /// # Errors
    ///
    /// - [`LeaseError::Taken`] (limit of zero), [`LeaseError::TimedOut`], [`LeaseError::Stopped`]: others hold a part of it,
    ///   or came before; the error names them. Retrying may help.
    /// - [`LeaseError::Deadlock`]: a holder waits for what this agent holds. Retrying does not help, giving back does.
    /// - [`LeaseError::Unreadable`], [`LeaseError::Ttl`], [`LeaseError::EmptyScope`], [`LeaseError::Store`]. The last with
    ///   [`LeaseError::is_committed`]: the lease is in the store, but may not survive a power cut.
    pub fn acquire<'a>(
        &self,
        request: &Request,
        patience: impl Into<Patience<'a>>,
    ) -> Result<Won, LeaseError> {
        let won = waiting::acquire(self.store(), request, patience.into(), &self.rules)?;
        for warning in won.acquired.warnings() {
            tracing::warn!("{warning}");
        }
        Ok(won)
    }

    /// As [`FileLockManager::acquire`], for as long as the guard lives and no longer than this process does.
    ///
    /// # Errors
    ///
    /// As [`FileLockManager::acquire`].
    pub fn hold<'a>(
        &self,
        request: &Request,
        patience: impl Into<Patience<'a>>,
    ) -> Result<LeaseGuard<'_>, LeaseError> {
        let bound = Request {
            bind_to: Some(Process::current()),
            ..request.clone()
        };
        let won = self.acquire(&bound, patience)?;
        Ok(LeaseGuard::new(self, won))
    }

    /// Gives a file back that the agent holds. Nothing happens if nobody holds it: it may be repeated.
    ///
    /// # Errors
    ///
    /// As [`FileLockManager::release`]; and [`LeaseError::Path`], [`LeaseError::Agent`]: retrying does not help.
    pub fn release_lock(&self, file_path: &Path, agent_id: &str) -> Result<Released, LeaseError> {
        let which = Which::Patterns(self.scope_of(file_path)?);
        self.release(&Agent::new(agent_id)?, &which)
    }

    /// Gives back what the agent holds.
    ///
    /// # Errors
    ///
    /// As [`Leases::release`], and [`LeaseError::Store`].
    pub fn release(&self, agent: &Agent, which: &Which) -> Result<Released, LeaseError> {
        let released = self.change(|leases, present| leases.release(agent, which, present))?;
        for lease in &released.given_back {
            tracing::debug!(agent = %agent, scope = %lease.scope, "released");
        }
        Ok(released)
    }

    /// Has leases of the agent end `ttl` from now.
    ///
    /// # Errors
    ///
    /// As [`Leases::renew`], and [`LeaseError::Store`].
    pub fn renew(
        &self,
        agent: &Agent,
        which: &Which,
        ttl: Duration,
    ) -> Result<Vec<Lease>, LeaseError> {
        self.change(|leases, present| leases.renew(agent, which, ttl, present))
    }

    /// The live leases that cover a file; several only in shared mode. It may be outdated when it returns.
    ///
    /// # Errors
    ///
    /// [`LeaseError::Path`]; [`LeaseError::Unreadable`]: somebody may hold it; [`LeaseError::Store`].
    pub fn holder_of(&self, file_path: &Path) -> Result<Vec<Lease>, LeaseError> {
        let path = self.project.path(file_path)?;
        let leases = self.store.read()?;
        let present = self.rules.present();
        leases.check_readable(&present)?;
        let holders = leases.holders_of(&path, &present);
        Ok(holders.into_iter().cloned().collect())
    }

    /// Who waits for a file, in order. It may be outdated when it returns.
    ///
    /// # Errors
    ///
    /// [`LeaseError::Path`], [`LeaseError::Store`].
    pub fn queue_of(&self, file_path: &Path) -> Result<Vec<Waiter>, LeaseError> {
        let scope = self.scope_of(file_path)?;
        let leases = self.store.read()?;
        let present = self.rules.present();
        Ok(leases.queue_of(&scope, &present).cloned().collect())
    }

    /// What live leases of others stand against a scope. It may be outdated when it returns.
    ///
    /// # Errors
    ///
    /// [`LeaseError::Unreadable`]: something may stand against it; [`LeaseError::Store`].
    pub fn check(
        &self,
        agent: &Agent,
        scope: &Scope,
        mode: Mode,
    ) -> Result<Vec<Obstacle>, LeaseError> {
        waiting::what_stands_against(self.store(), (agent, scope, mode), &self.rules)
    }

    /// All leases, also those that have ended and nobody has cleared away, with what each is worth. What cannot be read is
    /// left out; [`LeaseStore::read`] names it.
    ///
    /// # Errors
    ///
    /// [`LeaseError::Store`].
    pub fn leases(&self) -> Result<Vec<(Lease, Standing)>, LeaseError> {
        let leases = self.store.read()?;
        let present = self.rules.present();
        let judged = |lease: Lease| {
            let standing = lease.standing(&present);
            (lease, standing)
        };
        Ok(leases.held.into_iter().map(judged).collect())
    }

    /// Ends leases of any agent by force. Make sure first that it does not write any more.
    ///
    /// # Errors
    ///
    /// As [`Leases::break_leases`], and [`LeaseError::Store`].
    pub fn break_leases(
        &self,
        agent: &Agent,
        scope: Option<&Scope>,
        force: Force,
    ) -> Result<Vec<Lease>, LeaseError> {
        let broken =
            self.change(|leases, present| leases.break_leases(agent, scope, force, present))?;
        for lease in &broken {
            tracing::warn!(agent = %agent, scope = %lease.scope, "broken by force");
        }
        Ok(broken)
    }

    /// Clears away leases that have ended, and places in the queue where nobody waits any more.
    ///
    /// # Errors
    ///
    /// [`LeaseError::Store`].
    pub fn prune(&self) -> Result<Vec<(Lease, Standing)>, LeaseError> {
        self.change(|leases, present| Ok(leases.prune(present)))
    }

    /// Waits until no live lease of others stands against a scope, and takes nothing: it may be taken again when this
    /// returns. Returns how long it took.
    ///
    /// # Errors
    ///
    /// [`LeaseError::Taken`] (limit of zero), [`LeaseError::TimedOut`], [`LeaseError::Stopped`]: they name who holds it.
    /// [`LeaseError::Unreadable`], [`LeaseError::Store`].
    pub fn wait_until_free<'a>(
        &self,
        agent: &Agent,
        scope: &Scope,
        mode: Mode,
        patience: impl Into<Patience<'a>>,
    ) -> Result<Duration, LeaseError> {
        let wanted = (agent, scope, mode);
        waiting::wait_until_free(self.store(), wanted, patience.into(), &self.rules)
    }

    fn scope_of(&self, path: &Path) -> Result<Scope, LeaseError> {
        Ok(Scope::from_iter([self.project.file_or_directory(path)?]))
    }

    fn change<T>(
        &self,
        mut change: impl FnMut(&mut Leases, &Present<'_>) -> Result<T, LeaseError>,
    ) -> Result<T, LeaseError> {
        transact(self.store(), self.rules.store_timeout, |leases| {
            change(leases, &self.rules.present())
        })
    }
}
