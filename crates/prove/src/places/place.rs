//! A story in some place, updates of it through the real `story`, and what each must leave behind.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use testkit::{Finished, SecondProcess};

use crate::context::Context;

/// How long anything here may take; a promise of seconds with a wide margin.
pub const PATIENCE: Duration = Duration::from_mins(1);

const HEAD: &str = "---\nid: S-1\ntitle: A story in a place\nstatus: ready\ncount: ";
const TAIL: &str = "\n---\n\nThe body stays as it is.\n";

/// A story, and the way in which it is updated.
pub struct Place<'a> {
    /// The story.
    pub story: PathBuf,
    context: &'a Context,
    program: PathBuf,
    before: Vec<OsString>,
    body: String,
}

/// An error that must come, by its exit code, its code in JSON and words that its message must hold.
pub struct Refusal {
    /// The exit code.
    pub exit: i32,
    /// The code in JSON.
    pub code: &'static str,
    /// Words of the message, in small letters.
    pub words: &'static [&'static str],
}

/// What a read-only file system must be called.
pub const READ_ONLY: Refusal = Refusal {
    exit: 8,
    code: "EROFS",
    words: &["read-only", "writable"],
};

/// What a full one must be called.
pub const NO_SPACE: Refusal = Refusal {
    exit: 8,
    code: "ENOSPC",
    words: &["no space left", "free some space"],
};

/// What a missing right must be called.
pub const NO_PERMISSION: Refusal = Refusal {
    exit: 8,
    code: "EACCES",
    words: &["permission"],
};

impl<'a> Place<'a> {
    /// Writes a new story at `story`, with the count 0.
    pub fn new(context: &'a Context, story: impl Into<PathBuf>) -> Self {
        let place = Self::at(context, story);
        place.write(0);
        place
    }

    /// The same without writing it.
    pub fn at(context: &'a Context, story: impl Into<PathBuf>) -> Self {
        Self {
            story: story.into(),
            context,
            program: context.story.clone(),
            before: Vec::new(),
            body: String::new(),
        }
    }

    /// The same story by another path.
    pub fn by(&self, story: impl Into<PathBuf>) -> Self {
        Self {
            story: story.into(),
            context: self.context,
            program: self.program.clone(),
            before: self.before.clone(),
            body: self.body.clone(),
        }
    }

    /// The same story, with the program started by these words: `setpriv --reuid 65534`.
    pub fn through(&self, before: &[&str]) -> Self {
        Self {
            before: before.iter().map(OsString::from).collect(),
            ..self.by(&self.story)
        }
    }

    /// The same with another copy of the program.
    pub fn with_program(self, program: &Path) -> Self {
        Self {
            program: program.to_owned(),
            ..self
        }
    }

    /// The same story with so many bytes more in its body.
    pub fn longer(mut self, bytes: usize) -> Self {
        self.body = "0123456789abcde\n".repeat(bytes.div_ceil(16));
        self.write(0);
        self
    }

    /// Writes the story, plainly, with this count.
    pub fn write(&self, count: u64) {
        fs::File::create(&self.story)
            .and_then(|mut file| std::io::Write::write_all(&mut file, &self.text(count)))
            .unwrap_or_else(|err| panic!("cannot write {}: {err}", self.story.display()));
    }

    fn text(&self, count: u64) -> Vec<u8> {
        format!("{HEAD}{count}{TAIL}{}", self.body).into_bytes()
    }

    /// The folder of the story.
    pub fn folder(&self) -> &Path {
        self.story.parent().expect("a story has a folder")
    }

    /// `story VERB STORY ARGUMENTS`.
    pub fn command(&self, verb: &[&str], arguments: &[&str]) -> Command {
        let mut command = self.start();
        command.args(verb).arg(&self.story).args(arguments);
        command
    }

    /// `story`, in the way that this place is worked in.
    pub fn start(&self) -> Command {
        let mut words = self.before.iter().map(OsString::as_os_str);
        let program = self.program.as_os_str();
        let first = words.next().unwrap_or(program);
        let mut command = Command::new(first);
        testkit::without_settings(&mut command);
        command.args(words);
        if !self.before.is_empty() {
            command.arg(program);
        }
        command
    }

    /// An update: one more.
    pub fn increment(&self, arguments: &[&str]) -> Finished {
        let mut words = vec!["--inc", "count"];
        words.extend(arguments);
        run(&mut self.command(&["set"], &words))
    }

