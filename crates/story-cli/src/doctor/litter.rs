//! Temporary files of dead writers, and copies of somebody's work that were rescued.

use std::path::Path;
use std::thread;
use std::time::Duration;

use atomic_file::{find_leftovers, is_rescued_name, sweep};
use sidecar_lock::{find_temporaries, sweep_temporaries};

use super::Mode;
use super::folders::Folder;
use super::report::{Finding, Report};
use crate::transaction::chain;

const TEMPORARY: &str = "temporary";
const RESCUED: &str = "rescued";
const TEMPORARY_MESSAGE: &str = "a temporary file that a dead writer left";
const RESCUED_MESSAGE: &str =
    "a version of somebody that was overtaken; compare it with the file and remove it by hand";

/// A living writer has its temporary file for milliseconds; what is there for longer is a leftover. Chosen.
const SECOND_LOOK_AFTER: Duration = Duration::from_millis(40);

/// Looks for both in one folder.
pub fn check(folder: &Folder, mode: Mode, report: &mut Report) {
    let path = &folder.path;
    if let Err(reason) = commits(path, mode, report) {
        report.add(Finding::problem(TEMPORARY, path, reason));
    }
    let found = match mode {
        Mode::Look => find_temporaries(path),
        Mode::Mend => sweep_temporaries(path),
    };
    match found {
        Ok(found) => {
            for path in found {
                let finding = Finding::problem(TEMPORARY, &path, TEMPORARY_MESSAGE);
                report.add(finding.fixed(mode == Mode::Mend));
            }
        }
        Err(err) => report.add(Finding::problem(TEMPORARY, path, chain(&err))),
    }
}

fn commits(path: &Path, mode: Mode, report: &mut Report) -> Result<(), String> {
    let find = || find_leftovers(path).map_err(|err| chain(&err));
    let mut found = find()?;
    if found.iter().any(|path| !is_rescued(path)) {
        thread::sleep(SECOND_LOOK_AFTER);
        let again = find()?;
        found.retain(|path| again.contains(path));
    }
    if mode == Mode::Mend && found.iter().any(|path| !is_rescued(path)) {
        let swept = sweep(path).map_err(|err| chain(&err))?;
        for removed in &swept.removed {
            report.add(Finding::problem(TEMPORARY, removed, TEMPORARY_MESSAGE).fixed(true));
        }
        for restored in &swept.restored {
            let message = "has again the version that a dead writer had displaced";
            report.add(Finding::problem(RESCUED, restored, message).fixed(true));
        }
        found = find()?;
    }
    for path in found {
        report.add(if is_rescued(&path) {
            Finding::problem(RESCUED, &path, RESCUED_MESSAGE)
        } else {
            Finding::problem(TEMPORARY, &path, TEMPORARY_MESSAGE)
        });
    }
    Ok(())
}

fn is_rescued(path: &Path) -> bool {
    path.file_name().is_some_and(is_rescued_name)
}
