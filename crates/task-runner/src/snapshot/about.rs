//! What a snapshot says about itself: `about.json` in its record. Pure.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Snapshot;
use super::error::Operation;
use super::look::{Kind, Look};
use crate::left::{Left, Reason};
use crate::sys;
use crate::task_id::TaskId;

/// The version of the form that this crate writes.
const VERSION: u32 = 1;

/// The text `about.json`. Paths stand in it as [`in_text`] makes them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct About {
    /// Of the form of the record. Later ones are not read.
    pub version: u32,
    pub task: String,
    pub run: Option<String>,
    pub label: String,
    pub rescue_of: Option<String>,
    pub taken_at: String,
    pub worktree: String,
    pub head: Option<String>,
    pub branch: Option<String>,
    /// When the index was last written, `[seconds, nanoseconds]`; `None` where there was none.
    pub index_written: Option<(i64, u32)>,
    pub permissions: Permissions,
    pub left: BTreeMap<String, Reason>,
    /// What git was in the middle of. Only of a rescue.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub in_progress: Vec<Operation>,
    /// The files that the index has conflicts of. The index file holds them; the tree of the index, which plain git applies, has one
    /// version of each. Only of a rescue.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unmerged: Vec<String>,
}

/// The permissions of all recorded files, and of the folders that they are in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permissions {
    /// Of files that are not executable: the commonest.
    plain: u32,
    /// Of executable files: the commonest.
    executable: u32,
    /// Of folders: the commonest.
    folder: u32,
    /// Of every file and folder that has others.
    others: BTreeMap<String, u32>,
}

impl Permissions {
    /// Counts which are common, and keeps the rest by name.
    pub(crate) fn of<'a>(looks: impl Iterator<Item = (&'a [u8], &'a Look)> + Clone) -> Self {
        let commonest = |wanted: fn(&Look) -> bool, default: u32| {
            let mut counts = BTreeMap::<u32, usize>::new();
            for (_, look) in looks.clone().filter(|(_, look)| wanted(look)) {
                *counts.entry(look.permissions).or_default() += 1;
            }
            let most = counts.into_iter().max_by_key(|(_, count)| *count);
            most.map_or(default, |(permissions, _)| permissions)
        };
        let mut found = Self {
            plain: commonest(|look| look.git_mode() == Some(0o100_644), 0o644),
            executable: commonest(|look| look.git_mode() == Some(0o100_755), 0o755),
            folder: commonest(|look| look.kind == Kind::Folder, 0o755),
            others: BTreeMap::new(),
        };
        for (path, look) in looks {
            let is_kept = matches!(look.kind, Kind::File | Kind::Folder);
            if is_kept && found.common(look) != look.permissions {
                found.others.insert(in_text(path), look.permissions);
            }
        }
        found
    }

    fn common(&self, look: &Look) -> u32 {
        match look.kind {
            Kind::Folder => self.folder,
            _ if look.permissions & 0o100 != 0 => self.executable,
            _ => self.plain,
        }
    }

    /// The permissions of a recorded file, its twelve bits. `mode` is what git has for it.
    pub fn of_file(&self, path: &Path, mode: u32) -> u32 {
        let is_executable = mode & 0o100 != 0;
        let common = if is_executable {
            self.executable
        } else {
            self.plain
        };
        self.other(path).unwrap_or(common)
    }

    /// The permissions of a folder that held a recorded file.
    pub fn of_folder(&self, path: &Path) -> u32 {
        self.other(path).unwrap_or(self.folder)
    }

    fn other(&self, path: &Path) -> Option<u32> {
        self.others.get(&in_text(&sys::bytes_of(path))).copied()
    }
}

