//! What the system refuses: a typed error, the old file intact, no litter.

use std::fs::{self, File, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::net::UnixListener;
use std::path::Path;

use atomic_file::{CommitError, CommitOptions, Original, ReadError, create, read, replace};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use testkit::{Sandbox, skip};

use crate::support::{
    assert_passed, fast, is_root, names, original, role, second_self, update, with_mounts,
};

#[test]
fn everything_but_a_regular_file_is_refused_without_waiting() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.join("folder")).expect("a folder");
    mknodat(
        CWD,
        sandbox.join("fifo"),
        FileType::Fifo,
        Mode::RUSR | Mode::WUSR,
        0,
    )
    .expect("a FIFO");
    let _socket = UnixListener::bind(sandbox.join("socket")).expect("a socket");
    let table = [
        (sandbox.join("folder"), "a directory"),
        (sandbox.join("fifo"), "a FIFO"),
        (sandbox.join("socket"), "a socket"),
        ("/dev/null".into(), "a device"),
        ("/".into(), "a directory"),
    ];
    for (path, expected) in table {
        match Original::read(&path) {
            Err(ReadError::NotRegular { what, .. }) => assert_eq!(what, expected, "{path:?}"),
            other => panic!("{path:?} is refused as what it is: {other:?}"),
        }
        let refused = replace(&path, b"", &fast()).expect_err("it is no regular file");
        assert!(
            matches!(refused, CommitError::NotRegular { what, .. } if what == expected),
            "{path:?} is refused as what it is: {refused:?}"
        );
    }
    assert_eq!(
        names(sandbox.path()),
        ["fifo", "folder", "socket"],
        "nothing was touched"
    );
}

#[test]
fn missing_file_and_missing_folder_are_not_found() {
    let sandbox = Sandbox::new();
    sandbox.write("file", "");
    for name in ["missing.md", "missing/story.md", "file/story.md"] {
        let refused = read(&sandbox.join(name), 100).expect_err("there is no such file");
        assert!(
            matches!(refused, ReadError::NotFound { .. }),
            "{name}: {refused:?}"
        );
        let text = refused.to_string();
        assert!(text.contains(name), "the message names the path: {text}");
    }
}

#[test]
fn folder_removed_after_the_read_is_a_change() {
    let sandbox = Sandbox::new();
    let path = sandbox.write("folder/story.md", "old");
    let original = original(&path);
    fs::remove_dir_all(sandbox.join("folder")).expect("it is ours");
    let refused = original
        .stage(b"new", &fast())
        .and_then(atomic_file::Staged::commit);
    assert!(
        matches!(
            refused,
            Err(CommitError::NotFound { .. } | CommitError::Changed { .. })
        ),
        "the folder is gone: {refused:?}"
    );
    assert!(!path.exists(), "nothing is resurrected");
}

/// Runs a test once more as a user without any right, in a folder that user may enter.
fn as_nobody(name: &str, sandbox: &Sandbox) {
    if !is_root() || testkit::on_path("setpriv").is_none() {
        skip(name, "needs root and setpriv to become another user");
        return;
    }
    // The test binary may lie where only root may look.
    let exe = std::env::current_exe().expect("the test binary knows where it is");
    let home = public_sandbox().expect("there is one already");
    let copy = home.join("test-binary");
    // By a process of its own: a copy that this process holds open for writing while another test forks
    // cannot be executed ("text file busy").
    let copied = std::process::Command::new("cp")
        .arg(&exe)
        .arg(&copy)
        .status();
    assert!(
        copied.is_ok_and(|status| status.success()),
        "the test binary can be copied"
    );
    let copy_text = copy.to_str().expect("a plain name").to_owned();
    let wrapper = [
        "setpriv",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        "sh",
        "-c",
        &format!("shift; exec {copy_text} \"$@\""),
        "sh",
    ];
    let output = second_self(&wrapper, name, sandbox.path());
    assert_passed(&output);
}

fn public_sandbox() -> Option<Sandbox> {
    let sandbox = Sandbox::on_tmpfs()?;
    fs::set_permissions(sandbox.path(), Permissions::from_mode(0o777)).expect("it is ours");
    Some(sandbox)
}

