//! `story run -- CMD`: a command as a task that can be undone.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use testkit::{Finished, SecondProcess, wait_until};

use crate::desk::{Desk, PATIENCE, finish, one_json};
use crate::git_desk::GitDesk;

const STORY_BIN: &str = env!("CARGO_BIN_EXE_story");

/// Runs a script of sh as the task `T-1`, with options before it.
fn task(desk: &GitDesk, options: &[&str], script: &str) -> Command {
    let words = [&["run", "--task", "T-1"], options, &["--", "sh", "-c"]].concat();
    let mut command = desk.story(&words);
    command.arg(script).env("STORY_BIN", STORY_BIN);
    command
}

fn run(desk: &GitDesk, options: &[&str], script: &str) -> Finished {
    finish(&mut task(desk, options, script))
}

fn expect(code: i32, desk: &GitDesk, options: &[&str], script: &str) -> Finished {
    let finished = run(desk, options, script);
    let found = finished.status.code();
    assert_eq!(
        found,
        Some(code),
        "the exit code of {script:?}: {finished:?}"
    );
    finished
}

/// The snapshots that are kept, by their refs.
fn snapshots(desk: &GitDesk) -> Vec<String> {
    let refs = desk.git(&["for-each-ref", "--format=%(refname)", "refs/devs-snapshots"]);
    refs.lines().map(str::to_owned).collect()
}

fn assert_unlocked(desk: &GitDesk) {
    let lock = desk.sandbox.join(".devs-state.lock");
    assert!(!lock.exists(), "the lock of the tree is released");
}

#[test]
fn run_of_a_task_that_commits_everything_commits_neither_lock_nor_journal() {
    let desk = GitDesk::at_work();
    expect(
        0,
        &desk,
        &[],
        "git add --all && git commit --quiet --message all",
    );
    let known = desk.git(&["ls-files"]);
    assert!(known.contains("run me.sh"), "everything else: {known}");
    assert!(
        !known.contains(".devs"),
        "they are not of the project: {known}"
    );
    let rules = desk.sandbox.join(".git/info/exclude");
    let once = fs::read_to_string(&rules).expect("the rules are there");
    expect(0, &desk, &[], "git clean -d --force --quiet");
    assert_eq!(
        fs::read_to_string(&rules).expect("the rules are there"),
        once,
        "they are added once"
    );
    assert!(
        desk.sandbox.join(".devs.db").exists(),
        "git did not clean it away"
    );
}

#[test]
fn run_passes_streams_and_exit_code_on() {
    let desk = GitDesk::at_work();
    let mut process = SecondProcess::spawn(&mut task(
        &desk,
        &[],
        "read line; echo \"got $line\"; echo complaint >&2",
    ));
    process.send_line("input");
    let finished = process.wait(PATIENCE);
    assert_eq!(
        finished.stdout, "got input\n",
        "nothing of ours is on stdout"
    );
    assert!(
        finished.stderr.contains("complaint\n"),
        "its stderr is ours: {finished:?}"
    );
    assert!(finished.status.success(), "it is done: {finished:?}");
    for code in [0, 1, 2, 126, 127, 255] {
        expect(code, &desk, &[], &format!("exit {code}"));
        assert_unlocked(&desk);
    }
    expect(128 + 9, &desk, &[], "kill -KILL $$");
    expect(128 + 15, &desk, &[], "kill -TERM $$");
    assert_unlocked(&desk);
}

#[test]
fn run_that_succeeds_leaves_the_tree_to_its_command_and_no_snapshot() {
    let desk = GitDesk::at_work();
    let (before, own) = (desk.seen(), desk.own_refs());
    expect(0, &desk, &[], "true");
    assert_eq!(desk.seen(), before, "files and index are as they were");
    assert_eq!(desk.own_refs(), own, "and what is the user's own in git");
    assert_eq!(snapshots(&desk), [""; 0], "the snapshot is dropped");
    expect(0, &desk, &[], "echo more > more.txt");
    assert_eq!(
        desk.sandbox.read("more.txt"),
        "more\n",
        "it worked in the tree"
    );
    assert_eq!(snapshots(&desk), [""; 0], "nothing would be lost");
    assert_unlocked(&desk);
}

