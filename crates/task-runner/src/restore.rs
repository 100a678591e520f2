//! Bringing a recorded tree back.

#[cfg_attr(
    not(test),
    expect(dead_code, reason = "what restores a tree is not delivered yet")
)]
mod shared;

pub use shared::SharedError;

/// What becomes of shared files that others changed, too, since the snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SharedPolicy {
    /// They are left as they are, and named.
    #[default]
    IfOnlyTheRun,
    /// They are put back like all others; the rescue has what they were.
    Force,
}
