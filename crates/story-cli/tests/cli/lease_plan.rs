//! `story lease plan`: what an orchestrator learns before it starts its agents.

use serde_json::json;

use crate::desk::{Desk, one_json};

const ROLES: &str = r#"{"roles": {
    "developer": {"directories": ["backend/{vendor}/"]},
    "tester": {"globs": ["backend/{vendor}/*_test.go"]},
    "reviewer": {"mode": "none"}
}}"#;

fn desk(agents: &str) -> Desk {
    let desk = Desk::empty();
    desk.sandbox.write("agents.json", agents);
    desk.sandbox.write("scopes.json", ROLES);
    desk
}

#[test]
fn plan_without_conflicts_is_a_success_with_one_wave() {
    let desk = desk(
        r#"{"agents": [{"agent": "a", "files": ["x"]}, {"agent": "b", "role": "developer", "with": {"vendor": "v"}},
            {"agent": "c", "role": "reviewer"}]}"#,
    );
    let call = ["lease", "plan", "agents.json", "--roles", "scopes.json"];
    assert_eq!(
        desk.expect(0, &call).stdout,
        "wave 1: a b c\n",
        "all at once"
    );
    let found = desk.json(0, &call);
    assert_eq!(found["ok"], true, "a success: {found}");
    assert_eq!(found["conflicts"], json!([]), "no conflicts");
    assert_eq!(
        found["agents"][1]["directories"],
        json!(["backend/v/"]),
        "the role is filled in, ready to be acquired"
    );
    assert!(
        !desk.sandbox.join(".ai-sdlc/locks").exists(),
        "nothing was acquired, nothing made"
    );
    desk.assert_tidy();
}

#[test]
fn plan_with_conflicts_exits_5_and_tells_all_of_it() {
    let desk = desk(
        r#"[{"agent": "dev", "role": "developer", "with": {"vendor": "v"}, "task_description": "build"},
            {"agent": "test", "role": "tester", "with": {"vendor": "v"}, "files": ["report"]}]"#,
    );
    let call = ["lease", "plan", "agents.json", "--roles", "scopes.json"];
    let shown = desk.expect(5, &call);
    assert_eq!(
        shown.stdout,
        "conflict: dev and test\n  both: backend/v/ and backend/v/*_test.go\n  \
         could: run test when dev has finished\n  \
         could: leave backend/v/*_test.go to dev, and out of what test does\n  \
         could: split backend/v/: dev gets backend/v/ without backend/v/*_test.go; test gets backend/v/*_test.go\n  \
         could: have one agent do the tasks of dev and test\n\
         wave 1: dev\nwave 2: test\n",
        "the conflict, the ways out, and the waves"
    );
    assert!(
        shown.stderr.starts_with("error: the plan has a conflict\n"),
        "and that it is one: {shown:?}"
    );
    let found = desk.json(5, &call);
    assert_eq!(found["error"]["code"], "ECONFLICT", "for programs: {found}");
    let kinds = found["conflicts"][0]["resolutions"].as_array();
    let kinds: Vec<_> = kinds
        .into_iter()
        .flatten()
        .map(|way| &way["kind"])
        .collect();
    assert_eq!(
        kinds,
        [
            "run-one-after-the-other",
            "reassign-files",
            "split-directory",
            "merge-tasks"
        ],
        "the ways out as data"
    );
    assert_eq!(
        found["waves"],
        json!([
            {"agents": ["dev"], "not_before": null, "waits_for": []},
            {"agents": ["test"], "not_before": null, "waits_for": []},
        ]),
        "and the waves"
    );
}

