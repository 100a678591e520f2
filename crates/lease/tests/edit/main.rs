//! Edits by agents through the public face of the crate.

mod desk;
mod holders;
mod others_files;
mod unlocked;

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::time::Duration;

use lease::LeaseError;
use lease::edit::{EditError, Expect, Replacement, Revision};

use desk::{Desk, by, replacement};

#[test]
fn edit_replaces_the_one_piece_and_keeps_everything_else() {
    let desk = Desk::new();
    let path = desk
        .sandbox
        .write("src/main.rs", "fn one() {}\r\nfn two() {}\n");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o751)).expect("it is ours");
    let token = desk.holds("a1", "src");
    let edited = desk.edit("src/main.rs", "two", "2").expect("a1 holds src");
    let text = desk.sandbox.read("src/main.rs");
    assert_eq!(text, "fn one() {}\r\nfn 2() {}\n", "only the piece changed");
    let mode = path.metadata().expect("it is there").mode() & 0o7777;
    assert_eq!(mode, 0o751, "the mode is kept");
    assert!(edited.changed, "and that is told");
    assert_eq!(
        edited.revision,
        Revision::of(text.as_bytes()),
        "with the revision"
    );
    assert_eq!(edited.token, Some(token), "and the lease that proved it");
    assert_eq!(edited.location, path, "and the place");
    desk.assert_tidy();
}

#[test]
fn edit_follows_links_and_leases_what_is_behind_them() {
    let desk = Desk::new();
    desk.sandbox.write("real/file.txt", "old");
    desk.sandbox.write("real/other.txt", "old");
    symlink("real/file.txt", desk.sandbox.join("link.txt")).expect("a link");
    desk.holds("a1", "link.txt");
    let refused = desk.edit("real/other.txt", "old", "new");
    assert!(
        matches!(refused, Err(EditError::Lease(LeaseError::NotHeld { .. }))),
        "a1 holds what is behind the link, nothing more: {refused:?}"
    );
    let edited = desk.edit("link.txt", "old", "new").expect("a1 holds it");
    assert_eq!(
        edited.path.as_str(),
        "real/file.txt",
        "the file behind the link"
    );
    assert!(
        desk.sandbox.join("link.txt").is_symlink(),
        "the link stays a link"
    );
    assert_eq!(
        desk.sandbox.read("real/file.txt"),
        "new",
        "the file is edited"
    );
    desk.assert_tidy();
}

#[test]
fn edit_that_changes_no_byte_writes_nothing() {
    let desk = Desk::new();
    let path = desk.sandbox.write("a.txt", "same");
    let before = path.metadata().expect("it is there").ino();
    desk.holds("a1", "a.txt");
    let edited = desk.edit("a.txt", "same", "same").expect("it is there");
    let written = desk
        .write("a.txt", "same", Expect::Anything)
        .expect("it may be");
    let after = path.metadata().expect("it is there").ino();
    assert!(!edited.changed && !written.changed, "nothing changed");
    assert_eq!(before, after, "the file was not replaced");
    assert_eq!(
        edited.revision,
        Revision::of(b"same"),
        "its revision is told"
    );
}

type Expected = fn(&EditError) -> bool;

#[test]
fn edit_of_what_is_not_as_the_agent_thinks_is_refused_and_changes_nothing() {
    let desk = Desk::new();
    desk.sandbox.write("a.txt", "x\ny\nx\n");
    desk.holds("a1", ".");
    let table: [(Replacement, Expected); 5] = [
        (replacement("a.txt", "z", "1"), |err| {
            matches!(err, EditError::NotFound { .. })
        }),
        (
            replacement("a.txt", "x", "1"),
            |err| matches!(err, EditError::Ambiguous { count: 2, lines, .. } if *lines == [1, 3]),
        ),
        (replacement("a.txt", "", "1"), |err| {
            matches!(err, EditError::NothingToFind)
        }),
        (replacement("b.txt", "x", "1"), |err| {
            matches!(err, EditError::Missing { .. })
        }),
        (
            Replacement {
                if_revision: Some((&Revision::of(b"other")).into()),
                ..replacement("a.txt", "y", "1")
            },
            |err| {
                let now = Revision::of(b"x\ny\nx\n");
                matches!(err, EditError::RevisionDiffers { found, .. } if *found == now)
            },
        ),
    ];
    for (edit, is_expected) in table {
        let refused = desk.replace(&edit, &by("a1")).expect_err("it is refused");
        assert!(
            is_expected(&refused),
            "{edit:?} is refused for its reason: {refused:?}"
        );
        let is_final = !refused.is_committed() && !refused.is_retryable();
        assert!(
            is_final,
            "reading again helps, repeating does not: {refused}"
        );
    }
    assert_eq!(
        desk.sandbox.read("a.txt"),
        "x\ny\nx\n",
        "nothing was changed"
    );
    assert!(!desk.sandbox.join("b.txt").exists(), "nothing was made");
    desk.assert_tidy();
}