#[test]
fn missing_rights_are_reported_as_such() {
    if let Some(folder) = role() {
        return without_rights(&folder);
    }
    let name = "refused::missing_rights_are_reported_as_such";
    let Some(sandbox) = public_sandbox() else {
        return skip(name, "no /dev/shm");
    };
    // Nobody's own, but not to be read, or not to be written.
    for (file, mode) in [
        ("unreadable", 0o200),
        ("unwritable", 0o444),
        ("plain", 0o644),
    ] {
        let path = sandbox.write(file, "old");
        if is_root() {
            chown(&path, Some(65534), Some(65534)).expect("root may");
        }
        fs::set_permissions(&path, Permissions::from_mode(mode)).expect("root may");
    }
    // Somebody else's, for all to write: the content could be changed, the owner not be kept.
    let foreign = sandbox.write("foreign", "old");
    fs::set_permissions(&foreign, Permissions::from_mode(0o666)).expect("it is ours");
    for (folder, mode) in [("closed", 0o755), ("searchable", 0o711), ("secret", 0o700)] {
        let path = sandbox.write(format!("{folder}/story.md"), "old");
        fs::set_permissions(&path, Permissions::from_mode(0o666)).expect("it is ours");
        fs::set_permissions(sandbox.join(folder), Permissions::from_mode(mode)).expect("ours");
    }
    let before = names(sandbox.path());
    as_nobody(name, &sandbox);
    assert_eq!(names(sandbox.path()), before, "nothing is left");
}

fn without_rights(folder: &Path) {
    let no_read = |name: &str| {
        let refused = Original::read(&folder.join(name)).expect_err("it may not be read");
        assert!(
            matches!(refused, ReadError::NoPermission { .. }),
            "{name}: {refused:?}"
        );
    };
    no_read("unreadable");
    no_read("secret/story.md");
    let no_write = |name: &str| {
        let refused = update(&folder.join(name), b"new").expect_err("it may not be written");
        assert!(
            matches!(refused, CommitError::NoPermission { .. }),
            "{name}: {refused:?}"
        );
        assert!(
            !refused.is_retryable(),
            "{name}: trying again does not help"
        );
        let kept = read(&folder.join(name), 100).expect("it may be read");
        assert_eq!(kept, b"old", "{name} is as it was");
    };
    no_write("unwritable");
    no_write("closed/story.md");
    no_write("searchable/story.md");
    let refused = create(&folder.join("closed/new.md"), b"new", &fast());
    assert!(
        matches!(refused, Err(CommitError::NoPermission { .. })),
        "the folder is closed: {refused:?}"
    );
    let refused = update(&folder.join("foreign"), b"new").expect_err("the owner cannot be kept");
    assert!(
        matches!(refused, CommitError::OwnerNotKept { .. }),
        "{refused:?}"
    );
    update(&folder.join("plain"), b"new").expect("one's own file may be written");
    let names = names(folder);
    let litter: Vec<_> = names
        .iter()
        .filter(|name| atomic_file::is_temporary_name(name))
        .collect();
    assert!(litter.is_empty(), "no refusal leaves a file: {litter:?}");
}

#[test]
fn file_in_a_folder_that_may_not_be_listed_is_replaced() {
    let name = "refused::file_in_a_folder_that_may_not_be_listed_is_replaced";
    if let Some(folder) = role() {
        let path = folder.join("blind/story.md");
        let done = atomic_file::replace_if_unchanged(original(&path), b"new", &fast());
        assert!(
            done.is_ok_and(|done| done.warnings.is_empty()),
            "listing is not needed"
        );
        assert_eq!(
            read(&path, 100).expect("it is there"),
            b"new",
            "the commit is there"
        );
        let done = update(&path, b"newer").expect("the folder cannot be synced, but written");
        assert_eq!(done.warnings.len(), 1, "which is told: {:?}", done.warnings);
        return;
    }
    let Some(sandbox) = public_sandbox() else {
        return skip(name, "no /dev/shm");
    };
    let path = sandbox.write("blind/story.md", "old");
    for path in [path, sandbox.join("blind")] {
        if is_root() {
            chown(path, Some(65534), Some(65534)).expect("root may");
        }
    }
    fs::set_permissions(sandbox.join("blind"), Permissions::from_mode(0o300)).expect("root may");
    as_nobody(name, &sandbox);
    fs::set_permissions(sandbox.join("blind"), Permissions::from_mode(0o700)).expect("root may");
}

