//! The invariants of docs/architecture.md that a program can check: the arrows between the crates, what libraries leave alone.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use testkit::workspace;

use crate::support::run;

/// How high a crate stands; an arrow may only lead to a lower one.
fn level(name: &str) -> u8 {
    match name {
        "atomic-file" | "json-text" | "sidecar-lock" | "sqlite-file" => 0,
        "locked-file" => 1,
        "story" | "state-file" | "lease" | "task-runner" => 2,
        "story-cli" | "story-bench" | "prove" => 3,
        other => {
            panic!("the crate {other} has no place yet: see docs/architecture.md, then put it here")
        }
    }
}

struct Arrow {
    from: String,
    to: String,
    is_dev: bool,
}

fn arrows() -> Vec<Arrow> {
    let mut command = Command::new(env!("CARGO"));
    command.args([
        "metadata",
        "--no-deps",
        "--offline",
        "--format-version",
        "1",
    ]);
    let finished = run(command.current_dir(workspace()));
    assert!(
        finished.status.success(),
        "cargo describes the workspace: {finished:?}"
    );
    let metadata: Value = serde_json::from_str(&finished.stdout).expect("cargo prints JSON");
    let packages = metadata["packages"].as_array().expect("there are packages");
    assert!(
        packages.len() >= 6,
        "the whole workspace is described: {}",
        packages.len()
    );
    let mut arrows = Vec::new();
    for package in packages {
        for dependency in package["dependencies"]
            .as_array()
            .expect("dependencies are a list")
        {
            // Only crates of this workspace have a path.
            if dependency["path"].is_string() {
                arrows.push(Arrow {
                    from: text(&package["name"]),
                    to: text(&dependency["name"]),
                    is_dev: dependency["kind"] == "dev",
                });
            }
        }
    }
    assert!(
        arrows.len() >= 6,
        "the crates know each other: {}",
        arrows.len()
    );
    arrows
}

fn text(value: &Value) -> String {
    value.as_str().expect("a name is text").to_owned()
}

#[test]
fn arrows_between_crates_only_point_down() {
    for Arrow { from, to, .. } in arrows().iter().filter(|arrow| arrow.to != "testkit") {
        assert!(
            level(from) > level(to),
            "{from} must not depend on {to}: arrows only point down"
        );
    }
}

#[test]
fn testkit_depends_on_no_crate_of_ours_and_only_tests_depend_on_it() {
    for Arrow { from, to, is_dev } in arrows() {
        assert_ne!(from, "testkit", "testkit must not depend on {to}");
        assert!(
            to != "testkit" || is_dev || from == "prove",
            "{from} may use testkit in its tests only"
        );
    }
}

#[test]
fn libraries_neither_read_the_environment_nor_exit() {
    const LIBRARIES: [&str; 9] = [
        "sidecar-lock",
        "atomic-file",
        "sqlite-file",
        "json-text",
        "locked-file",
        "story",
        "state-file",
        "lease",
        "task-runner",
    ];
    const FORBIDDEN: [&str; 5] = [
        "env::var",
        "env::args",
        "env::current_dir",
        "process::exit",
        "process::abort",
    ];
    for library in LIBRARIES {
        let sources = sources_below(&workspace().join("crates").join(library).join("src"));
        assert!(sources.len() > 2, "{library} has sources");
        for path in sources {
            let text = fs::read_to_string(&path).expect("a source is text");
            for word in FORBIDDEN {
                assert!(
                    !text.contains(word),
                    "{}: {word} belongs into story-cli",
                    path.display()
                );
            }
        }
    }
}

/// The standard library panics when closing a folder fails, and prints by macros that panic, too.
#[test]
fn what_runs_on_unix_lists_folders_and_prints_without_the_standard_librarys_panics() {
    for shipped in [
        "sidecar-lock",
        "atomic-file",
        "sqlite-file",
        "json-text",
        "locked-file",
        "story",
        "state-file",
        "lease",
        "task-runner",
        "story-cli",
    ] {
        for path in sources_below(&workspace().join("crates").join(shipped).join("src")) {
            let elsewhere = [
                "sys/windows.rs",
                "sys/other.rs",
                "sys/portable.rs",
                "tests.rs",
            ];
            if elsewhere.iter().any(|end| path.ends_with(end)) {
                continue;
            }
            let text = fs::read_to_string(&path).expect("a source is text");
            let shipped = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
            for word in ["read_dir(", "println!", "print!"] {
                assert!(!shipped.contains(word), "{}: {word}", path.display());
            }
        }
    }
}

/// What writes, replaces or removes a file, as it stands in a source.
const WRITING: [&str; 26] = [
    "atomic_file::create(",
    "atomic_file::replace(",
    "atomic_file::remove(",
    "atomic_file::rename(",
    "create_resolved(",
    "replace_if_unchanged(",
    ".stage(",
    "staged.commit()",
    "original.remove(",
    "File::create",
    "File::options(",
    "OpenOptions::new(",
    "OFlags::WRONLY",
    "OFlags::RDWR",
    "fs::remove_file(",
    "fs::copy(",
    "hard_link(",
    ".set_len(",
    ".persist(",
    "create_exactly(",
    "version.replace(",
    "version.remove(",
    "fs::rename(",
    "symlinkat(",
    "unlinkat(",
    "remove_dir_all(",
];

