//! `story set`: every operation, conditions, `updated`, rehearsals.

use testkit::SecondProcess;

use crate::desk::{Desk, PATIENCE, STORY, TODAY};

/// Runs `story set S-0034 …` on a fixed day and returns what became of the lines.
fn set(desk: &Desk, arguments: &[&str]) -> String {
    desk.expect(0, &[&["set", "S-0034", "--now", TODAY], arguments].concat());
    desk.assert_tidy();
    desk.text()
}

#[test]
fn operations_change_their_keys_and_nothing_else() {
    let table: [(&[&str], &str, &str); 14] = [
        (&["status=done"], "status: ready", "status: done"),
        (&["priority=7"], "priority: 10", "priority: 7"),
        (&["--string", "priority=7"], "priority: 10", "priority: '7'"),
        (&["labels=[a, b]"], "  - backend", "  - a\n  - b"),
        (
            &["assignee=2026-01-01"],
            "assignee:",
            "assignee: '2026-01-01'",
        ),
        (&["--inc", "priority"], "priority: 10", "priority: 11"),
        (&["--inc", "priority=-3"], "priority: 10", "priority: 7"),
        (&["--inc", "assignee=2"], "assignee:", "assignee: 2"),
        (&["--unset", "assignee"], "assignee:\n", ""),
        (
            &["--add", "labels=urgent"],
            "  - backend",
            "  - backend\n  - urgent",
        ),
        (
            &["--add", "labels=[urgent, x]"],
            "  - backend",
            "  - backend\n  - urgent\n  - x",
        ),
        (
            &["--remove", "labels=[backend]"],
            "labels:\n  - backend",
            "labels: []",
        ),
        (
            &["--push", "labels=x", "--cap", "1"],
            "  - backend",
            "  - x",
        ),
        (
            &["--append-body", "- more"],
            "# Atomic story updates\n",
            "# Atomic story updates\n- more\n",
        ),
    ];
    for (arguments, before, after) in table {
        let desk = Desk::new();
        let expected = STORY.replace("2026-01-15", TODAY).replace(before, after);
        assert_eq!(
            set(&desk, arguments),
            expected,
            "the change of {arguments:?}"
        );
    }
}

#[test]
fn operations_of_one_call_are_done_in_the_order_given() {
    let desk = Desk::new();
    let text = set(&desk, &["z=1", "--push", "history=x", "a=2", "--inc", "m"]);
    let expected = STORY
        .replace("2026-01-15", TODAY)
        .replace("history: []", "history:\n  - x")
        .replace("assignee:\n", "assignee:\nz: 1\na: 2\nm: 1\n");
    assert_eq!(
        text, expected,
        "new keys stand in the order of the command line"
    );
}

#[test]
fn nested_values_are_reached_by_paths() {
    let desk =
        Desk::with("---\nid: S-0034\nreview_history:\n  - decision: REJECTED\n    n: 1\n---\n");
    let text = set(
        &desk,
        &[
            "review_history[0].decision=APPROVED",
            "--inc",
            "review_history[0].n",
        ],
    );
    assert!(
        text.contains("  - decision: APPROVED\n    n: 2\n"),
        "the item is changed in place: {text}"
    );
}

#[test]
fn contradictions_are_usage_errors_and_change_nothing() {
    let desk = Desk::new();
    let table: [&[&str]; 13] = [
        &[],
        &["status=a", "status=b"],
        &["--inc", "priority", "priority=1"],
        &["--add", "labels=a", "--add", "labels=b"],
        &["status"],
        &["=x"],
        &["--cap", "3"],
        &["--push", "history=1", "--cap", "none"],
        &["--inc", "priority=much"],
        &["a=[1"],
        &["a..b=1"],
        &["--touch", "--no-touch", "a=1"],
        &["a=1", "--if-rev", "12345"],
    ];
    for arguments in table {
        let refused = desk.expect(2, &[&["set", "S-0034"], arguments].concat());
        assert!(
            refused.stderr.starts_with("error: "),
            "it says why: {refused:?}"
        );
        assert_eq!(refused.stdout, "", "stdout is for data: {refused:?}");
    }
    assert_eq!(desk.text(), STORY, "nothing was written");
    desk.assert_tidy();
}

#[test]
fn operations_on_values_of_another_type_are_refused() {
    let desk = Desk::new();
    let table: [&[&str]; 4] = [
        &["--inc", "status"],
        &["--add", "status=x"],
        &["--push", "priority=x"],
        &["title.x=1"],
    ];
    for arguments in table {
        desk.expect(7, &[&["set", "S-0034"], arguments].concat());
    }
    assert_eq!(desk.text(), STORY, "nothing was written");
}

