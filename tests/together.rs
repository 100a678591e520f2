//! Several stories changed together: all or none, whoever else is at work and whenever the process dies.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::Command;

use testkit::{Finished, Sandbox, SecondProcess, skip};

use crate::support::{PATIENCE, alone, number_in, run, story};

const IDS: [&str; 3] = ["S-0001", "S-0002", "S-0003"];

/// Stories with a counter each, in one sdlc root.
struct Board {
    sandbox: Sandbox,
}

impl Board {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        for id in IDS {
            let text = format!("---\nid: {id} # mine\nn: 0\n---\n\n# {id}\n");
            sandbox.write(format!(".ai-sdlc/stories/{id}/story.md"), text);
        }
        Self { sandbox }
    }

    fn path(&self, id: &str) -> PathBuf {
        self.sandbox.join(format!(".ai-sdlc/stories/{id}/story.md"))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = story();
        command.current_dir(self.sandbox.path()).args(arguments);
        command
    }

    fn run(&self, arguments: &[&str]) -> Finished {
        run(&mut self.command(arguments))
    }

    /// Writes a file of requests, each counting one story up, and returns its name.
    fn requests(&self, name: &str, ids: &[&str]) -> String {
        let line = |id: &&str| format!("{{\"story\":\"{id}\",\"inc\":{{\"n\":1}}}}\n");
        self.sandbox
            .write(name, ids.iter().map(line).collect::<String>());
        name.to_owned()
    }

    /// The counter of each story as the command shows it.
    fn shown(&self) -> Vec<u64> {
        let shown = |id| {
            let finished = self.run(&["get", id, "n"]);
            finished
                .stdout
                .trim()
                .parse()
                .unwrap_or_else(|err| panic!("a counter ({err}): {finished:?}"))
        };
        IDS.into_iter().map(shown).collect()
    }

    /// The counter of each story as it stands in the file.
    fn stored(&self) -> Vec<u64> {
        let stored = |id| {
            let text = fs::read_to_string(self.path(id)).expect("the story is there");
            let expected = format!("---\nid: {id} # mine\nn: {}\n", number_in(&text, "n"));
            assert!(text.starts_with(&expected), "the rest is kept: {text:?}");
            number_in(&text, "n")
        };
        IDS.into_iter().map(stored).collect()
    }

    fn assert_tidy(&self) {
        let left = testkit::leftovers(self.sandbox.path());
        assert!(left.is_empty(), "nothing is left behind: {left:?}");
        let pending = self.sandbox.join(".ai-sdlc/journal/pending");
        assert!(!pending.exists(), "no transaction waits");
    }
}

#[test]
fn requests_together_are_all_done() {
    let board = Board::new();
    let requests = board.requests("all.jsonl", &IDS);
    let finished = board.run(&["apply", &requests, "--together"]);
    assert!(finished.status.success(), "they are done: {finished:?}");
    assert_eq!(finished.stdout.lines().count(), 3, "an answer a request");
    assert_eq!(board.stored(), [1, 1, 1], "in each story");
    board.assert_tidy();
}

#[test]
fn request_that_fails_keeps_all_others_from_being_done() {
    let board = Board::new();
    let cases = [
        ("{\"story\":\"S-0003\",\"inc\":{\"id\":1}}", 7),
        (
            "{\"story\":\"S-0003\",\"inc\":{\"n\":1},\"if\":{\"n\":5}}",
            5,
        ),
        ("{\"story\":\"S-0009\",\"inc\":{\"n\":1}}", 3),
        ("{\"story\":\"S-0002\",\"inc\":{\"n\":1}}", 2),
        ("nonsense", 2),
    ];
    for (third, code) in cases {
        let two = board.requests("two.jsonl", &IDS[..2]);
        let text = board.sandbox.read(&two) + third + "\n";
        board.sandbox.write("three.jsonl", text);
        let finished = board.run(&["apply", "three.jsonl", "--together"]);
        assert_eq!(
            finished.status.code(),
            Some(code),
            "the failure of {third}: {finished:?}"
        );
        let answers: Vec<_> = finished.stdout.lines().collect();
        assert_eq!(answers.len(), 3, "an answer a request: {finished:?}");
        assert!(
            answers[0].contains("because line 3 was not"),
            "the others say why: {}",
            answers[0]
        );
        assert_eq!(board.stored(), [0, 0, 0], "nothing is done for {third}");
        board.assert_tidy();
    }
}

