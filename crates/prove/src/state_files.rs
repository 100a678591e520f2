//! What the cases of JSON state files share: a state that is counted up, a board of tasks with its metrics, and what each
//! of them must be, byte by byte, before and after a command.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use testkit::{Finished, SecondProcess};

use crate::leases::names_in;

/// No command of these cases may take longer; the slowest take tens of milliseconds.
const LIMIT: Duration = Duration::from_secs(20);
/// The time of all commands on a board, so that the same command always makes the same files.
pub const NOW: &str = "2026-01-12T10:00:00Z";

/// The state file's name in the sdlc root.
pub const STATE: &str = "state.json";
/// The two files of a board in the sdlc root.
pub const BOARD: [&str; 2] = ["tasks.json", "agent-performance-metrics.json"];
/// Where decided transactions wait, while there are any.
pub const RECORDS: &str = ".state-pending";
/// The first task of the prepared board.
pub const FIRST_TASK: &str = "task_1768212000000_aaaaaa";

/// A state file that was counted up so often. Over two pages long, so that a torn one is noticed; its layout and numbers
/// are ones that no serialiser writes.
pub fn state(count: u32) -> String {
    let item = "      {\"at\":  1.0,\t\"id\": 12345678901234567890123 , \"note\": \"like every other\"},\n";
    format!(
        "{{\n   \"run\": \"A-7\",\n   \"count\": {count},\n   \"unknown\":[\n{}      null ]\n}}\n",
        item.repeat(120)
    )
}

/// How often the state file that these bytes are was counted up; `None` unless they are one, to the last byte.
pub fn count_of(bytes: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (_, rest) = text.split_once("\"count\": ")?;
    let count = rest.split_once(',')?.0.parse().ok()?;
    (state(count) == text).then_some(count)
}

/// A board of two tasks that can be claimed, in a layout of its own.
fn board() -> String {
    let task = |letter: &str, priority: u32| {
        let id = format!("task_1768212000000_{}", letter.repeat(6));
        let note = "A line of what has to be known, like every other. ".repeat(90);
        format!(
            "   {{ \"id\": \"{id}\", \"title\": \"Task {letter}\",\n     \"status\": \"pending\", \"priority\": {priority}, \"estimate\": 1.0,\n     \"children\": [], \"dependencies\": [], \"tags\": [],\n     \"context\": {{\"note\": \"{note}\"}},\n     \"created_at\": \"2026-01-12T09:00:00.000Z\", \"updated_at\": \"2026-01-12T09:00:00.000Z\", \"history\": [] }}"
        )
    };
    format!(
        "{{\"board\": \"of the proofs\",\n  \"tasks\": [\n{},\n{}\n  ]\n}}\n",
        task("a", 1),
        task("b", 2)
    )
}

/// A change of the board, and what makes the board that it meets.
pub struct Change {
    /// Its name in folders.
    pub name: &'static str,
    /// Commands that come before it.
    pub before: &'static [&'static [&'static str]],
    /// What is disturbed.
    pub command: &'static [&'static str],
}

/// The first task is claimed.
pub const CLAIM: Change = Change {
    name: "claim",
    before: &[],
    command: &["tasks", "claim", "--as", "a"],
};

/// The first task is done.
pub const DONE: Change = Change {
    name: "done",
    before: &[&["tasks", "claim", "--as", "a"]],
    command: &["tasks", "done", FIRST_TASK, "--as", "a"],
};

/// The names under which is kept what readers are told.
const TOLD: [&str; 2] = ["list", "got"];

/// What comes after, whatever happened to the change.
const NEXT: &[&str] = &["tasks", "claim", "--as", "b"];

/// Where a board lies, and who changes it.
pub struct Bench<'a> {
    /// The sdlc root.
    pub root: PathBuf,
    /// A folder for what the board must be.
    pub kept: PathBuf,
    /// `story`, for this root.
    pub story: Box<dyn Fn() -> Command + 'a>,
    /// What is disturbed.
    pub change: &'a Change,
}

/// What there is of a board: its two files, and what readers of ours are told of each.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Shown {
    files: [Option<Vec<u8>>; 2],
    told: [String; 2],
}

/// What the board must be: before and after the change, and after the next command that follows each.
struct Wanted {
    old: Shown,
    new: Shown,
    after_old: Shown,
    after_new: Shown,
}

