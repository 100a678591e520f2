//! Everything of a tree that a restore has to bring back, and everything that it must not touch.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use task_runner::{
    AtomicSnapshot, NothingShared, RestoreError, RestoreOptions, Restored, Snapshot, TakeOptions,
    TaskId,
};

use testkit::Sandbox;

use crate::repo::Repo;

/// Permissions and bytes by path.
pub type Files = BTreeMap<PathBuf, (u32, Vec<u8>)>;

/// What is compared. Times and inodes are not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// Permissions and bytes of each file; of a link, where it leads; of a folder, its permissions.
    pub files: Files,
    /// Modes, objects and flags of the index.
    pub index: String,
    /// What git makes of both.
    pub status: String,
}

/// All files, asked without git.
pub fn files(top: &Path) -> Files {
    let mut files = Files::new();
    walk(top, Path::new(""), &mut files);
    files
}

/// The state of a tree, ignored files and all.
pub fn state(top: &Path, repo: &Repo) -> State {
    let index = repo.git_in(top, ["ls-files", "--stage", "-v", "--debug"]);
    let lines = index
        .lines()
        .filter_map(|line| match line.rsplit_once("flags: ") {
            Some((_, flags)) => Some(kept_flags(flags)),
            None => (!line.starts_with("  ")).then(|| line.to_owned()),
        });
    let index: Vec<_> = lines.collect();
    State {
        files: files(top),
        index: index.join("\n"),
        status: repo.git_in(top, ["status", "--porcelain=v2", "--untracked-files=all"]),
    }
}

/// Assume unchanged, intended, left out; the other bits are git's own business.
fn kept_flags(digits: &str) -> String {
    let flags = u32::from_str_radix(digits, 16).expect("hexadecimal");
    format!("{:x}", flags & 0x6000_8000)
}

fn walk(top: &Path, folder: &Path, files: &mut Files) {
    for entry in fs::read_dir(top.join(folder)).expect("a folder that can be listed") {
        let path = folder.join(entry.expect("a name").file_name());
        if path == Path::new(".git") {
            continue;
        }
        let found = fs::symlink_metadata(top.join(&path)).expect("it is there");
        let bytes = if found.is_dir() {
            walk(top, &path, files);
            Vec::new()
        } else if found.is_symlink() {
            let to = fs::read_link(top.join(&path)).expect("a link");
            to.as_os_str().as_bytes().to_vec()
        } else if found.is_file() {
            fs::read(top.join(&path)).expect("it can be read")
        } else {
            Vec::new()
        };
        files.insert(path, (found.mode(), bytes));
    }
}

/// Refs that are not ours, HEAD, stashes and logs: nobody but git's user changes them.
pub fn history(repo: &Repo) -> Vec<String> {
    let refs = repo.git(["for-each-ref", "--format=%(refname) %(objectname)"]);
    let refs: Vec<_> = refs
        .lines()
        .filter(|line| !line.starts_with("refs/devs-snapshots/"))
        .collect();
    let head = fs::read_to_string(repo.join(".git/HEAD")).expect("HEAD");
    let logs = repo.git(["log", "-g", "--all", "--format=%gd %H %gs"]);
    vec![refs.join("\n"), head, logs]
}

/// A repository with a commit, in memory where there is room: what is written there needs no disk to wait for.
pub fn in_memory() -> Repo {
    let sandbox = Sandbox::on_tmpfs().unwrap_or_default();
    let repo = Repo::made_in(sandbox, &["init", "-q", "-b", "main"]);
    repo.write("README.md", "a project\n");
    repo.write("src/main.rs", "fn main() {}\n");
    repo.commit_all("base");
    repo
}

pub fn snapshots(top: &Path) -> AtomicSnapshot {
    AtomicSnapshot::open(top).expect("a tree")
}

pub fn take(top: &Path) -> Snapshot {
    let task = TaskId::new("T-1").expect("a good name");
    let taken = snapshots(top).take(&TakeOptions::new(task, now()), &NothingShared);
    taken.expect("it can be taken").snapshot
}

pub fn now() -> jiff::Timestamp {
    "2026-11-22T10:00:00Z".parse().expect("a time")
}

pub fn options() -> RestoreOptions {
    RestoreOptions::new(now())
}

pub fn try_restore(top: &Path, snapshot: &Snapshot) -> Result<Restored, RestoreError> {
    snapshots(top).restore(snapshot, &options(), &NothingShared)
}

pub fn restore(top: &Path, snapshot: &Snapshot) -> Restored {
    try_restore(top, snapshot).expect("it can be restored")
}

/// Takes a snapshot, does the damage, restores: all is as before. Restores the rescue: the damage is back. Restores the first
/// again, and once more: nothing is left to do.
pub fn goes_back(what: &str, repo: &Repo, damage: impl FnOnce()) -> Restored {
    let top = repo.top();
    let before = state(top, repo);
    let snapshot = take(top);
    assert_eq!(state(top, repo), before, "{what}: taking changes nothing");
    damage();
    let (damaged, history_then) = (state(top, repo), history(repo));
    assert_ne!(damaged, before, "{what}: there is something to bring back");
    let restored = restore(top, &snapshot);
    assert_eq!(state(top, repo), before, "{what}: all is as before");
    assert_eq!(
        history(repo),
        history_then,
        "{what}: refs, stashes, logs and HEAD are nobody's but the user's"
    );
    let rescue = restored.rescue.as_ref().expect("something was overwritten");
    restore(top, rescue);
    assert_eq!(state(top, repo), damaged, "{what}: the rescue undoes it");
    restore(top, &snapshot);
    assert_eq!(state(top, repo), before, "{what}: and once more");
    let rest = restore(top, &snapshot);
    assert_eq!(rest.rescue, None, "{what}: now nothing is left to do");
    assert!(
        rest.written.is_empty() && rest.removed.is_empty(),
        "{what}: and nothing is done: {rest:?}"
    );
    is_clean_of_ours(repo);
    restored
}

/// No lock of ours, no temporary file; and git finds its repository whole.
pub fn is_clean_of_ours(repo: &Repo) {
    assert!(
        !repo.join(".git/index.lock").exists(),
        "git can write its index"
    );
    assert_eq!(
        testkit::leftovers(repo.top()),
        Vec::<PathBuf>::new(),
        "no temporary files"
    );
    repo.git(["fsck", "--strict", "--no-dangling"]);
}
