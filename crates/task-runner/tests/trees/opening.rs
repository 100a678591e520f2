//! Which places are a tree to work on, and which are refused by name.

use std::fs;

use task_runner::{GitError, Repository};
use testkit::Sandbox;

use crate::repo::Repo;

#[test]
fn open_finds_the_tree_from_a_folder_inside_it() {
    let repo = Repo::new();
    let found = Repository::open(&repo.join("src")).expect("a repository");
    assert_eq!(found.top(), repo.top(), "the top of the tree");
    assert_eq!(found.git_dir(), repo.join(".git"), "its own folder");
    assert_eq!(found.common_dir(), repo.join(".git"), "the shared folder");
    assert_eq!(found.no_id().len(), 40, "ids by SHA-1 have forty digits");
}

#[test]
fn open_in_a_linked_worktree_tells_its_own_folder_from_the_shared_one() {
    let repo = Repo::new();
    let linked = repo.outside().join("linked\nworktree ");
    repo.git([
        "worktree".as_ref(),
        "add".as_ref(),
        "-q".as_ref(),
        "--detach".as_ref(),
        linked.as_os_str(),
    ]);
    let found = Repository::open(&linked).expect("a repository");
    assert_eq!(found.top(), linked, "the top, whatever its name holds");
    assert_eq!(
        found.common_dir(),
        repo.join(".git"),
        "shared with the first"
    );
    assert!(
        found.git_dir().starts_with(repo.join(".git/worktrees")),
        "index and HEAD are its own: {}",
        found.git_dir().display()
    );
}

#[test]
fn open_reads_the_length_of_ids_when_they_are_by_sha256() {
    let repo = Repo::made_by(&["init", "-q", "--object-format=sha256"]);
    let found = Repository::open(repo.top()).expect("a repository");
    assert_eq!(
        found.no_id().len(),
        64,
        "ids by SHA-256 have sixty-four digits"
    );
}

#[test]
fn open_refuses_each_place_that_is_no_working_tree_by_name() {
    let repo = Repo::new();
    let inside = Repository::open(&repo.join(".git/refs"));
    assert!(
        matches!(inside, Err(GitError::InsideGitFolder { .. })),
        "{inside:?}"
    );

    let bare = Repo::made_by(&["init", "-q", "--bare"]);
    let in_bare = Repository::open(bare.top());
    assert!(matches!(in_bare, Err(GitError::Bare { .. })), "{in_bare:?}");

    let Some(elsewhere) = Sandbox::on_tmpfs() else {
        return testkit::skip(
            "open_refuses_each_place",
            "no /dev/shm, a place outside of any repository",
        );
    };
    let none = Repository::open(elsewhere.path());
    assert!(
        matches!(none, Err(GitError::NoRepository { .. })),
        "{none:?}"
    );
    let gone = Repository::open(&elsewhere.join("gone"));
    assert!(matches!(gone, Err(GitError::Io { .. })), "{gone:?}");
}

#[test]
fn commands_never_reach_an_outer_repository_when_the_inner_one_is_deleted() {
    let outer = Repo::new();
    fs::create_dir(outer.join("inner")).expect("a folder");
    outer.git_in(&outer.join("inner"), ["init", "-q"]);
    let inner = Repository::open(&outer.join("inner")).expect("a repository");
    fs::remove_dir_all(outer.join("inner/.git")).expect("it can be removed");
    let refused = inner.git(["rev-parse", "HEAD"]).run();
    assert!(
        matches!(refused, Err(GitError::Failed { .. })),
        "{refused:?}"
    );
}

#[test]
fn run_gives_and_takes_more_than_a_pipe_holds() {
    let repo = Repo::new();
    let found = Repository::open(repo.top()).expect("a repository");
    let paths: Vec<u8> = (0..100_000)
        .flat_map(|n| format!("path-{n}\0").into_bytes())
        .collect();
    let git = found.git(["check-attr", "-z", "--stdin", "text"]);
    let answer = git.input(paths).run().expect("git answers");
    let count = answer.split(|byte| *byte == 0).count() - 1;
    assert_eq!(count, 300_000, "three fields for each path");
}

#[test]
fn blobs_reads_objects_and_names_one_that_is_missing() {
    let repo = Repo::new();
    let found = Repository::open(repo.top()).expect("a repository");
    let mut blobs = found.blobs().expect("a reader");
    let readme = blobs.read("HEAD:README.md").expect("it exists");
    assert_eq!(readme, b"a project\n", "the bytes of the file");
    let missing = blobs.read(&found.no_id());
    assert!(
        matches!(missing, Err(GitError::Unexpected { .. })),
        "{missing:?}"
    );
    let main = blobs.read("HEAD:src/main.rs").expect("it exists");
    assert_eq!(main, b"fn main() {}\n", "the reader goes on after that");
}
