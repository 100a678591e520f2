//! Holders that are killed, stopped, interrupted, or that simply take long.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use testkit::{SecondProcess, set_age, wait_until};

use crate::support::{Content, PATIENCE, StoryBox, alone, json, run};

#[test]
fn killed_holder_is_replaced_at_once() {
    let _alone = alone();
    // With a limit of zero, so that the first try succeeds or none does. In memory: the promise is about the lock, and a slow disk's sync would drown it.
    let story = StoryBox::in_memory(Content::Small);
    let mut laps: Vec<_> = (1..=21)
        .map(|round| {
            story.hold(&[]).kill_9();
            assert!(
                story.lock_path().exists(),
                "the killed holder left its lock file"
            );
            let began_at = Instant::now();
            story.must_set(&["--inc", "after_crash", "--timeout", "0"]);
            let lap = began_at.elapsed();
            assert_eq!(
                story.number("after_crash"),
                round,
                "the update after the crash is there"
            );
            story.assert_alone();
            lap
        })
        .collect();
    laps.sort();
    let median = laps[10];
    // Ten times what is promised: other programs may be at work.
    assert!(
        median < Duration::from_millis(100),
        "the update after a kill succeeds at once, as a whole process; median {median:?}, all {laps:?}"
    );
}

#[test]
fn takeover_from_a_killed_holder_is_told() {
    let story = StoryBox::new(Content::Small);
    story.hold(&["--owner", "runner 2"]).kill_9();
    let finished = story.must_set(&["status=done", "--json"]);
    let answer = json(&finished);
    assert!(
        !answer["took_over"].is_null(),
        "JSON tells whose lock was taken over: {answer}"
    );
    assert!(
        answer["warnings"]
            .as_array()
            .is_some_and(|warnings| !warnings.is_empty()),
        "and warns: {answer}"
    );
}

/// An update that waits for the lock.
fn waiting_update(story: &StoryBox) -> SecondProcess {
    let mut command = story.command(&["set"]);
    let waiting = SecondProcess::spawn(command.args(["status=done", "--timeout", "60s"]));
    crate::support::wait_until_waiting([&waiting], &story.lock_path());
    waiting
}

#[test]
fn waiting_update_goes_on_when_the_holder_is_killed() {
    let story = StoryBox::new(Content::Small);
    let holder = story.hold(&[]);
    let waiting = waiting_update(&story);
    let killed_at = Instant::now();
    holder.kill_9();
    let finished = waiting.wait(PATIENCE);
    assert!(
        finished.status.success(),
        "the waiter inherits: {finished:?}"
    );
    assert!(
        killed_at.elapsed() < Duration::from_secs(10),
        "the kernel tells, no stale limit has to pass: {:?}",
        killed_at.elapsed()
    );
    story.assert_alone();
}

#[test]
fn stopped_holder_keeps_the_lock_and_is_named() {
    let story = StoryBox::new(Content::Small);
    let holder = story.hold(&["--owner", "runner 2", "--stale-after", "250ms"]);
    holder.stop();
    let inode = fs::metadata(story.lock_path())
        .expect("the lock is there")
        .ino();
    // Far beyond every stale limit, without waiting for it: its heart has stopped, the kernel lock has not.
    set_age(&story.lock_path(), Duration::from_hours(1));
    let arguments = [
        "status=done",
        "--json",
        "--timeout",
        "600ms",
        "--stale-after",
        "250ms",
    ];
    for _ in 0..3 {
        let began_at = Instant::now();
        let refused = story.set(&arguments);
        assert_eq!(
            refused.status.code(),
            Some(4),
            "a stopped holder still holds: {refused:?}"
        );
        assert!(
            began_at.elapsed() >= Duration::from_millis(600),
            "contention is reported at the limit, not before: {:?}",
            began_at.elapsed()
        );
        let error = &json(&refused)["error"];
        assert_eq!(error["code"], "ELOCKED", "it is contention: {error}");
        assert_eq!(
            error["holder"]["pid"],
            holder.id(),
            "the stopped process is named: {error}"
        );
        assert_eq!(
            error["holder"]["owner"], "runner 2",
            "and its owner: {error}"
        );
    }
    let now = fs::metadata(story.lock_path())
        .expect("the lock is still there")
        .ino();
    assert_eq!(now, inode, "nothing was stolen or replaced");
    story.assert_untouched(Content::Small);

    holder.resume();
    StoryBox::let_go(holder);
    story.must_set(&["status=done"]);
    story.assert_alone();
}

