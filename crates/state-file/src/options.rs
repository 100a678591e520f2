//! What a caller may choose about a change.

use atomic_file::{Durability, HardLinks};
use locked_file::Terms;
use sidecar_lock::LockOptions;

/// How to change a state file. The default is the safe choice in each point.
#[derive(Debug, Clone, Default)]
pub struct UpdateOptions {
    /// How to acquire the lock. `lock.timeout` bounds the whole call: waiting, rounds that were lost, and the tries after
    /// others changed the file without the lock (of these at least three are made).
    pub lock: LockOptions,
    /// What is still there after a power cut.
    pub durability: Durability,
    /// What to do with a file that has several names.
    pub hard_links: HardLinks,
    /// The token of a lock that a parent process holds on this file; the change is then made under that lock.
    pub inherited_token: Option<String>,
    /// What to do when there is no such file.
    pub missing: Missing,
}

/// What to do when there is no such file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Missing {
    /// It is an error, and nothing is made beside the place.
    #[default]
    Refused,
    /// The change begins with an empty object, `{}` and a line feed, and the file is created, even if it stays that. Its
    /// folder must be there. Of two who create it at once one does, and the other changes what is there then.
    Created,
}

impl UpdateOptions {
    pub(crate) fn terms(&self) -> Terms<'_> {
        Terms {
            lock: &self.lock,
            durability: self.durability,
            hard_links: self.hard_links,
            inherited_token: self.inherited_token.as_deref(),
        }
    }
}
