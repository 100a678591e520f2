//! Others who do not know our lock, or remove it, while an update is under way.

use std::cell::RefCell;
use std::fs;
use std::path::Path;
use std::time::Duration;

use sidecar_lock::AcquireError;
use story::{EditError, ReadError, UpdateError, Value, Warning};
use testkit::{ForeignLock, LegacyWriter, Sandbox};

use crate::support::{
    PATIENCE, STORY, assert_no_leftovers, get, increment, options, sidecar, story,
};

#[test]
fn edit_runs_again_on_what_an_editor_saved_meanwhile() {
    type Save = fn(&LegacyWriter, &str);
    let saves: [(&str, Save); 2] = [
        ("by rename", LegacyWriter::save_by_rename),
        ("in place", LegacyWriter::overwrite),
    ];
    for (how, save) in saves {
        let sandbox = Sandbox::new();
        let path = story(&sandbox);
        let editor = LegacyWriter::new(&path);
        let mut runs = 0;
        let updated = story::update(&path, &options(PATIENCE), |story| {
            runs += 1;
            if runs == 1 {
                save(&editor, &STORY.replace("# Body", "# A person's heading"));
            }
            story.increment("retry_count", 1)
        })
        .expect("the second run succeeds");
        assert_eq!(
            (runs, updated.reruns),
            (2, 1),
            "{how}: one rerun, and it is told"
        );
        assert_eq!(updated.value, 1, "{how}: the edit was applied once");
        let expected = STORY
            .replace("# Body", "# A person's heading")
            .replace("retry_count: 0", "retry_count: 1");
        assert_eq!(
            sandbox.read("story.md"),
            expected,
            "{how}: both changes are there"
        );
        assert_no_leftovers(&sandbox);
    }
}

#[test]
fn update_gives_up_as_a_conflict_when_an_editor_saves_each_time() {
    let sandbox = Sandbox::new();
    let path = story(&sandbox);
    let editor = LegacyWriter::new(&path);
    let mut runs = 0;
    let refused = story::update(&path, &options(Duration::ZERO), |story| {
        runs += 1;
        editor.save_by_rename(&STORY.replace("# Body", &format!("# Version {runs}")));
        story.increment("retry_count", 1)
    })
    .expect_err("there is no end to it");
    assert!(
        matches!(refused, UpdateError::Conflict { reruns: 3, .. }),
        "{refused:?}"
    );
    assert_eq!(runs, 4, "three retries, even where the time is up at once");
    assert!(refused.is_retryable(), "later it may succeed");
    assert_eq!(
        sandbox.read("story.md"),
        STORY.replace("# Body", "# Version 4"),
        "the editor's last version stands, without anything of ours"
    );
    assert_no_leftovers(&sandbox);
}

#[test]
fn update_tries_as_long_as_the_limit_allows() {
    let sandbox = Sandbox::new();
    let path = story(&sandbox);
    let editor = LegacyWriter::new(&path);
    let mut runs = 0;
    let updated = story::update(&path, &options(PATIENCE), |story| {
        runs += 1;
        if runs < 10 {
            editor.save_by_rename(&STORY.replace("# Body", &format!("# Version {runs}")));
        }
        story.increment("retry_count", 1)
    })
    .expect("the tenth run succeeds");
    assert_eq!(updated.reruns, 9, "nine reruns are within the limit");
    assert!(
        sandbox.read("story.md").contains("# Version 9"),
        "the editor's change is there"
    );
}

#[test]
fn story_removed_meanwhile_is_not_found_and_not_resurrected() {
    let sandbox = Sandbox::new();
    let path = story(&sandbox);
    let refused = story::update(&path, &options(PATIENCE), |story| {
        fs::remove_file(&path).ok();
        story.increment("retry_count", 1)
    })
    .expect_err("there is nothing to update");
    assert!(
        matches!(
            refused,
            UpdateError::Read(ReadError::File(atomic_file::ReadError::NotFound { .. }))
        ),
        "{refused:?}"
    );
    assert!(!path.exists(), "a removed story stays removed");
    assert_no_leftovers(&sandbox);
}

#[test]
fn update_acquires_again_when_its_lock_is_removed() {
    let sandbox = Sandbox::new();
    let path = story(&sandbox);
    let mut runs = 0;
    let updated = story::update(&path, &options(PATIENCE), |story| {
        runs += 1;
        if runs < 4 {
            fs::remove_file(sidecar(&path)).expect("the lock is there in each run");
        }
        story.increment("retry_count", 1)
    })
    .expect("the fourth run succeeds");
    assert_eq!(
        (updated.value, updated.reruns),
        (1, 3),
        "applied once, after three reruns"
    );
    assert_no_leftovers(&sandbox);
}

