//! The grammar of `story state append`: lines for a log.

use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::Args;

/// Append lines to a log that many write
///
/// Each line is one write to the end of the file, so that lines of different programs are never mixed, and nobody waits. Of a
/// text with several lines each is appended by itself. With - the lines come from standard input, and each is appended as it
/// comes. A log that is not there is made.
///
/// A line that would make the log larger than --max-size goes to a new one: run.log becomes run.log.1, that one run.log.2, and
/// so on, under the log's lock. No line is lost when several do this at once, or when one is killed.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  story state append run.log 'build started'
  story state append events.jsonl '{\"event\": \"started\"}' --json
  echo 'build ended' | story state append run.log - --max-size 10MB --keep 3")]
pub struct StateAppendArgs {
    /// A log
    pub file: PathBuf,
    /// A text, @FILE for that of a file, or - for standard input
    #[arg(allow_hyphen_values = true)]
    pub text: String,
    /// Begin a new log above this size: 512KB, 10MB, 1GB, or bytes; 1KB is 1024 of them [default: never]
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub max_size: Option<u64>,
    /// How many old logs to keep
    #[arg(long, value_name = "N", default_value = "3", requires = "max_size")]
    pub keep: NonZeroU32,
}

/// Reads a size; the error is one sentence for the usage message.
fn size(text: &str) -> Result<u64, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let shift = match unit.to_ascii_uppercase().as_str() {
        "" | "B" => 0,
        "K" | "KB" => 10,
        "M" | "MB" => 20,
        "G" | "GB" => 30,
        _ => return Err("a size is 512KB, 10MB or 1GB".to_owned()),
    };
    let number: u64 = number
        .parse()
        .map_err(|_| "a size is a whole number with KB, MB or GB behind it".to_owned())?;
    number
        .checked_mul(1 << shift)
        .filter(|bytes| *bytes > 0)
        .ok_or_else(|| "a size is from 1 byte to 16 exabytes".to_owned())
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn size_is_a_number_with_a_unit() {
        let table = [
            ("1", Ok(1)),
            ("4KB", Ok(4096)),
            ("10mb", Ok(10 << 20)),
            ("2G", Ok(2 << 30)),
            ("0", Err(())),
            ("KB", Err(())),
            ("1.5MB", Err(())),
            ("1TB", Err(())),
            ("99999999999GB", Err(())),
        ];
        for (text, expected) in table {
            assert_eq!(size(text).map_err(|_| ()), expected, "the size {text}");
        }
    }
}
