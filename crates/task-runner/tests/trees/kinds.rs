//! Every kind of file and repository: recorded as it is, or left and named.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use task_runner::{Authorship, Left, NothingShared, Reason, SharedFiles};

use crate::ordinary::{options, take};
use crate::repo::Repo;
use crate::seen::{on_disk, recorded, untouchable};
use crate::tools::system;

fn left(path: &str, reason: Reason) -> Left {
    let path = path.into();
    Left { path, reason }
}

fn chmod(repo: &Repo, name: &str, mode: u32) {
    fs::set_permissions(repo.join(name), fs::Permissions::from_mode(mode)).expect("it is ours");
}

#[test]
fn take_records_links_wherever_they_lead() {
    let repo = Repo::new();
    repo.write("folder/file", "x");
    symlink("nowhere", repo.join("dangling")).expect("a link");
    symlink("folder", repo.join("to folder")).expect("a link");
    symlink("/", repo.join("outside")).expect("a link");
    repo.commit_all("links");
    symlink("README.md", repo.join("new")).expect("a link");
    // A file becomes a link, a link becomes a file, a folder of tracked files becomes a link to elsewhere.
    fs::remove_file(repo.join("README.md")).expect("it is there");
    symlink("folder", repo.join("README.md")).expect("a link");
    fs::remove_file(repo.join("dangling")).expect("it is there");
    repo.write("dangling", "a file now");
    system(&repo, "mv", &["src", "../moved"]);
    symlink("../moved", repo.join("src")).expect("a link");
    let (snapshots, taken) = take(&repo);
    let found = recorded(&snapshots, &taken.snapshot);
    assert_eq!(
        found,
        on_disk(repo.top(), &[]),
        "links as links, nothing behind them"
    );
    assert!(
        !found.contains_key(Path::new("src/main.rs")),
        "it is outside of the tree now"
    );
}

#[test]
fn take_records_files_where_folders_were_and_folders_where_files_were() {
    let repo = Repo::new();
    repo.write("was folder/inside", "x");
    repo.write("was file", "y");
    repo.commit_all("both");
    fs::remove_dir_all(repo.join("was folder")).expect("it is there");
    repo.write("was folder", "a file now");
    fs::remove_file(repo.join("was file")).expect("it is there");
    repo.write("was file/inside", "a folder now");
    let (snapshots, taken) = take(&repo);
    assert_eq!(
        recorded(&snapshots, &taken.snapshot),
        on_disk(repo.top(), &[]),
        "as it is"
    );
}

#[test]
fn take_records_every_permission_of_files_and_folders() {
    let repo = Repo::new();
    for (name, mode) in [
        ("secret", 0o600),
        ("read only", 0o444),
        ("run", 0o755),
        ("own", 0o4755),
    ] {
        repo.write(name, name);
        chmod(&repo, name, mode);
    }
    repo.write("private/key", "k");
    chmod(&repo, "private", 0o700);
    repo.commit_all("modes");
    chmod(&repo, "README.md", 0o775);
    let (snapshots, taken) = take(&repo);
    let files = recorded(&snapshots, &taken.snapshot);
    assert_eq!(files, on_disk(repo.top(), &[]), "git's modes");
    let record = snapshots.read(&taken.snapshot).expect("a record");
    for (path, (mode, _)) in files {
        let expected = fs::metadata(repo.join(&path))
            .expect("it is there")
            .permissions();
        let found = record.permissions().of_file(&path, mode);
        assert_eq!(found, expected.mode() & 0o7777, "{}", path.display());
    }
    let private = record.permissions().of_folder(Path::new("private"));
    assert_eq!(private, 0o700, "nobody else's to look into");
}

#[test]
fn take_records_modes_of_the_disk_when_git_is_told_not_to_look_at_them() {
    let repo = Repo::new();
    repo.git(["config", "core.fileMode", "false"]);
    chmod(&repo, "README.md", 0o755);
    repo.write("new", "n");
    chmod(&repo, "new", 0o755);
    let (snapshots, taken) = take(&repo);
    assert_eq!(
        recorded(&snapshots, &taken.snapshot),
        on_disk(repo.top(), &[]),
        "as on the disk"
    );
}

#[test]
fn take_records_names_of_any_bytes() {
    let repo = Repo::new();
    let names: [&[u8]; 12] = [
        b"new\nline",
        b"ends in return\r",
        b"\"quoted\"",
        b"back\\slash",
        b"-leading",
        b"--all",
        b"*",
        b":(glob)**",
        b"not\xffutf\xfe8",
        "ü-composed".as_bytes(),
        b" spaces ",
        b"tab\tand \x01 control",
    ];
    repo.write(".gitattributes", "* filter=none\n");
    for (number, name) in names.into_iter().enumerate() {
        let path = repo.join(std::ffi::OsStr::from_bytes(name));
        repo.write(&path, format!("{number}"));
        if number % 2 == 0 {
            repo.git(["add", "--all"]);
            repo.write(&path, format!("{number} changed"));
        }
    }
    let (snapshots, taken) = take(&repo);
    assert_eq!(
        recorded(&snapshots, &taken.snapshot),
        on_disk(repo.top(), &[]),
        "all of them"
    );
    assert_eq!(
        snapshots.find("T-1").expect("it is found"),
        taken.snapshot,
        "and it can be read"
    );
}

