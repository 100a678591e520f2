//! A working tree with a bit of everything in it, made once and copied for each point.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use testkit::git_tree::{Picture, git};
use testkit::{Finished, wait_until};

use super::subject::{Stage, Subject};
use crate::faults::place::{LIMIT, Place, finish};
use crate::state_files::write;
use crate::trees::{PREPARED, TASK};

/// What the failing task leaves beside the tree.
const AT_WORK: &str = "at-work";

/// The tree of a worker.
pub struct Tree<'a> {
    place: &'a Place<'a>,
    /// Its top.
    pub top: PathBuf,
}

/// A run, and what was there before it.
pub struct Run {
    /// The tree before it.
    pub before: Picture,
    /// How it ended.
    pub finished: Finished,
}

impl<'a> Tree<'a> {
    /// The one of a place; it is made by the first who asks for it.
    pub fn new(place: &'a Place<'a>) -> Self {
        let top = place.root.with_file_name("tree");
        let tree = Self { place, top };
        if !tree.stage(Stage::Damaged).exists() {
            tree.make();
        }
        tree
    }

    fn make(&self) {
        fs::remove_dir_all(&self.top).ok();
        fs::create_dir_all(&self.top).expect("the build folder can be written");
        must(&mut self.shell(PREPARED));
        self.keep(Stage::Fresh);
        must(&mut self.story(&["snapshot", "take", "--task", "T-1"]));
        self.keep(Stage::Recorded);
        must(&mut self.shell(TASK));
        self.keep(Stage::Damaged);
    }

    fn stage(&self, stage: Stage) -> PathBuf {
        self.place.scratch(&format!("{stage:?}"))
    }

    fn keep(&self, stage: Stage) {
        copy(&self.top, &self.stage(stage));
    }

    /// A picture of what was kept.
    pub fn picture_of(&self, stage: Stage) -> Picture {
        Picture::of(&self.stage(stage))
    }

    /// As it is now, but for what lies there of ours.
    pub fn picture(&self) -> Picture {
        Picture::of(&self.top)
    }

    /// Runs a subject from its beginning, with this tampering, until all that it has started has ended.
    pub fn run(&self, subject: &Subject, inject: Option<&str>) -> Run {
        fs::remove_dir_all(&self.top).expect("the build folder can be written");
        copy(&self.stage(subject.stage), &self.top);
        fs::remove_file(self.top.with_file_name(AT_WORK)).ok();
        let before = self.picture();
        let mut traced = self.place.traced(inject, subject.command);
        let finished = finish(self.at_home(&mut traced));
        wait_until("nobody works in the tree", LIMIT, || {
            !is_anybody_in(&self.top)
        });
        Run { before, finished }
    }

    /// `story WORDS` in the tree.
    pub fn story(&self, words: &[&str]) -> Command {
        let mut story = self.place.story(words);
        self.at_home(&mut story);
        story
    }

    /// A script in the tree.
    pub fn shell(&self, script: &str) -> Command {
        let mut shell = Command::new("sh");
        shell.args(["-c", script]);
        self.at_home(&mut shell);
        shell
    }

    fn at_home<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        command
            .current_dir(&self.top)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
    }

    /// Whether the failing task came to its end.
    pub fn task_was_at_work(&self) -> bool {
        self.top.with_file_name(AT_WORK).exists()
    }

    /// The id that git gives to these bytes.
    pub fn id_of(&self, bytes: &[u8]) -> String {
        let file = self.place.scratch("bytes");
        write(&file, bytes);
        let file = file.to_str().expect("the build folder has a plain name");
        let id = self.git(&["hash-object", "--no-filters", file]).stdout;
        id.trim().to_owned()
    }

    /// What git prints of the tree's repository.
    pub fn git(&self, words: &[&str]) -> Finished {
        finish(&mut git(&self.top, words))
    }
}

fn must(command: &mut Command) {
    let finished = finish(command);
    assert!(finished.status.success(), "{command:?}: {finished:?}");
}

fn copy(from: &Path, to: &Path) {
    let finished = finish(Command::new("cp").arg("-a").arg(from).arg(to));
    assert!(finished.status.success(), "a copy is made: {finished:?}");
}

/// Whether a process has its working folder in a tree.
fn is_anybody_in(top: &Path) -> bool {
    let processes = Path::new("/proc").read_dir().expect("this is Linux");
    processes
        .flatten()
        .filter_map(|process| fs::read_link(process.path().join("cwd")).ok())
        .any(|folder| folder.starts_with(top))
}
