//! A project to work in: one story, a person's files beside it, a repository around it.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use testkit::{Finished, SecondProcess, wait_until, without_settings};

use crate::case::Skip;
use crate::context::{Context, prepare};

/// The story's id.
pub const ID: &str = "S-0034";
/// No command of these cases may take longer; the slowest take tens of milliseconds.
pub const LIMIT: Duration = Duration::from_secs(20);

/// A person's files in the folder of the story: nothing of ours may touch them.
const PERSONS: [(&str, &str); 3] = [
    ("story.md~", "an editor's copy\n"),
    ("notes.lock", "notes on locks\n"),
    (".story.md.swp", "an editor's swap file\n"),
];

/// Whose version of the story it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Author {
    /// As it was prepared.
    Us,
    /// A person saved it meanwhile.
    Person,
}

/// A version of the story: who wrote it, and how often it was counted up since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version {
    /// Who wrote it.
    pub author: Author,
    /// The value that is counted up.
    pub count: u32,
}

impl Version {
    /// The whole file; over two pages long, so that a torn one is noticed.
    pub fn text(self) -> String {
        let title = match self.author {
            Author::Us => "As it was prepared",
            Author::Person => "As a person saved it",
        };
        let body = "A line of the body, like every other line of it.\n".repeat(180);
        format!(
            "---\nid: {ID}\ntitle: {title}\nstatus: ready\nretry_count: {}   # counted by the proofs\nlabels: [a, b]\n---\n\n{body}",
            self.count
        )
    }

    /// The version that a file is, byte by byte.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let (_, rest) = text.split_once("retry_count: ")?;
        let (count, _) = rest.split_once(' ')?;
        let count = count.parse().ok()?;
        [Author::Us, Author::Person]
            .map(|author| Self { author, count })
            .into_iter()
            .find(|version| version.text() == text)
    }

    /// After so many more counts.
    pub fn plus(self, more: u32) -> Self {
        Self {
            count: self.count + more,
            ..self
        }
    }
}

/// A project of its own for one worker.
pub struct Place<'a> {
    context: &'a Context,
    /// The project's folder.
    pub root: PathBuf,
    scratch: PathBuf,
}

impl<'a> Place<'a> {
    /// Makes it.
    pub fn new(context: &'a Context, name: &str) -> Result<Self, Skip> {
        let folder = context.folder(&name.replace([' ', ':'], "-"));
        let folder = folder
            .canonicalize()
            .map_err(|err| Skip::because(err.to_string()))?;
        let place = Self {
            context,
            root: folder.join("project"),
            scratch: folder.join("scratch"),
        };
        for folder in [&place.root, &place.scratch] {
            fs::create_dir_all(folder).expect("the build folder can be written");
        }
        prepare(
            Command::new("git")
                .args(["init", "--quiet"])
                .arg(&place.root),
        )?;
        prepare(
            place
                .story(&["init", "--quiet"])
                .env("HOME", &place.scratch),
        )?;
        place.renew();
        Ok(place)
    }

    /// Removes what a run left and puts the first version and a person's files there.
    pub fn renew(&self) {
        let folder = self.folder();
        fs::remove_dir_all(&folder).ok();
        fs::create_dir_all(&folder).expect("the build folder can be written");
        // The first version is not of any change that it tells of.
        fs::remove_dir_all(self.root.join(".ai-sdlc/journal")).ok();
        let first = Version {
            author: Author::Us,
            count: 0,
        };
        self.overwrite("story.md", &first.text());
        // A fresh file takes calls more or less, depending on how fresh it is.
        testkit::set_age(&self.path(), Duration::from_mins(1));
        for (name, text) in PERSONS {
            self.overwrite(name, text);
        }
    }

    /// The folder of the story.
    pub fn folder(&self) -> PathBuf {
        self.root.join(".ai-sdlc/stories").join(ID)
    }

    /// The story.
    pub fn path(&self) -> PathBuf {
        self.folder().join("story.md")
    }

    /// The sidecar of the story.
    pub fn sidecar(&self) -> PathBuf {
        self.folder().join("story.md.lock")
    }

    /// Where traces and such go, outside of the project.
    pub fn scratch(&self, name: &str) -> PathBuf {
        self.scratch.join(name)
    }

