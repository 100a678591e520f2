//! What a caller can choose about acquiring a lock.

use std::time::Duration;

/// How to acquire: limits, cadence and what the record says about the owner.
///
/// ```
/// use std::time::Duration;
/// use sidecar_lock::LockOptions;
/// let patient = LockOptions { timeout: Duration::from_secs(60), ..LockOptions::default() };
/// assert_eq!(patient.effective_stale_after(), Duration::from_secs(60));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct LockOptions {
    /// The longest wait. Default 5 s (S-0034). Zero makes one attempt.
    pub timeout: Duration,
    /// When a lock of a tool that shows no liveness counts as abandoned.
    /// Default `None`: the larger of `timeout` and 2 s. Locks of this crate never age: the kernel
    /// says whether their owner lives.
    pub stale_after: Option<Duration>,
    /// The cadence at which a waiter looks again when no event wakes it.
    pub backoff: Backoff,
    /// Gives up after this many further looks even before `timeout`. Default `None`: only time counts.
    pub max_retries: Option<u32>,
    /// Free text that says who holds the lock, shown to those who wait. Cut to fit the record.
    pub owner: Option<String>,
    /// Free text that says what for. Cut to fit the record.
    pub purpose: Option<String>,
    /// The command that holds the lock, for people. Cut to fit the record.
    pub command: Option<String>,
    /// Further members for the record, under names that it does not use itself. Texts are cut to make room for them; those
    /// that do not fit even so are left out, the last ones first. Everybody finds them in [`Holder::extra`](crate::Holder::extra).
    pub extra: serde_json::Map<String, serde_json::Value>,
    /// How long the lock may pass from waiter to waiter before other tools get a chance.
    pub fairness: Fairness,
}

impl Default for LockOptions {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(5),
            stale_after: None,
            backoff: Backoff::default(),
            max_retries: None,
            owner: None,
            purpose: None,
            command: None,
            extra: serde_json::Map::new(),
            fairness: Fairness::default(),
        }
    }
}

/// proper-lockfile never lets a lock become stale sooner (its documentation, `stale`).
const SHORTEST_DEFAULT_STALE: Duration = Duration::from_secs(2);

impl LockOptions {
    /// `stale_after`, or its default: the larger of `timeout` and 2 s.
    pub fn effective_stale_after(&self) -> Duration {
        self.stale_after
            .unwrap_or_else(|| self.timeout.max(SHORTEST_DEFAULT_STALE))
    }
}

/// An exponential cadence: `initial`, doubled each time, at most `max`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The first pause. Default 100 ms (S-0034).
    pub initial: Duration,
    /// The longest pause. Default 1 s (S-0034).
    pub max: Duration,
    /// Whether pauses are spread so that waiters do not march in step. Default [`Jitter::Full`].
    pub jitter: Jitter,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            initial: Duration::from_millis(100),
            max: Duration::from_secs(1),
            jitter: Jitter::Full,
        }
    }
}

/// Whether pauses are randomised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Jitter {
    /// Each pause is lengthened by a random share of itself (1 to 2 times).
    #[default]
    Full,
    /// Pauses are exact.
    None,
}

/// The balance between passing the lock on fast and letting other tools in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fairness {
    /// How long the sidecar may pass from waiter to waiter without being removed.
    /// Default 50 ms (measured, see `docs/protocol.md`, "Hand-over"). Zero removes it each time.
    pub run: Duration,
    /// How long our waiters stay away after a run, so that tools that poll can enter; at most half their timeout.
    /// Default zero; 2-5 ms for folders that Node tools write to as well. Who ends a run while others wait stays away for
    /// half its own hold (at most 1 s) in any case.
    pub gap: Duration,
}

impl Default for Fairness {
    fn default() -> Self {
        Self {
            run: Duration::from_millis(50),
            gap: Duration::ZERO,
        }
    }
}
