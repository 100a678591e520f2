//! Reading the heads of all stories of a workspace: without a lock, in parallel, and never their bodies.

mod files;
mod look;

use std::collections::{HashMap, HashSet};
use std::error::Error as _;
use std::fmt;
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::SystemTime;

use crate::folder::FolderError;
use crate::head::Head;
use crate::read::{ReadError, read};
use crate::sys;
use crate::together::unfinished;
use crate::workspace::{StoryCopy, StoryFile, Workspace};

/// How many files a thread takes at a time. Chosen: some hundred microseconds of work.
const BATCH: usize = 32;

/// What was found.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Scan {
    /// The stories, in no order. A story in its own worktree stands here by that copy, instead of the main one.
    pub heads: Vec<Head>,
    /// What could not be read, by path: files, and folders that could not be listed.
    pub skipped: Vec<Skipped>,
}

/// A file or folder that was left out of a scan.
#[derive(Debug)]
#[non_exhaustive]
pub struct Skipped {
    /// What.
    pub path: PathBuf,
    /// Why.
    pub reason: SkipReason,
}

/// Why something was left out of a scan.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SkipReason {
    /// The file cannot be read, or is no story.
    #[error(transparent)]
    Unreadable(#[from] ReadError),
    /// The folder cannot be listed.
    #[error(transparent)]
    Unlisted(#[from] FolderError),
}

/// The reason with all that lies behind it, on one line.
impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.reason)?;
        let mut cause = self.reason.source();
        while let Some(err) = cause {
            write!(f, ": {err}")?;
            cause = err.source();
        }
        Ok(())
    }
}

/// Reads the heads of all stories of a workspace as they are now: no lock is taken, no writer waited for.
///
/// Read are the main copies, the legacy folders, and of each worktree `<id>-<slug>` the story of that id. Nothing is left out
/// silently: what cannot be read is in [`Scan::skipped`]. A folder in `stories/` without a `story.md` is no story, and a
/// missing folder of stories has none.
///
/// The heads are not of one moment: each is one version of its story, but others may change while the scan goes on.
///
/// Costs about one open and one read for each story, on all processors; the body is not read, unless the file was written
/// within the last quarter of a second or is no readable story.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let stories = folder.path().join("stories/S-0001");
/// # std::fs::create_dir_all(&stories)?;
/// # atomic_file::create(&stories.join("story.md"), b"---\nid: S-0001\nstatus: ready\n---\n", &Default::default())?;
/// let workspace = story::Workspace::new(folder.path());
/// let scan = story::scan(&workspace);
/// assert_eq!(scan.heads[0].status, story::Status::Ready);
/// assert!(scan.skipped.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn scan(workspace: &Workspace) -> Scan {
    let (files, unlisted) = files::of(workspace);
    let (copies, unlisted_worktrees) = files::of_worktrees(workspace);
    let stories = sys::open_base(&workspace.stories());
    let mut scan = heads_within(stories.as_ref(), &files);
    take_copies(&mut scan, &copies);
    show_decided(&mut scan, workspace, &files);
    let unlisted = unlisted.into_iter().chain(unlisted_worktrees);
    scan.skipped.extend(unlisted.map(|err| Skipped {
        path: err.path().to_path_buf(),
        reason: err.into(),
    }));
    scan.skipped.sort_by(|a, b| a.path.cmp(&b.path));
    scan
}

/// A story that a transaction is to change, and that may not be changed yet, is shown as it is to be.
///
/// After the scan: a transaction that was decided before it may have been carried out in part while it went on.
fn show_decided(scan: &mut Scan, workspace: &Workspace, files: &[StoryFile]) {
    let decided = unfinished(workspace.root()).unwrap_or_default();
    let decided = decided.iter().flat_map(|transaction| &transaction.stories);
    let decided: HashSet<&PathBuf> = decided.collect();
    if decided.is_empty() {
        return;
    }
    let is_decided = |file: &&StoryFile| {
        let found = file.path.canonicalize();
        found.is_ok_and(|found| decided.contains(&found))
    };
    let files = files.iter().filter(is_decided);
    let files: HashMap<_, _> = files.map(|file| (&file.path, file)).collect();
    for head in &mut scan.heads {
        if let Some(file) = files.get(&head.path)
            && let Ok(story) = read(&file.path)
        {
            *head = Head::of(&story, file);
        }
    }
}

