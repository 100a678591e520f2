//! A claim of a story that lies in a worktree as well. A worker claims the main copy, and then makes the worktree of a commit
//! that does not know the claim; from then on the story is found there. The claim in the main copy still counts.

use story::OperationError;
use story::claim::{Claim, Holder, Terms, check_free};
use story::workspace::StoryCopy;

use crate::places::{Target, workspace};
use crate::settings::Settings;

/// Refuses a story in a worktree whose main copy somebody claims. Reads that without a lock: nobody begins to claim it any
/// more, once the worktree is there.
///
/// # Errors
///
/// As [`check_free`].
pub fn check(target: &Target, terms: &Terms, settings: &Settings) -> Result<(), OperationError> {
    let claim = main_copy(target, settings).and_then(|main| claim_in(&main));
    Ok(check_free(claim.as_ref(), &terms.owner, settings.moment())?)
}

/// The copy in which the claim of a holder stands; the one that was found where it stands in none.
pub fn of_holder(target: Target, holder: &Holder<'_>, settings: &Settings) -> Target {
    let is_there = |target: &Target| claim_in(target).is_some_and(|claim| claim.is_of(holder));
    match main_copy(&target, settings) {
        Some(main) if !is_there(&target) && is_there(&main) => main,
        _ => target,
    }
}

fn claim_in(target: &Target) -> Option<Claim> {
    Claim::of(&story::read(&target.path).ok()?)
}

/// The main copy of a story that was found in a worktree.
fn main_copy(target: &Target, settings: &Settings) -> Option<Target> {
    if !matches!(target.copy, Some(StoryCopy::Worktree { .. })) {
        return None;
    }
    let folder = target.path.parent()?.file_name()?;
    let path = workspace(settings).ok()?.story_file(folder);
    path.exists().then(|| Target {
        path,
        copy: Some(StoryCopy::Main),
        ..target.clone()
    })
}
