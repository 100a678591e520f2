//! What a replacement leaves as it was: links, mode, owner, attributes, names.

use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::sync::Arc;

use atomic_file::{
    CommitError, CommitOptions, HardLinks, Original, Resolved, replace, replace_if_unchanged,
    sweep_beside,
};
use rustix::fs::{XattrFlags, getxattr, removexattr, rename, setxattr};
use testkit::{Sandbox, skip};

use crate::support::{fast, is_root, names, original, update};

#[test]
fn replace_changes_the_contents_and_nothing_else_is_left() {
    let sandbox = Sandbox::new();
    let path = sandbox.write("story.md", "old");
    for (contents, how) in [
        ("longer than before", "update"),
        ("", "to nothing"),
        ("x", "again"),
    ] {
        let done = update(&path, contents.as_bytes()).expect(how);
        assert!(
            done.warnings.is_empty(),
            "nothing to warn about: {:?}",
            done.warnings
        );
        assert_eq!(
            sandbox.read("story.md"),
            contents,
            "the new contents are there"
        );
        let done = replace(&path, b"replaced", &fast()).expect(how);
        assert!(
            done.warnings.is_empty(),
            "nothing to warn about: {:?}",
            done.warnings
        );
        assert_eq!(
            sandbox.read("story.md"),
            "replaced",
            "the new contents are there"
        );
        assert_eq!(names(sandbox.path()), ["story.md"], "no other file is left");
    }
}

#[test]
fn replace_keeps_symbolic_links_of_a_chain() {
    let sandbox = Sandbox::new();
    sandbox.write("real/deep/story.md", "old");
    sandbox.write("links/x", "");
    // Relative links count from their own folder, not from the working folder.
    symlink("../real/deep", sandbox.join("links/folder")).expect("a link");
    symlink("folder/story.md", sandbox.join("links/second")).expect("a link");
    symlink(sandbox.join("links/second"), sandbox.join("first")).expect("a link");
    let original = original(&sandbox.join("first"));
    assert_eq!(
        original.path(),
        sandbox.join("real/deep/story.md"),
        "the path is the file's own"
    );
    replace_if_unchanged(original, b"new", &fast()).expect("a linked file is replaced");
    assert_eq!(
        sandbox.read("real/deep/story.md"),
        "new",
        "the file behind the links is new"
    );
    for link in ["first", "links/second", "links/folder"] {
        assert!(sandbox.join(link).is_symlink(), "{link} is a link still");
    }
    assert_eq!(
        names(&sandbox.join("real/deep")),
        ["story.md"],
        "no other file is left"
    );
}

#[test]
fn read_resolved_does_not_follow_a_link() {
    let sandbox = Sandbox::new();
    let path = sandbox.write("story.md", "contents");
    symlink("story.md", sandbox.join("link")).expect("a link");
    let read = |path: &Path| Original::read_resolved(Resolved { path, folder: None }, 100);
    let original = read(&path).expect("there is no link in it");
    assert_eq!(original.bytes(), b"contents", "it is the same reading");
    let refused = read(&sandbox.join("link"));
    assert!(
        matches!(
            refused,
            Err(atomic_file::ReadError::NotRegular {
                what: "a symbolic link",
                ..
            })
        ),
        "a link that has taken the name is not followed: {refused:?}"
    );
}

#[test]
fn read_resolved_stays_in_its_folder_when_that_is_moved_and_a_link_takes_its_place() {
    let sandbox = Sandbox::new();
    let path = sandbox.write("folder/story.md", "old");
    let canary = sandbox.write("canary/story.md", "old");
    let folder = Arc::new(File::open(sandbox.join("folder")).expect("it is there"));
    rename(sandbox.join("folder"), sandbox.join("moved")).expect("nobody is in the way");
    symlink("canary", sandbox.join("folder")).expect("a link");
    let resolved = |folder| Resolved {
        path: &path,
        folder,
    };
    let refused = Original::read_resolved(resolved(None), 100);
    assert!(
        matches!(refused, Err(atomic_file::ReadError::NotFound { .. })),
        "a link that has taken the folder's place is not followed: {refused:?}"
    );
    let refused = sweep_beside(resolved(None));
    assert!(refused.is_err(), "nor for a sweep: {refused:?}");
    let original = Original::read_resolved(resolved(Some(&folder)), 100).expect("it is open");
    replace_if_unchanged(original, b"new", &fast()).expect("nothing is in the way");
    sweep_beside(resolved(Some(&folder))).expect("it can be listed");
    assert_eq!(
        sandbox.read("moved/story.md"),
        "new",
        "what was resolved is what is replaced"
    );
    assert_eq!(names(&sandbox.join("moved")), ["story.md"], "nothing else");
    assert_eq!(sandbox.read(canary), "old", "and nothing behind the link");
}

