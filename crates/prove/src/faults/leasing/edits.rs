//! Edits of an agent that are killed, or one of whose calls fails: the file is the old or the new one, and the lease stays.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;

use testkit::Finished;

use super::changes::{is_called_malformed, is_repeated, points, sampled, true_answer};
use super::store::{Store, of_story};
use crate::case::{Skip, Tally};
use crate::context::{Context, need_programs};
use crate::faults::calls::{Call, calls};
use crate::faults::crew::each;
use crate::faults::judge::said;
use crate::faults::operation::word_of;
use crate::faults::place::{Place, finish};
use crate::faults::scene::write_root;
use crate::leases::{Kind, names_in};

/// The file that is there, and the one that is made.
pub const FILE: &str = "src/a.txt";
const NEW_FILE: &str = "src/new.txt";
/// What a person has allowed for the file.
const MODE: u32 = 0o750;
/// What is listed as long as nothing changes leases.
const LEASE: &str = "a: src/ until 11:00, 1, live";

/// An edit, and which file it makes of which.
pub struct Edit {
    command: &'static [&'static str],
    file: &'static str,
    old: Option<Version>,
    new: Version,
}

/// A version of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version {
    greeting: &'static str,
    end: &'static str,
}

/// As it was prepared.
pub const FIRST: Version = Version {
    greeting: "hello",
    end: "bye",
};

/// As the edit makes it.
pub const EDITED: Version = Version {
    greeting: "good morning",
    ..FIRST
};

/// Replaces a piece of the file.
pub const PIECE: Edit = Edit {
    command: &[
        "edit-file",
        FILE,
        "--old",
        "hello",
        "--new",
        "good morning",
        "--as",
        "a",
        "--json",
        "--timeout",
        "1s",
    ],
    file: FILE,
    old: Some(FIRST),
    new: EDITED,
};

/// Writes the whole file, if it is the one that is expected.
pub const WHOLE: Edit = Edit {
    command: &[
        "write-file",
        FILE,
        "--from",
        "@src/wanted.txt",
        "--if-rev",
        FIRST_REVISION,
        "--as",
        "a",
        "--json",
        "--timeout",
        "1s",
    ],
    ..PIECE
};

/// Makes a file.
pub const CREATION: Edit = Edit {
    command: &[
        "write-file",
        NEW_FILE,
        "--from",
        "@src/wanted.txt",
        "--create",
        "--as",
        "a",
        "--json",
        "--timeout",
        "1s",
    ],
    file: NEW_FILE,
    old: None,
    new: EDITED,
};

/// The SHA-256 of the first version begins with this.
const FIRST_REVISION: &str = "ccc3a6c6d602";

impl Version {
    /// The whole file; over two pages long, so that a torn one is noticed.
    pub fn text(self) -> String {
        let body = "A line of a file that agents edit, like every other.\n".repeat(180);
        format!("{}\n{body}{}\n", self.greeting, self.end)
    }
}

/// Kills it at each of its calls.
pub fn killed(context: &Context, name: &str, kind: Kind, edit: &Edit) -> Result<Tally, Skip> {
    let calls = traced_calls(context, name, kind, edit)?;
    let calls = sampled(
        context,
        calls.into_iter().filter(|call| call.in_main).collect(),
    );
    each(context, name, &calls, |place, call| {
        let inject = format!("{}:signal=KILL:when={}", call.name, call.number);
        let (store, finished) = run(edit, place, kind, Some(&inject));
        if finished.status.signal() != Some(9) {
            return None;
        }
        let judged = after_kill(edit, &store, &finished);
        Some(judged.map_err(|wrong| format!("{inject}: {wrong} [{}]", call.shown)))
    })
}

/// Lets each of its calls fail.
pub fn failed(context: &Context, name: &str, kind: Kind, edit: &Edit) -> Result<Tally, Skip> {
    let calls = traced_calls(context, name, kind, edit)?;
    let points = points(context, calls);
    each(context, name, &points, |place, (call, error)| {
        let inject = format!("{}:error={error}:when={}", call.name, call.number);
        let (store, finished) = run(edit, place, kind, Some(&inject));
        if !place.trace().contains("(INJECTED)") {
            return None;
        }
        let must_succeed = *error == "EINTR" && is_repeated(kind, call);
        let judged = if is_called_malformed(kind, call, error) && finished.status.code() == Some(6)
        {
            after_error(edit, &store, &finished, 6)
        } else {
            true_answer(&finished, must_succeed)
                .and_then(|exit| after_error(edit, &store, &finished, exit))
        };
        Some(judged.map_err(|wrong| format!("{inject}: {wrong} [{}]", call.shown)))
    })
}

fn traced_calls(context: &Context, name: &str, kind: Kind, edit: &Edit) -> Result<Vec<Call>, Skip> {
    need_programs(&["strace", "git"])?;
    let place = Place::new(context, &format!("{name} undisturbed"))?;
    let (store, finished) = run(edit, &place, kind, None);
    let found = calls(&place.trace());
    assert!(
        finished.status.success() && found_in(&store, edit.file) == Ok(Some(edit.new)),
        "undisturbed: {}",
        said(&finished)
    );
    Ok(found)
}

