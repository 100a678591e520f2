//! The stories that lie on the disk, and what must be true of them after a cut.

use std::fmt;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::commands::run;
use crate::context::Context;

/// The stories, by what makes their size a case of its own: inside the folder's own block on btrfs, some blocks, many.
pub const STORIES: [(&str, usize); 3] = [("S-1", 12), ("S-2", 600), ("S-3", 9000)];

/// A board of stories, each with a counter, below a mount.
pub struct Board<'a> {
    context: &'a Context,
    /// The folder that holds `stories/`.
    pub root: PathBuf,
}

/// The version of a story: how often it was counted up, and whether the edit under test is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version {
    /// The value of the counter.
    pub count: usize,
    /// Whether it has been edited as [`EDITED`] says.
    pub edited: bool,
}

/// What doctor says of a change that its journal does not know.
const UNEXPLAINED: &str = "changed without a line in its journal";

/// What stood, in the end, for what a cut left.
#[derive(Debug, Default)]
pub struct Seen {
    /// Stories that are the old version.
    pub old: usize,
    /// Stories that are the new version.
    pub new: usize,
    /// Locks of the dead, and how many of them the cut had emptied.
    pub locks: (usize, usize),
    /// Temporary files.
    pub temporaries: usize,
    /// Cuts whose leftovers the next update did not remove, but `story doctor --fix` did.
    pub doctors: usize,
    /// Changes whose line in the journal the cut took.
    pub unexplained: usize,
}

/// What the edit under test changes.
pub const EDITED: (&str, &str) = ("priority: 10", "priority: 20");

/// What it appends, so that the size changes.
pub const APPENDED: &str = "Seen after the cut.";

impl Seen {
    /// Adds what was seen elsewhere.
    pub fn add(&mut self, other: &Self) {
        self.old += other.old;
        self.new += other.new;
        self.locks.0 += other.locks.0;
        self.locks.1 += other.locks.1;
        self.temporaries += other.temporaries;
        self.doctors += other.doctors;
        self.unexplained += other.unexplained;
    }
}

impl<'a> Board<'a> {
    /// The board below a mount.
    pub fn new(context: &'a Context, at: &Path) -> Self {
        Self {
            context,
            root: at.join("board/.ai-sdlc"),
        }
    }

    /// Makes the folders and the stories.
    pub fn make(&self) -> Result<(), String> {
        for (id, _) in STORIES {
            let path = self.path(id);
            let folder = path.parent().ok_or("a story lies in a folder")?;
            fs::create_dir_all(folder).map_err(|err| err.to_string())?;
            File::create(&path)
                .and_then(|mut file| file.write_all(&text(id, FIRST)))
                .map_err(|err| err.to_string())?;
        }
        let made = run(self
            .story()
            .args(["init", "--quiet"])
            .current_dir(self.root.parent().ok_or("it has a parent")?));
        if made.status.success() {
            Ok(())
        } else {
            Err(made.stderr)
        }
    }

    /// The file of a story.
    pub fn path(&self, id: &str) -> PathBuf {
        self.folder(id).join("story.md")
    }

    /// The folder of a story.
    pub fn folder(&self, id: &str) -> PathBuf {
        self.root.join("stories").join(id)
    }

    /// The program under test, for this board.
    pub fn story(&self) -> Command {
        let mut command = self.context.story();
        command.arg("--root").arg(&self.root);
        command
    }

    /// Which version of the story is on the disk; anything else is torn.
    pub fn version(&self, id: &str) -> Result<Version, String> {
        let bytes = fs::read(self.path(id)).map_err(|err| format!("{id} is gone: {err}"))?;
        version_of(id, &bytes).ok_or_else(|| {
            let is_zero = bytes.iter().all(|&byte| byte == 0);
            let zeros = if is_zero { ", all zero" } else { "" };
            format!("{id} is TORN: {} bytes{zeros}", bytes.len())
        })
    }

    /// Checks a story after a cut, and that the next update works at once.
    pub fn check(
        &self,
        id: &str,
        is_right: impl FnOnce(Version) -> Result<(), String>,
        seen: &mut Seen,
    ) -> Result<(), String> {
        let found = self.version(id)?;
        is_right(found).map_err(|wrong| format!("{id}: {wrong}, found {found:?}"))?;
        *(if found.edited {
            &mut seen.new
        } else {
            &mut seen.old
        }) += 1;
        self.count_leftovers(id, seen)?;
        let updated = run(self
            .story()
            .args(["set", id, "--inc", "count=1", "--timeout", "0"]));
        if !updated.status.success() {
            return Err(format!(
                "{id}: the next update fails ({}): {}",
                updated.status,
                updated.stderr.trim()
            ));
        }
        let expected = Version {
            count: found.count + 1,
            ..found
        };
        let after = self.version(id)?;
        if after == expected {
            Ok(())
        } else {
            Err(format!(
                "{id}: {after:?} after the next update of {found:?}"
            ))
        }
    }

