//! Breadth-first search over every interleaving: the first violation found has the shortest trace.

use std::fmt::{self, Write as _};

use crate::graph::{EMPTY, Edges, Seen, can_reach, reverse};
use crate::rules::{Out, Owners, Rules};
use crate::state::Step::{Dead, Done};
use crate::state::{NONE, State, Thread};

/// What must never be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// Two in the critical section; how many of them are ours.
    TwoOwners { ours: usize },
    /// An owner's file is not the sidecar any more: the next to come would be a second owner.
    LostOwner,
    /// Everybody is done, nobody was killed, and a sidecar is left.
    Leftover,
    /// One of ours lives, wants the lock, and cannot get it whatever happens.
    OursStuck,
    /// Another tool waits for ever, though nobody was killed or one of ours could still tidy up.
    OthersStuck,
}

/// A violation and the shortest way to it.
#[derive(Debug)]
pub struct Violation {
    pub wrong: Wrong,
    pub trace: Vec<String>,
}

/// What a search came to.
#[derive(Debug)]
pub struct Report {
    pub states: usize,
    pub transitions: usize,
    /// Ends at which a killed process's sidecar stands.
    pub leftovers_after_kill: usize,
    /// States from which another tool cannot get the lock any more: behind a killed process.
    pub others_stuck_after_kill: usize,
    /// Overlaps that the rules tolerate.
    pub tolerated: usize,
    pub tolerated_trace: Vec<String>,
    pub violation: Option<Violation>,
}

/// What a search looks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    /// No violation at all.
    Safe,
    /// As `Safe`, but after a kill an overlap in which another tool has part is only counted.
    SafeAmongOurs,
    /// Any violation but `LostOwner`: that one comes before an overlap and makes its trace shorter.
    Overlap,
}

/// Visits every reachable state.
pub fn search(rules: &Rules, goal: Goal) -> Report {
    let like = rules.like();
    let mut seen = Seen::new();
    let mut edges = Edges {
        from: vec![0],
        to: Vec::new(),
    };
    let mut out = Out {
        list: Vec::new(),
        process: 0,
    };
    let mut report = Report {
        states: 0,
        transitions: 0,
        leftovers_after_kill: 0,
        others_stuck_after_kill: 0,
        tolerated: 0,
        tolerated_trace: Vec::new(),
        violation: None,
    };
    seen.insert(&rules.canonical(rules.start(), &like), EMPTY);
    let mut at = 0_u32;
    while (at as usize) < seen.states.len() {
        let state = State(seen.states[at as usize]);
        match judge(rules, &state, goal) {
            Ok(()) => {}
            Err(None) => {
                report.tolerated += 1;
                if report.tolerated == 1 {
                    report.tolerated_trace = trace(rules, &seen, at);
                }
            }
            Err(Some(wrong)) => {
                report.violation = Some(Violation {
                    wrong,
                    trace: trace(rules, &seen, at),
                });
                break;
            }
        }
        rules.successors(&state, &mut out);
        if out.list.is_empty() && state.path() != NONE && rules.killed(&state) == 0 {
            report.violation = Some(Violation {
                wrong: Wrong::Leftover,
                trace: trace(rules, &seen, at),
            });
            break;
        }
        report.leftovers_after_kill += usize::from(out.list.is_empty() && state.path() != NONE);
        for next in &out.list {
            let (number, _) = seen.insert(&rules.canonical(next.state, &like), at);
            edges.to.push(number);
        }
        let end = u32::try_from(edges.to.len()).expect("fewer than four billion transitions");
        edges.from.push(end);
        at += 1;
    }
    report.states = seen.states.len();
    report.transitions = edges.to.len();
    if report.violation.is_none() {
        judge_liveness(rules, &seen, &edges, &mut report);
    }
    report
}

/// `Err(None)`: wrong, but tolerated.
fn judge(rules: &Rules, state: &State, goal: Goal) -> Result<(), Option<Wrong>> {
    let Owners { ours, others } = rules.owners(state);
    let wrong = if ours + others > 1 {
        Wrong::TwoOwners { ours }
    } else if goal != Goal::Overlap && rules.has_lost_owner(state) {
        Wrong::LostOwner
    } else {
        return Ok(());
    };
    let by_others = match wrong {
        Wrong::TwoOwners { ours } => ours < 2,
        _ => true,
    };
    if goal == Goal::SafeAmongOurs && rules.killed(state) > 0 && by_others {
        Err(None)
    } else {
        Err(Some(wrong))
    }
}

