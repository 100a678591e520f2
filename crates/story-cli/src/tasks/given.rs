//! From arguments to what the board is told.

use json_text::Json;
use serde_json::value::RawValue;
use state_file::board::{Amendment, NewTask, Right};

use crate::args::tasks::{TaskArgs, UpdateArgs};
use crate::failure::Failure;
use crate::text_argument;

/// A task that is to be put on the board.
pub(super) fn new_task(title: &str, args: &TaskArgs) -> Result<NewTask, Failure> {
    Ok(NewTask {
        description: text(args.description.as_deref())?,
        priority: args.priority,
        complexity: args.complexity.clone(),
        assignee: args.assign.clone(),
        dependencies: args.dependencies.clone(),
        tags: args.tags.clone(),
        context: context(&args.context)?,
        ..NewTask::new(title)
    })
}

/// What is to change about a task.
pub(super) fn amendment(args: &UpdateArgs) -> Result<Amendment, Failure> {
    let status = args.status.map(crate::args::tasks::TaskStatus::status);
    Ok(Amendment {
        title: args.title.clone(),
        description: text(args.description.as_deref())?,
        priority: args.priority,
        complexity: args.complexity.clone(),
        status,
        assignee: args.assign.clone(),
        add_tags: args.added_tags.clone(),
        remove_tags: args.removed_tags.clone(),
        add_dependencies: args.added_dependencies.clone(),
        remove_dependencies: args.removed_dependencies.clone(),
        context: context(&args.context)?,
        remove_context: args.removed_context.clone(),
        note: args.note.clone(),
        right: right(args.force),
    })
}

/// Who may, as the switch `--force` says.
pub(super) fn right(force: bool) -> Right {
    if force { Right::Anybody } else { Right::Holder }
}

/// A text that may stand in a file.
pub(super) fn text(given: Option<&str>) -> Result<Option<String>, Failure> {
    given.map(text_argument::read).transpose()
}

/// `KEY=VALUE` each: VALUE as JSON, else as text.
fn context(given: &[String]) -> Result<Vec<(String, Box<RawValue>)>, Failure> {
    let mut members: Vec<(String, Box<RawValue>)> = Vec::with_capacity(given.len());
    for given in given {
        let (key, value) = given.split_once('=').ok_or_else(|| {
            Failure::usage(format!("{given:?} is not KEY=VALUE")).hint("say --context branch=main")
        })?;
        if members.iter().any(|(other, _)| other == key) {
            return Err(Failure::usage(format!("{key} is given twice")));
        }
        members.push((key.to_owned(), json_or_text(value)));
    }
    Ok(members)
}

/// What would make the board unreadable (two members of one name, a hundred levels) is a text, too.
fn json_or_text(value: &str) -> Box<RawValue> {
    let json: Json = value.parse().unwrap_or_else(|_| Json::text(value));
    RawValue::from_string(json.as_str().to_owned()).expect("what was parsed is JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn context_value_is_json_else_text() {
        let table = [
            ("a=1.0", "1.0"),
            ("a=12345678901234567890123", "12345678901234567890123"),
            ("a=[1, \"x\"]", "[1, \"x\"]"),
            ("a=main", "\"main\""),
            ("a=", "\"\""),
            ("a=x=y", "\"x=y\""),
            ("a={", "\"{\""),
            (r#"a={"x":1,"x":2}"#, r#""{\"x\":1,\"x\":2}""#),
        ];
        for (given, expected) in table {
            let members = context(&[given.to_owned()]).expect("it has a key");
            assert_eq!(members[0].1.get(), expected, "{given}");
        }
    }
}
