//! One request of `story apply`: from JSON to a transaction. Pure.

use std::fmt;
use std::path::Path;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value as Json;
use story::{Document, Value};

use crate::args::operation_id;
use crate::failure::Failure;
use crate::merging::edited::Edited;
use crate::operations::{Condition, Operation, Transaction};
use crate::settings::Touch;

/// What a line of JSON asks for. Other members are refused: a misspelt one would be a change that silently fails.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// An id or a path.
    pub story: String,
    #[serde(default)]
    set: Members,
    #[serde(default)]
    unset: Vec<String>,
    #[serde(default)]
    inc: Members,
    #[serde(default)]
    add: Members,
    #[serde(default)]
    remove: Members,
    #[serde(default)]
    push: Members,
    #[serde(default)]
    cap: Members,
    append_body: Option<String>,
    content: Option<String>,
    base: Option<String>,
    text: Option<String>,
    #[serde(default, rename = "if")]
    conditions: Members,
    if_rev: Option<String>,
    touch: Option<bool>,
    op_id: Option<String>,
}

impl Request {
    /// Reads a request.
    ///
    /// # Errors
    ///
    /// `EUSAGE` when it is no JSON object or has unknown members.
    pub fn parse(text: &str, line: usize) -> Result<Self, Failure> {
        serde_json::from_str(text).map_err(|err| {
            let reason = err.to_string();
            // serde counts from the request's own first line.
            let place = format!(" at line {} column {}", err.line(), err.column());
            let reason = reason.strip_suffix(&place).unwrap_or(&reason);
            let line = line + err.line().saturating_sub(1);
            Failure::usage("this is not a request")
                .cause(format!("line {line}, column {}: {reason}", err.column()))
                .hint("`story apply --help` shows the members")
        })
    }

    /// The transaction that it means; `touch` is what the command line says where the request does not.
    ///
    /// # Errors
    ///
    /// `EUSAGE` when members contradict each other or there is nothing to do.
    pub fn transaction(&self, touch: Touch) -> Result<Transaction, Failure> {
        let mut operations = Vec::new();
        for (key, value) in &self.set.0 {
            operations.push(Operation::Set(key.clone(), Value::from_json(value)));
        }
        operations.extend(self.unset.iter().cloned().map(Operation::Unset));
        for (key, by) in &self.inc.0 {
            operations.push(Operation::Increment(key.clone(), whole(key, by)?));
        }
        for (key, values) in &self.add.0 {
            operations.push(Operation::Add(key.clone(), items(values)));
        }
        for (key, values) in &self.remove.0 {
            operations.push(Operation::Remove(key.clone(), items(values)));
        }
        for (key, value) in &self.push.0 {
            let cap = self.cap_of(key)?;
            operations.push(Operation::Push(key.clone(), Value::from_json(value), cap));
        }
        operations.extend(self.content.iter().cloned().map(Operation::ReplaceBody));
        operations.extend(self.append_body.iter().cloned().map(Operation::AppendBody));
        self.check_caps()?;
        let operations = Transaction {
            operations,
            ..Transaction::default()
        };
        operations.check().map_err(|reason| {
            Failure::usage(reason).hint(
                "several items go into one list: \"add\": {\"labels\": [\"urgent\", \"backend\"]}",
            )
        })?;
        let merging = self.edited(&operations)?;
        let transaction = Transaction {
            operations: if merging.is_some() {
                Vec::new()
            } else {
                operations.operations
            },
            merging: merging.map(Box::new),
            conditions: self.conditions.0.iter().map(condition).collect(),
            revision: self.if_rev.clone(),
            touch: match self.touch {
                Some(true) => Touch::Always,
                Some(false) => Touch::Never,
                None => touch,
            },
            op_id: self.op_id.clone(),
        };
        if let Some(op_id) = &transaction.op_id {
            operation_id(op_id).map_err(|reason| Failure::usage(format!("op_id: {reason}")))?;
        }
        if transaction.is_empty() {
            return Err(Failure::usage(
                "nothing to do: the request has no operation",
            ));
        }
        Ok(transaction)
    }

    /// What the caller made of the text that it has read, if it gives that text: a whole new one, or operations on it.
    fn edited(&self, operations: &Transaction) -> Result<Option<Edited>, Failure> {
        let Some(base) = &self.base else {
            return match &self.text {
                None => Ok(None),
                Some(_) => Err(Failure::usage("text without base")
                    .hint("base is the whole text as you have read it: only with it can be told what you changed")),
            };
        };
        let base = document(base, "base")?;
        let edited = match &self.text {
            Some(text) if operations.is_empty() => document(text, "text")?,
            Some(_) => return Err(Failure::usage("text and operations in one request")),
            None => {
                let mut edited = base.clone();
                // Nothing is dated here: that is done once it is merged.
                let untouched = Transaction {
                    touch: Touch::Never,
                    ..operations.clone()
                };
                untouched
                    .apply(&mut edited, "")
                    .map_err(|refusal| Failure::from_refusal(&refusal))?;
                edited
            }
        };
        Ok(Some(Edited { base, edited }))
    }

