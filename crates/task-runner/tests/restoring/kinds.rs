//! Trees that are not ordinary: modes, links, line ends, filters, names, sparse, linked, submodules, other ids.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;

use task_runner::{ObstacleKind, Reason, RestoreError};

use crate::ordinary::{chmod, link, remove};
use crate::repo::Repo;
use crate::state::{goes_back, in_memory, restore, state, take, try_restore};

#[test]
fn restore_brings_back_permissions_to_the_bit() {
    for bits in [0o600, 0o755, 0o444, 0o640, 0o4755, 0o2711] {
        let repo = in_memory();
        chmod(&repo, "README.md", bits);
        repo.write("new", "mine\n");
        chmod(&repo, "new", bits);
        goes_back("other contents", &repo, || {
            chmod(&repo, "README.md", 0o644);
            repo.write("README.md", "task\n");
            remove(&repo, "new");
        });
        goes_back("other bits", &repo, || chmod(&repo, "new", 0o666));
    }
}

#[test]
fn restore_brings_back_the_permissions_of_folders() {
    let repo = in_memory();
    repo.write("private/deep/key", "mine\n");
    chmod(&repo, "private", 0o700);
    chmod(&repo, "private/deep", 0o750);
    goes_back("a private folder deleted", &repo, || {
        fs::remove_dir_all(repo.join("private")).expect("it is there");
    });
    goes_back("a private folder opened", &repo, || {
        chmod(&repo, "private", 0o777);
    });
}

#[test]
fn restore_never_follows_a_link_out_of_the_tree() {
    let repo = in_memory();
    repo.write("folder/file", "mine\n");
    repo.write("folder/deep/file", "mine\n");
    let outside = repo.outside().join("elsewhere");
    fs::create_dir_all(outside.join("deep")).expect("a folder");
    for name in ["file", "deep/file"] {
        fs::copy(repo.join("README.md"), outside.join(name)).expect("a file");
    }
    goes_back("a folder became a link to elsewhere", &repo, || {
        fs::remove_dir_all(repo.join("folder")).expect("it is there");
        link(&repo, "../elsewhere", "folder");
    });
    goes_back("a deeper one did", &repo, || {
        fs::remove_dir_all(repo.join("folder/deep")).expect("it is there");
        link(&repo, "../../elsewhere/deep", "folder/deep");
    });
    for name in ["file", "deep/file"] {
        let bytes = fs::read(outside.join(name)).expect("it is there");
        assert_eq!(
            bytes, b"a project\n",
            "{name} elsewhere is nobody's to touch"
        );
    }
}

#[test]
fn restore_refuses_an_ignored_link_on_the_way() {
    let repo = in_memory();
    repo.write("folder/file", "mine\n");
    let snapshot = take(repo.top());
    fs::remove_dir_all(repo.join("folder")).expect("it is there");
    let outside = repo.outside().join("elsewhere");
    fs::create_dir(&outside).expect("a folder");
    repo.write(".git/info/exclude", "/folder\n");
    link(&repo, "../elsewhere", "folder");
    let refused = try_restore(repo.top(), &snapshot);
    assert!(
        matches!(&refused, Err(RestoreError::Obstacles { obstacles }) if obstacles[0].path.as_os_str() == "folder"),
        "the link is in the way: {refused:?}"
    );
    assert!(
        !outside.join("file").exists(),
        "nothing is written through it"
    );
}

#[test]
fn restore_brings_back_the_bytes_that_were_there_whatever_git_would_make_of_them() {
    let repo = in_memory();
    repo.write(
        ".gitattributes",
        "*.txt text eol=crlf\n*.up filter=up\n*.id ident\n",
    );
    repo.git(["config", "filter.up.clean", "tr a-z A-Z"]);
    repo.git(["config", "filter.up.smudge", "tr A-Z a-z"]);
    repo.write("lines.txt", "one\r\ntwo\r\n");
    repo.write("mixed.txt", "one\ntwo\r\n");
    repo.write("word.up", "word\n");
    repo.write("x.id", "$Id$\n");
    repo.commit_all("converted");
    repo.write("mixed.txt", "one\ntwo\r\nthree\n");
    repo.write("word.up", "Word\n");
    goes_back("files that git converts", &repo, || {
        for name in ["lines.txt", "mixed.txt", "word.up", "x.id"] {
            remove(&repo, name);
        }
        repo.git(["checkout", "-q", "--", "."]);
        repo.write("lines.txt", "one\ntwo\n");
    });
}

#[test]
fn restore_brings_back_names_of_any_bytes() {
    let names = [
        "new\nline",
        "\"quoted\"",
        "back\\slash",
        "-dash",
        ":(top)x",
        "*glob?[a]",
        " space ",
        "tab\t",
        "ü",
        "\u{7f}",
    ];
    let odd = OsStr::from_bytes(b"not \xff utf-8");
    let repo = in_memory();
    for name in names.iter().map(OsStr::new).chain([odd]) {
        repo.write(name, "mine\n");
        repo.write(std::path::Path::new("folder").join(name), "mine\n");
    }
    repo.git(["add", "--", "folder"]);
    goes_back("odd names", &repo, || {
        for name in names.iter().map(OsStr::new).chain([odd]) {
            fs::remove_file(repo.join(name)).expect("it is there");
            repo.write(std::path::Path::new("folder").join(name), "task\n");
            let other: std::ffi::OsString = [OsStr::new("task"), name].into_iter().collect();
            repo.write(other, "task\n");
        }
    });
}

