//! `story tasks`: the board, its metrics, refusals, exit codes. Many processes at once: `tests/tasks_at_once.rs`.

use std::fs;

use serde_json::{Value, json};

use crate::desk::{Desk, finish, one_json};

const NOON: &str = "2026-03-04T12:00:00Z";
const LATER: &str = "2026-03-04T12:20:00Z";

/// A project without any task.
struct Floor {
    desk: Desk,
}

impl Floor {
    fn new() -> Self {
        Self {
            desk: Desk::empty(),
        }
    }

    /// Runs `story tasks …` at noon and demands success; returns what it printed.
    fn ok(&self, arguments: &[&str]) -> String {
        self.desk.expect(0, &tasks(NOON, arguments)).stdout
    }

    /// The same with `--json`, at a time and with an exit code.
    fn json(&self, code: i32, now: &str, arguments: &[&str]) -> Value {
        self.desk.json(code, &tasks(now, arguments))
    }

    /// A new task of this title; its id.
    fn new_task(&self, arguments: &[&str]) -> String {
        let printed = self.ok(&[&["new"], arguments].concat());
        printed.trim_end().to_owned()
    }

    /// The task as a program sees it.
    fn task(&self, id: &str) -> Value {
        self.json(0, NOON, &["show", id])["task"].clone()
    }

    /// The error of a refused command.
    fn refused(&self, code: i32, arguments: &[&str]) -> Value {
        self.json(code, LATER, arguments)["error"].clone()
    }

    fn board(&self) -> String {
        self.desk.sandbox.read(".ai-sdlc/tasks.json")
    }

    fn metrics(&self) -> Value {
        let text = self
            .desk
            .sandbox
            .read(".ai-sdlc/agent-performance-metrics.json");
        serde_json::from_str(&text).expect("the metrics are JSON")
    }

    /// What the list shows, in order.
    fn listed(&self, arguments: &[&str]) -> Vec<String> {
        let answer = self.json(0, LATER, &[&["list"], arguments].concat());
        let tasks = answer["tasks"].as_array().expect("a list").iter();
        tasks.map(|task| text(&task["title"])).collect()
    }

    fn assert_agree(&self) {
        self.ok(&["check"]);
        self.desk.assert_tidy();
    }
}

fn tasks<'a>(now: &'a str, rest: &[&'a str]) -> Vec<&'a str> {
    [&["tasks", "--now", now], rest].concat()
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("a text: {value}"))
        .to_owned()
}

/// Who did what to a task, in order.
fn actions(task: &Value) -> Vec<(String, String)> {
    let history = task["history"].as_array().expect("a history").iter();
    history
        .map(|entry| (text(&entry["agent"]), text(&entry["action"])))
        .collect()
}

#[test]
fn new_makes_the_board_with_its_metrics_and_prints_the_id() {
    let floor = Floor::new();
    let id = floor.new_task(&["Write the parser", "--as", "ann"]);
    let (prefix, random) = id.rsplit_once('_').expect("an id has three parts");
    assert_eq!(
        prefix, "task_1772625600000",
        "the time, in milliseconds: {id}"
    );
    let is_short = random.len() == 6 && random.chars().all(|c| c.is_ascii_alphanumeric());
    assert!(is_short, "six letters or digits: {id}");
    let board: Value = serde_json::from_str(&floor.board()).expect("the board is JSON");
    let task = &board["tasks"][0];
    assert_eq!(task["id"], id.as_str(), "it stands there: {task}");
    assert_eq!(task["status"], "pending", "not begun: {task}");
    assert_eq!(task["priority"], 3, "neither first nor last: {task}");
    assert_eq!(
        floor.metrics()["agents"]["ann"]["created"],
        1,
        "and is counted"
    );
    floor.assert_agree();
}

