//! Restores that somebody or something is in the way of.

use std::cell::Cell;
use std::fs;
use std::path::Path;
use std::time::Duration;

use task_runner::{
    Authorship, IndexError, NothingShared, ObstacleKind, Reason, RestoreError, RestoreOptions,
    SharedFiles, SharedPolicy,
};
use testkit::{skip, wait_until};

use crate::killed::{child_told, has_strace};
use crate::ordinary::remove;
use crate::repo::Repo;
use crate::state::{
    files, in_memory, is_clean_of_ours, options, restore, snapshots, state, take, try_restore,
};

#[test]
fn restore_touches_nothing_while_another_git_has_the_index() {
    let repo = in_memory();
    let top = repo.top();
    let snapshot = take(top);
    repo.write("README.md", "task\n");
    let before = files(top);
    repo.write(".git/index.lock", "another git's\n");
    let impatient = RestoreOptions {
        index_wait: Duration::ZERO,
        ..options()
    };
    let refused = snapshots(top).restore(&snapshot, &impatient, &NothingShared);
    let Err(err) = refused else {
        panic!("the index is not ours: {refused:?}");
    };
    assert!(
        matches!(err, RestoreError::Index(IndexError::Locked { .. })),
        "{err:?}"
    );
    assert!(err.is_retryable(), "it may have ended a moment later");
    assert_eq!(files(top), before, "nothing was touched");
    assert_eq!(
        snapshots(top).list().expect("a list").len(),
        1,
        "there is no rescue"
    );
    assert_eq!(
        repo.read(".git/index.lock"),
        b"another git's\n",
        "its lock is its own"
    );

    // Ours is beside it as long as we wait for it.
    let patient = RestoreOptions {
        index_wait: Duration::from_mins(1),
        ..options()
    };
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| snapshots(top).restore(&snapshot, &patient, &NothingShared));
        let mark = repo.join(".git/story-snapshots/0/index-lock");
        wait_until("it waits", Duration::from_mins(1), || mark.exists());
        remove(&repo, ".git/index.lock");
        let restored = waiting.join().expect("it does not panic");
        restored.expect("the index is free");
    });
    assert_eq!(
        repo.read("README.md"),
        b"a project\n",
        "it was brought back"
    );
    is_clean_of_ours(&repo);
}

#[test]
fn restore_names_what_is_no_file_where_one_must_come() {
    let repo = in_memory();
    let snapshot = take(repo.top());
    remove(&repo, "README.md");
    let mode = rustix::fs::Mode::from_raw_mode(0o644);
    rustix::fs::mknodat(
        rustix::fs::CWD,
        repo.join("README.md"),
        rustix::fs::FileType::Fifo,
        mode,
        0,
    )
    .expect("a pipe can be made");
    let refused = try_restore(repo.top(), &snapshot);
    assert!(
        matches!(&refused, Err(RestoreError::Obstacles { obstacles }) if obstacles[0].kind == ObstacleKind::Special),
        "somebody may wait at it: {refused:?}"
    );
}

#[test]
fn restore_refuses_folders_that_it_may_not_change_before_it_touches_anything() {
    let name = "restore_refuses_folders_that_it_may_not_change_before_it_touches_anything";
    if !has_strace() {
        return skip(name, "strace is not installed");
    }
    let repo = in_memory();
    let snapshot = take(repo.top());
    repo.write("README.md", "task\n");
    repo.write("src/main.rs", "task\n");
    let before = files(repo.top());
    // For the superuser no folder is closed: the kernel says so in its place.
    for error in ["EACCES", "EROFS"] {
        let said = child_told(&repo, &snapshot, &format!("faccessat2:error={error}"));
        assert!(
            said.contains("ReadOnlyFolder"),
            "{error}: it says what is closed: {said}"
        );
        assert_eq!(files(repo.top()), before, "{error}: nothing was touched");
    }
    let all = snapshots(repo.top()).list().expect("a list");
    assert_eq!(all.len(), 1, "there is no rescue");
    restore(repo.top(), &snapshot);
    is_clean_of_ours(&repo);
}

