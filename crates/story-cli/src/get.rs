//! `story get`: values of the frontmatter.

use serde_json::{Map, Value as Json};
use sidecar_lock::LockGuard;
use story::{Document, Value};

use crate::args::GetArgs;
use crate::failure::{Code, Failure};
use crate::json;
use crate::lock;
use crate::output::{Output, write_json};
use crate::places::Target;
use crate::settings::Settings;
use crate::signals;
use crate::transaction::{chain, id_of, inherited_token};
use crate::value_text;

/// Prints one value bare, several or all as KEY=VALUE lines.
///
/// # Errors
///
/// `ENOTFOUND` when the story or one of the keys is missing; then nothing is printed.
pub fn run(args: &GetArgs, settings: &Settings, output: &Output) -> Result<(), Failure> {
    let target = Target::of_story(&args.story, settings)?;
    let story = read(&target, args.locked, settings, output)?;
    let values = if args.keys.is_empty() {
        all(&story)
    } else {
        some(&story, &args.keys).map_err(|failure| failure_of(failure, &target))?
    };
    if output.is_json() {
        let id = id_of(&story).or_else(|| target.id.clone());
        let mut result = json::success_of(id.as_deref(), &target.absolute());
        result.insert("rev".to_owned(), story.revision().to_string().into());
        let values: Map<String, Json> = values
            .iter()
            .map(|(key, value)| (key.clone(), value.to_json()))
            .collect();
        result.insert("values".to_owned(), values.into());
        json::add_copy(&mut result, target.copy.as_ref());
        return write_json(result);
    }
    let text: String = match (args.keys.len(), values.as_slice()) {
        (1, [(_, value)]) => format!("{}\n", value_text::bare(value)),
        (0, values) => lines(values.iter().map(|(key, value)| (as_path(key), value))),
        (_, values) => lines(values.iter().map(|(key, value)| (key.clone(), value))),
    };
    output.data(text.as_bytes())
}

fn lines<'a>(values: impl Iterator<Item = (String, &'a Value)>) -> String {
    let mut lines = String::new();
    for (key, value) in values {
        lines.push_str(&key);
        lines.push('=');
        lines.push_str(&value_text::inline(value));
        lines.push('\n');
    }
    lines
}

/// Reads a story; with `locked`, once no writer is at work on it.
///
/// # Errors
///
/// When it cannot be read; with `locked`, also when the lock is not acquired.
pub fn read(
    target: &Target,
    locked: bool,
    settings: &Settings,
    output: &Output,
) -> Result<Document, Failure> {
    for warning in &target.warnings {
        output.warning(warning);
    }
    let reading = || {
        story::read(&target.path)
            .map_err(|err| Failure::from_read(err, settings.timeout).about("read", target))
    };
    let is_named = target.path.extension().is_some_and(|end| end == "md");
    // Far from any story no lock is made before there is known to be one.
    if locked && (!is_named || target.path.is_symlink()) {
        reading()?;
    }
    // Under a parent's lock nobody else writes, and waiting would be waiting for ourselves.
    let inherited = if locked {
        inherited_token(&target.path, settings).map_err(|failure| failure.about("read", target))?
    } else {
        None
    };
    let guard = if locked && inherited.is_none() {
        signals::watch();
        let options = settings.lock_options("story get --locked");
        let guard = lock::take(target, &options, settings, output)
            .map_err(|failure| failure.about("read", target))?;
        signals::begin_end();
        Some(guard)
    } else {
        None
    };
    let story = match &guard {
        Some(guard) => story::read_under(guard)
            .map_err(|err| Failure::from_read(err, settings.timeout).about("read", target)),
        None => reading(),
    };
    if let Some(Err(err)) = guard.map(LockGuard::release) {
        // What was read is right all the same.
        output.warning(&chain(&err));
    }
    signals::end_commit();
    story
}

fn all(story: &Document) -> Vec<(String, Value)> {
    match story.to_value() {
        Value::Map(entries) => entries,
        _ => Vec::new(),
    }
}

/// A key as a path, so that `story set` takes it.
fn as_path(key: &str) -> String {
    if key.is_empty() || key.contains(['.', '[', ']', '"', '=']) {
        let escaped = key.replace('\\', "\\\\").replace('"', "\\\"");
        format!("\"{escaped}\"")
    } else {
        key.to_owned()
    }
}

fn some(story: &Document, keys: &[String]) -> Result<Vec<(String, Value)>, Failure> {
    let mut values = Vec::with_capacity(keys.len());
    let mut missing = Vec::new();
    for key in keys {
        match story.get(key) {
            Ok(Some(value)) => values.push((key.clone(), value)),
            Ok(None) => missing.push(key.as_str()),
            Err(err) => return Err(Failure::from_edit(&err)),
        }
    }
    if missing.is_empty() {
        Ok(values)
    } else {
        let cause = format!("it has no {}", missing.join(", no "));
        Err(Failure::new(Code::NotFound, "no such key").cause(cause))
    }
}

fn failure_of(failure: Failure, target: &Target) -> Failure {
    failure.about("read", target)
}