#[test]
fn run_that_succeeds_keeps_the_snapshot_where_it_holds_the_only_copy() {
    let desk = GitDesk::at_work();
    let finished = expect(0, &desk, &[], "echo other > a.txt");
    assert_eq!(
        snapshots(&desk),
        ["refs/devs-snapshots/T-1"],
        "the user's own change of a.txt is nowhere else"
    );
    for part in ["a.txt", "story snapshot drop"] {
        assert!(
            finished.stderr.contains(part),
            "{part:?} is told: {finished:?}"
        );
    }
}

#[test]
fn run_that_fails_keeps_tree_and_snapshot_and_says_how_to_go_back() {
    let desk = GitDesk::at_work();
    let finished = expect(3, &desk, &[], "echo broken > a.txt; exit 3");
    assert_eq!(desk.sandbox.read("a.txt"), "broken\n", "the tree is kept");
    assert_eq!(
        snapshots(&desk),
        ["refs/devs-snapshots/T-1"],
        "and the snapshot"
    );
    for part in ["exit code 3", "story run restore T-1"] {
        assert!(
            finished.stderr.contains(part),
            "{part:?} is told: {finished:?}"
        );
    }
    assert_unlocked(&desk);
}

#[test]
fn run_restores_where_that_was_asked_for() {
    let desk = GitDesk::at_work();
    let (before, own) = (desk.seen(), desk.own_refs());
    let damage = "rm -r src; echo broken > a.txt; echo new > new.txt; git add -A; exit 4";
    let finished = expect(4, &desk, &["--on-failure", "restore"], damage);
    assert_eq!(desk.seen(), before, "all is as it was: {finished:?}");
    assert_eq!(desk.own_refs(), own, "and what is the user's own in git");
    let rescues: Vec<_> = snapshots(&desk);
    assert!(
        rescues.iter().any(|name| name.contains("+rescue")),
        "what was overwritten is kept: {rescues:?}"
    );
    assert!(
        finished.stderr.contains("restored snapshot"),
        "and it is told: {finished:?}"
    );
}

#[test]
fn run_that_leaves_a_merge_behind_is_restored_and_its_snapshot_stays_until_that_is_over() {
    let desk = GitDesk::new();
    desk.make_contradiction();
    let before = desk.seen();
    let words = ["--on-failure", "restore"];
    let finished = expect(1, &desk, &words, "git merge side");
    assert_eq!(desk.seen(), before, "all is as it was: {finished:?}");
    let names = snapshots(&desk);
    assert_eq!(
        names.len(),
        2,
        "the rescue, and the way back if the merge is aborted now: {names:?}"
    );
    let said = expect(7, &desk, &[], "true").stderr;
    assert!(
        said.contains("a git merge is in progress"),
        "no other task begins: {said}"
    );
    desk.git(&["merge", "--quit"]);
    let finished = expect(1, &desk, &[], "git merge side");
    let restored = desk.json(0, &["run", "restore", "T-1"]);
    assert_eq!(desk.seen(), before, "by hand: {finished:?}");
    assert_eq!(
        restored["in_progress"],
        serde_json::json!([{ "operation": "merge", "command": "git merge --quit" }]),
        "and it is told: {restored}"
    );
}

#[test]
fn run_that_should_ask_keeps_where_nobody_can_answer() {
    let desk = GitDesk::at_work();
    let finished = expect(1, &desk, &["--on-failure", "ask"], "rm a.txt; exit 1");
    assert!(!desk.sandbox.join("a.txt").exists(), "the tree is kept");
    assert!(
        finished.stderr.contains("no terminal"),
        "and it says why: {finished:?}"
    );
}

