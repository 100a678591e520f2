//! Writers that are not ours: `O_EXCL` scripts, directory lockers, and programs that lock nothing.

use std::fs::{self, File, FileTimes, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// A lock as a foreign tool holds it: the name exists, no kernel lock, no record of ours.
///
/// Removed when dropped, if it is still there.
#[derive(Debug)]
pub struct ForeignLock {
    path: PathBuf,
}

impl ForeignLock {
    /// Takes the lock as a shell script does: `O_CREAT | O_EXCL` on the sidecar's name.
    ///
    /// # Errors
    ///
    /// `AlreadyExists` while anybody holds it; otherwise what the file system says.
    pub fn file(sidecar_path: &Path) -> io::Result<Self> {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(sidecar_path)?;
        file.write_all(b"made by hand\n")?;
        Ok(Self {
            path: sidecar_path.to_owned(),
        })
    }

    /// Takes the lock as proper-lockfile does: a directory of the sidecar's name.
    ///
    /// # Errors
    ///
    /// `AlreadyExists` while anybody holds it; otherwise what the file system says.
    pub fn directory(sidecar_path: &Path) -> io::Result<Self> {
        fs::create_dir(sidecar_path)?;
        Ok(Self {
            path: sidecar_path.to_owned(),
        })
    }

    /// The path of the lock.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the lock look as if it was last touched `age` ago.
    ///
    /// # Panics
    ///
    /// When its times cannot be set.
    pub fn set_age(&self, age: Duration) {
        set_age(&self.path, age);
    }

    /// Lets go without removing anything, as a killed tool does.
    pub fn abandon(mut self) -> PathBuf {
        std::mem::take(&mut self.path)
    }
}

/// Makes a file or folder look as if it was last touched `age` ago.
///
/// # Panics
///
/// When its times cannot be set.
pub fn set_age(path: &Path, age: Duration) {
    let then = SystemTime::now()
        .checked_sub(age)
        .expect("an age in tests reaches back less than the clock");
    File::open(path)
        .and_then(|file| file.set_times(FileTimes::new().set_modified(then).set_accessed(then)))
        .unwrap_or_else(|err| panic!("cannot age {}: {err}", path.display()));
}

impl Drop for ForeignLock {
    fn drop(&mut self) {
        if self.path.as_os_str().is_empty() {
            return;
        }
        // It may have been taken over meanwhile: then there is nothing of ours to remove.
        fs::remove_file(&self.path)
            .or_else(|_| fs::remove_dir(&self.path))
            .ok();
    }
}

/// A program that takes no lock: reads, changes its copy, truncates and writes (an editor, an old script).
#[derive(Debug)]
pub struct LegacyWriter {
    path: PathBuf,
}

impl LegacyWriter {
    /// A writer of that file.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Truncates the file and writes `contents` in place: same inode, and empty for a moment.
    ///
    /// # Panics
    ///
    /// When the file cannot be written.
    pub fn overwrite(&self, contents: &str) {
        OpenOptions::new()
            .write(true)
            .truncate(true)
            .open(&self.path)
            .and_then(|mut file| file.write_all(contents.as_bytes()))
            .unwrap_or_else(|err| panic!("cannot overwrite {}: {err}", self.path.display()));
    }

    /// Writes `contents` beside the file and renames it over, as most editors save.
    ///
    /// # Panics
    ///
    /// When it cannot be written or renamed.
    pub fn save_by_rename(&self, contents: &str) {
        self.save_by_rename_through("~", contents);
    }

    /// The same with a name of its own beside the file, the file's with `ending`: for several at once.
    ///
    /// # Panics
    ///
    /// When it cannot be written or renamed.
    pub fn save_by_rename_through(&self, ending: &str, contents: &str) {
        let mut new_path = self.path.clone().into_os_string();
        new_path.push(ending);
        let new_path = PathBuf::from(new_path);
        File::create(&new_path)
            .and_then(|mut file| file.write_all(contents.as_bytes()))
            .and_then(|()| rename(&new_path, &self.path))
            .unwrap_or_else(|err| panic!("cannot save {}: {err}", self.path.display()));
    }

    /// Reads, applies `change` to the text, overwrites in place.
    ///
    /// # Panics
    ///
    /// When the file cannot be read or written.
    pub fn read_modify_write(&self, change: impl FnOnce(String) -> String) {
        let text = fs::read_to_string(&self.path)
            .unwrap_or_else(|err| panic!("cannot read {}: {err}", self.path.display()));
        self.overwrite(&change(text));
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "plays a foreign program, which does not know the rules of this workspace"
)]
fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::time::{Duration, SystemTime};

    use super::{ForeignLock, LegacyWriter};
    use crate::Sandbox;

    #[test]
    fn foreign_lock_excludes_a_second_one_until_dropped() {
        let sandbox = Sandbox::new();
        let sidecar_path = sandbox.join("story.md.lock");
        let lock = ForeignLock::file(&sidecar_path).expect("the name is free");
        let refused = ForeignLock::directory(&sidecar_path).expect_err("the name is taken");
        assert_eq!(
            refused.kind(),
            ErrorKind::AlreadyExists,
            "one name, one holder"
        );
        drop(lock);
        let lock = ForeignLock::directory(&sidecar_path).expect("dropping removes the file");
        lock.set_age(Duration::from_mins(1));
        let modified = sidecar_path
            .metadata()
            .and_then(|meta| meta.modified())
            .expect("the directory is there");
        let age = SystemTime::now()
            .duration_since(modified)
            .expect("the past is earlier");
        assert!(
            age >= Duration::from_mins(1),
            "the age was set, got {age:?}"
        );
        assert!(lock.abandon().is_dir(), "an abandoned lock stays");
    }

    #[test]
    fn legacy_writer_changes_the_text_both_ways() {
        let sandbox = Sandbox::new();
        let path = sandbox.write("story.md", "a");
        let writer = LegacyWriter::new(&path);
        writer.read_modify_write(|text| text + "b");
        assert_eq!(sandbox.read("story.md"), "ab", "the change is in the file");
        writer.save_by_rename("c");
        assert_eq!(sandbox.read("story.md"), "c", "the rename replaced it");
    }
}
