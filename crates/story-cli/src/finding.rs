//! From an id to a target: `story::find` with the command line's messages.

use std::time::Duration;

use story::sanitise::{IdError, check_id};
use story::workspace::LegacyFolder;
use story::{FindError, Found, PassedOver, Workspace, find, find_by_slug};

use crate::failure::{Code, Failure};
use crate::failure_sources::code_of_io;
use crate::places::{Target, workspace};
use crate::settings::Settings;
use crate::transaction::chain;

/// How many of the stories that share a slug are named. Chosen.
const MOST_NAMED: usize = 5;

/// Finds the story of an id, else of a slug: its copy in a worktree, else the main one, else a legacy file.
///
/// # Errors
///
/// `ENOTFOUND` when no story has that id or there is no sdlc root, `EUSAGE` when it cannot be an id or means several stories.
pub fn story_of(id: &str, settings: &Settings) -> Result<Target, Failure> {
    check_id(id).map_err(|reason| not_an_id(id, reason))?;
    let workspace = workspace(settings)?;
    match find(&workspace, id) {
        Ok(found) => Ok(target_of(found)),
        Err(FindError::NotFound { passed_over, .. }) => by_slug(id, &workspace, passed_over),
        Err(err) => Err(not_found(id, err)),
    }
}

/// The refusal of what is no id.
pub fn not_an_id(id: &str, reason: IdError) -> Failure {
    Failure::usage(format!("{id:?} is not a story id")).cause(reason.to_string())
}

/// What is no id may be a slug.
fn by_slug(
    name: &str,
    workspace: &Workspace,
    passed_over: Vec<PassedOver>,
) -> Result<Target, Failure> {
    match find_by_slug(workspace, name) {
        Ok(found) => Ok(target_of(found)),
        Err(FindError::NotFound { .. }) => Err(no_such_story(name, workspace, passed_over)),
        Err(FindError::Ambiguous { paths, .. }) => {
            let mut failure =
                Failure::usage(format!("{name} is the slug of {} stories", paths.len()))
                    .hint("write the id of the one that is meant, or its path");
            let named = paths.iter().take(MOST_NAMED);
            failure
                .causes
                .extend(named.map(|path| path.display().to_string()));
            Err(failure)
        }
        Err(err) => Err(not_found(name, err)),
    }
}

fn target_of(found: Found) -> Target {
    Target {
        path: found.path,
        id: Some(found.id),
        copy: Some(found.copy),
        warnings: found.passed_over.iter().map(passed_over).collect(),
    }
}

fn passed_over(file: &PassedOver) -> String {
    format!("another copy is passed over: {}", chain(&file.reason))
}

fn not_found(id: &str, err: FindError) -> Failure {
    let headline = format!("cannot look for story {id}");
    match err {
        FindError::Ambiguous { name, paths } => Failure::usage(format!(
            "{name} means {} stories, which differ only in case",
            paths.len()
        ))
        .hint("write the id as the folder is written"),
        FindError::Folder(err) => Failure::new(code_of_io(err.io()), headline)
            .at(err.path())
            .with_chain(&err),
        FindError::Io {
            ref path,
            ref source,
        } => Failure::new(code_of_io(source), headline)
            .at(path)
            .with_chain(&err),
        FindError::Read(err) => {
            // No lock is waited for.
            let mut failure = Failure::from_read(err, Duration::ZERO);
            failure.headline = headline;
            failure
        }
        err => Failure::new(Code::Io, headline).with_chain(&err),
    }
}

fn no_such_story(id: &str, workspace: &Workspace, passed_over: Vec<PassedOver>) -> Failure {
    let expected = workspace.story_file(id);
    let mut broken = passed_over.into_iter();
    // What is at its place and cannot be read is the story: whoever mends it will find it.
    if let Some(own) = broken.find(|file| file.path.starts_with(workspace.stories())) {
        let mut failure = Failure::from_read(own.reason, Duration::ZERO);
        failure.headline = format!("cannot read story {id}");
        failure.story = Some(id.to_owned());
        return failure;
    }
    let mut failure = Failure::new(Code::NotFound, format!("there is no story {id}"))
        .cause(format!("{} does not exist", expected.display()))
        .cause(format!("no worktree and no legacy folder ({}) holds it", legacy_names()))
        .hint("it may have been deleted; a file elsewhere is named by its path, with a / or ending in .md");
    for file in broken {
        failure = failure.cause(format!(
            "it may be one that cannot be read: {}",
            chain(&file.reason)
        ));
    }
    failure.story = Some(id.to_owned());
    failure.path = Some(expected);
    failure
}

fn legacy_names() -> String {
    LegacyFolder::ALL.map(LegacyFolder::name).join(", ")
}
