//! Events in folders: inotify. Only what changes names or ends a write is asked for, so that readers wake nobody.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};

use super::Woken;

/// Some hundred events with short names; chosen.
const BUFFER_BYTES: usize = 16 * 1024;

/// Folders under watch.
#[derive(Debug)]
pub struct FolderEvents {
    inotify: OwnedFd,
    paths: HashMap<i32, PathBuf>,
    numbers: HashMap<PathBuf, i32>,
}

impl FolderEvents {
    /// Watches nothing yet.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            inotify: inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?,
            paths: HashMap::new(),
            numbers: HashMap::new(),
        })
    }

    /// Begins to watch a folder. Events before are not seen, so look at it after this. `false`: it is watched already.
    pub fn add(&mut self, folder: &Path) -> io::Result<bool> {
        if self.numbers.contains_key(folder) {
            return Ok(false);
        }
        let what = WatchFlags::CREATE
            | WatchFlags::CLOSE_WRITE
            | WatchFlags::DELETE
            | WatchFlags::MOVED_FROM
            | WatchFlags::MOVED_TO
            | WatchFlags::MOVE_SELF
            | WatchFlags::ONLYDIR;
        let number = inotify::add_watch(&self.inotify, folder, what)?;
        // The same folder by another name has the same number: the later name counts.
        if let Some(other) = self.paths.insert(number, folder.to_path_buf()) {
            self.numbers.remove(&other);
        }
        self.numbers.insert(folder.to_path_buf(), number);
        Ok(true)
    }

    /// Sleeps until something happens in a folder, nobody reads stdout any more, a signal comes, or `timeout` is over.
    pub fn wait(&mut self, timeout: Duration) -> Woken {
        let stdout = io::stdout();
        let mut fds = [
            PollFd::new(&self.inotify, PollFlags::IN),
            PollFd::new(&stdout, PollFlags::empty()),
        ];
        match poll(&mut fds, Some(&timespec(timeout))) {
            Ok(0) => Woken::Late,
            Ok(_) if is_unheard(&fds[1]) => Woken::Unheard,
            Ok(_) => self.names(),
            Err(rustix::io::Errno::INTR) => Woken::Signalled,
            Err(_) => {
                std::thread::sleep(timeout);
                Woken::Late
            }
        }
    }

    /// Takes the events that have come.
    fn names(&mut self) -> Woken {
        let mut names = Vec::new();
        let mut is_all = false;
        let mut gone = Vec::new();
        let mut buffer = [MaybeUninit::uninit(); BUFFER_BYTES];
        let mut reader = inotify::Reader::new(&self.inotify, &mut buffer);
        while let Ok(event) = reader.next() {
            let flags = event.events();
            if flags.intersects(ReadFlags::IGNORED | ReadFlags::MOVE_SELF) {
                gone.push(event.wd());
                is_all = true;
                continue;
            }
            match (self.paths.get(&event.wd()), event.file_name()) {
                (Some(folder), Some(name)) => {
                    let name = OsStr::from_bytes(name.to_bytes());
                    names.push((folder.clone(), OsString::from(name)));
                }
                // The queue was full.
                _ => is_all = true,
            }
        }
        for number in gone {
            self.forget(number);
        }
        if is_all {
            Woken::All
        } else {
            Woken::Names(names)
        }
    }

    /// A folder that was moved or removed is another one when it comes back.
    fn forget(&mut self, number: i32) {
        if let Some(path) = self.paths.remove(&number) {
            self.numbers.remove(&path);
            // Where the folder is gone the kernel has done that by itself.
            inotify::remove_watch(&self.inotify, number).ok();
        }
    }
}

fn is_unheard(stdout: &PollFd<'_>) -> bool {
    stdout.revents().intersects(PollFlags::ERR | PollFlags::HUP)
}

fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: duration.as_secs().try_into().unwrap_or(i64::MAX),
        tv_nsec: duration.subsec_nanos().into(),
    }
}
