//! Where the journal of a story lies. Pure.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::workspace::{LegacyFolder, STORIES, STORY_FILE};

/// The folder of journals inside the sdlc root.
const FOLDER: &str = "journal";

/// Where the journal of a story lies: `journal/<id>.jsonl` under the sdlc root.
///
/// A story in a legacy folder has its journal in a folder of that name, so that `done/S-0114.md` and the story S-0114 do
/// not share one: each has a lock of its own.
///
/// ```
/// use std::path::Path;
/// use story::journal::JournalFile;
///
/// let file = JournalFile::of(Path::new("/x/.ai-sdlc/stories/S-0034/story.md")).expect("a story's place");
/// assert_eq!(file.root(), Path::new("/x/.ai-sdlc"));
/// assert_eq!(file.path(), Path::new("/x/.ai-sdlc/journal/S-0034.jsonl"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalFile {
    root: PathBuf,
    folders: Vec<String>,
    name: PathBuf,
}

impl JournalFile {
    /// The folder of journals inside the sdlc root.
    pub const FOLDER: &'static str = FOLDER;

    /// The journal of the story at `path`, which must have no links in it; `None` when no story lies at such a place.
    ///
    /// Whether the root that follows from the path is one is for the caller to say.
    pub fn of(path: &Path) -> Option<Self> {
        let folder = path.parent()?;
        let above = folder.parent();
        if path.file_name()? == STORY_FILE
            && let Some(above) = above
            && let Some(id) = folder.file_name()
        {
            if above.file_name()? == STORIES {
                return Self::new(above.parent()?, None, id);
            }
            if let Some(legacy) = legacy(above) {
                return Self::new(above.parent()?, Some(legacy), id);
            }
        }
        let is_markdown = path.extension().is_some_and(|end| end == "md");
        match legacy(folder) {
            Some(legacy) if is_markdown => Self::new(above?, Some(legacy), path.file_name()?),
            _ => None,
        }
    }

    fn new(root: &Path, legacy: Option<LegacyFolder>, name: &OsStr) -> Option<Self> {
        if root.as_os_str().is_empty() {
            return None;
        }
        let mut name = name.to_owned();
        name.push(".jsonl");
        let legacy = legacy.map(|legacy| legacy.name().to_owned());
        Some(Self {
            root: root.to_path_buf(),
            folders: [FOLDER.to_owned()].into_iter().chain(legacy).collect(),
            name: name.into(),
        })
    }

    /// The sdlc root that follows from the story's path.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The journal's path.
    pub fn path(&self) -> PathBuf {
        let mut path = self.root.clone();
        path.extend(&self.folders);
        path.join(&self.name)
    }

    pub(crate) fn folders(&self) -> &[String] {
        &self.folders
    }

    pub(crate) fn name(&self) -> &Path {
        &self.name
    }
}

fn legacy(folder: &Path) -> Option<LegacyFolder> {
    LegacyFolder::named(folder.file_name()?.to_str()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn journal_of_each_story_is_its_own() {
        let table = [
            (
                "/x/.ai-sdlc/stories/S-1/story.md",
                Some("/x/.ai-sdlc/journal/S-1.jsonl"),
            ),
            (
                "/x/board/stories/done/story.md",
                Some("/x/board/journal/done.jsonl"),
            ),
            (
                "/x/.ai-sdlc/done/S-1.md",
                Some("/x/.ai-sdlc/journal/done/S-1.md.jsonl"),
            ),
            (
                "/x/.ai-sdlc/done/S-1/story.md",
                Some("/x/.ai-sdlc/journal/done/S-1.jsonl"),
            ),
            (
                "/x/.ai-sdlc/ready/story.md",
                Some("/x/.ai-sdlc/journal/ready/story.md.jsonl"),
            ),
            ("/x/.ai-sdlc/stories/S-1/plan.md", None),
            ("/x/.ai-sdlc/done/notes.txt", None),
            ("/x/story.md", None),
            ("stories/S-1/story.md", None),
            ("story.md", None),
            ("/", None),
        ];
        for (path, expected) in table {
            let found = JournalFile::of(Path::new(path)).map(|file| file.path());
            assert_eq!(
                found.as_deref(),
                expected.map(Path::new),
                "the journal of {path}"
            );
        }
    }
}
