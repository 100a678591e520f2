//! The rules of one configuration: who takes part, what may go wrong, and every next state.

use std::fmt;
use std::ops::Range;

use crate::acquire;
use crate::dying;
use crate::foreign;
use crate::release;
use crate::state::{Budget, Kind, Node, PROCESSES, Place, Register, State, Step, Thread};
pub use crate::who::{Mortal, Mutant, Who};

/// One configuration.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Sorted, like kinds together.
    pub who: Vec<Who>,
    /// How often each process wants the lock.
    pub rounds: u8,
    pub kills: u8,
    pub mortal: Mortal,
    /// How many waits may end by their deadline.
    pub deadlines: u8,
    /// How many looks after a hand-over take place; they are never needed.
    pub sweeps: u8,
    /// How many helpers a process leaves behind in queues at once; one that would leave another first
    /// waits until a helper is through. At most three.
    pub helpers: usize,
    /// Forgets helpers left behind in the queue of a removed sidecar. All that such a helper can still
    /// do is to be granted, see that the name is gone, and unlock; there may be many of them.
    pub forgets_helpers: bool,
    /// Everybody is another user: nobody may write into another's sidecar.
    pub strangers: bool,
    /// The file system can exchange two names; else a stale lock is moved away.
    pub exchanges: bool,
    pub mutant: Option<Mutant>,
}

impl fmt::Display for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letters: String = self.who.iter().map(|who| who.letter()).collect();
        write!(
            f,
            "{letters:<5} rounds {} kills {} deadlines {} sweeps {}",
            self.rounds, self.kills, self.deadlines, self.sweeps
        )?;
        if self.mortal == Mortal::OtherTools {
            write!(f, ", kills of other tools only")?;
        }
        if !self.forgets_helpers {
            write!(f, ", {} exact helpers each", self.helpers)?;
        }
        if self.strangers {
            write!(f, ", of different users")?;
        }
        if !self.exchanges {
            write!(f, ", without exchange")?;
        }
        match self.mutant {
            Some(mutant) => write!(f, ", {mutant:?}"),
            None => Ok(()),
        }
    }
}

/// A next state and how it came about.
pub struct Next {
    pub process: usize,
    pub what: &'static str,
    /// The deadline has come: the process gives up.
    pub gives_up: bool,
    pub state: State,
}

/// Collects the next states.
pub struct Out {
    pub list: Vec<Next>,
    pub process: usize,
}

impl Out {
    pub fn push(&mut self, what: &'static str, state: State) {
        self.list.push(Next {
            process: self.process,
            what,
            gives_up: false,
            state,
        });
    }

    pub fn push_last(&mut self, what: &'static str, state: State) {
        self.list.push(Next {
            process: self.process,
            what,
            gives_up: true,
            state,
        });
    }
}

/// Who is in the critical section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owners {
    pub ours: usize,
    pub others: usize,
}

impl Rules {
    /// One round and no mishap for participants named by their letters, like ones together.
    pub fn of(letters: &str) -> Self {
        let who: Vec<Who> = letters.chars().map(Who::of).collect();
        assert!(who.len() <= PROCESSES, "{letters} fit into a state");
        assert!(who.is_sorted(), "{letters}: like participants together");
        Self {
            who,
            rounds: 1,
            kills: 0,
            mortal: Mortal::Everybody,
            deadlines: 0,
            sweeps: 0,
            helpers: 1,
            forgets_helpers: true,
            strangers: false,
            exchanges: true,
            mutant: None,
        }
    }

    pub fn is(&self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }

    pub fn start(&self) -> State {
        let mut state = State::new();
        for (process, who) in self.who.iter().enumerate() {
            state.set_rounds(process, self.rounds);
            state.set_step(process, Thread::Main, first_step(*who));
        }
        state.set_left(Budget::Kills, self.kills);
        state.set_left(Budget::Deadlines, self.deadlines);
        state.set_left(Budget::Sweeps, self.sweeps);
        state
    }

    /// The representative of all states with the same future.
    pub fn canonical(&self, mut state: State, like: &[Range<usize>]) -> State {
        self.forget(&mut state);
        state.canonical(like)
    }

    /// Drops what nobody can notice any more.
    pub fn forget(&self, state: &mut State) {
        if self.forgets_helpers {
            for process in 0..self.who.len() {
                self.forget_helpers(state, process);
            }
        }
    }

    fn forget_helpers(&self, state: &mut State, process: usize) {
        for helper in Thread::HELPERS.into_iter().rev() {
            let step = state.step(process, helper);
            let file = state.file(process, helper.file());
            let comes_back = |other| state.file(other, Register::Displaced) == file;
            if step == Step::Idle || file == state.path() || (0..self.who.len()).any(comes_back) {
                continue;
            }
            if step.holds_lock() {
                state.unlock(file);
            }
            release::end_thread(state, process, helper);
        }
    }