impl Wanted {
    /// In words, for each reader, which board it was told.
    fn name(&self, told: &[String; 2]) -> String {
        let name = |at: usize| match &told[at] {
            told if *told == self.old.told[at] => "the old one".to_owned(),
            told if *told == self.new.told[at] => "the new one".to_owned(),
            told => format!("{told:.80} …"),
        };
        format!("the board is {}, the metrics are {}", name(0), name(1))
    }
}

/// Which of both a change left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// As it was.
    Old,
    /// As it should be.
    New,
    /// Decided: what is missing the next command has put in place.
    Decided,
}

impl Bench<'_> {
    /// Puts the board there as the change is to meet it.
    pub fn renew(&self) {
        clear(&self.root);
        let wanted = self.kept.join(self.change.name);
        if !wanted.exists() {
            self.make(&wanted);
        }
        self.put(&wanted.join("old"));
    }

    /// The change, with JSON for an answer.
    pub fn command(&self) -> Command {
        let mut command = (self.story)();
        command
            .args(self.change.command)
            .args(["--now", NOW, "--json"]);
        command
    }

    /// Judges what a disturbed change left: both files are old or both are new, at the latest after the next command;
    /// readers know which even before; and what was acknowledged in `told` is done.
    pub fn judge(&self, told: &str) -> Result<Left, String> {
        let wanted = self.wanted();
        let files = files_in(&self.root);
        let is_known =
            |at: usize| files[at] == wanted.old.files[at] || files[at] == wanted.new.files[at];
        if !is_known(0) || !is_known(1) {
            return Err(format!("a file is TORN or LOST: {}", self.sizes()));
        }
        let now = self.shown()?;
        let is_new = match &now.told {
            told if *told == wanted.new.told => true,
            told if *told == wanted.old.told => false,
            told => {
                return Err(format!(
                    "readers are told HALF of it: {}",
                    wanted.name(told)
                ));
            }
        };
        if acknowledges(told) && !is_new {
            return Err("an ACKNOWLEDGED change is LOST".to_owned());
        }
        let left = match is_new {
            _ if now.files == wanted.new.files => Left::New,
            true => Left::Decided,
            false => Left::Old,
        };
        if !is_new && now.files != wanted.old.files {
            return Err("HALF of it is there, and readers are shown the old board".to_owned());
        }
        self.goes_on(if is_new {
            &wanted.after_new
        } else {
            &wanted.after_old
        })?;
        Ok(left)
    }

    /// The next command needs no wait, and then both files are what they must be; nothing is left of the transaction.
    fn goes_on(&self, expected: &Shown) -> Result<(), String> {
        self.succeeds(&[NEXT, &["--timeout", "0"]].concat())?;
        let now = self.shown()?;
        if now.files != expected.files {
            return Err(format!(
                "HALF: after the next claim the files are {}",
                self.sizes()
            ));
        }
        self.succeeds(&["tasks", "check"])?;
        if self.root.join(RECORDS).exists() {
            return Err("a record is left".to_owned());
        }
        Ok(())
    }

    fn wanted(&self) -> Wanted {
        let kept = self.kept.join(self.change.name);
        let read = |name: &str| Shown {
            files: files_in(&kept.join(name)),
            told: TOLD.map(|told| {
                fs::read_to_string(kept.join(name).join(told)).expect("it was written")
            }),
        };
        Wanted {
            old: read("old"),
            new: read("new"),
            after_old: read("after-old"),
            after_new: read("after-new"),
        }
    }

    /// Makes what is wanted, undisturbed.
    fn make(&self, wanted: &Path) {
        let fresh = wanted.join("fresh");
        write(&fresh.join(BOARD[0]), board().as_bytes());
        self.put(&fresh);
        let rebuild: &[&str] = &["tasks", "check", "--rebuild"];
        let prepare = [&[rebuild], self.change.before].concat();
        for (commands, name) in [
            (&prepare[..], "old"),
            (&[NEXT], "after-old"),
            (&[], "old"),
            (&[self.change.command], "new"),
            (&[NEXT], "after-new"),
        ] {
            for command in commands {
                self.succeeds(command).expect("an undisturbed board");
            }
            if commands.is_empty() {
                self.put(&wanted.join(name));
            } else {
                self.keep(&wanted.join(name));
            }
        }
    }

    fn keep(&self, at: &Path) {
        let shown = self.shown().expect("an undisturbed board");
        for (name, bytes) in BOARD.iter().zip(&shown.files) {
            write(&at.join(name), bytes.as_deref().expect("both are there"));
        }
        for (name, told) in TOLD.iter().zip(&shown.told) {
            write(&at.join(name), told.as_bytes());
        }
    }

    /// Puts the files that lie in a folder in the place of the board's.
    fn put(&self, from: &Path) {
        for (name, bytes) in BOARD.iter().zip(files_in(from)) {
            let path = self.root.join(name);
            fs::remove_file(&path).ok();
            if let Some(bytes) = bytes {
                write(&path, &bytes);
                // A fresh file takes calls more or less, depending on how fresh it is.
                testkit::set_age(&path, Duration::from_mins(1));
            }
        }
    }

    /// The two files, and what `story tasks list` and `story state get` say, which must work at once.
    fn shown(&self) -> Result<Shown, String> {
        let files = files_in(&self.root);
        let metrics = self.root.join(BOARD[1]);
        let metrics = metrics
            .to_str()
            .ok_or("the build folder has a strange name")?;
        let list = self.succeeds(&["tasks", "list", "--json", "--timeout", "0"])?;
        let got = self.succeeds(&["state", "get", metrics])?;
        Ok(Shown {
            files,
            told: [list.stdout, got.stdout],
        })
    }

    fn succeeds(&self, arguments: &[&str]) -> Result<Finished, String> {
        let mut command = (self.story)();
        command.args(arguments).args(["--now", NOW]);
        let finished = SecondProcess::spawn(&mut command).wait(LIMIT);
        if finished.status.success() {
            return Ok(finished);
        }
        Err(format!("{arguments:?} fails: {finished:?}"))
    }

    fn sizes(&self) -> String {
        let size = |bytes: &Option<Vec<u8>>| bytes.as_ref().map(Vec::len);
        let [tasks, metrics] = files_in(&self.root);
        format!("{:?} and {:?} bytes long", size(&tasks), size(&metrics))
    }
}

