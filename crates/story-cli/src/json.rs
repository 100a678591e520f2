//! The shapes of JSON results and errors. Pure. Each shape has a fixture in `fixtures/cli`.

use std::fmt::Write as _;
use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value, json};
use sidecar_lock::TookOver;
use story::workspace::StoryCopy;

use crate::failure::{AlreadyDone, Failure};
use crate::failure_sources::millis;
use crate::terminal::is_dangerous;

/// The version of the shapes.
const VERSION: u32 = 1;

/// A result that members can be added to: `{"v":1,"ok":true,…}`.
pub fn success() -> Map<String, Value> {
    object(json!({ "v": VERSION, "ok": true }))
}

/// `{"v":1,"ok":true,"story":…,"path":…}`.
pub fn success_of(story: Option<&str>, path: &Path) -> Map<String, Value> {
    let mut result = success();
    result.insert("story".to_owned(), story.into());
    result.insert("path".to_owned(), text(path));
    result
}

/// Says which copy of the story it is, where it is not the main one: `"copy":"worktree:S-0034-title"`, `"copy":"legacy:done"`.
pub fn add_copy(result: &mut Map<String, Value>, copy: Option<&StoryCopy>) {
    if let Some(copy) = copy.filter(|copy| **copy != StoryCopy::Main) {
        result.insert("copy".to_owned(), copy.to_string().into());
    }
}

/// `{"v":1,"ok":false,"error":{…}}`; of what was done before, its success.
pub fn failure(failure: &Failure) -> Map<String, Value> {
    if let Some(already) = &failure.already {
        return already_done(failure, already);
    }
    let mut error = object(json!({
        "code": failure.code.name(),
        "message": failure.message(),
        "story": failure.story,
        "path": failure.path.as_deref().map(text),
        "holder": failure.holder,
        "waited_ms": failure.waited_ms,
        "stale_in_ms": failure.stale_in_ms,
        "retryable": failure.retryable,
        "committed": failure.is_committed(),
        "hint": failure.hint,
    }));
    if let Some(holder) = &failure.tree_holder {
        error.insert("holder".to_owned(), json!(holder));
    }
    if let Some((line, column)) = failure.position {
        error.insert("line".to_owned(), line.into());
        error.insert("column".to_owned(), column.into());
    }
    if let Some(revision) = &failure.revision {
        error.insert("rev".to_owned(), revision.as_str().into());
    }
    if !failure.conflicts.is_empty() {
        error.insert("conflicts".to_owned(), failure.conflicts.clone().into());
    }
    object(json!({ "v": VERSION, "ok": false, "error": error }))
}

/// A success: what was asked for is in the story since an earlier try.
fn already_done(failure: &Failure, already: &AlreadyDone) -> Map<String, Value> {
    let mut result = object(json!({
        "v": VERSION,
        "ok": true,
        "story": failure.story,
        "path": failure.path.as_deref().map(text),
        "changed": [],
        "rev": already.revision,
        "warnings": [],
    }));
    result.extend(object(json!({
        "op_id": already.op,
        "already": true,
        "at": already.at,
    })));
    result
}

/// What a taken-over lock was.
pub fn took_over(took_over: &TookOver) -> Value {
    match took_over {
        TookOver::Crashed(holder) => json!({ "kind": "crashed", "holder": holder }),
        TookOver::Foreign(foreign) => {
            json!({ "kind": "foreign", "age_ms": millis(foreign.age) })
        }
        _ => json!({ "kind": "crashed", "holder": null }),
    }
}

/// A path as text; bytes that are no text are replaced.
pub fn text(path: &Path) -> Value {
    path.to_string_lossy().into()
}

/// One line: characters that a terminal could act on are escaped, which JSON readers undo.
pub fn to_line(value: &impl Serialize) -> String {
    let plain = serde_json::to_string(value).expect("all keys of results are texts");
    let is_ascii = plain.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if is_ascii || !plain.chars().any(is_dangerous) {
        return plain;
    }
    let mut line = String::with_capacity(plain.len() + 16);
    for c in plain.chars() {
        // JSON itself escapes what lies below 0x20; what is left stands inside strings.
        if is_dangerous(c) {
            write!(line, "\\u{:04x}", u32::from(c)).expect("a String takes any text");
        } else {
            line.push(c);
        }
    }
    line
}

/// The members of an object.
pub fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn to_line_escapes_what_a_terminal_acts_on_and_stays_equal() {
        let value = json!({ "title": "a\u{1b}[2J\u{9b}\u{7f}\u{202e}\n" });
        let line = to_line(&value);
        assert!(
            !line.chars().any(|c| c.is_control() || is_dangerous(c)),
            "harmless: {line:?}"
        );
        let back: Value = serde_json::from_str(&line).expect("it is JSON");
        assert_eq!(back, value, "readers see the same value");
    }
}
