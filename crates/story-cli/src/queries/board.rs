//! `story board`: columns by status, drawn once or on each change.

use story::Workspace;

use super::items::Board;
use super::observer::{Observer, Seen};
use super::{columns, filter, scanned, watch};
use crate::args::queries::BoardArgs;
use crate::failure::Failure;
use crate::output::{Output, write_json_of, write_stdout};
use crate::places;
use crate::settings::Settings;
use crate::{signals, sys};

/// Goes to the upper left corner and clears what is below.
const FROM_THE_TOP: &str = "\x1b[H\x1b[J";

/// Draws the board.
///
/// # Errors
///
/// [`Failure`] when there is no sdlc root, or the board cannot be written.
pub fn run(args: &BoardArgs, settings: &Settings, output: &Output) -> Result<(), Failure> {
    let workspace = places::workspace(settings)?;
    if args.watch {
        return watched(args, &workspace, settings, output);
    }
    if output.is_json() {
        let (scan, warnings) = scanned(&workspace, output);
        let shown = filter(&args.filter, settings).select(&scan.heads);
        return write_json_of(&Board::new(&shown, settings.moment(), warnings));
    }
    let (board, _) = drawn(args, &workspace, settings, output);
    write_stdout(board.as_bytes())
}

/// The board, and how many files were left out.
fn drawn(
    args: &BoardArgs,
    workspace: &Workspace,
    settings: &Settings,
    output: &Output,
) -> (String, usize) {
    let (scan, warnings) = scanned(workspace, output);
    let shown = filter(&args.filter, settings).select(&scan.heads);
    let board = columns::render(&shown, settings.moment(), output.canvas(settings));
    (board, warnings.len())
}

/// Draws the board until a signal comes or nobody sees it.
fn watched(
    args: &BoardArgs,
    workspace: &Workspace,
    settings: &Settings,
    output: &Output,
) -> Result<(), Failure> {
    signals::watch();
    sys::note_resize();
    let quiet = output.without_warnings();
    let mut observer = Observer::new(workspace);
    let mut last = String::new();
    loop {
        watch::covered(workspace, &mut observer);
        let (board, left_out) = drawn(args, workspace, settings, &quiet);
        let board = fitted(&board, left_out);
        if board != last {
            let text = if output.is_terminal() {
                format!("{FROM_THE_TOP}{board}")
            } else {
                board.clone()
            };
            write_stdout(text.as_bytes())?;
            last = board;
        }
        if observer.next() == Seen::Unheard {
            return Ok(());
        }
    }
}

/// As much of the board as the terminal has lines for: more would scroll its top away.
fn fitted(board: &str, left_out: usize) -> String {
    let mut last = match left_out {
        0 => Vec::new(),
        count => vec![format!("files left out: {count} (`story list` says why)")],
    };
    let mut lines: Vec<_> = board.lines().map(str::to_owned).collect();
    if let Some((_, height)) = sys::terminal_size() {
        // One line for the cursor, one for this.
        let room = height.saturating_sub(last.len() + 2);
        if room > 0 && lines.len() > room + 1 {
            last.insert(0, format!("… {} more lines", lines.len() - room));
            lines.truncate(room);
        }
    }
    lines.append(&mut last);
    lines.join("\n") + "\n"
}