#[test]
fn original_of_a_link_in_a_circle_is_an_error() {
    let sandbox = Sandbox::new();
    symlink("b", sandbox.join("a")).expect("a link");
    symlink("a", sandbox.join("b")).expect("a link");
    let refused = Original::read(&sandbox.join("a"));
    assert!(
        matches!(
            refused,
            Err(atomic_file::ReadError::Io {
                step: "resolve it",
                ..
            })
        ),
        "a circle is reported, not followed: {refused:?}"
    );
}

#[test]
fn replace_keeps_every_bit_of_the_mode() {
    let sandbox = Sandbox::new();
    let path = sandbox.write("story.md", "old");
    for mode in [0o644, 0o600, 0o666, 0o777, 0o640, 0o4755, 0o2775, 0o1644] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).expect("we own the file");
        update(&path, format!("{mode:o}").as_bytes()).expect("the mode is no obstacle");
        let kept = fs::metadata(&path).expect("it is there").mode() & 0o7777;
        assert_eq!(kept, mode, "mode {mode:o} is kept, whatever the umask");
    }
}

#[test]
fn replace_keeps_owner_and_group() {
    let sandbox = Sandbox::new();
    if !is_root() {
        skip(
            "replace_keeps_owner_and_group",
            "only root gives files away",
        );
        return;
    }
    let path = sandbox.write("story.md", "old");
    std::os::unix::fs::chown(&path, Some(12), Some(34)).expect("root may");
    fs::set_permissions(&path, Permissions::from_mode(0o6750)).expect("root may");
    update(&path, b"new").expect("root may keep the owner");
    let kept = fs::metadata(&path).expect("it is there");
    assert_eq!(
        (kept.uid(), kept.gid()),
        (12, 34),
        "owner and group are kept"
    );
    assert_eq!(
        kept.mode() & 0o7777,
        0o6750,
        "and the bits that a change of owner takes away"
    );
}

#[test]
fn replace_keeps_extended_attributes() {
    let sandbox = Sandbox::new();
    let path = sandbox.write("story.md", "old");
    let long = vec![b'v'; 1000];
    for (name, value) in [
        ("user.empty", &b""[..]),
        ("user.tag", b"a\0b"),
        ("user.long", &long),
    ] {
        if let Err(err) = setxattr(&path, name, value, XattrFlags::empty()) {
            skip(
                "replace_keeps_extended_attributes",
                &format!("no {name} here: {err}"),
            );
            return;
        }
    }
    // More names than fit into the buffer of the first try.
    for number in 0..20 {
        let name = format!("user.number-{number}");
        setxattr(&path, name, b"", XattrFlags::empty()).expect("the file system has room");
    }
    update(&path, b"new").expect("attributes are no obstacle");
    assert_eq!(
        attribute(&path, "user.empty"),
        Some(Vec::new()),
        "an empty one is kept"
    );
    assert_eq!(
        attribute(&path, "user.tag"),
        Some(b"a\0b".to_vec()),
        "a binary one is kept"
    );
    assert_eq!(
        attribute(&path, "user.long"),
        Some(long),
        "a long one is kept"
    );
    assert_eq!(
        attribute(&path, "user.number-19"),
        Some(Vec::new()),
        "all are kept"
    );
}

/// `getfacl -c` style lists as the kernel stores them: version 2, then tag, permissions, id for each entry.
fn access_list(entries: &[(u16, u16, u32)]) -> Vec<u8> {
    let mut list = 2_u32.to_le_bytes().to_vec();
    for (tag, permissions, id) in entries {
        list.extend(tag.to_le_bytes());
        list.extend(permissions.to_le_bytes());
        list.extend(id.to_le_bytes());
    }
    list
}

const NO_ID: u32 = u32::MAX;
const ACCESS: &str = "system.posix_acl_access";
const DEFAULT: &str = "system.posix_acl_default";

