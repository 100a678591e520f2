//! What happens to the files in folders, in order: one queue of inotify, with writes in place and both halves of renames.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};

use super::{Change, ChangeKind, Waited};
use crate::by_path::ByPath;

/// Some thousand events with short names; chosen, because a full queue loses events.
const BUFFER_BYTES: usize = 64 * 1024;

/// Folders whose changes are told one by one.
#[derive(Debug)]
pub struct ChangeEvents {
    inotify: OwnedFd,
    folders: Folders,
    buffer: Vec<MaybeUninit<u8>>,
}

impl ChangeEvents {
    /// Watches nothing yet.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            inotify: inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?,
            folders: Folders::new(),
            buffer: vec![MaybeUninit::uninit(); BUFFER_BYTES],
        })
    }

    /// Begins to watch a folder, without following a link. Events before are not seen, so look at it after this.
    pub fn add(&mut self, folder: &Path) -> io::Result<()> {
        let what = WatchFlags::CREATE
            | WatchFlags::MODIFY
            | WatchFlags::CLOSE_WRITE
            | WatchFlags::DELETE
            | WatchFlags::MOVED_FROM
            | WatchFlags::MOVED_TO
            | WatchFlags::ONLYDIR
            | WatchFlags::DONT_FOLLOW;
        let number = inotify::add_watch(&self.inotify, folder, what)?;
        self.folders.insert(number, folder.to_path_buf());
        Ok(())
    }

    /// Stops watching a folder and all below it.
    pub fn remove_below(&mut self, folder: &Path) {
        for number in self.folders.remove_below(folder) {
            // Where the folder is gone the kernel has done that by itself.
            inotify::remove_watch(&self.inotify, number).ok();
        }
    }

    /// How many folders are watched.
    pub fn count(&self) -> usize {
        self.folders.paths.len()
    }

    /// Sleeps until something happens, nobody reads stdout any more, a signal comes, or `timeout` is over.
    pub fn wait(&mut self, timeout: Duration) -> Waited {
        let stdout = io::stdout();
        let mut fds = [
            PollFd::new(&self.inotify, PollFlags::IN),
            PollFd::new(&stdout, PollFlags::empty()),
        ];
        let timeout = Timespec {
            tv_sec: timeout.as_secs().try_into().unwrap_or(i64::MAX),
            tv_nsec: timeout.subsec_nanos().into(),
        };
        // An error of the wait is none of the watch: the caller looks, and waits again.
        poll(&mut fds, Some(&timeout)).ok();
        if fds[1].revents().intersects(PollFlags::ERR | PollFlags::HUP) {
            Waited::Unheard
        } else {
            Waited::Look
        }
    }

    /// Takes events that have come, in order; none when there are none.
    pub fn take(&mut self) -> Vec<Change> {
        let mut changes = Vec::new();
        let mut reader = inotify::Reader::new(&self.inotify, &mut self.buffer);
        while let Ok(event) = reader.next() {
            let flags = event.events();
            if flags.contains(ReadFlags::QUEUE_OVERFLOW) {
                changes.push(Change::Lost);
            } else if flags.contains(ReadFlags::IGNORED) {
                let folder = self.folders.remove(event.wd());
                // A new folder may have taken its name already.
                let folder = folder.filter(|folder| !self.folders.numbers.contains(folder));
                changes.extend(folder.map(Change::Unwatched));
            } else if let (Some(folder), Some(name), Some(kind)) = (
                self.folders.paths.get(&event.wd()),
                event.file_name(),
                kind_of(flags, event.cookie()),
            ) {
                let path = folder.join(OsStr::from_bytes(name.to_bytes()));
                changes.push(if flags.contains(ReadFlags::ISDIR) {
                    Change::Folder(path, kind)
                } else {
                    Change::File(path, kind)
                });
            }
            // What the buffer holds must not be left behind.
            if reader.is_buffer_empty() {
                break;
            }
        }
        changes
    }
}

/// The watched folders, by the kernel's number and by path.
#[derive(Debug)]
struct Folders {
    paths: HashMap<i32, PathBuf>,
    /// Two, where a new folder has taken the name of one whose end was not told yet.
    numbers: ByPath<Vec<i32>>,
}

impl Folders {
    fn new() -> Self {
        Self {
            paths: HashMap::new(),
            numbers: ByPath::new(),
        }
    }

    fn insert(&mut self, number: i32, folder: PathBuf) {
        // The number stays with a folder that was renamed.
        self.remove(number);
        match self.numbers.get_mut(&folder) {
            Some(numbers) => numbers.push(number),
            None => drop(self.numbers.insert(folder.clone(), vec![number])),
        }
        self.paths.insert(number, folder);
    }

    fn remove(&mut self, number: i32) -> Option<PathBuf> {
        let folder = self.paths.remove(&number)?;
        if let Some(numbers) = self.numbers.get_mut(&folder) {
            numbers.retain(|other| *other != number);
            if numbers.is_empty() {
                self.numbers.remove(&folder);
            }
        }
        Some(folder)
    }

    /// The numbers of a folder and all below it, which are forgotten.
    fn remove_below(&mut self, folder: &Path) -> Vec<i32> {
        let numbers = self.numbers.remove_below(folder).concat();
        for number in &numbers {
            self.paths.remove(number);
        }
        numbers
    }
}

fn kind_of(flags: ReadFlags, cookie: u32) -> Option<ChangeKind> {
    Some(if flags.contains(ReadFlags::MODIFY) {
        ChangeKind::Written
    } else if flags.contains(ReadFlags::CREATE) {
        ChangeKind::Created
    } else if flags.contains(ReadFlags::CLOSE_WRITE) {
        ChangeKind::Closed
    } else if flags.contains(ReadFlags::DELETE) {
        ChangeKind::Removed
    } else if flags.contains(ReadFlags::MOVED_FROM) {
        ChangeKind::MovedAway(cookie)
    } else if flags.contains(ReadFlags::MOVED_TO) {
        ChangeKind::MovedHere(cookie)
    } else {
        return None;
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_know_each_path_while_one_of_its_numbers_is_left() {
        let mut folders = Folders::new();
        for (number, folder) in [
            (1, "/p"),
            (2, "/p/a"),
            (3, "/p/a/x"),
            (4, "/p/a"),
            (5, "/p/b"),
        ] {
            folders.insert(number, folder.into());
        }
        assert_eq!(folders.remove(2), Some("/p/a".into()), "the old one of two");
        assert!(folders.numbers.contains(Path::new("/p/a")), "the new one");
        folders.insert(5, "/p/c".into());
        assert!(!folders.numbers.contains(Path::new("/p/b")), "renamed");
        let mut below = folders.remove_below(Path::new("/p/a"));
        below.sort_unstable();
        assert_eq!(below, [3, 4], "the folder and what is below it");
        assert_eq!(folders.remove(4), None, "it is forgotten");
        assert_eq!(folders.paths.len(), 2, "the others stay");
    }
}
