//! Stories and leases: who changes a story that another agent has leased is refused.
//!
//! A story may be changed without any lease; only the lease of somebody else stands against it. It is looked at with the
//! story's lock held, and the store of leases stays locked until the change is in place, so that nobody takes the story over
//! in between.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use lease::store::Transaction;
use lease::{Agent, LeaseError, Leases};
use story::workspace::Workspace;

use crate::failure::Failure;
use crate::lease_store::{self, InProject};
use crate::operations::Refusal;
use crate::settings::Settings;

/// The leases that may stand against a change of some files.
pub struct StoryLeases<'a> {
    /// Those that were there when it was last asked; empty until one is.
    stores: OnceCell<Vec<InProject>>,
    root: Option<PathBuf>,
    files: Vec<PathBuf>,
    agent: Option<Agent>,
    settings: &'a Settings,
}

/// No other agent holds the files, and none can acquire them while this is there.
#[must_use = "the stores of leases are unlocked when this is dropped"]
pub struct Unleased<'a>(
    #[expect(dead_code, reason = "holding them is all that they are for")]
    Vec<Box<dyn Transaction + 'a>>,
);

impl<'a> StoryLeases<'a> {
    /// Finds the stores of leases for `files` that lie in an sdlc root; `None`: in none, or that is not known.
    ///
    /// Costs two looks at the file system where there are no leases.
    ///
    /// # Errors
    ///
    /// When it cannot be found out whether there is a store.
    pub fn of(
        files: impl IntoIterator<Item = PathBuf>,
        root: Option<&Path>,
        settings: &'a Settings,
    ) -> Result<Self, Failure> {
        let found = Self {
            stores: OnceCell::new(),
            root: root.map(Path::to_path_buf),
            files: files.into_iter().map(|file| absolute(&file)).collect(),
            agent: agent(settings),
            settings,
        };
        found.stores()?;
        Ok(found)
    }

    /// The stores. Where there was none it is looked again: the first lease may have been acquired while the story's lock was
    /// waited for.
    fn stores(&self) -> Result<&[InProject], Failure> {
        if let Some(found) = self.stores.get() {
            return Ok(found);
        }
        let found = lease_store::existing(self.root.as_deref(), self.settings)?;
        if found.is_empty() {
            return Ok(&[]);
        }
        Ok(self.stores.get_or_init(|| found))
    }

    /// Locks the stores and makes sure that no other agent holds one of the files.
    ///
    /// # Errors
    ///
    /// [`Refusal::Leased`]: another agent does, or that cannot be found out.
    pub fn check(&self) -> Result<Unleased<'_>, Refusal> {
        let mut locked = Vec::new();
        for found in self.stores().map_err(Refusal::Leased)? {
            let begun = found.store.begin(self.settings.timeout);
            let transaction = begun.map_err(|err| self.refused(err.into()))?;
            self.judge(found, transaction.leases())?;
            locked.push(transaction);
        }
        Ok(Unleased(locked))
    }

    /// The same without a lock, for what changes nothing.
    ///
    /// # Errors
    ///
    /// As [`StoryLeases::check`].
    pub fn look(&self) -> Result<(), Refusal> {
        for found in self.stores().map_err(Refusal::Leased)? {
            let leases = found.store.read();
            self.judge(found, &leases.map_err(|err| self.refused(err.into()))?)?;
        }
        Ok(())
    }

    fn judge(&self, found: &InProject, leases: &Leases) -> Result<(), Refusal> {
        // Under the lock: while it was waited for a lease may have ended.
        let rules = lease_store::rules(self.settings);
        let present = rules.present();
        let readable = leases.check_readable(&present);
        readable.map_err(|err| self.refused(err))?;
        for file in &self.files {
            // What lies outside of a project is not leased there.
            let Ok(path) = found.project.path(file) else {
                continue;
            };
            if let Some(other) = leases.other_holder(&path, self.agent.as_ref(), &present) {
                return Err(self.refused(LeaseError::HeldByAnother(Box::new(other))));
            }
        }
        Ok(())
    }

    fn refused(&self, err: LeaseError) -> Refusal {
        let is_held = matches!(err, LeaseError::HeldByAnother(_));
        let mut failure = Failure::from_lease(err, "change it", self.settings);
        if is_held && self.agent.is_none() {
            failure = failure.hint("if that is you, say --as NAME; else wait until it is released");
        }
        Refusal::Leased(failure)
    }
}

/// Looks whether another agent has leased one of `files`, without a lock. For what is only tried out, and for what comes and
/// goes as a whole, so that no edit is lost when a lease is acquired after the look.
///
/// # Errors
///
/// `ELOCKED` if another agent has; or it cannot be found out.
pub fn look_at(
    files: impl IntoIterator<Item = PathBuf>,
    root: Option<&Path>,
    settings: &Settings,
) -> Result<(), Failure> {
    let leases = StoryLeases::of(files, root, settings)?;
    leases
        .look()
        .map_err(|refusal| Failure::from_refusal(&refusal))
}

/// As [`look_at`], in an sdlc root; without a file only whether the leases can be read.
///
/// # Errors
///
/// As [`look_at`].
pub fn look_in(
    workspace: &Workspace,
    file: Option<PathBuf>,
    settings: &Settings,
) -> Result<(), Failure> {
    // As stories name it: the roots around it are looked for by its path.
    let root = workspace.root().canonicalize();
    look_at(
        file,
        Some(root.as_deref().unwrap_or(workspace.root())),
        settings,
    )
}

/// A name that no agent can have holds nothing: every lease is another's.
fn agent(settings: &Settings) -> Option<Agent> {
    let name = settings.claimant.as_deref()?;
    Agent::new(name).ok()
}

/// Paths of a project start at its root, those of the command line in the working folder.
fn absolute(file: &Path) -> PathBuf {
    std::path::absolute(file).unwrap_or_else(|_| file.to_path_buf())
}
