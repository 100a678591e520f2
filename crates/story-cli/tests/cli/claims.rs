//! `story claim`, `renew`, `release` and `with`: results, refusals, exit codes. Many workers at once: `tests/claims.rs`.

use serde_json::json;

use crate::desk::{Desk, one_json};

const NOON: &str = "2026-03-04T12:00:00Z";
const LATER: &str = "2026-03-04T12:20:00Z";
const TOO_LATE: &str = "2026-03-04T13:00:00Z";

fn claim<'a>(name: &'a str, now: &'a str) -> [&'a str; 6] {
    ["claim", "S-0034", "--as", name, "--now", now]
}

#[test]
fn claim_prints_the_id_and_keeps_every_other_byte() {
    let desk = Desk::new();
    let finished = desk.expect(0, &claim("ann", NOON));
    assert_eq!(finished.stdout, "S-0034\n", "the id, for scripts");
    let token = desk.expect(0, &["get", "S-0034", "claim_token"]).stdout;
    let expected = crate::desk::STORY.replace(
        "assignee:\n",
        &format!(
            "assignee:\nclaimed_by: ann\nclaimed_until: '2026-03-04T12:30:00.000Z'\nclaim_token: {token}"
        ),
    );
    assert_eq!(
        desk.text(),
        expected,
        "three keys at the end, `updated` as it was"
    );
    desk.expect(0, &["release", "S-0034", "--as", "ann"]);
    assert_eq!(desk.text(), crate::desk::STORY, "a release leaves no trace");
    desk.assert_tidy();
}

#[test]
fn claim_of_a_claimed_story_is_exit_4_and_worth_a_retry() {
    let desk = Desk::new();
    desk.expect(0, &claim("ann", NOON));
    let before = desk.text();
    let error = &desk.json(4, &claim("bob", LATER))["error"];
    assert_eq!(error["code"], "ELOCKED", "as for a lock: {error}");
    assert_eq!(error["retryable"], true, "it ends some day: {error}");
    let message = error["message"].as_str().unwrap_or_default();
    assert!(
        message.contains("claimed by \"ann\" until 2026-03-04T12:30:00.000Z"),
        "who, and until when: {message}"
    );
    let own = &desk.json(7, &claim("ann", LATER))["error"];
    assert!(
        own["hint"].to_string().contains("story renew"),
        "what to do: {own}"
    );
    assert_eq!(desk.text(), before, "a refused claim changes nothing");
}

#[test]
fn claim_in_the_main_copy_still_counts_once_the_story_lies_in_a_worktree() {
    let desk = Desk::new();
    desk.expect(0, &claim("ann", NOON));
    // Of a commit that does not know the claim.
    let copy = ".ai-sdlc/worktrees/S-0034-x/.ai-sdlc/stories/S-0034/story.md";
    desk.sandbox.write(copy, crate::desk::STORY);
    desk.expect(4, &claim("bob", LATER));
    let next = ["claim", "--next", "--as", "bob", "--now", LATER];
    desk.expect(3, &next);
    assert_eq!(
        desk.sandbox.read(copy),
        crate::desk::STORY,
        "nobody else gets it"
    );
    let renewed = desk.json(0, &["renew", "S-0034", "--as", "ann", "--now", LATER]);
    assert!(
        renewed.get("copy").is_none(),
        "her claim is found in the main copy: {renewed}"
    );
    desk.expect(5, &["renew", "S-0034", "--as", "bob"]);
    desk.expect(0, &["release", "S-0034", "--as", "ann"]);
    assert_eq!(desk.text(), crate::desk::STORY, "and released there");
    let claimed = desk.json(0, &claim("bob", LATER));
    assert_eq!(claimed["copy"], "worktree:S-0034-x", "then it is free");
}

#[test]
fn claim_and_renewal_take_no_op_id_for_what_was_done_once_need_not_hold() {
    let desk = Desk::new();
    desk.expect(0, &claim("ann", NOON));
    desk.expect(0, &claim("bob", TOO_LATE));
    let before = desk.text();
    for verb in ["claim", "renew"] {
        let again = [verb, "S-0034", "--as", "ann", "--op-id", "c1"];
        let told = desk.expect(2, &again);
        assert!(told.stderr.contains("--op-id"), "why: {told:?}");
    }
    assert_eq!(desk.text(), before, "bob has it");
    desk.expect(0, &["release", "S-0034", "--as", "bob", "--op-id", "r1"]);
}

