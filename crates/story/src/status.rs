//! Where a story stands: its status, and what follows from it and the flags of its phases. Pure.

use crate::document::Document;
use crate::operation_error::OperationError;
use crate::value::Value;

/// The key of the status.
const STATUS: &str = "status";

/// What a story must have before it may be done.
pub(crate) const DONE_FLAGS: [&str; 2] = ["implementation_complete", "reviews_complete"];

/// Where a story stands.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum Status {
    /// An idea; what a story without a status counts as.
    #[default]
    Backlog,
    /// Refined: research, plan and implementation may begin.
    Ready,
    /// Being implemented or reviewed.
    InProgress,
    /// Through.
    Done,
    /// Stopped until somebody has looked at it.
    Blocked,
    /// A word of another tool, kept as it is.
    Other(String),
}

impl Status {
    /// Those that have rules, in the order of their columns.
    pub const ALL: [Self; 5] = [
        Self::Backlog,
        Self::Ready,
        Self::InProgress,
        Self::Done,
        Self::Blocked,
    ];

    /// The status of a story; `None` when it has none, or something that is no text.
    pub fn of(story: &Document) -> Option<Self> {
        story.text(STATUS).map(|word| Self::from(word.as_str()))
    }

    /// The word in the file.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Backlog => "backlog",
            Self::Ready => "ready",
            Self::InProgress => "in-progress",
            Self::Done => "done",
            Self::Blocked => "blocked",
            Self::Other(word) => word,
        }
    }

    /// What a story becomes when it is unblocked: as far as its flags say that it was.
    ///
    /// Unlike [`Status::after_workflow_reset`], an implemented story is still being worked on.
    pub fn after_unblock(story: &Document) -> Self {
        if story.flag("implementation_complete") {
            Self::InProgress
        } else if story.flag("plan_complete") {
            Self::Ready
        } else {
            Self::Backlog
        }
    }

    /// What a story becomes when its workflow is reset: the implementation went with the worktree, so even an implemented
    /// story is only ready.
    pub fn after_workflow_reset(story: &Document) -> Self {
        if story.flag("implementation_complete") || story.flag("plan_complete") {
            Self::Ready
        } else {
            Self::Backlog
        }
    }
}

impl From<&str> for Status {
    fn from(word: &str) -> Self {
        let known = Self::ALL.into_iter().find(|status| status.as_str() == word);
        known.unwrap_or_else(|| Self::Other(word.to_owned()))
    }
}

/// A step on the way of a story.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Out of the backlog.
    Refine,
    /// Finding out what there is.
    Research,
    /// Saying what will be done.
    Plan,
    /// Judging the plan.
    PlanReview,
    /// Doing it.
    Implement,
    /// Judging what was done.
    Review,
    /// Offering it.
    CreatePr,
    /// Taking it.
    Merge,
}

impl Phase {
    /// How results call it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Refine => "refine",
            Self::Research => "research",
            Self::Plan => "plan",
            Self::PlanReview => "plan_review",
            Self::Implement => "implement",
            Self::Review => "review",
            Self::CreatePr => "create_pr",
            Self::Merge => "merge",
        }
    }

    /// What is to be done next; `None` when nothing is, or when the status is a word of another tool.
    ///
    /// A plan is reviewed where the story speaks of a plan review at all; a story without a status is in the backlog.
    pub fn next(story: &Document) -> Option<Self> {
        let phases: &[(Self, bool)] = match Status::of(story).unwrap_or_default() {
            Status::Backlog => &[(Self::Refine, true)],
            Status::Ready => &[
                (Self::Research, !story.flag("research_complete")),
                (Self::Plan, !story.flag("plan_complete")),
                (Self::PlanReview, awaits_plan_review(story)),
                (Self::Implement, true),
            ],
            Status::InProgress => &[
                (Self::Implement, !story.flag("implementation_complete")),
                (Self::Review, !story.flag("reviews_complete")),
                (Self::CreatePr, story.text("pr_url").is_none()),
                (Self::Merge, !story.flag("pr_merged")),
            ],
            Status::Done | Status::Blocked | Status::Other(_) => &[],
        };
        let open = phases.iter().find(|(_, is_open)| *is_open);
        open.map(|(phase, _)| *phase)
    }

    /// The phase that a story was in when something went wrong.
    pub fn last(story: &Document) -> Self {
        if story.flag("reviews_complete") || story.flag("implementation_complete") {
            Self::Review
        } else if story.flag("plan_complete") {
            Self::Implement
        } else if story.flag("research_complete") {
            Self::Plan
        } else {
            Self::Research
        }
    }
}

fn awaits_plan_review(story: &Document) -> bool {
    let is_spoken_of = story.has("plan_review_complete") || story.has("plan_review_iteration");
    is_spoken_of && !story.flag("plan_review_complete")
}

/// Sets the status.
///
/// # Errors
///
/// [`OperationError::NotComplete`] for `done`, unless the implementation and its reviews are complete; every other change
/// is allowed.
pub fn set_status(story: &mut Document, status: &Status) -> Result<(), OperationError> {
    if *status == Status::Done && !DONE_FLAGS.iter().all(|flag| story.flag(flag)) {
        let [implementation, reviews] = DONE_FLAGS.map(|flag| present(story, flag));
        return Err(OperationError::NotComplete {
            implementation,
            reviews,
        });
    }
    story.set(STATUS, status.as_str())?;
    Ok(())
}

