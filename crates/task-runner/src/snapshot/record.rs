//! Recording a tree as objects: nothing of the user's is written, and no ref is made.

mod objects;
mod unmerged;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::PathBuf;

use super::about::{About, Permissions, in_text};
use super::commits;
use super::entry::{Entry, GITLINK, Item, parse_debug};
use super::error::SnapshotError;
use super::index_copy::IndexCopy;
use super::look::{Kind, Look, Looker, Moment, look_at};
use super::preflight::{self, Head};
use super::scratch::{self, Scratch};
use super::trees::Recorded;
use super::{TakeOptions, untracked};
use crate::git::{GitError, Repository};
use crate::left::{Left, Reason};
use crate::shared_files::SharedFiles;
use crate::sys;
use unmerged::Settled;

/// How often a tree is recorded again because a file of it changed meanwhile (chosen: an editor that saves, not a log).
const ATTEMPTS: u32 = 3;

/// The name of our copy of the index.
const TRACKED: &str = "tracked";

/// The files of a tree by their paths.
pub(crate) type Items = BTreeMap<Vec<u8>, Item>;

/// Records the tree. A rescue is recorded whatever git is in the middle of, with the conflicts of the index: what a task left behind
/// must not keep anybody from the way back.
///
/// # Errors
///
/// [`SnapshotError`]. Objects may have been written that nothing refers to; git removes them some day.
pub(crate) fn record(
    repository: &Repository,
    options: &TakeOptions,
    shared: &dyn SharedFiles,
) -> Result<Recorded, SnapshotError> {
    let head = preflight::head(repository)?;
    if options.rescue_of.is_none() {
        head.refuse_in_progress(repository)?;
    }
    let mut attempt = 1;
    loop {
        let scratch = Scratch::new(repository)?;
        let index = IndexCopy::make(repository, &scratch.path(TRACKED))?;
        let mut recording = Recording::begin(repository, &scratch, &index, options, shared)?;
        let trees = recording.make();
        let changed = recording.changed_meanwhile()?;
        if !changed.is_empty() && attempt < ATTEMPTS {
            attempt += 1;
            continue;
        }
        // Where nothing changed, and at the last attempt, what failed has failed.
        let trees = trees?;
        let changed = changed
            .into_iter()
            .map(|path| (path, Reason::ChangedWhileRecorded));
        let changed = changed.map(|(path, reason)| Left { path, reason });
        recording.left.extend(changed);
        let about = recording.about(&head);
        return commits::write(
            repository,
            &scratch,
            &trees,
            index.bytes.as_deref(),
            own_rules(repository)?.as_deref(),
            about,
            &head,
        );
    }
}

/// What is recorded, while it is.
struct Recording<'a> {
    repository: &'a Repository,
    scratch: &'a Scratch,
    options: &'a TakeOptions,
    shared: &'a dyn SharedFiles,
    index_written: Option<Moment>,
    /// One of each file.
    entries: Vec<Entry>,
    settled: Settled,
    /// Files that git does not know and does not ignore.
    untracked: Vec<Vec<u8>>,
    /// Files that are recorded although git ignores them.
    also: Vec<Vec<u8>>,
    /// What stood at each recorded path before it was read.
    looks: BTreeMap<Vec<u8>, Look>,
    left: Vec<Left>,
}

impl<'a> Recording<'a> {
    /// Lists everything and looks at it; writes nothing but the copy of the index.
    fn begin(
        repository: &'a Repository,
        scratch: &'a Scratch,
        index: &IndexCopy,
        options: &'a TakeOptions,
        shared: &'a dyn SharedFiles,
    ) -> Result<Self, SnapshotError> {
        let git = repository.git(["ls-files", "--stage", "--debug", "-z"]);
        let answer = git.index(&scratch.path(TRACKED)).run()?;
        let mut entries = parse_debug(&answer).ok_or_else(|| odd("git ls-files --debug"))?;
        if options.rescue_of.is_none() {
            preflight::refuse_unmerged(repository, &entries)?;
        }
        let settled = unmerged::settle(repository, scratch, &mut entries)?;
        let listed = untracked::list(repository, &scratch.path(TRACKED), shared)?;
        let mut recording = Self {
            repository,
            scratch,
            options,
            shared,
            index_written: index.written,
            entries,
            settled,
            untracked: listed.files,
            also: Vec::new(),
            looks: BTreeMap::new(),
            left: listed.left,
        };
        recording.look()?;
        Ok(recording)
    }

