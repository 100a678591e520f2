//! Another process of a race, which goes on one call at a time.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

use testkit::SecondProcess;

use super::other::{RESOURCE, SOCKET};
use super::stage::{PATIENCE, Stage};
use crate::sys::Call;

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
        self.reach(&format!("{call:?}"));
    }

    pub fn reach(&mut self, place: &str) {
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
    /// Starts one that locks this resource.
    pub fn start(resource: &Path) -> Self {
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
