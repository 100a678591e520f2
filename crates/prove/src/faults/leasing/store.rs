//! A store of leases under test: where it is, how it is put back to what it was, what it says, and what may lie there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use testkit::Finished;

use crate::faults::judge::said;
use crate::faults::place::{Place, finish};
use crate::leases::{Kind, Listed, NOW, is_whole, litter_in, names_in};

/// A store in the project of a worker.
pub struct Store<'a> {
    /// The project.
    pub place: &'a Place<'a>,
    /// Which kind.
    pub kind: Kind,
}

impl Store<'_> {
    /// `story ARGUMENTS` with this store, at the time that all have.
    pub fn story(&self, arguments: &[&str]) -> Command {
        self.story_at(NOW, arguments)
    }

    /// `story ARGUMENTS` with this store, at a time of its own.
    pub fn story_at(&self, now: &str, arguments: &[&str]) -> Command {
        let mut command = self.story_now(arguments);
        command.args(["--now", now]);
        command
    }

    /// `story ARGUMENTS` with this store, by the machine's clock.
    pub fn story_now(&self, arguments: &[&str]) -> Command {
        let mut command = self.place.story(arguments);
        command.env("STORY_LEASES", self.kind.name());
        command
    }

    /// A program with this store under strace, which tampers with one of its calls.
    pub fn traced(&self, inject: Option<&str>, program: &[&str]) -> Command {
        let mut command = self.place.traced(inject, program);
        command.env("STORY_LEASES", self.kind.name());
        command
    }

    /// Runs `story ARGUMENTS`, which must succeed.
    pub fn succeeds(&self, arguments: &[&str]) -> Result<Finished, String> {
        self.succeeds_at(NOW, arguments)
    }

    /// The same, at a time of its own.
    pub fn succeeds_at(&self, now: &str, arguments: &[&str]) -> Result<Finished, String> {
        let finished = finish(&mut self.story_at(now, arguments));
        if finished.status.success() {
            return Ok(finished);
        }
        let told = said(&finished);
        Err(format!("{arguments:?} fails: {told}"))
    }

    /// Puts the store and the folder `src` to what `before` makes of an empty project: it is made once and then copied.
    pub fn renew(&self, before: impl FnOnce(&Self) -> Result<(), String>) {
        let kept = self.place.scratch(&format!("kept-{}", self.kind.name()));
        self.clear();
        if kept.exists() {
            copy(&kept, &self.place.root);
            return;
        }
        before(self).expect("what comes before succeeds");
        for name in self.kind.names().iter().chain(&["src"]) {
            let from = self.place.root.join(name);
            if from.exists() {
                fs::create_dir_all(&kept).expect("the build folder can be written");
                copy_one(&from, &kept.join(name));
            }
        }
        fs::create_dir_all(&kept).expect("the build folder can be written");
        self.clear();
        copy(&kept, &self.place.root);
    }

    fn clear(&self) {
        for name in self.kind.names().iter().chain(&["src"]) {
            let path = self.place.root.join(name);
            let gone = fs::remove_dir_all(&path).or_else(|_| fs::remove_file(&path));
            assert!(
                gone.is_ok() || !path.exists(),
                "the build folder can be written"
            );
        }
    }

    /// What `story lease list` says, which must work at once.
    pub fn list(&self) -> Result<Listed, String> {
        self.list_at(NOW)
    }

    /// The same, at a time of its own.
    pub fn list_at(&self, now: &str) -> Result<Listed, String> {
        let listed = self.succeeds_at(now, &["lease", "list", "--json", "--timeout", "0"])?;
        if !listed.stderr.is_empty() {
            return Err(format!("the list is not whole: {}", said(&listed)));
        }
        Listed::of(&listed.stdout).ok_or_else(|| format!("no list: {}", said(&listed)))
    }

    /// Nothing lies there that does not belong there, and a database is whole.
    pub fn is_tidy(&self) -> Result<(), String> {
        let mut litter = match self.kind {
            Kind::Folder => litter_in(&self.place.root.join(self.kind.name())),
            Kind::Database => Vec::new(),
        };
        let beside = names_in(&self.place.root).into_iter();
        litter.extend(beside.filter(|name| {
            let belongs = self.kind.names().contains(&name.as_str()) && name != "locks.lock";
            !belongs && ![".git", ".gitignore", ".ai-sdlc", "src"].contains(&name.as_str())
        }));
        if !litter.is_empty() {
            return Err(format!("left behind: {litter:?}"));
        }
        match self.kind {
            Kind::Folder => Ok(()),
            Kind::Database => is_whole(&self.place.root.join(self.kind.name())),
        }
    }
}

/// The program under test with these arguments, at the time that all have.
pub fn of_story<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    [&["STORY"], arguments, &["--now", NOW]].concat()
}

fn copy(from: &Path, to: &Path) {
    for name in names_in(from) {
        copy_one(&from.join(&name), &to.join(&name));
    }
}

/// Copies a file or a folder. A fresh file takes calls more or less, depending on how fresh it is: the copy is not.
fn copy_one(from: &Path, to: &PathBuf) {
    if from.is_dir() {
        fs::create_dir_all(to).expect("the build folder can be written");
        copy(from, to);
    } else {
        fs::copy(from, to).expect("the build folder can be written");
        testkit::set_age(to, Duration::from_mins(1));
    }
}
