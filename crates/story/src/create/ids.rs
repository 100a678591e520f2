//! Which ids exist, and which one is next.

use std::collections::HashSet;
use std::path::Path;

use super::NewId;
use crate::folder::{Entry, FolderError, Order, entries, entries_if_there};
use crate::journal::JournalFile;
use crate::moment::Moment;
use crate::scan::scan;
use crate::workspace::{LegacyFolder, StoryCopy, Workspace};

/// The gap between two priorities (contract, section 3).
const GAP: f64 = 10.0;

/// Beyond this a number plus a gap need not be another number.
const LARGEST_PRIORITY: f64 = 1e15;

/// Digits of a number that counts. Chosen: more stories than anybody makes, and no overflow.
const MOST_DIGITS: usize = 15;

/// What a new story must differ from.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// In lower case: folders are found ignoring case.
    names: HashSet<String>,
    highest_number: u64,
    highest_priority: Option<f64>,
}

impl Taken {
    /// Looks at the stories, legacy folders and worktrees of a workspace.
    ///
    /// # Errors
    ///
    /// When one of them cannot be listed: an id in it could be given again.
    pub(super) fn in_workspace(workspace: &Workspace) -> Result<Self, FolderError> {
        let mut taken = Self::default();
        taken.count_folders(&entries(&workspace.stories(), Order::Directory)?);
        for legacy in LegacyFolder::ALL {
            taken.count_folders(&entries_if_there(
                &workspace.legacy(legacy),
                Order::Directory,
            )?);
        }
        for worktree in workspace.worktree_list(Order::Directory)? {
            taken.count_folders(&entries_if_there(&worktree.stories, Order::Directory)?);
        }
        // A story that was removed: its journal would go on as that of another one.
        let journals = workspace.root().join(JournalFile::FOLDER);
        for entry in entries_if_there(&journals, Order::Directory)? {
            let name = entry.name.to_string_lossy();
            taken.pass(name.strip_suffix(".jsonl").unwrap_or_default());
        }
        for head in scan(workspace).heads {
            match head.copy {
                // Not a number to count on from: only folders are that, in the reference tool as well.
                StoryCopy::Main => taken.note(&head.id),
                _ => taken.count(&head.id),
            }
            taken.rank(head.priority);
        }
        Ok(taken)
    }

    /// Notes the names in a folder of stories. A file has its name, too, but no number.
    fn count_folders(&mut self, entries: &[Entry]) {
        for entry in entries {
            let name = entry.name.to_string_lossy();
            if entry.kind.may_be_folder() {
                self.count(&name);
            } else {
                self.note(&name);
            }
        }
    }

    fn note(&mut self, name: &str) {
        self.names.insert(name.to_lowercase());
    }

    fn count(&mut self, name: &str) {
        self.note(name);
        self.pass(name);
    }

    fn pass(&mut self, name: &str) {
        self.highest_number = self.highest_number.max(number_of(name).unwrap_or(0));
    }

    fn rank(&mut self, priority: Option<f64>) {
        let counts = |priority: &f64| priority.abs() < LARGEST_PRIORITY;
        if let Some(priority) = priority.filter(counts) {
            let highest = self.highest_priority.unwrap_or(priority);
            self.highest_priority = Some(highest.max(priority));
        }
    }

    /// The priority behind all others.
    pub(super) fn next_priority(&self) -> f64 {
        self.highest_priority.unwrap_or(0.0) + GAP
    }

    fn has(&self, id: &str) -> bool {
        self.names.contains(&id.to_lowercase())
    }
}

/// The number in exactly `S-<digits>`.
fn number_of(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("S-")?;
    let is_number = (1..=MOST_DIGITS).contains(&digits.len())
        && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().ok())?
}

/// The ids to try, one after the other.
#[derive(Debug)]
pub(super) struct Ids<'a> {
    wanted: &'a NewId,
    taken: Taken,
    now: Moment,
    /// Added to the number or the seed.
    step: u64,
}

impl<'a> Ids<'a> {
    pub(super) fn new(wanted: &'a NewId, taken: Taken, now: Moment) -> Self {
        Self {
            wanted,
            taken,
            now,
            step: 0,
        }
    }

    /// The next id that is not taken, as far as is known.
    ///
    /// # Errors
    ///
    /// The id that was asked for, when it is taken.
    pub(super) fn next(&mut self) -> Result<String, String> {
        loop {
            let id = match self.wanted {
                NewId::Given(id) => id.clone(),
                NewId::Next => {
                    format!("S-{:04}", self.taken.highest_number + 1 + self.step)
                }
                NewId::Random { seed } => random_id(seed.wrapping_add(self.step), self.now),
            };
            if !self.taken.has(&id) {
                return Ok(id);
            }
            if matches!(self.wanted, NewId::Given(_)) {
                return Err(id);
            }
            self.step += 1;
        }
    }