#[test]
fn run_tells_its_command_where_it_is() {
    let desk = GitDesk::at_work();
    let script = r#"
        echo "$STORY_TASK $STORY_RUN"
        git cat-file -t "$STORY_SNAPSHOT"
        git rev-parse refs/devs-snapshots/T-1 | grep -qx "$STORY_SNAPSHOT" && echo same
        case $STORY_LOCK_HELD in */.devs-state:*) echo held;; esac
        pwd
    "#;
    fs::create_dir(desk.sandbox.join("deep")).expect("a folder can be made");
    let mut command = task(&desk, &[], script);
    let finished = finish(command.current_dir(desk.sandbox.join("deep")));
    let folder = fs::canonicalize(desk.sandbox.join("deep")).expect("it is there");
    let expected = format!("T-1 T-1.1\ncommit\nsame\nheld\n{}\n", folder.display());
    assert_eq!(finished.stdout, expected, "{finished:?}");
}

#[test]
fn run_without_a_name_gives_one() {
    let desk = GitDesk::new();
    let mut command = desk.story(&["run", "--now", "2026-03-04T05:06:07Z", "--"]);
    let finished = finish(command.args(["sh", "-c", "echo $STORY_RUN; false"]));
    let name = finished
        .stdout
        .trim_end()
        .strip_suffix(".1")
        .expect("a run");
    let random = name
        .strip_prefix("run-20260304T050607Z-")
        .expect("its time");
    assert!(
        random.len() == 4 && random.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "and chance: {name}"
    );
    assert!(
        finished
            .stderr
            .contains(&format!("story run restore {name}")),
        "it is told by this name: {finished:?}"
    );
}

#[test]
fn run_answers_in_json_with_one_line_at_the_end() {
    let desk = GitDesk::at_work();
    let failed = expect(3, &desk, &["--json"], "rm src/b.txt; exit 3");
    let answer = one_json(&failed.stdout);
    assert_eq!(answer["ok"], true, "CMD was run: {answer}");
    assert_eq!(answer["task"], "T-1", "{answer}");
    assert_eq!(answer["run"], "T-1.1", "{answer}");
    assert_eq!(answer["ended"], "failed", "{answer}");
    assert_eq!(answer["exit_code"], 3, "{answer}");
    let id = desk.git(&["rev-parse", "refs/devs-snapshots/T-1"]);
    assert_eq!(answer["snapshot"], id.trim_end(), "{answer}");
    assert_eq!(answer["dropped"], false, "{answer}");
    let signalled = expect(137, &desk, &["--json"], "kill -KILL $$");
    let answer = one_json(&signalled.stdout);
    assert_eq!(answer["signal"], 9, "{answer}");
    assert_eq!(answer["run"], "T-1.2", "the second attempt: {answer}");
    let done = GitDesk::new();
    let answer = one_json(&expect(0, &done, &["--json"], "true").stdout);
    assert_eq!(answer["dropped"], true, "{answer}");
}

#[test]
fn run_of_what_cannot_be_started_says_so_and_leaves_nothing() {
    let desk = GitDesk::at_work();
    desk.sandbox.write("plain.txt", "no program\n");
    let before = desk.seen();
    let table = [("no-such-program-here", 3), ("./plain.txt", 8)];
    for (program, code) in table {
        let refused = desk.expect(code, &["run", "--task", "T-1", "--", program]);
        assert!(
            refused.stderr.contains(&format!("cannot run {program}")),
            "it is named: {refused:?}"
        );
        desk.expect(75, &["run", "--conflict-exit-code", "75", "--", program]);
        assert_eq!(snapshots(&desk), [""; 0], "the snapshot is dropped");
        assert_unlocked(&desk);
    }
    assert_eq!(desk.seen(), before, "nothing changed");
}

#[test]
fn run_outside_of_a_repository_is_refused_and_starts_nothing() {
    let desk = Desk::empty();
    let refused = desk.expect(3, &["run", "--", "touch", "started"]);
    for part in ["hint: ", "git init"] {
        assert!(
            refused.stderr.contains(part),
            "{part:?} is told: {refused:?}"
        );
    }
    assert!(
        !desk.sandbox.join("started").exists(),
        "CMD was not started"
    );
}

