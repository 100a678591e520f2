//! The moment of replacement, as a compare-and-swap.
//!
//! The new file and the old one swap names, then what was displaced is looked at: only if it is the version that was
//! read is it deleted. If it is somebody else's, it gets its name back. A person's save between our read and our
//! commit is therefore never lost, lock or no lock. Where names cannot be swapped (some file systems, Windows) the
//! comparison comes just before a rename, and a save within those microseconds is lost.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use crate::error::{CommitError, CommitWarning};
use crate::name::{Mark, temporary};
use crate::options::{CommitOptions, Durability};
use crate::original::Original;
use crate::stage::{Base, LOOKS, Staged, lock_out_sweepers, patiently, stage};
use crate::stamp::Stamp;
use crate::swap::{Outcome, give_back};
use crate::sys::{self, Directory, Exchange};
use crate::target::Target;

/// A commit that is in place.
#[derive(Debug)]
pub struct Committed {
    /// What went wrong beside it; empty as a rule.
    pub warnings: Vec<CommitWarning>,
}

/// Replaces a file if it is still the version that was read: [`Original::stage`] and [`Staged::commit`] in one.
///
/// # Errors
///
/// Those of both.
pub fn replace_if_unchanged(
    original: Original,
    contents: &[u8],
    options: &CommitOptions,
) -> Result<Committed, CommitError> {
    original.stage(contents, options)?.commit()
}

/// Replaces the contents of a file whatever they are now, keeping its mode, owner, attributes and links.
///
/// # Errors
///
/// As [`replace_if_unchanged`], and [`CommitError::NotFound`] when there is no such file: nothing is created.
pub fn replace(
    path: &Path,
    contents: &[u8],
    options: &CommitOptions,
) -> Result<Committed, CommitError> {
    let target = Target::open(path).map_err(CommitError::from_read)?;
    stage(target, Base::Anything, &[contents], options)?.commit()
}

impl Staged {
    /// Puts the new version in place if the file is still the version that was read.
    ///
    /// A reader sees either version whole. With [`Durability::Durable`] the new one survives a power cut once this has
    /// returned.
    ///
    /// # Errors
    ///
    /// - [`CommitError::Changed`]: somebody else changed, replaced or removed the file; theirs is in place. Read it
    ///   again and redo the edit.
    /// - [`CommitError::Rescued`]: the same, but two others wrote at one instant and one version was kept beside.
    /// - [`CommitError::CommittedUnsynced`]: the new version is in place. Trying again would apply an edit twice.
    /// - [`CommitError::NoPermission`], [`CommitError::ReadOnly`], [`CommitError::NoSpace`], [`CommitError::MountPoint`],
    ///   [`CommitError::Io`]: the old version is in place; trying again does not help by itself.
    pub fn commit(mut self) -> Result<Committed, CommitError> {
        if let Base::Version { .. } = self.base {
            self.lock_base()?;
            self.check_untouched()?;
        }
        self.put()
    }

    /// Looks whether the file is still the version that was read; nothing is put in place. For who has more to prepare
    /// before the commit, which looks again.
    ///
    /// # Errors
    ///
    /// - [`CommitError::Changed`]: somebody else changed, replaced or removed it. Read it again and redo the edit.
    /// - Others: the system refuses the look; nothing is known then.
    pub fn check_unchanged(&self) -> Result<(), CommitError> {
        match self.base {
            Base::Version { .. } => self.check_untouched(),
            Base::Anything => Ok(()),
        }
    }

    /// The commit, as it is after the last look at the old version.
    fn put(&mut self) -> Result<Committed, CommitError> {
        let displaced = match &self.base {
            Base::Anything => self.rename_over()?,
            Base::Version { .. } => self.exchange()?,
        };
        let synced = match self.durability {
            Durability::Durable => sync_folder(&self.target.directory, &self.target.path),
            Durability::Fast => Ok(None),
        };
        // After the sync, because that takes long: whoever had opened the old version to write into it is seen by then.
        if let Some(name) = displaced {
            self.settle(&name)?;
        }
        self.warnings.extend(synced?);
        Ok(Committed {
            warnings: std::mem::take(&mut self.warnings),
        })
    }

