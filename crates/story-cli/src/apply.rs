//! `story apply`: transactions as JSON, each answered by one line of JSON.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::Path;

use serde_json::{Map, Value as Json};

mod input;
mod request;
mod together;

use crate::args::ApplyArgs;
use crate::failure::{Code, Failure};
use crate::failure_sources::code_of_io;
use crate::json;
use crate::output::{Output, write_json};
use crate::places::Target;
use crate::settings::Settings;
use crate::signals;
use crate::transaction::{self, Done, WithRevision};
use input::{Entry, Requests};
use request::Request;

/// Does each transaction for itself and returns the exit code: 0, or that of the first failure.
///
/// # Errors
///
/// When the input cannot be read, or an answer cannot be written; what was answered before is done.
pub fn run(args: &ApplyArgs, settings: &Settings, output: &Output) -> Result<u8, Failure> {
    signals::watch();
    if args.together {
        return run_together(args, settings, output);
    }
    let mut exit = 0;
    for entry in Requests::new(open(&args.file)?) {
        let entry = entry.map_err(|err| unreadable(&args.file, &err))?;
        let outcome = perform(&entry, settings);
        let failed_exit = tell(&outcome, entry.line, output)?;
        exit = if exit == 0 { failed_exit } else { exit };
        if (failed_exit != 0 && args.stop_on_error) || signals::pending().is_some() {
            break;
        }
    }
    Ok(exit)
}

/// All requests as one transaction: each is answered, with its own failure or with that of another.
fn run_together(args: &ApplyArgs, settings: &Settings, output: &Output) -> Result<u8, Failure> {
    let mut entries = Vec::new();
    for entry in Requests::new(open(&args.file)?) {
        entries.push(entry.map_err(|err| unreadable(&args.file, &err))?);
    }
    let undone = match together::perform(&entries, settings) {
        Ok(done) => {
            for (done, entry) in done.into_iter().zip(&entries) {
                tell(&Ok(done), entry.line, output)?;
            }
            return Ok(0);
        }
        Err(undone) => undone,
    };
    output.failure(&undone.failure);
    for (index, entry) in entries.iter().enumerate() {
        let is_own = undone.index.is_none_or(|other| other == index);
        let failure = match undone.index {
            Some(other) if !is_own => because_of(&undone.failure, entries[other].line),
            _ => undone.failure.clone(),
        };
        answer(json::failure(&failure), entry.line).map_err(|_| undone.failure.clone())?;
    }
    Ok(undone.failure.exit())
}

/// Why a request was not done that nothing is wrong with.
fn because_of(failure: &Failure, line: usize) -> Failure {
    Failure::new(
        Code::Conflict,
        format!("not done, because line {line} was not"),
    )
    .cause(failure.message())
    .retryable(failure.retryable)
}

/// Answers one request and returns its exit code.
fn tell(outcome: &Result<Done, Failure>, line: usize, output: &Output) -> Result<u8, Failure> {
    match outcome {
        Ok(done) => {
            done.tell(output);
            answer(done.to_json(), line).map_err(|unwritten| done.unreported(unwritten))?;
            Ok(0)
        }
        Err(failure) => {
            output.failure(failure);
            // If nobody takes the answer, its own failure is the one that counts: it stands on stderr already.
            answer(json::failure(failure), line).map_err(|_| failure.clone())?;
            Ok(failure.exit())
        }
    }
}

fn perform(entry: &Entry, settings: &Settings) -> Result<Done, Failure> {
    let request = Request::parse(&entry.text, entry.line)?;
    let transaction = request.transaction(settings.touch)?;
    let target = Target::of_story(Path::new(&request.story), settings)?;
    transaction::commit(
        &target,
        &transaction,
        settings,
        WithRevision::Yes,
        "story apply",
    )
}

fn answer(mut answer: Map<String, Json>, line: usize) -> Result<(), Failure> {
    answer.insert("line".to_owned(), line.into());
    write_json(answer)
}

fn open(file: &Path) -> Result<Box<dyn BufRead>, Failure> {
    if file == Path::new("-") {
        return Ok(Box::new(io::stdin().lock()));
    }
    match File::open(file) {
        Ok(opened) => Ok(Box::new(BufReader::new(opened))),
        Err(err) => Err(unreadable(file, &err)),
    }
}

fn unreadable(file: &Path, err: &io::Error) -> Failure {
    let name = if file == Path::new("-") {
        "standard input".to_owned()
    } else {
        file.display().to_string()
    };
    Failure::new(code_of_io(err), format!("cannot read {name}")).cause(err.to_string())
}

/// The longest request that is read; chosen: twice the largest story.
const MAX_REQUEST_BYTES: u64 = 2 * story::MAX_STORY_BYTES;

/// Reads one line, with its end; an empty text is the end of the input.
fn read_line(input: &mut dyn BufRead) -> io::Result<String> {
    let mut line = Vec::new();
    input
        .take(MAX_REQUEST_BYTES + 1)
        .read_until(b'\n', &mut line)?;
    check_size(line.len())?;
    String::from_utf8(line)
        .map_err(|err| io::Error::new(io::ErrorKind::InvalidData, err.utf8_error()))
}

/// Refuses what would fill the memory, such as endless input.
fn check_size(bytes: usize) -> io::Result<()> {
    if bytes as u64 <= MAX_REQUEST_BYTES {
        return Ok(());
    }
    let reason = format!("a request is longer than {MAX_REQUEST_BYTES} bytes");
    Err(io::Error::new(io::ErrorKind::InvalidData, reason))
}