/// The files as they were prepared, and their holder.
pub fn prepare(store: &Store<'_>) -> Result<(), String> {
    prepare_files(store)?;
    let acquired = store.succeeds(&["lease", "acquire", "src/", "--as", "a"]);
    acquired.map(drop)
}

/// The files as they were prepared.
pub fn prepare_files(store: &Store<'_>) -> Result<(), String> {
    let folder = store.place.root.join("src");
    fs::create_dir_all(folder).map_err(|err| err.to_string())?;
    write_root(store.place, FILE, &FIRST.text());
    write_root(store.place, "src/wanted.txt", &EDITED.text());
    fs::set_permissions(path(store, FILE), fs::Permissions::from_mode(MODE))
        .map_err(|err| err.to_string())
}

fn run<'a>(
    edit: &Edit,
    place: &'a Place<'a>,
    kind: Kind,
    inject: Option<&str>,
) -> (Store<'a>, Finished) {
    let store = Store { place, kind };
    store.renew(prepare);
    let finished = finish(&mut store.traced(inject, &of_story(edit.command)));
    (store, finished)
}

fn path(store: &Store<'_>, file: &str) -> PathBuf {
    store.place.root.join(file)
}

fn after_kill(edit: &Edit, store: &Store<'_>, finished: &Finished) -> Result<&'static str, String> {
    let now = found_in(store, edit.file)?;
    let is_new = now == Some(edit.new);
    if !is_new && now != edit.old {
        return Err(format!("{} is {now:?}", edit.file));
    }
    if finished.stdout.contains("\"ok\":true") && !is_new {
        return Err(format!("it was acknowledged, and is {now:?}"));
    }
    goes_on(edit, store, now)?;
    is_tidy(edit, store)?;
    Ok(if is_new { "new" } else { "old" })
}

fn after_error(
    edit: &Edit,
    store: &Store<'_>,
    finished: &Finished,
    exit: i32,
) -> Result<&'static str, String> {
    let now = found_in(store, edit.file)?;
    let is_right = match exit {
        0 | 9 => now == Some(edit.new),
        _ => now == edit.old,
    };
    if !is_right {
        let told = said(finished);
        return Err(format!("{} is {now:?} after {told}", edit.file));
    }
    goes_on(edit, store, now)?;
    is_tidy_but(edit, store, &finished.stdout)?;
    Ok(word_of(exit))
}

/// Which version a file is, byte by byte; the other files, the mode and the lease are as they were.
pub fn found_in(store: &Store<'_>, file: &str) -> Result<Option<Version>, String> {
    let listed = store.list()?.leases;
    if listed != [LEASE] {
        return Err(format!("the leases have changed: {listed:?}"));
    }
    let mode = fs::metadata(path(store, FILE)).map(|data| data.permissions().mode() & 0o7777);
    if !matches!(mode, Ok(MODE)) {
        return Err(format!("the mode of {FILE} is {mode:?}"));
    }
    let Ok(now) = fs::read_to_string(path(store, file)) else {
        return Ok(None);
    };
    for greeting in [FIRST.greeting, EDITED.greeting] {
        for end in [FIRST.end, "the end"] {
            let version = Version { greeting, end };
            if version.text() == now {
                return Ok(Some(version));
            }
        }
    }
    let head: String = now.chars().take(60).collect();
    Err(format!("{file} is torn: {} bytes, {head:?}", now.len()))
}

/// The next edit of the agent succeeds without waiting.
fn goes_on(edit: &Edit, store: &Store<'_>, now: Option<Version>) -> Result<(), String> {
    let mut now = now;
    if now.is_none() {
        store.succeeds(edit.command)?;
        now = found_in(store, edit.file)?;
    }
    let next = [
        "edit-file",
        edit.file,
        "--old",
        FIRST.end,
        "--new",
        "the end",
        "--as",
        "a",
        "--timeout",
        "0",
    ];
    store.succeeds(&next)?;
    let expected = now.map(|version| Version {
        end: "the end",
        ..version
    });
    let then = found_in(store, edit.file)?;
    if then == expected && then.is_some() {
        return Ok(());
    }
    Err(format!("after {now:?} the next edit makes {then:?}"))
}

/// Nothing lies beside the files, nor in the store.
fn is_tidy(edit: &Edit, store: &Store<'_>) -> Result<(), String> {
    is_tidy_but(edit, store, "")
}

/// The same, but for a temporary file that could not be removed, if that was told.
fn is_tidy_but(edit: &Edit, store: &Store<'_>, told: &str) -> Result<(), String> {
    let mut names = names_in(&store.place.root.join("src"));
    names.retain(|name| !["a.txt", "wanted.txt"].contains(&name.as_str()));
    if edit.file == NEW_FILE {
        names.retain(|name| name != "new.txt");
    }
    names.retain(|name| !told.contains("cannot remove the temporary file") || !told.contains(name));
    if names.is_empty() {
        return store.is_tidy();
    }
    Err(format!("beside the file lie {names:?}"))
}
