//! Recording a tree as objects: nothing of the user's is written, and no ref is made.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use super::about::{About, Permissions, in_text};
use super::commits::{self, Trees};
use super::convert::{Conversion, Conversions};
use super::entry::{Entry, GITLINK, Item, parse_debug, parse_stage};
use super::error::SnapshotError;
use super::look::{Kind, Look, Looker, Moment, look_at};
use super::preflight::{self, Head};
use super::scratch::Scratch;
use super::trees::Recorded;
use super::{TakeOptions, untracked};
use crate::git::{Git, GitError, Repository};
use crate::left::{Left, Reason};
use crate::shared_files::SharedFiles;
use crate::sys;

/// How often a tree is recorded again because a file of it changed meanwhile (chosen: an editor that saves, not a log).
const ATTEMPTS: u32 = 3;

/// The names of our indexes.
const TRACKED: &str = "tracked";
const UNTRACKED: &str = "untracked";
const EXACT: &str = "exact";

/// The files of a tree by their paths.
pub(crate) type Items = BTreeMap<Vec<u8>, Item>;

/// Records the tree.
///
/// # Errors
///
/// [`SnapshotError`]. Objects may have been written that nothing refers to; git removes them some day.
pub(crate) fn record(
    repository: &Repository,
    options: &TakeOptions,
    shared: &dyn SharedFiles,
) -> Result<Recorded, SnapshotError> {
    let head = preflight::head(repository)?;
    let mut attempt = 1;
    loop {
        let scratch = Scratch::new(repository)?;
        let index = IndexFile::read(repository)?;
        let mut recording = Recording::begin(repository, &scratch, &index, options, shared)?;
        let trees = recording.make();
        let changed = recording.changed_meanwhile()?;
        if !changed.is_empty() && attempt < ATTEMPTS {
            attempt += 1;
            continue;
        }
        // Where nothing changed, and at the last attempt, what failed has failed.
        let trees = trees?;
        let changed = changed
            .into_iter()
            .map(|path| (path, Reason::ChangedWhileRecorded));
        let changed = changed.map(|(path, reason)| Left { path, reason });
        recording.left.extend(changed);
        let about = recording.about(&head);
        return commits::write(
            repository,
            &scratch,
            &trees,
            index.bytes.as_deref(),
            about,
            &head,
        );
    }
}

/// The user's index as it is at one moment.
#[derive(Debug)]
struct IndexFile {
    /// `None` where there is none.
    bytes: Option<Vec<u8>>,
    written: Option<Moment>,
}

impl IndexFile {
    fn read(repository: &Repository) -> Result<Self, SnapshotError> {
        let path = repository.git_dir().join("index");
        let read = || {
            let mut file = File::open(&path)?;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            let written = sys::look_of(&file.metadata()?).modified;
            io::Result::Ok((bytes, written))
        };
        match read() {
            Ok((bytes, written)) => Ok(Self {
                bytes: Some(bytes),
                written: Some(written),
            }),
            Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(Self {
                bytes: None,
                written: None,
            }),
            Err(source) => Err(SnapshotError::Scratch { path, source }),
        }
    }
}

/// What is recorded, while it is.
struct Recording<'a> {
    repository: &'a Repository,
    scratch: &'a Scratch,
    options: &'a TakeOptions,
    shared: &'a dyn SharedFiles,
    index_written: Option<Moment>,
    entries: Vec<Entry>,
    /// Files that git does not know and does not ignore.
    untracked: Vec<Vec<u8>>,
    /// Files that are recorded although git ignores them.
    also: Vec<Vec<u8>>,
    /// What stood at each recorded path before it was read.
    looks: BTreeMap<Vec<u8>, Look>,
    left: Vec<Left>,
}

impl<'a> Recording<'a> {
    /// Lists everything and looks at it; writes nothing but the copy of the index.
    fn begin(
        repository: &'a Repository,
        scratch: &'a Scratch,
        index: &IndexFile,
        options: &'a TakeOptions,
        shared: &'a dyn SharedFiles,
    ) -> Result<Self, SnapshotError> {
        if let Some(bytes) = &index.bytes {
            scratch.write(TRACKED, bytes)?;
        }
        let git = repository.git(["ls-files", "--stage", "--debug", "-z"]);
        let answer = git.index(&scratch.path(TRACKED)).run()?;
        let entries = parse_debug(&answer).ok_or_else(|| odd("git ls-files --debug"))?;
        preflight::refuse_unmerged(repository, &entries)?;
        let listed = untracked::list(repository, &scratch.path(TRACKED), shared)?;
        let mut recording = Self {
            repository,
            scratch,
            options,
            shared,
            index_written: index.written,
            entries,
            untracked: listed.files,
            also: Vec::new(),
            looks: BTreeMap::new(),
            left: listed.left,
        };
        recording.look()?;
        Ok(recording)
    }

