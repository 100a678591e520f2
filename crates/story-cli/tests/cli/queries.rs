//! `story list` and `story phases`: what is shown, in which order, and that looking takes no lock.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use serde_json::{Value, json};

use crate::desk::{Desk, PATIENCE};

/// An instant at which the claims of these stories are live or have expired.
pub const NOW: &str = "2026-03-04T05:06:07Z";

const STORIES: [(&str, &str); 9] = [
    (
        "S-0001",
        "title: 'Locks: who may write'\nslug: locks\npriority: 10\nstatus: done\ntype: feature\ncreated: '2026-01-02'\nlabels:\n  - epic-safety\n",
    ),
    (
        "S-0002",
        "title: Atomic story updates that nobody loses, whatever else happens at the same time\npriority: 20\nstatus: in-progress\ntype: feature\ncreated: '2026-01-03'\nlabels: [epic-safety, team-core]\ndependencies: [S-0001]\nassignee: ann\n",
    ),
    (
        "S-0003",
        "title: 日本語のタイトルはとても長いので切られる\npriority: 20\nstatus: ready\ntype: bug\ncreated: '2026-01-01'\nlabels:\n  - team-ui\ndependencies: [S-0001]\n",
    ),
    (
        "S-0004",
        "title: \"Escapes \\e[2J and \\u202E and a line\\nbreak\"\nstatus: ready\ntype: bug\nlabels: [team-ui]\n",
    ),
    (
        "S-0005",
        "title: 'Waits for another'\npriority: 5\nstatus: ready\ntype: chore\ncreated: '2026-01-05'\ndependencies: [S-0002]\nepic: safety\n",
    ),
    (
        "S-0006",
        "title: Claimed by a worker\npriority: 30\nstatus: ready\ncreated: '2026-01-06'\nclaimed_by: worker-1\nclaimed_until: '2026-03-04T06:00:00.000Z'\n",
    ),
    (
        "S-0007",
        "title: Its claim has expired\npriority: 30\nstatus: ready\ncreated: '2026-01-07'\nclaimed_by: worker-2\nclaimed_until: '2026-03-04T05:00:00.000Z'\n",
    ),
    (
        "S-0008",
        "title: Of another tool\nstatus: parked\ncreated: '2026-01-08'\n",
    ),
    ("S-0009", "title: An idea\n"),
];

/// A desk with a board: each status, a story in a worktree, one in a legacy folder, and one that cannot be read.
pub fn desk() -> Desk {
    let desk = Desk::with(
        "---\nid: S-0034\ntitle: In the worktree it is blocked\nstatus: ready\npriority: 1\n---\n",
    );
    for (id, fields) in STORIES {
        write(&desk, &format!("stories/{id}"), id, fields);
    }
    let copy = "title: In the worktree it is blocked\nstatus: blocked\npriority: 1\n";
    write(
        &desk,
        "worktrees/S-0034-x/.ai-sdlc/stories/S-0034",
        "S-0034",
        copy,
    );
    let legacy = "---\nid: S-0090\ntitle: From before\ncreated: '2025-01-01'\n---\n";
    desk.sandbox
        .write(".ai-sdlc/done/03-from-before.md", legacy);
    desk
}

fn write(desk: &Desk, folder: &str, id: &str, fields: &str) {
    let text = format!("---\nid: {id}\n{fields}---\n\n# {id}\n");
    desk.sandbox
        .write(format!(".ai-sdlc/{folder}/story.md"), text);
}

fn with_now<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    [arguments, &["--now", NOW]].concat()
}

const COLUMNS: [&str; 6] = ["backlog", "ready", "inProgress", "done", "blocked", "other"];

/// The ids in the order of the columns.
fn ids(result: &Value) -> Vec<&str> {
    let items = COLUMNS
        .iter()
        .filter_map(|column| result[column].as_array())
        .flatten();
    items
        .map(|item| item["id"].as_str().expect("each item has an id"))
        .collect()
}

