//! Sections, tasks and checkpoints under the hands of many processes: every entry is there afterwards, and whole.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use testkit::SecondProcess;

use crate::support::{
    Content, PATIENCE, RaiseOnDrop, StoryBox, Watcher, alone, json, run, story, wait_until_waiting,
};

/// What each entry ends with.
const END: &str = "(end)";

/// A story with a section in its middle.
fn story_with_notes() -> StoryBox {
    let story = StoryBox::new(Content::Torn);
    let title = "\n# Atomic story updates\n\n";
    let text = StoryBox::text_of(Content::Torn);
    let with_notes = text.replace(title, &format!("{title}## Notes\n\n## Last\n\n"));
    assert_ne!(text, with_notes, "the title is there");
    story
        .sandbox
        .write(".ai-sdlc/stories/S-0034/story.md", with_notes);
    story
}

/// Has each of `workers` run its commands one after the other, all workers at once; the first ones wait in a queue until
/// everybody stands in it, so that there is contention.
fn at_once(
    story_box: &StoryBox,
    workers: usize,
    rounds: usize,
    arguments: impl Fn(usize, usize) -> Vec<String> + Sync,
) {
    let start = |worker, round| {
        let mut command = story();
        command.args(arguments(worker, round));
        SecondProcess::spawn(command.args(["--timeout", "60s"]))
    };
    let finish = |process: SecondProcess| {
        let finished = process.wait(PATIENCE);
        assert!(
            finished.status.success(),
            "no update fails under contention: {finished:?}"
        );
    };
    let gate = story_box.hold(&[]);
    let first: Vec<_> = (0..workers).map(|worker| start(worker, 0)).collect();
    wait_until_waiting(&first, &story_box.lock_path());
    StoryBox::let_go(gate);
    std::thread::scope(|scope| {
        for (worker, process) in first.into_iter().enumerate() {
            let (start, finish) = (&start, &finish);
            scope.spawn(move || {
                finish(process);
                (1..rounds).for_each(|round| finish(start(worker, round)));
            });
        }
    });
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn entry(worker: usize, round: usize) -> String {
    format!("Entry {worker}.{round} {END}")
}

fn assert_entries(text: &str, workers: usize, rounds: usize) {
    for worker in 0..workers {
        for round in 0..rounds {
            let found = text.matches(&entry(worker, round)).count();
            assert_eq!(found, 1, "entry {worker}.{round} is there once");
        }
    }
}

/// Reads a file as fast as it can while `work` goes on, and demands that it is whole each time and never gets shorter.
fn watched(path: &PathBuf, is_whole: impl Fn(&str) -> bool + Sync, work: impl FnOnce()) {
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let (mut longest, mut versions) = (0, 0);
            while !stop.load(Ordering::Relaxed) {
                // Until the first one there is no file.
                let Ok(text) = fs::read_to_string(path) else {
                    assert_eq!(longest, 0, "the file never goes away");
                    continue;
                };
                assert!(is_whole(&text), "a reader sees whole versions: {text:.200}");
                assert!(text.len() >= longest, "and no older ones later");
                versions += u64::from(text.len() > longest);
                longest = text.len();
            }
            versions
        });
        {
            let _stop = RaiseOnDrop(&stop);
            work();
        }
        let versions = reader.join().expect("every version was whole");
        assert!(versions > 3, "the reader saw it grow: {versions} versions");
    });
}

fn appends_to_a_file(workers: usize, rounds: usize) {
    let story = StoryBox::new(Content::Torn);
    let path = story.path.display().to_string();
    let file = story.folder().join("research.md");
    let is_whole = |text: &str| text.starts_with("---\n*Generated: ") && text.ends_with(END);
    watched(&file, is_whole, || {
        at_once(&story, workers, rounds, |worker, round| {
            let text = entry(worker, round);
            words(&["section", "append", &path, "research", &text])
        });
    });
    let text = fs::read_to_string(&file).expect("the file is there");
    assert_entries(&text, workers, rounds);
    for number in 2..=workers * rounds {
        let heading = format!("\n## Iteration {number}\n");
        assert_eq!(text.matches(&heading).count(), 1, "number {number} once");
    }
    story.assert_untouched(Content::Torn);
    fs::remove_file(file).expect("it is there");
    story.assert_alone();
}

