//! Different operations on one story by eight processes at once leave the sum of their effects, and every other byte.

use testkit::SecondProcess;

use crate::support::{Content, PATIENCE, StoryBox, alone, wait_until_waiting};

/// The time at which everything happens.
const STAMP: &str = "2026-03-04T05:06:07.000Z";

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
total_recovery_attempts: 1 # of ten
refinement_count: 0
refinement_iterations: []
review_history:
  - timestamp: '2026-01-01T00:00:00.000Z' # long ago
    decision: REJECTED
merge_sha: none
odd: \"keep: me\"
---

# Everyone at once

## Notes

first

## Task Progress

| Task | Status | Started | Completed |
|------|--------|---------|-----------|
| t2 | pending | - | - |
| t5 | pending | - | - |
| t8 | pending | - | - |
| t11 | pending | - | - |

## Last
the end
";

/// What a worker calls, in turn, once a round; `%` stands for the round.
const WORKERS: [&[&str]; 8] = [
    &["set STORY --inc own --inc shared"],
    &["set STORY --push notes=note-% --inc shared"],
    &["set STORY --add labels=label-%"],
    &[
        "feedback STORY feedback-%",
        "section append STORY --heading Notes noted-%",
        "task set STORY t% in_progress",
    ],
    &["block STORY --reason reason-%", "unblock STORY"],
    &[
        "merged STORY --sha sha-%",
        "approve STORY",
        "reset-phase STORY research",
    ],
    &[
        "retry inc STORY",
        "retry inc STORY --implementation",
        "recovery inc STORY",
    ],
    &[
        "link STORY --provider jira --id T-% --url u",
        "refine record STORY --agent a --feedback refine-%",
        "review add STORY --decision APPROVED --feedback review-%",
    ],
];

fn start(story: &StoryBox, worker: &[&str], round: usize) -> SecondProcess {
    let call = worker[round % worker.len()];
    let path = story.path.to_str().expect("a path of text");
    let mut command = crate::support::story();
    for word in call.split(' ') {
        command.arg(word.replace('%', &round.to_string()).replace("STORY", path));
    }
    command.args(["--timeout", "60s", "--now", STAMP]);
    SecondProcess::spawn(&mut command)
}

/// What must be there afterwards; lists and sections in the order of the rounds.
fn expected() -> String {
    let every = |step: usize, from: usize, line: &dyn Fn(usize) -> String| -> String {
        (from..ROUNDS).step_by(step).map(line).collect()
    };
    let refined = |n: usize| {
        format!(
            "  - iteration: {}\n    agentType: a\n    startedAt: '{STAMP}'\n    reviewFeedback: refine-{n}\n    \
             result: in_progress\n",
            n / 3 + 1
        )
    };
    let reviewed = |n| {
        format!(
            "  - timestamp: '{STAMP}'\n    decision: APPROVED\n    feedback: review-{n}\n    blockers: []\n    \
             codeReviewPassed: false\n    securityReviewPassed: false\n    poReviewPassed: false\n"
        )
    };
    let (third, blocked_in) = (ROUNDS / 3, ROUNDS - 2);
    let replaced = [
        ("updated: '2026-01-15'", "updated: '2026-03-04'".to_owned()),
        (
            "research_complete: true",
            "research_complete: false".to_owned(),
        ),
        (
            "plan_review_complete: false",
            "plan_review_complete: true".to_owned(),
        ),
        ("own: 0", format!("own: {ROUNDS}")),
        ("shared: 0", format!("shared: {}", 2 * ROUNDS)),
        ("\nretry_count: 0", format!("\nretry_count: {third}")),
        ("n_retry_count: 0", format!("n_retry_count: {third}")),
        ("attempts: 1", format!("attempts: {}", 1 + third)),
        ("refinement_count: 0", format!("refinement_count: {third}")),
        ("merge_sha: none", format!("merge_sha: sha-{}", ROUNDS - 3)),
        (
            "stays\n",
            format!("stays\n{}", every(1, 0, &|n| format!("  - label-{n}\n"))),
        ),
        (
            "zero\n",
            format!("zero\n{}", every(1, 0, &|n| format!("  - note-{n}\n"))),
        ),
        (
            "iterations: []\n",
            format!("iterations:\n{}", every(3, 1, &refined)),
        ),
        (
            "REJECTED\n",
            format!("REJECTED\n{}", every(3, 2, &reviewed)),
        ),
    ];
    let mut text = BEFORE.to_owned();
    for (old, new) in replaced {
        assert_eq!(text.matches(old).count(), 1, "{old} stands there once");
        text = text.replace(old, &new);
    }
    let added = format!(
        "pr_merged: true\nmerged_at: '{STAMP}'\nlast_restart_timestamp: '{STAMP}'\nticket_provider: jira\n\
         ticket_id: T-{}\nticket_url: u\nticket_synced_at: '{STAMP}'\nblocked_diagnostic:\n  blockedAt: '{STAMP}'\n  \
         reason: reason-{blocked_in}\n  lastPhase: review\n  errorCount: COUNT\n  \
         mostCommonError: reason-{blocked_in}\n",
        ROUNDS - 3
    );
    text = text.replace("\n---\n\n#", &format!("\n{added}---\n\n#"));
    let feedback = |n| format!("\n## Human Feedback ({STAMP})\n\nfeedback-{n}\n");
    let noted = format!("first\n{}\n##", every(3, 1, &|n| format!("\nnoted-{n}\n")));
    let started = text.replace("pending | -", &format!("in_progress | {STAMP}"));
    started.replace("first\n\n##", &noted) + &every(3, 0, &feedback)
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