#[test]
fn updated_follows_touch() {
    let with = "---\nid: S-0034\nupdated: 2026-01-15\n---\n";
    let without = "---\nid: S-0034\n---\n";
    let today = format!("updated: '{TODAY}'");
    let table: [(&str, &[&str], &str); 8] = [
        (with, &["a=1"], &today),
        (with, &["a=1", "--no-touch"], "updated: 2026-01-15"),
        (with, &["id=S-0034"], "updated: 2026-01-15"),
        (with, &["id=S-0034", "--touch"], "updated: 2026-01-15"),
        (with, &["updated=2020-02-02"], "updated: '2020-02-02'"),
        (with, &["--touch"], &today),
        (without, &["a=1"], ""),
        (without, &["a=1", "--touch"], &today),
    ];
    for (text, arguments, expected) in table {
        let desk = Desk::with(text);
        let after = set(&desk, arguments);
        let line = after
            .lines()
            .find(|line| line.starts_with("updated"))
            .unwrap_or("");
        assert_eq!(line, expected, "{arguments:?} on {text:?}");
    }
}

#[test]
fn conditions_decide_and_a_failed_one_is_a_conflict() {
    let desk = Desk::new();
    let rev = desk.json(0, &["get", "S-0034"])["rev"]
        .as_str()
        .expect("a revision")
        .to_owned();
    let holds: [&[&str]; 6] = [
        &["--if", "status=ready"],
        &["--if", "nope="],
        &["--if", "assignee=null"],
        &["--if", "labels=[backend]"],
        &["--if", "updated=2026-01-15"],
        &["--if-rev", &rev[..12]],
    ];
    for condition in holds {
        desk.expect(0, &[&["set", "S-0034", "status=ready"], condition].concat());
    }
    let fails: [&[&str]; 5] = [
        &["--if", "status=done"],
        &["--if", "status="],
        &["--if", "assignee="],
        &["--if", "priority='10'"],
        &["--if-rev", "000000000000"],
    ];
    for condition in fails {
        let refused = desk.expect(
            5,
            &[&["set", "S-0034", "status=blocked"], condition].concat(),
        );
        assert!(
            refused.stderr.contains("hint:"),
            "it says what to do: {refused:?}"
        );
    }
    assert_eq!(desk.text(), STORY, "nothing was written");
}

#[test]
fn dry_run_prints_a_diff_and_changes_nothing() {
    let desk = Desk::new();
    let holder = desk.hold(&[]);
    let finished = desk.expect(
        0,
        &["set", "S-0034", "status=done", "--no-touch", "--dry-run"],
    );
    let expected = "--- a/.ai-sdlc/stories/S-0034/story.md\n+++ b/.ai-sdlc/stories/S-0034/story.md\n@@ -1,7 +1,7 @@\n ---\n id: S-0034\n title: 'Atomic story updates' # the whole point\n-status: ready\n+status: done\n updated: '2026-01-15'\n priority: 10\n labels:\n";
    assert_eq!(
        finished.stdout, expected,
        "a unified diff, without taking the lock"
    );
    assert_eq!(desk.text(), STORY, "the story is as it was");
    holder.wait(PATIENCE);
    let same = desk.expect(0, &["set", "S-0034", "status=ready", "--dry-run"]);
    assert_eq!(same.stdout, "", "no change, no diff");
}

#[test]
fn body_comes_from_files_and_standard_input_as_well() {
    let desk = Desk::new();
    desk.sandbox.write("more.txt", "from a file\n");
    set(&desk, &["--append-body", "@more.txt"]);
    let finished = desk.feed("from a pipe", &["set", "S-0034", "--append-body", "@-"]);
    assert!(
        finished.status.success(),
        "standard input is read to its end: {finished:?}"
    );
    assert!(
        desk.text()
            .ends_with("# Atomic story updates\nfrom a file\nfrom a pipe\n"),
        "both are at the end: {}",
        desk.text()
    );
    desk.expect(3, &["set", "S-0034", "--append-body", "@missing.txt"]);
}

#[test]
fn story_is_found_by_id_ignoring_case_and_by_path() {
    let desk = Desk::new();
    for (name, folder) in [
        ("S-0034", "."),
        ("s-0034", ".ai-sdlc/stories"),
        (".ai-sdlc/stories/S-0034/story.md", "."),
        ("story.md", ".ai-sdlc/stories/S-0034"),
    ] {
        let mut command = desk.story(&["get", name, "id"]);
        command.current_dir(desk.sandbox.join(folder));
        let found = crate::desk::finish(&mut command);
        assert_eq!(found.stdout, "S-0034\n", "{name} in {folder}: {found:?}");
    }
    let root = desk.sandbox.join(".ai-sdlc");
    let elsewhere = testkit::Sandbox::new();
    let mut command = desk.story(&["get", "S-0034", "id"]);
    let by_variable = crate::desk::finish(
        command
            .current_dir(elsewhere.path())
            .env("AI_SDLC_ROOT", &root),
    );
    assert_eq!(
        by_variable.stdout, "S-0034\n",
        "AI_SDLC_ROOT is obeyed: {by_variable:?}"
    );
    let mut command = desk.story(&["get", "S-0034", "id"]);
    let lost = crate::desk::finish(command.current_dir("/"));
    assert_eq!(lost.status.code(), Some(3), "no root, not found: {lost:?}");
    assert!(
        lost.stderr.contains("story init"),
        "and what to do: {lost:?}"
    );
}