    /// Somebody else has turned out to have it, and may be making more: `stories/` is looked at again.
    ///
    /// # Errors
    ///
    /// When it cannot be listed.
    pub(super) fn is_taken(&mut self, id: &str, stories: &Path) -> Result<(), FolderError> {
        self.step = 0;
        self.taken.note(id);
        self.taken
            .count_folders(&entries(stories, Order::Directory)?);
        Ok(())
    }
}

/// `story-<milliseconds>-<4 characters>`.
fn random_id(seed: u64, now: Moment) -> String {
    let time = u64::try_from(now.milliseconds()).unwrap_or_default();
    let suffix = base36(seed % 36_u64.pow(4));
    format!("story-{}-{suffix:0>4}", base36(time))
}

fn base36(mut number: u64) -> String {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut digits = Vec::new();
    loop {
        let digit = usize::try_from(number % 36).expect("less than 36");
        digits.push(char::from(DIGITS[digit]));
        number /= 36;
        if number == 0 {
            return digits.into_iter().rev().collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use testkit::Sandbox;

    use super::*;

    fn moment() -> Moment {
        Moment::parse("2026-03-04T05:06:07Z").expect("an instant")
    }

    fn next_of(files: &[&str], wanted: &NewId) -> Result<String, String> {
        let sandbox = Sandbox::new();
        sandbox.write("sdlc/stories/x.md", "");
        for file in files {
            let (name, text) = file.split_once(' ').unwrap_or((file, ""));
            let text = format!("---\nid: {text}\n---\n");
            sandbox.write(format!("sdlc/{name}"), text);
        }
        let workspace = Workspace::new(sandbox.join("sdlc"));
        let taken = Taken::in_workspace(&workspace).expect("all can be listed");
        Ids::new(wanted, taken, moment()).next()
    }

    #[test]
    fn next_id_is_one_more_than_the_highest_folder() {
        let table: [(&[&str], &str); 15] = [
            (&[], "S-0001"),
            (&["stories/S-0001/story.md S-0001"], "S-0002"),
            (&["stories/S-7/story.md S-7"], "S-0008"),
            (&["stories/S-10000/story.md S-10000"], "S-10001"),
            (&["stories/S-0009/plan.md"], "S-0010"),
            (&["stories/S-12x/story.md S-12x"], "S-0001"),
            (&["stories/s-0500/story.md s-0500"], "S-0001"),
            (&["stories/S-0063-foo/story.md x"], "S-0001"),
            (&["stories/S-0900"], "S-0001"),
            (&["done/S-0094/story.md S-0094"], "S-0095"),
            (&["done/01-x.md S-0012"], "S-0013"),
            (
                &["worktrees/a/sdlc/stories/S-0020/story.md S-0020"],
                "S-0021",
            ),
            (&["stories/S-99999999999999999999/story.md x"], "S-0001"),
            (&["journal/S-0030.jsonl", "journal/notes.txt"], "S-0031"),
            (
                &[
                    "stories/S-0001/story.md S-0001",
                    "stories/s-0002/x.md",
                    "stories/odd/story.md S-0003",
                ],
                "S-0004",
            ),
        ];
        for (files, expected) in table {
            let next = next_of(files, &NewId::Next);
            assert_eq!(next.as_deref(), Ok(expected), "after {files:?}");
        }
    }

    #[test]
    fn id_that_was_asked_for_is_given_once() {
        let given = |id: &str| NewId::Given(id.to_owned());
        let free = next_of(&[], &given("S-0005"));
        assert_eq!(free.as_deref(), Ok("S-0005"), "it is free");
        for file in [
            "stories/S-0005/story.md x",
            "stories/s-0005/x",
            "stories/other/story.md S-0005",
            "blocked/01-x.md S-0005",
            "worktrees/a/sdlc/stories/S-0005/story.md S-0005",
        ] {
            let taken = next_of(&[file], &given("S-0005"));
            assert!(taken.is_err(), "it is taken by {file}");
        }
    }

    #[test]
    fn random_ids_have_time_and_four_characters() {
        let wanted = NewId::Random { seed: 36 + 35 };
        let first = next_of(&[], &wanted).expect("it is free");
        assert_eq!(first, "story-mmbkq9eg-001z", "in base 36");
        let file = format!("stories/{first}/story.md");
        let second = next_of(&[&file], &wanted).expect("another");
        assert_eq!(second, "story-mmbkq9eg-0020", "never one that is there");
    }

    #[test]
    fn next_priority_is_ten_behind_the_highest() {
        let table: [(&[Option<f64>], f64); 6] = [
            (&[], 10.0),
            (&[None], 10.0),
            (&[Some(20.0), Some(5.0)], 30.0),
            (&[Some(1.5)], 11.5),
            (&[Some(-30.0)], -20.0),
            (&[Some(f64::INFINITY), Some(1e300), Some(2.0)], 12.0),
        ];
        for (priorities, expected) in table {
            let mut taken = Taken::default();
            for priority in priorities {
                taken.rank(*priority);
            }
            let next = taken.next_priority();
            assert!((next - expected).abs() < 1e-9, "{priorities:?}: {next}");
        }
    }
}
