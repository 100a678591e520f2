//! Waiting for something to become true.

use std::time::{Duration, Instant};

/// Looks every millisecond until `condition` holds.
///
/// For states that announce themselves by no event a test could read; a second process that can print a line should
/// print one instead.
///
/// # Panics
///
/// When it does not hold within `patience`; the message names `what`.
pub fn wait_until(what: &str, patience: Duration, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + patience;
    while !condition() {
        assert!(Instant::now() < deadline, "not within {patience:?}: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}
