//! `story list`: one line a story.

use super::{filter, items, scanned, table};
use crate::args::queries::ListArgs;
use crate::failure::Failure;
use crate::output::{Output, write_json, write_stdout};
use crate::places;
use crate::settings::Settings;

/// Lists the stories that the filter shows.
///
/// # Errors
///
/// [`Failure`] when there is no sdlc root, or the list cannot be written.
pub fn run(args: &ListArgs, settings: &Settings, output: &Output) -> Result<(), Failure> {
    let workspace = places::workspace(settings)?;
    let (scan, warnings) = scanned(&workspace, output);
    let shown = filter(&args.filter, settings).select(&scan.heads);
    if output.is_json() {
        return write_json(items::result(&shown, settings.moment(), warnings));
    }
    if shown.is_empty() {
        output.note("no stories");
        return Ok(());
    }
    let text = table::render(&shown, settings.moment(), output.canvas(settings));
    write_stdout(text.as_bytes())
}
