//! Looking at a lock without taking it.

use std::io;
use std::time::Duration;

use crate::error::{InspectError, Obstruction};
use crate::foreign::{ForeignKind, ForeignLock, Observation};
use crate::holder::Holder;
use crate::lock::SidecarLock;
use crate::record::{self, Contents};
use crate::stale::Limits;
use crate::sys::{self, Kind, Look, Name};

/// What a lock looked like at one moment.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum LockState {
    /// Nobody holds it.
    Free,
    /// A live owner holds it.
    Held(Box<Holder>),
    /// A live owner holds it whose record cannot be read (a later version, or being written).
    HeldUnreadable,
    /// Its owner died; the next acquisition takes it over at once.
    Leftover(Box<Holder>),
    /// The same, but the record cannot be read.
    LeftoverUnreadable,
    /// Another tool's lock.
    Foreign(ForeignLock),
    /// No lock, but nothing else may stand there either.
    Obstructed(Obstruction),
}

impl LockState {
    /// What names this lock for [`SidecarLock::break_with_token`]; `None` where there is nothing to break.
    pub fn token(&self) -> Option<&str> {
        match self {
            Self::Held(holder) | Self::Leftover(holder) => Some(&holder.token),
            Self::Foreign(foreign) => Some(&foreign.token),
            _ => None,
        }
    }
}

/// How many stale handles in a row are a lock that changes hands, and not a server that has forgotten the folder (chosen).
const STALE_LOOKS: u32 = 16;

/// Other tools write a number, or a small JSON object (chosen, generous).
const LONGEST_FOREIGN_TEXT: usize = 4096;

pub(crate) fn inspect(
    lock: &SidecarLock,
    stale_after: Duration,
) -> Result<LockState, InspectError> {
    let mut stale_looks = 0;
    loop {
        match try_inspect(lock, stale_after) {
            Ok(Some(state)) => return Ok(state),
            // On NFS: another machine has removed it between two steps.
            Err(err)
                if err.kind() == io::ErrorKind::StaleNetworkFileHandle
                    && stale_looks < STALE_LOOKS =>
            {
                stale_looks += 1;
            }
            // It changed between two steps: look again.
            Ok(None) => {}
            Err(source) => {
                return Err(InspectError {
                    sidecar: lock.sidecar().to_path_buf(),
                    source,
                });
            }
        }
    }
}

fn try_inspect(lock: &SidecarLock, stale_after: Duration) -> io::Result<Option<LockState>> {
    let sidecar = match lock.open() {
        // Where there is no folder there is no lock.
        Err(err) if is_no_folder(&err) => return Ok(Some(LockState::Free)),
        opened => &opened?,
    };
    let Some(look) = sys::look(sidecar)? else {
        return Ok(Some(LockState::Free));
    };
    Ok(match look.kind {
        Kind::Symlink => Some(LockState::Obstructed(Obstruction::Symlink)),
        Kind::Special => Some(LockState::Obstructed(Obstruction::Special)),
        Kind::Directory => {
            let (folder, look) = match sys::open_folder(sidecar) {
                Err(err) if sys::is_other_kind(&err) => return Ok(None),
                opened => opened?,
            };
            Some(if sys::is_empty_folder(&folder, sidecar)? {
                LockState::Foreign(foreign(&look, ForeignKind::Directory, stale_after))
            } else {
                LockState::Obstructed(Obstruction::DirectoryWithContent)
            })
        }
        Kind::File => inspect_file(sidecar, stale_after)?,
    })
}

fn inspect_file(sidecar: &Name, stale_after: Duration) -> io::Result<Option<LockState>> {
    let (file, look) = match sys::open_existing(sidecar) {
        Err(err) if sys::is_other_kind(&err) => return Ok(None),
        opened => opened?,
    };
    if look.kind != Kind::File {
        return Ok(None);
    }
    // A shared lock, for a moment, and only when no owner has the exclusive one: two who look do not
    // meet, and who acquires at this moment merely looks again.
    let alive = !sys::try_lock_shared(&file)?;
    let head = sys::read_head(&file)?;
    if sys::look(sidecar)?.is_none_or(|now| now.id != look.id) {
        return Ok(None);
    }
    let state = match record::parse_of(&head, look.is_marked) {
        Contents::Ours(record) if alive => LockState::Held(Box::new(record.holder)),
        Contents::Ours(record) => LockState::Leftover(Box::new(record.holder)),
        _ if alive => LockState::HeldUnreadable,
        Contents::OursUnreadable => LockState::LeftoverUnreadable,
        Contents::NotOurs => LockState::Foreign(ForeignLock {
            text: Some(sys::read_start(&file, LONGEST_FOREIGN_TEXT)?),
            ..foreign(&look, ForeignKind::File, stale_after)
        }),
    };
    Ok(Some(state))
}

fn is_no_folder(err: &io::Error) -> bool {
    matches!(
        err.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

fn foreign(look: &Look, kind: ForeignKind, stale_after: Duration) -> ForeignLock {
    let limits = Limits {
        stale_after,
        timeout: stale_after,
    };
    Observation::default().judge(look, kind, limits).0
}
