//! Files that git keeps in another form than the disk has: the record has the disk's.

use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use task_runner::NothingShared;

use crate::ordinary::{options, take};
use crate::repo::Repo;
use crate::seen::{on_disk, recorded, untouchable};

/// The record is what is on the disk, and nothing of the user's was touched.
fn check(repo: &Repo, why: &str) {
    let before = untouchable(repo.top());
    let (snapshots, taken) = take(repo);
    assert_eq!(untouchable(repo.top()), before, "{why}: nothing changed");
    let found = recorded(&snapshots, &taken.snapshot);
    assert_eq!(found, on_disk(repo.top(), &[]), "{why}: byte for byte");
}

#[test]
fn take_records_ends_of_lines_as_they_are() {
    for (attributes, setting) in [
        ("* text=auto\n", "false"),
        ("* text\n", "false"),
        ("* eol=crlf\n", "false"),
        ("", "true"),
        ("", "input"),
        ("mixed -text\n", "true"),
    ] {
        let repo = Repo::unborn();
        repo.git(["config", "core.autocrlf", setting]);
        repo.git(["config", "core.safecrlf", "true"]);
        repo.write(".gitattributes", attributes);
        repo.write("unix", "a\nb\n");
        repo.write("dos", "a\r\nb\r\n");
        repo.write("mixed", "a\nb\r\n\r\r\n");
        repo.write("binary", b"a\r\n\0b\r\n");
        repo.git(["-c", "core.safecrlf=false", "add", "--all"]);
        repo.git(["commit", "-q", "-m", "all"]);
        check(&repo, &format!("{attributes:?} {setting} unchanged"));
        repo.write("unix", "changed\r\nto dos\r\n");
        repo.write("new dos", "n\r\n");
        repo.write("dos", "a\r\nb\n");
        check(&repo, &format!("{attributes:?} {setting} changed"));
    }
}

#[test]
fn take_records_files_as_they_are_when_they_were_checked_out_by_other_rules() {
    for (before, after) in [
        (("", "true"), ("", "false")),
        (("* eol=crlf\n", "false"), ("", "false")),
        (("* eol=crlf\n", "false"), ("* -text\n", "true")),
    ] {
        let repo = Repo::unborn();
        repo.git(["config", "core.autocrlf", before.1]);
        repo.write(".gitattributes", before.0);
        repo.write("file", "a\nb\n");
        repo.commit_all("all");
        fs::remove_file(repo.join("file")).expect("it is there");
        repo.git(["checkout", "-q", "file"]);
        assert_eq!(repo.read("file"), b"a\r\nb\r\n", "git converts it");
        repo.git(["config", "core.autocrlf", after.1]);
        repo.write(".gitattributes", after.0);
        // Long after the file: what the index remembers of it is believed.
        let index = File::options().append(true).open(repo.join(".git/index"));
        let later = SystemTime::now() + Duration::from_mins(1);
        let set = index.and_then(|index| index.set_modified(later));
        set.expect("it is ours");
        check(&repo, &format!("{before:?}, then {after:?}"));
    }
}

#[test]
fn take_records_keywords_and_encodings_as_they_are() {
    let repo = Repo::unborn();
    repo.write(
        ".gitattributes",
        "id ident\nwide working-tree-encoding=UTF-16LE\n",
    );
    repo.write("id", "$Id$\n");
    repo.write("wide", b"a\0b\0\n\0");
    repo.commit_all("all");
    fs::remove_file(repo.join("id")).expect("it is there");
    repo.git(["checkout", "-q", "id"]);
    assert!(repo.read("id").len() > 20, "git has put an id in");
    check(&repo, "unchanged");
    repo.write("wide", b"c\0");
    repo.write("id", "$Id: of my own$ and more\n");
    check(&repo, "changed");
}

#[test]
fn take_records_what_filters_change_as_it_is() {
    let repo = Repo::unborn();
    // Same length, other bytes: no look at a length would notice.
    repo.git(["config", "filter.rot.clean", "tr a-z b-za"]);
    repo.git(["config", "filter.rot.smudge", "tr b-za a-z"]);
    repo.write(".gitattributes", "*.rot filter=rot\n");
    repo.write("one.rot", "hello\n");
    repo.write("two.rot", "world\n");
    repo.write("plain", "hello\n");
    repo.commit_all("all");
    assert_eq!(
        repo.git(["show", "HEAD:one.rot"]),
        "ifmmp",
        "the filter works"
    );
    check(&repo, "unchanged");
    repo.write("one.rot", "other\n");
    repo.write("new.rot", "new\n");
    check(&repo, "changed");
}

#[test]
fn take_fails_with_what_git_said_when_a_filter_fails_and_leaves_nothing() {
    let repo = Repo::new();
    repo.git([
        "config",
        "filter.broken.clean",
        "echo no such luck >&2; exit 1",
    ]);
    repo.git(["config", "filter.broken.required", "true"]);
    repo.write(".gitattributes", "*.broken filter=broken\n");
    repo.write("a.broken", "x");
    let before = untouchable(repo.top());
    let snapshots = task_runner::AtomicSnapshot::open(repo.top()).expect("a tree");
    let err = snapshots
        .take(&options("T-1"), &NothingShared)
        .expect_err("it fails");
    assert!(
        err.to_string().contains("a.broken"),
        "the file by name: {err}"
    );
    assert_eq!(untouchable(repo.top()), before, "nothing changed");
    assert_eq!(snapshots.list().expect("a list"), [], "no ref was made");
    let scratch = fs::read_dir(repo.join(".git/story-snapshots")).expect("our folder");
    assert_eq!(scratch.count(), 0, "our temporary folder is gone");
}
