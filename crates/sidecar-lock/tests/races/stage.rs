//! Where a race is replayed: a folder, and processes that go on one call at a time.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use testkit::{Sandbox, SecondProcess};

use super::other::{INSIDE, RESOURCE, SOCKET};
use crate::sys::{self, Call};
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

    /// The process named in the record, where a live owner holds the lock.
    pub fn holder_pid(&self) -> Option<u32> {
        match self.state() {
            LockState::Held(holder) => Some(holder.pid),
            _ => None,
        }
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
        let (file, _) = sys::open_existing(self.sidecar()).expect("it stands there");
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
        if std::fs::read_to_string(&inside).is_ok_and(|text| text == pid.to_string()) {
            std::fs::remove_file(inside).expect("it is there");
        }
    }
}

pub fn put(path: &Path, bytes: &[u8]) {
    File::create(path)
        .and_then(|mut file| file.write_all(bytes))
        .expect("the sandbox is writable");
}

/// What a thread said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// It is about to make this call, and waits for an answer.
    At(String),
    /// It has done what it was told; the outcome.
    Done(String),
    /// Its process has ended.
    Gone,
}

/// One thread of another process.
pub struct Thread {
    stream: BufReader<UnixStream>,
    role: String,
    at: Option<String>,
    /// What it has announced since it was last told to do something, for messages.
    trace: Vec<String>,
}

impl Thread {
    fn accept(listener: &UnixListener) -> Self {
        let mut accepted = None;
        testkit::wait_until("a thread comes to a call", PATIENCE, || {
            accepted = listener.accept().ok();
            accepted.is_some()
        });
        let (stream, _) = accepted.expect("it was waited for");
        stream.set_nonblocking(false).expect("it is a socket");
        let limited = stream.set_read_timeout(Some(PATIENCE));
        limited.expect("the limit is not zero");
        let mut thread = Self {
            stream: BufReader::new(stream),
            role: String::new(),
            at: None,
            trace: Vec::new(),
        };
        let hello = thread.read().expect("it says hello");
        thread.role = hello.trim_start_matches("hello ").to_owned();
        thread
    }

    fn read(&mut self) -> Option<String> {
        let mut line = String::new();
        match self.stream.read_line(&mut line) {
            Ok(0) => None,
            Ok(_) => Some(line.trim_end().to_owned()),
            Err(err) if err.kind() == std::io::ErrorKind::ConnectionReset => None,
            Err(err) => panic!(
                "the {} thread is stuck after {:?}: {err}",
                self.role, self.trace
            ),
        }
    }

    fn tell(&mut self, order: &str) {
        self.at = None;
        let line = format!("{order}\n");
        // A process that was killed does not hear; then the next read says so.
        self.stream.get_mut().write_all(line.as_bytes()).ok();
    }

    /// Waits for what it says next.
    pub fn next(&mut self) -> Said {
        let Some(line) = self.read() else {
            return Said::Gone;
        };
        match line.split_once(' ') {
            Some(("at", call)) => {
                self.trace.push(call.to_owned());
                self.at = Some(call.to_owned());
                Said::At(call.to_owned())
            }
            Some(("done", outcome)) => Said::Done(outcome.to_owned()),
            _ => panic!("the {} thread says {line:?}", self.role),
        }
    }

    /// Lets it make the call that it is about to make, without waiting for the next one.
    pub fn let_go(&mut self) {
        self.tell("go");
    }

    /// Lets it make the call that it is about to make, and waits for what it says next.
    pub fn step(&mut self) -> Said {
        self.let_go();
        self.next()
    }

    /// The call fails with this error, instead of being made.
    pub fn refuse(&mut self, errno: rustix::io::Errno) -> Said {
        self.tell(&format!("refuse {}", errno.raw_os_error()));
        self.next()
    }

    /// What it is about to do.
    pub fn at(&self) -> Option<&str> {
        self.at.as_deref()
    }

    /// Lets it go on until it is about to make this call.
    pub fn to(&mut self, call: Call) {
        self.to_place(&format!("{call:?}"));
    }

    pub fn to_place(&mut self, place: &str) {
        loop {
            match self.step() {
                Said::At(at) if at == place => return,
                Said::At(_) => {}
                said => panic!("no {place}, but {said:?} after {:?}", self.trace),
            }
        }
    }

