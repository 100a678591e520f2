//! One update by itself: what it changes, what it leaves alone, what it refuses.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};

use atomic_file::{CommitError, HardLinks};
use sidecar_lock::AcquireError;
use story::{EditError, ReadError, UpdateError, UpdateOptions, Value};
use testkit::Sandbox;

use crate::support::{
    PATIENCE, STORY, assert_no_leftovers, get, increment, options, sidecar, story,
};

#[test]
fn update_changes_what_the_closure_changes_and_nothing_else() {
    let sandbox = Sandbox::new();
    let path = story(&sandbox);
    let updated = story::update(&path, &UpdateOptions::default(), |story| {
        story.set("status", "done")?;
        story.increment("retry_count", 2)
    })
    .expect("nobody is in the way");
    assert_eq!(updated.value, 2, "the closure's value is passed on");
    assert!(updated.changed(), "the story was replaced");
    assert_eq!(updated.before.as_str(), Some(STORY), "what it was");
    let expected = STORY
        .replace("pending", "done")
        .replace("retry_count: 0", "retry_count: 2");
    assert_eq!(
        sandbox.read("story.md"),
        expected,
        "only the two values differ"
    );
    assert_eq!(
        updated.after.as_str(),
        Some(expected.as_str()),
        "what it is"
    );
    assert_eq!(updated.path, path, "the path is the canonical one");
    assert_eq!(updated.reruns, 0, "once was enough");
    assert!(
        updated.warnings.is_empty(),
        "nothing to warn about: {:?}",
        updated.warnings
    );
    assert!(updated.took_over.is_none(), "no lock was left over");
    assert_no_leftovers(&sandbox);
}

#[test]
fn update_that_changes_nothing_writes_nothing() {
    let sandbox = Sandbox::new();
    let path = story(&sandbox);
    let before = fs::metadata(&path).expect("it is there");
    let updated = story::update(&path, &options(PATIENCE), |story| {
        story.set("status", "pending")
    })
    .expect("nobody is in the way");
    assert!(!updated.changed(), "the value was there already");
    let after = fs::metadata(&path).expect("it is there");
    assert_eq!(
        (before.ino(), before.ctime_nsec()),
        (after.ino(), after.ctime_nsec()),
        "the file was not touched"
    );
    assert_no_leftovers(&sandbox);
}

#[test]
fn update_that_the_closure_refuses_writes_nothing() {
    let sandbox = Sandbox::new();
    let path = story(&sandbox);
    let refused = story::update(&path, &options(PATIENCE), |story| {
        story.set("status", "done")?;
        story.increment("status", 1)
    })
    .expect_err("a text cannot be incremented");
    assert!(
        matches!(refused, UpdateError::Edit(EditError::Type { .. })),
        "{refused:?}"
    );
    assert!(
        !refused.is_retryable() && !refused.is_committed(),
        "it is final"
    );
    assert_eq!(sandbox.read("story.md"), STORY, "the story is as it was");
    assert_no_leftovers(&sandbox);
}

#[test]
fn update_through_a_link_changes_the_file_behind_it() {
    let sandbox = Sandbox::new();
    let path = sandbox.write("real/story.md", STORY);
    symlink("real/story.md", sandbox.join("link.md")).expect("a link");
    let updated = story::update(&sandbox.join("link.md"), &options(PATIENCE), |story| {
        assert!(sidecar(&path).exists(), "the lock is that of the real file");
        story.increment("retry_count", 1)
    })
    .expect("a link is no obstacle");
    assert_eq!(updated.path, path, "the path is the real one");
    assert!(
        sandbox.join("link.md").is_symlink(),
        "the link is a link still"
    );
    assert_eq!(
        get(&story::read(&path).expect("readable"), "retry_count"),
        Some(Value::Int(1)),
        "the real file changed"
    );
    assert_no_leftovers(&sandbox);
}

#[test]
fn link_to_what_is_no_story_is_refused_and_no_lock_made_beside_that() {
    let sandbox = Sandbox::new();
    let elsewhere = sandbox.write("elsewhere/passwd", "root:x:0:0\n");
    let folder = sandbox.join("elsewhere");
    let link = sandbox.join("story.md");
    let modified =
        |path: &std::path::Path| fs::metadata(path).expect("it is there").modified().ok();
    for (target, what) in [(&elsewhere, "a file"), (&folder, "a folder")] {
        symlink(target, &link).expect("a link");
        let before = (modified(&folder), modified(sandbox.path()));
        let refused = story::update(&link, &options(PATIENCE), |story| {
            story.increment("retry_count", 1)
        });
        assert!(
            matches!(refused, Err(UpdateError::Read(_))),
            "{what} is no story: {refused:?}"
        );
        story::read_locked(&link, &options(PATIENCE).lock).expect_err("nor is it to a reader");
        let after = (modified(&folder), modified(sandbox.path()));
        assert_eq!(
            after, before,
            "nothing was made where the link to {what} leads"
        );
        fs::remove_file(&link).expect("the link is there");
    }
}

