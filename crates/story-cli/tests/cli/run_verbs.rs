//! `story run list|show|resume|restore|abandon`: what can be done about tasks that did not end well.

use serde_json::{Value, json};
use testkit::{SecondProcess, wait_until};

use crate::desk::{PATIENCE, json_lines};
use crate::git_desk::GitDesk;

/// Overwrites a file, makes one, and fails unless the file `good` is there.
const TASK: &str = "echo done >> a.txt; echo made > made.txt; test -e good";

impl GitDesk {
    /// Runs [`TASK`] and demands the exit code.
    fn run_task(&self, code: i32, id: &str) {
        self.expect(code, &["run", "--task", id, "--", "sh", "-c", TASK]);
    }

    fn run_list(&self, arguments: &[&str]) -> Vec<Value> {
        let list = [&["run", "list", "--json"], arguments].concat();
        json_lines(&self.expect(0, &list).stdout)
    }

    fn snapshots(&self) -> Vec<Value> {
        json_lines(&self.expect(0, &["snapshot", "list", "--json"]).stdout)
    }
}

#[test]
fn failed_task_is_listed_with_what_can_be_done_and_a_done_one_is_not() {
    let desk = GitDesk::at_work();
    desk.run_task(1, "T-1");
    desk.expect(0, &["run", "--task", "T-2", "--", "true"]);
    let listed = desk.run_list(&[]);
    assert_eq!(listed.len(), 1, "one did not end well: {listed:?}");
    let task = &listed[0];
    assert_eq!(task["task"], "T-1", "{task}");
    assert_eq!(task["state"], "failed", "{task}");
    assert_eq!(task["exit_code"], 1, "{task}");
    assert_eq!(
        task["can"],
        json!(["resume", "restore", "abandon"]),
        "{task}"
    );
    assert_eq!(task["command"], json!(["sh", "-c", TASK]), "{task}");
    let all = desk.run_list(&["--all"]);
    let states: Vec<_> = all.iter().map(|task| &task["state"]).collect();
    assert_eq!(states, ["done", "failed"], "--all shows both: {all:?}");
    let table = desk.expect(0, &["run", "list"]).stdout;
    assert!(
        table.contains("T-1") && table.contains("exit 1"),
        "for people: {table}"
    );
    let snapshots = desk.snapshots();
    assert_eq!(snapshots.len(), 1, "the other's is gone: {snapshots:?}");
    assert_eq!(
        snapshots[0]["kept"], "failed",
        "why it is there: {snapshots:?}"
    );
}

#[test]
fn restore_brings_back_the_tree_before_the_first_of_several_attempts() {
    let desk = GitDesk::at_work();
    let before = desk.seen();
    desk.run_task(1, "T-1");
    desk.run_task(1, "T-1");
    desk.expect(1, &["run", "resume", "T-1"]);
    assert_eq!(
        desk.sandbox.read("a.txt"),
        "changed since\ndone\ndone\ndone\n",
        "three attempts"
    );
    let restored = desk.json(0, &["run", "restore", "T-1"]);
    assert_eq!(desk.seen(), before, "before the first: {restored}");
    assert_eq!(
        desk.run_list(&[]),
        Vec::<Value>::new(),
        "nothing is left to do"
    );
    let undo = restored["undo"].as_str().expect("the way back");
    let words: Vec<&str> = undo.split(' ').skip(1).collect();
    desk.expect(0, &words);
    assert_eq!(desk.sandbox.read("made.txt"), "made\n", "nothing was lost");
}

#[test]
fn resume_runs_the_same_command_in_the_same_folder_and_ends_the_task() {
    let desk = GitDesk::at_work();
    let mut command = desk.story(&[
        "run",
        "--task",
        "T-1",
        "--",
        "sh",
        "-c",
        "pwd; test -e ../good",
    ]);
    command.current_dir(desk.sandbox.join("src"));
    let first = crate::desk::finish(&mut command);
    assert_eq!(first.status.code(), Some(1), "it fails: {first:?}");
    desk.sandbox.write("good", "");
    let second = desk.expect(0, &["run", "resume", "T-1"]);
    assert_eq!(
        first.stdout, second.stdout,
        "the same folder, and its output"
    );
    let shown = desk.json(0, &["run", "show", "T-1"]);
    assert_eq!(shown["state"], "done", "it has ended well: {shown}");
    let states: Vec<_> = shown["attempts"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|attempt| attempt["state"].as_str().unwrap_or_default())
        .collect();
    assert_eq!(
        states,
        ["failed", "done"],
        "both attempts are known: {shown}"
    );
    let refused = desk.json(7, &["run", "resume", "T-1"]);
    assert_eq!(
        refused["error"]["code"], "EREFUSED",
        "it is done: {refused}"
    );
}

