//! Reading without a lock.

use std::fs::File;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use story::{MAX_STORY_BYTES, ReadError, Value};
use testkit::{LegacyWriter, Sandbox};

use crate::support::{STORY, get, story};

/// How long an unreadable fresh file is looked at again.
const LOOKED_AGAIN: Duration = Duration::from_millis(62);

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
    // The shortest of some: a busy machine delays one or the other.
    let mut shortest = Duration::MAX;
    for _ in 0..10 {
        let begun = Instant::now();
        let refused = story::read(&broken).expect_err("it is no story");
        shortest = shortest.min(begun.elapsed());
        assert!(matches!(refused, ReadError::Parse { .. }), "{refused:?}");
        assert_eq!(refused.path(), broken, "the error knows the file");
    }
    assert!(
        shortest < LOOKED_AGAIN,
        "an old file is not waited for: {shortest:?}"
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
    let (longest_save, failed) = std::thread::scope(|scope| {
        let saving = scope.spawn(|| {
            let mut longest = Duration::ZERO;
            let end = Instant::now() + Duration::from_millis(400);
            while Instant::now() < end {
                let begun = Instant::now();
                editor.overwrite(STORY);
                longest = longest.max(begun.elapsed());
                // Many more than a person makes, but with some peace in between.
                std::thread::sleep(Duration::from_millis(10));
            }
            done.store(true, Ordering::Release);
            longest
        });
        let mut failed = None;
        while !done.load(Ordering::Acquire) {
            match story::read(&path) {
                Ok(document) => assert_eq!(document.as_str(), Some(STORY), "it is whole"),
                Err(err) => failed = Some(err),
            }
        }
        (saving.join().expect("every save succeeds"), failed)
    });
    // On a starved machine the editor itself may need longer for a save than anybody looks again.
    if longest_save < LOOKED_AGAIN {
        assert!(failed.is_none(), "{failed:?}, saved in {longest_save:?}");
    }
}
