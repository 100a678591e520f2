//! The exponential cadence at which a waiter looks again when no event wakes it.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

use crate::options::{Backoff, Jitter};

/// Yields the pauses between looks, without end.
pub(crate) struct Cadence {
    pauses: ExponentialBackoff,
    longest: Duration,
}

impl Cadence {
    pub(crate) fn new(options: &Backoff) -> Self {
        let mut builder = ExponentialBuilder::new()
            .with_min_delay(options.initial)
            .with_max_delay(options.max)
            .without_max_times();
        if options.jitter == Jitter::Full {
            builder = builder.with_jitter();
        }
        Self {
            pauses: builder.build(),
            longest: options.max.max(options.initial),
        }
    }

    /// The next pause; jitter never lengthens it beyond the longest one.
    pub(crate) fn next_pause(&mut self) -> Duration {
        self.pauses
            .next()
            .unwrap_or(self.longest)
            .min(self.longest)
            .max(SHORTEST)
    }
}

/// A zero backoff would burn the processor (chosen: far below a disk's reaction).
const SHORTEST: Duration = Duration::from_micros(100);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cadence_doubles_from_initial_to_max_without_jitter() {
        let mut cadence = Cadence::new(&Backoff {
            jitter: Jitter::None,
            ..Backoff::default()
        });
        let pauses: Vec<u128> = (0..6).map(|_| cadence.next_pause().as_millis()).collect();
        assert_eq!(
            pauses,
            [100, 200, 400, 800, 1000, 1000],
            "S-0034: 100-1000 ms, exponential"
        );
    }

    #[test]
    fn default_cadence_allows_three_retries_within_the_default_timeout() {
        for _ in 0..200 {
            let mut cadence = Cadence::new(&Backoff::default());
            let three: Duration = (0..3).map(|_| cadence.next_pause()).sum();
            assert!(
                three < Duration::from_secs(2),
                "three retries fit into 5 s, took {three:?}"
            );
        }
    }

    #[test]
    fn zero_backoff_still_pauses() {
        let mut cadence = Cadence::new(&Backoff {
            initial: Duration::ZERO,
            max: Duration::ZERO,
            jitter: Jitter::Full,
        });
        for _ in 0..10 {
            assert!(cadence.next_pause() >= SHORTEST, "waiting never spins");
        }
    }
}
