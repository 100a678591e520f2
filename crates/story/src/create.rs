//! Making a story: an id that nobody has, a priority behind all others, and a file that appears complete or not at all.

mod compose;
mod error;
mod ids;

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use atomic_file::{CommitError, CommitOptions, CommitWarning, Durability};
use locked_file::sweep_locks_beside;
use sidecar_lock::{LockGuard, LockOptions, ReleaseError, SidecarLock, TookOver};

use crate::document::Document;
use crate::moment::Moment;
use crate::read::MAX_STORY_BYTES;
use crate::sanitise::{check_new_id, title};
use crate::value::Value;
use crate::workspace::{STORY_FILE, Workspace};
use ids::{Ids, Taken};

pub use error::CreateError;

/// What is locked while a story is made: a file in `stories/` that never exists; its lock is `.creation.md.lock` beside it.
///
/// Not the folder itself, whose lock would stand in the sdlc root: there nobody needs to be able to write, and the rule
/// `*.md.lock`, which keeps locks out of git, would not cover it. A plain file in `stories/` is nothing to any tool.
pub(crate) const CREATION: &str = ".creation.md";

/// The key of the id.
const ID: &str = "id";

/// A story to be made.
#[derive(Debug, Clone, Default)]
pub struct NewStory {
    /// The title; it is sanitised.
    pub title: String,
    /// Its id; default [`NewId::Next`].
    pub id: NewId,
    /// The type; default `feature`.
    pub kind: Option<String>,
    /// The priority, lower first; default: 10 more than the highest of all stories that can be read, or 10.
    pub priority: Option<f64>,
    /// The labels; one that is named twice counts once.
    pub labels: Vec<String>,
    /// The body, which is sanitised; default: headings to fill in.
    pub body: Option<String>,
    /// Further fields, by path. They override everything above, even the id; new ones go to the end.
    pub extras: Vec<(String, Value)>,
}

/// Which id a new story gets.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum NewId {
    /// `S-` and the next number, with at least four digits.
    #[default]
    Next,
    /// This one, if it is free.
    Given(String),
    /// `story-<time>-<4 characters>`, both in base 36: for branches that cannot see each other's numbers.
    Random {
        /// A random number, from which the four characters are made.
        seed: u64,
    },
}

/// A story that was made.
#[derive(Debug)]
#[non_exhaustive]
pub struct Created {
    /// Its id.
    pub id: String,
    /// Its file, with all links resolved.
    pub path: PathBuf,
    /// What the file holds.
    pub story: Document,
    /// What is worth telling beside.
    pub warnings: Vec<CommitWarning>,
}

/// The right to make stories in a workspace. Nobody else who asks for it makes one meanwhile.
#[derive(Debug)]
#[must_use = "dropping it lets others make stories"]
pub struct Creation {
    guard: LockGuard,
    workspace: Workspace,
}

impl Creation {
    /// Waits for the right to make stories.
    ///
    /// # Errors
    ///
    /// - [`CreateError::NoStories`]: there is no folder of stories; it has to be made first.
    /// - [`CreateError::Lock`]: somebody else kept it until the limit, or `stories/` does not let the lock be made.
    pub fn acquire(workspace: &Workspace, options: &LockOptions) -> Result<Self, CreateError> {
        let stories = workspace.stories();
        if is_missing(&stories) {
            return Err(CreateError::NoStories { path: stories });
        }
        let guard = SidecarLock::new(stories.join(CREATION))?.acquire(options)?;
        if guard.took_over().is_some() {
            sweep_locks_beside(&guard);
        }
        Ok(Self {
            guard,
            workspace: workspace.clone(),
        })
    }

    /// Makes a story.
    ///
    /// The id is claimed by making its folder, which fails if anybody has it, also one who does not know the lock. It is one
    /// that neither `stories/`, nor a legacy folder, nor a worktree holds. A reader sees no `story.md` there, or all of it.
    /// Whoever is killed in between leaves an empty folder: no story to anybody, but an id that is not given again.
    ///
    /// # Errors
    ///
    /// [`CreateError`]; no story was made, except where [`CreateError::is_committed`] is true.
    pub fn create(
        &self,
        new: &NewStory,
        now: Moment,
        durability: Durability,
    ) -> Result<Created, CreateError> {
        if title(&new.title).is_empty() {
            return Err(CreateError::NoTitle);
        }
        let wanted = wanted_id(new)?;
        let taken = Taken::in_workspace(&self.workspace)?;
        let priority = new.priority.unwrap_or_else(|| taken.next_priority());
        let mut ids = Ids::new(&wanted, taken, now);
        loop {
            let id = ids.next().map_err(|id| self.taken(id))?;
            let story = compose::document(new, &id, priority, now)?;
            check_size(&story)?;
            if let Some(warnings) = self.claim_and_write(&id, &story, durability)? {
                return Ok(Created {
                    path: self.path_of(&id),
                    id,
                    story,
                    warnings,
                });
            }
            ids.is_taken(&id, self.stories())?;
        }
    }

