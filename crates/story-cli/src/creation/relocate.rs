//! `story move`.

use std::path::{Path, PathBuf};

use atomic_file::CommitOptions;
use story::journal::JournalFile;
use story::workspace::{LegacyFolder, StoryCopy};
use story::{RelocateError, Relocated, relocate};

use crate::args::creation::{Folder, MoveArgs};
use crate::contract::{Dates, dating};
use crate::failure::{Code, Failure};
use crate::failure_sources::code_of_io;
use crate::journal;
use crate::json;
use crate::output::{Output, write_json};
use crate::places::{Target, workspace};
use crate::settings::Settings;
use crate::signals;
use crate::story_leases;
use crate::transaction::{chain, id_of, inherited_token, took_over_text};

/// Moves the file and tells where it is.
///
/// # Errors
///
/// [`Failure`]; the story is where it was unless it says otherwise.
pub fn run(args: &MoveArgs, settings: &Settings, output: &Output) -> Result<(), Failure> {
    signals::watch();
    let target = Target::of_story(&args.story, settings)?;
    if matches!(target.copy, Some(StoryCopy::Worktree { .. })) {
        return Err(Failure::usage("a copy in a worktree is not moved")
            .cause(format!("{} is one", target.path.display()))
            .hint("name the main copy by its path"));
    }
    if inherited_token(&target.path, settings)?.is_some() {
        return Err(Failure::new(Code::Nested, "")
            .cause("its lock is held by the command that this one runs in, and guards the place that it leaves")
            .hint("run `story move` outside of `story with` and `story lock run`")
            .about("move", &target));
    }
    let workspace = workspace(settings)?;
    let lock = settings.lock_options("story move");
    let commit = CommitOptions {
        durability: settings.durability(),
        ..CommitOptions::default()
    };
    let folder = folder(args.folder);
    look_at_leases(&target, workspace.legacy(folder), settings)
        .map_err(|failure| failure.about("move", &target))?;
    let dating = dating(Dates::Updated, settings);
    match relocate(&target.path, &workspace, folder, dating, (&lock, &commit)) {
        Ok(moved) => tell(&moved, folder, &target, output),
        Err(RelocateError::AlreadyThere { path }) => stays(&path, folder, &target, output),
        Err(err) => Err(failure(err, &target, settings)),
    }
}

/// Neither a story that another agent has leased is moved, nor anything into a folder that it has leased.
fn look_at_leases(target: &Target, to: PathBuf, settings: &Settings) -> Result<(), Failure> {
    let journal = journal::file_of(target, settings)?;
    let root = journal.as_ref().map(JournalFile::root);
    story_leases::look_at([target.path.clone(), to], root, settings)
}

fn folder(given: Folder) -> LegacyFolder {
    match given {
        Folder::Backlog => LegacyFolder::Backlog,
        Folder::Ready => LegacyFolder::Ready,
        Folder::InProgress => LegacyFolder::InProgress,
        Folder::Done => LegacyFolder::Done,
        Folder::Blocked => LegacyFolder::Blocked,
    }
}

fn tell(
    moved: &Relocated,
    folder: LegacyFolder,
    target: &Target,
    output: &Output,
) -> Result<(), Failure> {
    let mut warnings = target.warnings.clone();
    warnings.extend(moved.took_over.as_ref().map(took_over_text));
    warnings.extend(moved.warnings.iter().map(|warning| chain(warning)));
    for warning in &warnings {
        output.warning(warning);
    }
    let now = Target {
        path: moved.to.clone(),
        id: id_of(&moved.story).or_else(|| target.id.clone()),
        copy: Some(StoryCopy::Legacy { folder }),
        warnings: Vec::new(),
    };
    output.note(&format!("moved to {}", moved.to.display()));
    output
        .hint("`story move` is deprecated: `story status` changes the status where the story lies");
    if !output.is_json() {
        return Ok(());
    }
    let mut result = json::success_of(now.id.as_deref(), &now.path);
    result.insert("changed".to_owned(), moved.changed.clone().into());
    result.insert("rev".to_owned(), moved.story.revision().to_string().into());
    result.insert("warnings".to_owned(), warnings.into());
    result.insert("from".to_owned(), json::text(&moved.from));
    json::add_copy(&mut result, now.copy.as_ref());
    write_json(result).map_err(|unwritten| unwritten.after_commit(&now))
}

/// It lies there already.
fn stays(
    path: &Path,
    folder: LegacyFolder,
    target: &Target,
    output: &Output,
) -> Result<(), Failure> {
    output.note(&format!("{}: nothing to change", target.name()));
    if !output.is_json() {
        return Ok(());
    }
    let mut result = json::success_of(target.id.as_deref(), path);
    result.insert("changed".to_owned(), Vec::<String>::new().into());
    result.insert("warnings".to_owned(), target.warnings.clone().into());
    json::add_copy(&mut result, Some(&StoryCopy::Legacy { folder }));
    write_json(result)
}

fn failure(err: RelocateError, target: &Target, settings: &Settings) -> Failure {
    let failure = match err {
        RelocateError::Lock(err) => Failure::from_acquire(err, settings.timeout),
        RelocateError::Read(err) => Failure::from_read(err, settings.timeout),
        RelocateError::Operation(err) => Failure::from_operation(&err),
        RelocateError::Folder(err) => Failure::new(code_of_io(err.io()), "").with_chain(&err),
        RelocateError::Lost(err) => Failure::new(Code::Lost, "")
            .with_chain(&err)
            .retryable(true),
        RelocateError::Changed { .. } => Failure::new(Code::Conflict, "")
            .with_chain(&err)
            .retryable(true),
        RelocateError::Create(err) | RelocateError::Pending(err) => Failure::from_commit(&err),
        RelocateError::Both { ref to, .. } => {
            let mut failure = Failure::new(
                Code::Unsynced,
                "committed in part: the story is in two files",
            )
            .with_chain(&err)
            .hint("compare the two and remove one by hand; do not run it again")
            .at(to);
            failure.story.clone_from(&target.id);
            return failure;
        }
        err => Failure::new(Code::Io, "").with_chain(&err),
    };
    failure.about("move", target)
}
