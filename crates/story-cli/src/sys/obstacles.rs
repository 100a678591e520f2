//! What makes an update of a story impossible, seen without trying one.

use std::path::Path;

use rustix::fs::{Access, AtFlags, CWD, Stat, StatxAttributes, StatxFlags, accessat, stat, statx};
use rustix::io::Errno;

/// What the lock's name has behind the story's: `.lock`.
const LOCK_ENDING: usize = 5;

/// The longest name on the file systems in use, where none is stated.
const LONGEST_NAME: usize = 255;

/// Why nobody, or not this user, can make a lock and a new version in a folder.
pub fn obstacle_in(folder: &Path) -> Option<&'static str> {
    let wanted = Access::WRITE_OK | Access::EXEC_OK;
    match accessat(CWD, folder, wanted, AtFlags::EACCESS) {
        Err(Errno::ROFS) => return Some("its file system is read-only"),
        Err(Errno::ACCESS) => return Some("this user may not make files in the folder"),
        // Anything else, an immutable folder on some file systems, is told below.
        Ok(()) | Err(_) => {}
    }
    is_fixed(attributes(folder)).then_some("the folder is immutable or append-only (see lsattr)")
}

/// Why a story cannot be replaced by a new version in a folder that takes one.
pub fn obstacle_of(story: &Path) -> Option<&'static str> {
    // A story that is not there, or a broken link, is told by others.
    let story = std::fs::canonicalize(story).ok()?;
    let file = stat(&story).ok()?;
    let attributes = attributes(&story);
    if attributes.contains(StatxAttributes::MOUNT_ROOT) {
        Some("it is mounted by itself; mount its folder instead")
    } else if is_fixed(attributes) {
        Some("it is immutable or append-only (see lsattr)")
    } else if file.st_nlink > 1 {
        Some("it is hard-linked, and its other names would keep the old text")
    } else if is_anothers(&file) {
        Some("it belongs to another user, who would lose it to this one")
    } else if has_no_room(&story) {
        Some("its name is too long: that of its lock is five bytes longer")
    } else {
        None
    }
}

fn attributes(path: &Path) -> StatxAttributes {
    // Kernels that do not know an attribute do not set it.
    statx(CWD, path, AtFlags::empty(), StatxFlags::TYPE)
        .map_or(StatxAttributes::empty(), |found| found.stx_attributes)
}

fn is_fixed(attributes: StatxAttributes) -> bool {
    attributes.intersects(StatxAttributes::IMMUTABLE | StatxAttributes::APPEND)
}

fn is_anothers(file: &Stat) -> bool {
    let user = rustix::process::geteuid();
    !user.is_root() && file.st_uid != user.as_raw()
}

fn has_no_room(story: &Path) -> bool {
    let longest = rustix::fs::statvfs(story)
        .ok()
        .and_then(|info| usize::try_from(info.f_namemax).ok())
        .filter(|length| *length > 0)
        .unwrap_or(LONGEST_NAME);
    let name = story.file_name().unwrap_or_default();
    name.len() + LOCK_ENDING > longest
}