/// Every place in shipped code above the two crates whose business it is, `sidecar-lock` and `atomic-file`, that writes, replaces
/// or removes a file: the source, how many lines of it do so, and the lock that guards what is written.
const WRITERS: [(&str, usize, &str); 29] = [
    (
        "locked-file/src/together.rs",
        2,
        "those of all files, held by the transaction",
    ),
    (
        "locked-file/src/together/finish.rs",
        2,
        "the file's, held by who finishes it",
    ),
    (
        "locked-file/src/together/pending.rs",
        5,
        "records: those of all files that they are about",
    ),
    ("story/src/beside.rs", 4, "the story's"),
    (
        "story/src/create.rs",
        1,
        "`stories/.creation.md.lock`, held as a `Creation`",
    ),
    ("story/src/journal/writing.rs", 1, "the story's"),
    (
        "story/src/relocate.rs",
        3,
        "the story's, and `.creation.md.lock` of the legacy folder",
    ),
    ("story/src/sys/other.rs", 1, "a journal: the story's"),
    ("story/src/sys/unix_journal.rs", 1, "a journal: the story's"),
    ("story/src/update.rs", 1, "the story's"),
    (
        "story/src/workflow_migration.rs",
        1,
        "the global checkpoint's",
    ),
    (
        "state-file/src/log_file.rs",
        3,
        "lines: none, each is one write to the end; rotation: the log's",
    ),
    (
        "state-file/src/transact.rs",
        3,
        "the file's, or those of both files",
    ),
    ("lease/src/edit/run.rs", 2, "the file's, and the store's"),
    ("lease/src/store/folder/change.rs", 3, "the store's"),
    (
        "task-runner/src/restore/apply.rs",
        4,
        "`.devs-state.lock`, held by who restores; and only what the rescue has",
    ),
    (
        "task-runner/src/restore/index.rs",
        9,
        "git's own, `index.lock`",
    ),
    (
        "task-runner/src/restore/leftovers.rs",
        1,
        "none: a private folder inside git's, whose lock its maker holds",
    ),
    (
        "task-runner/src/restore/recorded.rs",
        1,
        "none: a private folder inside git's, whose lock its maker holds",
    ),
    (
        "task-runner/src/restore/rules.rs",
        1,
        "none: a private folder inside git's, whose lock its maker holds",
    ),
    (
        "task-runner/src/restore/shared.rs",
        3,
        "the file's, or the story's for what lies beside it",
    ),
    (
        "task-runner/src/restore/sys/portable.rs",
        2,
        "`.devs-state.lock`, held by who restores; and only what the rescue has",
    ),
    (
        "task-runner/src/restore/sys/unix.rs",
        3,
        "`.devs-state.lock`, held by who restores; and only what the rescue has",
    ),
    (
        "task-runner/src/snapshot/scratch.rs",
        3,
        "none: a private folder inside git's, whose lock its maker holds",
    ),
    (
        "task-runner/src/snapshot/index_copy.rs",
        1,
        "none: a private folder inside git's, whose lock its maker holds",
    ),
    (
        "story-cli/src/completions.rs",
        2,
        "none: manual pages in a folder that the caller names",
    ),
    (
        "story-cli/src/init.rs",
        2,
        "the file's: `.gitignore`, `.gitattributes`, the hook",
    ),
    (
        "story-cli/src/merging/copy.rs",
        2,
        "none: copies in a private folder of this process",
    ),
    (
        "story-cli/src/merging/driver.rs",
        1,
        "none: git's own temporary file",
    ),
];

#[test]
fn every_place_that_writes_a_file_is_known_with_the_lock_that_guards_it() {
    let mut known: BTreeMap<&str, usize> = WRITERS
        .iter()
        .map(|(path, lines, _)| (*path, *lines))
        .collect();
    let crates = workspace().join("crates");
    for shipped in [
        "sqlite-file",
        "json-text",
        "locked-file",
        "story",
        "state-file",
        "lease",
        "task-runner",
        "story-cli",
    ] {
        for path in sources_below(&crates.join(shipped).join("src")) {
            let name = path.strip_prefix(&crates).expect("it lies below");
            let name = name.display().to_string();
            let found = lines_that_write(&path);
            let expected = known.remove(name.as_str()).unwrap_or(0);
            assert_eq!(
                found.len(),
                expected,
                "{name} writes files in other places than WRITERS says. Under which lock? Then put it there: {found:#?}"
            );
        }
    }
    assert!(known.is_empty(), "these write nothing any more: {known:?}");
}

/// The lines of shipped code in a source that write, without comments and tests.
fn lines_that_write(path: &Path) -> Vec<String> {
    if path.ends_with("tests.rs") {
        return Vec::new();
    }
    let text = fs::read_to_string(path).expect("a source is text");
    let shipped = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let lines = shipped.lines().map(str::trim);
    lines
        .filter(|line| !line.starts_with("//") && !line.starts_with("use "))
        .filter(|line| WRITING.iter().any(|word| line.contains(word)))
        .map(str::to_owned)
        .collect()
}

fn sources_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a source folder can be listed");
    let paths = entries.map(|entry| entry.expect("an entry can be read").path());
    let (folders, files): (Vec<_>, Vec<_>) = paths.partition(|path| path.is_dir());
    files
        .into_iter()
        .chain(folders.iter().flat_map(|folder| sources_below(folder)))
        .collect()
}
