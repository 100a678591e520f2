//! Not one race but all of a kind: a pause, a crash, an error, another's step at every call there is.
//!
//! What is at the sidecar's place at first differs; one of ours takes the lock and gives it back, and is interrupted at
//! its first, second, third call, and so on, until it has made them all. Each is a point; the tests count them.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::time::Duration;

use rustix::io::Errno;

use super::stage::{PATIENCE, Process, Said, Stage, TRY, WAIT};

/// Acquires at once or not at all, stays for a place that is no call, releases.
const CYCLE: &str = "cycle 0 60000";

/// What stands at the sidecar's place at first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    Nothing,
    DeadSidecar,
    StaleFile,
    StaleFolder,
}

impl Start {
    const ALL: [Self; 4] = [
        Self::Nothing,
        Self::DeadSidecar,
        Self::StaleFile,
        Self::StaleFolder,
    ];

    fn set(self, stage: &Stage) {
        match self {
            Self::Nothing => {}
            Self::DeadSidecar => stage.leave_dead_sidecar(),
            Self::StaleFile => {
                stage.put_file();
                stage.make_stale();
            }
            Self::StaleFolder => {
                stage.put_folder();
                stage.make_stale();
            }
        }
    }
}

/// What a file system can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Usual,
    /// It has neither nameless files nor an exchange.
    Poor,
}

/// The calls that a poor file system refuses, and how.
fn refusal(place: Place, call: &str) -> Option<Errno> {
    match (place, call) {
        (Place::Poor, "CreateNameless") => Some(Errno::OPNOTSUPP),
        (Place::Poor, "Exchange") => Some(Errno::INVAL),
        _ => None,
    }
}

fn step(process: &mut Process, place: Place) -> Said {
    let refusal = process.at().and_then(|call| refusal(place, call));
    match refusal {
        Some(errno) => process.main().refuse(errno),
        None => process.main().step(),
    }
}

/// Begins, and lets it make its first `calls` calls; returns whether there were so many.
fn lead(process: &mut Process, order: &str, place: Place, calls: usize) -> bool {
    let mut said = process.begin(order);
    for _ in 0..calls {
        if !matches!(said, Said::At(_)) {
            return false;
        }
        said = step(process, place);
    }
    matches!(said, Said::At(_))
}

/// Lets it go on to the outcome.
fn end(process: &mut Process, place: Place) -> String {
    loop {
        match step(process, place) {
            Said::At(_) => {}
            Said::Done(outcome) => return outcome,
            Said::Gone => panic!("the process has ended"),
        }
    }
}

/// What was wrong, and where.
struct Findings {
    points: usize,
    wrong: Vec<String>,
}

impl Findings {
    const fn new() -> Self {
        Self {
            points: 0,
            wrong: Vec::new(),
        }
    }

    fn point(&mut self, place: &str, outcome: Result<(), String>) {
        self.points += 1;
        if let Err(err) = outcome {
            self.wrong.push(format!("{place}: {err}"));
        }
    }

    fn check(&self, least: usize) {
        println!("points tried: {}", self.points);
        assert!(self.wrong.is_empty(), "{:#?}", self.wrong);
        assert!(
            self.points >= least,
            "only {} points: fewer than {least} say nothing",
            self.points
        );
    }
}

fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise()) }
}

#[test]
fn crash_at_every_call_is_replaced_at_once() {
    let mut findings = Findings::new();
    for place in [Place::Usual, Place::Poor] {
        for start in Start::ALL {
            for calls in 0.. {
                let stage = Stage::new();
                start.set(&stage);
                let mut dying = stage.process();
                if !lead(&mut dying, CYCLE, place, calls) {
                    break;
                }
                let at = format!("{place:?} {start:?}, killed at {:?}", dying.at());
                dying.crash(&stage);
                // Its pin is younger than the boot: to be judged anew, by both clocks.
                if stage.sidecar().is_dir() {
                    stage.make_stale();
                }
                let outcome = stage.check_next();
                findings.point(&at, outcome);
            }
        }
    }
    findings.check(100);
}