#[test]
fn claim_takes_over_an_expired_one_and_tells() {
    let desk = Desk::new();
    let first = desk.json(0, &claim("ann", NOON));
    let second = desk.json(0, &claim("bob", TOO_LATE));
    let took_over = json!({
        "claimed_by": "ann",
        "claimed_until": "2026-03-04T12:30:00.000Z",
        "claim_token": first["claim_token"],
    });
    assert_eq!(second["took_over_claim"], took_over, "whose it was");
    assert_ne!(second["claim_token"], first["claim_token"], "a new token");
    let lost = &desk.json(5, &["renew", "S-0034", "--as", "ann", "--now", TOO_LATE])["error"];
    let message = lost["message"].as_str().unwrap_or_default();
    assert_eq!(lost["code"], "ECONFLICT", "lost: {lost}");
    assert!(
        message.contains("the claim is lost: the story is now claimed by \"bob\" until"),
        "who has it: {message}"
    );
    desk.expect(5, &["release", "S-0034", "--as", "ann"]);
    let token = first["claim_token"].as_str().unwrap_or_default();
    let guarded = format!("claim_token={token}");
    desk.expect(5, &["set", "S-0034", "status=done", "--if", &guarded]);
    let token = second["claim_token"].as_str().unwrap_or_default();
    let guarded = format!("claim_token={token}");
    desk.expect(0, &["set", "S-0034", "status=done", "--if", &guarded]);
}

#[test]
fn claim_obeys_status_and_dependencies() {
    let table = [
        ("status: backlog\n", 7, "its status is backlog"),
        ("status: in-progress\n", 0, ""),
        ("status: ready\ndependencies: [S-0001]\n", 0, ""),
        (
            "status: ready\ndependencies: [s-0001, S-0002]\n",
            7,
            "it waits for S-0002 (ready)",
        ),
        (
            "status: ready\ndependencies: [S-0404]\n",
            7,
            "S-0404 (no such story)",
        ),
        (
            "status: ready\ndependencies: [./S-0001.md]\n",
            7,
            "(not an id)",
        ),
        (
            "status: ready\ndependencies: [S-0003]\n",
            7,
            "S-0003 (cannot be read)",
        ),
    ];
    for (fields, code, words) in table {
        let desk = Desk::with(format!("---\nid: S-0034\n{fields}---\n"));
        let other = |id: &str, text: &str| {
            desk.sandbox
                .write(format!(".ai-sdlc/stories/{id}/story.md"), text);
        };
        other("S-0001", "---\nid: S-0001\nstatus: done\n---\n");
        other("S-0002", "---\nid: S-0002\nstatus: ready\n---\n");
        other("S-0003", "---\nid: S-0003\nid: S-0003\n---\n");
        desk.sandbox.write("S-0001.md", "---\nstatus: done\n---\n");
        let finished = desk.expect(code, &claim("ann", NOON));
        assert!(finished.stderr.contains(words), "{fields:?}: {finished:?}");
    }
}

#[test]
fn claim_needs_a_name_from_an_option_or_the_environment() {
    let desk = Desk::new();
    let finished = desk.expect(2, &["claim", "S-0034"]);
    assert!(
        finished.stderr.contains("--as NAME"),
        "what to say: {finished:?}"
    );
    desk.expect(2, &["claim", "S-0034", "--as", "a\nb"]);
    desk.expect(2, &["renew", "S-0034"]);
    desk.expect(2, &["release", "S-0034"]);
    let names = [
        (vec![("STORY_OWNER", "olga")], "olga"),
        (
            vec![("STORY_OWNER", "olga"), ("STORY_AGENT", "agent 7")],
            "agent 7",
        ),
    ];
    for (variables, expected) in names {
        let desk = Desk::new();
        let mut command = desk.story(&["claim", "S-0034", "--json"]);
        let finished = crate::desk::finish(command.envs(variables));
        let answer = one_json(&finished.stdout);
        assert_eq!(answer["claimed_by"], expected, "the name: {answer}");
    }
}

#[test]
fn lease_outside_its_limits_is_a_usage_error() {
    let desk = Desk::new();
    for lease in ["0", "999ms", "721h", "soon"] {
        desk.expect(2, &["claim", "S-0034", "--as", "ann", "--lease", lease]);
        desk.expect(2, &["renew", "S-0034", "--as", "ann", "--lease", lease]);
    }
    assert_eq!(desk.text(), crate::desk::STORY, "nothing was claimed");
    desk.expect(0, &["claim", "S-0034", "--as", "ann", "--lease", "720h"]);
}

