//! `story edit-file`, `story write-file`: agents edit files of the project by the leases that they hold.

use std::path::Path;
use std::time::Duration;

use lease::edit::{EditError, Edited, Expect, Replacement, Workplace, Write, Writer};
use lease::store::{LeaseStore, Transaction};
use lease::{Leases, StoreError, Token};
use sidecar_lock::LockOptions;
use story::Document;

use crate::args::edits::{EditFileArgs, EditVerb, EditedArgs, WriteFileArgs};
use crate::durations::rough;
use crate::failure::Failure;
use crate::json;
use crate::lease_store;
use crate::lock;
use crate::output::{Output, write_json};
use crate::places::Target;
use crate::settings::Settings;
use crate::signals;
use crate::text_argument;
use crate::transaction::{chain, took_over_text};

/// Runs one of the verbs and returns the exit code.
///
/// # Errors
///
/// [`Failure`]; the file is unchanged unless it says committed.
pub fn run(verb: &EditVerb, settings: &Settings, output: &Output) -> Result<u8, Failure> {
    match verb {
        EditVerb::EditFile(args) => edit(args, settings, output),
        EditVerb::WriteFile(args) => write(args, settings, output),
    }
    .map(|()| 0)
}

fn edit(args: &EditFileArgs, settings: &Settings, output: &Output) -> Result<(), Failure> {
    if args.old == "@-" && args.new == "@-" {
        return Err(Failure::usage(
            "--old and --new cannot both be read from standard input",
        ));
    }
    let edit = Replacement {
        path: args.edited.path.clone(),
        old: text_argument::read_bytes(&args.old)?,
        new: text_argument::read_bytes(&args.new)?,
        if_revision: args.edited.if_rev.clone(),
    };
    let command = "story edit-file";
    let edited = carry_out(&args.edited, command, settings, |place, by| {
        place.surgical_edit(&edit, by)
    })?;
    tell(edited, output)
}

fn write(args: &WriteFileArgs, settings: &Settings, output: &Output) -> Result<(), Failure> {
    let from = if args.from == "-" { "@-" } else { &args.from };
    let write = Write {
        path: args.edited.path.clone(),
        contents: text_argument::read_bytes(from)?,
        expect: match &args.edited.if_rev {
            Some(revision) => Expect::Revision(revision.clone()),
            None if args.create => Expect::Absent,
            None => Expect::Anything,
        },
    };
    let command = "story write-file";
    let edited = carry_out(&args.edited, command, settings, |place, by| {
        place.write_file(&write, by)
    })?;
    tell(edited, output)
}

/// Tries without waiting first, as updates of stories do: only who waits needs a thread to watch for signals.
fn carry_out(
    args: &EditedArgs,
    command: &str,
    settings: &Settings,
    edit: impl Fn(Workplace<'_>, &Writer) -> Result<Edited, EditError>,
) -> Result<Edited, Failure> {
    let agent = lease_store::agent(settings)?;
    let store = lease_store::open(args.store.as_deref(), settings)?;
    let project = lease_store::project(settings)?;
    let rules = lease_store::rules(settings);
    let place = Workplace {
        project: &project,
        store: &Announcing(store.as_ref()),
        rules: &rules,
        judge: stays_a_story,
        finish: |guard, options| {
            let finished = lock::finish(guard, options).map_err(|err| chain(&err))?;
            Ok(finished.iter().map(|warning| chain(warning)).collect())
        },
    };
    let mut by = Writer {
        token: args.token.map(Token),
        durability: settings.durability(),
        lock: settings.lock_options(command),
        ..Writer::new(agent)
    };
    let fail = |err| Failure::from_edit_of_file(err, &args.path, settings);
    let edit = |by: &Writer| {
        let edited = edit(place, by);
        signals::end_commit();
        edited
    };
    signals::note();
    if !by.lock.timeout.is_zero() {
        let patient = by.lock.clone();
        by.lock = LockOptions {
            timeout: Duration::ZERO,
            stale_after: Some(patient.effective_stale_after()),
            ..patient.clone()
        };
        match edit(&by) {
            Err(EditError::Lock(err)) if err.is_retryable() => {}
            edited => return edited.map_err(fail),
        }
        by.lock = patient;
        signals::watch();
    }
    edit(&by).map_err(fail)
}

/// What is a story stays one, and the same: others change it by its id and read its frontmatter.
fn stays_a_story(path: &Path, now: Option<&[u8]>, then: &[u8]) -> Result<(), String> {
    if Target::at(path.to_path_buf()).id.is_none() {
        return Ok(());
    }
    let id = |story: &Document| story.get("id").ok().flatten();
    let now = now.and_then(|bytes| Document::parse(bytes).ok());
    let then = Document::parse(then).map_err(|err| format!("it would be no story: {err}"))?;
    match now {
        Some(now) if id(&now) != id(&then) => Err("its id would be another".to_owned()),
        _ => Ok(()),
    }
}

/// A store that, once it is locked, announces that the commit begins: from there on signals wait for its end.
#[derive(Debug)]
struct Announcing<'a>(&'a dyn LeaseStore);

impl LeaseStore for Announcing<'_> {
    fn place(&self) -> &Path {
        self.0.place()
    }

    fn read(&self) -> Result<Leases, StoreError> {
        self.0.read()
    }

    fn begin(&self, timeout: Duration) -> Result<Box<dyn Transaction + '_>, StoreError> {
        let transaction = self.0.begin(timeout)?;
        match signals::begin_commit() {
            Ok(()) => Ok(transaction),
            Err(signals::Interrupted { .. }) => Err(StoreError::Io {
                step: "go on with",
                path: self.place().to_path_buf(),
                source: "interrupted".into(),
            }),
        }
    }
}

fn tell(edited: Edited, output: &Output) -> Result<(), Failure> {
    let took_over = edited.took_over.as_ref().map(took_over_text);
    let others = edited.warnings.iter().map(|warning| chain(warning));
    let warnings: Vec<String> = took_over.into_iter().chain(others).collect();
    for warning in &warnings {
        output.warning(warning);
    }
    let done = if edited.changed {
        "written"
    } else {
        "nothing to change"
    };
    output.note(&format!("{}: {done}", edited.path));
    output.detail(&format!(
        "waited {} for the lock; {} more tries after others changed the file",
        rough(edited.waited),
        edited.reruns
    ));
    if !output.is_json() {
        return Ok(());
    }
    let mut result = json::success();
    result.insert("path".to_owned(), json::text(&edited.location));
    result.insert("rev".to_owned(), edited.revision.as_str().into());
    result.insert("changed".to_owned(), edited.changed.into());
    result.insert("warnings".to_owned(), warnings.into());
    result.insert("token".to_owned(), edited.token.map(|token| token.0).into());
    if let Some(took_over) = &edited.took_over {
        result.insert("took_over".to_owned(), json::took_over(took_over));
    }
    write_json(result).map_err(|unwritten| {
        if edited.changed {
            unwritten.after_commit(&Target::at(edited.location))
        } else {
            unwritten
        }
    })
}
