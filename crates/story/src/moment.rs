//! A moment as stories write it: calendar days and ISO 8601 instants, both in UTC. Pure.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A moment that an operation takes as the present. The library never looks at the clock: the caller says what time it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(Timestamp);

impl Moment {
    /// The moment at `timestamp`, cut to milliseconds: that is how finely stories tell time.
    pub fn new(timestamp: Timestamp) -> Self {
        let cut = Timestamp::from_millisecond(timestamp.as_millisecond());
        Self(cut.unwrap_or(timestamp))
    }

    /// Reads an instant such as `2026-01-12T10:00:00.000Z`; `None` when it is none.
    pub fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self::new)
    }

    /// The calendar day in UTC, `YYYY-MM-DD`.
    pub fn day(self) -> String {
        self.0.to_zoned(TimeZone::UTC).date().to_string()
    }

    /// The instant in UTC with milliseconds, `2026-01-12T10:00:00.000Z`.
    pub fn stamp(self) -> String {
        format!("{:.3}", self.0)
    }

    /// Milliseconds since 1970, in UTC.
    pub fn milliseconds(self) -> i64 {
        self.0.as_millisecond()
    }

    /// The moment `duration` later; the end of time where that lies beyond it.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration).unwrap_or(Timestamp::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moment_is_written_as_stories_write_it() {
        let moment = Moment::parse("2026-01-12T01:00:00.1239+02:00").expect("an instant");
        assert_eq!(
            moment.stamp(),
            "2026-01-11T23:00:00.123Z",
            "milliseconds, UTC"
        );
        assert_eq!(moment.day(), "2026-01-11", "the day in UTC");
        assert_eq!(
            Moment::parse(&moment.stamp()),
            Some(moment),
            "it comes back"
        );
        let whole = Moment::parse("2026-01-12T10:00:00Z").expect("an instant");
        assert_eq!(
            whole.stamp(),
            "2026-01-12T10:00:00.000Z",
            "always three digits"
        );
        let later = whole.after(Duration::from_millis(1500));
        assert_eq!(later.stamp(), "2026-01-12T10:00:01.500Z", "later");
        assert!(later > whole, "moments are ordered");
        assert_eq!(Moment::parse("2026-01-12"), None, "a day is no instant");
    }
}
