//! `story lock` and `story with`: looking at locks, holding them, running commands under them, breaking them.

pub mod break_lock;
pub mod hold;
pub mod run;
pub mod status;
pub mod with;

use atomic_file::Resolved;
use locked_file::together::FinishError;
use sidecar_lock::{LockGuard, LockOptions, ReleaseError, SidecarLock};

use crate::failure::{Code, Failure};
use crate::failure_sources::NESTED_HINT;
use crate::output::Output;
use crate::places::Target;
use crate::settings::Settings;
use crate::transaction::{chain, inherited_token, took_over_text};

/// Takes the lock of a target for a command that holds it for long.
///
/// # Errors
///
/// `ENESTED` at once when a parent process holds it for us: waiting for it would be waiting for ourselves.
fn acquire(
    target: &Target,
    options: &LockOptions,
    settings: &Settings,
    output: &Output,
) -> Result<LockGuard, Failure> {
    let inherited =
        inherited_token(&target.path, settings).map_err(|failure| failure.about("lock", target))?;
    if inherited.is_some() {
        return Err(Failure::new(Code::Nested, "")
            .cause(format!(
                "a parent process holds the lock of {} for this one",
                target.path.display()
            ))
            .hint(NESTED_HINT)
            .about("lock", target));
    }
    take(target, options, settings, output).map_err(|failure| failure.about("lock", target))
}

/// Takes the lock of a target, cleans up where its last owner died, and finishes what a dead process had decided of it.
///
/// # Errors
///
/// As `SidecarLock::acquire`; and when what was decided cannot be finished.
pub fn take(
    target: &Target,
    options: &LockOptions,
    settings: &Settings,
    output: &Output,
) -> Result<LockGuard, Failure> {
    let guard = SidecarLock::new(&target.path)
        .and_then(|lock| lock.acquire(options))
        .map_err(|err| Failure::from_acquire(err, settings.timeout))?;
    if let Some(took_over) = guard.took_over() {
        output.warning(&took_over_text(took_over));
        clean_up_after_the_dead(&guard, output);
    }
    let finished = finish(&guard, options)
        .map_err(|err| Failure::from_update(err.into(), settings.timeout))?;
    for warning in &finished {
        output.warning(&chain(warning));
    }
    Ok(guard)
}

/// A story or a state file may be one of several that a dead process had decided to change: who works under the lock must not
/// begin with what was there before.
///
/// # Errors
///
/// [`FinishError`]: the file must not be worked on before it is finished.
pub fn finish(
    guard: &LockGuard,
    options: &LockOptions,
) -> Result<Vec<locked_file::Warning>, FinishError> {
    let mut finished = story::finish_under(guard, options)?;
    finished.extend(state_file::finish_under(guard, options)?);
    Ok(finished)
}

/// The lock of a dead owner is the only sign that it may have left a half-done commit; this acquisition has wiped it out.
fn clean_up_after_the_dead(guard: &LockGuard, output: &Output) {
    if let Err(err) = guard.sweep_temporaries() {
        output.warning(&chain(&err));
    }
    let resolved = Resolved {
        path: guard.resource(),
        folder: guard.folder(),
    };
    sweep_commits(resolved, output);
}

/// Clears away what writers of one file that died have left half done, and says what came back.
fn sweep_commits(file: Resolved<'_>, output: &Output) {
    let resource = file.path;
    match atomic_file::sweep_beside(file) {
        Ok(swept) => {
            for path in &swept.restored {
                let path = path.display();
                output.warning(&format!(
                    "{path} is again the version that a dead writer had displaced"
                ));
            }
            for path in &swept.rescued {
                output.warning(&format!(
                    "another version of {} was kept as {}",
                    resource.display(),
                    path.display()
                ));
            }
        }
        // What is guarded need not exist; then nobody has committed to it.
        Err(_) if !resource.exists() => {}
        Err(err) => output.warning(&chain(&err)),
    }
}

/// What a release says that went wrong.
fn release_failure(err: &ReleaseError, target: &Target) -> Failure {
    let code = match err {
        ReleaseError::Lost(_) => Code::Lost,
        _ => Code::Io,
    };
    Failure::new(code, "")
        .cause(chain(err))
        .about("hold the lock of", target)
}
