//! Where the text of a new story comes from, and which files may be offered as one (contract, section 6).

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::failure::{Code, Failure};
use crate::failure_sources::code_of_io;
use crate::places::working_folder;

/// The largest text that is taken, in bytes.
const MAX_BYTES: u64 = 10 * 1024 * 1024;

const ENDINGS: [&str; 3] = ["md", "txt", "markdown"];

/// A text, and the title that its place gives it.
#[derive(Debug)]
pub struct Given {
    /// The text.
    pub text: String,
    /// The name of its file, without its ending.
    pub name: Option<String>,
}

/// Reads what `--body` says: `@FILE`, `-` or `@-` for standard input, else the text itself.
///
/// # Errors
///
/// `EREFUSED` for a file that may not be offered, `EPARSE` for bytes that are no text, or as for any file.
pub fn read(given: &str) -> Result<Given, Failure> {
    match given {
        "-" | "@-" => stdin(),
        text => match text.strip_prefix('@') {
            Some(file) => from_file(Path::new(file)),
            None => Ok(Given {
                text: text.to_owned(),
                name: None,
            }),
        },
    }
}

fn stdin() -> Result<Given, Failure> {
    let mut bytes = Vec::new();
    let read = io::stdin()
        .lock()
        .take(MAX_BYTES + 1)
        .read_to_end(&mut bytes);
    if let Err(err) = read {
        let headline = "cannot read the body from standard input";
        return Err(Failure::new(code_of_io(&err), headline).cause(err.to_string()));
    }
    if bytes.len() as u64 > MAX_BYTES {
        let cause = format!("it has more than {MAX_BYTES} bytes");
        return Err(refused(Path::new("standard input"), cause));
    }
    let text = text_of(bytes, Path::new("standard input"))?;
    Ok(Given { text, name: None })
}

fn from_file(file: &Path) -> Result<Given, Failure> {
    let path = checked(file)?;
    let bytes = match atomic_file::read(&path, MAX_BYTES) {
        Ok(bytes) => bytes,
        Err(atomic_file::ReadError::TooLarge { .. }) => {
            return Err(refused(file, format!("it has more than {MAX_BYTES} bytes")));
        }
        // No lock is waited for.
        Err(err) => {
            let mut failure = Failure::from_read(err.into(), Duration::ZERO);
            failure.headline = format!("cannot read the body from {}", file.display());
            return Err(failure);
        }
    };
    Ok(Given {
        text: text_of(bytes, file)?,
        name: file
            .file_stem()
            .map(|name| name.to_string_lossy().into_owned()),
    })
}

/// Refuses what may not be offered, and returns the path with all links resolved.
fn checked(file: &Path) -> Result<PathBuf, Failure> {
    let ending = file.extension().unwrap_or_default().to_string_lossy();
    if !ENDINGS
        .iter()
        .any(|known| ending.eq_ignore_ascii_case(known))
    {
        let cause = format!("its name does not end in .{}", ENDINGS.join(", ."));
        return Err(refused(file, cause));
    }
    let unreadable = |err: io::Error| {
        let headline = format!("cannot read the body from {}", file.display());
        Failure::new(code_of_io(&err), headline)
            .cause(err.to_string())
            .at(file)
    };
    if fs::symlink_metadata(file).map_err(unreadable)?.is_symlink() {
        return Err(refused(file, "it is a symbolic link"));
    }
    let path = fs::canonicalize(file).map_err(unreadable)?;
    let here = fs::canonicalize(working_folder()?).map_err(unreadable)?;
    if !path.starts_with(here) {
        return Err(refused(file, "it lies outside of the working folder"));
    }
    Ok(path)
}

fn refused(file: &Path, cause: impl Into<String>) -> Failure {
    let headline = format!("{} cannot be the body of a story", file.display());
    Failure::new(Code::Refused, headline).cause(cause).at(file)
}

fn text_of(bytes: Vec<u8>, from: &Path) -> Result<String, Failure> {
    String::from_utf8(bytes).map_err(|err| {
        let headline = format!("{} cannot be the body of a story", from.display());
        Failure::new(Code::Parse, headline).cause(err.utf8_error().to_string())
    })
}
