//! Acquiring, as `src/acquire.rs` does it: one step is one system call that others can notice.
//!
//! What cannot be noticed is left out: preparing a file without a name, reading what never changes,
//! sleeping. A wait for an event is a look at any later moment.

use crate::release;
use crate::rules::{Mutant, Out, Rules};
use crate::state::{Kind, NONE, Register, State, Step, Thread};
use crate::swap;
use crate::waiting::{
    LEAVES, abandon, blocked, busy, exit, give_up_place, leave_attempt, push_busy, set_dead,
};

pub fn next(rules: &Rules, state: &State, process: usize, out: &mut Out) {
    match state.step(process, Thread::Main) {
        Step::Look => look(state, process, out),
        Step::GiveUpToPublish => give_up_place(rules, state, process, Step::Publish, out),
        Step::GiveUpToOpen => give_up_place(rules, state, process, Step::Open, out),
        Step::Publish => link(state, process, out),
        Step::Open => open(state, process, out),
        Step::TryLock => try_lock(rules, state, process, out),
        Step::UnlinkByPid => unlink_by_pid(state, process, out),
        Step::Busy => busy(rules, state, process, out),
        Step::Blocked => blocked(state, process, out),
        Step::ClaimFirst | Step::ClaimQueued => claim(rules, state, process, out),
        Step::Probed => {
            let mut next = *state;
            let file = next.clear(process, Register::File);
            next.unlock(file);
            next.set_step(process, Thread::Main, Step::Look);
            out.push("unlock: looks again", next);
        }
        Step::CloseMissed | Step::UnlockFresh => {
            let mut next = *state;
            let file = next.clear(process, Register::File);
            next.unlock(file);
            next.set_step(process, Thread::Main, Step::Look);
            push_busy("unlock", &next, process, out);
        }
        Step::Adopt => adopt(rules, state, process, out),
        Step::OpenFolder => open_folder(rules, state, process, out),
        Step::LockFolder => lock_folder(rules, state, process, out),
        Step::Pin => pin(rules, state, process, out),
        Step::RelookFolder => relook_folder(state, process, out),
        Step::Tidy => tidy(rules, state, process, out),
        Step::LeaveAttempt => leave_attempt(rules, state, process, out),
        Step::Done => exit(rules, state, process, out),
        step if step >= Step::Swap && step <= Step::AwayPut => {
            swap::next(rules, state, process, out);
        }
        _ => release::next(rules, state, process, Thread::Main, out),
    }
}

/// `sys::look` and the choice that follows.
pub fn look(state: &State, process: usize, out: &mut Out) {
    let mut next = *state;
    let ticket = state.file(process, Register::Ticket);
    let has_place = ticket != NONE;
    let (what, step) = match state.kind_at_path() {
        None if has_place => ("lstat: absent", Step::GiveUpToPublish),
        None => ("lstat: absent", Step::Publish),
        Some(Kind::Folder) => ("lstat: directory", Step::OpenFolder),
        Some(_) if has_place && ticket == state.path() => {
            next.set_step(process, Thread::Main, Step::Blocked);
            push_busy("lstat: still in its queue", &next, process, out);
            return;
        }
        Some(_) if has_place => ("lstat: another file", Step::GiveUpToOpen),
        Some(_) => ("lstat: file", Step::Open),
    };
    next.set_step(process, Thread::Main, step);
    out.push(what, next);
}

/// The link that makes the prepared sidecar visible: locked and complete from the first moment.
fn link(state: &State, process: usize, out: &mut Out) {
    let mut next = *state;
    if state.path() == NONE {
        publish(&mut next, process);
        out.push("link: published", next);
    } else {
        next.set_step(process, Thread::Main, Step::Look);
        push_busy("link: exists", &next, process, out);
    }
}

pub fn publish(state: &mut State, process: usize) {
    let file = state.make(Kind::Ours);
    state.lock(file);
    state.set_path(file);
    state.set_file(process, Register::File, file);
    owned(state, process);
}

/// What is still to be let go before the guard is returned.
pub fn owned(state: &mut State, process: usize) {
    let tidy = [Register::Other, Register::Dead, Register::Ticket]
        .iter()
        .any(|register| state.file(process, *register) != NONE);
    let step = if tidy { Step::Tidy } else { Step::Critical };
    state.set_step(process, Thread::Main, step);
}

/// `Attempt::acquired`, then the end of `claim`, then the drop of the attempt, in this order.
fn tidy(rules: &Rules, state: &State, process: usize, out: &mut Out) {
    let mut next = *state;
    for register in [Register::Dead, Register::Other] {
        if state.file(process, register) != NONE {
            let file = next.clear(process, register);
            next.unlock(file);
            owned(&mut next, process);
            out.push("unlock: wakes the queue of the removed file", next);
            return;
        }
    }
    if let Some(mut next) = abandon(rules, state, process) {
        owned(&mut next, process);
        out.push(LEAVES, next);
    }
}

fn open(state: &State, process: usize, out: &mut Out) {
    let mut next = *state;
    if matches!(state.kind_at_path(), None | Some(Kind::Folder)) {
        next.set_step(process, Thread::Main, Step::Look);
        push_busy("open: no file any more", &next, process, out);
    } else {
        next.set_file(process, Register::File, state.path());
        next.set_step(process, Thread::Main, Step::TryLock);
        out.push("open", next);
    }
}

