//! Where things are: the sdlc root, the project root, and the file that a STORY or PATH means.

use std::env;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use crate::failure::{Code, Failure};
use crate::failure_sources::code_of_io;
use crate::settings::Settings;
use crate::sys;

/// The folder of stories inside the sdlc root.
pub const STORIES: &str = "stories";
/// The file of a story inside its folder.
pub const STORY_FILE: &str = "story.md";

const CONFIGURATION: &str = ".ai-sdlc.json";
const DEFAULT_FOLDER: &str = ".ai-sdlc";
/// Chosen: far above every real configuration.
const MAX_CONFIGURATION_BYTES: u64 = 1024 * 1024;

/// The file that a command is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The file; as given, or under the sdlc root.
    pub path: PathBuf,
    /// The id of the story, where the way to the file tells one.
    pub id: Option<String>,
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
        check_id(&text)?;
        let root = sdlc_root(settings)?;
        find_story(&root, &text)?.ok_or_else(|| no_such_story(&text, &root))
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
        Self { path, id }
    }

    /// The path with all links or at least absolute.
    pub fn absolute(&self) -> PathBuf {
        fs::canonicalize(&self.path)
            .or_else(|_| std::path::absolute(&self.path))
            .unwrap_or_else(|_| self.path.clone())
    }

    /// How messages call it.
    pub fn name(&self) -> String {
        match &self.id {
            Some(id) => format!("story {id}"),
            None => self.path.display().to_string(),
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

/// Ids come from users and agents and become part of a path: nothing that could lead elsewhere passes.
fn check_id(id: &str) -> Result<(), Failure> {
    let reason = if id.is_empty() {
        "it is empty"
    } else if id == "." || id.contains("..") {
        "it holds dots that lead elsewhere"
    } else if id.contains(['/', '\\']) || Path::new(id).components().count() != 1 {
        "it holds a character of paths"
    } else if id.chars().any(char::is_control) {
        "it holds a control character"
    } else {
        return Ok(());
    };
    Err(Failure::usage(format!("{id:?} is not a story id")).cause(reason))
}

fn find_story(root: &Path, id: &str) -> Result<Option<Target>, Failure> {
    let stories = root.join(STORIES);
    let exact = stories.join(id).join(STORY_FILE);
    if is_there(&exact)? {
        return Ok(Some(Target::at(exact)));
    }
    let wanted = id.to_lowercase();
    let entries = match sys::entries_of(&stories) {
        Ok(entries) => entries,
        Err(err) if err.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(err) => {
            return Err(
                Failure::new(code_of_io(&err), format!("cannot look for story {id}"))
                    .cause(format!("cannot list {}", stories.display()))
                    .cause(err.to_string()),
            );
        }
    };
    let mut found = Vec::new();
    for folder in entries {
        let name = folder.file_name().unwrap_or_default();
        let path = folder.join(STORY_FILE);
        if name.to_string_lossy().to_lowercase() == wanted && is_there(&path)? {
            found.push(path);
        }
    }
    if found.len() > 1 {
        return Err(Failure::usage(format!(
            "{id} means {} stories, which differ only in case",
            found.len()
        ))
        .hint("write the id as the folder is written"));
    }
    Ok(found.pop().map(Target::at))
}

fn no_such_story(id: &str, root: &Path) -> Failure {
    let expected = root.join(STORIES).join(id).join(STORY_FILE);
    let mut failure = Failure::new(Code::NotFound, format!("there is no story {id}"))
        .cause(format!("{} does not exist", expected.display()))
        .hint("it may have been deleted; a file elsewhere is named by its path, with a / or ending in .md");
    failure.story = Some(id.to_owned());
    failure.path = Some(expected);
    failure
}

/// The sdlc root: `--root`, else `AI_SDLC_ROOT`, else in the nearest folder upwards that holds one.
///
/// # Errors
///
/// `ENOTFOUND` when there is none, `EPARSE` when a configuration on the way cannot be read.
pub fn sdlc_root(settings: &Settings) -> Result<PathBuf, Failure> {
    if let Some(root) = &settings.root {
        return if is_folder(root)? {
            Ok(root.clone())
        } else {
            Err(Failure::new(Code::NotFound, "there is no sdlc root")
                .cause(format!("{} is not a folder", root.display()))
                .hint("`story init` makes it")
                .at(root))
        };
    }
    let start = working_folder()?;
    for folder in start.ancestors() {
        let root = folder.join(configured_name(folder)?);
        if is_folder(&root)? {
            return Ok(root);
        }
    }
    Err(Failure::new(Code::NotFound, "there is no sdlc root")
        .cause(format!(
            "neither {} nor a folder above it holds {DEFAULT_FOLDER}",
            start.display()
        ))
        .hint("`story init` makes one; or say --root DIR"))
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
    Ok(project.join(configured_name(&project)?))
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

fn working_folder() -> Result<PathBuf, Failure> {
    env::current_dir().map_err(|err| {
        Failure::new(code_of_io(&err), "cannot find the working folder")
            .cause(err.to_string())
            .hint("change to a folder that exists")
    })
}

/// The name that the configuration in `folder` gives to the sdlc folder.
fn configured_name(folder: &Path) -> Result<PathBuf, Failure> {
    let path = folder.join(CONFIGURATION);
    let bytes = match atomic_file::read(&path, MAX_CONFIGURATION_BYTES) {
        Ok(bytes) => bytes,
        Err(atomic_file::ReadError::NotFound { .. }) => return Ok(DEFAULT_FOLDER.into()),
        Err(err) => {
            // No lock is waited for.
            let mut failure = Failure::from_read(err.into(), Duration::ZERO);
            failure.headline = format!("cannot read {}", path.display());
            return Err(failure);
        }
    };
    let configuration: serde_json::Value =
        serde_json::from_slice(&bytes).map_err(|err| unusable(&path).with_chain(&err))?;
    let name = match configuration.get("sdlcFolder") {
        None => return Ok(DEFAULT_FOLDER.into()),
        Some(name) => name.as_str().unwrap_or_default(),
    };
    let mut parts = Path::new(name).components();
    let stays_inside = !name.is_empty()
        && parts.all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if stays_inside {
        Ok(name.into())
    } else {
        Err(unusable(&path).cause("its sdlcFolder is not the name of a folder inside the project"))
    }
}

fn unusable(configuration: &Path) -> Failure {
    let headline = format!("cannot read {}", configuration.display());
    Failure::new(Code::Parse, headline)
        .at(configuration)
        .hint("repair it, or say --root DIR")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_id_refuses_whatever_leads_elsewhere() {
        for id in [
            "S-0034",
            "story-abc-1f2e",
            "S-0063-some-text",
            "Grüße",
            "%2e",
        ] {
            assert!(check_id(id).is_ok(), "{id:?} can be an id");
        }
        for id in [
            "", ".", "..", "a..b", "a/b", "a\\b", "a\0b", "a\nb", "a\u{7f}",
        ] {
            assert!(
                check_id(id).is_err(),
                "{id:?} must not become part of a path"
            );
        }
    }

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
