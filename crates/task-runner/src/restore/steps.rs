//! The steps of one restore, in their order.

use std::path::{Path, PathBuf};

use super::apply::{Applied, Apply};
use super::error::{Interruption, RestoreError};
use super::folders::Folders;
use super::head::{Head, HeadAt, HeadPlan};
use super::index::{IndexLock, RecordedIndex};
use super::obstacle;
use super::plan::{
    Change, Entry, Files, Kind, Knowledge, Plan, differences, folder_differences, is_rules,
};
use super::recorded::{IndexCopy, files};
use super::rules::{Rules, among};
use super::shared::{SharedChange, SharedOptions, SharedOutcome, SharedVersion, restore_shared};
use super::{RestoreOptions, Restored, leftovers};
use crate::git::{Blobs, GitError, Repository};
use crate::left::{Left, Reason};
use crate::shared_files::SharedFiles;
use crate::snapshot::scratch::Scratch;
use crate::snapshot::{AtomicSnapshot, Recorded, Snapshot, TakeOptions};
use crate::sys::path_of;

/// A restore for which everything is known and nothing is touched. It keeps the index locked.
pub(crate) struct Restore<'a> {
    snapshots: &'a AtomicSnapshot,
    repository: &'a Repository,
    snapshot: &'a Snapshot,
    options: &'a RestoreOptions,
    shared: &'a dyn SharedFiles,
    blobs: Blobs,
    // Before the folder that its names are in.
    lock: IndexLock,
    scratch: Scratch,
    now: Recorded,
    then_files: Files,
    then_index: IndexCopy,
    has_other_index: bool,
    head: HeadPlan,
    plan: Plan,
}

impl<'a> Restore<'a> {
    /// Finds out what is to be done, and what stands in the way.
    pub(crate) fn prepare(
        snapshots: &'a AtomicSnapshot,
        snapshot: &'a Snapshot,
        options: &'a RestoreOptions,
        shared: &'a dyn SharedFiles,
    ) -> Result<Self, RestoreError> {
        let repository = snapshots.repository();
        let then = snapshots.read(snapshot)?;
        let then_files = files(repository, &then)?;
        let mut blobs = repository.blobs()?;
        // It frees what the dead have left, their locks on the index too.
        let scratch = Scratch::new(repository)?;
        let lock = IndexLock::acquire(repository.git_dir(), scratch.folder(), options.index_wait)?;
        let now = snapshots.record(&rescue_options(snapshot, options, &then_files), shared)?;
        let now_files = files(repository, &now)?;
        let then_index = IndexCopy::lay_out(&then, &mut blobs, &scratch.path("then"))?;
        let now_index = IndexCopy::lay_out(&now, &mut blobs, &scratch.path("now"))?;
        let changes = differences(&now_files, &then_files);
        let rules = Rules {
            repository,
            scratch: &scratch.path("rules"),
            index: then_index.path(),
            own: then.own_rules(),
            recorded: &among(&then_files),
        };
        let ignored_then = rules.ignored(&changes, &mut blobs)?;
        let mut plan = Plan::of(
            changes,
            &Knowledge {
                ignored_then: &ignored_then,
                is_shared: &|path| shared.is_shared(path),
            },
        );
        plan.folders = folder_differences(
            (&now_files, &|path| now.permissions().of_folder(path)),
            (&then_files, &|path| then.permissions().of_folder(path)),
        );
        let found = obstacle::find(&plan, &Folders::of(repository.top()));
        let obstacles = found.map_err(|source| RestoreError::Look {
            top: repository.top().to_path_buf(),
            source,
        })?;
        if !obstacles.is_empty() {
            return Err(RestoreError::Obstacles { obstacles });
        }
        Ok(Self {
            // A call that was killed between the last file and the index has left one that says the same and shows more.
            has_other_index: !then_index.says_as(&now_index, repository)?
                || !then_index.shows_as(&now_index, repository)?,
            head: head_plan(repository, snapshot, &now)?,
            snapshots,
            repository,
            snapshot,
            options,
            shared,
            blobs,
            lock,
            scratch,
            now,
            then_files,
            then_index,
            plan,
        })
    }