#[test]
fn long_holder_is_kept_alive_by_its_heartbeat() {
    let story = StoryBox::new(Content::Small);
    let holder = story.hold(&["--stale-after", "1s"]);
    let modified = || {
        let metadata = fs::metadata(story.lock_path()).expect("the lock stays while it is held");
        (metadata.mtime(), metadata.mtime_nsec())
    };
    for beat in 1..=2 {
        let last = modified();
        wait_until(
            &format!("heartbeat {beat}"),
            Duration::from_secs(10),
            || modified() > last,
        );
    }
    let refused = story.set(&["status=done", "--timeout", "0", "--stale-after", "1s"]);
    assert_eq!(
        refused.status.code(),
        Some(4),
        "it still holds: {refused:?}"
    );
    StoryBox::let_go(holder);
    story.assert_alone();
}

#[test]
fn interrupted_holders_release() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let story = StoryBox::new(Content::Small);
        let holder = story.hold(&[]);
        holder.signal(signal);
        let finished = holder.wait(PATIENCE);
        assert!(
            !finished.status.success(),
            "an interrupted holder says so ({signal:?}): {finished:?}"
        );
        story.assert_alone();
    }
}

#[test]
fn interrupted_waiter_leaves_the_holder_alone() {
    let story = StoryBox::new(Content::Small);
    let holder = story.hold(&[]);
    let waiting = waiting_update(&story);
    waiting.signal(Signal::TERM);
    let finished = waiting.wait(PATIENCE);
    assert!(
        !finished.status.success(),
        "an interrupted waiter says so: {finished:?}"
    );
    assert!(story.lock_path().exists(), "the holder keeps its lock");
    story.assert_untouched(Content::Small);
    StoryBox::let_go(holder);
    story.assert_alone();
}

#[test]
fn interrupted_edit_that_waits_for_the_lock_ends_at_once_and_says_where_the_text_is() {
    let story = StoryBox::new(Content::Small);
    let holder = story.hold(&[]);
    let copies = testkit::Sandbox::new();
    let folder = testkit::Sandbox::new();
    let told = folder.write("stderr", "");
    let plain = story.command(&["edit"]);
    // What it says is looked at while it waits; `exec` keeps the number of the process.
    let mut command = std::process::Command::new("sh");
    testkit::without_settings(&mut command);
    command
        .args(["-c", "exec \"$0\" \"$@\" 2> \"$TOLD\""])
        .arg(plain.get_program())
        .args(plain.get_args())
        .args(["--timeout", "600s"])
        .env("TOLD", &told)
        .env("TMPDIR", copies.path());
    command.env("VISUAL", "sh -c 'echo mine >> \"$1\"' sh");
    let edit = SecondProcess::spawn(&mut command);
    let told = || fs::read_to_string(&told).expect("it can be read");
    wait_until("it says that it waits", PATIENCE, || {
        told().contains("is locked")
    });
    // It has opened the lock file again, for the wait that has no end.
    crate::support::wait_until_waiting([&edit], &story.lock_path());
    edit.signal(Signal::TERM);
    let finished = edit.wait(PATIENCE);
    assert_eq!(
        finished.status.code(),
        Some(143),
        "it does not wait on: {finished:?}"
    );
    let folder = fs::read_dir(copies.path())
        .expect("it can be listed")
        .next();
    let folder = folder.expect("the copy is kept").expect("an entry").path();
    let copy = fs::read_dir(folder).expect("a folder").next();
    let copy = copy.expect("a file").expect("an entry").path();
    assert!(
        told().contains(&copy.display().to_string()),
        "it is said where: {}",
        told()
    );
    let text = fs::read_to_string(&copy).expect("the copy can be read");
    assert!(text.ends_with("mine\n"), "it holds what was written");
    story.assert_untouched(Content::Small);
    StoryBox::let_go(holder);
}

#[test]
fn lock_run_forwards_signals_and_exit_codes() {
    let story = StoryBox::new(Content::Small);
    let finished = run(story
        .command(&["lock", "run"])
        .args(["--", "sh", "-c", "exit 42"]));
    assert_eq!(
        finished.status.code(),
        Some(42),
        "the exit code is passed on: {finished:?}"
    );
    let mut command = story.command(&["lock", "run"]);
    command.args([
        "--",
        "sh",
        "-c",
        "trap 'exit 9' TERM; echo READY; while :; do sleep 0.02; done",
    ]);
    let runner = SecondProcess::spawn_ready(&mut command, PATIENCE);
    runner.signal(Signal::TERM);
    let finished = runner.wait(PATIENCE);
    assert_eq!(
        finished.status.code(),
        Some(9),
        "the signal reaches the command: {finished:?}"
    );
    let finished = run(story
        .command(&["lock", "run"])
        .args(["--", "sh", "-c", "kill -KILL $$"]));
    assert_eq!(finished.status.code(), Some(137), "128 + 9: {finished:?}");
    story.assert_alone();
}

