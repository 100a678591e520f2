//! Whether locks work where the stories lie: tried out, for no list of file systems is complete.

use std::path::Path;

use sidecar_lock::{AcquireError, LockState, SidecarLock};

use super::mounts;
use super::report::{Finding, Report};
use crate::places::STORIES;
use crate::settings::Settings;
use crate::sys;
use crate::transaction::chain;

const CHECK: &str = "file-system";
/// What is locked for a trial. Always the same, so that what a killed doctor leaves is taken over by the next one.
pub const TRIAL: &str = ".story-doctor.md";

/// Takes a lock in the folder of stories, looks at it as another process would, and gives it back.
pub fn check(root: &Path, settings: &Settings, report: &mut Report) {
    let stories = root.join(STORIES);
    let folder = if stories.is_dir() { &stories } else { root };
    if let Some(name) = sys::doubtful_file_system(folder) {
        let message = format!(
            "{name} keeps locks only between those who use it in the same way, and waiting there is slower"
        );
        report.add(Finding::warning(CHECK, folder, message));
    }
    if keeps_locks_to_itself(folder) {
        let message = "locks here are seen by this machine only (mount option nolock or local_lock): programs on others are \
            not kept out; mount it without that option";
        report.add(Finding::problem(CHECK, folder, message));
    }
    if let Err(reason) = try_a_lock(folder, settings) {
        let message = format!("a lock for a trial does not work here: {reason}");
        report.add(Finding::problem(CHECK, folder, message));
    }
}

fn keeps_locks_to_itself(folder: &Path) -> bool {
    sys::mounts_and_device(folder).is_some_and(|(mounts, device)| {
        mounts::options_of(&mounts, &device).is_some_and(mounts::keeps_locks_to_itself)
    })
}

fn try_a_lock(folder: &Path, settings: &Settings) -> Result<(), String> {
    let lock = SidecarLock::new(folder.join(TRIAL)).map_err(|err| chain(&err))?;
    let guard = match lock.acquire(&settings.lock_options("story doctor")) {
        // Another doctor is at it: so locks work.
        Err(AcquireError::Contended { .. }) => return Ok(()),
        acquired => acquired.map_err(|err| chain(&err))?,
    };
    let state = lock
        .inspect(settings.stale_after())
        .map_err(|err| chain(&err))?;
    let is_seen = matches!(&state, LockState::Held(holder) if holder.token == guard.holder().token);
    guard.release().map_err(|err| chain(&err))?;
    if is_seen {
        Ok(())
    } else {
        Err("it is held, but others would take it for free".to_owned())
    }
}
