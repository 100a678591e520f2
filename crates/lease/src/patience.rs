//! How long to wait for a lease, and how often to look meanwhile.

use std::fmt;
use std::time::{Duration, Instant};

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};

use crate::agent::Agent;
use crate::error::{LeaseError, Obstacle, Obstructed};

/// Chosen: a lease that is held for milliseconds is soon had.
const FIRST_PAUSE: Duration = Duration::from_millis(5);

/// Chosen: what a waiter loses at most after a release; ten looks a second by each of 32 agents are no burden.
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// How long to wait, and what ends the wait before. A [`Duration`] is a wait that nothing else ends.
#[derive(Clone, Copy)]
pub struct Patience<'a> {
    /// How long at most, measured by a clock that nobody sets; zero tries once.
    pub limit: Duration,
    /// Asked at least every 100 ms: whether to give up now.
    pub should_stop: &'a dyn Fn() -> bool,
}

impl From<Duration> for Patience<'_> {
    fn from(limit: Duration) -> Self {
        Self {
            limit,
            should_stop: &|| false,
        }
    }
}

impl fmt::Debug for Patience<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Patience")
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

/// What came of a pause.
pub(crate) enum Pause {
    /// It is time for a look.
    Passed,
    /// The limit is reached.
    Over,
    /// The caller gives up.
    Stopped,
}

/// What is left of a patience.
pub(crate) struct Countdown<'a> {
    patience: Patience<'a>,
    started: Instant,
    pauses: ExponentialBackoff,
}

impl<'a> Countdown<'a> {
    pub(crate) fn new(patience: Patience<'a>) -> Self {
        // The jitter adds up to as much again.
        let pauses = ExponentialBuilder::new()
            .with_min_delay(FIRST_PAUSE)
            .with_max_delay(LONGEST_PAUSE / 2)
            .with_jitter()
            .without_max_times();
        Self {
            patience,
            started: Instant::now(),
            pauses: pauses.build(),
        }
    }

    pub(crate) fn waited(&self) -> Duration {
        self.started.elapsed()
    }

    /// What is left before the limit.
    pub(crate) fn remaining(&self) -> Duration {
        self.patience.limit.saturating_sub(self.waited())
    }

    /// Lets some time pass, unless none is left.
    pub(crate) fn pause(&mut self) -> Pause {
        if (self.patience.should_stop)() {
            return Pause::Stopped;
        }
        let remaining = self.remaining();
        if remaining.is_zero() {
            return Pause::Over;
        }
        let pause = self.pauses.next().unwrap_or(LONGEST_PAUSE);
        std::thread::sleep(pause.min(LONGEST_PAUSE).min(remaining));
        Pause::Passed
    }

    /// The error of one for whom the time is up.
    pub(crate) fn over(&self, agent: &Agent, obstacles: Vec<Obstacle>) -> LeaseError {
        let by = self.obstructed(agent, obstacles);
        if self.patience.limit.is_zero() {
            LeaseError::Taken(Box::new(by))
        } else {
            LeaseError::TimedOut(Box::new(by))
        }
    }

    /// The error of one whose caller gave up.
    pub(crate) fn stopped(&self, agent: &Agent, obstacles: Vec<Obstacle>) -> LeaseError {
        LeaseError::Stopped(Box::new(self.obstructed(agent, obstacles)))
    }

    fn obstructed(&self, agent: &Agent, obstacles: Vec<Obstacle>) -> Obstructed {
        Obstructed {
            agent: agent.clone(),
            obstacles,
            waited: self.waited(),
        }
    }
}
