//! Readers, who take no lock: one version, whole, at any time.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use atomic_file::{Durability, Original, ReadError, read};
use testkit::{Sandbox, SecondProcess};

use crate::support::{fast, original, role, self_arguments, update};

/// Versions of very different lengths, each of one letter, so that parts of two show.
fn version(number: usize) -> Vec<u8> {
    let letter = b'a' + u8::try_from(number % 26).expect("a letter");
    vec![letter; 1 + (number * 7919) % 200_000]
}

fn assert_whole(bytes: &[u8]) {
    assert!(!bytes.is_empty(), "a reader never sees an empty file");
    let letter = bytes[0];
    assert!(
        bytes.iter().all(|byte| *byte == letter),
        "a reader never sees parts of two versions"
    );
}

#[test]
fn readers_see_whole_versions_while_threads_and_processes_write() {
    if let Some(folder) = role() {
        return write_for_a_while(&folder.join("story.md"));
    }
    let sandbox = Sandbox::on_tmpfs().unwrap_or_default();
    let path = sandbox.write("story.md", version(0));
    let name = "readers::readers_see_whole_versions_while_threads_and_processes_write";
    let arguments = self_arguments(name);
    let mut command = std::process::Command::new(&arguments[0]);
    command.args(&arguments[1..]);
    command.env("ATOMIC_FILE_TEST_FOLDER", sandbox.path());
    let writer = SecondProcess::spawn(&mut command);
    let done = AtomicBool::new(false);
    let mut reads = 0;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            write_for_a_while(&path);
            done.store(true, Ordering::Release);
        });
        while !done.load(Ordering::Acquire) {
            assert_whole(&read(&path, u64::MAX).expect("the file is always there"));
            assert_whole(&fs::read(&path).expect("the name is always there"));
            reads += 1;
        }
    });
    let finished = writer.wait(Duration::from_secs(30));
    assert!(
        finished.status.success(),
        "the other writer was happy: {}",
        finished.stderr
    );
    assert!(reads > 20, "readers were at work meanwhile ({reads})");
    assert_eq!(
        testkit::leftovers(sandbox.path()),
        [] as [&Path; 0],
        "nothing is left"
    );
}

fn write_for_a_while(path: &Path) {
    let end = Instant::now() + Duration::from_millis(400);
    let mut number = 1;
    while Instant::now() < end {
        match atomic_file::replace_if_unchanged(original(path), &version(number), &fast()) {
            Ok(_) => number += 1,
            Err(err) => assert!(err.is_retryable(), "only conflicts can happen: {err:?}"),
        }
    }
    assert!(number > 1, "at least one commit succeeded");
}

#[test]
fn read_waits_for_a_writer_in_place_to_finish() {
    let sandbox = Sandbox::on_tmpfs().unwrap_or_default();
    let path = sandbox.write("story.md", "");
    let done = AtomicBool::new(false);
    let give_up = Instant::now() + Duration::from_secs(20);
    let mut whole = 0;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut number = 0;
            while !done.load(Ordering::Acquire) {
                sandbox.write("story.md", version(number));
                number += 1;
            }
        });
        while whole < 100 && Instant::now() < give_up {
            match Original::read(&path) {
                // Truncated and written are two moments for everybody; parts of two versions must never be returned.
                Ok(original) if original.bytes().is_empty() => {}
                Ok(original) => {
                    let bytes = original.bytes();
                    if bytes.iter().any(|byte| *byte != bytes[0]) {
                        done.store(true, Ordering::Release);
                        panic!("a reader never sees parts of two versions");
                    }
                    whole += 1;
                }
                Err(ReadError::Unstable { .. }) => {}
                Err(err) => {
                    done.store(true, Ordering::Release);
                    panic!("nothing else can happen: {err:?}");
                }
            }
        }
        done.store(true, Ordering::Release);
    });
    assert!(whole > 0, "some reads fall between the writes");
}

#[test]
fn read_refuses_what_is_larger_than_allowed() {
    let sandbox = Sandbox::new();
    let path = sandbox.write("story.md", "12345");
    assert_eq!(
        read(&path, 5).expect("exactly the limit"),
        b"12345",
        "the limit is inclusive"
    );
    let refused = Original::read_with_limit(&path, 4).expect_err("one byte too many");
    assert!(
        matches!(
            refused,
            ReadError::TooLarge {
                size: 5,
                limit: 4,
                ..
            }
        ),
        "the error says both numbers: {refused}"
    );
}

#[test]
fn taken_bytes_are_the_contents_and_the_commit_works_without_them() {
    let sandbox = Sandbox::new();
    let path = sandbox.write("story.md", "old");
    let mut original = original(&path);
    assert_eq!(original.take_bytes(), b"old", "the contents are handed out");
    let options = atomic_file::CommitOptions {
        durability: Durability::Durable,
        ..fast()
    };
    atomic_file::replace_if_unchanged(original, b"new", &options).expect("nobody interfered");
    update(&path, b"newer").expect("nobody interfered");
    assert_eq!(
        sandbox.read("story.md"),
        "newer",
        "the new contents are there"
    );
}
