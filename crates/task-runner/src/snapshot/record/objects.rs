//! Writing what is recorded: every file that git does not have yet as an object, and the trees.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::path::Path;

use super::super::commits::Trees;
use super::super::convert::{Conversion, Conversions};
use super::super::entry::{Entry, Item, parse_stage};
use super::super::error::SnapshotError;
use super::super::feed::{joined, push_line, push_path, quoted};
use super::super::look::Kind;
use super::{Items, Recording, TRACKED, odd};
use crate::git::Git;
use crate::sys;

/// The names of our further indexes.
const UNTRACKED: &str = "untracked";
const EXACT: &str = "exact";

impl Recording<'_> {
    /// Writes all files that git does not have yet as objects, and the trees.
    pub(super) fn make(&self) -> Result<Trees, SnapshotError> {
        let tracked = self.scratch.path(TRACKED);
        let index = self.git_on(&tracked, ["write-tree"]).run_line()?;
        let changed = self.changed_entries();
        let working = if changed.is_empty() {
            index.clone()
        } else {
            self.add_changed(&changed)?;
            self.git_on(&tracked, ["write-tree"]).run_line()?
        };
        let mut items = self.tracked_items(!changed.is_empty())?;
        let in_working = items.clone();
        let untracked = self.add_untracked(&mut items)?;
        self.make_exact(&mut items)?;
        let exact = self.write_exact(&in_working, &items, &working)?;
        Ok(Trees {
            index,
            working,
            untracked,
            exact,
            sides: self.settled.sides.clone(),
        })
    }

    /// The lines of the index that the disk may not agree with any more, but for those git is told not to look at.
    fn changed_entries(&self) -> Vec<&Entry> {
        let is_watched = |entry: &&Entry| {
            !entry.is_unwatched() && !self.shared.is_apart(&sys::path_of(&entry.path))
        };
        self.entries
            .iter()
            .filter(is_watched)
            .filter(|entry| !self.agrees(entry))
            .collect()
    }

    fn agrees(&self, entry: &Entry) -> bool {
        let written = self.index_written.unwrap_or_default();
        let look = self.looks.get(&entry.path);
        look.is_some_and(|look| entry.is_surely(look, written))
    }

    /// Brings our copy of the index up to what is on the disk, as `git add --update` would.
    fn add_changed(&self, changed: &[&Entry]) -> Result<(), SnapshotError> {
        // First without what git remembers of the files: it would believe times that agree to the second. What is gone, goes.
        let gone = self.gone();
        let mut lines = Vec::new();
        let mut present = Vec::new();
        for entry in changed {
            if self.looks.contains_key(&entry.path) {
                push_line(&mut lines, &entry.item, &entry.path);
                push_path(&mut present, &entry.path);
            } else {
                push_line(&mut lines, &gone, &entry.path);
            }
        }
        let tracked = self.scratch.path(TRACKED);
        self.git_on(&tracked, ["update-index", "-z", "--index-info"])
            .input(lines)
            .run()?;
        if !present.is_empty() {
            self.add(&tracked, present)?;
        }
        Ok(())
    }

    /// Adds files to one of our indexes, with their contents.
    fn add(&self, index: &Path, paths: Vec<u8>) -> Result<(), SnapshotError> {
        for path in paths
            .split(|byte| *byte == 0)
            .filter(|path| !path.is_empty())
        {
            self.check_readable(path)?;
        }
        let words = [
            "update-index",
            "--add",
            "--remove",
            "--replace",
            "-z",
            "--stdin",
        ];
        self.git_on(index, words).input(paths).run()?;
        Ok(())
    }

    /// Names a file that cannot be read: git would name it only in a text.
    fn check_readable(&self, path: &[u8]) -> Result<(), SnapshotError> {
        if self
            .looks
            .get(path)
            .is_none_or(|look| look.kind != Kind::File)
        {
            return Ok(());
        }
        let path = sys::path_of(path);
        match File::open(self.repository.top().join(&path)) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(SnapshotError::Unreadable { path, source })
            }
            _ => Ok(()),
        }
    }

    /// What our copy of the index holds.
    fn tracked_items(&self, was_changed: bool) -> Result<Items, SnapshotError> {
        if was_changed {
            self.items_of(&self.scratch.path(TRACKED))
        } else {
            let entries = self.entries.iter();
            Ok(entries
                .map(|entry| (entry.path.clone(), entry.item.clone()))
                .collect())
        }
    }

    fn items_of(&self, index: &Path) -> Result<Items, SnapshotError> {
        let answer = self.git_on(index, ["ls-files", "--stage", "-z"]).run()?;
        let records = answer
            .split(|byte| *byte == 0)
            .filter(|record| !record.is_empty());
        records
            .map(|record| {
                let (item, _, path) = parse_stage(record)?;
                Some((path.to_vec(), item))
            })
            .collect::<Option<Items>>()
            .ok_or_else(|| odd("git ls-files --stage").into())
    }

    /// Adds the files that git does not know to `items`. Answers the tree of those that it does not ignore either.
    fn add_untracked(&self, items: &mut Items) -> Result<String, SnapshotError> {
        let index = self.scratch.path(UNTRACKED);
        if !self.untracked.is_empty() {
            self.add(&index, joined(&self.untracked))?;
        }
        let tree = self.git_on(&index, ["write-tree"]).run_line()?;
        if !self.also.is_empty() {
            self.add(&index, joined(&self.also))?;
        }
        // Files that git is told not to look at: links among them have no other way in.
        let unwatched: Vec<_> = self.unwatched_and_changed().collect();
        if !unwatched.is_empty() {
            self.add(&index, joined(&unwatched))?;
        }
        if !self.untracked.is_empty() || !self.also.is_empty() || !unwatched.is_empty() {
            items.extend(self.items_of(&index)?);
        }
        Ok(tree)
    }

    fn unwatched_and_changed(&self) -> impl Iterator<Item = Vec<u8>> {
        self.entries
            .iter()
            .filter(|entry| entry.is_unwatched() && self.looks.contains_key(&entry.path))
            .filter(|entry| !self.agrees(entry))
            .map(|entry| entry.path.clone())
    }

    /// Turns what git would keep into what is there: only files that exist, with their own bytes and modes.
    fn make_exact(&self, items: &mut Items) -> Result<(), SnapshotError> {
        items.retain(|path, _| self.looks.contains_key(path));
        let mut files = Vec::new();
        for (path, item) in &mut *items {
            if let Some(mode) = self.looks[path].git_mode() {
                item.mode = mode;
            }
            if self.looks[path].kind == Kind::File {
                push_path(&mut files, path);
            }
        }
        let conversions = Conversions::of(self.repository, files)?;
        // Files that nobody has read since they were checked out: other rules than now may have converted them then.
        let unread = self.entries.iter().filter(|entry| self.agrees(entry));
        let unread: HashSet<_> = unread.map(|entry| entry.path.as_slice()).collect();
        let mut raw = Vec::new();
        let mut of_same_length = Vec::new();
        for (path, item) in &*items {
            if self.looks[path].kind != Kind::File {
                continue;
            }
            match conversions.at(path) {
                Conversion::None if !unread.contains(path.as_slice()) => {}
                Conversion::None | Conversion::Shortens => {
                    of_same_length.push((path.clone(), item.id.clone()));
                }
                Conversion::Anything => raw.push(path.clone()),
            }
        }
        raw.extend(self.shortened(of_same_length)?);
        let ids = self.write_raw(&raw)?;
        for (path, id) in raw.iter().zip(ids) {
            if let Some(item) = items.get_mut(path) {
                item.id = id;
            }
        }
        Ok(())
    }

    /// Those files that are longer than what git has for them.
    fn shortened(&self, files: Vec<(Vec<u8>, String)>) -> Result<Vec<Vec<u8>>, SnapshotError> {
        if files.is_empty() {
            return Ok(Vec::new());
        }
        let ids: String = files.iter().flat_map(|(_, id)| [id, "\n"]).collect();
        let git = self
            .repository
            .git(["cat-file", "--batch-check=%(objectsize)"]);
        let answer = git.input(ids).run_line()?;
        let lengths = answer.lines().map(|line| line.parse::<u64>().ok());
        let is_shorter = |((path, _), length): &((Vec<u8>, String), Option<u64>)| {
            *length != Some(self.looks[path].size)
        };
        let pairs = files.into_iter().zip(lengths).filter(is_shorter);
        Ok(pairs.map(|((path, _), _)| path).collect())
    }

    /// Writes the bytes of files as they are. Answers the ids, in order.
    fn write_raw(&self, paths: &[Vec<u8>]) -> Result<Vec<String>, SnapshotError> {
        if paths.is_empty() {
            return Ok(Vec::new());
        }
        let mut lines = Vec::new();
        for path in paths {
            self.check_readable(path)?;
            lines.extend(quoted(path));
            lines.push(b'\n');
        }
        let git = self
            .repository
            .hasty(["hash-object", "-w", "--no-filters", "--stdin-paths"]);
        let answer = git.input(lines).run_line()?;
        let ids: Vec<String> = answer.lines().map(str::to_owned).collect();
        if ids.len() == paths.len() {
            Ok(ids)
        } else {
            Err(odd("git hash-object --stdin-paths").into())
        }
    }

    /// Writes the tree of `items`, beginning with our copy of the index, which has most of them.
    fn write_exact(
        &self,
        have: &Items,
        items: &Items,
        working: &str,
    ) -> Result<String, SnapshotError> {
        let gone = self.gone();
        let mut lines = Vec::new();
        for path in have.keys().filter(|path| !items.contains_key(*path)) {
            push_line(&mut lines, &gone, path);
        }
        for (path, item) in items {
            if have.get(path) != Some(item) {
                push_line(&mut lines, item, path);
            }
        }
        if lines.is_empty() {
            return Ok(working.to_owned());
        }
        if self.scratch.path(TRACKED).exists() {
            self.scratch.copy(TRACKED, EXACT)?;
        }
        let exact = self.scratch.path(EXACT);
        let words = ["update-index", "--add", "--replace", "-z", "--index-info"];
        self.git_on(&exact, words).input(lines).run()?;
        Ok(self.git_on(&exact, ["write-tree"]).run_line()?)
    }

    /// What a line says for a path that has to go.
    fn gone(&self) -> Item {
        Item {
            mode: 0,
            id: self.repository.no_id(),
        }
    }

    fn git_on<const N: usize>(&self, index: &Path, words: [&str; N]) -> Git {
        self.repository.hasty(words).index(index)
    }
}
