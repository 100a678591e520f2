//! What every case is given: the program under test, a folder to work in, how much to do.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU64, Ordering};

use testkit::without_settings;

use crate::case::{Case, Expect, Skip};
use crate::share::{Point, Share};

/// What every case is given.
pub struct Context {
    /// The `story` under test.
    pub story: PathBuf,
    /// What chance is taken from, so that a run can be repeated.
    pub seed: u64,
    /// Hundreds of rounds where a usual run makes a few.
    pub long: bool,
    work: PathBuf,
    /// Which of the points are tried; a negative control is always tried whole.
    share: Share,
    /// The name of the case.
    case: &'static str,
    left_out: AtomicU64,
}

impl Context {
    /// A context whose folders lie below `work`.
    pub fn new(story: PathBuf, work: PathBuf, seed: u64, long: bool) -> Self {
        Self {
            story,
            seed,
            long,
            work,
            share: Share::ALL,
            case: "",
            left_out: AtomicU64::new(0),
        }
    }

    /// The same for one case, of which this share is tried.
    pub fn of_case(&self, case: &Case, share: Share) -> Self {
        Self {
            story: self.story.clone(),
            work: self.work.clone(),
            share: match case.expect {
                Expect::NothingWrong => share,
                Expect::SomethingWrong => Share::ALL,
            },
            case: case.name,
            left_out: AtomicU64::new(0),
            ..*self
        }
    }

    /// Which of these points are to be tried.
    pub fn share_of<P: Point>(&self, points: &[P]) -> Vec<usize> {
        let tried = self.share.of(self.case, points);
        self.leave_out((points.len() - tried.len()) as u64);
        tried
    }

    /// Whether the `at`-th of a row of points that are alike is to be tried.
    pub fn takes(&self, at: usize) -> bool {
        let takes = self.share.takes(self.case, at);
        self.leave_out(u64::from(!takes));
        takes
    }

    /// How many of so many rounds are to be tried.
    pub fn rounds(&self, usual: u64) -> u64 {
        let rounds = self.share.rounds(usual);
        self.leave_out(usual - rounds);
        rounds
    }

    /// Of how many points this run tries one.
    pub fn one_of(&self) -> u64 {
        self.share.one_of as u64
    }

    /// How many points there were that were not to be tried.
    pub fn left_out(&self) -> u64 {
        self.left_out.load(Ordering::Relaxed)
    }

    /// Counts points that were not to be tried.
    pub fn leave_out(&self, points: u64) {
        self.left_out.fetch_add(points, Ordering::Relaxed);
    }

    /// A new, empty folder for one case, on the file system of the machine's build folder.
    pub fn folder(&self, name: &str) -> PathBuf {
        let folder = self.work.join(name);
        fs::create_dir_all(&folder).expect("the build folder can be written");
        folder
    }

    /// The program under test, without what steers it in the caller's environment.
    pub fn story(&self) -> Command {
        let mut command = Command::new(&self.story);
        without_settings(&mut command);
        command
    }
}

/// Skips unless each of these programs is there.
pub fn need_programs(names: &[&str]) -> Result<(), Skip> {
    for name in names {
        if testkit::on_path(name).is_none() {
            return Err(Skip::because(format!("{name} is not installed")));
        }
    }
    Ok(())
}

/// Skips unless this runs as root, in a mount namespace of its own (`main` sees to that where it can).
pub fn need_root() -> Result<(), Skip> {
    if rustix::process::geteuid().is_root() {
        Ok(())
    } else {
        Err(Skip::because("needs root"))
    }
}

/// Runs a command that prepares something; skips with its words when it fails.
pub fn prepare(command: &mut Command) -> Result<Output, Skip> {
    let shown = format!("{command:?}");
    let output = command
        .output()
        .map_err(|err| Skip::because(format!("cannot start {shown}: {err}")))?;
    if output.status.success() {
        return Ok(output);
    }
    let words = String::from_utf8_lossy(&output.stderr);
    Err(Skip::because(format!(
        "{shown} failed ({}): {}",
        output.status,
        words.trim()
    )))
}

/// A mounted file system, unmounted when it is dropped.
pub struct Mount {
    /// Where it is mounted.
    pub at: PathBuf,
}

impl Mount {
    /// Runs `mount ARGUMENTS at` on the folder `at`, which is made if it is not there.
    pub fn new(arguments: &[&str], at: &Path) -> Result<Self, Skip> {
        fs::create_dir_all(at).map_err(|err| Skip::because(format!("{}: {err}", at.display())))?;
        prepare(Command::new("mount").args(arguments).arg(at))?;
        Ok(Self { at: at.to_owned() })
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Lazily: what is still open in it must not keep the next case from its folder.
        let _ = Command::new("umount").arg("--lazy").arg(&self.at).output();
    }
}