#[test]
fn list_shows_what_the_filters_ask_for() {
    let desk = desk();
    let all = "S-0009 S-0005 S-0003 S-0006 S-0007 S-0004 S-0002 S-0090 S-0001 S-0034 S-0008";
    let table: [(&[&str], &str); 15] = [
        (&[], all),
        (&["--status", "ready"], "S-0005 S-0003 S-0006 S-0007 S-0004"),
        (
            &["--status", "done,parked", "--status", "backlog"],
            "S-0009 S-0090 S-0001 S-0008",
        ),
        (&["--label", "team-*"], "S-0003 S-0004 S-0002"),
        (&["--label", "team-*", "--label", "epic-*"], "S-0002"),
        (&["--label", "team"], ""),
        (&["--epic", "safety"], "S-0005 S-0002 S-0001"),
        (&["--epic", "epic-safety"], "S-0005 S-0002 S-0001"),
        (&["--of", "ann"], "S-0002"),
        (&["--of", "worker-2"], "S-0007"),
        (&["--ready"], "S-0003 S-0007 S-0004"),
        (&["--ready", "--label", "team-ui"], "S-0003 S-0004"),
        (&["CLAIM"], "S-0006 S-0007"),
        (&["s-000", "--status", "done"], "S-0001"),
        (&["--status", "nonsense"], ""),
    ];
    for (arguments, expected) in table {
        let arguments = with_now(&[&["list"], arguments].concat());
        let result = desk.json(0, &arguments);
        assert_eq!(ids(&result).join(" "), expected, "what {arguments:?} shows");
        assert_eq!(result["total"], ids(&result).len(), "and how many");
        let table = desk.expect(0, &arguments).stdout;
        let shown: Vec<_> = table
            .lines()
            .skip(1)
            .filter_map(|line| line.split(' ').next())
            .collect();
        assert_eq!(shown.join(" "), expected, "the table says the same");
    }
}

#[test]
fn list_has_the_items_of_the_reference_tool() {
    let desk = desk();
    let result = desk.json(0, &with_now(&["list"]));
    assert_eq!(result["version"], 1, "the version of its shape");
    assert_eq!(result["generatedAt"], "2026-03-04T05:06:07.000Z", "when");
    let expected = json!({
        "id": "S-0001", "slug": "locks", "title": "Locks: who may write", "status": "done", "priority": 10,
        "type": "feature", "created": "2026-01-02", "labels": ["epic-safety"],
    });
    assert_eq!(result["done"][1], expected, "an item, with nothing else");
    assert_eq!(
        result["backlog"][0]["slug"], "story",
        "the slug of a story without one"
    );
    assert_eq!(
        result["ready"][4]["title"], "Escapes \u{1b}[2J and \u{202e} and a line\nbreak",
        "as it is"
    );
    let copies: Vec<_> = result["copies"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|copy| &copy["copy"])
        .collect();
    assert_eq!(
        copies,
        ["legacy:done", "worktree:S-0034-x"],
        "which copies are no main ones"
    );
}

#[test]
fn list_tells_what_it_cannot_read() {
    let desk = desk();
    desk.sandbox
        .write(".ai-sdlc/stories/S-0098/story.md", "no story");
    desk.sandbox.write(
        ".ai-sdlc/stories/S-0099/story.md",
        "---\nid: a\nid: b\n---\n",
    );
    for verb in ["list", "board", "phases"] {
        let result = desk.json(0, &with_now(&[verb]));
        let warnings = result["warnings"].as_array().expect("a list");
        assert_eq!(warnings.len(), 2, "{verb} tells both: {warnings:?}");
        let second = warnings[1].as_str().unwrap_or_default();
        assert!(
            second.contains("S-0099/story.md") && second.contains("stands twice"),
            "which, and why: {second}"
        );
        let told = desk.expect(0, &with_now(&[verb])).stderr;
        assert_eq!(
            told.matches("warning: left out: ").count(),
            2,
            "people too: {told}"
        );
    }
}

