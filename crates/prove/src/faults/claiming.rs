//! `story claim --next` that is killed, or one of whose calls fails: the story is claimed, with all three keys, or not at all.

use std::fs;

use testkit::Finished;

use super::judge::said;
use super::operation::{Operation, all_is_well, holds_only, succeeds, word_of};
use super::place::{Author, ID, Place, Version, finish};
use super::scene::{Aim, SET, Scene};

const NOW: &str = "2026-01-12T10:00:00Z";
/// The line of the prepared story after which new keys stand.
const LAST_KEY: &str = "labels: [a, b]\n";

/// A claim of the one story that is ready.
pub const CLAIM_NEXT: Operation = Operation {
    scene: Scene {
        command: &[
            "STORY",
            "claim",
            "--next",
            "--as",
            "w",
            "--now",
            NOW,
            "--timeout",
            "1s",
        ],
        aim: Aim::Nothing,
        ..SET
    },
    after_kill: |place, finished| {
        let claimed = claimant(place)?;
        if finished.stdout.contains(ID) && claimed != Some("w") {
            return Err(format!("it was acknowledged, and {claimed:?} has it"));
        }
        goes_on(place, claimed)?;
        holds_only(place, &[])?;
        all_is_well(place)?;
        Ok(if claimed.is_none() { "old" } else { "claimed" })
    },
    after_error: |place, finished, exit| {
        let claimed = claimant(place)?;
        if !matches!((exit, claimed), (0 | 9, Some("w")) | (1 | 8, None)) {
            let told = said(finished);
            return Err(format!("{claimed:?} has it after {told}"));
        }
        goes_on(place, claimed)?;
        finish(&mut place.story(&["doctor", "--fix"]));
        holds_only(place, &[])?;
        all_is_well(place)?;
        Ok(word_of(exit))
    },
};

fn as_prepared() -> String {
    let version = Version {
        author: Author::Us,
        count: 0,
    };
    version.text()
}

/// Who has claimed the story: the file is as it was, byte by byte, but for all three keys of a claim or none.
fn claimant(place: &Place) -> Result<Option<&'static str>, String> {
    let now = fs::read_to_string(place.path()).map_err(|err| format!("it is gone: {err}"))?;
    let before = as_prepared();
    if now == before {
        return Ok(None);
    }
    let token = now.split_once("claim_token: ").map(|(_, rest)| rest);
    let token: String = token.unwrap_or_default().chars().take(16).collect();
    let is_token = token.len() == 16 && token.bytes().all(|byte| byte.is_ascii_hexdigit());
    let claimed = |name: &&str| {
        let keys = format!(
            "{LAST_KEY}claimed_by: {name}\nclaimed_until: '2026-01-12T10:30:00.000Z'\nclaim_token: {token}\n"
        );
        now == before.replacen(LAST_KEY, &keys, 1)
    };
    let found = ["w", "another"].into_iter().find(claimed);
    if is_token && found.is_some() {
        return Ok(found);
    }
    let head: String = now.chars().take(200).collect();
    Err(format!("neither claimed nor as it was: {head:?}"))
}

/// Another one gets the story at once, unless it is claimed; whoever has it gives it back at once.
fn goes_on(place: &Place, claimed: Option<&str>) -> Result<(), String> {
    let command = ["claim", "--next", "--as", "another", "--now", NOW];
    let next = [&command[..], &["--timeout", "0"]].concat();
    let next: Finished = finish(&mut place.story(&next));
    let (exit, owner) = match claimed {
        None => (0, "another"),
        Some(owner) => (3, owner),
    };
    if next.status.code() != Some(exit) || claimant(place)? != Some(owner) {
        let told = said(&next);
        return Err(format!("after {claimed:?} the next claim: {told}"));
    }
    let command = ["release", ID, "--as", owner, "--now", NOW];
    let back = [&command[..], &["--timeout", "0"]].concat();
    succeeds(place, "the release", &back)?;
    match claimant(place)? {
        None => Ok(()),
        owner => Err(format!("after the release {owner:?} has it")),
    }
}
