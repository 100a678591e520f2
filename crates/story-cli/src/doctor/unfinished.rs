//! Transactions over several stories, or over several state files, that were decided and cut off.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use sidecar_lock::LockOptions;
use state_file::PENDING_FOLDER;

use super::Mode;
use super::folders::Folder;
use super::report::{Finding, Report};
use crate::settings::Settings;
use crate::transaction::chain;

const CHECK: &str = "transaction";
const MESSAGE: &str =
    "is to be changed by a transaction whose process died; its next update does that";
const FINISHED: &str = "has what a transaction had decided whose process died";
const ASIDE: &str = "what a transaction wanted a file to be, which somebody else had changed the same way; compare it with the file and remove it by hand";

/// A living transaction is carried out within milliseconds; what waits for longer was cut off. Chosen.
const SECOND_LOOK_AFTER: Duration = Duration::from_millis(100);

/// What is known of the transactions of a place.
trait Transactions {
    /// The files of each that is not finished.
    fn unfinished(&self) -> Result<Vec<Vec<PathBuf>>, String>;
    /// Finishes them; the files that were changed.
    fn finish(&self, options: &LockOptions) -> Result<Vec<PathBuf>, String>;
    /// What was kept for a person.
    fn set_aside(&self) -> Result<Vec<PathBuf>, String>;
}

/// Those over stories, in an sdlc root.
struct OfStories<'a>(&'a Path);

impl Transactions for OfStories<'_> {
    fn unfinished(&self) -> Result<Vec<Vec<PathBuf>>, String> {
        let found = story::unfinished(self.0).map_err(|err| chain(&err))?;
        Ok(found.into_iter().map(|one| one.stories).collect())
    }

    fn finish(&self, options: &LockOptions) -> Result<Vec<PathBuf>, String> {
        let warnings = story::finish_all(self.0, options).map_err(|err| chain(&err))?;
        let finished = warnings.into_iter().filter_map(|warning| match warning {
            story::Warning::File(warning) => finished_file(warning),
            _ => None,
        });
        Ok(finished.collect())
    }

    fn set_aside(&self) -> Result<Vec<PathBuf>, String> {
        story::set_aside(self.0).map_err(|err| chain(&err))
    }
}

/// Those over state files, in a folder.
struct OfStateFiles<'a>(&'a Path);

impl Transactions for OfStateFiles<'_> {
    fn unfinished(&self) -> Result<Vec<Vec<PathBuf>>, String> {
        let found = state_file::unfinished(self.0).map_err(|err| chain(&err))?;
        Ok(found.into_iter().map(|one| one.files).collect())
    }

    fn finish(&self, options: &LockOptions) -> Result<Vec<PathBuf>, String> {
        let warnings = state_file::finish_all(self.0, options).map_err(|err| chain(&err))?;
        Ok(warnings.into_iter().filter_map(finished_file).collect())
    }

    fn set_aside(&self) -> Result<Vec<PathBuf>, String> {
        state_file::set_aside(self.0).map_err(|err| chain(&err))
    }
}

fn finished_file(warning: state_file::Warning) -> Option<PathBuf> {
    match warning {
        state_file::Warning::Finished { path } => Some(path),
        _ => None,
    }
}

/// Looks for those over stories in the sdlc root, and for those over state files in all folders that are looked at.
pub fn check(
    root: &Path,
    folders: &[Folder],
    mode: Mode,
    settings: &Settings,
    report: &mut Report,
) {
    if let Err(reason) = look(&OfStories(root), mode, settings, report) {
        report.add(Finding::problem(CHECK, root, reason));
    }
    for Folder { path, .. } in folders {
        if !path.join(PENDING_FOLDER).exists() {
            continue;
        }
        if let Err(reason) = look(&OfStateFiles(path), mode, settings, report) {
            report.add(Finding::problem(CHECK, path, reason));
        }
    }
}

fn look(
    transactions: &dyn Transactions,
    mode: Mode,
    settings: &Settings,
    report: &mut Report,
) -> Result<(), String> {
    let mut found = transactions.unfinished()?;
    if !found.is_empty() {
        thread::sleep(SECOND_LOOK_AFTER);
        let again = transactions.unfinished()?;
        found.retain(|transaction| again.contains(transaction));
    }
    if mode == Mode::Mend && !found.is_empty() {
        let options = settings.lock_options("story doctor --fix");
        for path in transactions.finish(&options)? {
            report.add(Finding::problem(CHECK, &path, FINISHED).fixed(true));
        }
        found = transactions.unfinished()?;
    }
    for file in found.iter().flatten() {
        report.add(Finding::problem(CHECK, file, MESSAGE));
    }
    for kept in transactions.set_aside()? {
        report.add(Finding::problem(CHECK, &kept, ASIDE));
    }
    Ok(())
}
