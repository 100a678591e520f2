//! What differs between systems: signals, exit codes, kinds of file systems.

#[cfg(not(unix))]
mod other;
#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
pub use other::*;
#[cfg(unix)]
pub use unix::*;

/// A signal that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Received {
    /// Its number.
    pub number: u8,
    /// Whether the kernel sent it, as it does for a key on a terminal, and not a process.
    pub is_from_kernel: bool,
}
