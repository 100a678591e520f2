//! Others who change the file between our read and our commit, with no regard for locks.

use std::fs::{self, File, FileTimes, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use atomic_file::{CommitError, replace, replace_if_unchanged};
use testkit::Sandbox;

use crate::support::{fast, names, original};

/// Saves as most editors do: a new file, renamed over the old one.
fn save_by_rename(path: &Path, contents: &str) {
    let temporary = path.with_extension("editor");
    File::create(&temporary)
        .and_then(|mut file| file.write_all(contents.as_bytes()))
        .expect("an editor can save");
    rustix::fs::rename(&temporary, path).expect("an editor can save");
}

/// Saves as the others do: truncated and written in place.
fn save_in_place(path: &Path, contents: &str) {
    File::create(path)
        .and_then(|mut file| file.write_all(contents.as_bytes()))
        .expect("an editor can save");
}

/// Overwrites in place without changing the size.
fn overwrite(path: &Path, contents: &str) {
    OpenOptions::new()
        .write(true)
        .open(path)
        .and_then(|mut file| file.write_all(contents.as_bytes()))
        .expect("an editor can save");
}

fn assert_changed(result: Result<atomic_file::Committed, CommitError>, case: &str) {
    let err = result.expect_err(case);
    assert!(
        matches!(err, CommitError::Changed { .. }),
        "{case} is noticed: {err:?}"
    );
    assert!(err.is_retryable(), "reading again helps");
    assert!(!err.is_committed(), "nothing of ours is in place");
}

type Change = fn(&Path);

/// What others may do to a file, and what it then holds; `None` for a file that is gone.
const CHANGES: [(&str, Change, Option<&str>); 7] = [
    (
        "a save by rename",
        |path| save_by_rename(path, "them"),
        Some("them"),
    ),
    (
        "the same in another file",
        |path| save_by_rename(path, "base"),
        Some("base"),
    ),
    (
        "a save in place",
        |path| save_in_place(path, "theirs"),
        Some("theirs"),
    ),
    (
        "an edit of the same size",
        |path| overwrite(path, "thei"),
        Some("thei"),
    ),
    (
        "a removal",
        |path| fs::remove_file(path).expect("it is there"),
        None,
    ),
    (
        "a change of the mode",
        |path| fs::set_permissions(path, Permissions::from_mode(0o600)).expect("we own it"),
        Some("base"),
    ),
    (
        "a second name",
        |path| fs::hard_link(path, path.with_extension("link")).expect("a link"),
        Some("base"),
    ),
];

#[test]
fn commit_notices_every_kind_of_foreign_change_before_the_stage() {
    for (case, change, expected) in CHANGES {
        let sandbox = Sandbox::new();
        let path = sandbox.write("story.md", "base");
        let original = original(&path);
        assert!(
            original.is_unchanged().expect("it can be looked at"),
            "nobody was here yet"
        );
        change(&path);
        assert!(
            !original.is_unchanged().expect("it can be looked at"),
            "{case} shows"
        );
        assert_changed(replace_if_unchanged(original, b"ours", &fast()), case);
        assert_theirs(&sandbox, case, expected);
    }
}

#[test]
fn commit_notices_every_kind_of_foreign_change_after_the_stage() {
    for (case, change, expected) in CHANGES {
        let sandbox = Sandbox::new();
        let path = sandbox.write("story.md", "base");
        let staged = original(&path)
            .stage(b"ours", &fast())
            .expect("nothing is in the way");
        change(&path);
        assert_changed(staged.commit(), case);
        assert_theirs(&sandbox, case, expected);
    }
}

fn assert_theirs(sandbox: &Sandbox, case: &str, expected: Option<&str>) {
    let now = fs::read_to_string(sandbox.join("story.md")).ok();
    assert_eq!(
        now.as_deref(),
        expected,
        "{case}: their version stays, and a removed file is not resurrected"
    );
    assert_eq!(
        testkit::leftovers(sandbox.path()),
        [] as [&Path; 0],
        "{case}: no litter"
    );
}

#[test]
fn commit_notices_an_edit_that_sets_the_time_back() {
    // What a tool does that keeps modification times: same file, same size, same time, other bytes.
    let sandbox = Sandbox::new();
    let path = sandbox.write("story.md", "base");
    let modified = fs::metadata(&path).and_then(|metadata| metadata.modified());
    let original = original(&path);
    overwrite(&path, "thei");
    let times = FileTimes::new().set_modified(modified.expect("files have times"));
    File::options()
        .write(true)
        .open(&path)
        .and_then(|file| file.set_times(times))
        .expect("we own the file");
    assert_changed(
        replace_if_unchanged(original, b"ours", &fast()),
        "the change time tells",
    );
    assert_eq!(sandbox.read("story.md"), "thei", "their version stays");
}

#[test]
fn dropped_stage_leaves_nothing() {
    let sandbox = Sandbox::new();
    let path = sandbox.write("story.md", "base");
    drop(
        original(&path)
            .stage(b"ours", &fast())
            .expect("nothing is in the way"),
    );
    assert_eq!(sandbox.read("story.md"), "base", "nothing was changed");
    assert_eq!(names(sandbox.path()), ["story.md"], "nothing is left");
}

#[test]
fn replace_does_not_resurrect_a_removed_file() {
    let sandbox = Sandbox::new();
    let refused = replace(&sandbox.join("story.md"), b"ours", &fast());
    assert!(
        matches!(refused, Err(CommitError::NotFound { .. })),
        "a missing file is not created: {refused:?}"
    );
    assert_eq!(names(sandbox.path()), [] as [&str; 0], "nothing is left");
}

/// Commits over and over while an editor without any lock saves now and then. After each save the editor waits until
/// a whole commit of ours has come and gone, and then its save must be there: alone, or with our line added to it.
#[test]
fn commits_against_an_editor_that_renames_lose_none_of_its_saves() {
    if let Some(sandbox) = Sandbox::on_tmpfs() {
        race_with_an_editor(&sandbox, 2000);
    }
    race_with_an_editor(&Sandbox::new(), 100);
}

fn race_with_an_editor(sandbox: &Sandbox, saves: usize) {
    let path = sandbox.write("story.md", "start\n");
    let done = AtomicBool::new(false);
    let tries = AtomicUsize::new(0);
    let (mut ours, mut conflicts) = (0, 0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..saves {
                // Anywhere within a commit of ours, which takes some tens of microseconds.
                for _ in 0..(number * 7919) % 4000 {
                    std::hint::spin_loop();
                }
                save_by_rename(&path, &format!("editor {number}\n"));
                let saved_at = tries.load(Ordering::Acquire);
                while tries.load(Ordering::Acquire) < saved_at + 2 {
                    std::thread::yield_now();
                }
                let text = fs::read_to_string(&path).expect("the name never goes away");
                if !text.starts_with(&format!("editor {number}\n")) {
                    done.store(true, Ordering::Release);
                    panic!("save {number} of the editor is lost; there is {text:?}");
                }
            }
            done.store(true, Ordering::Release);
        });
        while !done.load(Ordering::Acquire) {
            let original = original(&path);
            let first_line = original
                .bytes()
                .split_inclusive(|byte| *byte == b'\n')
                .next();
            let contents = [first_line.unwrap_or_default(), b"ours\n"].concat();
            match replace_if_unchanged(original, &contents, &fast()) {
                Ok(_) => ours += 1,
                Err(CommitError::Changed { .. }) => conflicts += 1,
                Err(err) => panic!("nothing else can happen with one editor: {err:?}"),
            }
            tries.fetch_add(1, Ordering::Release);
        }
    });
    assert!(
        ours > 0 && conflicts > 0,
        "they met: {ours} commits, {conflicts} conflicts"
    );
    assert_eq!(names(sandbox.path()), ["story.md"], "nothing is left");
}