#[test]
fn restore_brings_back_a_sparse_checkout() {
    let repo = in_memory();
    repo.write("apart/file", "one\n");
    repo.commit_all("more");
    repo.git(["sparse-checkout", "set", "src"]);
    assert!(!repo.join("apart").exists(), "it is left out");
    goes_back("what was left out appeared", &repo, || {
        repo.write("apart/file", "task\n");
        repo.write("src/main.rs", "task\n");
    });
    goes_back("the index forgot it", &repo, || {
        repo.git(["update-index", "--no-skip-worktree", "apart/file"]);
    });
}

#[test]
fn restore_works_where_ids_are_longer() {
    let repo = Repo::made_by(&["init", "-q", "-b", "main", "--object-format=sha256"]);
    repo.write("file", "mine\n");
    repo.commit_all("base");
    repo.write("file", "changed\n");
    goes_back("a repository by SHA-256", &repo, || {
        repo.write("file", "task\n");
        repo.write("new", "task\n");
    });
}

#[test]
fn restore_leaves_submodules_and_names_them() {
    let repo = in_memory();
    let other = repo.outside().join("other");
    fs::create_dir(&other).expect("a folder");
    repo.git_in(&other, ["init", "-q"]);
    repo.git_in(&other, ["commit", "-q", "--allow-empty", "-m", "one"]);
    let words = ["submodule", "--quiet", "add"].map(OsStr::new);
    repo.git(
        words
            .into_iter()
            .chain([other.as_os_str(), OsStr::new("sub")]),
    );
    repo.commit_all("a submodule");
    let (top, before) = (repo.top(), state(repo.top(), &repo));
    let snapshot = take(top);
    repo.git_in(
        &repo.join("sub"),
        ["commit", "-q", "--allow-empty", "-m", "two"],
    );
    let two = repo.git_in(&repo.join("sub"), ["rev-parse", "HEAD"]);
    repo.git(["add", "sub"]);
    repo.write("README.md", "task\n");
    let restored = restore(top, &snapshot);
    let reasons: Vec<_> = restored.left.iter().map(|left| left.reason).collect();
    assert_eq!(reasons, [Reason::Submodule], "it is named: {restored:?}");
    let at = repo.git_in(&repo.join("sub"), ["rev-parse", "HEAD"]);
    assert_eq!(at, two, "nobody moved it");
    let now = state(top, &repo);
    assert_eq!(
        (now.index, now.files),
        (before.index, before.files),
        "all else is back"
    );
}

#[test]
fn restore_does_not_write_into_a_repository_of_its_own() {
    let repo = in_memory();
    repo.write("folder/file", "mine\n");
    let snapshot = take(repo.top());
    fs::remove_file(repo.join("folder/file")).expect("it is there");
    repo.git_in(&repo.join("folder"), ["init", "-q"]);
    let refused = try_restore(repo.top(), &snapshot);
    assert!(
        matches!(&refused, Err(RestoreError::Obstacles { obstacles }) if obstacles[0].kind == ObstacleKind::Repository),
        "somebody works there: {refused:?}"
    );
    assert!(!repo.join("folder/file").exists(), "nothing was touched");
}

#[test]
fn restores_in_several_working_trees_do_not_disturb_each_other() {
    let repo = in_memory();
    let trees: Vec<_> = (0..3)
        .map(|n| {
            let tree = repo.outside().join(format!("tree {n}"));
            let words = ["worktree", "add", "-q", "--detach"].map(OsStr::new);
            repo.git(words.into_iter().chain([tree.as_os_str()]));
            fs::copy(repo.join("src/main.rs"), tree.join(format!("new {n}"))).expect("a file");
            tree
        })
        .collect();
    std::thread::scope(|scope| {
        for tree in &trees {
            let repo = &repo;
            scope.spawn(move || {
                for _ in 0..3 {
                    let before = state(tree, repo);
                    let snapshot = take(tree);
                    fs::remove_file(tree.join("README.md")).expect("it is there");
                    repo.git_in(tree, ["add", "--all"]);
                    restore(tree, &snapshot);
                    assert_eq!(state(tree, repo), before, "{}", tree.display());
                }
            });
        }
    });
}

#[test]
fn restore_leaves_nothing_for_git_to_believe_that_is_not_so() {
    // The same size, in the same tick as the index was written: only the contents tell.
    let repo = in_memory();
    repo.write("racy", "one\n");
    repo.git(["add", "racy"]);
    repo.write("racy", "two\n");
    let before = state(repo.top(), &repo);
    assert!(
        before.status.contains("racy"),
        "git sees that it was changed"
    );
    goes_back("an index as old as its files", &repo, || {
        repo.git(["add", "--all"]);
        repo.write("README.md", "task\n");
    });
}

#[test]
fn restore_brings_back_a_large_file_without_having_it_in_memory_twice() {
    const SIZE: usize = 200 << 20;
    let repo = Repo::new();
    let large = vec![b'x'; SIZE];
    repo.write("large", &large);
    let snapshot = take(repo.top());
    repo.write("large", "task\n");
    let before = peak();
    restore(repo.top(), &snapshot);
    let grown = peak().saturating_sub(before);
    assert_eq!(
        fs::metadata(repo.join("large")).expect("it is there").len(),
        SIZE as u64,
        "whole"
    );
    assert!(repo.read("large") == large, "to the byte");
    assert!(
        grown < SIZE as u64 / 4,
        "it was never in memory: {grown} bytes more"
    );
}

/// The most memory that this process ever had, in bytes.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux tells");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let line = line.expect("it is among the numbers").trim();
    let kilobytes: u64 = line.trim_end_matches(" kB").parse().expect("a number");
    kilobytes * 1024
}
