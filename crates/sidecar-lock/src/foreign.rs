//! Locks of other tools at a sidecar's place: what they are and how old they look.

use std::fmt;
use std::time::{Duration, Instant, SystemTime};

use crate::stale::{Evidence, Limits, Verdict, verdict};
use crate::sys::{self, Look};

/// A lock that another tool made: nothing proves that its owner lives but its age.
#[derive(Debug, Clone, PartialEq)]
pub struct ForeignLock {
    /// What it is.
    pub kind: ForeignKind,
    /// How long ago it was last touched; zero when its time lies in the future.
    pub age: Duration,
    /// When it can be taken over, if nobody touches it; zero: the next look may do so.
    pub stale_in: Duration,
    /// Names this one lock for [`crate::SidecarLock::break_with_token`].
    pub token: String,
    /// What its file says, up to 4 KiB, where [`crate::SidecarLock::inspect`] found it; other calls do not look.
    pub text: Option<Vec<u8>>,
}

/// The kinds of locks that other tools make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForeignKind {
    /// A file without our record, as `O_EXCL` scripts make it.
    File,
    /// An empty directory, as the npm package proper-lockfile makes it.
    Directory,
}

impl fmt::Display for ForeignLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            ForeignKind::File => "a lock file",
            ForeignKind::Directory => "a lock directory",
        };
        write!(
            f,
            "{kind} of another tool, last touched {} ms ago",
            self.age.as_millis()
        )?;
        if self.stale_in.is_zero() {
            write!(f, ", stale")
        } else {
            write!(
                f,
                ", stale in {} ms unless it is touched",
                self.stale_in.as_millis()
            )
        }
    }
}

/// One waiter's memory of a foreign lock: since when it has looked the same.
#[derive(Debug, Default)]
pub(crate) struct Observation {
    seen: Option<(sys::FileId, Option<SystemTime>, Instant)>,
}

impl Observation {
    /// Looks at the lock and judges it; the clock starts over whenever it changed.
    pub(crate) fn judge(
        &mut self,
        look: &Look,
        kind: ForeignKind,
        limits: Limits,
    ) -> (ForeignLock, Verdict) {
        let now = Instant::now();
        let since = match self.seen {
            Some((id, modified, since)) if id == look.id && modified == look.modified => since,
            _ => {
                self.seen = Some((look.id, look.modified, now));
                now
            }
        };
        let wall_age = look.modified.and_then(|modified| modified.elapsed().ok());
        let evidence = Evidence {
            wall_age,
            unchanged_for: now.duration_since(since),
            before_boot: before_boot(look.modified),
        };
        let verdict = verdict(evidence, limits);
        let stale_in = match verdict {
            Verdict::Alive { stale_in } => stale_in,
            Verdict::Stale => Duration::ZERO,
        };
        let lock = ForeignLock {
            kind,
            age: wall_age.unwrap_or_default(),
            stale_in,
            token: token(look),
            text: None,
        };
        (lock, verdict)
    }
}

/// The clock may have been set while the machine ran: only what is clearly older than the boot counts.
const BOOT_MARGIN: Duration = Duration::from_secs(10);

fn before_boot(modified: Option<SystemTime>) -> bool {
    let (Some(modified), Some(up)) = (modified, sys::since_boot()) else {
        return false;
    };
    modified
        .elapsed()
        .is_ok_and(|age| age > up.saturating_add(BOOT_MARGIN))
}

/// Names a lock that has no record: its identity and its last touch.
pub(crate) fn token(look: &Look) -> String {
    let touched = look
        .modified
        .and_then(|modified| modified.duration_since(SystemTime::UNIX_EPOCH).ok())
        .map_or(0, |since| since.as_nanos());
    format!("{:x}-{:x}-{touched:x}", look.id.device, look.id.inode)
}