#[test]
fn run_meets_another_and_says_who() {
    let desk = GitDesk::at_work();
    let mut first = task(&desk, &[], "echo READY; read line; echo \"$line\"");
    let mut first = SecondProcess::spawn_ready(&mut first, PATIENCE);
    let second = ["run", "--task", "T-2"];
    let refused = desk.expect(1, &[&second[..], &["--", "touch", "second"]].concat());
    for part in [
        format!("pid {}", first.id()),
        "T-1".to_owned(),
        "--wait".to_owned(),
    ] {
        assert!(
            refused.stderr.contains(&part),
            "{part:?} is told: {refused:?}"
        );
    }
    let refused = desk.json(
        1,
        &[&second[..], &["--json", "--", "touch", "second"]].concat(),
    );
    assert_eq!(refused["error"]["code"], "ELOCKED", "{refused}");
    assert_eq!(refused["error"]["holder"]["pid"], first.id(), "{refused}");
    assert_eq!(refused["error"]["retryable"], true, "{refused}");
    let quick = [
        &second[..],
        &["--conflict-exit-code", "75", "--", "touch", "second"],
    ]
    .concat();
    desk.expect(75, &quick);
    assert!(!desk.sandbox.join("second").exists(), "CMD was not started");
    first.send_line("on");
    let finished = first.wait(PATIENCE);
    assert_eq!(finished.stdout, "on\n", "the first goes on: {finished:?}");
    assert!(finished.status.success(), "and ends well: {finished:?}");
    desk.expect(0, &[&second[..], &["--", "touch", "second"]].concat());
}

#[test]
fn run_in_a_task_is_told_so_at_once_and_a_set_works() {
    let desk = GitDesk::at_work();
    desk.sandbox
        .write(".ai-sdlc/stories/S-0034/story.md", crate::desk::STORY);
    let began_at = Instant::now();
    let finished = expect(
        4,
        &desk,
        &["--wait", "10m"],
        "\"$STORY_BIN\" run --wait 10m -- true",
    );
    assert!(
        began_at.elapsed() < Duration::from_mins(1),
        "nobody waits for itself"
    );
    assert!(
        finished.stderr.contains("cannot start another one there"),
        "it says why: {finished:?}"
    );
    expect(
        0,
        &desk,
        &[],
        "\"$STORY_BIN\" set S-0034 status=done --no-touch",
    );
    assert!(
        desk.text().contains("status: done\n"),
        "the change is there"
    );
}

#[test]
fn run_forwards_signals_and_ends_as_its_command_does() {
    let desk = GitDesk::at_work();
    for (signal, name, code) in [
        (Signal::TERM, "TERM", 143),
        (Signal::INT, "INT", 130),
        (Signal::HUP, "HUP", 129),
    ] {
        let script = format!(
            "trap 'echo heard; trap - {name}; kill -{name} $$' {name}; echo READY; \
             while :; do sleep 0.02; done"
        );
        let process = SecondProcess::spawn_ready(&mut task(&desk, &[], &script), PATIENCE);
        process.signal(signal);
        let finished = process.wait(PATIENCE);
        assert_eq!(finished.status.code(), Some(code), "{finished:?}");
        assert_eq!(
            finished.stdout, "heard\n",
            "the command heard it: {finished:?}"
        );
        assert!(
            finished.stderr.contains("story run restore T-1"),
            "how to go back is told: {finished:?}"
        );
        assert_unlocked(&desk);
    }
    let kept = snapshots(&desk);
    assert_eq!(kept.len(), 3, "a snapshot of each is kept: {kept:?}");
}

#[test]
fn run_ends_a_command_and_all_that_it_started_when_its_time_is_over() {
    let desk = GitDesk::at_work();
    // A grandchild that has left its group and its parent, and one that hears no SIGTERM but goes on with the pipe open.
    let script = r"
        setsid sh -c 'echo $$ > far.pid; exec sleep 600' &
        (sleep 600 & echo $! > near.pid)
        echo READY
        sleep 600
    ";
    let mut process = task(&desk, &["--time-limit", "1s", "--json"], script);
    let process = SecondProcess::spawn_ready(&mut process, PATIENCE);
    let finished = process.wait(PATIENCE);
    assert_eq!(
        finished.status.code(),
        Some(124),
        "as timeout(1): {finished:?}"
    );
    let answer = one_json(&finished.stdout);
    assert_eq!(answer["ended"], "timed-out", "{answer}");
    for name in ["far.pid", "near.pid"] {
        let pid = desk.sandbox.read(name);
        let status = format!("/proc/{}/status", pid.trim_end());
        let status = fs::read_to_string(status).unwrap_or_default();
        let lives = status
            .lines()
            .any(|line| line.starts_with("State:") && !line.contains('Z'));
        assert!(!lives, "nothing of it goes on: {name} {status}");
    }
    assert_unlocked(&desk);
}

