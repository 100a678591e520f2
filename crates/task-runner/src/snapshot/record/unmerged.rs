//! An index with conflicts: git makes no tree of it, so our copy gets one version of each file, and all versions a tree of their own.

use std::collections::{BTreeMap, BTreeSet};

use super::super::entry::Entry;
use super::super::error::SnapshotError;
use super::super::feed::push_line;
use super::super::scratch::Scratch;
use super::{Item, TRACKED};
use crate::git::Repository;

/// The name of the index that the tree of all versions is made of.
const SIDES: &str = "sides";

/// The conflicts of an index, out of the way.
#[derive(Debug, Default)]
pub(super) struct Settled {
    /// The tree of all versions, as `<stage>/<path>`: it keeps them alive. `None` where there is no conflict.
    pub sides: Option<String>,
    /// The files that have a conflict.
    pub paths: Vec<Vec<u8>>,
    /// Those of them that have no line in our copy of the index, because another file or folder has the place.
    pub unplaced: Vec<Vec<u8>>,
}

/// Takes the conflicts out of our copy of the index and out of `entries`: one version of each file stands for it there. The bytes of
/// the index that are recorded were read before.
pub(super) fn settle(
    repository: &Repository,
    scratch: &Scratch,
    entries: &mut Vec<Entry>,
) -> Result<Settled, SnapshotError> {
    let (sides, mut merged): (Vec<_>, Vec<_>) = std::mem::take(entries)
        .into_iter()
        .partition(|entry| entry.stage != 0);
    let paths: BTreeSet<_> = sides.iter().map(|entry| entry.path.clone()).collect();
    let mut settled = Settled::default();
    if !sides.is_empty() {
        settled.sides = Some(write_sides(repository, scratch, &sides)?);
        let chosen = choose(sides, &merged);
        let gone = Item {
            mode: 0,
            id: repository.no_id(),
        };
        let mut lines = Vec::new();
        for path in &paths {
            push_line(&mut lines, &gone, path);
        }
        for entry in &chosen {
            push_line(&mut lines, &entry.item, &entry.path);
        }
        let git = repository.hasty(["update-index", "-z", "--index-info"]);
        let git = git.index(&scratch.path(TRACKED));
        git.input(lines).run()?;
        let placed: BTreeSet<_> = chosen.iter().map(|entry| entry.path.clone()).collect();
        settled.unplaced = paths.difference(&placed).cloned().collect();
        merged.extend(chosen);
        merged.sort_by(|a, b| a.path.cmp(&b.path));
    }
    settled.paths = paths.into_iter().collect();
    *entries = merged;
    Ok(settled)
}

/// The version that stands for each file: ours, or else theirs, or else the one that both had. Pure.
///
/// None where a file without a conflict lies below that path, or is a folder on the way to it.
fn choose(sides: Vec<Entry>, merged: &[Entry]) -> Vec<Entry> {
    let mut chosen = BTreeMap::<Vec<u8>, Entry>::new();
    // Ours is stage 2, theirs 3, what both had 1.
    let rank = |entry: &Entry| [2, 3, 1].iter().position(|stage| *stage == entry.stage);
    for side in sides {
        let is_better = chosen
            .get(&side.path)
            .is_none_or(|other| rank(&side) < rank(other));
        if is_better {
            chosen.insert(side.path.clone(), side);
        }
    }
    let mut files: BTreeSet<Vec<u8>> = merged.iter().map(|entry| entry.path.clone()).collect();
    let chosen = chosen.into_values().filter(|side| {
        let is_free = !is_in_the_way(&files, &side.path);
        if is_free {
            files.insert(side.path.clone());
        }
        is_free
    });
    chosen.map(Entry::uncertain).collect()
}

/// Whether a file of these is a folder on the way to the path, or has it as a folder on its own way.
fn is_in_the_way(files: &BTreeSet<Vec<u8>>, path: &[u8]) -> bool {
    let mut folder = path.to_vec();
    folder.push(b'/');
    let below = files.range(folder.clone()..).next();
    let mut slashes = (0..path.len()).filter(|at| path[*at] == b'/');
    below.is_some_and(|file| file.starts_with(&folder))
        || slashes.any(|at| files.contains(&path[..at]))
}

fn write_sides(
    repository: &Repository,
    scratch: &Scratch,
    sides: &[Entry],
) -> Result<String, SnapshotError> {
    let mut lines = Vec::new();
    for entry in sides {
        let mut path = format!("{}/", entry.stage).into_bytes();
        path.extend(&entry.path);
        push_line(&mut lines, &entry.item, &path);
    }
    let index = scratch.path(SIDES);
    let git = repository.hasty(["update-index", "--add", "-z", "--index-info"]);
    git.index(&index).input(lines).run()?;
    Ok(repository.hasty(["write-tree"]).index(&index).run_line()?)
}

#[cfg(test)]
mod tests {
    use super::super::super::entry::parse_debug;
    use super::*;

    fn entries(lines: &[(u8, &str)]) -> Vec<Entry> {
        let lines = lines.iter().map(|(stage, path)| {
            format!(
                "100644 {stage}{stage} {stage}\t{path}\0  ctime: 1:2\n  mtime: 1:2\n  dev: 1\tino: 5\n  uid: 1\tgid: 1\n  size: 3\tflags: 0\n"
            )
        });
        let answer: String = lines.collect();
        parse_debug(answer.as_bytes()).expect("as git writes it")
    }

    #[test]
    fn choose_takes_one_version_of_each_file_and_none_where_another_has_the_place() {
        type Case<'a> = (
            &'a str,
            &'a [(u8, &'a str)],
            &'a [(u8, &'a str)],
            &'a [(&'a str, &'a str)],
        );
        let table: [Case; 5] = [
            (
                "both changed",
                &[(1, "f"), (2, "f"), (3, "f")],
                &[],
                &[("f", "22")],
            ),
            ("deleted here", &[(1, "f"), (3, "f")], &[], &[("f", "33")]),
            ("deleted by both", &[(1, "f")], &[], &[("f", "11")]),
            (
                "a folder there",
                &[(2, "f")],
                &[(0, "f.x"), (0, "f/x")],
                &[],
            ),
            (
                "a file there",
                &[(2, "d/f"), (2, "e")],
                &[(0, "d")],
                &[("e", "22")],
            ),
        ];
        for (what, sides, merged, expected) in table {
            let chosen = choose(entries(sides), &entries(merged));
            let found: Vec<_> = chosen
                .iter()
                .map(|entry| {
                    (
                        str::from_utf8(&entry.path).expect("text"),
                        entry.item.id.as_str(),
                    )
                })
                .collect();
            assert_eq!(found, expected, "{what}");
            assert!(
                chosen.iter().all(|entry| entry.stage == 0),
                "{what}: as a file without a conflict"
            );
        }
    }
}