/// From every state every living process of ours can come to its end; other tools as well, unless
/// somebody was killed.
fn judge_liveness(rules: &Rules, seen: &Seen, edges: &Edges, report: &mut Report) {
    let over = |state: &State, ours_only: bool| {
        rules.who.iter().enumerate().all(|(process, who)| {
            ours_only && *who != crate::rules::Who::Ours
                || matches!(state.step(process, Thread::Main), Done | Dead)
        })
    };
    let back = reverse(edges, seen.states.len());
    let ours = can_reach(seen, &back, |state| over(state, true));
    if let Some(stuck) = (0..seen.states.len()).find(|number| !ours[*number]) {
        report.violation = Some(Violation {
            wrong: Wrong::OursStuck,
            trace: trace(rules, seen, u32::try_from(stuck).expect("a number")),
        });
        return;
    }
    let all = can_reach(seen, &back, |state| over(state, false));
    for number in (0..seen.states.len()).filter(|number| !all[*number]) {
        let state = State(seen.states[number]);
        if rules.killed(&state) > 0 && !somebody_comes(rules, &state) {
            report.others_stuck_after_kill += 1;
        } else {
            report.violation = Some(Violation {
                wrong: Wrong::OthersStuck,
                trace: trace(rules, seen, u32::try_from(number).expect("a number")),
            });
            return;
        }
    }
}

/// Whether one of ours is still to acquire, and will adopt or replace what it finds.
fn somebody_comes(rules: &Rules, state: &State) -> bool {
    rules.who.iter().enumerate().any(|(process, who)| {
        *who == crate::rules::Who::Ours
            && (state.step(process, Thread::Main).is_acquiring() || state.rounds(process) > 1)
    })
}

/// Walks from the start to a state and says what happens. Walked anew without swapping like
/// processes, so that each keeps its number.
fn trace(rules: &Rules, seen: &Seen, last: u32) -> Vec<String> {
    let mut way = vec![last];
    while let Some(parent) = way.last().map(|number| seen.parents[*number as usize])
        && parent != EMPTY
    {
        way.push(parent);
    }
    let like = rules.like();
    let mut state = rules.start();
    let mut out = Out {
        list: Vec::new(),
        process: 0,
    };
    let mut lines = Vec::new();
    for number in way.iter().rev().skip(1) {
        let wanted = seen.states[*number as usize];
        rules.successors(&state, &mut out);
        let Some(next) = out
            .list
            .iter()
            .find(|next| rules.canonical(next.state, &like).0 == wanted)
        else {
            lines.push("(the walk cannot be retold)".to_owned());
            break;
        };
        let letter = rules.who[next.process].letter();
        let end = if next.gives_up { "; deadline" } else { "" };
        lines.push(format!("{letter}{} {}{end}", next.process, next.what));
        state = next.state;
        rules.forget(&mut state);
        state.compact();
    }
    lines
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:>8} states {:>9} transitions  ",
            self.states, self.transitions
        )?;
        match &self.violation {
            None => write!(f, "holds")?,
            Some(violation) => write!(
                f,
                "{:?} after {} steps",
                violation.wrong,
                violation.trace.len()
            )?,
        }
        if self.leftovers_after_kill > 0 {
            write!(
                f,
                "; {} ends leave a killed one's sidecar",
                self.leftovers_after_kill
            )?;
        }
        if self.others_stuck_after_kill > 0 {
            write!(
                f,
                "; other tools wait behind a killed one in {} states",
                self.others_stuck_after_kill
            )?;
        }
        if self.tolerated > 0 {
            write!(
                f,
                "; {} tolerated overlaps, the first after {} steps",
                self.tolerated,
                self.tolerated_trace.len()
            )?;
        }
        Ok(())
    }
}

/// A trace as text, one step a line.
pub fn steps(trace: &[String]) -> String {
    let mut text = String::new();
    for (number, line) in trace.iter().enumerate() {
        let _ = write!(text, "\n    {:>2}. {line}", number + 1);
    }
    text
}
