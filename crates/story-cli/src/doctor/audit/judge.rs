//! From events in folders, in their order, to what was written past the lock. Pure: what a sidecar says is asked through a
//! closure.
//!
//! The kernel puts the events of all folders into one queue, so their order is the order in which things happened: a writer
//! with the lock has its sidecar created before the file changes and removed after. A sidecar that is there counts as held,
//! until it is known that its owner is dead.
//!
//! Our own commits are recognised by the names of their temporary files. They only ever replace. So where the owner of a lock
//! commits in our way, what changes the bytes of the file in place during the same tenure, or replaces it from another name,
//! is somebody else's, and past the lock although the lock is held. The same holds where the record of the sidecar names one
//! of our commands and it is certain that it was read in time. All other tenures may be those of tools that write in place
//! under the lock, and are left in peace; so is that of `story with` and its like.

use std::collections::{HashMap, VecDeque};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use atomic_file::is_temporary_name;

use super::shared::{Shared, guards_of, is_sidecar};
use crate::by_path::ByPath;

/// How many displaced versions are remembered, for writes that come too late. Chosen: far more than one moment has.
const MOST_DISPLACED: usize = 1024;

/// Something that happened to a name in a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// It was made, or linked.
    Created,
    /// Bytes behind it changed in place.
    Written,
    /// A writer closed it.
    Closed,
    /// It was removed.
    Removed,
    /// It got another name; the number joins it to its other half.
    MovedAway(u32),
    /// It came from another name.
    MovedHere(u32),
}

/// What is known of who holds a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keeper {
    /// A command of ours that only ever replaces whole files, and who it is.
    Replaces(String),
    /// It was gone before anybody could look.
    Unseen,
    /// Anybody else, who may write in place under the lock: another tool, or a command that runs others under its lock.
    Anybody,
}

/// What a sidecar is at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lock {
    /// There is none.
    Free,
    /// There is one, and as far as is known its owner lives.
    Held(Tenure),
    /// There is one, of a dead owner.
    Dead(String),
}

/// One owner's time with a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenure {
    /// Whose.
    pub keeper: Keeper,
    /// Whether a commit of ours was made in it.
    has_commit: bool,
    /// Whether all events until the look at the keeper are known, so that it was the owner's and not his successor's.
    is_sure: bool,
}

impl Tenure {
    /// One that begins, or is found.
    pub fn of(keeper: Keeper) -> Self {
        Self {
            keeper,
            has_commit: false,
            is_sure: false,
        }
    }
}

/// How a file was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// It was made.
    Created,
    /// Its bytes changed in place.
    InPlace,
    /// Another file took its name.
    Replaced,
    /// It was removed, or moved away.
    Removed,
    /// Bytes changed in place in a version that had just been replaced: that write may be lost.
    Late,
}

/// A change that was made past the lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// The file.
    pub path: PathBuf,
    /// How it was changed.
    pub how: How,
    /// What the lock was then.
    pub lock: Lock,
}

/// What the guards of a file say together.
enum Guard {
    /// Not known yet.
    Unknown,
    /// Nobody holds one: there is none, or a dead owner's.
    Unheld(Lock),
    /// These are held.
    Held(Vec<PathBuf>),
}

/// The first half of a rename.
#[derive(Debug)]
struct Away {
    path: PathBuf,
    /// The lock at that moment, if nobody held it.
    unguarded: Option<Lock>,
    /// Whether the queue was empty since: the kernel puts both halves there one after the other, not at once.
    is_waited_for: bool,
}

