//! Different operations on one story by eight processes at once leave the sum of their effects, and every other byte.

use testkit::SecondProcess;

use crate::support::{Content, PATIENCE, StoryBox, alone, wait_until_waiting};

/// A whole number of turns for each worker below.
const ROUNDS: usize = 12;

/// Each key that a worker changes stands there, so that it stays at its place.
const BEFORE: &str = "---
id: S-0034
title: 'Everyone at once' # keep me
status: in-progress # by hand
updated: '2026-01-15'
labels:
  - first # stays
priority:   10
implementation_complete: true
research_complete: true
plan_review_complete: false # not yet
notes:
  - zero
own: 0 # mine
shared: 0
retry_count: 0 # restarts
implementation_retry_count: 0
merge_sha: none
odd: \"keep: me\"
---

# Everyone at once

## Notes

first

## Last
the end
";

/// What a worker calls, in turn, once a round; `N` stands for the round.
const WORKERS: [&[&[&str]]; 8] = [
    &[&["set", "STORY", "--inc", "own", "--inc", "shared"]],
    &[&["set", "STORY", "--push", "notes=note N", "--inc", "shared"]],
    &[&["set", "STORY", "--add", "labels=label-N"]],
    &[&["feedback", "STORY", "feedback N"]],
    &[
        &["block", "STORY", "--reason", "reason N"],
        &["unblock", "STORY"],
    ],
    &[
        &["merged", "STORY", "--sha", "sha-N"],
        &["approve", "STORY"],
        &["reset-phase", "STORY", "research"],
    ],
    &[
        &["set", "STORY", "--inc", "retry_count"],
        &["set", "STORY", "--inc", "implementation_retry_count"],
    ],
    &[&[
        "link",
        "STORY",
        "--provider",
        "jira",
        "--id",
        "T-N",
        "--url",
        "u",
    ]],
];

fn start(story: &StoryBox, worker: &[&[&str]], round: usize) -> SecondProcess {
    let call = worker[round % worker.len()];
    let path = story.path.to_str().expect("a path of text");
    let mut command = crate::support::story();
    for word in call {
        command.arg(word.replace('N', &round.to_string()).replace("STORY", path));
    }
    command.args(["--timeout", "60s", "--now", "2026-03-04T05:06:07Z"]);
    SecondProcess::spawn(&mut command)
}

/// What must be there afterwards; lists and sections in the order of the rounds.
fn expected() -> String {
    let all = |line: fn(usize) -> String| (0..ROUNDS).map(line).collect::<String>();
    let last = ROUNDS - 1;
    let replaced = [
        ("updated: '2026-01-15'", "updated: '2026-03-04'".to_owned()),
        (
            "  - first # stays\n",
            format!("  - first # stays\n{}", all(|n| format!("  - label-{n}\n"))),
        ),
        (
            "research_complete: true",
            "research_complete: false".to_owned(),
        ),
        (
            "plan_review_complete: false",
            "plan_review_complete: true".to_owned(),
        ),
        (
            "  - zero\n",
            format!("  - zero\n{}", all(|n| format!("  - note {n}\n"))),
        ),
        ("own: 0", format!("own: {ROUNDS}")),
        ("shared: 0", format!("shared: {}", 2 * ROUNDS)),
        (
            "implementation_retry_count: 0",
            format!("implementation_retry_count: {}", ROUNDS / 2),
        ),
        ("\nretry_count: 0", format!("\nretry_count: {}", ROUNDS / 2)),
        ("merge_sha: none", format!("merge_sha: sha-{}", ROUNDS - 3)),
    ];
    let mut text = BEFORE.to_owned();
    for (old, new) in replaced {
        assert_eq!(text.matches(old).count(), 1, "{old} stands there once");
        text = text.replace(old, &new);
    }
    let stamp = "2026-03-04T05:06:07.000Z";
    let blocked_in = last - 1;
    let added = format!(
        "pr_merged: true\nmerged_at: '{stamp}'\nticket_provider: jira\nticket_id: T-{last}\nticket_url: u\n\
         ticket_synced_at: '{stamp}'\nblocked_diagnostic:\n  blockedAt: '{stamp}'\n  reason: reason {blocked_in}\n  \
         lastPhase: review\n  errorCount: COUNT\n  mostCommonError: reason {blocked_in}\n"
    );
    text = text.replace("\n---\n\n#", &format!("\n{added}---\n\n#"));
    let feedback = |n| format!("\n## Human Feedback (2026-03-04T05:06:07.000Z)\n\nfeedback {n}\n");
    text + &all(feedback)
}

fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}

/// The diagnostic says how many retries had been counted when it was written, which is a matter of who came first.
fn without_error_count(text: &str) -> String {
    let line = text.lines().find(|line| line.starts_with("  errorCount: "));
    text.replace(line.expect("it was blocked"), "  errorCount: COUNT")
}

#[test]
fn eight_processes_with_different_operations_leave_the_sum_of_their_effects() {
    let _alone = alone();
    let story = StoryBox::new(Content::Small);
    story
        .sandbox
        .write(".ai-sdlc/stories/S-0034/story.md", BEFORE);
    for round in 0..ROUNDS {
        // The gate: all eight stand in the queue before the first one may pass.
        let gate = story.hold(&[]);
        let processes: Vec<_> = WORKERS
            .iter()
            .map(|worker| start(&story, worker, round))
            .collect();
        wait_until_waiting(&processes, &story.lock_path());
        StoryBox::let_go(gate);
        for process in processes {
            let finished = process.wait(PATIENCE);
            assert!(
                finished.status.success(),
                "no operation fails under contention: {finished:?}"
            );
        }
    }
    let found = without_error_count(&story.text());
    let expected = expected();
    // Who came first in a round decides about the order of what they added, and about nothing else.
    assert_eq!(
        sorted(&found),
        sorted(&expected),
        "every effect is there, once, and nothing else: {found}"
    );
    let mut lines = found.lines();
    for line in expected.lines().filter(|line| BEFORE.contains(*line)) {
        assert!(
            lines.any(|found| found == line),
            "{line:?} is at its place: {found}"
        );
    }
    story.assert_alone();
}
