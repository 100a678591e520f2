//! The shape of every JSON result, against `fixtures/cli/*.json`; `UPDATE_EXPECT=1` rewrites them.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};
use testkit::{ForeignLock, LegacyWriter, Sandbox, SecondProcess, fixtures};

use crate::desk::{Desk, PATIENCE, json_lines, one_json};
use crate::git_desk::GitDesk;

/// Compares one result with its fixture.
fn check(name: &str, desk: &Desk, mut found: Value, seen: &mut BTreeSet<String>) {
    normalise(&mut found, &desk.sandbox);
    let path = path_of(name);
    let text = serde_json::to_string_pretty(&found).expect("it is JSON") + "\n";
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        let mut file = File::create(&path).expect("a fixture can be written");
        file.write_all(text.as_bytes())
            .expect("a fixture can be written");
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        text, expected,
        "the shape of {name}; UPDATE_EXPECT=1 rewrites the fixture"
    );
    seen.insert(name.to_owned());
}

fn path_of(name: &str) -> PathBuf {
    fixtures().join("cli").join(format!("{name}.json"))
}

/// Puts fixed values in the place of those that differ from run to run.
fn normalise(value: &mut Value, sandbox: &Sandbox) {
    match value {
        Value::Object(members) => {
            // The token is drawn anew each time, and the revision covers it.
            let has_claim = members.contains_key("claim_token");
            // So is a part of each new task's id.
            let is_task = |value: &Value| value.get("history").is_some();
            let has_task = members.get("task").is_some_and(is_task)
                || members.get("tasks").is_some_and(|tasks| is_task(&tasks[0]));
            for (key, value) in members.iter_mut() {
                let fixed = match (key.as_str(), &value) {
                    (_, Value::Null) => None,
                    (
                        "pid" | "start_time" | "pid_namespace" | "waited_ms" | "age_ms"
                        | "stale_in_ms",
                        _,
                    ) => Some(json!(0)),
                    ("claim_token", _) => Some(json!("a000000000000000")),
                    ("rev", _) if has_claim || has_task => Some(json!("REVISION")),
                    ("token", _) => Some(json!("TOKEN")),
                    ("boot_id", _) => Some(json!("BOOT")),
                    ("host", _) => Some(json!("HOST")),
                    ("acquired_at", _) => Some(json!("2026-01-12T10:00:00.000Z")),
                    _ => None,
                };
                match fixed {
                    Some(fixed) => *value = fixed,
                    None => normalise(value, sandbox),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| normalise(item, sandbox)),
        Value::String(text) => *text = without_variables(text, sandbox),
        _ => {}
    }
}

fn without_variables(text: &str, sandbox: &Sandbox) -> String {
    let text = text.replace(&sandbox.path().display().to_string(), "/DIR");
    let text = without_task_ids(&text);
    let mut words: Vec<String> = text.split(' ').map(str::to_owned).collect();
    for at in 1..words.len() {
        let fixed = match words[at - 1].as_str() {
            "pid" => "0",
            "on" => "HOST",
            "since" => "TIME",
            "after" | "ago," | "touched" | "in"
                if words[at].starts_with(|c: char| c.is_ascii_digit()) =>
            {
                "0.0"
            }
            _ => continue,
        };
        fixed.clone_into(&mut words[at]);
    }
    words.join(" ")
}

/// `task_<milliseconds>_<6>` with six fixed letters.
fn without_task_ids(text: &str) -> String {
    let mut parts = text.split("task_1");
    let mut fixed = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        fixed.push_str("task_1");
        match part.split_once('_') {
            Some((time, rest)) if rest.is_char_boundary(6) => {
                fixed.push_str(time);
                fixed.push_str("_RANDOM");
                fixed.push_str(&rest[6..]);
            }
            _ => fixed.push_str(part),
        }
    }
    fixed
}

#[test]
fn every_shape_is_as_its_fixture() {
    let mut seen = BTreeSet::new();
    results(&mut seen);
    errors(&mut seen);
    locks(&mut seen);
    house_keeping(&mut seen);
    audits(&mut seen);
    logs(&mut seen);
    queries(&mut seen);
    sections(&mut seen);
    checkpoints(&mut seen);
    lifecycle(&mut seen);
    claims(&mut seen);
    leases(&mut seen);
    reviews(&mut seen);
    journals(&mut seen);
    lease_plans(&mut seen);
    edits(&mut seen);
    states(&mut seen);
    tasks(&mut seen);
    snapshots(&mut seen);
    runs(&mut seen);
    let kept: BTreeSet<String> = fs::read_dir(fixtures().join("cli"))
        .expect("the fixtures can be listed")
        .map(|entry| entry.expect("an entry").path())
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect();
    assert_eq!(
        kept, seen,
        "each fixture is one of a shape, and each shape has one"
    );
}

fn results(seen: &mut BTreeSet<String>) {
    let desk = Desk::new();
    check(
        "get",
        &desk,
        desk.json(0, &["get", "S-0034", "status", "labels"]),
        seen,
    );
    check("show", &desk, desk.json(0, &["show", "S-0034"]), seen);
    let now = ["--now", crate::desk::TODAY];
    let dry = ["set", "S-0034", "status=done", "--dry-run"];
    check(
        "set-dry-run",
        &desk,
        desk.json(0, &[&dry, &now[..]].concat()),
        seen,
    );
    check(
        "set",
        &desk,
        desk.json(0, &[&["set", "S-0034", "status=done"], &now[..]].concat()),
        seen,
    );
    let nothing = desk.json(0, &["set", "S-0034", "status=done"]);
    check("set-nothing-to-change", &desk, nothing, seen);
    let input = "{\"story\":\"S-0034\",\"inc\":{\"n\":1}}\n{\"story\":\"S-0034\",\"wrong\":1}\n";
    let finished = desk.feed(input, &["apply", "--now", crate::desk::TODAY]);
    let answers = json_lines(&finished.stdout);
    check("apply", &desk, answers[0].clone(), seen);
    check("apply-error", &desk, answers[1].clone(), seen);
    let new = [&["new", "A title", "--label", "x"], &now[..]].concat();
    check("new", &desk, desk.json(0, &new), seen);
    let moved = [&["move", "S-0035", "ready"], &now[..]].concat();
    check("move", &desk, desk.json(0, &moved), seen);
    let copy = ".ai-sdlc/worktrees/S-0050-x/.ai-sdlc/stories/S-0050/story.md";
    desk.sandbox.write(copy, "---\nid: S-0050\n---\n");
    let in_worktree = [&["set", "S-0050", "status=done"], &now[..]].concat();
    check("set-worktree", &desk, desk.json(0, &in_worktree), seen);
    desk.hold(&["--owner", "runner 2"]).kill_9();
    let took_over = desk.json(0, &[&["set", "S-0034", "status=ready"], &now[..]].concat());
    check("set-took-over", &desk, took_over, seen);
    let lock_path = desk.sandbox.join(".ai-sdlc/stories/S-0034/story.md.lock");
    let lock = ForeignLock::directory(&lock_path).expect("the name is free");
    lock.set_age(Duration::from_hours(1));
    lock.abandon();
    let arguments = [
        "set",
        "S-0034",
        "status=done",
        "--stale-after",
        "250ms",
        "--timeout",
        "20s",
    ];
    let took_over = desk.json(0, &[&arguments, &now[..]].concat());
    check("set-took-over-foreign", &desk, took_over, seen);
}

fn errors(seen: &mut BTreeSet<String>) {
    let desk = Desk::new();
    check("error-usage", &desk, desk.json(2, &["set", "S-0034"]), seen);
    check(
        "error-not-found",
        &desk,
        desk.json(3, &["get", "S-9999"]),
        seen,
    );
    check(
        "error-no-such-key",
        &desk,
        desk.json(3, &["get", "S-0034", "nope"]),
        seen,
    );
    let refused = desk.json(5, &["set", "S-0034", "a=1", "--if", "status=done"]);
    check("error-conflict", &desk, refused, seen);
    check(
        "error-refused",
        &desk,
        desk.json(7, &["set", "S-0034", "--inc", "status"]),
        seen,
    );
    desk.sandbox.write("bad.md", "---\na: 1\na: 2\n---\n");
    check(
        "error-parse",
        &desk,
        desk.json(6, &["set", "bad.md", "b=1"]),
        seen,
    );
    let base = crate::desk::STORY.replace("status: ready", "status: backlog");
    let request = json!({ "story": "S-0034", "base": base, "set": { "status": "done" } });
    let finished = desk.feed(&request.to_string(), &["apply"]);
    check("error-merge", &desk, one_json(&finished.stdout), seen);
    let lock_path = desk.sandbox.join(".ai-sdlc/stories/S-0034/story.md.lock");
    let foreign = ForeignLock::file(&lock_path).expect("the name is free");
    let base = [
        "set",
        "S-0034",
        "a=1",
        "--timeout",
        "0",
        "--stale-after",
        "240h",
    ];
    check("error-locked-foreign", &desk, desk.json(4, &base), seen);
    drop(foreign);
    std::os::unix::fs::symlink("nowhere", &lock_path).expect("a link can be made");
    check("error-obstructed", &desk, desk.json(7, &base), seen);
    fs::remove_file(&lock_path).expect("the link is there");
    let holder = desk.hold(&["--owner", "runner 2"]);
    check(
        "error-locked",
        &desk,
        desk.json(4, &["set", "S-0034", "a=1", "--timeout", "0"]),
        seen,
    );
    holder.wait(PATIENCE);
    let program = env!("CARGO_BIN_EXE_story");
    let inner = ["lock", "hold", "S-0034", "--json"];
    let nested = desk.expect(
        4,
        &[&["lock", "run", "S-0034", "--", program], &inner[..]].concat(),
    );
    check("error-nested", &desk, one_json(&nested.stdout), seen);
}

fn edits(seen: &mut BTreeSet<String>) {
    let desk = Desk::new();
    desk.sandbox.write("a.txt", "one two two\n");
    desk.lease("a1", "a.txt", Duration::from_hours(1));
    desk.lease("a1", "b.txt", Duration::from_hours(1));
    let edit = |old: &'static str| {
        [
            "edit-file",
            "a.txt",
            "--as",
            "a1",
            "--old",
            old,
            "--new",
            "1",
        ]
    };
    check("edit-file", &desk, desk.json(0, &edit("one")), seen);
    let ambiguous = desk.json(5, &edit("two"));
    check("error-edit-ambiguous", &desk, ambiguous, seen);
    let write = ["write-file", "b.txt", "--as", "a1", "--from", "text"];
    check("write-file", &desk, desk.json(0, &write), seen);
}

