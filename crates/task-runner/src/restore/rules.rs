//! What git would ignore by the rules that were recorded, asked before anything is touched.
//!
//! The rules are laid out in an empty tree of their own, and git is asked about paths in that: so the answer is git's own, and
//! the tree that people work in needs no change for it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::plan::{Change, Entry, Files, Kind, is_rules};
use crate::git::{Blobs, GitError, Repository};
use crate::sys::{bytes_of, path_of};

/// The name of a file with rules.
const RULES: &str = ".gitignore";

/// In front of a path: git answers it as it was asked, and a colon behind it has no meaning.
const HERE: &[u8] = b"./";

/// Where rules are laid out, and by which index git knows what was tracked.
pub(crate) struct Rules<'a> {
    pub(crate) repository: &'a Repository,
    /// A folder of ours that is not there yet.
    pub(crate) scratch: &'a Path,
    /// The index as it was recorded.
    pub(crate) index: &'a Path,
    /// The object with the rules that the repository had outside of the tree.
    pub(crate) own: Option<&'a str>,
    /// All regular files of the record that hold rules, with their objects.
    pub(crate) recorded: &'a BTreeMap<PathBuf, String>,
}

/// Why git could not be asked. Nothing was touched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RulesError {
    /// Git.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The rules cannot be laid out. Retrying helps after repair.
    #[error("cannot lay out the rules of {}", path.display())]
    Io {
        /// A file of rules.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl Rules<'_> {
    /// Which of the files that the record does not have may have been there when it was made, because its rules ignore them.
    pub(crate) fn ignored(
        &self,
        changes: &[Change],
        blobs: &mut Blobs,
    ) -> Result<BTreeSet<PathBuf>, RulesError> {
        let added = changes.iter().filter(|change| change.then.is_none());
        let added: Vec<_> = added.map(|change| change.path.as_path()).collect();
        if added.is_empty() {
            return Ok(BTreeSet::new());
        }
        let lay_out = self.lay_out(changes, &added, blobs);
        lay_out.map_err(|(path, source)| RulesError::Io { path, source })?;
        let mut paths = Vec::new();
        for path in added {
            paths.extend(HERE);
            paths.extend(bytes_of(path));
            paths.push(0);
        }
        let git = self.repository.git(["check-ignore", "-z", "--stdin"]);
        let git = git.index(self.index).env("GIT_WORK_TREE", self.scratch);
        // This command takes no literal patterns, and so has to be kept from reading any.
        let git = git.env("GIT_LITERAL_PATHSPECS", "0");
        let ignored = git.input(paths).run_if_any()?.unwrap_or_default();
        let ignored = ignored.split(|byte| *byte == 0);
        Ok(ignored
            .filter_map(|path| path.strip_prefix(HERE))
            .map(path_of)
            .collect())
    }

    fn lay_out(
        &self,
        changes: &[Change],
        added: &[&Path],
        blobs: &mut Blobs,
    ) -> Result<(), (PathBuf, io::Error)> {
        let folders: BTreeSet<_> = added
            .iter()
            .flat_map(|path| path.ancestors().skip(1))
            .collect();
        let changed: BTreeSet<_> = changes.iter().map(|change| change.path.as_path()).collect();
        let made = fs::create_dir_all(self.scratch);
        made.map_err(|err| (self.scratch.to_path_buf(), err))?;
        self.lay_out_own(blobs)?;
        for folder in folders {
            let path = folder.join(RULES);
            let written = if let Some(object) = self.recorded.get(&path) {
                let rules = blobs.read(object).map_err(io::Error::other);
                rules.and_then(|rules| self.write(&path, &rules))
            } else if changed.contains(path.as_path()) {
                // It was made since.
                Ok(())
            } else {
                self.copy(&path)
            };
            written.map_err(|err| (path, err))?;
        }
        Ok(())
    }

    /// Before those of the top, for the later line counts, as it does for git.
    fn lay_out_own(&self, blobs: &mut Blobs) -> Result<(), (PathBuf, io::Error)> {
        let Some(own) = self.own else {
            return Ok(());
        };
        let top = Path::new(RULES);
        let rules = blobs.read(own).map_err(io::Error::other);
        let written = rules.and_then(|mut rules| {
            rules.push(b'\n');
            self.write(top, &rules)
        });
        written.map_err(|err| (top.to_path_buf(), err))
    }

    /// Rules that git itself ignores (`*` in a folder of caches) are in no record and stay in force.
    fn copy(&self, path: &Path) -> io::Result<()> {
        let on_disk = self.repository.top().join(path);
        match on_disk.symlink_metadata() {
            // Git reads no rules through a link.
            Ok(found) if found.is_file() => self.write(path, &fs::read(on_disk)?),
            _ => Ok(()),
        }
    }

    fn write(&self, path: &Path, rules: &[u8]) -> io::Result<()> {
        let path = self.scratch.join(path);
        fs::create_dir_all(path.parent().unwrap_or(self.scratch))?;
        let file = fs::File::options().create(true).append(true).open(path);
        file?.write_all(rules)
    }
}

/// Picks the files with rules out of a record's files. Git reads no rules through a link.
pub(crate) fn among(files: &Files) -> BTreeMap<PathBuf, String> {
    let is_plain = |entry: &Entry| matches!(entry.kind, Kind::File { .. });
    let rules = files
        .iter()
        .filter(|(path, entry)| is_rules(path) && is_plain(entry));
    rules
        .map(|(path, entry)| (path.clone(), entry.object.clone()))
        .collect()
}
