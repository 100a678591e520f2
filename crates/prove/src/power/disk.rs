//! A disk whose power can be cut: a file system in an image file, and the image on a file system that can fall, too.
//!
//! Memory holds an image of the *host*, an xfs. It plays the disk: `cp --reflink` on it takes the state of the disk at
//! one instant, and when it is shut down, all that nobody had asked to be flushed is gone, as from a disk's cache. On
//! it lies the image of the file system under test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::commands::{must, run};
use crate::case::Skip;
use crate::context::{Context, Mount, need_programs, need_root, prepare};
use crate::share::Point;

/// A file system under test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileSystem {
    /// ext4, with a journal and delayed allocation.
    Ext4,
    /// xfs.
    Xfs,
    /// btrfs, which has no call that shuts it down in Linux 6.18.
    Btrfs,
}

impl Point for Cut {}

/// How the power goes off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// The file system is shut down; what its journal has not been asked to keep is gone.
    Now,
    /// The same, just after it wrote its journal, but no contents of files, of its own accord.
    JournalWritten,
    /// The same, just after a stranger has synced the folder of the story.
    FolderSynced,
    /// The disk keeps all that was written to it up to one instant.
    Image,
    /// The disk loses all that it was not asked to flush.
    DiskCache,
}

/// How the disk comes to what it has kept.
enum Fall {
    FileSystem,
    Image,
    Disk,
}

impl FileSystem {
    /// Its name, as `mount` knows it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ext4 => "ext4",
            Self::Xfs => "xfs",
            Self::Btrfs => "btrfs",
        }
    }

    /// The smallest that it accepts, or little more.
    fn size(self) -> &'static str {
        match self {
            Self::Ext4 => "32M",
            Self::Xfs => "300M",
            Self::Btrfs => "128M",
        }
    }

    /// The kinds of cut that it can be given.
    pub fn cuts(self) -> &'static [Cut] {
        match self {
            Self::Ext4 | Self::Xfs => &[
                Cut::Now,
                Cut::JournalWritten,
                Cut::FolderSynced,
                Cut::Image,
                Cut::DiskCache,
            ],
            Self::Btrfs => &[
                Cut::Image,
                Cut::JournalWritten,
                Cut::FolderSynced,
                Cut::DiskCache,
            ],
        }
    }

    fn fall(self, cut: Cut) -> Fall {
        match (cut, self) {
            (Cut::DiskCache, _) => Fall::Disk,
            (Cut::Image, _) | (_, Self::Btrfs) => Fall::Image,
            (Cut::Now | Cut::JournalWritten | Cut::FolderSynced, _) => Fall::FileSystem,
        }
    }
}

/// What a fresh disk holds before a case puts its files there: on btrfs something whose removal writes the journal.
const VICTIM: &str = "victim";

/// A disk, with a file system under test on it.
pub struct Disk {
    /// What is on it.
    pub fs: FileSystem,
    /// Where the file system under test is mounted.
    pub at: PathBuf,
    /// A folder beside it, which no cut touches.
    pub aside: PathBuf,
    host: PathBuf,
    host_image: PathBuf,
    // Last: it is unmounted after the two above.
    _memory: Mount,
}

impl Disk {
    /// A disk on which `fill` has put files; skips what this machine cannot do.
    ///
    /// `name` is its own among the disks of this run.
    pub fn new(
        context: &Context,
        fs: FileSystem,
        name: &str,
        fill: impl FnOnce(&Path) -> Result<(), Skip>,
    ) -> Result<Self, Skip> {
        need_root()?;
        let mkfs = format!("mkfs.{}", fs.name());
        need_programs(&["strace", "xfs_io", "mkfs.xfs", "mount", "umount", &mkfs])?;
        if fs == FileSystem::Btrfs {
            need_programs(&["btrfs"])?;
        }
        let folder = context.folder(&format!("power-{}-{name}", fs.name()));
        let memory = Mount::new(&["-t", "tmpfs", "-o", "size=1500m", "none"], &folder)?;
        let disk = Self {
            fs,
            at: folder.join("story"),
            aside: folder.join("aside"),
            host: folder.join("host"),
            host_image: folder.join("host.img"),
            _memory: memory,
        };
        disk.prepare_host()?;
        make_image(fs, &disk.image("base"))?;
        prepare(&mut mount(&disk.image("base"), &disk.at))?;
        if fs == FileSystem::Btrfs {
            prepare(
                Command::new("btrfs")
                    .args(["subvolume", "create"])
                    .arg(disk.at.join(VICTIM)),
            )?;
        }
        fill(&disk.at)?;
        prepare(Command::new("umount").arg(&disk.at))?;
        prepare(Command::new("sync").arg("-f").arg(&disk.host))?;
        Ok(disk)
    }

