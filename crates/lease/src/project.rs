//! From paths and globs as people write them to the form in which they are compared: links followed, `..` taken away.

use std::path::{Path, PathBuf};

use crate::glob::Glob;
use crate::pattern::Pattern;
use crate::project_path::{PathError, ProjectPath};

/// The folder in which agents work. What lies outside cannot be leased.
#[derive(Debug, Clone)]
pub struct Project {
    root: PathBuf,
}

impl Project {
    /// The project at `root`, links followed.
    ///
    /// # Errors
    ///
    /// [`PathError::Unresolved`]: there is no such folder, or it cannot be reached.
    pub fn new(root: &Path) -> Result<Self, PathError> {
        let root = std::fs::canonicalize(root).map_err(|err| PathError::Unresolved {
            path: root.display().to_string(),
            reason: err.to_string(),
        })?;
        Ok(Self { root })
    }

    /// The project's root, links followed.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where a path of the project lies.
    pub fn locate(&self, path: &ProjectPath) -> PathBuf {
        self.root.join(path.as_str())
    }

    /// Finds out which path of the project is meant; it need not exist. Relative paths start at the root.
    ///
    /// # Errors
    ///
    /// [`PathError`].
    pub fn path(&self, given: &Path) -> Result<ProjectPath, PathError> {
        let text = given.to_str().ok_or_else(|| PathError::Unprintable {
            path: given.display().to_string(),
        })?;
        if text.is_empty() {
            return Err(PathError::Empty);
        }
        Ok(ProjectPath::from_parts(
            text.split('/')
                .filter(|part| !part.is_empty() && *part != "."),
        ))
    }

    /// A file, or a directory where one stands or `given` ends in a separator.
    ///
    /// # Errors
    ///
    /// [`PathError`].
    pub fn file_or_directory(&self, given: &Path) -> Result<Pattern, PathError> {
        let path = self.path(given)?;
        let is_directory = given.to_string_lossy().ends_with(std::path::is_separator)
            || self.locate(&path).is_dir();
        Ok(if is_directory {
            Pattern::Directory(path)
        } else {
            Pattern::File(path)
        })
    }

    /// A glob; the part before its first special character is treated like a path.
    ///
    /// # Errors
    ///
    /// [`PathError`].
    pub fn glob(&self, given: &str) -> Result<Glob, PathError> {
        Glob::from_clean(given)
    }
}
