//! What an audit says: one line for each finding at once, and a summary.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::judge::{How, Keeper, Lock, Past};
use crate::failure::{Code, Failure};
use crate::json;
use crate::output::{Output, write_json};
use crate::places::Target;
use crate::settings::Settings;
use crate::sys::{self, Writer};
use crate::terminal::{Style, escape_line};

/// Tells, and counts what was told.
pub struct Telling<'a> {
    settings: &'a Settings,
    output: &'a Output,
    findings: usize,
    blind: usize,
    files: BTreeSet<PathBuf>,
}

impl<'a> Telling<'a> {
    /// Has told nothing.
    pub fn new(settings: &'a Settings, output: &'a Output) -> Self {
        Self {
            settings,
            output,
            findings: 0,
            blind: 0,
            files: BTreeSet::new(),
        }
    }

    /// From now on nothing is missed.
    ///
    /// # Errors
    ///
    /// When stdout does not take it, as with all of these.
    pub fn begin(&self, root: &Path, folders: usize) -> Result<(), Failure> {
        if !self.output.is_json() {
            let folders_word = if folders == 1 { "folder" } else { "folders" };
            self.output.note(&format!(
                "watching {folders} {folders_word} for writes past the lock"
            ));
            return Ok(());
        }
        self.line(
            "watching",
            json!({ "path": json::text(root), "folders": folders }),
        )
    }

    /// Somebody wrote past the lock.
    ///
    /// # Errors
    ///
    /// See [`Telling::begin`].
    pub fn past(&mut self, past: &Past) -> Result<(), Failure> {
        self.findings += 1;
        self.files.insert(past.path.clone());
        let writers = match past.how {
            // Whoever renamed or removed it has nothing open.
            How::Replaced | How::Removed => Vec::new(),
            How::Created | How::InPlace | How::Late => sys::writers_of(&past.path),
        };
        let message = message_of(past, &writers);
        if self.output.is_json() {
            return self.line("unlocked", members_of(past, &writers, &message));
        }
        let place = past.path.display().to_string();
        let text = format!(
            "{} {}: {}",
            self.settings.moment().stamp(),
            escape_line(&place),
            escape_line(&message)
        );
        self.output.labelled(Style::Error, "unlocked", &text)
    }

    /// Something was not seen.
    ///
    /// # Errors
    ///
    /// See [`Telling::begin`].
    pub fn blind(&mut self, reason: &str) -> Result<(), Failure> {
        self.blind += 1;
        if self.output.is_json() {
            return self.line("blind", json!({ "message": reason }));
        }
        self.output
            .labelled(Style::Warning, "blind", &escape_line(reason))
    }

    /// The summary; returns the exit code.
    ///
    /// # Errors
    ///
    /// See [`Telling::begin`].
    pub fn end(self) -> Result<u8, Failure> {
        let Self {
            findings, blind, ..
        } = self;
        let files = self.files.len();
        if self.output.is_json() {
            let members = json!({
                "ok": findings == 0,
                "findings": findings,
                "files": files,
                "blind": blind,
            });
            self.line("done", members)?;
        } else if findings == 0 && blind == 0 {
            self.output.note("nobody was seen to write past the lock");
        } else {
            self.output.note(&format!(
                "{findings} writes past the lock, in {files} files; {blind} blind spots"
            ));
        }
        Ok(if findings == 0 {
            0
        } else {
            Code::Refused.exit()
        })
    }

    fn line(&self, event: &str, members: Value) -> Result<(), Failure> {
        let mut line = json::success();
        line.insert("event".to_owned(), event.into());
        line.insert("at".to_owned(), self.settings.moment().stamp().into());
        if let Value::Object(members) = members {
            line.extend(members);
        }
        write_json(line)
    }
}

fn members_of(past: &Past, writers: &[Writer], message: &str) -> Value {
    let (lock, holder) = match &past.lock {
        Lock::Free => ("free", None),
        Lock::Dead(owner) => ("dead", Some(owner)),
        Lock::Held(tenure) => match &tenure.keeper {
            Keeper::Replaces(holder) => ("held", Some(holder)),
            _ => ("held", None),
        },
    };
    let writers: Vec<Map<String, Value>> = writers.iter().map(writer_json).collect();
    json!({
        "story": Target::at(past.path.clone()).id,
        "path": json::text(&past.path),
        "how": word_of(past.how),
        "lock": lock,
        "lock_holder": holder,
        "writers": writers,
        "message": message,
    })
}

fn writer_json(writer: &Writer) -> Map<String, Value> {
    let mut members = Map::new();
    members.insert("pid".to_owned(), writer.pid.into());
    members.insert("command".to_owned(), writer.command.as_str().into());
    members
}

fn word_of(how: How) -> &'static str {
    match how {
        How::Created => "created",
        How::InPlace => "in-place",
        How::Replaced => "replaced",
        How::Removed => "removed",
        How::Late => "late",
    }
}

fn message_of(past: &Past, writers: &[Writer]) -> String {
    let what = match past.how {
        How::Created => "created",
        How::InPlace => "written in place",
        How::Replaced => "replaced by another file",
        How::Removed => "removed or moved away",
        How::Late => {
            "written in place into a version that was just replaced, so that the write may be lost"
        }
    };
    let lock = match &past.lock {
        Lock::Free => "and its writer held no lock".to_owned(),
        Lock::Dead(owner) => format!("and its lock was left over by {owner}"),
        Lock::Held(tenure) => match &tenure.keeper {
            Keeper::Replaces(holder) => {
                format!("while its lock was held by {holder}, which writes nothing in place")
            }
            _ => "while its lock was held by somebody who writes nothing in place".to_owned(),
        },
    };
    let names: Vec<_> = writers
        .iter()
        .map(|writer| format!("{} (pid {})", writer.command, writer.pid))
        .collect();
    if names.is_empty() {
        format!("{what}, {lock}; by whom is unknown")
    } else {
        format!("{what}, {lock}; by {}", names.join(", "))
    }
}