#[test]
fn take_records_large_and_binary_files_piece_by_piece() {
    let repo = Repo::new();
    // Above this length git streams instead of reading a file into memory.
    repo.git(["config", "core.bigFileThreshold", "1m"]);
    let bytes: Vec<u8> = (0..3_000_000_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    repo.write("large", &bytes);
    repo.write("zeros", vec![0; 2_000_000]);
    repo.write("empty", "");
    let (snapshots, taken) = take(&repo);
    assert_eq!(
        recorded(&snapshots, &taken.snapshot),
        on_disk(repo.top(), &[]),
        "as they are"
    );
}

#[test]
fn take_leaves_pipes_alone_and_names_them_where_git_has_a_file() {
    let repo = Repo::new();
    fs::remove_file(repo.join("README.md")).expect("it is there");
    system(&repo, "mkfifo", &["README.md", "pipe"]);
    let (snapshots, taken) = take(&repo);
    assert_eq!(
        taken.left,
        [left("README.md", Reason::NotAFile)],
        "nobody waits for its other end"
    );
    let files: Vec<_> = recorded(&snapshots, &taken.snapshot).into_keys().collect();
    assert_eq!(files, [Path::new("src/main.rs")], "the rest");
}

#[test]
fn take_leaves_submodules_and_nested_repositories_and_names_them() {
    let library = Repo::new();
    let repo = Repo::new();
    let url = library.top().to_str().expect("a plain path");
    repo.git(["submodule", "add", "-q", url, "lib"]);
    repo.git(["submodule", "add", "-q", url, "moved on"]);
    repo.commit_all("submodules");
    repo.write("lib/README.md", "changed inside\n");
    repo.write("lib/new", "new inside\n");
    repo.git_in(
        &repo.join("moved on"),
        ["commit", "-q", "--allow-empty", "-m", "later"],
    );
    fs::create_dir_all(repo.join("deep/nested")).expect("folders");
    repo.git_in(&repo.join("deep/nested"), ["init", "-q"]);
    repo.write("deep/nested/file", "not ours\n");
    repo.write("deep/ours", "x");
    repo.git(["worktree", "add", "-q", "--detach", "trees/linked"]);
    let before = untouchable(repo.top());
    let (snapshots, taken) = take(&repo);
    assert_eq!(
        untouchable(repo.top()),
        before,
        "nothing inside of them changed either"
    );
    let expected = [
        left("deep/nested", Reason::NestedRepository),
        left("lib", Reason::Submodule),
        left("moved on", Reason::Submodule),
        left("trees/linked", Reason::NestedRepository),
    ];
    assert_eq!(taken.left, expected, "each by name");
    let mut files = recorded(&snapshots, &taken.snapshot);
    let head = |folder| {
        repo.git_in(&repo.join(folder), ["rev-parse", "HEAD"])
            .into_bytes()
    };
    for folder in ["lib", "moved on"] {
        let found = files.remove(Path::new(folder));
        assert_eq!(
            found,
            Some((0o160_000, head(folder))),
            "the commit that {folder} is at"
        );
    }
    let without = ["lib", "moved on", "deep/nested", "trees"];
    assert_eq!(files, on_disk(repo.top(), &without), "everything else");
}

/// Lock files stand apart.
struct LocksApart;

impl SharedFiles for LocksApart {
    fn is_shared(&self, _: &Path) -> bool {
        false
    }

    fn is_apart(&self, path: &Path) -> bool {
        path.extension()
            .is_some_and(|extension| extension == "lock")
    }

    fn authorship(
        &self,
        _: &Path,
        _: Option<&[u8]>,
        _: Option<&[u8]>,
        _: Option<&str>,
    ) -> Authorship {
        Authorship::OthersToo
    }
}

#[test]
fn take_never_records_files_that_stand_apart_even_tracked_ones() {
    let repo = Repo::new();
    repo.write("tracked.lock", "held");
    repo.commit_all("by mistake");
    repo.write("tracked.lock", "held by another");
    repo.write("untracked.lock", "held");
    repo.write("staged.lock", "held");
    repo.git(["add", "staged.lock"]);
    let snapshots = task_runner::AtomicSnapshot::open(repo.top()).expect("a tree");
    let mut with_more = options("T-1");
    with_more.also = vec!["untracked.lock".into()];
    let taken = snapshots
        .take(&with_more, &LocksApart)
        .expect("it can be taken");
    let without = ["tracked.lock", "untracked.lock", "staged.lock"];
    assert_eq!(
        recorded(&snapshots, &taken.snapshot),
        on_disk(repo.top(), &without),
        "the rest"
    );
    let stash = repo.git([
        "stash",
        "show",
        "--include-untracked",
        "--name-only",
        &taken.snapshot.id,
    ]);
    assert_eq!(stash, "staged.lock", "plain git is told of the index alone");
}

#[test]
fn take_records_also_ignored_files_that_it_is_asked_for() {
    let repo = Repo::new();
    repo.write(".gitignore", "/out/\n*.log\n");
    repo.write("out/made", "x");
    repo.write("a.log", "y");
    repo.write("b.log", "z");
    symlink("made", repo.join("out/link")).expect("a link");
    let snapshots = task_runner::AtomicSnapshot::open(repo.top()).expect("a tree");
    let mut asked = options("T-1");
    asked.also = [
        "out/made",
        "out/link",
        "a.log",
        "gone.log",
        "out",
        "README.md",
    ]
    .map(Into::into)
    .to_vec();
    let taken = snapshots
        .take(&asked, &NothingShared)
        .expect("it can be taken");
    assert_eq!(
        recorded(&snapshots, &taken.snapshot),
        on_disk(repo.top(), &["b.log"]),
        "these too"
    );
    let stash = repo.git([
        "stash",
        "show",
        "--include-untracked",
        "--name-only",
        &taken.snapshot.id,
    ]);
    assert_eq!(
        stash, ".gitignore",
        "plain git is not told of ignored files"
    );
}
