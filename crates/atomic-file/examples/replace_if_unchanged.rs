//! Replaces the contents of a file: `replace_if_unchanged FILE TEXT [fast]`.
//!
//! Exits with 0 when the new contents are in place, 9 when they are but may not survive a power cut, 1 when they are
//! not. The tests kill this program at each of its system calls.

use std::path::Path;
use std::process::ExitCode;

use atomic_file::{CommitError, CommitOptions, Durability, Original, replace_if_unchanged};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, text, how @ ..] = arguments.as_slice() else {
        return ExitCode::from(2);
    };
    let options = CommitOptions {
        durability: match how {
            [how] if how == "fast" => Durability::Fast,
            _ => Durability::Durable,
        },
        ..CommitOptions::default()
    };
    let Ok(original) = Original::read(Path::new(file)) else {
        return ExitCode::FAILURE;
    };
    match replace_if_unchanged(original, text.as_bytes(), &options) {
        Ok(_) => ExitCode::SUCCESS,
        Err(CommitError::CommittedUnsynced { .. }) => ExitCode::from(9),
        Err(_) => ExitCode::FAILURE,
    }
}
