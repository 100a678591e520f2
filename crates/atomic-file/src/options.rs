//! What a caller may choose about a commit.

/// What is still there after a power cut.
///
/// The contents of the new file reach the disk before its name does with both, so a story is never found empty
/// or half written; only how long the *old* version may come back differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// The new version survives a power cut that comes after the commit has returned.
    #[default]
    Durable,
    /// A power cut within the next seconds may bring the old version back, whole.
    Fast,
}

/// What to do with a file that has other names (hard links).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HardLinks {
    /// Refuse it: after a replacement the other names would silently go on showing the old contents.
    #[default]
    Refuse,
    /// Replace the named file only; the other names keep the old contents.
    Break,
}

/// How a file is committed. The default is the safe choice in each point.
#[derive(Debug, Clone, Default)]
pub struct CommitOptions {
    /// What is still there after a power cut; default [`Durability::Durable`].
    pub durability: Durability,
    /// What to do with a file that has several names; default [`HardLinks::Refuse`].
    pub hard_links: HardLinks,
}
