//! Points in time as they stand in the files of a folder of leases. Pure.

use std::fmt;

use jiff::{RoundMode, Timestamp, TimestampRound, Unit};
use serde::de::{Deserialize, Deserializer, Error as _};
use serde::{Serialize, Serializer};

/// A time in RFC 3339: to the millisecond when it is written, in any precision when it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Millis(pub(super) Timestamp);

impl Millis {
    /// The end of a lease: no earlier than it was promised.
    pub(super) fn end(at: Timestamp) -> Self {
        Self(up(at, Unit::Millisecond))
    }
}

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.0)
    }
}

impl Serialize for Millis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Millis {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse(&text).map(Self).map_err(D::Error::custom)
    }
}

/// Reads any time of RFC 3339.
pub(super) fn parse(text: &str) -> Result<Timestamp, String> {
    text.parse()
        .map_err(|err| format!("{text:?} is no time: {err}"))
}

/// The whole second in which a time lies.
pub(super) fn second_before(at: Timestamp) -> Timestamp {
    round(at, Unit::Second, RoundMode::Floor)
}

/// The first whole second that is not before a time.
pub(super) fn second_after(at: Timestamp) -> Timestamp {
    up(at, Unit::Second)
}

fn up(at: Timestamp, unit: Unit) -> Timestamp {
    round(at, unit, RoundMode::Ceil)
}

fn round(at: Timestamp, unit: Unit, mode: RoundMode) -> Timestamp {
    let rounding = TimestampRound::new().smallest(unit).mode(mode);
    // At the very end of time there is no later second.
    at.round(rounding).unwrap_or(at)
}
