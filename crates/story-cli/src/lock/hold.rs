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

/// Prints READY once the lock is held and releases it at the end of standard input.
///
/// # Errors
///
/// When the lock is not acquired, nobody could be told, or it was lost meanwhile.
pub fn run(args: &LockHoldArgs, settings: &Settings, output: &Output) -> Result<(), Failure> {
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
    guard
        .release()
        .map_err(|err| release_failure(&err, &target))?;
    read.map(drop)
        .map_err(|err| Failure::new(Code::Io, "cannot read standard input").cause(err.to_string()))
}
