//! Measured evidence: agents work on the tasks of one epic at the same time, with leases and without.
//!
//! ```text
//! cargo run --release -p lease --example parallel_agents -- [--agents 5] [--tasks 60] [--files 24] [--touches 2] [--think-ms 20]
//! ```
//!
//! Each agent is a process. A task reads its files, thinks (sleeps `--think-ms`, as one that waits for a model does, and hashes
//! what it read), and marks itself done in each of them. With leases it acquires all of its files first and edits them by
//! `surgical_edit`; without, it writes back what it read, as tools do that know no locks. Tasks share files by design.
//!
//! Prints what the plan says beforehand, and for each way of working: edits that were lost, waits, time, and the speed against
//! one agent alone. Fails if an edit was lost under leases, or if none was lost without: then the tasks did not meet.

mod epic;
mod report;
mod worker;

use std::error::Error;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use epic::Epic;
use report::{Row, write_rows};
use worker::{Waits, Way};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [first, rest @ ..] = &arguments[..]
        && first == "worker"
    {
        return worker::main(rest);
    }
    let epic = Epic::from_arguments(&arguments)?;
    let place = tempfile::tempdir()?;
    let alone = Epic { agents: 1, ..epic };
    let mut rows = Vec::new();
    for way in Way::ALL {
        for epic in [&alone, &epic] {
            let folder = place.path().join(format!("{}-{}", way.name(), epic.agents));
            rows.push(run(epic, way, &folder)?);
        }
    }
    let mut out = io::stdout().lock();
    writeln!(out, "{}\n", epic.told(place.path())?)?;
    write_rows(&mut out, &rows)?;
    report::judge(&rows).map_err(Into::into)
}

/// Lets the agents of an epic work in a fresh folder until all is done.
fn run(epic: &Epic, way: Way, folder: &Path) -> Result<Row, Box<dyn Error>> {
    epic.lay_out(folder)?;
    let began = Instant::now();
    let start = |agent: usize| {
        Command::new(std::env::current_exe()?)
            .arg("worker")
            .args([way.name(), &agent.to_string()])
            .arg(folder)
            .args(epic.arguments())
            .stdout(Stdio::piped())
            .spawn()
    };
    let agents: Vec<_> = (0..epic.agents).map(start).collect::<Result<_, _>>()?;
    let mut waits = Waits::default();
    for agent in agents {
        let output = agent.wait_with_output()?;
        if !output.status.success() {
            return Err(format!("an agent failed: {}", output.status).into());
        }
        waits.add(&String::from_utf8(output.stdout)?)?;
    }
    Ok(Row {
        way,
        agents: epic.agents,
        edits: epic.edits(),
        lost: epic.lost(folder)?,
        waits,
        elapsed: began.elapsed(),
    })
}
