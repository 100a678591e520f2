//! Files beside a story: changed under its lock, in the folder that was locked, and only there.

use std::convert::Infallible;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use atomic_file::ReadError as FileError;
use sidecar_lock::SidecarLock;
use story::{
    FoundBeside, MAX_STORY_BYTES, Next, ReadError, Revision, UpdateError, UpdatedBeside,
    read_beside, update_beside,
};
use testkit::Sandbox;

use crate::support::{PATIENCE, STORY, assert_no_leftovers, lock_options, options, sidecar, story};

const NAME: &str = "notes.md";

/// Appends a text to the file, or makes it.
fn append(path: &Path, text: &str) -> Result<UpdatedBeside<()>, UpdateError<Infallible>> {
    update_beside(path, NAME, &options(PATIENCE), |found| {
        Ok(((), Next::Written(appended(&found, text))))
    })
}

fn appended(found: &FoundBeside<'_>, text: &str) -> Vec<u8> {
    [found.contents.unwrap_or_default(), text.as_bytes()].concat()
}

/// Renames as people do.
fn rename(from: PathBuf, to: PathBuf) {
    let moved = std::process::Command::new("mv").arg(from).arg(to).status();
    assert!(
        moved.is_ok_and(|status| status.success()),
        "it can be moved"
    );
}

#[test]
fn file_is_created_changed_kept_and_removed_and_the_story_stays() {
    let sandbox = Sandbox::new();
    let path = story(&sandbox);
    let created = append(&path, "one").expect("nothing is in the way");
    assert!(created.changed, "it was created");
    assert_eq!(created.path, sandbox.join(NAME), "beside the story");
    append(&path, " two").expect("nothing is in the way");
    assert_eq!(sandbox.read(NAME), "one two", "both texts");
    let kept = append(&path, "").expect("nothing is in the way");
    assert!(!kept.changed, "equal contents are not written");
    assert_eq!(
        kept.contents.as_deref(),
        Some(&b"one two"[..]),
        "they are told"
    );
    let read = read_beside(&path, NAME).expect("it can be read");
    assert_eq!(read.as_deref(), Some(&b"one two"[..]), "and can be read");
    for was_there in [true, false] {
        let removed = update_beside(&path, NAME, &options(PATIENCE), |found| {
            assert_eq!(found.contents.is_some(), was_there, "what it finds");
            assert_eq!(
                found.story_revision(),
                Revision::of(STORY.as_bytes()),
                "the story"
            );
            Ok::<_, Infallible>(((), Next::Removed))
        })
        .expect("nothing is in the way");
        assert_eq!(
            removed.changed, was_there,
            "only what is there can be removed"
        );
        assert_eq!(removed.contents, None, "it is gone");
    }
    assert_eq!(
        read_beside(&path, NAME).expect("a folder"),
        None,
        "there is none"
    );
    assert_eq!(sandbox.read("story.md"), STORY, "the story is not touched");
    assert_no_leftovers(&sandbox);
}

#[test]
fn edit_runs_again_on_what_somebody_did_meanwhile() {
    type Meddle = fn(&Sandbox);
    let write: Meddle = |sandbox| {
        sandbox.write(NAME, "theirs");
    };
    let remove: Meddle = |sandbox| fs::remove_file(sandbox.join(NAME)).expect("it is there");
    let table: [(Option<&str>, Meddle, &str); 3] = [
        (None, write, "theirs ours"),
        (Some("old"), write, "theirs ours"),
        (Some("old"), remove, " ours"),
    ];
    for (before, meddle, expected) in table {
        let sandbox = Sandbox::new();
        let path = story(&sandbox);
        before.map(|text| sandbox.write(NAME, text));
        let mut runs = 0;
        let updated = update_beside(&path, NAME, &options(PATIENCE), |found| {
            runs += 1;
            if runs == 1 {
                meddle(&sandbox);
            }
            Ok::<_, Infallible>(((), Next::Written(appended(&found, " ours"))))
        })
        .expect("the second run succeeds");
        assert_eq!((runs, updated.reruns), (2, 1), "one rerun, and it is told");
        assert_eq!(
            sandbox.read(NAME),
            expected,
            "nothing of theirs is lost: {before:?}"
        );
        assert_no_leftovers(&sandbox);
    }
}

#[test]
fn removal_spares_what_somebody_wrote_meanwhile() {
    let sandbox = Sandbox::new();
    let path = story(&sandbox);
    sandbox.write(NAME, "old");
    let mut runs = 0;
    update_beside(&path, NAME, &options(PATIENCE), |found| {
        runs += 1;
        if runs == 1 {
            sandbox.write(NAME, "newer than that");
        }
        let is_old = found.contents == Some(b"old");
        Ok::<_, Infallible>(((), if is_old { Next::Removed } else { Next::Kept }))
    })
    .expect("the second run succeeds");
    assert_eq!(
        sandbox.read(NAME),
        "newer than that",
        "only what was seen is removed"
    );
}

