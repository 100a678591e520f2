//! What a snapshot of a tree must know of the files that agents share: which they are, what is no file of theirs, who changed one.

use std::cell::{OnceCell, RefCell};
use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use sidecar_lock::{LockGuard, LockOptions};
use story::journal::{self, JournalFile};
use story::workspace::{LegacyFolder, STORIES, STORY_FILE};
use story::{Document, Revision};
use task_runner::{Authorship, SharedEdit, SharedFiles};

use crate::configuration::{Configuration, DEFAULT_FOLDER};
use crate::failure::Failure;
use crate::failure_sources::code_of_io;
use crate::git;
use crate::ignore_rules::{self, Fits};
use crate::lease_store;
use crate::lock;
use crate::places::sdlc_root;
use crate::settings::Settings;
use crate::story_leases::StoryLeases;
use crate::transaction::chain;

/// How much of a file tells whether it is a lock of ours.
const LOOKED_AT: u64 = 64;

/// The shared files of one working tree: all that lies below an sdlc root in it.
///
/// A root is a folder called `.ai-sdlc`, one that a configuration in or above the tree names, one that has stories and their
/// journals (the task may have changed the configuration), and the one that the command works in: a monorepo has several, and a copy
/// of the project inside of the tree has its own. What is written there by `story` is known
/// by the journals of stories; of other files nobody can say who changed them.
#[derive(Debug)]
pub struct AppShared<'a> {
    /// With all links resolved.
    top: PathBuf,
    /// The command, as journals name it.
    command: &'a str,
    settings: &'a Settings,
    /// Roots that are not found by the folders above a file alone, from the top.
    known_roots: Vec<PathBuf>,
    /// Where `STORY_LEASES` and `--output` put leases, from the top.
    leases: Vec<PathBuf>,
    /// The roots around each folder, both from the top.
    roots: RefCell<HashMap<PathBuf, Rc<[Root]>>>,
    /// The files ending in `.lock` that git tracks.
    tracked_locks: OnceCell<HashSet<Vec<u8>>>,
    notes: RefCell<Vec<String>>,
}

/// An sdlc root, from the top of the tree.
#[derive(Debug, PartialEq)]
struct Root {
    path: PathBuf,
    extent: Extent,
}

/// Which files below a root are shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// All.
    Whole,
    /// It is the tree, or a project, itself: only what `story` keeps there, else nothing in it could be undone.
    OwnParts,
}

impl<'a> AppShared<'a> {
    /// Looks at the places of the project; `top` is the top of the working tree, `command` what journals call the command.
    ///
    /// # Errors
    ///
    /// When the tree cannot be reached.
    pub fn new(top: &Path, command: &'a str, settings: &'a Settings) -> Result<Self, Failure> {
        let top = fs::canonicalize(top).map_err(|err| {
            Failure::new(code_of_io(&err), format!("cannot reach {}", top.display()))
                .cause(err.to_string())
        })?;
        Ok(Self {
            known_roots: known_roots(&top, settings),
            leases: named_leases(&top, settings),
            top,
            command,
            settings,
            roots: RefCell::default(),
            tracked_locks: OnceCell::new(),
            notes: RefCell::default(),
        })
    }

    /// What is worth telling of files that were left or put back so far.
    pub fn take_notes(&self) -> Vec<String> {
        self.notes.take()
    }

    /// The sdlc roots in which a file lies, from the top. What was found out once is kept: a restore that is under way changes
    /// configurations, too.
    fn roots_of(&self, path: &Path) -> Rc<[Root]> {
        let folder = path.parent().unwrap_or(path);
        if let Some(roots) = self.roots.borrow().get(folder) {
            return Rc::clone(roots);
        }
        let roots: Rc<[Root]> = self.find_roots(folder).into();
        let mut known = self.roots.borrow_mut();
        known.insert(folder.to_path_buf(), Rc::clone(&roots));
        roots
    }

    fn find_roots(&self, inside: &Path) -> Vec<Root> {
        let mut roots = Vec::new();
        let mut found = |path: PathBuf| {
            if inside.starts_with(&path) && roots.iter().all(|root: &Root| root.path != path) {
                roots.push(self.root_at(path));
            }
        };
        self.known_roots.iter().cloned().for_each(&mut found);
        for folder in inside.ancestors() {
            found(folder.join(DEFAULT_FOLDER));
            let path = self.top.join(folder);
            if let Some(name) = configured_name(&path) {
                found(plain(&folder.join(name)));
            }
            let mut kept = [JournalFile::FOLDER, STORIES].iter();
            if kept.all(|name| path.join(name).is_dir()) {
                found(folder.to_path_buf());
            }
        }
        roots
    }

    fn root_at(&self, path: PathBuf) -> Root {
        let own_name = configured_name(&self.top.join(&path));
        let is_project = own_name.is_some_and(|name| plain(&name).as_os_str().is_empty());
        let extent = if is_project || path.as_os_str().is_empty() {
            Extent::OwnParts
        } else {
            Extent::Whole
        };
        Root { path, extent }
    }

