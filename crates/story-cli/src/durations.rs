//! Durations as they stand on the command line: `500ms`, `20s`, `2m`, `1h`; a bare number is milliseconds.

use std::time::Duration;

use jiff::Timestamp;

/// Reads a duration; the error is one sentence for the usage message.
pub fn parse(text: &str) -> Result<Duration, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let millis_per_unit = match unit {
        "" | "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err("a duration is 500ms, 20s, 2m or 1h".to_owned()),
    };
    number
        .parse::<u64>()
        .map_err(|_| "a duration is a whole number with ms, s, m or h behind it".to_owned())?
        .checked_mul(millis_per_unit)
        .map(Duration::from_millis)
        .filter(|duration| *duration <= LONGEST)
        .ok_or_else(|| "a duration is at most one year".to_owned())
}

/// Chosen: beyond every use, and far from where sums of instants overflow.
const LONGEST: Duration = Duration::from_hours(365 * 24);

/// Writes a duration as [`parse`] reads it, in the largest unit that loses nothing.
pub fn format(duration: Duration) -> String {
    let millis = duration.as_millis();
    match millis {
        0 => "0".to_owned(),
        _ if millis.is_multiple_of(3_600_000) => format!("{}h", millis / 3_600_000),
        _ if millis.is_multiple_of(60_000) => format!("{}m", millis / 60_000),
        _ if millis.is_multiple_of(1_000) => format!("{}s", millis / 1_000),
        _ => format!("{millis}ms"),
    }
}

/// Writes how long something took or takes, for people: three figures at most.
pub fn rough(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 => format!("{} ms", duration.as_millis()),
        1..60 => format!("{seconds}.{} s", duration.subsec_millis() / 100),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} days {} h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

/// Writes how long ago something was, for people; `0 ms` where it lies in the future.
pub fn rough_since(then: Timestamp, now: Timestamp) -> String {
    rough(Duration::try_from(now.duration_since(then)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_reads_each_unit_and_refuses_the_rest() {
        let table = [
            ("0", Some(0)),
            ("250", Some(250)),
            ("500ms", Some(500)),
            ("20s", Some(20_000)),
            ("2m", Some(120_000)),
            ("1h", Some(3_600_000)),
            ("", None),
            ("s", None),
            ("-1", None),
            ("1.5s", None),
            ("5 s", None),
            ("1d", None),
            ("99999999999999999999", None),
            ("9999999999999h", None),
        ];
        for (text, expected_ms) in table {
            let expected = expected_ms.map(Duration::from_millis);
            assert_eq!(parse(text).ok(), expected, "the duration {text:?}");
        }
    }

    #[test]
    fn format_is_read_back() {
        for millis in [0, 1, 999, 1_000, 1_500, 60_000, 90_000, 3_600_000] {
            let duration = Duration::from_millis(millis);
            let text = format(duration);
            assert_eq!(parse(&text), Ok(duration), "{text} is what was written");
        }
    }

    #[test]
    fn rough_names_seconds_with_one_figure_behind_the_point() {
        let table = [
            (12, "12 ms"),
            (7_012, "7.0 s"),
            (61_000, "1 min 1 s"),
            (7_260_000, "2 h 1 min"),
            (90_000_000, "1 days 1 h"),
        ];
        for (millis, expected) in table {
            let text = rough(Duration::from_millis(millis));
            assert_eq!(text, expected, "{millis} ms for people");
        }
    }
}