    /// Gives what is there a ref of its own, where something of it is about to go.
    pub(crate) fn rescue(&self) -> Result<Option<Snapshot>, RestoreError> {
        let moves_head = self.options.head == Head::Back && self.head.has_moves();
        if self.plan.is_empty() && !self.has_other_index && !moves_head {
            return Ok(None);
        }
        Ok(Some(self.snapshots.publish(&self.now)?))
    }

    /// The end where everything is as it was.
    pub(crate) fn nothing_to_do(self) -> Result<Restored, RestoreError> {
        let head = self.head.finish(self.repository, Head::Keep, "")?;
        Ok(Restored {
            written: Vec::new(),
            removed: Vec::new(),
            rescue: None,
            left: self.plan.left,
            head,
            in_progress: self.now.in_progress().to_vec(),
        })
    }

    /// Does it.
    pub(crate) fn carry_out(self, rescue: Snapshot) -> Result<Restored, RestoreError> {
        let mut applied = Applied::default();
        let in_progress = self.now.in_progress().to_vec();
        match self.all_steps(&mut applied) {
            Ok(head) => {
                let mut left = applied.left;
                left.sort();
                left.dedup();
                Ok(Restored {
                    written: applied.written,
                    removed: applied.removed,
                    rescue: Some(rescue),
                    left,
                    head,
                    in_progress,
                })
            }
            Err(source) => Err(RestoreError::Unfinished {
                rescue: Box::new(rescue),
                written: applied.written.len(),
                removed: applied.removed.len(),
                source: Box::new(source),
            }),
        }
    }

    fn all_steps(mut self, applied: &mut Applied) -> Result<super::HeadOutcome, Interruption> {
        leftovers::announce(&self.plan, self.scratch.folder())
            .map_err(|source| Interruption::Scratch { source })?;
        applied.left.append(&mut self.plan.left);
        self.files(applied)?;
        // Also where it says the same as the one that is there: that remembers the sizes of the files before, and git takes a
        // file of another size for changed without reading it.
        if self.has_other_index || !applied.written.is_empty() {
            let recorded = RecordedIndex {
                bytes: self.then_index.bytes.as_deref(),
                modified: self.then_index.written,
            };
            self.lock.place(recorded, self.repository)?;
        } else {
            drop(self.lock);
        }
        let rules_changed = self.plan.writes.iter().any(|step| is_rules(&step.path))
            || self.plan.removals.iter().any(|step| is_rules(&step.path));
        if rules_changed {
            let shown = shown_by_rules(self.repository, &self.then_files, self.shared)?;
            applied.left.extend(shown);
        }
        let note = format!("story: restore {}", self.snapshot.id);
        let head = self
            .head
            .finish(self.repository, self.options.head, &note)?;
        Ok(head)
    }

    fn files(&mut self, applied: &mut Applied) -> Result<(), Interruption> {
        let mut apply = Apply {
            top: self.repository.top(),
            folders: Folders::of(self.repository.top()),
            blobs: &mut self.blobs,
            applied,
        };
        apply.run(&self.plan)?;
        let shared = Shared {
            files: self.shared,
            run: self.options.run.as_deref().or(self.snapshot.run.as_deref()),
            options: SharedOptions {
                policy: self.options.shared,
                lock: self.options.lock.clone(),
            },
        };
        for change in &self.plan.shared {
            shared.bring_back(change, &mut apply)?;
        }
        apply.finish(&self.plan)?;
        Ok(())
    }
}

/// How shared files are brought back.
struct Shared<'a> {
    files: &'a dyn SharedFiles,
    run: Option<&'a str>,
    options: SharedOptions,
}

