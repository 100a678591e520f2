//! The old global checkpoint becomes that of its story: under both locks, at most once, and nothing is lost on the way.

use std::error::Error;
use std::path::{Path, PathBuf};

use atomic_file::{CommitOptions, Original, ReadError as FileError};
use locked_file::{Warning as FileWarning, locked_by};
use sidecar_lock::{LockGuard, SidecarLock};

use crate::beside::{Next, UpdatedBeside, update_beside};
use crate::moment::Moment;
use crate::operation_error::OperationError;
use crate::read::{MAX_STORY_BYTES, ReadError};
use crate::sanitise;
use crate::update::UpdateOptions;
use crate::update_error::{UpdateError, Warning};
use crate::workflow_state::{FILE_NAME, StateError, WorkflowState};

/// What a migration did.
#[derive(Debug)]
pub struct Migrated {
    /// The story's checkpoint.
    pub path: PathBuf,
    /// Whether it was written; it stays if it is of the same run and not older.
    pub written: bool,
    /// What else is worth telling.
    pub warnings: Vec<Warning>,
}

/// The path of the global checkpoint.
pub fn global_path(sdlc_root: &Path) -> PathBuf {
    sdlc_root.join(FILE_NAME)
}

/// Reads the id of the story that the global checkpoint is about, without a lock; `None` when there is no such file.
///
/// # Errors
///
/// [`UpdateError::Read`], and [`UpdateError::Edit`] with what [`StateError`] says: invalid, running, no story, unsafe id.
pub fn story_of_global<E: Error + From<OperationError> + 'static>(
    sdlc_root: &Path,
) -> Result<Option<String>, UpdateError<E>> {
    match atomic_file::read(&global_path(sdlc_root), MAX_STORY_BYTES) {
        Ok(bytes) => {
            let global = WorkflowState::parse(&bytes).map_err(edit)?;
            movable(&global).map(|id| Some(id.to_owned())).map_err(edit)
        }
        Err(FileError::NotFound { .. }) => Ok(None),
        Err(err) => Err(UpdateError::Read(err.into())),
    }
}

/// Moves the global checkpoint to `story`, the file of the story `id`: writes the story's checkpoint under the story's lock,
/// then removes the global one; `None` when that is gone. Repeating it after a crash at any moment completes it.
///
/// `before_commit` is asked before each of the two steps, and may refuse.
///
/// # Errors
///
/// The global checkpoint is kept in each case.
///
/// - [`UpdateError::Edit`]: what `before_commit` returned, or [`StateError`]: an action is running, the story of the global
///   checkpoint is none or another by now, the story has a checkpoint that is invalid or of another run.
/// - Those of [`update`](crate::update()), for either file.
pub fn migrate<E: Error + From<OperationError> + 'static>(
    sdlc_root: &Path,
    id: &str,
    story: &Path,
    options: &UpdateOptions,
    mut before_commit: impl FnMut() -> Result<(), E>,
) -> Result<Option<Migrated>, UpdateError<E>> {
    let lock = SidecarLock::new(global_path(sdlc_root)).map_err(UpdateError::Lock)?;
    let guard = lock.acquire(&options.lock).map_err(UpdateError::Lock)?;
    let original = match Original::read_resolved(locked_by(&guard), MAX_STORY_BYTES) {
        Ok(original) => original,
        Err(FileError::NotFound { .. }) => return Ok(None),
        Err(err) => return Err(UpdateError::Read(ReadError::File(err))),
    };
    let global = WorkflowState::parse(original.bytes()).map_err(edit)?;
    let found = movable(&global).map_err(edit)?;
    if found != id {
        return Err(edit(StateError::OtherStory {
            found: found.to_owned(),
            wanted: id.to_owned(),
        }));
    }
    let updated = update_beside(story, FILE_NAME, options, |found| {
        before_commit()?;
        let next = moved(&global, found.contents).map_err(OperationError::from)?;
        Ok(((), next))
    })?;
    before_commit().map_err(UpdateError::Edit)?;
    finish(guard, original, updated, options).map(Some)
}

/// Removes the global checkpoint: the story's is in place.
fn finish<E: Error + 'static>(
    guard: LockGuard,
    original: Original,
    updated: UpdatedBeside<()>,
    options: &UpdateOptions,
) -> Result<Migrated, UpdateError<E>> {
    let commit = CommitOptions {
        durability: options.durability,
        hard_links: options.hard_links,
    };
    let path = original.path().to_path_buf();
    guard
        .verify()
        .map_err(|source| UpdateError::LockLost { path, source })?;
    let removed = original.remove(&commit).map_err(UpdateError::Commit)?;
    let mut warnings = updated.warnings;
    let removed = removed.warnings.into_iter().map(FileWarning::Commit);
    let released = guard.release().err().map(FileWarning::Release);
    warnings.extend(removed.chain(released).map(Warning::File));
    Ok(Migrated {
        path: updated.path,
        written: updated.changed,
        warnings,
    })
}

