//! The other tools: proper-lockfile 4.1.2 and scripts that create with `O_EXCL`.

use crate::rules::{Out, Rules, Who, end_round};
use crate::state::{Kind, NONE, Register, State, Step, Thread};

/// proper-lockfile: mkdir; when taken stat, and rmdir by path if stale; then mkdir once more.
pub fn node(rules: &Rules, state: &State, process: usize, out: &mut Out) {
    let mut next = *state;
    match state.step(process, Thread::Main) {
        step @ (Step::Mkdir | Step::MkdirAgain) => {
            if state.path() == NONE {
                let folder = next.make(Kind::Folder);
                next.set_path(folder);
                next.set_file(process, Register::File, folder);
                next.set_step(process, Thread::Main, Step::Critical);
                out.push("mkdir: made, has the lock", next);
            } else if step == Step::Mkdir {
                next.set_step(process, Thread::Main, Step::Stat);
                out.push("mkdir: exists", next);
            } else {
                next.set_step(process, Thread::Main, Step::Mkdir);
                out.push("mkdir: exists again, tries later", next);
            }
        }
        Step::Stat => {
            if state.path() == NONE {
                next.set_step(process, Thread::Main, Step::MkdirAgain);
                out.push("stat: gone", next);
                return;
            }
            next.set_step(process, Thread::Main, Step::Mkdir);
            out.push("stat: fresh, tries later", next);
            if rules.can_look_stale(state, state.path()) {
                next.set_step(process, Thread::Main, Step::Rmdir);
                out.push("stat: stale", next);
            }
        }
        Step::Rmdir => match remove_folder(&mut next) {
            Removed::Yes | Removed::Absent => {
                next.set_step(process, Thread::Main, Step::MkdirAgain);
                out.push("rmdir by path", next);
            }
            Removed::No => {
                next.set_step(process, Thread::Main, Step::Mkdir);
                out.push("rmdir: refused, tries later", next);
            }
        },
        Step::Critical => {
            if state.path() != state.file(process, Register::File) {
                // onCompromised: the default handler throws, and the process ends.
                let mut ended = next;
                ended.clear(process, Register::File);
                ended.set_rounds(process, 0);
                ended.set_step(process, Thread::Main, Step::Done);
                out.push("update: compromised, ends", ended);
            }
            let removed = remove_folder(&mut next);
            end_round(&mut next, process, Who::Node);
            match removed {
                Removed::Yes => out.push("rmdir: released", next),
                Removed::Absent => out.push("rmdir: released, nothing there", next),
                Removed::No => out.push("rmdir: release refused", next),
            }
        }
        _ => {}
    }
}

enum Removed {
    Yes,
    Absent,
    No,
}

/// `rmdir(path)`: whatever directory stands there, if it is empty.
fn remove_folder(state: &mut State) -> Removed {
    match state.kind_at_path() {
        None => Removed::Absent,
        Some(Kind::Folder) if !state.is_marked(state.path()) => {
            state.set_path(NONE);
            Removed::Yes
        }
        Some(_) => Removed::No,
    }
}

/// A script: `O_EXCL`, work, `rm`.
pub fn script(_rules: &Rules, state: &State, process: usize, out: &mut Out) {
    let mut next = *state;
    match state.step(process, Thread::Main) {
        Step::Create if state.path() == NONE => {
            let file = next.make(Kind::Foreign);
            next.set_path(file);
            next.set_file(process, Register::File, file);
            next.set_step(process, Thread::Main, Step::Critical);
            out.push("O_EXCL: made, has the lock", next);
        }
        Step::Critical => {
            next.unlink_path();
            end_round(&mut next, process, Who::Script);
            out.push("rm: released", next);
        }
        _ => {}
    }
}

/// `inspect`: a shared kernel lock for a moment, if no exclusive one is held.
pub fn watcher(state: &State, process: usize, out: &mut Out) {
    let mut next = *state;
    let file = state.file(process, Register::File);
    match state.step(process, Thread::Main) {
        Step::Watch if matches!(state.kind_at_path(), Some(Kind::Ours | Kind::Foreign)) => {
            next.set_file(process, Register::File, state.path());
            next.set_step(process, Thread::Main, Step::WatchLock);
            out.push("open", next);
        }
        Step::Watch => {
            end_round(&mut next, process, Who::Watcher);
            out.push("lstat: no file", next);
        }
        Step::WatchLock if state.is_locked(file) => {
            end_round(&mut next, process, Who::Watcher);
            out.push("flock shared: an owner lives", next);
        }
        Step::WatchLock => {
            next.lock(file);
            next.set_step(process, Thread::Main, Step::WatchUnlock);
            out.push("flock shared: free", next);
        }
        Step::WatchUnlock => {
            next.unlock(file);
            end_round(&mut next, process, Who::Watcher);
            out.push("unlock", next);
        }
        _ => {}
    }
}

impl State {
    /// `unlink(path)`: whatever file stands there; a directory refuses.
    pub fn unlink_path(&mut self) {
        if matches!(self.kind_at_path(), Some(Kind::Ours | Kind::Foreign)) {
            self.set_path(NONE);
        }
    }
}