    /// Keeps other commits that are based on the same version waiting, until this one has ended.
    ///
    /// Otherwise a third could read our version in the moment before it is taken back, and build on it. Somebody
    /// else's lock on the file, or a stopped commit, does not hold us up for long: the comparison protects the data.
    fn lock_base(&self) -> Result<(), CommitError> {
        let mut looked = Ok(());
        let got_it = patiently(LOOKS, || {
            sys::try_lock(self.target.file()).unwrap_or(true) || {
                looked = self.check_untouched();
                looked.is_err()
            }
        });
        if !got_it {
            tracing::debug!(path = %self.target.path.display(), "going on although somebody keeps it locked");
        }
        looked
    }

    /// Swaps the two versions; returns the name of the old one, if it has one.
    fn exchange(&mut self) -> Result<Option<OsString>, CommitError> {
        let own = Mark::of(&self.new.stamp);
        let base = match &self.base {
            Base::Version { bytes: None } => Mark::of(&self.target.stamp),
            _ => Mark::Unknown,
        };
        let name = temporary(&self.target.name, own, base);
        self.publish(&name)?;
        match self.target.directory.exchange(&name, &self.target.name) {
            Ok(Exchange::Done) => {
                // From here on the name may stand for somebody else's file: dropping must not remove it.
                self.new.name = None;
                Ok(Some(name))
            }
            Ok(Exchange::Unsupported) => {
                self.target.directory.refresh();
                self.check_untouched()?;
                self.rename_published(&name)
            }
            Err(err) if err.kind() == io::ErrorKind::NotFound => Err(self.changed()),
            Err(err) => Err(self.fail("swap it with its new version", err)),
        }
    }

    fn rename_over(&mut self) -> Result<Option<OsString>, CommitError> {
        let name = temporary(&self.target.name, Mark::Unpublished, Mark::Unknown);
        self.publish(&name)?;
        self.rename_published(&name)
    }

    fn rename_published(&mut self, name: &OsStr) -> Result<Option<OsString>, CommitError> {
        // An NFS client takes the name away from a file that is open before it gives it to another one: for a moment
        // there would be no story at all.
        self.target.close();
        let renamed = self.target.directory.rename_over(name, &self.target.name);
        renamed.map_err(|err| self.fail("put its new version in place", err))?;
        self.new.name = None;
        Ok(None)
    }

    fn publish(&mut self, name: &OsStr) -> Result<(), CommitError> {
        if self.new.name.is_none() {
            lock_out_sweepers(&self.target.directory);
        }
        let published = self.new.publish(&self.target.directory, name);
        published.map_err(|err| self.fail("name its new version", err))
    }

    /// Spares everybody the sight of our version when it is known to be late.
    fn check_untouched(&self) -> Result<(), CommitError> {
        let untouched = self.target.is_untouched();
        if untouched.map_err(|err| self.fail("look at it", err))? {
            Ok(())
        } else {
            Err(self.changed())
        }
    }

    /// Looks at what the swap has displaced, and deletes it or gives it back.
    fn settle(&mut self, name: &OsStr) -> Result<(), CommitError> {
        let directory = &self.target.directory;
        let path = self.beside(name);
        let displaced = match directory.stamp(name) {
            Ok(displaced) => displaced,
            Err(err) if err.kind() == io::ErrorKind::NotFound => {
                self.warnings
                    .push(CommitWarning::DisplacedVanished { path });
                return Ok(());
            }
            // It cannot be looked at, so it must not be deleted either. A sweep judges it later.
            Err(source) => {
                let warning = CommitWarning::TemporaryNotRemoved { path, source };
                self.warnings.push(warning);
                return Ok(());
            }
        };
        if !self.is_base(name, &displaced) {
            return Err(self.give_back(name, &displaced));
        }
        if let Err(source) = directory.remove(name) {
            let warning = CommitWarning::TemporaryNotRemoved { path, source };
            self.warnings.push(warning);
        }
        Ok(())
    }

