//! A real git repository to try things on.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use testkit::Sandbox;

/// A repository in a sandbox of its own.
pub struct Repo {
    sandbox: Sandbox,
    top: PathBuf,
}

impl Repo {
    /// An empty one: no commit yet.
    pub fn unborn() -> Self {
        Self::made_by(&["init", "-q", "-b", "main"])
    }

    /// One with a commit of `README.md` and `src/main.rs`.
    pub fn new() -> Self {
        let repo = Self::unborn();
        repo.write("README.md", "a project\n");
        repo.write("src/main.rs", "fn main() {}\n");
        repo.commit_all("base");
        repo
    }

    /// One that `git` with these words makes.
    pub fn made_by(words: &[&str]) -> Self {
        Self::made_in(Sandbox::new(), words)
    }

    /// The same in a sandbox that is there.
    pub fn made_in(sandbox: Sandbox, words: &[&str]) -> Self {
        let top = sandbox.join("tree");
        fs::create_dir(&top).expect("a sandbox takes folders");
        let repo = Self { sandbox, top };
        repo.git(words);
        repo
    }

    pub fn top(&self) -> &Path {
        &self.top
    }

    /// The folder around the tree.
    pub fn outside(&self) -> &Path {
        self.sandbox.path()
    }

    pub fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.top.join(name)
    }

    /// Writes a file with its folders, in place, as an editor without manners does.
    pub fn write(&self, name: impl AsRef<Path>, contents: impl AsRef<[u8]>) -> PathBuf {
        self.sandbox.write(self.top.join(name), contents)
    }

    pub fn read(&self, name: impl AsRef<Path>) -> Vec<u8> {
        fs::read(self.top.join(&name))
            .unwrap_or_else(|err| panic!("{}: {err}", name.as_ref().display()))
    }

    pub fn commit_all(&self, message: &str) {
        self.git(["add", "--all"]);
        self.git(["commit", "-q", "--allow-empty", "-m", message]);
    }

    /// Runs git in the tree; it has to succeed. Answers its stdout, trimmed at its end.
    pub fn git<S: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = S>) -> String {
        self.git_in(&self.top, words)
    }

    /// As [`Repo::git`], in a folder that is absolute, or relative to the tree.
    pub fn git_in<S: AsRef<OsStr>>(
        &self,
        folder: &Path,
        words: impl IntoIterator<Item = S>,
    ) -> String {
        let output = Self::try_git(&self.top.join(folder), words);
        assert!(
            output.status.success(),
            "git failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout)
            .trim_end()
            .to_owned()
    }

    pub fn try_git<S: AsRef<OsStr>>(folder: &Path, words: impl IntoIterator<Item = S>) -> Output {
        Command::new("git")
            .args(["-c", "user.name=Tester", "-c", "user.email=t@example.org"])
            .args([
                "-c",
                "init.defaultBranch=main",
                "-c",
                "protocol.file.allow=always",
            ])
            .args(words)
            .current_dir(folder)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .output()
            .expect("git runs")
    }
}
