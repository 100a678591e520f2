//! The project's configuration, `.ai-sdlc.json`: where it lies and what it says about places and limits.

use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use story::limits::Limits;

use crate::failure::{Code, Failure};
use crate::places::{Target, working_folder};
use crate::settings::Settings;

/// The sdlc folder where nothing else is configured.
pub const DEFAULT_FOLDER: &str = ".ai-sdlc";

const FILE: &str = ".ai-sdlc.json";
/// Chosen: far above every real configuration.
const MAX_BYTES: u64 = 1024 * 1024;

/// What the configuration of a project says; nothing where there is none.
#[derive(Debug, Clone, Default)]
pub struct Configuration {
    path: PathBuf,
    value: Value,
}

impl Configuration {
    /// Reads the configuration that lies in `project`.
    ///
    /// # Errors
    ///
    /// `EPARSE` when it is no JSON, or as for any file when it cannot be read.
    pub fn read(project: &Path) -> Result<Self, Failure> {
        let path = project.join(FILE);
        let bytes = match atomic_file::read(&path, MAX_BYTES) {
            Ok(bytes) => bytes,
            Err(atomic_file::ReadError::NotFound { .. }) => return Ok(Self::default()),
            Err(err) => {
                // No lock is waited for.
                let mut failure = Failure::from_read(err.into(), Duration::ZERO);
                failure.headline = format!("cannot read {}", path.display());
                return Err(failure);
            }
        };
        match serde_json::from_slice(&bytes) {
            Ok(value) => Ok(Self { path, value }),
            Err(err) => Err(unusable(&path).with_chain(&err)),
        }
    }

    /// Reads the configuration that lies in `start` or in the nearest folder above it; `None` when there is none.
    fn nearest(start: &Path) -> Result<Option<Self>, Failure> {
        for folder in start.ancestors() {
            let found = Self::read(folder)?;
            if !found.path.as_os_str().is_empty() {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The value at a JSON pointer (RFC 6901) such as `/worktree/basePath`.
    pub fn at(&self, pointer: &str) -> Option<&Value> {
        self.value.pointer(pointer)
    }

    /// The name of the sdlc folder.
    ///
    /// # Errors
    ///
    /// `EPARSE` when it leads out of the project.
    pub fn sdlc_folder(&self) -> Result<PathBuf, Failure> {
        let name = match self.at("/sdlcFolder") {
            None => return Ok(DEFAULT_FOLDER.into()),
            Some(name) => name.as_str().unwrap_or_default(),
        };
        let mut parts = Path::new(name).components();
        let stays_inside = !name.is_empty()
            && parts.all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        if stays_inside {
            Ok(name.into())
        } else {
            let cause = "its sdlcFolder is not the name of a folder inside the project";
            Err(unusable(&self.path).cause(cause))
        }
    }

    /// The folder of worktrees, as `worktree.basePath` has it: relative to the project. `None`: the usual place.
    pub fn worktrees(&self) -> Option<&Path> {
        let folder = self.at("/worktree/basePath")?.as_str()?;
        (!folder.is_empty()).then(|| Path::new(folder))
    }
}

/// The limits that count for a story: by the nearest configuration above it, else above the working folder, and by the
/// environment. What was not taken as it stands is told as a warning of the target.
///
/// # Errors
///
/// When that configuration cannot be read.
pub fn limits(target: &mut Target, settings: &Settings) -> Result<Limits, Failure> {
    let found = match Configuration::nearest(&target.absolute())? {
        Some(configuration) => configuration,
        None => Configuration::nearest(&working_folder()?)?.unwrap_or_default(),
    };
    let (limits, warnings) = Limits::configured(&found.value, &settings.limit_overrides);
    let warnings = warnings.iter().map(ToString::to_string);
    target.warnings.extend(warnings);
    Ok(limits)
}

fn unusable(configuration: &Path) -> Failure {
    let headline = format!("cannot read {}", configuration.display());
    Failure::new(Code::Parse, headline)
        .at(configuration)
        .hint("repair it, or say --root DIR")
}