#[test]
fn update_whose_lock_was_taken_by_another_waits_for_that_one() {
    let sandbox = Sandbox::new();
    let path = story(&sandbox);
    let mut theirs = None;
    let refused = story::update(&path, &options(Duration::from_millis(100)), |story| {
        fs::remove_file(sidecar(&path)).expect("the lock is there");
        theirs = ForeignLock::file(&sidecar(&path)).ok();
        story.increment("retry_count", 1)
    })
    .expect_err("the other one keeps it");
    assert!(
        matches!(refused, UpdateError::Lock(AcquireError::Contended { .. })),
        "the new holder is respected: {refused:?}"
    );
    assert_eq!(sandbox.read("story.md"), STORY, "nothing was written");
    assert!(sidecar(&path).exists(), "their lock was not removed");
    drop(theirs);
    increment(&path).expect("the lock is free again");
    assert_no_leftovers(&sandbox);
}

#[test]
fn update_gives_up_when_its_lock_is_removed_each_time() {
    let sandbox = Sandbox::new();
    let path = story(&sandbox);
    let refused = story::update(&path, &options(Duration::ZERO), |story| {
        fs::remove_file(sidecar(&path)).expect("the lock is there in each run");
        story.increment("retry_count", 1)
    })
    .expect_err("there is no end to it");
    assert!(
        matches!(refused, UpdateError::LockLost { .. }),
        "{refused:?}"
    );
    assert_eq!(
        sandbox.read("story.md"),
        STORY,
        "nothing was written without the lock"
    );
    assert_no_leftovers(&sandbox);
}

#[test]
fn lock_removed_without_harm_is_only_a_warning() {
    let sandbox = Sandbox::new();
    let path = story(&sandbox);
    let updated = story::update(&path, &options(PATIENCE), |_| {
        fs::remove_file(sidecar(&path)).expect("the lock is there");
        Ok::<_, EditError>(())
    })
    .expect("nothing had to be written");
    assert!(
        matches!(
            updated.warnings.as_slice(),
            [Warning::File(locked_file::Warning::Release(_))]
        ),
        "it is told: {:?}",
        updated.warnings
    );
}

#[test]
fn updates_lose_nothing_while_vandals_remove_the_lock() {
    let sandbox = Sandbox::on_tmpfs().unwrap_or_default();
    let path = story(&sandbox);
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..6)
            .map(|_| {
                scope.spawn(|| {
                    for _ in 0..100 {
                        increment(&path).expect("everybody gets a turn");
                    }
                })
            })
            .collect();
        while writers.iter().any(|writer| !writer.is_finished()) {
            fs::remove_file(sidecar(&path)).ok();
            // As often as a tight loop of a script would, and no more than that.
            std::thread::sleep(Duration::from_micros(200));
        }
    });
    let story = story::read(&path).expect("it is a story still");
    assert_eq!(
        get(&story, "retry_count"),
        Some(Value::Int(600)),
        "no increment is lost"
    );
    let temporaries = atomic_file::find_leftovers(sandbox.path()).expect("it can be listed");
    assert!(
        temporaries.is_empty(),
        "no temporary file is left: {temporaries:?}"
    );
}

/// Notes, when it is dropped, what the story is and whether its lock is there.
struct Noting<'a> {
    path: &'a Path,
    seen: &'a RefCell<Vec<(String, bool)>>,
}

impl Drop for Noting<'_> {
    fn drop(&mut self) {
        let text = fs::read_to_string(self.path).expect("the story is there");
        let is_locked = sidecar(self.path).exists();
        self.seen.borrow_mut().push((text, is_locked));
    }
}

#[test]
fn guard_that_an_edit_returns_lives_until_the_change_is_in_place_but_not_while_the_lock_is_acquired_anew()
 {
    let sandbox = Sandbox::new();
    let path = story(&sandbox);
    let seen = RefCell::new(Vec::new());
    let mut runs = 0;
    let updated = story::update(&path, &options(PATIENCE), |story| {
        runs += 1;
        if runs == 1 {
            fs::remove_file(sidecar(&path)).expect("the lock is there");
        }
        story.increment("retry_count", 1)?;
        let (path, seen) = (path.as_path(), &seen);
        Ok::<_, EditError>(Noting { path, seen })
    })
    .expect("the second run succeeds");
    let before = seen.borrow().clone();
    assert_eq!(
        before,
        [(STORY.to_owned(), false)],
        "the first was given back before the wait"
    );
    drop(updated);
    let after = STORY.replace("retry_count: 0", "retry_count: 1");
    assert_eq!(
        seen.borrow()[1],
        (after, false),
        "the second once the change was in place"
    );
}
