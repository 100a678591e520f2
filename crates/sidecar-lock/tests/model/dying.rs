//! How a killed process lets go.

use crate::rules::{Out, Who};
use crate::state::{NONE, Place, Register, State, Step, Thread};

/// `SIGKILL`: threads and their places in queues are gone at once; what is held falls piece by piece.
pub fn kill(state: &mut State, process: usize, who: Who) {
    for thread in Thread::ALL {
        let step = state.step(process, thread);
        let holds = match who {
            Who::Ours => step.holds_lock(),
            _ => step == Step::WatchUnlock,
        };
        if !holds {
            state.clear(process, thread.file());
        }
        state.set_step(process, thread, Step::Idle);
    }
    state.clear(process, Register::Displaced);
    state.set_again(process, false);
    state.set_sweep_due(process, false);
    state.set_rounds(process, 0);
    let step = if state.is_bare(process) {
        Step::Dead
    } else {
        Step::Dying
    };
    state.set_step(process, Thread::Main, step);
}

/// One thing that a killed process held: the kernel closes its files in any order.
pub fn die(state: &State, process: usize, out: &mut Out) {
    for register in Register::ALL {
        let node = state.file(process, register);
        if node == NONE {
            continue;
        }
        let mut next = *state;
        let what = match (register, state.place(process)) {
            (Register::Ticket, Place::Granted) => {
                next.set_place(process, Place::Unregistered);
                "dies: registration falls"
            }
            (Register::Ticket, Place::Waiting) => {
                next.set_place(process, Place::Nowhere);
                next.clear(process, register);
                "dies: registration falls"
            }
            _ => {
                if register == Register::Ticket {
                    next.set_place(process, Place::Nowhere);
                }
                next.clear(process, register);
                next.unlock(node);
                "dies: flock falls"
            }
        };
        if next.is_bare(process) {
            next.set_step(process, Thread::Main, Step::Dead);
        }
        out.push(what, next);
    }
}