    /// The count, if the story is whole.
    pub fn count(&self) -> Result<u64, String> {
        let shown = self.story.display();
        let bytes = fs::read(&self.story).map_err(|err| format!("{shown} is gone: {err}"))?;
        let count = std::str::from_utf8(&bytes)
            .ok()
            .and_then(|text| text.strip_prefix(HEAD))
            .and_then(|rest| rest.split_once('\n'))
            .and_then(|(count, _)| count.parse().ok())
            .filter(|count| self.text(*count) == bytes);
        count.ok_or_else(|| {
            let text = String::from_utf8_lossy(&bytes);
            let start: String = text.chars().take(200).collect();
            format!("{shown} is torn ({} bytes): {start:?}", bytes.len())
        })
    }

    /// Nothing of ours lies beside the story.
    pub fn is_alone(&self) -> Result<(), String> {
        let left = testkit::leftovers(self.folder());
        ensure(left.is_empty(), || format!("left behind: {left:?}"))
    }

    /// An update succeeds, and leaves the story with one more and nothing else.
    pub fn works(&self) -> Result<(), String> {
        let before = self.count()?;
        let finished = self.increment(&[]);
        succeeded(&finished)?;
        self.counts(before + 1)?;
        self.is_alone()
    }

    /// The story is whole and has this count.
    pub fn counts(&self, expected: u64) -> Result<(), String> {
        let count = self.count()?;
        ensure(count == expected, || {
            format!("count is {count}, not {expected}")
        })
    }

    /// An update is refused like this, the story stays as it is, and nothing is left behind.
    pub fn refuses(&self, refusal: &Refusal) -> Result<(), String> {
        let before = fs::read(&self.story).ok();
        let finished = self.increment(&["--json", "--timeout", "2s"]);
        refused(&finished, refusal, Some(self.story.as_os_str()))?;
        ensure(fs::read(&self.story).ok() == before, || {
            format!("the story changed: {finished:?}")
        })?;
        self.is_alone()
    }

    /// So many processes make so many updates each, at once; all are in the file.
    pub fn counts_all(&self, processes: usize, updates: usize) -> Result<(), String> {
        let ways: Vec<_> = (0..processes).map(|_| self).collect();
        count_all(&ways, updates)
    }
}

/// A process for each of these ways to one story makes so many updates, all at once; all are in the file.
pub fn count_all(ways: &[&Place], updates: usize) -> Result<(), String> {
    let first = ways.first().ok_or("nobody is to count")?;
    let before = first.count()?;
    let line = |place: &Place| {
        let story =
            serde_json::json!({"story": place.story.to_string_lossy(), "inc": {"count": 1}});
        format!("{story}\n").repeat(updates)
    };
    let processes: Vec<_> = ways
        .iter()
        .map(|place| {
            let mut command = place.start();
            command.args(["apply", "-q", "--timeout", "50s"]);
            let mut process = SecondProcess::spawn(&mut command);
            process.send_line(line(place).trim_end());
            process.close_stdin();
            process
        })
        .collect();
    for process in processes {
        succeeded(&process.wait(PATIENCE))?;
    }
    first.counts(before + (ways.len() * updates) as u64)?;
    first.is_alone()
}

/// `Err` with these words unless it holds.
pub fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise()) }
}

/// Runs a command to its end; a hang is a panic, and that is a wrong case.
pub fn run(command: &mut Command) -> Finished {
    SecondProcess::spawn(command).wait(PATIENCE)
}

/// It exited with 0, without a word of a panic.
pub fn succeeded(finished: &Finished) -> Result<(), String> {
    exited(finished, 0)
}

/// It exited with this code, without a word of a panic.
pub fn exited(finished: &Finished, code: i32) -> Result<(), String> {
    ensure(
        finished.status.code() == Some(code) && !finished.stderr.contains("panicked"),
        || format!("must exit with {code}: {finished:?}"),
    )
}

/// It was refused as it must be, in words that name the file, the reason, and what to do.
pub fn refused(
    finished: &Finished,
    refusal: &Refusal,
    story: Option<&OsStr>,
) -> Result<(), String> {
    exited(finished, refusal.exit)?;
    let code = format!("\"code\":\"{}\"", refusal.code);
    ensure(finished.stdout.contains(&code), || {
        format!("JSON must say {code}: {finished:?}")
    })?;
    let words = finished.stderr.to_lowercase();
    for word in refusal.words {
        ensure(words.contains(word), || {
            format!("the message must say {word:?}: {finished:?}")
        })?;
    }
    ensure(words.contains("hint: "), || {
        format!("the message must say what to do: {finished:?}")
    })?;
    // Names that are not plain text are shown escaped.
    let name = story
        .map(Path::new)
        .and_then(Path::file_name)
        .and_then(OsStr::to_str)
        .filter(|name| !name.contains(char::is_control));
    ensure(
        name.is_none_or(|name| finished.stderr.contains(name)),
        || format!("the message must name the file: {finished:?}"),
    )
}
