//! Saying aloud that a test could not run.

use std::fs::OpenOptions;
use std::io::Write as _;

/// Reports that the test `name` is skipped because of `reason`; the caller then returns.
///
/// Writes `SKIPPED: name: reason` to the process's stderr, past the capture of the test harness, so that plain
/// `cargo test` shows it. Where the environment names a file in `STORY_SKIP_LOG` the line is also appended there:
/// a runner that captures whole processes (nextest) hides stderr of tests that pass, and CI compares that file with
/// its allow-list.
///
/// # Panics
///
/// When the file named by `STORY_SKIP_LOG` cannot be written: a lost skip would look like a test that ran.
pub fn skip(name: &str, reason: &str) {
    let line = format!("SKIPPED: {name}: {}\n", reason.replace('\n', " "));
    // One write call, so that lines of parallel tests do not mix. A closed stderr loses only the display.
    std::io::stderr().write_all(line.as_bytes()).ok();
    if let Some(log_path) = std::env::var_os("STORY_SKIP_LOG") {
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(&log_path)
            .and_then(|mut log| log.write_all(line.as_bytes()))
            .expect("STORY_SKIP_LOG must name a file that can be appended to");
    }
}
