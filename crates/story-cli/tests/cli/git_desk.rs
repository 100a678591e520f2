//! A sandbox that is a git repository, and what must be the same after there and back.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Deref;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::desk::{Desk, finish};

/// A desk in a repository with one commit.
pub struct GitDesk(Desk);

impl Deref for GitDesk {
    type Target = Desk;

    fn deref(&self) -> &Desk {
        &self.0
    }
}

/// What a person sees of a working tree, ignored files included.
#[derive(Debug, PartialEq, Eq)]
pub struct Seen {
    /// The bytes (of a link: where it leads) and the permissions of each file.
    pub files: BTreeMap<PathBuf, (Vec<u8>, u32)>,
    /// `git ls-files --stage`.
    pub index: String,
    /// `git status`.
    pub status: String,
}

impl GitDesk {
    pub fn new() -> Self {
        let desk = Self(Desk::empty());
        desk.git(&["init", "--quiet", "--initial-branch", "main"]);
        desk.git(&["config", "user.name", "A Person"]);
        desk.git(&["config", "user.email", "person@example.org"]);
        desk.expect(0, &["init"]);
        desk.sandbox.write("a.txt", "a\n");
        desk.sandbox.write("src/b.txt", "b\n");
        desk.sandbox.write("old.txt", "old\n");
        let rules = desk.sandbox.read(".gitignore");
        desk.sandbox
            .write(".gitignore", format!("{rules}/target/\n"));
        desk.git(&["add", "--all"]);
        desk.git(&["commit", "--quiet", "-m", "begin"]);
        desk.sandbox.write("target/made", "made\n");
        desk
    }

    /// With something of each kind that is not committed: staged, changed since, removed, not tracked, made executable.
    pub fn at_work() -> Self {
        let desk = Self::new();
        desk.sandbox.write("a.txt", "staged\n");
        desk.git(&["add", "a.txt"]);
        desk.sandbox.write("a.txt", "changed since\n");
        fs::remove_file(desk.sandbox.join("old.txt")).expect("it is there");
        let script = desk.sandbox.write("run me.sh", "#!/bin/sh\n");
        fs::set_permissions(script, fs::Permissions::from_mode(0o755)).expect("it is ours");
        desk
    }

    /// Gives it a branch `side` that contradicts the present one in `a.txt`.
    pub fn make_contradiction(&self) {
        self.git(&["checkout", "--quiet", "-b", "side"]);
        self.sandbox.write("a.txt", "theirs\n");
        self.git(&["commit", "--quiet", "--all", "-m", "theirs"]);
        self.git(&["checkout", "--quiet", "main"]);
        self.sandbox.write("a.txt", "ours\n");
        self.git(&["commit", "--quiet", "--all", "-m", "ours"]);
        self.sandbox.write("src/b.txt", "not committed\n");
    }

    /// Begins a merge that stops with a conflict.
    pub fn fail_to_merge(&self) {
        let mut git = Command::new("git");
        git.current_dir(self.sandbox.path()).args(["merge", "side"]);
        let finished = finish(&mut git);
        assert!(!finished.status.success(), "a conflict: {finished:?}");
    }

    /// Runs git, which must work, and returns what it says.
    pub fn git(&self, arguments: &[&str]) -> String {
        let mut git = Command::new("git");
        git.current_dir(self.sandbox.path()).args(arguments);
        git.env("GIT_CONFIG_GLOBAL", "/dev/null");
        git.env("GIT_CONFIG_NOSYSTEM", "1");
        let finished = finish(&mut git);
        assert!(finished.status.success(), "{arguments:?}: {finished:?}");
        finished.stdout
    }

    /// What is there now.
    pub fn seen(&self) -> Seen {
        let mut files = BTreeMap::new();
        add_files(self.sandbox.path(), &mut files);
        Seen {
            files,
            index: self.git(&["ls-files", "--stage"]),
            status: self.git(&["status", "--porcelain", "--untracked-files=all"]),
        }
    }

    /// What is the user's own in git beside files and index.
    pub fn own_refs(&self) -> [String; 3] {
        [
            self.git(&["stash", "list"]),
            self.git(&["reflog", "--all"]),
            self.git(&["rev-parse", "HEAD"]),
        ]
    }

    /// Does what a bad command does to files and index.
    pub fn damage(&self) {
        self.sandbox.write("a.txt", "damaged\n");
        self.sandbox.write("new.txt", "new\n");
        self.sandbox.write("old.txt", "here again\n");
        for gone in ["run me.sh", "src/b.txt"] {
            fs::remove_file(self.sandbox.join(gone)).expect("it is there");
        }
        self.git(&["add", "--all"]);
    }
}

fn add_files(folder: &Path, files: &mut BTreeMap<PathBuf, (Vec<u8>, u32)>) {
    for entry in fs::read_dir(folder).expect("it can be listed") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy();
        let metadata = path.symlink_metadata().expect("it is there");
        if name == ".git" || name.starts_with(".devs") {
            continue;
        }
        if metadata.is_dir() {
            add_files(&path, files);
            continue;
        }
        let bytes = if metadata.is_symlink() {
            let target = fs::read_link(&path).expect("it is a link");
            target.into_os_string().into_encoded_bytes()
        } else {
            fs::read(&path).expect("it can be read")
        };
        files.insert(path, (bytes, metadata.permissions().mode() & 0o7777));
    }
}
