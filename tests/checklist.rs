//! The contract's checklist (section 15), as far as no other module shows it; docs/reliability.md says which test shows what.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use serde_json::{Value, json as object};
use story::{Dating, OperationError, UpdateOptions, operate};
use testkit::{Sandbox, SecondProcess, shared, skip, wait_until, workspace};

use crate::support::{Content, PATIENCE, StoryBox, alone, run, story};

type Task = Box<dyn Fn(&mut story::Document) -> Result<(), OperationError> + Send>;

/// What the three tasks of the contract do.
fn three_tasks() -> Vec<Task> {
    vec![
        Box::new(|story| {
            story
                .set("status", "in-progress")
                .map(drop)
                .map_err(Into::into)
        }),
        Box::new(|story| story.set("priority", 7).map(drop).map_err(Into::into)),
        Box::new(|story| {
            story
                .add_to_set("labels", "urgent")
                .map(drop)
                .map_err(Into::into)
        }),
    ]
}

/// Has each task done by a thread of its own; all of them wait for the lock before the first may have it.
fn all_at_once(story: &StoryBox, tasks: Vec<Task>) {
    let gate = story.hold(&[]);
    let count = tasks.len();
    let mut options = UpdateOptions::default();
    options.lock.timeout = PATIENCE;
    thread::scope(|scope| {
        for task in tasks {
            let (options, path) = (&options, &story.path);
            scope.spawn(move || {
                let done = operate(path, options, Dating::Left, task);
                assert!(
                    done.is_ok(),
                    "a task that waits its turn succeeds: {done:?}"
                );
            });
        }
        let lock_path = story.lock_path();
        if cfg!(target_os = "linux") {
            wait_until("each task has the sidecar open", PATIENCE, || {
                open_here(&lock_path) >= count
            });
        }
        StoryBox::let_go(gate);
    });
}

/// How often this process has a file open.
fn open_here(path: &Path) -> usize {
    let descriptors = fs::read_dir("/proc/self/fd").expect("Linux tells");
    let links = descriptors
        .flatten()
        .filter_map(|entry| fs::read_link(entry.path()).ok());
    links.filter(|link| link == path).count()
}

fn after_three_tasks() -> String {
    StoryBox::text_of(Content::Small)
        .replace("status: ready", "status: in-progress")
        .replace("priority: 10", "priority: 7")
        .replace("  - locking\n", "  - locking\n  - urgent\n")
}

#[test]
fn three_tasks_in_one_process_set_three_keys_and_all_three_are_there_in_fifty_rounds() {
    let _alone = alone();
    for round in 0..50 {
        let story = StoryBox::new(Content::Small);
        all_at_once(&story, three_tasks());
        assert_eq!(
            story.text(),
            after_three_tasks(),
            "all three and nothing else, round {round}"
        );
        story.assert_alone();
    }
}

#[test]
fn twelve_tasks_in_one_process_set_twelve_keys_and_all_twelve_are_there() {
    let _alone = alone();
    for round in 0..12 {
        let story = StoryBox::new(Content::Small);
        let mut tasks = three_tasks();
        for number in 0..9_i64 {
            tasks.push(Box::new(move |story| {
                let key = format!("task_{number}");
                story
                    .increment(&key, number + 1)
                    .map(drop)
                    .map_err(Into::into)
            }));
        }
        all_at_once(&story, tasks);
        for number in 0..9 {
            let key = format!("task_{number}");
            assert_eq!(
                story.number(&key),
                number + 1,
                "{key} is there in round {round}"
            );
        }
        let text = story.text();
        let lines = text.split_inclusive('\n');
        let rest: String = lines.filter(|line| !line.starts_with("task_")).collect();
        assert_eq!(
            rest,
            after_three_tasks(),
            "the three are there and nothing else, round {round}"
        );
        story.assert_alone();
    }
}

/// Every Markdown file of the corpus and the fixtures, copied into a sandbox, with its bytes.
fn real_files(sandbox: &Sandbox, test: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let mut folders = vec![testkit::fixtures().join("stories/valid")];
    match shared() {
        Some(shared) => folders.push(shared.join("corpus")),
        None => skip(
            test,
            "the shared corpus is not there; only the fixtures are tried",
        ),
    }
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)
            .expect("a folder can be listed")
            .flatten()
        {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "md") {
                let bytes = fs::read(&path).expect("a file can be read");
                let name = format!("{}.md", files.len());
                files.push((sandbox.write(name, &bytes), bytes));
            }
        }
    }
    files
}

/// Sends one transaction for each file and returns the answers.
fn apply(files: &[(PathBuf, Vec<u8>)], change: &Value) -> Vec<Value> {
    let mut process = SecondProcess::spawn(story().args(["apply", "--fast", "--no-touch"]));
    let mut answers = Vec::new();
    for (path, _) in files {
        let mut line = change.clone();
        line["story"] = object!(path);
        process.send_line(&line.to_string());
        let answer = process.next_line(PATIENCE).expect("each line is answered");
        answers.push(serde_json::from_str(&answer).expect("an answer is JSON"));
    }
    process.wait(PATIENCE);
    answers
}

