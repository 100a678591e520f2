//! Replacing another tool's stale lock, as `src/sys/swap.rs` does it.

use crate::acquire::owned;
use crate::rules::{Mutant, Out, Rules};
use crate::state::{Kind, NONE, Register, State, Step, Thread};
use crate::waiting::push_busy;

pub fn next(rules: &Rules, state: &State, process: usize, out: &mut Out) {
    match state.step(process, Thread::Main) {
        Step::Swap if rules.is(Mutant::RmdirByPath) => remove_by_path(state, process, out),
        Step::Swap if rules.is(Mutant::RenameVerifyRestore) => move_away(state, process, out),
        Step::Swap => exchange(state, process, out),
        Step::SwapLook => look(state, process, out),
        Step::SwapBack => put_back(state, process, out),
        Step::SwapClose => close(state, process, out),
        Step::AwayLook => look_away(state, process, out),
        Step::AwayPut => put_away_back(state, process, out),
        _ => {}
    }
}

/// Our locked, complete file and whatever stands at the path change places.
fn exchange(state: &State, process: usize, out: &mut Out) {
    let mut next = *state;
    if state.path() == NONE {
        next.set_step(process, Thread::Main, Step::CloseMissed);
        out.push("exchange: nothing there", next);
        return;
    }
    let file = next.make(Kind::Ours);
    next.lock(file);
    next.set_file(process, Register::Other, file);
    next.set_file(process, Register::Displaced, state.path());
    next.set_path(file);
    next.set_step(process, Thread::Main, Step::SwapLook);
    out.push("exchange", next);
}

/// What came out: the judged lock, which is removed under its temporary name, or another one.
fn look(state: &State, process: usize, out: &mut Out) {
    let mut next = *state;
    let judged = state.file(process, Register::File);
    if state.file(process, Register::Displaced) == judged {
        next.clear(process, Register::Displaced);
        let file = state.file(process, Register::Other);
        next.set_file(process, Register::File, file);
        next.set_file(process, Register::Other, judged);
        owned(&mut next, process);
        out.push("lstat: displaced what was judged; has the lock", next);
    } else {
        next.set_step(process, Thread::Main, Step::SwapBack);
        out.push("lstat: displaced another lock", next);
    }
}

fn put_back(state: &State, process: usize, out: &mut Out) {
    let mut next = *state;
    let displaced = next.clear(process, Register::Displaced);
    next.set_step(process, Thread::Main, Step::SwapClose);
    if state.path() == NONE {
        out.push("exchange back: nothing there", next);
    } else {
        next.set_path(displaced);
        out.push("exchange back, remove what came out", next);
    }
}

/// Closes the prepared file, which unlocks it; the judged one follows.
fn close(state: &State, process: usize, out: &mut Out) {
    let mut next = *state;
    let file = next.clear(process, Register::Other);
    next.unlock(file);
    next.set_step(process, Thread::Main, Step::CloseMissed);
    out.push("close the prepared file", next);
}

/// The way of systems without an exchange.
fn move_away(state: &State, process: usize, out: &mut Out) {
    let mut next = *state;
    if state.path() == NONE {
        next.set_step(process, Thread::Main, Step::CloseMissed);
        out.push("rename away: nothing there", next);
        return;
    }
    next.set_file(process, Register::Displaced, state.path());
    next.set_path(NONE);
    next.set_step(process, Thread::Main, Step::AwayLook);
    out.push("rename away", next);
}

fn look_away(state: &State, process: usize, out: &mut Out) {
    let mut next = *state;
    if state.file(process, Register::Displaced) == state.file(process, Register::File) {
        next.clear(process, Register::Displaced);
        next.set_step(process, Thread::Main, Step::CloseMissed);
        push_busy("lstat: what was judged; removed", &next, process, out);
    } else {
        next.set_step(process, Thread::Main, Step::AwayPut);
        out.push("lstat: another lock", next);
    }
}

fn put_away_back(state: &State, process: usize, out: &mut Out) {
    let mut next = *state;
    let displaced = next.clear(process, Register::Displaced);
    next.set_step(process, Thread::Main, Step::CloseMissed);
    if state.path() == NONE {
        next.set_path(displaced);
        out.push("rename back", next);
    } else {
        out.push("rename back: taken", next);
    }
}

fn remove_by_path(state: &State, process: usize, out: &mut Out) {
    let mut next = *state;
    if state.kind_at_path() == Some(Kind::Folder) {
        next.set_path(NONE);
    }
    next.set_step(process, Thread::Main, Step::CloseMissed);
    out.push("rmdir by path", next);
}
