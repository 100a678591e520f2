//! What an index may say beside contents: files that git is told not to look at, files yet to come, other forms of it.

use std::fs;

use task_runner::AtomicSnapshot;

use crate::ordinary::take;
use crate::repo::Repo;
use crate::seen::{on_disk, recorded, untouchable};

fn check(repo: &Repo, why: &str) -> (AtomicSnapshot, task_runner::Taken) {
    let before = untouchable(repo.top());
    let (snapshots, taken) = take(repo);
    assert_eq!(untouchable(repo.top()), before, "{why}: nothing changed");
    let found = recorded(&snapshots, &taken.snapshot);
    assert_eq!(found, on_disk(repo.top(), &[]), "{why}: as on the disk");
    (snapshots, taken)
}

#[test]
fn take_looks_at_files_that_git_is_told_not_to_look_at() {
    for flag in ["--assume-unchanged", "--skip-worktree"] {
        let repo = Repo::new();
        for name in ["changed", "gone", "same", "link"] {
            repo.write(name, name);
        }
        repo.write(".gitattributes", "same text=auto\n");
        repo.commit_all("all");
        repo.git([
            "update-index",
            flag,
            "changed",
            "gone",
            "same",
            "link",
            "README.md",
        ]);
        repo.write("changed", "other\r\n");
        fs::remove_file(repo.join("gone")).expect("it is there");
        fs::remove_file(repo.join("link")).expect("it is there");
        std::os::unix::fs::symlink("same", repo.join("link")).expect("a link");
        let (_, taken) = check(&repo, flag);
        let stash = repo.git(["stash", "show", "--name-only", &taken.snapshot.id]);
        assert_eq!(stash, "", "plain git goes on not to look at them");
    }
}

#[test]
fn take_in_a_sparse_checkout_records_the_files_that_are_there() {
    for mode in ["--cone", "--no-cone"] {
        let repo = Repo::new();
        for name in ["in/file", "out/file", "out/deep/file"] {
            repo.write(name, name);
        }
        repo.commit_all("all");
        repo.git(["sparse-checkout", "init", mode]);
        repo.git(["config", "index.sparse", "true"]);
        repo.git(["sparse-checkout", "set", "in"]);
        assert!(!repo.join("out").exists(), "it is out");
        repo.write("in/file", "changed");
        check(&repo, mode);
        // Somebody wrote to a file that is out, and beside it.
        repo.write("out/file", "back");
        repo.write("out/new", "new");
        check(&repo, mode);
    }
}

#[test]
fn take_records_files_that_are_only_announced() {
    let repo = Repo::new();
    repo.write("announced", "x");
    repo.write("gone", "y");
    repo.git(["add", "--intent-to-add", "announced", "gone"]);
    fs::remove_file(repo.join("gone")).expect("it is there");
    let (snapshots, taken) = check(&repo, "announced");
    let record = snapshots.read(&taken.snapshot).expect("a record");
    let index = record.index().expect("an index");
    let bytes = snapshots
        .repository()
        .blobs()
        .expect("a reader")
        .read(index)
        .expect("bytes");
    assert_eq!(
        bytes,
        repo.read(".git/index"),
        "the index still says that they are"
    );
}

#[test]
fn take_records_a_split_index_so_that_it_needs_no_other_file() {
    let repo = Repo::new();
    for number in 0..20 {
        repo.write(format!("file {number}"), "x");
    }
    repo.commit_all("all");
    repo.git(["update-index", "--split-index"]);
    repo.write("file 3", "changed");
    repo.git(["add", "file 3"]);
    let shared = || {
        let names = fs::read_dir(repo.join(".git")).expect("a folder");
        let names = names.map(|entry| entry.expect("a name").file_name());
        names
            .filter(|name| name.to_string_lossy().starts_with("sharedindex."))
            .count()
    };
    assert_ne!(shared(), 0, "it is split");
    let (snapshots, taken) = check(&repo, "split");
    let expected = repo.git(["ls-files", "--stage"]);
    let record = snapshots.read(&taken.snapshot).expect("a record");
    let index = record.index().expect("an index");
    let bytes = snapshots
        .repository()
        .blobs()
        .expect("a reader")
        .read(index)
        .expect("bytes");
    let elsewhere = Repo::new();
    elsewhere.write(".git/index", bytes);
    let found = elsewhere.git(["ls-files", "--stage"]);
    assert_eq!(
        found, expected,
        "it can be read where the other part is not"
    );
}

#[test]
fn take_reads_every_version_of_the_index() {
    for version in ["2", "3", "4"] {
        let repo = Repo::new();
        repo.git(["update-index", "--index-version", version]);
        repo.git(["update-index", "--untracked-cache"]);
        repo.write("README.md", "changed");
        repo.write("new", "n");
        repo.git(["status"]);
        check(&repo, version);
    }
}

#[test]
fn take_works_in_a_repository_with_ids_by_sha256() {
    let repo = Repo::made_by(&["init", "-q", "-b", "main", "--object-format=sha256"]);
    check(&repo, "unborn");
    repo.write("a", "a");
    repo.write("b", "b");
    repo.commit_all("all");
    repo.write("a", "changed");
    fs::remove_file(repo.join("b")).expect("it is there");
    repo.write("c", "new");
    let (snapshots, taken) = check(&repo, "changed");
    assert_eq!(taken.snapshot.id.len(), 64, "a long id");
    assert_eq!(
        snapshots.find(&taken.snapshot.id[..9]).expect("found"),
        taken.snapshot,
        "by digits"
    );
}

#[test]
fn take_works_where_refs_are_kept_in_tables() {
    let repo = Repo::made_by(&["init", "-q", "-b", "main", "--ref-format=reftable"]);
    repo.write("a", "a");
    repo.commit_all("all");
    repo.write("a", "changed");
    let (snapshots, first) = take(&repo);
    let (_, second) = take(&repo);
    let all = snapshots.list().expect("a list");
    assert_eq!(
        all,
        [first.snapshot, second.snapshot],
        "both, under names of their own"
    );
    assert_eq!(
        repo.git(["reflog", "list"]),
        "HEAD\nrefs/heads/main",
        "no log of ours"
    );
}
