//! What dead writers leave: ours is removed, a person's work is put back or kept, a living writer is left alone.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use atomic_file::{find_leftovers, is_rescued_name, is_temporary_name, replace, sweep, sweep_file};
use rustix::fs::{FlockOperation, flock};
use testkit::{Sandbox, skip};

use crate::support::{fast, names, original, update};

/// The documented form of a temporary name: `.NAME.<own>.<base>.<random>.atomic-tmp`.
fn temporary(sandbox: &Sandbox, name: &str, own: &str, base: &str) -> PathBuf {
    sandbox.join(format!(".{name}.{own}.{base}.0123456789abcdef.atomic-tmp"))
}

/// How such a name speaks of a version: inode, size and modification time in hexadecimal.
fn mark(path: &Path) -> String {
    let metadata = fs::metadata(path).expect("it is there");
    let modified = metadata.mtime() * 1_000_000_000 + metadata.mtime_nsec();
    format!("{:x}-{:x}-{modified:x}", metadata.ino(), metadata.size())
}

/// A version that no file has.
const OTHER: &str = "1-2-3";

fn rename(from: &Path, to: &Path) {
    rustix::fs::rename(from, to).expect("both are in one folder");
}

#[test]
fn sweep_removes_a_new_version_that_was_never_in_place() {
    let sandbox = Sandbox::new();
    sandbox.write("story.md", "old");
    let unfinished = sandbox.write("unfinished", "new");
    let linked = temporary(&sandbox, "story.md", &mark(&unfinished), OTHER);
    rename(&unfinished, &linked);
    // As on file systems without anonymous files, where a temporary has a name while it is written.
    let partial = temporary(&sandbox, "story.md", "0", "x");
    rename(&sandbox.write("partial", "ne"), &partial);
    let swept = sweep(sandbox.path()).expect("nothing is in the way");
    assert!(!swept.busy, "nobody is at work");
    let mut removed = swept.removed;
    removed.sort();
    let mut expected = vec![linked, partial];
    expected.sort();
    assert_eq!(
        removed, expected,
        "both are removed, and reported by the names they had"
    );
    assert_eq!(
        sandbox.read("story.md"),
        "old",
        "the file itself is untouched"
    );
    assert_eq!(names(sandbox.path()), ["story.md"], "nothing is left");
}

#[test]
fn sweep_removes_the_old_version_that_a_commit_displaced() {
    let sandbox = Sandbox::new();
    sandbox.write("story.md", "new");
    let base = sandbox.write("base", "old");
    let own = mark(&sandbox.join("story.md"));
    rename(&base, &temporary(&sandbox, "story.md", &own, &mark(&base)));
    let swept = sweep(sandbox.path()).expect("nothing is in the way");
    assert_eq!(swept.removed.len(), 1, "the old version goes");
    assert_eq!(sandbox.read("story.md"), "new", "the commit stands");
    assert_eq!(names(sandbox.path()), ["story.md"], "nothing is left");
}

#[test]
fn sweep_puts_a_persons_version_back_where_ours_still_stands() {
    for base in [OTHER, "x"] {
        let sandbox = Sandbox::new();
        let story = sandbox.write("story.md", "ours");
        let displaced = sandbox.write("displaced", "a person's only copy");
        let own = mark(&story);
        rename(&displaced, &temporary(&sandbox, "story.md", &own, base));
        let swept = sweep_file(&story).expect("nothing is in the way");
        assert_eq!(
            swept.restored,
            std::slice::from_ref(&story),
            "the story is reported as restored"
        );
        assert_eq!(
            sandbox.read("story.md"),
            "a person's only copy",
            "the person's version has the name again"
        );
        assert_eq!(names(sandbox.path()), ["story.md"], "our version is gone");
    }
}