    fn prepare_host(&self) -> Result<(), Skip> {
        for folder in [&self.at, &self.host, &self.aside] {
            fs::create_dir_all(folder)
                .map_err(|err| Skip::because(format!("{}: {err}", folder.display())))?;
        }
        prepare(
            Command::new("truncate")
                .args(["-s", "1G"])
                .arg(&self.host_image),
        )?;
        prepare(
            Command::new("mkfs.xfs")
                .args(["-q", "-m", "reflink=1"])
                .arg(&self.host_image),
        )?;
        prepare(&mut mount(&self.host_image, &self.host))?;
        Ok(())
    }

    fn image(&self, name: &str) -> PathBuf {
        self.host.join(format!("{name}.img"))
    }

    /// Puts everything back to what it was after `fill`, and mounts it.
    pub fn reset(&self) -> Result<(), String> {
        clone(&self.image("base"), &self.image("disk"))?;
        self.mount()
    }

    fn mount(&self) -> Result<(), String> {
        if self.fs == FileSystem::Btrfs {
            // It remembers devices by their identity, and each of our images has the same.
            must(Command::new("btrfs").args(["device", "scan", "--forget"]))?;
        }
        must(&mut mount(&self.image("disk"), &self.at))
    }

    /// Unmounts it in peace.
    pub fn unmount(&self) -> Result<(), String> {
        unmount(&self.at)
    }

    /// Makes it fit for the next `reset`, whatever went wrong on the way.
    pub fn tidy(&self) {
        run(Command::new("umount").arg(&self.at));
        if !run(Command::new("mountpoint").arg("-q").arg(&self.host))
            .status
            .success()
        {
            run(&mut mount(&self.host_image, &self.host));
        }
    }

    /// The power goes off, while `folder` is at work. Nothing that happens from here on is kept.
    pub fn power_off(&self, cut: Cut, folder: &Path) -> Result<(), String> {
        match (cut, self.fs) {
            (Cut::FolderSynced, _) => must(Command::new("sync").arg(folder))?,
            // A commit of the file system that does not wait for contents of files.
            (Cut::JournalWritten, FileSystem::Btrfs) => must(
                Command::new("btrfs")
                    .args(["subvolume", "delete", "--commit-after"])
                    .arg(self.at.join(VICTIM)),
            )?,
            _ => {}
        }
        match self.fs.fall(cut) {
            Fall::FileSystem if cut == Cut::JournalWritten => shut_down(&self.at, "shutdown -f"),
            Fall::FileSystem => shut_down(&self.at, "shutdown"),
            Fall::Image => clone(&self.image("disk"), &self.image("kept")),
            Fall::Disk => shut_down(&self.host, "shutdown"),
        }
    }

    /// The power comes back: mounts what was kept. Nobody may use the file system any more.
    pub fn power_on(&self, cut: Cut) -> Result<(), String> {
        unmount(&self.at)?;
        match self.fs.fall(cut) {
            Fall::FileSystem => {}
            Fall::Image => clone(&self.image("kept"), &self.image("disk"))?,
            Fall::Disk => {
                unmount(&self.host)?;
                must(&mut mount(&self.host_image, &self.host))?;
            }
        }
        self.mount()
    }

    /// The power goes off and comes back.
    pub fn cut(&self, cut: Cut, folder: &Path) -> Result<(), String> {
        self.power_off(cut, folder)?;
        self.power_on(cut)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        for at in [&self.at, &self.host] {
            // It may be mounted or not. Lazily, as something may still be open in it.
            let _ = run(Command::new("umount").arg("--lazy").arg(at));
        }
    }
}

fn make_image(fs: FileSystem, image: &Path) -> Result<(), Skip> {
    prepare(Command::new("truncate").args(["-s", fs.size()]).arg(image))?;
    prepare(
        Command::new(format!("mkfs.{}", fs.name()))
            .arg("-q")
            .arg(image),
    )?;
    Ok(())
}

fn mount(image: &Path, at: &Path) -> Command {
    let mut command = Command::new("mount");
    command.args(["-o", "loop"]).arg(image).arg(at);
    command
}

/// Takes a few tries: the loop device below is released, and looked at by the system's device manager, with a delay.
fn unmount(at: &Path) -> Result<(), String> {
    let mut outcome = Ok(());
    for pause in [0, 10, 50, 200, 1000, 3000] {
        std::thread::sleep(std::time::Duration::from_millis(pause));
        outcome = must(Command::new("umount").arg(at));
        if outcome.is_ok() {
            break;
        }
    }
    outcome
}

/// Takes the state of `from` at one instant, even while it is written.
fn clone(from: &Path, to: &Path) -> Result<(), String> {
    must(Command::new("cp").arg("--reflink=always").arg(from).arg(to))
}

fn shut_down(at: &Path, how: &str) -> Result<(), String> {
    must(Command::new("xfs_io").args(["-x", "-c", how]).arg(at))
}
