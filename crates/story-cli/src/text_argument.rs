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
    let Some(name) = given.strip_prefix('@') else {
        return Ok(given.to_owned());
    };
    let mut text = String::new();
    let read = if name == "-" {
        io::stdin().lock().read_to_string(&mut text)
    } else {
        File::open(name).and_then(|mut file| file.read_to_string(&mut text))
    };
    match read {
        Ok(_) => Ok(text),
        Err(err) => {
            let from = if name == "-" { "standard input" } else { name };
            let headline = format!("cannot read the text from {from}");
            Err(Failure::new(code_of_io(&err), headline).cause(err.to_string()))
        }
    }
}

/// As [`read`]; a lone `-` is standard input too.
///
/// # Errors
///
/// As [`read`].
pub fn read_or_stdin(given: &str) -> Result<String, Failure> {
    read(if given == "-" { "@-" } else { given })
}