#[test]
fn lock_is_that_of_the_story() {
    let sandbox = Sandbox::new();
    let path = story(&sandbox);
    append(&path, "one").expect("nothing is in the way");
    update_beside(&path, NAME, &options(PATIENCE), |_| {
        assert!(sidecar(&path).exists(), "it is held");
        assert!(!sidecar(&sandbox.join(NAME)).exists(), "and no other");
        Ok::<_, Infallible>(((), Next::Kept))
    })
    .expect("nothing is in the way");
    let lock = SidecarLock::new(&path).expect("a path");
    let guard = lock.acquire(&lock_options(PATIENCE)).expect("it is free");
    let refused = std::thread::scope(|scope| {
        let other = || {
            update_beside(&path, NAME, &options(std::time::Duration::ZERO), |_| {
                Ok::<_, Infallible>(((), Next::Removed))
            })
        };
        scope.spawn(other).join().expect("no panic")
    });
    assert!(
        matches!(refused, Err(UpdateError::Lock(_))),
        "while a writer of the story has it: {refused:?}"
    );
    let token = guard.holder().token.clone();
    let inherited = story::UpdateOptions {
        inherited_token: Some(token),
        ..options(PATIENCE)
    };
    update_beside(&path, NAME, &inherited, |found| {
        Ok::<_, Infallible>(((), Next::Written(appended(&found, " two"))))
    })
    .expect("a child works under it");
    assert_eq!(sandbox.read(NAME), "one two", "and its change is there");
}

#[test]
fn update_happens_in_the_folder_that_was_locked() {
    let sandbox = Sandbox::new();
    let path = sandbox.write("folder/story.md", STORY);
    sandbox.write("elsewhere/story.md", STORY);
    update_beside(&path, NAME, &options(PATIENCE), |_| {
        rename(sandbox.join("folder"), sandbox.join("moved"));
        symlink("elsewhere", sandbox.join("folder")).expect("a link");
        Ok::<_, Infallible>(((), Next::Written(b"text".to_vec())))
    })
    .expect("the lock is held in that folder");
    assert_eq!(
        sandbox.read("moved/notes.md"),
        "text",
        "it is written there, whatever that is called by now"
    );
    assert!(
        !sandbox.join("elsewhere/notes.md").exists(),
        "nothing is written where the path leads by now"
    );
}

#[test]
fn links_and_other_things_in_the_place_of_the_file_are_refused() {
    let sandbox = Sandbox::new();
    let path = story(&sandbox);
    sandbox.write("target", "theirs");
    symlink("target", sandbox.join(NAME)).expect("a link");
    let is_refused = |what: &str| {
        let refused = append(&path, "ours").expect_err(what);
        let is_it = |err: &ReadError| matches!(err, ReadError::File(FileError::NotRegular { .. }));
        assert!(
            matches!(&refused, UpdateError::Read(err) if is_it(err)),
            "{what}: {refused:?}"
        );
        let refused = read_beside(&path, NAME).expect_err(what);
        assert!(is_it(&refused), "{what} is not read either: {refused:?}");
    };
    is_refused("a link");
    fs::remove_file(sandbox.join(NAME)).expect("it is there");
    symlink("nowhere", sandbox.join(NAME)).expect("a link");
    is_refused("a link to nothing");
    assert!(
        !sandbox.join("nowhere").exists(),
        "nothing is made behind it"
    );
    fs::remove_file(sandbox.join(NAME)).expect("it is there");
    fs::create_dir(sandbox.join(NAME)).expect("a folder");
    is_refused("a folder");
    assert_eq!(
        sandbox.read("target"),
        "theirs",
        "nothing behind a link changes"
    );
    assert_no_leftovers(&sandbox);
}

#[test]
fn names_that_lead_elsewhere_and_stories_that_are_not_there_are_refused() {
    let sandbox = Sandbox::new();
    let path = sandbox.write("folder/story.md", STORY);
    for name in ["", ".", "..", "../x", "a/b", "/x", "story.md", "a/", "./a"] {
        let refused = update_beside(&path, name, &options(PATIENCE), |_| {
            Ok::<_, Infallible>(((), Next::Written(b"x".to_vec())))
        });
        assert!(
            matches!(refused, Err(UpdateError::Read(_))),
            "{name:?}: {refused:?}"
        );
    }
    assert_eq!(
        fs::read_dir(sandbox.path()).expect("a folder").count(),
        1,
        "nothing outside"
    );
    fs::create_dir(sandbox.join("empty")).expect("a folder can be made");
    let missing = sandbox.join("empty/story.md");
    let refused = append(&missing, "x");
    assert!(
        matches!(
            &refused,
            Err(UpdateError::Read(ReadError::File(
                FileError::NotFound { .. }
            )))
        ),
        "no story, no file beside it: {refused:?}"
    );
    assert_no_leftovers(&sandbox);
}

#[test]
fn what_would_be_too_large_to_be_read_again_is_refused() {
    let sandbox = Sandbox::new();
    let path = story(&sandbox);
    let size = usize::try_from(MAX_STORY_BYTES).expect("it fits") + 1;
    let refused = update_beside(&path, NAME, &options(PATIENCE), |_| {
        Ok::<_, Infallible>(((), Next::Written(vec![b'x'; size])))
    });
    assert!(
        matches!(refused, Err(UpdateError::TooLarge { .. })),
        "{refused:?}"
    );
    assert!(!sandbox.join(NAME).exists(), "nothing is written");
    assert_no_leftovers(&sandbox);
}
