//! `story lease guard`: whether what is about to be committed is leased by others.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lease::{Agent, LeaseError, Obstacle, PathError, Project, ProjectPath, Scope};

use super::json::obstacle_to_json;
use crate::failure::{Code, Failure};
use crate::failure_sources::code_of_io;
use crate::git::{self, Staged};
use crate::json;
use crate::lease_store;
use crate::output::{Output, write_json};
use crate::places;
use crate::settings::Settings;

const WAY_OUT: &str = "`git commit --no-verify` commits without asking";

/// Refuses what others have leased.
///
/// # Errors
///
/// `ELOCKED` with all files and their holders; `EPARSE` and others when it cannot be found out.
pub(super) fn run(
    store: Option<&Path>,
    settings: &Settings,
    output: &Output,
) -> Result<u8, Failure> {
    let here = places::working_folder()?;
    let staged = staged(&here)?;
    let held = held(&staged, store, settings).map_err(|mut failure| {
        failure.hint = Some(match failure.hint.take() {
            Some(hint) => format!("{hint}; {WAY_OUT}"),
            None => WAY_OUT.to_owned(),
        });
        failure
    })?;
    if !held.is_empty() {
        return Err(refused(&held));
    }
    output.detail(&format!(
        "{} files, none leased by others",
        staged.files.len()
    ));
    if output.is_json() {
        let mut result = json::success();
        result.insert("files".to_owned(), staged.files.len().into());
        result.insert("warnings".to_owned(), Vec::<String>::new().into());
        write_json(result)?;
    }
    Ok(0)
}

fn staged(here: &Path) -> Result<Staged, Failure> {
    git::staged(here).map_err(|err| {
        let code = match places::git_top_level(here) {
            Ok(None) => Code::NotFound,
            _ => code_of_io(&err),
        };
        Failure::new(code, "cannot see what is staged")
            .cause(err.to_string())
            .hint(format!(
                "the guard works in the working tree of a git repository; {WAY_OUT}"
            ))
    })
}

fn refused(held: &[Obstacle]) -> Failure {
    let files: Scope = held
        .iter()
        .map(|obstacle| obstacle.wanted.clone())
        .collect();
    let headline = match files.len() {
        1 => "a file to be committed is leased by another agent".to_owned(),
        count => format!("{count} files to be committed are leased by other agents"),
    };
    let mut failure = Failure::new(Code::Locked, headline).retryable(true);
    for obstacle in held {
        failure.causes.push(obstacle.to_string());
        failure.conflicts.push(obstacle_to_json(obstacle));
    }
    failure.hint(format!(
        "leave these files out, or wait until they are released; a holder commits as `STORY_AGENT=NAME git commit`; {WAY_OUT}"
    ))
}

/// Who else holds what is staged.
fn held(
    staged: &Staged,
    store: Option<&Path>,
    settings: &Settings,
) -> Result<Vec<Obstacle>, Failure> {
    // A name that no lease can have is nobody's.
    let agent = settings.claimant.as_deref();
    let agent = agent.and_then(|name| Agent::new(name).ok());
    let mut held = Vec::new();
    for (root, files) in by_root(staged, store, settings)? {
        let mut rooted = settings.clone();
        rooted.root = root.or(rooted.root);
        held.extend(held_in(&files, agent.as_ref(), store, &rooted)?);
    }
    Ok(held)
}

/// The staged files by the sdlc roots above them: one that lies in a project inside of a project may be leased in both. In
/// `None` are those for which the store alone is named.
fn by_root(
    staged: &Staged,
    store: Option<&Path>,
    settings: &Settings,
) -> Result<BTreeMap<Option<PathBuf>, Vec<PathBuf>>, Failure> {
    let files = staged.files.iter().map(|file| staged.top_level.join(file));
    let mut by_root: BTreeMap<_, Vec<_>> = BTreeMap::new();
    if settings.root.is_some() {
        if !staged.files.is_empty() {
            by_root.insert(None, files.collect());
        }
        return Ok(by_root);
    }
    let is_store_named =
        store.is_some() || settings.lease_store.is_some() || settings.output.is_some();
    let mut root_in: BTreeMap<PathBuf, Option<PathBuf>> = BTreeMap::new();
    for file in files {
        let mut is_in_a_project = false;
        for folder in file.ancestors().skip(1) {
            let root = match root_in.get(folder) {
                Some(known) => known.clone(),
                None => places::root_in(folder)?,
            };
            root_in.insert(folder.to_path_buf(), root.clone());
            if root.is_some() {
                is_in_a_project = true;
                by_root.entry(root).or_default().push(file.clone());
            }
        }
        if !is_in_a_project && is_store_named {
            by_root.entry(None).or_default().push(file);
        }
    }
    Ok(by_root)
}

fn held_in(
    files: &[PathBuf],
    agent: Option<&Agent>,
    store: Option<&Path>,
    settings: &Settings,
) -> Result<Vec<Obstacle>, Failure> {
    let failed = |err: LeaseError| Failure::from_lease(err, "ask for the leases", settings);
    let store = lease_store::open(store, settings)?;
    let leases = store.read().map_err(|err| failed(err.into()))?;
    let present = lease_store::rules(settings).present();
    leases.check_readable(&present).map_err(failed)?;
    // Most commits meet no leases at all: no need to look where the files lie.
    if !leases.held.iter().any(|lease| lease.is_live(&present)) {
        return Ok(Vec::new());
    }
    let project = lease_store::project(settings)?;
    let mut held = Vec::new();
    for file in files {
        for path in paths_of(file, &project).map_err(|err| failed(err.into()))? {
            held.extend(leases.other_holders(&path, agent, &present));
        }
    }
    Ok(held)
}

/// How a file of the working tree may be called in leases: as it is written, by the place where it lies, and if it is a link
/// also by where that leads. Nothing where it lies outside of the project.
///
/// As it is written is not where it lies once a link has replaced a folder: who leased a file in that folder holds it still.
fn paths_of(file: &Path, project: &Project) -> Result<Vec<ProjectPath>, PathError> {
    let Ok(inside) = file.strip_prefix(project.root()) else {
        return Ok(Vec::new());
    };
    // Leases know no such names, but may cover the folder that holds them.
    let writable = inside
        .to_string_lossy()
        .replace(char::is_control, "\u{fffd}");
    let inside = Path::new(&writable);
    let mut as_written = project.path(Path::new("."))?;
    for part in inside {
        as_written = as_written.entry(&part.to_string_lossy());
    }
    let mut paths = vec![as_written];
    let folder = inside.parent().filter(|parent| *parent != Path::new(""));
    let folder = match project.path(folder.unwrap_or(Path::new("."))) {
        Ok(folder) => folder,
        // By way of a link that replaced a folder: nobody can lease it there.
        Err(PathError::Outside { .. }) => return Ok(paths),
        Err(err) => return Err(err),
    };
    let name = inside.file_name().unwrap_or_default().to_string_lossy();
    let place = folder.entry(&name);
    if !paths.contains(&place) {
        paths.push(place);
    }
    match project.path(inside) {
        Ok(path) if !paths.contains(&path) => paths.push(path),
        Ok(_) | Err(PathError::Outside { .. } | PathError::Unresolved { .. }) => {}
        Err(err) => return Err(err),
    }
    Ok(paths)
}
