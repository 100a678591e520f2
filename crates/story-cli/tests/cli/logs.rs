//! `story state append`: lines for a log.

use crate::desk::{Desk, one_json};

const APPEND: [&str; 3] = ["state", "append", "run.log"];

fn append(desk: &Desk, code: i32, arguments: &[&str]) {
    desk.expect(code, &[&APPEND[..], arguments].concat());
}

#[test]
fn append_writes_each_line_of_an_argument_a_file_and_standard_input() {
    let desk = Desk::new();
    append(&desk, 0, &["one"]);
    append(&desk, 0, &["two\nthree\n"]);
    desk.sandbox.write("lines.txt", "four\r\nfive");
    append(&desk, 0, &["@lines.txt"]);
    append(&desk, 0, &[""]);
    append(&desk, 0, &["-v is text here", "--fast"]);
    let fed = desk.feed("six\nseven\n", &[&APPEND[..], &["-", "--json"]].concat());
    assert_eq!(
        one_json(&fed.stdout)["lines"],
        2,
        "each is counted: {fed:?}"
    );
    assert_eq!(
        desk.sandbox.read("run.log"),
        "one\ntwo\nthree\nfour\nfive\n\n-v is text here\nsix\nseven\n",
        "one line each"
    );
    desk.assert_tidy();
}

#[test]
fn append_rotates_and_keeps_as_many_old_logs_as_it_is_told() {
    let desk = Desk::new();
    for number in 0..5 {
        let line = format!("line {number}");
        append(&desk, 0, &[&line, "--max-size", "8", "--keep", "2"]);
    }
    for (name, text) in [
        ("run.log", "line 4\n"),
        ("run.log.1", "line 3\n"),
        ("run.log.2", "line 2\n"),
    ] {
        assert_eq!(desk.sandbox.read(name), text, "what {name} holds");
    }
    assert!(!desk.sandbox.join("run.log.3").exists(), "no more than two");
}

#[test]
fn append_refuses_what_is_no_log_and_tells_where_there_is_none() {
    let desk = Desk::new();
    desk.expect(7, &["state", "append", ".ai-sdlc", "x"]);
    desk.expect(3, &["state", "append", "missing/run.log", "x"]);
    for name in ["tasks.json", "story.md", "run.log.lock"] {
        desk.sandbox.write(name, "{}");
        desk.expect(2, &["state", "append", name, "x"]);
        assert_eq!(desk.sandbox.read(name), "{}", "{name} is no log, and stays");
    }
    for wrong in [&["x", "--max-size", "big"][..], &["x", "--keep", "2"], &[]] {
        append(&desk, 2, wrong);
    }
    append(&desk, 2, &["x", "--max-size", "1KB", "--keep", "0"]);
    let long = "x".repeat(1024 * 1024 + 1);
    desk.sandbox.write("long", &long);
    append(&desk, 7, &["@long"]);
    assert!(
        !desk.sandbox.join("run.log").exists(),
        "nothing was written"
    );
}
