//! What holds of any text and any edit, with choices taken from bytes: for the property tests and for the fuzzer.

use json_text::{Json, JsonText, ParseErrorKind, Path};
use serde_json::{Map, Value, json};

/// Decisions taken from bytes; behind the last one all are 0.
pub(crate) struct Choices<'a> {
    bytes: &'a [u8],
}

impl<'a> Choices<'a> {
    pub(crate) fn of_bytes(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    fn below(&mut self, limit: usize) -> usize {
        let Some((first, rest)) = self.bytes.split_first() else {
            return 0;
        };
        self.bytes = rest;
        usize::from(*first) % limit
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    fn key(&mut self) -> String {
        self.one_of(&["a", "b", "id", "0", "c.d", "", "é\"\\\n", "😀/~", "list"])
            .to_owned()
    }

    fn scalar(&mut self) -> Value {
        match self.below(7) {
            0 => json!(self.below(256)),
            1 => json!(self.key()),
            2 => json!(-1.5),
            3 => json!(true),
            4 => json!(1e300),
            5 => json!(u64::MAX),
            _ => Value::Null,
        }
    }

    pub(crate) fn value(&mut self, depth: usize) -> Value {
        match self.below(if depth == 0 { 2 } else { 6 }) {
            0 | 1 => self.scalar(),
            2 | 3 => {
                let len = self.below(6);
                Value::Array((0..len).map(|_| self.value(depth - 1)).collect())
            }
            _ => {
                let len = self.below(6);
                Value::Object(
                    (0..len)
                        .map(|_| (self.key(), self.value(depth - 1)))
                        .collect(),
                )
            }
        }
    }

    /// Another value that has much in common with one.
    pub(crate) fn changed(&mut self, value: &Value) -> Value {
        match value {
            Value::Object(members) => {
                let mut new = Map::new();
                for (key, value) in members {
                    match self.below(8) {
                        0 => {}
                        1 => drop(new.insert(key.clone(), self.value(2))),
                        2 | 3 => drop(new.insert(key.clone(), self.changed(value))),
                        _ => drop(new.insert(key.clone(), value.clone())),
                    }
                }
                for _ in 0..self.below(3) {
                    new.insert(self.key(), self.value(2));
                }
                Value::Object(new)
            }
            Value::Array(items) => {
                let mut new = Vec::new();
                for item in items {
                    match self.below(8) {
                        0 => {}
                        1 => new.extend([self.value(2), item.clone()]),
                        2 | 3 => new.push(self.changed(item)),
                        4 => new.insert(0, item.clone()),
                        _ => new.push(item.clone()),
                    }
                }
                Value::Array(new)
            }
            _ => self.value(2),
        }
    }

    /// A text for the value, in one of many layouts.
    pub(crate) fn text(&mut self, value: &Value) -> String {
        let style = match self.below(6) {
            0 => return value.to_string(),
            1 => return format!("{value:#}\n"),
            2 => Style::Lines("\r\n", "\t"),
            3 => Style::Lines("\n", "   "),
            4 => Style::OneLine,
            _ => Style::Any,
        };
        let mut text = String::new();
        self.write(value, style, 0, &mut text);
        text
    }

    fn write(&mut self, value: &Value, style: Style, level: usize, text: &mut String) {
        match value {
            Value::Object(members) => {
                text.push('{');
                for (number, (key, value)) in members.iter().enumerate() {
                    text.push_str(if number > 0 { "," } else { "" });
                    self.blank(style, level + 1, text);
                    self.string(key, text);
                    text.push_str(if matches!(style, Style::Any) {
                        self.one_of(&[":", " : ", ":\n\t"])
                    } else {
                        ": "
                    });
                    self.write(value, style, level + 1, text);
                }
                self.blank(style, level, text);
                text.push('}');
            }
            Value::Array(items) => {
                text.push('[');
                for (number, item) in items.iter().enumerate() {
                    text.push_str(if number > 0 { "," } else { "" });
                    self.blank(style, level + 1, text);
                    self.write(item, style, level + 1, text);
                }
                self.blank(style, level, text);
                text.push(']');
            }
            Value::String(string) => self.string(string, text),
            scalar => text.push_str(&scalar.to_string()),
        }
    }

    fn blank(&mut self, style: Style, level: usize, text: &mut String) {
        match style {
            Style::Lines(end, unit) => {
                text.push_str(end);
                text.push_str(&unit.repeat(level));
            }
            Style::OneLine => text.push(' '),
            Style::Any => text.push_str(self.one_of(&["", " ", "\n", "\r\n  ", "\n\n\t", "\r"])),
        }
    }

    fn string(&mut self, string: &str, text: &mut String) {
        if self.below(4) > 0 {
            text.push_str(&Value::from(string).to_string());
            return;
        }
        let escape = |unit| format!("\\u{unit:04x}");
        let escaped: Vec<_> = string.encode_utf16().map(escape).collect();
        text.extend(["\"", &escaped.concat(), "\""]);
    }

    /// The way to a value, or to one that is missing.
    pub(crate) fn way(&mut self, value: &Value) -> Vec<String> {
        let mut way = Vec::new();
        let mut value = value;
        while self.below(5) > 0 {
            let (token, next) = match value {
                Value::Object(members) if self.below(6) > 0 && !members.is_empty() => {
                    let (key, value) = members
                        .iter()
                        .nth(self.below(members.len()))
                        .expect("that many are there");
                    (key.clone(), value)
                }
                Value::Array(items) if self.below(6) > 0 && !items.is_empty() => {
                    let at = self.below(items.len());
                    (at.to_string(), &items[at])
                }
                _ => (self.key(), &Value::Null),
            };
            way.push(token);
            value = next;
        }
        way
    }

    pub(crate) fn operation(&mut self) -> Operation {
        match self.below(4) {
            0 => Operation::Set(self.value(3)),
            1 => Operation::Unset,
            2 => Operation::Increment(self.one_of(&[1, -7, i64::MAX])),
            _ => Operation::Push(self.value(3)),
        }
    }
}

#[derive(Clone, Copy)]
enum Style {
    /// Line end and indentation.
    Lines(&'static str, &'static str),
    OneLine,
    /// Another one at each place.
    Any,
}

#[derive(Debug, Clone)]
pub(crate) enum Operation {
    Set(Value),
    Unset,
    Increment(i64),
    Push(Value),
}

/// What is read is what `serde_json` reads, but for members that stand twice and numbers out of range; and nothing panics.
pub(crate) fn reading_agrees_with_serde_json(bytes: &[u8]) {
    let ours = JsonText::parse(bytes);
    let theirs: Result<Value, _> = serde_json::from_slice(bytes);
    let shown = String::from_utf8_lossy(bytes);
    match (&ours, &theirs) {
        (Ok(text), Ok(value)) => {
            assert_eq!(
                text.value(&Path::whole()).as_ref(),
                Some(value),
                "one value: {shown}"
            );
            assert_eq!(text.as_bytes(), bytes, "as it was: {shown}");
        }
        (Ok(text), Err(err)) => {
            assert!(
                err.to_string().contains("out of range"),
                "{err}, but is read: {shown}"
            );
            assert!(
                text.value(&Path::whole()).is_some(),
                "there is a view of it: {shown}"
            );
        }
        (Err(err), Ok(_)) => {
            let is_twice = matches!(err.kind, ParseErrorKind::Duplicate { .. });
            assert!(is_twice, "{err}, but serde_json reads it: {shown}");
        }
        (Err(_), Err(_)) => {}
    }
}

/// An edit does what the same one does to the value, and leaves everything else alone.
pub(crate) fn edit_does_what_it_says(text: &mut JsonText, way: &[String], operation: &Operation) {
    let before = text.clone();
    let mut wanted = before.value(&Path::whole()).expect("the whole is there");
    let path = way
        .iter()
        .fold(Path::whole(), |path, token| path.key(token.as_str()));
    let json = |value: &Value| Json::of(value).expect("it has a form in JSON");
    let done = match operation {
        Operation::Set(value) => text.set(&path, &json(value)),
        Operation::Unset => text.unset(&path).map(drop),
        Operation::Increment(by) => text.increment(&path, *by).map(drop),
        Operation::Push(item) => text.push(&path, &json(item)),
    };
    let context = format!("{operation:?} at {way:?} of {:?}", before.as_str());
    // An integer as it is written, but to serde_json the float -0.0.
    if before.raw(&path) == Some("-0")
        && let Operation::Increment(by) = operation
    {
        let counted = by.to_string();
        assert_eq!(text.raw(&path), Some(counted.as_str()), "{context}");
        assert_is_read_again(text, &context);
        return;
    }
    let is_possible = edit_value(&mut wanted, way, operation);
    assert_eq!(done.is_ok(), is_possible, "{done:?}: {context}");
    if !is_possible {
        assert_eq!(*text, before, "as it was: {context}");
        return;
    }
    assert_eq!(
        text.value(&Path::whole()),
        Some(wanted),
        "the value: {context}"
    );
    assert_is_read_again(text, &context);
    assert_others_are_alike(&before, text, way, &context);
}

/// The text says after following what the second value is.
pub(crate) fn following_leads_to_the_value(text: &mut JsonText, before: &[u8], after: &[u8]) {
    let context = format!(
        "{:?} after {:?} became {:?}",
        text.as_str(),
        text_of(before),
        text_of(after)
    );
    text.follow(before, after).expect("both are JSON");
    let wanted: Value = serde_json::from_slice(after).expect("it is JSON");
    assert_eq!(
        text.value(&Path::whole()),
        Some(wanted),
        "the value: {context}"
    );
    assert_is_read_again(text, &context);
}

/// A merge patch leads where RFC 7396, section 2, says.
pub(crate) fn merging_leads_to_the_value(text: &mut JsonText, patch: &Value) {
    let context = format!("{:?} with {patch}", text.as_str());
    let mut wanted = text.value(&Path::whole()).expect("the whole is there");
    merge_value(&mut wanted, patch);
    text.merge(&Json::of(patch).expect("it has a form in JSON"))
        .expect("it is short");
    assert_eq!(
        text.value(&Path::whole()),
        Some(wanted),
        "the value: {context}"
    );
    assert_is_read_again(text, &context);
}

fn text_of(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).expect("it is a text")
}

fn assert_is_read_again(text: &JsonText, context: &str) {
    let again = JsonText::parse(text.as_bytes());
    assert_eq!(
        again.as_ref(),
        Ok(text),
        "it can be read, and its index is right: {context}"
    );
}

/// What does not lie on the way stands where it stood, letter by letter.
fn assert_others_are_alike(before: &JsonText, after: &JsonText, way: &[String], context: &str) {
    let mut outer = Path::whole();
    let around = |text: &JsonText, path: &Path| {
        let raw = text.raw(path)?;
        let start = raw.as_ptr().addr() - text.as_str().as_ptr().addr();
        let (head, tail) = text.as_str().split_at(start);
        Some((head.to_owned(), tail[raw.len()..].to_owned()))
    };
    for (depth, token) in way.iter().enumerate() {
        assert_eq!(
            around(before, &outer),
            around(after, &outer),
            "around {outer}: {context}"
        );
        let Some(Value::Object(members)) = before.value(&outer) else {
            break;
        };
        for key in members.keys().filter(|key| *key != token) {
            let other = outer.clone().key(key.as_str());
            assert_eq!(before.raw(&other), after.raw(&other), "{other}: {context}");
        }
        outer = way[..=depth]
            .iter()
            .fold(Path::whole(), |path, token| path.key(token.as_str()));
        if after.raw(&outer).is_none() || before.raw(&outer).is_none() {
            return;
        }
    }
    assert_eq!(
        around(before, &outer),
        around(after, &outer),
        "around {outer}: {context}"
    );
}

/// The edit of a value; `false`: it is not possible.
fn edit_value(value: &mut Value, way: &[String], operation: &Operation) -> bool {
    let is_set = !matches!(operation, Operation::Unset);
    let Some((token, rest)) = way.split_first() else {
        return edit_here(value, operation);
    };
    match value {
        Value::Object(members) => {
            if rest.is_empty() && !is_set {
                members.shift_remove(token);
                return true;
            }
            let had = members.contains_key(token);
            if !had && !is_set {
                return true;
            }
            let start = if had || rest.is_empty() {
                Value::Null
            } else {
                json!({})
            };
            let is_missing_list =
                !had && rest.is_empty() && matches!(operation, Operation::Push(_));
            let start = if is_missing_list { json!([]) } else { start };
            let member = members.entry(token.as_str()).or_insert(start);
            let done = edit_value(member, rest, operation);
            if !done && !had {
                members.shift_remove(token);
            }
            done
        }
        Value::Array(items) => {
            let index = token
                .parse()
                .ok()
                .filter(|index: &usize| index.to_string() == *token && *index < items.len());
            match index {
                Some(index) if rest.is_empty() && !is_set => {
                    items.remove(index);
                    true
                }
                Some(index) => edit_value(&mut items[index], rest, operation),
                None => !is_set,
            }
        }
        _ => !is_set,
    }
}

fn edit_here(value: &mut Value, operation: &Operation) -> bool {
    match operation {
        Operation::Set(new) => value.clone_from(new),
        Operation::Unset => return false,
        Operation::Increment(by) => {
            let number = if value.is_null() {
                Some(0)
            } else {
                value.as_i64()
            };
            let Some(sum) = number.and_then(|number| number.checked_add(*by)) else {
                return false;
            };
            *value = json!(sum);
        }
        Operation::Push(item) => match value {
            Value::Array(items) => items.push(item.clone()),
            _ => return false,
        },
    }
    true
}

fn merge_value(value: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        value.clone_from(patch);
        return;
    };
    if !value.is_object() {
        *value = json!({});
    }
    let members = value.as_object_mut().expect("it is one");
    for (key, wanted) in patch {
        if wanted.is_null() {
            members.shift_remove(key);
        } else {
            merge_value(members.entry(key.as_str()).or_insert(Value::Null), wanted);
        }
    }
}
