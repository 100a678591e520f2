//! Replacing another tool's stale lock, as `src/sys/swap.rs` does it.

use crate::acquire::{owned, publish};
use crate::rules::{Mutant, Out, Rules};
use crate::state::{Kind, NONE, Register, State, Step, Thread};

pub fn next(rules: &Rules, state: &State, process: usize, out: &mut Out) {
    match state.step(process, Thread::Main) {
        Step::Swap if rules.is(Mutant::RmdirByPath) => remove_by_path(state, process, out),
        Step::Swap if !rules.exchanges || rules.is(Mutant::RenameVerifyRestore) => {
            move_away(state, process, out);
        }
        Step::Swap => exchange(state, process, out),
        Step::SwapLook => look(state, process, out),
        Step::BackLook => look_before_back(state, process, out),
        Step::Back => back(state, process, out),
        Step::BackAgain => back_again(state, process, out),
        Step::SwapClose => close(state, process, out),
        Step::AwayLook => look_away(state, process, out),
        Step::AwayLink => link(state, process, out),
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
        next.set_step(process, Thread::Main, Step::BackLook);
        out.push("lstat: displaced another lock", next);
    }
}

/// Is ours still there to be exchanged back?
fn look_before_back(state: &State, process: usize, out: &mut Out) {
    let mut next = *state;
    if state.path() == state.file(process, Register::Other) {
        next.set_step(process, Thread::Main, Step::Back);
        out.push("lstat: ours still stands there", next);
    } else {
        next.clear(process, Register::Displaced);
        next.set_step(process, Thread::Main, Step::SwapClose);
        out.push("lstat: ours is gone; leaves what it displaced", next);
    }
}

fn back(state: &State, process: usize, out: &mut Out) {
    let mut next = *state;
    let displaced = next.clear(process, Register::Displaced);
    next.set_step(process, Thread::Main, Step::SwapClose);
    if state.path() == NONE {
        out.push("exchange back: nothing there", next);
        return;
    }
    next.set_path(displaced);
    if state.path() != state.file(process, Register::Other) {
        next.set_file(process, Register::Displaced, state.path());
        next.set_step(process, Thread::Main, Step::BackAgain);
    }
    out.push("exchange back", next);
}

/// What came out is not ours: that gets its name back as well.
fn back_again(state: &State, process: usize, out: &mut Out) {
    let mut next = *state;
    let displaced = next.clear(process, Register::Displaced);
    next.set_step(process, Thread::Main, Step::SwapClose);
    if state.path() != NONE {
        next.set_path(displaced);
    }
    out.push("exchange once more", next);
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
        next.set_step(process, Thread::Main, Step::AwayLink);
        out.push("lstat: what was judged; removed", next);
    } else {
        next.set_step(process, Thread::Main, Step::AwayPut);
        out.push("lstat: another lock", next);
    }
}

fn link(state: &State, process: usize, out: &mut Out) {
    let mut next = *state;
    if state.path() == NONE {
        let judged = next.clear(process, Register::File);
        next.set_file(process, Register::Other, judged);
        publish(&mut next, process);
        out.push("link: published", next);
    } else {
        next.set_step(process, Thread::Main, Step::CloseMissed);
        out.push("link: exists", next);
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
