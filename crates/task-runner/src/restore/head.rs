//! Where HEAD was, where it is, and the way back.

use std::fmt;

use crate::git::{GitError, Repository};

/// Where HEAD is, or was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeadAt {
    /// The commit; `None` before the first one.
    pub commit: Option<String>,
    /// The branch, in full (`refs/heads/main`); `None` where HEAD is detached.
    pub branch: Option<String>,
}

/// What became of HEAD.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeadOutcome {
    /// It is where it was when the snapshot was taken.
    Same,
    /// It is somewhere else, and was left there.
    Kept {
        /// Where it was.
        then: HeadAt,
        /// Where it is.
        now: HeadAt,
        /// The plain git commands that bring it back; they change no file and not the index.
        commands: Vec<String>,
        /// Why, where it was asked to be brought back.
        why: Option<HeadKept>,
    },
    /// It was brought back. The commits that it was at are in the rescue.
    Back {
        /// Where it was before that.
        from: HeadAt,
    },
}

/// Why HEAD was not brought back although that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeadKept {
    /// Another working tree has the branch checked out.
    UsedElsewhere {
        /// The branch.
        branch: String,
    },
    /// The branch has commits that nothing else has.
    HasOtherCommits {
        /// The branch.
        branch: String,
    },
}

impl fmt::Display for HeadKept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UsedElsewhere { branch } => {
                write!(f, "another working tree has {branch} checked out")
            }
            Self::HasOtherCommits { branch } => {
                write!(f, "{branch} has commits that nothing else has")
            }
        }
    }
}

/// One step of the way back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Move {
    /// A branch gets another commit, or none.
    Branch {
        name: String,
        from: Option<String>,
        to: Option<String>,
    },
    /// HEAD stands for a branch.
    Attach { branch: String },
    /// HEAD stands for a commit.
    Detach { to: String },
}

/// The way back; pure. `tip` is the commit of the branch that HEAD was on.
pub(crate) fn way_back(then: &HeadAt, now: &HeadAt, tip: Option<&String>) -> Vec<Move> {
    let mut moves = Vec::new();
    let Some(branch) = &then.branch else {
        // A detached HEAD always stands for a commit.
        let to = then.commit.clone();
        let is_there = now.branch.is_none() && now.commit == then.commit;
        moves.extend(to.filter(|_| !is_there).map(|to| Move::Detach { to }));
        return moves;
    };
    if tip != then.commit.as_ref() {
        moves.push(Move::Branch {
            name: branch.clone(),
            from: tip.cloned(),
            to: then.commit.clone(),
        });
    }
    if now.branch.as_ref() != Some(branch) {
        let branch = branch.clone();
        moves.push(Move::Attach { branch });
    }
    moves
}

impl Move {
    fn words(&self) -> Vec<&str> {
        match self {
            Self::Branch { name, to, .. } => match to {
                Some(to) => vec!["update-ref", name, to],
                None => vec!["update-ref", "-d", name],
            },
            Self::Attach { branch } => vec!["symbolic-ref", "HEAD", branch],
            Self::Detach { to } => vec!["update-ref", "--no-deref", "HEAD", to],
        }
    }

    /// What people type.
    fn command(&self) -> String {
        format!("git {}", self.words().join(" "))
    }

    fn make(&self, repository: &Repository, now: &HeadAt, note: &str) -> Result<(), GitError> {
        let none = repository.no_id();
        let old = match self {
            Self::Branch { from, .. } => Some(from.as_ref().unwrap_or(&none)),
            Self::Detach { .. } => Some(now.commit.as_ref().unwrap_or(&none)),
            // Git before 2.46 has no compare-and-swap for what HEAD stands for.
            Self::Attach { .. } => None,
        };
        let (verb, rest) = self
            .words()
            .split_first()
            .map_or(("", vec![]), |(verb, rest)| (*verb, rest.to_vec()));
        let git = repository.git([verb, "-m", note]).args(rest);
        git.args(old).run().map(drop)
    }
}

/// What `HEAD` shall do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Head {
    /// It stays where it is, with its branch; where it was is told.
    #[default]
    Keep,
    /// It goes back to the commit and branch of the snapshot; the branch gets its commit back. Only with compare-and-swap, and
    /// only if no commit gets lost by it.
    Back,
}

/// Where HEAD is, and how it could come back.
#[derive(Debug)]
pub(crate) struct HeadPlan {
    pub(crate) then: HeadAt,
    pub(crate) now: HeadAt,
    moves: Vec<Move>,
}

impl HeadPlan {
    pub(crate) fn of(repository: &Repository, then: HeadAt, now: HeadAt) -> Result<Self, GitError> {
        let tip = match &then.branch {
            Some(branch) => commit_of(repository, branch)?,
            None => None,
        };
        let moves = way_back(&then, &now, tip.as_ref());
        Ok(Self { then, now, moves })
    }

