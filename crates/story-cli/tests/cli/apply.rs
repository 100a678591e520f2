//! `story apply`: one answer a request, in order.

use serde_json::json;

use crate::desk::{Desk, STORY, json_lines};

#[test]
fn each_line_is_its_own_transaction_and_gets_its_own_answer() {
    let desk = Desk::new();
    let input = r#"{"story": "S-0034", "set": {"status": "in-progress"}, "inc": {"retry_count": 2}}

nonsense
{"story": "S-0034", "set": {"a": 1}, "unknown": true}
{"story": "S-9999", "set": {"a": 1}}
{"story": "s-0034", "add": {"labels": ["urgent", "backend"]}, "if": {"status": "in-progress", "assignee": null}, "touch": false}"#;
    let finished = desk.feed(input, &["apply"]);
    assert_eq!(
        finished.status.code(),
        Some(2),
        "the first failure's code: {finished:?}"
    );
    let answers = json_lines(&finished.stdout);
    let short: Vec<_> = answers
        .iter()
        .map(|answer| json!([answer["line"], answer["ok"], answer["error"]["code"]]))
        .collect();
    let expected = json!([
        [1, true, null],
        [3, false, "EUSAGE"],
        [4, false, "EUSAGE"],
        [5, false, "ENOTFOUND"],
        [6, true, null],
    ]);
    assert_eq!(json!(short), expected, "one answer a line, in order");
    assert_eq!(
        answers[4]["changed"],
        json!(["labels"]),
        "what changed is told"
    );
    let text = desk.text();
    assert!(
        text.contains("status: in-progress\n")
            && text.contains("retry_count: 2\n")
            && text.contains("  - urgent\n"),
        "sound lines are applied in spite of the others: {text}"
    );
    desk.assert_tidy();
}

#[test]
fn stop_on_error_leaves_the_rest_out() {
    let desk = Desk::new();
    let input =
        "{\"story\": \"S-9\", \"set\": {\"a\": 1}}\n{\"story\": \"S-0034\", \"set\": {\"a\": 1}}\n";
    let finished = desk.feed(input, &["apply", "-", "--stop-on-error"]);
    assert_eq!(
        finished.status.code(),
        Some(3),
        "the failure's code: {finished:?}"
    );
    assert_eq!(
        finished.stdout.lines().count(),
        1,
        "no answer for what was not done: {finished:?}"
    );
    assert_eq!(desk.text(), STORY, "and it was not done");
}

#[test]
fn one_object_may_stand_on_several_lines_and_in_a_file() {
    let desk = Desk::new();
    let request = json!({"story": "S-0034", "set": {"status": "blocked"}, "content": "new body\n", "if_rev": rev(&desk)});
    let pretty = serde_json::to_string_pretty(&request).expect("it is JSON");
    desk.sandbox.write("request.json", pretty);
    let finished = desk.expect(0, &["apply", "request.json", "--no-touch"]);
    assert_eq!(
        json_lines(&finished.stdout)[0]["changed"],
        json!(["status", "content"]),
        "both are done"
    );
    let head = STORY.replace("status: ready", "status: blocked");
    let head = head.split("\n\n").next().expect("a head");
    assert_eq!(
        desk.text(),
        format!("{head}\nnew body\n"),
        "the body is replaced"
    );
    desk.expect(5, &["apply", "request.json"]);
    desk.expect(3, &["apply", "missing.json"]);
}

fn rev(desk: &Desk) -> String {
    desk.json(0, &["get", "S-0034"])["rev"]
        .as_str()
        .expect("a revision")
        .to_owned()
}

#[test]
fn every_operation_of_set_has_its_member() {
    let desk = Desk::new();
    let request = json!({
        "story": "S-0034",
        "set": {"a.b": {"deep": [1, null, "2026-01-01"]}},
        "unset": ["assignee"],
        "inc": {"priority": -1},
        "remove": {"labels": "backend"},
        "push": {"history": {"n": 1}},
        "cap": {"history": 3},
        "append_body": "end",
        "touch": false,
    });
    desk.sandbox.write("request.json", request.to_string());
    desk.expect(0, &["apply", "request.json"]);
    let values = desk.json(0, &["get", "S-0034"])["values"].clone();
    let expected = json!({
        "id": "S-0034",
        "title": "Atomic story updates",
        "status": "ready",
        "updated": "2026-01-15",
        "priority": 9,
        "labels": [],
        "history": [{"n": 1}],
        "a": {"b": {"deep": [1, null, "2026-01-01"]}},
    });
    assert_eq!(values, expected, "all of them, in one step");
    assert!(
        desk.text().ends_with("# Atomic story updates\nend\n"),
        "and the body: {}",
        desk.text()
    );
}

#[test]
fn transaction_of_too_many_operations_is_refused_before_the_lock() {
    let desk = Desk::new();
    let before = desk.text();
    for (count, exit) in [(1000, 0), (1001, 2)] {
        // Sets that change nothing are operations too, and cheap.
        let keys: Vec<String> = (0..count).map(|n| format!("\"none_{n}\"")).collect();
        let input = format!(r#"{{"story": "S-0034", "unset": [{}]}}"#, keys.join(","));
        let finished = desk.feed(&input, &["apply"]);
        assert_eq!(
            finished.status.code(),
            Some(exit),
            "{count} operations: {finished:?}"
        );
        assert_eq!(desk.text(), before, "{count} operations change nothing");
    }
    desk.assert_tidy();
}