#[test]
fn read_only_mount_is_reported_as_such() {
    let name = "refused::read_only_mount_is_reported_as_such";
    if let Some(folder) = role() {
        let path = folder.join("mount/story.md");
        let refused = update(&path, b"new").expect_err("the mount is read-only");
        assert!(
            matches!(refused, CommitError::ReadOnly { .. }),
            "{refused:?}"
        );
        assert!(
            refused.to_string().contains("read-only"),
            "the message says so: {refused}"
        );
        let refused = create(
            &folder.join("mount/new.md"),
            b"new",
            &CommitOptions::default(),
        );
        assert!(
            matches!(refused, Err(CommitError::ReadOnly { .. })),
            "{refused:?}"
        );
        assert_eq!(
            read(&path, 100).expect("it can be read"),
            b"old",
            "the file is as it was"
        );
        return;
    }
    let sandbox = Sandbox::new();
    sandbox.write("source/story.md", "old");
    fs::create_dir(sandbox.join("mount")).expect("a folder");
    let script = "cd \"$1\" && mount --bind source mount && mount -o remount,bind,ro mount";
    with_mounts(name, sandbox.path(), script);
    assert_eq!(
        names(&sandbox.join("source")),
        ["story.md"],
        "nothing is left"
    );
}

#[test]
fn full_disk_is_reported_as_such() {
    let name = "refused::full_disk_is_reported_as_such";
    if let Some(folder) = role() {
        let mount = folder.join("mount");
        let path = mount.join("story.md");
        create(&path, b"old", &fast()).expect("there is room for this");
        let mut filler = File::create(mount.join("filler")).expect("there is room for this");
        while filler.write_all(&[0; 4096]).is_ok() {}
        for contents in [vec![b'n'; 100], vec![b'n'; 100_000]] {
            let refused = update(&path, &contents).expect_err("the disk is full");
            assert!(
                matches!(refused, CommitError::NoSpace { .. }),
                "{refused:?}"
            );
            let refused = create(&mount.join("new.md"), &contents, &fast());
            assert!(
                matches!(refused, Err(CommitError::NoSpace { .. })),
                "{refused:?}"
            );
        }
        assert_eq!(
            read(&path, 100).expect("it can be read"),
            b"old",
            "the file is as it was"
        );
        assert_eq!(names(&mount), ["filler", "story.md"], "nothing is left");
        return;
    }
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.join("mount")).expect("a folder");
    let script = "cd \"$1\" && mount -t tmpfs -o size=64k tmpfs mount";
    with_mounts(name, sandbox.path(), script);
}

#[test]
fn file_of_a_lower_overlay_layer_is_replaced() {
    let name = "refused::file_of_a_lower_overlay_layer_is_replaced";
    if let Some(folder) = role() {
        let path = folder.join("merged/story.md");
        let mut tries = 0;
        loop {
            tries += 1;
            match update(&path, b"new") {
                Ok(_) => break,
                Err(err) => assert!(err.is_retryable() && tries < 3, "copied up once: {err:?}"),
            }
        }
        assert_eq!(
            read(&path, 100).expect("it is there"),
            b"new",
            "the commit is there"
        );
        assert_eq!(
            names(&folder.join("merged")),
            ["story.md"],
            "nothing is left"
        );
        update(&path, b"newer").expect("now it is in the upper layer");
        return;
    }
    let Some(sandbox) = Sandbox::on_tmpfs() else {
        return skip(name, "no /dev/shm");
    };
    sandbox.write("lower/story.md", "old");
    for folder in ["upper", "work", "merged"] {
        fs::create_dir(sandbox.join(folder)).expect("a folder");
    }
    let script = "cd \"$1\" && mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work merged";
    with_mounts(name, sandbox.path(), script);
}

#[test]
fn immutable_file_is_reported_as_a_missing_right() {
    let name = "immutable_file_is_reported_as_a_missing_right";
    let sandbox = Sandbox::new();
    let path = sandbox.write("story.md", "old");
    let chattr = |flag| {
        let status = std::process::Command::new("chattr")
            .arg(flag)
            .arg(&path)
            .output();
        status.is_ok_and(|output| output.status.success())
    };
    if !is_root() || !chattr("+i") {
        return skip(name, "needs root, chattr and a file system with attributes");
    }
    let refused = update(&path, b"new");
    assert!(chattr("-i"), "the attribute can be taken away again");
    assert!(
        matches!(refused, Err(CommitError::NoPermission { .. })),
        "the system refuses the swap: {refused:?}"
    );
    assert_eq!(sandbox.read("story.md"), "old", "the file is as it was");
    assert_eq!(names(sandbox.path()), ["story.md"], "nothing is left");
}
