//! A moment as the board writes it: ISO 8601 in UTC with milliseconds. Pure.

use std::fmt;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

/// A point in time, to the millisecond. The library never looks at the clock: whoever calls says what time it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(Timestamp);

impl Moment {
    /// The moment so many milliseconds after 1970 began, in UTC; `None` beyond the years that can be written (-9999 to 9999).
    pub fn from_milliseconds(milliseconds: i64) -> Option<Self> {
        Timestamp::from_millisecond(milliseconds).ok().map(Self)
    }

    /// Reads an instant such as `2026-01-12T10:00:00.000Z`; `None` when it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let timestamp: Timestamp = text.parse().ok()?;
        Self::from_milliseconds(timestamp.as_millisecond())
    }

    /// Milliseconds since 1970, in UTC.
    pub fn milliseconds(self) -> i64 {
        self.0.as_millisecond()
    }

    /// How many milliseconds after `earlier` this is; 0 where a clock went back.
    pub fn milliseconds_since(self, earlier: Self) -> u64 {
        let passed = self.milliseconds().saturating_sub(earlier.milliseconds());
        passed.try_into().unwrap_or(0)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.0)
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moment_is_written_in_utc_with_milliseconds() {
        let moment = Moment::parse("2026-01-12T01:00:00.1239+02:00").expect("an instant");
        assert_eq!(
            moment.to_string(),
            "2026-01-11T23:00:00.123Z",
            "milliseconds, UTC"
        );
        assert_eq!(
            Moment::from_milliseconds(moment.milliseconds()),
            Some(moment),
            "the number of milliseconds says all"
        );
        assert_eq!(Moment::parse("yesterday"), None, "no instant");
    }

    #[test]
    fn milliseconds_since_a_later_moment_are_none() {
        let at = |text| Moment::parse(text).expect("an instant");
        let (early, late) = (at("2026-01-12T10:00:00Z"), at("2026-01-12T10:00:01.500Z"));
        assert_eq!(late.milliseconds_since(early), 1500, "the time between");
        assert_eq!(early.milliseconds_since(late), 0, "never a negative time");
    }
}
