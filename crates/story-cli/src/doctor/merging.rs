//! Whether git merges stories as its attributes demand: the setting for that is each clone's own.

use std::io;
use std::path::Path;

use super::Mode;
use super::report::{Finding, Report};
use crate::failure::Failure;
use crate::git_merging::{is_missing_here, set_driver};
use crate::places::{git_top_level, project_root};

const CHECK: &str = "merge";

/// Asks git; sets the merge driver where that was begun in another clone.
///
/// # Errors
///
/// When it cannot be found out where the repository is.
pub fn check(root: &Path, mode: Mode, report: &mut Report) -> Result<(), Failure> {
    let Some(top_level) = git_top_level(&project_root(root)?)? else {
        return Ok(());
    };
    // That git is not there, or does not answer, another check tells.
    if !is_missing_here(&top_level, root).unwrap_or(false) {
        return Ok(());
    }
    let set = || -> io::Result<bool> {
        set_driver(&top_level)?;
        is_missing_here(&top_level, root).map(|is_missing| !is_missing)
    };
    let fixed = mode == Mode::Mend && set().unwrap_or(false);
    let message = "git merges stories line by line in this clone; `story init --git` has it merge them key by key";
    report.add(Finding::warning(CHECK, &top_level.join(".gitattributes"), message).fixed(fixed));
    Ok(())
}
