//! The updates that are cut: what is run, what it says, and what must be there afterwards.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::board::{APPENDED, Board, EDITED, STORIES, Version};

/// A way to update stories.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Update {
    /// `story set`.
    Set,
    /// `story set --fast`.
    SetFast,
    /// `story apply` of an edit for each story.
    Apply,
    /// `story set` under a `story lock run`.
    LockRun,
}

impl Update {
    /// The stories that it changes.
    pub fn stories(self) -> Vec<&'static str> {
        match self {
            Self::Set | Self::SetFast | Self::LockRun => vec![ONE],
            Self::Apply => STORIES.iter().map(|(id, _)| *id).collect(),
        }
    }

    /// The command; `place` is a folder for what it reads, not on the disk under test.
    pub fn command(self, board: &Board<'_>, place: &Path) -> Result<Command, String> {
        let mut command = board.story();
        match self {
            Self::Set => edit(&mut command),
            Self::SetFast => edit(&mut command).arg("--fast"),
            Self::Apply => command.arg("apply").arg(edits(place)?),
            Self::LockRun => {
                let inner = board.story();
                command.args(["lock", "run", ONE, "--"]);
                command.arg(inner.get_program()).args(inner.get_args());
                edit(&mut command)
            }
        };
        Ok(command)
    }

    /// Whether this version of a story may be there, when the update of it was acknowledged or not.
    pub fn judge(self, found: Version, acknowledged: bool) -> Result<(), String> {
        if found.count != 0 {
            return Err("nobody counted".to_owned());
        }
        if acknowledged && !found.edited && self != Self::SetFast {
            return Err("an ACKNOWLEDGED update is LOST".to_owned());
        }
        Ok(())
    }
}

/// The story of the updates that change one.
pub const ONE: &str = "S-2";

fn edit(command: &mut Command) -> &mut Command {
    let priority = EDITED.1.replace(": ", "=");
    command.args(["set", ONE, &priority, "--append-body", APPENDED, "--json"])
}

fn edits(place: &Path) -> Result<PathBuf, String> {
    let path = place.join("edits");
    let edit = |(id, _)| {
        let edit =
            serde_json::json!({"story": id, "set": {"priority": 20}, "append_body": APPENDED});
        format!("{edit}\n")
    };
    let lines = STORIES.map(edit).concat();
    File::create(&path)
        .and_then(|mut file| file.write_all(lines.as_bytes()))
        .map_err(|err| err.to_string())?;
    Ok(path)
}

/// The stories whose update was acknowledged: a whole line that says so was printed.
pub fn acknowledged(stdout: &str) -> BTreeSet<String> {
    stdout
        .split_inclusive('\n')
        .filter_map(acknowledges)
        .collect()
}

/// The story whose update this line of output acknowledges.
pub fn acknowledges(line: &str) -> Option<String> {
    let answer: serde_json::Value = serde_json::from_str(line).ok()?;
    (answer["ok"] == true).then(|| answer["story"].as_str().map(str::to_owned))?
}
