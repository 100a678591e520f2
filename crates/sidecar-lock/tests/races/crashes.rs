//! A process dies at every call there is.

use super::points::{CYCLE, Findings, Place, Start, ensure, lead};
use super::process::{Process, Said};
use super::stage::{PATIENCE, Stage, TRY, WAIT};

#[test]
fn crash_at_every_call_is_replaced_at_once() {
    let mut findings = Findings::new();
    for place in Place::ALL {
        for start in Start::ALL {
            for calls in 0.. {
                let stage = Stage::new();
                start.set(&stage);
                let mut dying = stage.process();
                if lead(&mut dying, CYCLE, place, calls).is_some() {
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
    findings.check(150);
}

/// The process that waits dies at each of its calls, while the owner hands over.
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
            if lead(&mut dying, "release", Place::Usual, calls).is_some() {
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
    // Side by side, for a waiter's time is up when it is up.
    std::thread::scope(|scope| {
        let all = [Leaves::GivesUp, Leaves::Exits, Leaves::Dies];
        let tried =
            all.map(|leaves| [false, true].map(|third| scope.spawn(move || leave(leaves, third))));
        for tried in tried.into_iter().flatten() {
            findings.add(tried.join().expect("it does not panic"));
        }
    });
    findings.check(24);
}

fn leave(leaves: Leaves, third_comes: bool) -> Findings {
    let mut findings = Findings::new();
    for calls in 0.. {
        let stage = Stage::new();
        let mut first = stage.holder(TRY);
        let mut waiter = stage.process();
        waiter.begin_freely(leaves.order());
        stage.wait_for_waiters(1);
        if lead(&mut first, "release", Place::Usual, calls).is_some() {
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
        let is_wrong = |said: &String| said.contains("error") || said.contains("TWO");
        let mut outcome = ensure(!said.iter().any(is_wrong), || format!("{said:?}"));
        if leaves == Leaves::Dies {
            // Killed while it was being granted: adopted by the next.
            outcome = outcome.and_then(|()| stage.check_next());
        } else {
            testkit::wait_until("nothing is left", PATIENCE, || stage.names().is_empty());
        }
        findings.point(&at, outcome);
        drop(waiter);
    }
    findings
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
    const fn order(self) -> &'static str {
        match self {
            Self::GivesUp | Self::Exits => "acquire 500 60000",
            Self::Dies => WAIT,
        }
    }

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
