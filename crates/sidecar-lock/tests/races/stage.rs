//! Where a race is replayed: a folder with a resource, and what stands beside it.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use testkit::Sandbox;

use super::other::INSIDE;
use super::process::Process;
use crate::sys;
use crate::{LockOptions, LockState, SidecarLock};

const RESOURCE_NAME: &str = "story.md";
/// Whoever is silent for so long is stuck.
pub const PATIENCE: Duration = Duration::from_secs(20);
/// Older than any boot: stale at the first look.
const AGES: Duration = Duration::from_hours(24 * 365 * 10);

/// Acquires at once or not at all. A run of hand-overs never ends.
pub const TRY: &str = "acquire 0 60000";
/// Waits as long as it takes. A run of hand-overs never ends.
pub const WAIT: &str = "acquire 60000 60000";

/// A folder with a resource, and nobody in it yet.
pub struct Stage {
    sandbox: Sandbox,
    pub lock: SidecarLock,
}

impl Stage {
    pub fn new() -> Self {
        let sandbox = Sandbox::new();
        let resource = sandbox.write(RESOURCE_NAME, "");
        let lock = SidecarLock::new(resource).expect("the folder exists");
        Self { sandbox, lock }
    }

    pub fn sidecar(&self) -> &Path {
        self.lock.sidecar()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.sandbox.join(name)
    }

    /// A process on this stage.
    pub fn process(&self) -> Process {
        Process::start(self.lock.resource())
    }

    /// A process that holds the lock.
    pub fn holder(&self, options: &str) -> Process {
        let mut process = self.process();
        assert_eq!(process.run(options), "acquired", "the lock was free");
        process
    }

    /// Another tool's lock file.
    pub fn put_file(&self) {
        put(self.sidecar(), b"4711\n");
    }

    /// Another tool's lock folder.
    pub fn put_folder(&self) {
        std::fs::create_dir(self.sidecar()).expect("the place is free");
    }

    /// Makes what stands at the sidecar's place look as if its owner had died long ago.
    pub fn make_stale(&self) {
        testkit::set_age(self.sidecar(), AGES);
    }

    pub fn remove_sidecar(&self) {
        std::fs::remove_file(self.sidecar()).expect("it stands there");
    }

    /// The sidecar of an owner that died.
    pub fn leave_dead_sidecar(&self) {
        let guard = self.lock.acquire(&LockOptions::default());
        let guard = guard.expect("the lock is free");
        let record = std::fs::read(self.sidecar()).expect("it is there");
        guard.release().expect("nobody interferes");
        put(self.sidecar(), &record);
    }

    pub fn state(&self) -> LockState {
        let state = self.lock.inspect(Duration::from_secs(5));
        state.expect("the sidecar can be looked at")
    }

    /// The token of the lock that stands there.
    pub fn token(&self) -> String {
        let state = self.state();
        state.token().expect("a lock stands there").to_owned()
    }

    /// Waits until so many sleep in the kernel's queue for this sidecar, as `/proc/locks` tells.
    pub fn wait_for_waiters(&self, count: usize) {
        let metadata = std::fs::metadata(self.sidecar()).expect("it stands there");
        let inode = format!(":{} ", std::os::unix::fs::MetadataExt::ino(&metadata));
        testkit::wait_until("waiters sleep", PATIENCE, || {
            let locks = std::fs::read_to_string("/proc/locks").expect("it can be read");
            let waits = |line: &&str| line.contains("-> FLOCK") && line.contains(&inode);
            locks.lines().filter(waits).count() >= count
        });
    }

    /// Waits until somebody is registered as a waiter.
    pub fn wait_for_registration(&self) {
        let (file, _) =
            sys::open_existing(&sys::Name::open(self.sidecar()).unwrap()).expect("it stands there");
        testkit::wait_until("a waiter registers", PATIENCE, || {
            sys::anyone_registered(&file)
        });
    }

    /// Everything in the folder but the resource and what says that somebody is inside.
    pub fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.sandbox.path()).expect("the sandbox can be read");
        let names = entries.map(|entry| entry.expect("it can be read").file_name());
        let mut names: Vec<String> = names
            .map(|name| name.to_string_lossy().into_owned())
            .filter(|name| ![RESOURCE_NAME, INSIDE].contains(&name.as_str()))
            .collect();
        names.sort();
        names
    }

    /// The next one gets the lock at once, and after a sweep nothing is left.
    pub fn check_next(&self) -> Result<(), String> {
        let next = self.lock.try_acquire(&LockOptions {
            stale_after: Some(Duration::from_secs(5)),
            ..LockOptions::default()
        });
        match next {
            Ok(Some(guard)) => guard.release().map_err(|err| err.to_string())?,
            Ok(None) => return Err(format!("the next one is refused: {:?}", self.state())),
            Err(err) => return Err(format!("the next one fails: {err}")),
        }
        crate::settle_hand_overs();
        crate::sweep_temporaries(self.lock.folder()).map_err(|err| err.to_string())?;
        // What carries no record may be about to be written: it is swept a minute later.
        for name in self.names() {
            let path = self.path(&name);
            if crate::is_temporary_name(name.as_ref())
                && path.metadata().is_ok_and(|it| it.len() == 0)
            {
                testkit::set_age(&path, Duration::from_secs(61));
            }
        }
        crate::sweep_temporaries(self.lock.folder()).map_err(|err| err.to_string())?;
        self.check_nothing_left()
    }

    pub fn check_nothing_left(&self) -> Result<(), String> {
        let names = self.names();
        if names.is_empty() {
            Ok(())
        } else {
            Err(format!("left over: {names:?}"))
        }
    }

    /// The same, without a sweep and without a next one.
    pub fn assert_nothing_left(&self) {
        assert_eq!(self.check_nothing_left(), Ok(()), "nothing is left over");
    }

    pub fn assert_next_gets_it(&self) {
        assert_eq!(self.check_next(), Ok(()), "the next one gets the lock");
    }

    /// A killed holder was inside; it is not any more.
    pub fn forget_killed(&self, pid: u32) {
        let inside = self.path(INSIDE);
        if std::fs::read_link(&inside).is_ok_and(|said| said == Path::new(&pid.to_string())) {
            std::fs::remove_file(inside).expect("it is there");
        }
    }
}

pub fn put(path: &Path, bytes: &[u8]) {
    File::create(path)
        .and_then(|mut file| file.write_all(bytes))
        .expect("the sandbox is writable");
}
