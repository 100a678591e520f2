//! Holds the lock of a file until standard input closes: `hold FILE`.
//!
//! Prints `READY <token>` once it has the lock.
#![expect(clippy::print_stdout, reason = "an example program talks to its user")]

use std::io::{self, Read, Write};

use sidecar_lock::{LockOptions, SidecarLock, settle_hand_overs};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let resource = std::env::args_os().nth(1).ok_or("usage: hold FILE")?;
    let guard = SidecarLock::new(resource)?.acquire(&LockOptions {
        owner: Some("example".into()),
        ..LockOptions::default()
    })?;
    println!("READY {}", guard.holder().token);
    io::stdout().flush()?;
    io::stdin().read_to_end(&mut Vec::new())?;
    guard.release()?;
    settle_hand_overs();
    Ok(())
}
