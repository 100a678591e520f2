//! Waiting for a live owner: polling, the kernel's queue, giving up, and the end of a process.

use crate::acquire::look;
use crate::release::end_thread;
use crate::rules::{Mutant, Out, Rules, Who, end_round};
use crate::state::{Budget, Kind, NONE, Place, Register, State, Step, Thread};

/// After a look in vain: the next look, or giving up when the deadline has come.
pub fn push_busy(what: &'static str, state: &State, process: usize, out: &mut Out) {
    out.push(what, *state);
    push_give_up(what, state, process, out);
}

fn push_give_up(what: &'static str, state: &State, process: usize, out: &mut Out) {
    let deadlines = state.left(Budget::Deadlines);
    if deadlines > 0 {
        let mut next = *state;
        next.set_left(Budget::Deadlines, deadlines - 1);
        next.clear(process, Register::File);
        next.set_step(process, Thread::Main, Step::LeaveAttempt);
        end_if_left(&mut next, process);
        out.push_last(what, next);
    }
}

/// `Ticket::give_up`: the helper stays in the queue, unless it was granted in this very moment.
pub fn give_up_place(rules: &Rules, state: &State, process: usize, then: Step, out: &mut Out) {
    if state.place(process) == Place::Granted {
        let mut next = *state;
        let dead = next.clear(process, Register::Ticket);
        next.set_place(process, Place::Nowhere);
        set_dead(&mut next, process, dead);
        next.set_step(process, Thread::Main, then);
        out.push("unregister: granted in this moment", next);
    }
    if let Some(mut next) = abandon(rules, state, process) {
        next.set_step(process, Thread::Main, then);
        out.push(LEAVES, next);
    }
}

pub const LEAVES: &str = "unregister: leaves its helper behind";

/// Keeps a kernel lock on a file that has no name any more; an older one is closed.
pub fn set_dead(state: &mut State, process: usize, node: u8) {
    let older = state.clear(process, Register::Dead);
    if older != NONE {
        state.unlock(older);
    }
    state.set_file(process, Register::Dead, node);
}

/// `abandon`: from now on the helper passes on what it is granted.
pub fn abandon(rules: &Rules, state: &State, process: usize) -> Option<State> {
    let helper = Thread::HELPERS
        .into_iter()
        .take(rules.helpers)
        .find(|helper| state.step(process, *helper) == Step::Idle)?;
    let mut next = *state;
    let granted = state.place(process) == Place::Granted;
    let node = next.clear(process, Register::Ticket);
    next.set_place(process, Place::Nowhere);
    next.set_file(process, helper.file(), node);
    let step = if !granted {
        Step::Queued
    } else if rules.is(Mutant::LateGrantCloses) || state.kind(node) != Some(Kind::Ours) {
        Step::Unlock
    } else {
        Step::Names
    };
    next.set_step(process, helper, step);
    Some(next)
}

/// A live owner: poll, give up, or enter its queue.
pub fn busy(rules: &Rules, state: &State, process: usize, out: &mut Out) {
    let mut poll = *state;
    let file = poll.clear(process, Register::File);
    poll.set_step(process, Thread::Main, Step::Look);
    out.push("waits for an event", poll);
    if state.left(Budget::Deadlines) > 0 {
        if !state.is_locked(file) {
            let mut probed = *state;
            probed.lock(file);
            probed.set_step(process, Thread::Main, Step::Probed);
            out.push("flock shared: nobody holds it", probed);
        } else if !rules.is_looked_at(state, file) {
            push_give_up("flock shared: refused", &poll, process, out);
        }
    }

    let mut next = *state;
    if state.file(process, Register::Dead) != NONE {
        let dead = next.clear(process, Register::Dead);
        next.unlock(dead);
        out.push("unlock: wakes the queue of the removed file", next);
        return;
    }
    let file = next.clear(process, Register::File);
    next.set_file(process, Register::Ticket, file);
    next.set_step(process, Thread::Main, Step::Blocked);
    let left_behind = Thread::HELPERS
        .into_iter()
        .find(|helper| state.file(process, helper.file()) == file);
    let Some(helper) = left_behind else {
        next.set_place(process, Place::Waiting);
        out.push("register, enter the queue", next);
        return;
    };
    // A granted helper may have noticed already that its waiter gave up: then it passes on.
    if state.step(process, helper) != Step::Queued {
        let mut own = next;
        own.set_place(process, Place::Waiting);
        out.push("register, enter the queue", own);
    }
    if matches!(state.step(process, helper), Step::Queued | Step::Names) {
        let granted = state.step(process, helper) == Step::Names;
        end_thread(&mut next, process, helper);
        next.set_place(
            process,
            if granted {
                Place::Granted
            } else {
                Place::Waiting
            },
        );
        out.push("register, back in its old place", next);
    }
}

/// In the queue: granted, or woken by the cadence to look whether this is still the sidecar's queue.
pub fn blocked(state: &State, process: usize, out: &mut Out) {
    if state.place(process) == Place::Granted {
        let mut next = *state;
        let file = next.clear(process, Register::Ticket);
        next.set_place(process, Place::Nowhere);
        next.set_file(process, Register::File, file);
        next.set_step(process, Thread::Main, Step::ClaimQueued);
        out.push("granted: unregister", next);
    }
    if state.path() == state.file(process, Register::Ticket) {
        push_give_up("lstat: still in its queue", state, process, out);
    } else {
        look(state, process, out);
    }
}

/// The drop of an attempt that ended without the lock.
pub fn leave_attempt(rules: &Rules, state: &State, process: usize, out: &mut Out) {
    let mut next = *state;
    if state.file(process, Register::Dead) != NONE {
        let dead = next.clear(process, Register::Dead);
        next.unlock(dead);
        end_if_left(&mut next, process);
        out.push("unlock: wakes the queue of the removed file", next);
    } else if let Some(mut next) = abandon(rules, state, process) {
        end_if_left(&mut next, process);
        out.push(LEAVES, next);
    }
}

fn end_if_left(state: &mut State, process: usize) {
    let left = [Register::Dead, Register::Ticket]
        .iter()
        .all(|register| state.file(process, *register) == NONE);
    if left {
        end_round(state, process, Who::Ours);
    }
}

/// The process ends, after `settle_hand_overs`. Not while a helper passes a late grant on, or is next and could be granted: a
/// waiter that gives up watches for that (`SETTLE`), and to end all the same is to be killed.
pub fn exit(rules: &Rules, state: &State, process: usize, out: &mut Out) {
    let busy = |helper: Thread| match state.step(process, helper) {
        Step::Idle => false,
        Step::Queued => {
            let file = state.file(process, helper.file());
            !state.is_locked(file) || rules.is_looked_at(state, file)
        }
        _ => true,
    };
    if Thread::HELPERS.into_iter().any(busy) || state.step(process, Thread::Keeper) != Step::Idle {
        return;
    }
    let mut next = *state;
    for helper in Thread::HELPERS {
        next.set_step(process, helper, Step::Idle);
        next.clear(process, helper.file());
    }
    next.set_sweep_due(process, false);
    out.push("exits", next);
}
