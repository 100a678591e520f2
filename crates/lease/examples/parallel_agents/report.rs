//! What was measured, as a table.

use std::io::{self, Write};
use std::time::Duration;

use crate::worker::{Waits, Way};

/// One run.
pub struct Row {
    pub way: Way,
    pub agents: usize,
    pub edits: usize,
    pub lost: usize,
    pub waits: Waits,
    pub elapsed: Duration,
}

/// Writes a row for each run. The speed is told against one agent alone that works the same way.
pub fn write_rows(out: &mut dyn Write, rows: &[Row]) -> io::Result<()> {
    writeln!(
        out,
        "{:<10} {:>6} {:>6} {:>5} {:>6} {:>9} {:>9} {:>8} {:>6}",
        "leases", "agents", "edits", "lost", "waits", "mean", "longest", "time", "speed"
    )?;
    for row in rows {
        let queued = &row.waits.queued;
        let count = u32::try_from(queued.len()).unwrap_or(u32::MAX);
        let mean = queued.iter().sum::<Duration>().checked_div(count);
        let longest = queued.iter().max().copied();
        let millis =
            |wait: Option<Duration>| format!("{} ms", wait.unwrap_or_default().as_millis());
        writeln!(
            out,
            "{:<10} {:>6} {:>6} {:>5} {:>6} {:>9} {:>9} {:>8} {:>6.2}",
            row.way.name(),
            row.agents,
            row.edits,
            row.lost,
            count,
            millis(mean),
            millis(longest),
            format!("{:.2} s", row.elapsed.as_secs_f64()),
            speed(row, rows),
        )?;
    }
    Ok(())
}

fn speed(row: &Row, rows: &[Row]) -> f64 {
    let alone = rows
        .iter()
        .find(|other| other.way == row.way && other.agents == 1);
    alone.map_or(1.0, |alone| {
        alone.elapsed.as_secs_f64() / row.elapsed.as_secs_f64()
    })
}

/// Whether the runs show what they are meant to.
pub fn judge(rows: &[Row]) -> Result<(), String> {
    let lost = |leased: bool| -> usize {
        let those = rows
            .iter()
            .filter(|row| (row.way != Way::NoLeases) == leased);
        those.map(|row| row.lost).sum()
    };
    match (lost(true), lost(false)) {
        (0, 1..) => Ok(()),
        (0, 0) => Err("no edit was lost without leases: the tasks did not meet".into()),
        (lost, _) => Err(format!("{lost} edits were lost under leases")),
    }
}
