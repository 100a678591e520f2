//! Texts on the command line: as they stand, from a file, or from standard input.

use std::fs::File;
use std::io::{self, Read as _};

use crate::failure::Failure;
use crate::failure_sources::code_of_io;

/// The text itself, or that of a file behind `@`, or of standard input behind `@-`.
///
/// # Errors
///
/// When it cannot be read, or is not UTF-8.
pub fn read(given: &str) -> Result<String, Failure> {
    String::from_utf8(read_bytes(given)?).map_err(|err| {
        // As reading into a text has it.
        let err = io::Error::new(io::ErrorKind::InvalidData, err.utf8_error());
        unread(given, &err)
    })
}

/// As [`read`], whatever bytes they are.
///
/// # Errors
///
/// When they cannot be read.
pub fn read_bytes(given: &str) -> Result<Vec<u8>, Failure> {
    let Some(name) = given.strip_prefix('@') else {
        return Ok(given.as_bytes().to_vec());
    };
    let mut bytes = Vec::new();
    let read = if name == "-" {
        io::stdin().lock().read_to_end(&mut bytes)
    } else {
        File::open(name).and_then(|mut file| file.read_to_end(&mut bytes))
    };
    match read {
        Ok(_) => Ok(bytes),
        Err(err) => Err(unread(given, &err)),
    }
}

fn unread(given: &str, err: &io::Error) -> Failure {
    let name = given.trim_start_matches('@');
    let from = if name == "-" { "standard input" } else { name };
    let headline = format!("cannot read the text from {from}");
    Failure::new(code_of_io(err), headline).cause(err.to_string())
}

/// As [`read`]; a lone `-` is standard input too.
///
/// # Errors
///
/// As [`read`].
pub fn read_or_stdin(given: &str) -> Result<String, Failure> {
    read(if given == "-" { "@-" } else { given })
}
