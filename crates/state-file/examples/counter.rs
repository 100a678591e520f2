//! Many processes that count in one state file, under the lock or optimistically.
//!
//! ```text
//! cargo run -p state-file --example counter -- FILE COUNT pessimistic|optimistic|mixed TIMEOUT_MS
//! ```
//!
//! Prints `READY`, waits for a line on standard input, and adds 1 to the member `count` of FILE so many times; after each a
//! line with the number that it made. The last line tells how many rounds were lost, and the longest time that one change
//! took: `{"lost_rounds":3,"longest_ms":41}`.

use std::error::Error;
use std::io::{self, BufRead as _, Write as _};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use sidecar_lock::LockOptions;
use state_file::{StateFile, UpdateOptions};

const USAGE: &str = "usage: counter FILE COUNT pessimistic|optimistic|mixed TIMEOUT_MS";

/// All that this program knows of the file.
#[derive(Serialize, Deserialize)]
struct Counter {
    count: u64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, count, how, timeout_ms] = arguments.as_slice() else {
        return Err(USAGE.into());
    };
    if !["pessimistic", "optimistic", "mixed"].contains(&how.as_str()) {
        return Err(USAGE.into());
    }
    let file = StateFile::<Counter>::new(path);
    let options = UpdateOptions {
        lock: LockOptions {
            timeout: Duration::from_millis(timeout_ms.parse()?),
            ..LockOptions::default()
        },
        ..UpdateOptions::default()
    };
    let mut out = io::stdout().lock();
    writeln!(out, "READY")?;
    io::stdin().lock().read_line(&mut String::new())?;
    let (mut lost_rounds, mut longest) = (0, Duration::ZERO);
    for number in 0..count.parse()? {
        let started = Instant::now();
        let mut made = 0;
        let is_optimistic = how == "optimistic" || (how == "mixed" && number % 2 == 0);
        let updated = if is_optimistic {
            file.update_optimistic(&options, |counter| {
                made = counter.count + 1;
                Counter { count: made }
            })
        } else {
            file.update(&options, |counter| {
                counter.count += 1;
                made = counter.count;
            })
        }?;
        longest = longest.max(started.elapsed());
        lost_rounds += updated.lost_rounds;
        writeln!(out, "{made}")?;
    }
    let longest_ms = longest.as_millis();
    writeln!(
        out,
        "{{\"lost_rounds\":{lost_rounds},\"longest_ms\":{longest_ms}}}"
    )?;
    Ok(())
}