#[test]
fn resume_keeps_the_snapshot_of_the_first_attempt() {
    let desk = GitDesk::at_work();
    desk.run_task(1, "T-1");
    let first = desk.run_list(&[])[0]["snapshot"].clone();
    desk.expect(1, &["run", "resume", "T-1"]);
    assert_eq!(
        desk.run_list(&[])[0]["snapshot"],
        first,
        "the state before it all"
    );
    assert_eq!(desk.snapshots().len(), 1, "and no other is taken");
}

#[test]
fn abandon_leaves_the_files_and_keeps_a_snapshot_with_the_only_copy() {
    let desk = GitDesk::at_work();
    desk.run_task(1, "T-1");
    let damaged = desk.seen();
    let abandoned = desk.json(0, &["run", "abandon", "T-1"]);
    assert_eq!(desk.seen(), damaged, "files stay");
    assert_eq!(abandoned["dropped"], json!([]), "{abandoned}");
    assert_eq!(
        abandoned["kept"][0]["only_there"],
        json!(["a.txt"]),
        "what it holds: {abandoned}"
    );
    assert_eq!(desk.run_list(&[]), Vec::<Value>::new(), "it is given up");
    assert_eq!(desk.snapshots().len(), 1, "but not lost");
    desk.run_task(1, "T-2");
    let forced = desk.json(0, &["run", "abandon", "T-2", "--force"]);
    assert_eq!(
        forced["dropped"].as_array().map(Vec::len),
        Some(1),
        "{forced}"
    );
}

#[test]
fn abandon_drops_a_snapshot_that_holds_nothing_else() {
    let desk = GitDesk::at_work();
    desk.expect(
        1,
        &[
            "run",
            "--task",
            "T-1",
            "--",
            "sh",
            "-c",
            "echo > new.txt; false",
        ],
    );
    let abandoned = desk.json(0, &["run", "abandon", "T-1"]);
    assert_eq!(
        abandoned["dropped"].as_array().map(Vec::len),
        Some(1),
        "nothing is lost: {abandoned}"
    );
    assert_eq!(desk.snapshots(), Vec::<Value>::new(), "no snapshot stays");
}

#[test]
fn verbs_name_a_task_that_is_not_known() {
    let desk = GitDesk::new();
    for verb in ["show", "resume", "restore", "abandon"] {
        let refused = desk.json(3, &["run", verb, "T-9"]);
        assert_eq!(refused["error"]["code"], "ENOTFOUND", "{verb}: {refused}");
    }
    assert_eq!(desk.run_list(&["--all"]), Vec::<Value>::new(), "no tasks");
}

#[test]
fn verbs_leave_a_running_task_alone() {
    let desk = GitDesk::at_work();
    let mut command = desk.story(&["run", "--task", "T-1", "--", "sh", "-c", "echo READY; cat"]);
    let mut task = SecondProcess::spawn(&mut command);
    task.expect_line("READY", PATIENCE);
    let listed = desk.run_list(&[]);
    assert_eq!(listed[0]["state"], "running", "{listed:?}");
    assert_eq!(listed[0]["can"], json!([]), "nothing to do: {listed:?}");
    for verb in ["resume", "restore", "abandon"] {
        let refused = desk.json(1, &["run", verb, "T-1"]);
        assert_eq!(refused["error"]["code"], "ELOCKED", "{verb}: {refused}");
    }
    task.close_stdin();
    assert!(task.wait(PATIENCE).status.success(), "it ends well");
    assert_eq!(desk.run_list(&[]), Vec::<Value>::new(), "and is done");
}

