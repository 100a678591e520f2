//! What holds for every use of a store: how long to wait for its lock, how old a lease may grow, where the time comes from.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::lease::{DEFAULT_MAX_AGE, Present};
use crate::process::Process;

/// How a store is used. The default is right for nearly everybody.
#[derive(Clone)]
pub struct Rules {
    /// How long to wait for the lock of the store, which is held for milliseconds; default 5 s, as for stories (S-0034).
    pub store_timeout: Duration,
    /// How old a lease may grow without a renewal, and the longest time for which one may be asked; default
    /// [`DEFAULT_MAX_AGE`].
    pub max_age: Duration,
    /// Tells the time; default: the machine's clock.
    pub clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            store_timeout: Duration::from_secs(5),
            max_age: DEFAULT_MAX_AGE,
            clock: Arc::new(Timestamp::now),
        }
    }
}

impl Rules {
    /// The present, by the clock and the system's processes. Ask for it under the store's lock: the wait for the lock must
    /// not make a lease look live that has ended meanwhile. Cut to milliseconds: that is how finely stores tell time.
    pub fn present(&self) -> Present<'static> {
        let now = (self.clock)();
        Present {
            now: Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now),
            max_age: self.max_age,
            is_gone: &Process::is_gone,
        }
    }
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rules")
            .field("store_timeout", &self.store_timeout)
            .field("max_age", &self.max_age)
            .finish_non_exhaustive()
    }
}
