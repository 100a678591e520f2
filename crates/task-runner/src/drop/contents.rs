//! What a snapshot holds that the commit it stands on does not.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use super::DropError;
use crate::git::Repository;
use crate::snapshot::{Difference, Recorded, Snapshot, differences};

/// Git's mode of a submodule: its commits lie in another repository.
const SUBMODULE: u32 = 0o160_000;
/// Git's mode of a symbolic link.
const LINK: u32 = 0o120_000;

/// Something that must not be lost.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Content {
    /// Relative to the top of the tree.
    pub(super) path: PathBuf,
    pub(super) is_link: bool,
    /// The blob that has the bytes.
    pub(super) raw: String,
    /// The blob that git keeps of a file that it converts. Only if it would check the same bytes out of that, it has them.
    pub(super) kept_as: Option<String>,
    /// The blob that the last commit has for the file.
    pub(super) base: Option<String>,
    /// Whether it is a side of a conflict: then it is of another commit, most often.
    pub(super) is_side: bool,
}

/// Lists everything that must be found elsewhere.
pub(super) fn of(repository: &Repository, snapshot: &Snapshot) -> Result<Vec<Content>, DropError> {
    let id = &snapshot.id;
    let recorded = Recorded::read(repository, id)?;
    let base = format!("{id}^1^{{tree}}");
    let from_base = |tree: &str| differences(repository, &base, tree);
    let tracked = from_base(&format!("{id}^{{tree}}"))?;
    let nothing = repository.git(["mktree"]).run_line()?;
    let untracked = differences(repository, &nothing, &format!("{id}^3^{{tree}}"))?;
    let kept = tracked
        .into_iter()
        .chain(untracked)
        .map(|difference| (difference.path, difference.to.map(|(_, id)| id)));
    let kept: HashMap<PathBuf, Option<String>> = kept.collect();
    let of_files = from_base(recorded.files())?
        .into_iter()
        .filter_map(|difference| {
            content(difference, |base, path| match kept.get(path) {
                Some(kept) => kept.clone(),
                // To git nothing was changed.
                None => base.cloned(),
            })
        });
    let mut contents: Vec<Content> = of_files.collect();
    let listed: HashSet<_> = contents
        .iter()
        .map(|content| (content.path.clone(), content.raw.clone()))
        .collect();
    let staged = from_base(&format!("{id}^2^{{tree}}"))?
        .into_iter()
        .filter_map(|difference| content(difference, |_, _| None));
    contents.extend(
        staged.filter(|staged| !listed.contains(&(staged.path.clone(), staged.raw.clone()))),
    );
    contents.extend(sides(repository, &recorded, &base)?);
    Ok(contents)
}

/// The versions of the files that the index has conflicts of.
fn sides(
    repository: &Repository,
    recorded: &Recorded,
    base: &str,
) -> Result<Vec<Content>, DropError> {
    let Some(sides) = &recorded.sides else {
        return Ok(Vec::new());
    };
    let mut contents = Vec::new();
    let stages = repository
        .git(["ls-tree", "--name-only", sides])
        .run_line()?;
    for stage in stages.lines() {
        let side = differences(repository, base, &format!("{sides}:{stage}"))?;
        let side = side
            .into_iter()
            .filter_map(|side| content(side, |_, _| None));
        contents.extend(side.map(|side| Content {
            is_side: true,
            ..side
        }));
    }
    Ok(contents)
}

/// What a snapshot has at a path, unless that is what the last commit has: then its mode alone was changed.
fn content(
    difference: Difference,
    kept_as: impl Fn(Option<&String>, &PathBuf) -> Option<String>,
) -> Option<Content> {
    let (mode, raw) = difference.to?;
    let base = difference.from.map(|(_, id)| id);
    if mode == SUBMODULE || base.as_ref() == Some(&raw) {
        return None;
    }
    let kept_as = kept_as(base.as_ref(), &difference.path).filter(|id| *id != raw);
    Some(Content {
        path: difference.path,
        is_link: mode == LINK,
        raw,
        kept_as,
        base,
        is_side: false,
    })
}
