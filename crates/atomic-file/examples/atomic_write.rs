//! Writes a file all at once: `atomic_write replace|create FILE TEXT [fast]`.
//!
//! Exits with 0 when the new contents are in place, 9 when they are but may not survive a power cut, 1 when they are
//! not. The tests kill this program at each of its system calls.

use std::path::Path;
use std::process::ExitCode;

use atomic_file::{CommitError, CommitOptions, Durability, Original, create, replace_if_unchanged};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [verb, file, text, how @ ..] = arguments.as_slice() else {
        return ExitCode::from(2);
    };
    let path = Path::new(file);
    let options = CommitOptions {
        durability: match how {
            [how] if how == "fast" => Durability::Fast,
            _ => Durability::Durable,
        },
        ..CommitOptions::default()
    };
    let written = if verb == "create" {
        create(path, text.as_bytes(), &options)
    } else {
        let Ok(original) = Original::read(path) else {
            return ExitCode::FAILURE;
        };
        replace_if_unchanged(original, text.as_bytes(), &options)
    };
    match written {
        Ok(_) => ExitCode::SUCCESS,
        Err(CommitError::CommittedUnsynced { .. }) => ExitCode::from(9),
        Err(_) => ExitCode::FAILURE,
    }
}
