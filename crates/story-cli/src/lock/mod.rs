//! `story lock`: looking at locks, holding them, running commands under them, breaking them.

pub mod break_lock;
pub mod hold;
pub mod run;
pub mod status;

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
    if inherited_token(&target.path, settings).is_some() {
        return Err(Failure::new(Code::Nested, "")
            .cause(format!(
                "a parent process holds the lock of {} for this one",
                target.path.display()
            ))
            .hint(NESTED_HINT)
            .about("lock", target));
    }
    let guard = SidecarLock::new(&target.path)
        .and_then(|lock| lock.acquire(options))
        .map_err(|err| Failure::from_acquire(err, settings.timeout).about("lock", target))?;
    if let Some(took_over) = guard.took_over() {
        output.warning(&took_over_text(took_over));
    }
    Ok(guard)
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