#[test]
fn restore_on_a_full_disk_says_what_has_everything_and_the_next_one_ends_it() {
    let name = "restore_on_a_full_disk_says_what_has_everything_and_the_next_one_ends_it";
    if !has_strace() {
        return skip(name, "strace is not installed");
    }
    let repo = in_memory();
    let (top, before) = (repo.top(), state(repo.top(), &repo));
    let snapshot = take(top);
    repo.write("README.md", "task\n");
    repo.write("src/main.rs", "task\n");
    let damaged = state(top, &repo);
    // At the second file: the first one is back.
    let said = child_told(&repo, &snapshot, "fdatasync:error=ENOSPC:when=2");
    assert!(
        said.contains("Unfinished") && said.contains("NoSpace"),
        "it says so: {said}"
    );
    let halfway = files(top);
    assert!(
        halfway != before.files && halfway != damaged.files,
        "it is half done"
    );
    let all = snapshots(top).list().expect("a list");
    let rescue = all.iter().find(|found| found.rescue_of.is_some());
    let rescue = rescue.expect("it was taken before");
    assert!(said.contains(&rescue.id), "it names the rescue: {said}");
    restore(top, &snapshot);
    assert_eq!(state(top, &repo), before, "the next one ends it");
    restore(top, rescue);
    assert_eq!(state(top, &repo), damaged, "the rescue has everything");
    is_clean_of_ours(&repo);
}

/// Does something once, after the rescue was taken and before the first file is touched.
struct Meanwhile<F: Fn()> {
    act: F,
    done: Cell<bool>,
}

impl<F: Fn()> SharedFiles for Meanwhile<F> {
    fn is_shared(&self, _: &Path) -> bool {
        if !self.done.replace(true) {
            (self.act)();
        }
        false
    }

    fn is_apart(&self, _: &Path) -> bool {
        false
    }

    fn authorship(
        &self,
        _: &Path,
        _: Option<&[u8]>,
        _: Option<&[u8]>,
        _: Option<&str>,
    ) -> Authorship {
        Authorship::OthersToo
    }
}

#[test]
fn restore_leaves_what_somebody_changes_after_the_rescue_was_taken() {
    type Act = fn(&Repo);
    let acts: [(&str, &str, Act); 5] = [
        ("edits a file", "README.md", |repo| {
            drop(repo.write("README.md", "theirs\n"));
        }),
        ("changes permissions", "README.md", |repo| {
            crate::ordinary::chmod(repo, "README.md", 0o640);
        }),
        ("edits a new file", "new", |repo| {
            drop(repo.write("new", "theirs\n"));
        }),
        ("removes a file that was edited", "README.md", |repo| {
            remove(repo, "README.md");
        }),
        ("turns a link", "link", |repo| {
            remove(repo, "link");
            crate::ordinary::link(repo, "theirs", "link");
        }),
    ];
    for (what, path, act) in acts {
        let repo = in_memory();
        let top = repo.top();
        crate::ordinary::link(&repo, "mine", "link");
        let snapshot = take(top);
        repo.write("README.md", "task\n");
        repo.write("new", "task\n");
        repo.write("src/main.rs", "task\n");
        remove(&repo, "link");
        crate::ordinary::link(&repo, "task", "link");
        let meanwhile = Meanwhile {
            act: || act(&repo),
            done: Cell::new(false),
        };
        let restored = snapshots(top).restore(&snapshot, &options(), &meanwhile);
        let restored = restored.expect("the others are brought back");
        let left: Vec<_> = restored
            .left
            .iter()
            .map(|left| (left.path.to_str(), left.reason))
            .collect();
        assert_eq!(
            left,
            [(Some(path), Reason::ChangedMeanwhile)],
            "{what}: it is named"
        );
        assert_eq!(
            repo.read("src/main.rs"),
            b"fn main() {}\n",
            "{what}: the others are back"
        );
        let theirs = files(top);
        restore(
            top,
            restored.rescue.as_ref().expect("something was overwritten"),
        );
        assert!(
            theirs.get(Path::new(path)) != files(top).get(Path::new(path)),
            "{what}: theirs was left"
        );
    }
}

