//! `story new` and `story move`.

use std::fs;

use crate::desk::{Desk, TODAY};

const NEXT: &str = ".ai-sdlc/stories/S-0035/story.md";

#[test]
fn new_prints_the_id_and_writes_the_story_as_the_reference_would() {
    let desk = Desk::new();
    let made = desk.expect(0, &["new", "Pay: now", "--label", "a", "--now", TODAY]);
    assert_eq!(made.stdout, "S-0035\n", "the id alone");
    assert_eq!(made.stderr, "", "and nothing else");
    let expected = "---\nid: S-0035\ntitle: 'Pay: now'\nslug: pay-now\npriority: 20\nstatus: backlog\n\
                    type: feature\ncreated: '2026-03-04'\nlabels:\n  - a\nresearch_complete: false\n\
                    plan_complete: false\nimplementation_complete: false\nreviews_complete: false\n\
                    content_type: code\n---\n# Pay: now\n\n## Summary\n\n[What is wanted, and why]\n\n\
                    ## Acceptance Criteria\n\n- [ ] [What must hold]\n";
    assert_eq!(
        desk.sandbox.read(NEXT),
        expected,
        "all fields in their order"
    );
    let verbose = desk.expect(0, &["new", "Next", "-v"]);
    assert!(
        verbose.stderr.contains("stories/S-0036/story.md"),
        "the path with -v: {verbose:?}"
    );
    desk.assert_tidy();
}

#[test]
fn new_takes_what_the_options_say() {
    let desk = Desk::new();
    let arguments = [
        "new",
        "Crash",
        "--type",
        "bug",
        "--priority",
        "-1.5",
        "--label",
        "a",
        "--label",
        "b",
        "--body",
        "Text<script>x</script>.",
        "--set",
        "assignee=Ann",
        "--set",
        "status=ready",
        "--touch",
    ];
    let made = desk.expect(0, &arguments);
    assert!(
        made.stderr.contains("were cut out of the body"),
        "it is told: {made:?}"
    );
    let text = desk.sandbox.read(NEXT);
    for line in [
        "priority: -1.5\nstatus: ready\ntype: bug\n",
        "labels:\n  - a\n  - b\n",
        "content_type: code\nassignee: Ann\nupdated: '",
        "---\nText.\n",
    ] {
        assert!(text.contains(line), "{line:?} stands in {text}");
    }
}

#[test]
fn new_ids_are_given_once() {
    let desk = Desk::new();
    let made = desk.expect(0, &["new", "x", "--id", "pay-1"]);
    assert_eq!(made.stdout, "pay-1\n", "as asked for");
    let told = desk.expect(7, &["new", "x", "--id", "PAY-1"]);
    assert!(told.stderr.contains("taken"), "ignoring case: {told:?}");
    desk.sandbox
        .write(".ai-sdlc/done/01-x.md", "---\nid: S-0041\n---\n");
    let copy = ".ai-sdlc/worktrees/S-0042-x/.ai-sdlc/stories/S-0042/story.md";
    desk.sandbox.write(copy, "---\nid: S-0042\n---\n");
    for taken in ["S-0034", "S-0041", "S-0042"] {
        desk.expect(7, &["new", "x", "--id", taken]);
    }
    assert_eq!(
        desk.expect(0, &["new", "x"]).stdout,
        "S-0043\n",
        "behind all of them"
    );
    for wrong in ["", "..", "a/b", "a b", "Grüße"] {
        desk.expect(2, &["new", "x", "--id", wrong]);
    }
    desk.expect(2, &["new", "x", "--set", "id=../x"]);
    let extra = desk.expect(0, &["new", "x", "--set", "id=other"]);
    assert_eq!(extra.stdout, "other\n", "a field overrides even the id");
    let random = desk.expect(0, &["new", "x", "--random-id"]).stdout;
    let parts: Vec<_> = random.trim_end().split('-').collect();
    assert!(
        parts.len() == 3 && parts[0] == "story" && parts[2].len() == 4,
        "time and four characters: {random}"
    );
}