#[test]
fn new_keeps_all_that_it_is_told() {
    let floor = Floor::new();
    let first = floor.new_task(&["The schema"]);
    floor.desk.sandbox.write("plan.md", "Two\nlines\n");
    let given = ["The parser", "--priority", "1", "--complexity", "hard"];
    let more = ["--tag", "rust", "--tag", "core", "--depends-on", &first];
    let rest = ["--context", "branch=main", "--context", "retries=2"];
    let last = ["--description", "@plan.md", "--assign", "bob"];
    let id = floor.new_task(&[&given[..], &more, &rest, &last].concat());
    let task = floor.task(&id);
    for (member, expected) in [
        ("title", json!("The parser")),
        ("priority", json!(1)),
        ("complexity", json!("hard")),
        ("tags", json!(["rust", "core"])),
        ("dependencies", json!([first])),
        ("context", json!({ "branch": "main", "retries": 2 })),
        ("description", json!("Two\nlines\n")),
        ("assignee", json!("bob")),
    ] {
        assert_eq!(task[member], expected, "{member} is kept: {task}");
    }
    floor.assert_agree();
}

#[test]
fn new_refuses_what_is_no_task() {
    let floor = Floor::new();
    floor.new_task(&["One"]);
    let before = floor.board();
    let table: [(i32, &[&str]); 4] = [
        (2, &["new"]),
        (2, &["new", ""]),
        (2, &["new", "x", "--context", "no equals sign"]),
        (2, &["new", "x", "--context", "a=1", "--context", "a=2"]),
    ];
    for (code, arguments) in table {
        floor.desk.expect(code, &tasks(NOON, arguments));
        assert_eq!(floor.board(), before, "{arguments:?} changes nothing");
    }
}

/// Tasks of all kinds; their ids.
fn some_tasks(floor: &Floor) -> [String; 4] {
    let low = floor.new_task(&["low", "--priority", "5", "--tag", "docs"]);
    let high = floor.new_task(&["high", "--priority", "1", "--tag", "rust"]);
    let waiting = floor.new_task(&["waiting", "--priority", "1", "--depends-on", &low]);
    let child = floor.ok(&["spawn", &high, "child", "--tag", "rust", "--tag", "docs"]);
    [low, high, waiting, child.trim_end().to_owned()]
}

#[test]
fn list_shows_those_that_meet_each_condition_in_order_of_their_turn() {
    let floor = Floor::new();
    let [_, high, _, _] = some_tasks(&floor);
    floor.ok(&["claim", &high, "--as", "ann"]);
    let table: [(&[&str], &[&str]); 9] = [
        (&[], &["high", "waiting", "child", "low"]),
        (&["--status", "in_progress"], &["high"]),
        (&["--status", "in-progress"], &["high"]),
        (&["--status", "pending", "--tag", "docs"], &["child", "low"]),
        (&["--assignee", "ann"], &["high"]),
        (&["--assignee", "nobody"], &[]),
        (&["--tag", "rust", "--tag", "docs"], &["child"]),
        (&["--ready"], &["child", "low"]),
        (&["--parent", &high], &["child"]),
    ];
    for (conditions, expected) in table {
        assert_eq!(floor.listed(conditions), expected, "{conditions:?}");
    }
    let answer = floor.json(0, NOON, &["list", "--tag", "rust"]);
    assert_eq!(
        answer["counts"],
        json!({ "pending": 1, "in_progress": 1, "blocked": 0, "completed": 0, "failed": 0, "cancelled": 0 }),
        "of those that are shown: {answer}"
    );
}

#[test]
fn list_for_people_is_a_table() {
    let floor = Floor::new();
    let missing = floor.refused(3, &["list"]);
    assert_eq!(missing["code"], "ENOTFOUND", "no board: {missing}");
    floor
        .desk
        .sandbox
        .write(".ai-sdlc/tasks.json", "{\"tasks\": []}\n");
    assert_eq!(floor.ok(&["list"]), "", "no tasks, no table");
    let [low, high, _, _] = some_tasks(&floor);
    floor.ok(&["claim", &high, "--as", "ann"]);
    let table = floor.ok(&["list"]);
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 5, "a heading and a line for each:\n{table}");
    for heading in ["ID", "PRIO", "STATUS", "AGENT", "TITLE"] {
        assert!(lines[0].contains(heading), "{heading} is shown:\n{table}");
    }
    for word in [&*high, "1", "in_progress", "ann", "high"] {
        assert!(lines[1].contains(word), "{word} is shown:\n{table}");
    }
    assert!(!table.contains("docs"), "tags only where asked:\n{table}");
    let long = floor.ok(&["list", "--long"]);
    assert!(long.contains("docs"), "with tags:\n{long}");
    assert!(
        long.contains(&format!("waits for {low}")),
        "and with what each waits for:\n{long}"
    );
}