/// The process that waits dies at each of its calls, and each of its helper's, while the owner hands over.
#[test]
fn crash_of_an_heir_at_every_call_is_replaced() {
    let mut findings = Findings::new();
    for calls in 0.. {
        let stage = Stage::new();
        let mut first = stage.holder(TRY);
        let mut heir = stage.process();
        let mut released = false;
        let mut said = heir.begin("cycle 60000 60000");
        for _ in 0..calls {
            let Said::At(call) = &said else { break };
            if call == "Register" {
                heir.main().let_go();
                stage.wait_for_waiters(1);
                assert_eq!(first.run("release"), "released");
                released = true;
                said = heir.main().next();
            } else {
                said = heir.main().step();
            }
        }
        let Said::At(call) = said else { break };
        let at = format!("heir killed at {call}");
        heir.crash(&stage);
        if !released {
            assert_eq!(first.run("release"), "released");
        }
        first.run("settle");
        let mut next = stage.process();
        let outcome = next.run(WAIT);
        let outcome = ensure(outcome.starts_with("acquired"), || outcome.clone())
            .and_then(|()| {
                let released = next.run("release");
                ensure(released == "released", || released.clone())
            })
            .and_then(|()| stage.check_nothing_left());
        findings.point(&at, outcome);
    }
    findings.check(14);
}

/// The owner dies at each call of its release while another waits: that one is granted, not told to wait for its cadence.
#[test]
fn crash_of_an_owner_at_every_call_of_its_hand_over_wakes_the_waiter() {
    let mut findings = Findings::new();
    for run in [TRY, "acquire 0 0"] {
        for calls in 0.. {
            let stage = Stage::new();
            let mut dying = stage.holder(run);
            let mut waiter = stage.process();
            waiter.begin_freely(WAIT);
            stage.wait_for_waiters(1);
            if !lead(&mut dying, "release", Place::Usual, calls) {
                break;
            }
            let at = format!("{run}, killed at {:?}", dying.at());
            dying.crash(&stage);
            let outcome = waiter.outcome();
            let outcome = ensure(outcome.starts_with("acquired"), || outcome.clone())
                .and_then(|()| {
                    let released = waiter.run("release");
                    ensure(released == "released", || released.clone())
                })
                .and_then(|()| stage.check_nothing_left());
            findings.point(&at, outcome);
        }
    }
    findings.check(7);
}

