//! Running the real binary.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use testkit::{Finished, SecondProcess, wait_until, without_settings};

/// How long a test waits for something that must come; far above every limit that is tested.
pub const PATIENCE: Duration = Duration::from_secs(150);

/// Serialises the tests that load the whole machine; nextest does the same by a test group.
pub fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    // A test that failed while it was alone leaves nothing behind that the next one could trip over.
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The program under test, with nothing of the caller's environment that steers it.
pub fn story() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_story"));
    without_settings(&mut command);
    command
}

/// Raises a flag when it goes out of scope, by an assertion that fails too: else the threads of a scope that watch the
/// flag would go on for ever.
pub struct RaiseOnDrop<'a>(pub &'a AtomicBool);

impl Drop for RaiseOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs a command to its end.
pub fn run(command: &mut Command) -> Finished {
    SecondProcess::spawn(command).wait(PATIENCE)
}

/// The one JSON line that a command printed.
pub fn json(finished: &Finished) -> Value {
    serde_json::from_str(finished.stdout.trim_end()).unwrap_or_else(|err| {
        panic!("--json prints one line of JSON on stdout ({err}): {finished:?}")
    })
}

/// Waits until each of these processes stands in the queue of `lock_path`: it has that very file open.
///
/// This is how a stress test knows that there is contention; on other systems than Linux it returns at once.
pub fn wait_until_waiting<'a>(
    processes: impl IntoIterator<Item = &'a SecondProcess>,
    lock_path: &Path,
) {
    if !cfg!(target_os = "linux") {
        return;
    }
    for process in processes {
        wait_until("a contender has the sidecar open", PATIENCE, || {
            has_open(process.id(), lock_path)
        });
    }
}

fn has_open(pid: u32, path: &Path) -> bool {
    let Ok(descriptors) = fs::read_dir(format!("/proc/{pid}/fd")) else {
        return false;
    };
    descriptors
        .flatten()
        .any(|descriptor| fs::read_link(descriptor.path()).is_ok_and(|target| target == path))
}