#[test]
fn list_makes_what_stands_in_a_file_harmless() {
    let floor = Floor::new();
    let board = r#"[{"id": "a\u001bb", "title": "red \u001b[31m\nand more", "tags": ["\n"], "assignee": "\r"}]"#;
    floor.desk.sandbox.write(".ai-sdlc/tasks.json", board);
    for verb in [&["list", "--long"][..], &["show", "a\u{1b}b"]] {
        let shown = floor.ok(verb);
        assert!(
            shown.contains("red \\x1b[31m\\nand more"),
            "on one line, and escaped: {shown:?}"
        );
        assert!(
            shown.chars().all(|c| c == '\n' || !c.is_control()),
            "harmless: {shown:?}"
        );
    }
}

#[test]
fn show_tells_all_of_a_task_and_what_it_waits_for() {
    let floor = Floor::new();
    let [low, high, waiting, child] = some_tasks(&floor);
    let answer = floor.json(0, NOON, &["show", &waiting]);
    assert_eq!(answer["ready"], false, "it waits: {answer}");
    assert_eq!(answer["waits_for"], json!([low]), "for that one: {answer}");
    let shown = floor.ok(&["show", &high]);
    for word in [&*high, "pending", "high", "rust", &*child, "created"] {
        assert!(shown.contains(word), "{word} is shown:\n{shown}");
    }
    let missing = floor.refused(3, &["show", "task_1_aaaaaa"]);
    assert_eq!(missing["code"], "ENOTFOUND", "no such task: {missing}");
}

#[test]
fn claim_without_an_id_takes_the_next_by_priority_until_nothing_is_ready() {
    let floor = Floor::new();
    let [low, high, waiting, child] = some_tasks(&floor);
    let claim = |agent: &str| floor.ok(&["claim", "--as", agent]).trim_end().to_owned();
    assert_eq!(claim("ann"), high, "the first by priority");
    assert_eq!(claim("bob"), child, "the second waits for another");
    assert_eq!(claim("ann"), low, "one agent may have several");
    let nothing = floor.refused(3, &["claim", "--as", "cid"]);
    assert_eq!(nothing["code"], "ENOTHINGREADY", "none is left: {nothing}");
    assert_eq!(
        nothing["retryable"], true,
        "one is when low is done: {nothing}"
    );
    floor.ok(&["done", &low, "--as", "ann"]);
    assert_eq!(claim("cid"), waiting, "now its dependency is completed");
    for id in [&high, &low, &child] {
        floor.ok(&["done", id, "--force", "--with-open-children", "--as", "ann"]);
    }
    floor.ok(&["done", &waiting, "--as", "cid"]);
    let nothing = floor.refused(3, &["claim", "--as", "cid"]);
    assert_eq!(
        nothing["retryable"], false,
        "nobody works any more: {nothing}"
    );
    floor.assert_agree();
}

#[test]
fn claim_takes_only_what_meets_the_conditions() {
    let floor = Floor::new();
    let [low, high, _, child] = some_tasks(&floor);
    let claim = |conditions: &[&str]| {
        let claimed = floor.ok(&[&["claim", "--as", "ann"], conditions].concat());
        claimed.trim_end().to_owned()
    };
    assert_eq!(claim(&["--tag", "docs", "--tag", "rust"]), child, "both");
    assert_eq!(claim(&["--tag", "docs"]), low, "the first with that tag");
    let second = floor.ok(&["spawn", &high, "second", "--complexity", "simple"]);
    let third = floor.ok(&["spawn", &high, "third", "--complexity", "hard"]);
    assert_eq!(claim(&["--complexity", "hard"]), third.trim_end());
    assert_eq!(claim(&["--parent", &high]), second.trim_end());
    let both = tasks(NOON, &["claim", &high, "--tag", "x", "--as", "ann"]);
    floor.desk.expect(2, &both);
}

