//! Waiting until something happens to a story of the workspace, whoever did it.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use story::Workspace;
use story::workspace::{LegacyFolder, STORY_FILE, StoryFile};

use crate::places::is_missing;
use crate::sys::{FolderEvents, Woken};

/// How often everything is looked at although no event came. Chosen: network file systems tell nobody what other machines do,
/// and a look at the times of 10,000 files costs a hundredth of this.
const RESCAN: Duration = Duration::from_secs(5);
/// The same where there are no events at all. Chosen.
const RESCAN_WITHOUT_EVENTS: Duration = Duration::from_secs(1);
/// What follows within this time belongs together: a save is several events. Chosen.
const SETTLING: Duration = Duration::from_millis(10);
/// The longest that events which never end may delay those that have come. Chosen.
const MOST_SETTLING: Duration = Duration::from_millis(200);

/// What may have changed.
#[derive(Debug, PartialEq, Eq)]
pub enum Seen {
    /// These files.
    Files(HashSet<PathBuf>),
    /// Any file, or which files there are.
    All,
    /// Nobody reads our output any more.
    Unheard,
}

/// Watches the folders of a workspace.
#[derive(Debug)]
pub struct Observer {
    events: Option<FolderEvents>,
    /// Whether some folder could not be watched.
    is_blind: bool,
    root: PathBuf,
    /// Folders in which every name matters.
    parents: HashSet<PathBuf>,
    legacy: HashSet<PathBuf>,
    /// Names in the root that matter.
    names: HashSet<PathBuf>,
}

impl Observer {
    /// Begins to watch; what happened before must be looked at after this.
    pub fn new(workspace: &Workspace) -> Self {
        let legacy: HashSet<_> = LegacyFolder::ALL
            .into_iter()
            .map(|folder| workspace.legacy(folder))
            .collect();
        let parents: HashSet<_> = [workspace.stories(), workspace.worktrees().to_path_buf()].into();
        Self {
            events: FolderEvents::new().ok(),
            is_blind: false,
            root: workspace.root().to_path_buf(),
            names: parents.union(&legacy).cloned().collect(),
            parents,
            legacy,
        }
    }

    /// Watches the folders of these files, and those in which further ones may come. Whether some of them are new: then
    /// what happened there before must be looked at after this.
    pub fn cover(&mut self, files: &[StoryFile]) -> bool {
        let Some(events) = &mut self.events else {
            return false;
        };
        self.is_blind = false;
        let mut has_new = false;
        let above = [&self.root]
            .into_iter()
            .chain(&self.names)
            .map(PathBuf::as_path);
        for folder in above.chain(files.iter().filter_map(|file| file.path.parent())) {
            match events.add(folder) {
                Ok(is_new) => has_new |= is_new,
                // Each user may watch so many folders only.
                Err(err) => self.is_blind |= !is_missing(&err),
            }
        }
        has_new
    }

    /// Whether changes are seen late, because there are no events for some or all folders.
    pub fn is_blind(&self) -> bool {
        self.is_blind || self.events.is_none()
    }

    /// Waits until something may have changed. Comes back now and then in any case.
    pub fn next(&mut self) -> Seen {
        let deadline = Instant::now()
            + if self.is_blind() {
                RESCAN_WITHOUT_EVENTS
            } else {
                RESCAN
            };
        let mut files = HashSet::new();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.wait(left) {
                Woken::Names(names) => {
                    if !self.collect(names, &mut files) {
                        return self.settled(Seen::All);
                    }
                    if !files.is_empty() {
                        return self.settled(Seen::Files(files));
                    }
                }
                Woken::All | Woken::Late | Woken::Signalled => return Seen::All,
                Woken::Unheard => return Seen::Unheard,
            }
        }
    }

    /// Waits until what belongs together has come.
    fn settled(&mut self, mut seen: Seen) -> Seen {
        let deadline = Instant::now() + MOST_SETTLING;
        while Instant::now() < deadline {
            match self.wait(SETTLING) {
                Woken::Names(names) => {
                    let all = match &mut seen {
                        Seen::Files(files) => !self.collect(names, files),
                        _ => false,
                    };
                    if all {
                        seen = Seen::All;
                    }
                }
                Woken::All => seen = Seen::All,
                Woken::Late | Woken::Signalled => break,
                Woken::Unheard => return Seen::Unheard,
            }
        }
        seen
    }

    fn wait(&mut self, timeout: Duration) -> Woken {
        if let Some(events) = &mut self.events {
            events.wait(timeout)
        } else {
            std::thread::sleep(timeout);
            Woken::Late
        }
    }

    /// Adds the story files among the names; `false`: which files there are may have changed.
    fn collect(&self, names: Vec<(PathBuf, OsString)>, files: &mut HashSet<PathBuf>) -> bool {
        for (folder, name) in names {
            let path = folder.join(&name);
            let changes_files = if folder == self.root {
                self.names.contains(&path)
            } else {
                self.parents.contains(&folder) || (self.legacy.contains(&folder) && !is_lock(&name))
            };
            if changes_files {
                return false;
            }
            if name == STORY_FILE {
                files.insert(path);
            }
        }
        true
    }
}

fn is_lock(name: &OsStr) -> bool {
    Path::new(name).extension().is_none_or(|end| end == "lock")
}
