//! What a record holds: the tree of all files, the index, the permissions; and what differs between two.

use std::path::PathBuf;

use super::about::{About, Permissions};
use super::error::{Operation, SnapshotError};
use crate::git::{GitError, Repository};
use crate::left::Left;
use crate::sys;

/// A tree that was recorded, whether or not a ref keeps it alive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    pub(crate) id: String,
    pub(crate) files: String,
    pub(crate) index: Option<String>,
    pub(crate) own_rules: Option<String>,
    pub(crate) about: About,
    /// The tree of all versions of unmerged files, each below the number of its stage.
    pub(crate) sides: Option<String>,
}

/// A file that is not the same in two trees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Relative to the top of the tree.
    pub path: PathBuf,
    /// What the first tree has: git's mode and the id of the contents. `None`: nothing.
    pub from: Option<(u32, String)>,
    /// What the second tree has.
    pub to: Option<(u32, String)>,
}

impl Recorded {
    /// The id of the snapshot's commit.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The id of the tree that holds every recorded file with its own bytes.
    pub fn files(&self) -> &str {
        &self.files
    }

    /// The id of the blob that is the index file; `None` where there was none.
    pub fn index(&self) -> Option<&str> {
        self.index.as_deref()
    }

    /// The id of the blob with the rules of the repository that no file of the tree has (`.git/info/exclude`); `None` where
    /// there were none.
    pub(crate) fn own_rules(&self) -> Option<&str> {
        self.own_rules.as_deref()
    }

    /// When the index was last written, in seconds since 1970 and nanoseconds. Git believes what an index remembers of a file
    /// only if the file is older than that, so a copy needs the same time.
    pub fn index_written(&self) -> Option<(i64, u32)> {
        self.about.index_written
    }

    /// The commit that HEAD was at; `None` before the first.
    pub fn head(&self) -> Option<&str> {
        self.about.head.as_deref()
    }

    /// The branch that HEAD was on, in full; `None` where it was detached.
    pub fn branch(&self) -> Option<&str> {
        self.about.branch.as_deref()
    }

    /// The permissions of the recorded files, and of the folders that they are in.
    pub fn permissions(&self) -> &Permissions {
        &self.about.permissions
    }

    /// What git was in the middle of. Empty, but for a rescue.
    pub fn in_progress(&self) -> &[Operation] {
        &self.about.in_progress
    }

    /// What was not recorded, and why.
    pub fn left(&self) -> Vec<Left> {
        self.about.left()
    }

    /// Reads the record of a snapshot's commit.
    pub(crate) fn read(repository: &Repository, id: &str) -> Result<Self, SnapshotError> {
        let damaged = |what: String| SnapshotError::Damaged {
            id: id.to_owned(),
            what,
        };
        let asked = format!("{id}^4:files\n{id}^4:index\n{id}^4:exclude\n{id}^4:unmerged\n");
        let git = repository.git(["cat-file", "--batch-check=%(objectname) %(objecttype)"]);
        let answer = git.input(asked).run_line()?;
        let mut lines = answer.lines();
        let mut next = |kind: &str| lines.next()?.strip_suffix(kind).map(str::to_owned);
        let files = next(" tree").ok_or_else(|| damaged("it has no record of files".to_owned()))?;
        let index = next(" blob");
        let own_rules = next(" blob");
        let sides = next(" tree");
        let bytes = repository.blobs()?.read(&format!("{id}^4:about.json"));
        let bytes = bytes.map_err(|err| match err {
            GitError::Unexpected { answer, .. } => damaged(answer),
            err => err.into(),
        })?;
        let about = About::parse(&bytes).map_err(damaged)?;
        Ok(Self {
            id: id.to_owned(),
            files,
            index,
            own_rules,
            about,
            sides,
        })
    }
}

/// What differs between two trees of [`Recorded::files`], in the order of the paths' bytes.
///
/// # Errors
///
/// [`GitError`].
pub fn differences(
    repository: &Repository,
    from: &str,
    to: &str,
) -> Result<Vec<Difference>, GitError> {
    if from == to {
        return Ok(Vec::new());
    }
    let words = [
        "diff-tree",
        "-r",
        "-z",
        "--raw",
        "--full-index",
        "--no-renames",
        from,
        to,
    ];
    let answer = repository.git(words).run()?;
    parse(&answer).ok_or_else(|| GitError::Unexpected {
        command: "git diff-tree".to_owned(),
        answer: "another form than expected".to_owned(),
    })
}

/// Reads pairs of `:mode mode id id letter` and a path, each with a NUL at its end.
fn parse(answer: &[u8]) -> Option<Vec<Difference>> {
    let mut fields = answer
        .split(|byte| *byte == 0)
        .filter(|field| !field.is_empty());
    let mut differences = Vec::new();
    while let Some(head) = fields.next() {
        let mut words = str::from_utf8(head.strip_prefix(b":")?).ok()?.split(' ');
        let mut mode = || u32::from_str_radix(words.next()?, 8).ok();
        let modes = (mode()?, mode()?);
        let ids = (words.next()?.to_owned(), words.next()?.to_owned());
        let item = |mode, id| (mode != 0).then_some((mode, id));
        differences.push(Difference {
            path: sys::path_of(fields.next()?),
            from: item(modes.0, ids.0),
            to: item(modes.1, ids.1),
        });
    }
    Some(differences)
}
