//! Real git asks `story lease guard` before a commit, after `story init --git`.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use testkit::{Finished, Sandbox, on_path, skip};

use crate::support::{json, run, story};

/// A repository with some files in it, and `story` where git finds it.
struct Repository {
    sandbox: Sandbox,
}

impl Repository {
    /// Without our hook.
    fn bare_of_hooks() -> Self {
        let sandbox = Sandbox::inside(&env::temp_dir()).expect("the temporary folder can be used");
        let repository = Self { sandbox };
        repository.git(&["init", "--quiet", "--initial-branch", "main"]);
        repository.git(&["config", "user.name", "A Person"]);
        repository.git(&["config", "user.email", "person@example.org"]);
        repository.write("src/a.rs", "a\n");
        repository.write("src/b.rs", "b\n");
        repository.write("doc/c.md", "c\n");
        repository
    }

    fn new() -> Self {
        let repository = Self::bare_of_hooks();
        repository.story(0, &["init", "--git"]);
        repository.git(&["add", "--all"]);
        repository.git(&["commit", "--quiet", "-m", "begin"]);
        repository
    }

    fn write(&self, name: &str, text: &str) {
        self.sandbox.write(name, text);
    }

    fn join(&self, name: &str) -> PathBuf {
        self.sandbox.join(name)
    }

    /// Runs git in a folder as an agent, or as nobody.
    fn try_git_in(folder: &Path, agent: Option<&str>, arguments: &[&str]) -> Finished {
        let mut command = Command::new("git");
        testkit::without_settings(&mut command);
        command
            .current_dir(folder)
            .args(arguments)
            .env("PATH", path_with_story())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_EDITOR", "true");
        command.envs(agent.map(|name| ("STORY_AGENT", name)));
        run(&mut command)
    }

    fn git(&self, arguments: &[&str]) -> Finished {
        let finished = Self::try_git_in(self.sandbox.path(), None, arguments);
        assert!(
            finished.status.success(),
            "git {arguments:?} works: {finished:?}"
        );
        finished
    }

    /// Stages everything and commits.
    fn commit_as(&self, agent: Option<&str>) -> Finished {
        self.git(&["add", "--all"]);
        Self::try_git_in(
            self.sandbox.path(),
            agent,
            &["commit", "--quiet", "-m", "x"],
        )
    }

    fn story(&self, code: i32, arguments: &[&str]) -> Finished {
        let finished = run(story().current_dir(self.sandbox.path()).args(arguments));
        assert_eq!(
            finished.status.code(),
            Some(code),
            "{arguments:?}: {finished:?}"
        );
        finished
    }

    fn lease(&self, agent: &str, paths: &[&str]) {
        self.story(
            0,
            &[
                &["lease", "acquire", "--as", agent, "--task", "tidy"],
                paths,
            ]
            .concat(),
        );
    }

    fn commits(&self) -> usize {
        let log = self.git(&["rev-list", "--count", "HEAD"]).stdout;
        log.trim().parse().expect("a number")
    }
}

fn path_with_story() -> OsString {
    let binary = Path::new(env!("CARGO_BIN_EXE_story"));
    let folder = binary.parent().expect("a binary lies in a folder");
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = [folder.to_path_buf()]
        .into_iter()
        .chain(env::split_paths(&path));
    env::join_paths(folders).expect("a list of folders")
}

fn is_without_git(test: &str) -> bool {
    let is_missing = on_path("git").is_none();
    if is_missing {
        skip(test, "git is not installed");
    }
    is_missing
}

#[track_caller]
fn assert_refused(finished: &Finished, names: &[&str]) {
    assert_eq!(finished.status.code(), Some(1), "git refuses: {finished:?}");
    for name in names {
        assert!(
            finished.stderr.contains(name),
            "{name} is named: {finished:?}"
        );
    }
}

#[track_caller]
fn assert_committed(finished: &Finished) {
    assert!(finished.status.success(), "git commits: {finished:?}");
}