    /// Checks that nothing is left over, at the latest after `doctor --fix`, and that all is well.
    ///
    /// The next update sweeps where it finds the lock of the dead. On btrfs a cut can take that lock and leave the file
    /// beside it: syncing a file logs its name, and no other name in the folder.
    pub fn check_clean(&self, seen: &mut Seen) -> Result<(), String> {
        if !testkit::leftovers(&self.root).is_empty() {
            seen.doctors += 1;
            run(self.story().args(["doctor", "--fix"]));
        }
        let left = testkit::leftovers(&self.root);
        if !left.is_empty() {
            return Err(format!("never swept: {left:?}"));
        }
        let mut doctor = run(self.story().arg("doctor"));
        // Nobody syncs the journal: a cut may take lines of it whose changes are there, and doctor says that.
        let unexplained = doctor.stdout.matches(UNEXPLAINED).count();
        if doctor.status.success() && unexplained > 0 {
            seen.unexplained += unexplained;
            run(self.story().args(["doctor", "--fix"]));
            doctor = run(self.story().arg("doctor"));
        }
        let words = format!("{}{}", doctor.stdout, doctor.stderr);
        if doctor.status.success() && words.contains("all is well") {
            Ok(())
        } else {
            Err(format!("doctor says {}: {}", doctor.status, words.trim()))
        }
    }

    /// Counts what the cut left beside a story.
    fn count_leftovers(&self, id: &str, seen: &mut Seen) -> Result<(), String> {
        let folder = self.folder(id);
        for left in testkit::leftovers(&folder) {
            let name = left.to_string_lossy();
            if !name.ends_with(".lock") {
                seen.temporaries += usize::from(name.ends_with(".atomic-tmp"));
                continue;
            }
            seen.locks.0 += 1;
            let record = fs::read(&left).map_err(|err| err.to_string())?;
            seen.locks.1 += usize::from(record.is_empty() || record.contains(&0));
        }
        Ok(())
    }
}

/// What lies on a fresh disk.
pub const FIRST: Version = Version {
    count: 0,
    edited: false,
};

/// The bytes of a version of a story of the board.
pub fn text(id: &str, version: Version) -> Vec<u8> {
    let lines = STORIES
        .iter()
        .find(|(story, _)| *story == id)
        .map_or(0, |(_, lines)| *lines);
    let (priority, appended) = if version.edited {
        (EDITED.1, format!("{APPENDED}\n"))
    } else {
        (EDITED.0, String::new())
    };
    let head = format!(
        "---\nid: {id}\ntitle: A story   # kept as it is\n{priority}\ncount: {}\nlabels: [a, b]\n---\n",
        version.count
    );
    let body = "A line of what somebody wrote.\n".repeat(lines);
    (head + &body + &appended).into_bytes()
}

/// The version whose bytes these are, to the last one.
fn version_of(id: &str, bytes: &[u8]) -> Option<Version> {
    let head = String::from_utf8_lossy(bytes.get(..bytes.len().min(200))?).into_owned();
    let (_, rest) = head.split_once("\ncount: ")?;
    let count = rest.split_once('\n')?.0.parse().ok()?;
    let edited = head.contains(EDITED.1);
    let version = Version { count, edited };
    (text(id, version) == bytes).then_some(version)
}

impl fmt::Display for Seen {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "left: {} locks ({} emptied), {} temporary files, {} changes without a line in their journal; {} cuts needed the doctor",
            self.locks.0, self.locks.1, self.temporaries, self.unexplained, self.doctors
        )
    }
}

#[cfg(test)]
mod tests {
    use super::{Version, text, version_of};

    #[test]
    fn version_of_accepts_whole_versions_only() {
        for (count, edited) in [(0, false), (7, true)] {
            let version = Version { count, edited };
            let bytes = text("S-1", version);
            assert_eq!(version_of("S-1", &bytes), Some(version), "it is whole");
            for end in 0..bytes.len() {
                assert_eq!(version_of("S-1", &bytes[..end]), None, "cut at {end}");
                let mut zeroed = bytes.clone();
                zeroed[end] = 0;
                assert_eq!(version_of("S-1", &zeroed), None, "zero at {end}");
            }
        }
    }
}
