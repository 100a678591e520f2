//! What a board offers to a worker that asks for work. Pure.

use super::{Takes, takes};
use crate::board::{self, Filter};
use crate::by_id::ById;
use crate::head::Head;
use crate::moment::Moment;
use crate::status::Status;
use crate::workspace::StoryCopy;

/// What a board offers to a worker that asks for work, and what is in the way of the rest.
#[derive(Debug, Default)]
pub struct Outlook<'a> {
    /// What can be claimed, in the order of the board.
    pub candidates: Vec<&'a Head>,
    /// How many have the right status, but a live claim.
    pub claimed: usize,
    /// When the first of those claims ends.
    pub first_end: Option<Moment>,
    /// How many are free, but wait for dependencies.
    pub waiting: usize,
    /// How many are in progress with an expired claim, and not asked for.
    pub abandoned: usize,
    /// How many are being worked on: in progress, claimed or not, unless abandoned. These, and what is claimed, may
    /// still make others ready.
    pub in_progress: usize,
}

impl<'a> Outlook<'a> {
    /// The outlook on the stories that are `wanted`, for a worker that `takes` those. Dependencies are looked up in all of
    /// them. Stories in legacy folders are nobody's candidates: they are claimed by name only.
    pub fn new(heads: &'a [Head], takes: Takes, now: Moment, wanted: &Filter) -> Self {
        let all = ById::new(heads);
        let mut outlook = Self::default();
        let offered = |head: &&Head| !matches!(head.copy, StoryCopy::Legacy { .. });
        for head in heads
            .iter()
            .filter(offered)
            .filter(|head| wanted.shows(head, &all))
        {
            let claim = head.claim();
            let live = claim.as_ref().filter(|claim| claim.is_live(now));
            let is_abandoned = claim.is_some() && live.is_none();
            let is_taken = self::takes(takes, Some(head.status.as_str()), claim.is_some());
            if head.status == Status::InProgress {
                outlook.abandoned += usize::from(is_abandoned && !is_taken);
                outlook.in_progress += usize::from(!is_abandoned);
            }
            if !is_taken {
                continue;
            }
            if let Some(live) = live {
                outlook.claimed += 1;
                outlook.first_end = [outlook.first_end, live.until].into_iter().flatten().min();
            } else if head.dependencies.iter().all(|id| all.is_done(id)) {
                outlook.candidates.push(head);
            } else {
                outlook.waiting += 1;
            }
        }
        outlook.candidates.sort_by(|a, b| board::order(a, b));
        outlook
    }

