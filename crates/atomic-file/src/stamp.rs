//! What identifies one version of one file, and when that is not enough; pure.

use std::time::Duration;

/// Below this age a file may have been written again in the same tick of the kernel's clock (4 ms to 10 ms on the
/// kernels in use, doubled).
const TICK: Duration = Duration::from_millis(20);

/// The coarsest stamps in use: FAT keeps even seconds.
const COARSE: Duration = Duration::from_secs(2);

const NANOS: i128 = 1_000_000_000;

/// What kind of thing a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Regular,
    Directory,
    Symlink,
    Fifo,
    Socket,
    Device,
}

impl Kind {
    pub(crate) fn with_article(self) -> &'static str {
        match self {
            Self::Regular => "a regular file",
            Self::Directory => "a directory",
            Self::Symlink => "a symbolic link",
            Self::Fifo => "a FIFO",
            Self::Socket => "a socket",
            Self::Device => "a device",
        }
    }
}

/// What the system says about a file at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) kind: Kind,
    pub(crate) device: u64,
    pub(crate) inode: u64,
    pub(crate) size: u64,
    /// Last write, in nanoseconds since 1970.
    pub(crate) modified: i128,
    /// Last change of anything, in nanoseconds since 1970. A rename moves it.
    pub(crate) changed: i128,
    pub(crate) links: u64,
    pub(crate) mode: u32,
    pub(crate) owner: u32,
    pub(crate) group: u32,
}

impl Stamp {
    /// Whether this is the same file, with the same contents as far as stamps can tell.
    pub(crate) fn same_contents(&self, other: &Self) -> bool {
        self.kind == other.kind
            && self.device == other.device
            && self.inode == other.inode
            && self.size == other.size
            && self.modified == other.modified
    }

    /// Whether this is the same version of the same file; a rename of it in between is not noticed.
    ///
    /// Permissions, owner and number of names count: a `chmod` that came after the read would be undone by the commit.
    pub(crate) fn same_version(&self, other: &Self) -> bool {
        self.same_contents(other)
            && self.links == other.links
            && self.mode == other.mode
            && self.owner == other.owner
            && self.group == other.group
    }

    /// Whether nothing at all happened to the file, not even a rename.
    pub(crate) fn untouched(&self, other: &Self) -> bool {
        self.same_version(other) && self.changed == other.changed
    }

    /// Whether the file could have been written again without a new stamp, so that its bytes have to be compared.
    ///
    /// `now` is in nanoseconds since 1970. `fine_grained` tells whether the file system gives each write after a look
    /// a stamp of its own; it is asked only when the answer matters.
    pub(crate) fn is_ambiguous(&self, now: i128, fine_grained: impl FnOnce() -> bool) -> bool {
        let age = now - self.modified;
        let whole_seconds = self.modified.rem_euclid(NANOS) == 0;
        if whole_seconds {
            return age <= nanos(COARSE);
        }
        // A stamp from the future (a server's clock) says nothing about its age.
        age <= nanos(TICK) && !fine_grained()
    }
}

fn nanos(duration: Duration) -> i128 {
    i128::try_from(duration.as_nanos()).unwrap_or(i128::MAX)
}

/// Joins seconds and nanoseconds as the system gives them.
pub(crate) fn join_nanos(seconds: i64, nanoseconds: i64) -> i128 {
    i128::from(seconds) * NANOS + i128::from(nanoseconds)
}

#[cfg(test)]
mod tests {
    use super::{Kind, Stamp, join_nanos};

    const STAMP: Stamp = Stamp {
        kind: Kind::Regular,
        device: 1,
        inode: 2,
        size: 3,
        modified: 1_700_000_000_123_456_789,
        changed: 1_700_000_000_123_456_789,
        links: 1,
        mode: 0o644,
        owner: 1000,
        group: 1000,
    };

    #[test]
    fn same_version_differs_in_each_field_but_the_change_time() {
        let others = [
            Stamp {
                kind: Kind::Symlink,
                ..STAMP
            },
            Stamp { device: 9, ..STAMP },
            Stamp { inode: 9, ..STAMP },
            Stamp { size: 9, ..STAMP },
            Stamp {
                modified: 9,
                ..STAMP
            },
            Stamp { links: 2, ..STAMP },
            Stamp {
                mode: 0o600,
                ..STAMP
            },
            Stamp { owner: 0, ..STAMP },
            Stamp { group: 0, ..STAMP },
        ];
        for other in others {
            assert!(!STAMP.same_version(&other), "{other:?} is another version");
        }
        let renamed = Stamp {
            changed: 9,
            ..STAMP
        };
        assert!(STAMP.same_version(&renamed), "a rename keeps the version");
        assert!(!STAMP.untouched(&renamed), "a rename is a touch");
        assert!(STAMP.untouched(&STAMP), "a stamp equals itself");
    }

    #[test]
    fn is_ambiguous_asks_for_bytes_only_when_stamps_cannot_tell() {
        let ms = 1_000_000;
        let whole = Stamp {
            modified: 1_700_000_000_000_000_000,
            ..STAMP
        };
        let table = [
            (STAMP, 10 * ms, false, true, "young on a coarse clock"),
            (
                STAMP,
                10 * ms,
                true,
                false,
                "young, but each write has its own stamp",
            ),
            (STAMP, 21 * ms, false, false, "older than a tick"),
            (STAMP, -5 * ms, false, true, "from the future"),
            (
                whole,
                21 * ms,
                true,
                true,
                "whole seconds: FAT or a copied stamp",
            ),
            (
                whole,
                2_001 * ms,
                false,
                false,
                "whole seconds, but old enough",
            ),
        ];
        for (stamp, age, fine, expected, why) in table {
            let now = stamp.modified + age;
            assert_eq!(stamp.is_ambiguous(now, || fine), expected, "{why}");
        }
    }

    #[test]
    fn join_nanos_keeps_order_before_1970() {
        assert!(
            join_nanos(-1, 999_999_999) < join_nanos(0, 0),
            "stamps before 1970 stay before it"
        );
    }
}