    fn is_base(&self, name: &OsStr, displaced: &Stamp) -> bool {
        if !displaced.same_version(&self.target.stamp) {
            return false;
        }
        let Base::Version { bytes: Some(bytes) } = &self.base else {
            return true;
        };
        // One byte more than expected, to notice that there are more.
        let read = self
            .target
            .directory
            .open_file(name)
            .and_then(|file| sys::read_at_start(&file, bytes.len() + 1));
        read.is_ok_and(|read| read == *bytes)
    }

    fn give_back(&self, name: &OsStr, displaced: &Stamp) -> CommitError {
        let directory = &self.target.directory;
        let own = Mark::of(&self.new.stamp);
        let outcome = give_back(directory, name, &self.target.name, own, displaced);
        if self.durability == Durability::Durable {
            // The others may have synced before our swap; what they rely on must not be undone by a power cut.
            if let Err(err) = directory.sync() {
                tracing::warn!(path = %self.target.path.display(), %err, "cannot sync a folder");
            }
        }
        match outcome {
            Ok(Outcome::GivenBack) => self.changed(),
            Ok(Outcome::Rescued(kept)) => CommitError::Rescued {
                path: self.target.path.clone(),
                rescued: self.beside(&kept),
            },
            Err(err) => self.fail("give a displaced version its name back", err),
        }
    }

    fn beside(&self, name: &OsStr) -> PathBuf {
        self.target.path.with_file_name(name)
    }

    fn changed(&self) -> CommitError {
        CommitError::Changed {
            path: self.target.path.clone(),
        }
    }

    fn fail(&self, step: &'static str, err: io::Error) -> CommitError {
        match err.kind() {
            // The folder itself was removed.
            io::ErrorKind::NotFound => self.changed(),
            _ => CommitError::from_io(step, &self.target.path, err),
        }
    }
}

