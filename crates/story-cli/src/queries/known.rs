//! What is known of each story's file, and how it differs from what is there now.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use story::workspace::{StoryCopy, StoryFile};
use story::{Change, Changes, Document, ReadError, Revision, Value};

use crate::sys::{self, Stamp};
use crate::transaction::{chain, id_of};

/// How long a file may be missing before it counts as removed. Chosen.
const GRACE: Duration = Duration::from_millis(100);

/// The file is not there.
struct Missing;

/// Something happened to a story.
#[derive(Debug)]
pub struct Event {
    /// Its id, else the name by which it is found.
    pub story: String,
    /// The file.
    pub path: PathBuf,
    /// Which copy.
    pub copy: StoryCopy,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Debug)]
pub enum What {
    /// It is there now.
    Created(Vec<Change>, Revision),
    /// Its keys or its body have changed, or only what stands around them.
    Changed(Vec<Change>, Body, Revision),
    /// It is gone.
    Removed,
    /// It cannot be read any more, for this reason.
    Unreadable(String),
}

/// Whether the body has changed as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// It is as it was.
    Same,
    /// It is another.
    Changed,
}

/// What was last seen of a file.
#[derive(Debug)]
struct Entry {
    file: StoryFile,
    stamp: Option<Stamp>,
    /// The last version that could be read.
    version: Option<Version>,
    /// Why it cannot be read now.
    trouble: Option<String>,
}

#[derive(Debug)]
struct Version {
    story: String,
    /// The file up to its body.
    head: Vec<u8>,
    body: u64,
}

impl Version {
    fn of(story: &Document, file: &StoryFile) -> Self {
        let bytes = story.as_bytes();
        let mut hasher = DefaultHasher::new();
        story.body().hash(&mut hasher);
        Self {
            story: id_of(story).unwrap_or_else(|| name(file)),
            head: bytes[..bytes.len() - story.body().len()].to_vec(),
            body: hasher.finish(),
        }
    }

    /// The keys that differ; `None` when not a byte does.
    fn changes_to(&self, new: &Self) -> Option<(Vec<Change>, Body)> {
        if self.head == new.head && self.body == new.body {
            return None;
        }
        let body = if self.body == new.body {
            Body::Same
        } else {
            Body::Changed
        };
        let parsed = |version: &Self| Document::parse(version.head.clone());
        let fields = match (parsed(self), parsed(new)) {
            (Ok(old), Ok(new)) => Changes::between(&old, &new).fields,
            // Both were read when they were found.
            _ => Vec::new(),
        };
        Some((fields, body))
    }
}

/// What is known of all stories.
#[derive(Debug, Default)]
pub struct Known(HashMap<PathBuf, Entry>);

impl Known {
    /// How many stories can be read.
    pub fn count(&self) -> usize {
        self.0
            .values()
            .filter(|entry| entry.trouble.is_none() && entry.version.is_some())
            .count()
    }

    /// The reasons why stories cannot be read, by path.
    pub fn troubles(&self) -> Vec<String> {
        let mut troubles: Vec<_> = self
            .0
            .values()
            .filter_map(|entry| entry.trouble.clone())
            .collect();
        troubles.sort();
        troubles
    }

    /// Takes files for what is known, without a word about them.
    pub fn learn(&mut self, files: &[StoryFile]) {
        for file in files {
            let stamp = stamp(&file.path);
            let (version, trouble) = match story::read(&file.path) {
                Err(ReadError::File(atomic_file::ReadError::NotFound { .. })) => continue,
                Err(err) => (None, Some(chain(&err))),
                Ok(story) => (Some(Version::of(&story, file)), None),
            };
            let entry = Entry {
                file: file.clone(),
                stamp,
                version,
                trouble,
            };
            self.0.insert(file.path.clone(), entry);
        }
    }

    /// Compares those of the files whose times have changed, and finds out which are gone.
    pub fn look_at_all(&mut self, files: &[StoryFile]) -> Vec<Event> {
        let changed = files.iter().filter(|file| {
            let known = self.0.get(&file.path).map(|entry| entry.stamp);
            known != stamp(&file.path).map(Some)
        });
        let changed: Vec<_> = changed.cloned().collect();
        let listed: HashSet<_> = files.iter().map(|file| &file.path).collect();
        let gone = self
            .0
            .values()
            .filter(|entry| !listed.contains(&entry.file.path));
        let gone: Vec<_> = gone.map(|entry| entry.file.clone()).collect();
        self.compare(changed.into_iter().chain(gone).collect())
    }

