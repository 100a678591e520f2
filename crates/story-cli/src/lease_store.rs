//! Where the leases of agents are kept, and in which project their paths lie. The only place that decides it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use lease::store::LeaseStore;
use lease::store::folder::FolderStore;
use lease::store::sqlite::SqliteStore;
use lease::{Project, Rules};

use crate::failure::{Code, Failure};
use crate::places::{git_top_level, project_root, sdlc_root, working_folder};
use crate::settings::Settings;

/// The folder of leases in the output directory.
pub const FOLDER: &str = "locks";

/// How the file of a database of leases ends.
const DATABASES: [&str; 3] = ["db", "sqlite", "sqlite3"];

/// Opens the store: `store` (the option `--store`), else `STORY_LEASES`, else the folder `locks` in the output directory.
/// Nothing is made before something is written.
///
/// # Errors
///
/// As [`place`] and [`project`].
pub fn open(store: Option<&Path>, settings: &Settings) -> Result<Box<dyn LeaseStore>, Failure> {
    let place = place(store, settings)?;
    Ok(at(place, project(settings)?))
}

/// Where the store is; it need not exist.
///
/// # Errors
///
/// As [`sdlc_root`], where that is needed.
pub fn place(store: Option<&Path>, settings: &Settings) -> Result<PathBuf, Failure> {
    if let Some(named) = store.or(settings.lease_store.as_deref()) {
        return Ok(named.to_path_buf());
    }
    match &settings.output {
        Some(output) => Ok(output.join(FOLDER)),
        None => sdlc_root(settings).map(|root| root.join(FOLDER)),
    }
}

/// The project in which the paths of leases lie: that of the sdlc root, else git's top level, else the working folder.
///
/// # Errors
///
/// `EPARSE` when a configuration cannot be read; when the folder cannot be reached.
pub fn project(settings: &Settings) -> Result<Project, Failure> {
    let root = match sdlc_root(settings) {
        Ok(root) => project_root(&root)?,
        // Named, and not there: its leases would be looked for elsewhere.
        Err(failure) if failure.code != Code::NotFound || settings.root.is_some() => {
            return Err(failure);
        }
        Err(_) => {
            let here = working_folder()?;
            git_top_level(&here)?.unwrap_or(here)
        }
    };
    project_at(&root)
}

fn project_at(root: &Path) -> Result<Project, Failure> {
    Project::new(root).map_err(|err| {
        Failure::new(Code::Io, "cannot find the project")
            .with_chain(&err)
            .at(root)
    })
}

/// How leases are judged: by the time of `--now`, with the limit of waiting that holds for locks.
pub fn rules(settings: &Settings) -> Rules {
    let clock = settings.clone();
    Rules {
        store_timeout: settings.timeout,
        clock: Arc::new(move || clock.now()),
        ..Rules::default()
    }
}

fn at(place: PathBuf, project: Project) -> Box<dyn LeaseStore> {
    if is_database(&place) {
        Box::new(SqliteStore::new(place, project))
    } else {
        Box::new(FolderStore::new(place, project))
    }
}

/// Whether a path names a database, not a folder.
pub fn is_database(place: &Path) -> bool {
    place.extension().is_some_and(|end| {
        DATABASES
            .iter()
            .any(|known| end.eq_ignore_ascii_case(known))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn database_is_told_by_its_ending() {
        for (place, expected) in [
            ("leases.db", true),
            ("x/leases.SQLite", true),
            ("leases.sqlite3", true),
            ("locks", false),
            ("db", false),
            ("locks.d", false),
        ] {
            assert_eq!(is_database(Path::new(place)), expected, "{place}");
        }
    }
}
