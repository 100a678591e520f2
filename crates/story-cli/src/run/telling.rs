//! What is told while a task runs, and the question what becomes of a tree.

use std::io::IsTerminal as _;

use task_runner::{Choice, Ended, Event, Interrupted, Left, Remedy, Snapshot, Witness};

use super::words::command_on;
use crate::output::{self, Output};
use crate::snapshot::short;
use crate::sys;

/// Tells people what happens, and keeps the warnings for programs.
pub struct Teller<'a> {
    output: &'a Output,
    /// What was warned of so far.
    pub warnings: Vec<String>,
    /// What the snapshot does not hold, in words.
    pub left: Vec<Left>,
}

impl<'a> Teller<'a> {
    /// One that has told nothing yet.
    pub fn new(output: &'a Output) -> Self {
        Self {
            output,
            warnings: Vec::new(),
            left: Vec::new(),
        }
    }

    /// Warns of something.
    pub fn warn(&mut self, text: String) {
        self.output.warning(&text);
        self.warnings.push(text);
    }
}

impl Witness for Teller<'_> {
    fn tell(&mut self, event: Event<'_>) {
        match event {
            // From here on a signal waits for the command, which it is passed on to, or for the end.
            Event::Locked => crate::signals::begin_end(),
            Event::Freed(freed) => self.warn(freed.to_string()),
            Event::JournalRecovered(recovered) => self.warn(recovered.to_string()),
            Event::Interrupted(interrupted) => self.warn(interrupted_words(interrupted)),
            Event::Recorded(taken) => {
                let snapshot = &taken.snapshot;
                self.output.note(&format!(
                    "task {}: the tree is recorded as snapshot {}",
                    snapshot.task,
                    short(&snapshot.id)
                ));
                for left in &taken.left {
                    self.output.detail(&format!("not recorded: {left}"));
                }
                self.left.clone_from(&taken.left);
            }
            _ => {}
        }
    }

    fn choose(&mut self, ended: Ended, _snapshot: &Snapshot) -> Choice {
        if !std::io::stdin().is_terminal() || !self.output.has_terminal() {
            self.output.note(
                "nobody is asked what becomes of the tree, for there is no terminal: it is kept",
            );
            return Choice::Keep;
        }
        output::ask(&format!(
            "the task {ended}; bring the tree back to the state before? [y/N] "
        ));
        match sys::line_from_terminal().as_deref().map(str::trim) {
            Some("y" | "Y" | "yes") => Choice::Restore,
            _ => Choice::Keep,
        }
    }
}

/// What happened to an earlier task, with the command for each thing that can be done about it.
fn interrupted_words(interrupted: &Interrupted) -> String {
    let task = interrupted.task.as_str();
    let remedies = interrupted.can.iter().map(|remedy| match remedy {
        Remedy::Resume => format!("{} runs it again", command_on(&["run", "resume"], task)),
        Remedy::Restore => format!(
            "{} brings back the tree as it was before",
            command_on(&["run", "restore"], task)
        ),
        Remedy::Abandon => format!(
            "{} leaves the tree as it is",
            command_on(&["run", "abandon"], task)
        ),
    });
    let remedies: Vec<_> = remedies.collect();
    format!("task {interrupted}: {}", remedies.join(", "))
}
