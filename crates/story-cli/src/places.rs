//! Where things are: the sdlc root, the project root, and the file that a STORY or PATH means.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use story::Workspace;
use story::workspace::StoryCopy;
pub use story::workspace::{STORIES, STORY_FILE};

use crate::configuration::{Configuration, DEFAULT_FOLDER};
use crate::failure::{Code, Failure};
use crate::failure_sources::code_of_io;
use crate::finding::story_of;
use crate::settings::Settings;

/// The file that a command is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The file; as given, or under the sdlc root.
    pub path: PathBuf,
    /// The id of the story, where the way to the file tells one.
    pub id: Option<String>,
    /// Which copy of the story it is; `None` where the file was named by its path.
    pub copy: Option<StoryCopy>,
    /// What is worth telling about the way to the file.
    pub warnings: Vec<String>,
}

impl Target {
    /// Finds the file that STORY means.
    ///
    /// # Errors
    ///
    /// `ENOTFOUND` when no story has that id or there is no sdlc root, `EUSAGE` when it cannot be an id.
    pub fn of_story(given: &Path, settings: &Settings) -> Result<Self, Failure> {
        let text = given.to_string_lossy();
        if is_path(&text) {
            return Ok(Self::at(given.to_path_buf()));
        }
        story_of(&text, settings)
    }

    /// Finds what PATH of a lock command means: a story by its id, else a file that need not exist.
    ///
    /// # Errors
    ///
    /// As [`Target::of_story`]; `EUSAGE` when it is the lock file itself.
    pub fn of_resource(given: &Path, settings: &Settings) -> Result<Self, Failure> {
        let text = given.to_string_lossy();
        if let Some(resource) = text.strip_suffix(".lock")
            && (is_markdown(resource) || Path::new(resource).is_file())
        {
            return Err(
                Failure::usage(format!("{text} is a lock file, not what it guards"))
                    .hint(format!("name what is guarded: {resource}")),
            );
        }
        if is_path(&text) {
            return Ok(Self::at(given.to_path_buf()));
        }
        let as_story = Self::of_story(given, settings);
        // A bare word that names no story may be a file; a word without a dot that names neither is a mistyped id.
        match as_story {
            Err(failure)
                if failure.code != Code::Usage && (text.contains('.') || given.exists()) =>
            {
                Ok(Self::at(given.to_path_buf()))
            }
            Err(failure) if failure.code == Code::NotFound => {
                Err(failure.hint(format!("for a file of that name say ./{text}")))
            }
            other => other,
        }
    }

    /// The file at a path; the id is the folder's name where it lies as a story lies.
    pub fn at(path: PathBuf) -> Self {
        let id = story_id(&path);
        Self {
            path,
            id,
            copy: None,
            warnings: Vec::new(),
        }
    }

    /// The path with all links or at least absolute.
    pub fn absolute(&self) -> PathBuf {
        fs::canonicalize(&self.path)
            .or_else(|_| std::path::absolute(&self.path))
            .unwrap_or_else(|_| self.path.clone())
    }

    /// How messages call it: with the copy, where it is not the main one.
    pub fn name(&self) -> String {
        let Some(id) = &self.id else {
            return self.path.display().to_string();
        };
        match &self.copy {
            Some(StoryCopy::Worktree { name }) => format!("story {id} in the worktree {name}"),
            Some(StoryCopy::Legacy { folder }) => {
                format!("story {id} in the legacy folder {}", folder.name())
            }
            _ => format!("story {id}"),
        }
    }
}

fn story_id(path: &Path) -> Option<String> {
    let folder = path.parent()?;
    let is_story = path.file_name()? == STORY_FILE && folder.parent()?.file_name()? == STORIES;
    is_story.then(|| {
        folder
            .file_name()
            .map(|id| id.to_string_lossy().into_owned())
    })?
}

fn is_path(text: &str) -> bool {
    text.chars().any(std::path::is_separator) || is_markdown(text)
}

fn is_markdown(text: &str) -> bool {
    Path::new(text).extension().is_some_and(|end| end == "md")
}

/// The sdlc root: `--root`, else `AI_SDLC_ROOT`, else in the nearest folder upwards that holds one.
///
/// # Errors
///
/// `ENOTFOUND` when there is none, `EPARSE` when a configuration on the way cannot be read.
pub fn sdlc_root(settings: &Settings) -> Result<PathBuf, Failure> {
    project(settings).map(|project| project.root)
}

/// Where the project's stories lie.
///
/// # Errors
///
/// As [`sdlc_root`].
pub fn workspace(settings: &Settings) -> Result<Workspace, Failure> {
    let project = project(settings)?;
    let workspace = Workspace::new(project.root);
    let workspace = match project.folder_name {
        Some(name) => workspace.with_folder_name(name),
        None => workspace,
    };
    Ok(match project.configuration.worktrees() {
        Some(folder) => workspace.with_worktrees(project.folder.join(folder)),
        None => workspace,
    })
}

/// A project, with its configuration.
#[derive(Debug)]
pub struct Project {
    /// The sdlc root.
    pub root: PathBuf,
    /// What is configured.
    pub configuration: Configuration,
    /// The folder that holds the configuration.
    folder: PathBuf,
    /// What the configuration calls the sdlc folder; `None` where the root was named.
    folder_name: Option<PathBuf>,
}

