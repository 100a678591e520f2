//! One of many workers of a task board: takes the next task that is ready, completes it, and so on until none is left.
//!
//! ```text
//! cargo run -p state-file --example board_worker -- FOLDER AGENT
//! ```
//!
//! The board is `tasks.json` and `agent-performance-metrics.json` in FOLDER. Prints `READY` and waits for a line on standard
//! input. What AGENT holds already, because an earlier process of that name died, is completed first. Prints `claimed ID` and
//! `done ID` once each is in place, and `finished` when it finished in a file what a process that died had decided.

use std::error::Error;
use std::io::{self, BufRead as _, Write};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sidecar_lock::LockOptions;
use state_file::Warning;
use state_file::board::{
    Actor, Board, BoardError, Completion, Done, Filter, Moment, RuleError, Status,
};

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, agent] = arguments.as_slice() else {
        return Err("usage: board_worker FOLDER AGENT".into());
    };
    let folder = Path::new(folder);
    let board = Board::at(
        &folder.join("tasks.json"),
        &folder.join("agent-performance-metrics.json"),
    )?;
    let options = LockOptions {
        // Workers that die one after the other must not make the others give up.
        timeout: Duration::from_mins(2),
        ..LockOptions::default()
    };
    let mut out = io::stdout().lock();
    writeln!(out, "READY")?;
    io::stdin().lock().read_line(&mut String::new())?;
    for id in held_by(&board, agent)? {
        complete(&board, &id, agent, &options, &mut out)?;
    }
    loop {
        let claimed = match board.claim_next(&Filter::default(), &actor(agent)?, &options) {
            Ok(claimed) => claimed,
            // Whoever completes what the others wait for goes on with them.
            Err(BoardError::Rule(RuleError::NothingReady { .. })) => return Ok(()),
            Err(err) => return Err(err.into()),
        };
        tell(&mut out, "claimed", &claimed)?;
        complete(&board, &claimed.task.id, agent, &options, &mut out)?;
    }
}

fn held_by(board: &Board, agent: &str) -> Outcome<Vec<String>> {
    let found = board.read()?;
    let held = found.seen.tasks.all().iter().filter(|task| {
        task.status == Status::InProgress && task.assignee.as_deref() == Some(agent)
    });
    Ok(held.map(|task| task.id.clone()).collect())
}

fn complete(
    board: &Board,
    id: &str,
    agent: &str,
    options: &LockOptions,
    out: &mut impl Write,
) -> Outcome<()> {
    let done = board.complete(id, &Completion::default(), &actor(agent)?, options)?;
    tell(out, "done", &done)
}

fn tell(out: &mut impl Write, what: &str, done: &Done) -> Outcome<()> {
    let warnings = done.told.warnings.iter();
    for _ in warnings.filter(|it| matches!(it, Warning::Finished { .. })) {
        writeln!(out, "finished")?;
    }
    Ok(writeln!(out, "{what} {}", done.task.id)?)
}

fn actor(agent: &str) -> Outcome<Actor<'_>> {
    let seed = SystemTime::now().duration_since(UNIX_EPOCH)?.subsec_nanos();
    Ok(Actor::new(agent, u64::from(seed), now))
}

/// 1970 when the clock says something that cannot be.
fn now() -> Moment {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let milliseconds = i64::try_from(since.as_millis()).unwrap_or_default();
    Moment::from_milliseconds(milliseconds).expect("1970 and what a clock says can be written")
}