#[test]
fn story_outside_of_the_root_is_refused() {
    let board = Board::new();
    let elsewhere = board.sandbox.write("notes/a.md", "---\nn: 0\n---\n");
    let requests = board.requests(
        "mixed.jsonl",
        &["S-0001", elsewhere.to_str().expect("text")],
    );
    let finished = board.run(&["apply", &requests, "--together"]);
    assert_eq!(finished.status.code(), Some(7), "refused: {finished:?}");
    assert_eq!(board.stored(), [0, 0, 0], "nothing is done");
}

#[test]
fn transactions_that_name_stories_in_any_order_never_wait_for_each_other() {
    let _alone = alone();
    let board = Board::new();
    let orders = [[0, 1, 2], [2, 1, 0], [1, 2, 0], [2, 0, 1]];
    let names: Vec<_> = orders
        .iter()
        .enumerate()
        .map(|(number, order)| board.requests(&format!("{number}.jsonl"), &order.map(|at| IDS[at])))
        .collect();
    // Each worker makes its transactions one after the other; all of them want all stories.
    let script =
        "for i in 1 2 3 4 5 6; do \"$0\" apply \"$1\" --together --timeout 60s -q || exit; done";
    let workers: Vec<_> = (0..8)
        .map(|number| {
            let mut command = Command::new("sh");
            testkit::without_settings(&mut command);
            command
                .current_dir(board.sandbox.path())
                .args(["-c", script, env!("CARGO_BIN_EXE_story")])
                .arg(&names[number % names.len()]);
            SecondProcess::spawn(&mut command)
        })
        .collect();
    for worker in workers {
        let finished = worker.wait(PATIENCE);
        assert!(finished.status.success(), "nobody gives up: {finished:?}");
    }
    assert_eq!(board.stored(), [48, 48, 48], "none is lost");
    board.assert_tidy();
}

#[test]
fn transaction_killed_at_any_call_is_in_all_stories_or_in_none() {
    let name = "transaction_killed_at_any_call_is_in_all_stories_or_in_none";
    if Command::new("strace").arg("-V").output().is_err() {
        return skip(name, "strace is not installed");
    }
    let (mut seen, mut cut_off) = ([0, 0], 0);
    for call in [
        "linkat",
        "renameat2",
        "unlinkat",
        "mkdirat",
        "fsync",
        "fdatasync",
        "flock",
        "write",
    ] {
        for number in 1.. {
            let board = Board::new();
            let requests = board.requests("all.jsonl", &IDS);
            let mut traced = Command::new("strace");
            testkit::without_settings(&mut traced);
            traced
                .current_dir(board.sandbox.path())
                .args(["-f", "-o", "/dev/null", "-e"])
                .arg(format!("inject={call}:signal=KILL:when={number}"))
                .args([
                    env!("CARGO_BIN_EXE_story"),
                    "apply",
                    &requests,
                    "--together",
                ]);
            let finished = run(&mut traced);
            if finished.status.signal() != Some(9) {
                break;
            }
            let (shown, stored) = (board.shown(), board.stored());
            let point = format!("{call} {number}: shown {shown:?}, stored {stored:?}");
            assert!(
                shown == [0, 0, 0] || shown == [1, 1, 1],
                "all or none is shown: {point}"
            );
            seen[usize::from(shown[0] == 1)] += 1;
            cut_off += usize::from(shown != stored);
            for id in IDS {
                let next = board.run(&["set", id, "--inc", "n", "--timeout", "0"]);
                assert!(
                    next.status.success(),
                    "work goes on at once: {point}: {next:?}"
                );
            }
            let expected = shown.iter().map(|n| n + 1).collect::<Vec<_>>();
            assert_eq!(board.stored(), expected, "what was shown is kept: {point}");
            let again = board.run(&["apply", &requests, "--together"]);
            assert!(
                again.status.success(),
                "the next one is done: {point}: {again:?}"
            );
            board.assert_tidy();
        }
    }
    assert!(
        seen.into_iter().all(|times| times > 0) && cut_off > 0,
        "killed before, after and between: {seen:?}, {cut_off} times between"
    );
}