/// Lock and file as a writer leaves them that is killed between naming its new version and putting it in place: the name
/// tells inode, size and time of that version and of the story it was made from.
fn abandoned_version(story: &StoryBox, contents: &str, is_own: bool) -> PathBuf {
    story.hold(&[]).kill_9();
    let plain = story
        .sandbox
        .write(".ai-sdlc/stories/S-0034/plain", contents);
    let metadata = fs::metadata(&plain).expect("it was just written");
    let nanoseconds =
        i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec());
    let size = if is_own {
        metadata.len()
    } else {
        metadata.len() + 1
    };
    let own = format!("{:x}-{size:x}-{nanoseconds:x}", metadata.ino());
    let name = format!(".story.md.{own}.1-1-1.0123456789abcdef.atomic-tmp");
    assert!(
        atomic_file::is_temporary_name(name.as_ref()),
        "{name} is a name of atomic-file"
    );
    let path = story.folder().join(name);
    fs::hard_link(&plain, &path).expect("a file can be named");
    fs::remove_file(plain).expect("its first name can be removed");
    path
}

#[test]
fn temporary_file_of_a_killed_writer_is_swept_by_the_next_update() {
    let story = StoryBox::new(Content::Small);
    let abandoned = abandoned_version(&story, "a new version that nobody saw", true);
    story.must_set(&["status=done"]);
    assert!(!abandoned.exists(), "it is gone");
    story.assert_alone();
}

#[test]
fn temporary_file_is_swept_by_whoever_takes_the_lock_over() {
    let takers: [&[&str]; 2] = [&["lock", "run"], &["get", "--locked"]];
    for verb in takers {
        let story = StoryBox::new(Content::Small);
        let abandoned = abandoned_version(&story, "a new version that nobody saw", true);
        let mut command = story.command(verb);
        if verb[0] == "lock" {
            command.args(["--", "true"]);
        }
        let finished = run(&mut command);
        assert!(
            finished.status.success(),
            "{verb:?} takes the dead one's lock over: {finished:?}"
        );
        assert!(
            !abandoned.exists(),
            "{verb:?} leaves no trace of the dead one: later nobody would know of it"
        );
        story.assert_alone();
    }
}

#[test]
fn temporary_file_of_a_command_that_died_is_swept_by_the_lock_run_around_it() {
    for (script, swept) in [("kill -9 $$", true), ("exit 1", true), ("exit 0", false)] {
        let story = StoryBox::new(Content::Small);
        let abandoned = abandoned_version(&story, "a new version that nobody saw", true);
        fs::remove_file(story.lock_path()).expect("its owner is dead");
        let finished = run(story
            .command(&["lock", "run"])
            .args(["--", "sh", "-c", script]));
        assert_eq!(
            finished.status.success(),
            !swept,
            "{script}: the exit code is passed on: {finished:?}"
        );
        assert_eq!(
            abandoned.exists(),
            !swept,
            "{script}: only what did not fail cannot have left anything"
        );
    }
}

#[test]
fn temporary_file_that_may_be_somebodys_edit_is_kept_and_told() {
    let story = StoryBox::new(Content::Small);
    let abandoned = abandoned_version(&story, "precious: a person's only copy", false);
    let answer = json(&story.must_set(&["status=done", "--json"]));
    assert!(
        !abandoned.exists(),
        "it does not keep a name that git ignores"
    );
    let kept = fs::read_dir(story.folder())
        .expect("the folder can be listed")
        .map(|entry| entry.expect("an entry can be read").path())
        .find(|path| path.file_name().is_some_and(atomic_file::is_rescued_name))
        .expect("it is kept beside the story");
    let bytes = fs::read_to_string(&kept).expect("it can be read");
    assert_eq!(bytes, "precious: a person's only copy", "with every byte");
    let name = kept
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    assert!(
        answer["warnings"].to_string().contains(&name),
        "and the update tells where: {answer}"
    );
}