    fn cap_of(&self, key: &str) -> Result<Option<usize>, Failure> {
        let Some((_, cap)) = self.cap.0.iter().find(|(capped, _)| capped == key) else {
            return Ok(None);
        };
        cap.as_u64()
            .and_then(|cap| usize::try_from(cap).ok())
            .filter(|cap| *cap > 0)
            .map(Some)
            .ok_or_else(|| {
                Failure::usage(format!("the cap of {key} is not a whole number above 0"))
            })
    }

    fn check_caps(&self) -> Result<(), Failure> {
        let is_pushed = |key: &String| self.push.0.iter().any(|(pushed, _)| pushed == key);
        match self.cap.0.iter().find(|(key, _)| !is_pushed(key)) {
            Some((key, _)) => Err(Failure::usage(format!("the cap of {key} has no push"))),
            None => Ok(()),
        }
    }
}

/// A story that stands in a member of the request.
fn document(text: &str, member: &str) -> Result<Document, Failure> {
    Document::parse(text).map_err(|err| Failure::from_parse(&err, Path::new(member)))
}

fn condition((key, value): &(String, Json)) -> Condition {
    match value {
        Json::Null => Condition::Nothing(key.clone()),
        value => Condition::Equals(key.clone(), Value::from_json(value)),
    }
}

fn whole(key: &str, by: &Json) -> Result<i64, Failure> {
    by.as_i64()
        .ok_or_else(|| Failure::usage(format!("inc of {key}: {by} is not a whole number")))
}

fn items(values: &Json) -> Vec<Value> {
    match values {
        Json::Array(values) => values.iter().map(Value::from_json).collect(),
        value => vec![Value::from_json(value)],
    }
}

/// The members of an object in their order, with a key that stands twice kept twice: it is refused later, where a map
/// would forget the first.
#[derive(Debug, Default)]
struct Members(Vec<(String, Json)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(InOrder)
    }
}

struct InOrder;

impl<'de> Visitor<'de> for InOrder {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of keys and values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transaction(text: &str) -> Result<Transaction, Failure> {
        Request::parse(text, 1)?.transaction(Touch::IfPresent)
    }

    #[test]
    fn request_with_every_member_becomes_a_transaction() {
        let text = r#"{"story":"S-1","set":{"a":"x"},"unset":["b"],"inc":{"c":2},"add":{"d":"y"},
            "remove":{"e":["z","w"]},"push":{"f":[1]},"cap":{"f":3},"append_body":"t","if":{"g":null,"h":1},
            "if_rev":"0123456789ab","touch":false,"op_id":"mine:1"}"#;
        let found = transaction(text).expect("every member is known");
        let expected = Transaction {
            operations: vec![
                Operation::Set("a".into(), "x".into()),
                Operation::Unset("b".into()),
                Operation::Increment("c".into(), 2),
                Operation::Add("d".into(), vec!["y".into()]),
                Operation::Remove("e".into(), vec!["z".into(), "w".into()]),
                Operation::Push("f".into(), Value::List(vec![1.into()]), Some(3)),
                Operation::AppendBody("t".into()),
            ],
            conditions: vec![
                Condition::Nothing("g".into()),
                Condition::Equals("h".into(), 1.into()),
            ],
            merging: None,
            revision: Some("0123456789ab".into()),
            touch: Touch::Never,
            op_id: Some("mine:1".into()),
        };
        assert_eq!(found, expected, "each member has its operation");
    }

    #[test]
    fn request_that_could_mean_two_things_is_refused() {
        let refused = [
            r#"{"story":"S-1","sett":{"a":1}}"#,
            r#"{"story":"S-1"}"#,
            r#"{"set":{"a":1}}"#,
            r#"{"story":"S-1","set":{"a":1,"a":2}}"#,
            r#"{"story":"S-1","set":{"a":1},"set":{"b":1}}"#,
            r#"{"story":"S-1","set":{"a":1},"unset":["a"]}"#,
            r#"{"story":"S-1","content":"x","append_body":"y"}"#,
            r#"{"story":"S-1","inc":{"a":1.5}}"#,
            r#"{"story":"S-1","push":{"a":1},"cap":{"b":1}}"#,
            r#"{"story":"S-1","push":{"a":1},"cap":{"a":0}}"#,
            r#"{"story":"S-1","text":"---\n---\n"}"#,
            r#"{"story":"S-1","base":"---\n---\n","text":"---\n---\n","unset":["a"]}"#,
            r#"{"story":"S-1","inc":{"a":1},"op_id":"two words"}"#,
            r#"["story"]"#,
            "",
        ];
        for text in refused {
            let failure = transaction(text).expect_err("it must not be guessed at");
            assert_eq!(failure.exit(), 2, "{text} is a usage error");
        }
    }
}
