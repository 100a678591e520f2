//! What a record says, in the form that plans are made from.

use std::path::{Path, PathBuf};

use super::plan::{Entry, Files, Kind};
use super::sys::set_modified;
use crate::git::{Blobs, GitError, Repository};
use crate::snapshot::Recorded;
use crate::snapshot::entry::{self, parse_debug};
use crate::sys::path_of;

/// The modes of git: a link, a submodule.
const LINK: u32 = 0o120_000;
const REPOSITORY: u32 = 0o160_000;

/// Without it git forgets, as it reads an index, that a file is left out of a sparse checkout when it finds one on the disk.
pub(crate) const AS_WRITTEN: &str = "sparse.expectFilesOutsideOfPatterns=true";

/// All files of a record.
pub(crate) fn files(repository: &Repository, recorded: &Recorded) -> Result<Files, GitError> {
    let list = repository.git(["ls-tree", "-r", "-z", "--full-tree", recorded.files()]);
    let list = list.run()?;
    let lines = list
        .split(|byte| *byte == 0)
        .filter(|line| !line.is_empty());
    let files = lines.map(|line| parse(line, recorded));
    let files: Option<_> = files.collect();
    files.ok_or_else(|| odd("git ls-tree"))
}

/// One line: mode, type, id, a tab, the path.
fn parse(line: &[u8], recorded: &Recorded) -> Option<(PathBuf, Entry)> {
    let tab = line.iter().position(|byte| *byte == b'\t')?;
    let path = path_of(&line[tab + 1..]);
    let mut words = str::from_utf8(&line[..tab]).ok()?.split(' ');
    let mode = u32::from_str_radix(words.next()?, 8).ok()?;
    let object = words.nth(1)?.to_owned();
    let kind = match mode {
        LINK => Kind::Link,
        REPOSITORY => Kind::Repository,
        _ => Kind::File {
            permissions: recorded.permissions().of_file(&path, mode),
        },
    };
    Some((path, Entry { kind, object }))
}

/// The index of a record, in a file of its own.
pub(crate) struct IndexCopy {
    pub(crate) bytes: Option<Vec<u8>>,
    pub(crate) written: (i64, u32),
    /// There only if the record has an index.
    path: PathBuf,
}

impl IndexCopy {
    /// Lays it out under `path`, where nothing is.
    pub(crate) fn lay_out(
        recorded: &Recorded,
        blobs: &mut Blobs,
        path: &Path,
    ) -> Result<Self, GitError> {
        let bytes = recorded.index().map(|id| blobs.read(id)).transpose()?;
        let written = recorded.index_written().unwrap_or_default();
        if let Some(bytes) = &bytes {
            let write = || {
                let mut file = std::fs::File::create_new(path)?;
                std::io::Write::write_all(&mut file, bytes)?;
                set_modified(path, written.0, written.1)
            };
            write().map_err(|source| GitError::Io {
                command: format!("lay out {}", path.display()),
                source,
            })?;
        }
        Ok(Self {
            bytes,
            written,
            path: path.to_path_buf(),
        })
    }

    /// Where git finds it.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether two say the same of the same files, whatever they remember of the disk.
    pub(crate) fn says_as(&self, other: &Self, repository: &Repository) -> Result<bool, GitError> {
        if self.bytes == other.bytes {
            return Ok(true);
        }
        let (one, other) = (self.entries(repository)?, other.entries(repository)?);
        let is_same = |(a, b): (&entry::Entry, &entry::Entry)| a.says_as(b);
        Ok(one.len() == other.len() && one.iter().zip(&other).all(is_same))
    }

    /// Whether git finds the same changes by either, whatever it remembers of the disk: it takes a file for changed whose size is
    /// another than the one that it remembers, without reading it.
    pub(crate) fn shows_as(&self, other: &Self, repository: &Repository) -> Result<bool, GitError> {
        Ok(self.bytes == other.bytes || self.status(repository)? == other.status(repository)?)
    }

    fn status(&self, repository: &Repository) -> Result<Vec<u8>, GitError> {
        let words = [
            "status",
            "--porcelain=v2",
            "-z",
            "--no-renames",
            "--untracked-files=no",
            "--ignore-submodules=all",
        ];
        let git = repository.git(words).index(&self.path);
        git.set(AS_WRITTEN).run()
    }

    fn entries(&self, repository: &Repository) -> Result<Vec<entry::Entry>, GitError> {
        let git = repository.git(["ls-files", "--stage", "--debug", "-z"]);
        let answer = git.index(&self.path).set(AS_WRITTEN).run()?;
        parse_debug(&answer).ok_or_else(|| odd("git ls-files --debug"))
    }
}

fn odd(command: &str) -> GitError {
    GitError::Unexpected {
        command: command.to_owned(),
        answer: "another form than expected".to_owned(),
    }
}