    /// Lets it go on until it is about to sleep, or has done what it was told; says which.
    pub fn step_to_wait_or_end(&mut self) -> String {
        loop {
            match self.step() {
                Said::At(at) if at == "Wait" => return at,
                Said::At(_) => {}
                Said::Done(outcome) => return outcome,
                Said::Gone => panic!("the process has ended after {:?}", self.trace),
            }
        }
    }

    /// It is about to make this call.
    pub fn expect_at(&mut self, call: Call) {
        let said = self.next();
        assert_eq!(
            said,
            Said::At(format!("{call:?}")),
            "after {:?}",
            self.trace
        );
    }

    /// Lets it go on for good (the main thread: until it has done what it was told).
    pub fn free(&mut self) {
        self.tell("free");
    }
}

/// Another process, which goes on one call at a time. Dropping it kills it.
pub struct Process {
    child: SecondProcess,
    listener: UnixListener,
    main: Thread,
}

impl Process {
    fn start(resource: &Path) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let socket = format!("sidecar-races-{}-{count}", std::process::id());
        let address = SocketAddr::from_abstract_name(&socket).expect("the name is short");
        let listener = UnixListener::bind_addr(&address).expect("the name is free");
        listener.set_nonblocking(true).expect("it is a socket");
        let program = std::env::current_exe().expect("a test has a path");
        let child = SecondProcess::spawn(
            Command::new(program)
                .args(["--ignored", "--exact", "races::other::other_process"])
                .args(["--test-threads=1", "--nocapture"])
                .env(SOCKET, &socket)
                .env(RESOURCE, resource),
        );
        let main = Thread::accept(&listener);
        Self {
            child,
            listener,
            main,
        }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Tells the main thread to do something, and waits until it is about to make its first call.
    pub fn begin(&mut self, order: &str) -> Said {
        self.main.trace.clear();
        self.main.tell(order);
        self.main.next()
    }

    /// Tells the main thread to do something, and waits for the outcome.
    pub fn run(&mut self, order: &str) -> String {
        match self.begin(order) {
            Said::At(_) => self.finish(),
            Said::Done(outcome) => outcome,
            Said::Gone => panic!("the process has ended"),
        }
    }

    /// Tells the main thread to do something that may take long, and waits for nothing.
    pub fn begin_freely(&mut self, order: &str) {
        let begun = self.begin(order);
        assert!(matches!(begun, Said::At(_)), "it makes calls: {begun:?}");
        self.main.free();
    }

    /// Lets the main thread go on until the outcome.
    pub fn finish(&mut self) -> String {
        if self.main.at.is_some() {
            self.main.free();
        }
        self.outcome()
    }

    /// Waits for the outcome of what the main thread was let go to do.
    pub fn outcome(&mut self) -> String {
        loop {
            match self.main.next() {
                Said::Done(outcome) => return outcome,
                Said::At(_) => self.main.free(),
                Said::Gone => panic!("the process has ended, after {:?}", self.main.trace),
            }
        }
    }

    /// Tells the main thread to do something, and lets it go on until it is about to make this call.
    pub fn begin_to(&mut self, order: &str, call: Call) {
        let place = format!("{call:?}");
        match self.begin(order) {
            Said::At(at) if at == place => {}
            Said::At(_) => self.main.to(call),
            said => panic!("no {place}, but {said:?}"),
        }
    }

    pub fn main(&mut self) -> &mut Thread {
        &mut self.main
    }

    /// What the main thread is about to do.
    pub fn at(&self) -> Option<&str> {
        self.main.at()
    }

    /// From now on the threads of this role announce their calls, too.
    pub fn watch(&mut self, role: &str) {
        assert_eq!(self.run(&format!("watch {role}")), "watched");
    }

    /// The next thread that comes to a call for the first time since it is watched; it is about to make it.
    pub fn thread(&mut self) -> Thread {
        let mut thread = Thread::accept(&self.listener);
        let said = thread.next();
        assert!(matches!(said, Said::At(_)), "it makes a call: {said:?}");
        thread
    }

    /// Kills it where it stands.
    pub fn crash(self, stage: &Stage) {
        let pid = self.id();
        self.child.kill_9();
        stage.forget_killed(pid);
    }

    /// Ends it as a program ends; its other threads are in the middle of what they do.
    pub fn exit(mut self) {
        self.main.tell("exit");
        let finished = self.child.wait(PATIENCE);
        assert!(finished.status.success(), "it ends well: {finished:?}");
    }
}
