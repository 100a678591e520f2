//! The verbs that look at many stories, without a lock: `list`, `board`, `phases`, `watch`.

mod board;
pub mod cells;
mod columns;
mod items;
mod known;
mod list;
mod observer;
mod phases;
mod table;
mod watch;

use story::board::Filter;
use story::{Scan, Status, Workspace, scan};

use crate::args::queries::{FilterArgs, QueryVerb};
use crate::failure::Failure;
use crate::output::Output;
use crate::settings::Settings;

/// Runs one of them.
///
/// # Errors
///
/// [`Failure`] when there is no sdlc root, or the result cannot be told.
pub fn run(verb: &QueryVerb, settings: &Settings, output: &Output) -> Result<(), Failure> {
    match verb {
        QueryVerb::List(args) => list::run(args, settings, output),
        QueryVerb::Board(args) => board::run(args, settings, output),
        QueryVerb::Phases(args) => phases::run(args, settings, output),
        QueryVerb::Watch(_) => watch::run(settings, output),
    }
}

/// Scans the workspace and warns of what could not be read.
fn scanned(workspace: &Workspace, output: &Output) -> (Scan, Vec<String>) {
    let scan = scan(workspace);
    let skipped = scan.skipped.iter();
    let warnings: Vec<_> = skipped
        .map(|skipped| format!("left out: {skipped}"))
        .collect();
    for warning in &warnings {
        output.warning(warning);
    }
    (scan, warnings)
}

fn filter(args: &FilterArgs, settings: &Settings) -> Filter {
    let statuses = args.statuses.iter();
    Filter {
        statuses: statuses.map(|word| Status::from(word.as_str())).collect(),
        labels: args.labels.clone(),
        epic: args.epic.clone(),
        owner: args.of.clone(),
        ready_at: args.ready.then(|| settings.moment()),
        text: args.text.clone(),
    }
}
