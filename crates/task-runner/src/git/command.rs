//! One git command: what it runs in, what it is given, what it answers.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Seek as _};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use super::error::GitError;
use crate::sys;

/// What git itself calls local to one repository (`git rev-parse --local-env-vars`), but for its configuration, which stays
/// the user's; and what changes the meaning of paths, attributes or answers.
const FOREIGN: [&str; 23] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_OBJECT_DIRECTORY",
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_GRAFT_FILE",
    "GIT_INDEX_FILE",
    "GIT_INDEX_VERSION",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_REPLACE_REF_BASE",
    "GIT_PREFIX",
    "GIT_SHALLOW_FILE",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_ATTR_SOURCE",
    "GIT_GLOB_PATHSPECS",
    "GIT_NOGLOB_PATHSPECS",
    "GIT_ICASE_PATHSPECS",
    "GIT_EXTERNAL_DIFF",
    "GIT_DIFF_OPTS",
    "GIT_REFLOG_ACTION",
    "GIT_QUARANTINE_PATH",
    "GIT_CONFIG",
];

/// What holds for every command, whatever the user has configured: no programs of the user's run but the filters of files,
/// nothing tidies up beside us, names come as they are, and what the record says is what the disk says.
const SETTINGS: [&str; 17] = [
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.splitIndex=false",
    "core.quotePath=false",
    "core.safecrlf=false",
    "core.checkStat=default",
    "core.trustctime=true",
    "core.preloadIndex=true",
    "index.sparse=false",
    "index.recordEndOfIndexEntries=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "i18n.commitEncoding=UTF-8",
    "i18n.logOutputEncoding=UTF-8",
    "advice.addEmbeddedRepo=false",
    "advice.objectNameWarning=false",
    "diff.renames=false",
];

/// A git command that is put together; nothing runs before [`Git::run`].
#[derive(Debug)]
#[must_use = "a command does nothing before `run`"]
pub struct Git {
    command: Command,
    words: Vec<OsString>,
    input: Vec<u8>,
}

impl Git {
    /// A command that looks for its repository upwards from `folder`.
    pub(super) fn found_from(folder: &Path) -> Self {
        let mut command = Command::new("git");
        command.current_dir(folder);
        for name in FOREIGN {
            command.env_remove(name);
        }
        for setting in SETTINGS {
            command.arg("-c").arg(setting);
        }
        command
            .env("LC_ALL", "C")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_LITERAL_PATHSPECS", "1")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .env("GIT_AUTHOR_NAME", "story")
            .env("GIT_AUTHOR_EMAIL", "story@localhost")
            .env("GIT_COMMITTER_NAME", "story")
            .env("GIT_COMMITTER_EMAIL", "story@localhost");
        Self {
            command,
            words: Vec::new(),
            input: Vec::new(),
        }
    }

    /// Binds it to one repository: without that a task that deletes `.git` would make git find a repository further up.
    pub(super) fn bound_to(mut self, git_dir: &Path, top: &Path) -> Self {
        self.command
            .env("GIT_DIR", git_dir)
            .env("GIT_WORK_TREE", top);
        self
    }

    /// Sets a configuration value for this command only, `section.key=value`.
    pub fn set(mut self, setting: &str) -> Self {
        self.command.arg("-c").arg(setting);
        self
    }

    /// Adds words. Paths belong into [`Git::input`]: the number of words is limited.
    pub fn args<I: IntoIterator<Item: AsRef<OsStr>>>(mut self, words: I) -> Self {
        let words = words.into_iter();
        self.words
            .extend(words.map(|word| word.as_ref().to_owned()));
        self
    }

    /// Works on another index than the user's.
    pub fn index(mut self, index: &Path) -> Self {
        self.command.env("GIT_INDEX_FILE", index);
        self
    }

    /// Sets a variable of the environment.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Bytes for its standard input.
    pub fn input(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.input = bytes.into();
        self
    }

    /// Runs it to its end. Answers what it wrote to its standard output.
    ///
    /// # Errors
    ///
    /// [`GitError::Failed`] for any exit code but zero; [`GitError::NotInstalled`], [`GitError::Io`].
    pub fn run(self) -> Result<Vec<u8>, GitError> {
        Ok(self.run_both()?.stdout)
    }

