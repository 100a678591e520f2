//! The names of temporary files and rescued copies: what a sweep can learn from them; pure.
//!
//! `.story.md.<own>.<base>.<random>.atomic-tmp`, where own and base are `<inode>-<size>-<mtime>` in hexadecimal: the
//! new file, and the version that it replaces. Whatever a sweep finds under the name is thereby ours (own), the old
//! version that the commit displaced (base), or somebody's edit that must be kept (neither). `0` stands for a file
//! that has not been exchanged yet and is ours in any case, `x` for a version whose stamp is too coarse to trust.

use std::collections::hash_map::RandomState;
use std::ffi::{OsStr, OsString};
use std::hash::{BuildHasher as _, Hasher as _};

use crate::stamp::{Kind, Stamp};
use crate::sys::os_string;

const ENDING: &str = ".atomic-tmp";
const RESCUED: &str = ".rescued";

/// The longest file name of the file systems in use, in bytes.
const LONGEST: usize = 255;

/// What a temporary name says about one of the two versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// The file was never visible under the real name, so it is ours.
    Unpublished,
    /// The version cannot be recognised by its stamp.
    Unknown,
    /// Inode, size and modification time.
    Version {
        inode: u64,
        size: u64,
        modified: i128,
    },
}

impl Mark {
    pub(crate) fn of(stamp: &Stamp) -> Self {
        Self::Version {
            inode: stamp.inode,
            size: stamp.size,
            modified: stamp.modified,
        }
    }

    /// Whether `stamp` is the marked version.
    pub(crate) fn fits(&self, stamp: &Stamp) -> bool {
        stamp.kind == Kind::Regular && *self == Self::of(stamp)
    }

    fn to_text(self) -> String {
        match self {
            Self::Unpublished => "0".to_owned(),
            Self::Unknown => "x".to_owned(),
            Self::Version {
                inode,
                size,
                modified,
            } => format!("{inode:x}-{size:x}-{modified:x}"),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        match text {
            "0" => Some(Self::Unpublished),
            "x" => Some(Self::Unknown),
            _ => {
                let mut parts = text.split('-');
                let inode = u64::from_str_radix(parts.next()?, 16).ok()?;
                let size = u64::from_str_radix(parts.next()?, 16).ok()?;
                // Two's complement, as `{:x}` writes times before 1970.
                let modified = u128::from_str_radix(parts.next()?, 16).ok()?.cast_signed();
                parts.next().is_none().then_some(Self::Version {
                    inode,
                    size,
                    modified,
                })
            }
        }
    }
}

/// A temporary name, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TemporaryName {
    /// The name of the file that is replaced, or, for a long one, its beginning, `~` and a hash.
    stem: Vec<u8>,
    pub(crate) own: Mark,
    pub(crate) base: Mark,
}

impl TemporaryName {
    pub(crate) fn parse(name: &OsStr) -> Option<Self> {
        let bytes = name.as_encoded_bytes();
        let inner = bytes.strip_prefix(b".")?.strip_suffix(ENDING.as_bytes())?;
        let mut parts = inner.rsplitn(4, |byte| *byte == b'.');
        let random = std::str::from_utf8(parts.next()?).ok()?;
        let base = std::str::from_utf8(parts.next()?).ok()?;
        let own = std::str::from_utf8(parts.next()?).ok()?;
        let stem = parts.next().filter(|stem| !stem.is_empty())?;
        is_random(random).then_some(())?;
        Some(Self {
            stem: stem.to_vec(),
            own: Mark::parse(own)?,
            base: Mark::parse(base)?,
        })
    }

    /// Whether this temporary belongs to the file called `name`.
    pub(crate) fn belongs_to(&self, name: &OsStr) -> bool {
        let bytes = name.as_encoded_bytes();
        if self.stem == bytes {
            return true;
        }
        let Some(cut) = self.stem.iter().rposition(|byte| *byte == b'~') else {
            return false;
        };
        bytes.starts_with(&self.stem[..cut]) && self.stem[cut + 1..] == *hash(bytes).as_bytes()
    }

    /// The name of the file, or what is kept of a long one.
    pub(crate) fn file_name(&self) -> OsString {
        os_string(self.stem.clone())
    }

    /// The same name with another random part: nobody who knew the old one finds the file any more.
    pub(crate) fn renewed(&self) -> OsString {
        join(&self.stem, self.own, self.base)
    }
}

/// A new temporary name beside the file called `name`; each call gives another one.
pub(crate) fn temporary(name: &OsStr, own: Mark, base: Mark) -> OsString {
    join(name.as_encoded_bytes(), own, base)
}

fn join(name: &[u8], own: Mark, base: Mark) -> OsString {
    let tail = format!(".{}.{}.{}{ENDING}", own.to_text(), base.to_text(), random());
    let mut result = Vec::with_capacity(1 + name.len() + tail.len());
    result.push(b'.');
    push_shortened(&mut result, name, LONGEST - 1 - tail.len());
    result.extend_from_slice(tail.as_bytes());
    os_string(result)
}