#[test]
fn run_forces_what_does_not_listen_when_its_time_is_over() {
    let desk = GitDesk::new();
    let script = "trap '' TERM; echo READY; while :; do sleep 0.1; done";
    let mut process = task(&desk, &["--time-limit", "200ms"], script);
    let process = SecondProcess::spawn_ready(&mut process, PATIENCE);
    let finished = process.wait(PATIENCE);
    assert_eq!(
        finished.status.code(),
        Some(124),
        "SIGKILL ends it: {finished:?}"
    );
    assert_unlocked(&desk);
}

#[test]
fn run_within_its_time_ends_as_ever() {
    let desk = GitDesk::new();
    expect(5, &desk, &["--time-limit", "10m"], "exit 5");
}

#[test]
fn run_with_closed_streams_ends_as_its_command_does() {
    let desk = GitDesk::at_work();
    for closed in [">&-", "2>&-", "<&-", "<&- >&- 2>&-"] {
        let line = format!("\"$STORY_BIN\" run -q -- sh -c 'exit 6' {closed}");
        let mut shell = Command::new("sh");
        testkit::without_settings(&mut shell);
        shell.args(["-c", &line]).env("STORY_BIN", STORY_BIN);
        shell.current_dir(desk.sandbox.path());
        let finished = finish(&mut shell);
        assert_eq!(
            finished.status.code(),
            Some(6),
            "with {closed}: {finished:?}"
        );
        assert_unlocked(&desk);
    }
    // Nobody reads the answer any more.
    let mut command = task(&desk, &["--json"], "exit 6");
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let status = command
        .stdout(Stdio::from(writer))
        .stderr(Stdio::null())
        .status();
    let code = status.expect("it is run").code();
    assert_eq!(code, Some(6), "the exit code is the command's");
}

#[test]
fn run_takes_no_options_with_a_verb() {
    let desk = GitDesk::new();
    let refused = desk.expect(2, &["run", "--wait", "1s", "list"]);
    assert!(
        refused.stderr.contains("-- list") || refused.stderr.contains("-- NAME"),
        "{refused:?}"
    );
    let finished = desk.expect(3, &["run", "--", "list-of-no-program"]);
    assert!(
        finished.stderr.contains("cannot run"),
        "behind -- it is a program: {finished:?}"
    );
}

#[test]
fn run_whose_command_removes_what_the_run_needs_says_what_and_loses_nothing() {
    let table = [
        ("rm .devs-state.lock", "lock"),
        ("rm -f .devs.db*", ""),
        ("git clean -fdxq", "lock"),
        ("git update-ref -d refs/devs-snapshots/T-1", "snapshot"),
    ];
    for (removal, told) in table {
        let desk = GitDesk::at_work();
        let before = desk.sandbox.read("a.txt");
        let finished = expect(0, &desk, &[], removal);
        assert!(
            finished.stderr.contains(told),
            "{removal} is told: {finished:?}"
        );
        assert_eq!(desk.sandbox.read("a.txt"), before, "after {removal}");
        expect(0, &desk, &[], "true");
        assert_unlocked(&desk);
    }
    let desk = GitDesk::at_work();
    let finished = expect(7, &desk, &[], "rm -rf .git; exit 7");
    assert!(
        finished.stderr.contains("warning: ") && !finished.stderr.contains("is kept"),
        "it is told: {finished:?}"
    );
    assert_unlocked(&desk);
    let desk = GitDesk::at_work();
    fs::create_dir(desk.sandbox.join("deep")).expect("a folder can be made");
    let mut command = task(&desk, &[], "rmdir ../deep; exit 7");
    let finished = finish(command.current_dir(desk.sandbox.join("deep")));
    assert_eq!(
        finished.status.code(),
        Some(7),
        "its folder is gone: {finished:?}"
    );
    assert_unlocked(&desk);
}