/// What is known of all locks in the watched folders, and what was told already.
#[derive(Debug)]
pub struct Judge {
    shared: Shared,
    /// Of a settled folder only those that are there.
    locks: ByPath<Lock>,
    /// Folders that were not listed yet: a sidecar in them may be there although no event has told it.
    unsettled: ByPath<()>,
    /// First halves of renames.
    away: HashMap<u32, Away>,
    /// The last rename, from and to: the same one backwards is the second half of a swap, where commits of ours swap.
    last_move: Option<(PathBuf, PathBuf)>,
    /// Files whose present write was told: it is one finding from the first byte to the close.
    told: ByPath<()>,
    /// Changes under a lock whose owner has not shown yet that it only replaces.
    suspects: Vec<(PathBuf, How)>,
    /// Sidecars whose tenure began since the queue was last empty.
    begun: Vec<PathBuf>,
    /// Old versions that a commit of ours has just displaced, by their temporary names.
    displaced: VecDeque<(PathBuf, PathBuf)>,
}

impl Judge {
    /// Knows nothing yet.
    pub fn new(shared: Shared) -> Self {
        Self {
            shared,
            locks: ByPath::new(),
            unsettled: ByPath::new(),
            away: HashMap::new(),
            last_move: None,
            told: ByPath::new(),
            suspects: Vec::new(),
            begun: Vec::new(),
            displaced: VecDeque::new(),
        }
    }

    /// A folder is watched from now on; what lies in it comes with [`Judge::settle`].
    pub fn begin(&mut self, folder: PathBuf) {
        self.unsettled.insert(folder, ());
    }

    /// Takes one event. `look` says who holds a sidecar, as far as can be seen now.
    pub fn take(
        &mut self,
        path: PathBuf,
        what: What,
        look: &mut dyn FnMut(&Path) -> Keeper,
    ) -> Vec<Past> {
        match what {
            What::MovedAway(number) => {
                let away = Away {
                    unguarded: self.unguarded(&path),
                    path,
                    is_waited_for: false,
                };
                self.away.insert(number, away);
                Vec::new()
            }
            What::MovedHere(number) => {
                let from = self.away.remove(&number).map(|away| away.path);
                self.moved(from, path, look)
            }
            _ if is_sidecar(&path) => {
                self.sidecar(path, what, look);
                Vec::new()
            }
            _ => self.changed(path, what, look).into_iter().collect(),
        }
    }

    /// All events so far were taken. Renames that have no second half at the next such call either have left the watched
    /// folders.
    pub fn drained(&mut self, look: &mut dyn FnMut(&Path) -> Keeper) -> Vec<Past> {
        for sidecar in self.begun.drain(..) {
            if let Some(Lock::Held(tenure)) = self.locks.get_mut(&sidecar) {
                tenure.is_sure = true;
            }
        }
        let gone: Vec<Away> = self
            .away
            .extract_if(|_, away| std::mem::replace(&mut away.is_waited_for, true))
            .map(|(_, away)| away)
            .collect();
        gone.into_iter()
            .filter_map(|away| self.gone(away.path, away.unguarded, look))
            .collect()
    }

    /// What was listed in a folder, after all events that came until then were taken: what events have told counts more.
    pub fn settle(&mut self, folder: &Path, sidecars: Vec<(PathBuf, Lock)>) {
        for (sidecar, lock) in sidecars {
            self.locks.insert_if_new(sidecar, lock);
        }
        self.unsettled.remove(folder);
    }

    /// The sidecars whose owners are believed to live.
    pub fn held(&self) -> Vec<PathBuf> {
        let held = self
            .locks
            .iter()
            .filter(|(_, lock)| matches!(lock, Lock::Held(_)));
        held.map(|(sidecar, _)| sidecar.clone()).collect()
    }

    /// Notes that the owner of a sidecar is dead.
    pub fn dies(&mut self, sidecar: PathBuf, owner: String) {
        self.locks.insert(sidecar, Lock::Dead(owner));
    }

    /// Forgets a folder that is not watched any more, and all below it.
    pub fn forget_below(&mut self, folder: &Path) {
        self.unsettled.remove_below(folder);
        self.locks.remove_below(folder);
        self.told.remove_below(folder);
        self.suspects.retain(|(path, _)| !path.starts_with(folder));
    }