/// A waiter's end while the owner is paused at each call of its release; a third one comes at that moment, too.
#[test]
fn waiter_that_leaves_at_every_call_of_a_release_leaves_nothing() {
    let mut findings = Findings::new();
    for leaves in [Leaves::GivesUp, Leaves::Exits, Leaves::Dies] {
        for third_comes in [false, true] {
            for calls in 0.. {
                let stage = Stage::new();
                let mut first = stage.holder(TRY);
                let mut waiter = stage.process();
                waiter.begin_freely(if leaves == Leaves::Dies {
                    WAIT
                } else {
                    "acquire 60 60000"
                });
                stage.wait_for_waiters(1);
                if !lead(&mut first, "release", Place::Usual, calls) {
                    break;
                }
                let at = format!("{leaves:?} at {:?}, third {third_comes}", first.at());
                let mut said = Vec::new();
                let waiter = leaves.act(waiter, &stage, &mut said);
                if third_comes {
                    said.push(stage.process().run(CYCLE));
                }
                said.push(first.finish());
                first.run("settle");
                let is_wrong = said
                    .iter()
                    .any(|said| said.contains("error") || said.contains("TWO"));
                let mut outcome = ensure(!is_wrong, || format!("{said:?}"));
                if leaves == Leaves::Dies {
                    // Killed while it was being granted: adopted by the next.
                    outcome = outcome.and_then(|()| stage.check_next());
                } else {
                    testkit::wait_until("nothing is left", PATIENCE, || stage.names().is_empty());
                }
                findings.point(&at, outcome);
                drop(waiter);
            }
        }
    }
    findings.check(30);
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leaves {
    /// Its time is up; its process lives.
    GivesUp,
    /// Its time is up, and its process ends.
    Exits,
    /// It is killed.
    Dies,
}

impl Leaves {
    fn act(self, mut waiter: Process, stage: &Stage, said: &mut Vec<String>) -> Option<Process> {
        if self == Self::Dies {
            waiter.crash(stage);
            return None;
        }
        let outcome = waiter.outcome();
        if outcome.starts_with("acquired") {
            said.push(waiter.run("release"));
        }
        said.push(outcome);
        if self == Self::Exits {
            waiter.exit();
            return None;
        }
        Some(waiter)
    }
}

/// What a second process does while the first is paused.
#[derive(Debug, Clone, Copy)]
enum Meanwhile {
    /// Takes the lock if it can, and gives it back.
    ComesAndGoes,
    /// Takes the lock if it can, and keeps it until the first is through.
    Stays,
    /// Waits for the lock, in the kernel's queue or for an event.
    Waits,
    /// Takes the lock if it can, and dies.
    Dies,
    /// Looks at the lock, and tidies up.
    Inspects,
    /// Breaks it, if it is one that nobody owns.
    Breaks,
}

#[test]
fn pause_at_every_call_never_makes_two_holders() {
    let mut findings = Findings::new();
    for place in [Place::Usual, Place::Poor] {
        for start in Start::ALL {
            for meanwhile in [
                Meanwhile::ComesAndGoes,
                Meanwhile::Stays,
                Meanwhile::Waits,
                Meanwhile::Dies,
                Meanwhile::Inspects,
                Meanwhile::Breaks,
            ] {
                let mut first = Pair::new();
                for calls in 0.. {
                    start.set(&first.stage);
                    if !lead(&mut first.one, CYCLE, place, calls) {
                        break;
                    }
                    let call = first.one.at().unwrap_or_default().to_owned();
                    let at = format!("{place:?} {start:?}, paused at {call}, other {meanwhile:?}");
                    let outcome = first.meanwhile(meanwhile, place);
                    findings.point(&at, outcome);
                }
            }
        }
    }
    findings.check(500);
}

/// A stage with a process that is led and another.
struct Pair {
    stage: Stage,
    one: Process,
    other: Process,
}

impl Pair {
    fn new() -> Self {
        let stage = Stage::new();
        let [one, other] = [stage.process(), stage.process()];
        Self { stage, one, other }
    }

    /// The other does its part; then the first goes on to its end, and the next one gets the lock.
    fn meanwhile(&mut self, meanwhile: Meanwhile, place: Place) -> Result<(), String> {
        let mut said = Vec::new();
        match meanwhile {
            Meanwhile::ComesAndGoes => said.push(self.other.run(CYCLE)),
            Meanwhile::Stays => {
                said.push(self.other.run(TRY));
                let holds = said[0].starts_with("acquired");
                let outcome = end(&mut self.one, place);
                if holds {
                    said.push(self.other.run("verify"));
                    said.push(self.other.run("release"));
                    ensure(said[1] == "held" && said[2] == "released", || {
                        format!("the other's lock was hurt: {said:?}")
                    })?;
                }
                said.push(outcome);
                return self.judge(&said);
            }
            Meanwhile::Waits => {
                let begun = self.begin_to_wait();
                let outcome = end(&mut self.one, place);
                said.push(begun.unwrap_or_else(|| self.other.finish()));
                ensure(said[0].starts_with("acquired"), || {
                    format!("stuck: {said:?}")
                })?;
                said.push(self.other.run("verify"));
                said.push(self.other.run("release"));
                said.push(outcome);
                return self.judge(&said);
            }
            Meanwhile::Dies => {
                said.push(self.other.run(TRY));
                let next = self.stage.process();
                std::mem::replace(&mut self.other, next).crash(&self.stage);
            }
            Meanwhile::Inspects => {
                let state = self.other.run("inspect");
                ensure(!state.starts_with("error"), || state.clone())?;
                let swept = self.other.run("sweep");
                ensure(swept.starts_with("swept"), || swept.clone())?;
            }
            Meanwhile::Breaks => {
                if let Some(token) = self.stage.state().token() {
                    let broken = self.other.run(&format!("break {token}"));
                    ensure(!broken.starts_with("error"), || broken.clone())?;
                }
            }
        }
        said.push(end(&mut self.one, place));
        self.judge(&said)
    }

    /// The other waits, asleep, unless it has the lock at once; returns the outcome then.
    fn begin_to_wait(&mut self) -> Option<String> {
        let mut said = self.other.begin(WAIT);
        loop {
            match said {
                Said::At(call) if call == "Register" => {
                    self.other.main().let_go();
                    self.stage.wait_for_waiters(1);
                    return None;
                }
                Said::At(call) if call == "Wait" => return None,
                Said::At(_) => said = self.other.main().step(),
                Said::Done(outcome) => return Some(outcome),
                Said::Gone => panic!("the process has ended"),
            }
        }
    }

    fn judge(&self, said: &[String]) -> Result<(), String> {
        ensure(
            said.iter().all(|said| {
                !said.contains("TWO") && !said.contains("error") && !said.contains("lost")
            }),
            || format!("{said:?}"),
        )?;
        if self.stage.sidecar().is_dir() {
            // Pinned by one who found it touched; to be judged anew.
            self.stage.make_stale();
        }
        self.stage
            .check_next()
            .map_err(|err| format!("{err}, after {said:?}"))
    }
}

/// Two take turns at every pair of calls: one makes so many, the other so many, the first ends, the other ends.
#[test]
fn two_processes_interleaved_at_every_pair_of_calls_exclude_each_other() {
    interleave(Meeting::Two, 500);
}

/// The same with a third that comes and goes while both are paused.
#[test]
fn third_process_between_two_at_every_pair_of_calls_is_excluded() {
    interleave(Meeting::Three, 500);
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Meeting {
    Two,
    Three,
}

fn interleave(meeting: Meeting, least: usize) {
    let findings = std::thread::scope(|scope| {
        let halves = [
            [Start::Nothing, Start::StaleFolder],
            [Start::DeadSidecar, Start::StaleFile],
        ];
        let tried = halves.map(|starts| scope.spawn(move || interleavings(meeting, starts)));
        let mut all = Findings::new();
        for tried in tried {
            let tried = tried.join().expect("it does not panic");
            all.points += tried.points;
            all.wrong.extend(tried.wrong);
        }
        all
    });
    findings.check(least);
}

fn interleavings(meeting: Meeting, starts: [Start; 2]) -> Findings {
    let mut findings = Findings::new();
    for start in starts {
        let mut pair = Pair::new();
        let mut third = pair.stage.process();
        let mut more = true;
        for calls in 0.. {
            if !std::mem::take(&mut more) {
                break;
            }
            for others in 0.. {
                start.set(&pair.stage);
                let first_is_paused = lead(&mut pair.one, CYCLE, Place::Usual, calls);
                if !first_is_paused {
                    pair.stage.check_next().expect("it was alone");
                    break;
                }
                more = true;
                let second_is_paused = lead(&mut pair.other, CYCLE, Place::Usual, others);
                let at = format!(
                    "{start:?}, first at {:?}, second at {:?}",
                    pair.one.at(),
                    pair.other.at()
                );
                let mut said = Vec::new();
                if meeting == Meeting::Three {
                    said.push(third.run(CYCLE));
                }
                said.push(end(&mut pair.one, Place::Usual));
                if second_is_paused {
                    said.push(end(&mut pair.other, Place::Usual));
                }
                let outcome = pair.judge(&said);
                findings.point(&at, outcome);
                if !second_is_paused {
                    break;
                }
            }
        }
    }
    findings
}

/// Another tool's step at every call of ours: whoever has made the name keeps it.
#[test]
fn other_tools_step_at_every_call_is_respected() {
    let mut findings = Findings::new();
    for start in Start::ALL {
        for step in [
            ForeignStep::Script,
            ForeignStep::Node,
            ForeignStep::Touch,
            ForeignStep::Release,
            ForeignStep::ScriptAfterRelease,
            ForeignStep::NodeAfterRelease,
        ] {
            let stage = Stage::new();
            let mut ours = stage.process();
            for calls in 0.. {
                start.set(&stage);
                let before = identity(&stage);
                if !lead(&mut ours, CYCLE, Place::Usual, calls) {
                    stage.check_next().expect("it was alone");
                    break;
                }
                let call = ours.at().unwrap_or_default().to_owned();
                let at = format!("{start:?}, {step:?} at {call}");
                let is_inside = call == "Holding";
                let holds = step.act(&stage, before);
                let outcome = end(&mut ours, Place::Usual);
                let outcome = step.judge(&at, &stage, holds.filter(|_| !is_inside), &outcome);
                findings.point(&at, outcome);
                remove_whatever(&stage);
            }
        }
    }
    findings.check(200);
}

/// What another tool does to the lock that stood there at first, or to the free name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ForeignStep {
    /// A script makes the name.
    Script,
    /// Node makes it.
    Node,
    /// The owner of the foreign lock shows that it lives.
    Touch,
    /// It releases.
    Release,
    /// It releases, and another makes the name.
    ScriptAfterRelease,
    NodeAfterRelease,
}

/// Which file stands at the sidecar's place.
fn identity(stage: &Stage) -> Option<u64> {
    fs::symlink_metadata(stage.sidecar())
        .ok()
        .map(|it| it.ino())
}

impl ForeignStep {
    /// Returns which file it holds the lock by now, if it does.
    fn act(self, stage: &Stage, before: Option<u64>) -> Option<u64> {
        let sidecar = stage.sidecar();
        let stands = before.is_some() && identity(stage) == before;
        let is_foreign = sidecar.is_dir() || fs::read(sidecar).is_ok_and(|text| text == b"4711\n");
        let is_its_own = stands && is_foreign;
        match self {
            Self::Touch if is_its_own => {
                testkit::set_age(sidecar, Duration::ZERO);
                return identity(stage);
            }
            Self::Release | Self::ScriptAfterRelease | Self::NodeAfterRelease if is_its_own => {
                // A pinned one cannot be removed: then it has nothing more to do here.
                fs::remove_file(sidecar)
                    .or_else(|_| fs::remove_dir(sidecar))
                    .ok()?;
            }
            _ => {}
        }
        let made = match self {
            Self::Script | Self::ScriptAfterRelease => fs::File::create_new(sidecar).is_ok(),
            Self::Node | Self::NodeAfterRelease => fs::create_dir(sidecar).is_ok(),
            Self::Touch | Self::Release => false,
        };
        if made { identity(stage) } else { None }
    }

    fn judge(
        self,
        at: &str,
        stage: &Stage,
        holds: Option<u64>,
        outcome: &str,
    ) -> Result<(), String> {
        ensure(
            !outcome.contains("error") && !outcome.contains("TWO"),
            || outcome.to_owned(),
        )?;
        let Some(held) = holds else {
            return Ok(());
        };
        if at == "StaleFolder, Touch at Pin" {
            // The one moment that no call can close, see docs/protocol.md: putting the pin in sets the time as well.
            return ensure(outcome.starts_with("acquired from another tool"), || {
                format!("an exception that is none any more: {outcome}")
            });
        }
        ensure(identity(stage) == Some(held), || {
            format!("it holds the lock, and something else stands there; ours: {outcome}")
        })?;
        if self == Self::Touch {
            return Ok(());
        }
        ensure(
            !stage.sidecar().is_dir()
                || fs::read_dir(stage.sidecar()).is_ok_and(|it| it.count() == 0),
            || "something was put into its folder".to_owned(),
        )
    }
}

fn remove_whatever(stage: &Stage) {
    for name in stage.names() {
        let path = stage.path(&name);
        fs::remove_file(&path)
            .or_else(|_| fs::remove_dir_all(&path))
            .expect("it can be removed");
    }
}

/// The system refuses a call: an error, or success by another way, and the lock is free for the next.
#[test]
fn error_from_every_call_keeps_nobody_out() {
    let mut findings = Findings::new();
    for start in Start::ALL {
        for errno in [Errno::IO, Errno::NOSPC, Errno::INTR] {
            let stage = Stage::new();
            let mut ours = stage.process();
            for calls in 0.. {
                start.set(&stage);
                if !lead(&mut ours, CYCLE, Place::Usual, calls) {
                    stage.check_next().expect("nothing was refused");
                    break;
                }
                if ours.at() == Some("Holding") {
                    end(&mut ours, Place::Usual);
                    continue;
                }
                let at = format!("{start:?}, {errno:?} from {:?}", ours.at());
                let outcome = match ours.main().refuse(errno) {
                    Said::Done(outcome) => outcome,
                    _ => end(&mut ours, Place::Usual),
                };
                if stage.sidecar().is_dir() {
                    stage.make_stale();
                }
                let lost = outcome.contains("TWO") || outcome.contains("lost");
                let outcome = ensure(!lost, || outcome.clone()).and_then(|()| {
                    stage
                        .check_next()
                        .map_err(|err| format!("{err}, after {outcome}"))
                });
                findings.point(&at, outcome);
            }
        }
    }
    findings.check(150);
}