fn locks(seen: &mut BTreeSet<String>) {
    let desk = Desk::new();
    let status = |desk: &Desk| desk.json(0, &["lock", "status", "S-0034", "--stale-after", "240h"]);
    check("lock-status-free", &desk, status(&desk), seen);
    let mut command = desk.story(&["lock", "hold", "S-0034", "--owner", "runner 2", "--json"]);
    let mut holder = SecondProcess::spawn(&mut command);
    let ready = holder.next_line(PATIENCE).expect("a line when it holds");
    check("lock-hold", &desk, one_json(&ready), seen);
    check("lock-status-held", &desk, status(&desk), seen);
    holder.kill_9();
    let leftover = status(&desk);
    let token = leftover["token"].as_str().unwrap_or_default().to_owned();
    check("lock-status-leftover", &desk, leftover, seen);
    let broken = desk.json(0, &["lock", "break", "S-0034", "--token", &token]);
    check("lock-break", &desk, broken, seen);
    let lock_path = desk.sandbox.join(".ai-sdlc/stories/S-0034/story.md.lock");
    let foreign = ForeignLock::directory(&lock_path).expect("the name is free");
    check("lock-status-foreign", &desk, status(&desk), seen);
    drop(foreign);
    let run = desk.expect(
        7,
        &[
            "lock", "run", "S-0034", "--json", "--", "sh", "-c", "exit 7",
        ],
    );
    check("lock-run", &desk, one_json(&run.stdout), seen);
}

