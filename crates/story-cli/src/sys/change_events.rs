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

/// Some thousand events with short names; chosen, because a full queue loses events.
const BUFFER_BYTES: usize = 64 * 1024;

/// Folders whose changes are told one by one.
#[derive(Debug)]
pub struct ChangeEvents {
    inotify: OwnedFd,
    paths: HashMap<i32, PathBuf>,
    buffer: Vec<MaybeUninit<u8>>,
}

impl ChangeEvents {
    /// Watches nothing yet.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            inotify: inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?,
            paths: HashMap::new(),
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
        self.paths.insert(number, folder.to_path_buf());
        Ok(())
    }

    /// Stops watching a folder and all below it.
    pub fn remove_below(&mut self, folder: &Path) {
        let inotify = &self.inotify;
        self.paths.retain(|number, path| {
            let is_below = path.starts_with(folder);
            if is_below {
                // Where the folder is gone the kernel has done that by itself.
                inotify::remove_watch(inotify, *number).ok();
            }
            !is_below
        });
    }

    /// How many folders are watched.
    pub fn count(&self) -> usize {
        self.paths.len()
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
                let folder = self.paths.remove(&event.wd());
                // A new folder may have taken its name already.
                let is_again = |folder: &PathBuf| self.paths.values().any(|path| path == folder);
                let folder = folder.filter(|folder| !is_again(folder));
                changes.extend(folder.map(Change::Unwatched));
            } else if let (Some(folder), Some(name), Some(kind)) = (
                self.paths.get(&event.wd()),
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
