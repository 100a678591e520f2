//! Who changes a story that another agent has leased is refused; where nobody has, nothing is different.

use std::time::Duration;

use lease::Project;
use lease::store::folder::FolderStore;
use lease::store::sqlite::SqliteStore;
use serde_json::json;

use crate::desk::{Desk, STORY, json_lines};

const HOUR: Duration = Duration::from_hours(1);
const PATH: &str = ".ai-sdlc/stories/S-0034/story.md";

#[test]
fn set_of_a_story_that_another_agent_holds_is_refused_and_says_who() {
    let desk = Desk::new();
    desk.lease("a1", PATH, HOUR);
    let path = desk.path.display().to_string();
    for story in ["S-0034", PATH, &path] {
        for agent in ["a2", "not/an agent"] {
            let refused = desk.json(4, &["set", story, "priority=1", "--as", agent]);
            assert_eq!(
                refused["error"]["code"],
                json!("ELOCKED"),
                "it is leased: {refused}"
            );
            assert_eq!(
                refused["error"]["retryable"],
                json!(true),
                "waiting helps: {refused}"
            );
            let message = refused["error"]["message"].as_str().unwrap_or_default();
            let is_named =
                message.contains("held by a1 until 2") && message.contains("\"the parser\"");
            assert!(is_named, "by whom, until when, for what: {message}");
        }
    }
    let nobody = desk.expect(4, &["set", "S-0034", "priority=1"]);
    assert!(
        nobody.stderr.contains("say --as NAME"),
        "a hint for who forgot it: {nobody:?}"
    );
    assert_eq!(desk.text(), STORY, "the story is what it was");
    desk.expect(0, &["set", "S-0034", "priority=1", "--as", "a1"]);
    desk.expect(0, &["set", "S-0034", "priority=2", "--now", "2999-01-01"]);
    assert!(
        desk.text().contains("priority: 2"),
        "the holder may, and all once it has ended"
    );
}

#[test]
fn set_honours_the_database_of_programs_that_use_the_library_as_it_is() {
    let desk = Desk::new();
    let output = desk.sandbox.join(".ai-sdlc");
    let locks = lease::FileLockManager::open(desk.sandbox.path(), &output).expect("it opens");
    locks
        .acquire_lock(PATH.as_ref(), "a1", HOUR, Duration::ZERO)
        .expect("nobody holds it");
    let refused = desk.expect(4, &["set", "S-0034", "priority=1", "--as", "a2"]);
    assert!(
        refused.stderr.contains("held by a1"),
        "by whom: {refused:?}"
    );
    desk.expect(0, &["set", "S-0034", "priority=1", "--as", "a1"]);
    // Beside a folder of leases, and in an output directory that is named.
    desk.lease("a3", "other.md", HOUR);
    for more in [&[][..], &["--output", ".ai-sdlc"]] {
        let set = ["set", "S-0034", "priority=2", "--as", "a2"];
        desk.expect(4, &[&set, more].concat());
    }
}

#[test]
fn every_change_of_a_leased_story_is_refused() {
    let desk = Desk::new();
    desk.lease("a1", PATH, HOUR);
    let by = ["--as", "a2"];
    for change in [
        &["set", "S-0034", "priority=1", "--dry-run"][..],
        &["status", "S-0034", "in-progress"],
        &["block", "S-0034", "--reason", "x"],
        &["claim", "S-0034"],
        &["task", "init", "S-0034", "T1"],
        &["section", "append", "S-0034", "plan", "x"],
        &["workflow", "start", "S-0034", "plan"],
        &["retry", "inc", "S-0034"],
    ] {
        let refused = desk.json(4, &[change, &by].concat());
        let message = refused["error"]["message"].as_str().unwrap_or_default();
        assert!(
            message.contains("held by a1"),
            "{change:?} is refused: {message}"
        );
    }
    assert_eq!(desk.text(), STORY, "the story is what it was");
    let folder = desk.path.parent().expect("it lies in a folder");
    let beside = std::fs::read_dir(folder).expect("it can be listed").count();
    assert_eq!(beside, 1, "nothing was made beside it");
    desk.expect(
        0,
        &["section", "append", "S-0034", "plan", "x", "--as", "a1"],
    );
}

#[test]
fn apply_refuses_the_lines_about_leased_stories_and_together_all_of_them() {
    let desk = Desk::new();
    desk.sandbox
        .write(".ai-sdlc/stories/S-0035/story.md", "---\nid: S-0035\n---\n");
    desk.lease("a1", ".ai-sdlc/stories/S-0035/story.md", HOUR);
    let input = "{\"story\":\"S-0034\",\"inc\":{\"count\":1}}\n{\"story\":\"S-0035\",\"inc\":{\"count\":1}}\n";
    let finished = desk.feed(input, &["apply", "--together", "--json"]);
    assert_eq!(
        finished.status.code(),
        Some(4),
        "one is leased: {finished:?}"
    );
    assert_eq!(desk.text(), STORY, "neither was changed");
    let finished = desk.feed(input, &["apply", "--json"]);
    let answers = json_lines(&finished.stdout);
    assert_eq!(
        answers[0]["ok"],
        json!(true),
        "the first is free: {finished:?}"
    );
    assert_eq!(
        answers[1]["error"]["code"],
        json!("ELOCKED"),
        "the second is not: {finished:?}"
    );
    let finished = desk.feed(input, &["apply", "--together", "--as", "a1"]);
    assert!(finished.status.success(), "the holder may: {finished:?}");
    assert!(
        desk.text().contains("count: 2"),
        "both were changed: {}",
        desk.text()
    );
}

