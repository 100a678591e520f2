//! `story edit`: a person's editor outside of the lock, a merge under it.

use std::io;
use std::process::ExitStatus;
use std::time::Duration;

use serde_json::Map;
use story::{Document, has_id};

use super::copy::Copy;
use super::edited::Edited;
use crate::app;
use crate::args::merging::EditArgs;
use crate::child::run_child;
use crate::contract::tell;
use crate::failure::{Code, Failure};
use crate::failure_sources::code_of_io;
use crate::get;
use crate::json;
use crate::operations::Transaction;
use crate::output::{Output, write_json};
use crate::places::Target;
use crate::settings::Settings;
use crate::signals;
use crate::sys;
use crate::transaction::{self, WithRevision};

/// Runs the editor, merges, and returns the exit code: the editor's own where it failed.
///
/// # Errors
///
/// [`Failure`]; the story is unchanged unless it says committed, and the edited copy is kept.
pub fn run(args: &EditArgs, settings: &Settings, output: &Output) -> Result<u8, Failure> {
    let target = Target::of_story(&args.story, settings)?;
    let base = get::read(&target, false, settings, output)?;
    let copy = Copy::make(&target, base.as_bytes(), settings)
        .map_err(|failure| failure.about("edit", &target))?;
    signals::watch();
    let mut command = sys::editor(&settings.editor, &copy.path);
    let exit = match run_child(&mut command) {
        Ok(status) if status.success() => merge(&copy, &target, base, settings, output),
        Ok(status) => Ok(editor_failed(&copy, &target, &base, status, output)),
        Err(err) => Err(not_started(settings, &err)),
    };
    match exit {
        Ok(Ended::Told(exit)) => {
            copy.remove();
            Ok(exit)
        }
        Ok(Ended::Kept(exit)) => Ok(exit),
        // The change is in the file: the copy holds nothing more.
        // The same where the editor has left nothing.
        Err(failure)
            if failure.is_committed() || !copy.path.exists() || is_untouched(&copy, &target) =>
        {
            copy.remove();
            Err(failure)
        }
        Err(failure) => Err(kept(failure, &copy)),
    }
}

/// How an edit ended that is told already.
enum Ended {
    /// The copy holds nothing that is not in the story.
    Told(u8),
    /// The copy holds what somebody wrote.
    Kept(u8),
}

fn merge(
    copy: &Copy,
    target: &Target,
    base: Document,
    settings: &Settings,
    output: &Output,
) -> Result<Ended, Failure> {
    let about = |failure: Failure| failure.about("edit", target);
    let bytes = copy.read().map_err(about)?;
    if bytes == base.as_bytes() {
        return unchanged(target, &base, output).map(|()| Ended::Told(0));
    }
    let edited = Document::parse(bytes).map_err(|err| {
        Failure::from_parse(&err, &copy.path).about("read the edited text of", target)
    })?;
    if has_id(&base) && !has_id(&edited) {
        return Err(about(
            Failure::new(Code::Refused, "")
                .cause("the edited text has no id any more: it would be no story"),
        ));
    }
    let transaction = Transaction {
        merging: Some(Box::new(Edited { base, edited })),
        touch: settings.touch,
        ..Transaction::default()
    };
    let with_revision = if output.is_json() {
        WithRevision::Yes
    } else {
        WithRevision::No
    };
    let commit = |settings: &Settings| {
        transaction::commit(target, &transaction, settings, with_revision, "story edit")
    };
    let done = match commit(&settings.with_timeout(Duration::ZERO)) {
        Err(failure) if failure.code == Code::Locked && !settings.timeout.is_zero() => {
            output.warning(&format!(
                "{} is locked; until it can be saved, what you wrote is in {}",
                target.name(),
                copy.path.display()
            ));
            // It is said where the text is: a signal may end the wait at once, as it does since that try has ended.
            if signals::pending().is_some() {
                return Err(failure);
            }
            commit(settings)?
        }
        done => done?,
    };
    tell(&done, Map::new(), output)?;
    Ok(Ended::Told(0))
}

fn unchanged(target: &Target, base: &Document, output: &Output) -> Result<(), Failure> {
    if !output.is_json() {
        output.note(&format!("{}: nothing to change", target.name()));
        return Ok(());
    }
    let mut result = json::success_of(target.id.as_deref(), &target.absolute());
    result.insert("changed".to_owned(), Vec::<String>::new().into());
    result.insert("rev".to_owned(), base.revision().to_string().into());
    result.insert("warnings".to_owned(), target.warnings.clone().into());
    json::add_copy(&mut result, target.copy.as_ref());
    write_json(result)
}

/// Nothing is written; its exit code is passed on.
fn editor_failed(
    copy: &Copy,
    target: &Target,
    base: &Document,
    status: ExitStatus,
    output: &Output,
) -> Ended {
    let exit = sys::exit_code(status);
    let failure = Failure::new(Code::Io, "")
        .cause(format!("the editor ended with {exit}; nothing was written"))
        .about("edit", target);
    if copy.read().is_ok_and(|bytes| bytes == base.as_bytes()) {
        app::tell(&failure, output);
        return Ended::Told(exit);
    }
    app::tell(&kept(failure, copy), output);
    Ended::Kept(exit)
}

fn not_started(settings: &Settings, err: &io::Error) -> Failure {
    let headline = format!("cannot run {}", settings.editor.to_string_lossy());
    Failure::new(code_of_io(err), headline)
        .cause(err.to_string())
        .hint("set VISUAL or EDITOR to your editor")
}

/// Whether the copy holds what the story held when it was made, as far as can be told afterwards.
fn is_untouched(copy: &Copy, target: &Target) -> bool {
    let story = story::read(&target.path);
    story.is_ok_and(|story| copy.read().is_ok_and(|bytes| bytes == story.as_bytes()))
}

/// Says where the edited text is.
fn kept(mut failure: Failure, copy: &Copy) -> Failure {
    if !copy.path.exists() {
        return failure;
    }
    failure.hint = Some(format!(
        "what you wrote is kept in {}; run `story edit` again and take from there what is still right",
        copy.path.display()
    ));
    failure
}