    /// Whether git tracks a file that is called like a lock. Where git does not say it counts as a lock: not to record a file that
    /// was deleted on purpose does less harm than to bring back a lock of somebody who is gone.
    fn is_tracked(&self, path: &Path) -> bool {
        let tracked = self.tracked_locks.get_or_init(|| {
            let tracked = git::tracked_with_ending(&self.top, "lock");
            tracked.unwrap_or_default().into_iter().collect()
        });
        tracked.contains(&as_git_writes(path))
    }

    fn has_magic(&self, path: &Path) -> bool {
        let mut beginning = Vec::new();
        let file = self.top.join(path);
        let is_file = fs::symlink_metadata(&file).is_ok_and(|metadata| metadata.is_file());
        // A lock that is gone by now, or may not be read, has none.
        is_file
            && File::open(file)
                .and_then(|file| file.take(LOOKED_AT).read_to_end(&mut beginning))
                .is_ok()
            && sidecar_lock::is_record(&beginning)
    }

    /// The journal of a story, if one lies at the path.
    fn journal_of(&self, path: &Path) -> Option<JournalFile> {
        let file = JournalFile::of(&self.top.join(path))?;
        let root = file.root().strip_prefix(&self.top).ok()?;
        let roots = self.roots_of(path);
        let is_one = roots.iter().any(|known| known.path == root);
        is_one.then_some(file)
    }

    fn note(&self, path: &Path, reason: &str) {
        let note = format!("{}: {reason}", path.display());
        self.notes.borrow_mut().push(note);
    }

    /// Puts a file back while nobody else holds a lease of it, with a line in the journal if it is a story.
    fn put_back_unleased(
        &self,
        edit: &SharedEdit<'_>,
        commit: &mut dyn FnMut() -> bool,
    ) -> Result<(), Failure> {
        let path = edit.file.strip_prefix(&self.top).unwrap_or(edit.file);
        let journal = self.journal_of(path);
        let root = match &journal {
            Some(journal) => Some(journal.root().to_path_buf()),
            // The innermost; stores of those around it are found from there.
            None => self
                .roots_of(path)
                .iter()
                .max_by_key(|root| root.path.components().count())
                .map(|root| self.top.join(&root.path)),
        };
        let leases = StoryLeases::of([edit.file.to_path_buf()], root.as_deref(), self.settings)?;
        let unleased = leases
            .check()
            .map_err(|refusal| Failure::from_refusal(&refusal))?;
        let story = |bytes: Option<&[u8]>| Document::parse(bytes?).ok();
        match (journal, story(edit.from), story(edit.to)) {
            (Some(journal), Some(from), Some(to)) => {
                let root = journal.root().to_path_buf();
                let mut options = self.settings.journal_options(root, self.command, None);
                options.run = edit.run.map(str::to_owned);
                let unwritten = journal::with_line(edit.file, [&from, &to], &options, commit);
                if let Some(err) = unwritten {
                    self.note(path, &chain(&err));
                }
            }
            _ => {
                commit();
            }
        }
        drop(unleased);
        Ok(())
    }
}

impl SharedFiles for AppShared<'_> {
    fn is_shared(&self, path: &Path) -> bool {
        let is_of = |root: &Root| match root.extent {
            Extent::Whole => true,
            Extent::OwnParts => path.strip_prefix(&root.path).is_ok_and(is_own_part),
        };
        self.roots_of(path).iter().any(is_of)
    }

    /// By name, but for the sidecars of any file of a kind, such as `x.md.lock`: a lock of ours is told by its first bytes,
    /// whatever it is called. A file without these is a lock all the same, of another tool, or one that is just being made or
    /// released, unless git tracks it: locks are there for moments, so what somebody has committed is no lock, and is recorded.
    fn is_apart(&self, path: &Path) -> bool {
        let roots = self.roots_of(path);
        let inside: Vec<&Path> = roots
            .iter()
            .filter_map(|root| path.strip_prefix(&root.path).ok())
            .collect();
        if self.leases.iter().any(|place| is_of_store(path, place)) {
            return true;
        }
        match ignore_rules::fits(path, &inside) {
            Fits::Ours => true,
            Fits::Sidecar => self.has_magic(path) || !self.is_tracked(path),
            Fits::None => path.extension().is_some_and(|end| end == "lock") && self.has_magic(path),
        }
    }

    /// By the journal of a story: an unbroken chain of changes by the run. Another attempt at the same task that came later counts
    /// as the run, for the snapshot is from before all of them. State files and files beside stories have no journal.
    fn authorship(
        &self,
        path: &Path,
        then: Option<&[u8]>,
        now: Option<&[u8]>,
        run: Option<&str>,
    ) -> Authorship {
        let by_the_run = || {
            let (then, now, run) = (Revision::of(then?), Revision::of(now?), run?);
            let journal = journal::read(&self.journal_of(path)?).ok()??;
            let is_its = |other: &str| is_same_or_later_attempt(run, other);
            Some(journal.is_only_of(then.as_str(), now.as_str(), is_its))
        };
        match by_the_run() {
            Some(true) => Authorship::OnlyTheRun,
            _ => Authorship::OthersToo,
        }
    }

    /// What lies beside a story is guarded by the story's lock.
    fn guard_of(&self, path: &Path) -> PathBuf {
        let is_of_stories = |above: &Path| {
            let name = above.file_name().and_then(|name| name.to_str());
            name.is_some_and(|name| name == STORIES || LegacyFolder::named(name).is_some())
        };
        let folder = path.parent();
        let is_beside = folder.and_then(Path::parent).is_some_and(is_of_stories)
            && !self.roots_of(path).is_empty();
        match folder {
            Some(folder) if is_beside => folder.join(STORY_FILE),
            _ => path.to_path_buf(),
        }
    }

    fn finish_under(
        &self,
        guard: &LockGuard,
        options: &LockOptions,
    ) -> Result<Vec<locked_file::Warning>, locked_file::together::FinishError> {
        lock::finish(guard, options)
    }

    fn put_back(&self, edit: &SharedEdit<'_>, commit: &mut dyn FnMut() -> bool) {
        if let Err(failure) = self.put_back_unleased(edit, commit) {
            let path = edit.file.strip_prefix(&self.top).unwrap_or(edit.file);
            let reasons = std::iter::once(&failure.headline).chain(&failure.causes);
            let reasons: Vec<&str> = reasons.map(String::as_str).collect();
            self.note(path, &reasons.join(": "));
        }
    }
}

