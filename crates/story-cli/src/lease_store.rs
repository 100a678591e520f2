//! Where the leases of agents are kept, and in which project their paths lie. The only place that decides it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use lease::store::LeaseStore;
use lease::store::folder::FolderStore;
use lease::store::sqlite::SqliteStore;
use lease::{Agent, Project, Rules};

use crate::configuration::DEFAULT_FOLDER;
use crate::failure::{Code, Failure};
use crate::places::{git_top_level, is_there, project_root, sdlc_root, working_folder};
use crate::settings::Settings;

/// The folder of leases in the output directory.
pub const FOLDER: &str = "locks";

/// How the file of a database of leases ends.
const DATABASES: [&str; 3] = ["db", "sqlite", "sqlite3"];

/// Opens the store at [`place`]. Nothing is made before something is written.
///
/// # Errors
///
/// As [`place`] and [`project`].
pub fn open(store: Option<&Path>, settings: &Settings) -> Result<Box<dyn LeaseStore>, Failure> {
    let place = place(store, settings)?;
    Ok(at(place, project(settings)?))
}

/// A store of leases, and the project in which its paths lie.
pub struct InProject {
    /// The store; it exists.
    pub store: Box<dyn LeaseStore>,
    /// The project.
    pub project: Project,
}

/// The stores that exist and may hold leases of files in the sdlc root `root`; `None`: of files that lie in none.
///
/// That is the store that was named; else those in the root and in the roots around it, for a worktree's root lies in that of
/// the project: the folder, and the database of programs that use the library as it is. The outermost comes first: who locks
/// several does it in this order. Where there is none this costs two looks at the file system a root.
///
/// # Errors
///
/// When it cannot be found out whether there is one.
pub fn existing(root: Option<&Path>, settings: &Settings) -> Result<Vec<InProject>, Failure> {
    if let Some(named) = &settings.lease_store {
        let store = store_at(named, || project(settings))?;
        return Ok(store.into_iter().collect());
    }
    if let Some(output) = &settings.output {
        return stores_in(output, || project(settings));
    }
    let roots: Vec<PathBuf> = match root {
        Some(root) => around(root).map(Path::to_path_buf).collect(),
        None => match sdlc_root(settings) {
            Ok(root) => vec![root],
            Err(failure) if failure.code == Code::NotFound => Vec::new(),
            Err(failure) => return Err(failure),
        },
    };
    let mut found = Vec::new();
    for root in roots.iter().rev() {
        found.extend(stores_in(root, || project_at(&project_root(root)?))?);
    }
    Ok(found)
}

/// The default stores that are in an output directory.
fn stores_in(
    output: &Path,
    project: impl Fn() -> Result<Project, Failure>,
) -> Result<Vec<InProject>, Failure> {
    let mut found = Vec::new();
    for name in [FOLDER, lease::DATABASE] {
        found.extend(store_at(&output.join(name), &project)?);
    }
    Ok(found)
}

/// The store at a place, if there is one; only then the project is looked for.
fn store_at(
    place: &Path,
    project: impl Fn() -> Result<Project, Failure>,
) -> Result<Option<InProject>, Failure> {
    if !is_store_there(place)? {
        return Ok(None);
    }
    let project = project()?;
    let store = at(place.to_path_buf(), project.clone());
    Ok(Some(InProject { store, project }))
}

/// Whoever tells the failure says first what was being done: the place is named as the cause.
fn is_store_there(place: &Path) -> Result<bool, Failure> {
    is_there(place).map_err(|mut failure| {
        let looking = failure.headline.clone();
        failure.causes.insert(0, looking);
        failure.headline("cannot look for leases")
    })
}

/// The root and the sdlc folders around it, from the inside out.
fn around(root: &Path) -> impl Iterator<Item = &Path> {
    root.ancestors().filter(move |folder| {
        *folder == root
            || folder
                .file_name()
                .is_some_and(|name| name == DEFAULT_FOLDER)
    })
}

/// The agent on whose behalf this is done.
///
/// # Errors
///
/// `EUSAGE` when none was named, or the name cannot be one.
pub fn agent(settings: &Settings) -> Result<Agent, Failure> {
    match settings.claimant.as_deref() {
        Some(name) => agent_named(name),
        None => Err(Failure::usage("a lease needs the name of an agent")
            .hint("say --as NAME, or set STORY_AGENT")),
    }
}

/// A name as that of an agent.
///
/// # Errors
///
/// `EUSAGE` when it cannot be one.
pub fn agent_named(name: &str) -> Result<Agent, Failure> {
    Agent::new(name)
        .map_err(|err| Failure::usage(format!("{name:?} cannot hold leases")).with_chain(&err))
}

/// Where the store is; it need not exist: `store` (the option `--store`), else `STORY_LEASES`, else in the output directory the
/// folder, or the database of programs that use the library as it is where only that exists.
///
/// # Errors
///
/// `EUSAGE` when there are both; as [`sdlc_root`], where that is needed.
pub fn place(store: Option<&Path>, settings: &Settings) -> Result<PathBuf, Failure> {
    if let Some(named) = store.or(settings.lease_store.as_deref()) {
        return Ok(named.to_path_buf());
    }
    let output = match &settings.output {
        Some(output) => output.clone(),
        None => sdlc_root(settings)?,
    };
    let [folder, database] = [FOLDER, lease::DATABASE].map(|name| output.join(name));
    match (is_store_there(&database)?, is_store_there(&folder)?) {
        (false, _) => Ok(folder),
        (true, false) => Ok(database),
        // Whoever asks one of them alone would not see what stands in the other.
        (true, true) => Err(Failure::usage(format!(
            "{} holds two stores of leases, {FOLDER} and {}",
            output.display(),
            lease::DATABASE
        ))
        .hint("say which one with --store or STORY_LEASES, or remove the one that nobody uses")),
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
