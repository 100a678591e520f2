//! Reading and writing a journal. Everything that is written is written under the story's lock, by appending whole lines.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use atomic_file::{CommitOptions, Original, Resolved, sweep_beside};

use crate::changes::Changes;
use crate::document::Document;
use crate::hexadecimal::hexadecimal;
use crate::journal::chain::Journal;
use crate::journal::line::{Entry, Line, State};
use crate::journal::{JournalError, JournalFile, JournalOptions};
use crate::sys::{self, Access, JournalPlace, Opened};

/// Above this size, 1 MiB, the older half of a journal is dropped. Chosen: some thousands of changes.
pub const MAX_JOURNAL_BYTES: u64 = 1024 * 1024;

/// No journal of ours gets this large; chosen.
const MAX_READ_BYTES: u64 = 16 * 1024 * 1024;

/// How much of the end is read to see whether the last line is a word, which is the usual case; chosen: many words.
const TAIL_BYTES: u64 = 512;

/// Longest name of an owner or a run that is kept, in characters; chosen.
const MAX_NAME_CHARS: usize = 200;

/// Reads a journal without a lock; `None` when there is none.
///
/// # Errors
///
/// [`JournalError`]. Retrying does not help by itself.
pub fn read(file: &JournalFile) -> Result<Option<Journal>, JournalError> {
    match open(file, Access::Read)? {
        Some(opened) => read_whole(file, &opened).map(Some),
        None => Ok(None),
    }
}

/// What an operation with an id of the caller must not do.
#[derive(Debug)]
pub(crate) enum LookUpError {
    Journal(JournalError),
    /// It was done.
    Done(Box<Entry>),
    /// Nobody knows whether it was done.
    Unknown(Box<Entry>),
    /// The id was given to something else.
    Other(Box<Entry>),
}

impl From<JournalError> for LookUpError {
    fn from(err: JournalError) -> Self {
        Self::Journal(err)
    }
}

/// The journal of one update under way.
#[derive(Debug)]
pub(crate) struct Writing<'a> {
    options: &'a JournalOptions,
    file: JournalFile,
    /// The attempt that has a line and no word yet.
    pending: Option<(String, Opened)>,
}

impl<'a> Writing<'a> {
    /// `None`: the story has no journal, and needs none.
    pub(crate) fn start(
        options: &'a JournalOptions,
        story: &Path,
    ) -> Result<Option<Self>, JournalError> {
        match options.file_of(story) {
            Some(file) => Ok(Some(Self {
                options,
                file,
                pending: None,
            })),
            None if options.op.is_none() => Ok(None),
            None => Err(JournalError::NoPlace {
                story: story.to_path_buf(),
                root: options.root.clone(),
            }),
        }
    }

    /// Whether the update must not be made without its line.
    pub(crate) fn is_needed(&self) -> bool {
        self.options.op.is_some()
    }

    /// Finds out whether the caller's operation may be done: it was not done before, and that is certain.
    pub(crate) fn look_up(&self, story: &Document, like: &Path) -> Result<(), LookUpError> {
        let Some(op) = &self.options.op else {
            return Ok(());
        };
        let file = &self.file;
        let Some(opened) = open(file, Access::Read)? else {
            return Ok(());
        };
        let journal = read_whole(file, &opened)?;
        let present = story.revision().to_string();
        let Some((entry, state)) = journal.operation(op, &present) else {
            return Ok(());
        };
        let found = || Box::new(entry.clone());
        match state {
            _ if entry.command != self.options.command => Err(LookUpError::Other(found())),
            State::Void => Ok(()),
            State::Unknown => Err(LookUpError::Unknown(found())),
            State::Done => {
                // As long as the file still shows it: after the next change by another tool it would be unknown.
                if journal.unsettled(&present).is_some()
                    && let Err(err) = self.append(story, &[], like)
                {
                    tracing::debug!(%err, "no word in the journal");
                }
                Err(LookUpError::Done(found()))
            }
        }
    }

    /// Writes the line of a change that is about to be committed.
    pub(crate) fn intend(
        &mut self,
        before: &Document,
        after: &Document,
        like: &Path,
    ) -> Result<(), JournalError> {
        let entry = self.entry(before, after)?;
        let key = entry.key().to_owned();
        let opened = self.append(before, &[Line::Entry(Box::new(entry))], like)?;
        self.pending = Some((key, opened));
        Ok(())
    }

