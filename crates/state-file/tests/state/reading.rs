//! Reading without the lock: whole, never back in time, and what is just being written is waited for.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};

use atomic_file::Revision;
use state_file::Version;
use testkit::Sandbox;

use crate::support::{PATIENCE, STATE, counter, increment, options, state};

#[test]
fn read_gives_text_revision_and_resolved_path() {
    let sandbox = Sandbox::new();
    let path = state(&sandbox);
    let found = state_file::read(&path).expect("it is readable");
    assert_eq!(found.text.as_str(), STATE, "the text, byte for byte");
    assert_eq!(found.path, path, "the file");
    assert_eq!(
        found.revision(),
        Revision::of(STATE.as_bytes()),
        "the revision is the hash of the bytes"
    );
    let seen = counter(&path).read().expect("it is a counter");
    assert_eq!(seen.value.count, 7, "the value");
    assert_eq!(
        seen.version,
        Version::Content(found.revision()),
        "and the version is the content"
    );
}

#[test]
fn readers_during_a_storm_see_whole_files_that_never_go_back() {
    const UPDATES: i64 = 400;
    let sandbox = Sandbox::new();
    let filler = "x".repeat(100_000);
    let text = format!("{{\"filler\": \"{filler}\", \"count\": 0, \"again\": 0}}\n");
    let path = sandbox.write("state.json", text);
    let is_over = AtomicBool::new(false);
    let start = Barrier::new(4);
    let reads: Vec<usize> = std::thread::scope(|scope| {
        let readers: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let again = json_text::Path::whole().key("again");
                    let count = json_text::Path::whole().key("count");
                    let (mut last, mut changes) = (-1, 0);
                    start.wait();
                    while !is_over.load(Ordering::Relaxed) {
                        let found = state_file::read(&path).expect("a read never fails");
                        let number = found.text.value(&count).and_then(|value| value.as_i64());
                        let number = number.expect("a number");
                        let other = found.text.value(&again).and_then(|value| value.as_i64());
                        assert_eq!(other, Some(number), "both members are of one version");
                        assert!(number >= last, "{number} after {last}: back in time");
                        changes += usize::from(number > last);
                        last = number;
                    }
                    changes
                })
            })
            .collect();
        start.wait();
        for _ in 0..UPDATES {
            let updated = state_file::edit(&path, &options(PATIENCE), |text| {
                text.increment(&json_text::Path::whole().key("again"), 1)?;
                text.increment(&json_text::Path::whole().key("count"), 1)
            });
            updated.expect("readers keep no writer out");
        }
        is_over.store(true, Ordering::Relaxed);
        readers
            .into_iter()
            .map(|reader| reader.join().expect("no reader saw anything wrong"))
            .collect()
    });
    assert!(
        reads.iter().all(|changes| *changes > 1),
        "each reader read while the writer was at work: {reads:?}"
    );
}

#[test]
fn read_waits_for_no_writer() {
    let sandbox = Sandbox::new();
    let path = state(&sandbox);
    let done = state_file::with_file_lock(&path, &options(PATIENCE), |_| {
        counter(&path).read().expect("a reader needs no lock")
    });
    assert_eq!(
        done.expect("the lock was free").value.value.count,
        7,
        "read while the lock was held"
    );
    increment(&path).expect("the lock is free again");
}