#[test]
fn story_is_neither_moved_out_of_a_lease_nor_made_or_moved_into_one() {
    let desk = Desk::new();
    desk.lease("a1", PATH, HOUR);
    let refused = desk.json(4, &["move", "S-0034", "ready", "--as", "a2"]);
    let message = refused["error"]["message"].as_str().unwrap_or_default();
    assert!(message.contains("held by a1"), "who: {message}");
    assert_eq!(desk.text(), STORY, "the story is where it was");

    let desk = Desk::new();
    for folder in ["ready", "stories"] {
        let folder = desk.sandbox.join(".ai-sdlc").join(folder);
        std::fs::create_dir_all(folder).expect("a folder");
    }
    desk.expect(0, &["lease", "acquire", ".ai-sdlc/ready/", "--as", "a1"]);
    desk.expect(4, &["move", "S-0034", "ready", "--as", "a2"]);
    desk.expect(0, &["new", "Free", "--as", "a2"]);
    desk.expect(0, &["lease", "acquire", ".ai-sdlc/stories/", "--as", "a1"]);
    let refused = desk.expect(4, &["new", "Second", "--as", "a2"]);
    assert!(refused.stderr.contains("held by a1"), "who: {refused:?}");
    desk.expect(0, &["new", "Second", "--as", "a1"]);
    desk.expect(0, &["move", "S-0034", "ready", "--as", "a1"]);
}

#[test]
fn leases_are_looked_for_where_they_are_said_to_be_and_around_a_worktree() {
    let desk = Desk::new();
    let project = || Project::new(desk.sandbox.path()).expect("it is there");
    let database = SqliteStore::new(desk.sandbox.join("leases.db"), project());
    desk.lease_in(&database, "a1", PATH, HOUR);
    let set = ["set", "S-0034", "priority=1", "--as", "a2"];
    let mut command = desk.story(&set);
    let finished = crate::desk::finish(command.env("STORY_LEASES", "leases.db"));
    assert_eq!(
        finished.status.code(),
        Some(4),
        "in the store that is named: {finished:?}"
    );
    std::fs::create_dir(desk.sandbox.join("out")).expect("a folder");
    let folder = FolderStore::new(desk.sandbox.join("out/locks"), project());
    desk.lease_in(&folder, "a1", PATH, HOUR);
    desk.expect(4, &[&set[..], &["--output", "out"]].concat());
    desk.expect(0, &set);
    let copy = ".ai-sdlc/worktrees/S-0050-x/.ai-sdlc/stories/S-0050/story.md";
    desk.sandbox.write(copy, "---\nid: S-0050\n---\n");
    desk.lease("a1", copy, HOUR);
    desk.expect(4, &["set", "S-0050", "priority=1", "--as", "a2"]);
    desk.expect(0, &["set", "S-0050", "priority=1", "--as", "a1"]);
}

#[test]
fn set_while_a_list_of_leases_is_broken_is_refused_and_names_it() {
    let desk = Desk::new();
    let broken = desk.sandbox.write(".ai-sdlc/locks/a2.lock", "{ broken");
    let refused = desk.json(6, &["set", "S-0034", "priority=1"]);
    let message = refused["error"]["message"].as_str().unwrap_or_default();
    assert!(message.contains("a2.lock"), "which one: {message}");
    let unclaimed = desk.expect(6, &["claim", "--next", "--as", "a1"]);
    assert!(
        unclaimed.stderr.contains("a2.lock"),
        "it is not for want of stories: {unclaimed:?}"
    );
    assert_eq!(desk.text(), STORY, "nothing was changed");
    testkit::set_age(&broken, 2 * HOUR);
    desk.expect(0, &["set", "S-0034", "priority=1"]);
}

#[test]
fn set_without_leases_makes_no_store() {
    let desk = Desk::new();
    desk.expect(0, &["set", "S-0034", "priority=1", "--as", "a2"]);
    assert!(
        !desk.lease_folder().exists(),
        "a look leaves nothing behind"
    );
    std::fs::create_dir(desk.lease_folder()).expect("a folder");
    desk.expect(0, &["set", "S-0034", "priority=2", "--as", "a2"]);
    let left = std::fs::read_dir(desk.lease_folder())
        .expect("it can be listed")
        .count();
    assert_eq!(left, 0, "nor where leases once were");
    desk.assert_tidy();
}
