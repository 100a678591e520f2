//! Who takes part, and what can be wrong with the protocol on purpose.

/// A participant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// This crate.
    Ours,
    /// proper-lockfile: makes a directory, judges by age, removes by path.
    Node,
    /// A script that creates with `O_EXCL`, removes by path and never breaks a lock.
    Script,
    /// `inspect` of this crate: takes a shared lock for a moment to see whether the owner lives.
    Watcher,
}

impl Who {
    pub fn of(letter: char) -> Self {
        [Self::Ours, Self::Node, Self::Script, Self::Watcher]
            .into_iter()
            .find(|who| who.letter() == letter)
            .expect("a participant's letter")
    }

    pub fn letter(self) -> char {
        match self {
            Self::Ours => 'R',
            Self::Node => 'N',
            Self::Script => 'X',
            Self::Watcher => 'I',
        }
    }
}

/// A mistake put into the protocol on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutant {
    /// After flock nobody looks whether the path still names the file.
    NoPathCheck,
    /// The same, but only the one who was granted in the queue.
    HeirWithoutPathCheck,
    /// Release: `LOCK_UN`, then unlink.
    UnlockBeforeUnlink,
    /// A lock whose recorded process is dead is unlinked by path.
    UnlinkByPid,
    /// A stale directory is removed by path.
    RmdirByPath,
    /// A stale directory is renamed away, looked at, and put back when it was another one.
    RenameVerifyRestore,
    /// A stale directory is not pinned before it is replaced: a Node can put a fresh one in its place.
    NoPin,
    /// Whoever gets flock owns the lock, whatever the file says.
    NoMagic,
    /// Our sidecar's time is not refreshed: other tools see a live lock as stale.
    NoHeartbeat,
    /// The look after a hand-over unlinks without taking the lock back.
    LookAgainUnlinks,
    /// The look after a hand-over takes the lock back, but does not check the path.
    RetakeWithoutPathCheck,
    /// There is no look after a hand-over.
    NoLookAgain,
    /// Somebody who looks with a shared lock is taken for the heir.
    LookTakenForHeir,
    /// A late grant is closed, not passed on.
    LateGrantCloses,
}

/// Which processes a kill may hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mortal {
    Everybody,
    OtherTools,
}
