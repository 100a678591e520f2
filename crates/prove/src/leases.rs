//! What the cases of leases share: the two kinds of store, what a list of leases says, whether a database is whole.

use std::fs;
use std::path::Path;

use rusqlite::Connection;
use serde_json::Value;

/// The time of all commands. It stands still, so that a token can rise only by what the store remembers.
pub const NOW: &str = "2026-01-12T10:00:00Z";

/// The two kinds of store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A folder of JSON files.
    Folder,
    /// A SQLite database.
    Database,
}

/// The one name in a folder of leases that is no agent's: the numbers given out so far, and who waits.
const STATE: &str = ".leases.json";

impl Kind {
    /// Its name in the project's folder.
    pub fn name(self) -> &'static str {
        match self {
            Self::Folder => "locks",
            Self::Database => "leases.db",
        }
    }

    /// What belongs to it in the project's folder: itself, and what lies beside it while it is in use or after a crash.
    pub fn names(self) -> &'static [&'static str] {
        match self {
            Self::Folder => &["locks", "locks.lock"],
            Self::Database => &["leases.db", "leases.db-wal", "leases.db-shm"],
        }
    }
}

/// What a list of leases says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// A line for each lease, in order: who, what, until when, how often changed, and whether it has ended.
    pub leases: Vec<String>,
    /// Their tokens.
    pub tokens: Vec<u64>,
}

impl Listed {
    /// What the JSON of a list says.
    pub fn of(answer: &str) -> Option<Self> {
        let answer: Value = serde_json::from_str(answer).ok()?;
        let listed = answer["leases"].as_array()?.iter().map(line_of);
        let mut listed: Vec<(String, u64)> = listed.collect::<Option<_>>()?;
        listed.sort();
        let (leases, tokens) = listed.into_iter().unzip();
        Some(Self { leases, tokens })
    }

    /// The highest token.
    pub fn highest(&self) -> u64 {
        self.tokens.iter().copied().max().unwrap_or_default()
    }
}

fn line_of(lease: &Value) -> Option<(String, u64)> {
    let of = |key: &str| -> Option<Vec<&str>> {
        lease[key].as_array()?.iter().map(Value::as_str).collect()
    };
    let paths = [of("files")?, of("directories")?, of("globs")?].concat();
    let until = lease["expires_at"].as_str()?.get(11..16)?;
    let line = format!(
        "{}: {} until {until}, {}, {}",
        lease["agent"].as_str()?,
        paths.join(" "),
        lease["generation"].as_u64()?,
        lease["state"].as_str()?,
    );
    Some((line, lease["token"].as_u64()?))
}

/// The names in a folder store that are no agent's: nothing ever takes them away.
pub fn litter_in(folder: &Path) -> Vec<String> {
    let mut names = names_in(folder);
    names.retain(|name| name != STATE && Path::new(name).extension() != Some("lock".as_ref()));
    names
}

/// The token that a command has printed: a whole line of it.
pub fn printed_token(stdout: &str) -> Option<u64> {
    let line = stdout
        .split_inclusive('\n')
        .find_map(|line| line.strip_suffix('\n'))?;
    line.parse().ok()
}

/// The names in a folder, in order; none where there is no folder.
pub fn names_in(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    names.sort();
    names
}

/// What SQLite itself says of a database.
pub fn is_whole(database: &Path) -> Result<(), String> {
    let check = || -> rusqlite::Result<String> {
        Connection::open(database)?.query_row("PRAGMA integrity_check", [], |row| row.get(0))
    };
    match check() {
        Ok(answer) if answer == "ok" => Ok(()),
        other => Err(format!("the database is damaged: {other:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printed_token_is_a_whole_line() {
        for (stdout, expected) in [
            ("1764000000000\n", Some(1_764_000_000_000)),
            ("1764000000000", None),
            ("", None),
            ("no\n", None),
        ] {
            assert_eq!(printed_token(stdout), expected, "{stdout:?}");
        }
    }
}