#[test]
fn renew_moves_the_end_and_keeps_the_token() {
    let desk = Desk::new();
    let claimed = desk.json(0, &claim("ann", NOON));
    let token = claimed["claim_token"].as_str().unwrap_or_default();
    let arguments = [
        "renew", "S-0034", "--token", token, "--lease", "1h", "--now",
    ];
    let renewed = desk.json(0, &[&arguments[..], &[LATER]].concat());
    assert_eq!(
        renewed["claimed_until"], "2026-03-04T13:20:00.000Z",
        "the new end"
    );
    assert_eq!(renewed["claim_token"], token, "the same token");
    assert_eq!(renewed["changed"], json!(["claimed_until"]), "one key");
    assert!(renewed.get("expired_at").is_none(), "in time: {renewed}");
    let late = desk.json(0, &[&arguments[..], &["2026-03-04T14:00:00Z"]].concat());
    assert_eq!(
        late["expired_at"], "2026-03-04T13:20:00.000Z",
        "late, but nobody took it"
    );
    desk.expect(5, &["renew", "S-0034", "--as", "ann", "--token", "a1"]);
}

#[test]
fn claim_next_never_says_that_nothing_is_ready_where_it_could_not_look() {
    let desk = Desk::with("---\nid: S-0034\nstatus: backlog\n---\n");
    desk.expect(3, &["claim", "--next", "--as", "ann"]);
    let long = "x".repeat(300);
    let configuration = format!("{{\"worktree\": {{\"basePath\": \"{long}\"}}}}");
    desk.sandbox.write(".ai-sdlc.json", configuration);
    let error = &desk.json(1, &["claim", "--next", "--as", "ann"])["error"];
    assert_eq!(error["code"], "EIO", "no name is that long: {error}");
}

#[test]
fn claim_next_says_what_is_in_the_way() {
    let desk = Desk::with("---\nid: S-0034\nstatus: backlog\n---\n");
    let next = ["claim", "--next", "--as", "ann", "--now", NOON];
    let none = &desk.json(3, &next)["error"];
    assert_eq!(none["code"], "ENOTHINGREADY", "none is ready: {none}");
    assert_eq!(none["retryable"], false, "and none will be: {none}");
    let write = |id: &str, fields: &str| {
        let text = format!("---\nid: {id}\n{fields}---\n");
        desk.sandbox
            .write(format!(".ai-sdlc/stories/{id}/story.md"), text);
    };
    write(
        "S-0001",
        "status: ready\nclaimed_by: bob\nclaimed_until: '2026-03-04T12:10:00Z'\n",
    );
    write("S-0002", "status: ready\ndependencies: [S-0001]\n");
    write("S-0003", "status: in-progress\n");
    let busy = &desk.json(3, &next)["error"];
    let message = busy["message"].as_str().unwrap_or_default();
    for words in [
        "1 story claimed by others, the first claim ends at 2026-03-04T12:10:00.000Z",
        "1 story waiting for dependencies",
        "1 story in progress",
    ] {
        assert!(message.contains(words), "{words}: {message}");
    }
    assert_eq!(busy["retryable"], true, "the claim will end: {busy}");
    let later = desk.json(0, &["claim", "--next", "--as", "ann", "--now", TOO_LATE]);
    assert_eq!(later["story"], "S-0001", "it has ended: {later}");
    assert_eq!(
        later["took_over_claim"]["claimed_by"], "bob",
        "whose it was: {later}"
    );
}

#[test]
fn claim_next_takes_the_first_of_the_board_and_tells_what_it_cannot_read() {
    let desk = Desk::new();
    let write = |id: &str, fields: &str| {
        let text = format!("---\nid: {id}\n{fields}---\n");
        desk.sandbox
            .write(format!(".ai-sdlc/stories/{id}/story.md"), text);
    };
    write("S-0040", "status: ready\npriority: 5\n");
    write("S-0041", "status: ready\npriority: 5\npriority: 6\n");
    let next = ["claim", "--next", "--as", "ann"];
    assert_eq!(
        desk.expect(0, &next).stdout,
        "S-0040\n",
        "the lowest number first"
    );
    assert_eq!(desk.expect(0, &next).stdout, "S-0034\n", "then the next");
    let none = desk.expect(3, &next);
    assert!(
        none.stderr.contains("S-0041/story.md"),
        "one cannot be read: {none:?}"
    );
}

#[test]
fn claim_next_can_be_limited_to_labels_and_an_epic() {
    let desk = Desk::new();
    let text = "---\nid: S-0040\nstatus: ready\nlabels: [epic-x, team-a]\n---\n";
    desk.sandbox.write(".ai-sdlc/stories/S-0040/story.md", text);
    let next = ["claim", "--next", "--as", "ann"];
    desk.expect(3, &[&next[..], &["--epic", "y"]].concat());
    desk.expect(
        3,
        &[&next[..], &["--epic", "x", "--label", "team-b"]].concat(),
    );
    let told = desk.expect(
        0,
        &[&next[..], &["--epic", "x", "--label", "team-*"]].concat(),
    );
    assert_eq!(told.stdout, "S-0040\n", "the one that is wanted");
    desk.expect(2, &["claim", "S-0034", "--epic", "x", "--as", "ann"]);
}