#[test]
fn commit_of_files_that_others_lease_is_refused_until_they_are_released() {
    if is_without_git("commit_of_files_that_others_lease_is_refused_until_they_are_released") {
        return;
    }
    let repository = Repository::new();
    repository.lease("worker-1", &["src/"]);
    repository.lease("worker-2", &["doc/c.md"]);
    for name in ["src/a.rs", "src/b.rs", "doc/c.md", "own.txt"] {
        repository.write(name, "changed\n");
    }
    let others = [
        "3 files to be committed are leased by other agents",
        "src/a.rs is held by worker-1 as src/",
        "src/b.rs is held by worker-1 as src/",
        "doc/c.md is held by worker-2",
        "for \"tidy\"",
        "--no-verify",
    ];
    assert_refused(&repository.commit_as(None), &others);
    let by_one = repository.commit_as(Some("worker-1"));
    assert_refused(
        &by_one,
        &["a file to be committed is leased", "held by worker-2"],
    );
    assert!(
        !by_one.stderr.contains("worker-1"),
        "its own are no reason: {by_one:?}"
    );
    assert_eq!(repository.commits(), 1, "nothing was committed");
    repository.story(0, &["lease", "release", "--as", "worker-2"]);
    assert_committed(&repository.commit_as(Some("worker-1")));
    repository.write("src/a.rs", "again\n");
    assert_refused(
        &repository.commit_as(Some("worker-2")),
        &["src/a.rs is held by worker-1"],
    );
    let past = ["commit", "--quiet", "--no-verify", "-m", "x"];
    let past = Repository::try_git_in(repository.sandbox.path(), None, &past);
    assert_committed(&past);
    assert_eq!(repository.commits(), 3, "a person may commit all the same");
}

#[test]
fn commit_of_what_nobody_leases_is_made_without_and_with_a_store() {
    if is_without_git("commit_of_what_nobody_leases_is_made_without_and_with_a_store") {
        return;
    }
    let repository = Repository::new();
    repository.write("src/a.rs", "changed\n");
    assert_committed(&repository.commit_as(None));
    assert!(
        !repository.join(".ai-sdlc/locks").exists(),
        "a look makes no store"
    );
    repository.lease("worker-1", &["src/b.rs"]);
    repository.write("src/a.rs", "changed again\n");
    assert_committed(&repository.commit_as(None));
    let empty = ["commit", "--quiet", "--allow-empty", "-m", "nothing"];
    assert_committed(&Repository::try_git_in(
        repository.sandbox.path(),
        None,
        &empty,
    ));
    repository.write("src/b.rs", "not staged\n");
    repository.write("src/a.rs", "staged\n");
    repository.git(&["add", "src/a.rs"]);
    let staged = ["commit", "--quiet", "-m", "a part"];
    assert_committed(&Repository::try_git_in(
        repository.sandbox.path(),
        None,
        &staged,
    ));
    let all = ["commit", "--quiet", "--all", "-m", "the rest"];
    let refused = Repository::try_git_in(repository.sandbox.path(), None, &all);
    assert_refused(&refused, &["src/b.rs is held by worker-1"]);
    let named = ["commit", "--quiet", "-m", "b", "src/b.rs"];
    let refused = Repository::try_git_in(repository.sandbox.path(), None, &named);
    assert_refused(&refused, &["src/b.rs is held by worker-1"]);
}

#[test]
fn commit_that_renames_or_removes_a_leased_file_is_refused() {
    if is_without_git("commit_that_renames_or_removes_a_leased_file_is_refused") {
        return;
    }
    let repository = Repository::new();
    repository.lease("worker-1", &["src/a.rs", "new/"]);
    repository.git(&["mv", "src/a.rs", "elsewhere.rs"]);
    assert_refused(
        &repository.commit_as(None),
        &["src/a.rs is held by worker-1"],
    );
    repository.git(&["reset", "--quiet", "--hard"]);
    fs::create_dir(repository.join("new")).expect("a folder");
    repository.git(&["mv", "src/b.rs", "new/b.rs"]);
    assert_refused(
        &repository.commit_as(None),
        &["new/b.rs is held by worker-1"],
    );
    repository.git(&["reset", "--quiet", "--hard"]);
    repository.git(&["rm", "--quiet", "src/a.rs"]);
    assert_refused(
        &repository.commit_as(None),
        &["src/a.rs is held by worker-1"],
    );
    repository.git(&["reset", "--quiet", "--hard"]);
    // A link in a leased folder that leads out of it, even out of the project.
    fs::create_dir_all(repository.join("new")).expect("a folder");
    std::os::unix::fs::symlink("/", repository.join("new/link")).expect("a link");
    assert_refused(
        &repository.commit_as(None),
        &["new/link is held by worker-1"],
    );
    fs::remove_file(repository.join("new/link")).expect("it is there");
    repository.write("new/two\nlines", "x\n");
    assert_refused(
        &repository.commit_as(None),
        &["is held by worker-1 as new/"],
    );
}

