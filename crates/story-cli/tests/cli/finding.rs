//! Which file an id means, and that it is said which copy that is.

use crate::desk::Desk;

const COPY: &str = ".ai-sdlc/worktrees/S-0034-atomic/.ai-sdlc/stories/S-0034/story.md";
const LEGACY: &str = ".ai-sdlc/done/03-old-thing.md";

fn story(id: &str) -> String {
    format!("---\nid: {id}\nslug: old-thing\nstatus: ready\n---\n")
}

#[test]
fn copy_in_a_worktree_wins_and_is_said() {
    let desk = Desk::new();
    let before = desk.text();
    desk.sandbox.write(COPY, story("S-0034"));
    let done = desk.expect(0, &["set", "s-0034", "status=done"]);
    assert!(
        done.stderr
            .contains("story S-0034 in the worktree S-0034-atomic: changed status"),
        "people are told which copy: {done:?}"
    );
    assert_eq!(desk.text(), before, "the main copy is left alone");
    assert!(
        desk.sandbox.read(COPY).contains("status: done"),
        "the copy is changed"
    );
    for arguments in [
        &["get", "S-0034", "status"][..],
        &["show", "S-0034"],
        &["set", "S-0034", "a=1", "--dry-run"],
    ] {
        let answer = desk.json(0, arguments);
        assert_eq!(
            answer["copy"], "worktree:S-0034-atomic",
            "programs too: {answer}"
        );
    }
    let main = desk.json(0, &["get", ".ai-sdlc/stories/S-0034/story.md", "status"]);
    assert_eq!(
        main["values"]["status"], "ready",
        "a path means that very file"
    );
    assert!(main.get("copy").is_none(), "and nothing is said of copies");
}

#[test]
fn worktree_folder_is_where_the_configuration_says() {
    let desk = Desk::new();
    desk.sandbox.write(
        ".ai-sdlc.json",
        "{\"worktree\": {\"basePath\": \"trees\"}}\n",
    );
    desk.sandbox
        .write("trees/a/.ai-sdlc/stories/S-0034/story.md", story("S-0034"));
    for root in [&[][..], &["--root", ".ai-sdlc"]] {
        let answer = desk.json(0, &[&["get", "S-0034", "status"], root].concat());
        assert_eq!(answer["copy"], "worktree:a", "it is looked at: {root:?}");
    }
    desk.sandbox.write(".ai-sdlc.json", "{");
    desk.expect(6, &["get", "S-0034", "status"]);
    let named = desk.json(0, &["get", "S-0034", "status", "--root", ".ai-sdlc"]);
    assert!(
        named.get("copy").is_none(),
        "a named root works without a configuration"
    );
}

#[test]
fn broken_copy_is_passed_over_and_named() {
    let desk = Desk::new();
    desk.sandbox
        .write(COPY, "---\nid: S-0034\nid: again\n---\n");
    let told = desk.expect(0, &["get", "S-0034", "status"]);
    assert_eq!(told.stdout, "ready\n", "the main copy is taken");
    assert!(
        told.stderr.contains("warning: another copy is passed over")
            && told.stderr.contains("S-0034-atomic"),
        "and the broken one is named: {told:?}"
    );
    let answer = desk.json(0, &["set", "S-0034", "a=1"]);
    let warning = answer["warnings"][0].as_str().unwrap_or_default();
    assert!(
        warning.contains("S-0034-atomic"),
        "to programs too: {answer}"
    );
}

#[test]
fn broken_main_copy_falls_back_on_a_legacy_file_or_says_what_is_wrong() {
    let desk = Desk::with("---\nid: S-0034\nid: again\n---\n");
    desk.expect(6, &["set", "S-0034", "a=1"]);
    desk.sandbox.write(".ai-sdlc/done/01-x.md", story("S-0035"));
    let refused = desk.expect(6, &["set", "S-0034", "a=1"]);
    assert!(
        refused.stderr.contains("stands twice"),
        "its own fault is told, not that it is missing: {refused:?}"
    );
    desk.sandbox.write(LEGACY, story("S-0034"));
    let answer = desk.json(0, &["set", "S-0034", "a=1"]);
    assert_eq!(answer["copy"], "legacy:done", "the contract's order");
    assert_eq!(
        answer["warnings"].as_array().map(Vec::len),
        Some(1),
        "with a warning: {answer}"
    );
}

#[test]
fn legacy_story_is_found_by_the_id_that_it_carries() {
    let desk = Desk::new();
    desk.sandbox.write(LEGACY, story("S-0007"));
    let done = desk.expect(0, &["set", "s-0007", "status=done"]);
    assert!(
        done.stderr
            .contains("story S-0007 in the legacy folder done"),
        "it is said where: {done:?}"
    );
    let missing = desk.expect(3, &["get", "S-0008"]);
    for part in [
        "S-0008/story.md",
        "backlog, ready, in-progress, done, blocked",
        "deleted",
    ] {
        assert!(
            missing.stderr.contains(part),
            "the error names {part}: {missing:?}"
        );
    }
}

#[test]
fn slug_finds_a_story_when_no_id_does() {
    let desk = Desk::new();
    desk.sandbox.write(LEGACY, story("S-0007"));
    let found = desk.expect(0, &["get", "Old-Thing", "id"]);
    assert_eq!(found.stdout, "S-0007\n", "ignoring case");
    desk.sandbox
        .write(".ai-sdlc/stories/old-thing/story.md", story("old-thing"));
    let found = desk.expect(0, &["get", "old-thing", "id"]);
    assert_eq!(found.stdout, "old-thing\n", "an id comes before a slug");
    let unique = story("S-0008").replace("old-thing", "new-thing");
    desk.sandbox
        .write(".ai-sdlc/stories/S-0008/story.md", &unique);
    desk.sandbox.write(
        ".ai-sdlc/worktrees/S-0008-new-thing/.ai-sdlc/stories/S-0008/story.md",
        &unique,
    );
    let found = desk.json(0, &["set", "new-thing", "a=1"]);
    assert_eq!(
        found["copy"], "worktree:S-0008-new-thing",
        "the copy that counts"
    );
    desk.sandbox.write(
        ".ai-sdlc/stories/S-0009/story.md",
        unique.replace("S-0008", "S-0009"),
    );
    let refused = desk.expect(2, &["get", "new-thing", "id"]);
    for part in ["slug of 2 stories", "S-0008", "S-0009"] {
        assert!(
            refused.stderr.contains(part),
            "it names {part}: {refused:?}"
        );
    }
}

#[test]
fn doctor_looks_at_the_worktrees_that_the_configuration_names() {
    let desk = Desk::new();
    desk.sandbox.write(
        ".ai-sdlc.json",
        "{\"worktree\": {\"basePath\": \"trees\"}}\n",
    );
    let broken = "trees/S-0034-x/.ai-sdlc/stories/S-0034/story.md";
    desk.sandbox
        .write(broken, "---\nid: S-0034\nid: again\n---\n");
    let told = desk.expect(1, &["doctor"]);
    assert!(
        told.stdout.contains(broken),
        "the broken copy is named: {told:?}"
    );
}