#[test]
fn restore_leaves_an_index_that_is_written_in_spite_of_its_lock_to_the_next_call() {
    let repo = in_memory();
    let (top, before) = (repo.top(), state(repo.top(), &repo));
    let snapshot = take(top);
    repo.write("README.md", "task\n");
    let meanwhile = Meanwhile {
        act: || {
            let index = repo.read(".git/index");
            remove(&repo, ".git/index");
            repo.write(".git/index", [&index[..], b"more"].concat());
            repo.write(".git/index", index);
        },
        done: Cell::new(false),
    };
    let stopped = snapshots(top).restore(&snapshot, &options(), &meanwhile);
    let Err(err) = stopped else {
        panic!("somebody else's index is not replaced: {stopped:?}");
    };
    assert!(
        err.rescue().is_some() && err.is_retryable(),
        "it says so: {err:?}"
    );
    restore(top, &snapshot);
    assert_eq!(state(top, &repo), before, "the next call ends it");
    is_clean_of_ours(&repo);
}

/// Shares one file, which the run alone has changed, or others too.
struct Sharing(Authorship);

impl SharedFiles for Sharing {
    fn is_shared(&self, path: &Path) -> bool {
        path.starts_with("shared")
    }

    fn is_apart(&self, path: &Path) -> bool {
        path.extension().is_some_and(|end| end == "lock")
    }

    fn authorship(
        &self,
        _: &Path,
        then: Option<&[u8]>,
        now: Option<&[u8]>,
        run: Option<&str>,
    ) -> Authorship {
        assert_eq!(run, Some("T-1.2"), "it is told which run is undone");
        assert_ne!(then, now, "and only asked about what was changed");
        self.0
    }
}

#[test]
fn restore_brings_shared_files_back_only_if_nobody_else_changed_them() {
    let by_run = SharedPolicy::IfOnlyTheRun;
    for (authorship, policy, comes_back) in [
        (Authorship::OnlyTheRun, by_run, true),
        (Authorship::OthersToo, by_run, false),
        (Authorship::OthersToo, SharedPolicy::Force, true),
    ] {
        let repo = in_memory();
        let top = repo.top();
        repo.write("shared/edited", "mine\n");
        repo.write("shared/deep/gone", "mine\n");
        let before = state(top, &repo);
        let snapshot = take(top);
        repo.write("shared/edited", "task\n");
        fs::remove_dir_all(repo.join("shared/deep")).expect("it is there");
        repo.write("shared/new/file", "task\n");
        repo.write("README.md", "task\n");
        let options = RestoreOptions {
            shared: policy,
            run: Some("T-1.2".to_owned()),
            ..options()
        };
        let restored = snapshots(top).restore(&snapshot, &options, &Sharing(authorship));
        let restored = restored.expect("it can be restored");
        assert_eq!(
            repo.read("README.md"),
            b"a project\n",
            "the others are back"
        );
        if comes_back {
            assert_eq!(
                state(top, &repo),
                before,
                "{authorship:?} {policy:?}: all is back"
            );
            assert_eq!(
                restored.left,
                [],
                "{authorship:?} {policy:?}: nothing was left"
            );
        } else {
            let left: Vec<_> = restored.left.iter().map(|left| left.reason).collect();
            assert_eq!(
                left,
                [Reason::ChangedByOthers; 3],
                "each is named: {restored:?}"
            );
            assert_eq!(repo.read("shared/edited"), b"task\n", "and left");
            assert!(
                !repo.join("shared/deep").exists(),
                "no empty folder appears"
            );
        }
        is_clean_of_ours(&repo);
    }
}
