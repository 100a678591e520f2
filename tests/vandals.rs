//! Somebody deletes the live lock file again and again: exclusion is gone, updates are not.

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use testkit::Finished;

use crate::support::{Content, RaiseOnDrop, StoryBox, Watcher, alone};

const WORKERS: usize = 16;
/// Eight a second for fifteen seconds: the size at which a plain rename lost 59 to 74 updates.
const DELETIONS: u64 = 120;
const PAUSE: Duration = Duration::from_millis(125);

#[test]
fn deleting_the_live_lock_loses_no_update() {
    let _alone = alone();
    let story = StoryBox::new(Content::Torn);
    let watcher = Watcher::start(&story.path);
    let over = AtomicBool::new(false);
    let deleted = AtomicU64::new(0);
    let done: Vec<AtomicU64> = (0..WORKERS).map(|_| AtomicU64::new(0)).collect();
    std::thread::scope(|scope| {
        for (worker, done) in done.iter().enumerate() {
            let (story, over) = (&story, &over);
            scope.spawn(move || {
                let own = format!("own_{worker}");
                while !over.load(Ordering::Relaxed) {
                    let finished =
                        story.set(&["--inc", &own, "--inc", "shared", "--timeout", "60s"]);
                    done.fetch_add(u64::from(is_applied(&finished)), Ordering::Relaxed);
                }
            });
        }
        let _vandalising = RaiseOnDrop(&over);
        vandalise(&story, &done, &deleted);
    });
    watcher.assert_saw_only_whole_stories();
    assert_eq!(
        deleted.load(Ordering::Relaxed),
        DELETIONS,
        "live locks were really deleted"
    );
    let mut total = 0;
    for (worker, done) in done.iter().enumerate() {
        let key = format!("own_{worker}");
        let done = done.load(Ordering::Relaxed);
        assert_eq!(
            story.number(&key),
            done,
            "every acknowledged update of {key} is there, no other"
        );
        total += done;
    }
    assert_eq!(
        story.number("shared"),
        total,
        "no increment of the shared key is lost"
    );
    assert!(
        total > DELETIONS,
        "there was something to lose: {total} updates"
    );
    // What the deletions left is cleaned up by the next update at the latest.
    story.must_set(&["--inc", "shared"]);
    story.assert_alone();
}

/// Deletes the lock as soon as it is there, then leaves the workers a moment, and on a slow machine as long as they need for
/// as many updates.
fn vandalise(story: &StoryBox, done: &[AtomicU64], deleted: &AtomicU64) {
    let deadline = Instant::now() + Duration::from_mins(5);
    let updates = || -> u64 { done.iter().map(|done| done.load(Ordering::Relaxed)).sum() };
    loop {
        let deletions = deleted.load(Ordering::Relaxed);
        let is_enough = deletions == DELETIONS && updates() > DELETIONS;
        if is_enough || Instant::now() >= deadline {
            return;
        }
        if deletions == DELETIONS || updates() < deletions {
            std::thread::sleep(Duration::from_millis(1));
        } else if fs::remove_file(story.lock_path()).is_ok() {
            deleted.fetch_add(1, Ordering::Relaxed);
            std::thread::sleep(PAUSE);
        }
    }
}

/// Whether the update was acknowledged; a failure must be one that says that nothing was written.
fn is_applied(finished: &Finished) -> bool {
    let code = finished.status.code();
    assert!(
        matches!(code, Some(0 | 1 | 4 | 5)),
        "without its lock an update is applied, or refused as lost, locked or in conflict: {finished:?}"
    );
    code == Some(0)
}
