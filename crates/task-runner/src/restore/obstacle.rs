//! What stands in the way of a plan, looked for before anything is touched.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::folders::{Folders, folder_of, name_of};
use super::plan::Plan;
use super::sys::{Folder, Found};

/// Something that stands where a file or a folder has to come, or that cannot be changed. Nothing was touched because of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    /// Relative to the top of the tree; empty for the top itself.
    pub path: PathBuf,
    /// What it is.
    pub kind: ObstacleKind,
}

/// What kind of thing stands in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ObstacleKind {
    /// A file that the rescue does not have: git ignores it, or it is a lock, a journal or the like.
    NotRecorded,
    /// A submodule, or a repository of its own.
    Repository,
    /// A pipe, a socket, a device.
    Special,
    /// A folder in which this process may change nothing.
    ReadOnlyFolder,
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.path.as_os_str().is_empty() {
            Path::new(".")
        } else {
            &self.path
        };
        let what = match self.kind {
            ObstacleKind::NotRecorded => "stands in the way and is in no snapshot",
            ObstacleKind::Repository => "stands in the way and is a repository of its own",
            ObstacleKind::Special => "stands in the way and is no file",
            ObstacleKind::ReadOnlyFolder => "is a folder in which nothing may be changed",
        };
        write!(f, "{} {what}", path.display())
    }
}

/// Looks for all obstacles of a plan, in order.
pub(crate) fn find(plan: &Plan, folders: &Folders) -> io::Result<Vec<Obstacle>> {
    let removed = plan.removals.iter().map(|step| step.path.as_path());
    let replaced = plan.writes.iter().filter(|step| step.was.is_some());
    let shared = plan.shared.iter().filter(|step| step.then.is_some());
    let opening = plan.folders.iter().filter(|folder| folder.opens());
    let mut search = Search {
        folders,
        opening: opening.map(|folder| folder.path.as_path()).collect(),
        going: removed
            .chain(replaced.map(|step| step.path.as_path()))
            .collect(),
        ways: BTreeMap::new(),
        found: Vec::new(),
    };
    for step in &plan.removals {
        search.removal(&step.path)?;
    }
    for step in &plan.writes {
        search.write(&step.path)?;
    }
    for step in shared {
        search.way_to(folder_of(&step.path))?;
    }
    let mut found = search.found;
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found.dedup();
    Ok(found)
}

/// What is known about a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Open,
    /// It is to be made.
    Missing,
    /// The obstacle has been told.
    Blocked,
}

struct Search<'a> {
    folders: &'a Folders,
    /// What is recorded, and removed or replaced.
    going: BTreeSet<&'a Path>,
    /// What gets its permissions back before anything else is done.
    opening: BTreeSet<&'a Path>,
    ways: BTreeMap<PathBuf, Way>,
    found: Vec<Obstacle>,
}

impl Search<'_> {
    fn removal(&mut self, path: &Path) -> io::Result<()> {
        match self.folders.of_file(path)? {
            Some(folder) => self.permission(folder_of(path), &folder),
            // It is gone already.
            None => Ok(()),
        }
    }

    fn write(&mut self, path: &Path) -> io::Result<()> {
        if self.way_to(folder_of(path))? != Way::Open {
            return Ok(());
        }
        let Some(folder) = self.folders.of_file(path)? else {
            return Ok(());
        };
        self.permission(folder_of(path), &folder)?;
        match folder.look(name_of(path))? {
            Found::Nothing => Ok(()),
            Found::Folder => self.inside(path),
            found => {
                self.meets(path, found);
                Ok(())
            }
        }
    }

    /// Something else than a folder stands where something has to come.
    fn meets(&mut self, path: &Path, found: Found) {
        match found {
            Found::Special => self.tell(path, ObstacleKind::Special),
            _ if self.going.contains(path) => {}
            _ => self.tell(path, ObstacleKind::NotRecorded),
        }
    }

    /// A folder stands where a file has to come: all that it holds must be going.
    fn inside(&mut self, path: &Path) -> io::Result<()> {
        let Some(folder) = self.folders.open(path)? else {
            return Ok(());
        };
        if folder.look(".git".as_ref())? != Found::Nothing {
            self.tell(path, ObstacleKind::Repository);
            return Ok(());
        }
        self.permission(path, &folder)?;
        for name in folder.names()? {
            let inner = path.join(&name);
            match folder.look(&name)? {
                Found::Nothing => {}
                Found::Folder => self.inside(&inner)?,
                found => self.meets(&inner, found),
            }
        }
        Ok(())
    }

    /// Looks at a folder that something has to be put into, and at those above it.
    fn way_to(&mut self, path: &Path) -> io::Result<Way> {
        if path.as_os_str().is_empty() {
            return Ok(Way::Open);
        }
        if let Some(known) = self.ways.get(path) {
            return Ok(*known);
        }
        let way = match self.way_to(folder_of(path))? {
            Way::Open => self.look_at(path)?,
            other => other,
        };
        self.ways.insert(path.to_path_buf(), way);
        Ok(way)
    }

    fn look_at(&mut self, path: &Path) -> io::Result<Way> {
        let Some(parent) = self.folders.of_file(path)? else {
            return Ok(Way::Missing);
        };
        let told = self.found.len();
        match parent.look(name_of(path))? {
            Found::Nothing => self.permission(folder_of(path), &parent)?,
            Found::Folder => {
                let folder = parent.child(name_of(path))?;
                if folder.look(".git".as_ref())? == Found::Nothing {
                    return Ok(Way::Open);
                }
                self.tell(path, ObstacleKind::Repository);
            }
            found => {
                self.permission(folder_of(path), &parent)?;
                self.meets(path, found);
            }
        }
        Ok(if self.found.len() > told {
            Way::Blocked
        } else {
            Way::Missing
        })
    }

    fn permission(&mut self, path: &Path, folder: &Folder) -> io::Result<()> {
        match folder.may_change() {
            Ok(()) => Ok(()),
            Err(err)
                if err.kind() == io::ErrorKind::PermissionDenied && self.opening.contains(path) =>
            {
                Ok(())
            }
            Err(err)
                if matches!(
                    err.kind(),
                    io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
                ) =>
            {
                self.tell(path, ObstacleKind::ReadOnlyFolder);
                Ok(())
            }
            Err(err) => Err(err),
        }
    }

    fn tell(&mut self, path: &Path, kind: ObstacleKind) {
        let path = path.to_path_buf();
        self.found.push(Obstacle { path, kind });
    }
}
