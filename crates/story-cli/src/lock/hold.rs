//! `story lock hold`: holds until standard input closes.

use std::io;

use serde_json::json;

use super::{acquire, release_failure};
use crate::args::LockHoldArgs;
use crate::failure::{Code, Failure};
use crate::json;
use crate::output::{Output, write_json};
use crate::places::Target;
use crate::settings::Settings;
use crate::signals;

/// Prints READY once the lock is held, releases it at the end of standard input, and returns the exit code.
///
/// # Errors
///
/// When the lock is not acquired, nobody could be told, or it was lost meanwhile.
pub fn run(args: &LockHoldArgs, settings: &Settings, output: &Output) -> Result<u8, Failure> {
    let target = Target::of_resource(&args.path, settings)?;
    signals::watch();
    let options = settings.lock_options("story lock hold");
    let guard = acquire(&target, &options, settings, output)?;
    if output.is_json() {
        let mut result = json::success_of(target.id.as_deref(), guard.resource());
        result.insert("state".to_owned(), "ready".into());
        result.insert("holder".to_owned(), json!(guard.holder()));
        write_json(result)?;
    } else {
        output.data(b"READY\n")?;
    }
    let read = io::copy(&mut io::stdin().lock(), &mut io::sink());
    // Both may come at once: whoever sends a signal and then closes our input wants to see the signal.
    let exit = signals::pending().unwrap_or(0);
    // A signal during the release waits for its end; the exit code tells of it.
    signals::begin_end();
    guard
        .release()
        .map_err(|err| release_failure(&err, &target))?;
    read.map(|_| exit)
        .map_err(|err| Failure::new(Code::Io, "cannot read standard input").cause(err.to_string()))
}
