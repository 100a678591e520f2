//! Files that look unchanged and are not.

use std::fs::{self, File, FileTimes};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::ordinary::take;
use crate::repo::Repo;
use crate::seen::{on_disk, recorded};
use crate::tools::succeeds;

fn set_modified(path: &Path, time: SystemTime) {
    let file = File::options().write(true).open(path).expect("it is ours");
    file.set_times(FileTimes::new().set_modified(time))
        .expect("it can be set");
}

/// Overwrites a file in place with as many other bytes, and gives it its old time back.
fn change_unseen(path: &Path, bytes: &str) {
    let modified = fs::metadata(path)
        .expect("it is there")
        .modified()
        .expect("a time");
    let mut file = File::options().write(true).open(path).expect("it is ours");
    std::io::Write::write_all(&mut file, bytes.as_bytes()).expect("it is written");
    set_modified(path, modified);
}

#[test]
fn take_is_exact_when_a_file_changed_in_the_second_of_the_index() {
    let repo = Repo::new();
    let path = repo.write("racy", "aaaa");
    repo.commit_all("racy");
    let index = fs::metadata(repo.join(".git/index")).expect("an index");
    change_unseen(&path, "bbbb");
    set_modified(&path, index.modified().expect("a time"));
    let (snapshots, taken) = take(&repo);
    assert_eq!(
        recorded(&snapshots, &taken.snapshot),
        on_disk(repo.top(), &[]),
        "the new bytes"
    );
}

#[test]
fn take_is_exact_when_git_itself_believes_that_nothing_changed() {
    let long_ago = SystemTime::now() - Duration::from_secs(1000);
    let mut was_fooled = false;
    // Git compares to the second: the change has to come in the same one as the time in the index.
    for _ in 0..50 {
        let repo = Repo::new();
        let path = repo.write("racy", "aaaa");
        set_modified(&path, long_ago);
        let seen = fs::metadata(&path).expect("it is there").ctime();
        repo.git(["add", "racy"]);
        // Not to be told apart by the time of the index either.
        repo.write("later", "x");
        repo.git(["add", "later"]);
        change_unseen(&path, "bbbb");
        let is_same_second = fs::metadata(&path).expect("it is there").ctime() == seen;
        was_fooled = is_same_second && succeeds(&repo, &["diff-files", "--quiet"]);
        let (snapshots, taken) = take(&repo);
        let found = recorded(&snapshots, &taken.snapshot);
        assert_eq!(found, on_disk(repo.top(), &[]), "the bytes that are there");
        if was_fooled {
            break;
        }
    }
    if !was_fooled {
        testkit::skip(
            "take_is_exact_when_git_itself_believes",
            "this git compares nanoseconds",
        );
    }
}

#[test]
fn take_is_exact_when_the_index_remembers_nothing_of_the_files() {
    let repo = Repo::new();
    repo.write("many/files", "x");
    repo.commit_all("all");
    // As after a clone by another program, or a copy of the whole folder.
    repo.git(["read-tree", "HEAD"]);
    repo.write("README.md", "changed\n");
    let (snapshots, taken) = take(&repo);
    assert_eq!(
        recorded(&snapshots, &taken.snapshot),
        on_disk(repo.top(), &[]),
        "all of them"
    );
}