    /// Takes down that the caller's operation changed nothing: tried again later, it must not change something after all.
    pub(crate) fn nothing_to_change(
        &self,
        story: &Document,
        like: &Path,
    ) -> Result<(), JournalError> {
        if self.options.op.is_none() {
            return Ok(());
        }
        let entry = self.entry(story, story)?;
        let word = Line::Own(entry.key().to_owned(), State::Done);
        self.append(story, &[Line::Entry(Box::new(entry)), word], like)
            .map(drop)
    }

    /// Says what became of the attempt that has a line. If that fails the next writer finds out.
    pub(crate) fn say(&mut self, state: State) {
        let Some((key, opened)) = self.pending.take() else {
            return;
        };
        let line = Line::Own(key, state).to_bytes();
        if let Err(err) = write_at_end(&opened.file, &line) {
            tracing::debug!(%err, "no word in the journal");
        }
    }

    fn entry(&self, before: &Document, after: &Document) -> Result<Entry, JournalError> {
        let options = self.options;
        let own = new_id().map_err(|err| failed(&self.file, "write", err))?;
        let (op, attempt) = match &options.op {
            Some(op) => (op.clone(), Some(own)),
            None => (own, None),
        };
        let kept = |name: &Option<String>| {
            let name = name.as_ref()?;
            Some(name.chars().take(MAX_NAME_CHARS).collect())
        };
        let old = before.revision().to_string();
        let is_change = before != after;
        let entry = Entry {
            op,
            attempt,
            at: options.at.stamp(),
            owner: kept(&options.owner),
            run: kept(&options.run),
            command: options.command.clone(),
            after: if is_change {
                after.revision().to_string()
            } else {
                old.clone()
            },
            before: old,
            changes: Vec::new(),
            body: None,
        };
        Ok(entry.with_changes(&Changes::between(before, after)))
    }

    fn append(
        &self,
        story: &Document,
        lines: &[Line],
        like: &Path,
    ) -> Result<Opened, JournalError> {
        let durability = if self.is_needed() {
            OnDisk::Now
        } else {
            OnDisk::Later
        };
        append(&self.file, story, lines, like, durability)
    }
}

/// Whether to wait until lines are on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnDisk {
    Now,
    Later,
}

/// Appends lines in one write, behind a word about the last attempt if nobody has said one. `story` is what the file is
/// at present; a missing journal is made, open to those to whom the file `like` is open.
pub(crate) fn append(
    file: &JournalFile,
    story: &Document,
    lines: &[Line],
    like: &Path,
    on_disk: OnDisk,
) -> Result<Opened, JournalError> {
    let mut opened = open_to_append(file, like)?;
    let mut size = size_of(file, &opened)?;
    if size > MAX_JOURNAL_BYTES {
        if let Err(err) = drop_older_half(file, &opened) {
            tracing::warn!(err = &*err, "the journal was not cut");
        }
        opened = open_to_append(file, like)?;
        size = size_of(file, &opened)?;
    }
    let mut bytes = close_what_is_open(file, &opened, size, story)?;
    bytes.extend(lines.iter().flat_map(Line::to_bytes));
    write_at_end(&opened.file, &bytes).map_err(|err| failed(file, "write", err))?;
    if on_disk == OnDisk::Now {
        sys::sync_journal(&opened).map_err(|err| failed(file, "sync", err))?;
    }
    Ok(opened)
}

/// What must stand before the next line: the end of a torn one, a word about an attempt whose process said none.
fn close_what_is_open(
    file: &JournalFile,
    opened: &Opened,
    size: u64,
    story: &Document,
) -> Result<Vec<u8>, JournalError> {
    let tail_bytes = size.min(TAIL_BYTES);
    let tail = read_from(&opened.file, size - tail_bytes, tail_bytes)
        .map_err(|err| failed(file, "read", err))?;
    let Some(whole) = tail.strip_suffix(b"\n") else {
        let mut bytes = if tail.is_empty() {
            Vec::new()
        } else {
            vec![b'\n']
        };
        bytes.extend(word_about_the_last(file, opened, story)?);
        return Ok(bytes);
    };
    // A line that begins before the tail is no word.
    let last = memchr::memrchr(b'\n', whole).map(|end| Line::parse(&whole[end + 1..]));
    match last {
        Some(Some(Line::Own(..) | Line::Settled(..) | Line::Seen(_))) => Ok(Vec::new()),
        _ => word_about_the_last(file, opened, story),
    }
}

