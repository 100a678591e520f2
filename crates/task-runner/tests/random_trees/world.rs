//! A real repository, and people and tasks who work in it.

use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use testkit::{Sandbox, git_tree};

use crate::plan::{Born, Filters, MODES, NAMES, Plan, RULES, Step, TARGETS, Tree, contents};

/// The folder of a repository inside the tree.
pub const NESTED: &str = "nested";

/// A repository with a working tree.
pub struct World {
    /// The working tree that is used.
    pub top: PathBuf,
    /// The repository of all working trees.
    pub common: PathBuf,
    /// What belongs to this working tree alone.
    pub git_dir: PathBuf,
    sandbox: Sandbox,
}

impl World {
    /// As it is before its owner goes to work.
    pub fn new(plan: &Plan) -> Self {
        // Thousands of small files and syncs: in memory, where that can be.
        let sandbox = Sandbox::on_tmpfs().unwrap_or_default();
        let main = sandbox.join("main");
        let common = main.join(".git");
        let mut world = Self {
            top: main,
            git_dir: common.clone(),
            common,
            sandbox,
        };
        fs::create_dir(&world.top).expect("a sandbox can be written");
        let format = format!("--object-format={}", plan.object_format);
        world.must(&["init", "--quiet", "--initial-branch=main", &format]);
        world.configure(plan.filters);
        // `reset --hard` before the first commit leaves an index that names a tree without writing it, a fault to `git fsck`.
        world.answer(&mut world.command(&["mktree"]), b"");
        if plan.born != Born::Unborn {
            world.begin(plan);
        }
        world
    }

    fn configure(&self, filters: Filters) {
        let mut config = "[user]\n\tname = A Person\n\temail = a@example.org\n\
             [advice]\n\tdetachedHead = false\n\
             [filter \"loud\"]\n\tclean = tr a-z A-Z\n\tsmudge = tr A-Z a-z\n"
            .to_owned();
        if filters == Filters::AutoCrlf {
            config += "[core]\n\tautocrlf = true\n";
        }
        let append = File::options()
            .append(true)
            .open(self.common.join("config"));
        append
            .and_then(|mut file| file.write_all(config.as_bytes()))
            .expect("a sandbox can be written");
    }

    fn begin(&mut self, plan: &Plan) {
        if plan.filters == Filters::Attributes {
            let rules = b"*.crlf text eol=crlf\n*.id ident\n*.loud filter=loud\n";
            write(&self.top.join(".gitattributes"), rules);
        }
        for rule in &plan.rules {
            self.step(Step::Ignore(0, *rule));
        }
        for (name, text) in &plan.committed {
            self.step(Step::Write(*name, *text));
        }
        self.must(&["add", "--all"]);
        self.must(&["commit", "--quiet", "--allow-empty", "-m", "first"]);
        if plan.tree == Tree::Second {
            self.must(&["worktree", "add", "--quiet", "-b", "second", "../second"]);
            self.top = self.top.with_file_name("second");
            self.git_dir = self.common.join("worktrees/second");
        }
        if plan.born == Born::Detached {
            self.must(&["checkout", "--quiet", "--detach"]);
        }
        for stash in 0..plan.stashes {
            write(&self.top.join("stashed"), &[stash]);
            self.must(&["stash", "push", "--quiet", "--include-untracked"]);
        }
    }

    /// Somebody does several things.
    pub fn steps(&self, steps: &[Step]) {
        for step in steps {
            self.step(*step);
        }
    }

    fn step(&self, step: Step) {
        match step {
            Step::Write(name, text) => write(&self.path(name), &contents(text)),
            Step::Append(name) => append(&self.path(name)),
            Step::Remove(name) => drop(fs::remove_file(self.path(name))),
            Step::RemoveFolder(name) => {
                let path = self.path(name);
                let folder = path.parent().expect("each name is inside of the tree");
                if folder != self.top {
                    fs::remove_dir_all(folder).ok();
                }
            }
            Step::Rename(from, to) => {
                let mut mv = Command::new("mv");
                mv.args(["-f", "-T", "--"])
                    .arg(self.path(from))
                    .arg(self.path(to));
                mv.stderr(Stdio::null()).status().expect("mv is there");
            }
            Step::Chmod(name, mode) => {
                let path = self.path(name);
                if path.symlink_metadata().is_ok_and(|meta| meta.is_file()) {
                    fs::set_permissions(&path, Permissions::from_mode(MODES[mode])).ok();
                }
            }
            Step::Link(name, target) => {
                let path = self.path(name);
                clear_way(&path);
                symlink(TARGETS[target], &path).expect("a sandbox can be written");
            }
            Step::Ignore(place, rule) => {
                let path = self.top.join([".gitignore", "d/.gitignore"][place]);
                let mut rules = fs::read(&path).unwrap_or_default();
                rules.extend_from_slice(format!("{}\n", RULES[rule]).as_bytes());
                write(&path, &rules);
            }
            Step::NoRules => drop(fs::remove_file(self.top.join(".gitignore"))),
            Step::Nest => {
                self.git(&["init", "--quiet", NESTED]);
                write(
                    &self.top.join(NESTED).join("own"),
                    b"of another repository\n",
                );
            }
            Step::Conflict(name) => self.conflict(name),
            other => self.git_step(other),
        }
    }