    /// Runs it to its end. Answers the one line that it wrote, without its end.
    ///
    /// # Errors
    ///
    /// As [`Git::run`]; [`GitError::Unexpected`] for what is not UTF-8.
    pub fn run_line(self) -> Result<String, GitError> {
        let command = self.text();
        let bytes = self.run()?;
        let line = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
        String::from_utf8(line.to_vec()).map_err(|_| GitError::Unexpected {
            command,
            answer: "not UTF-8".to_owned(),
        })
    }

    /// Runs it to its end. `None` where it ends with exit code 1, by which many commands say "there is none".
    ///
    /// # Errors
    ///
    /// As [`Git::run`] for other exit codes.
    pub fn run_if_any(self) -> Result<Option<Vec<u8>>, GitError> {
        match self.run() {
            Ok(bytes) => Ok(Some(bytes)),
            Err(GitError::Failed { code: Some(1), .. }) => Ok(None),
            Err(err) => Err(err),
        }
    }

    /// Runs it to its end. Answers both of its outputs: some commands only warn where they leave something out.
    ///
    /// # Errors
    ///
    /// As [`Git::run`].
    pub fn run_both(self) -> Result<Output, GitError> {
        let text = self.text();
        let output = self.finish()?;
        if output.status.success() {
            Ok(output)
        } else {
            Err(GitError::Failed {
                command: text,
                code: output.status.code(),
                stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            })
        }
    }

    /// Runs it to its end, however that is.
    pub(super) fn finish(mut self) -> Result<Output, GitError> {
        let text = self.text();
        let failed = |source| GitError::Io {
            command: text.clone(),
            source,
        };
        // One pipe only: with two, both sides could wait for each other, and a thread for the second is not always to be had.
        let stdin = match self.input.as_slice() {
            [] => Stdio::null(),
            input => sys::in_memory(input).map_err(failed)?.into(),
        };
        let mut stderr = sys::in_memory(&[]).map_err(failed)?;
        let to_stderr = second_handle(&stderr).map_err(failed)?;
        let mut child = self.start(stdin, to_stderr.into())?;
        let stdout = all_of(child.stdout.take());
        let status = child.wait().map_err(failed)?;
        let stderr = stderr.rewind().and_then(|()| all_of(Some(stderr)));
        Ok(Output {
            status,
            stdout: stdout.map_err(failed)?,
            stderr: stderr.map_err(failed)?,
        })
    }

    /// Starts it, to be talked with: standard input and output are pipes, what it says on stderr is lost.
    pub(super) fn talk(mut self) -> Result<(Child, String), GitError> {
        let text = self.text();
        let child = self.start(Stdio::piped(), Stdio::null())?;
        Ok((child, text))
    }

    fn start(&mut self, stdin: Stdio, stderr: Stdio) -> Result<Child, GitError> {
        // Settings may have come after words; git wants them before.
        self.command
            .args(&self.words)
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .map_err(|source| match source.kind() {
                // A folder that is gone is reported in the same way.
                io::ErrorKind::NotFound if self.folder_exists() => {
                    GitError::NotInstalled { source }
                }
                _ => GitError::Io {
                    command: self.text(),
                    source,
                },
            })
    }

    fn folder_exists(&self) -> bool {
        self.command.get_current_dir().is_none_or(Path::is_dir)
    }

    /// The command for people, without our settings, shortened.
    fn text(&self) -> String {
        const LONGEST: usize = 8;
        let mut text = "git".to_owned();
        for word in self.words.iter().take(LONGEST) {
            text.push(' ');
            text.push_str(&word.to_string_lossy());
        }
        if self.words.len() > LONGEST {
            text.push_str(" …");
        }
        text
    }
}

/// The same open file once more, whatever signals come.
fn second_handle(file: &File) -> io::Result<File> {
    loop {
        match file.try_clone() {
            Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
            cloned => return cloned,
        }
    }
}

/// Reads to the end.
fn all_of(source: Option<impl io::Read>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(mut source) = source {
        source.read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}