#[test]
fn killed_task_is_told_at_the_next_start_and_one_command_brings_the_tree_back() {
    let desk = GitDesk::at_work();
    let before = desk.seen();
    let task = "echo done > a.txt; rm 'run me.sh'; echo READY; cat";
    let mut command = desk.story(&["run", "--task", "T-1", "--", "sh", "-c", task]);
    let mut runner = SecondProcess::spawn(&mut command);
    runner.expect_line("READY", PATIENCE);
    // What it has started goes with it.
    runner.kill_9();
    wait_until("its lock is free", PATIENCE, || {
        desk.run_list(&[])[0]["state"] == "interrupted"
    });
    let told = desk
        .expect(0, &["run", "--task", "T-2", "--", "true"])
        .stderr;
    assert!(
        told.contains("T-1") && told.contains("story run restore T-1"),
        "the next start says what happened and what to do: {told}"
    );
    desk.expect(0, &["run", "restore", "T-1"]);
    assert_eq!(desk.seen(), before, "all is as before");
}

#[test]
fn restore_keeps_the_snapshot_of_what_it_leaves_until_shared_is_said() {
    let desk = GitDesk::at_work();
    let story = ".ai-sdlc/stories/S-0034/story.md";
    desk.sandbox.write(story, crate::desk::STORY);
    desk.run_task(1, "T-1");
    desk.expect(0, &["set", "S-0034", "status=done", "--no-touch"]);
    let theirs = desk.text();
    let left = desk.json(0, &["run", "restore", "T-1"]);
    assert_eq!(desk.text(), theirs, "the work of others: {left}");
    assert_eq!(left["left"][0]["path"], story, "it is named: {left}");
    assert_eq!(left["dropped"], json!([]), "it may still be wanted: {left}");
    let forced = desk.json(0, &["run", "restore", "T-1", "--shared"]);
    assert_eq!(desk.text(), crate::desk::STORY, "it was said: {forced}");
    let dropped = forced["dropped"].as_array().map(Vec::len);
    assert_eq!(dropped, Some(1), "all is as it was: {forced}");
}

#[test]
fn restore_moves_head_back_only_when_told() {
    let desk = GitDesk::new();
    let head = || desk.git(&["rev-parse", "main"]);
    let first = head();
    let script = "echo of the task > a.txt; git -c user.name=T -c user.email=t@example.org commit -qam x; exit 1";
    desk.expect(1, &["run", "--task", "T-1", "--", "sh", "-c", script]);
    let second = head();
    assert_ne!(second, first, "the task has committed");
    let kept = desk.json(0, &["run", "restore", "T-1"]);
    assert_eq!(head(), second, "it stays: {kept}");
    assert_eq!(kept["dropped"], json!([]), "the way back is kept: {kept}");
    desk.expect(0, &["run", "restore", "T-1", "--head"]);
    assert_eq!(head(), first, "it was said");
    assert_eq!(desk.git(&["status", "--porcelain"]), "", "all is as it was");
}

#[test]
fn abandon_of_a_task_that_left_nothing_does_not_change_how_it_ended() {
    let desk = GitDesk::at_work();
    desk.expect(0, &["run", "--task", "T-1", "--", "true"]);
    let abandoned = desk.json(0, &["run", "abandon", "T-1"]);
    assert_eq!(abandoned["dropped"], json!([]), "nothing: {abandoned}");
    let shown = desk.json(0, &["run", "show", "T-1"]);
    assert_eq!(shown["state"], "done", "it was: {shown}");
}

#[test]
fn resume_has_the_label_of_the_first_attempt() {
    let desk = GitDesk::at_work();
    let label = ["run", "--task", "T-1", "--label", "the parser"];
    desk.expect(1, &[&label[..], &["--", "false"]].concat());
    desk.expect(1, &["run", "resume", "T-1"]);
    let shown = desk.json(0, &["run", "show", "T-1"]);
    assert_eq!(shown["attempts"][1]["label"], "the parser", "{shown}");
}

#[test]
fn task_that_failed_is_not_told_as_interrupted_at_the_next_start() {
    let desk = GitDesk::at_work();
    desk.run_task(1, "T-1");
    let next = desk.expect(0, &["run", "--task", "T-2", "--", "true"]);
    assert!(
        !next.stderr.contains("T-1"),
        "that was told when it failed: {next:?}"
    );
}
