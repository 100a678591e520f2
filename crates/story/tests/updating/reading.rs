//! Reading without a lock.

use std::fs::File;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use story::{MAX_STORY_BYTES, ReadError, Value};
use testkit::{LegacyWriter, Sandbox};

use crate::support::{STORY, get, story};

#[test]
fn read_gives_the_story_and_says_what_is_none() {
    let sandbox = Sandbox::new();
    let path = story(&sandbox);
    let document = story::read(&path).expect("it is a story");
    assert_eq!(
        get(&document, "id"),
        Some(Value::from("S-0034")),
        "its fields can be read"
    );
    assert_eq!(document.as_str(), Some(STORY), "it is whole");
    let missing = story::read(&sandbox.join("missing.md")).expect_err("there is none");
    assert!(
        matches!(
            missing,
            ReadError::File(atomic_file::ReadError::NotFound { .. })
        ),
        "{missing:?}"
    );
    let broken = sandbox.write("broken.md", "---\na: [\n---\n");
    testkit::set_age(&broken, Duration::from_mins(1));
    let begun = Instant::now();
    let refused = story::read(&broken).expect_err("it is no story");
    assert!(matches!(refused, ReadError::Parse { .. }), "{refused:?}");
    assert_eq!(refused.path(), broken, "the error knows the file");
    let waited = begun.elapsed();
    assert!(
        waited < Duration::from_millis(50),
        "an old file is not waited for: {waited:?}"
    );
}

#[test]
fn read_refuses_a_file_larger_than_any_story() {
    let sandbox = Sandbox::new();
    let path = sandbox.join("huge.md");
    File::create(&path)
        .and_then(|file| file.set_len(MAX_STORY_BYTES + 1))
        .expect("a file with a hole takes no room");
    let refused = story::read(&path).expect_err("it is too large");
    assert!(
        matches!(
            refused,
            ReadError::File(atomic_file::ReadError::TooLarge { .. })
        ),
        "{refused:?}"
    );
}

#[test]
fn read_does_not_take_the_moment_of_an_editors_save_for_an_empty_story() {
    let sandbox = Sandbox::new();
    let path = story(&sandbox);
    let editor = LegacyWriter::new(&path);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let end = Instant::now() + Duration::from_millis(400);
            while Instant::now() < end {
                editor.overwrite(STORY);
                // Many more than a person makes, but with some peace in between.
                std::thread::sleep(Duration::from_millis(10));
            }
            done.store(true, Ordering::Release);
        });
        while !done.load(Ordering::Acquire) {
            let document = story::read(&path).expect("the editor's save is soon complete");
            assert_eq!(document.as_str(), Some(STORY), "and whole");
        }
    });
}