/// Finds the project: the place of [`sdlc_root`], and the configuration beside it.
///
/// Where the root is named by `--root` or `AI_SDLC_ROOT`, a configuration that cannot be read counts as none: naming the root is
/// how one works until it is repaired.
///
/// # Errors
///
/// As [`sdlc_root`].
pub fn project(settings: &Settings) -> Result<Project, Failure> {
    if let Some(root) = &settings.root {
        return named_project(root);
    }
    let start = working_folder()?;
    for folder in start.ancestors() {
        if let Some(project) = project_in(folder)? {
            return Ok(project);
        }
    }
    Err(Failure::new(Code::NotFound, "there is no sdlc root")
        .cause(format!(
            "neither {} nor a folder above it holds {DEFAULT_FOLDER}",
            start.display()
        ))
        .hint("`story init` makes one; or say --root DIR"))
}

/// The project whose sdlc root lies in a folder, by what its configuration calls it.
fn project_in(folder: &Path) -> Result<Option<Project>, Failure> {
    let configuration = Configuration::read(folder)?;
    let name = configuration.sdlc_folder()?;
    let root = folder.join(&name);
    Ok(is_folder(&root)?.then(|| Project {
        root,
        configuration,
        folder: folder.to_path_buf(),
        folder_name: Some(name),
    }))
}

/// The sdlc root in a folder, which need not exist.
///
/// # Errors
///
/// `EPARSE` when a configuration there cannot be read; when the folder cannot be looked at.
pub fn root_in(folder: &Path) -> Result<Option<PathBuf>, Failure> {
    Ok(project_in(folder)?.map(|project| project.root))
}

fn named_project(root: &Path) -> Result<Project, Failure> {
    if !is_folder(root)? {
        return Err(Failure::new(Code::NotFound, "there is no sdlc root")
            .cause(format!("{} is not a folder", root.display()))
            .hint("`story init` makes it")
            .at(root));
    }
    let folder = project_root(root)?;
    Ok(Project {
        root: root.to_path_buf(),
        configuration: Configuration::read(&folder).unwrap_or_default(),
        folder,
        folder_name: None,
    })
}

/// Where `story init` makes the sdlc root when there is none: git's top level, else the working folder.
///
/// # Errors
///
/// As [`sdlc_root`], without `ENOTFOUND`.
pub fn sdlc_root_to_make(settings: &Settings) -> Result<PathBuf, Failure> {
    if let Some(root) = &settings.root {
        return Ok(root.clone());
    }
    match sdlc_root(settings) {
        Err(failure) if failure.code == Code::NotFound => {}
        found => return found,
    }
    let here = working_folder()?;
    let project = git_top_level(&here)?.unwrap_or(here);
    Ok(project.join(Configuration::read(&project)?.sdlc_folder()?))
}

/// The project root of an sdlc root: its parent.
///
/// # Errors
///
/// When the working folder is gone.
pub fn project_root(sdlc_root: &Path) -> Result<PathBuf, Failure> {
    let root = match fs::canonicalize(sdlc_root) {
        Ok(root) => root,
        Err(_) => working_folder()?.join(sdlc_root),
    };
    if let Some(parent) = root.parent() {
        return Ok(parent.to_path_buf());
    }
    let here = working_folder()?;
    Ok(git_top_level(&here)?.unwrap_or(here))
}

/// The nearest folder upwards with a `.git` in it (a file in worktrees).
///
/// # Errors
///
/// When one of them cannot be looked at.
pub fn git_top_level(start: &Path) -> Result<Option<PathBuf>, Failure> {
    for folder in start.ancestors() {
        if is_there(&folder.join(".git"))? {
            return Ok(Some(folder.to_path_buf()));
        }
    }
    Ok(None)
}

/// Whether something stands at a path.
///
/// # Errors
///
/// When that cannot be found out: it must not be taken for missing, for then another would be taken in its stead.
pub fn is_there(path: &Path) -> Result<bool, Failure> {
    found(path, fs::symlink_metadata(path)).map(|metadata| metadata.is_some())
}

/// Whether a folder stands at a path, links followed.
///
/// # Errors
///
/// As [`is_there`].
pub fn is_folder(path: &Path) -> Result<bool, Failure> {
    found(path, fs::metadata(path)).map(|metadata| metadata.is_some_and(|found| found.is_dir()))
}

fn found(path: &Path, looked: io::Result<fs::Metadata>) -> Result<Option<fs::Metadata>, Failure> {
    match looked {
        Ok(metadata) => Ok(Some(metadata)),
        Err(err) if is_missing(&err) => Ok(None),
        Err(err) => Err(Failure::new(
            code_of_io(&err),
            format!("cannot look at {}", path.display()),
        )
        .cause(err.to_string())
        .at(path)),
    }
}

/// Whether an error of a look says that there is nothing.
pub fn is_missing(err: &io::Error) -> bool {
    matches!(
        err.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// The path as seen from the working folder, where it lies below that.
pub fn near(path: &Path) -> PathBuf {
    working_folder()
        .ok()
        .and_then(|here| path.strip_prefix(here).ok().map(Path::to_path_buf))
        .unwrap_or_else(|| path.to_path_buf())
}

/// The working folder.
///
/// # Errors
///
/// When it is gone.
pub fn working_folder() -> Result<PathBuf, Failure> {
    env::current_dir().map_err(|err| {
        Failure::new(code_of_io(&err), "cannot find the working folder")
            .cause(err.to_string())
            .hint("change to a folder that exists")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn story_id_is_the_folder_of_a_story_and_nothing_else() {
        let table = [
            ("/x/.ai-sdlc/stories/S-1/story.md", Some("S-1")),
            ("stories/S-1/story.md", Some("S-1")),
            ("stories/S-1/plan.md", None),
            ("S-1/story.md", None),
            ("story.md", None),
        ];
        for (path, expected) in table {
            let target = Target::at(path.into());
            assert_eq!(target.id.as_deref(), expected, "the id of {path}");
        }
    }
}