fn files_in(folder: &Path) -> [Option<Vec<u8>>; 2] {
    BOARD.map(|name| fs::read(folder.join(name)).ok())
}

/// Whether this output, in JSON, says that a change was made.
pub fn acknowledges(stdout: &str) -> bool {
    stdout.contains("\"ok\":true")
}

/// Writes a file in place, and the folder that it lies in.
pub fn write(path: &Path, bytes: &[u8]) {
    let folder = path.parent().expect("a file lies in a folder");
    fs::create_dir_all(folder)
        .and_then(|()| fs::File::create(path))
        .and_then(|mut file| std::io::Write::write_all(&mut file, bytes))
        .unwrap_or_else(|err| panic!("cannot write {}: {err}", path.display()));
}

/// Removes what earlier runs left in the sdlc root beside the stories.
pub fn clear(root: &Path) {
    for name in beside(root, &[]) {
        let path = root.join(&name);
        fs::remove_file(&path)
            .or_else(|_| fs::remove_dir_all(&path))
            .expect("the build folder can be written");
    }
}

/// What lies in the sdlc root beside the stories and these files, in order.
pub fn beside(root: &Path, known: &[&str]) -> Vec<String> {
    let mut names = names_in(root);
    names.retain(|name| name != "stories" && !known.contains(&name.as_str()));
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn count_of_knows_whole_states_only() {
        let text = state(12);
        assert!(text.len() > 8192, "over two pages: {}", text.len());
        assert_eq!(count_of(text.as_bytes()), Some(12), "as it was written");
        assert_eq!(count_of(&text.as_bytes()[..9000]), None, "cut off");
        assert_eq!(count_of(b""), None, "empty");
        let other = text.replacen("1.0", "1", 1);
        assert_eq!(count_of(other.as_bytes()), None, "another number form");
    }

    #[test]
    fn board_is_json_with_the_task_that_is_done() {
        let board: serde_json::Value = serde_json::from_str(&board()).expect("it is JSON");
        assert_eq!(board["tasks"][0]["id"], FIRST_TASK, "the first one");
        let second = board["tasks"][1]["id"].as_str();
        assert_eq!(second, Some("task_1768212000000_bbbbbb"), "the second one");
    }
}