/// Makes the names in the folder durable after a commit.
pub(crate) fn sync_folder(
    directory: &Directory,
    path: &Path,
) -> Result<Option<CommitWarning>, CommitError> {
    let path = path.to_path_buf();
    match directory.sync() {
        Ok(()) => Ok(None),
        Err(source) if sys::cannot_sync(&source) => {
            Ok(Some(CommitWarning::CannotSync { path, source }))
        }
        Err(source) => Err(CommitError::CommittedUnsynced { path, source }),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::io::Write as _;
    use std::os::unix::fs::symlink;
    use std::time::Instant;

    use testkit::Sandbox;

    use super::{CommitError, CommitOptions, Durability, Staged};
    use crate::original::Original;
    use crate::stage::{Base, LOOKS, PAUSE};

    fn staged(sandbox: &Sandbox) -> Staged {
        sandbox.write("story.md", "base");
        staged_again(sandbox)
    }

    fn staged_again(sandbox: &Sandbox) -> Staged {
        let path = sandbox.join("story.md");
        let original = Original::read(&path).expect("it can be read");
        let options = CommitOptions {
            durability: Durability::Fast,
            ..CommitOptions::default()
        };
        let staged = original.stage(b"ours", &options);
        staged.expect("nothing is in the way")
    }

    fn names(sandbox: &Sandbox) -> Vec<std::ffi::OsString> {
        let entries = fs::read_dir(sandbox.path()).expect("it can be listed");
        let names = entries.map(|entry| entry.expect("it can be listed").file_name());
        names.collect()
    }

    // Each of these happens between the last look before the swap and the swap: `put` is called without the look.

    #[test]
    fn exchange_gives_back_a_version_that_came_too_late_for_the_look() {
        let sandbox = Sandbox::new();
        let mut staged = staged(&sandbox);
        let theirs = sandbox.write("theirs", "theirs");
        rustix::fs::rename(theirs, sandbox.join("story.md")).expect("an editor saves");
        let result = staged.put();
        assert!(
            matches!(result, Err(CommitError::Changed { .. })),
            "it is noticed: {result:?}"
        );
        assert_eq!(
            sandbox.read("story.md"),
            "theirs",
            "their version has its name again"
        );
        assert_eq!(names(&sandbox), ["story.md"], "ours is gone");
    }

    #[test]
    fn exchange_gives_back_whatever_took_the_name() {
        let sandbox = Sandbox::new();
        let mut staged = staged(&sandbox);
        fs::remove_file(sandbox.join("story.md")).expect("it is there");
        symlink("elsewhere", sandbox.join("story.md")).expect("a link");
        let result = staged.put();
        assert!(
            matches!(result, Err(CommitError::Changed { .. })),
            "it is noticed: {result:?}"
        );
        assert!(
            sandbox.join("story.md").is_symlink(),
            "the link has its name again"
        );
    }

    #[test]
    fn exchange_does_not_resurrect_a_file_removed_too_late_for_the_look() {
        let sandbox = Sandbox::new();
        let mut staged = staged(&sandbox);
        fs::remove_file(sandbox.join("story.md")).expect("it is there");
        let result = staged.put();
        assert!(
            matches!(result, Err(CommitError::Changed { .. })),
            "it is noticed: {result:?}"
        );
        drop(staged);
        assert_eq!(names(&sandbox), [] as [&str; 0], "nothing is left");
    }

    #[test]
    fn exchange_compares_bytes_where_stamps_cannot_tell() {
        // As if the kernel's clock were so coarse that another version has the time and the size of what was read.
        for (read, is_same) in [
            ("base", true),
            ("BASE", false),
            ("bas", false),
            ("base!", false),
        ] {
            let sandbox = Sandbox::new();
            let mut staged = staged(&sandbox);
            staged.base = Base::Version {
                bytes: Some(read.into()),
            };
            let result = staged.put();
            assert_eq!(
                result.is_ok(),
                is_same,
                "{read}: other bytes are another version"
            );
            let expected = if is_same { "ours" } else { "base" };
            assert_eq!(
                sandbox.read("story.md"),
                expected,
                "{read}: the right one has the name"
            );
            assert_eq!(names(&sandbox), ["story.md"], "{read}: nothing is left");
        }
    }

    #[test]
    fn commit_waits_for_another_one_on_the_same_version_but_not_for_ever() {
        let sandbox = Sandbox::new();
        let (first, second) = (staged(&sandbox), staged_again(&sandbox));
        first.lock_base().expect("nobody is at work");
        let begun = Instant::now();
        second.commit().expect("the first one does not go on");
        let waited = begun.elapsed();
        assert!(
            waited >= PAUSE * LOOKS,
            "the first one had its time: {waited:?}"
        );
        let late = first.commit();
        assert!(
            matches!(late, Err(CommitError::Changed { .. })),
            "it is noticed: {late:?}"
        );
        assert_eq!(
            sandbox.read("story.md"),
            "ours",
            "the second one is in place"
        );
        assert_eq!(names(&sandbox), ["story.md"], "nothing is left");
    }

    #[test]
    fn exchange_of_an_edit_in_place_is_undone() {
        let sandbox = Sandbox::new();
        let mut staged = staged(&sandbox);
        let mut file = File::options().append(true).open(sandbox.join("story.md"));
        let appended = file.as_mut().map(|file| file.write_all(b" and more"));
        assert!(matches!(appended, Ok(Ok(()))), "anybody can append");
        let result = staged.put();
        assert!(
            matches!(result, Err(CommitError::Changed { .. })),
            "it is noticed: {result:?}"
        );
        assert_eq!(sandbox.read("story.md"), "base and more", "the edit stays");
    }
}