fn word_about_the_last(
    file: &JournalFile,
    opened: &Opened,
    story: &Document,
) -> Result<Vec<u8>, JournalError> {
    let journal = read_whole(file, opened)?;
    let word = journal
        .unsettled(story.revision().as_str())
        .map(|(entry, state)| Line::Settled(entry.key().to_owned(), state));
    Ok(word.map(|word| word.to_bytes()).unwrap_or_default())
}

type AnyError = Box<dyn std::error::Error + Send + Sync>;

/// Replaces the journal by its newer half. Under the story's lock, as everything that writes here.
fn drop_older_half(file: &JournalFile, opened: &Opened) -> Result<(), AnyError> {
    let path = file.path();
    let resolved = Resolved {
        path: &path,
        folder: opened.folder(),
    };
    sweep_beside(resolved)?;
    let original = Original::read_resolved(resolved, MAX_READ_BYTES)?;
    let kept = newer_half(original.bytes()).to_vec();
    // Durable, so that no later line stands in a file that a power cut takes the name from.
    original.stage(&kept, &CommitOptions::default())?.commit()?;
    Ok(())
}

/// The newest lines of up to half the limit, from an entry on; the last entry in any case.
fn newer_half(bytes: &[u8]) -> &[u8] {
    let keep = usize::try_from(MAX_JOURNAL_BYTES / 2).unwrap_or(usize::MAX);
    let is_entry = |line: &[u8]| matches!(Line::parse(line), Some(Line::Entry(_)));
    let mut start = bytes.len();
    let mut at = bytes.len();
    for line in bytes.split_inclusive(|byte| *byte == b'\n').rev() {
        at -= line.len();
        if bytes.len() - at > keep && start < bytes.len() {
            break;
        }
        if is_entry(line) {
            start = at;
        }
    }
    &bytes[start..]
}

fn open(file: &JournalFile, access: Access<'_>) -> Result<Option<Opened>, JournalError> {
    let place = JournalPlace {
        root: file.root(),
        folders: file.folders(),
        name: file.name(),
    };
    sys::open_journal(place, access).map_err(|err| failed(file, "open", err))
}

fn open_to_append(file: &JournalFile, like: &Path) -> Result<Opened, JournalError> {
    open(file, Access::Append { like })?
        .ok_or_else(|| failed(file, "open", io::ErrorKind::NotFound.into()))
}

fn size_of(file: &JournalFile, opened: &Opened) -> Result<u64, JournalError> {
    let metadata = opened.file.metadata();
    let metadata = metadata.map_err(|err| failed(file, "look at", err))?;
    Ok(metadata.len())
}

fn read_whole(file: &JournalFile, opened: &Opened) -> Result<Journal, JournalError> {
    let size = size_of(file, opened)?;
    if size > MAX_READ_BYTES {
        let path = file.path();
        return Err(JournalError::TooLarge { path, size });
    }
    let bytes = read_from(&opened.file, 0, size).map_err(|err| failed(file, "read", err))?;
    Ok(Journal::parse(&bytes))
}

/// One call as a rule: what is known to be there has room, and nothing is asked for behind it.
fn read_from(mut file: &File, offset: u64, length: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
    file.seek(SeekFrom::Start(offset))?;
    file.take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// One call as a rule: a part of a line is seen by nobody but after a crash or on a full disk.
fn write_at_end(mut file: &File, bytes: &[u8]) -> io::Result<()> {
    file.write_all(bytes)
}

/// 48 random bits: no two operations of one story get the same.
fn new_id() -> io::Result<String> {
    let mut random = [0_u8; 6];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    Ok(hexadecimal(&random))
}

fn failed(file: &JournalFile, step: &'static str, source: io::Error) -> JournalError {
    JournalError::Io {
        step,
        path: file.path(),
        source,
    }
}
