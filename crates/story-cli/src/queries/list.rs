//! `story list`: one line a story.

use std::mem::ManuallyDrop;

use super::items::Board;
use super::{filter, scanned, table};
use crate::args::queries::ListArgs;
use crate::failure::Failure;
use crate::output::{Output, write_json_of, write_stdout};
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
    // The process ends soon: taking ten thousand stories apart again would be a tenth of its time.
    let scan = ManuallyDrop::new(scan);
    let shown = filter(&args.filter, settings).select(&scan.heads);
    if output.is_json() {
        let board = ManuallyDrop::new(Board::new(&shown, settings.moment(), warnings));
        return write_json_of(&*board);
    }
    if shown.is_empty() {
        output.note("no stories");
        return Ok(());
    }
    let text = table::render(&shown, settings.moment(), output.canvas(settings));
    write_stdout(text.as_bytes())
}
