//! What stands on the disk, seen without git; and what a snapshot recorded.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use task_runner::{AtomicSnapshot, Snapshot};

/// Git's mode and the bytes of each file; of a link, where it leads to.
pub type Files = BTreeMap<PathBuf, (u32, Vec<u8>)>;

/// All files below `top` but those of git and what is named in `without` with everything below it.
pub fn on_disk(top: &Path, without: &[&str]) -> Files {
    let mut files = Files::new();
    walk(top, Path::new(""), without, &mut files);
    files
}

fn walk(top: &Path, folder: &Path, without: &[&str], files: &mut Files) {
    for entry in fs::read_dir(top.join(folder)).expect("a folder that can be listed") {
        let path = folder.join(entry.expect("a name").file_name());
        if path == Path::new(".git") || without.iter().any(|name| path == Path::new(name)) {
            continue;
        }
        let metadata = fs::symlink_metadata(top.join(&path)).expect("it is there");
        if metadata.is_dir() {
            walk(top, &path, without, files);
        } else if metadata.is_symlink() {
            let target = fs::read_link(top.join(&path)).expect("a link");
            files.insert(path, (0o120_000, target.as_os_str().as_bytes().to_vec()));
        } else {
            let is_executable = metadata.permissions().mode() & 0o100 != 0;
            let mode = if is_executable { 0o100_755 } else { 0o100_644 };
            let bytes = fs::read(top.join(&path)).expect("it can be read");
            files.insert(path, (mode, bytes));
        }
    }
}

/// The files of a snapshot's exact record; of a submodule, the commit that it is at.
pub fn recorded(snapshots: &AtomicSnapshot, snapshot: &Snapshot) -> Files {
    let repository = snapshots.repository();
    let record = snapshots.read(snapshot).expect("a record");
    let answer = repository
        .git(["ls-tree", "-r", "-z", record.files()])
        .run()
        .expect("a tree");
    let mut blobs = repository.blobs().expect("a reader");
    let mut files = Files::new();
    for line in answer
        .split(|byte| *byte == 0)
        .filter(|line| !line.is_empty())
    {
        let tab = line.iter().position(|byte| *byte == b'\t').expect("a tab");
        let words = str::from_utf8(&line[..tab]).expect("text");
        let words: Vec<&str> = words.split(' ').collect();
        let mode = u32::from_str_radix(words[0], 8).expect("a mode");
        let bytes = if words[1] == "blob" {
            blobs.read(words[2]).expect("it exists")
        } else {
            words[2].as_bytes().to_vec()
        };
        let path = PathBuf::from(std::ffi::OsStr::from_bytes(&line[tab + 1..]));
        files.insert(path, (mode, bytes));
    }
    files
}

/// Everything of the user's that no snapshot may change: each file of git's folder with its bytes and the time of its last
/// change, but for objects, our refs and our temporary folder; and all of the tree.
pub fn untouchable(top: &Path) -> BTreeMap<PathBuf, String> {
    let mut seen = BTreeMap::new();
    watch(top, Path::new(""), &mut seen);
    seen
}

fn watch(top: &Path, folder: &Path, seen: &mut BTreeMap<PathBuf, String>) {
    const OURS: [&str; 3] = [
        ".git/objects",
        ".git/refs/devs-snapshots",
        ".git/story-snapshots",
    ];
    for entry in fs::read_dir(top.join(folder)).expect("a folder that can be listed") {
        let path = folder.join(entry.expect("a name").file_name());
        if OURS.iter().any(|ours| path == Path::new(ours)) {
            continue;
        }
        let metadata = fs::symlink_metadata(top.join(&path)).expect("it is there");
        if metadata.is_dir() {
            watch(top, &path, seen);
            continue;
        }
        let bytes = if metadata.is_file() {
            fs::read(top.join(&path)).expect("it can be read")
        } else {
            Vec::new()
        };
        // Reading a split index sets the time of its other part, so that git does not tidy it away.
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with("sharedindex.") {
            seen.insert(path.clone(), String::from_utf8_lossy(&bytes).into_owned());
            continue;
        }
        let said = format!(
            "{:o} {} {} {}.{} {}.{} {}",
            metadata.mode(),
            metadata.ino(),
            metadata.size(),
            metadata.mtime(),
            metadata.mtime_nsec(),
            metadata.ctime(),
            metadata.ctime_nsec(),
            String::from_utf8_lossy(&bytes)
        );
        seen.insert(path, said);
    }
}
