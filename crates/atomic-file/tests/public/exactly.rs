//! Files that are brought back: contents piece by piece, exactly these permissions, only over the version that was looked at.

use std::fs;
use std::io::{self, Read as _, Write};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

use atomic_file::{
    CommitError, CommitOptions, HardLinks, NewContents, ReadError, Resolved, Version,
    create_exactly,
};
use testkit::Sandbox;

fn file(path: &std::path::Path) -> Resolved<'_> {
    Resolved { path, folder: None }
}

fn mode(path: &std::path::Path) -> u32 {
    fs::symlink_metadata(path).expect("it is there").mode() & 0o7777
}

fn options() -> CommitOptions {
    CommitOptions::default()
}

#[test]
fn create_exactly_gives_the_permissions_whatever_the_umask() {
    for permissions in [0o600, 0o666, 0o755, 0o444, 0o4755, 0o000] {
        let sandbox = Sandbox::new();
        let path = sandbox.join("new");
        let write =
            &mut |to: &mut dyn Write| io::copy(&mut io::repeat(b'x').take(200_000), to).map(drop);
        let contents = NewContents { write, permissions };
        create_exactly(file(&path), contents, &options()).expect("the name is free");
        assert_eq!(mode(&path), permissions, "exactly what was asked for");
        let size = fs::metadata(&path).expect("it is there").len();
        assert_eq!(size, 200_000, "all that was written");
    }
}

#[test]
fn create_exactly_leaves_nothing_when_the_name_is_taken_or_the_source_fails() {
    let sandbox = Sandbox::new();
    let taken = sandbox.write("taken", "theirs");
    let contents = NewContents {
        write: &mut |to| to.write_all(b"ours"),
        permissions: 0o644,
    };
    let refused = create_exactly(file(&taken), contents, &options());
    assert!(
        matches!(refused, Err(CommitError::AlreadyExists { .. })),
        "a name that is taken is not replaced: {refused:?}"
    );
    let contents = NewContents {
        write: &mut |to| {
            to.write_all(b"half")?;
            Err(io::Error::other("the source died"))
        },
        permissions: 0o644,
    };
    let failed = create_exactly(file(&sandbox.join("new")), contents, &options());
    assert!(matches!(failed, Err(CommitError::Io { .. })), "{failed:?}");
    assert_eq!(sandbox.read("taken"), "theirs", "theirs is in place");
    let names = atomic_file::names_in(sandbox.path()).expect("it can be listed");
    assert_eq!(names, ["taken"], "no half file, no temporary one");
}

#[test]
fn replace_changes_contents_and_permissions_of_a_file_without_the_right_to_write() {
    let sandbox = Sandbox::new();
    let path = sandbox.write("file", "now");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).expect("it is ours");
    let version = Version::open(file(&path)).expect("it can be opened");
    assert_eq!(
        (version.size(), version.permissions()),
        (3, 0o400),
        "as it is"
    );
    let mut bytes = String::new();
    version.file().read_to_string(&mut bytes).expect("readable");
    assert_eq!(bytes, "now", "its contents can be looked at");
    let contents = NewContents {
        write: &mut |to| to.write_all(b"then"),
        permissions: 0o755,
    };
    version.replace(contents, &options()).expect("unchanged");
    assert_eq!(
        (sandbox.read("file").as_str(), mode(&path)),
        ("then", 0o755),
        "both"
    );
    assert!(testkit::leftovers(sandbox.path()).is_empty(), "and no more");
}

#[test]
fn acts_are_refused_when_the_file_changed_since_it_was_opened() {
    type Act = fn(Version) -> Result<(), CommitError>;
    let acts: [(&str, Act); 3] = [
        ("replace", |version| {
            let contents = NewContents {
                write: &mut |to| to.write_all(b"ours"),
                permissions: 0o600,
            };
            version.replace(contents, &options()).map(drop)
        }),
        ("remove", |version| version.remove(&options()).map(drop)),
        ("set_permissions", |version| version.set_permissions(0o600)),
    ];
    for (name, act) in acts {
        let sandbox = Sandbox::new();
        let path = sandbox.write("file", "base");
        let version = Version::open(file(&path)).expect("it can be opened");
        // In place and of the same size: nothing but the time of the write tells.
        sandbox.write("file", "edit");
        let refused = act(version);
        assert!(
            matches!(refused, Err(CommitError::Changed { .. })),
            "{name} acts on the version that was opened only: {refused:?}"
        );
        assert_eq!(sandbox.read("file"), "edit", "{name}: the edit is kept");
        assert_eq!(mode(&path), 0o644, "{name}: with its permissions");
    }
}

#[test]
fn set_permissions_and_remove_act_on_an_unchanged_file() {
    let sandbox = Sandbox::new();
    let path = sandbox.write("file", "base");
    let version = Version::open(file(&path)).expect("it can be opened");
    version.set_permissions(0o711).expect("unchanged");
    assert_eq!(mode(&path), 0o711, "exactly these");
    let version = Version::open(file(&path)).expect("it can be opened");
    version.remove(&options()).expect("unchanged");
    assert!(!path.exists(), "it is gone");
}

#[test]
fn open_follows_no_link() {
    let sandbox = Sandbox::new();
    let target = sandbox.write("folder/file", "elsewhere");
    symlink(&target, sandbox.join("link")).expect("a link can be made");
    symlink(sandbox.join("folder"), sandbox.join("way")).expect("a link can be made");
    let link = Version::open(file(&sandbox.join("link")));
    assert!(
        matches!(link, Err(ReadError::NotRegular { .. })),
        "{link:?}"
    );
    let way = Version::open(file(&sandbox.join("way/file")));
    assert!(matches!(way, Err(ReadError::NotFound { .. })), "{way:?}");
}

#[test]
fn replace_leaves_other_names_of_the_file_alone() {
    let sandbox = Sandbox::new();
    let path = sandbox.write("file", "now");
    fs::hard_link(&path, sandbox.join("other")).expect("a second name can be made");
    let options = CommitOptions {
        hard_links: HardLinks::Break,
        ..options()
    };
    let version = Version::open(file(&path)).expect("it can be opened");
    let contents = NewContents {
        write: &mut |to| to.write_all(b"then"),
        permissions: 0o644,
    };
    version.replace(contents, &options).expect("unchanged");
    assert_eq!(sandbox.read("file"), "then", "the named file is replaced");
    assert_eq!(
        sandbox.read("other"),
        "now",
        "the other name keeps its contents"
    );
}