#[test]
fn edit_with_the_right_revision_is_made() {
    let desk = Desk::new();
    desk.sandbox.write("a.txt", "abc");
    desk.holds("a1", "a.txt");
    let edit = Replacement {
        if_revision: Some("BA7816BF8F01".parse().expect("twelve digits")),
        ..replacement("a.txt", "b", "B")
    };
    desk.replace(&edit, &by("a1")).expect("it is that version");
    assert_eq!(desk.sandbox.read("a.txt"), "aBc", "it is edited");
}

#[test]
fn write_expects_what_it_is_told_to_expect() {
    let desk = Desk::new();
    desk.holds("a1", ".");
    let made = desk
        .write("new.txt", "one", Expect::Absent)
        .expect("nothing is there");
    assert!(made.changed, "it was made");
    let exists = desk.write("new.txt", "two", Expect::Absent);
    assert!(
        matches!(exists, Err(EditError::Exists { .. })),
        "once only: {exists:?}"
    );
    let other = Expect::Revision((&Revision::of(b"else")).into());
    let differs = desk.write("new.txt", "two", other.clone());
    assert!(
        matches!(differs, Err(EditError::RevisionDiffers { .. })),
        "another version: {differs:?}"
    );
    let missing = desk.write("none.txt", "two", other);
    assert!(
        matches!(missing, Err(EditError::Missing { .. })),
        "no version at all: {missing:?}"
    );
    assert_eq!(
        desk.sandbox.read("new.txt"),
        "one",
        "what was refused changed nothing"
    );
    let same = Expect::Revision((&made.revision).into());
    desk.write("new.txt", "two", same)
        .expect("it is that version");
    assert_eq!(desk.sandbox.read("new.txt"), "two", "it was written");
    desk.write("new.txt", "three", Expect::Anything)
        .expect("whatever is there");
    desk.write("more.txt", "three", Expect::Anything)
        .expect("or not");
    assert_eq!(desk.sandbox.read("more.txt"), "three", "it was made");
    desk.assert_tidy();
}

#[test]
fn file_that_is_made_gets_the_mode_of_new_files_and_needs_its_folder() {
    let desk = Desk::new();
    desk.holds("a1", ".");
    let plain = desk
        .sandbox
        .write("plain", "")
        .metadata()
        .expect("it is there")
        .mode();
    let made = desk
        .write("made.sh", "text", Expect::Absent)
        .expect("it is free");
    let mode = made.location.metadata().expect("it is there").mode();
    assert_eq!(mode, plain, "as any new file");
    let refused = desk.write("no/folder/a.txt", "text", Expect::Absent);
    assert!(
        matches!(&refused, Err(EditError::Lock(err)) if err.path().ends_with("no/folder/a.txt")),
        "its folder is missing, and that is said: {refused:?}"
    );
    assert!(!desk.sandbox.join("no").exists(), "no folder is made");
}

#[test]
fn hard_linked_file_is_refused() {
    let desk = Desk::new();
    let path = desk.sandbox.write("a.txt", "old");
    std::fs::hard_link(&path, desk.sandbox.join("b.txt")).expect("a second name");
    desk.holds("a1", "a.txt");
    let refused = desk.edit("a.txt", "old", "new");
    assert!(
        matches!(
            refused,
            Err(EditError::Commit(
                atomic_file::CommitError::HardLinked { .. }
            ))
        ),
        "the other name would go on showing the old text: {refused:?}"
    );
    assert_eq!(desk.sandbox.read("a.txt"), "old", "nothing was changed");
    desk.assert_tidy();
}

#[test]
fn many_edits_of_one_agent_at_once_are_all_there() {
    const EDITORS: usize = 16;
    const EACH: usize = 5;
    let desk = Desk::new();
    let pieces = |mark: &str| -> String {
        let piece = |piece| format!("<{piece}{mark}>\n");
        (0..EDITORS * EACH).map(piece).collect()
    };
    desk.sandbox.write("a.txt", pieces(" old"));
    desk.holds("a1", "a.txt");
    let edit = |piece: usize| {
        let (old, new) = (format!("<{piece} old>"), format!("<{piece} new>"));
        desk.edit("a.txt", &old, &new)
            .expect("its turn comes")
            .waited
    };
    let waits: Vec<Duration> = std::thread::scope(|scope| {
        let of = |editor: usize| (0..EACH).map(|each| edit(editor * EACH + each)).sum();
        let editors: Vec<_> = (0..EDITORS)
            .map(|editor| scope.spawn(move || of(editor)))
            .collect();
        let ended = editors.into_iter().map(std::thread::ScopedJoinHandle::join);
        ended
            .map(|waited| waited.expect("each edit is made"))
            .collect()
    });
    assert_eq!(
        desk.sandbox.read("a.txt"),
        pieces(" new"),
        "no edit was lost"
    );
    let waited = waits.iter().filter(|wait| !wait.is_zero()).count();
    assert!(waited > 1, "they were in each other's way: {waits:?}");
    desk.assert_tidy();
}
