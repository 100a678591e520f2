//! What every store of leases promises, each through its public face; [`Kind`](support::Kind) lists them.

mod alike;
mod at_once;
mod oracle;
#[cfg(target_os = "linux")]
mod processes;
mod sqlite;
mod support;