#[test]
fn claim_of_a_named_task_has_one_winner_and_tells_the_others_who_it_is() {
    let floor = Floor::new();
    let id = floor.new_task(&["One"]);
    let claimed = floor.json(0, NOON, &["claim", &id, "--as", "ann"]);
    assert_eq!(claimed["changed"], true, "it is hers now: {claimed}");
    let board = floor.board();
    let again = floor.json(0, LATER, &["claim", &id, "--as", "ann"]);
    assert_eq!(again["changed"], false, "she has it already: {again}");
    assert_eq!(floor.board(), board, "which changes nothing");
    let taken = floor.refused(4, &["claim", &id, "--as", "bob"]);
    assert_eq!(taken["code"], "ELOCKED", "bob comes too late: {taken}");
    assert_eq!(taken["retryable"], true, "it may be given back: {taken}");
    let message = text(&taken["message"]);
    assert!(message.contains("ann"), "the holder is named: {message}");
    assert_eq!(taken["conflicts"][0]["agent"], "ann", "in JSON: {taken}");
    assert_eq!(taken["conflicts"][0]["task"], id.as_str(), "which: {taken}");
    floor.assert_agree();
}

#[test]
fn claim_of_a_task_that_waits_for_others_names_them() {
    let floor = Floor::new();
    let [low, _, waiting, _] = some_tasks(&floor);
    let refused = floor.refused(7, &["claim", &waiting, "--as", "ann"]);
    assert_eq!(refused["code"], "EREFUSED", "a rule: {refused}");
    let message = text(&refused["message"]);
    assert!(message.contains(&low), "it waits for that: {message}");
}

#[test]
fn claim_and_what_follows_it_need_the_name_of_an_agent() {
    let floor = Floor::new();
    let id = floor.new_task(&["One"]);
    let board = floor.board();
    for verb in [
        &["claim"][..],
        &["claim", &id],
        &["done", &id],
        &["fail", &id, "--reason", "x"],
        &["release", &id],
    ] {
        let refused = floor.refused(2, verb);
        let hint = text(&refused["hint"]);
        assert!(hint.contains("--as"), "{verb:?} needs a name: {hint}");
    }
    assert_eq!(floor.board(), board, "nothing has changed");
    let mut command = floor.desk.story(&tasks(NOON, &["claim", "--json"]));
    command.env("STORY_AGENT", "eve");
    let claimed = one_json(&finish(&mut command).stdout);
    assert_eq!(claimed["task"]["assignee"], "eve", "from the environment");
}

