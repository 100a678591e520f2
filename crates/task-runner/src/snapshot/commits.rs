//! The commits of a snapshot, in the shape of a stash, and with the exact record as its fourth parent.

use super::about::About;
use super::error::SnapshotError;
use super::preflight::Head;
use super::scratch::Scratch;
use super::trees::Recorded;
use crate::git::{GitError, Repository};

/// The trees that git knows of by now.
#[derive(Debug)]
pub(crate) struct Trees {
    /// What the index holds.
    pub index: String,
    /// The tracked files of the working tree, as `git stash` records them.
    pub working: String,
    /// The files that git does not know and does not ignore.
    pub untracked: String,
    /// Every file, as it is.
    pub exact: String,
    /// Every version of the files that the index has conflicts of.
    pub sides: Option<String>,
}

/// The names of the parts of the record that may be missing.
const INDEX: &str = "index";
const OWN_RULES: &str = "exclude";

/// Writes the record and the commits. Answers what they are.
pub(crate) fn write(
    repository: &Repository,
    scratch: &Scratch,
    trees: &Trees,
    index: Option<&[u8]>,
    own_rules: Option<&[u8]>,
    about: About,
    head: &Head,
) -> Result<Recorded, SnapshotError> {
    let blobs: Vec<(&str, Vec<u8>)> = [
        Some(("about.json", about.to_bytes())),
        index.map(|bytes| (INDEX, bytes.to_vec())),
        own_rules.map(|bytes| (OWN_RULES, bytes.to_vec())),
    ]
    .into_iter()
    .flatten()
    .collect();
    let ids = objects(
        repository,
        scratch,
        "blob",
        blobs.iter().map(|(_, bytes)| bytes),
    )?;
    let parts = blobs.iter().zip(&ids);
    let mut entries: Vec<_> = parts
        .map(|((name, _), id)| ("100644", *name, id.as_str()))
        .collect();
    entries.push(("40000", "files", &trees.exact));
    let sides = trees.sides.as_ref();
    entries.extend(sides.map(|id| ("40000", "unmerged", id.as_str())));
    // As git wants them.
    entries.sort_unstable_by_key(|(_, name, _)| *name);
    let record = objects(repository, scratch, "tree", [&tree(&entries)?])?.remove(0);
    let seconds = about.moment().map_or(0, jiff::Timestamp::as_second);
    let commit = |tree: &str, parents: &[&String], message: &str| {
        text(tree, parents, seconds, message).into_bytes()
    };
    let name = subject(&about);
    let base = if let Some(id) = &head.commit {
        id.clone()
    } else {
        let tree = objects(repository, scratch, "tree", [&Vec::new()])?.remove(0);
        let first = commit(&tree, &[], &format!("before the first commit: {name}"));
        objects(repository, scratch, "commit", [&first])?.remove(0)
    };
    let of_conflicts = match trees.sides {
        Some(_) => "\n\nOf each unmerged file it has one version; all are in the exact record.",
        None => "",
    };
    let index_message = format!("index on {name}{of_conflicts}");
    let parents = [
        commit(&trees.index, &[&base], &index_message),
        commit(&trees.untracked, &[], &format!("untracked files on {name}")),
        commit(&record, &[], &format!("exact record of {name}")),
    ];
    let parents = objects(repository, scratch, "commit", &parents)?;
    let all: Vec<&String> = std::iter::once(&base).chain(&parents).collect();
    let whole = commit(&trees.working, &all, &name);
    let id = objects(repository, scratch, "commit", [&whole])?.remove(0);
    let id_of = |wanted| {
        let at = blobs.iter().position(|(name, _)| *name == wanted);
        at.map(|at| ids[at].clone())
    };
    Ok(Recorded {
        id,
        files: trees.exact.clone(),
        index: id_of(INDEX),
        own_rules: id_of(OWN_RULES),
        about,
        sides: trees.sides.clone(),
    })
}

/// The subject of the snapshot's commit, in the shape of a stash's.
fn subject(about: &About) -> String {
    let label = about.label.replace(char::is_control, " ");
    format!("devs-snapshot-{}: {label}", about.task)
        .trim_end()
        .to_owned()
}

/// The text of a commit. Its names need no configuration.
fn text(tree: &str, parents: &[&String], seconds: i64, message: &str) -> String {
    let parents: String = parents
        .iter()
        .flat_map(|id| ["parent ", id, "\n"])
        .collect();
    let who = format!("story <story@localhost> {} +0000", seconds.max(0));
    format!("tree {tree}\n{parents}author {who}\ncommitter {who}\n\n{message}\n")
}

/// The bytes of a tree object. Not by `git mktree`, which knows no `core.fsync`: after a power cut its tree could be empty, and
/// git would take it for the one that the next snapshot needs.
fn tree(entries: &[(&str, &str, &str)]) -> Result<Vec<u8>, GitError> {
    let mut bytes = Vec::new();
    for (mode, name, id) in entries {
        bytes.extend_from_slice(format!("{mode} {name}\0").as_bytes());
        let pairs = (0..id.len()).step_by(2).map(|at| id.get(at..at + 2));
        let raw = pairs.map(|pair| u8::from_str_radix(pair?, 16).ok());
        let raw: Option<Vec<u8>> = raw.collect();
        bytes.extend(raw.ok_or_else(|| GitError::Unexpected {
            command: "git hash-object".to_owned(),
            answer: (*id).to_owned(),
        })?);
    }
    Ok(bytes)
}

/// Writes objects with one command. Answers their ids, in order.
fn objects<'a>(
    repository: &Repository,
    scratch: &Scratch,
    kind: &str,
    contents: impl IntoIterator<Item = &'a Vec<u8>>,
) -> Result<Vec<String>, SnapshotError> {
    let mut lines = Vec::new();
    let mut count = 0;
    for bytes in contents {
        let path = scratch.write(&format!("object-{count}"), bytes)?;
        lines.extend(super::feed::quoted(&crate::sys::bytes_of(&path)));
        lines.push(b'\n');
        count += 1;
    }
    let words = [
        "hash-object",
        "-w",
        "-t",
        kind,
        "--no-filters",
        "--stdin-paths",
    ];
    let answer = repository.hasty(words).input(lines).run_line()?;
    let ids: Vec<String> = answer.lines().map(str::to_owned).collect();
    if ids.len() == count {
        Ok(ids)
    } else {
        Err(GitError::Unexpected {
            command: "git hash-object --stdin-paths".to_owned(),
            answer,
        }
        .into())
    }
}