/// What stands behind a key, for messages: `true`, `"yes"`, `absent`.
pub(crate) fn present(story: &Document, key: &str) -> String {
    match story.get(key) {
        Ok(Some(Value::String(text) | Value::Timestamp(text))) => format!("{text:?}"),
        Ok(Some(value)) => value.to_json().to_string(),
        _ => "absent".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn story(fields: &str) -> Document {
        Document::parse(format!("---\nid: S-1\n{fields}---\n")).expect("a story")
    }

    #[test]
    fn status_is_its_word_and_unknown_words_are_kept() {
        for status in Status::ALL {
            assert_eq!(
                Status::from(status.as_str()),
                status,
                "the word leads back to its status"
            );
        }
        let other = Status::from("on hold");
        assert_eq!(other, Status::Other("on hold".to_owned()), "no rule");
        assert_eq!(other.as_str(), "on hold", "and it stays as it is");
        assert_eq!(Status::of(&story("")), None, "none at all");
        assert_eq!(Status::of(&story("status: 5\n")), None, "no text");
    }

    #[test]
    fn done_demands_both_flags_and_nothing_else_is_checked() {
        let absent = "absent";
        let table = [
            ("", absent, absent),
            (
                "implementation_complete: true\nreviews_complete: false\n",
                "true",
                "false",
            ),
            ("reviews_complete: true\n", absent, "true"),
            (
                "implementation_complete: 'true'\nreviews_complete: 1\n",
                "\"true\"",
                "1",
            ),
        ];
        for (fields, implementation, reviews) in table {
            let mut refused = story(&format!("status: blocked\n{fields}"));
            let before = refused.clone();
            let err = set_status(&mut refused, &Status::Done);
            let expected = OperationError::NotComplete {
                implementation: implementation.to_owned(),
                reviews: reviews.to_owned(),
            };
            assert_eq!(err, Err(expected), "done with {fields:?}");
            assert_eq!(refused, before, "nothing is changed");
            for status in Status::ALL {
                if status != Status::Done {
                    let mut allowed = before.clone();
                    set_status(&mut allowed, &status).expect("every other change is allowed");
                    assert_eq!(Status::of(&allowed), Some(status), "it is set");
                }
            }
        }
        let mut through = story("implementation_complete: true\nreviews_complete: true\n");
        set_status(&mut through, &Status::Done).expect("both flags are true");
        assert_eq!(Status::of(&through), Some(Status::Done), "it is done");
        set_status(&mut through, &Status::Backlog).expect("done is no end");
    }

    #[test]
    fn next_phase_follows_status_and_flags() {
        let table = [
            ("", Some(Phase::Refine)),
            (
                "status: backlog\nresearch_complete: true\n",
                Some(Phase::Refine),
            ),
            ("status: ready\n", Some(Phase::Research)),
            (
                "status: ready\nresearch_complete: true\n",
                Some(Phase::Plan),
            ),
            (
                "status: ready\nresearch_complete: true\nplan_complete: true\n",
                Some(Phase::Implement),
            ),
            (
                "status: ready\nresearch_complete: true\nplan_complete: true\nplan_review_iteration: 1\n",
                Some(Phase::PlanReview),
            ),
            (
                "status: ready\nresearch_complete: true\nplan_complete: true\nplan_review_complete: true\n",
                Some(Phase::Implement),
            ),
            ("status: in-progress\n", Some(Phase::Implement)),
            (
                "status: in-progress\nimplementation_complete: true\n",
                Some(Phase::Review),
            ),
            (
                "status: in-progress\nimplementation_complete: true\nreviews_complete: true\n",
                Some(Phase::CreatePr),
            ),
            (
                "status: in-progress\nimplementation_complete: true\nreviews_complete: true\npr_url: x\n",
                Some(Phase::Merge),
            ),
            (
                "status: in-progress\nimplementation_complete: true\nreviews_complete: true\npr_url: x\npr_merged: true\n",
                None,
            ),
            ("status: done\n", None),
            ("status: blocked\n", None),
            ("status: on hold\n", None),
        ];
        for (fields, expected) in table {
            assert_eq!(Phase::next(&story(fields)), expected, "after {fields:?}");
        }
    }

    #[test]
    fn flags_decide_last_phase_and_way_back() {
        use Phase::{Implement, Plan, Research, Review};
        use Status::{Backlog, InProgress, Ready};
        let table = [
            ("", Research, Backlog, Backlog),
            ("research_complete: true\n", Plan, Backlog, Backlog),
            ("plan_complete: true\n", Implement, Ready, Ready),
            ("implementation_complete: true\n", Review, InProgress, Ready),
            (
                "plan_complete: true\nimplementation_complete: true\n",
                Review,
                InProgress,
                Ready,
            ),
            ("reviews_complete: true\n", Review, Backlog, Backlog),
            ("plan_complete: yes\n", Research, Backlog, Backlog),
        ];
        for (fields, last, unblocked, reset) in table {
            let story = story(fields);
            assert_eq!(Phase::last(&story), last, "the last phase of {fields:?}");
            assert_eq!(
                Status::after_unblock(&story),
                unblocked,
                "unblocked with {fields:?}"
            );
            assert_eq!(
                Status::after_workflow_reset(&story),
                reset,
                "reset with {fields:?}"
            );
        }
    }
}