#[test]
fn update_changes_what_is_said_and_nothing_else() {
    let floor = Floor::new();
    let [low, high, waiting, _] = some_tasks(&floor);
    let before = floor.task(&high);
    let table: [(&[&str], &str, Value); 8] = [
        (&["--title", "higher"], "title", json!("higher")),
        (&["--priority", "2"], "priority", json!(2)),
        (&["--complexity", "easy"], "complexity", json!("easy")),
        (&["--description", "do it"], "description", json!("do it")),
        (&["--status", "blocked"], "status", json!("blocked")),
        (
            &["--add-tag", "urgent", "--remove-tag", "rust"],
            "tags",
            json!(["urgent"]),
        ),
        (&["--depends-on", &low], "dependencies", json!([low])),
        (&["--context", "a=[1]"], "context", json!({ "a": [1] })),
    ];
    let mut expected = before.clone();
    for (arguments, member, value) in table {
        let update = [&["update", &high, "--as", "ann"], arguments].concat();
        let answer = floor.json(0, LATER, &update);
        assert_eq!(answer["changed"], true, "{arguments:?}: {answer}");
        expected[member] = value;
        let mut found = answer["task"].clone();
        for (key, why) in [("history", "it grows"), ("updated_at", "it is now")] {
            assert_ne!(found[key], before[key], "{why}: {found}");
            found[key] = before[key].clone();
        }
        assert_eq!(found, expected, "{arguments:?} changes {member} alone");
    }
    floor.ok(&["update", &high, "--not-depends-on", &low]);
    assert_eq!(
        floor.task(&high)["dependencies"],
        json!([]),
        "it waits no more"
    );
    floor.ok(&["update", &high, "--remove-context", "a", "--complexity", ""]);
    let task = floor.task(&high);
    assert_eq!(task["context"], json!({}), "a key is gone");
    assert_eq!(task["complexity"], Value::Null, "an empty text removes it");
    floor.ok(&["update", &high, "--note", "ask eve", "--as", "ann"]);
    let noted = floor.task(&high)["history"].to_string();
    assert!(noted.contains("ask eve"), "a note is remembered: {noted}");
    let cycle = floor.refused(7, &["update", &low, "--depends-on", &waiting]);
    assert_eq!(cycle["code"], "EREFUSED", "they would wait for ever");
    floor.assert_agree();
}

#[test]
fn update_of_the_status_follows_the_rules() {
    let floor = Floor::new();
    let id = floor.new_task(&["One"]);
    for status in ["in_progress", "completed", "failed"] {
        let refused = floor.refused(2, &["update", &id, "--status", status]);
        assert_eq!(refused["code"], "EUSAGE", "it has a verb: {refused}");
    }
    floor.ok(&["claim", &id, "--as", "ann"]);
    let block = ["update", &id, "--status", "blocked", "--as", "bob"];
    let refused = floor.refused(4, &block);
    assert_eq!(refused["code"], "ELOCKED", "ann works on it: {refused}");
    floor.ok(&[&block[..], &["--force"]].concat());
    floor.ok(&["update", &id, "--status", "pending", "--assign", "eve"]);
    let task = floor.task(&id);
    assert_eq!(task["assignee"], "eve", "reserved for her: {task}");
    floor
        .desk
        .expect(4, &tasks(NOON, &["claim", &id, "--as", "ann"]));
    floor.ok(&["update", &id, "--assign", ""]);
    floor.ok(&["claim", &id, "--as", "ann"]);
    floor.assert_agree();
}

#[test]
fn update_without_a_difference_writes_nothing() {
    let floor = Floor::new();
    let id = floor.new_task(&["One", "--priority", "2", "--tag", "x"]);
    let board = floor.board();
    let same = ["update", &id, "--priority", "2", "--add-tag", "x"];
    let answer = floor.json(0, LATER, &same);
    assert_eq!(answer["changed"], false, "it is so already: {answer}");
    assert_eq!(floor.board(), board, "not even a time is written");
    floor.desk.expect(2, &tasks(NOON, &["update", &id]));
    floor
        .desk
        .expect(2, &tasks(NOON, &["update", &id, "--force"]));
    let missing = ["update", "task_1_aaaaaa", "--priority", "1"];
    floor.desk.expect(3, &tasks(NOON, &missing));
}

#[test]
fn spawn_links_the_child_and_its_parent() {
    let floor = Floor::new();
    let parent = floor.new_task(&["Parent"]);
    floor.ok(&["claim", &parent, "--as", "ann"]);
    let spawn = ["spawn", &parent, "Child", "--priority", "1", "--as", "ann"];
    let child = floor.ok(&spawn).trim_end().to_owned();
    assert_eq!(floor.task(&child)["parent"], parent.as_str(), "upwards");
    assert_eq!(
        floor.task(&parent)["children"],
        json!([child]),
        "and downwards"
    );
    let early = floor.refused(7, &["done", &parent, "--as", "ann"]);
    let message = text(&early["message"]);
    assert!(message.contains(&child), "the child is open: {message}");
    floor.ok(&["done", &parent, "--as", "ann", "--with-open-children"]);
    assert_eq!(floor.metrics()["agents"]["ann"]["spawned"], 1, "counted");
    let missing = floor.refused(3, &["spawn", "task_1_aaaaaa", "x"]);
    assert_eq!(missing["code"], "ENOTFOUND", "no such parent: {missing}");
    floor.assert_agree();
}