fn edit<E: Error + From<OperationError> + 'static>(err: StateError) -> UpdateError<E> {
    UpdateError::Edit(OperationError::from(err).into())
}

/// The story of a global checkpoint that may be moved.
fn movable(global: &WorkflowState) -> Result<&str, StateError> {
    global.check_idle()?;
    let id = global.story_id().ok_or(StateError::NoStory)?;
    match sanitise::check_new_id(id) {
        Ok(()) => Ok(id),
        Err(_) => Err(StateError::UnsafeId { id: id.to_owned() }),
    }
}

/// What becomes of the story's checkpoint.
fn moved(global: &WorkflowState, target: Option<&[u8]>) -> Result<Next, StateError> {
    let Some(target) = target else {
        return Ok(Next::Written(global.as_str().into()));
    };
    let target = WorkflowState::parse(target).map_err(|source| StateError::BadTarget {
        source: Box::new(source),
    })?;
    target.check_workflow(global.workflow_id())?;
    Ok(if is_newer(global, &target) {
        Next::Written(global.as_str().into())
    } else {
        Next::Kept
    })
}

/// Whether a checkpoint of the same run was written later. The story's own counts where that cannot be told, and while it
/// says that an action is running.
fn is_newer(global: &WorkflowState, target: &WorkflowState) -> bool {
    let written_at = |state: &WorkflowState| {
        let timestamp = state.value().get("timestamp")?.as_str()?;
        Moment::parse(timestamp)
    };
    let is_later = match (written_at(global), written_at(target)) {
        (Some(global), Some(target)) => global > target,
        _ => false,
    };
    is_later && target.check_idle().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(id: &str, story: &str, minute: u8, running: &str) -> String {
        format!(
            "{{\"version\": \"1.0\", \"workflowId\": \"{id}\", \"timestamp\": \"2026-03-04T05:{minute:02}:00.000Z\", \
             \"currentAction\": {running}, \"completedActions\": [], \
             \"context\": {{\"sdlcRoot\": \"/p\", \"options\": {{\"story\": \"{story}\"}}}}}}"
        )
    }

    fn state(text: &str) -> WorkflowState {
        WorkflowState::parse(text.as_bytes()).expect("a checkpoint")
    }

    #[test]
    fn movable_is_what_rests_and_names_a_safe_story() {
        let running = "{\"type\": \"plan\"}";
        assert_eq!(
            movable(&state(&text("w", "S-1", 0, "null"))),
            Ok("S-1"),
            "it rests"
        );
        let global = state(&text("w", "S-1", 0, running));
        let refused = movable(&global);
        assert!(
            matches!(refused, Err(StateError::Running { .. })),
            "it runs: {refused:?}"
        );
        let global = state(&text("w", "", 0, "null"));
        let refused = movable(&global);
        assert_eq!(refused, Err(StateError::NoStory), "no story");
        for id in ["..", "a/b", "../S-1", "S 1", "a;b", "/etc"] {
            let global = state(&text("w", id, 0, "null"));
            let refused = movable(&global);
            assert!(
                matches!(refused, Err(StateError::UnsafeId { .. })),
                "{id}: {refused:?}"
            );
        }
    }

    #[test]
    fn moved_loses_neither_checkpoint() {
        let global_text = text("w", "S-1", 30, "null");
        let global = state(&global_text);
        let written = || Ok(Next::Written(global_text.clone().into_bytes()));
        assert_eq!(moved(&global, None), written(), "there was none");
        let table = [
            (text("w", "S-1", 29, "null"), written()),
            (text("w", "S-1", 30, "null"), Ok(Next::Kept)),
            (text("w", "S-1", 31, "null"), Ok(Next::Kept)),
            (text("w", "S-1", 29, "{\"type\": \"plan\"}"), Ok(Next::Kept)),
        ];
        for (target, expected) in table {
            assert_eq!(
                moved(&global, Some(target.as_bytes())),
                expected,
                "onto {target}"
            );
        }
        let refused = moved(&global, Some(text("v", "S-1", 0, "null").as_bytes()));
        assert!(
            matches!(refused, Err(StateError::OtherWorkflow { .. })),
            "another run: {refused:?}"
        );
        let refused = moved(&global, Some(b"{"));
        assert!(
            matches!(refused, Err(StateError::BadTarget { .. })),
            "no checkpoint: {refused:?}"
        );
    }
}