    /// Whether HEAD would move.
    pub(crate) fn has_moves(&self) -> bool {
        !self.moves.is_empty()
    }

    /// Brings HEAD back where that is asked for and loses nothing. The commits that it is at must be in a snapshot.
    pub(crate) fn finish(
        self,
        repository: &Repository,
        head: Head,
        note: &str,
    ) -> Result<HeadOutcome, GitError> {
        if self.moves.is_empty() {
            return Ok(HeadOutcome::Same);
        }
        let why = match head {
            Head::Keep => None,
            Head::Back => match self.reason_to_keep(repository)? {
                None => {
                    for step in &self.moves {
                        step.make(repository, &self.now, note)?;
                    }
                    return Ok(HeadOutcome::Back { from: self.now });
                }
                why => why,
            },
        };
        Ok(HeadOutcome::Kept {
            commands: self.moves.iter().map(Move::command).collect(),
            then: self.then,
            now: self.now,
            why,
        })
    }

    fn reason_to_keep(&self, repository: &Repository) -> Result<Option<HeadKept>, GitError> {
        let Some(branch) = &self.then.branch else {
            return Ok(None);
        };
        let branch = branch.clone();
        if is_used_elsewhere(repository, &branch)? {
            return Ok(Some(HeadKept::UsedElsewhere { branch }));
        }
        let moved = self.moves.iter().find_map(|step| match step {
            Move::Branch {
                from: Some(from), ..
            } => Some(from),
            _ => None,
        });
        let Some(tip) = moved.filter(|tip| self.now.commit.as_ref() != Some(tip)) else {
            return Ok(None);
        };
        let kept = [&self.now.commit, &self.then.commit];
        for kept in kept.into_iter().flatten() {
            let is_in = repository.git(["merge-base", "--is-ancestor", tip, kept]);
            if is_in.run_if_any()?.is_some() {
                return Ok(None);
            }
        }
        Ok(Some(HeadKept::HasOtherCommits { branch }))
    }
}

fn commit_of(repository: &Repository, branch: &str) -> Result<Option<String>, GitError> {
    let git = repository.git(["rev-parse", "--verify", "-q", branch]);
    let found = git.run_if_any()?;
    Ok(found.map(|line| String::from_utf8_lossy(&line).trim_end().to_owned()))
}

fn is_used_elsewhere(repository: &Repository, branch: &str) -> Result<bool, GitError> {
    let list = repository.git(["worktree", "list", "--porcelain"]).run()?;
    let list = String::from_utf8_lossy(&list).into_owned();
    let top = repository.top().to_string_lossy().into_owned();
    // A block for each working tree: "worktree <path>", "HEAD <id>", "branch <ref>", and an empty line.
    Ok(list.split("\n\n").any(|block| {
        let has = |line: String| block.lines().any(|found| found == line);
        has(format!("branch {branch}")) && !has(format!("worktree {top}"))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(commit: &str, branch: &str) -> HeadAt {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        HeadAt {
            commit: some(commit),
            branch: some(branch),
        }
    }

    #[test]
    fn way_back_is_what_people_would_type() {
        let main = "refs/heads/main";
        // Then, now, the tip of the branch of then.
        let table: [(&str, HeadAt, HeadAt, &str, &[&str]); 9] = [
            ("nothing moved", at("1", main), at("1", main), "1", &[]),
            (
                "the task committed",
                at("1", main),
                at("2", main),
                "2",
                &["git update-ref refs/heads/main 1"],
            ),
            (
                "it switched to a branch",
                at("1", main),
                at("2", "refs/heads/b"),
                "1",
                &["git symbolic-ref HEAD refs/heads/main"],
            ),
            (
                "it committed, then switched",
                at("1", main),
                at("2", "refs/heads/b"),
                "3",
                &[
                    "git update-ref refs/heads/main 1",
                    "git symbolic-ref HEAD refs/heads/main",
                ],
            ),
            (
                "it detached HEAD and deleted the branch",
                at("1", main),
                at("1", ""),
                "",
                &[
                    "git update-ref refs/heads/main 1",
                    "git symbolic-ref HEAD refs/heads/main",
                ],
            ),
            (
                "HEAD was detached, and is at a branch",
                at("1", ""),
                at("1", main),
                "",
                &["git update-ref --no-deref HEAD 1"],
            ),
            (
                "it is detached as it was",
                at("1", ""),
                at("1", ""),
                "",
                &[],
            ),
            (
                "there was no commit",
                at("", main),
                at("1", main),
                "1",
                &["git update-ref -d refs/heads/main"],
            ),
            ("there is none yet", at("", main), at("", main), "", &[]),
        ];
        for (what, then, now, tip, expected) in table {
            let tip = (!tip.is_empty()).then(|| tip.to_owned());
            let moves = way_back(&then, &now, tip.as_ref());
            let commands: Vec<_> = moves.iter().map(Move::command).collect();
            assert_eq!(commands, expected, "{what}");
        }
    }
}