/// When each folder below was last changed.
fn folder_times(folder: &Path) -> Vec<(std::path::PathBuf, SystemTime)> {
    let time = fs::metadata(folder)
        .and_then(|found| found.modified())
        .expect("a time");
    let mut times = vec![(folder.to_path_buf(), time)];
    for entry in fs::read_dir(folder).expect("it can be listed") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            times.extend(folder_times(&path));
        }
    }
    times.sort();
    times
}

#[test]
fn looking_takes_no_lock_and_waits_for_none() {
    let desk = desk();
    let holder = desk.hold(&[]);
    let root = desk.sandbox.join(".ai-sdlc");
    let before = folder_times(&root);
    for verb in ["list", "board", "phases"] {
        desk.expect(0, &with_now(&[verb]));
        desk.expect(0, &with_now(&[verb, "--json"]));
    }
    assert_eq!(
        folder_times(&root),
        before,
        "nothing was made or removed anywhere"
    );
    holder.wait(PATIENCE);
    let mode = |mode: &str| {
        let status = std::process::Command::new("chmod")
            .args(["-R", mode])
            .arg(&root)
            .status();
        assert!(
            status.is_ok_and(|status| status.success()),
            "modes can be set"
        );
    };
    mode("a-w");
    let shown = desk.run(&with_now(&["list"]));
    mode("u+w");
    assert!(
        shown.status.success(),
        "a folder that cannot be written to is listed: {shown:?}"
    );
}

#[test]
fn list_refuses_a_label_pattern_that_is_too_long() {
    let desk = desk();
    let longest = "x".repeat(100);
    desk.expect(0, &["list", "--label", &longest]);
    let longer = "x".repeat(101);
    let refused = desk.expect(2, &["list", "--label", &longer]);
    assert!(
        refused.stderr.contains("101 characters"),
        "why: {}",
        refused.stderr
    );
}

#[test]
fn list_needs_a_root_but_no_stories() {
    let desk = Desk::new();
    fs::remove_dir_all(desk.sandbox.join(".ai-sdlc/stories")).expect("it is there");
    let none = desk.expect(0, &["list"]);
    assert_eq!(
        (none.stdout.as_str(), none.stderr.as_str()),
        ("", "no stories\n"),
        "none"
    );
    fs::remove_dir_all(desk.sandbox.join(".ai-sdlc")).expect("it is there");
    desk.expect(3, &["list"]);
}

#[test]
fn phases_tell_the_order_or_what_is_in_its_way() {
    let desk = desk();
    let result = desk.json(0, &["phases", "--epic", "safety"]);
    assert_eq!(
        result["phases"],
        json!([["S-0002"], ["S-0005"]]),
        "done ones count as satisfied"
    );
    assert_eq!(result["outside"], json!([]), "nothing else is in the way");
    let text = desk.expect(0, &["phases", "--epic", "safety"]).stdout;
    let (first, second) = text.split_once("phase 2\n").expect("there are two");
    assert!(
        first.starts_with("phase 1\n  S-0002  in-progress  Atomic"),
        "the first: {text}"
    );
    assert!(second.starts_with("  S-0005  ready "), "the second: {text}");
    desk.expect(0, &["set", "S-0002", "dependencies=[S-0005]"]);
    let refused = desk.json(7, &["phases"]);
    let message = refused["error"]["message"].as_str().unwrap_or_default();
    assert!(
        message.ends_with("S-0002 -> S-0005 -> S-0002")
            || message.ends_with("S-0005 -> S-0002 -> S-0005"),
        "the circle is spelled out: {message}"
    );
    desk.expect(0, &["set", "S-0002", "dependencies=[S-0077]"]);
    let refused = desk.json(7, &["phases"]);
    let message = refused["error"]["message"].as_str().unwrap_or_default();
    assert!(
        message.contains("no story S-0077, on which S-0002 depends"),
        "what is missing: {message}"
    );
    desk.expect(0, &["set", "S-0002", "dependencies=[S-0007]"]);
    let result = desk.json(0, &["phases", "--epic", "safety"]);
    assert_eq!(
        result["outside"],
        json!([{ "story": "S-0002", "waits_for": "S-0007" }]),
        "a story outside of the epic that comes first"
    );
}