    /// Looks at every file once.
    fn look(&mut self) -> Result<(), SnapshotError> {
        let mut looker = Looker::new(self.repository.top());
        let mut look = |path: &[u8]| {
            let path = sys::path_of(path);
            let found = looker.look(&path);
            found.map_err(|source| SnapshotError::Unreadable { path, source })
        };
        for entry in &self.entries {
            if self.shared.is_apart(&sys::path_of(&entry.path)) {
                continue;
            }
            let Some(found) = look(&entry.path)? else {
                continue;
            };
            let is_submodule = entry.item.mode == GITLINK && found.kind == Kind::Folder;
            let reason = match found.kind {
                Kind::Folder if is_submodule => Some(Reason::Submodule),
                Kind::Other => Some(Reason::NotAFile),
                _ => None,
            };
            let path = || sys::path_of(&entry.path);
            self.left.extend(reason.map(|reason| Left {
                path: path(),
                reason,
            }));
            if is_submodule || found.git_mode().is_some() {
                self.looks.insert(entry.path.clone(), found);
            }
        }
        let files = std::mem::take(&mut self.untracked);
        for path in files {
            if let Some(found) = look(&path)?
                && found.git_mode().is_some()
            {
                self.looks.insert(path.clone(), found);
                self.untracked.push(path);
            }
        }
        let also: BTreeSet<_> = self
            .options
            .also
            .iter()
            .map(|path| sys::bytes_of(path))
            .collect();
        for path in also {
            let is_wanted =
                !self.looks.contains_key(&path) && !self.shared.is_apart(&sys::path_of(&path));
            if is_wanted
                && let Some(found) = look(&path)?
                && found.git_mode().is_some()
            {
                self.looks.insert(path.clone(), found);
                self.also.push(path);
            }
        }
        Ok(())
    }

    /// Writes all files that git does not have yet as objects, and the trees.
    fn make(&mut self) -> Result<Trees, SnapshotError> {
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
        let mut raw = Vec::new();
        let mut of_same_length = Vec::new();
        for (path, item) in &*items {
            if self.looks[path].kind != Kind::File {
                continue;
            }
            match conversions.at(path) {
                Conversion::None => {}
                Conversion::Shortens => of_same_length.push((path.clone(), item.id.clone())),
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
            .git(["hash-object", "-w", "--no-filters", "--stdin-paths"]);
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

    /// The files that are not any more what they were before they were read.
    fn changed_meanwhile(&self) -> Result<Vec<std::path::PathBuf>, SnapshotError> {
        let mut looker = Looker::new(self.repository.top());
        let mut changed = Vec::new();
        for (path, before) in &self.looks {
            let path = sys::path_of(path);
            let found = looker.look(&path);
            let now = found.map_err(|source| SnapshotError::Unreadable {
                path: path.clone(),
                source,
            })?;
            // The times of a submodule's folder say nothing about what is recorded of it.
            let is_same = now.as_ref() == Some(before)
                || before.kind == Kind::Folder && now.is_some_and(|now| now.kind == Kind::Folder);
            if !is_same {
                changed.push(path);
            }
        }
        Ok(changed)
    }

    fn about(&self, head: &Head) -> About {
        let options = self.options;
        let folders = self.folders();
        let files = self
            .looks
            .iter()
            .filter(|(_, look)| look.kind != Kind::Folder);
        let all = files
            .chain(&folders)
            .map(|(path, look)| (path.as_slice(), look));
        About {
            version: About::version(),
            task: options.task.as_str().to_owned(),
            run: options.run.clone(),
            label: options.label.clone(),
            rescue_of: options.rescue_of.clone(),
            taken_at: options.now.to_string(),
            worktree: in_text(&sys::bytes_of(self.repository.top())),
            head: head.commit.clone(),
            branch: head.branch.clone(),
            index_written: self.index_written.map(|at| (at.seconds, at.nanoseconds)),
            permissions: Permissions::of(all),
            left: self
                .left
                .iter()
                .map(|left| (in_text(&sys::bytes_of(&left.path)), left.reason))
                .collect(),
        }
    }

    /// The folders that the recorded files are in, but for the top of the tree.
    fn folders(&self) -> BTreeMap<Vec<u8>, Look> {
        let mut folders = BTreeMap::new();
        for path in self.looks.keys() {
            let mut rest = path.as_slice();
            while let Some(end) = rest.iter().rposition(|byte| *byte == b'/') {
                rest = &rest[..end];
                if folders.contains_key(rest) {
                    break;
                }
                let found = look_at(&self.repository.top().join(sys::path_of(rest)));
                // One that is gone meanwhile has no permissions to record.
                if let Ok(Some(look)) = found {
                    folders.insert(rest.to_vec(), look);
                }
            }
        }
        folders
    }

    /// What a line says for a path that has to go.
    fn gone(&self) -> Item {
        Item {
            mode: 0,
            id: self.repository.no_id(),
        }
    }

    fn git_on<const N: usize>(&self, index: &Path, words: [&str; N]) -> Git {
        self.repository.git(words).index(index)
    }
}

fn odd(command: &str) -> GitError {
    GitError::Unexpected {
        command: command.to_owned(),
        answer: "another form than expected".to_owned(),
    }
}

/// A line for `git update-index -z --index-info`.
fn push_line(lines: &mut Vec<u8>, item: &Item, path: &[u8]) {
    let Item { mode, id } = item;
    lines.extend(format!("{mode:o} {id} 0\t").as_bytes());
    push_path(lines, path);
}

fn push_path(paths: &mut Vec<u8>, path: &[u8]) {
    paths.extend(path);
    paths.push(0);
}

fn joined(paths: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for path in paths {
        push_path(&mut bytes, path);
    }
    bytes
}

/// A path for a command that reads one a line: in quotes, as C has them, where it would be read as something else.
pub(crate) fn quoted(path: &[u8]) -> Vec<u8> {
    let is_plain = |byte: &u8| !matches!(byte, b'"' | b'\\' | 0..0x20 | 0x7f);
    if path.iter().all(is_plain) {
        return path.to_vec();
    }
    let mut text = vec![b'"'];
    for byte in path {
        if is_plain(byte) {
            text.push(*byte);
        } else {
            text.extend(format!("\\{byte:03o}").as_bytes());
        }
    }
    text.push(b'"');
    text
}