#[test]
fn sweep_keeps_a_persons_version_when_the_file_has_moved_on() {
    for remove_story in [false, true] {
        let sandbox = Sandbox::new();
        let story = sandbox.write("story.md", "a later version");
        let displaced = sandbox.write("displaced", "a person's only copy");
        rename(&displaced, &temporary(&sandbox, "story.md", OTHER, "4-5-6"));
        if remove_story {
            fs::remove_file(&story).expect("it is there");
        }
        let swept = sweep(sandbox.path()).expect("nothing is in the way");
        let [rescued] = swept.rescued.as_slice() else {
            panic!("exactly one copy is rescued: {swept:?}");
        };
        let name = rescued.file_name().expect("it has a name");
        assert!(
            is_rescued_name(name),
            "{name:?} is recognised as a rescued copy"
        );
        assert!(
            name.as_encoded_bytes().starts_with(b"story.md."),
            "{name:?} stands beside the story in a listing"
        );
        assert_eq!(
            fs::read_to_string(rescued).expect("it is there"),
            "a person's only copy",
            "nothing of it is lost"
        );
        assert_eq!(
            story.exists(),
            !remove_story,
            "a removed story stays removed"
        );
        let again = sweep(sandbox.path()).expect("nothing is in the way");
        assert!(
            again.rescued.is_empty() && again.removed.is_empty(),
            "a rescued copy stays"
        );
        assert!(rescued.exists(), "a rescued copy stays");
    }
}

#[test]
fn sweep_keeps_an_edited_version_of_ours() {
    // Swapped in, edited there in place by a person, and swapped out again: it is no longer ours alone.
    let sandbox = Sandbox::new();
    sandbox.write("story.md", "theirs");
    let ours = sandbox.write("ours", "ours");
    let own = mark(&ours);
    sandbox.write("ours", "ours, and a person's line");
    rename(&ours, &temporary(&sandbox, "story.md", &own, OTHER));
    let swept = sweep(sandbox.path()).expect("nothing is in the way");
    assert_eq!(swept.rescued.len(), 1, "what was edited is kept: {swept:?}");
    assert_eq!(sandbox.read("story.md"), "theirs", "the story is untouched");
}

#[test]
fn sweep_never_deletes_a_link_or_folder_of_such_a_name() {
    let sandbox = Sandbox::new();
    sandbox.write("story.md", "story");
    symlink("story.md", temporary(&sandbox, "story.md", "0", "x")).expect("a link");
    fs::create_dir(temporary(&sandbox, "other.md", "0", "x")).expect("a folder");
    let swept = sweep(sandbox.path()).expect("nothing is in the way");
    assert_eq!(swept.rescued.len(), 2, "neither can be ours: {swept:?}");
    assert_eq!(names(sandbox.path()).len(), 3, "both are kept");
}

#[test]
fn sweep_file_leaves_the_leftovers_of_other_files_alone() {
    let sandbox = Sandbox::new();
    let long = format!("{}.md", "n".repeat(250));
    let story = sandbox.write(&long, "old");
    sandbox.write("other.md", "old");
    let other = temporary(&sandbox, "other.md", "0", "x");
    rename(&sandbox.write("partial", ""), &other);
    // The name of this one is too long to be kept whole; a killed writer made it.
    let staged = original(&story)
        .stage(b"new", &fast())
        .expect("nothing is in the way");
    drop(staged);
    let swept = sweep_file(&story).expect("nothing is in the way");
    assert!(swept.removed.is_empty(), "nothing of this file is left");
    assert_eq!(
        names(sandbox.path()).len(),
        3,
        "the other file's leftover stays"
    );
    let swept = sweep_file(&sandbox.join("other.md")).expect("nothing is in the way");
    assert_eq!(swept.removed, [other], "it goes with its own file");
}

#[test]
fn sweep_waits_for_a_dying_writer() {
    let sandbox = Sandbox::new();
    let partial = temporary(&sandbox, "story.md", "0", "x");
    rename(&sandbox.write("partial", ""), &partial);
    let folder = fs::File::open(sandbox.path()).expect("it can be opened");
    flock(&folder, FlockOperation::NonBlockingLockShared).expect("nobody has the lock");
    let swept = std::thread::scope(|scope| {
        scope.spawn(move || {
            // Real time passes on purpose: as if the disk took that long for the sync of a killed writer.
            std::thread::sleep(Duration::from_millis(150));
            drop(folder);
        });
        sweep(sandbox.path()).expect("nothing is in the way")
    });
    assert!(!swept.busy, "the sweep outlasts it: {swept:?}");
    assert!(!partial.exists(), "and does its work");
}