#[test]
fn four_processes_with_twenty_appends_each_leave_eighty_entries_in_a_section_file() {
    let _alone = alone();
    appends_to_a_file(4, 20);
}

#[test]
fn sixteen_processes_with_twenty_appends_each_leave_all_entries_in_a_section_file() {
    let _alone = alone();
    appends_to_a_file(16, 20);
}

fn appends_to_the_body(workers: usize, rounds: usize) {
    let story = story_with_notes();
    let before = story.text();
    let path = story.path.display().to_string();
    let watcher = Watcher::start(&story.path);
    at_once(&story, workers, rounds, |worker, round| {
        let text = entry(worker, round);
        let call = ["section", "append", &path, "--heading", "Notes", &text];
        [&words(&call)[..], &words(&["--no-touch"])].concat()
    });
    watcher.assert_saw_only_whole_stories();
    let text = story.text();
    assert_entries(&text, workers, rounds);
    let (head, rest) = text.split_once("## Notes\n").expect("the heading is there");
    let (notes, last) = rest.split_once("## Last\n").expect("and the next");
    let notes: Vec<_> = notes.split("\n\n").map(str::trim).collect();
    let entries = notes.iter().filter(|note| note.ends_with(END)).count();
    assert_eq!(entries, workers * rounds, "all of them in their section");
    let without = format!("{head}## Notes\n\n## Last\n{last}");
    assert!(without == before, "no byte outside of it has changed");
    story.assert_alone();
}

#[test]
fn four_processes_with_twenty_appends_each_leave_eighty_entries_in_a_section_of_the_body() {
    let _alone = alone();
    appends_to_the_body(4, 20);
}

#[test]
fn sixteen_processes_with_twenty_appends_each_leave_all_entries_in_a_section_of_the_body() {
    let _alone = alone();
    appends_to_the_body(16, 20);
}

fn tasks_done(workers: usize, rows_each: usize) {
    let story = StoryBox::new(Content::Torn);
    let path = story.path.display().to_string();
    let name = |worker, row| format!("T{worker}.{row}");
    let mut init = story.command(&["task", "init"]);
    for worker in 0..workers {
        init.args((0..rows_each).map(|row| name(worker, row)));
    }
    let made = run(&mut init);
    assert!(made.status.success(), "the table is made: {made:?}");
    at_once(&story, workers, 2 * rows_each, |worker, round| {
        let status = ["in_progress", "completed"][round % 2];
        words(&["task", "set", &path, &name(worker, round / 2), status])
    });
    let listed = json(&run(story.command(&["task", "list"]).arg("--json")));
    let tasks = listed["tasks"].as_array().expect("a list of tasks");
    assert_eq!(tasks.len(), workers * rows_each, "no row was lost");
    for task in tasks {
        assert_eq!(task["status"], "completed", "each was done: {task}");
        assert!(task["started"].is_string(), "and begun: {task}");
        assert!(task["completed"].is_string(), "and ended: {task}");
    }
    story.assert_alone();
}

#[test]
fn twenty_rows_of_tasks_by_four_processes_are_all_done() {
    let _alone = alone();
    tasks_done(4, 5);
}

#[test]
fn eighty_rows_of_tasks_by_sixteen_processes_are_all_done() {
    let _alone = alone();
    tasks_done(16, 5);
}

