//! A second process under the test's control: handshake by lines, signals, waiting with a deadline.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions, kill_process, kill_process_group, waitpid};

/// How a second process ended, with everything it wrote that was not read before.
#[derive(Debug)]
pub struct Finished {
    /// Its exit status.
    pub status: ExitStatus,
    /// The lines of stdout that nobody read, each with its line feed.
    pub stdout: String,
    /// All of stderr.
    pub stderr: String,
}

/// A running child whose stdin and stdout are pipes of the test.
///
/// It leads a process group of its own. Dropping it kills the whole group and reaps the child: no test leaves a process
/// behind, nor a grandchild that keeps a pipe open.
#[derive(Debug)]
pub struct SecondProcess {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    stderr: Option<JoinHandle<String>>,
    name: String,
}

impl SecondProcess {
    /// Starts `command` with piped streams.
    ///
    /// # Panics
    ///
    /// When the program cannot be started.
    pub fn spawn(command: &mut Command) -> Self {
        let name = format!("{command:?}");
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap_or_else(|err| panic!("cannot start {name}: {err}"));
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().expect("stdout was asked to be a pipe");
        let mut stderr = child.stderr.take().expect("stderr was asked to be a pipe");
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            let mut reader = BufReader::new(stdout);
            let mut line = String::new();
            while reader.read_line(&mut line).is_ok_and(|count| count > 0) {
                if sender.send(std::mem::take(&mut line)).is_err() {
                    return;
                }
            }
        });
        let stderr = std::thread::spawn(move || {
            let mut text = Vec::new();
            stderr.read_to_end(&mut text).ok();
            String::from_utf8_lossy(&text).into_owned()
        });
        Self {
            child,
            stdin,
            lines,
            stderr: Some(stderr),
            name,
        }
    }

    /// Starts `command` and waits until it prints the line `READY`.
    ///
    /// # Panics
    ///
    /// When the line does not come within `patience`.
    pub fn spawn_ready(command: &mut Command, patience: Duration) -> Self {
        let mut process = Self::spawn(command);
        process.expect_line("READY", patience);
        process
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has ended, without waiting.
    pub fn has_ended(&mut self) -> bool {
        !self.child.try_wait().is_ok_and(|status| status.is_none())
    }

    /// Waits for the next line of stdout and returns it without its end; `None` at the end of stdout.
    ///
    /// # Panics
    ///
    /// When nothing comes within `patience`.
    pub fn next_line(&mut self, patience: Duration) -> Option<String> {
        match self.lines.recv_timeout(patience) {
            Ok(line) => Some(line.trim_end_matches(['\r', '\n']).to_owned()),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => {
                panic!("{} printed no line within {patience:?}", self.name)
            }
        }
    }

    /// The lines of stdout that have come and were not read yet, without their ends. Does not wait.
    pub fn lines_so_far(&mut self) -> Vec<String> {
        let lines = self.lines.try_iter();
        lines
            .map(|line| line.trim_end_matches(['\r', '\n']).to_owned())
            .collect()
    }

    /// Reads lines until one equals `expected`; lines before it are dropped.
    ///
    /// # Panics
    ///
    /// When stdout ends first (stderr is in the message) or a line is not there within `patience`.
    pub fn expect_line(&mut self, expected: &str, patience: Duration) {
        while let Some(line) = self.next_line(patience) {
            if line == expected {
                return;
            }
        }
        let status = self.child.wait();
        let stderr = self.take_stderr();
        panic!(
            "{} ended ({status:?}) before the line {expected:?}; stderr:\n{stderr}",
            self.name
        );
    }

    /// Writes a line to its stdin.
    ///
    /// # Panics
    ///
    /// When stdin is closed.
    pub fn send_line(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("stdin is still open");
        stdin
            .write_all(format!("{line}\n").as_bytes())
            .unwrap_or_else(|err| panic!("{} does not read its stdin: {err}", self.name));
    }

    /// Closes its stdin.
    pub fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// Sends a signal.
    ///
    /// # Panics
    ///
    /// When the process has been reaped.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal)
            .unwrap_or_else(|err| panic!("cannot signal {}: {err}", self.name));
    }

    /// Stops it (SIGSTOP) and returns once the kernel says that it is stopped.
    ///
    /// # Panics
    ///
    /// When it ended instead.
    pub fn stop(&self) {
        self.signal(Signal::STOP);
        let (_, status) = waitpid(Some(self.pid()), WaitOptions::UNTRACED)
            .unwrap_or_else(|err| panic!("cannot wait for {}: {err}", self.name))
            .expect("a blocking wait returns a status");
        assert!(status.stopped(), "{} ended instead of stopping", self.name);
    }

    /// Lets a stopped process go on (SIGCONT).
    ///
    /// # Panics
    ///
    /// When the process has been reaped.
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    /// Kills it (SIGKILL) and reaps it: when this returns the kernel has dropped its locks.
    ///
    /// Children of its own are killed after it, so that their pipes close.
    ///
    /// # Panics
    ///
    /// When it cannot be waited for.
    pub fn kill_9(mut self) -> Finished {
        self.child.kill().ok();
        // Before it is reaped: until then nobody else can have its number.
        self.kill_group();
        self.finish()
    }

    /// Closes stdin and waits for the end.
    ///
    /// # Panics
    ///
    /// When it still runs after `patience`; it is killed then.
    pub fn wait(mut self, patience: Duration) -> Finished {
        self.stdin = None;
        let deadline = Instant::now() + patience;
        let mut unread = String::new();
        // The end of stdout is the event; a process that closes it early is polled for the rest.
        while let Ok(line) = self
            .lines
            .recv_timeout(deadline.saturating_duration_since(Instant::now()))
        {
            unread.push_str(&line);
        }
        while self.child.try_wait().is_ok_and(|status| status.is_none()) || !self.stderr_is_closed()
        {
            if Instant::now() >= deadline {
                self.kill_group();
                let finished = self.finish();
                panic!(
                    "{} still runs after {patience:?}: {unread:?}, then {finished:?}",
                    self.name
                );
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        let mut finished = self.finish();
        finished.stdout.insert_str(0, &unread);
        finished
    }

    fn finish(&mut self) -> Finished {
        let status = self
            .child
            .wait()
            .unwrap_or_else(|err| panic!("cannot reap {}: {err}", self.name));
        let stderr = self.take_stderr();
        Finished {
            status,
            stdout: self.lines.iter().collect(),
            stderr,
        }
    }

    fn take_stderr(&mut self) -> String {
        self.stderr
            .take()
            .and_then(|thread| thread.join().ok())
            .unwrap_or_default()
    }

    fn stderr_is_closed(&self) -> bool {
        self.stderr.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Only while the child is not reaped, or a member of its group is known to live: else its number may be another's.
    fn kill_group(&self) {
        kill_process_group(self.pid(), Signal::KILL).ok();
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }
}

impl Drop for SecondProcess {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|status| status.is_none()) {
            // SIGKILL reaches stopped processes, too.
            self.kill_group();
            self.child.wait().ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::Duration;

    use super::SecondProcess;

    const PATIENCE: Duration = Duration::from_secs(20);

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn second_process_shakes_hands_and_is_collected() {
        let mut process = SecondProcess::spawn_ready(
            &mut shell("echo READY; read x; echo got $x; echo no >&2; exit 3"),
            PATIENCE,
        );
        process.send_line("hello");
        let finished = process.wait(PATIENCE);
        assert_eq!(
            finished.status.code(),
            Some(3),
            "the exit code is passed on"
        );
        assert_eq!(finished.stdout, "got hello\n", "unread stdout is kept");
        assert_eq!(finished.stderr, "no\n", "stderr is kept");
    }

    #[test]
    fn second_process_stops_and_goes_on() {
        let mut process = SecondProcess::spawn_ready(
            &mut shell("echo READY; while read x; do echo $x; done"),
            PATIENCE,
        );
        process.stop();
        process.send_line("late");
        let quiet = process.lines.recv_timeout(Duration::from_millis(40));
        assert!(quiet.is_err(), "a stopped process answers nothing");
        process.resume();
        process.expect_line("late", PATIENCE);
        let finished = process.kill_9();
        assert_eq!(finished.status.code(), None, "it died of the signal");
    }
}