fn queries(seen: &mut BTreeSet<String>) {
    let desk = crate::queries::desk();
    let now = ["--now", crate::queries::NOW];
    let list = desk.json(0, &[&["list", "--status", "done,ready"], &now[..]].concat());
    check("list", &desk, list, seen);
    let phases = desk.json(0, &["phases", "--epic", "safety"]);
    check("phases", &desk, phases, seen);
    let arguments = [&["watch", "--json"], &now[..]].concat();
    let mut watch = SecondProcess::spawn(&mut desk.story(&arguments));
    let mut next = || one_json(&watch.next_line(PATIENCE).expect("a line"));
    check("watch-begin", &desk, next(), seen);
    let set = ["set", "S-0009", "status=ready", "--append-body", "x"];
    desk.expect(0, &set);
    check("watch-changed", &desk, next(), seen);
    desk.sandbox.write(".ai-sdlc/stories/S-0009/story.md", "x");
    check("watch-unreadable", &desk, next(), seen);
    fs::remove_dir_all(desk.sandbox.join(".ai-sdlc/stories/S-0009")).expect("it is there");
    check("watch-removed", &desk, next(), seen);
}

fn reviews(seen: &mut BTreeSet<String>) {
    let desk = Desk::new();
    let now = ["--now", crate::desk::TODAY];
    let show = desk.json(0, &["retry", "show", "S-0034"]);
    check("retry-show", &desk, show, seen);
    let counted = desk.json(0, &[&["retry", "inc", "S-0034"], &now[..]].concat());
    check("retry-inc", &desk, counted, seen);
    let add = ["review", "add", "S-0034", "--decision", "APPROVED"];
    let added = desk.json(0, &[&add[..], &["--auto-complete"], &now].concat());
    check("review-add", &desk, added, seen);
    let latest = desk.json(0, &["review", "latest", "S-0034"]);
    check("review-latest", &desk, latest, seen);
}

