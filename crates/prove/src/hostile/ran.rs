//! One run of `story` among hostile files, and what every answer must satisfy whatever was found.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// The longest that one run may take. A promise is far below it: what hangs, hangs for ever.
const LIMIT_SECONDS: &str = "20";
/// What `timeout` exits with when it had to end the program.
const TIMED_OUT: i32 = 124;

/// A run of `story` under preparation.
#[derive(Debug, Clone)]
pub struct Run {
    story: PathBuf,
    folder: PathBuf,
    arguments: Vec<OsString>,
    variables: Vec<(OsString, OsString)>,
    input: Vec<u8>,
    memory: Option<u64>,
    user: Option<u32>,
    under: Vec<OsString>,
}

impl Run {
    /// A run of `story ARGUMENTS` in `folder`.
    pub fn new<A: AsRef<OsStr>>(
        story: &Path,
        folder: &Path,
        arguments: impl IntoIterator<Item = A>,
    ) -> Self {
        let arguments = arguments.into_iter();
        Self {
            story: story.to_owned(),
            folder: folder.to_owned(),
            arguments: arguments.map(|text| text.as_ref().to_owned()).collect(),
            variables: Vec::new(),
            input: Vec::new(),
            memory: None,
            user: None,
            under: Vec::new(),
        }
    }

    /// With more arguments.
    pub fn args<A: AsRef<OsStr>>(mut self, arguments: &[A]) -> Self {
        let more = arguments.iter().map(|text| text.as_ref().to_owned());
        self.arguments.extend(more);
        self
    }

    /// With one argument more.
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// With its answers in JSON.
    pub fn json(mut self) -> Self {
        self.arguments.insert(0, "--json".into());
        self
    }

    /// With a variable of the environment.
    pub fn variable(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.variables
            .push((name.into(), value.as_ref().to_owned()));
        self
    }

    /// With these bytes on stdin.
    pub fn input(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.input = bytes.into();
        self
    }

    /// With at most so many bytes of address space.
    pub fn memory(mut self, bytes: u64) -> Self {
        self.memory = Some(bytes);
        self
    }

    /// As this user, who must be able to read the program.
    pub fn user(mut self, id: u32) -> Self {
        self.user = Some(id);
        self
    }

    /// As the child of another program, such as a tracer.
    pub fn under(mut self, program: &str, arguments: &[&str]) -> Self {
        self.under = [&[program], arguments]
            .concat()
            .into_iter()
            .map(OsString::from)
            .collect();
        self
    }

    fn command(&self) -> Command {
        let mut command = Command::new("timeout");
        command.args(["--kill-after=1", LIMIT_SECONDS]);
        if let Some(bytes) = self.memory {
            command.args(["prlimit", &format!("--as={bytes}")]);
        }
        command
            .args(&self.under)
            .arg(&self.story)
            .args(&self.arguments);
        testkit::without_settings(&mut command);
        command
            .env("NO_COLOR", "1")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.folder);
        if let Some(id) = self.user {
            std::os::unix::process::CommandExt::uid(&mut command, id);
            std::os::unix::process::CommandExt::gid(&mut command, id);
        }
        command
    }

    /// Runs it with its output in pipes, as programs do.
    pub fn piped(&self) -> Ran {
        let mut child = self
            .command()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("timeout starts");
        let mut stdin = child.stdin.take().expect("stdin is a pipe");
        let input = self.input.clone();
        // Beside the reading: either side may have more than a pipe holds. Who stops reading early has reasons.
        let writer = std::thread::spawn(move || stdin.write_all(&input).ok());
        let output = child.wait_with_output().expect("it can be waited for");
        writer.join().expect("the writer does not panic");
        Ran {
            call: self.to_string(),
            is_json: ["--json", "apply"]
                .iter()
                .any(|word| self.arguments.first().is_some_and(|first| first == word)),
            status: output.status,
            stdout: output.stdout,
            stderr: output.stderr,
        }
    }

    /// Runs it with its output on a terminal, as people do: all that it shows is in `stdout`.
    pub fn on_terminal(&self) -> Ran {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("there are terminals");
        grantpt(&master).expect("the terminal is ours");
        unlockpt(&master).expect("the terminal is ours");
        let name = ptsname(&master, Vec::new()).expect("the terminal has a name");
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let terminal = openat(CWD, name, flags, Mode::empty()).expect("the terminal opens");
        let terminal = File::from(terminal);
        let another = || terminal.try_clone().expect("a descriptor can be copied");
        let mut child = self
            .command()
            .stdin(Stdio::null())
            .stdout(another())
            .stderr(another())
            .spawn()
            .expect("timeout starts");
        let reader = std::thread::spawn(move || {
            let mut shown = Vec::new();
            // Ends with an error when the last descriptor of the other side is closed.
            File::from(master).read_to_end(&mut shown).ok();
            shown
        });
        let status = child.wait().expect("it can be waited for");
        drop(terminal);
        Ran {
            call: format!("{self} (on a terminal)"),
            is_json: false,
            status,
            stdout: reader.join().expect("the reader does not panic"),
            stderr: Vec::new(),
        }
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "story")?;
        for argument in &self.arguments {
            let text = argument.to_string_lossy();
            let short: String = text.chars().take(80).collect();
            write!(f, " {short:?}")?;
        }
        for (name, value) in &self.variables {
            write!(f, " with {}={}", name.display(), value.display())?;
        }
        Ok(())
    }
}