#[test]
fn commit_that_replaces_the_folder_of_a_leased_file_by_a_link_is_refused() {
    if is_without_git("commit_that_replaces_the_folder_of_a_leased_file_by_a_link_is_refused") {
        return;
    }
    let repository = Repository::new();
    repository.lease("worker-1", &["src/a.rs"]);
    for target in ["doc", "/"] {
        repository.git(&["rm", "-r", "--quiet", "src"]);
        std::os::unix::fs::symlink(target, repository.join("src")).expect("a link");
        assert_refused(
            &repository.commit_as(None),
            &["src/a.rs is held by worker-1"],
        );
        repository.git(&["reset", "--quiet", "--hard"]);
    }
}

#[test]
fn guard_works_in_worktrees_in_subfolders_and_for_projects_inside_of_a_repository() {
    if is_without_git(
        "guard_works_in_worktrees_in_subfolders_and_for_projects_inside_of_a_repository",
    ) {
        return;
    }
    let repository = Repository::new();
    repository.lease("worker-1", &["src/a.rs"]);
    repository.write("src/a.rs", "changed\n");
    repository.git(&["add", "--all"]);
    let commit = ["commit", "--quiet", "-m", "x"];
    let refused = Repository::try_git_in(&repository.join("doc"), None, &commit);
    assert_refused(&refused, &["src/a.rs is held by worker-1"]);
    let mut guard = story();
    guard
        .current_dir(repository.join("doc"))
        .args(["lease", "guard"]);
    assert_eq!(
        run(&mut guard).status.code(),
        Some(4),
        "by hand, in a subfolder"
    );
    repository.git(&["reset", "--quiet", "--hard"]);

    // A worktree inside of the project: its files are other files of the project.
    repository.git(&["worktree", "add", "--quiet", "trees/one", "-b", "one"]);
    let tree = repository.join("trees/one");
    let mut commits = 0;
    let mut commit_in_tree = |agent| {
        commits += 1;
        repository
            .sandbox
            .write("trees/one/src/a.rs", format!("{commits}\n"));
        Repository::try_git_in(&tree, agent, &["commit", "--quiet", "--all", "-m", "x"])
    };
    assert_committed(&commit_in_tree(None));
    repository.lease("worker-2", &["trees/one/src/"]);
    assert_refused(
        &commit_in_tree(Some("worker-1")),
        &["trees/one/src/a.rs is held by worker-2 as trees/one/src/"],
    );
    assert_committed(&commit_in_tree(Some("worker-2")));

    // A project below the top level, with a store of its own.
    repository.write("part/.ai-sdlc/stories/S-1/story.md", "---\nid: S-1\n---\n");
    repository.write("part/x.rs", "x\n");
    let mut acquire = story();
    acquire.current_dir(repository.join("part"));
    let acquired = run(acquire.args(["lease", "acquire", "x.rs", "--as", "worker-3"]));
    assert!(acquired.status.success(), "it is free: {acquired:?}");
    assert_refused(&repository.commit_as(None), &["x.rs is held by worker-3"]);
    assert_committed(&repository.commit_as(Some("worker-3")));
}

#[test]
fn commit_is_refused_while_the_leases_cannot_be_read() {
    if is_without_git("commit_is_refused_while_the_leases_cannot_be_read") {
        return;
    }
    let repository = Repository::new();
    repository.write(".ai-sdlc/locks/other.lock", "{\n");
    repository.write("src/a.rs", "changed\n");
    assert_refused(
        &repository.commit_as(None),
        &["other.lock", "git commit --no-verify"],
    );
    repository.story(6, &["lease", "guard"]);
}

#[test]
fn guard_outside_of_a_repository_says_so() {
    if is_without_git("guard_outside_of_a_repository_says_so") {
        return;
    }
    let sandbox = Sandbox::inside(&env::temp_dir()).expect("the temporary folder can be used");
    let finished = run(story()
        .current_dir(sandbox.path())
        .args(["lease", "guard", "--json"]));
    assert_eq!(
        finished.status.code(),
        Some(3),
        "there is none: {finished:?}"
    );
    let message = json(&finished)["error"]["message"].to_string();
    assert!(
        message.contains("not a git repository"),
        "git says why: {message}"
    );
}

