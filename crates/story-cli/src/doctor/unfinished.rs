//! Transactions over several stories that were decided and cut off.

use std::path::Path;
use std::thread;
use std::time::Duration;

use locked_file::Warning as FileWarning;
use story::{Unfinished, Warning};

use super::Mode;
use super::report::{Finding, Report};
use crate::settings::Settings;
use crate::transaction::chain;

const CHECK: &str = "transaction";
const MESSAGE: &str =
    "is to be changed by a transaction whose process died; its next update does that";
const ASIDE: &str = "what a transaction wanted a story to be, which somebody else had changed the same way; compare it with the story and remove it by hand";

/// A living transaction is carried out within milliseconds; what waits for longer was cut off. Chosen.
const SECOND_LOOK_AFTER: Duration = Duration::from_millis(100);

/// Looks for them in the sdlc root.
pub fn check(root: &Path, mode: Mode, settings: &Settings, report: &mut Report) {
    if let Err(reason) = look(root, mode, settings, report) {
        report.add(Finding::problem(CHECK, root, reason));
    }
}

fn look(root: &Path, mode: Mode, settings: &Settings, report: &mut Report) -> Result<(), String> {
    let find = || story::unfinished(root).map_err(|err| chain(&err));
    let mut found = find()?;
    if !found.is_empty() {
        thread::sleep(SECOND_LOOK_AFTER);
        let again = find()?;
        found.retain(|transaction| again.contains(transaction));
    }
    if mode == Mode::Mend && !found.is_empty() {
        let options = settings.lock_options("story doctor --fix");
        let warnings = story::finish_all(root, &options).map_err(|err| chain(&err))?;
        for warning in &warnings {
            if let Warning::File(FileWarning::Finished { path }) = warning {
                report.add(Finding::problem(CHECK, path, chain(warning)).fixed(true));
            }
        }
        found = find()?;
    }
    for story in found.iter().flat_map(|Unfinished { stories, .. }| stories) {
        report.add(Finding::problem(CHECK, story, MESSAGE));
    }
    for kept in story::set_aside(root).map_err(|err| chain(&err))? {
        report.add(Finding::problem(CHECK, &kept, ASIDE));
    }
    Ok(())
}
