//! What has to be done to get from the files that are there to the files that were recorded; pure.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::left::{Left, Reason};

/// What kind of thing a record says that a path was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A regular file, with its permission bits.
    File {
        /// All of them, not only the one that git knows.
        permissions: u32,
    },
    /// A symbolic link; its object holds where it points.
    Link,
    /// A submodule or a repository of its own: only which commit it is at is known.
    Repository,
}

/// One path in a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) kind: Kind,
    /// The object with its raw bytes.
    pub(crate) object: String,
}

/// One path that differs between two records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    /// Relative to the top of the tree.
    pub(crate) path: PathBuf,
    /// What the rescue recorded.
    pub(crate) now: Option<Entry>,
    /// What it shall be.
    pub(crate) then: Option<Entry>,
}

/// A file or link that goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Removal {
    pub(crate) path: PathBuf,
    pub(crate) was: Entry,
}

/// A file or link that is made or replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Write {
    pub(crate) path: PathBuf,
    pub(crate) was: Option<Entry>,
    pub(crate) then: Entry,
}

/// The steps, in the order in which they are safe.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    /// First: the deepest first, so that a folder is empty when a file must take its place.
    pub(crate) removals: Vec<Removal>,
    /// Then: `.gitignore` files first, so that whoever looks meanwhile takes nothing ignored for new.
    pub(crate) writes: Vec<Write>,
    /// Then, each under its own lock.
    pub(crate) shared: Vec<Change>,
    /// Last, but for those that could not be worked in otherwise.
    pub(crate) folders: Vec<FolderChange>,
    /// Not touched.
    pub(crate) left: Vec<Left>,
}

/// What the plan must know about paths beyond what was recorded.
pub(crate) struct Knowledge<'a> {
    /// Paths that are there now, were not recorded, and are ignored by the recorded rules: they may have been there.
    pub(crate) ignored_then: &'a BTreeSet<PathBuf>,
    /// Whether agents share a file.
    pub(crate) is_shared: &'a dyn Fn(&Path) -> bool,
}

impl Plan {
    /// Sorts changes into steps.
    pub(crate) fn of(changes: Vec<Change>, knowledge: &Knowledge<'_>) -> Self {
        let taken = places(&changes);
        let mut plan = Self::default();
        for change in changes {
            if change.now != change.then {
                plan.sort_in(change, knowledge, &taken);
            }
        }
        plan.removals.sort_by(|a, b| b.path.cmp(&a.path));
        plan.writes
            .sort_by_key(|write| (!is_rules(&write.path), write.path.clone()));
        plan.shared.sort_by(|a, b| a.path.cmp(&b.path));
        plan.left.sort();
        plan
    }

    /// Whether there is nothing to do.
    pub(crate) fn is_empty(&self) -> bool {
        self.removals.is_empty()
            && self.writes.is_empty()
            && self.shared.is_empty()
            && self.folders.is_empty()
    }

    fn sort_in(&mut self, change: Change, knowledge: &Knowledge<'_>, taken: &Places) {
        let Change { path, now, then } = change;
        let is_repository = |entry: &Option<Entry>| {
            let kind = entry.as_ref().map(|entry| entry.kind);
            kind == Some(Kind::Repository)
        };
        if is_repository(&now) || is_repository(&then) {
            let reason = Reason::Submodule;
            self.left.push(Left { path, reason });
            return;
        }
        let stays = then.is_none() && knowledge.ignored_then.contains(&path);
        if stays && !taken.is_in_the_way(&path) {
            let reason = Reason::Ignored;
            self.left.push(Left { path, reason });
            return;
        }
        let has_other_contents = match (&now, &then) {
            (Some(now), Some(then)) => now.object != then.object,
            _ => true,
        };
        if has_other_contents && (knowledge.is_shared)(&path) {
            self.shared.push(Change { path, now, then });
            return;
        }
        match (now, then) {
            (Some(was), None) => self.removals.push(Removal { path, was }),
            (was, Some(then)) => self.writes.push(Write { path, was, then }),
            (None, None) => {}
        }
    }
}

/// Where something has to stand after the restore, among what changes.
struct Places {
    /// Files, links and repositories.
    files: BTreeSet<PathBuf>,
    /// The folders that they are in.
    folders: BTreeSet<PathBuf>,
}

impl Places {
    /// Whether a path that goes stands where something must come: it cannot have been there when that was recorded.
    fn is_in_the_way(&self, path: &Path) -> bool {
        self.folders.contains(path) || path.ancestors().skip(1).any(|at| self.files.contains(at))
    }
}

fn places(changes: &[Change]) -> Places {
    let coming = changes.iter().filter(|change| change.then.is_some());
    let files: BTreeSet<_> = coming.map(|change| change.path.clone()).collect();
    let folders = files.iter().flat_map(|path| path.ancestors().skip(1));
    Places {
        folders: folders.map(Path::to_path_buf).collect(),
        files,
    }
}

