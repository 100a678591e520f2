//! The other process of a race: it does what it is told, and announces each call before it makes it.
//!
//! It is this test program, started anew. Each of its threads that is watched has a connection of its own to the test,
//! says `at CALL`, and goes on when it is told so.

use std::cell::RefCell;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::fs::symlink;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use crate::held::lock_table;
use crate::sys::{self, Call};
use crate::{
    AcquireError, BreakError, Fairness, Force, LockGuard, LockOptions, LockState, ReleaseError,
    SidecarLock, TookOver,
};

/// Where the test listens (the name of an abstract socket).
pub const SOCKET: &str = "SIDECAR_RACES_SOCKET";
/// What is locked.
pub const RESOURCE: &str = "SIDECAR_RACES_RESOURCE";
/// What stands in the folder while somebody holds the lock: whoever finds it there is the second. It is a link to the
/// holder's process id, for a link is made in one step: a holder that is killed never leaves one that does not say whose it is.
pub const INSIDE: &str = "inside";

/// Threads that are watched, by the last word of their names: `keeper`, `queue`. The main thread always is.
static WATCHED: Mutex<Vec<String>> = Mutex::new(Vec::new());

thread_local! {
    static LINE: RefCell<Option<Line>> = const { RefCell::new(None) };
}

/// A thread's connection to the test.
struct Line {
    stream: BufReader<UnixStream>,
    /// Calls are not announced any more: the main thread until it has done what it was told, others for good.
    free: bool,
}

impl Line {
    fn connect(role: &str) -> Self {
        let socket = std::env::var(SOCKET).expect("the test names its socket");
        let address = SocketAddr::from_abstract_name(socket).expect("the name is short");
        let stream = UnixStream::connect_addr(&address).expect("the test listens");
        let mut line = Self {
            stream: BufReader::new(stream),
            free: false,
        };
        line.say(&format!("hello {role}"));
        line
    }

    fn say(&mut self, text: &str) {
        let line = format!("{text}\n");
        let said = self.stream.get_mut().write_all(line.as_bytes());
        said.expect("the test reads");
    }

    /// The next order; a test that has ended needs nothing more.
    fn hear(&mut self) -> String {
        let mut line = String::new();
        match self.stream.read_line(&mut line) {
            Ok(count) if count > 0 => line.trim_end().to_owned(),
            _ => std::process::exit(0),
        }
    }

    fn announce(&mut self, call: &str) -> io::Result<()> {
        if self.free {
            return Ok(());
        }
        self.say(&format!("at {call}"));
        let order = self.hear();
        match order.split_once(' ') {
            None if order == "go" => Ok(()),
            None if order == "free" => {
                self.free = true;
                Ok(())
            }
            None if order == "crash" => crash(),
            Some(("refuse", number)) => Err(io::Error::from_raw_os_error(
                number.parse().expect("a number"),
            )),
            _ => panic!("not an answer: {order}"),
        }
    }
}

fn crash() -> ! {
    let this = rustix::process::getpid();
    rustix::process::kill_process(this, rustix::process::Signal::KILL).expect("it is ours");
    loop {
        std::thread::park();
    }
}

/// The scheduler: hears of every call of this process.
fn announce(call: Call) -> io::Result<()> {
    LINE.with_borrow_mut(|line| {
        if line.is_none() {
            let name = std::thread::current().name().unwrap_or("").to_owned();
            let role = name.rsplit(' ').next().unwrap_or_default();
            let watched = WATCHED.lock().expect("nobody panics with it");
            if !watched.iter().any(|watched| watched == role) {
                return Ok(());
            }
            drop(watched);
            *line = Some(Line::connect(role));
        }
        let line = line.as_mut().expect("it was put there");
        line.announce(&format!("{call:?}"))
    })
}

/// Announces a place that is no call.
fn announce_place(name: &str) {
    LINE.with_borrow_mut(|line| {
        let line = line.as_mut().expect("this is the main thread");
        line.announce(name).expect("nothing to refuse");
    });
}

#[test]
#[ignore = "the other process of the races, which start it themselves"]
fn other_process() {
    let Some(resource) = std::env::var_os(RESOURCE) else {
        return;
    };
    LINE.set(Some(Line::connect("main")));
    sys::listen(announce);
    let mut other = Other::new(Path::new(&resource));
    loop {
        let order = with_line(Line::hear);
        if order == "exit" {
            return;
        }
        let words: Vec<&str> = order.split(' ').collect();
        let answer = other.obey(&words);
        with_line(|line| {
            line.free = false;
            line.say(&format!("done {answer}"));
        });
    }
}

fn with_line<T>(act: impl FnOnce(&mut Line) -> T) -> T {
    LINE.with_borrow_mut(|line| act(line.as_mut().expect("this is the main thread")))
}

struct Other {
    lock: SidecarLock,
    inside: PathBuf,
    guard: Option<LockGuard>,
}

impl Other {
    fn new(resource: &Path) -> Self {
        let lock = SidecarLock::new(resource).expect("the folder exists");
        Self {
            inside: lock.folder().join(INSIDE),
            lock,
            guard: None,
        }
    }

