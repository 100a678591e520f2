//! Releasing, as `src/release.rs` does it: by the owner, by a helper that was granted late, and by the
//! look after a hand-over.

use crate::rules::{Mutant, Out, Rules, Who, anyone_registered, end_round};
use crate::state::{Budget, Kind, Place, Register, State, Step, Thread};

pub fn next(rules: &Rules, state: &State, process: usize, thread: Thread, out: &mut Out) {
    let mut next = *state;
    let file = state.file(process, thread.file());
    let mut to = |what: &'static str, mut next: State, step: Step| {
        next.set_step(process, thread, step);
        out.push(what, next);
    };
    match state.step(process, thread) {
        Step::Critical if rules.is(Mutant::UnlockBeforeUnlink) => {
            next.unlock(file);
            to("unlock", next, Step::UnlinkLate);
        }
        Step::UnlinkLate => {
            next.unlink_path();
            end(&mut next, process, thread, false);
            out.push("unlink by path", next);
        }
        Step::Critical | Step::Names => {
            if state.path() == file {
                to("lstat: ours", next, Step::Registered);
            } else {
                to("lstat: not ours", next, Step::Unlock);
            }
        }
        Step::Registered => {
            let waiters = anyone_registered(rules, state, file);
            let limit = thread == Thread::Main && !state.is_again(process);
            if waiters {
                to("somebody registered", next, Step::Mark);
                if limit {
                    to("the run is over", next, Step::Unlink);
                }
            } else {
                to("nobody registered", next, Step::Unlink);
            }
        }
        Step::Unlink => {
            next.unlink_path();
            to("unlink", next, Step::Unlock);
        }
        Step::Unlock => {
            next.unlock(file);
            let again = state.is_again(process);
            end(&mut next, process, thread, again);
            out.push("unlock", next);
        }
        Step::Mark => mark(rules, state, process, thread, out),
        Step::HandOver => {
            next.unlock(file);
            if rules.is(Mutant::NoLookAgain) {
                end(&mut next, process, thread, true);
                out.push("unlock: hands over", next);
            } else {
                to("unlock: hands over", next, Step::LookAgain);
            }
        }
        Step::LookAgain => look_again(rules, state, process, thread, out),
        Step::Retake => retake(rules, state, process, thread, out),
        _ => {}
    }
}

fn mark(rules: &Rules, state: &State, process: usize, thread: Thread, out: &mut Out) {
    let mut next = *state;
    let file = state.file(process, thread.file());
    if rules.strangers && thread != Thread::Main {
        next.set_step(process, thread, Step::HandOver);
        out.push("write refused: not marked", next);
        return;
    }
    next.mark(file, true);
    next.set_step(process, thread, Step::HandOver);
    out.push("write: released", next);
}

fn look_again(rules: &Rules, state: &State, process: usize, thread: Thread, out: &mut Out) {
    let mut next = *state;
    let file = state.file(process, thread.file());
    if anyone_registered(rules, state, file) {
        end(&mut next, process, thread, true);
        out.push("look again: somebody registered", next);
    } else if rules.is(Mutant::LookAgainUnlinks) {
        next.unlink_path();
        end(&mut next, process, thread, true);
        out.push("look again: nobody; unlink by path", next);
    } else {
        next.set_step(process, thread, Step::Retake);
        out.push("look again: nobody registered", next);
    }
}

fn retake(rules: &Rules, state: &State, process: usize, thread: Thread, out: &mut Out) {
    let mut next = *state;
    let file = state.file(process, thread.file());
    if rules.is_looked_at(state, file) && !rules.is(Mutant::LookTakenForHeir) {
        // It steps aside for longer than a look takes.
        return;
    }
    if state.is_locked(file) {
        end(&mut next, process, thread, true);
        out.push("flock: the heir has it", next);
        return;
    }
    next.lock(file);
    if thread == Thread::Main {
        next.set_again(process, true);
    }
    let step = if rules.is(Mutant::RetakeWithoutPathCheck) {
        Step::Registered
    } else {
        Step::Names
    };
    next.set_step(process, thread, step);
    out.push("flock: takes it back", next);
}

/// The thread is done with the file; its lock is gone.
fn end(state: &mut State, process: usize, thread: Thread, handed_over: bool) {
    if thread == Thread::Main {
        state.set_again(process, false);
        end_round(state, process, Who::Ours);
        if handed_over && state.left(Budget::Sweeps) > 0 {
            state.set_sweep_due(process, true);
        }
    } else {
        end_thread(state, process, thread);
    }
}

/// Ends a helper or a look of the keeper. Helpers move up: which is which makes no difference.
pub fn end_thread(state: &mut State, process: usize, thread: Thread) {
    state.set_step(process, thread, Step::Idle);
    state.clear(process, thread.file());
    for pair in Thread::HELPERS.windows(2) {
        if state.step(process, pair[0]) == Step::Idle {
            state.set_step(process, pair[0], state.step(process, pair[1]));
            state.set_step(process, pair[1], Step::Idle);
            let node = state.clear(process, pair[1].file());
            state.set_file(process, pair[0].file(), node);
        }
    }
}

/// What the kernel does: grants a free lock to any of its waiters.
pub fn grants(rules: &Rules, state: &State, process: usize, out: &mut Out) {
    let ticket = state.file(process, Register::Ticket);
    if state.place(process) == Place::Waiting && !state.is_locked(ticket) {
        let mut next = *state;
        next.lock(ticket);
        next.set_place(process, Place::Granted);
        out.push("kernel grants", next);
    }
    for helper in Thread::HELPERS {
        let file = state.file(process, helper.file());
        if state.step(process, helper) != Step::Queued || state.is_locked(file) {
            continue;
        }
        let mut next = *state;
        next.lock(file);
        let ours = state.kind(file) == Some(Kind::Ours);
        let step = if ours && !rules.is(Mutant::LateGrantCloses) {
            Step::Names
        } else {
            Step::Unlock
        };
        next.set_step(process, helper, step);
        out.push("kernel grants a helper left behind", next);
    }
}

/// The keeper's look after a hand-over, at any later moment.
pub fn keeper(rules: &Rules, state: &State, process: usize, out: &mut Out) {
    let mut next = *state;
    let file = state.file(process, Register::Swept);
    match state.step(process, Thread::Keeper) {
        Step::Idle if state.is_sweep_due(process) => {
            let left = state.left(Budget::Sweeps);
            if left == 0 {
                return;
            }
            next.set_sweep_due(process, false);
            next.set_left(Budget::Sweeps, left - 1);
            if state.kind_at_path() == Some(Kind::Ours) {
                next.set_file(process, Register::Swept, state.path());
                next.set_step(process, Thread::Keeper, Step::SweepLock);
            }
            out.push("sweep: open", next);
        }
        // It steps aside for longer than a look takes.
        Step::SweepLock if state.is_marked(file) && rules.is_looked_at(state, file) => {}
        Step::SweepLock => {
            if state.is_locked(file) || !state.is_marked(file) {
                next.clear(process, Register::Swept);
                next.set_step(process, Thread::Keeper, Step::Idle);
                out.push("sweep: somebody has it", next);
            } else {
                next.lock(file);
                next.set_step(process, Thread::Keeper, Step::Names);
                out.push("sweep: flock", next);
            }
        }
        _ => self::next(rules, state, process, Thread::Keeper, out),
    }
}
