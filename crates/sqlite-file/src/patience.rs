//! One limit for all the waits of a call.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::error::{DatabaseError, is_busy};

/// The most that SQLite can be told to wait (a signed number of milliseconds).
const LONGEST: Duration = Duration::from_millis(i32::MAX as u64);

/// Between tries of what SQLite does not wait for by itself, such as the change to WAL mode. Chosen: that takes milliseconds.
const PAUSE: Duration = Duration::from_millis(5);

/// How long a call may still wait.
pub(crate) struct Patience<'a> {
    path: &'a Path,
    started: Instant,
    timeout: Duration,
}

impl<'a> Patience<'a> {
    pub(crate) fn new(path: &'a Path, timeout: Duration) -> Self {
        Self {
            path,
            started: Instant::now(),
            timeout,
        }
    }

    /// Does a step, again and again while others have the database locked and there is time left.
    pub(crate) fn run<T>(
        &self,
        step: &'static str,
        connection: &Connection,
        attempt: impl Fn(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, DatabaseError> {
        loop {
            let left = self.left();
            let tried = connection
                .busy_timeout(left.min(LONGEST))
                .and_then(|()| attempt(connection));
            match tried {
                // The time that is left now: SQLite itself may have taken longer than it was allowed to.
                Err(err) if is_busy(&err) && !self.left().is_zero() => {
                    std::thread::sleep(PAUSE.min(self.left()));
                }
                tried => return tried.map_err(|err| self.explain(step, err)),
            }
        }
    }

    pub(crate) fn explain(&self, step: &'static str, err: rusqlite::Error) -> DatabaseError {
        DatabaseError::new(step, self.path, self.started.elapsed(), err)
    }

    pub(crate) fn left(&self) -> Duration {
        self.timeout.saturating_sub(self.started.elapsed())
    }
}
