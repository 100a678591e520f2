//! The real git: which repository and tree we are in, and one way to run its commands.
//!
//! Everything that could make two calls mean different things is fixed in one place, `git/command.rs`: the repository, the
//! environment, the settings.

mod blobs;
mod command;
mod error;
mod version;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

pub use blobs::Blobs;
pub use command::Git;
pub use error::GitError;
use version::Version;

use crate::sys;

/// One working tree of one repository, found and trusted by git.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    top: PathBuf,
    git_dir: PathBuf,
    common_dir: PathBuf,
    id_length: usize,
    version: Version,
}

impl Repository {
    /// Finds the repository of the working tree that `cwd` lies in.
    ///
    /// # Errors
    ///
    /// [`GitError`], by name for each: no git or one too old, no repository, one without a working tree, git's own folder, one
    /// that git does not trust.
    pub fn open(cwd: &Path) -> Result<Self, GitError> {
        let version = Version::parse(&Git::found_from(cwd).args(["version"]).run_line()?)?;
        let folder = || cwd.to_owned();
        let at_once = ask_at_once(cwd, QUESTIONS);
        let answer = |at: usize| match &at_once {
            Some(answers) => Ok(answers[at].clone()),
            None => ask(cwd, QUESTIONS[at]),
        };
        let is = |at| answer(at).map(|answer| answer == Path::new("true"));
        if is(0)? {
            return Err(GitError::Bare { folder: folder() });
        }
        if !is(1)? {
            return Err(GitError::InsideGitFolder { folder: folder() });
        }
        let path = |at| canonical(cwd, QUESTIONS[at], &answer(at)?);
        let (top, git_dir, common_dir) = (path(2)?, path(3)?, path(4)?);
        let mut repository = Self {
            top,
            git_dir,
            common_dir,
            id_length: 0,
            version,
        };
        // The id of the empty tree: forty digits by SHA-1, sixty-four by SHA-256. It is only computed, not written.
        let empty_tree = repository.git(["hash-object", "-t", "tree", "--stdin"]);
        repository.id_length = empty_tree.run_line()?.len();
        Ok(repository)
    }

    /// The top of the working tree: absolute and canonical.
    pub fn top(&self) -> &Path {
        &self.top
    }

    /// The folder of this working tree's index and HEAD: absolute and canonical.
    pub fn git_dir(&self) -> &Path {
        &self.git_dir
    }

    /// The folder of the objects and refs that all working trees of the repository have together: absolute and canonical.
    pub fn common_dir(&self) -> &Path {
        &self.common_dir
    }

    /// The id that stands for "no such object", as long as the ids of this repository.
    pub fn no_id(&self) -> String {
        "0".repeat(self.id_length)
    }

    /// A command in this tree. Its words are plain: no shell reads them, and paths in them are no patterns.
    pub fn git<I: IntoIterator<Item: AsRef<OsStr>>>(&self, words: I) -> Git {
        let mut git = Git::found_from(&self.top).bound_to(&self.git_dir, &self.top);
        for setting in self.version.durable() {
            git = git.set(setting);
        }
        git.args(words)
    }

    /// A command that writes objects or files of ours which nothing refers to before `sync_around` made all of them durable:
    /// to sync each file of the tree by itself would cost more than everything else.
    pub(crate) fn hasty<I: IntoIterator<Item: AsRef<OsStr>>>(&self, words: I) -> Git {
        let mut git = self.git(words);
        if sys::SYNCS_WHOLE_FILE_SYSTEMS {
            for setting in self.version.hasty() {
                git = git.set(setting);
            }
        }
        git
    }

    /// Reads many objects with one process.
    ///
    /// # Errors
    ///
    /// [`GitError`].
    pub fn blobs(&self) -> Result<Blobs, GitError> {
        Blobs::start(self.git(["cat-file", "--batch"]))
    }
}

/// What `Repository::open` asks of `git rev-parse`.
const QUESTIONS: [&str; 5] = [
    "--is-bare-repository",
    "--is-inside-work-tree",
    "--show-toplevel",
    "--absolute-git-dir",
    "--git-common-dir",
];

/// All questions to one `git rev-parse`. `None` where git refuses one of them, or where the answers have more lines than there
/// are questions: a path may hold any byte, and then nobody can tell them apart.
fn ask_at_once<const N: usize>(cwd: &Path, questions: [&str; N]) -> Option<[PathBuf; N]> {
    let git = Git::found_from(cwd).args(["rev-parse"]).args(questions);
    let answers = git.run().ok()?;
    let lines = answers.strip_suffix(b"\n")?.split(|byte| *byte == b'\n');
    lines.map(sys::path_of).collect::<Vec<_>>().try_into().ok()
}

/// One question to `git rev-parse`.
fn ask(cwd: &Path, question: &str) -> Result<PathBuf, GitError> {
    let git = Git::found_from(cwd).args(["rev-parse", question]);
    let folder = cwd.to_owned();
    match git.run() {
        Ok(answer) => Ok(sys::path_of(answer.strip_suffix(b"\n").unwrap_or(&answer))),
        Err(GitError::Failed { stderr, .. }) if stderr.contains("dubious ownership") => {
            Err(GitError::NotTrusted { folder, stderr })
        }
        Err(GitError::Failed { stderr, .. }) if stderr.contains("not a git repository") => {
            Err(GitError::NoRepository { folder, stderr })
        }
        Err(err) => Err(err),
    }
}

/// A path that git has answered, in the form in which paths are compared.
fn canonical(cwd: &Path, question: &str, answer: &Path) -> Result<PathBuf, GitError> {
    // Some answers are relative to where was asked.
    let path = cwd.join(answer);
    path.canonicalize().map_err(|source| GitError::Io {
        command: format!("git rev-parse {question}"),
        source,
    })
}
