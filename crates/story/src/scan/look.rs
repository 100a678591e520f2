//! One look at one story: open, read its head, close.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;
use std::thread;
use std::time::SystemTime;

use locked_file::{FRESH, PAUSES};

use super::Skipped;
use crate::document::Document;
use crate::error::{ParseError, ParseErrorKind};
use crate::fence::{self, MAX_FRONTMATTER_BYTES};
use crate::head::Head;
use crate::read::{MAX_STORY_BYTES, ReadError, read};
use crate::sys::{self, Base};
use crate::workspace::{STORY_FILE, StoryCopy, StoryFile};

/// What is read first. Nearly all heads are shorter (contract, section 1: the median has 646 bytes), and more would cost more.
const FIRST_BYTES: usize = 4096;

/// Beyond this no fence can close any more; the fences themselves and a byte order mark are counted generously.
const MOST_BYTES: usize = MAX_FRONTMATTER_BYTES + FIRST_BYTES;

/// What a look at a file showed.
pub(super) enum Seen {
    /// A story.
    Head(Box<Head>),
    /// No file.
    Nothing,
    /// A file that is no readable story.
    Skipped(Skipped),
}

/// Looks at one file. `begun`: a time before this call. `stories`: the folder of the main copies, where it is open.
pub(super) fn at(file: &StoryFile, stories: Option<&Base>, begun: SystemTime) -> Seen {
    match settled_head(file, stories, begun) {
        Some(head) => Seen::Head(Box::new(head)),
        None => closely(file),
    }
}

/// The head of a file that nobody is writing, if there is nothing else to be said of it.
fn settled_head(file: &StoryFile, stories: Option<&Base>, begun: SystemTime) -> Option<Head> {
    let mut opened = open(file, stories).ok()?;
    let mut first = [0; FIRST_BYTES];
    let length = opened.read(&mut first).ok()?;
    let first = &first[..length];
    let head = match part(first, End::Open) {
        Part::Whole(length) => head_in(&first[..length], file),
        Part::More => {
            let head = long_head(&mut opened, first).ok()??;
            head_in(&head, file)
        }
        Part::Wrong => None,
    }?;
    // After the read: whoever wrote in place while it went on has left a younger time.
    is_settled(&opened, begun).then_some(head)
}

/// A main copy is reached from the folder of stories: the way there is a third of what opening costs.
fn open(file: &StoryFile, stories: Option<&Base>) -> io::Result<File> {
    match stories.filter(|_| file.copy == StoryCopy::Main) {
        Some(_) => sys::open_to_look(stories, &Path::new(&file.name).join(STORY_FILE)),
        None => sys::open_to_look(None, &file.path),
    }
}

/// Whether this is a regular file of a story's size that was last written long enough before `begun`.
fn is_settled(file: &File, begun: SystemTime) -> bool {
    let Some((length, written)) = sys::length_and_time(file) else {
        return false;
    };
    let age = begun.duration_since(written);
    length <= MAX_STORY_BYTES && age.is_ok_and(|age| age >= FRESH)
}

/// Whether the bytes at hand are all that the file has, or may be its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Open,
    Reached,
}

#[derive(Debug, PartialEq, Eq)]
enum Part {
    /// The head ends at this byte.
    Whole(usize),
    /// It may end later.
    More,
    /// It is none.
    Wrong,
}

/// Finds the end of the head in the first bytes of a file.
fn part(bytes: &[u8], end: End) -> Part {
    let may_go_on = |err: &ParseError| {
        matches!(
            err.kind,
            ParseErrorKind::Unclosed | ParseErrorKind::AmbiguousFence
        )
    };
    match fence::split(bytes) {
        Ok(fences) => {
            // Without its line end, the closing line may go on, which would be refused.
            let is_closed = bytes[..fences.body_start].ends_with(b"\n");
            if is_closed || end == End::Reached {
                Part::Whole(fences.body_start)
            } else {
                Part::More
            }
        }
        Err(err) if end == End::Open && may_go_on(&err) => Part::More,
        Err(_) => Part::Wrong,
    }
}

/// Reads on until the head ends; each time three times as much again, and never much more than a head can have.
fn long_head(file: &mut File, first: &[u8]) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = first.to_vec();
    loop {
        let wanted = (3 * bytes.len().max(FIRST_BYTES)).min(MOST_BYTES - bytes.len());
        let limit = u64::try_from(wanted).unwrap_or_default();
        let read = file.take(limit).read_to_end(&mut bytes)?;
        let end = if read < wanted || bytes.len() >= MOST_BYTES {
            End::Reached
        } else {
            End::Open
        };
        match part(&bytes, end) {
            Part::Whole(length) => {
                bytes.truncate(length);
                return Ok(Some(bytes));
            }
            Part::More if end == End::Open => {}
            Part::More | Part::Wrong => return Ok(None),
        }
    }
}

/// The head in bytes that end with the closing fence.
fn head_in(bytes: &[u8], file: &StoryFile) -> Option<Head> {
    let fences = fence::split(bytes).ok()?;
    let plain = std::str::from_utf8(&bytes[fences.yaml])
        .ok()
        .and_then(|text| Head::of_plain(text, file));
    plain.or_else(|| {
        let story = Document::parse(bytes).ok()?;
        Some(Head::of(&story, file))
    })
}

/// Looks again with all the care of [`read`], which says exactly what is wrong.
fn closely(file: &StoryFile) -> Seen {
    let mut pauses = PAUSES.iter();
    loop {
        let err = match read(&file.path) {
            Ok(story) => return Seen::Head(Box::new(Head::of(&story, file))),
            Err(err) => err,
        };
        let is_missing = matches!(
            &err,
            ReadError::File(atomic_file::ReadError::NotFound { .. })
        );
        match pauses.next() {
            // Some editors save by removing the old file first.
            Some(pause) if is_missing && is_folder_fresh(&file.path) => {
                thread::sleep(*pause);
            }
            _ if is_missing && !is_broken_link(&file.path) => return Seen::Nothing,
            _ => {
                return Seen::Skipped(Skipped {
                    path: file.path.clone(),
                    reason: err.into(),
                });
            }
        }
    }
}

/// Whether something was just made or removed in a file's folder.
fn is_folder_fresh(path: &Path) -> bool {
    let folder = path.parent().map(fs::metadata).and_then(Result::ok);
    folder
        .and_then(|folder| folder.modified().ok())
        .is_some_and(|changed| changed.elapsed().is_ok_and(|age| age < FRESH))
}

/// A link that leads nowhere is something that somebody should know about.
fn is_broken_link(path: &Path) -> bool {
    path.is_symlink()
}