#[test]
fn new_passes_over_a_folder_that_a_dead_creator_left() {
    let desk = Desk::new();
    fs::create_dir(desk.sandbox.join(".ai-sdlc/stories/S-0035")).expect("a folder can be made");
    assert_eq!(
        desk.expect(0, &["new", "x"]).stdout,
        "S-0036\n",
        "its id is not given again"
    );
    desk.expect(3, &["get", "S-0035"]);
    let told = desk.run(&["doctor"]);
    assert!(
        told.stdout.contains("holds no story.md"),
        "doctor tells it: {told:?}"
    );
}

#[test]
fn new_without_a_folder_of_stories_says_what_to_do() {
    let desk = Desk::new();
    fs::remove_dir_all(desk.sandbox.join(".ai-sdlc/stories")).expect("it is there");
    let refused = desk.expect(3, &["new", "x"]);
    assert!(
        refused.stderr.contains("story init"),
        "the hint: {refused:?}"
    );
    desk.expect(0, &["init"]);
    assert_eq!(
        desk.expect(0, &["new", "x"]).stdout,
        "S-0001\n",
        "after that it works"
    );
}

#[test]
fn move_under_the_lock_of_a_parent_is_refused_at_once() {
    let desk = Desk::new();
    let program = env!("CARGO_BIN_EXE_story");
    let before = desk.text();
    let told = desk.expect(
        4,
        &[
            "with", "S-0034", "--", program, "move", "S-0034", "ready", "--json",
        ],
    );
    assert!(
        told.stdout.contains("\"ENESTED\"") && told.stdout.contains("\"retryable\":false"),
        "it would wait for its own parent: {told:?}"
    );
    assert_eq!(desk.text(), before, "nothing was moved");
    desk.assert_tidy();
}

#[test]
fn title_comes_from_the_body_where_none_is_given() {
    let desk = Desk::new();
    let table = [
        (
            "a.md",
            "---\ntitle: From field\nid: S-0001\n---\n# H\n",
            "From field",
            "# H\n",
        ),
        (
            "b.txt",
            "Words\n# Head & line\n",
            "Head  line",
            "Words\n# Head & line\n",
        ),
        (
            "plain-name.markdown",
            "Words\0.\n",
            "plain-name",
            "Words.\n",
        ),
    ];
    for (file, text, title, body) in table {
        desk.sandbox.write(file, text);
        let id = desk
            .expect(0, &["new", "--body", &format!("@{file}")])
            .stdout;
        let shown = desk.json(0, &["show", id.trim_end()]);
        assert_eq!(
            shown["frontmatter"]["title"], title,
            "the title from {file}"
        );
        assert_eq!(shown["content"], body, "and the text");
    }
    let made = desk.feed("# Piped\n", &["new", "--body", "-"]);
    assert_eq!(made.stdout, "S-0038\n", "from standard input: {made:?}");
    for arguments in [&["new"][..], &["new", "--body", "words"], &["new", "`$()`"]] {
        desk.expect(2, arguments);
    }
    let cleaned = desk.expect(0, &["new", "Pay $(now)"]);
    assert!(
        cleaned.stderr.contains("made harmless: Pay now"),
        "it is told: {cleaned:?}"
    );
}

#[test]
fn body_files_are_checked_before_they_are_read() {
    let desk = Desk::new();
    let outside = Desk::new();
    let secret = outside.sandbox.write("secret.md", "# secret\n");
    desk.sandbox.write("notes.json", "{}");
    desk.sandbox.write("none", "x");
    desk.sandbox
        .write("large.md", vec![b'x'; 10 * 1024 * 1024 + 1]);
    desk.sandbox.write("bytes.md", b"\xff\xfe");
    desk.sandbox.write("deep/x.md", "# x\n");
    std::os::unix::fs::symlink("deep/x.md", desk.sandbox.join("link.md")).expect("a link");
    std::os::unix::fs::symlink(outside.sandbox.path(), desk.sandbox.join("away")).expect("a link");
    let outside = format!("@{}", secret.display());
    let table = [
        ("@notes.json", 7, "does not end in"),
        ("@none", 7, "does not end in"),
        ("@large.md", 7, "more than 10485760 bytes"),
        ("@link.md", 7, "symbolic link"),
        ("@away/secret.md", 7, "outside"),
        (&outside, 7, "outside"),
        ("@missing.md", 3, "missing.md"),
        ("@bytes.md", 6, "utf-8"),
    ];
    for (body, code, reason) in table {
        let refused = desk.expect(code, &["new", "x", "--body", body]);
        assert!(
            refused.stderr.contains(reason),
            "{body} for {reason:?}: {refused:?}"
        );
    }
    desk.expect(0, &["new", "--body", "@deep/x.md"]);
    desk.sandbox.write("full.md", vec![b'x'; 10 * 1024 * 1024]);
    desk.expect(0, &["new", "x", "--body", "@full.md"]);
}