#[test]
fn plan_meets_leases_of_others_until_they_are_released() {
    for store in ["locks.d", "leases.db"] {
        let desk = desk(r#"[{"agent": "a", "files": ["src/x"]}, {"agent": "b", "files": ["y"]}]"#);
        let now = ["--store", store, "--now", "2026-03-04T12:00:00Z"];
        let lease = |code, call: &[&str]| desk.expect(code, &[&["lease"], call, &now].concat());
        lease(0, &["acquire", "src/", "--as", "c", "--task", "tidy"]);
        let shown = lease(5, &["plan", "agents.json"]).stdout;
        assert!(
            shown.starts_with(
                "conflict: a and c, which holds it until 2026-03-04T13:00:00Z for \"tidy\"\n  both: src/x and src/\n"
            ),
            "who, until when, what for: {shown}"
        );
        assert!(
            shown.ends_with(
                "wave 1: b\nwave 2: a, not before 2026-03-04T13:00:00Z or when the leases of c are released\n"
            ),
            "b need not wait: {shown}"
        );
        lease(0, &["release", "--as", "c"]);
        lease(0, &["plan", "agents.json"]);
    }
}

#[test]
fn plan_honours_after_and_counts_such_agents_as_no_conflict() {
    let desk = desk(
        r#"[{"agent": "late", "files": ["x"], "after": ["early"]}, {"agent": "early", "files": ["x"]}]"#,
    );
    let shown = desk.expect(0, &["lease", "plan", "agents.json"]).stdout;
    assert_eq!(
        shown, "wave 1: early\nwave 2: late\n",
        "in the order that was asked for"
    );
}

#[test]
fn plan_is_read_from_standard_input_too() {
    let desk = desk("");
    let input = r#"[{"agent": "a", "files": ["x"]}]"#;
    let finished = desk.feed(input, &["lease", "plan", "-", "--json"]);
    assert_eq!(one_json(&finished.stdout)["ok"], true, "{finished:?}");
}

#[test]
fn plan_that_makes_no_sense_is_a_usage_error_that_says_where() {
    let table = [
        (
            r#"[{"agent": "a", "file": ["x"]}]"#,
            "line 1, column 22, [0].file: unknown field `file`",
        ),
        (
            "[{\"agent\": \"a\",\n \"mode\": \"write\"}]",
            "line 2, column 16, [0].mode: unknown variant `write`",
        ),
        ("", "EOF while parsing"),
        (r#"[{"agent": "a", "files": ["../x"]}]"#, "outside"),
        (
            r#"[{"agent": "a", "role": "gardener"}]"#,
            "there is no role \"gardener\"",
        ),
        (
            r#"[{"agent": "a", "role": "developer"}]"#,
            "needs a value for {vendor}",
        ),
        (
            r#"[{"agent": "a", "role": "developer", "with": {"vendor": "../x"}}]"#,
            "the value \"../x\" of {vendor} must not contain",
        ),
        (
            r#"[{"agent": "a", "role": "developer", "with": {"vendor": "v", "vendors": "w"}}]"#,
            "no placeholder {vendors}",
        ),
        (
            r#"[{"agent": "a", "files": ["x"], "after": ["b"]}, {"agent": "b", "files": ["y"], "after": ["a"]}]"#,
            "in a circle: a after b after a",
        ),
        (
            r#"[{"agent": "a", "files": ["x"]}, {"agent": "a", "files": ["y"]}]"#,
            "stands in the plan twice",
        ),
    ];
    for (agents, expected) in table {
        let desk = desk(agents);
        let call = ["lease", "plan", "agents.json", "--roles", "scopes.json"];
        let refused = desk.json(2, &call);
        let message = refused["error"]["message"].as_str().unwrap_or_default();
        assert!(message.contains(expected), "{agents}: {message}");
    }
    let desk = desk("[]");
    desk.expect(3, &["lease", "plan", "nowhere.json"]);
    let refused = desk.json(
        2,
        &["lease", "plan", "agents.json", "--roles", "agents.json"],
    );
    assert_eq!(
        refused["error"]["line"], 1,
        "a list is no file of roles: {refused}"
    );
}

#[test]
fn plan_is_refused_while_leases_cannot_be_read() {
    let desk = desk(r#"[{"agent": "a", "files": ["x"]}]"#);
    desk.sandbox.write(".ai-sdlc/locks/other.lock", "{\n");
    let refused = desk.json(6, &["lease", "plan", "agents.json"]);
    let message = refused["error"]["message"].as_str().unwrap_or_default();
    assert!(message.contains("other.lock"), "it is named: {message}");
}