fn sections(seen: &mut BTreeSet<String>) {
    let desk = Desk::new();
    let now = ["--now", "2026-03-04T05:06:07Z"];
    let mut shape = |name, arguments: &[&str]| {
        let found = desk.json(0, &[arguments, &now[..]].concat());
        check(name, &desk, found, seen);
    };
    shape(
        "section-append",
        &["section", "append", "S-0034", "plan", "x"],
    );
    shape("section-put", &["section", "put", "S-0034", "review", "x"]);
    shape("section-get", &["section", "get", "S-0034", "plan"]);
    shape("section-path", &["section", "path", "S-0034", "plan"]);
    let heading = ["section", "append", "S-0034", "--heading", "Notes", "x"];
    shape("section-append-heading", &heading);
    let get = ["section", "get", "S-0034", "--heading", "Notes"];
    shape("section-get-heading", &get);
    shape("task-init", &["task", "init", "S-0034", "T1", "T2"]);
    shape("task-set", &["task", "set", "S-0034", "T1", "in_progress"]);
    shape("task-next", &["task", "next", "S-0034"]);
    shape("task-list", &["task", "list", "S-0034"]);
}

fn checkpoints(seen: &mut BTreeSet<String>) {
    let desk = Desk::new();
    let now = ["--now", "2026-03-04T05:06:07Z"];
    let run = |arguments: &[&str]| desk.json(0, &[arguments, &now[..]].concat());
    let id = ["--workflow", "workflow-1-0123abcd"];
    let start = [&["workflow", "start", "S-0034", "plan"], &id[..]].concat();
    let mut started = run(&start);
    // It covers the path of the sandbox.
    started["rev"] = json!("REVISION");
    check("workflow-start", &desk, started, seen);
    let shown = run(&["workflow", "show", "S-0034"]);
    check("workflow-show", &desk, shown, seen);
    let mut finished = run(&["workflow", "finish", "S-0034"]);
    finished["rev"] = json!("REVISION");
    check("workflow-finish", &desk, finished, seen);
    let state = ".ai-sdlc/stories/S-0034/.workflow-state.json";
    let text = desk.sandbox.read(state);
    let cleared = run(&["workflow", "clear", "S-0034"]);
    check("workflow-clear", &desk, cleared, seen);
    desk.sandbox.write(".ai-sdlc/.workflow-state.json", text);
    check(
        "workflow-migrate",
        &desk,
        run(&["workflow", "migrate"]),
        seen,
    );
    desk.sandbox.write(state, "{");
    let corrupt = desk.json(6, &["workflow", "show", "S-0034"]);
    check("error-checkpoint", &desk, corrupt, seen);
}

fn claims(seen: &mut BTreeSet<String>) {
    let desk = Desk::new();
    let at = |time: &'static str| ["--as", "ann", "--now", time];
    let noon = at("2026-03-04T12:00:00Z");
    let claimed = desk.json(0, &[&["claim", "S-0034"], &noon[..]].concat());
    check("claim", &desk, claimed, seen);
    let renewed = desk.json(
        0,
        &[&["renew", "S-0034", "--lease", "1h"], &noon[..]].concat(),
    );
    check("renew", &desk, renewed, seen);
    let next_day = at("2026-03-05T12:00:00Z");
    let took_over = desk.json(0, &[&["claim", "S-0034"], &next_day[..]].concat());
    check("claim-took-over", &desk, took_over, seen);
    let released = desk.json(0, &["release", "S-0034", "--as", "ann"]);
    check("release", &desk, released, seen);
    let lost = desk.json(5, &["release", "S-0034", "--as", "ann"]);
    check("error-claim-lost", &desk, lost, seen);
    let next = desk.json(0, &[&["claim", "--next"], &noon[..]].concat());
    check("claim-next", &desk, next, seen);
    let none = desk.json(3, &[&["claim", "--next"], &noon[..]].concat());
    check("error-nothing-ready", &desk, none, seen);
    let other = [
        "claim",
        "S-0034",
        "--as",
        "bob",
        "--now",
        "2026-03-04T12:00:00Z",
    ];
    check("error-claimed", &desk, desk.json(4, &other), seen);
}