    /// Forgets everything, because events were lost.
    pub fn forget(&mut self) {
        self.forget_below(Path::new(""));
        self.away.clear();
        self.displaced.clear();
        self.last_move = None;
    }

    fn sidecar(&mut self, path: PathBuf, what: What, look: &mut dyn FnMut(&Path) -> Keeper) {
        let lock = match what {
            What::Removed => Lock::Free,
            // Written: a dead owner's sidecar is adopted by a new record, and a living one's is handed over by one.
            What::Created | What::Written => Lock::Held(Tenure::of(look(&path))),
            _ => return,
        };
        self.suspects
            .retain(|(suspect, _)| !guards_of(suspect).contains(&path));
        // Before a folder is settled, what it was listed with must not count more than this.
        let is_settled = path
            .parent()
            .is_none_or(|folder| !self.unsettled.contains(folder));
        if lock == Lock::Free && is_settled {
            self.locks.remove(&path);
            return;
        }
        self.begun.push(path.clone());
        self.locks.insert(path, lock);
    }

    fn changed(
        &mut self,
        path: PathBuf,
        what: What,
        look: &mut dyn FnMut(&Path) -> Keeper,
    ) -> Option<Past> {
        if what == What::Closed {
            self.told.remove(&path);
            return None;
        }
        if what == What::Written
            && is_temporary(&path)
            && let Some(file) = self.file_displaced_to(&path)
        {
            let (how, lock) = (How::Late, Lock::Free);
            let is_new = self.told.insert(path, ()).is_none();
            return is_new.then_some(Past {
                path: file,
                how,
                lock,
            });
        }
        if !self.shared.is_shared(&path) {
            return None;
        }
        let (how, lock) = match what {
            What::Created => (How::Created, self.unguarded(&path)?),
            What::Written if self.told.contains(&path) => return None,
            What::Written => (How::InPlace, self.foreign(&path, How::InPlace, look)?),
            _ => {
                let lock = self.unguarded(&path);
                return self.gone(path, lock, look);
            }
        };
        self.told.insert(path.clone(), ());
        Some(Past { path, how, lock })
    }

    /// A rename within the watched folders, or into them.
    fn moved(
        &mut self,
        from: Option<PathBuf>,
        to: PathBuf,
        look: &mut dyn FnMut(&Path) -> Keeper,
    ) -> Vec<Past> {
        let last = self.last_move.take();
        let is_back = matches!((&last, &from), (Some((a, b)), Some(from)) if *a == to && b == from);
        // Others move a file away and back, one after the other: each is a change.
        let is_of_ours = is_temporary(&to) || from.as_deref().is_some_and(is_sidecar);
        if is_back && is_of_ours {
            // The second half of a swap: `from` has what the first half brought, and nothing is gone.
            if let Some(file) = from.filter(|file| self.shared.is_shared(file))
                && is_temporary(&to)
            {
                self.displaced.truncate(MOST_DISPLACED - 1);
                self.displaced.push_front((to, file));
            }
            return Vec::new();
        }
        let mut found = Vec::new();
        if let Some(from) = &from
            && !is_temporary(from)
        {
            let lock = self.unguarded(from);
            found.extend(self.gone(from.clone(), lock, look));
        }
        if is_sidecar(&to) {
            self.sidecar(to.clone(), What::Created, look);
        } else if self.shared.is_shared(&to) {
            self.told.remove(&to);
            if from.as_deref().is_some_and(is_temporary) {
                found.extend(self.committed(&to));
            } else if let Some(lock) = self.foreign(&to, How::Replaced, look) {
                let (path, how) = (to.clone(), How::Replaced);
                found.push(Past { path, how, lock });
            }
        }
        self.last_move = from.map(|from| (from, to));
        found
    }

