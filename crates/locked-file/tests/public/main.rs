//! The crate through its public face: sessions of one file, transactions over several.

mod session;
mod together;

use std::time::Duration;

use sidecar_lock::LockOptions;

/// More than any machine needs that is not stuck.
const PATIENCE: Duration = Duration::from_secs(30);

fn waiting(timeout: Duration) -> LockOptions {
    LockOptions {
        timeout,
        ..LockOptions::default()
    }
}