fn leases(seen: &mut BTreeSet<String>) {
    let desk = Desk::new();
    let run = |code: i32, name: &str, time: &str, rest: &[&str]| {
        let now = ["--as", name, "--now", time];
        desk.json(code, &[&["lease"], rest, &now[..]].concat())
    };
    let [noon, later] = ["2026-03-04T12:00:00Z", "2026-03-04T14:00:00Z"];
    let wanted = ["acquire", "src/", "docs/*.md", "--task", "new API"];
    check("lease-acquire", &desk, run(0, "ann", noon, &wanted), seen);
    check("lease-list", &desk, run(0, "ann", noon, &["list"]), seen);
    check("lease-queue", &desk, run(0, "ann", noon, &["queue"]), seen);
    let own = run(0, "ann", noon, &["check", "src/a.rs"]);
    check("lease-check", &desk, own, seen);
    let taken = run(4, "bob", noon, &["acquire", "src/a.rs"]);
    check("error-lease-taken", &desk, taken, seen);
    let renewed = run(0, "ann", noon, &["renew"]);
    check("lease-renew", &desk, renewed, seen);
    let released = run(0, "ann", noon, &["release", "src/", "other"]);
    check("lease-release", &desk, released, seen);
    let over = run(0, "bob", later, &["acquire", "docs/a.md"]);
    check("lease-acquire-overwriting", &desk, over, seen);
    let lost = run(5, "ann", later, &["renew"]);
    check("error-lease-not-held", &desk, lost, seen);
    let broken = run(0, "ann", later, &["break", "bob", "--force"]);
    check("lease-break", &desk, broken, seen);
    run(0, "ann", noon, &["acquire", "x"]);
    check("lease-prune", &desk, run(0, "ann", later, &["prune"]), seen);
}

fn journals(seen: &mut BTreeSet<String>) {
    let desk = Desk::new();
    let now = ["--now", crate::desk::TODAY, "--owner", "ann"];
    let set = ["set", "S-0034", "status=done", "--append-body", "x"];
    let with_id = [&set[..], &["--op-id", "job-7"], &now[..]].concat();
    let in_a_run = crate::desk::json_of(0, desk.story(&with_id).env("STORY_RUN", "T-1.1"));
    check("set-op-id", &desk, in_a_run, seen);
    check("set-already", &desk, desk.json(0, &with_id), seen);
    let log = desk.json(0, &[&["log", "S-0034"], &now[..]].concat());
    check("log", &desk, log, seen);
    let undo = [&["undo", "S-0034", "job-7"], &now[..]].concat();
    let with_id = [&undo[..], &["--op-id", "job-8"]].concat();
    check("undo", &desk, desk.json(0, &with_id), seen);
    check("error-undo", &desk, desk.json(7, &undo), seen);
}

fn logs(seen: &mut BTreeSet<String>) {
    let desk = Desk::new();
    let append = ["state", "append", "run.log"];
    let lines = [&append[..], &["one\ntwo"]].concat();
    check("state-append", &desk, desk.json(0, &lines), seen);
    desk.sandbox.write("folder/file", "");
    let wrong = desk.json(7, &["state", "append", "folder", "x"]);
    check("error-state-append", &desk, wrong, seen);
}

fn audits(seen: &mut BTreeSet<String>) {
    let desk = Desk::new();
    desk.sandbox.write("tasks.json", "{}\n");
    let audit = [
        "doctor",
        "--audit",
        ".",
        "--json",
        "--now",
        crate::desk::TODAY,
    ];
    let mut process = SecondProcess::spawn(&mut desk.story(&audit));
    let mut told = || {
        let line = process.next_line(PATIENCE).expect("a line");
        one_json(&line)
    };
    check("audit-watching", &desk, told(), seen);
    LegacyWriter::new(desk.sandbox.join("tasks.json")).save_by_rename("{}\n");
    check("audit-unlocked", &desk, told(), seen);
    process.signal(Signal::TERM);
    let ended = process.wait(PATIENCE);
    check("audit-done", &desk, one_json(&ended.stdout), seen);
}

