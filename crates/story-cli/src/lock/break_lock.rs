//! `story lock break`: removes the one lock that a token names.

use atomic_file::Resolved;
use sidecar_lock::{Force, SidecarLock};

use super::sweep_commits;
use crate::args::LockBreakArgs;
use crate::failure::Failure;
use crate::json;
use crate::output::{Output, write_json};
use crate::places::Target;
use crate::settings::Settings;
use crate::transaction::chain;

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
    if let Err(err) = lock.sweep_temporaries() {
        output.warning(&chain(&err));
    }
    let resolved = Resolved {
        path: lock.resource(),
        folder: None,
    };
    sweep_commits(resolved, output);
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
