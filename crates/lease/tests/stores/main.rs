//! What every store of leases promises, each through its public face; [`stores`](support::stores) lists them.

mod sqlite;
mod support;