/// Boards know a story also by the id inside, where its folder is called otherwise; claims must not differ from them.
#[test]
fn claim_finds_a_dependency_by_the_id_inside() {
    let desk = Desk::with("---\nid: S-0034\nstatus: ready\ndependencies: [S-0007, S-0009]\n---\n");
    let path = ".ai-sdlc/stories/S-0007-old/story.md";
    desk.sandbox
        .write(path, "---\nid: S-0007\nstatus: done\n---\n");
    desk.sandbox
        .write(".ai-sdlc/done/01-x.md", "---\nid: S-0009\n---\n");
    desk.expect(0, &["claim", "--next", "--as", "ann"]);
}

/// One file that nobody can claim must not end the loops of all workers.
#[test]
fn claim_next_tells_of_a_story_that_nobody_can_claim_and_goes_on() {
    let desk = Desk::new();
    let path = ".ai-sdlc/stories/S-0001/story.md";
    desk.sandbox
        .write(path, "---\nstatus: ready\npriority: 1\n---\n");
    let next = ["claim", "--next", "--as", "ann"];
    assert_eq!(
        desk.expect(0, &next).stdout,
        "S-0034\n",
        "the other one is claimed"
    );
    let none = desk.expect(3, &next);
    assert!(
        none.stderr.contains("cannot claim story S-0001"),
        "and it is told: {none:?}"
    );
    assert_eq!(
        desk.sandbox.read(path),
        "---\nstatus: ready\npriority: 1\n---\n",
        "it stays"
    );
}

#[test]
fn claim_wants_either_a_story_or_next() {
    let desk = Desk::new();
    desk.expect(2, &["claim", "--as", "ann"]);
    desk.expect(2, &["claim", "S-0034", "--next", "--as", "ann"]);
    // A second try would claim another story under the same id of the operation.
    desk.expect(2, &["claim", "--next", "--as", "ann", "--op-id", "mine-1"]);
    desk.expect(2, &["claim", "S-0034", "--resume", "--as", "ann"]);
    assert_eq!(desk.text(), crate::desk::STORY, "nothing was claimed");
}

/// A story whose id is not the name of its folder is found by its path alone.
#[test]
fn claim_next_prints_what_the_story_is_found_by() {
    let desk = Desk::with("---\nid: S-0099\nstatus: ready\n---\n");
    let told = desk.expect(0, &["claim", "--next", "--as", "ann"]).stdout;
    assert!(
        told.trim_end().ends_with("S-0034/story.md"),
        "its path: {told}"
    );
    desk.expect(0, &["release", told.trim_end(), "--as", "ann"]);
}

#[test]
fn with_gives_its_command_the_path_and_the_lock() {
    let desk = Desk::new();
    let program = env!("CARGO_BIN_EXE_story");
    let script =
        format!("{program} set \"$STORY_PATH\" priority=3 -q; echo \"$STORY_PATH\"; exit 9");
    let finished = desk.expect(9, &["with", "S-0034", "--", "sh", "-c", &script]);
    let resolved = desk.path.canonicalize().expect("the story is there");
    assert_eq!(
        finished.stdout.trim_end(),
        resolved.display().to_string(),
        "the path"
    );
    assert!(
        desk.text().contains("priority: 3\n"),
        "its set works under the lock"
    );
    desk.assert_tidy();
}

#[test]
fn with_does_not_run_its_command_without_the_story_or_its_lock() {
    let desk = Desk::new();
    let ran = ["--", "sh", "-c", "echo ran"];
    let with = |story: &'static str| [&["with", story][..], &ran].concat();
    for story in ["S-0404", "./nothing.md"] {
        let finished = desk.expect(3, &with(story));
        assert_eq!(finished.stdout, "", "not run for {story}");
    }
    let holder = desk.hold(&[]);
    let busy = desk.expect(
        4,
        &[&["with", "S-0034", "--timeout", "0"][..], &ran].concat(),
    );
    assert_eq!(busy.stdout, "", "not run without the lock");
    let other = [
        "with",
        "S-0034",
        "--timeout",
        "0",
        "--conflict-exit-code",
        "75",
    ];
    desk.expect(75, &[&other[..], &ran].concat());
    holder.wait(crate::desk::PATIENCE);
    desk.assert_tidy();
}
