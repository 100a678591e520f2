//! `story section`, `task` and `workflow` as people meet them. Their results: `operations.rs`; many at once: `tests/sections.rs`.

use std::fs;
use std::os::unix::fs::symlink;

use crate::desk::{Desk, STORY};

const FOLDER: &str = ".ai-sdlc/stories/S-0034";

#[test]
fn what_is_written_beside_a_story_is_refused_where_other_stories_would_share_it() {
    let desk = Desk::new();
    for name in ["01-a", "02-b"] {
        let text = format!("---\nid: {name}\n---\n## Implementation Plan\n\nof {name}\n");
        desk.sandbox
            .write(format!(".ai-sdlc/ready/{name}.md"), text);
    }
    // As another tool might have left it.
    desk.sandbox.write(".ai-sdlc/ready/plan.md", "whose?\n");
    let calls: [&[&str]; 4] = [
        &["section", "append", "01-a", "plan", "x"],
        &["section", "put", "01-a", "plan", "x"],
        &["section", "path", "01-a", "plan"],
        &["workflow", "start", "01-a", "plan"],
    ];
    for call in calls {
        let refused = desk.expect(7, call);
        assert!(
            refused.stderr.contains("other stories"),
            "the reason: {refused:?}"
        );
    }
    assert_eq!(
        desk.sandbox.read(".ai-sdlc/ready/plan.md"),
        "whose?\n",
        "nothing was written"
    );
    assert_eq!(
        desk.expect(0, &["section", "get", "02-b", "plan"]).stdout,
        "of 02-b\n",
        "its own plan, not one that all have"
    );
    desk.assert_tidy();
}

#[test]
fn section_behind_a_link_is_refused_and_what_it_leads_to_stays() {
    let desk = Desk::new();
    desk.sandbox.write("elsewhere.md", "theirs");
    let link = desk.sandbox.join(FOLDER).join("plan.md");
    symlink(desk.sandbox.join("elsewhere.md"), link).expect("a link");
    for call in [
        &["section", "append", "S-0034", "plan", "x"][..],
        &["section", "put", "S-0034", "plan", "x"],
        &["section", "get", "S-0034", "plan"],
    ] {
        let error = &desk.json(6, call)["error"];
        let message = error["message"].as_str().unwrap_or_default();
        assert!(
            message.contains("a symbolic link"),
            "{call:?} says why: {error}"
        );
    }
    assert_eq!(
        desk.sandbox.read("elsewhere.md"),
        "theirs",
        "nothing was written"
    );
}

#[test]
fn sections_are_written_under_the_lock_that_a_parent_holds() {
    let desk = Desk::new();
    let program = env!("CARGO_BIN_EXE_story");
    let with = ["with", "S-0034", "--", program];
    for inner in [
        &["section", "append", "S-0034", "plan", "text"][..],
        &["task", "init", "S-0034", "T1"],
        &["workflow", "start", "S-0034", "plan"],
        &["workflow", "finish", "S-0034"],
    ] {
        desk.expect(0, &[&with, inner].concat());
    }
    assert!(
        desk.sandbox
            .read(format!("{FOLDER}/plan.md"))
            .ends_with("text"),
        "a child writes beside the story, too"
    );
}

#[test]
fn section_get_prints_the_text_and_ends_the_line() {
    let desk = Desk::with(format!(
        "{STORY}\n## Research\n\n  - one\n- two\n\n## Next\n"
    ));
    let print = |arguments: &[&str]| {
        let call = [&["section", "get", "S-0034"], arguments].concat();
        desk.expect(0, &call).stdout
    };
    assert_eq!(
        print(&["research"]),
        "- one\n- two\n",
        "the part of the story"
    );
    assert_eq!(print(&["--heading", "## Next"]), "", "an empty section");
    assert_eq!(print(&["plan"]), "", "no section");
    desk.sandbox
        .write(format!("{FOLDER}/research.md"), "from the file\n");
    assert_eq!(
        print(&["research"]),
        "from the file\n",
        "the file goes first"
    );
}

#[test]
fn section_append_says_what_is_missing() {
    let desk = Desk::new();
    let before = desk.text();
    for call in [
        &["section", "append", "S-0034"][..],
        &["section", "append", "S-0034", "plan"],
        &["section", "append", "S-0034", "--heading", "Notes"],
        &[
            "section",
            "append",
            "S-0034",
            "--heading",
            "Notes",
            "a",
            "b",
        ],
        &[
            "section",
            "append",
            "S-0034",
            "--heading",
            "Notes",
            "a",
            "--rework",
        ],
        &[
            "section",
            "append",
            "S-0034",
            "plan",
            "x",
            "--iteration",
            "0",
        ],
        &["section", "append", "S-0034", "plan", "a", "b"],
        &["section", "get", "S-0034"],
        &["section", "get", "S-0034", "plan", "--heading", "Notes"],
        &["section", "put", "S-0034", "notes", "x"],
    ] {
        desk.expect(2, call);
    }
    assert_eq!(desk.text(), before, "nothing was changed");
    assert!(
        !desk.sandbox.join(FOLDER).join("plan.md").exists(),
        "nor made"
    );
}

#[test]
fn new_run_gets_an_id_of_its_own() {
    let desk = Desk::new();
    let start = ["workflow", "start", "S-0034", "plan"];
    let first = desk.expect(0, &start).stdout;
    let parts: Vec<_> = first.trim().split('-').collect();
    let is_hex = |digit: char| digit.is_ascii_hexdigit() && !digit.is_ascii_uppercase();
    assert!(
        parts.len() == 3
            && parts[0] == "workflow"
            && parts[1].len() == 13
            && parts[1].parse::<u64>().is_ok()
            && parts[2].len() == 8
            && parts[2].chars().all(is_hex),
        "workflow-<milliseconds>-<8 hexadecimal digits>: {first}"
    );
    desk.expect(7, &start);
    let resumed = desk.expect(0, &[&start[..], &["--resume"]].concat()).stdout;
    assert_eq!(resumed, first, "a resumed run keeps its id");
    desk.expect(
        0,
        &["workflow", "clear", "S-0034", "--workflow", first.trim()],
    );
    let second = desk.expect(0, &start).stdout;
    assert_ne!(first, second, "a new one has another");
    fs::remove_file(desk.sandbox.join(FOLDER).join(".workflow-state.json")).expect("it is there");
    desk.assert_tidy();
}
