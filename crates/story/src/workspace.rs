//! Where stories lie: the sdlc root with its stories, legacy folders and worktrees, each of which has copies of its own.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};

use crate::folder::{self, EntryKind, FolderError, Order};

/// The folder of stories inside the sdlc root.
pub const STORIES: &str = "stories";
/// The file of a story inside its folder.
pub const STORY_FILE: &str = "story.md";
/// The folder of git worktrees inside the sdlc root, unless the configuration says otherwise.
pub const WORKTREES: &str = "worktrees";

/// A folder in which old versions of the reference tool kept stories, one for each status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LegacyFolder {
    /// `backlog`
    Backlog,
    /// `ready`
    Ready,
    /// `in-progress`
    InProgress,
    /// `done`
    Done,
    /// `blocked`
    Blocked,
}

impl LegacyFolder {
    /// All of them, in the order in which they are searched: blocked last.
    pub const ALL: [Self; 5] = [
        Self::Backlog,
        Self::Ready,
        Self::InProgress,
        Self::Done,
        Self::Blocked,
    ];

    /// Its name, which is the status of what lies in it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Backlog => "backlog",
            Self::Ready => "ready",
            Self::InProgress => "in-progress",
            Self::Done => "done",
            Self::Blocked => "blocked",
        }
    }

    /// The folder of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|folder| folder.name() == name)
    }
}

/// Which copy of a story a file is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum StoryCopy {
    /// The one in `stories/`.
    Main,
    /// The one in a git worktree.
    Worktree {
        /// The name of the worktree's folder.
        name: String,
    },
    /// A file in a legacy folder.
    Legacy {
        /// Which.
        folder: LegacyFolder,
    },
}

/// As results tell it: `main`, `worktree:<name>`, `legacy:<folder>`.
impl fmt::Display for StoryCopy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Main => f.write_str("main"),
            Self::Worktree { name } => write!(f, "worktree:{name}"),
            Self::Legacy { folder } => write!(f, "legacy:{}", folder.name()),
        }
    }
}

/// A file that should be a story. Whether it is there and can be read is not known yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoryFile {
    /// The file.
    pub path: PathBuf,
    /// Which copy it is.
    pub copy: StoryCopy,
    /// The name by which it is found: that of its folder, or of the file itself in a legacy folder.
    pub name: OsString,
}

/// A git worktree that may hold copies of stories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worktree {
    /// The name of its folder.
    pub name: String,
    /// Its folder of stories, which need not be there.
    pub stories: PathBuf,
}

impl Worktree {
    /// The ids that its name `<id>-<slug>` may begin with, the longest first: the whole name, and what is left of it by
    /// cutting at each hyphen from the end.
    ///
    /// A worktree has a copy of every story, but it was made for one: that of the first of these ids which is there. The
    /// others are as old as the branch.
    pub fn own_ids(&self) -> impl Iterator<Item = &str> {
        let cuts = self.name.match_indices('-').map(|(at, _)| at);
        let ends: Vec<_> = cuts
            .chain([self.name.len()])
            .filter(|end| *end > 0)
            .collect();
        ends.into_iter().rev().map(|end| &self.name[..end])
    }
}

/// Where the stories of one project lie. Holds paths only; nothing is looked at before a method says so.
///
/// ```
/// use std::path::Path;
/// use story::Workspace;
///
/// let workspace = Workspace::new("project/.ai-sdlc");
/// let expected = Path::new("project/.ai-sdlc/stories/S-0034/story.md");
/// assert_eq!(workspace.story_file("S-0034"), expected);
/// assert_eq!(workspace.worktrees(), Path::new("project/.ai-sdlc/worktrees"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    root: PathBuf,
    worktrees: PathBuf,
    folder_name: PathBuf,
}

