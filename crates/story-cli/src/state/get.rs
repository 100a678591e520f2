//! `story state get`: a JSON file, or values of it.

use json_text::JsonText;

use super::answer::Answer;
use super::key::Key;
use super::one_line::{bare, inline};
use super::target;
use crate::args::state::StateGetArgs;
use crate::failure::{Code, Failure};
use crate::json;
use crate::output::{Output, write_json_of};
use crate::places::Target;

/// Prints the file as it is, one value bare, or several as KEY=VALUE lines.
///
/// # Errors
///
/// `ENOTFOUND` when the file or one of the keys is missing; then nothing is printed.
pub fn run(args: &StateGetArgs, output: &Output) -> Result<(), Failure> {
    let keys = args.keys.iter().map(|key| Key::parse(key));
    let keys = keys.collect::<Result<Vec<_>, _>>()?;
    let target = target::of(&args.file)?;
    let found = state_file::read(&target.path)
        .map_err(|err| Failure::from_state_read(err).about("read", &target))?;
    let values = values(&found.text, &keys).map_err(|failure| failure.about("read", &target))?;
    if output.is_json() {
        return write_json_of(&answer(&target, &found.text, &values));
    }
    match values.as_slice() {
        [] => output.data(found.text.as_bytes()),
        [(_, value)] => output.data(format!("{}\n", bare(value)).as_bytes()),
        values => {
            let lines = values
                .iter()
                .map(|(key, value)| format!("{key}={}\n", inline(value)));
            output.data(lines.collect::<String>().as_bytes())
        }
    }
}

/// What stands at each key.
fn values<'a>(text: &'a JsonText, keys: &'a [Key]) -> Result<Vec<(&'a str, &'a str)>, Failure> {
    let mut values = Vec::with_capacity(keys.len());
    let mut missing = Vec::new();
    for key in keys {
        match text.raw(&key.path) {
            Some(value) => values.push((key.given.as_str(), value)),
            None => missing.push(key.given.as_str()),
        }
    }
    if missing.is_empty() {
        return Ok(values);
    }
    let cause = format!("it has no {}", missing.join(", no "));
    Err(Failure::new(Code::NotFound, "no such key").cause(cause))
}

fn answer(target: &Target, text: &JsonText, values: &[(&str, &str)]) -> Answer {
    let mut members = json::success();
    members.insert("path".to_owned(), json::text(&target.absolute()));
    let revision = atomic_file::Revision::of(text.as_bytes());
    members.insert("rev".to_owned(), revision.to_string().into());
    let answer = Answer::new(members);
    if values.is_empty() {
        answer.with_value(text.as_str())
    } else {
        answer.with_values(values.iter().copied())
    }
}