    /// Ranges of like processes.
    pub fn like(&self) -> Vec<Range<usize>> {
        let mut ranges = Vec::new();
        let mut start = 0;
        for group in self.who.chunk_by(|one, other| one == other) {
            ranges.push(start..start + group.len());
            start += group.len();
        }
        ranges
    }

    pub fn killed(&self, state: &State) -> u8 {
        self.kills - state.left(Budget::Kills)
    }

    /// Ours own from the moment of link, adoption or checked exchange on.
    pub fn owners(&self, state: &State) -> Owners {
        let mut owners = Owners { ours: 0, others: 0 };
        for (process, who) in self.who.iter().enumerate() {
            match (state.step(process, Thread::Main), who) {
                (Step::Critical | Step::Tidy, Who::Ours) => owners.ours += 1,
                (Step::Critical, _) => owners.others += 1,
                _ => {}
            }
        }
        owners
    }

    /// Whether the kernel lock is a shared one, of somebody who only looks.
    pub fn is_looked_at(&self, state: &State, node: Node) -> bool {
        (0..self.who.len()).any(|process| {
            matches!(
                state.step(process, Thread::Main),
                Step::WatchUnlock | Step::Probed
            ) && state.file(process, Register::File) == node
        })
    }

    /// An owner whose file is not the one at the path: the next to come would be a second owner.
    pub fn has_lost_owner(&self, state: &State) -> bool {
        (0..self.who.len()).any(|process| {
            matches!(
                state.step(process, Thread::Main),
                Step::Critical | Step::Tidy
            ) && state.file(process, Register::File) != state.path()
        })
    }

    /// Whether the age of a lock can pass the limits of those who judge by age. The assumption behind
    /// it: whoever lives keeps his lock young, by refreshing it or by ending soon.
    pub fn can_look_stale(&self, state: &State, node: Node) -> bool {
        let kind = state.kind(node).expect("it exists");
        if kind == Kind::Ours && self.is(Mutant::NoHeartbeat) {
            return true;
        }
        !self.who.iter().enumerate().any(|(process, who)| {
            let vouches = match who {
                Who::Ours => {
                    kind == Kind::Ours
                        && !matches!(state.step(process, Thread::Main), Step::Dying | Step::Dead)
                }
                _ => state.step(process, Thread::Main) == Step::Critical,
            };
            vouches && state.refers(process, node)
        })
    }

    pub fn successors(&self, state: &State, out: &mut Out) {
        out.list.clear();
        for (process, who) in self.who.iter().enumerate() {
            out.process = process;
            let step = state.step(process, Thread::Main);
            if step == Step::Dying {
                dying::die(state, process, out);
                continue;
            }
            if matches!(step, Step::Dead | Step::Done) && state.is_bare(process) {
                if state.is_sweep_due(process) {
                    release::keeper(self, state, process, out);
                }
                continue;
            }
            match who {
                Who::Ours => {
                    acquire::next(self, state, process, out);
                    release::grants(self, state, process, out);
                    release::keeper(self, state, process, out);
                    for helper in Thread::HELPERS {
                        release::next(self, state, process, helper, out);
                    }
                }
                Who::Node => foreign::node(self, state, process, out),
                Who::Script => foreign::script(self, state, process, out),
                Who::Watcher => foreign::watcher(state, process, out),
            }
            self.kill(*who, state, process, out);
        }
    }

    fn kill(&self, who: Who, state: &State, process: usize, out: &mut Out) {
        let mortal = self.mortal == Mortal::Everybody || who != Who::Ours;
        let kills = state.left(Budget::Kills);
        if !mortal || kills == 0 || state.is_bare(process) {
            return;
        }
        let mut killed = *state;
        killed.set_left(Budget::Kills, kills - 1);
        dying::kill(&mut killed, process, who);
        out.push("KILLED", killed);
    }
}

pub fn first_step(who: Who) -> Step {
    match who {
        Who::Ours => Step::Look,
        Who::Node => Step::Mkdir,
        Who::Script => Step::Create,
        Who::Watcher => Step::Watch,
    }
}

/// Ends a round of any process.
pub fn end_round(state: &mut State, process: usize, who: Who) {
    let rounds = state.rounds(process) - 1;
    state.set_rounds(process, rounds);
    state.clear(process, Register::File);
    let next = if rounds == 0 {
        Step::Done
    } else {
        first_step(who)
    };
    state.set_step(process, Thread::Main, next);
}

/// Whether anybody is registered as a waiter for this file.
pub fn anyone_registered(rules: &Rules, state: &State, node: Node) -> bool {
    (0..rules.who.len()).any(|process| {
        matches!(state.place(process), Place::Waiting | Place::Granted)
            && state.file(process, Register::Ticket) == node
    })
}
