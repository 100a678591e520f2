//! A process pauses at every call there is, and another does what it can meanwhile.

use super::points::{CYCLE, Findings, Place, Start, end, ensure, lead};
use super::process::{Process, Said};
use super::stage::{Stage, TRY, WAIT};

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
    for place in Place::ALL {
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
                    if lead(&mut first.one, CYCLE, place, calls).is_some() {
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
    findings.check(900);
}

/// A stage with a process that is led and another.
pub struct Pair {
    pub stage: Stage,
    pub one: Process,
    pub other: Process,
}

impl Pair {
    pub fn new() -> Self {
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

    /// Nobody was hurt, somebody got the lock, and so does the next one.
    pub fn judge(&self, said: &[String]) -> Result<(), String> {
        ensure(
            said.iter().all(|said| {
                !said.contains("TWO") && !said.contains("error") && !said.contains("lost")
            }),
            || format!("{said:?}"),
        )?;
        ensure(said.iter().any(|said| said.starts_with("acquired")), || {
            format!("nobody got the lock: {said:?}")
        })?;
        if self.stage.sidecar().is_dir() {
            // Pinned by one who found it touched; to be judged anew.
            self.stage.make_stale();
        }
        self.stage
            .check_next()
            .map_err(|err| format!("{err}, after {said:?}"))
    }
}
