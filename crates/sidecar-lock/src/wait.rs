//! A waiter's patience: when it looks again at the latest, and when it gives up.

use std::time::{Duration, Instant};

use crate::backoff::Cadence;
use crate::options::LockOptions;

/// Counts looks and time.
pub(crate) struct Patience {
    started: Instant,
    /// `None`: later than the clock can say.
    deadline: Option<Instant>,
    cadence: Cadence,
    max_retries: Option<u32>,
    looks: u32,
}

impl Patience {
    pub(crate) fn new(options: &LockOptions) -> Self {
        let started = Instant::now();
        Self {
            started,
            deadline: started.checked_add(options.timeout),
            cadence: Cadence::new(&options.backoff),
            max_retries: options.max_retries,
            looks: 1,
        }
    }

    /// After a look in vain: when to look again at the latest, or `None` to give up.
    pub(crate) fn next_look(&mut self) -> Option<Instant> {
        let retries = self.looks - 1;
        if self.is_over() || self.max_retries.is_some_and(|most| retries >= most) {
            return None;
        }
        self.looks += 1;
        let next = Instant::now() + self.cadence.next_pause();
        Some(self.deadline.map_or(next, |deadline| deadline.min(next)))
    }

    pub(crate) fn is_over(&self) -> bool {
        self.deadline
            .is_some_and(|deadline| Instant::now() >= deadline)
    }

    pub(crate) fn waited(&self) -> Duration {
        self.started.elapsed()
    }

    pub(crate) fn looks(&self) -> u32 {
        self.looks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_timeout_allows_one_look() {
        let mut patience = Patience::new(&LockOptions {
            timeout: Duration::ZERO,
            ..LockOptions::default()
        });
        assert_eq!(
            patience.next_look(),
            None,
            "the first look was the only one"
        );
        assert_eq!(patience.looks(), 1, "and it is counted");
    }

    #[test]
    fn max_retries_ends_the_wait_before_the_timeout() {
        let mut patience = Patience::new(&LockOptions {
            timeout: Duration::from_hours(1),
            max_retries: Some(3),
            ..LockOptions::default()
        });
        let retries = std::iter::from_fn(|| patience.next_look()).count();
        assert_eq!(retries, 3, "three looks after the first");
    }

    #[test]
    fn endless_timeout_does_not_overflow() {
        let mut patience = Patience::new(&LockOptions {
            timeout: Duration::MAX,
            ..LockOptions::default()
        });
        assert!(
            patience.next_look().is_some(),
            "there is always a next look"
        );
    }
}
