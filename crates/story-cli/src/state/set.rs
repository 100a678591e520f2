//! `story state set`: from arguments to one transaction, then its result.

use json_text::{Json, JsonText};
use state_file::{PointerEdit, apply};

use super::change::{self, Change, Changed, Way};
use super::condition::{Condition, check_revision};
use super::key::Key;
use super::refusal::Refusal;
use super::target;
use crate::args::Given;
use crate::args::state::StateSetArgs;
use crate::failure::Failure;
use crate::output::Output;
use crate::settings::Settings;

/// How many operations one call may have; chosen, as for stories. The lock is held meanwhile.
const MAX_OPERATIONS: usize = 1000;

/// Changes one file.
///
/// # Errors
///
/// [`Failure`]; the file is unchanged unless it says committed.
pub fn run(args: &StateSetArgs, settings: &Settings, output: &Output) -> Result<(), Failure> {
    let transaction = Transaction::of(&args.ordered.given)?;
    let target = target::of(&args.file)?;
    for hint in text_hints(&args.ordered.given) {
        output.hint(&hint);
    }
    let change = Change {
        target: &target,
        command: "story state set",
        way: if args.optimistic {
            Way::Optimistic
        } else {
            Way::UnderLock
        },
        missing: change::missing(args.create),
    };
    change.run(settings, output, |text| transaction.apply(text))
}

/// What is done to the file, all of it or nothing.
#[derive(Debug, Default)]
struct Transaction {
    /// As many as there are edits.
    keys: Vec<Key>,
    edits: Vec<PointerEdit>,
    conditions: Vec<Condition>,
    revision: Option<String>,
}

impl Transaction {
    fn of(given: &[Given]) -> Result<Self, Failure> {
        let mut transaction = Self::default();
        for given in given {
            match given {
                Given::If(text) => transaction.conditions.push(condition(text)?),
                Given::IfRev(revision) => {
                    transaction.revision = Some(change::revision(revision)?);
                }
                given => {
                    let (key, edit) = operation(given)?;
                    transaction.keys.push(key);
                    transaction.edits.push(edit);
                }
            }
        }
        transaction.check()?;
        Ok(transaction)
    }

    /// Refuses two operations on one key, whose order would be a guess; none, and too many.
    fn check(&self) -> Result<(), Failure> {
        let count = self.edits.len();
        if count == 0 {
            return Err(Failure::usage(
                "nothing to do: no KEY=VALUE and no operation was given",
            ));
        }
        if count > MAX_OPERATIONS {
            return Err(Failure::usage(format!(
                "{count} operations in one transaction; {MAX_OPERATIONS} at most"
            ))
            .hint("`story state patch` takes any number in one patch"));
        }
        for (at, key) in self.keys.iter().enumerate() {
            let earlier = &self.keys[..at];
            if earlier
                .iter()
                .any(|other| other.path.is_same_place(&key.path))
            {
                let what = &key.given;
                return Err(
                    Failure::usage(format!("two operations on {what} in one transaction"))
                        .hint("set the list as a whole, or make two calls"),
                );
            }
        }
        Ok(())
    }

    fn apply(&self, text: &mut JsonText) -> Result<Changed, Refusal> {
        check_revision(text, self.revision.as_deref())?;
        for condition in &self.conditions {
            condition.check(text)?;
        }
        let mut changed = Changed::default();
        for (key, applied) in self.keys.iter().zip(apply(text, &self.edits)?) {
            if applied.changed {
                changed.keys.push(key.given.clone());
            }
            if let Some(number) = applied.number {
                changed
                    .numbers
                    .push((key.given.clone(), number.to_string()));
            }
        }
        Ok(changed)
    }
}

