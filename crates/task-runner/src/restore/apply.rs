//! Doing what the plan says, file by file: each is touched only if it is still what the rescue recorded.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use atomic_file::{
    CommitError, CommitOptions, CommitWarning, Committed, Durability, HardLinks, NewContents,
    ReadError, Resolved, Version, create_exactly,
};

use super::folders::{Folders, folder_of, name_of};
use super::objects::id_of;
use super::plan::{Entry, FolderChange, Kind, Plan, Removal, Write};
use super::sys::{Folder, Found};
use crate::git::{Blobs, GitError};
use crate::left::{Left, Reason};

/// What was done so far.
#[derive(Debug, Default)]
pub(crate) struct Applied {
    pub(crate) written: Vec<PathBuf>,
    pub(crate) removed: Vec<PathBuf>,
    pub(crate) left: Vec<Left>,
    /// Versions that were replaced, but could not be removed at once.
    leftovers: Vec<PathBuf>,
}

/// Why a step could not be done. What was done before stays done; the file of the step is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApplyError {
    /// A file cannot be read. Retrying helps after repair.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A file cannot be written: no space, no permission. Retrying helps after repair.
    #[error(transparent)]
    Write(#[from] CommitError),
    /// An object of the snapshot cannot be read.
    #[error(transparent)]
    Git(#[from] GitError),
    /// Any other refusal of the system. Retrying helps after repair.
    #[error("cannot {step} {}", path.display())]
    Io {
        /// What was being done.
        step: &'static str,
        /// Relative to the top of the tree.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Whether a step was done, or somebody else came in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Done,
    Meanwhile,
}

/// Changes files of one tree.
pub(crate) struct Apply<'a> {
    pub(crate) top: &'a Path,
    pub(crate) folders: Folders,
    pub(crate) blobs: &'a mut Blobs,
    pub(crate) applied: &'a mut Applied,
}

impl Apply<'_> {
    /// Does all but the shared files and the end. What is done when it fails is told by `applied`.
    pub(crate) fn run(&mut self, plan: &Plan) -> Result<(), ApplyError> {
        for folder in plan.folders.iter().rev().filter(|folder| folder.opens()) {
            self.set_permissions(folder)?;
        }
        for step in &plan.removals {
            let done = self.remove(step)?;
            self.note(&step.path, done, |applied| &mut applied.removed);
        }
        for step in &plan.writes {
            let done = self.write(step)?;
            self.note(&step.path, done, |applied| &mut applied.written);
        }
        Ok(())
    }

    /// Brings back the permissions of folders and makes all that was done durable.
    pub(crate) fn finish(&mut self, plan: &Plan) -> Result<(), ApplyError> {
        for path in std::mem::take(&mut self.applied.leftovers) {
            match fs::remove_file(&path) {
                Err(err) if err.kind() != io::ErrorKind::NotFound => {
                    return Err(failed("remove the replaced version", &path, err));
                }
                _ => {}
            }
        }
        // Not before: a folder that is still needed would come back without its permissions.
        let removed = plan.removals.iter().map(|step| step.path.as_path());
        let shared = plan.shared.iter().map(|step| step.path.as_path());
        for path in removed.chain(shared) {
            let pruned = self.folders.prune(path);
            pruned.map_err(|err| failed("remove the folder of", path, err))?;
        }
        // Before the folders may be closed to us.
        let synced = self.folders.sync();
        synced.map_err(|(path, err)| failed("sync the folder", &path, err))?;
        for folder in &plan.folders {
            self.set_permissions(folder)?;
        }
        Ok(())
    }

    fn set_permissions(&self, change: &FolderChange) -> Result<(), ApplyError> {
        let path = &change.path;
        let set = || match self.folders.open(path)? {
            Some(folder) if folder.permissions()? != change.then => {
                folder.set_permissions(change.then)?;
                folder.sync()
            }
            _ => Ok(()),
        };
        set().map_err(|err| failed("set the permissions of", path, err))
    }

    /// Makes the folders that a file is to be in. `false`: something else is in the way.
    pub(crate) fn make_folder_for(&mut self, path: &Path) -> Result<bool, ApplyError> {
        let made = self.folders.make_for(path);
        let made = made.map_err(|err| failed("make the folder of", path, err))?;
        Ok(made.is_some())
    }

    pub(crate) fn leave(&mut self, path: &Path, reason: Reason) {
        let path = path.to_path_buf();
        self.applied.left.push(Left { path, reason });
    }

    fn note(&mut self, path: &Path, done: Step, list: fn(&mut Applied) -> &mut Vec<PathBuf>) {
        match done {
            Step::Done => list(self.applied).push(path.to_path_buf()),
            Step::Meanwhile => self.leave(path, Reason::ChangedMeanwhile),
        }
    }

    fn remove(&mut self, step: &Removal) -> Result<Step, ApplyError> {
        let path = &step.path;
        match self.folder(path)? {
            Some(folder) => self.take_away(path, &folder, &step.was),
            None => Ok(Step::Done),
        }
    }

    fn write(&mut self, step: &Write) -> Result<Step, ApplyError> {
        let path = &step.path;
        let made = self.folders.make_for(path);
        let Some(folder) = made.map_err(|err| failed("make the folder of", path, err))? else {
            return Ok(Step::Meanwhile);
        };
        match (&step.was, step.then.kind) {
            (Some(was), Kind::File { permissions }) if is_file(was) => {
                self.replace(step, &folder, was, permissions)
            }
            (Some(was), _) => match self.take_away(path, &folder, was)? {
                Step::Done => self.create(path, &folder, &step.then),
                Step::Meanwhile => Ok(Step::Meanwhile),
            },
            (None, _) => {
                let hollow = self.folders.remove_hollow(path);
                hollow.map_err(|err| failed("remove the folder", path, err))?;
                self.create(path, &folder, &step.then)
            }
        }
    }

    /// Removes a file or a link if it is what the rescue recorded. One that is gone already is as good.
    fn take_away(&mut self, path: &Path, folder: &Folder, was: &Entry) -> Result<Step, ApplyError> {
        let name = name_of(path);
        let look = folder.look(name);
        let found = look.map_err(|err| failed("look at", path, err))?;
        let done = match (found, was.kind) {
            (Found::Nothing, _) => return Ok(Step::Done),
            (Found::File, Kind::File { .. }) => match self.open(path, folder, was)? {
                Some(version) => self.settled(version.remove(&options()))?,
                None => Step::Meanwhile,
            },
            (Found::Link, Kind::Link) if is_link_to(path, folder, was)? => {
                let removed = folder.remove(name);
                removed.map_err(|err| failed("remove", path, err))?;
                Step::Done
            }
            _ => Step::Meanwhile,
        };
        self.folders.has_changed(folder_of(path));
        Ok(done)
    }

    fn replace(
        &mut self,
        step: &Write,
        folder: &Folder,
        was: &Entry,
        permissions: u32,
    ) -> Result<Step, ApplyError> {
        let Some(version) = self.open(&step.path, folder, was)? else {
            return Ok(Step::Meanwhile);
        };
        if was.object == step.then.object {
            let set = version.set_permissions(permissions);
            let warnings = Vec::new();
            return self.settled(set.map(|()| Committed { warnings }));
        }
        self.folders.has_changed(folder_of(&step.path));
        self.with_contents(&step.then.object, permissions, |contents| {
            version.replace(contents, &options())
        })
    }

    fn create(&mut self, path: &Path, folder: &Folder, then: &Entry) -> Result<Step, ApplyError> {
        self.folders.has_changed(folder_of(path));
        let permissions = match then.kind {
            Kind::File { permissions } => permissions,
            Kind::Link => return self.link(path, folder, then),
            Kind::Repository => return Ok(Step::Meanwhile),
        };
        let whole = self.top.join(path);
        let file = Resolved {
            path: &whole,
            folder: folder.handle(),
        };
        self.with_contents(&then.object, permissions, |contents| {
            create_exactly(file, contents, &options())
        })
    }

    fn link(&mut self, path: &Path, folder: &Folder, then: &Entry) -> Result<Step, ApplyError> {
        let to = self.blobs.read(&then.object)?;
        match folder.make_link(name_of(path), &to) {
            Ok(()) => Ok(Step::Done),
            Err(err) if err.kind() == io::ErrorKind::AlreadyExists => Ok(Step::Meanwhile),
            Err(err) => Err(failed("make the link", path, err)),
        }
    }

    /// Hands an object to what writes it, without having it in memory.
    fn with_contents(
        &mut self,
        object: &str,
        permissions: u32,
        put: impl FnOnce(NewContents<'_>) -> Result<Committed, CommitError>,
    ) -> Result<Step, ApplyError> {
        let mut git_failed = None;
        let mut write = |mut to: &mut dyn io::Write| match self.blobs.copy(object, &mut to) {
            Ok(_) => Ok(()),
            // The other side of the copy: the file that is written.
            Err(GitError::Io { source, .. }) => Err(source),
            Err(err) => {
                git_failed = Some(err);
                Err(io::Error::other("git does not give the object"))
            }
        };
        let done = put(NewContents {
            write: &mut write,
            permissions,
        });
        match git_failed {
            Some(err) => Err(err.into()),
            None => self.settled(done),
        }
    }

    fn settled(&mut self, done: Result<Committed, CommitError>) -> Result<Step, ApplyError> {
        match done {
            Ok(committed) => {
                for warning in committed.warnings {
                    if let CommitWarning::TemporaryNotRemoved { path, .. } = warning {
                        self.applied.leftovers.push(path);
                    }
                }
                Ok(Step::Done)
            }
            Err(
                CommitError::Changed { .. }
                | CommitError::Rescued { .. }
                | CommitError::AlreadyExists { .. }
                | CommitError::NotFound { .. },
            ) => Ok(Step::Meanwhile),
            Err(err) => Err(err.into()),
        }
    }

    /// Opens a file if it is what the rescue recorded.
    fn open(
        &self,
        path: &Path,
        folder: &Folder,
        was: &Entry,
    ) -> Result<Option<Version>, ApplyError> {
        let whole = self.top.join(path);
        let file = Resolved {
            path: &whole,
            folder: folder.handle(),
        };
        let version = match Version::open(file) {
            Ok(version) => version,
            Err(ReadError::NotFound { .. } | ReadError::NotRegular { .. }) => return Ok(None),
            Err(err) => return Err(err.into()),
        };
        let permissions = version.permissions();
        if was.kind != (Kind::File { permissions }) {
            return Ok(None);
        }
        let id = id_of(&mut version.file(), version.size(), &was.object);
        let id = id.map_err(|err| failed("read", path, err))?;
        Ok((id == was.object).then_some(version))
    }

    fn folder(&self, path: &Path) -> Result<Option<Folder>, ApplyError> {
        let opened = self.folders.of_file(path);
        opened.map_err(|err| failed("open the folder of", path, err))
    }
}

fn is_link_to(path: &Path, folder: &Folder, was: &Entry) -> Result<bool, ApplyError> {
    let to = folder.read_link(name_of(path));
    let id = to.and_then(|to| id_of(&mut to.as_slice(), to.len() as u64, &was.object));
    let id = id.map_err(|err| failed("read the link", path, err))?;
    Ok(id == was.object)
}

fn is_file(entry: &Entry) -> bool {
    matches!(entry.kind, Kind::File { .. })
}

/// The names are made durable together, at the end.
fn options() -> CommitOptions {
    CommitOptions {
        durability: Durability::Fast,
        // As git does with every file that it checks out.
        hard_links: HardLinks::Break,
    }
}

fn failed(step: &'static str, path: &Path, source: io::Error) -> ApplyError {
    let path = path.to_path_buf();
    ApplyError::Io { step, path, source }
}