#[test]
fn checkpoint_keeps_what_eight_processes_note() {
    let _alone = alone();
    let story = StoryBox::new(Content::Small);
    let path = story.path.display().to_string();
    let started = run(story.command(&["workflow", "start"]).arg("plan"));
    assert!(started.status.success(), "a run begins: {started:?}");
    let file = story.folder().join(".workflow-state.json");
    let is_whole = |text: &str| serde_json::from_str::<Value>(text).is_ok();
    watched(&file, is_whole, || {
        at_once(&story, 8, 10, |worker, round| {
            words(&["workflow", "finish", &path, &format!("a-{worker}.{round}")])
        });
    });
    let shown = json(&run(story.command(&["workflow", "show"]).arg("--json")));
    let completed = shown["state"]["completedActions"].as_array();
    let mut kinds: Vec<_> = completed
        .expect("a list of actions")
        .iter()
        .map(|action| action["type"].as_str().unwrap_or_default().to_owned())
        .collect();
    kinds.sort();
    kinds.dedup();
    assert_eq!(kinds.len(), 80, "every action is there: {kinds:?}");
    assert_eq!(
        shown["state"]["currentAction"]["type"], "plan",
        "and the running one goes on"
    );
}

#[test]
fn appends_killed_at_any_moment_leave_the_old_or_the_new_section_and_no_litter() {
    let _alone = alone();
    let story = StoryBox::new(Content::Small);
    let file = story.folder().join("plan.md");
    let append = |text: &str| {
        let mut command = story.command(&["section", "append"]);
        command.args(["plan", text]);
        SecondProcess::spawn(&mut command)
    };
    let began_at = Instant::now();
    assert!(append(END).wait(PATIENCE).status.success(), "an append");
    let whole = began_at.elapsed();
    let mut last = 1;
    let (mut killed_in_time, mut left_a_lock) = (0, 0);
    let rounds = 120_u32;
    for round in 0..rounds {
        let process = append(END);
        // Real time passes here on purpose: the kills sweep over the whole length of an append.
        std::thread::sleep((whole * round / rounds).min(Duration::from_millis(49)));
        let finished = process.kill_9();
        killed_in_time += u32::from(!finished.status.success());
        left_a_lock += u32::from(story.lock_path().exists());
        let text = fs::read_to_string(&file).expect("the section never goes away");
        assert!(text.ends_with(END), "the section is whole: {text:?}");
        let now = text.matches(END).count();
        assert!(
            now == last + 1 || (now == last && !finished.status.success()),
            "the old section or the new one, and what was acknowledged is there: {last} -> {now}"
        );
        last = now;
    }
    assert!(
        killed_in_time > rounds / 4 && left_a_lock > 0,
        "the kills come in time, and some hit a holder: {killed_in_time}, {left_a_lock} of {rounds}"
    );
    assert!(append(END).wait(PATIENCE).status.success(), "it goes on");
    story.assert_untouched(Content::Small);
    let left = testkit::leftovers(story.folder());
    assert!(left.is_empty(), "no litter after the next append: {left:?}");
}

#[test]
fn temporary_file_of_a_killed_append_is_swept_by_the_next_update_of_the_story() {
    let story = StoryBox::new(Content::Small);
    story.hold(&[]).kill_9();
    let plain = story
        .sandbox
        .write(".ai-sdlc/stories/S-0034/plain", "a version that nobody saw");
    let metadata = fs::metadata(&plain).expect("it was just written");
    let nanoseconds =
        i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec());
    let own = format!("{:x}-{:x}-{nanoseconds:x}", metadata.ino(), metadata.len());
    let name = format!(".research.md.{own}.1-1-1.0123456789abcdef.atomic-tmp");
    let abandoned = story.folder().join(name);
    fs::hard_link(&plain, &abandoned).expect("a file can be named");
    fs::remove_file(plain).expect("its first name can be removed");
    story.must_set(&["status=done"]);
    assert!(
        !abandoned.exists(),
        "whoever takes the lock over clears away what it guarded: later nobody would know of it"
    );
    story.assert_alone();
}
