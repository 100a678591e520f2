//! All there is to be seen of a git working tree and its repository, and in what two pictures of it differ.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A path, relative to what is pictured.
pub type Name = Vec<u8>;

/// What lies under a name.
#[derive(Clone, PartialEq, Eq)]
pub enum Thing {
    /// A file.
    File {
        /// Its permissions.
        mode: u32,
        /// What it contains.
        bytes: Vec<u8>,
    },
    /// A symlink.
    Link {
        /// Where it leads.
        to: Vec<u8>,
    },
    /// A folder.
    Folder {
        /// Its permissions.
        mode: u32,
    },
    /// A pipe, a socket, a device.
    Other,
}

/// When and where it was written, which nobody can fake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Trace {
    inode: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// A tree and its repository.
#[derive(Clone)]
pub struct Picture {
    /// What lies in the tree, but for its `.git`.
    pub things: BTreeMap<Name, Thing>,
    traces: BTreeMap<Name, Trace>,
    /// The names of files that git tracks or would add.
    pub known: BTreeSet<Name>,
    /// The names of files that git ignores and does not track.
    pub ignored: BTreeSet<Name>,
    /// The entries of the index with their stages, ids, modes and marks, without what a file system says of files.
    pub index: Vec<u8>,
    /// Its file, or two where it is split.
    index_files: BTreeMap<Name, Thing>,
    /// Ids and subjects of the owner's stashes.
    pub stashes: Vec<u8>,
    /// All reflogs.
    pub logs: BTreeMap<Name, Thing>,
    /// All refs, but for those of snapshots.
    pub refs: Vec<u8>,
    /// What HEAD says.
    pub head: Vec<u8>,
    /// The commit that it is at.
    pub commit: Vec<u8>,
    /// What git says is staged and what is not.
    pub status: Vec<u8>,
}

impl Picture {
    /// Takes one of the tree whose top this is, while nobody is at work in it.
    ///
    /// # Panics
    ///
    /// When it cannot be read, or is no working tree.
    pub fn of(top: &Path) -> Self {
        let must = |words: &[&str]| {
            let output = git(top, words).output().expect("git is installed");
            assert!(output.status.success(), "git {words:?} works: {output:?}");
            output.stdout
        };
        let folder = |word: &str| -> PathBuf {
            let path = must(&["rev-parse", "--path-format=absolute", word]);
            let path = path.strip_suffix(b"\n").unwrap_or(&path);
            std::ffi::OsStr::from_bytes(path).into()
        };
        let (git_dir, common) = (folder("--git-dir"), folder("--git-common-dir"));
        let mut things = BTreeMap::new();
        let mut traces = BTreeMap::new();
        walk(top, top, &mut |name, thing, trace| {
            let is_git = name == b".git" || name.starts_with(b".git/");
            if !is_git {
                things.insert(name.clone(), thing);
                traces.insert(name, trace);
            }
        });
        let known = names(&must(&["ls-files", "-z", "-c", "-o", "--exclude-standard"]));
        let known = known.into_iter().filter(|name| is_file(&things, name));
        let refs = must(&["for-each-ref", "--format=%(refname) %(objectname)"]);
        // Before the first commit there is none.
        let commit = git(top, &["rev-parse", "--verify", "--quiet", "HEAD"]).output();
        Self {
            known: known.collect(),
            ignored: names(&must(&["ls-files", "-z", "-o", "-i", "--exclude-standard"])),
            index: entries(&must(&["ls-files", "-v", "-s", "--debug"])),
            index_files: files_of_index(&git_dir),
            stashes: must(&["stash", "list", "--format=%H %gs"]),
            logs: files_below(&common.join("logs")),
            refs: lines_without(&refs, b"refs/devs-snapshots/"),
            head: fs::read(git_dir.join("HEAD")).expect("a repository has a HEAD"),
            commit: commit.expect("git is installed").stdout,
            status: must(&["status", "--porcelain=v2", "--no-renames", "-uno"]),
            things,
            traces,
        }
    }

    /// In what a picture that was taken later differs, though nobody should have written anything.
    ///
    /// # Errors
    ///
    /// What differs, in words.
    pub fn untouched(&self, later: &Self) -> Result<(), String> {
        self.same_history(later)?;
        equal("what lies in the tree", &self.things, &later.things)?;
        let touched = differing(&self.traces, &later.traces);
        if !touched.is_empty() {
            return Err(format!("it was touched: {}", shown(&touched)));
        }
        equal("the index's files", &self.index_files, &later.index_files)?;
        self.same_index(later)
    }

    /// In what the index differs.
    ///
    /// # Errors
    ///
    /// What differs, in words.
    pub fn same_index(&self, later: &Self) -> Result<(), String> {
        if self.index == later.index {
            return Ok(());
        }
        Err(format!(
            "the index was\n{}\nand is\n{}",
            String::from_utf8_lossy(&self.index),
            String::from_utf8_lossy(&later.index)
        ))
    }

    /// In what stashes, reflogs, refs and HEAD differ.
    ///
    /// # Errors
    ///
    /// What differs, in words.
    pub fn same_history(&self, later: &Self) -> Result<(), String> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        for (what, was, is) in [
            ("the stashes", &self.stashes, &later.stashes),
            ("the refs", &self.refs, &later.refs),
            ("HEAD", &self.head, &later.head),
        ] {
            if was != is {
                return Err(format!("{what} were {} and are {}", text(was), text(is)));
            }
        }
        equal("the reflogs", &self.logs, &later.logs)
    }

    /// Whether there is something else than a folder under a name.
    pub fn has(&self, name: &[u8]) -> bool {
        is_file(&self.things, name)
    }
}

