//! Creating a file: complete from the first moment, never over another.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::sync::{Arc, Barrier};

use atomic_file::{CommitError, CommitOptions, Original, Resolved, create, create_resolved};
use rustix::fs::rename;
use testkit::Sandbox;

use crate::support::{fast, names};

#[test]
fn create_makes_a_file_with_the_mode_of_any_new_file() {
    let sandbox = Sandbox::new();
    let ordinary = sandbox.write("ordinary", "");
    let path = sandbox.join("story.md");
    create(&path, b"new", &CommitOptions::default()).expect("the name is free");
    assert_eq!(sandbox.read("story.md"), "new", "the contents are there");
    let mode = |path| fs::metadata(path).expect("it is there").mode();
    assert_eq!(
        mode(&path),
        mode(&ordinary),
        "the umask counts as for any file"
    );
    assert_eq!(
        names(sandbox.path()),
        ["ordinary", "story.md"],
        "no other file is left"
    );
}

#[test]
fn create_refuses_a_name_that_is_taken() {
    let sandbox = Sandbox::new();
    sandbox.write("file", "theirs");
    fs::create_dir(sandbox.join("folder")).expect("a folder");
    symlink("nowhere", sandbox.join("dangling")).expect("a link");
    for name in ["file", "folder", "dangling"] {
        let refused = create(&sandbox.join(name), b"ours", &fast()).expect_err("the name is taken");
        assert!(
            matches!(refused, CommitError::AlreadyExists { .. }),
            "{name} is reported as taken: {refused:?}"
        );
    }
    assert_eq!(sandbox.read("file"), "theirs", "nothing was changed");
    assert_eq!(
        names(sandbox.path()),
        ["dangling", "file", "folder"],
        "nothing is left"
    );
}

#[test]
fn create_resolved_stays_in_the_folder_that_was_opened() {
    let sandbox = Sandbox::new();
    for name in ["locked", "elsewhere"] {
        fs::create_dir(sandbox.join(name)).expect("a folder");
    }
    let folder = fs::File::open(sandbox.join("locked")).expect("a folder can be opened");
    let folder = Arc::new(folder);
    rename(sandbox.join("locked"), sandbox.join("moved")).expect("it can be moved");
    symlink("elsewhere", sandbox.join("locked")).expect("a link");
    let path = sandbox.join("locked/research.md");
    let file = Resolved {
        path: &path,
        folder: Some(&folder),
    };
    create_resolved(file, b"new", &fast()).expect("the name is free");
    assert_eq!(
        sandbox.read("moved/research.md"),
        "new",
        "it lies in the folder itself"
    );
    assert!(
        names(&sandbox.join("elsewhere")).is_empty(),
        "not where the path leads by now"
    );
    let refused = create_resolved(file, b"again", &fast()).expect_err("the name is taken");
    assert!(
        matches!(refused, CommitError::AlreadyExists { .. }),
        "a name that is taken is reported: {refused:?}"
    );
}

#[test]
fn remove_takes_only_the_version_that_was_read() {
    let sandbox = Sandbox::new();
    let path = sandbox.write("state.json", "old");
    let original = Original::read(&path).expect("it can be read");
    original
        .remove(&CommitOptions::default())
        .expect("it is unchanged");
    assert!(names(sandbox.path()).is_empty(), "it is gone");
    for newer in ["new", "longer"] {
        sandbox.write("state.json", "old");
        let original = Original::read(&path).expect("it can be read");
        sandbox.write("state.json", newer);
        let refused = original.remove(&fast()).expect_err("somebody wrote it");
        assert!(
            matches!(refused, CommitError::Changed { .. }),
            "another version is kept: {refused:?}"
        );
        assert_eq!(sandbox.read("state.json"), newer, "with its contents");
    }
    let original = Original::read(&path).expect("it can be read");
    fs::remove_file(&path).expect("somebody removes it");
    let refused = original.remove(&fast()).expect_err("it is gone already");
    assert!(
        matches!(refused, CommitError::Changed { .. }),
        "what others removed has changed: {refused:?}"
    );
}

#[test]
fn create_by_many_at_once_succeeds_for_one() {
    let sandbox = Sandbox::new();
    let path = sandbox.join("story.md");
    let start = Barrier::new(8);
    let created: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|number| {
                let (path, start) = (&path, &start);
                scope.spawn(move || {
                    start.wait();
                    usize::from(create(path, format!("{number}").as_bytes(), &fast()).is_ok())
                })
            })
            .collect();
        let ended = threads.into_iter().map(std::thread::ScopedJoinHandle::join);
        ended.map(|count| count.expect("no thread panics")).sum()
    });
    assert_eq!(created, 1, "exactly one creator wins");
    assert_eq!(
        sandbox.read("story.md").len(),
        1,
        "the contents are one creator's"
    );
    assert_eq!(names(sandbox.path()), ["story.md"], "no other file is left");
}

#[test]
fn create_reports_a_missing_folder_and_a_missing_name() {
    let sandbox = Sandbox::new();
    let missing = create(&sandbox.join("missing/story.md"), b"", &fast());
    assert!(
        matches!(missing, Err(CommitError::NotFound { .. })),
        "a missing folder is not found: {missing:?}"
    );
    let nameless = create(&sandbox.join(".."), b"", &fast());
    assert!(
        matches!(nameless, Err(CommitError::Io { .. })),
        "a path without a last name cannot be created: {nameless:?}"
    );
}
