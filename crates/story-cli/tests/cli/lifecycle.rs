//! The verbs that move a story along, as people meet them; their rules are in the table of operations.

use crate::desk::{Desk, STORY, TODAY};

#[test]
fn status_without_a_new_one_prints_lines_for_scripts_and_writes_nothing() {
    let table = [
        (
            "status: ready",
            "status=ready\nnext=research\nmerged=false\n",
        ),
        (
            "status: done\npr_merged: true",
            "status=done\nnext=\nmerged=true\n",
        ),
        ("status: on hold", "status=on hold\nnext=\nmerged=false\n"),
        (
            "status: \"a\\nnext=b\"",
            "status=\"a\\nnext=b\"\nnext=\nmerged=false\n",
        ),
        ("status:", "status=\nnext=refine\nmerged=false\n"),
    ];
    for (fields, expected) in table {
        let text = STORY.replace("status: ready", fields);
        let desk = Desk::with(&text);
        let shown = desk.expect(0, &["status", "S-0034"]);
        assert_eq!(shown.stdout, expected, "what stands there: {fields:?}");
        assert_eq!(desk.text(), text, "nothing is written");
        desk.assert_tidy();
    }
}

#[test]
fn refused_rule_tells_people_both_flags_and_what_helps() {
    let desk = Desk::new();
    let refused = desk.expect(7, &["status", "S-0034", "done"]);
    assert_eq!(refused.stdout, "", "stdout is for data");
    for words in [
        "error: cannot update story S-0034",
        "implementation_complete is absent, reviews_complete is absent",
        "hint: `story complete`",
    ] {
        assert!(
            refused.stderr.contains(words),
            "{words:?} is said: {refused:?}"
        );
    }
    assert_eq!(desk.text(), STORY, "not one byte has changed");
    desk.expect(0, &["complete", "S-0034"]);
    desk.expect(0, &["status", "S-0034", "done"]);
    desk.assert_tidy();
}

#[test]
fn touch_options_are_stronger_than_the_mark_of_an_operation() {
    let today = format!("updated: '{TODAY}'");
    let table: [(&[&str], bool); 4] = [
        (&["approve", "S-0034"], true),
        (&["approve", "S-0034", "--no-touch"], false),
        (&["feedback", "S-0034", "x"], false),
        (&["feedback", "S-0034", "x", "--touch"], true),
    ];
    for (call, is_dated) in table {
        let desk = Desk::new();
        desk.expect(0, &[call, &["--now", TODAY]].concat());
        assert_eq!(desk.text().contains(&today), is_dated, "{call:?}");
    }
}

#[test]
fn feedback_comes_from_the_line_from_standard_input_or_from_a_file() {
    let desk = Desk::new();
    desk.expect(0, &["feedback", "S-0034", "first"]);
    let fed = desk.feed("second\n", &["feedback", "S-0034", "-"]);
    assert!(fed.status.success(), "from standard input: {fed:?}");
    desk.sandbox.write("note.txt", "third\n");
    desk.expect(0, &["feedback", "S-0034", "@note.txt"]);
    let text = desk.text();
    for said in [
        "\n\nfirst\n\n## Human",
        "\n\nsecond\n\n## Human",
        "\n\nthird\n",
    ] {
        assert!(text.contains(said), "{said:?} is there: {text}");
    }
    assert!(text.ends_with("third\n"), "in this order: {text}");
    desk.expect(3, &["feedback", "S-0034", "@no-such-file"]);
    assert_eq!(desk.text(), text, "a missing file changes nothing");
}

#[test]
fn what_is_no_story_is_not_made_to_look_like_one() {
    let table: [(&str, i32); 3] = [
        ("", 6),
        ("# Title\n\ntext\n", 6),
        ("---\nstatus: blocked\n---\n# Title\n", 7),
    ];
    let calls: [&[&str]; 6] = [
        &["status", "S-0034", "ready"],
        &["block", "S-0034", "--reason", "x"],
        &["complete", "S-0034"],
        &["merged", "S-0034"],
        &["feedback", "S-0034", "x"],
        &["unblock", "S-0034"],
    ];
    for (text, code) in table {
        let desk = Desk::with(text);
        for call in calls {
            desk.expect(code, call);
            assert_eq!(desk.text(), text, "{call:?} leaves it alone");
        }
        desk.assert_tidy();
    }
}

#[test]
fn id_is_a_text_or_a_number_to_every_operation() {
    let calls: [&[&str]; 3] = [
        &["approve", "S-0034"],
        &["section", "append", "S-0034", "plan", "x"],
        &["task", "init", "S-0034", "T1"],
    ];
    for (id, code) in [
        ("34", 0),
        ("0010", 0),
        ("2026-01-01", 0),
        ("[S-0034]", 7),
        ("{a: 1}", 7),
        ("''", 7),
    ] {
        for call in calls {
            Desk::with(format!("---\nid: {id}\n---\nbody\n")).expect(code, call);
        }
    }
}

#[test]
fn context_is_the_story_and_behind_it_its_files() {
    let desk = Desk::with(format!("{STORY}\n## Plan Review\n\ngood"));
    for (name, text) in [
        ("review.md", "fine\n"),
        ("research.md", "found"),
        ("plan.md", " \n"),
    ] {
        desk.sandbox
            .write(format!(".ai-sdlc/stories/S-0034/{name}"), text);
    }
    let shown = desk.expect(0, &["context", "S-0034"]);
    let expected = format!(
        "{STORY}\n## Plan Review\n\ngood\n\n===== research.md =====\n\nfound\n\n===== review.md =====\n\nfine\n"
    );
    assert_eq!(
        shown.stdout, expected,
        "in the order of the phases, blank ones left out"
    );
    let json = desk.json(0, &["context", "S-0034"]);
    assert_eq!(json["research"], "found", "from its file: {json}");
    assert_eq!(json["plan_review"], "good", "from the story: {json}");
    assert_eq!(json["plan"], " \n", "as it stands in its file: {json}");
    desk.assert_tidy();
}