/// Whether a file says what git ignores.
pub(crate) fn is_rules(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == ".gitignore")
}

/// What differs between two records, in the order of the paths.
pub(crate) fn differences(now: &Files, then: &Files) -> Vec<Change> {
    let paths: BTreeSet<_> = now.keys().chain(then.keys()).collect();
    let change = |path: &PathBuf| Change {
        path: path.clone(),
        now: now.get(path).cloned(),
        then: then.get(path).cloned(),
    };
    let changes = paths.into_iter().map(change);
    changes.filter(|change| change.now != change.then).collect()
}

/// All files of a record.
pub(crate) type Files = BTreeMap<PathBuf, Entry>;

/// Answers the permission bits of a folder.
pub(crate) type Bits<'a> = &'a dyn Fn(&Path) -> u32;

/// A folder whose permissions are to be brought back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FolderChange {
    pub(crate) path: PathBuf,
    /// `None`: the rescue has no file in it.
    pub(crate) now: Option<u32>,
    pub(crate) then: u32,
}

impl FolderChange {
    /// Whether it cannot be worked in before it has its permissions back.
    pub(crate) fn opens(&self) -> bool {
        const WORK: u32 = 0o700;
        self.then & WORK == WORK && self.now.is_some_and(|now| now & WORK != WORK)
    }
}