/// Owner rw, user 12 rwx, group r, mask rwx, others nothing.
fn with_user_12() -> Vec<u8> {
    access_list(&[
        (1, 6, NO_ID),
        (2, 7, 12),
        (4, 4, NO_ID),
        (16, 7, NO_ID),
        (32, 0, NO_ID),
    ])
}

#[test]
fn replace_keeps_the_access_list() {
    let sandbox = Sandbox::new();
    let path = sandbox.write("story.md", "old");
    if let Err(err) = setxattr(&path, ACCESS, &with_user_12(), XattrFlags::empty()) {
        skip(
            "replace_keeps_the_access_list",
            &format!("no access lists here: {err}"),
        );
        return;
    }
    let mode = fs::metadata(&path).expect("it is there").mode();
    update(&path, b"new").expect("an access list is no obstacle");
    assert_eq!(
        attribute(&path, ACCESS),
        Some(with_user_12()),
        "the list is kept"
    );
    assert_eq!(
        fs::metadata(&path).expect("it is there").mode(),
        mode,
        "and the mode with it"
    );
}

#[test]
fn replace_gives_no_rights_that_the_folder_would_give_to_new_files() {
    let sandbox = Sandbox::new();
    let path = sandbox.write("story.md", "secret");
    fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("we own the file");
    if let Err(err) = setxattr(
        sandbox.path(),
        DEFAULT,
        &with_user_12(),
        XattrFlags::empty(),
    ) {
        let name = "replace_gives_no_rights_that_the_folder_would_give_to_new_files";
        skip(name, &format!("no access lists here: {err}"));
        return;
    }
    update(&path, b"still secret").expect("a default list is no obstacle");
    assert_eq!(
        attribute(&path, ACCESS),
        None,
        "the file has no list, as before"
    );
    let mode = fs::metadata(&path).expect("it is there").mode() & 0o7777;
    assert_eq!(mode, 0o600, "the file has the mode that it had");
    removexattr(sandbox.path(), DEFAULT).expect("the list can be taken away");
}

fn attribute(path: &Path, name: &str) -> Option<Vec<u8>> {
    let mut value = Vec::with_capacity(8192);
    getxattr(path, name, rustix::buffer::spare_capacity(&mut value)).ok()?;
    Some(value)
}

#[test]
fn hard_linked_file_is_refused_unless_breaking_is_asked_for() {
    let sandbox = Sandbox::new();
    let path = sandbox.write("story.md", "old");
    fs::hard_link(&path, sandbox.join("other.md")).expect("a link");
    let refused = update(&path, b"new").expect_err("the other name would keep the old contents");
    assert!(
        matches!(refused, CommitError::HardLinked { links: 2, .. }),
        "the error counts the names: {refused}"
    );
    assert_eq!(sandbox.read("story.md"), "old", "nothing was changed");
    let options = CommitOptions {
        hard_links: HardLinks::Break,
        ..fast()
    };
    replace_if_unchanged(original(&path), b"new", &options).expect("breaking was asked for");
    assert_eq!(sandbox.read("story.md"), "new", "the named file is new");
    assert_eq!(
        sandbox.read("other.md"),
        "old",
        "the other name keeps the old contents"
    );
    assert_eq!(
        names(sandbox.path()),
        ["other.md", "story.md"],
        "no other file is left"
    );
}

#[test]
fn replace_works_with_every_name_a_file_can_have() {
    let sandbox = Sandbox::new();
    let long = "n".repeat(255);
    let wide = "ü".repeat(127);
    let table: [&[u8]; 7] = [
        b"with space\n.md",
        b".hidden",
        b"-rf",
        b"not \xFF UTF-8",
        long.as_bytes(),
        wide.as_bytes(),
        b"a~0123456789abcdef",
    ];
    for name in table {
        let name = OsStr::from_bytes(name);
        let path = sandbox.join(name);
        File::create(&path).expect("the name is possible");
        update(&path, b"new").unwrap_or_else(|err| panic!("{name:?} can be replaced: {err}"));
        replace(&path, b"newer", &fast()).unwrap_or_else(|err| panic!("{name:?}: {err}"));
        assert_eq!(
            fs::read(&path).expect("it is there"),
            b"newer",
            "{name:?} is new"
        );
    }
    assert_eq!(
        names(sandbox.path()).len(),
        table.len(),
        "no other file is left"
    );
}
