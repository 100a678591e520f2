//! What is no state file: told with its name and the reason, and left as it is.

use std::error::Error;
use std::fs;
use std::path::Path;

use json_text::ParseErrorKind;
use state_file::{MAX_STATE_BYTES, Missing, ReadError, UpdateError, UpdateOptions};
use testkit::Sandbox;

use crate::support::{
    Counter, PATIENCE, STATE, assert_no_leftovers, counter, increment, options, state,
};

/// An error as the command line tells it: with its causes.
fn told(err: &dyn Error) -> String {
    let mut text = err.to_string();
    let mut cause = err.source();
    while let Some(err) = cause {
        text = format!("{text}: {err}");
        cause = err.source();
    }
    text
}

/// What each way in says; all must refuse.
fn refusals(path: &Path) -> [(&'static str, String); 5] {
    let file = counter(path);
    let whole = |how, err: Option<&dyn Error>| {
        let err = err.unwrap_or_else(|| panic!("{how} refuses {}", path.display()));
        (how, told(err))
    };
    let add = |value: &Counter| Counter {
        count: value.count + 1,
    };
    let change = |value: &mut Counter| value.count += 1;
    let options = options(PATIENCE);
    let (read, edited) = (state_file::read(path).err(), increment(path).err());
    let (typed, updated) = (file.read().err(), file.update(&options, change).err());
    let optimistic = file.update_optimistic(&options, add).err();
    [
        whole("read", read.as_ref().map(|err| err as _)),
        whole("edit", edited.as_ref().map(|err| err as _)),
        whole("read of a type", typed.as_ref().map(|err| err as _)),
        whole("update", updated.as_ref().map(|err| err as _)),
        whole("update_optimistic", optimistic.as_ref().map(|err| err as _)),
    ]
}

#[test]
fn file_that_is_not_one_json_text_is_refused_with_name_and_reason_and_stays_as_it_is() {
    let table: [(&str, &[u8], &str); 12] = [
        ("empty", b"", "empty"),
        ("white space", b" \n", "empty"),
        ("bom", b"\xef\xbb\xbf{\"count\": 1}", "byte order mark"),
        ("nul", b"\0\0\0\0", "line 1, column 1"),
        ("nul inside", b"{\"count\": 1\0}", "line 1, column 12"),
        ("truncated", b"{\"count\": 1", "ends too early"),
        ("truncated text", b"{\"count\": \"1", "ends too early"),
        ("garbage", b"{\"count\": 1}\n}", "something follows"),
        (
            "two texts",
            b"{\"count\": 1}{\"count\": 2}",
            "something follows",
        ),
        (
            "duplicate",
            b"{\"count\": 1,\n \"c\\u006funt\": 2}",
            "twice at line 2, column 2",
        ),
        ("not utf-8", b"{\"count\": \"\xff\"}", "not UTF-8"),
        ("no json", b"{count: 1}", "line 1, column 2"),
    ];
    for (what, bytes, reason) in table {
        let sandbox = Sandbox::new();
        let path = sandbox.write("state.json", bytes);
        for (how, text) in refusals(&path) {
            assert!(
                text.contains("state.json") && text.contains(reason),
                "{what}, {how}: the error names file and reason: {text}"
            );
        }
        assert_eq!(
            fs::read(&path).expect("it is there"),
            bytes,
            "{what}: the file stays as it is"
        );
        assert_no_leftovers(&sandbox);
    }
}

#[test]
fn json_of_another_type_is_refused_with_the_member_that_does_not_fit() {
    let table = [
        (r#"{"count": "seven"}"#, "at count", "expected i64"),
        (r#"{"share": 1.0}"#, "at .", "missing field `count`"),
        ("7\n\n", "at .", "expected struct Counter"),
        (r#"{"count": 1.5}"#, "at count", "expected i64"),
    ];
    for (text, place, reason) in table {
        let sandbox = Sandbox::new();
        let path = sandbox.write("state.json", text);
        let refused = counter(&path)
            .update(&options(PATIENCE), |value| value.count += 1)
            .expect_err("it is no counter");
        assert!(
            matches!(refused, UpdateError::Read(ReadError::Shape { .. })),
            "{text}: {refused:?}"
        );
        let said = told(&refused);
        assert!(
            said.contains(place) && said.contains(reason) && said.contains("state.json"),
            "{text}: the error names file, member and reason: {said}"
        );
        assert!(!refused.is_retryable(), "{text}: a person must repair it");
        assert_eq!(sandbox.read("state.json"), text, "the file stays as it is");
        assert_no_leftovers(&sandbox);
    }
}

#[test]
fn duplicate_in_a_part_that_the_type_does_not_know_is_refused_as_well() {
    let sandbox = Sandbox::new();
    let text = r#"{"count": 1, "other": {"a": 1, "a": 2}}"#;
    let path = sandbox.write("state.json", text);
    let refused = counter(&path).update(&options(PATIENCE), |value| value.count += 1);
    let Err(UpdateError::Read(ReadError::Parse { source, .. })) = refused else {
        panic!("it is not readable: {refused:?}");
    };
    assert!(
        matches!(source.kind, ParseErrorKind::Duplicate { ref key } if key == "a"),
        "{source:?}"
    );
    assert_eq!(sandbox.read("state.json"), text, "the file stays as it is");
}

#[test]
fn missing_file_and_folder_are_not_found_and_nothing_is_made() {
    let sandbox = Sandbox::new();
    for name in ["state.json", "away/state.json"] {
        let path = sandbox.join(name);
        for (how, text) in refusals(&path) {
            assert!(
                text.contains("state.json") && text.contains("no such file"),
                "{how}: {text}"
            );
        }
        let refused = increment(&path).expect_err("there is nothing");
        assert!(refused.is_not_found(), "callers can tell it: {refused:?}");
        let entries = fs::read_dir(sandbox.path()).expect("it is there").count();
        assert_eq!(entries, 0, "nothing was made");
    }
}

#[test]
fn directory_device_and_fifo_are_refused_without_a_lock_beside_them() {
    let sandbox = Sandbox::new();
    let folder = sandbox.join("state.json");
    fs::create_dir(&folder).expect("a folder");
    let mut places = vec![(folder, "directory")];
    if cfg!(unix) {
        places.push(("/dev/null".into(), "device"));
        let link = sandbox.join("link.json");
        #[cfg(unix)]
        std::os::unix::fs::symlink("/dev/zero", &link).expect("a link");
        places.push((link, "device"));
    }
    for (path, what) in places {
        let wanted = UpdateOptions {
            missing: Missing::Created,
            ..options(PATIENCE)
        };
        let refused =
            state_file::edit(&path, &wanted, crate::support::add_one).expect_err("it is no file");
        assert!(
            told(&refused).contains(what) && told(&refused).contains("not a regular file"),
            "{}: {}",
            path.display(),
            told(&refused)
        );
        for (how, text) in refusals(&path) {
            assert!(text.contains(what), "{how}, {}: {text}", path.display());
        }
    }
    assert!(!Path::new("/dev/null.lock").exists(), "no lock was made");
    assert_no_leftovers(&sandbox);
}

#[test]
fn file_over_the_limit_is_refused_unread_and_an_edit_over_the_limit_unwritten() {
    let sandbox = Sandbox::new();
    let path = sandbox.join("large.json");
    let file = fs::File::create(&path).expect("a file");
    file.set_len(MAX_STATE_BYTES + 1).expect("a sparse file");
    for (how, text) in refusals(&path) {
        assert!(
            text.contains("large.json") && text.contains("67108865 bytes are more than the limit"),
            "{how}: {text}"
        );
    }
    let path = state(&sandbox);
    let length = usize::try_from(MAX_STATE_BYTES).expect("64 MiB fit");
    let refused = state_file::edit(&path, &options(PATIENCE), |text| {
        let long = json_text::Json::text(&"x".repeat(length));
        text.set(&json_text::Path::whole().key("note"), &long)
    })
    .expect_err("nothing is written that would not be read again");
    assert!(
        matches!(refused, UpdateError::TooLarge { size, limit, .. } if size > limit),
        "{refused:?}"
    );
    assert_eq!(sandbox.read("state.json"), STATE, "the file stays as it is");
    assert_no_leftovers(&sandbox);
}

#[cfg(unix)]
#[test]
fn file_without_permission_and_read_only_folder_are_refused_and_nothing_is_left() {
    use std::os::unix::fs::PermissionsExt as _;

    if rustix::process::geteuid().is_root() {
        testkit::skip(
            "file_without_permission_and_read_only_folder_are_refused",
            "root may read and write everything",
        );
        return;
    }
    let sandbox = Sandbox::new();
    let path = sandbox.write("box/state.json", STATE);
    let set = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("its mode is set");
    };
    set(&path, 0o000);
    for (how, text) in refusals(&path) {
        assert!(text.contains("no permission"), "{how}: {text}");
    }
    set(&path, 0o644);
    set(&sandbox.join("box"), 0o555);
    let refused = increment(&path).expect_err("there is no room for a lock");
    assert!(told(&refused).contains("state.json"), "{}", told(&refused));
    assert!(!refused.is_retryable(), "{refused:?}");
    set(&sandbox.join("box"), 0o755);
    assert_eq!(sandbox.read("box/state.json"), STATE, "it stays as it is");
    assert_no_leftovers(&sandbox);
}