#[test]
fn run_tells_of_a_task_that_was_killed() {
    let desk = GitDesk::at_work();
    let script = "echo READY; echo half > a.txt; kill -KILL $PPID; exec sleep 600";
    let process = SecondProcess::spawn_ready(&mut task(&desk, &[], script), PATIENCE);
    let pid = process.id();
    let killed =
        || fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| stat.contains(") Z"));
    wait_until("the runner was killed", PATIENCE, killed);
    let refused = desk.expect(1, &["run", "--task", "T-2", "--", "true"]);
    assert!(
        refused.stderr.contains("T-1"),
        "its command goes on, and the tree is locked: {refused:?}"
    );
    drop(process.kill_9());
    let finished = desk.expect(0, &["run", "--task", "T-2", "--", "true"]);
    for part in ["T-1", "story run restore T-1"] {
        assert!(
            finished.stderr.contains(part),
            "{part:?} is told: {finished:?}"
        );
    }
    assert_eq!(
        desk.sandbox.read("a.txt"),
        "half\n",
        "nothing is undone unasked"
    );
}

/// The tree with a story of all agents.
fn with_story() -> GitDesk {
    let desk = GitDesk::at_work();
    desk.sandbox
        .write(".ai-sdlc/stories/S-0034/story.md", crate::desk::STORY);
    desk
}

#[test]
fn run_restores_a_story_that_only_the_task_has_changed() {
    let desk = with_story();
    let script = "\"$STORY_BIN\" set S-0034 status=done --no-touch >&2; exit 1";
    let finished = expect(1, &desk, &["--on-failure", "restore", "--json"], script);
    assert_eq!(desk.text(), crate::desk::STORY, "its own: {finished:?}");
    let answer = one_json(&finished.stdout);
    assert_eq!(answer["restored"]["written"], 1, "it was there: {answer}");
}

#[test]
fn run_that_restores_leaves_a_story_of_others_and_keeps_the_snapshot() {
    let desk = with_story();
    let script = "sed -i s/ready/theirs/ .ai-sdlc/stories/S-0034/story.md; exit 1";
    let finished = expect(1, &desk, &["--on-failure", "restore", "--json"], script);
    assert!(desk.text().contains("theirs"), "nobody knows whose it is");
    let answer = one_json(&finished.stdout);
    assert_eq!(answer["dropped"], false, "what was left is in it: {answer}");
    let left = &answer["restored"]["left"][0]["path"];
    assert_eq!(left, ".ai-sdlc/stories/S-0034/story.md", "{answer}");
    let kept = snapshots(&desk);
    assert!(
        kept.contains(&"refs/devs-snapshots/T-1".to_owned()),
        "{kept:?}"
    );
}

#[test]
fn run_inside_of_a_held_lock_hands_that_on() {
    let desk = with_story();
    let script =
        "\"$STORY_BIN\" run -- \"$STORY_BIN\" set S-0034 status=done --no-touch --timeout 1s";
    let mut command = desk.story(&["lock", "run", "S-0034", "--", "sh", "-c", script]);
    let finished = finish(command.env("STORY_BIN", STORY_BIN));
    assert!(finished.status.success(), "not its own enemy: {finished:?}");
    assert!(desk.text().contains("status: done\n"), "it is changed");
}

