//! What git says about files, asked of git itself.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// Which of `paths` git does not ignore in the repository at `top_level`.
///
/// # Errors
///
/// When git is not installed, or does not answer; the text is git's own.
pub fn not_ignored(top_level: &Path, paths: &[PathBuf]) -> io::Result<Vec<PathBuf>> {
    let (given, output) = Command::new("git")
        .arg("-C")
        .arg(top_level)
        // Whether a name is tracked already does not matter: the rule is looked for.
        .args(["check-ignore", "--no-index", "-z", "--stdin"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .and_then(|mut child| {
            use std::io::Write as _;
            let mut names = Vec::new();
            for path in paths {
                names.extend_from_slice(path.as_os_str().as_encoded_bytes());
                names.push(0);
            }
            // A few short names: the pipe takes them before git has to read.
            let stdin = child.stdin.take();
            let given = stdin.map_or(Ok(()), |mut stdin| stdin.write_all(&names));
            Ok((given, outcome(child)?))
        })?;
    // 0: some are ignored; 1: none is.
    if !matches!(output.status.code(), Some(0 | 1)) {
        return Err(refused(&output));
    }
    // A git that refuses the repository does not read what it is given: its own words come first.
    given?;
    let ignored: Vec<OsString> = output
        .stdout
        .split(|byte| *byte == 0)
        .map(|name| String::from_utf8_lossy(name).into_owned().into())
        .collect();
    Ok(paths
        .iter()
        .filter(|path| !ignored.contains(&path.to_string_lossy().into_owned().into()))
        .cloned()
        .collect())
}

/// The files with an ending that the index of the working tree at `top_level` has: their paths from there, as git writes them.
///
/// # Errors
///
/// When git is not installed, or does not answer; the text is git's own.
pub fn tracked_with_ending(top_level: &Path, ending: &str) -> io::Result<Vec<Vec<u8>>> {
    let pattern = format!(":(top,glob)**/*.{ending}");
    let output = answer(top_level, &["ls-files", "-z", "--", &pattern])?;
    if !output.status.success() {
        return Err(refused(&output));
    }
    let names = output.stdout.split(|byte| *byte == 0);
    Ok(names
        .filter(|name| !name.is_empty())
        .map(<[u8]>::to_vec)
        .collect())
}

/// The value of a key in the repository's own configuration.
///
/// # Errors
///
/// When git is not installed, or does not answer; the text is git's own.
pub fn configured(top_level: &Path, key: &str) -> io::Result<Option<String>> {
    let output = answer(top_level, &["config", "--local", "--get", key])?;
    let text = String::from_utf8_lossy(&output.stdout)
        .trim_end()
        .to_owned();
    match output.status.code() {
        Some(0) => Ok(Some(text)),
        Some(1) => Ok(None),
        _ => Err(refused(&output)),
    }
}

/// The value of an attribute for a file; `unspecified` where there is none.
///
/// # Errors
///
/// As [`configured`].
pub fn attribute(top_level: &Path, name: &str, file: &Path) -> io::Result<String> {
    let file = file.to_string_lossy();
    let output = answer(top_level, &["check-attr", "-z", name, "--", &file])?;
    if !output.status.success() {
        return Err(refused(&output));
    }
    // The file, the attribute, its value.
    let value = output.stdout.split(|byte| *byte == 0).nth(2);
    Ok(String::from_utf8_lossy(value.unwrap_or_default()).into_owned())
}

/// Sets a key in the repository's own configuration.
///
/// # Errors
///
/// As [`configured`].
pub fn configure(top_level: &Path, key: &str, value: &str) -> io::Result<()> {
    let output = answer(top_level, &["config", "--local", key, value])?;
    if output.status.success() {
        Ok(())
    } else {
        Err(refused(&output))
    }
}

/// Where git looks for the hooks of a repository.
#[derive(Debug)]
pub struct Hooks {
    /// The folder; it need not exist.
    pub folder: PathBuf,
    /// Whether it lies in the repository, in its files or in git's own: else other repositories may use it too.
    pub is_own: bool,
}

/// Finds the hooks; `core.hooksPath` is honoured.
///
/// # Errors
///
/// As [`configured`].
pub fn hooks(top_level: &Path) -> io::Result<Hooks> {
    let folder = top_level.join(path_of(top_level, &["--git-path", "hooks"])?);
    let common = top_level.join(path_of(top_level, &["--git-common-dir"])?);
    let resolved = deepest_resolved(&folder);
    let is_within =
        |home: &Path| std::fs::canonicalize(home).is_ok_and(|home| resolved.starts_with(home));
    let is_own = is_within(top_level) || is_within(&common);
    Ok(Hooks { folder, is_own })
}

/// The nearest folder upwards that exists, links followed.
fn deepest_resolved(folder: &Path) -> PathBuf {
    let mut existing = folder.ancestors().map(std::fs::canonicalize);
    existing.find_map(Result::ok).unwrap_or_default()
}

/// What is about to be committed.
#[derive(Debug)]
pub struct Staged {
    /// The top level of the working tree.
    pub top_level: PathBuf,
    /// The files that are added, changed or removed, from the top level; of one that is renamed both names.
    pub files: Vec<PathBuf>,
}

/// Looks at what would be committed in the working tree that holds `folder`. In a hook git itself says which index is meant.
///
/// # Errors
///
/// As [`configured`]; also where there is no working tree.
pub fn staged(folder: &Path) -> io::Result<Staged> {
    let top_level = path_of(folder, &["--show-toplevel"])?;
    let arguments = [
        "diff",
        "--cached",
        "--name-only",
        "--no-renames",
        "--no-ext-diff",
        "--no-relative",
        "-z",
    ];
    let output = answer(folder, &arguments)?;
    if !output.status.success() {
        return Err(refused(&output));
    }
    let names = output.stdout.split(|byte| *byte == 0);
    let files = names
        .filter(|name| !name.is_empty())
        .map(|name| String::from_utf8_lossy(name).into_owned().into())
        .collect();
    Ok(Staged { top_level, files })
}

/// A path that `git rev-parse` answers with, as it stands.
fn path_of(folder: &Path, question: &[&str]) -> io::Result<PathBuf> {
    let output = answer(folder, &[&["rev-parse"], question].concat())?;
    if !output.status.success() {
        return Err(refused(&output));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.strip_suffix('\n').unwrap_or(&text);
    Ok(line.strip_suffix('\r').unwrap_or(line).into())
}

fn refused(output: &Output) -> io::Error {
    let text = String::from_utf8_lossy(&output.stderr);
    io::Error::other(text.trim().to_owned())
}

/// Runs git, whose answer is short.
fn answer(top_level: &Path, arguments: &[&str]) -> io::Result<Output> {
    let child = Command::new("git")
        .arg("-C")
        .arg(top_level)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    outcome(child)
}

/// What git says, which is short, and how it ended. Not by `wait_with_output`, which panics when a pipe cannot be read.
fn outcome(mut child: Child) -> io::Result<Output> {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let read = read_to_end(child.stdout.take(), &mut stdout)
        .and_then(|()| read_to_end(child.stderr.take(), &mut stderr));
    let status = child.wait()?;
    read.map(|()| Output {
        status,
        stdout,
        stderr,
    })
}

fn read_to_end(pipe: Option<impl io::Read>, bytes: &mut Vec<u8>) -> io::Result<()> {
    pipe.map_or(Ok(()), |mut pipe| pipe.read_to_end(bytes).map(drop))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn git_that_reads_nothing_is_told_in_its_own_words() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        // More than a pipe holds, so that git has gone before all is written.
        let names = vec![PathBuf::from("some/name"); 100_000];
        let err = not_ignored(folder.path(), &names).expect_err("this is no repository");
        assert!(err.to_string().contains("not a git repository"), "{err}");
    }
}