fn house_keeping(seen: &mut BTreeSet<String>) {
    let desk = Desk::new();
    desk.sandbox.write(".git/HEAD", "ref: refs/heads/main\n");
    check("init", &desk, desk.json(0, &["init"]), seen);
    fs::remove_dir_all(desk.sandbox.join(".git")).expect("it is there");
    let mut git = std::process::Command::new("git");
    git.args(["init", "--quiet"])
        .current_dir(desk.sandbox.path());
    SecondProcess::spawn(&mut git).wait(PATIENCE);
    check("init-git", &desk, desk.json(0, &["init", "--git"]), seen);
    fs::remove_dir_all(desk.sandbox.join(".git")).expect("it is there");
    fs::remove_file(desk.sandbox.join(".gitattributes")).expect("it is there");
    desk.sandbox.write(
        ".ai-sdlc/stories/S-0002/story.md",
        "---\nid: S-0002\nid: again\n---\n",
    );
    let finished = desk.expect(1, &["doctor", "--json"]);
    let lines = json_lines(&finished.stdout);
    check("doctor-finding", &desk, lines[0].clone(), seen);
    check("doctor-summary", &desk, lines[1].clone(), seen);
}

fn lease_plans(seen: &mut BTreeSet<String>) {
    let desk = Desk::new();
    let at = ["--now", crate::desk::TODAY];
    let run = |code, call: &[&str]| desk.json(code, &[&["lease"], call, &at].concat());
    let agents = r#"[{"agent": "a", "directories": ["src/"], "files": ["own-a"], "task_description": "one"},
        {"agent": "b", "globs": ["src/*.rs"], "files": ["own-b"], "mode": "shared", "task_description": "two"},
        {"agent": "c", "mode": "none", "after": ["a"]}]"#;
    desk.sandbox.write("agents.json", agents);
    run(0, &["acquire", "own-b", "--as", "d", "--task", "three"]);
    let conflict = run(5, &["plan", "agents.json"]);
    check("error-lease-plan", &desk, conflict, seen);
    desk.sandbox
        .write("agents.json", r#"[{"agent": "a", "files": ["own-a"]}]"#);
    let plan = run(0, &["plan", "agents.json"]);
    check("lease-plan", &desk, plan, seen);
    let git = |call: &[&str]| {
        let mut git = std::process::Command::new("git");
        git.args(call).current_dir(desk.sandbox.path());
        SecondProcess::spawn(&mut git).wait(PATIENCE);
    };
    git(&["init", "--quiet"]);
    check("lease-guard", &desk, run(0, &["guard"]), seen);
    desk.sandbox.write("own-b", "b\n");
    git(&["add", "own-b"]);
    check("error-lease-guard", &desk, run(4, &["guard"]), seen);
}

fn lifecycle(seen: &mut BTreeSet<String>) {
    let desk = Desk::new();
    let run = |exit: i32, call: &[&str]| {
        desk.json(exit, &[call, &["--now", crate::desk::TODAY]].concat())
    };
    check("status", &desk, run(0, &["status", "S-0034"]), seen);
    let set = run(0, &["status", "S-0034", "in-progress"]);
    check("status-set", &desk, set, seen);
    let refused = run(7, &["status", "S-0034", "done"]);
    check("error-not-complete", &desk, refused, seen);
    let unblocked = {
        run(0, &["block", "S-0034", "--reason", "why"]);
        run(0, &["unblock", "S-0034"])
    };
    check("unblock", &desk, unblocked, seen);
    desk.sandbox
        .write(".ai-sdlc/stories/S-0034/plan.md", "the plan\n");
    check("context", &desk, run(0, &["context", "S-0034"]), seen);
}

