//! Whether stories could be updated where they lie: what an update would refuse, told before anybody needs it.

use std::path::Path;

use super::folders::{Folder, Kind};
use super::report::{Finding, Report};
use super::stories::markdown_files;
use crate::places::STORY_FILE;
use crate::sys;

const CHECK: &str = "place";

/// Looks at the stories of one folder, and at the folder as the place of their locks and new versions.
pub fn check(folder: &Folder, report: &mut Report) {
    let stories = match folder.kind {
        Kind::State => return,
        Kind::Story => vec![folder.path.join(STORY_FILE)],
        Kind::Legacy => markdown_files(&folder.path),
    };
    if let Some(reason) = sys::obstacle_in(&folder.path) {
        report.add(problem(&folder.path, reason));
        return;
    }
    for story in stories {
        if let Some(reason) = sys::obstacle_of(&story) {
            report.add(problem(&story, reason));
        }
    }
}

fn problem(path: &Path, reason: &str) -> Finding {
    Finding::problem(CHECK, path, format!("cannot be updated: {reason}"))
}
