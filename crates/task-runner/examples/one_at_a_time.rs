//! Runs a command while nobody else runs one in the same tree by this program; nothing is recorded or undone.
//!
//! ```text
//! cargo run -p task-runner --example one_at_a_time -- TREE TASK WAIT_MS COMMAND...
//! ```
//!
//! Prints what it freed, `READY <its pid>` once it has the lock, and runs the command, which keeps the lock if this program is
//! killed. Prints `RELEASED` at the end. Exit 1 with a line on standard output: somebody else has it.

use std::error::Error;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Duration;

use jiff::Timestamp;
use task_runner::{StateLock, StateLockError, StateLockGuard, StateLockOptions, TaskId};

const USAGE: &str = "usage: one_at_a_time TREE TASK WAIT_MS COMMAND...";

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [top, task, wait_ms, program, rest @ ..] = arguments.as_slice() else {
        return Err(USAGE.into());
    };
    let mut out = io::stdout().lock();
    let options = StateLockOptions {
        wait: Duration::from_millis(wait_ms.parse()?),
        command: Some(program.clone()),
        ..StateLockOptions::at(Timestamp::now())
    };
    let acquired = StateLock::new(Path::new(top))?.acquire(&TaskId::new(task)?, &options);
    let guard = match acquired {
        Err(StateLockError::Conflict(conflict)) => {
            writeln!(out, "{conflict}")?;
            return Ok(ExitCode::FAILURE);
        }
        acquired => acquired?,
    };
    if let Some(freed) = guard.freed() {
        writeln!(out, "{freed}")?;
    }
    writeln!(out, "READY {}", std::process::id())?;
    run(&guard, program, rest)?;
    guard.release()?;
    writeln!(out, "RELEASED")?;
    Ok(ExitCode::SUCCESS)
}

fn run(guard: &StateLockGuard, program: &str, arguments: &[String]) -> io::Result<()> {
    let mut command = Command::new(program);
    command.args(arguments);
    let lent = guard.lend()?;
    let started = command.spawn();
    // Nothing else that is started shall have it.
    drop(lent);
    started?.wait().map(drop)
}
