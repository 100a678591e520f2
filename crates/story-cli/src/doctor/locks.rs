//! Locks whose owner is gone, and things that stand where a lock belongs.
//!
//! Judged is only what carries our magic, and a directory, an empty file or an obstacle at the place of a story's or a
//! known state file's lock. All other `*.lock` files (`Cargo.lock`, leases of agents) are left alone, unopened if possible.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use sidecar_lock::{ForeignKind, LockState, SidecarLock};

use task_runner::STATE_LOCK_RESOURCE;

use super::Mode;
use super::file_system::TRIAL;
use super::folders::{Folder, Kind};
use super::report::{Finding, Report};
use crate::failure_sources::foreign_lock;
use crate::places::{STORY_FILE, is_missing};
use crate::settings::Settings;
use crate::sys;
use crate::transaction::chain;

const CHECK: &str = "lock";
/// How a sidecar of ours begins.
const MAGIC: &[u8] = b"\n{\"sidecar-lock\":";
/// State files that several programs write under a lock.
const STATE_FILES: [&str; 6] = [
    "tasks.json",
    "agent-performance-metrics.json",
    "state.json",
    ".workflow-state.json",
    ".ai-sdlc.json",
    ".gitignore",
];

/// Looks at the locks in one folder.
pub fn check(folder: &Folder, mode: Mode, settings: &Settings, report: &mut Report) {
    let entries = match sys::entries_of(&folder.path) {
        Ok(entries) => entries,
        Err(err) => {
            if !is_missing(&err) {
                let message = format!("its locks cannot be listed: {err}");
                report.add(Finding::problem(CHECK, &folder.path, message));
            }
            return;
        }
    };
    let is_sidecar = |path: &PathBuf| path.extension().is_some_and(|end| end == "lock");
    for sidecar in entries.into_iter().filter(is_sidecar) {
        let resource = sidecar.with_file_name(sidecar.file_stem().unwrap_or_default());
        // The trial of locks takes over what another one has left; the lock of a tree is judged with its tasks.
        let is_judged_elsewhere = |name| name == TRIAL || name == STATE_LOCK_RESOURCE;
        if resource.file_name().is_some_and(is_judged_elsewhere) {
            continue;
        }
        let is_known = is_known(&resource, folder.kind);
        if (is_known || is_ours(&sidecar))
            && let Some(finding) = judge(&sidecar, &resource, is_known, mode, settings)
        {
            report.add(finding);
        }
    }
}

fn is_known(resource: &Path, kind: Kind) -> bool {
    let name = resource.file_name().unwrap_or_default();
    let is_story = match kind {
        Kind::Story => name == STORY_FILE,
        Kind::Legacy => resource.extension().is_some_and(|end| end == "md"),
        Kind::State => false,
    };
    is_story || STATE_FILES.iter().any(|known| name == *known)
}

fn is_ours(sidecar: &Path) -> bool {
    // A FIFO is not even opened: that could wait for ever.
    if !fs::symlink_metadata(sidecar).is_ok_and(|metadata| metadata.is_file()) {
        return false;
    }
    let mut head = [0; MAGIC.len()];
    File::open(sidecar)
        .and_then(|mut file| file.read_exact(&mut head))
        .is_ok_and(|()| head == MAGIC)
}

fn judge(
    sidecar: &Path,
    resource: &Path,
    is_known: bool,
    mode: Mode,
    settings: &Settings,
) -> Option<Finding> {
    let stale_after = settings.stale_after();
    let problem = |message: String| Finding::problem(CHECK, sidecar, message);
    let state = SidecarLock::new(resource)
        .map_err(|err| chain(&err))
        .and_then(|lock| lock.inspect(stale_after).map_err(|err| chain(&err)));
    let message = match state {
        Err(reason) => return Some(problem(reason)),
        Ok(LockState::Leftover(holder)) => format!("left over by a dead process, {holder}"),
        Ok(LockState::LeftoverUnreadable) => "left over by a dead process".to_owned(),
        Ok(LockState::Foreign(foreign)) if foreign.age > stale_after => {
            let is_empty = foreign.kind == ForeignKind::Directory
                || fs::symlink_metadata(sidecar).is_ok_and(|metadata| metadata.len() == 0);
            if !(is_known && is_empty) {
                return None;
            }
            foreign_lock(&foreign)
        }
        Ok(LockState::Obstructed(what)) if is_known => {
            return Some(problem(format!(
                "{what} stands where a lock belongs; look at it and remove it by hand"
            )));
        }
        Ok(_) => return None,
    };
    let removed = mode == Mode::Mend
        && SidecarLock::new(resource)
            .and_then(|lock| lock.remove_leftover(stale_after))
            .is_ok_and(|removed| removed.is_some());
    Some(problem(message).fixed(removed))
}
