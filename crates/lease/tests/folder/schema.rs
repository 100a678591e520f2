//! What is written into a folder, and what of it is kept; the files stand in `fixtures/leases`, `UPDATE_EXPECT=1` rewrites them.

use std::fs::{self, File};
use std::io::Write as _;
use std::time::Duration;

use lease::{Mode, Process, Request, Which};
use testkit::fixtures;

use crate::desk::{Desk, HOUR};

fn expect(desk: &Desk, name: &str, fixture: &str) {
    let text = desk.sandbox.read(format!("locks/{name}"));
    let path = fixtures().join("leases").join(fixture);
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        File::create(&path)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .expect("a fixture can be written");
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, expected, "{fixture}; UPDATE_EXPECT=1 rewrites it");
}

#[test]
fn acquire_writes_the_schema_of_the_requirement() {
    let desk = Desk::new();
    let request = Request {
        task: Some("The integration of \"Acme\"".to_owned()),
        ..desk.wants("agent-1", &["src/a.rs", "backend/acme/", "**/*_test.go"])
    };
    desk.request(&request).expect("nobody holds anything");
    expect(&desk, "agent-1.lock", "one.lock");
    expect(&desk, ".leases.json", "state.json");
}

#[test]
fn acquire_merges_and_release_narrows() {
    let mut desk = Desk::new();
    desk.must_acquire("agent-1", &["src/a.rs", "src/b.rs"]);
    desk.later(Duration::from_secs(90));
    let request = Request {
        mode: Mode::Shared,
        ttl: 2 * HOUR,
        task: Some("reading".to_owned()),
        bind_to: Some(Process {
            pid: 17,
            start_time: 4711,
            boot_id: "0a0b".to_owned(),
            pid_namespace: 1,
            host: "there".to_owned(),
        }),
        ..desk.wants("agent-1", &["docs/"])
    };
    desk.request(&request).expect("nobody else holds anything");
    expect(&desk, "agent-1.lock", "merged.lock");
    desk.release("agent-1", &Which::Patterns(desk.scope(&["src/a.rs"])));
    expect(&desk, "agent-1.lock", "narrowed.lock");
    assert!(!desk.is_held("src/a.rs"), "it was given back");
    assert!(desk.is_held("src/b.rs"), "the rest was not");
    desk.release("agent-1", &Which::All);
    assert!(
        !desk.sandbox.join("locks/agent-1.lock").exists(),
        "who holds nothing has no file"
    );
}

#[test]
fn store_reads_what_it_has_written() {
    let mut desk = Desk::new();
    desk.must_acquire("agent-1", &["src/a.rs", "./", "**/x"]);
    desk.later(Duration::from_millis(1));
    let shared = Request {
        mode: Mode::Shared,
        task: Some("umlauts: äöü, a quote: \", a line\nfeed".to_owned()),
        ..desk.wants("agent-1", &["src/[id].ts", "src/*.ts", "Straße/"])
    };
    let lease = desk.request(&shared).expect("its own is no obstacle").lease;
    let leases = desk.leases();
    assert_eq!(leases.held.len(), 2, "each lease is one");
    assert_eq!(leases.held[1], lease, "with all that was known of it");
    assert_eq!(Some(leases.last_token), lease.token, "the highest number");
    let written = desk.sandbox.read("locks/agent-1.lock");
    desk.release(
        "agent-1",
        &Which::Token(leases.held[0].token.expect("it has one")),
    );
    desk.later(Duration::from_millis(1));
    desk.must_acquire("agent-1", &["src/a.rs", "./", "**/x"]);
    assert_ne!(
        written,
        desk.sandbox.read("locks/agent-1.lock"),
        "another lease has another number"
    );
}

#[test]
fn acquire_keeps_extra_keys_as_they_are() {
    let desk = Desk::new();
    let text = r#"{
  "x-first" : {"b":1, "a":[1e400, 0.10]},
  "agent": "agent-1",
  "expires_at": "2026-01-02T05:00:00+01:00",
  "pid": 0,
  "files": ["src/a.rs"],
  "locked_at": "2026-01-02T03:00:00Z",
  "note": "caf\u00e9"
}"#;
    desk.sandbox.write("locks/agent-1.lock", text);
    desk.must_acquire("agent-1", &["src/b.rs"]);
    // What had no number gets one by the machine's clock.
    desk.release("agent-1", &Which::Patterns(desk.scope(&["src/a.rs"])));
    expect(&desk, "agent-1.lock", "extra-keys.lock");
}
