//! Who holds a lock, as its record tells.

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};

/// The owner that a sidecar's record names. For people: liveness is the kernel lock's word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Holder {
    /// 128 random bits in hex: names this one acquisition.
    pub token: String,
    /// The process id, in the holder's own PID namespace.
    pub pid: u32,
    /// When that process began, in clock ticks since boot; 0 where unknown.
    pub start_time: u64,
    /// The boot id of the holder's kernel; empty where unknown.
    pub boot_id: String,
    /// The inode of the holder's PID namespace; 0 where unknown.
    pub pid_namespace: u64,
    /// The host name.
    pub host: String,
    /// Free text of the caller: who.
    pub owner: Option<String>,
    /// The command.
    pub command: Option<String>,
    /// Free text of the caller: what for.
    pub purpose: Option<String>,
    /// When the lock was acquired: RFC 3339, UTC, milliseconds.
    pub acquired_at: String,
    /// The holder's stale limit in milliseconds.
    pub stale_ms: u64,
    /// How often this sidecar had been adopted before.
    pub generation: u64,
    /// What [`LockOptions::extra`](crate::LockOptions::extra) added, and members that this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pid {} on {}", self.pid, Printable(&self.host))?;
        if let Some(owner) = &self.owner {
            write!(f, " for \"{}\"", Printable(owner))?;
        }
        if let Some(purpose) = &self.purpose {
            write!(f, " ({})", Printable(purpose))?;
        }
        write!(f, " since {}", Printable(&self.acquired_at))
    }
}

/// Text from a file that another program wrote: control characters are escaped, so that a message
/// never carries a terminal sequence, and stays on its line.
#[derive(Debug, Clone, Copy)]
pub struct Printable<'a>(pub &'a str);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            if c.is_control() || is_layout_control(c) {
                write!(f, "{}", c.escape_unicode())?;
            } else {
                write!(f, "{c}")?;
            }
        }
        Ok(())
    }
}

/// What turns the direction of text, or ends a line for some readers.
fn is_layout_control(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_escapes_control_characters_of_foreign_text() {
        let holder = Holder {
            token: String::new(),
            pid: 4711,
            start_time: 0,
            boot_id: String::new(),
            pid_namespace: 0,
            host: "build-3".into(),
            owner: Some("a\u{1b}[2J\u{202e}b".into()),
            command: None,
            purpose: Some("update".into()),
            acquired_at: "2026-01-12T10:00:00.000Z".into(),
            stale_ms: 5000,
            generation: 0,
            extra: Map::new(),
        };
        assert_eq!(
            holder.to_string(),
            "pid 4711 on build-3 for \"a\\u{1b}[2J\\u{202e}b\" (update) since 2026-01-12T10:00:00.000Z",
            "escape sequences never reach a terminal through a message"
        );
    }
}
