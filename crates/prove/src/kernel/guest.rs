//! A whole kernel as a process: Debian's user-mode-linux, with this machine's files as its root, read-only.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use testkit::SecondProcess;

use crate::case::Skip;
use crate::context::{need_programs, need_root};

/// What every guest script begins with.
const PRELUDE: &str = include_str!("prelude.sh");

/// The last word of a guest whose script is done.
const END: &str = "end";

/// What a guest is made of.
pub struct Machine<'a> {
    /// A folder of this machine for its script and its control files.
    pub folder: &'a Path,
    /// What it does, after the prelude: a script for bash.
    pub script: &'a str,
    /// Variables of the script.
    pub settings: &'a [(&'a str, &'a str)],
    /// Images that it sees as /dev/ubda, /dev/ubdb and so on.
    pub disks: &'a [&'a Path],
    /// How long it may live.
    pub limit: Duration,
}

/// A running guest. Dropping it is the power cut of a whole kernel.
pub struct Guest {
    process: SecondProcess,
    deadline: Instant,
    limit: Duration,
    /// Kernel messages and errors of the script: what is worth printing when something went wrong.
    noise: Vec<String>,
}

/// Skips unless guests can be started here and these programs are there for them.
pub fn need_guests(programs: &[&str]) -> Result<(), Skip> {
    need_root()?;
    need_programs(&["linux.uml", "bash", "setpriv", "unshare"])?;
    need_programs(programs)
}

impl Machine<'_> {
    /// Starts it.
    pub fn boot(&self) -> Guest {
        let script = self.folder.join("guest.sh");
        fs::File::create(&script)
            .and_then(|mut file| file.write_all(self.text().as_bytes()))
            .expect("the build folder can be written");
        // The kernel makes itself the leader of a session, so that no signal to our group reaches it. But it ends with its
        // process namespace, which ends with `unshare`, which ends with us.
        let mut command = Command::new("setpriv");
        command
            .arg("--pdeathsig=KILL")
            .args(["unshare", "--pid", "--fork", "--kill-child=KILL"])
            .arg("linux.uml")
            .args([
                "root=/dev/root",
                "rootfstype=hostfs",
                "rootflags=/",
                "ro",
                "mem=384M",
            ])
            .args([
                "quiet",
                "loglevel=1",
                "con=null",
                "con0=null,fd:1",
                "con1=null",
            ])
            .arg(format!("uml_dir={}/", self.folder.display()))
            .arg("umid=guest")
            .args(
                self.disks
                    .iter()
                    .enumerate()
                    .map(|(index, disk)| format!("ubd{index}={}", disk.display())),
            )
            .args(["init=/bin/bash", "--"])
            .arg(&script);
        Guest {
            process: SecondProcess::spawn(&mut command),
            deadline: Instant::now() + self.limit,
            limit: self.limit,
            noise: Vec::new(),
        }
    }

    fn text(&self) -> String {
        let settings = self.settings.iter().map(|(name, value)| {
            assert!(
                !value.contains('\''),
                "a value for the script needs no quotes"
            );
            format!("{name}='{value}'\n")
        });
        settings
            .chain([PRELUDE, self.script].map(str::to_owned))
            .collect()
    }
}

impl Guest {
    /// Waits for its next line for us; `Ok(None)` when its script is done.
    ///
    /// # Errors
    ///
    /// What this machine lacks, in the guest's words.
    ///
    /// # Panics
    ///
    /// When its time is up, or when it ends before its script.
    pub fn next(&mut self) -> Result<Option<String>, Skip> {
        loop {
            let left = self.deadline.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero(),
                "the guest took more than {:?}: {:?}",
                self.limit,
                self.noise
            );
            let Some(line) = self.process.next_line(left) else {
                panic!("the guest ended early: {:?}", self.noise);
            };
            match said(&line) {
                Some(END) => return Ok(None),
                Some(word) => match word.strip_prefix("lacks ") {
                    Some(what) => return Err(Skip::because(format!("the guest lacks {what}"))),
                    None => return Ok(Some(word.to_owned())),
                },
                None => self.noise.push(line),
            }
        }
    }

    /// All its lines for us until its script is done.
    ///
    /// # Errors
    ///
    /// As [`Guest::next`].
    pub fn all(mut self) -> Result<Vec<String>, Skip> {
        let mut lines = Vec::new();
        while let Some(line) = self.next()? {
            lines.push(line);
        }
        Ok(lines)
    }

    /// Ends the whole kernel in the middle of whatever it does, and returns what it had said until then.
    pub fn cut(self) -> Vec<String> {
        let unread = self.process.kill_9().stdout;
        // A line without its end was not said.
        unread
            .split_inclusive('\n')
            .filter_map(|line| line.strip_suffix('\n'))
            .filter_map(|line| said(line.trim_end_matches('\r')))
            .map(str::to_owned)
            .collect()
    }
}

fn said(line: &str) -> Option<&str> {
    line.strip_prefix('@')
}

/// An image of `megabytes` with the file system that `mkfs` and its arguments make.
pub fn image(folder: &Path, name: &str, megabytes: u64, mkfs: &[&str]) -> Result<PathBuf, Skip> {
    let path = folder.join(name);
    let made = fs::File::create(&path).and_then(|file| file.set_len(megabytes << 20));
    made.map_err(|err| Skip::because(format!("{}: {err}", path.display())))?;
    crate::context::prepare(Command::new(mkfs[0]).args(&mkfs[1..]).arg(&path))?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_for_the_host_are_heard() {
        assert_eq!(said("@ack a 3"), Some("ack a 3"), "a line for us");
        assert_eq!(
            said("EXT4-fs (ubda): recovery complete"),
            None,
            "the kernel's own"
        );
    }
}
