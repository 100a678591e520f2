//! The folder of leases, through the public face of the crate.

mod broken;
mod desk;
mod foreign;
mod processes;
mod schema;
mod store;
