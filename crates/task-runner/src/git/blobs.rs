//! Many objects read by one process, `git cat-file --batch`.

use std::io::{self, BufRead as _, BufReader, Read as _, Write};
use std::process::{Child, ChildStdout};

use super::command::Git;
use super::error::GitError;

/// A process that answers objects by their ids. It ends when this is dropped.
#[derive(Debug)]
pub struct Blobs {
    child: Child,
    answers: BufReader<ChildStdout>,
    command: String,
}

impl Blobs {
    pub(super) fn start(git: Git) -> Result<Self, GitError> {
        let (mut child, command) = git.talk()?;
        let stdout = child.stdout.take().expect("it was asked to be a pipe");
        Ok(Self {
            child,
            answers: BufReader::new(stdout),
            command,
        })
    }

    /// Reads one object into memory.
    ///
    /// # Errors
    ///
    /// [`GitError::Unexpected`] where it does not exist; [`GitError::Io`].
    pub fn read(&mut self, id: &str) -> Result<Vec<u8>, GitError> {
        let mut bytes = Vec::new();
        self.copy(id, &mut bytes)?;
        Ok(bytes)
    }

    /// Reads one object piece by piece. Answers its length in bytes.
    ///
    /// # Errors
    ///
    /// As [`Blobs::read`]; [`GitError::Io`] also where `to` takes no more. After an error this is of no more use.
    pub fn copy(&mut self, id: &str, to: &mut dyn Write) -> Result<u64, GitError> {
        let length = self.ask(id)?;
        let copied = io::copy(&mut (&mut self.answers).take(length), to);
        let mut end = [0];
        copied
            .and_then(|copied| {
                if copied < length {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                self.answers.read_exact(&mut end)?;
                Ok(copied)
            })
            .map_err(|source| self.failed(source))
    }

    fn ask(&mut self, id: &str) -> Result<u64, GitError> {
        let stdin = self
            .child
            .stdin
            .as_mut()
            .expect("it was asked to be a pipe");
        let mut answer = String::new();
        writeln!(stdin, "{id}")
            .and_then(|()| stdin.flush())
            .and_then(|()| self.answers.read_line(&mut answer))
            .map_err(|source| self.failed(source))?;
        // "<id> <type> <length>", or "<id> missing".
        let mut words = answer.split_whitespace().skip(2);
        words
            .next()
            .and_then(|length| length.parse().ok())
            .ok_or_else(|| GitError::Unexpected {
                command: self.command.clone(),
                answer: format!("{id}: {}", answer.trim_end()),
            })
    }

    fn failed(&self, source: io::Error) -> GitError {
        GitError::Io {
            command: self.command.clone(),
            source,
        }
    }
}

impl Drop for Blobs {
    fn drop(&mut self) {
        // It ends by itself when its input is closed, but not while an answer nobody reads fills the pipe.
        drop(self.child.stdin.take());
        let ended = self.child.kill().and_then(|()| self.child.wait());
        if let Err(err) = ended {
            tracing::warn!(%err, "cannot end git cat-file");
        }
    }
}
