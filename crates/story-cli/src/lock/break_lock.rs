//! `story lock break`: removes the one lock that a token names.

use sidecar_lock::{Force, SidecarLock};

use super::clean_up_after_the_dead;
use crate::args::LockBreakArgs;
use crate::failure::Failure;
use crate::json;
use crate::output::{Output, write_json};
use crate::places::Target;
use crate::settings::Settings;

/// Breaks the lock; a live owner's only when told twice.
///
/// # Errors
///
/// `EREFUSED` while its owner lives, `ECONFLICT` when it is another lock by now, `ENOTFOUND` when there is none.
pub fn run(args: &LockBreakArgs, settings: &Settings, output: &Output) -> Result<(), Failure> {
    let target = Target::of_resource(&args.path, settings)?;
    let force = if args.force && args.yes_the_owner_is_alive {
        Force::EvenIfAlive
    } else {
        Force::IfDead
    };
    let lock = SidecarLock::new(&target.path).map_err(|err| {
        Failure::from_acquire(err, settings.timeout).about("break the lock of", &target)
    })?;
    // Before the lock goes: it is the only sign of what its owner may have left half done.
    clean_up_after_the_dead(lock.resource(), output);
    lock.break_with_token(&args.token, force)
        .map_err(|err| Failure::from_break(&err).about("break the lock of", &target))?;
    output.note(&format!("{}: the lock is removed", target.name()));
    if output.is_json() {
        let mut result = json::success_of(target.id.as_deref(), lock.resource());
        result.insert("state".to_owned(), "broken".into());
        result.insert("token".to_owned(), args.token.clone().into());
        write_json(result).map_err(|failure| failure.after_commit(&target))?;
    }
    Ok(())
}