    /// Compares these files, as far as they are known; `None` when one of them is not.
    pub fn look_at(&mut self, paths: impl IntoIterator<Item = PathBuf>) -> Option<Vec<Event>> {
        let known = |path: PathBuf| self.0.get(&path).map(|entry| entry.file.clone());
        let files = paths.into_iter().map(known).collect::<Option<Vec<_>>>()?;
        Some(self.compare(files))
    }

    fn compare(&mut self, mut files: Vec<StoryFile>) -> Vec<Event> {
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let mut events = Vec::new();
        let mut missing = Vec::new();
        for file in files {
            match self.look(&file) {
                Ok(what) => events.extend(what.map(|what| self.event(&file, what))),
                Err(Missing) => missing.push(file),
            }
        }
        events.extend(self.missing(missing));
        events
    }

    /// Some editors save by removing the old file first: what is missing gets a moment to come back.
    fn missing(&mut self, files: Vec<StoryFile>) -> Vec<Event> {
        let known: Vec<_> = files
            .into_iter()
            .filter(|file| self.0.contains_key(&file.path))
            .collect();
        if known.is_empty() {
            return Vec::new();
        }
        thread::sleep(GRACE);
        let mut events = Vec::new();
        for file in known {
            let what = match self.look(&file) {
                Ok(what) => what,
                Err(Missing) => Some(What::Removed),
            };
            events.extend(what.map(|what| self.event(&file, what)));
        }
        events
    }

    fn event(&mut self, file: &StoryFile, what: What) -> Event {
        let version = self
            .0
            .get(&file.path)
            .and_then(|entry| entry.version.as_ref());
        let event = Event {
            story: version.map_or_else(|| name(file), |version| version.story.clone()),
            path: file.path.clone(),
            copy: file.copy.clone(),
            what,
        };
        if matches!(event.what, What::Removed) {
            self.0.remove(&file.path);
        }
        event
    }

    /// Reads a file and takes it over as what is known.
    fn look(&mut self, file: &StoryFile) -> Result<Option<What>, Missing> {
        // Before the read: a later change then has another stamp.
        let stamp = stamp(&file.path);
        let read = match story::read(&file.path) {
            Err(ReadError::File(atomic_file::ReadError::NotFound { .. })) => return Err(Missing),
            read => read,
        };
        let entry = self.0.entry(file.path.clone()).or_insert_with(|| Entry {
            file: file.clone(),
            stamp: None,
            version: None,
            trouble: None,
        });
        entry.stamp = stamp;
        Ok(match read {
            Ok(story) => entry.readable(&story),
            Err(err) => entry.unreadable(&err),
        })
    }
}

impl Entry {
    fn readable(&mut self, story: &Document) -> Option<What> {
        let new = Version::of(story, &self.file);
        let was_trouble = self.trouble.take().is_some();
        let what = match &self.version {
            Some(old) => match old.changes_to(&new) {
                Some((fields, body)) => Some(What::Changed(fields, body, story.revision())),
                None => {
                    was_trouble.then(|| What::Changed(Vec::new(), Body::Same, story.revision()))
                }
            },
            None => Some(What::Created(all_fields(story), story.revision())),
        };
        self.version = Some(new);
        what
    }

    fn unreadable(&mut self, err: &ReadError) -> Option<What> {
        let reason = chain(err);
        let is_new = self.trouble.as_ref() != Some(&reason);
        self.trouble = Some(reason.clone());
        is_new.then_some(What::Unreadable(reason))
    }
}

/// Every key of a story, as one that was not there before.
fn all_fields(story: &Document) -> Vec<Change> {
    let Value::Map(entries) = story.to_value() else {
        return Vec::new();
    };
    let change = |(key, value)| Change {
        key,
        old: None,
        new: Some(value),
    };
    entries.into_iter().map(change).collect()
}

fn name(file: &StoryFile) -> String {
    file.name.to_string_lossy().into_owned()
}

fn stamp(path: &Path) -> Option<Stamp> {
    fs::metadata(path)
        .ok()
        .map(|metadata| sys::stamp(&metadata))
}