fn states(seen: &mut BTreeSet<String>) {
    let desk = Desk::empty();
    desk.sandbox.write(
        "state.json",
        "{\n  \"phase\": \"plan\",\n  \"runs\": 7,\n  \"share\": 1.0\n}\n",
    );
    let table: [(&str, i32, &[&str]); 9] = [
        ("state-get", 0, &["get", "state.json"]),
        ("state-get-keys", 0, &["get", "state.json", "phase", "runs"]),
        (
            "state-set",
            0,
            &["set", "state.json", "phase=build", "--inc", "runs"],
        ),
        (
            "state-set-optimistic",
            0,
            &["set", "state.json", "phase=test", "--optimistic"],
        ),
        (
            "state-set-created",
            0,
            &["set", "new.json", "n=1", "--create"],
        ),
        (
            "state-patch",
            0,
            &["patch", "state.json", "--merge", "{\"runs\": null}"],
        ),
        (
            "error-state-conflict",
            5,
            &["set", "state.json", "n=1", "--if-rev", "0123456789ab"],
        ),
        (
            "error-state-test",
            5,
            &[
                "patch",
                "state.json",
                "--json-patch",
                "[{\"op\": \"test\", \"path\": \"/phase\", \"value\": 1}]",
            ],
        ),
        ("error-state-missing", 3, &["set", "none.json", "n=1"]),
    ];
    for (name, code, arguments) in table {
        let answer = desk.json(code, &[&["state"], arguments].concat());
        check(name, &desk, answer, seen);
    }
    let with = ["--json", "state", "with", "state.json", "--", "true"];
    let answer = one_json(&desk.expect(0, &with).stdout);
    check("state-with", &desk, answer, seen);
    desk.sandbox.write("bad.json", "{\"a\": 1,}\n");
    let answer = desk.json(6, &["state", "set", "bad.json", "a=2"]);
    check("error-state-parse", &desk, answer, seen);
}

fn tasks(seen: &mut BTreeSet<String>) {
    let desk = Desk::empty();
    let by = |agent: &str, code, verb: &[&str]| {
        let now = ["--now", "2026-01-12T10:00:00Z", "--as", agent];
        desk.json(code, &[&["tasks"], verb, &now[..]].concat())
    };
    let tasks = |code, verb: &[&str]| by("worker-1", code, verb);
    let id = |answer: &Value| {
        let id = answer["task"]["id"].as_str().expect("an id");
        id.to_owned()
    };
    let new = [
        "new",
        "Write the parser",
        "--tag",
        "rust",
        "--context",
        "branch=main",
    ];
    let made = tasks(0, &new);
    let first = id(&made);
    check("tasks-new", &desk, made, seen);
    let second = id(&tasks(0, &["new", "Test it", "--depends-on", &first]));
    check("tasks-claim", &desk, tasks(0, &["claim"]), seen);
    check(
        "tasks-claim-already",
        &desk,
        tasks(0, &["claim", &first]),
        seen,
    );
    let taken = by("worker-2", 4, &["claim", &first]);
    check("error-task-taken", &desk, taken, seen);
    let waiting = tasks(7, &["claim", &second]);
    check("error-task-waiting", &desk, waiting, seen);
    let nothing = tasks(3, &["claim"]);
    check("error-no-task-ready", &desk, nothing, seen);
    check("tasks-list", &desk, tasks(0, &["list"]), seen);
    let spawned = tasks(0, &["spawn", &first, "Escapes", "--priority", "1"]);
    let child = id(&spawned);
    check("tasks-spawn", &desk, spawned, seen);
    check("tasks-show", &desk, tasks(0, &["show", &child]), seen);
    let update = [
        "update",
        &child,
        "--add-tag",
        "rust",
        "--note",
        "in strings",
    ];
    check("tasks-update", &desk, tasks(0, &update), seen);
    let open = tasks(7, &["done", &first]);
    check("error-task-open-children", &desk, open, seen);
    tasks(0, &["claim", &child]);
    check("tasks-release", &desk, tasks(0, &["release", &child]), seen);
    tasks(0, &["claim", &child]);
    let fail = ["fail", &child, "--reason", "no time"];
    check("tasks-fail", &desk, tasks(0, &fail), seen);
    let done = ["done", &first, "--result", "14 tests"];
    check("tasks-done", &desk, tasks(0, &done), seen);
    check("tasks-metrics", &desk, tasks(0, &["metrics"]), seen);
    check("tasks-check", &desk, tasks(0, &["check"]), seen);
    let place = ".ai-sdlc/agent-performance-metrics.json";
    let metrics = desk.sandbox.read(place);
    let wrong = metrics.replace("\"claimed\": 3", "\"claimed\": 9");
    assert_ne!(metrics, wrong, "something else wrote a number");
    desk.sandbox.write(place, wrong);
    check("error-metrics-differ", &desk, tasks(7, &["check"]), seen);
    let rebuilt = tasks(0, &["check", "--rebuild"]);
    check("tasks-check-rebuilt", &desk, rebuilt, seen);
}