#[test]
fn update_of_a_hard_linked_story_is_refused_unless_asked_for() {
    let sandbox = Sandbox::new();
    let path = story(&sandbox);
    fs::hard_link(&path, sandbox.join("other.md")).expect("a link");
    let refused = increment(&path).expect_err("the other name would keep the old contents");
    assert!(
        matches!(
            refused,
            UpdateError::Commit(CommitError::HardLinked { links: 2, .. })
        ),
        "{refused:?}"
    );
    let breaking = UpdateOptions {
        hard_links: HardLinks::Break,
        ..options(PATIENCE)
    };
    story::update(&path, &breaking, |story| story.increment("retry_count", 1))
        .expect("it was asked for");
    assert_eq!(
        sandbox.read("other.md"),
        STORY,
        "the other name keeps the old contents"
    );
    assert_no_leftovers(&sandbox);
}

#[test]
fn update_that_would_make_a_story_too_large_to_be_read_is_refused() {
    let sandbox = Sandbox::new();
    let path = story(&sandbox);
    let body = "x".repeat(64 * 1024 * 1024);
    let refused = story::update(&path, &options(PATIENCE), |story| {
        story.set_body(&body);
        Ok::<_, EditError>(())
    });
    assert!(
        matches!(refused, Err(UpdateError::TooLarge { .. })),
        "nobody could read it again: {:?}",
        refused.map(|updated| updated.path)
    );
    assert_eq!(sandbox.read("story.md"), STORY, "the story is as it was");
}

#[test]
fn update_of_what_is_no_story_says_what_it_is() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.join("folder")).expect("a folder");
    sandbox.write("plain.md", "# no frontmatter\n");
    sandbox.write("empty.md", "");
    let error = |name: &str| increment(&sandbox.join(name)).expect_err("it is no story");
    let missing = error("missing.md");
    assert!(
        matches!(
            missing,
            UpdateError::Read(ReadError::File(atomic_file::ReadError::NotFound { .. }))
        ),
        "{missing:?}"
    );
    let folder = error("folder");
    assert!(
        matches!(
            folder,
            UpdateError::Read(ReadError::File(atomic_file::ReadError::NotRegular { .. }))
        ),
        "{folder:?}"
    );
    for name in ["plain.md", "empty.md"] {
        let refused = error(name);
        assert!(
            matches!(refused, UpdateError::Read(ReadError::Parse { .. })),
            "{name}: {refused:?}"
        );
        assert!(
            refused.to_string().contains(name),
            "the message names the file: {refused}"
        );
    }
    let no_folder = error("missing/story.md");
    assert!(
        matches!(
            no_folder,
            UpdateError::Lock(AcquireError::NoSuchFolder { .. })
        ),
        "{no_folder:?}"
    );
    assert_no_leftovers(&sandbox);
}

#[test]
fn update_within_an_update_of_the_same_story_is_an_error_at_once() {
    let sandbox = Sandbox::new();
    let path = story(&sandbox);
    let outer = story::update(&path, &options(PATIENCE), |story| {
        let inner = increment(&path).expect_err("it would wait for itself");
        assert!(
            matches!(inner, UpdateError::Lock(AcquireError::Nested { .. })),
            "{inner:?}"
        );
        story.increment("retry_count", 1)
    });
    assert_eq!(
        outer.expect("the outer one goes on").value,
        1,
        "one increment"
    );
    assert_no_leftovers(&sandbox);
}

#[test]
fn updates_by_many_threads_lose_no_increment() {
    let sandbox = Sandbox::new();
    let path = story(&sandbox);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..20 {
                    increment(&path).expect("everybody gets a turn");
                }
            });
        }
    });
    let story = story::read(&path).expect("it is a story still");
    assert_eq!(
        get(&story, "retry_count"),
        Some(Value::Int(160)),
        "no increment is lost"
    );
    assert_no_leftovers(&sandbox);
}