    /// Writes a file of the story's folder in place, as a person may.
    pub fn overwrite(&self, name: &str, text: &str) {
        let path = self.folder().join(name);
        fs::File::create(&path)
            .and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()))
            .unwrap_or_else(|err| panic!("cannot write {}: {err}", path.display()));
    }

    /// The version that the story is now.
    pub fn version(&self) -> Result<Version, String> {
        let bytes = fs::read(self.path()).map_err(|err| format!("the story is gone: {err}"))?;
        Version::of(&bytes).ok_or_else(|| {
            let head: String = String::from_utf8_lossy(&bytes).chars().take(60).collect();
            format!("the story is torn: {} bytes, {head:?}", bytes.len())
        })
    }

    /// The names in the story's folder, but for the story's and a person's, whose files must be as they were.
    pub fn leftovers(&self) -> Result<Vec<String>, String> {
        for (name, text) in PERSONS {
            let now = fs::read(self.folder().join(name));
            if now.as_ref().ok().map(Vec::as_slice) != Some(text.as_bytes()) {
                return Err(format!("a person's {name} is not what it was: {now:?}"));
            }
        }
        let entries = fs::read_dir(self.folder()).map_err(|err| err.to_string())?;
        let mut names: Vec<String> = entries
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| name != "story.md" && PERSONS.iter().all(|(persons, _)| name != persons))
            .collect();
        names.sort();
        Ok(names)
    }

    /// `story ARGUMENTS` in the project.
    pub fn story(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.context.story);
        command.args(self.resolved(arguments));
        self.at_home(&mut command);
        command
    }

    /// `story ARGUMENTS` in the project, started by a shell with these redirections.
    pub fn redirected(&self, redirections: &str, arguments: &[&str]) -> Command {
        let story = self.story(arguments);
        let mut shell = Command::new("sh");
        shell
            .args(["-c", &format!("exec \"$@\" {redirections}"), "sh"])
            .arg(story.get_program())
            .args(story.get_args());
        self.at_home(&mut shell);
        shell
    }

    /// strace on one thread of a running process; it writes the calls to the same file, and tampers with one of them.
    ///
    /// Returns when it follows the thread. A call that the thread sleeps in is made anew, so it is the first one.
    pub fn attached(&self, inject: Option<&str>, thread: u32) -> SecondProcess {
        self.forget_trace();
        let mut command = Command::new("strace");
        command.arg("-y").arg("-o").arg(self.trace_file());
        if let Some(inject) = inject {
            command.args(["-e", &format!("inject={inject}")]);
        }
        command.args(["-p", &thread.to_string()]);
        self.at_home(&mut command);
        let mut strace = SecondProcess::spawn(&mut command);
        wait_until("strace follows the thread", LIMIT, || {
            !self.trace().is_empty() || strace.has_ended()
        });
        strace
    }

    /// A command under strace, which writes the calls of its first thread to a file, and tampers with one of them.
    ///
    /// Only the first thread: other threads and children come and go at their own pace, and each would be counted by
    /// itself, so that a number would mean several calls.
    pub fn traced(&self, inject: Option<&str>, program: &[&str]) -> Command {
        let mut command = Command::new("strace");
        // With what each descriptor stands for, which tells files from pipes.
        command.arg("-y").arg("-o").arg(self.trace_file());
        if let Some(inject) = inject {
            let name = inject.split(':').next().unwrap_or_default();
            command.args([
                "-e",
                &format!("trace={name}"),
                "-e",
                &format!("inject={inject}"),
            ]);
        }
        command.arg("--").args(self.resolved(program));
        self.at_home(&mut command);
        command
    }

    /// What strace wrote last.
    pub fn trace(&self) -> String {
        let bytes = fs::read(self.trace_file()).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Removes what strace wrote, so that what is there next is of the next run.
    pub fn forget_trace(&self) {
        fs::remove_file(self.trace_file()).ok();
    }

    fn trace_file(&self) -> PathBuf {
        self.scratch("trace")
    }

    fn at_home(&self, command: &mut Command) {
        without_settings(command);
        command.current_dir(&self.root);
    }

    /// `STORY` stands for the program under test, `TOKEN` for the token of the story's lock.
    fn resolved(&self, arguments: &[&str]) -> Vec<OsString> {
        let resolve = |argument: &&str| match *argument {
            "STORY" => self.context.story.clone().into_os_string(),
            "TOKEN" => self.token().into(),
            other => other.into(),
        };
        arguments.iter().map(resolve).collect()
    }

    fn token(&self) -> String {
        let status = finish(&mut self.story(&["lock", "status", ID, "--json"]));
        serde_json::from_str::<serde_json::Value>(&status.stdout)
            .ok()
            .and_then(|status| Some(status.get("token")?.as_str()?.to_owned()))
            .unwrap_or_default()
    }

    /// Leaves what a writer leaves that is killed in the middle of its commit: its lock, and the version it displaced.
    ///
    /// Returns the name that the displaced version has.
    pub fn crash_in_commit(&self) -> String {
        let command = ["STORY", "set", ID, "--inc", "retry_count"];
        finish(&mut self.traced(Some("unlinkat:signal=KILL:when=1"), &command));
        let names = self.leftovers().expect("nothing else is touched");
        match names.as_slice() {
            [displaced, sidecar] if sidecar == "story.md.lock" => displaced.clone(),
            other => panic!("a killed writer leaves its lock and what it displaced: {other:?}"),
        }
    }
}

/// Runs a command to its end, and that of all that has its output; its standard input is empty.
pub fn finish(command: &mut Command) -> Finished {
    SecondProcess::spawn(command).wait(LIMIT)
}

/// Makes a file or folder look much older than the machine's uptime.
pub fn make_ancient(path: &Path) {
    testkit::set_age(path, Duration::from_hours(24 * 365 * 5));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_is_known_only_byte_by_byte() {
        let version = Version {
            author: Author::Person,
            count: 12,
        };
        let text = version.text();
        assert_eq!(
            Version::of(text.as_bytes()),
            Some(version),
            "as it was written"
        );
        assert_eq!(Version::of(&text.as_bytes()[..5000]), None, "cut off");
        assert_eq!(Version::of(b""), None, "empty");
        let mixed = text.replace("As a person saved it", "As it was");
        assert_eq!(Version::of(mixed.as_bytes()), None, "of two versions");
    }
}
