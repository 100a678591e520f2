//! Retries, recoveries, reviews and refinements of one story by many processes at once: the sum of what they did is there.

use testkit::SecondProcess;

use crate::support::{Content, PATIENCE, StoryBox, alone, wait_until_waiting};

const WORKERS: usize = 8;
const ROUNDS: usize = 5;

/// Starts one operation of a worker in a round.
fn start(story: &StoryBox, operation: &[&str], more: &[&str]) -> SecondProcess {
    let mut command = story.command(operation);
    SecondProcess::spawn(command.args(more).args(["--timeout", "60s"]))
}

fn finish(process: SecondProcess) {
    let finished = process.wait(PATIENCE);
    assert!(
        finished.status.success(),
        "no operation fails under contention: {finished:?}"
    );
}

/// All that a worker does in a round but for the first, which is started before.
fn work(story: &StoryBox, worker: usize, round: usize) {
    let name = format!("w{worker}r{round}");
    let review = ["--decision", "FAILED", "--feedback", &name];
    let refinement = ["--agent", &name, "--feedback", "x"];
    finish(start(story, &["review", "add"], &review));
    finish(start(story, &["recovery", "inc"], &[]));
    finish(start(story, &["retry", "inc"], &["--implementation"]));
    finish(start(story, &["refine", "record"], &refinement));
    finish(start(story, &["retry", "error"], &["the same for all"]));
    let note = format!("note {name}");
    finish(start(story, &["refine", "note"], &["1", &note]));
}

/// What stands behind a mark on its lines, in their order.
fn behind<'a>(text: &'a str, mark: &str) -> Vec<&'a str> {
    let lines = text.lines().map(str::trim_start);
    lines.filter_map(|line| line.strip_prefix(mark)).collect()
}

#[test]
fn eight_processes_with_five_rounds_each_leave_the_sum_of_what_they_did() {
    let _alone = alone();
    let story = StoryBox::new(Content::Small);
    // The gate: everybody stands in the queue before the first one may pass.
    let gate = story.hold(&[]);
    let first: Vec<_> = (0..WORKERS)
        .map(|_| start(&story, &["retry", "inc"], &[]))
        .collect();
    wait_until_waiting(&first, &story.lock_path());
    StoryBox::let_go(gate);
    std::thread::scope(|scope| {
        for (worker, process) in first.into_iter().enumerate() {
            let story = &story;
            scope.spawn(move || {
                finish(process);
                work(story, worker, 0);
                for round in 1..ROUNDS {
                    finish(start(story, &["retry", "inc"], &[]));
                    work(story, worker, round);
                }
            });
        }
    });
    assert_sums(&story);
    assert_lists(&story.text());
    assert_rest_is_untouched(&story);
    story.assert_alone();
}

fn assert_sums(story: &StoryBox) {
    let total = (WORKERS * ROUNDS) as u64;
    for counter in [
        "retry_count",
        "total_recovery_attempts",
        "implementation_retry_count",
        "refinement_count",
    ] {
        assert_eq!(story.number(counter), total, "every increment of {counter}");
    }
    let text = story.text();
    let seen = behind(&text, "consecutiveCount: ");
    assert_eq!(seen, [total.to_string()], "one error, seen by everybody");
}

fn assert_lists(text: &str) {
    let iterations: Vec<String> = (1..=WORKERS * ROUNDS).map(|n| n.to_string()).collect();
    assert_eq!(
        behind(text, "- iteration: "),
        iterations,
        "each refinement has a number of its own, in order"
    );
    let mut names: Vec<String> = (0..WORKERS)
        .flat_map(|worker| (0..ROUNDS).map(move |round| format!("w{worker}r{round}")))
        .collect();
    names.sort();
    for (mark, what) in [("agentType: ", "refinement"), ("note ", "note")] {
        let mut found = behind(text, mark);
        found.sort_unstable();
        assert_eq!(found, names, "every {what} is there, once");
    }
    let reviews = behind(text, "feedback: ");
    assert_eq!(
        reviews.len(),
        10,
        "the last ten reviews are kept: {reviews:?}"
    );
    for worker in 0..WORKERS {
        let own = format!("w{worker}r");
        let kept: Vec<&str> = reviews
            .iter()
            .filter_map(|name| name.strip_prefix(&own))
            .collect();
        let last: Vec<String> = (ROUNDS - kept.len()..ROUNDS)
            .map(|round| round.to_string())
            .collect();
        assert_eq!(kept, last, "the kept ones of worker {worker} are its last");
    }
}

/// Demands every byte of the old story, but for what was added at the end of the frontmatter and of the body.
fn assert_rest_is_untouched(story: &StoryBox) {
    let old = StoryBox::text_of(Content::Small);
    let (head, body) = old.rsplit_once("\n---\n").expect("a story has a fence");
    let text = story.text();
    let (new_head, new_body) = text.split_once("\n---\n").expect("it still has");
    assert!(new_head.starts_with(head), "the old keys stand first");
    let added = new_body
        .strip_prefix(body)
        .expect("the old body stands first");
    assert!(
        added.starts_with("\n## Review Notes\n"),
        "then come the notes: {added:.40}"
    );
}
