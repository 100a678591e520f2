//! Heads by the id under which each is found. Pure.

use std::collections::HashMap;
use std::path::Path;

use crate::head::Head;
use crate::status::Status;
use crate::workspace::{LegacyFolder, StoryCopy};

/// Heads by id, ignoring case; of several with one id the one that finding prefers (contract, section 8).
#[derive(Debug)]
pub struct ById<'a>(HashMap<String, (Rank, &'a Head)>);

/// The lowest wins.
type Rank = usize;

/// Behind every legacy folder.
const LAST: Rank = 2 + LegacyFolder::ALL.len();

impl<'a> ById<'a> {
    /// Sorts out the heads of a scan.
    pub fn new(heads: impl IntoIterator<Item = &'a Head>) -> Self {
        let mut found = HashMap::new();
        for head in heads {
            for (name, rank) in names(head) {
                let better =
                    |(other, kept): &(Rank, &Head)| (rank, &head.path) < (*other, &kept.path);
                if found.get(&name).is_none_or(better) {
                    found.insert(name, (rank, head));
                }
            }
        }
        Self(found)
    }

    /// The story of that id.
    pub fn find(&self, id: &str) -> Option<&'a Head> {
        self.0.get(&id.to_lowercase()).map(|(_, head)| *head)
    }

    /// Whether there is a story of that id, and it is done.
    pub fn is_done(&self, id: &str) -> bool {
        self.find(id)
            .is_some_and(|head| head.status == Status::Done)
    }

    /// Whether a story is the one that is found by its id.
    pub fn is_found(&self, head: &Head) -> bool {
        self.find(&head.id)
            .is_some_and(|found| found.path == head.path)
    }
}

/// The names by which a story is found, each with its rank.
fn names(head: &Head) -> Vec<(String, Rank)> {
    let id = head.id.to_lowercase();
    match &head.copy {
        StoryCopy::Worktree { .. } => vec![(id, 0)],
        StoryCopy::Main => {
            let folder = head.path.parent().and_then(Path::file_name);
            let folder = folder.unwrap_or_default().to_string_lossy().to_lowercase();
            if folder == id {
                vec![(id, 1)]
            } else {
                // Finding goes by the folder; the id inside is what is left to those who know only that.
                vec![(folder, 1), (id, LAST)]
            }
        }
        StoryCopy::Legacy { folder } => {
            let place = LegacyFolder::ALL.iter().position(|other| other == folder);
            vec![(id, 2 + place.unwrap_or_default())]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::head::sample;

    #[test]
    fn find_prefers_as_finding_does() {
        let worktree = StoryCopy::Worktree {
            name: "S-1-x".to_owned(),
        };
        let legacy = |folder| StoryCopy::Legacy { folder };
        let head = |id: &str, path: &str, copy: &StoryCopy| Head {
            path: path.into(),
            copy: copy.clone(),
            ..sample(id, Status::Ready)
        };
        let heads = [
            head("S-1", "blocked/1.md", &legacy(LegacyFolder::Blocked)),
            head("S-1", "done/1.md", &legacy(LegacyFolder::Done)),
            head("S-1", "stories/S-1/story.md", &StoryCopy::Main),
            head("s-1", "worktrees/x/stories/S-1/story.md", &worktree),
            head("S-7", "stories/S-2/story.md", &StoryCopy::Main),
            head("S-2", "stories/S-3/story.md", &StoryCopy::Main),
            head("S-9", "done/b.md", &legacy(LegacyFolder::Done)),
            head("S-9", "done/a.md", &legacy(LegacyFolder::Done)),
        ];
        let path =
            |index: &ById<'_>, id: &str| index.find(id).map(|head| head.path.display().to_string());
        // The order in which they come does not matter.
        for turn in 0..heads.len() {
            let turned = heads[turn..].iter().chain(&heads[..turn]);
            let index = ById::new(turned);
            let table = [
                ("S-1", Some("worktrees/x/stories/S-1/story.md")),
                ("s-1", Some("worktrees/x/stories/S-1/story.md")),
                ("S-2", Some("stories/S-2/story.md")),
                ("S-7", Some("stories/S-2/story.md")),
                ("S-9", Some("done/a.md")),
                ("S-8", None),
            ];
            for (id, expected) in table {
                assert_eq!(path(&index, id).as_deref(), expected, "{id} is that file");
            }
            assert!(
                !index.is_found(&heads[2]),
                "the worktree's copy comes first"
            );
        }
        let without = ById::new(&heads[..3]);
        assert_eq!(
            path(&without, "S-1").as_deref(),
            Some("stories/S-1/story.md"),
            "then main"
        );
        let legacies = ById::new(&heads[..2]);
        assert_eq!(
            path(&legacies, "S-1").as_deref(),
            Some("done/1.md"),
            "blocked last"
        );
    }
}