    /// A commit of ours. It shows that the owner of the lock only replaces.
    fn committed(&mut self, file: &Path) -> Vec<Past> {
        let held = match self.guard(file) {
            Guard::Unknown => return Vec::new(),
            Guard::Unheld(lock) => {
                let (path, how) = (file.to_path_buf(), How::Replaced);
                return vec![Past { path, how, lock }];
            }
            Guard::Held(held) => held,
        };
        let mut found = Vec::new();
        for guard in held {
            let Some(Lock::Held(tenure)) = self.locks.get_mut(&guard) else {
                continue;
            };
            tenure.has_commit = true;
            if tenure.keeper == Keeper::Anybody {
                continue;
            }
            let lock = Lock::Held(tenure.clone());
            let (shown, others) = std::mem::take(&mut self.suspects)
                .into_iter()
                .partition(|(path, _)| guards_of(path).contains(&guard));
            self.suspects = others;
            let shown: Vec<(PathBuf, How)> = shown;
            found.extend(shown.into_iter().map(|(path, how)| Past {
                path,
                how,
                lock: lock.clone(),
            }));
        }
        found
    }

    /// A name that is not there any more; the lock, if nobody held it then.
    fn gone(
        &mut self,
        path: PathBuf,
        unguarded: Option<Lock>,
        look: &mut dyn FnMut(&Path) -> Keeper,
    ) -> Option<Past> {
        if is_sidecar(&path) {
            self.sidecar(path, What::Removed, look);
            return None;
        }
        self.told.remove(&path);
        if !self.shared.is_shared(&path) {
            return None;
        }
        let (how, lock) = (How::Removed, unguarded?);
        Some(Past { path, how, lock })
    }

    /// The lock, if nobody holds it.
    fn unguarded(&self, path: &Path) -> Option<Lock> {
        match self.guard(path) {
            Guard::Unheld(lock) => Some(lock),
            _ => None,
        }
    }

    /// The lock, if it is known by now that a change which is no commit of ours was not made under it.
    fn foreign(
        &mut self,
        path: &Path,
        how: How,
        look: &mut dyn FnMut(&Path) -> Keeper,
    ) -> Option<Lock> {
        let held = match self.guard(path) {
            Guard::Unknown => return None,
            Guard::Unheld(lock) => return Some(lock),
            Guard::Held(held) => held,
        };
        let mut shown = None;
        for guard in held {
            let Some(Lock::Held(tenure)) = self.locks.get(&guard) else {
                continue;
            };
            // It may have passed on before the first look.
            if tenure.keeper == Keeper::Anybody || look(&guard) == Keeper::Anybody {
                return None;
            }
            let is_known = tenure.is_sure && tenure.keeper != Keeper::Unseen;
            if tenure.has_commit || is_known {
                shown = Some(Lock::Held(tenure.clone()));
            }
        }
        if shown.is_none() {
            self.suspects.push((path.to_path_buf(), how));
            // Each write once, as with what is told.
            self.told.insert(path.to_path_buf(), ());
        }
        shown
    }

    fn guard(&self, path: &Path) -> Guard {
        let mut dead = None;
        let mut held = Vec::new();
        let mut is_unknown = false;
        for guard in guards_of(path) {
            match self.locks.get(&guard) {
                Some(Lock::Held(_)) => held.push(guard),
                Some(lock @ Lock::Dead(_)) => dead = Some(lock.clone()),
                Some(Lock::Free) => {}
                None => {
                    let folder = guard.parent();
                    is_unknown |= folder.is_some_and(|folder| self.unsettled.contains(folder));
                }
            }
        }
        if !held.is_empty() {
            Guard::Held(held)
        } else if is_unknown {
            Guard::Unknown
        } else {
            Guard::Unheld(dead.unwrap_or(Lock::Free))
        }
    }

    fn file_displaced_to(&self, path: &Path) -> Option<PathBuf> {
        let found = self
            .displaced
            .iter()
            .find(|(temporary, _)| temporary == path);
        found.map(|(_, file)| file.clone())
    }
}

fn is_temporary(path: &Path) -> bool {
    let name: OsString = path.file_name().unwrap_or_default().into();
    is_temporary_name(&name)
}

#[cfg(test)]
mod tests;