fn try_lock(rules: &Rules, state: &State, process: usize, out: &mut Out) {
    let mut next = *state;
    let file = state.file(process, Register::File);
    if rules.is(Mutant::UnlinkByPid) {
        let owner_lives = (0..rules.who.len()).any(|other| {
            state.file(other, Register::File) == file && state.step(other, Thread::Main).is_owning()
        });
        let step = if owner_lives || state.path() != file {
            Step::Look
        } else {
            Step::UnlinkByPid
        };
        next.clear(process, Register::File);
        next.set_step(process, Thread::Main, step);
        out.push("read: is its process dead?", next);
    } else if state.is_locked(file) {
        next.set_step(process, Thread::Main, Step::Busy);
        out.push("flock: busy", next);
    } else {
        next.lock(file);
        next.set_step(process, Thread::Main, Step::ClaimFirst);
        out.push("flock: got it", next);
    }
}

fn unlink_by_pid(state: &State, process: usize, out: &mut Out) {
    let mut next = *state;
    next.unlink_path();
    next.set_step(process, Thread::Main, Step::Look);
    out.push("unlink by path", next);
}

/// flock is ours: is it the sidecar's, and whose record does the file carry?
fn claim(rules: &Rules, state: &State, process: usize, out: &mut Out) {
    let mut next = *state;
    let file = state.file(process, Register::File);
    let queued = state.step(process, Thread::Main) == Step::ClaimQueued;
    let unchecked =
        rules.is(Mutant::NoPathCheck) || queued && rules.is(Mutant::HeirWithoutPathCheck);
    if state.path() != file && !unchecked {
        if queued {
            next.clear(process, Register::File);
            set_dead(&mut next, process, file);
            next.set_step(process, Thread::Main, Step::Look);
            push_busy("lstat: was removed, keeps its flock", &next, process, out);
        } else {
            next.set_step(process, Thread::Main, Step::CloseMissed);
            out.push("lstat: was removed", next);
        }
    } else if state.kind(file) == Some(Kind::Ours) || rules.is(Mutant::NoMagic) {
        next.set_step(process, Thread::Main, Step::Adopt);
        out.push("lstat: still the sidecar; our record", next);
    } else {
        next.set_step(process, Thread::Main, Step::UnlockFresh);
        out.push("lstat: still the sidecar; no record, fresh", next);
        if rules.can_look_stale(state, file) {
            next.set_step(process, Thread::Main, Step::Swap);
            out.push("lstat: still the sidecar; no record, stale", next);
        }
    }
}

fn adopt(rules: &Rules, state: &State, process: usize, out: &mut Out) {
    let mut next = *state;
    if rules.strangers {
        next.unlink_path();
        next.set_step(process, Thread::Main, Step::CloseMissed);
        out.push("write refused: unlink", next);
        return;
    }
    let file = state.file(process, Register::File);
    next.set_kind(file, Kind::Ours);
    next.mark(file, false);
    owned(&mut next, process);
    out.push("write: adopted", next);
}

fn open_folder(rules: &Rules, state: &State, process: usize, out: &mut Out) {
    let mut next = *state;
    next.set_step(process, Thread::Main, Step::Look);
    if state.kind_at_path() != Some(Kind::Folder) {
        push_busy("open: no directory any more", &next, process, out);
        return;
    }
    push_busy("open, fstat: a fresh directory", &next, process, out);
    if rules.can_look_stale(state, state.path()) {
        next.set_file(process, Register::File, state.path());
        next.set_step(process, Thread::Main, Step::LockFolder);
        out.push("open, fstat: a stale directory", next);
    }
}

/// The kernel lock on the directory serialises those of us who would replace it.
fn lock_folder(rules: &Rules, state: &State, process: usize, out: &mut Out) {
    let mut next = *state;
    let folder = state.file(process, Register::File);
    if state.is_locked(folder) {
        next.clear(process, Register::File);
        next.set_step(process, Thread::Main, Step::Look);
        push_busy("flock: another one replaces it", &next, process, out);
    } else {
        next.lock(folder);
        let pins = !matches!(
            rules.mutant,
            Some(Mutant::NoPin | Mutant::RmdirByPath | Mutant::RenameVerifyRestore)
        );
        let step = if pins { Step::Pin } else { Step::RelookFolder };
        next.set_step(process, Thread::Main, step);
        out.push("flock on the directory", next);
    }
}

/// `sys::pin`: from here on nobody's rmdir succeeds.
fn pin(rules: &Rules, state: &State, process: usize, out: &mut Out) {
    let mut next = *state;
    let folder = state.file(process, Register::File);
    let moved = |other| state.file(other, Register::Displaced) == folder;
    if state.path() == folder || (0..rules.who.len()).any(moved) {
        next.mark(folder, true);
        next.set_step(process, Thread::Main, Step::RelookFolder);
        out.push("creates a file in the directory", next);
    } else {
        next.set_step(process, Thread::Main, Step::CloseMissed);
        out.push("create in the directory: it was removed", next);
    }
}

fn relook_folder(state: &State, process: usize, out: &mut Out) {
    let mut next = *state;
    let folder = state.file(process, Register::File);
    if state.path() == folder {
        next.set_step(process, Thread::Main, Step::Swap);
        out.push("lstat: still that directory", next);
    } else {
        next.mark(folder, false);
        next.set_step(process, Thread::Main, Step::CloseMissed);
        out.push("lstat: another one by now", next);
    }
}
