//! What a process can be about to do, and where in a state's words each thing is kept.

use std::ops::Range;

macro_rules! codes {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $code:ident),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum $name { $($(#[$doc])* $code),* }

        impl $name {
            const ALL: &[Self] = &[$(Self::$code),*];

            pub fn of(code: u8) -> Self {
                Self::ALL[usize::from(code)]
            }
        }
    };
}

codes! {
    /// What a thread does next. `Idle` threads do not exist; every other name is one system call.
    Step {
        Idle,
        // Releasing, `release.rs`: by the owner, by a helper granted late, by the look after a
        // hand-over. Helpers and the keeper know only these.
        Queued, SweepLock,
        Names, Registered, Unlink, Unlock, Mark, HandOver, LookAgain, Retake,
        // Acquiring, `acquire.rs`.
        Look, GiveUpToPublish, GiveUpToOpen, Publish, Open, TryLock, Busy, Blocked,
        ClaimFirst, ClaimQueued, CloseMissed, Adopt, UnlockFresh,
        OpenFolder, LockFolder, Pin, RelookFolder, Probed,
        // Replacing another tool's lock, `sys/swap.rs`.
        Swap, SwapLook, BackLook, Back, BackAgain, SwapClose, AwayLook, AwayLink, AwayPut,
        // Wrong ways, only in mutants.
        UnlinkByPid, UnlinkLate,
        LeaveAttempt,
        // Having it.
        Tidy, Critical,
        // Other tools.
        Create, Mkdir, Stat, Rmdir, MkdirAgain,
        Watch, WatchLock, WatchUnlock,
        // The end.
        Dying, Dead, Done,
    }
}

codes! {
    /// A waiter's place in the kernel's queue for a sidecar.
    Place {
        /// It has none.
        Nowhere,
        /// Registered and asleep.
        Waiting,
        /// Registered and granted, not yet noticed.
        Granted,
        /// Of a killed process: granted, the registration is gone already.
        Unregistered,
    }
}

/// The threads of a process: the caller, queue helpers whose waiter gave up, the keeper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Thread {
    Main,
    Helper1,
    Helper2,
    Helper3,
    Keeper,
}

impl Thread {
    pub const ALL: [Self; 5] = [
        Self::Main,
        Self::Helper1,
        Self::Helper2,
        Self::Helper3,
        Self::Keeper,
    ];
    pub const HELPERS: [Self; 3] = [Self::Helper1, Self::Helper2, Self::Helper3];

    /// The register that holds the file this thread works on.
    pub const fn file(self) -> Register {
        match self {
            Self::Main => Register::File,
            Self::Helper1 => Register::Late1,
            Self::Helper2 => Register::Late2,
            Self::Helper3 => Register::Late3,
            Self::Keeper => Register::Swept,
        }
    }

    pub const fn bits(self) -> Range<u32> {
        match self {
            Self::Main => 36..42,
            other => {
                let start = 38 + 4 * other as u32;
                start..start + 4
            }
        }
    }
}

/// Open files of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Register {
    /// The one in hand.
    File,
    /// Our new file during an exchange, afterwards the lock that was judged and replaced.
    Other,
    /// What an exchange displaced; it stands under a temporary name.
    Displaced,
    /// A removed sidecar whose kernel lock is kept until we have published.
    Dead,
    /// The sidecar in whose queue we are.
    Ticket,
    /// What helpers left behind wait for.
    Late1,
    Late2,
    Late3,
    /// What the keeper looks at.
    Swept,
}

impl Register {
    pub const ALL: [Self; 9] = [
        Self::File,
        Self::Other,
        Self::Displaced,
        Self::Dead,
        Self::Ticket,
        Self::Late1,
        Self::Late2,
        Self::Late3,
        Self::Swept,
    ];

    pub const fn bits(self) -> Range<u32> {
        let start = 4 * self as u32;
        start..start + 4
    }
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It carries our record.
    Ours,
    /// Another tool's file.
    Foreign,
    /// proper-lockfile's directory.
    Folder,
}

/// How often something may still happen.
#[derive(Debug, Clone, Copy)]
pub enum Budget {
    Kills,
    Deadlines,
    Sweeps,
}

impl Budget {
    pub const fn bits(self) -> Range<u32> {
        let start = 4 + 3 * self as u32;
        start..start + 3
    }
}

impl Step {
    /// Whether the thread that is about to do this holds the kernel lock on its file.
    pub fn holds_lock(self) -> bool {
        self.is_owning()
            || matches!(
                self,
                Self::ClaimFirst
                    | Self::ClaimQueued
                    | Self::CloseMissed
                    | Self::Adopt
                    | Self::UnlockFresh
                    | Self::Pin
                    | Self::RelookFolder
                    | Self::Probed
            )
            || (Self::Swap..=Self::AwayPut).contains(&self)
    }

    /// Whether it owns the lock, or is giving it back.
    pub fn is_owning(self) -> bool {
        matches!(self, Self::Tidy | Self::Critical)
            || (Self::Names..=Self::HandOver).contains(&self)
    }

    /// Whether it has begun, and does not own the lock yet.
    pub fn is_acquiring(self) -> bool {
        (Self::Look..=Self::AwayPut).contains(&self)
    }
}
