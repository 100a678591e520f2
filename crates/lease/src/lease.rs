//! One lease: who may touch what until when. Pure.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

use crate::agent::Agent;
use crate::process::Process;
use crate::scope::Scope;

/// How long a lease runs unless somebody says otherwise: the integration-locks requirement.
pub const DEFAULT_TTL: Duration = Duration::from_hours(1);

/// Chosen: below it a lease would often end before its holder learns that it has it.
pub const MIN_TTL: Duration = Duration::from_millis(100);

/// How long a lease may run at most, and how old one may grow without a renewal before anybody may take it by force: SPIKE-003.
pub const DEFAULT_MAX_AGE: Duration = Duration::from_hours(24);

/// A number that a store gives out once: what was acquired later has a higher one.
///
/// A receiver of writes who remembers the highest token that it has seen can refuse those of a holder that was replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Token(pub u64);

impl Token {
    /// The highest that is believed where it was written down: JSON readers take numbers up to here for what they are
    /// (RFC 8259, 6), and the milliseconds since 1970 come here in 285,000 years. After a higher one, which can only be
    /// somebody's mistake, numbers could not rise for long.
    pub(crate) const HIGHEST: Self = Self((1 << 53) - 1);

    /// A number that was written down.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in words.
    pub(crate) fn written(number: u64) -> Result<Self, String> {
        let token = Self(number);
        if token <= Self::HIGHEST {
            Ok(token)
        } else {
            Err(format!("{token} is higher than the number of any lease"))
        }
    }

    /// The next one: above all given out so far, and no less than the milliseconds since 1970, so that it rises even if the
    /// store was deleted.
    #[must_use]
    pub fn next(self, now: Timestamp) -> Self {
        let now = u64::try_from(now.as_millisecond()).unwrap_or_default();
        Self(now.max(self.0.saturating_add(1)))
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Whether others may hold the same paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Mode {
    /// Nobody else may; the holder may write.
    #[default]
    Exclusive,
    /// Others that share may; nobody writes.
    Shared,
}

impl Mode {
    /// Whether two holders may not have the same path.
    pub fn excludes(self, other: Self) -> bool {
        self == Self::Exclusive || other == Self::Exclusive
    }

    /// The word in JSON and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Exclusive => "exclusive",
            Self::Shared => "shared",
        }
    }
}

/// Who may touch what until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Its number; `None` in a file that another tool wrote, until a change of ours gives it one.
    pub token: Option<Token>,
    /// The holder.
    pub agent: Agent,
    /// What it covers.
    pub scope: Scope,
    /// Whether others may hold the same.
    pub mode: Mode,
    /// What for: free text.
    pub task: Option<String>,
    /// When it was acquired.
    pub acquired_at: Timestamp,
    /// When it was acquired or last renewed.
    pub renewed_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// 1 when it is acquired, and one more with each renewal, narrowing, or acquisition of the same scope by its holder.
    pub generation: u64,
    /// The process with which it ends.
    pub bound_to: Option<Process>,
}

/// What is known about the present when leases are judged.
#[derive(Clone, Copy)]
pub struct Present<'a> {
    /// The time.
    pub now: Timestamp,
    /// How old a lease may grow without a renewal; default [`DEFAULT_MAX_AGE`].
    pub max_age: Duration,
    /// Whether a process has certainly ended: [`Process::is_gone`].
    pub is_gone: &'a dyn Fn(&Process) -> bool,
}

impl Present<'_> {
    /// The time `duration` from now; the end of time where that lies beyond it.
    pub fn after(&self, duration: Duration) -> Timestamp {
        self.now.saturating_add(duration).unwrap_or(Timestamp::MAX)
    }

    /// How long ago that was; zero if it is still to come.
    pub fn since(&self, at: Timestamp) -> Duration {
        Duration::try_from(self.now.duration_since(at)).unwrap_or_default()
    }

    /// How long until then; zero if it has passed.
    pub fn until(&self, at: Timestamp) -> Duration {
        Duration::try_from(at.duration_since(self.now)).unwrap_or_default()
    }
}

impl fmt::Debug for Present<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Present")
            .field("now", &self.now)
            .field("max_age", &self.max_age)
            .finish_non_exhaustive()
    }
}

/// What a lease is worth at present.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It holds.
    Live,
    /// Its time is over.
    Expired,
    /// The process to which it was bound has ended.
    OwnerGone,
    /// It was not renewed for longer than the maximum age, whatever end it claims.
    TooOld,
    /// It was made further in the future than the maximum age: the clock was set back, or the writer's is wrong.
    FromTheFuture,
}

impl Lease {
    /// What it is worth at present.
    pub fn standing(&self, present: &Present<'_>) -> Standing {
        if present.now >= self.expires_at {
            Standing::Expired
        } else if self.bound_to.as_ref().is_some_and(present.is_gone) {
            Standing::OwnerGone
        } else if present.since(self.renewed_at) > present.max_age {
            Standing::TooOld
        } else if present.until(self.renewed_at) > present.max_age {
            Standing::FromTheFuture
        } else {
            Standing::Live
        }
    }

    /// Whether it holds at present.
    pub fn is_live(&self, present: &Present<'_>) -> bool {
        self.standing(present) == Standing::Live
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{World, at};

    #[test]
    fn token_rises_by_one_where_the_clock_does_not_help() {
        let now = u64::try_from(at(0).as_millisecond()).expect("after 1970");
        let table = [
            (0, now),
            (now - 1, now),
            (now, now + 1),
            (now + 1000, now + 1001),
            (u64::MAX, u64::MAX),
        ];
        for (last, expected) in table {
            assert_eq!(Token(last).next(at(0)), Token(expected), "after {last}");
        }
        assert_eq!(Token::written(now), Ok(Token(now)), "one of today");
        let too_high = Token::HIGHEST.0 + 1;
        assert!(Token::written(too_high).is_err(), "a mistake");
        let before_1970 = Timestamp::from_second(-1).expect("a time");
        assert_eq!(Token(4).next(before_1970), Token(5), "a wrong clock");
    }

    #[test]
    fn present_counts_no_time_backwards_and_none_beyond_the_end() {
        World::default().when(10, |present| {
            assert_eq!(present.since(at(4)), Duration::from_secs(6), "past");
            assert_eq!(present.since(at(11)), Duration::ZERO, "to come");
            assert_eq!(present.until(at(11)), Duration::from_secs(1), "to come");
            assert_eq!(present.until(at(4)), Duration::ZERO, "past");
            assert_eq!(present.after(Duration::MAX), Timestamp::MAX, "no overflow");
        });
    }
}
