//! How a story that somebody without our lock has changed stands to what a transaction had decided for it. Pure.

use locked_file::together::{Meeting, Met};

use crate::changes::{Change, Changes};
use crate::document::Document;
use crate::merge::merge;

/// Both changes are joined by a three-way merge where they do not meet. Whether the decided one was in place before is told
/// by the fields that it changes: a merge alone would count a counter up twice.
pub(super) fn meet(met: Met<'_>) -> Meeting {
    let parsed = |bytes: Option<&[u8]>| Document::parse(bytes?).ok();
    let documents = [met.before, Some(met.now), Some(met.after)].map(parsed);
    let [Some(before), Some(now), Some(after)] = documents else {
        return Meeting::Conflict;
    };
    let decided = Changes::between(&before, &after).fields;
    let theirs = Changes::between(&before, &now).fields;
    let touched = |change: &Change| theirs.iter().find(|other| other.key == change.key);
    let done = |change: &Change| touched(change).is_some_and(|other| other == change);
    if !decided.is_empty() && decided.iter().all(done) {
        return Meeting::Done;
    }
    let merge = merge(Some(&before), &now, &after);
    if decided.iter().any(|change| touched(change).is_some()) || !merge.is_clean() {
        return Meeting::Conflict;
    }
    Meeting::Merged(merge.merged.into_bytes())
}
