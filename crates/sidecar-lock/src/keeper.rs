//! The keeper: one thread of the process that refreshes the sidecars of long holders, so that other
//! tools do not take a live lock for dead, and looks after sidecars that were passed on.

use std::sync::{Arc, Condvar, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::held::{HandOver, Held, Table, lock_table};
use crate::release::sweep;
use crate::sys::{self, Name};

/// A holder refreshes at least this often; proper-lockfile calls nothing stale before 2 s.
const LONGEST_BEAT: Duration = Duration::from_secs(1);
/// Refreshing more often than this helps nobody.
const SHORTEST_BEAT: Duration = Duration::from_millis(50);

/// How often a holder with this stale limit refreshes its sidecar: a third of it, at most 1 s (SL1).
pub(crate) fn beat_for(stale_after: Duration) -> Duration {
    (stale_after / 3).clamp(SHORTEST_BEAT, LONGEST_BEAT)
}

/// What the table knows of the thread.
pub(crate) struct State {
    /// The process that the thread runs in: a forked child has the table but not the thread.
    pid: u32,
    /// When it wakes by itself; `None` while it sleeps for good.
    wakes_at: Option<Instant>,
}

impl State {
    pub(crate) const fn new() -> Self {
        Self {
            pid: 0,
            wakes_at: None,
        }
    }
}

static CHANGED: Condvar = Condvar::new();

/// Starts the thread of this process, `pid`, if need be, and wakes it if it would sleep past something due.
pub(crate) fn wake(table: &mut Table, pid: u32) {
    if table.keeper.pid != pid {
        let started = thread::Builder::new()
            .name("sidecar-lock keeper".into())
            .stack_size(128 * 1024)
            .spawn(run);
        match started {
            Ok(_) => {
                table.keeper.pid = pid;
                table.keeper.wakes_at = next_due(table);
            }
            // The next acquisition tries again; meanwhile only other tools' view of our age suffers.
            Err(err) => tracing::warn!(%err, "no thread to keep lock files fresh"),
        }
        return;
    }
    let due = next_due(table);
    let sooner = match (due, table.keeper.wakes_at) {
        (Some(due), Some(wakes_at)) => due < wakes_at,
        (Some(_), None) => true,
        (None, _) => false,
    };
    if sooner {
        table.keeper.wakes_at = due;
        CHANGED.notify_one();
    }
}

fn next_due(table: &Table) -> Option<Instant> {
    let beats = table.held().map(|held| held.beat_due());
    let hand_overs = table.hand_overs.iter().map(HandOver::due);
    beats.chain(hand_overs).min()
}

/// What is due at `now`: taken out of the table, to be done without its lock.
fn take_due(table: &mut Table, now: Instant) -> (Vec<Arc<Held>>, Vec<Name>) {
    let beats: Vec<Arc<Held>> = table
        .held()
        .filter(|held| held.beat_due() <= now)
        .map(Arc::clone)
        .collect();
    for held in &beats {
        held.set_beaten(now);
    }
    let mut sweeps = Vec::new();
    table.hand_overs.retain(|entry| {
        let is_due = entry.due() <= now;
        if is_due {
            sweeps.push(entry.sidecar.clone());
        }
        !is_due
    });
    (beats, sweeps)
}

fn run() {
    let mut table = lock_table();
    loop {
        let (beats, sweeps) = take_due(&mut table, Instant::now());
        if !beats.is_empty() || !sweeps.is_empty() {
            drop(table);
            for held in beats {
                // Touching a sidecar that was released meanwhile is harmless: it is gone, or its heir lives.
                if let Err(err) = sys::touch(&held.file) {
                    tracing::warn!(sidecar = %held.sidecar.path().display(), %err, "lock file not refreshed");
                }
            }
            for sidecar in sweeps {
                sweep(&sidecar);
            }
            table = lock_table();
            continue;
        }
        table.keeper.wakes_at = next_due(&table);
        let pause = table
            .keeper
            .wakes_at
            .map(|at| at.saturating_duration_since(Instant::now()));
        table = match pause {
            Some(pause) => {
                CHANGED
                    .wait_timeout(table, pause)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0
            }
            None => CHANGED.wait(table).unwrap_or_else(PoisonError::into_inner),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beat_is_a_third_of_the_stale_limit_within_bounds() {
        let ms = Duration::from_millis;
        for (stale, beat) in [
            (5000, 1000),
            (10_000, 1000),
            (1500, 500),
            (2000, 666),
            (30, 50),
        ] {
            assert_eq!(
                beat_for(ms(stale)).as_millis(),
                beat,
                "stale limit {stale} ms"
            );
        }
    }
}