#[test]
fn configured_folder_is_the_root_and_must_lie_inside() {
    let desk = Desk::new();
    desk.sandbox
        .write("sub/.ai-sdlc.json", "{\"sdlcFolder\": \"plans\"}\n");
    desk.sandbox
        .write("sub/plans/stories/S-7/story.md", "---\nid: S-7\n---\n");
    let mut command = desk.story(&["get", "S-7", "id"]);
    let found = crate::desk::finish(command.current_dir(desk.sandbox.join("sub/plans")));
    assert_eq!(
        found.stdout, "S-7\n",
        "the configured name counts: {found:?}"
    );
    for wrong in [
        "{\"sdlcFolder\": \"../x\"}",
        "{\"sdlcFolder\": \"/etc\"}",
        "{\"sdlcFolder\": 3}",
        "{",
    ] {
        desk.sandbox.write("sub/.ai-sdlc.json", wrong);
        let mut command = desk.story(&["get", "S-7", "id"]);
        let refused = crate::desk::finish(command.current_dir(desk.sandbox.join("sub")));
        assert_eq!(
            refused.status.code(),
            Some(6),
            "{wrong} leads nowhere: {refused:?}"
        );
    }
}

#[test]
fn ids_that_lead_elsewhere_are_refused() {
    let desk = Desk::new();
    desk.sandbox
        .write(".ai-sdlc/story.md", "---\nid: outside\n---\n");
    for id in ["..", ".", "", "S-0034\\..", "S\u{1}34"] {
        let refused = desk.expect(2, &["set", id, "a=1"]);
        assert!(
            !refused.stderr.contains('\u{1}'),
            "control characters are escaped: {refused:?}"
        );
    }
}

#[test]
fn done_by_hand_gets_a_hint_and_quiet_takes_it_away() {
    let desk = Desk::new();
    let told = desk.expect(0, &["set", "S-0034", "status=done"]);
    assert!(
        told.stderr.contains("hint: set follows no rule"),
        "a hint: {told:?}"
    );
    let quiet = desk.expect(
        0,
        &["set", "S-0034", "--string", "status=done", "a=1", "-q"],
    );
    assert_eq!(quiet.stderr, "", "nothing is said: {quiet:?}");
    let none = desk.expect(0, &["set", "S-0034", "status=ready"]);
    assert!(
        !none.stderr.contains("hint"),
        "other values get none: {none:?}"
    );
}

#[test]
fn text_that_yaml_takes_for_a_number_gets_a_hint() {
    let desk = Desk::new();
    for (pair, read) in [
        ("time=12:30", "750"),
        ("code=010", "8"),
        ("n=1_000", "1000"),
    ] {
        let told = desk.expect(0, &["set", "S-0034", pair]);
        assert!(
            told.stderr.contains(&format!(
                "as the number {read}; for the text say --string {pair}"
            )),
            "{pair} is worth a word: {told:?}"
        );
    }
    for pair in [
        "a=10",
        "a=-1",
        "a=0",
        "a=0.5",
        "a=1:30 pm",
        "a=2026-01-01",
        "a='010'",
    ] {
        let told = desk.expect(0, &["set", "S-0034", pair]);
        assert!(!told.stderr.contains("hint"), "{pair} is not: {told:?}");
    }
}

/// Arguments, environment, and the owner that they make.
type Case<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], &'a str);

#[test]
fn owner_and_agent_are_shown_to_those_who_wait() {
    let desk = Desk::new();
    let table: [Case<'_>; 4] = [
        (
            &["--owner", "runner 2", "--as", "x"],
            &[("STORY_OWNER", "y")],
            "runner 2",
        ),
        (
            &[],
            &[
                ("STORY_OWNER", "from the environment"),
                ("STORY_AGENT", "z"),
            ],
            "from the environment",
        ),
        (&["--as", "agent 7"], &[], "agent 7"),
        (
            &[],
            &[("STORY_AGENT", "agent 8"), ("STORY_OWNER", "")],
            "agent 8",
        ),
    ];
    for (arguments, environment, expected) in table {
        let mut command = desk.story(&["lock", "hold", "S-0034"]);
        command.args(arguments).envs(environment.iter().copied());
        let holder = SecondProcess::spawn_ready(&mut command, PATIENCE);
        let refused = desk.expect(4, &["set", "S-0034", "a=1", "--timeout", "0"]);
        assert!(
            refused.stderr.contains(&format!("for \"{expected}\"")),
            "the owner is named: {refused:?}"
        );
        holder.wait(PATIENCE);
    }
}