#[test]
fn done_and_fail_end_a_task_and_count_it_for_its_holder() {
    let floor = Floor::new();
    let good = floor.new_task(&["good", "--priority", "1"]);
    let bad = floor.new_task(&["bad", "--priority", "2"]);
    floor.ok(&["claim", "--as", "ann"]);
    floor.ok(&["claim", "--as", "ann"]);
    let done = ["done", &good, "--as", "ann", "--result", "14 tests"];
    let done = floor.json(0, LATER, &done)["task"].clone();
    assert_eq!(done["status"], "completed", "done: {done}");
    assert_eq!(done["completed_at"], "2026-03-04T12:20:00.000Z", "when");
    assert!(done.to_string().contains("14 tests"), "the result: {done}");
    let fail = ["fail", &bad, "--as", "ann", "--reason", "no API"];
    let failed = floor.json(0, LATER, &fail)["task"].clone();
    assert_eq!(failed["status"], "failed", "given up: {failed}");
    assert!(failed.to_string().contains("no API"), "why: {failed}");
    let ann = floor.metrics()["agents"]["ann"].clone();
    for (member, expected) in [("claimed", 2), ("completed", 1), ("failed", 1)] {
        assert_eq!(ann[member], expected, "{member} is counted: {ann}");
    }
    assert_eq!(ann["busy_ms"], 2 * 20 * 60 * 1000, "twice 20 minutes");
    let again = floor.refused(7, &["fail", &good, "--as", "ann", "--reason", "x"]);
    assert_eq!(again["code"], "EREFUSED", "it has ended: {again}");
    floor.assert_agree();
}

#[test]
fn only_the_holder_ends_or_gives_back_a_task_unless_forced() {
    let verbs: [&[&str]; 3] = [&["done"], &["fail", "--reason", "x"], &["release"]];
    for verb in verbs {
        let floor = Floor::new();
        let id = floor.new_task(&["One"]);
        floor.ok(&["claim", &id, "--as", "ann"]);
        let others = [verb, &[&id, "--as", "bob"]].concat();
        let refused = floor.refused(4, &others);
        assert_eq!(refused["code"], "ELOCKED", "ann has it: {refused}");
        assert!(text(&refused["message"]).contains("ann"), "who: {refused}");
        floor.ok(&[&others[..], &["--force"]].concat());
        let task = floor.task(&id);
        let history = task["history"].as_array().expect("a history");
        let last = history.last().expect("not empty");
        assert_eq!(last["agent"], "bob", "who did it: {last}");
        assert_eq!(last["holder"], "ann", "and whose it was: {last}");
        floor.assert_agree();
    }
}

#[test]
fn released_task_is_pending_and_anybodys() {
    let floor = Floor::new();
    let id = floor.new_task(&["One"]);
    floor.ok(&["claim", &id, "--as", "ann"]);
    let released = floor.json(0, LATER, &["release", &id, "--as", "ann"]);
    let task = &released["task"];
    assert_eq!(task["status"], "pending", "not begun: {task}");
    assert_eq!(task["assignee"], Value::Null, "nobody's: {task}");
    floor.ok(&["claim", &id, "--as", "bob"]);
    let who: Vec<_> = actions(&floor.task(&id))
        .into_iter()
        .map(|(who, _)| who)
        .collect();
    assert_eq!(who[1..], ["ann", "ann", "bob"], "all is remembered");
    floor.assert_agree();
}

