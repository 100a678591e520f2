//! Two processes, and a third, take turns at every call there is.

use super::pauses::Pair;
use super::points::{CYCLE, Findings, Place, Start, end, lead, step};
use super::process::{Process, Said};
use super::stage::TRY;

/// Two take turns: one makes so many calls, the other so many, the first so many more, the other ends, the first ends.
#[test]
fn two_processes_interleaved_at_every_three_calls_exclude_each_other() {
    interleave(Place::Usual, Meeting::Two, 3500);
}

/// The same with a third that takes the lock, if it can, before the last two end, and keeps it until they have.
#[test]
fn third_process_between_two_at_every_three_calls_excludes_them() {
    interleave(Place::Usual, Meeting::Three, 3500);
}

#[test]
fn two_processes_interleaved_on_a_poor_file_system_exclude_each_other() {
    interleave(Place::Poor, Meeting::Two, 6000);
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Meeting {
    Two,
    Three,
}

fn interleave(place: Place, meeting: Meeting, least: usize) {
    let findings = std::thread::scope(|scope| {
        let tried = Start::ALL.map(|start| {
            scope.spawn(move || {
                let mut interleaving = Interleaving::new(place, meeting, start);
                interleaving.try_all();
                interleaving.findings
            })
        });
        let mut all = Findings::new();
        for tried in tried {
            all.add(tried.join().expect("it does not panic"));
        }
        all
    });
    findings.check(least);
}

struct Interleaving {
    place: Place,
    meeting: Meeting,
    start: Start,
    pair: Pair,
    third: Process,
    findings: Findings,
}

/// How far a schedule could be followed.
#[derive(PartialEq, Eq)]
enum Reached {
    /// The first has not so many calls.
    FirstEnded,
    /// The other has not so many calls, when the first is paused there.
    OtherEnded,
    /// The first has not so many calls more.
    FirstEndedAfterwards,
    AllPaused,
}

impl Interleaving {
    fn new(place: Place, meeting: Meeting, start: Start) -> Self {
        let pair = Pair::new();
        let third = pair.stage.process();
        Self {
            place,
            meeting,
            start,
            pair,
            third,
            findings: Findings::new(),
        }
    }

    fn try_all(&mut self) {
        for calls in 0.. {
            for others in 0.. {
                let mut reached = Reached::AllPaused;
                for more in 0.. {
                    reached = self.attempt([calls, others, more]);
                    if reached != Reached::AllPaused {
                        break;
                    }
                }
                match reached {
                    Reached::FirstEnded => return,
                    Reached::OtherEnded => break,
                    Reached::FirstEndedAfterwards | Reached::AllPaused => {}
                }
            }
        }
    }

    fn attempt(&mut self, [calls, others, more]: [usize; 3]) -> Reached {
        self.start.set(&self.pair.stage);
        if lead(&mut self.pair.one, CYCLE, self.place, calls).is_some() {
            self.pair.stage.check_next().expect("it was alone");
            return Reached::FirstEnded;
        }
        let at = self.pair.one.at().unwrap_or_default().to_owned();
        let mut said = Vec::new();
        let other_ended = lead(&mut self.pair.other, CYCLE, self.place, others);
        let other_is_paused = other_ended.is_none();
        said.extend(other_ended);
        let mut first_is_paused = true;
        for _ in 0..if other_is_paused { more } else { 0 } {
            if let Said::Done(outcome) = step(&mut self.pair.one, self.place) {
                said.push(outcome);
                first_is_paused = false;
                break;
            }
        }
        let place = format!(
            "{:?} {:?}, first at {at}, other at {:?}, first at {:?}",
            self.place,
            self.start,
            self.pair.other.at(),
            self.pair.one.at()
        );
        let third = (self.meeting == Meeting::Three).then(|| self.third.run(TRY));
        let third_holds = third
            .as_ref()
            .is_some_and(|said| said.starts_with("acquired"));
        said.extend(third);
        if other_is_paused {
            said.push(end(&mut self.pair.other, self.place));
        }
        if first_is_paused {
            said.push(end(&mut self.pair.one, self.place));
        }
        if third_holds {
            said.push(self.third.run("verify"));
            said.push(self.third.run("release"));
        }
        let outcome = self.pair.judge(&said);
        self.findings.point(&place, outcome);
        match (other_is_paused, first_is_paused) {
            (false, _) => Reached::OtherEnded,
            (true, false) => Reached::FirstEndedAfterwards,
            (true, true) => Reached::AllPaused,
        }
    }
}
