//! What stands at the lock's place and was not made by us: hand-made files, and things that are no lock at all.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use testkit::{ForeignLock, LegacyWriter, set_age};

use crate::support::{Content, RaiseOnDrop, StoryBox, json};

#[test]
fn fresh_hand_made_lock_is_contention_that_names_its_age() {
    let story = StoryBox::new(Content::Small);
    let lock = ForeignLock::file(&story.lock_path()).expect("the name is free");
    lock.set_age(Duration::from_secs(7));
    let arguments = ["status=done", "--timeout", "300ms", "--stale-after", "1m"];
    let refused = story.set(&arguments);
    assert_eq!(
        refused.status.code(),
        Some(4),
        "it is contention: {refused:?}"
    );
    assert!(
        names_seven_seconds(&refused.stderr),
        "the age of 7 s is named: {refused:?}"
    );
    let refused = story.set(&[&arguments[..], &["--json"]].concat());
    let error = &json(&refused)["error"];
    assert_eq!(error["code"], "ELOCKED", "it is contention: {error}");
    let stale_in_ms = error["stale_in_ms"].as_u64().unwrap_or(0);
    assert!(
        (40_000..=53_000).contains(&stale_in_ms),
        "it says when it will be stale: {error}"
    );
    let content = fs::read_to_string(lock.path()).expect("the hand-made file is still there");
    assert_eq!(content, "made by hand\n", "it is untouched");
    story.assert_untouched(Content::Small);
    drop(lock);
    story.must_set(&["status=done"]);
    story.assert_alone();
}

/// `7 s`, `7.3 s` or `7301 ms`.
fn names_seven_seconds(message: &str) -> bool {
    let words: Vec<_> = message.split_whitespace().collect();
    words.windows(2).any(|pair| {
        match (pair[0].parse::<f64>(), pair[1].trim_end_matches([',', ';'])) {
            (Ok(number), "s") => (7.0..8.0).contains(&number),
            (Ok(number), "ms") => (7000.0..8000.0).contains(&number),
            _ => false,
        }
    })
}

#[test]
fn old_hand_made_lock_is_taken_over_and_told() {
    let story = StoryBox::new(Content::Small);
    let lock = ForeignLock::file(&story.lock_path()).expect("the name is free");
    lock.set_age(Duration::from_hours(1));
    lock.abandon();
    let answer = json(&story.must_set(&[
        "status=done",
        "--timeout",
        "20s",
        "--stale-after",
        "2s",
        "--json",
    ]));
    assert!(
        !answer["took_over"].is_null(),
        "the take-over is told: {answer}"
    );
    story.assert_alone();
}

#[test]
fn hand_made_lock_whose_owner_keeps_touching_it_is_respected() {
    let story = StoryBox::new(Content::Small);
    let lock = ForeignLock::file(&story.lock_path()).expect("the name is free");
    let over = std::sync::atomic::AtomicBool::new(false);
    let refused = std::thread::scope(|scope| {
        scope.spawn(|| {
            // Old by the wall clock (its owner's clock may be wrong), but plainly alive. Not older than the boot.
            while !over.load(std::sync::atomic::Ordering::Relaxed) {
                set_age(lock.path(), Duration::from_secs(30));
                std::thread::sleep(Duration::from_millis(49));
            }
        });
        let _touching = RaiseOnDrop(&over);
        story.set(&["status=done", "--timeout", "3s", "--stale-after", "1s"])
    });
    assert_eq!(
        refused.status.code(),
        Some(4),
        "a lock that changes has a living owner: {refused:?}"
    );
    story.assert_untouched(Content::Small);
}

/// Makes something that is no lock at the lock's place, old enough to be judged stale if it were one.
fn obstruct(what: &str, lock_path: &Path) {
    match what {
        "symlink" => symlink("elsewhere.txt", lock_path).expect("a symlink can be made"),
        "dangling symlink" => symlink("nowhere", lock_path).expect("a symlink can be made"),
        "FIFO" => {
            let made = Command::new("mkfifo")
                .arg(lock_path)
                .status()
                .expect("mkfifo can be run");
            assert!(made.success(), "a FIFO can be made");
        }
        "directory with content" => {
            let lock = ForeignLock::directory(lock_path).expect("the name is free");
            fs::File::create(lock_path.join("precious")).expect("a file can be made");
            lock.set_age(Duration::from_hours(1));
            lock.abandon();
        }
        _ => unreachable!("a known obstruction"),
    }
}

