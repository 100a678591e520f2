//! How the work of a run ended.

use std::fmt;

use serde::Serialize;

/// How the work of a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "ended", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Ended {
    /// It did what it should.
    Done,
    /// It says that it failed.
    Failed {
        /// The exit code of its command.
        code: u8,
    },
    /// A signal ended it.
    Signalled {
        /// The number of the signal.
        signal: u8,
    },
    /// Its time was over, and it was ended.
    TimedOut,
    /// It never began.
    NotStarted,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("done"),
            Self::Failed { code } => write!(f, "failed with exit code {code}"),
            Self::Signalled { signal } => write!(f, "ended by signal {signal}"),
            Self::TimedOut => f.write_str("ended because its time was over"),
            Self::NotStarted => f.write_str("not started"),
        }
    }
}
