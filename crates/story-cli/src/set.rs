//! `story set`: from arguments to a transaction, then its result.

use story::journal::JournalFile;
use story::{ParseErrorKind, Value};

use crate::args::{Given, SetArgs};
use crate::diff;
use crate::failure::Failure;
use crate::journal;
use crate::json;
use crate::operations::{Condition, Operation, Transaction};
use crate::output::{Output, write_json};
use crate::places::{Target, near};
use crate::settings::{Settings, Touch};
use crate::signals;
use crate::story_leases;
use crate::text_argument;
use crate::transaction::{self, WithRevision, id_of};
use crate::value_text;

/// What a raw change of the status to done leaves out.
const DONE_HINT: &str = "set follows no rule: a story that is done should have implementation_complete and reviews_complete true";

/// Changes one story, or shows what would change.
///
/// # Errors
///
/// [`Failure`]; the story is unchanged unless it says committed.
pub fn run(args: &SetArgs, settings: &Settings, output: &Output) -> Result<(), Failure> {
    let transaction = transaction(&args.ordered.given, settings.touch)?;
    let target = Target::of_story(&args.story, settings)?;
    for hint in number_hints(&args.ordered.given) {
        output.hint(&hint);
    }
    if transaction.sets_done() {
        output.hint(DONE_HINT);
    }
    if args.dry_run {
        return rehearse(&target, &transaction, settings, output);
    }
    signals::note();
    let with_revision = if output.is_json() {
        WithRevision::Yes
    } else {
        WithRevision::No
    };
    let done = transaction::commit(&target, &transaction, settings, with_revision, "story set")?;
    done.tell(output);
    if output.is_json() {
        write_json(done.to_json()).map_err(|unwritten| done.unreported(unwritten))?;
    }
    Ok(())
}

fn rehearse(
    target: &Target,
    transaction: &Transaction,
    settings: &Settings,
    output: &Output,
) -> Result<(), Failure> {
    for warning in &target.warnings {
        output.warning(warning);
    }
    let before = story::read(&target.path)
        .map_err(|err| Failure::from_read(err, settings.timeout).about("read", target))?;
    look_at_leases(target, settings).map_err(|failure| failure.about("update", target))?;
    let mut after = before.clone();
    let changed = transaction
        .apply(&mut after, &settings.today())
        .map_err(|refusal| Failure::from_refusal(&refusal).about("update", target))?;
    let diff = diff::unified(&near(&target.path), before.as_bytes(), after.as_bytes());
    if output.is_json() {
        let id = id_of(&after).or_else(|| target.id.clone());
        let mut result = json::success_of(id.as_deref(), &target.absolute());
        result.insert("changed".to_owned(), changed.into());
        result.insert("rev".to_owned(), before.revision().to_string().into());
        result.insert("warnings".to_owned(), target.warnings.clone().into());
        result.insert("dry_run".to_owned(), true.into());
        result.insert("diff".to_owned(), String::from_utf8_lossy(&diff).into());
        json::add_copy(&mut result, target.copy.as_ref());
        return write_json(result);
    }
    diff::print(&diff, output)?;
    if diff.is_empty() {
        output.note(&format!("{}: nothing to change", target.name()));
    }
    Ok(())
}

/// What the change would be refused for.
fn look_at_leases(target: &Target, settings: &Settings) -> Result<(), Failure> {
    let journal = journal::file_of(target, settings)?;
    let root = journal.as_ref().map(JournalFile::root);
    story_leases::look_at([target.path.clone()], root, settings)
}

fn transaction(given: &[Given], touch: Touch) -> Result<Transaction, Failure> {
    let mut transaction = Transaction {
        touch,
        ..Transaction::default()
    };
    let mut may_cap = false;
    for given in given {
        let is_push = matches!(given, Given::Push(_));
        match given {
            Given::Cap(cap) if may_cap => cap_last(&mut transaction, cap)?,
            Given::Cap(_) => {
                return Err(Failure::usage("--cap belongs directly behind a --push"));
            }
            Given::If(text) => transaction.conditions.push(condition(text)?),
            Given::IfRev(revision) => transaction.revision = Some(revision.clone()),
            given => transaction.operations.push(operation(given)?),
        }
        may_cap = is_push;
    }
    transaction.check().map_err(|reason| {
        Failure::usage(reason)
            .hint("several items go into one list: --add labels='[urgent, backend]'")
    })?;
    if transaction.is_empty() {
        return Err(Failure::usage(
            "nothing to do: no KEY=VALUE and no operation was given",
        ));
    }
    Ok(transaction)
}

fn operation(given: &Given) -> Result<Operation, Failure> {
    Ok(match given {
        Given::Assign(text) => {
            let (key, value) = pair(text)?;
            Operation::Set(key, yaml(&value, text)?)
        }
        Given::Text(text) => {
            let (key, value) = pair(text)?;
            Operation::Set(key, value.into())
        }
        Given::Unset(key) => Operation::Unset(key.clone()),
        Given::Increment(text) => increment(text)?,
        Given::Add(text) => {
            let (key, value) = pair(text)?;
            Operation::Add(key, items(yaml(&value, text)?))
        }
        Given::Remove(text) => {
            let (key, value) = pair(text)?;
            Operation::Remove(key, items(yaml(&value, text)?))
        }
        Given::Push(text) => {
            let (key, value) = pair(text)?;
            Operation::Push(key, yaml(&value, text)?, None)
        }
        Given::AppendBody(text) => Operation::AppendBody(text_argument::read(text)?),
        Given::Cap(_) | Given::If(_) | Given::IfRev(_) => {
            return Err(Failure::usage("this is no operation"));
        }
    })
}