/// The roots in the tree that a configuration above it names, or that the command works in.
fn known_roots(top: &Path, settings: &Settings) -> Vec<PathBuf> {
    let above = top.ancestors().skip(1);
    let configured = above.filter_map(|folder| Some(folder.join(configured_name(folder)?)));
    let found = sdlc_root(settings).ok();
    let roots = configured.chain(found);
    roots.filter_map(|root| inside(&root, top)).collect()
}

fn configured_name(folder: &Path) -> Option<PathBuf> {
    let configuration = Configuration::read(folder).ok()?;
    configuration.at("/sdlcFolder")?;
    configuration.sdlc_folder().ok()
}

/// The stores of leases that were named, where they lie in the tree.
fn named_leases(top: &Path, settings: &Settings) -> Vec<PathBuf> {
    let in_output = settings
        .output
        .iter()
        .flat_map(|output| [lease_store::FOLDER, lease::DATABASE].map(|name| output.join(name)));
    let named = settings.lease_store.clone().into_iter().chain(in_output);
    named.filter_map(|place| inside(&place, top)).collect()
}

/// Whether a file is a store of leases at `place`, or belongs to it: the lock of a folder, the other files of a database.
fn is_of_store(path: &Path, place: &Path) -> bool {
    let is_beside = || {
        let (Some(name), Some(store)) = (path.file_name(), place.file_name()) else {
            return false;
        };
        let rest = name
            .as_encoded_bytes()
            .strip_prefix(store.as_encoded_bytes());
        path.parent() == place.parent()
            && rest.is_some_and(|rest| rest == b".lock" || rest.starts_with(b"-"))
    };
    path.starts_with(place) || is_beside()
}

/// A path from the top of the tree; `None`: it leads elsewhere. It need not be there.
fn inside(path: &Path, top: &Path) -> Option<PathBuf> {
    let path = std::path::absolute(path).ok()?;
    let resolved = path
        .ancestors()
        .find_map(|above| {
            let rest = path.strip_prefix(above).ok()?;
            Some(fs::canonicalize(above).ok()?.join(rest))
        })
        .unwrap_or(path);
    let inside = resolved.strip_prefix(top).ok()?;
    Some(plain(inside))
}

/// Without `.` in it.
fn plain(path: &Path) -> PathBuf {
    let parts = path.components();
    parts.filter(|part| *part != Component::CurDir).collect()
}

/// What `story` keeps in an sdlc root, from there.
fn is_own_part(path: &Path) -> bool {
    let mut names = path.components();
    let first = names.next().and_then(|name| match name {
        Component::Normal(name) => name.to_str(),
        _ => None,
    });
    let Some(first) = first else {
        return false;
    };
    let is_file = names.next().is_none();
    if is_file {
        return Path::new(first)
            .extension()
            .is_some_and(|end| end == "json");
    }
    first == STORIES || LegacyFolder::named(first).is_some()
}

/// Runs are called `<task>.<number of the attempt>`.
fn is_same_or_later_attempt(run: &str, other: &str) -> bool {
    let parts = |run: &'_ str| {
        let (task, attempt) = run.rsplit_once('.')?;
        Some((task.to_owned(), attempt.parse::<u64>().ok()?))
    };
    match (parts(run), parts(other)) {
        (Some((task, attempt)), Some((other_task, other_attempt))) => {
            task == other_task && attempt <= other_attempt
        }
        _ => run == other,
    }
}

fn as_git_writes(path: &Path) -> Vec<u8> {
    let names = path
        .components()
        .map(|name| name.as_os_str().as_encoded_bytes());
    names.collect::<Vec<_>>().join(&b'/')
}

#[cfg(test)]
mod tests;