#[test]
fn each_real_file_keeps_every_other_byte_through_the_command() {
    let sandbox = Sandbox::new();
    let name = "each_real_file_keeps_every_other_byte_through_the_command";
    let files = real_files(&sandbox, name);
    let added = apply(&files, &object!({ "set": { "checklist_item": 8 } }));
    let mut kept = 0;
    for ((path, before), answer) in files.iter().zip(&added) {
        let after = fs::read(path).expect("the file is there");
        if answer["ok"] != true {
            assert_eq!(&after, before, "a refused file stays: {answer}");
            continue;
        }
        let line = line_that_begins(&after, b"checklist_item: 8");
        let mut rest = after.clone();
        rest.drain(line);
        assert!(&rest == before, "only one line was added: {answer}");
        kept += 1;
    }
    assert!(
        kept * 10 > files.len() * 9,
        "nearly all are stories: {kept} of {}",
        files.len()
    );
    let removed = apply(&files, &object!({ "unset": ["checklist_item"] }));
    for ((path, before), answer) in files.iter().zip(&removed) {
        let after = fs::read(path).expect("the file is there");
        assert!(&after == before, "back to the same bytes: {answer}");
    }
}

/// The line that begins with `start`, with its end.
fn line_that_begins(bytes: &[u8], start: &[u8]) -> std::ops::Range<usize> {
    let mut at = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        if line.starts_with(start) {
            return at..at + line.len();
        }
        at += line.len();
    }
    panic!("the new line is there")
}

#[test]
fn odd_files_are_kept_to_the_byte_or_refused_and_left_alone() {
    let kept = [
        (
            "unquoted dates",
            "---\nid: S-1\nn: 1\ncreated: 2026-01-15\nat: 2026-01-15T10:00:00Z\n---\n",
        ),
        ("comments", "---\n# a\nid: S-1 # b\nn: 1 # c\n# d\n---\n"),
        ("flow lists", "---\nid: S-1\nlabels: [a,   b]\nn: 1\n---\n"),
        (
            "unknown keys",
            "---\nid: S-1\nn: 1\nreleased_in: {v: 1.2}\nparallel_safe: yes\n---\n",
        ),
        ("unknown type", "---\nid: S-1\ntype: refactor\nn: 1\n---\n"),
        ("CRLF", "---\r\nid: S-1\r\nn: 1\r\n---\r\n\r\nbody\r\n"),
        ("a byte order mark", "\u{feff}---\nid: S-1\nn: 1\n---\nbody"),
        ("no final newline", "---\nid: S-1\nn: 1\n---\n\n\nbody"),
        (
            "fences in the body",
            "---\nid: S-1\nn: 1\n---\n---js\n---\nn: 1\n",
        ),
    ];
    for (what, text) in kept {
        let sandbox = Sandbox::new();
        let path = sandbox.write("story.md", text);
        let finished = run(story().arg("set").arg(&path).arg("n=2"));
        assert!(
            finished.status.success(),
            "{what} is no obstacle: {finished:?}"
        );
        let after = fs::read(&path).expect("the file is there");
        assert_eq!(
            after,
            text.replacen("n: 1", "n: 2", 1).as_bytes(),
            "{what} is kept"
        );
    }
    let refused = [
        ("a key twice", "---\nid: S-1\nid: S-2\n---\n"),
        ("JavaScript", "---js\n({id: 'S-1'})\n---\n"),
        ("nothing", ""),
        (
            "merge markers",
            "---\n<<<<<<< ours\nid: S-1\n=======\nid: S-2\n>>>>>>> theirs\n---\n",
        ),
        ("no end", "---\nid: S-1\n"),
        ("a list", "---\n- id\n---\n"),
        ("no YAML", "---\ninvalid: yaml: here\n---\n"),
    ];
    for (what, text) in refused {
        let sandbox = Sandbox::new();
        let path = sandbox.write("story.md", text);
        let finished = run(story().arg("set").arg(&path).arg("n=2"));
        assert_eq!(
            finished.status.code(),
            Some(6),
            "{what} is refused: {finished:?}"
        );
        let after = fs::read(&path).expect("the file is there");
        assert_eq!(after, text.as_bytes(), "{what} stays as it was");
        let left = testkit::leftovers(sandbox.path());
        assert!(left.is_empty(), "nothing is left behind: {left:?}");
    }
}

/// `file.rs::test` for each test that the table in docs/reliability.md names.
fn tests_named_in_the_table() -> Vec<(String, String)> {
    let text = fs::read_to_string(workspace().join("docs/reliability.md")).expect("it is there");
    let (_, section) = text
        .split_once("\n## The contract's checklist\n")
        .expect("the table has a section of its own");
    let section = section.split("\n## ").next().unwrap_or_default();
    let words = section.split('`').skip(1).step_by(2);
    let tests = words.filter_map(|word| word.split_once("::"));
    tests
        .map(|(file, test)| (file.to_owned(), test.to_owned()))
        .collect()
}

#[test]
fn each_test_that_the_checklist_names_exists() {
    let tests = tests_named_in_the_table();
    assert!(tests.len() >= 20, "the table is found: {}", tests.len());
    for (file, test) in tests {
        let source = fs::read_to_string(workspace().join(&file))
            .unwrap_or_else(|err| panic!("{file}, which the checklist names: {err}"));
        let is_test = source.contains(&format!("#[test]\nfn {test}()"))
            || source.contains(&format!("#[test]\n    fn {test}("));
        assert!(
            is_test,
            "{file} has the test {test}, which the checklist names"
        );
    }
}
