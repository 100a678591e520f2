//! Scans of workspaces through the public face of the crate.

mod agreement;
mod skipping;
mod support;