/// A new name for a stranger's copy of the file called `name`.
pub(crate) fn rescued(name: &OsStr) -> OsString {
    let tail = format!(".{}{RESCUED}", random());
    let mut result = Vec::with_capacity(name.len() + tail.len());
    push_shortened(&mut result, name.as_encoded_bytes(), LONGEST - tail.len());
    result.extend_from_slice(tail.as_bytes());
    os_string(result)
}

/// Tells whether a file name is that of one of our temporary files (`.NAME.….atomic-tmp`).
pub fn is_temporary_name(name: &OsStr) -> bool {
    TemporaryName::parse(name).is_some()
}

/// Tells whether a file name is that of a copy that was kept for a person to look at (`NAME.<16 hex digits>.rescued`).
pub fn is_rescued_name(name: &OsStr) -> bool {
    let inner = name.as_encoded_bytes().strip_suffix(RESCUED.as_bytes());
    inner.is_some_and(|inner| {
        let dot = inner.len().checked_sub(17).filter(|dot| *dot > 0);
        dot.is_some_and(|dot| {
            inner[dot] == b'.' && std::str::from_utf8(&inner[dot + 1..]).is_ok_and(is_random)
        })
    })
}

fn push_shortened(result: &mut Vec<u8>, name: &[u8], room: usize) {
    if name.len() <= room {
        result.extend_from_slice(name);
        return;
    }
    let hash = hash(name);
    let mut cut = room - 1 - hash.len();
    // Not in the middle of a character: the result must stay readable where the name was.
    while cut > 0 && name[cut] & 0xC0 == 0x80 {
        cut -= 1;
    }
    result.extend_from_slice(&name[..cut]);
    result.push(b'~');
    result.extend_from_slice(hash.as_bytes());
}

/// FNV-1a: it must be the same in every version of this crate, and a clash only costs a file kept as rescued.
fn hash(name: &[u8]) -> String {
    let mut state = 0xcbf2_9ce4_8422_2325_u64;
    for byte in name {
        state = (state ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    format!("{state:016x}")
}

/// 64 bits that nobody can guess: `RandomState` is keyed by the system and costs no system call after the first.
fn random() -> String {
    format!("{:016x}", RandomState::new().build_hasher().finish())
}

fn is_random(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::ffi::OsStr;

    use super::{Mark, TemporaryName, is_rescued_name, is_temporary_name, rescued, temporary};

    const OWN: Mark = Mark::Version {
        inode: u64::MAX,
        size: u64::MAX,
        modified: i128::MAX >> 60,
    };
    const BASE: Mark = Mark::Version {
        inode: 0x2a,
        size: 0,
        modified: -1,
    };

    #[test]
    fn temporary_names_parse_back_and_fit_whatever_the_name_is() {
        let long = "x".repeat(255);
        let umlauts = "ü".repeat(127);
        for name in [
            "story.md",
            ".hidden",
            "a",
            "a b.md",
            "~",
            long.as_str(),
            &umlauts,
        ] {
            let name = OsStr::new(name);
            for (own, base) in [(OWN, BASE), (Mark::Unpublished, Mark::Unknown)] {
                let made = temporary(name, own, base);
                assert!(made.len() <= 255, "{made:?} fits into a directory entry");
                let parsed = TemporaryName::parse(&made).expect("our own name is recognised");
                assert_eq!(
                    (parsed.own, parsed.base),
                    (own, base),
                    "marks survive in {made:?}"
                );
                assert!(parsed.belongs_to(name), "{made:?} belongs to its file");
                assert!(
                    !parsed.belongs_to(OsStr::new("other.md")),
                    "and to no other"
                );
                assert!(made.to_str().is_some(), "text stays text in {made:?}");
            }
            let kept = rescued(name);
            assert!(kept.len() <= 255, "{kept:?} fits into a directory entry");
            assert!(is_rescued_name(&kept), "{kept:?} is recognised");
            assert!(!is_temporary_name(&kept), "a rescued copy is never swept");
        }
    }

    #[test]
    fn temporary_names_differ_each_time() {
        let names: HashSet<_> = (0..1000)
            .map(|_| temporary(OsStr::new("story.md"), OWN, BASE))
            .collect();
        assert_eq!(names.len(), 1000, "no name is made twice");
    }

    #[test]
    fn foreign_names_are_not_taken_for_ours() {
        for name in [
            "story.md",
            ".story.md.tmp",
            "story.md.rescued",
            ".story.md.atomic-tmp",
            ".story.md.0.x.atomic-tmp",
            ".story.md.0.x.0123.atomic-tmp",
            "story.md.0.x.0123456789abcdef.atomic-tmp",
            "..0.x.0123456789abcdef.atomic-tmp",
            ".story.md.0.1-2.0123456789abcdef.atomic-tmp",
            ".story.md.0.1-2-3-4.0123456789abcdef.atomic-tmp",
            ".0123456789abcdef.rescued",
            "story.md.0123456789abcdeg.rescued",
        ] {
            let name = OsStr::new(name);
            assert!(!is_temporary_name(name), "{name:?} is not one of ours");
            assert!(!is_rescued_name(name), "{name:?} is not one of ours");
        }
    }
}