#[test]
fn check_tells_each_difference_and_rebuild_mends_it() {
    let floor = Floor::new();
    let id = floor.new_task(&["One", "--as", "ann"]);
    floor.ok(&["claim", &id, "--as", "ann"]);
    let path = ".ai-sdlc/agent-performance-metrics.json";
    let good = floor.metrics();
    let mut wrong = good.clone();
    wrong["agents"]["ann"]["claimed"] = json!(7);
    floor.desk.sandbox.write(path, wrong.to_string());
    let refused = floor.refused(7, &["check"]);
    assert_eq!(refused["code"], "EREFUSED", "they differ: {refused}");
    let differences = refused["conflicts"].as_array().expect("which").len();
    assert_eq!(differences, 1, "the one that was made: {refused}");
    let told = floor.desk.expect(7, &tasks(NOON, &["check"])).stderr;
    assert!(told.contains("ann") && told.contains('7'), "where: {told}");
    let rebuilt = floor.json(0, NOON, &["check", "--rebuild"]);
    assert_eq!(rebuilt["rebuilt"], true, "written anew: {rebuilt}");
    assert_eq!(floor.metrics()["agents"], good["agents"], "as they were");
    let clean = floor.json(0, NOON, &["check"]);
    assert_eq!(clean["differences"], json!([]), "they agree: {clean}");
    fs::remove_file(floor.desk.sandbox.join(path)).expect("it is there");
    floor.desk.expect(7, &tasks(NOON, &["check"]));
    floor.ok(&["check", "--rebuild"]);
    assert_eq!(floor.metrics()["agents"], good["agents"], "from nothing");
    floor.assert_agree();
}

#[test]
fn metrics_that_are_none_keep_nobody_from_looking_and_the_way_out_is_told() {
    let floor = Floor::new();
    let id = floor.new_task(&["One", "--as", "ann"]);
    let path = ".ai-sdlc/agent-performance-metrics.json";
    for text in ["", "[]", r#"{"agents": {"ann": 5}}"#] {
        floor.desk.sandbox.write(path, text);
        assert!(floor.ok(&["list"]).contains(&id), "beside {text:?}");
        assert!(floor.ok(&["show", &id]).contains("One"), "beside {text:?}");
        let refused = floor.refused(6, &["claim", "--as", "ann"]);
        let hint = self::text(&refused["hint"]);
        assert!(hint.contains("check --rebuild"), "what helps: {refused}");
        assert_eq!(floor.desk.sandbox.read(path), text, "it stays as it is");
    }
    fs::remove_file(floor.desk.sandbox.join(path)).expect("it is there");
    floor.ok(&["check", "--rebuild"]);
    floor.ok(&["claim", "--as", "ann"]);
    floor.assert_agree();
}

#[test]
fn metrics_are_shown_for_each_agent() {
    let floor = Floor::new();
    let id = floor.new_task(&["One", "--as", "ann"]);
    floor.ok(&["claim", &id, "--as", "bob"]);
    floor.json(0, LATER, &["done", &id, "--as", "bob"]);
    let answer = floor.json(0, NOON, &["metrics"]);
    let bob = answer["agents"]["bob"].clone();
    let expected = json!({ "created": 0, "claimed": 1, "completed": 1, "failed": 0, "released": 0, "spawned": 0, "busy_ms": 1_200_000 });
    assert_eq!(bob, expected, "all numbers, for programs");
    assert_eq!(answer["claims"][0]["outcome"], "completed", "each claim");
    let table = floor.ok(&["metrics"]);
    let bob = table.lines().find(|line| line.starts_with("bob"));
    let bob = bob.unwrap_or_else(|| panic!("a line for each agent:\n{table}"));
    assert!(bob.contains("20 min"), "how long: {bob}");
}

