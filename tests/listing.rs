//! Lists of many stories: how long they take beside what nobody can do without, and that writers do not disturb them.

use std::fs::File;
use std::io::Read as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use testkit::{Sandbox, SecondProcess, without_settings};

use crate::support::{PATIENCE, alone, run, story};

const STORIES: usize = 2000;

/// A board, written a while ago.
fn board(count: usize) -> (Sandbox, Vec<PathBuf>) {
    let sandbox = Sandbox::new();
    let then = SystemTime::now() - Duration::from_mins(1);
    let write = |number: usize| {
        let text = format!(
            "---\nid: S-{number:04}\ntitle: 'Story {number}'\npriority: {number}\nstatus: ready\ntype: bug\n\
             created: '2026-01-02'\nlabels:\n  - team-a\nn: 0\n---\n\n{}",
            "word ".repeat(800)
        );
        let path = sandbox.write(format!(".ai-sdlc/stories/S-{number:04}/story.md"), text);
        let file = File::options().write(true).open(&path);
        file.and_then(|file| file.set_modified(then))
            .expect("a time can be set");
        path
    };
    let paths = (1..=count).map(write).collect();
    (sandbox, paths)
}

fn list(sandbox: &Sandbox) -> Command {
    let mut command = story();
    without_settings(&mut command);
    command.current_dir(sandbox.path()).args(["list", "--json"]);
    command
}

/// The shortest of a few tries: what else the machine does only makes them longer.
fn shortest(mut work: impl FnMut()) -> Duration {
    let mut time = || {
        let begun = Instant::now();
        work();
        begun.elapsed()
    };
    (0..3).map(|_| time()).min().unwrap_or_default()
}

#[test]
fn list_takes_a_small_multiple_of_a_look_at_each_head() {
    let _alone = alone();
    let (sandbox, paths) = board(STORIES);
    let bare = shortest(|| {
        let mut bytes = [0; 4096];
        for path in &paths {
            let mut file = File::open(path).expect("it can be opened");
            assert!(
                file.read(&mut bytes).is_ok_and(|count| count > 0),
                "it can be read"
            );
        }
    });
    let listed = shortest(|| {
        let finished = run(&mut list(&sandbox));
        assert!(
            finished.stdout.contains(&format!("\"total\":{STORIES}")),
            "all are listed: {:.200}",
            finished.stdout
        );
    });
    // The promise is twice the look, and 150 ms for 10,000 stories, for a release build on an idle machine
    // (docs/benchmarks.md); this is ten times that, for a fifth of the stories.
    let limit = (20 * bare).max(Duration::from_millis(1500));
    assert!(listed <= limit, "{listed:?} to list, {bare:?} to look");
}

#[test]
fn list_shows_every_story_while_writers_are_at_work() {
    let _alone = alone();
    let (sandbox, _) = board(40);
    let script = "echo READY; for round in 1 2 3; do for n in $(seq 1 40); do \
                  \"$0\" set $(printf S-%04d $n) --inc n --fast -q || exit 1; done; done";
    let mut shell = Command::new("sh");
    without_settings(&mut shell);
    shell.args(["-c", script, env!("CARGO_BIN_EXE_story")]);
    let mut writer = SecondProcess::spawn_ready(shell.current_dir(sandbox.path()), PATIENCE);
    let mut lists = 0;
    while !writer.has_ended() {
        let finished = run(&mut list(&sandbox));
        assert!(
            finished.stdout.contains("\"total\":40") && finished.stdout.contains("\"warnings\":[]"),
            "each story, and none torn: {:.400}",
            finished.stdout
        );
        lists += 1;
    }
    assert!(lists > 3, "lists met the writer: {lists}");
    let finished = writer.wait(PATIENCE);
    assert!(
        finished.status.success(),
        "no writer was disturbed: {finished:?}"
    );
}