impl About {
    /// Reads it. What is wrong comes as text.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Any {
            version: u32,
        }
        let any: Any = serde_json::from_slice(bytes).map_err(|err| err.to_string())?;
        if any.version != VERSION {
            return Err(format!("its form has version {}", any.version));
        }
        serde_json::from_slice(bytes).map_err(|err| err.to_string())
    }

    /// Its bytes.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).expect("plain values become JSON");
        bytes.push(b'\n');
        bytes
    }

    pub(crate) fn version() -> u32 {
        VERSION
    }

    /// When it was taken.
    pub(crate) fn moment(&self) -> Result<Timestamp, String> {
        let time: Result<Timestamp, _> = self.taken_at.parse();
        time.map_err(|err| err.to_string())
    }

    /// What was not recorded.
    pub(crate) fn left(&self) -> Vec<Left> {
        let left = self.left.iter().map(|(path, &reason)| Left {
            path: from_text(path),
            reason,
        });
        left.collect()
    }

    /// The snapshot that a commit and its ref are.
    pub(crate) fn snapshot(&self, id: String, reference: String) -> Result<Snapshot, String> {
        Ok(Snapshot {
            id,
            reference,
            task: TaskId::new(&self.task).map_err(|err| err.to_string())?,
            run: self.run.clone(),
            rescue_of: self.rescue_of.clone(),
            label: self.label.clone(),
            taken_at: self.moment()?,
            worktree: from_text(&self.worktree),
            head: self.head.clone(),
            branch: self.branch.clone(),
        })
    }
}

/// A path as text that gives it back, whatever its bytes: `%`, and what is not UTF-8, become `%XX`.
pub(crate) fn in_text(path: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(path.len());
    for chunk in path.utf8_chunks() {
        text.push_str(&chunk.valid().replace('%', "%25"));
        for byte in chunk.invalid() {
            write!(text, "%{byte:02X}").expect("a String takes any text");
        }
    }
    text
}

/// The path of [`in_text`].
pub(crate) fn from_text(text: &str) -> PathBuf {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let escaped = (byte == b'%')
            .then(|| str::from_utf8(after.get(..2)?).ok())
            .flatten()
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(escaped.unwrap_or(byte));
        rest = if escaped.is_some() {
            &after[2..]
        } else {
            after
        };
    }
    sys::path_of(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(kind: Kind, permissions: u32) -> Look {
        Look {
            kind,
            permissions,
            size: 0,
            modified: crate::snapshot::look::Moment::default(),
            changed: crate::snapshot::look::Moment::default(),
            inode: 0,
        }
    }

    #[test]
    fn in_text_gives_every_path_back() {
        for path in [
            &b"plain"[..],
            b"50%",
            b"%25",
            b"a\xff\xfe%b",
            "ä\n\"".as_bytes(),
            b"\xc3",
        ] {
            let text = in_text(path);
            assert_eq!(sys::bytes_of(&from_text(&text)), path, "{text}");
        }
    }

    #[test]
    fn permissions_keeps_those_of_every_file_when_most_have_the_same() {
        let looks = [
            (&b"a"[..], look(Kind::File, 0o664)),
            (b"b", look(Kind::File, 0o664)),
            (b"secret", look(Kind::File, 0o600)),
            (b"run", look(Kind::File, 0o775)),
            (b"odd", look(Kind::File, 0o4755)),
            (b"run2", look(Kind::File, 0o775)),
            (b"private", look(Kind::Folder, 0o700)),
            (b"dir", look(Kind::Folder, 0o775)),
            (b"dir2", look(Kind::Folder, 0o775)),
            (b"link", look(Kind::Link, 0o777)),
        ];
        let permissions = Permissions::of(looks.iter().map(|(path, look)| (*path, look)));
        for (path, look) in &looks {
            let path = sys::path_of(path);
            let found = match look.kind {
                Kind::File => permissions.of_file(&path, look.git_mode().expect("a file")),
                Kind::Folder => permissions.of_folder(&path),
                _ => continue,
            };
            assert_eq!(found, look.permissions, "{}", path.display());
        }
        assert_eq!(
            permissions.others.len(),
            3,
            "only what is not common is written down"
        );
    }

    #[test]
    fn parse_refuses_a_form_of_a_later_version() {
        let refused = About::parse(br#"{"version":2,"new":true}"#);
        assert_eq!(
            refused,
            Err("its form has version 2".to_owned()),
            "not guessed at"
        );
    }
}
