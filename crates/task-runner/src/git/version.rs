//! Which git it is. Pure.

use super::error::GitError;

/// The first that reads the list of paths from its input everywhere we do, and knows `--show-current`.
const OLDEST: (u32, u32) = (2, 22);

/// The first that knows `core.fsync` (its release notes).
const NAMES_WHAT_IT_SYNCS: (u32, u32) = (2, 36);

/// A version of git.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version(u32, u32);

impl Version {
    /// Reads the answer of `git version`.
    pub(crate) fn parse(answer: &str) -> Result<Self, GitError> {
        let number = answer.strip_prefix("git version ").unwrap_or(answer);
        let mut parts = number.split(['.', ' ', '-']).map(str::parse);
        let (Some(Ok(major)), Some(Ok(minor))) = (parts.next(), parts.next()) else {
            return Err(GitError::Unexpected {
                command: "git version".to_owned(),
                answer: answer.to_owned(),
            });
        };
        if (major, minor) < OLDEST {
            return Err(GitError::TooOld {
                found: number.to_owned(),
                needed: "2.22",
            });
        }
        Ok(Self(major, minor))
    }

    /// The settings with which objects and refs are on the disk before the command that wrote them ends.
    pub(crate) fn durable(self) -> &'static [&'static str] {
        if (self.0, self.1) >= NAMES_WHAT_IT_SYNCS {
            // `batch` would be faster, but its documentation promises nothing for Linux.
            &["core.fsync=all", "core.fsyncMethod=fsync"]
        } else {
            &["core.fsyncObjectFiles=true"]
        }
    }

    /// The settings with which many objects reach the disk at little cost, each before it has its name. Without that a power cut
    /// leaves empty objects, which git takes for those that it is to write from then on: the next snapshot would fail.
    pub(crate) fn hasty(self) -> &'static [&'static str] {
        if (self.0, self.1) >= NAMES_WHAT_IT_SYNCS {
            &["core.fsyncMethod=batch", NO_PACKS]
        } else {
            &["core.fsyncObjectFiles=true"]
        }
    }
}

/// Git 2.47 packs a file above this size, and in a batch then looks for the pack where it is not. It reads such a file through
/// a map of its pages, which needs no memory of its size; the largest number that git takes.
const NO_PACKS: &str = if usize::BITS == 64 {
    "core.bigFileThreshold=1048576g"
} else {
    "core.bigFileThreshold=2047m"
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_takes_what_gits_say_and_refuses_old_ones() {
        for (answer, expected) in [
            ("git version 2.47.3", Version(2, 47)),
            ("git version 2.39.5 (Apple Git-154)", Version(2, 39)),
            ("git version 2.45.1.windows.1", Version(2, 45)),
            ("git version 3.0.rc0", Version(3, 0)),
        ] {
            let version = Version::parse(answer).expect("a version");
            assert_eq!(version, expected, "{answer}");
        }
        let old = Version::parse("git version 1.8.3.1");
        assert!(matches!(old, Err(GitError::TooOld { .. })), "{old:?}");
        let odd = Version::parse("hub");
        assert!(matches!(odd, Err(GitError::Unexpected { .. })), "{odd:?}");
    }
}