#[test]
fn board_is_where_the_option_or_the_environment_says() {
    let floor = Floor::new();
    let sandbox = &floor.desk.sandbox;
    let option = ["new", "One", "--board", "here.json", "--metrics", "m.json"];
    let id = floor.ok(&option);
    assert!(sandbox.join("m.json").is_file(), "beside it");
    assert!(
        !sandbox.join(".ai-sdlc/tasks.json").exists(),
        "the default is not touched"
    );
    let listing = tasks(NOON, &["list", "--metrics", "m.json"]);
    let mut command = floor.desk.story(&listing);
    command.env("STORY_TASKS", "here.json");
    assert!(
        finish(&mut command).stdout.contains(id.trim_end()),
        "by the environment"
    );
    let elsewhere = ["new", "x", "--metrics", "other/m.json"];
    floor.desk.expect(2, &tasks(NOON, &elsewhere));
    fs::remove_dir_all(sandbox.join(".ai-sdlc")).expect("it is there");
    let rootless = floor.refused(3, &["list"]);
    let hint = text(&rootless["hint"]);
    assert!(hint.contains("--board"), "no root is needed: {hint}");
    floor.ok(&["list", "--board", "here.json", "--metrics", "m.json"]);
    let no_folder = ["new", "x", "--board", "no/tasks.json"];
    floor.desk.expect(3, &tasks(NOON, &no_folder));
}

#[test]
fn file_that_is_no_board_is_told_with_its_place_and_stays() {
    let table = [
        ("", 6),
        ("{\"tasks\": [", 6),
        ("{\"tasks\": []} x", 6),
        ("{\"tasks\": [], \"tasks\": []}", 6),
        ("{\"tasks\": [{\"title\": 3}]}", 6),
        ("{\"tasks\": {}}", 6),
        ("\u{feff}{\"tasks\": []}", 6),
        ("[3]", 6),
    ];
    for (content, code) in table {
        let floor = Floor::new();
        floor.desk.sandbox.write(".ai-sdlc/tasks.json", content);
        for verb in [&["list"][..], &["new", "x"], &["claim", "--as", "ann"]] {
            let refused = floor.refused(code, verb);
            assert_eq!(refused["code"], "EPARSE", "{content:?}: {refused}");
            let path = text(&refused["path"]);
            assert!(path.ends_with("tasks.json"), "which file: {refused}");
            assert_eq!(floor.board(), content, "{content:?} stays as it is");
        }
    }
}

const FOREIGN: &str = r#"{
    "version": 1.0,
    "tasks": [
        { "id": "task_1_aaaaaa", "title": "Theirs", "status": "pending", "priority": 2,
          "createdAt": "2026-03-01T00:00:00Z", "estimate": 1e400 }
    ],
    "owner": "another tool"
}"#;

#[test]
fn board_of_another_tool_keeps_all_that_is_not_meant() {
    let floor = Floor::new();
    floor.desk.sandbox.write(".ai-sdlc/tasks.json", FOREIGN);
    floor.ok(&["claim", "task_1_aaaaaa", "--as", "ann"]);
    let board = floor.board();
    for kept in [
        "    \"version\": 1.0,\n",
        "\"createdAt\": \"2026-03-01T00:00:00Z\"",
        "\"estimate\": 1e400",
        "    \"owner\": \"another tool\"\n}",
    ] {
        assert!(board.contains(kept), "{kept} is kept:\n{board}");
    }
    assert!(!board.contains("created_at"), "no second word:\n{board}");
    floor.desk.sandbox.write("bare.json", "[]\n");
    let bare = ["new", "x", "--board", "bare.json"];
    floor.ok(&bare);
    let text = floor.desk.sandbox.read("bare.json");
    assert!(text.starts_with('['), "a bare list stays one: {text}");
}

#[test]
fn locked_board_is_told_with_who_holds_it_and_can_be_read() {
    let floor = Floor::new();
    floor.new_task(&["One"]);
    let board = "./.ai-sdlc/tasks.json";
    let mut hold = floor.desk.story(&["lock", "hold", board, "--owner", "eve"]);
    let holder = testkit::SecondProcess::spawn_ready(&mut hold, crate::desk::PATIENCE);
    let refused = floor.refused(4, &["new", "x", "--timeout", "50ms"]);
    assert_eq!(refused["code"], "ELOCKED", "as for a story: {refused}");
    assert_eq!(refused["holder"]["owner"], "eve", "who: {refused}");
    assert_eq!(floor.listed(&[]), ["One"], "readers do not wait");
    holder.kill_9();
    floor.ok(&["new", "Two"]);
    floor.assert_agree();
}