impl Workspace {
    /// The workspace at an sdlc root, with its worktrees in [`WORKTREES`] inside it.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        let root = root.into();
        Self {
            worktrees: root.join(WORKTREES),
            folder_name: own_name(&root),
            root,
        }
    }

    /// The same with the worktrees elsewhere, as `worktree.basePath` of the configuration has it.
    #[must_use]
    pub fn with_worktrees(self, folder: impl Into<PathBuf>) -> Self {
        Self {
            worktrees: folder.into(),
            ..self
        }
    }

    /// The same with the sdlc folder called otherwise inside a worktree, as `sdlcFolder` of the configuration has it;
    /// without this it is called as the root itself.
    #[must_use]
    pub fn with_folder_name(self, name: impl Into<PathBuf>) -> Self {
        Self {
            folder_name: name.into(),
            ..self
        }
    }

    /// The sdlc root.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of stories.
    pub fn stories(&self) -> PathBuf {
        self.root.join(STORIES)
    }

    /// Where the story of that id belongs. The id must have been checked, for it becomes part of the path.
    pub fn story_file(&self, id: impl AsRef<Path>) -> PathBuf {
        let mut path = self.stories();
        path.push(id);
        path.push(STORY_FILE);
        path
    }

    /// A legacy folder.
    pub fn legacy(&self, folder: LegacyFolder) -> PathBuf {
        self.root.join(folder.name())
    }

    /// The folder of worktrees.
    pub fn worktrees(&self) -> &Path {
        &self.worktrees
    }

    /// What the sdlc folder is called inside a worktree.
    pub fn folder_name(&self) -> &Path {
        &self.folder_name
    }

    /// The files of the main copy: `stories/<folder>/story.md` for each folder, whether the file is there or not.
    ///
    /// # Errors
    ///
    /// [`FolderError`]; [`FolderError::NotFound`] when there is no folder of stories.
    pub fn main_files(&self, order: Order) -> Result<Vec<StoryFile>, FolderError> {
        files_in(&self.stories(), &StoryCopy::Main, order)
    }

    /// The files in one legacy folder: each `*.md` directly in it. None where the folder is missing.
    ///
    /// # Errors
    ///
    /// [`FolderError::Io`].
    pub fn legacy_files(
        &self,
        folder: LegacyFolder,
        order: Order,
    ) -> Result<Vec<StoryFile>, FolderError> {
        let path = self.legacy(folder);
        let entries = folder::entries_if_there(&path, order)?;
        let files = entries
            .into_iter()
            .filter(|entry| entry.kind.may_be_file() && is_markdown(&entry.name));
        let files = files.map(|entry| StoryFile {
            path: path.join(&entry.name),
            copy: StoryCopy::Legacy { folder },
            name: entry.name,
        });
        Ok(files.collect())
    }

    /// The worktrees: each folder in [`Workspace::worktrees`]. None where that is missing.
    ///
    /// # Errors
    ///
    /// [`FolderError::Io`].
    pub fn worktree_list(&self, order: Order) -> Result<Vec<Worktree>, FolderError> {
        let entries = folder::entries_if_there(&self.worktrees, order)?;
        let folders = entries.into_iter().filter(|entry| is_folder(entry.kind));
        let worktrees = folders.map(|entry| {
            let mut stories = self.worktrees.join(&entry.name);
            stories.push(&self.folder_name);
            stories.push(STORIES);
            Worktree {
                name: entry.name.to_string_lossy().into_owned(),
                stories,
            }
        });
        Ok(worktrees.collect())
    }

    /// The files of one worktree's copies. None where it holds no folder of stories.
    ///
    /// # Errors
    ///
    /// [`FolderError::Io`].
    pub fn worktree_files(
        &self,
        worktree: &Worktree,
        order: Order,
    ) -> Result<Vec<StoryFile>, FolderError> {
        let copy = StoryCopy::Worktree {
            name: worktree.name.clone(),
        };
        match files_in(&worktree.stories, &copy, order) {
            Err(FolderError::NotFound { .. }) => Ok(Vec::new()),
            listed => listed,
        }
    }
}

fn files_in(stories: &Path, copy: &StoryCopy, order: Order) -> Result<Vec<StoryFile>, FolderError> {
    let entries = folder::entries(stories, order)?;
    let folders = entries.into_iter().filter(|entry| is_folder(entry.kind));
    let files = folders.map(|entry| StoryFile {
        path: stories.join(&entry.name).join(STORY_FILE),
        copy: copy.clone(),
        name: entry.name,
    });
    Ok(files.collect())
}

