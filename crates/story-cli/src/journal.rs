//! A story's journal: where a change leaves its line, and the verbs that read it, `log` and `undo`.

mod log;

use std::io;
use std::path::Path;

use serde_json::Map;
use sidecar_lock::SidecarLock;
use story::journal::{self, JournalError, JournalFile, JournalOptions, Undone};
use story::{Changes, Document, EditError};

use crate::app;
use crate::args::journal::{JournalVerb, UndoArgs};
use crate::configuration::{Configuration, DEFAULT_FOLDER};
use crate::contract::tell;
use crate::failure::{Code, Failure};
use crate::failure_sources::code_of_io;
use crate::operations::Refusal;
use crate::output::Output;
use crate::places::{Target, is_missing, sdlc_root};
use crate::settings::{Settings, Touch};
use crate::signals;
use crate::transaction::{self, WithRevision};

const UPDATED: &str = "updated";

/// Runs one of the verbs and returns the exit code.
///
/// # Errors
///
/// [`Failure`]; the story is unchanged unless it says committed.
pub fn run(verb: &JournalVerb, settings: &Settings, output: &Output) -> Result<u8, Failure> {
    match verb {
        JournalVerb::Log(args) => app::heard_enough(log::run(args, settings, output)),
        JournalVerb::Undo(args) => undo(args, settings, output).map(|()| 0),
    }
}

/// How a change of the story leaves its line; `None` where it lies in no sdlc root.
///
/// # Errors
///
/// `EREFUSED` when the operation has an id and there is no journal that could remember it; as [`file_of`].
pub fn options(
    target: &Target,
    settings: &Settings,
    command: &str,
    op: Option<&String>,
) -> Result<Option<JournalOptions>, Failure> {
    match (file_of(target, settings)?, op) {
        (Some(file), op) => {
            let root = file.root().to_path_buf();
            Ok(Some(settings.journal_options(root, command, op.cloned())))
        }
        (None, None) => Ok(None),
        (None, Some(_)) => Err(Failure::new(Code::Refused, "refused")
            .cause("--op-id needs a journal, and this story lies in no sdlc root")
            .hint("leave --op-id out, or say --root DIR where that is the sdlc root")),
    }
}

/// The journal of a story, whether or not it is there; `None` where it lies in no sdlc root.
///
/// # Errors
///
/// When it cannot be found out where the story lies. That the story is missing is for others to say.
pub fn file_of(target: &Target, settings: &Settings) -> Result<Option<JournalFile>, Failure> {
    match target.path.canonicalize() {
        Ok(path) => {
            let file = JournalFile::of(&path);
            Ok(file.filter(|file| is_root(file.root(), settings)))
        }
        Err(err) if is_missing(&err) => Ok(None),
        Err(err) => Err(unresolved(target, &err, settings)),
    }
}

/// The lock resolves the same path, and has the words for what is wrong with it.
fn unresolved(target: &Target, err: &io::Error, settings: &Settings) -> Failure {
    match SidecarLock::new(&target.path) {
        Err(err) => Failure::from_acquire(err, settings.timeout),
        Ok(_) => Failure::new(code_of_io(err), "cannot find the journal")
            .cause(format!("cannot resolve {}", target.path.display()))
            .cause(err.to_string()),
    }
}

/// Whether a folder is an sdlc root: by its usual name, the name that a configuration above gives it, or because it is the
/// one that was named or found. A worktree's copy is one of its own.
fn is_root(folder: &Path, settings: &Settings) -> bool {
    let is_configured = |project: &Path| {
        let name = Configuration::read(project).and_then(|read| read.sdlc_folder());
        name.is_ok_and(|name| project.join(name) == folder)
    };
    let is_found = || {
        let root = sdlc_root(settings)
            .ok()
            .and_then(|root| root.canonicalize().ok());
        root.as_deref() == Some(folder)
    };
    folder
        .file_name()
        .is_some_and(|name| name == DEFAULT_FOLDER)
        || folder.ancestors().skip(1).any(is_configured)
        || is_found()
}

fn undo(args: &UndoArgs, settings: &Settings, output: &Output) -> Result<(), Failure> {
    signals::note();
    let target = Target::of_story(&args.story, settings)?;
    let file =
        file_of(&target, settings).map_err(|failure| failure.about("undo a change of", &target))?;
    let Some(file) = file else {
        return Err(Failure::new(Code::NotFound, "")
            .cause("it lies in no sdlc root, and so has no journal")
            .about("undo a change of", &target));
    };
    let with_revision = if output.is_json() {
        WithRevision::Yes
    } else {
        WithRevision::No
    };
    let edit = |story: &mut Document| {
        // Under the story's lock: nobody else writes it now.
        let journal = journal::read(&file)?.unwrap_or_default();
        let before = story.clone();
        let undone = journal::undo(story, &journal, args.operation.as_deref())?;
        if *story != before {
            date(story, &before, settings)?;
        }
        let keys = Changes::between(&before, story).keys();
        Ok::<(Undone, Vec<String>), Refusal>((undone, keys))
    };
    let (undone, done) = transaction::change(&target, settings, with_revision, "story undo", edit)
        .map_err(|failure| failure.about("undo a change of", &target))?;
    if !output.is_json() {
        output.note(&format!("undone: {} ({})", undone.op, undone.command));
    }
    let mut members = Map::new();
    members.insert("undone".to_owned(), undone.op.into());
    members.insert("undone_command".to_owned(), undone.command.into());
    tell(&done, members, output)
}

/// As `story set` does, unless it is that key alone which was put back.
fn date(story: &mut Document, before: &Document, settings: &Settings) -> Result<(), EditError> {
    if Changes::between(before, story).keys() == [UPDATED] {
        return Ok(());
    }
    let is_dated = match settings.touch {
        Touch::Never => false,
        Touch::Always => true,
        Touch::IfPresent => story.get(UPDATED)?.is_some(),
    };
    if is_dated {
        story.set(UPDATED, settings.today())?;
    }
    Ok(())
}

impl Failure {
    /// A journal was not read or written.
    pub fn from_journal(err: &JournalError) -> Self {
        let code = match err {
            JournalError::Io { source, .. } => code_of_io(source),
            _ => Code::Refused,
        };
        Self::new(code, "cannot use the journal")
            .with_chain(err)
            .hint("a journal is only a log: it may be moved away, and a new one begins")
    }
}
