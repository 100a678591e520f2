//! Systems without Unix signals.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use super::Received;

/// How often to look whether a child has ended; chosen.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// No signals: a console event ends the process, and the next owner adopts its lock.
pub fn watch_signals(_receive: impl Fn(Received) + Send + 'static) -> io::Result<()> {
    Ok(())
}

/// No signals.
pub fn note_signals() -> io::Result<()> {
    Ok(())
}

/// Nothing to do.
pub fn expect_children() -> io::Result<()> {
    Ok(())
}

/// No signals.
pub fn forget_arrived() {}

/// No signals.
pub fn arrived() -> Option<u8> {
    None
}

/// The paths of what lies in a folder, in order.
pub fn entries_of(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut entries = std::fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<Vec<_>>>()?;
    entries.sort();
    Ok(entries)
}

/// The path that git writes as these bytes, which are text here.
pub fn path_of_bytes(bytes: &[u8]) -> PathBuf {
    String::from_utf8_lossy(bytes).into_owned().into()
}

/// Nothing known.
pub fn advice(_err: &io::Error) -> Option<&'static str> {
    None
}

/// No signals.
pub fn forward(_child: u32, _number: u8) {}

/// Waits until the child has ended, for ever or for at most so long; returns whether it has.
pub fn wait_without_reaping(child: &mut Child, at_most: Option<Duration>) -> io::Result<bool> {
    let Some(at_most) = at_most else {
        return child.wait().map(|_| true);
    };
    let deadline = Instant::now() + at_most;
    loop {
        let has_ended = child.try_wait()?.is_some();
        let left = deadline.saturating_duration_since(Instant::now());
        if has_ended || left.is_zero() {
            return Ok(has_ended);
        }
        thread::sleep(left.min(LOOK_AGAIN));
    }
}

/// Ends a child; there is no way to ask.
pub fn end_child(child: &mut Child, _ending: super::Ending) {
    child.kill().ok();
}

/// The user's editor on a file; the setting may hold arguments.
pub fn editor(setting: &OsStr, file: &Path) -> Command {
    let setting = setting.to_string_lossy();
    let mut words = setting.split_whitespace();
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words).arg(file);
    command
}

/// Makes a folder; the user's temporary folder is private already.
pub fn make_private_folder(path: &Path) -> io::Result<()> {
    std::fs::create_dir(path)
}

/// Nothing to do: git runs a hook by its first line.
pub fn make_executable(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// It lies in a private folder.
pub fn make_private(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// The exit code that passes a child's end on.
pub fn exit_code(status: ExitStatus) -> u8 {
    status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .unwrap_or(1)
}

/// No signals.
pub fn ending_signal(_status: ExitStatus) -> Option<i32> {
    None
}

/// Nothing known.
pub fn mounts_and_device(_folder: &Path) -> Option<(String, String)> {
    None
}

/// Nothing known.
pub fn doubtful_file_system(_folder: &Path) -> Option<&'static str> {
    None
}

/// Nothing known.
pub fn terminal_size() -> Option<(usize, usize)> {
    None
}

/// A line that is typed on the terminal; `None` at the end of it.
pub fn line_from_terminal() -> Option<String> {
    let mut line = String::new();
    let count = io::stdin().read_line(&mut line).ok()?;
    (count > 0).then_some(line)
}

/// No signals.
pub fn note_resize() {}

/// What tells one version of a file from another without reading it: length, and when it was last written.
pub fn stamp(metadata: &std::fs::Metadata) -> Stamp {
    (metadata.len(), metadata.modified().ok())
}

/// See [`stamp`].
pub type Stamp = (u64, Option<std::time::SystemTime>);
