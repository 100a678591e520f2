//! Retries, recoveries, refinements and reviews, as far as the cases of the operations do not show them: words for people,
//! the environment, and which configuration counts.

use std::process::Command;

use testkit::Finished;

use crate::desk::{Desk, finish, one_json};

fn story(fields: &str) -> Desk {
    Desk::with(format!("---\nid: S-0034\n{fields}---\n"))
}

fn expect_success(command: &mut Command) -> Finished {
    let finished = finish(command);
    assert!(finished.status.success(), "it succeeds: {finished:?}");
    finished
}

#[test]
fn queries_say_in_words_how_far_it_is_and_exit_with_0() {
    let table: [(&str, &[&str], &str); 8] = [
        (
            "",
            &["retry", "show"],
            "0 of 3 retries; the limit is not reached\n",
        ),
        (
            "retry_count: 3\n",
            &["retry", "show"],
            "3 of 3 retries; the limit is reached\n",
        ),
        (
            "retry_count: 9\nmax_retries: .inf\n",
            &["retry", "show"],
            "9 retries; there is no limit\n",
        ),
        (
            "implementation_retry_count: 3\n",
            &["retry", "show", "--implementation"],
            "3 of 3 retries of the implementation; the limit is not passed\n",
        ),
        (
            "implementation_retry_count: 4\n",
            &["retry", "show", "--implementation"],
            "4 of 3 retries of the implementation; the limit is passed\n",
        ),
        (
            "total_recovery_attempts: 10\n",
            &["recovery", "show"],
            "10 of 10 recoveries; the limit is reached\n",
        ),
        (
            "",
            &["refine", "show"],
            "0 of 3 refinements; the limit is not reached\n",
        ),
        (
            "review_history:\n  - decision: FAILED\n    blockers: [a, 'b: c']\n",
            &["review", "latest"],
            "decision=FAILED\nblockers=[\"a\", \"b: c\"]\n",
        ),
    ];
    for (fields, verb, words) in table {
        let shown = story(fields).expect(0, &[verb, &["S-0034"]].concat());
        assert_eq!(shown.stdout, words, "{verb:?} of {fields:?}");
        assert_eq!(shown.stderr, "", "and nothing beside");
    }
}

#[test]
fn queries_of_what_is_not_there_print_nothing() {
    for verb in ["latest", "feedback"] {
        let shown = story("").expect(0, &["review", verb, "S-0034"]);
        assert_eq!(shown.stdout, "", "there is no {verb} to print");
    }
}

#[test]
fn counting_says_in_words_how_far_it_is() {
    let desk = story("retry_count: 1\n");
    let counted = desk.expect(0, &["retry", "inc", "S-0034"]);
    let expected = "2 of 3 retries; the limit is not reached\n";
    assert!(counted.stderr.ends_with(expected), "not yet: {counted:?}");
    let counted = desk.expect(0, &["reset-cycle", "S-0034", "--reason", "x"]);
    let expected = "3 of 3 retries; the limit is reached\n";
    assert!(counted.stderr.ends_with(expected), "now: {counted:?}");
    let quiet = desk.expect(0, &["retry", "inc", "S-0034", "-q"]);
    assert_eq!(
        (quiet.stdout, quiet.stderr),
        (String::new(), String::new()),
        "-q"
    );
}

#[test]
fn review_says_what_became_of_the_story() {
    let desk = story("status: in-progress\n");
    let add = [
        "review",
        "add",
        "S-0034",
        "--decision",
        "APPROVED",
        "--auto-complete",
    ];
    let mut manual = desk.story(&add);
    let left = expect_success(manual.env("AI_SDLC_AUTO_COMPLETE", "false"));
    assert!(
        left.stderr
            .contains("autoCompleteOnApproval is switched off"),
        "the environment leaves it to people: {left:?}"
    );
    assert!(
        desk.text().contains("status: in-progress\n"),
        "it is not done"
    );
    let done = desk.expect(0, &add);
    assert!(
        done.stderr.contains("the story is done"),
        "now it is: {done:?}"
    );
    assert!(desk.text().contains("status: done\n"), "and it is written");
}