#[test]
fn new_that_cannot_be_reported_says_that_it_is_there() {
    let desk = Desk::new();
    if !std::path::Path::new("/dev/full").exists() {
        return testkit::skip(
            "new_that_cannot_be_reported_says_that_it_is_there",
            "there is no /dev/full",
        );
    }
    let program = env!("CARGO_BIN_EXE_story");
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &format!("{program} new x > /dev/full")]);
    shell
        .current_dir(desk.sandbox.path())
        .env_remove("AI_SDLC_ROOT");
    let finished = crate::desk::finish(&mut shell);
    assert_eq!(finished.status.code(), Some(9), "committed: {finished:?}");
    assert!(
        finished.stderr.contains("do not run it again"),
        "and a hint: {finished:?}"
    );
    assert!(desk.sandbox.join(NEXT).exists(), "for it is there");
}

#[test]
fn new_waits_for_whoever_makes_a_story_and_names_it() {
    let desk = Desk::new();
    let mut command = desk.story(&[
        "lock",
        "hold",
        ".ai-sdlc/stories/.creation.md",
        "--owner",
        "runner 2",
    ]);
    let holder = testkit::SecondProcess::spawn_ready(&mut command, crate::desk::PATIENCE);
    let refused = desk.expect(4, &["new", "x", "--timeout", "50ms"]);
    assert!(
        refused.stderr.contains("runner 2"),
        "who it is: {refused:?}"
    );
    holder.kill_9();
    let made = desk.expect(0, &["new", "x"]);
    assert!(
        made.stderr.contains("took over"),
        "a dead one is told: {made:?}"
    );
    desk.assert_tidy();
}

#[test]
fn move_makes_the_new_file_and_removes_the_old_one() {
    let desk = Desk::new();
    let before = desk.text();
    desk.sandbox
        .write(".ai-sdlc/ready/01-x.md", "---\nid: S-0001\n---\n");
    desk.sandbox
        .write(".ai-sdlc/ready/03-atomic-story-updates.md", "theirs");
    let moved = desk.json(0, &["move", "S-0034", "ready", "--now", TODAY]);
    let new = ".ai-sdlc/ready/04-atomic-story-updates.md";
    assert_eq!(moved["copy"], "legacy:ready", "it is said where: {moved}");
    let expected = before
        .replace("priority: 10", "priority: 4")
        .replace("2026-01-15", TODAY);
    assert_eq!(
        desk.sandbox.read(new),
        expected,
        "only what the folder says has changed"
    );
    let folder = desk.path.parent().expect("a folder");
    assert!(
        !folder.exists(),
        "the old file is gone, and its empty folder"
    );
    let theirs = desk
        .sandbox
        .read(".ai-sdlc/ready/03-atomic-story-updates.md");
    assert_eq!(theirs, "theirs", "nobody's file is overwritten");
    let again = desk.expect(0, &["move", "S-0034", "ready"]);
    assert!(
        again.stderr.contains("nothing to change"),
        "a second time: {again:?}"
    );
    let refused = desk.expect(7, &["move", "S-0034", "done"]);
    assert!(
        refused.stderr.contains("reviews_complete"),
        "the rule holds: {refused:?}"
    );
    assert!(desk.sandbox.join(new).exists(), "and nothing has moved");
    desk.assert_tidy();
}

#[test]
fn moved_file_names_are_never_made_of_what_the_story_says() {
    let plan = ".ai-sdlc/stories/S-0034/plan.md";
    let desk = Desk::with("---\nid: S-0034\nslug: ../../out\ntitle: x\n---\n");
    desk.sandbox.write(plan, "# Plan\n");
    desk.expect(0, &["move", "S-0034", "backlog"]);
    assert_eq!(
        desk.sandbox.read(plan),
        "# Plan\n",
        "what lay beside it stays"
    );
    assert!(
        desk.sandbox.join(".ai-sdlc/backlog/01-out.md").exists(),
        "a slug stays a name"
    );
}