fn is_folder(kind: EntryKind) -> bool {
    kind.may_be_folder()
}

fn is_markdown(name: &OsStr) -> bool {
    Path::new(name).extension().is_some_and(|end| end == "md")
}

/// The last name of the root; of `.` and the like, that of the folder which they mean.
fn own_name(root: &Path) -> PathBuf {
    match root.file_name() {
        Some(name) => name.into(),
        None => std::fs::canonicalize(root)
            .ok()
            .and_then(|root| root.file_name().map(PathBuf::from))
            .unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use testkit::Sandbox;

    use super::*;

    fn names(files: &[StoryFile]) -> Vec<String> {
        let name = |file: &StoryFile| format!("{} {}", file.copy, file.name.to_string_lossy());
        files.iter().map(name).collect()
    }

    #[test]
    fn workspace_lists_main_copies_legacy_files_and_worktree_copies() {
        let sandbox = Sandbox::new();
        sandbox.write("p/sdlc/stories/S-2/story.md", "");
        sandbox.write("p/sdlc/stories/S-1/plan.md", "");
        sandbox.write("p/sdlc/stories/notes.md", "");
        sandbox.write("p/sdlc/done/01-x.md", "");
        sandbox.write("p/sdlc/done/01-x.md.lock", "");
        sandbox.write("p/sdlc/done/S-9/story.md", "");
        sandbox.write("p/sdlc/worktrees/S-2-x/sdlc/stories/S-2/story.md", "");
        sandbox.write("p/sdlc/worktrees/bare/README", "");
        let workspace = Workspace::new(sandbox.join("p/sdlc"));
        let main = workspace.main_files(Order::Name).expect("listed");
        assert_eq!(names(&main), ["main S-1", "main S-2"], "folders only");
        assert!(main[1].path.ends_with("sdlc/stories/S-2/story.md"), "path");
        let done = workspace.legacy_files(LegacyFolder::Done, Order::Name);
        let done = done.expect("listed");
        assert_eq!(names(&done), ["legacy:done 01-x.md"], "Markdown only");
        let ready = workspace.legacy_files(LegacyFolder::Ready, Order::Name);
        assert_eq!(ready.expect("missing is empty"), [], "no such folder");
        let worktrees = workspace.worktree_list(Order::Name).expect("listed");
        let copies: Vec<_> = worktrees
            .iter()
            .flat_map(|worktree| workspace.worktree_files(worktree, Order::Name))
            .flatten()
            .collect();
        assert_eq!(names(&copies), ["worktree:S-2-x S-2"], "each worktree's");
    }

    #[test]
    fn workspace_takes_other_names_from_the_configuration() {
        let workspace = Workspace::new("/p/other")
            .with_worktrees("/trees")
            .with_folder_name("deep/sdlc");
        assert_eq!(workspace.worktrees(), Path::new("/trees"), "base path");
        assert_eq!(workspace.folder_name(), Path::new("deep/sdlc"), "its name");
        assert_eq!(Workspace::new("/p/x").folder_name(), Path::new("x"), "own");
        let here = Workspace::new(".");
        assert!(here.folder_name().file_name().is_some(), "of . as well");
    }

    #[test]
    fn own_ids_are_the_longest_first() {
        let table = [
            ("S-0034-atomic", &["S-0034-atomic", "S-0034", "S"][..]),
            ("S-0034-", &["S-0034-", "S-0034", "S"]),
            ("word", &["word"]),
            ("-x", &["-x"]),
        ];
        for (name, expected) in table {
            let name = name.to_owned();
            let stories = PathBuf::new();
            let worktree = Worktree { name, stories };
            let found: Vec<_> = worktree.own_ids().collect();
            assert_eq!(
                found, expected,
                "the ids {:?} may begin with",
                worktree.name
            );
        }
    }

    #[test]
    fn legacy_folders_are_known_by_name() {
        for folder in LegacyFolder::ALL {
            assert_eq!(LegacyFolder::named(folder.name()), Some(folder), "again");
        }
        assert_eq!(LegacyFolder::named("Done"), None, "as they are written");
        assert_eq!(LegacyFolder::ALL[4].name(), "blocked", "searched last");
    }
}