    /// Leaves a file in the index as a merge leaves it that needs a person.
    fn conflict(&self, name: usize) {
        let mut index = Vec::new();
        for stage in 1..=3_u8 {
            let words = ["hash-object", "-w", "--stdin"];
            let id = self.answer(&mut self.command(&words), &contents(stage));
            index.extend_from_slice(b"100644 ");
            index.extend_from_slice(id.trim_ascii());
            index.extend_from_slice(format!(" {stage}\t").as_bytes());
            index.extend_from_slice(NAMES[name]);
            index.push(0);
        }
        let mut remove = self.command(&["update-index", "--force-remove", "--"]);
        let removed = remove.arg(OsStr::from_bytes(NAMES[name])).output();
        removed.expect("git is installed");
        self.answer(
            &mut self.command(&["update-index", "-z", "--index-info"]),
            &index,
        );
    }

    fn git_step(&self, step: Step) {
        let branch;
        let (words, name): (&[&str], Option<usize>) = match step {
            Step::Add(name) => (&["add", "--"], Some(name)),
            Step::AddAll => (&["add", "--all"], None),
            Step::IntendToAdd(name) => (&["add", "--intent-to-add", "--"], Some(name)),
            Step::ForceAdd(name) => (&["add", "--force", "--"], Some(name)),
            Step::Uncache(name) => (&["rm", "--quiet", "--cached", "-f", "--"], Some(name)),
            Step::Unstage => (&["reset", "--quiet"], None),
            Step::AssumeUnchanged(name) => {
                (&["update-index", "--assume-unchanged", "--"], Some(name))
            }
            Step::SkipWorktree(name) => (&["update-index", "--skip-worktree", "--"], Some(name)),
            Step::SplitIndex => (&["update-index", "--split-index"], None),
            Step::Commit => (&["commit", "--quiet", "--allow-empty", "-m", "more"], None),
            Step::Branch(number) => {
                branch = format!("branch{number}");
                (&["checkout", "--quiet", "-b", &branch], None)
            }
            Step::StashPush => (&["stash", "push", "--quiet"], None),
            Step::StashPushAll => (&["stash", "push", "--quiet", "--all"], None),
            Step::StashPop => (&["stash", "pop", "--quiet", "--index"], None),
            Step::ResetHard => (&["reset", "--quiet", "--hard"], None),
            Step::Clean => (&["clean", "-fdq"], None),
            Step::Gc => (&["gc", "--quiet", "--prune=now"], None),
            other => panic!("{other:?} is a step without git"),
        };
        let mut git = self.command(words);
        if let Some(name) = name {
            // Not for all: `git stash push` itself relies on patterns.
            git.env("GIT_LITERAL_PATHSPECS", "1");
            git.arg(OsStr::from_bytes(NAMES[name]));
        }
        git.output().expect("git is installed");
    }

    /// `git WORDS` in the tree, as its owner calls it.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut git = git_tree::git(&self.top, words);
        git.env_remove("GIT_OPTIONAL_LOCKS");
        git
    }

    /// What git said, if it could do that.
    pub fn git(&self, words: &[&str]) -> Output {
        let mut git = self.command(words);
        git.output().expect("git is installed")
    }

    /// What git printed, which must be able to do that.
    pub fn must(&self, words: &[&str]) -> Vec<u8> {
        let output = self.git(words);
        assert!(output.status.success(), "git {words:?} works: {output:?}");
        output.stdout
    }

    /// What git printed for this input.
    pub fn answer(&self, git: &mut Command, input: &[u8]) -> Vec<u8> {
        let file = self.sandbox.write("input", input);
        let input = File::open(file).expect("it was written");
        git.stdin(input).output().expect("git is installed").stdout
    }

    /// An empty folder.
    pub fn bare_tree(&self) -> PathBuf {
        let folder = self.sandbox.join("bare");
        fs::remove_dir_all(&folder).ok();
        fs::create_dir(&folder).expect("a sandbox can be written");
        folder
    }

    /// Whether somebody stopped in the middle of merging something.
    pub fn is_unmerged(&self) -> bool {
        !self.must(&["ls-files", "--unmerged"]).is_empty()
    }

    fn path(&self, name: usize) -> PathBuf {
        self.top.join(OsStr::from_bytes(NAMES[name]))
    }
}

/// Writes a file in place, whatever stood in its way.
pub fn write(path: &Path, bytes: &[u8]) {
    clear_way(path);
    File::create(path)
        .and_then(|mut file| file.write_all(bytes))
        .unwrap_or_else(|err| panic!("cannot write {}: {err}", path.display()));
}

fn append(path: &Path) {
    // Not through a link: it may lead out of the tree.
    if path.symlink_metadata().is_ok_and(|meta| meta.is_file()) {
        let file = File::options().append(true).open(path);
        file.and_then(|mut file| file.write_all(b"appended\n")).ok();
    }
}

/// Makes the folders of a path, in the place of whatever else has their names, and removes what has its own.
fn clear_way(path: &Path) {
    let folder = path.parent().expect("a file lies in a folder");
    if !folder.symlink_metadata().is_ok_and(|meta| meta.is_dir()) {
        clear_way(folder);
        fs::create_dir(folder).expect("a sandbox can be written");
    }
    fs::remove_file(path)
        .or_else(|_| fs::remove_dir_all(path))
        .ok();
}