/// The same with fixed words in the place of commits, which differ from run to run.
fn without_ids(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let fixed = |(key, value)| (key, without_ids(value));
            members.into_iter().map(fixed).collect()
        }
        Value::Array(items) => items.into_iter().map(without_ids).collect(),
        Value::String(text) => {
            let is_id = |word: &str| {
                matches!(word.len(), 12 | 40) && word.bytes().all(|byte| byte.is_ascii_hexdigit())
            };
            let mut fixed = String::new();
            let mut word = String::new();
            for c in text.chars().chain(['\0']) {
                if c.is_ascii_alphanumeric() {
                    word.push(c);
                    continue;
                }
                fixed.push_str(if is_id(&word) { "COMMIT" } else { &word });
                word.clear();
                fixed.extend((c != '\0').then_some(c));
            }
            fixed.into()
        }
        other => other,
    }
}

fn snapshots(seen: &mut BTreeSet<String>) {
    let desk = GitDesk::at_work();
    let run = |code: i32, call: &[&str]| {
        let now = ["--now", "2026-01-12T10:00:00Z"];
        without_ids(desk.json(code, &[&["snapshot"], call, &now[..]].concat()))
    };
    let take = ["take", "before the parser", "--task", "T-1"];
    check("snapshot-take", &desk, run(0, &take), seen);
    check("snapshot-list", &desk, run(0, &["list"]), seen);
    desk.damage();
    check("snapshot-show", &desk, run(0, &["show", "T-1"]), seen);
    let kept = run(7, &["drop", "T-1"]);
    check("error-snapshot-kept", &desk, kept, seen);
    desk.git(&["commit", "--quiet", "-m", "of the task"]);
    let restored = run(0, &["restore", "T-1"]);
    check("snapshot-restore", &desk, restored, seen);
    let dropped = run(0, &["drop", "T-1"]);
    check("snapshot-drop", &desk, dropped, seen);
    let missing = run(3, &["show", "T-9"]);
    check("error-snapshot-missing", &desk, missing, seen);
    let desk = GitDesk::new();
    desk.make_contradiction();
    let now = ["--now", "2026-01-12T10:00:00Z"];
    desk.expect(
        0,
        &[&["snapshot", "take", "--task", "T-1"], &now[..]].concat(),
    );
    desk.fail_to_merge();
    let restored = desk.json(0, &[&["snapshot", "restore", "T-1"], &now[..]].concat());
    check(
        "snapshot-restore-in-a-merge",
        &desk,
        without_ids(restored),
        seen,
    );
}

fn runs(seen: &mut BTreeSet<String>) {
    let desk = GitDesk::at_work();
    let now = ["--now", "2026-01-12T10:00:00Z", "--as", "worker-1"];
    let run = |code: i32, call: &[&str]| {
        without_ids(desk.json(code, &[&["run"], call, &now[..]].concat()))
    };
    let fail = |task: &str| {
        let words = ["--", "sh", "-c", "echo damaged > a.txt; exit 3"];
        let options = ["run", "--task", task, "--label", "the parser"];
        desk.expect(3, &[&now[..], &options, &words].concat());
    };
    fail("T-1");
    check("run-list", &desk, run(0, &["list"]), seen);
    check("run-show", &desk, run(0, &["show", "T-1"]), seen);
    check("run-restore", &desk, run(0, &["restore", "T-1"]), seen);
    fail("T-2");
    check("run-abandon", &desk, run(0, &["abandon", "T-2"]), seen);
    let again = run(7, &["restore", "T-1"]);
    check("error-run-nothing-to-restore", &desk, again, seen);
    let words = ["--", "sh", "-c", "echo worse > a.txt; echo new > b; exit 3"];
    let ends = ["run", "--json", "--task", "T-3", "--on-failure", "restore"];
    let ended = desk.expect(3, &[&now[..], &ends, &words].concat());
    check("run", &desk, without_ids(one_json(&ended.stdout)), seen);
    meeting_runs(&desk, &now, seen);
}

fn meeting_runs(desk: &GitDesk, now: &[&str], seen: &mut BTreeSet<String>) {
    let words = [
        "run",
        "--task",
        "T-4",
        "--",
        "sh",
        "-c",
        "echo READY; read line",
    ];
    let mut first = desk.story(&[now, &words].concat());
    let mut first = SecondProcess::spawn_ready(&mut first, PATIENCE);
    let second = ["run", "--json", "--task", "T-5", "--", "true"];
    let refused = desk.expect(1, &[now, &second].concat());
    let refused = one_json(&refused.stdout);
    check("error-run-conflict", desk, refused, seen);
    first.send_line("on");
    let finished = first.wait(PATIENCE);
    assert!(finished.status.success(), "it went on: {finished:?}");
}
