//! Transactions that were cut off, as if their process had died right after the decision.

use std::fs;
use std::path::PathBuf;

use atomic_file::CommitOptions;
use sidecar_lock::LockOptions;
use testkit::Sandbox;

use super::{finish_all, set_aside, unfinished, update_together};
use crate::workspace::LegacyFolder;
use crate::{
    Dating, Document, EditError, UpdateOptions, Warning, Workspace, read, relocate, update,
};

const IDS: [&str; 2] = ["S-1", "S-2"];
const BEFORE: &str = "---\nstatus: ready # by hand\nn: 1\n---\nbody\n";
const AFTER: &str = "---\nstatus: ready # by hand\nn: 2\n---\nbody\n";

struct Root {
    _sandbox: Sandbox,
    path: PathBuf,
}

impl Root {
    /// Two stories as they were before, and a transaction that is decided and not begun: its record has the form that every
    /// version of this program has written.
    fn cut_off() -> Self {
        let sandbox = Sandbox::new();
        let path = sandbox.path().canonicalize().expect("the sandbox is there");
        let part = |id| {
            let path = format!("stories/{id}/story.md");
            sandbox.write(&path, BEFORE);
            let (before, after) = (BEFORE.len(), AFTER.len());
            format!(r#"{{"path":"{path}","before":{before},"after":{after}}}"#)
        };
        let parts = IDS.map(part).join(",");
        let record = format!("{{\"v\":1,\"parts\":[{parts}]}}\n{BEFORE}{AFTER}{BEFORE}{AFTER}");
        sandbox.write("journal/pending/0123456789abcdef.transaction", record);
        Self {
            _sandbox: sandbox,
            path,
        }
    }

    fn story(&self, id: &str) -> PathBuf {
        self.path.join("stories").join(id).join("story.md")
    }

    fn text(&self, id: &str) -> String {
        fs::read_to_string(self.story(id)).expect("the story is there")
    }

    fn pending(&self) -> bool {
        self.path.join("journal/pending").exists()
    }

    /// Saves a story in place of what is there, as an editor does that takes no lock.
    fn save(&self, id: &str, text: &str) {
        atomic_file::replace(&self.story(id), text.as_bytes(), &CommitOptions::default())
            .expect("it can be replaced");
    }
}

#[test]
fn decided_transaction_is_shown_before_it_is_in_the_files() {
    let root = Root::cut_off();
    for id in IDS {
        let shown = read(&root.story(id)).expect("a story");
        assert_eq!(shown.as_str(), Some(AFTER), "{id} is shown as decided");
        assert_eq!(root.text(id), BEFORE, "and not written by a reader");
    }
    let waiting = unfinished(&root.path).expect("it can be looked for");
    assert_eq!(waiting.len(), 1, "one transaction waits: {waiting:?}");
    assert_eq!(waiting[0].stories.len(), 2, "for two stories: {waiting:?}");
}

#[test]
fn update_finishes_its_own_story_first_and_the_last_one_takes_the_record_away() {
    let root = Root::cut_off();
    for id in IDS {
        assert!(root.pending(), "the transaction waits for {id}");
        let updated = update(&root.story(id), &UpdateOptions::default(), |story| {
            story.increment("n", 1)
        })
        .expect("an update");
        assert_eq!(updated.value, 3, "on what was decided for {id}");
        assert!(
            matches!(
                updated.warnings[..],
                [Warning::File(locked_file::Warning::Finished { .. })]
            ),
            "it is told: {:?}",
            updated.warnings
        );
    }
    assert!(!root.pending(), "nothing waits any more");
}

#[test]
fn story_that_is_moved_takes_along_what_was_decided_for_it() {
    let root = Root::cut_off();
    let with_id = |text: &str| text.replace("status", "id: S-1\nstatus");
    root.save("S-1", &with_id(BEFORE));
    let moved = relocate(
        &root.story("S-1"),
        &Workspace::new(&root.path),
        LegacyFolder::Ready,
        Dating::Left,
        (&LockOptions::default(), &CommitOptions::default()),
    )
    .expect("it can be moved");
    assert_eq!(
        moved.story.count("n"),
        Some(2),
        "half of a transaction must not be lost: {:?}",
        moved.story.as_str()
    );
    assert!(
        matches!(
            moved.warnings[..],
            [Warning::File(locked_file::Warning::Finished { .. })]
        ),
        "it is told: {:?}",
        moved.warnings
    );
    update(&root.story("S-2"), &UpdateOptions::default(), |story| {
        story.increment("n", 1)
    })
    .expect("an update");
    assert!(!root.pending(), "nothing waits any more");
}

#[test]
fn change_of_somebody_else_is_merged_with_what_was_decided() {
    let root = Root::cut_off();
    root.save("S-1", &BEFORE.replace("ready", "blocked"));
    let warnings = finish_all(&root.path, &LockOptions::default()).expect("it can be finished");
    assert_eq!(warnings.len(), 2, "both are finished: {warnings:?}");
    assert_eq!(
        root.text("S-1"),
        AFTER.replace("ready", "blocked"),
        "both changes are there"
    );
    assert_eq!(root.text("S-2"), AFTER, "the other is as decided");
    assert!(!root.pending(), "nothing waits any more");
}

#[test]
fn what_was_in_place_before_somebody_else_changed_the_story_is_not_done_twice() {
    let root = Root::cut_off();
    let theirs = AFTER.replace("ready", "blocked");
    root.save("S-1", &theirs);
    let warnings = finish_all(&root.path, &LockOptions::default()).expect("it can be finished");
    assert_eq!(root.text("S-1"), theirs, "counted once: {warnings:?}");
    assert!(!root.pending(), "nothing waits any more");
}

#[test]
fn change_of_the_same_by_somebody_else_stays_and_ours_is_kept_aside() {
    let root = Root::cut_off();
    let theirs = BEFORE.replace("n: 1", "n: many");
    root.save("S-1", &theirs);
    let warnings = finish_all(&root.path, &LockOptions::default()).expect("it can be finished");
    let kept = warnings.iter().find_map(|warning| match warning {
        Warning::File(locked_file::Warning::SetAside { kept, .. }) => Some(kept),
        _ => None,
    });
    let kept = kept.expect("it is told where ours is");
    assert_eq!(root.text("S-1"), theirs, "theirs stays");
    let found = set_aside(&root.path).expect("it can be looked for");
    assert_eq!(found, std::slice::from_ref(kept), "and found again");
    let ours = fs::read_to_string(kept).expect("it is there");
    assert_eq!(ours, AFTER, "ours is kept");
    assert_eq!(root.text("S-2"), AFTER, "the other is as decided");
    let waiting = unfinished(&root.path).expect("it can be looked for");
    assert!(waiting.is_empty(), "nobody tries it again: {waiting:?}");
}

#[test]
fn story_that_was_removed_stays_removed() {
    let root = Root::cut_off();
    fs::remove_file(root.story("S-1")).expect("it is there");
    let paths = [root.story("S-2")];
    let paths: Vec<_> = paths.iter().map(PathBuf::as_path).collect();
    let updated = update_together(&paths, &UpdateOptions::default(), |_, story| {
        Ok::<_, EditError>(Document::count(story, "n"))
    })
    .expect("it is finished first");
    assert_eq!(updated[0].value, Some(2), "what was decided");
    finish_all(&root.path, &LockOptions::default()).expect("it can be finished");
    assert!(!root.story("S-1").exists(), "it does not come back");
    assert!(!root.pending(), "nothing waits any more");
}