#[test]
fn things_that_are_no_lock_are_a_clear_error_and_stay_untouched() {
    for what in [
        "symlink",
        "dangling symlink",
        "FIFO",
        "directory with content",
    ] {
        let story = StoryBox::new(Content::Small);
        let lock_path = story.lock_path();
        fs::File::create(story.folder().join("elsewhere.txt")).expect("a file can be made");
        obstruct(what, &lock_path);
        let identity = |path: &Path| {
            let metadata = fs::symlink_metadata(path).expect("the obstruction is there");
            (
                metadata.ino(),
                metadata.mode(),
                metadata.mtime(),
                metadata.mtime_nsec(),
                metadata.len(),
            )
        };
        let before = identity(&lock_path);
        for arguments in [
            ["status=done", "--timeout", "300ms"],
            ["status=done", "--timeout", "20s"],
        ] {
            let refused =
                story.set(&[&arguments[..], &["--stale-after", "250ms", "--json"]].concat());
            let code = refused.status.code();
            assert!(
                !matches!(code, Some(0 | 2 | 9) | None),
                "{what}: a clear error, neither success nor a crash: {refused:?}"
            );
            let error = &json(&refused)["error"];
            let message = error["message"].as_str().unwrap_or_default();
            assert!(
                message.contains("story.md.lock"),
                "{what}: the place is named: {error}"
            );
            assert_ne!(
                error["retryable"], true,
                "{what}: trying again does not help: {error}"
            );
        }
        assert_eq!(identity(&lock_path), before, "{what}: untouched");
        if what == "directory with content" {
            assert!(
                lock_path.join("precious").is_file(),
                "its content is untouched"
            );
        }
        let bytes =
            fs::read(story.folder().join("elsewhere.txt")).expect("the link's target is there");
        assert!(
            bytes.is_empty(),
            "{what}: nothing was written through a link"
        );
        story.assert_untouched(Content::Small);
    }
}

#[test]
fn record_of_a_later_version_is_respected_while_its_owner_lives() {
    let story = StoryBox::new(Content::Small);
    let mut record = br#"
{"sidecar-lock":2,"novelty":"a member that version 1 does not know"}"#
        .to_vec();
    record.resize(1023, b' ');
    record.push(b'\n');
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .open(story.lock_path());
    let mut file = file.expect("the name is free");
    file.write_all(&record).expect("the record can be written");
    flock(&file, FlockOperation::LockExclusive).expect("the file can be locked");
    set_age(&story.lock_path(), Duration::from_hours(1));
    let refused = story.set(&[
        "status=done",
        "--timeout",
        "600ms",
        "--stale-after",
        "250ms",
    ]);
    assert_eq!(
        refused.status.code(),
        Some(4),
        "its kernel lock is held, so it is held: {refused:?}"
    );
    assert_eq!(
        fs::read(story.lock_path()).expect("it is still there"),
        record,
        "it is never rewritten"
    );
    story.assert_untouched(Content::Small);
}

#[test]
fn empty_file_just_made_by_somebody_else_is_not_taken_at_once() {
    let story = StoryBox::new(Content::Small);
    fs::File::create_new(story.lock_path()).expect("the name is free");
    let refused = story.set(&["status=done", "--timeout", "300ms"]);
    assert_eq!(
        refused.status.code(),
        Some(4),
        "an empty file may be a lock in the making: {refused:?}"
    );
    LegacyWriter::new(story.lock_path()).overwrite("4711\n");
    let refused = story.set(&["status=done", "--timeout", "0"]);
    assert_eq!(
        refused.status.code(),
        Some(4),
        "and then it is one: {refused:?}"
    );
    fs::remove_file(story.lock_path()).expect("nobody removed it");
    story.must_set(&["status=done"]);
}
