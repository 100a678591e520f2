//! Every verb that takes a story, as the hostile cases call them.

use std::ffi::OsString;

use crate::hostile::ground::Ground;
use crate::hostile::ran::Run;

/// A verb by its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    Get,
    GetLocked,
    Show,
    Set,
    Apply,
    LockStatus,
    LockRun,
    LockHold,
    LockBreak,
    Doctor,
    DoctorFix,
}

impl Verb {
    /// All of them, those that change nothing first.
    pub const ALL: [Self; 11] = [
        Self::Get,
        Self::Show,
        Self::LockStatus,
        Self::Doctor,
        Self::LockBreak,
        Self::GetLocked,
        Self::LockHold,
        Self::LockRun,
        Self::DoctorFix,
        Self::Apply,
        Self::Set,
    ];

    /// Whether it takes the lock of the story.
    pub fn takes_lock(self) -> bool {
        matches!(
            self,
            Self::GetLocked | Self::LockHold | Self::LockRun | Self::Apply | Self::Set
        )
    }

    /// Whether it reads the story itself.
    pub fn reads_story(self) -> bool {
        matches!(
            self,
            Self::Get | Self::GetLocked | Self::Show | Self::Apply | Self::Set
        )
    }

    /// Whether it is about the story that it is told.
    pub fn takes_story(self) -> bool {
        !matches!(self, Self::Doctor | Self::DoctorFix)
    }

    /// This verb on the story `target`. Locks are waited for for 30 ms, so that a foreign one costs no more.
    pub fn on(self, ground: &Ground, target: impl Into<OsString>) -> Run {
        let target = target.into();
        let words =
            |words: &[&str]| -> Vec<OsString> { words.iter().map(OsString::from).collect() };
        let (before, after) = match self {
            Self::Get => (words(&["get"]), vec![]),
            Self::GetLocked => (words(&["get", "--locked"]), vec![]),
            Self::Show => (words(&["show"]), vec![]),
            Self::Set => (words(&["set", "--inc", "n"]), vec![]),
            Self::Apply => return apply(ground, &target.to_string_lossy()),
            Self::LockStatus => (words(&["lock", "status"]), vec![]),
            Self::LockRun => (words(&["lock", "run"]), words(&["--", "true"])),
            Self::LockHold => (words(&["lock", "hold"]), vec![]),
            Self::LockBreak => (words(&["lock", "break", "--token", "00"]), vec![]),
            Self::Doctor => return ground.run(&["doctor", "--timeout", "30"]),
            Self::DoctorFix => return ground.run(&["doctor", "--fix", "--timeout", "30"]),
        };
        let all = [before, words(&["--timeout", "30"]), vec![target], after].concat();
        ground.run(&all)
    }
}

fn apply(ground: &Ground, target: &str) -> Run {
    let request = serde_json::json!({ "story": target, "inc": { "n": 1 } });
    ground
        .run(&["apply", "--timeout", "30"])
        .input(format!("{request}\n"))
}