/// `git WORDS` in the tree at `top`, which looks, and writes nothing of its own accord. It knows this machine's settings no more
/// than the caller's.
pub fn git(top: &Path, words: &[&str]) -> Command {
    let mut git = Command::new("git");
    git.current_dir(top)
        .args(words)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("LC_ALL", "C")
        .stdin(Stdio::null());
    git
}

fn is_file(things: &BTreeMap<Name, Thing>, name: &[u8]) -> bool {
    matches!(
        things.get(name),
        Some(Thing::File { .. } | Thing::Link { .. })
    )
}

/// Names that end in zero bytes.
fn names(output: &[u8]) -> BTreeSet<Name> {
    let names = output.split(|byte| *byte == 0);
    names
        .filter(|name| !name.is_empty())
        .map(<[u8]>::to_vec)
        .collect()
}

/// What git keeps of an entry's flags in the file: to be added, skipped, assumed unchanged, its stage.
const KEPT_FLAGS: u32 = 1 << 29 | 1 << 30 | 0x8000 | 0x3000;

/// Of `ls-files --debug` the entries and their flags.
fn entries(output: &[u8]) -> Vec<u8> {
    let mut kept = Vec::new();
    for line in output.split_inclusive(|byte| *byte == b'\n') {
        let is_of_file = [&b"  ctime:"[..], b"  mtime:", b"  dev:", b"  uid:"]
            .iter()
            .any(|start| line.starts_with(start));
        if line.starts_with(b"  size:") {
            let line = String::from_utf8_lossy(line);
            let flags = line.trim().rsplit(' ').next().unwrap_or_default();
            let flags = u32::from_str_radix(flags, 16).expect("git prints flags in hex");
            kept.extend_from_slice(format!("  {:x}\n", flags & KEPT_FLAGS).as_bytes());
        } else if !is_of_file {
            kept.extend_from_slice(line);
        }
    }
    kept
}

fn files_of_index(git_dir: &Path) -> BTreeMap<Name, Thing> {
    let mut files = files_below(git_dir);
    files.retain(|name, _| name == b"index" || name.starts_with(b"sharedindex."));
    files
}

fn lines_without(output: &[u8], start: &[u8]) -> Vec<u8> {
    let lines = output.split_inclusive(|byte| *byte == b'\n');
    let kept: Vec<&[u8]> = lines.filter(|line| !line.starts_with(start)).collect();
    kept.concat()
}

fn files_below(folder: &Path) -> BTreeMap<Name, Thing> {
    let mut files = BTreeMap::new();
    walk(folder, folder, &mut |name, thing, _| {
        if matches!(thing, Thing::File { .. }) && !name.starts_with(b"refs/devs-snapshots/") {
            files.insert(name, thing);
        }
    });
    files
}

fn walk(root: &Path, folder: &Path, found: &mut impl FnMut(Name, Thing, Trace)) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries {
        let path = entry.expect("a sandbox can be read").path();
        let meta = path.symlink_metadata().expect("nobody else is at work");
        let name = path.strip_prefix(root).expect("it lies below");
        let mode = meta.mode() & 0o7777;
        let thing = if meta.is_dir() {
            Thing::Folder { mode }
        } else if meta.is_symlink() {
            let to = fs::read_link(&path).expect("a link can be read");
            Thing::Link {
                to: to.as_os_str().as_bytes().to_vec(),
            }
        } else if meta.is_file() {
            let bytes = fs::read(&path).expect("a sandbox can be read");
            Thing::File { mode, bytes }
        } else {
            Thing::Other
        };
        let trace = Trace {
            inode: meta.ino(),
            modified: (meta.mtime(), meta.mtime_nsec()),
            changed: (meta.ctime(), meta.ctime_nsec()),
        };
        found(name.as_os_str().as_bytes().to_vec(), thing, trace);
        if meta.is_dir() {
            walk(root, &path, found);
        }
    }
}

fn equal(
    what: &str,
    was: &BTreeMap<Name, Thing>,
    is: &BTreeMap<Name, Thing>,
) -> Result<(), String> {
    let differ = differing(was, is);
    if differ.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = differ
        .iter()
        .map(|name| {
            let (was, is) = (was.get(name), is.get(name));
            format!("{}: was {}, is {}", text(name), said(was), said(is))
        })
        .collect();
    Err(format!("{what} differ: {}", lines.join("; ")))
}

/// The names under which two maps differ.
fn differing<T: PartialEq>(was: &BTreeMap<Name, T>, is: &BTreeMap<Name, T>) -> BTreeSet<Name> {
    let names = was.keys().chain(is.keys());
    names
        .filter(|name| was.get(*name) != is.get(*name))
        .cloned()
        .collect()
}

/// Names for a person.
pub fn shown<'a>(names: impl IntoIterator<Item = &'a Name>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| text(name)).collect();
    names.join(", ")
}

/// A name for a person.
pub fn text(name: &[u8]) -> String {
    format!("`{}`", name.escape_ascii())
}

/// A thing for a person.
pub fn said(thing: Option<&Thing>) -> String {
    match thing {
        None => "nothing".to_owned(),
        Some(Thing::Folder { mode }) => format!("a folder {mode:o}"),
        Some(Thing::Link { to }) => format!("a link to {}", to.escape_ascii()),
        Some(Thing::File { mode, bytes }) => {
            let start = &bytes[..bytes.len().min(24)];
            let length = bytes.len();
            format!(
                "a file {mode:o} of {length} bytes: {}",
                start.escape_ascii()
            )
        }
        Some(Thing::Other) => "something else".to_owned(),
    }
}