#[test]
fn init_makes_the_hook_once_and_leaves_that_of_others() {
    if is_without_git("init_makes_the_hook_once_and_leaves_that_of_others") {
        return;
    }
    let repository = Repository::new();
    let hook = repository.join(".git/hooks/pre-commit");
    let made = fs::read(&hook).expect("it is made");
    let again = repository.story(0, &["init", "--git"]);
    assert!(
        again.stderr.contains("nothing to change"),
        "once: {again:?}"
    );
    // As a crash may leave it: git would pass over it.
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o644)).expect("it is ours");
    repository.story(0, &["init", "--git"]);
    repository.lease("worker-1", &["src/"]);
    repository.write("src/a.rs", "changed\n");
    assert_refused(&repository.commit_as(None), &["worker-1"]);

    let theirs = "#!/bin/sh\nexit 0\n";
    repository.write(".git/hooks/pre-commit", theirs);
    let told = repository.story(0, &["init", "--git"]);
    assert!(told.stderr.contains("was left"), "it is told: {told:?}");
    assert!(
        told.stderr.contains("story lease guard || exit"),
        "and what to add: {told:?}"
    );
    assert_eq!(
        repository.sandbox.read(".git/hooks/pre-commit"),
        theirs,
        "it is left"
    );
    assert_committed(&repository.commit_as(None));
    let (_, line) = told.stderr.split_once("add to it: ").expect("a line");
    let line = line.lines().next().expect("one line");
    repository.write(
        ".git/hooks/pre-commit",
        &format!("#!/bin/sh\n{line}\nexit 0\n"),
    );
    repository.write("src/a.rs", "changed again\n");
    assert_refused(
        &repository.commit_as(None),
        &["src/a.rs is held by worker-1"],
    );
    let told = repository.story(0, &["init", "--git"]);
    assert!(
        !told.stderr.contains("was left"),
        "the line is found: {told:?}"
    );
    assert!(made.starts_with(b"#!/bin/sh\n"), "a script of the shell");
}

#[test]
fn init_honours_the_configured_folder_of_hooks_but_none_that_others_share() {
    if is_without_git("init_honours_the_configured_folder_of_hooks_but_none_that_others_share") {
        return;
    }
    let repository = Repository::bare_of_hooks();
    repository.git(&["config", "core.hooksPath", ".hooks"]);
    repository.story(0, &["init", "--git"]);
    assert!(
        repository.join(".hooks/pre-commit").exists(),
        "there git looks for it"
    );
    assert!(
        !repository.join(".git/hooks/pre-commit").exists(),
        "not here"
    );
    repository.lease("worker-1", &["src/"]);
    assert_refused(
        &repository.commit_as(None),
        &["src/a.rs is held by worker-1"],
    );

    let shared = Sandbox::inside(&env::temp_dir()).expect("the temporary folder can be used");
    let outside = shared.path().to_str().expect("a name");
    repository.git(&["config", "core.hooksPath", outside]);
    let told = repository.story(0, &["init", "--git"]);
    assert!(
        told.stderr.contains("outside of the repository"),
        "it is told: {told:?}"
    );
    assert!(
        !shared.join("pre-commit").exists(),
        "others use that folder too"
    );
}

#[test]
fn hook_lets_commits_pass_where_story_is_not_installed() {
    if is_without_git("hook_lets_commits_pass_where_story_is_not_installed") {
        return;
    }
    let repository = Repository::new();
    repository.lease("worker-1", &["src/"]);
    repository.write("src/a.rs", "changed\n");
    repository.git(&["add", "--all"]);
    let mut commit = Command::new("git");
    testkit::without_settings(&mut commit);
    commit.current_dir(repository.sandbox.path());
    let folders = env::var_os("PATH").unwrap_or_default();
    let elsewhere = env::split_paths(&folders).filter(|folder| !folder.join("story").exists());
    commit.env(
        "PATH",
        env::join_paths(elsewhere).expect("a list of folders"),
    );
    commit.args(["commit", "--quiet", "-m", "x"]);
    let finished = run(&mut commit);
    assert_committed(&finished);
    assert!(
        finished.stderr.contains("story is not on the PATH"),
        "it warns: {finished:?}"
    );
}