fn cap_last(transaction: &mut Transaction, text: &str) -> Result<(), Failure> {
    let number =
        text.parse().ok().filter(|cap| *cap > 0).ok_or_else(|| {
            Failure::usage(format!("--cap {text}: a cap is a whole number above 0"))
        })?;
    if let Some(Operation::Push(_, _, cap)) = transaction.operations.last_mut() {
        *cap = Some(number);
    }
    Ok(())
}

fn condition(text: &str) -> Result<Condition, Failure> {
    let (key, value) = pair(text)?;
    Ok(if value.is_empty() {
        Condition::Absent(key)
    } else {
        Condition::Equals(key, yaml(&value, text)?)
    })
}

fn increment(text: &str) -> Result<Operation, Failure> {
    let Ok((key, by)) = pair(text) else {
        return Ok(Operation::Increment(text.to_owned(), 1));
    };
    let by = by
        .parse()
        .map_err(|_| Failure::usage(format!("--inc {text}: {by:?} is not a whole number")))?;
    Ok(Operation::Increment(key, by))
}

/// YAML 1.1 reads numbers where people see times, codes and dates: `12:30` is 750, `010` is 8.
fn number_hints(given: &[Given]) -> Vec<String> {
    let hint = |text: &String| {
        let (key, written) = pair(text).ok()?;
        let (Value::Int(_) | Value::Float(_)) = Value::parse_yaml(&written).ok()? else {
            return None;
        };
        let digits = written.trim_start_matches(['-', '+']);
        let is_odd = written.contains([':', '_'])
            || (digits.starts_with('0') && digits.len() > 1 && !digits.starts_with("0."));
        let read = value_text::inline(&Value::parse_yaml(&written).ok()?);
        is_odd.then(|| {
            format!(
                "{key}: YAML reads {written} as the number {read}; for the text say --string {text}"
            )
        })
    };
    given
        .iter()
        .filter_map(|given| match given {
            Given::Assign(text) | Given::Add(text) | Given::Push(text) => hint(text),
            _ => None,
        })
        .collect()
}

/// A list stands for its items.
pub fn items(value: Value) -> Vec<Value> {
    match value {
        Value::List(items) => items,
        value => vec![value],
    }
}

/// Splits at the first `=` outside of double quotes, which a key with odd characters stands in.
fn pair(text: &str) -> Result<(String, String), Failure> {
    let mut is_quoted = false;
    let mut is_escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            '=' if !is_quoted && at > 0 => {
                return Ok((text[..at].to_owned(), text[at + 1..].to_owned()));
            }
            _ => {}
        }
    }
    Err(Failure::usage(format!("{text:?} is not KEY=VALUE")))
}

fn yaml(value: &str, given: &str) -> Result<Value, Failure> {
    Value::parse_yaml(value).map_err(|err| {
        // The other kinds speak of a whole story, but say what is wrong all the same.
        let reason = match err.kind {
            ParseErrorKind::Syntax { message } => message,
            kind => kind.to_string(),
        };
        Failure::usage(format!("the value of {given:?} is not YAML"))
            .cause(reason)
            .hint("for a text as it stands say --string KEY=TEXT")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pair_splits_at_the_first_equals_sign_outside_of_quotes() {
        let table = [
            ("a=b", Some(("a", "b"))),
            ("a=", Some(("a", ""))),
            ("a=b=c", Some(("a", "b=c"))),
            ("a[0].b=x", Some(("a[0].b", "x"))),
            ("\"odd=key\"=v", Some(("\"odd=key\"", "v"))),
            ("\"a\\\"=b\"=v", Some(("\"a\\\"=b\"", "v"))),
            ("a", None),
            ("=b", None),
            ("", None),
        ];
        for (text, expected) in table {
            let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
            assert_eq!(pair(text).ok(), expected, "the parts of {text:?}");
        }
    }

    #[test]
    fn cap_belongs_to_the_push_before_it() {
        let sound = [Given::Push("h=1".into()), Given::Cap("3".into())];
        let found = transaction(&sound, Touch::IfPresent).expect("a cap behind its push");
        let expected = Operation::Push("h".into(), 1.into(), Some(3));
        assert_eq!(found.operations, [expected], "the push is capped");
        let wrong: [&[Given]; 3] = [
            &[Given::Cap("3".into())],
            &[
                Given::Push("h=1".into()),
                Given::Unset("x".into()),
                Given::Cap("3".into()),
            ],
            &[Given::Push("h=1".into()), Given::Cap("0".into())],
        ];
        for given in wrong {
            assert!(
                transaction(given, Touch::IfPresent).is_err(),
                "{given:?} is refused"
            );
        }
    }
}
