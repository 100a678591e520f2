//! How the work of a run ended.

use std::fmt;

/// How the work of a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// As it should.
    Done,
    /// By itself, with another exit code than 0.
    Failed {
        /// The exit code.
        code: i32,
    },
    /// By a signal.
    Signalled {
        /// Its number.
        signal: i32,
    },
    /// It was ended because its time was over.
    TimedOut,
    /// It never began: there is no such program, or it may not be run.
    NotStarted,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("was done"),
            Self::Failed { code } => write!(f, "failed with exit code {code}"),
            Self::Signalled { signal } => write!(f, "was ended by signal {signal}"),
            Self::TimedOut => f.write_str("ran out of time"),
            Self::NotStarted => f.write_str("could not be started"),
        }
    }
}
