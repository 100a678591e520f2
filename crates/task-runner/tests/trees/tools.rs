//! Programs that a test runs beside a repository's ordinary work.

use std::process::Command;

use crate::repo::Repo;

/// Whether git ends well with these words.
pub fn succeeds(repo: &Repo, words: &[&str]) -> bool {
    let names = ["-c", "user.name=Tester", "-c", "user.email=t@example.org"];
    let mut git = Command::new("git");
    let git = git.args(names).args(words).current_dir(repo.top());
    git.output().expect("git runs").status.success()
}

/// Runs a program of the system in the tree; it has to succeed.
pub fn system(repo: &Repo, program: &str, words: &[&str]) {
    let mut command = Command::new(program);
    let status = command.args(words).current_dir(repo.top()).status();
    let status = status.unwrap_or_else(|err| panic!("{program}: {err}"));
    assert!(status.success(), "{program} succeeds");
}