    fn obey(&mut self, words: &[&str]) -> String {
        match words {
            ["watch", role] => {
                let mut watched = WATCHED.lock().expect("nobody panics with it");
                watched.push((*role).to_owned());
                "watched".into()
            }
            ["acquire", options @ ..] => self.acquire(options),
            ["cycle", options @ ..] => {
                let acquired = self.acquire(options);
                if self.guard.is_none() {
                    return acquired;
                }
                announce_place("Holding");
                format!("{acquired}, {}", self.release())
            }
            ["release"] => self.release(),
            ["verify"] => match self.guard.as_ref().expect("it holds the lock").verify() {
                Ok(()) => "held".into(),
                Err(_) => "lost".into(),
            },
            ["settle"] => {
                crate::settle_hand_overs();
                "settled".into()
            }
            ["inspect"] => match self.lock.inspect(Duration::from_secs(5)) {
                Ok(state) => state_name(&state).into(),
                Err(err) => format!("error {err:?}"),
            },
            ["break", token] => self.break_with(token, Force::IfDead),
            ["break", token, "alive"] => self.break_with(token, Force::EvenIfAlive),
            ["sweep"] => match crate::sweep_temporaries(self.lock.folder()) {
                Ok(found) => format!("swept {}", found.len()),
                Err(err) => format!("error {err:?}"),
            },
            ["inherit", token] => match self.lock.inherit(token) {
                Ok(inherited) => {
                    announce_place("Inherited");
                    match inherited.verify() {
                        Ok(()) => "held".into(),
                        Err(_) => "lost".into(),
                    }
                }
                Err(_) => "not held".into(),
            },
            ["lend"] => lend(),
            _ => panic!("not an order: {words:?}"),
        }
    }

    /// `acquire TIMEOUT_MS RUN_MS [careless|hasty]`: careless does not look whether somebody else is inside; hasty
    /// refreshes the sidecar every 50 ms instead of every second.
    fn acquire(&mut self, options: &[&str]) -> String {
        let ms = |n: usize| Duration::from_millis(options[n].parse().expect("a number"));
        let mut lock_options = LockOptions {
            timeout: ms(0),
            fairness: Fairness {
                run: ms(1),
                gap: Duration::ZERO,
            },
            stale_after: Some(if options.get(2) == Some(&"hasty") {
                Duration::from_millis(150)
            } else {
                Duration::from_secs(5)
            }),
            ..LockOptions::default()
        };
        // Only events and the kernel wake it: the cadence would be another source of looks.
        lock_options.backoff.initial = Duration::from_mins(1);
        lock_options.backoff.max = Duration::from_mins(1);
        let guard = match self.lock.acquire(&lock_options) {
            Ok(guard) => guard,
            Err(AcquireError::Contended { .. }) => return "contended".into(),
            Err(err) => return format!("error {err:?}"),
        };
        let outcome = match guard.took_over() {
            None => "acquired",
            Some(TookOver::Foreign(_)) => "acquired from another tool",
            Some(_) => "acquired from the dead",
        };
        self.guard = Some(guard);
        if options.get(2) == Some(&"careless") {
            return outcome.into();
        }
        match symlink(std::process::id().to_string(), &self.inside) {
            Ok(()) => outcome.into(),
            Err(err) => format!("TWO HOLDERS: {err}"),
        }
    }

    fn release(&mut self) -> String {
        let guard = self.guard.take().expect("it holds the lock");
        let this = std::process::id().to_string();
        if std::fs::read_link(&self.inside).is_ok_and(|pid| pid == Path::new(&this)) {
            std::fs::remove_file(&self.inside).expect("it is ours");
        }
        match guard.release() {
            Ok(()) => "released".into(),
            Err(ReleaseError::Lost(_)) => "lost".into(),
            Err(err) => format!("error {err:?}"),
        }
    }

    fn break_with(&self, token: &str, force: Force) -> String {
        match self.lock.break_with_token(token, force) {
            Ok(()) => "broken".into(),
            Err(BreakError::NotLocked { .. }) => "not locked".into(),
            Err(BreakError::OtherToken { .. }) => "other token".into(),
            Err(BreakError::OwnerAlive { .. }) => "owner alive".into(),
            Err(err) => format!("error {err:?}"),
        }
    }
}

/// Gives the open sidecar to a child for good, as one has it between fork and exec.
fn lend() -> String {
    let held = lock_table().held().next().map(|held| {
        let file = held.file.try_clone();
        file.expect("there are descriptors")
    });
    let child = Command::new("sleep")
        .arg("60")
        .stdin(held.expect("it holds the lock"))
        .spawn();
    child.expect("sleep starts").id().to_string()
}

fn state_name(state: &LockState) -> &'static str {
    match state {
        LockState::Free => "free",
        LockState::Held(_) => "held",
        LockState::HeldUnreadable => "held, unreadable",
        LockState::Leftover(_) => "leftover",
        LockState::LeftoverUnreadable => "leftover, unreadable",
        LockState::Foreign(_) => "foreign",
        LockState::Obstructed(_) => "obstructed",
    }
}