    /// Looks at every file once.
    fn look(&mut self) -> Result<(), SnapshotError> {
        let mut looker = Looker::new(self.repository.top());
        let mut look = |path: &[u8]| {
            let path = sys::path_of(path);
            let found = looker.look(&path);
            found.map_err(|source| SnapshotError::Unreadable { path, source })
        };
        for entry in &self.entries {
            if self.shared.is_apart(&sys::path_of(&entry.path)) {
                continue;
            }
            let Some(found) = look(&entry.path)? else {
                continue;
            };
            let is_submodule = entry.item.mode == GITLINK && found.kind == Kind::Folder;
            let reason = match found.kind {
                Kind::Folder if is_submodule => Some(Reason::Submodule),
                Kind::Other => Some(Reason::NotAFile),
                _ => None,
            };
            let path = || sys::path_of(&entry.path);
            self.left.extend(reason.map(|reason| Left {
                path: path(),
                reason,
            }));
            if is_submodule || found.git_mode().is_some() {
                self.looks.insert(entry.path.clone(), found);
            }
        }
        let files = std::mem::take(&mut self.untracked);
        for path in files {
            if let Some(found) = look(&path)?
                && found.git_mode().is_some()
            {
                self.looks.insert(path.clone(), found);
                self.untracked.push(path);
            }
        }
        let also: BTreeSet<_> = self
            .options
            .also
            .iter()
            .map(|path| sys::bytes_of(path))
            .chain(self.settled.unplaced.iter().cloned())
            .collect();
        for path in also {
            let is_wanted =
                !self.looks.contains_key(&path) && !self.shared.is_apart(&sys::path_of(&path));
            if is_wanted
                && let Some(found) = look(&path)?
                && found.git_mode().is_some()
            {
                self.looks.insert(path.clone(), found);
                self.also.push(path);
            }
        }
        Ok(())
    }

    /// The files that are not any more what they were before they were read.
    fn changed_meanwhile(&self) -> Result<Vec<PathBuf>, SnapshotError> {
        let mut looker = Looker::new(self.repository.top());
        let mut changed = Vec::new();
        for (path, before) in &self.looks {
            let path = sys::path_of(path);
            let found = looker.look(&path);
            let now = found.map_err(|source| SnapshotError::Unreadable {
                path: path.clone(),
                source,
            })?;
            // The times of a submodule's folder say nothing about what is recorded of it.
            let is_same = now.as_ref() == Some(before)
                || before.kind == Kind::Folder && now.is_some_and(|now| now.kind == Kind::Folder);
            if !is_same {
                changed.push(path);
            }
        }
        Ok(changed)
    }

    fn about(&self, head: &Head) -> About {
        let options = self.options;
        let folders = self.folders();
        let files = self
            .looks
            .iter()
            .filter(|(_, look)| look.kind != Kind::Folder);
        let all = files
            .chain(&folders)
            .map(|(path, look)| (path.as_slice(), look));
        About {
            version: About::version(),
            task: options.task.as_str().to_owned(),
            run: options.run.clone(),
            label: options.label.clone(),
            rescue_of: options.rescue_of.clone(),
            taken_at: options.now.to_string(),
            worktree: in_text(&sys::bytes_of(self.repository.top())),
            head: head.commit.clone(),
            branch: head.branch.clone(),
            index_written: self.index_written.map(|at| (at.seconds, at.nanoseconds)),
            permissions: Permissions::of(all),
            left: self
                .left
                .iter()
                .map(|left| (in_text(&sys::bytes_of(&left.path)), left.reason))
                .collect(),
            in_progress: head.in_progress.clone(),
            unmerged: self
                .settled
                .paths
                .iter()
                .map(|path| in_text(path))
                .collect(),
        }
    }

    /// The folders that the recorded files are in, but for the top of the tree.
    fn folders(&self) -> BTreeMap<Vec<u8>, Look> {
        let mut folders = BTreeMap::new();
        for path in self.looks.keys() {
            let mut rest = path.as_slice();
            while let Some(end) = rest.iter().rposition(|byte| *byte == b'/') {
                rest = &rest[..end];
                if folders.contains_key(rest) {
                    break;
                }
                let found = look_at(&self.repository.top().join(sys::path_of(rest)));
                // One that is gone meanwhile has no permissions to record.
                if let Ok(Some(look)) = found {
                    folders.insert(rest.to_vec(), look);
                }
            }
        }
        folders
    }
}

/// The rules of the repository that no file of the tree has: `None` where there are none.
fn own_rules(repository: &Repository) -> Result<Option<Vec<u8>>, SnapshotError> {
    let path = repository.common_dir().join("info/exclude");
    match fs::read(&path) {
        Ok(rules) => Ok(Some(rules)),
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(err) => Err(scratch::failed(&path)(err)),
    }
}

fn odd(command: &str) -> GitError {
    GitError::Unexpected {
        command: command.to_owned(),
        answer: "another form than expected".to_owned(),
    }
}