/// The files that a scan looks at, whether they are there or not, for those who want to look at them by themselves; and the
/// folders that could not be listed.
pub fn files_of(workspace: &Workspace) -> (Vec<StoryFile>, Vec<FolderError>) {
    let (mut files, mut unlisted) = files::of(workspace);
    let (copies, unlisted_worktrees) = files::of_worktrees(workspace);
    files.extend(copies.into_iter().flatten());
    unlisted.extend(unlisted_worktrees);
    (files, unlisted)
}

/// Puts the worktrees' copies of their own stories in the place of the main ones. Of several worktrees the first by name wins.
fn take_copies(scan: &mut Scan, worktrees: &[Vec<StoryFile>]) {
    let mut ids = HashSet::new();
    let mut copies = Vec::new();
    for candidates in worktrees {
        match copy_in(candidates) {
            Some(look::Seen::Head(head)) if ids.insert(head.id.to_ascii_lowercase()) => {
                copies.push(*head);
            }
            Some(look::Seen::Skipped(skipped)) => scan.skipped.push(skipped),
            _ => {}
        }
    }
    if !copies.is_empty() {
        let is_copied = |head: &Head| ids.contains(&head.id.to_ascii_lowercase());
        let heads = &mut scan.heads;
        heads.retain(|head| head.copy != StoryCopy::Main || !is_copied(head));
        heads.append(&mut copies);
    }
}

/// What a worktree has of its own story.
fn copy_in(candidates: &[StoryFile]) -> Option<look::Seen> {
    for file in candidates {
        match look::at(file, None, SystemTime::now()) {
            look::Seen::Nothing => {}
            look::Seen::Head(head) if !is_called(&head, file) => return None,
            seen => return Some(seen),
        }
    }
    None
}

/// Whether the id says the same as the name by which the story is found.
fn is_called(head: &Head, file: &StoryFile) -> bool {
    file.name.eq_ignore_ascii_case(head.id.as_str())
}

/// Reads the heads of the given files; those that are not there are left out.
pub fn heads_of(files: &[StoryFile]) -> Scan {
    heads_within(None, files)
}

fn heads_within(stories: Option<&sys::Base>, files: &[StoryFile]) -> Scan {
    let scan = Mutex::new(Scan {
        heads: Vec::with_capacity(files.len()),
        skipped: Vec::new(),
    });
    let next = AtomicUsize::new(0);
    let begun = SystemTime::now();
    let work = || {
        while let Some(batch) = batch(files, &next) {
            let mut part = look_at(batch, stories, begun);
            let mut scan = scan.lock().unwrap_or_else(PoisonError::into_inner);
            scan.heads.append(&mut part.heads);
            scan.skipped.append(&mut part.skipped);
        }
    };
    let helpers = helpers_for(files.len());
    thread::scope(|scope| {
        for _ in 0..helpers {
            // Where no further thread can be had, this one does all the work.
            thread::Builder::new().spawn_scoped(scope, work).ok();
        }
        work();
    });
    scan.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// The next files that nobody has taken.
fn batch<'a>(files: &'a [StoryFile], next: &AtomicUsize) -> Option<&'a [StoryFile]> {
    let start = next.fetch_add(BATCH, Ordering::Relaxed);
    files
        .get(start..files.len().min(start + BATCH))
        .filter(|batch| !batch.is_empty())
}

fn look_at(batch: &[StoryFile], stories: Option<&sys::Base>, begun: SystemTime) -> Scan {
    let mut part = Scan::default();
    part.heads.reserve(batch.len());
    for file in batch {
        match look::at(file, stories, begun) {
            look::Seen::Head(head) => part.heads.push(*head),
            look::Seen::Nothing => {}
            look::Seen::Skipped(skipped) => part.skipped.push(skipped),
        }
    }
    part
}

/// How many threads beside the present one are worth their start.
fn helpers_for(files: usize) -> usize {
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    processors.min(files.div_ceil(4 * BATCH)).saturating_sub(1)
}