fn operation(given: &Given) -> Result<(Key, PointerEdit), Failure> {
    Ok(match given {
        Given::Assign(text) => {
            let (key, value) = pair(text)?;
            let edit = PointerEdit::Set(not_whole(&key)?.path, value_of(value));
            (key, edit)
        }
        Given::Text(text) => {
            let (key, value) = pair(text)?;
            let edit = PointerEdit::Set(not_whole(&key)?.path, Json::text(value));
            (key, edit)
        }
        Given::Push(text) => {
            let (key, value) = pair(text)?;
            let edit = PointerEdit::Push(key.path.clone(), value_of(value));
            (key, edit)
        }
        Given::Unset(text) => {
            let key = Key::parse(text)?;
            let edit = PointerEdit::Unset(not_whole(&key)?.path);
            (key, edit)
        }
        Given::Increment(text) => increment(text)?,
        _ => return Err(Failure::usage("this is no operation")),
    })
}

fn increment(text: &str) -> Result<(Key, PointerEdit), Failure> {
    let (key, by) = match text.split_once('=') {
        None => (Key::parse(text)?, 1),
        Some((key, by)) => {
            let number = by.parse().map_err(|_| {
                Failure::usage(format!("--inc {text}: {by:?} is not a whole number"))
            })?;
            (Key::parse(key)?, number)
        }
    };
    let edit = PointerEdit::Increment(key.path.clone(), by);
    Ok((key, edit))
}

fn condition(text: &str) -> Result<Condition, Failure> {
    let (key, value) = pair(text)?;
    Ok(if value.is_empty() {
        Condition::Absent(key)
    } else {
        Condition::Equals(key, value_of(value))
    })
}

/// An empty KEY is more often a variable that is not set than a wish to replace all there is.
fn not_whole(key: &Key) -> Result<Key, Failure> {
    if key.path.is_whole() {
        return Err(
            Failure::usage("an empty KEY means the whole file").hint(
                "to replace that: story state patch FILE --json-patch '[{\"op\": \"replace\", \"path\": \"\", \"value\": {}}]'",
            ),
        );
    }
    Ok(key.clone())
}

/// Splits at the first `=`. A key that holds one is reached by a patch.
fn pair(text: &str) -> Result<(Key, &str), Failure> {
    let (key, value) = text
        .split_once('=')
        .ok_or_else(|| Failure::usage(format!("{text:?} is not KEY=VALUE")))?;
    Ok((Key::parse(key)?, value))
}

/// JSON, else text.
fn value_of(text: &str) -> Json {
    text.parse().unwrap_or_else(|_| Json::text(text))
}

/// What looks like JSON, and is taken as text.
fn text_hints(given: &[Given]) -> Vec<String> {
    let hint = |text: &String| {
        let (key, value) = text.split_once('=')?;
        let err = value.parse::<Json>().err()?;
        value.trim_start().starts_with(['{', '[', '"']).then(|| {
            format!("{key}: {value} is no JSON ({err}), and so a text; JSON has its texts in \"\"")
        })
    };
    given
        .iter()
        .filter_map(|given| match given {
            Given::Assign(text) | Given::Push(text) | Given::If(text) => hint(text),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn value_is_json_where_it_is_and_text_else() {
        let table = [
            ("2", "2"),
            ("1.0", "1.0"),
            ("12345678901234567890123", "12345678901234567890123"),
            ("true", "true"),
            ("null", "null"),
            ("[1, 2]", "[1, 2]"),
            ("\"2\"", "\"2\""),
            ("plan", "\"plan\""),
            ("", "\"\""),
            ("[a]", "\"[a]\""),
            ("01", "\"01\""),
            ("2026-01-12", "\"2026-01-12\""),
            ("True", "\"True\""),
        ];
        for (given, expected) in table {
            assert_eq!(value_of(given).as_str(), expected, "the value {given:?}");
        }
    }

    #[test]
    fn text_that_looks_like_json_is_hinted_at() {
        let table = [
            ("a=[x]", 1),
            ("a={", 1),
            ("a=\"x", 1),
            ("a=x", 0),
            ("a=[1]", 0),
        ];
        for (given, expected) in table {
            let hints = text_hints(&[Given::Assign(given.to_owned())]);
            assert_eq!(hints.len(), expected, "the hints at {given}: {hints:?}");
        }
        let text = Given::Text("a=[x]".to_owned());
        assert!(text_hints(&[text]).is_empty(), "who says --string means it");
    }
}