#[test]
fn environment_comes_before_the_configuration() {
    let desk = story("");
    let configuration =
        r#"{"reviewConfig": {"maxRetries": 5}, "implementation": {"maxRetries": 6}}"#;
    desk.sandbox.write(".ai-sdlc.json", configuration);
    let max = |variable: &str, value: &str, more: &[&str]| {
        let arguments = [&["retry", "show", "S-0034", "--json"], more].concat();
        let mut command = desk.story(&arguments);
        let shown = expect_success(command.env(variable, value));
        let answer = one_json(&shown.stdout);
        let warned = answer["warnings"].as_array().map(Vec::len);
        (answer["max"].as_u64(), warned, shown.stderr)
    };
    let retries = "AI_SDLC_MAX_RETRIES";
    let implementation = "AI_SDLC_IMPLEMENTATION_MAX_RETRIES";
    let quiet = |max| (Some(max), Some(0), String::new());
    assert_eq!(max(retries, "0", &[]), quiet(0), "0 counts");
    assert_eq!(max(retries, "", &[]), quiet(5), "nothing does not");
    assert_eq!(max(implementation, "9", &[]), quiet(5), "each has its own");
    let more = ["--implementation"];
    assert_eq!(max(implementation, "9", &more), quiet(9), "and it counts");
    assert_eq!(
        max(retries, "9", &more),
        quiet(6),
        "for the other it does not"
    );
    for value in ["11", "-1", "3.5", "many"] {
        let (found, warned, stderr) = max(retries, value, &[]);
        assert_eq!(
            (found, warned),
            (Some(5), Some(1)),
            "{value} does not count"
        );
        let expected =
            format!("warning: AI_SDLC_MAX_RETRIES is \"{value}\", not a number from 0 to 10");
        assert!(stderr.starts_with(&expected), "it is said: {stderr}");
    }
}

#[test]
fn configuration_nearest_above_the_story_counts() {
    let desk = story("");
    let configure = |folder: &str, max: u8| {
        let text = format!(r#"{{"reviewConfig": {{"maxRetries": {max}}}}}"#);
        desk.sandbox.write(format!("{folder}.ai-sdlc.json"), text);
    };
    let max_of = |path: &str| desk.json(0, &["retry", "show", path])["max"].clone();
    let other = "other/.ai-sdlc/stories/S-1/story.md";
    desk.sandbox.write(other, "---\nid: S-1\n---\n");
    assert_eq!(max_of(other), 3, "there is none");
    configure("", 4);
    assert_eq!(max_of(other), 4, "one far above");
    configure("other/", 5);
    assert_eq!(max_of(other), 5, "one nearby");
    assert_eq!(max_of("S-0034"), 4, "which is not above this one");
    let mut from_below = desk.story(&["retry", "show", "../S-1/story.md", "--json"]);
    let shown =
        expect_success(from_below.current_dir(desk.sandbox.join("other/.ai-sdlc/stories/S-1")));
    assert_eq!(one_json(&shown.stdout)["max"], 5, "wherever one stands");
}

#[test]
fn configuration_above_the_working_folder_counts_for_stories_elsewhere() {
    let desk = story("");
    let elsewhere = Desk::empty();
    elsewhere
        .sandbox
        .write(".ai-sdlc.json", r#"{"refinement": {"maxIterations": 8}}"#);
    let mut command = elsewhere.story(&["refine", "show", "S-0034", "--json"]);
    let shown = expect_success(command.env("AI_SDLC_ROOT", desk.sandbox.join(".ai-sdlc")));
    assert_eq!(one_json(&shown.stdout)["max"], 8, "that of the caller");
}

#[test]
fn broken_configuration_is_told_and_nothing_is_counted() {
    let desk = story("retry_count: 1\n");
    desk.sandbox.write(".ai-sdlc.json", "{ broken");
    let before = desk.text();
    let path = desk.path.display().to_string();
    let answer = desk.json(6, &["retry", "inc", &path]);
    let message = answer["error"]["message"].as_str().unwrap_or_default();
    assert!(
        message.contains(".ai-sdlc.json"),
        "it names the file: {message}"
    );
    assert_eq!(desk.text(), before, "nothing is written");
}

#[test]
fn control_characters_in_reasons_and_errors_are_kept_without_harm() {
    let desk = story("");
    let odd = "a\u{1b}[31mred\u{1b}[0m\nb: c\t---\n---\nd";
    desk.expect(0, &["reset-cycle", "S-0034", "--reason", odd]);
    desk.expect(0, &["retry", "error", "S-0034", odd]);
    let text = desk.text();
    assert!(
        !text.contains('\u{1b}'),
        "no raw escape in the file: {text}"
    );
    let values = &desk.json(0, &["get", "S-0034"])["values"];
    assert_eq!(values["last_restart_reason"], odd, "the reason reads back");
    assert_eq!(
        values["error_history"][0]["errorPreview"], odd,
        "and so does the error"
    );
}