/// How a run ended.
#[derive(Debug)]
pub struct Ran {
    call: String,
    is_json: bool,
    status: ExitStatus,
    /// What it printed; on a terminal all that was shown.
    pub stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl Ran {
    /// The exit code; -1 where a signal ended it.
    pub fn exit(&self) -> i32 {
        self.status.code().unwrap_or(-1)
    }

    /// What it said, short enough for a line.
    pub fn words(&self) -> String {
        let all = [self.stdout.as_slice(), &self.stderr].concat();
        let text: String = String::from_utf8_lossy(&all).chars().take(300).collect();
        format!("{} exited {}: {text:?}", self.call, self.status)
    }

    /// What holds for every answer: an exit code of the table in the README, no panic, nothing that a terminal would act
    /// on in what is for people, and JSON where JSON was asked for.
    pub fn check(&self) -> Result<(), String> {
        let wrong = |what: &str| Err(format!("{what}: {}", self.words()));
        match self.status.code() {
            Some(0..=9) => {}
            Some(TIMED_OUT) => return wrong("hangs"),
            _ => return wrong("no exit code of ours"),
        }
        if contains(&self.stderr, b"panicked") || contains(&self.stdout, b"panicked at") {
            return wrong("panicked");
        }
        if let Some(harm) = first_harm(&self.stderr) {
            return wrong(&format!("stderr carries {harm}"));
        }
        if self.is_json {
            let lines = self.stdout.split_inclusive(|byte| *byte == b'\n');
            for line in lines {
                if serde_json::from_slice::<serde_json::Value>(line).is_err() {
                    return wrong("a line is no JSON");
                }
            }
            if let Some(harm) = first_harm(&self.stdout) {
                return wrong(&format!("the JSON carries {harm}"));
            }
        }
        Ok(())
    }

    /// As [`Ran::check`], and the terminal was shown nothing that it would act on.
    pub fn check_terminal(&self) -> Result<(), String> {
        self.check()?;
        match first_harm(&self.stdout) {
            None => Ok(()),
            Some(harm) => Err(format!("a terminal would act on {harm}: {}", self.words())),
        }
    }

    /// As [`Ran::check`], and the exit code is one of these.
    pub fn check_exit(&self, expected: &[i32]) -> Result<(), String> {
        self.check()?;
        if expected.contains(&self.exit()) {
            Ok(())
        } else {
            Err(format!("exit {expected:?} expected: {}", self.words()))
        }
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// The first thing in it that a terminal would act on, with what stands around: control characters but line ends and
/// tabs, characters that turn the direction of others, bytes that are no text.
fn first_harm(bytes: &[u8]) -> Option<String> {
    let around = |at: usize| {
        let around = &bytes[at.saturating_sub(30)..bytes.len().min(at + 30)];
        String::from_utf8_lossy(around).into_owned()
    };
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(err) => return Some(around(err.valid_up_to())),
    };
    text.char_indices()
        .find(|(at, c)| {
            let is_line_end = *c == '\n' || (*c == '\r' && text[at + 1..].starts_with('\n'));
            let is_control = c.is_control() && *c != '\t' && !is_line_end;
            is_control
                || matches!(
                    c,
                    '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}'
                )
                || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        })
        .map(|(at, c)| format!("{c:?} in {:?}", around(at)))
}

#[cfg(test)]
mod tests {
    use super::first_harm;

    #[test]
    fn first_harm_knows_what_a_terminal_acts_on() {
        assert!(
            first_harm("plain\tÜñ 日本\r\n".as_bytes()).is_none(),
            "text and line ends"
        );
        for text in [
            "\u{1b}[2J",
            "a\rb",
            "\u{9b}1m",
            "\u{202e}x",
            "\u{7}",
            "\u{7f}",
        ] {
            assert!(first_harm(text.as_bytes()).is_some(), "{text:?}");
        }
        assert!(first_harm(b"\xff").is_some(), "no text at all");
    }
}
