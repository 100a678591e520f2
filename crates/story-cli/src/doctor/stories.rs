//! Stories that cannot be read, or not be found.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use story::ReadError;

use super::folders::{Folder, Kind};
use super::report::{Finding, Report};
use crate::failure::Failure;
use crate::places::{STORY_FILE, is_missing};
use crate::sys;
use crate::transaction::id_of;

const CHECK: &str = "story";

/// Reads the stories in one folder.
pub fn check(folder: &Folder, report: &mut Report) {
    match folder.kind {
        Kind::State => {}
        Kind::Story => {
            let path = folder.path.join(STORY_FILE);
            let looked = fs::symlink_metadata(&path);
            if looked.map_or_else(|err| !is_missing(&err), |_| true) {
                check_story(
                    &path,
                    folder
                        .path
                        .file_name()
                        .map(|id| id.to_string_lossy().into_owned()),
                    report,
                );
            } else {
                let message = format!("the folder holds no {STORY_FILE}");
                report.add(Finding::warning(CHECK, &folder.path, message));
            }
        }
        Kind::Legacy => {
            for path in markdown_files(&folder.path) {
                check_story(&path, None, report);
            }
        }
    }
}

fn check_story(path: &Path, folder: Option<String>, report: &mut Report) {
    let story = match story::read(path) {
        Ok(story) => story,
        Err(err) => return report.add(unreadable(path, err)),
    };
    let message = match (id_of(&story), folder) {
        (None, _) => "has no id".to_owned(),
        (Some(id), Some(folder)) if !id.eq_ignore_ascii_case(&folder) => {
            format!("has the id {id}, but is found by the name of its folder, {folder}")
        }
        _ => return,
    };
    report.add(Finding::warning(CHECK, path, message));
}

fn unreadable(path: &Path, err: ReadError) -> Finding {
    let message = match &err {
        ReadError::Parse { source, .. } => source.kind.to_string(),
        err => err.to_string(),
    };
    let failure = Failure::from_read(err, Duration::ZERO);
    Finding::problem(CHECK, path, format!("cannot be read: {message}")).at(failure.position)
}

/// The stories of a legacy folder.
pub fn markdown_files(folder: &Path) -> Vec<PathBuf> {
    let is_story =
        |path: &PathBuf| path.extension().is_some_and(|end| end == "md") && path.is_file();
    let entries = sys::entries_of(folder).unwrap_or_default();
    entries.into_iter().filter(is_story).collect()
}