    /// Whether something may become ready without anybody starting anything new: a claim may end, or work in progress
    /// may finish that others wait for.
    pub fn may_change(&self) -> bool {
        self.claimed > 0 || (self.waiting > 0 && self.in_progress > 0)
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::document::Document;
    use crate::workspace::{LegacyFolder, StoryFile};

    fn head(id: &str, fields: &str) -> Head {
        let story = Document::parse(format!("---\nid: {id}\n{fields}---\n")).expect("a story");
        let file = StoryFile {
            path: PathBuf::from(format!("stories/{id}/story.md")),
            copy: StoryCopy::Main,
            name: id.into(),
        };
        Head::of(&story, &file)
    }

    fn legacy(id: &str, fields: &str) -> Head {
        Head {
            copy: StoryCopy::Legacy {
                folder: LegacyFolder::Done,
            },
            path: PathBuf::from(format!("done/{id}.md")),
            ..head(id, fields)
        }
    }

    fn noon() -> Moment {
        Moment::parse("2026-03-04T12:00:00Z").expect("an instant")
    }

    fn ids(outlook: &Outlook<'_>) -> Vec<String> {
        outlook
            .candidates
            .iter()
            .map(|head| head.id.clone())
            .collect()
    }

    const LIVE: &str = "claimed_by: ann\nclaimed_until: '2026-03-04T12:10:00Z'\n";
    const LATER: &str = "claimed_by: ann\nclaimed_until: '2026-03-04T12:40:00Z'\n";
    const ENDED: &str = "claimed_by: ann\nclaimed_until: '2026-03-04T11:00:00Z'\n";

    #[test]
    fn outlook_orders_candidates_like_the_board() {
        let heads = [
            head("S-6", "status: ready\n"),
            head(
                "S-5",
                "status: ready\npriority: 10\ncreated: '2026-01-02'\n",
            ),
            head(
                "S-4",
                "status: ready\npriority: 10\ncreated: '2026-01-01'\n",
            ),
            head("S-3", "status: ready\npriority: 2\n"),
            head(
                "S-2",
                "status: ready\npriority: 10\ncreated: '2026-01-01'\n",
            ),
            head("S-1", "status: backlog\npriority: 1\n"),
        ];
        let outlook = Outlook::new(&heads, Takes::Ready, noon(), &Filter::default());
        assert_eq!(
            ids(&outlook),
            ["S-3", "S-2", "S-4", "S-5", "S-6"],
            "by priority, day, id"
        );
    }

    #[test]
    fn outlook_counts_what_is_in_the_way() {
        let heads = [
            head("S-1", &format!("status: ready\n{LATER}")),
            head("S-2", &format!("status: ready\n{LIVE}")),
            head("S-3", &format!("status: ready\n{ENDED}")),
            head("S-4", "status: ready\ndependencies: [S-3]\n"),
            head("S-5", &format!("status: in-progress\n{ENDED}")),
            head("S-6", &format!("status: in-progress\n{LIVE}")),
            head("S-7", "status: in-progress\n"),
            head("S-8", &format!("status: done\n{LIVE}")),
        ];
        let outlook = Outlook::new(&heads, Takes::Ready, noon(), &Filter::default());
        assert_eq!(ids(&outlook), ["S-3"], "an expired claim is no obstacle");
        let counts = (
            outlook.claimed,
            outlook.waiting,
            outlook.abandoned,
            outlook.in_progress,
        );
        assert_eq!(counts, (2, 1, 1, 2), "what is in the way");
        let first = outlook.first_end.map(Moment::stamp);
        assert_eq!(
            first.as_deref(),
            Some("2026-03-04T12:10:00.000Z"),
            "the first to end"
        );
        let resuming = Outlook::new(&heads, Takes::ReadyOrAbandoned, noon(), &Filter::default());
        assert_eq!(
            ids(&resuming),
            ["S-3", "S-5"],
            "what was begun and left, too"
        );
        let counts = (resuming.claimed, resuming.waiting, resuming.abandoned);
        assert_eq!(counts, (3, 1, 0), "and what is in the way then");
    }

    #[test]
    fn outlook_wants_each_dependency_done() {
        let heads = [
            head("S-1", "status: done\n"),
            head("S-2", "status: ready\ndependencies: [s-1]\n"),
            head("S-3", "status: ready\ndependencies: [S-1, S-404]\n"),
            head("S-4", "status: ready\ndependencies: [OLD]\n"),
            legacy("OLD", "status: done\n"),
            head("S-5", "status: ready\ndependencies: [S-9]\n"),
            legacy("S-9", "status: done\n"),
            head("S-9", "status: blocked\n"),
            legacy("S-7", "status: ready\n"),
        ];
        let outlook = Outlook::new(&heads, Takes::Ready, noon(), &Filter::default());
        assert_eq!(
            ids(&outlook),
            ["S-2", "S-4"],
            "case and place do not matter, missing ones do"
        );
        assert_eq!(outlook.waiting, 2, "S-3 and S-5 wait");
        let filter = Filter {
            text: Some("S-4".to_owned()),
            ..Filter::default()
        };
        let wanted = Outlook::new(&heads, Takes::Ready, noon(), &filter);
        assert_eq!(ids(&wanted), ["S-4"], "dependencies need not be wanted");
    }

    #[test]
    fn outlook_says_whether_waiting_helps() {
        let waits = head("S-1", "status: ready\ndependencies: [S-2]\n");
        let table = [
            (vec![], false),
            (vec![head("S-2", "status: backlog\n")], false),
            (
                vec![head("S-2", "status: in-progress\n"), waits.clone()],
                true,
            ),
            (vec![head("S-2", "status: in-progress\n")], false),
            (vec![head("S-2", "status: blocked\n"), waits.clone()], false),
            (
                vec![head("S-2", &format!("status: in-progress\n{ENDED}")), waits],
                false,
            ),
            (vec![head("S-2", &format!("status: ready\n{LIVE}"))], true),
        ];
        for (heads, expected) in table {
            let outlook = Outlook::new(&heads, Takes::Ready, noon(), &Filter::default());
            assert_eq!(outlook.may_change(), expected, "of {heads:?}");
        }
    }
}
