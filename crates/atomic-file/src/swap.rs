//! Giving back what a swap of names has displaced, whoever else is at work.

use std::ffi::{OsStr, OsString};
use std::io;

use crate::name::{Mark, rescued};
use crate::stamp::Stamp;
use crate::sys::{Directory, Exchange};

/// How often two others may get in between before we stop following them. Each round needs a write by somebody else
/// within microseconds.
const ROUNDS: usize = 16;

/// Where a displaced version is now.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It has its name again; our own version is gone.
    GivenBack,
    /// It, or a version that was overtaken meanwhile, is kept under this name.
    Rescued(OsString),
}

/// Undoes a swap: `displaced`, now called `temporary`, gets `name` back in exchange for `put`, our own version.
///
/// When somebody else wrote in between, the newest version keeps the name and the older one is kept beside it.
/// Nothing but our own, unedited version is ever deleted.
pub(crate) fn give_back(
    directory: &Directory,
    temporary: &OsStr,
    name: &OsStr,
    put: Mark,
    displaced: &Stamp,
) -> io::Result<Outcome> {
    let mut is_ours = true;
    let mut put = put;
    let mut displaced = Mark::of(displaced);
    for _ in 0..ROUNDS {
        match directory.exchange(temporary, name) {
            Ok(Exchange::Done) => {}
            Ok(Exchange::Unsupported) => break,
            // The story was removed in between: what was displaced must not come back, nor get lost.
            Err(err) if err.kind() == io::ErrorKind::NotFound => break,
            Err(err) => {
                tracing::warn!(%err, "cannot give a displaced file its name back");
                break;
            }
        }
        let returned = directory.stamp(temporary)?;
        if put.fits(&returned) {
            if is_ours {
                directory.remove(temporary)?;
                return Ok(Outcome::GivenBack);
            }
            break;
        }
        // Somebody replaced what we had put there: theirs is the newest and gets the name.
        is_ours = false;
        put = displaced;
        displaced = Mark::of(&returned);
    }
    rescue(directory, temporary, name).map(Outcome::Rescued)
}

/// Keeps somebody's version under a name that no sweep touches, and returns that name.
pub(crate) fn rescue(
    directory: &Directory,
    temporary: &OsStr,
    name: &OsStr,
) -> io::Result<OsString> {
    let kept = rescued(name);
    match directory.rename_new(temporary, &kept) {
        Ok(()) => Ok(kept),
        Err(err) if err.kind() == io::ErrorKind::NotFound => Err(err),
        Err(err) => {
            // It stays where it is: its name tells a sweep that it is not ours to delete.
            tracing::warn!(%err, "cannot rename a rescued file");
            Ok(temporary.to_owned())
        }
    }
}