/// The folders that held recorded files and have other permissions now, the deepest first.
pub(crate) fn folder_differences(
    now: (&Files, Bits<'_>),
    then: (&Files, Bits<'_>),
) -> Vec<FolderChange> {
    let is_there = folders_of(now.0);
    let folders = folders_of(then.0).into_iter().rev();
    let change = |path: &Path| FolderChange {
        now: is_there.contains(path).then(|| (now.1)(path)),
        then: (then.1)(path),
        path: path.to_path_buf(),
    };
    let changes = folders.map(change);
    changes
        .filter(|change| change.now != Some(change.then))
        .collect()
}

fn folders_of(files: &Files) -> BTreeSet<&Path> {
    let folders = files.keys().flat_map(|path| path.ancestors().skip(1));
    folders
        .filter(|path| !path.as_os_str().is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Kind = Kind::File { permissions: 0o644 };
    const PROGRAM: Kind = Kind::File { permissions: 0o755 };

    #[expect(clippy::unnecessary_wraps, reason = "a change has one or has none")]
    fn entry(kind: Kind, object: &str) -> Option<Entry> {
        let object = object.to_owned();
        Some(Entry { kind, object })
    }

    fn change(path: &str, now: Option<Entry>, then: Option<Entry>) -> Change {
        let path = path.into();
        Change { path, now, then }
    }

    fn plan(changes: &[Change], ignored_then: &[&str]) -> Plan {
        let ignored_then = ignored_then.iter().map(PathBuf::from).collect();
        let knowledge = Knowledge {
            ignored_then: &ignored_then,
            is_shared: &|path| path.starts_with("shared"),
        };
        Plan::of(changes.to_vec(), &knowledge)
    }

    /// The steps as text, in their order.
    fn steps(plan: &Plan) -> Vec<String> {
        let removals = plan.removals.iter();
        let removals = removals.map(|step| format!("- {}", step.path.display()));
        let writes = plan.writes.iter();
        let writes = writes.map(|step| format!("+ {}", step.path.display()));
        let shared = plan.shared.iter();
        let shared = shared.map(|step| format!("~ {}", step.path.display()));
        let left = plan.left.iter().map(|left| format!("= {left}"));
        removals.chain(writes).chain(shared).chain(left).collect()
    }

    #[test]
    fn plan_removes_the_deepest_first_and_then_writes_with_the_rules_first() {
        let file = || entry(PLAIN, "a");
        let link = || entry(Kind::Link, "l");
        let table: [(&str, Vec<Change>, &[&str]); 11] = [
            ("nothing", vec![change("a", file(), file())], &[]),
            ("a new file goes", vec![change("a", file(), None)], &["- a"]),
            (
                "a file comes back",
                vec![change("a", None, file())],
                &["+ a"],
            ),
            (
                "a file was changed",
                vec![change("a", entry(PLAIN, "b"), file())],
                &["+ a"],
            ),
            (
                "only the right to run it differs",
                vec![change("a", entry(PROGRAM, "a"), file())],
                &["+ a"],
            ),
            (
                "a link became a file, a file a link",
                vec![change("a", file(), link()), change("b", link(), file())],
                &["+ a", "+ b"],
            ),
            (
                "a file became a folder: what is in it goes first, the deepest before the others",
                vec![
                    change("a", None, file()),
                    change("a/b", file(), None),
                    change("a/c/d", file(), None),
                ],
                &["- a/c/d", "- a/b", "+ a"],
            ),
            (
                "a folder became a file",
                vec![change("a", file(), None), change("a/b", None, file())],
                &["- a", "+ a/b"],
            ),
            (
                "rules come first, those of deeper folders too",
                vec![
                    change("a", None, file()),
                    change("z/.gitignore", None, file()),
                    change(".gitignore", file(), link()),
                ],
                &["+ .gitignore", "+ z/.gitignore", "+ a"],
            ),
            (
                "shared files come last",
                vec![change("shared/s", file(), None), change("x", None, file())],
                &["+ x", "~ shared/s"],
            ),
            (
                "permissions harm nobody",
                vec![change("shared/s", entry(PROGRAM, "a"), file())],
                &["+ shared/s"],
            ),
        ];
        for (what, changes, expected) in table {
            assert_eq!(steps(&plan(&changes, &[])), expected, "{what}");
        }
    }

    #[test]
    fn plan_leaves_repositories() {
        let file = || entry(PLAIN, "a");
        let inner = |at| entry(Kind::Repository, at);
        for (now, then) in [
            (inner("1"), inner("2")),
            (inner("1"), None),
            (None, inner("1")),
            (inner("1"), file()),
            (file(), inner("1")),
        ] {
            let plan = plan(&[change("a", now, then)], &[]);
            assert_eq!(steps(&plan), ["= a is a submodule"], "nobody touches it");
            assert!(plan.is_empty(), "and that is nothing to do");
        }
    }

    #[test]
    fn plan_leaves_what_the_recorded_rules_ignore_unless_it_cannot_have_been_there() {
        let file = || entry(PLAIN, "a");
        let table: [(&str, Vec<Change>, &str, &[&str]); 4] = [
            (
                "it may have been there",
                vec![change("a.log", file(), None)],
                "a.log",
                &["= a.log is, or was until now, ignored by git"],
            ),
            (
                "what was recorded comes back, ignored or not",
                vec![change("a.log", None, file())],
                "a.log",
                &["+ a.log"],
            ),
            (
                "its folder was a file",
                vec![change("a/b.log", file(), None), change("a", None, file())],
                "a/b.log",
                &["- a/b.log", "+ a"],
            ),
            (
                "it was a folder itself",
                vec![change("a", file(), None), change("a/b/c", None, file())],
                "a",
                &["- a", "+ a/b/c"],
            ),
        ];
        for (what, changes, ignored, expected) in table {
            assert_eq!(steps(&plan(&changes, &[ignored])), expected, "{what}");
        }
    }

    #[test]
    fn differences_are_those_of_contents_kinds_and_permissions() {
        let of = |rows: &[(&str, Option<Entry>)]| -> BTreeMap<PathBuf, Entry> {
            let rows = rows.iter().cloned();
            rows.filter_map(|(path, entry)| Some((path.into(), entry?)))
                .collect()
        };
        let secret = Kind::File { permissions: 0o600 };
        let now = of(&[
            ("edited", entry(PLAIN, "b")),
            ("same", entry(PLAIN, "a")),
            ("opened", entry(PLAIN, "a")),
            ("new", entry(PLAIN, "a")),
            ("kind", entry(Kind::Link, "a")),
        ]);
        let then = of(&[
            ("edited", entry(PLAIN, "a")),
            ("same", entry(PLAIN, "a")),
            ("opened", entry(secret, "a")),
            ("gone", entry(PLAIN, "a")),
            ("kind", entry(PLAIN, "a")),
        ]);
        let found = differences(&now, &then);
        let paths: Vec<_> = found.iter().filter_map(|step| step.path.to_str()).collect();
        assert_eq!(
            paths,
            ["edited", "gone", "kind", "new", "opened"],
            "each once"
        );
    }

    #[test]
    fn folder_differences_are_found_for_folders_that_held_recorded_files() {
        let files = |paths: &[&str]| -> BTreeMap<PathBuf, Entry> {
            let paths = paths.iter().map(PathBuf::from);
            paths
                .filter_map(|path| Some((path, entry(PLAIN, "a")?)))
                .collect()
        };
        let (now, then) = (
            files(&["a/x", "same/x", "new/x"]),
            files(&["a/x", "same/x", "gone/b/x"]),
        );
        let bits_now = |path: &Path| if path == Path::new("a") { 0o500 } else { 0o755 };
        let bits_then = |path: &Path| {
            if path == Path::new("gone") {
                0o700
            } else {
                0o755
            }
        };
        let found = folder_differences((&now, &bits_now), (&then, &bits_then));
        let change = |path: &str, now, then| FolderChange {
            path: path.into(),
            now,
            then,
        };
        let expected = [
            change("gone/b", None, 0o755),
            change("gone", None, 0o700),
            change("a", Some(0o500), 0o755),
        ];
        assert_eq!(found, expected, "the deepest first");
        let opens: Vec<_> = found.iter().map(FolderChange::opens).collect();
        assert_eq!(
            opens,
            [false, false, true],
            "one has to be opened before it is worked in"
        );
    }
}
