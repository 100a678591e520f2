//! Where the contents of a snapshot may be found as well: on the disk, in the index, in history.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use super::DropError;
use super::contents::Content;
use crate::git::{Blobs, GitError, Repository};
use crate::snapshot::Snapshot;
use crate::snapshot::look::{Kind, Look, Looker};
use crate::sys;

/// What has a name that people give: what only a snapshot or a stash leads to is not counted.
const NAMED: [&str; 3] = ["--branches", "--tags", "--remotes"];

/// Looks for contents. Each way of looking returns what it did not find.
pub(super) struct Known<'a> {
    repository: &'a Repository,
    /// The commit that HEAD was at.
    base: Option<&'a str>,
    /// Whether there is a commit that HEAD is at.
    has_head: bool,
}

type Missing = Result<Vec<Content>, DropError>;

impl<'a> Known<'a> {
    pub(super) fn new(
        repository: &'a Repository,
        snapshot: &'a Snapshot,
    ) -> Result<Self, GitError> {
        let words = ["rev-parse", "--verify", "--quiet", "HEAD^{commit}"];
        let head = repository.git(words).run_if_any()?;
        Ok(Self {
            repository,
            base: snapshot.head.as_deref(),
            has_head: head.is_some(),
        })
    }

    /// The commit that HEAD was at, if nothing leads to it any more.
    pub(super) fn lost_commit(&self) -> Result<Option<String>, GitError> {
        let Some(base) = self.base else {
            return Ok(None);
        };
        let git = self.repository.git(["rev-list", "--max-count=1", base]);
        let found = git.args(["--not"]).args(self.named()).run()?;
        Ok((!found.is_empty()).then(|| base.to_owned()))
    }

    fn named(&self) -> impl Iterator<Item = &'static str> {
        self.has_head.then_some("HEAD").into_iter().chain(NAMED)
    }

    /// The same bytes where they were. What is ignored by now counts, too: it is there.
    pub(super) fn at_their_places(&self, contents: Vec<Content>) -> Missing {
        let sizes = self.sizes(&contents)?;
        let mut comparison = Comparison::new(self.repository)?;
        let mut looker = Looker::new(self.repository.top());
        let mut missing = Vec::new();
        for content in contents {
            // What cannot be looked at cannot be relied on.
            let look = looker.look(&content.path).ok().flatten();
            let is_there = look.is_some_and(|look| may_be(&look, &content, &sizes))
                && comparison.is_same(&content.path, &content)?;
            if !is_there {
                missing.push(content);
            }
        }
        Ok(missing)
    }

    /// In the last commit, where git converts the file, and would check the same bytes out again. Whatever else git converts, ends
    /// of lines in disorder or what a filter leaves out, has to be found with its own bytes.
    pub(super) fn as_git_keeps_them(&self, contents: Vec<Content>) -> Missing {
        let mut missing = Vec::new();
        for mut content in contents {
            if !self.is_kept_whole(&content)? {
                content.kept_as = None;
            }
            if content.kept_as.is_none() || content.kept_as != content.base {
                missing.push(content);
            }
        }
        Ok(missing)
    }

    fn is_kept_whole(&self, content: &Content) -> Result<bool, DropError> {
        let Some(kept_as) = &content.kept_as else {
            return Ok(false);
        };
        let mut path = OsString::from("--path=");
        path.push(&content.path);
        let git = self.repository.git(["cat-file", "--filters"]);
        let checked_out = match git.args([&path, &OsString::from(kept_as)]).run() {
            Ok(bytes) => bytes,
            // A filter that does not work any more brings nothing back.
            Err(GitError::Failed { .. }) => return Ok(false),
            Err(err) => return Err(err.into()),
        };
        let mut same = Same::new(checked_out.as_slice());
        self.repository.blobs()?.copy(&content.raw, &mut same)?;
        Ok(same.ends_here())
    }

    /// In the present index, under any name.
    pub(super) fn in_the_index(&self, contents: Vec<Content>) -> Missing {
        let listed = self.repository.git(["ls-files", "--stage", "-z"]).run()?;
        let lines = listed.split(|byte| *byte == 0);
        // Mode, id, stage, a tab, the path.
        let ids = lines.filter_map(|line| line.split(|byte| *byte == b' ').nth(1));
        Ok(without(contents, &ids.collect()))
    }

    /// In a commit that came after the base, or beside it: of HEAD alone first, which is nearly always enough.
    pub(super) fn in_history(&self, contents: Vec<Content>) -> Missing {
        let head = self.has_head.then_some("HEAD");
        let missing = self.in_commits(contents, head)?;
        if missing.is_empty() {
            return Ok(missing);
        }
        self.in_commits(missing, NAMED)
    }

    fn in_commits(
        &self,
        contents: Vec<Content>,
        named: impl IntoIterator<Item = &'static str>,
    ) -> Missing {
        let named: Vec<_> = named.into_iter().collect();
        if named.is_empty() {
            return Ok(contents);
        }
        // In a clone that has only a part of the objects none is fetched: what is not here does not count.
        let git = self
            .repository
            .git(["rev-list", "--objects", "--missing=allow-any"]);
        let not_older = self.base.into_iter().flat_map(|base| ["--not", base]);
        let listed = git.args(named).args(not_older).run()?;
        let lines = listed.split(|byte| *byte == b'\n');
        let ids = lines.filter_map(|line| line.split(|byte| *byte == b' ').next());
        Ok(without(contents, &ids.collect()))
    }

    /// In any commit that has a name, before the base as well: there are the sides of a conflict. Only they are looked for.
    pub(super) fn where_it_was_merged(&self, contents: Vec<Content>) -> Missing {
        let (sides, mut missing): (Vec<_>, Vec<_>) =
            contents.into_iter().partition(|content| content.is_side);
        if sides.is_empty() {
            return Ok(missing);
        }
        let mut asked = Vec::new();
        for named in self.named() {
            asked.extend([named.as_bytes(), b"\n"].concat());
        }
        asked.extend(b"--\n");
        for side in &sides {
            asked.extend(sys::bytes_of(&side.path));
            asked.push(b'\n');
        }
        let words = [
            "rev-list",
            "--objects",
            "--missing=allow-any",
            "--full-history",
            "--stdin",
        ];
        let listed = self.repository.git(words).input(asked).run()?;
        let lines = listed.split(|byte| *byte == b'\n');
        let ids = lines.filter_map(|line| line.split(|byte| *byte == b' ').next());
        missing.extend(without(sides, &ids.collect()));
        Ok(missing)
    }

    /// In a file of the present tree with another name, as after a `mv`.
    pub(super) fn anywhere_in_the_tree(&self, contents: Vec<Content>) -> Missing {
        let sizes = self.sizes(&contents)?;
        let words = [
            "ls-files",
            "--cached",
            "--others",
            "--exclude-standard",
            "-z",
        ];
        let listed = self.repository.git(words).run()?;
        let mut comparison = Comparison::new(self.repository)?;
        let mut looker = Looker::new(self.repository.top());
        let mut missing = contents;
        let names = listed.split(|byte| *byte == 0);
        for name in names.filter(|name| !name.is_empty()) {
            let path = sys::path_of(name);
            let Some(look) = looker.look(&path).ok().flatten() else {
                continue;
            };
            let mut still_missing = Vec::new();
            for content in missing {
                let is_it =
                    may_be(&look, &content, &sizes) && comparison.is_same(&path, &content)?;
                if !is_it {
                    still_missing.push(content);
                }
            }
            missing = still_missing;
            if missing.is_empty() {
                break;
            }
        }
        Ok(missing)
    }

    /// How many bytes each blob has.
    fn sizes(&self, contents: &[Content]) -> Result<HashMap<String, u64>, DropError> {
        let mut asked = String::new();
        for content in contents {
            asked.push_str(&content.raw);
            asked.push('\n');
        }
        let git = self
            .repository
            .git(["cat-file", "--batch-check=%(objectname) %(objectsize)"]);
        let answer = git.input(asked).run_line()?;
        let sizes = answer.lines().filter_map(|line| {
            let (id, size) = line.split_once(' ')?;
            Some((id.to_owned(), size.parse().ok()?))
        });
        Ok(sizes.collect())
    }
}

