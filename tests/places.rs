//! Places where an update cannot work: a typed error, the old story intact, nothing left behind.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::getuid;
use testkit::{Finished, Sandbox, on_path, skip, without_settings};

use crate::support::{Content, StoryBox, alone, json, run, stopped_inside};

/// The user that is called `nobody` on Linux systems.
const NOBODY: u32 = 65534;

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("the mode can be set");
}

fn error_code(finished: &Finished) -> String {
    json(finished)["error"]["code"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

/// A story and a copy of the program that a user without privileges can reach.
struct Reachable {
    story: StoryBox,
    program: PathBuf,
}

impl Reachable {
    fn new(content: Content) -> Self {
        let sandbox =
            Sandbox::inside(&std::env::temp_dir()).expect("the temporary folder can be used");
        set_mode(sandbox.path(), 0o755);
        let program = sandbox.join("story");
        // By another process: a child that is forked here meanwhile would keep our copy open for writing, and a program that
        // is open for writing cannot be started (ETXTBSY).
        let copied = run(Command::new("cp")
            .arg(env!("CARGO_BIN_EXE_story"))
            .arg(&program));
        assert!(
            copied.status.success(),
            "the program can be copied: {copied:?}"
        );
        Self {
            story: StoryBox::in_sandbox(sandbox, content),
            program,
        }
    }

    /// The program as somebody without privileges: another user when root runs the tests, else the user itself.
    fn command(&self, verb: &str) -> Command {
        let mut command = Command::new(&self.program);
        without_settings(&mut command);
        command.arg(verb).arg(&self.story.path).current_dir("/");
        if getuid().is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    }
}

#[test]
fn folder_without_write_permission_is_a_typed_error_for_a_common_user() {
    let place = Reachable::new(Content::Small);
    set_mode(place.story.folder(), 0o555);
    let refused = run(place.command("set").args(["status=done", "--json"]));
    let read = run(place.command("get").arg("status"));
    set_mode(place.story.folder(), 0o755);
    assert_eq!(
        refused.status.code(),
        Some(8),
        "no permission has its exit code: {refused:?}"
    );
    assert_eq!(error_code(&refused), "EACCES", "and its code: {refused:?}");
    assert_eq!(read.stdout, "ready\n", "reading still works: {read:?}");
    place.story.assert_untouched(Content::Small);
    place.story.assert_alone();
}

#[test]
fn unreadable_story_is_a_typed_error_for_a_common_user() {
    let place = Reachable::new(Content::Small);
    set_mode(place.story.folder(), 0o777);
    set_mode(&place.story.path, 0o000);
    let refused = run(place.command("set").args(["status=done", "--json"]));
    set_mode(&place.story.path, 0o644);
    assert_eq!(
        refused.status.code(),
        Some(8),
        "no permission has its exit code: {refused:?}"
    );
    assert_eq!(error_code(&refused), "EACCES", "and its code: {refused:?}");
    place.story.assert_untouched(Content::Small);
    place.story.assert_alone();
}

#[test]
fn permission_error_says_in_words_which_place_and_what_to_do() {
    let place = Reachable::new(Content::Small);
    set_mode(place.story.folder(), 0o555);
    let refused = run(place.command("set").arg("status=done"));
    set_mode(place.story.folder(), 0o755);
    for part in ["S-0034", "permission", "hint:"] {
        assert!(
            refused.stderr.contains(part),
            "the message contains {part:?}: {refused:?}"
        );
    }
}

#[test]
fn store_of_leases_without_write_permission_is_a_typed_error_and_stays_as_it_is() {
    // SQLite does not tell the one from the other.
    for (store, code) in [("sdlc/locks", "EACCES"), ("sdlc/leases.db", "EROFS")] {
        let place = Reachable::new(Content::Small);
        let sandbox = &place.story.sandbox;
        fs::create_dir_all(sandbox.join("sdlc/stories")).expect("a root is made");
        let lease = |program: &Path, arguments: &[&str]| {
            let mut command = Command::new(program);
            without_settings(&mut command);
            command
                .current_dir("/")
                .env("STORY_LEASES", sandbox.join(store));
            command.arg("--root").arg(sandbox.join("sdlc"));
            command.arg("lease").args(arguments).arg("--json");
            command
        };
        let made = run(&mut lease(&place.program, &["acquire", "a", "--as", "ann"]));
        assert!(made.status.success(), "the store is made: {made:?}");
        let as_common_user = |arguments: &[&str]| {
            let mut command = lease(&place.program, arguments);
            if getuid().is_root() {
                command.uid(NOBODY).gid(NOBODY);
            }
            run(&mut command)
        };
        let folders = [sandbox.join("sdlc"), sandbox.join("sdlc/locks")];
        let folders: Vec<_> = folders.iter().filter(|folder| folder.is_dir()).collect();
        for folder in &folders {
            set_mode(folder, 0o555);
        }
        let refused = as_common_user(&["acquire", "b", "--as", "bob"]);
        let list = as_common_user(&["list"]);
        for folder in &folders {
            set_mode(folder, 0o755);
        }
        assert_eq!(
            refused.status.code(),
            Some(8),
            "no permission has its exit code, {store}: {refused:?}"
        );
        assert_eq!(error_code(&refused), code, "and its code: {refused:?}");
        // SQLite's journal has to be written even by those who only read.
        let seen = match code {
            "EACCES" => json(&list)["leases"][0]["agent"] == "ann",
            _ => list.status.code() == Some(8),
        };
        assert!(
            seen,
            "a folder can be looked at, a database says why not: {list:?}"
        );
        let after = run(&mut lease(&place.program, &["list"]));
        let count = json(&after)["leases"].as_array().map(Vec::len);
        assert_eq!(count, Some(1), "nothing was acquired, {store}: {after:?}");
    }
}

/// A shell script with mounts of its own, or `None` (and a skip) where the system refuses them.
fn with_own_mounts(test: &str, script: &str, arguments: &[&Path]) -> Option<Finished> {
    /// The script's exit code for "cannot mount here".
    const REFUSED: i32 = 125;
    if on_path("unshare").is_none() {
        skip(test, "no `unshare` for a mount of its own");
        return None;
    }
    let mut command = Command::new("unshare");
    without_settings(&mut command);
    if !getuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    command.args([
        "--mount",
        "--propagation",
        "private",
        "sh",
        "-c",
        script,
        "sh",
    ]);
    let finished = run(command.args(arguments));
    let refused = finished.status.code() == Some(REFUSED) || finished.stderr.contains("unshare:");
    if refused {
        skip(
            test,
            &format!("mounting is refused: {}", finished.stderr.trim()),
        );
    }
    (!refused).then_some(finished)
}

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_story"))
}

#[test]
fn read_only_mount_is_a_typed_error_that_says_read_only() {
    let story = StoryBox::new(Content::Small);
    let script = r#"
        { mount --bind "$1" "$1" && mount -o remount,bind,ro "$1"; } || exit 125
        "$2" get "$1/story.md" status
        "$2" set "$1/story.md" status=done
        echo "code=$?"
        "$2" set "$1/story.md" status=done --json
        echo "code=$?""#;
    let test = "read_only_mount_is_a_typed_error_that_says_read_only";
    let Some(finished) = with_own_mounts(test, script, &[story.folder(), program()]) else {
        return;
    };
    let lines: Vec<_> = finished.stdout.lines().collect();
    assert_eq!(lines.len(), 4, "value, code, JSON, code: {finished:?}");
    assert_eq!(lines[0], "ready", "reading still works: {finished:?}");
    assert_eq!(
        [lines[1], lines[3]],
        ["code=8"; 2],
        "read-only has its exit code: {finished:?}"
    );
    assert!(lines[2].contains("\"EROFS\""), "and its code: {finished:?}");
    assert!(
        finished.stderr.contains("read-only"),
        "the message says read-only: {finished:?}"
    );
    story.assert_untouched(Content::Small);
    story.assert_alone();
}

#[test]
fn full_disk_is_a_typed_error_and_the_old_story_stays() {
    let story = StoryBox::new(Content::Torn);
    let mount = story.sandbox.join("small");
    fs::create_dir(&mount).expect("a mount point can be made");
    // The third argument is what is left free: nothing at all, or enough for a lock but not for a new story.
    let script = r#"
        mount -t tmpfs -o size=256k,mode=755 small "$1" || exit 125
        cp "$2" "$1/story.md"
        cat /dev/zero > "$1/filler" 2>/dev/null
        truncate -s -"${4##*/}" "$1/filler"
        "$3" set "$1/story.md" status=done --json
        echo "code=$?"
        cmp "$2" "$1/story.md" && echo intact
        ls -A "$1"
        rm "$1/filler"
        "$3" set "$1/story.md" status=done && echo recovered
        ls -A "$1""#;
    for free in ["/0", "/4096", "/8192", "/16384"] {
        let test = "full_disk_is_a_typed_error_and_the_old_story_stays";
        let arguments = [&mount, &story.path, program(), Path::new(free)];
        let Some(finished) = with_own_mounts(test, script, &arguments) else {
            return;
        };
        let (answer, rest) = finished
            .stdout
            .split_once('\n')
            .expect("several lines were printed");
        assert!(
            answer.contains("\"ENOSPC\""),
            "a full disk has its code ({free} free): {finished:?}"
        );
        assert_eq!(
            rest, "code=8\nintact\nfiller\nstory.md\nrecovered\nstory.md\n",
            "exit 8, the old story, no leftovers, and all well with space again ({free} free): {finished:?}"
        );
    }
}

#[test]
fn missing_folder_and_missing_story_are_not_found_and_nothing_is_made() {
    let sandbox = Sandbox::new();
    for name in ["nowhere/story.md", "story.md"] {
        let path = sandbox.join(name);
        let mut command = crate::support::story();
        let refused = run(command
            .arg("set")
            .arg(&path)
            .args(["status=done", "--json"]));
        assert_eq!(
            refused.status.code(),
            Some(3),
            "{name}: not found has its exit code: {refused:?}"
        );
        assert_eq!(
            error_code(&refused),
            "ENOTFOUND",
            "{name}: and its code: {refused:?}"
        );
    }
    let left = fs::read_dir(sandbox.path())
        .expect("the sandbox can be listed")
        .count();
    assert_eq!(left, 0, "neither folder, story nor lock was made");
}

#[test]
fn story_deleted_meanwhile_is_an_error_and_stays_deleted() {
    let test = "story_deleted_meanwhile_is_an_error_and_stays_deleted";
    if !cfg!(target_os = "linux") {
        return skip(test, "needs /proc to stop an update inside");
    }
    let _alone = alone();
    let mut met_inside = 0;
    for round in 0..12 {
        let story = StoryBox::new(Content::Large);
        let Some(update) = stopped_inside(&story) else {
            continue;
        };
        let uncommitted = story.number("count") == 0;
        met_inside += u32::from(uncommitted);
        fs::remove_file(&story.path).expect("the story can be deleted");
        update.resume();
        let finished = update.wait(crate::support::PATIENCE);
        if uncommitted {
            assert!(
                matches!(finished.status.code(), Some(3 | 5)),
                "a story that went away is not found, or a conflict (round {round}): {finished:?}"
            );
        }
        assert!(
            !story.path.exists(),
            "it is not brought back (round {round}): {finished:?}"
        );
        let left = testkit::leftovers(story.folder());
        assert!(
            left.is_empty(),
            "nothing stays behind (round {round}): {left:?}"
        );
    }
    assert!(
        met_inside >= 4,
        "the deletion came between lock and commit {met_inside} times of 12"
    );
}

#[test]
fn folder_deleted_meanwhile_is_an_error_and_is_not_made_again() {
    let test = "folder_deleted_meanwhile_is_an_error_and_is_not_made_again";
    if !cfg!(target_os = "linux") {
        return skip(test, "needs /proc to stop an update inside");
    }
    let _alone = alone();
    for round in 0..6 {
        let story = StoryBox::new(Content::Large);
        let Some(update) = stopped_inside(&story) else {
            continue;
        };
        fs::remove_dir_all(story.folder()).expect("the folder can be deleted");
        update.resume();
        let finished = update.wait(crate::support::PATIENCE);
        assert!(
            !matches!(finished.status.code(), None | Some(101)),
            "no crash (round {round}): {finished:?}"
        );
        assert!(
            !story.folder().exists(),
            "the folder is not made again (round {round}): {finished:?}"
        );
    }
}

#[test]
fn symlinked_story_stays_a_symlink_and_shares_one_lock() {
    let story = StoryBox::new(Content::Small);
    let link = story.sandbox.join("link.md");
    std::os::unix::fs::symlink(&story.path, &link).expect("a symlink can be made");
    let holder = story.hold(&[]);
    let mut command = crate::support::story();
    let refused = run(command
        .arg("set")
        .arg(&link)
        .args(["status=done", "--timeout", "0"]));
    assert_eq!(
        refused.status.code(),
        Some(4),
        "two names of one story share one lock: {refused:?}"
    );
    StoryBox::let_go(holder);
    let mut command = crate::support::story();
    let finished = run(command.arg("set").arg(&link).arg("status=done"));
    assert!(
        finished.status.success(),
        "the link can be updated: {finished:?}"
    );
    assert!(link.is_symlink(), "it is still a symlink");
    assert!(
        story.text().contains("\nstatus: done\n"),
        "and its target was changed"
    );
    story.assert_alone();
}
