//! `story apply --together`: all requests as one transaction over several stories.

use std::path::Path;

use story::journal::JournalOptions;
use story::{Document, TogetherError, UpdateError, UpdateOptions, Updated, update_together};

use super::input::Entry;
use super::request::Request;
use crate::failure::{Code, Failure};
use crate::journal;
use crate::operations::{Refusal, Transaction};
use crate::places::Target;
use crate::settings::Settings;
use crate::signals;
use crate::story_leases::StoryLeases;
use crate::transaction::{Done, WithRevision, inherited_token};

/// How many stories one transaction may change; chosen: all their locks are held, and files kept open, at the same time.
const MAX_STORIES: usize = 100;

/// What those are told who wait, and the journal.
const COMMAND: &str = "story apply --together";

/// Why nothing was done, and by which of the requests.
pub struct Undone {
    /// The place of the request; `None`: it is about all of them.
    pub index: Option<usize>,
    /// Why.
    pub failure: Failure,
}

/// One request, ready.
struct Wanted {
    target: Target,
    transaction: Transaction,
}

/// Does all of them or none.
///
/// # Errors
///
/// [`Undone`]; no story is changed unless the failure says committed.
pub fn perform(entries: &[Entry], settings: &Settings) -> Result<Vec<Done>, Undone> {
    if entries.len() > MAX_STORIES {
        let headline = format!("{} requests together; {MAX_STORIES} at most", entries.len());
        return Err(Undone {
            index: None,
            failure: Failure::usage(headline),
        });
    }
    let mut wanted = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let ready = prepare(entry, settings).map_err(|failure| Undone {
            index: Some(index),
            failure,
        })?;
        wanted.push(ready);
    }
    // All of them lie in one sdlc root, or the transaction is refused. Where the first one lies cannot be found out: that is
    // said when its lock is taken.
    let journal = wanted.first().and_then(|first| {
        let options = journal::options(&first.target, settings, COMMAND, None);
        options.ok().flatten()
    });
    let root = journal.as_ref().map(|journal| journal.root.clone());
    let files = wanted.iter().map(|it| it.target.path.clone());
    let leases = StoryLeases::of(files, root.as_deref(), settings).map_err(|failure| Undone {
        index: None,
        failure,
    })?;
    let updated = update(&wanted, journal, &leases, settings)
        .map_err(|err| undone(err, &wanted, settings))?;
    let done = |(wanted, updated): (&Wanted, _)| {
        let ((), done) = Done::new(&wanted.target, updated, WithRevision::Yes);
        done
    };
    Ok(wanted.iter().zip(updated).map(done).collect())
}

fn prepare(entry: &Entry, settings: &Settings) -> Result<Wanted, Failure> {
    let request = Request::parse(&entry.text, entry.line)?;
    let transaction = request.transaction(settings.touch)?;
    if transaction.op_id.is_some() {
        return Err(Failure::usage("op_id does not go with --together")
            .hint("guard it by `if` or `if_rev`, so that a repetition fails"));
    }
    let target = Target::of_story(Path::new(&request.story), settings)?;
    if inherited_token(&target.path, settings)?.is_some() {
        return Err(Failure::new(Code::Nested, "")
            .cause("its lock is held by the command that this one runs in, and a transaction takes all locks itself")
            .hint("run `story apply --together` outside of `story lock run`")
            .about("update", &target));
    }
    Ok(Wanted {
        target,
        transaction,
    })
}

type Outcome = Result<Vec<Updated<((), Vec<String>)>>, TogetherError<Refusal>>;

fn update(
    wanted: &[Wanted],
    journal: Option<JournalOptions>,
    leases: &StoryLeases<'_>,
    settings: &Settings,
) -> Outcome {
    let paths: Vec<_> = wanted.iter().map(|it| it.target.path.as_path()).collect();
    let options = UpdateOptions {
        journal,
        ..settings.update_options(COMMAND)
    };
    let today = settings.today();
    // Kept from the first edit until all changes are in place: the stores of leases are locked once for all of them.
    let mut unleased = None;
    let updated = update_together(&paths, &options, |index, story: &mut Document| {
        if unleased.is_none() {
            unleased = Some(leases.check()?);
        }
        signals::begin_commit()?;
        let changed = wanted[index].transaction.apply(story, &today)?;
        Ok(((), changed))
    });
    signals::end_commit();
    updated
}

fn undone(err: TogetherError<Refusal>, wanted: &[Wanted], settings: &Settings) -> Undone {
    let timeout = settings.timeout;
    let (index, failure) = match err {
        TogetherError::Story { index, source } => {
            (Some(index), Failure::from_update(source, timeout))
        }
        TogetherError::Twice { index, ref path } => {
            let failure = Failure::usage("two requests for one story")
                .with_chain(&err)
                .at(path)
                .hint("put all that is done to one story into one request");
            return Undone {
                index: Some(index),
                failure,
            };
        }
        TogetherError::OtherRoot { index, .. } => {
            let failure = Failure::new(Code::Refused, "refused")
                .with_chain(&err)
                .hint("only stories below one sdlc root can be changed together");
            (Some(index), failure)
        }
        TogetherError::Undecided { source } => (None, Failure::from_commit(&source)),
        TogetherError::Unfinished { source } => (None, unfinished(*source, settings)),
        err => (
            None,
            Failure::new(Code::Io, "cannot update").with_chain(&err),
        ),
    };
    let failure = match index {
        Some(index) => failure.about("update", &wanted[index].target),
        None => failure,
    };
    Undone { index, failure }
}

/// The change is decided: to apply it again would apply it twice.
fn unfinished(source: UpdateError<Refusal>, settings: &Settings) -> Failure {
    let reason = Failure::from_update(source, settings.timeout);
    Failure::new(
        Code::Unsynced,
        "committed, not carried out everywhere: the next update of each story does that",
    )
    .cause(reason.message())
    .hint("do not run it again; mend what is in the way, then run `story doctor --fix`")
}