fn may_be(look: &Look, content: &Content, sizes: &HashMap<String, u64>) -> bool {
    let kind = if content.is_link {
        Kind::Link
    } else {
        Kind::File
    };
    look.kind == kind && sizes.get(&content.raw) == Some(&look.size)
}

fn without(contents: Vec<Content>, found: &HashSet<&[u8]>) -> Vec<Content> {
    let is_in = |id: &String| found.contains(id.as_bytes());
    let is_found =
        |content: &Content| is_in(&content.raw) || content.kept_as.as_ref().is_some_and(is_in);
    contents
        .into_iter()
        .filter(|content| !is_found(content))
        .collect()
}

/// Compares files of the tree with blobs, byte by byte.
struct Comparison {
    top: PathBuf,
    blobs: Blobs,
}

impl Comparison {
    fn new(repository: &Repository) -> Result<Self, GitError> {
        Ok(Self {
            top: repository.top().to_path_buf(),
            blobs: repository.blobs()?,
        })
    }

    /// Whether the file or link at a path holds what the content is. A file that cannot be read does not.
    fn is_same(&mut self, path: &Path, content: &Content) -> Result<bool, DropError> {
        let path = self.top.join(path);
        if content.is_link {
            let target = std::fs::read_link(&path).ok();
            let blob = self.blobs.read(&content.raw)?;
            return Ok(target.is_some_and(|target| sys::bytes_of(&target) == blob));
        }
        let Ok(file) = File::open(&path) else {
            return Ok(false);
        };
        let mut same = Same::new(BufReader::new(file));
        self.blobs.copy(&content.raw, &mut same)?;
        Ok(same.ends_here())
    }
}

/// Takes bytes, and remembers whether something else has the same.
struct Same<R> {
    other: R,
    is_same: bool,
}

impl<R: Read> Same<R> {
    fn new(other: R) -> Self {
        let is_same = true;
        Self { other, is_same }
    }

    fn ends_here(mut self) -> bool {
        self.is_same && matches!(self.other.read(&mut [0]), Ok(0))
    }
}

impl<R: Read> Write for Same<R> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.is_same {
            let mut own = vec![0; bytes.len()];
            self.is_same = self.other.read_exact(&mut own).is_ok() && own == bytes;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