#[test]
fn sweep_does_nothing_while_a_writer_is_inside() {
    let sandbox = Sandbox::new();
    sandbox.write("story.md", "old");
    let partial = temporary(&sandbox, "story.md", "0", "x");
    rename(&sandbox.write("partial", ""), &partial);
    let folder = fs::File::open(sandbox.path()).expect("it can be opened");
    flock(&folder, FlockOperation::NonBlockingLockShared).expect("nobody has the lock");
    let swept = sweep(sandbox.path()).expect("being busy is no error");
    assert!(swept.busy, "a writer has the folder's lock");
    assert!(partial.exists(), "nothing was touched");
    drop(folder);
    assert!(
        !sweep(sandbox.path()).expect("free again").busy,
        "the writer has gone"
    );
    assert!(!partial.exists(), "now it goes");
}

#[test]
fn commit_goes_on_while_somebody_keeps_the_folders_lock() {
    let sandbox = Sandbox::new();
    let path = sandbox.write("story.md", "old");
    let folder = fs::File::open(sandbox.path()).expect("it can be opened");
    flock(&folder, FlockOperation::NonBlockingLockExclusive).expect("nobody has the lock");
    update(&path, b"new").expect("a stopped sweeper stops nobody");
    replace(&path, b"newer", &fast()).expect("a stopped sweeper stops nobody");
    assert_eq!(sandbox.read("story.md"), "newer", "the commits are there");
}

#[test]
fn commit_goes_on_while_somebody_keeps_the_file_locked() {
    let sandbox = Sandbox::new();
    let path = sandbox.write("story.md", "old");
    let theirs = fs::File::open(&path).expect("it can be opened");
    flock(&theirs, FlockOperation::NonBlockingLockExclusive).expect("nobody has the lock");
    update(&path, b"new").expect("a lock that is not ours is not waited for");
    assert_eq!(sandbox.read("story.md"), "new", "the commit is there");
}

#[test]
fn find_leftovers_lists_both_kinds_and_touches_nothing() {
    let sandbox = Sandbox::new();
    sandbox.write("story.md", "");
    sandbox.write(".story.md.tmp", "");
    sandbox.write("below/.story.md.0.x.0123456789abcdef.atomic-tmp", "");
    let partial = sandbox.write(".story.md.0.x.0123456789abcdef.atomic-tmp", "");
    let rescued = sandbox.write("story.md.0123456789abcdef.rescued", "");
    let found = find_leftovers(sandbox.path()).expect("the folder can be listed");
    assert_eq!(
        found,
        [partial.clone(), rescued.clone()],
        "these, and not those below"
    );
    let name = |path: &Path| path.file_name().expect("it has a name").to_owned();
    assert!(
        is_temporary_name(&name(&partial)),
        "one is a temporary file"
    );
    assert!(is_rescued_name(&name(&rescued)), "one is a rescued copy");
    assert!(partial.exists() && rescued.exists(), "both are still there");
}

const COMMITS: usize = 2000;

#[test]
fn sweep_while_writers_work_harms_none_of_them() {
    let Some(sandbox) = Sandbox::on_tmpfs() else {
        skip("sweep_while_writers_work_harms_none_of_them", "no /dev/shm");
        return;
    };
    let paths = [sandbox.write("a.md", ""), sandbox.write("b.md", "")];
    let got_in = std::thread::scope(|scope| {
        let writers: Vec<_> = paths
            .iter()
            .map(|path| {
                scope.spawn(move || {
                    for number in 0..COMMITS {
                        let contents = format!("{number}");
                        let done = atomic_file::replace_if_unchanged(
                            original(path),
                            contents.as_bytes(),
                            &fast(),
                        );
                        let done = done.expect("nobody else writes this file");
                        assert!(done.warnings.is_empty(), "unharmed: {:?}", done.warnings);
                    }
                })
            })
            .collect();
        let mut got_in = 0;
        while writers.iter().any(|writer| !writer.is_finished()) {
            let swept = sweep(sandbox.path()).expect("nothing is in the way");
            got_in += usize::from(!swept.busy);
            // Far more often than anybody sweeps, but not without a pause: a folder's lock is not fair.
            std::thread::sleep(Duration::from_micros(200));
            assert!(
                swept.removed.is_empty() && swept.restored.is_empty() && swept.rescued.is_empty(),
                "nothing of a living writer is taken for a leftover: {swept:?}"
            );
        }
        got_in
    });
    assert!(got_in > 0, "the sweeper got in between commits");
    for path in paths {
        let last = fs::read_to_string(path).expect("it is there");
        assert_eq!(
            last,
            format!("{}", COMMITS - 1),
            "the last commit is in place"
        );
    }
    assert_eq!(names(sandbox.path()), ["a.md", "b.md"], "nothing is left");
}