    /// The lock of a dead owner that was taken over.
    pub fn took_over(&self) -> Option<&TookOver> {
        self.guard.took_over()
    }

    /// How long was waited.
    pub fn waited(&self) -> Duration {
        self.guard.waited()
    }

    /// Lets others make stories.
    ///
    /// # Errors
    ///
    /// [`ReleaseError`]; what was made is made all the same.
    pub fn release(self) -> Result<(), ReleaseError> {
        self.guard.release()
    }

    /// Makes the folder and the file; `None`: somebody else has the folder.
    fn claim_and_write(
        &self,
        id: &str,
        story: &Document,
        durability: Durability,
    ) -> Result<Option<Vec<CommitWarning>>, CreateError> {
        self.guard.verify()?;
        let path = self.path_of(id);
        let folder = path.parent().expect("the file lies in the story's folder");
        let unsynced = match make_folder(folder, durability)? {
            Made::New => None,
            Made::Unsynced(source) => Some(source),
            Made::Taken => return Ok(None),
        };
        let options = CommitOptions {
            durability,
            ..CommitOptions::default()
        };
        match atomic_file::create(&path, story.as_bytes(), &options) {
            // A power cut may take the folder away, and the story with it.
            Ok(committed) => match unsynced {
                Some(source) => Err(CommitError::CommittedUnsynced { path, source }.into()),
                None => Ok(Some(committed.warnings)),
            },
            // Somebody who does not look whether the folder is theirs was faster.
            Err(CommitError::AlreadyExists { .. }) => Ok(None),
            Err(err) => {
                if !err.is_committed() {
                    // Nothing of anybody's goes: only an empty folder can be removed.
                    fs::remove_dir(folder).ok();
                }
                Err(err.into())
            }
        }
    }

    fn path_of(&self, id: &str) -> PathBuf {
        let mut path = self.stories().join(id);
        path.push(STORY_FILE);
        path
    }

    /// The folder of stories in which the lock stands, with all links resolved.
    fn stories(&self) -> &Path {
        let stories = self.guard.resource().parent();
        stories.expect("what is locked lies in the folder of stories")
    }

    fn taken(&self, id: String) -> CreateError {
        CreateError::Taken {
            path: self.path_of(&id),
            id,
        }
    }
}

/// Whether no folder has this path. Where the system does not say, taking the lock tells why.
fn is_missing(folder: &Path) -> bool {
    match fs::metadata(folder) {
        Ok(found) => !found.is_dir(),
        Err(err) => matches!(err.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory),
    }
}

/// The id that is asked for, a caller-supplied field before all.
fn wanted_id(new: &NewStory) -> Result<NewId, CreateError> {
    let extra = new.extras.iter().rfind(|(key, _)| key == ID);
    let wanted = match extra {
        Some((_, Value::String(id))) => NewId::Given(id.clone()),
        Some(_) => return Err(CreateError::IdIsNoText),
        None => new.id.clone(),
    };
    if let NewId::Given(id) = &wanted {
        check_new_id(id).map_err(|reason| CreateError::Id {
            id: id.clone(),
            reason,
        })?;
    }
    Ok(wanted)
}

/// What came of making a folder that must be new.
enum Made {
    New,
    /// It is there, but not known to be durable.
    Unsynced(io::Error),
    /// Something has the name.
    Taken,
}

fn make_folder(folder: &Path, durability: Durability) -> Result<Made, CreateError> {
    if durability == Durability::Fast {
        match fs::create_dir(folder) {
            Ok(()) => return Ok(Made::New),
            Err(err) if err.kind() == ErrorKind::AlreadyExists => return Ok(Made::Taken),
            // By the same words as the durable way, which is sure to fail as well.
            Err(_) => {}
        }
    }
    match atomic_file::create_folder(folder) {
        Ok(true) => Ok(Made::New),
        Ok(false) | Err(CommitError::AlreadyExists { .. }) => Ok(Made::Taken),
        Err(CommitError::CommittedUnsynced { source, .. }) => Ok(Made::Unsynced(source)),
        Err(err) => Err(err.into()),
    }
}

fn check_size(story: &Document) -> Result<(), CreateError> {
    let size = story.parts().iter().map(|part| part.len() as u64).sum();
    if size > MAX_STORY_BYTES {
        return Err(CreateError::TooLarge { size });
    }
    Ok(())
}