impl Shared<'_> {
    fn bring_back(&self, change: &Change, apply: &mut Apply<'_>) -> Result<(), Interruption> {
        let path = &change.path;
        let entries = [&change.now, &change.then];
        let is_plain = |entry: &Entry| matches!(entry.kind, Kind::File { .. });
        if !entries.into_iter().flatten().all(is_plain) {
            // Nobody can say who made a link of it.
            apply.leave(path, Reason::ChangedByOthers);
            return Ok(());
        }
        let mut read = |entry: &Option<Entry>| {
            let object = entry.as_ref().map(|entry| entry.object.clone());
            object.map(|object| apply.blobs.read(&object)).transpose()
        };
        let (rescued, then) = (read(&change.now)?, read(&change.then)?);
        if then.is_some() && !apply.make_folder_for(path)? {
            apply.leave(path, Reason::ChangedMeanwhile);
            return Ok(());
        }
        let permissions = match change.then.as_ref().map(|entry| entry.kind) {
            Some(Kind::File { permissions }) => permissions,
            _ => 0,
        };
        let asked = SharedChange {
            top: apply.top,
            path,
            rescued: rescued.as_deref(),
            then: then
                .as_deref()
                .map(|bytes| SharedVersion { bytes, permissions }),
            run: self.run,
        };
        let done = restore_shared(&asked, self.files, &self.options);
        let done = done.map_err(|source| Interruption::Shared {
            path: path.clone(),
            source,
        })?;
        match (done, &change.then) {
            (SharedOutcome::Left(reason), _) => apply.leave(path, reason),
            (SharedOutcome::Done, Some(_)) => apply.applied.written.push(path.clone()),
            (SharedOutcome::Done, None) => apply.applied.removed.push(path.clone()),
        }
        Ok(())
    }
}

fn rescue_options(
    snapshot: &Snapshot,
    options: &RestoreOptions,
    then_files: &Files,
) -> TakeOptions {
    // Chosen: as long as people and git abbreviate.
    let short = snapshot.id.get(..12).unwrap_or(&snapshot.id);
    TakeOptions {
        run: options.run.clone().or_else(|| snapshot.run.clone()),
        label: format!("before the restore of {short}"),
        rescue_of: Some(snapshot.id.clone()),
        also: then_files.keys().cloned().collect(),
        ..TakeOptions::new(snapshot.task.clone(), options.now)
    }
}

fn head_plan(
    repository: &Repository,
    snapshot: &Snapshot,
    now: &Recorded,
) -> Result<HeadPlan, GitError> {
    let then = HeadAt {
        commit: snapshot.head.clone(),
        branch: snapshot.branch.clone(),
    };
    let now = HeadAt {
        commit: now.head().map(str::to_owned),
        branch: now.branch().map(str::to_owned),
    };
    HeadPlan::of(repository, then, now)
}

/// What git ignored until the rules were brought back: it is in no record, and stays.
fn shown_by_rules(
    repository: &Repository,
    then_files: &Files,
    shared: &dyn SharedFiles,
) -> Result<Vec<Left>, GitError> {
    let words = [
        "ls-files",
        "-o",
        "--exclude-standard",
        "--directory",
        "--no-empty-directory",
        "-z",
    ];
    let list = repository.git(words).run()?;
    let paths = list
        .split(|byte| *byte == 0)
        .filter(|path| !path.is_empty());
    let paths = paths.map(|path| path_of(path.strip_suffix(b"/").unwrap_or(path)));
    let is_new = |path: &PathBuf| !then_files.contains_key(path) && !holds(then_files, path);
    let paths = paths.filter(|path| is_new(path) && !shared.is_apart(path));
    let reason = Reason::Ignored;
    Ok(paths.map(|path| Left { path, reason }).collect())
}

/// Whether recorded files are in a folder that git does not look into.
fn holds(files: &Files, folder: &Path) -> bool {
    let mut from = files.range(folder.to_path_buf()..);
    from.next()
        .is_some_and(|(path, _)| path.starts_with(folder))
}
