//! An agent that is stopped at each call of its edit while another one takes over: what it then writes erases nothing.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};
use testkit::{Finished, SecondProcess, wait_until};

use super::changes::sampled;
use super::edits::{EDITED, FILE, prepare};
use super::store::{Store, of_story};
use crate::case::{Skip, Tally};
use crate::context::{Context, need_programs};
use crate::faults::calls::{Call, calls};
use crate::faults::crew::{Tried, each};
use crate::faults::judge::said;
use crate::faults::place::{LIMIT, Place, finish};
use crate::faults::scene::somebody_queues_at;
use crate::leases::{Kind, printed_token};

/// After the end of the lease of the one that is stopped.
const LATER: &str = "2026-01-12T12:00:00Z";

/// What the successor writes.
const SUCCESSORS: &str = "as the successor wrote it\n";

/// The edit of an agent of ours.
pub const EDIT: &[&str] = &[
    "STORY",
    "edit-file",
    FILE,
    "--old",
    "hello",
    "--new",
    "good morning",
    "--as",
    "a",
    "--json",
    "--timeout",
    "5s",
];

/// A writer without a lease, or with one that it does not ask about again.
pub const COPY: &[&str] = &["cp", "src/wanted.txt", FILE];

/// Stops `program` at each of its calls.
pub fn at_each_call(
    context: &Context,
    name: &str,
    kind: Kind,
    program: &'static [&'static str],
) -> Result<Tally, Skip> {
    let calls = traced_calls(context, name, kind, program)?;
    each(context, name, &calls, |place, call| {
        let inject = format!("{}:signal=STOP:when={}", call.name, call.number);
        let tried = taken_over_at(&Store { place, kind }, program, &inject)?;
        Some(tried.map_err(|wrong| format!("{inject}: {wrong} [{}]", call.shown)))
    })
}

/// The calls at which it can be stopped: all of an undisturbed run, by the seed every other one where there are many.
pub fn traced_calls(
    context: &Context,
    name: &str,
    kind: Kind,
    program: &[&str],
) -> Result<Vec<Call>, Skip> {
    need_programs(&["strace", "git"])?;
    let place = Place::new(context, &format!("{name} undisturbed"))?;
    let store = Store {
        place: &place,
        kind,
    };
    store.renew(prepare);
    let finished = finish(&mut store.traced(None, &at_its_time(program)));
    assert!(
        finished.status.success(),
        "undisturbed: {}",
        said(&finished)
    );
    let calls = calls(&place.trace()).into_iter();
    // Behind the last two there is nothing left that could go on.
    let calls = calls.filter(|call| call.in_main && !call.name.starts_with("exit"));
    Ok(sampled(context, calls.collect()))
}

fn at_its_time<'a>(program: &[&'a str]) -> Vec<&'a str> {
    match program.split_first() {
        Some((&"STORY", arguments)) => of_story(arguments),
        _ => program.to_vec(),
    }
}

/// A process under strace, stopped.
pub struct Stopped {
    strace: SecondProcess,
    process: Pid,
}

impl Stopped {
    /// Starts it and waits until it is stopped; `None` when it ended before.
    pub fn start(store: &Store<'_>, program: &[&str], inject: &str) -> Option<Self> {
        store.place.forget_trace();
        let mut strace = SecondProcess::spawn(&mut store.traced(Some(inject), program));
        let is_stopped = || store.place.trace().contains("--- stopped by SIGSTOP ---");
        wait_until("it is stopped", LIMIT, || {
            is_stopped() || strace.has_ended()
        });
        let process = child_of(strace.id())?;
        Some(Self { strace, process })
    }

    /// Lets it go on, to its end.
    pub fn resumed(self) -> Finished {
        kill_process(self.process, Signal::CONT).expect("it waits for this");
        self.strace.wait(LIMIT)
    }
}

fn child_of(parent: u32) -> Option<Pid> {
    let children = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).ok()?;
    Pid::from_raw(children.split_whitespace().next()?.parse().ok()?)
}

/// The successor acquires while it is stopped (or finds the store locked), and writes; then it goes on.
fn taken_over_at(store: &Store<'_>, program: &[&str], inject: &str) -> Tried {
    store.renew(prepare);
    let stopped = Stopped::start(store, &at_its_time(program), inject)?;
    let was_done = text(store) == EDITED.text();
    let acquire = ["lease", "acquire", FILE, "--as", "b", "--timeout", "0"];
    let acquired = finish(&mut store.story_at(LATER, &acquire));
    let judged = if printed_token(&acquired.stdout).is_some() {
        successor_writes(store, stopped, was_done)
    } else if acquired.status.code() == Some(4) {
        successor_comes_later(store, stopped)
    } else {
        let told = said(&acquired);
        stopped.resumed();
        Err(format!("the successor: {told}"))
    };
    Some(judged.and_then(|word| {
        let listed = store.list_at(LATER)?.leases;
        let is_left = text(store) == SUCCESSORS && names_one(&listed);
        if is_left {
            return Ok(word);
        }
        let head: String = text(store).chars().take(30).collect();
        Err(format!(
            "the successor's text is ERASED by {head:?}; {listed:?}"
        ))
    }))
}

fn names_one(listed: &[String]) -> bool {
    matches!(listed, [only] if only.starts_with("b: src/a.txt until 13:00"))
}

/// The file as it is.
pub fn text(store: &Store<'_>) -> String {
    fs::read_to_string(store.place.root.join(FILE)).unwrap_or_default()
}

/// The successor has the lease: whatever the stopped one had not done before, it may not do any more.
fn successor_writes(
    store: &Store<'_>,
    stopped: Stopped,
    was_done: bool,
) -> Result<&'static str, String> {
    let mut writer = write_as_successor(store);
    let sidecar = store.place.root.join("src/a.txt.lock");
    wait_until("the successor writes, or waits for the file", LIMIT, || {
        writer.has_ended() || somebody_queues_at(&sidecar)
    });
    let resumed = stopped.resumed();
    let written = writer.wait(LIMIT);
    if !written.status.success() {
        return Err(format!("the successor cannot write: {}", said(&written)));
    }
    match (was_done, resumed.status.code()) {
        (true, Some(0)) => Ok("done before"),
        (false, Some(4 | 5)) if !resumed.stdout.contains("\"ok\":true") => Ok("refused"),
        _ => Err(format!(
            "taken over, done before: {was_done}, and it ends with {}",
            said(&resumed)
        )),
    }
}

/// The stopped one has the store locked: it may finish, and the successor comes after it.
fn successor_comes_later(store: &Store<'_>, stopped: Stopped) -> Result<&'static str, String> {
    let resumed = stopped.resumed();
    if !resumed.status.success() || text(store) != EDITED.text() {
        let told = said(&resumed);
        return Err(format!("nobody has taken over, and it ends with {told}"));
    }
    let acquire = ["lease", "acquire", FILE, "--as", "b", "--timeout", "0"];
    store.succeeds_at(LATER, &acquire)?;
    let written = write_as_successor(store).wait(LIMIT);
    if written.status.success() {
        return Ok("done, it held the store");
    }
    Err(format!("the successor cannot write: {}", said(&written)))
}

fn write_as_successor(store: &Store<'_>) -> SecondProcess {
    let write = ["write-file", FILE, "--as", "b", "--timeout", "15s"];
    let mut writer = SecondProcess::spawn(&mut store.story_at(LATER, &write));
    writer.send_line(SUCCESSORS.trim_end());
    writer.close_stdin();
    writer
}
