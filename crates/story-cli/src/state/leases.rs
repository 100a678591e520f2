//! JSON files and leases: who changes a file that another agent has leased is refused, as with stories.

use std::path::{Path, PathBuf};

use super::refusal::Refusal;
use crate::configuration::DEFAULT_FOLDER;
use crate::failure::Failure;
use crate::operations;
use crate::places::{Target, root_in};
use crate::settings::Settings;
use crate::story_leases::{StoryLeases, Unleased};

/// The leases that may stand against a change; `None`: the file lies in no project.
///
/// # Errors
///
/// When it cannot be found out whether there are any.
pub fn of<'a>(target: &Target, settings: &'a Settings) -> Result<Option<StoryLeases<'a>>, Failure> {
    let files = || [target.path.clone()];
    if settings.root.is_some() || settings.lease_store.is_some() || settings.output.is_some() {
        return StoryLeases::of(files(), None, settings).map(Some);
    }
    match root_around(&target.absolute())? {
        Some(root) => StoryLeases::of(files(), Some(&root), settings).map(Some),
        None => Ok(None),
    }
}

/// Locks the stores and makes sure that no other agent holds the file.
///
/// # Errors
///
/// [`Refusal::Leased`].
pub fn check<'a>(leases: &'a StoryLeases<'_>) -> Result<Unleased<'a>, Refusal> {
    leases.check().map_err(|refusal| match refusal {
        operations::Refusal::Leased(failure) => Refusal::Leased(failure),
        other => Refusal::Leased(Failure::from_refusal(&other)),
    })
}

/// The sdlc root in which a file lies, or that of the project in which it lies.
fn root_around(file: &Path) -> Result<Option<PathBuf>, Failure> {
    for folder in file.ancestors().skip(1) {
        if folder
            .file_name()
            .is_some_and(|name| name == DEFAULT_FOLDER)
        {
            return Ok(Some(folder.to_path_buf()));
        }
        if let Some(root) = root_in(folder)? {
            return Ok(Some(root));
        }
    }
    Ok(None)
}