#[test]
fn run_that_gets_a_signal_while_it_records_starts_nothing_and_says_how_it_ended() {
    let desk = GitDesk::at_work();
    let real = testkit::on_path("git").expect("git is there");
    let programs = testkit::Sandbox::new();
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in *\"update-ref refs/devs-snapshots/\"*) kill -TERM $PPID;; esac\nexec {} \"$@\"\n",
        real.display()
    );
    let shim = programs.write("git", script);
    fs::set_permissions(shim, std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .expect("it is ours");
    let path = std::env::var("PATH").unwrap_or_default();
    let path = format!("{}:{path}", programs.path().display());
    let finished = finish(task(&desk, &["--json"], "touch started").env("PATH", path));
    assert_eq!(finished.status.code(), Some(143), "{finished:?}");
    let answer = one_json(&finished.stdout);
    assert_eq!(answer["ended"], "signalled", "it is told: {answer}");
    assert!(
        !desk.sandbox.join("started").exists(),
        "CMD was not started: {answer}"
    );
    let shown = desk.json(0, &["run", "show", "T-1"]);
    assert_eq!(shown["state"], "signalled", "and written down: {shown}");
    assert_unlocked(&desk);
}

#[test]
fn run_wakes_what_was_stopped_and_asks_it_once_when_its_time_is_over() {
    let desk = GitDesk::new();
    // It goes on for a while after it was asked, so that it would hear a second time.
    let script = r"
        trap 'echo heard >> heard' TERM
        echo READY
        kill -STOP $$
        for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.05; done
    ";
    let mut process = task(&desk, &["--time-limit", "300ms"], script);
    let finished = SecondProcess::spawn_ready(&mut process, PATIENCE).wait(PATIENCE);
    assert_eq!(finished.status.code(), Some(124), "{finished:?}");
    let heard = fs::read_to_string(desk.sandbox.join("heard")).unwrap_or_default();
    assert_eq!(heard, "heard\n", "it could act on it, once: {finished:?}");
}

#[test]
fn run_with_a_time_limit_buries_orphans_while_the_command_runs() {
    let desk = GitDesk::new();
    let script = "(sh -c 'echo $$ > orphan; exit 0' &)
        until [ -s orphan ] && ! [ -e /proc/$(cat orphan) ]; do sleep 0.05; done";
    expect(0, &desk, &["--time-limit", "20s"], script);
}

#[test]
fn run_by_a_parent_that_ignores_the_end_of_children_ends_as_its_command_does() {
    let desk = GitDesk::at_work();
    let line = "trap '' CHLD; exec \"$STORY_BIN\" run -- sh -c 'exit 6'";
    let mut shell = Command::new("bash");
    testkit::without_settings(&mut shell);
    shell.args(["-c", line]).env("STORY_BIN", STORY_BIN);
    let finished = finish(shell.current_dir(desk.sandbox.path()));
    assert_eq!(finished.status.code(), Some(6), "{finished:?}");
    assert_unlocked(&desk);
    for verb in ["run list", "snapshot list"] {
        let mut shell = Command::new("bash");
        testkit::without_settings(&mut shell);
        let line = format!("trap '' CHLD; exec \"$STORY_BIN\" {verb}");
        shell.args(["-c", &line]).env("STORY_BIN", STORY_BIN);
        let finished = finish(shell.current_dir(desk.sandbox.path()));
        assert!(finished.status.success(), "{verb}: {finished:?}");
    }
}

#[test]
fn run_asks_a_person_at_a_terminal_and_does_what_is_answered() {
    let name = "run_asks_a_person_at_a_terminal_and_does_what_is_answered";
    if testkit::on_path("script").is_none() || !cfg!(target_os = "linux") {
        return testkit::skip(name, "no script(1) of util-linux to make a terminal");
    }
    for (answer, expected) in [
        ("y", "changed since\n"),
        ("n", "damaged\n"),
        ("", "damaged\n"),
    ] {
        let desk = GitDesk::at_work();
        let line = format!(
            "{STORY_BIN} run --on-failure ask --task T-1 -- sh -c 'echo damaged > a.txt; exit 3'"
        );
        let mut terminal = Command::new("script");
        testkit::without_settings(&mut terminal);
        terminal.args(["-q", "-e", "-c", &line, "/dev/null"]);
        let mut person = SecondProcess::spawn(terminal.current_dir(desk.sandbox.path()));
        person.send_line(answer);
        let finished = person.wait(PATIENCE);
        assert_eq!(finished.status.code(), Some(3), "{answer:?}: {finished:?}");
        assert_eq!(
            desk.sandbox.read("a.txt"),
            expected,
            "after {answer:?}: {finished:?}"
        );
    }
}
