//! The way of a story from the backlog to done: what moves it, blocks it and sends it back. Pure.

use crate::diagnostic::{Circumstances, diagnostic};
use crate::document::Document;
use crate::moment::Moment;
use crate::operation_error::OperationError;
use crate::sanitise;
use crate::status::{Status, present, set_status};

/// The flags that say which phases are through, in their order.
pub(crate) const FLAGS: [&str; 4] = [
    "research_complete",
    "plan_complete",
    "implementation_complete",
    "reviews_complete",
];

/// What is emptied when an unblocked story starts to count again; `implementation_retry_count` is not among it.
const RESET_ON_UNBLOCK: [&str; 3] = ["retry_count", "refinement_count", "total_recovery_attempts"];

/// A phase that can be done again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Redo {
    /// The research.
    Research,
    /// The plan.
    Plan,
    /// The implementation.
    Implement,
}

/// What becomes of the counters of a story that is unblocked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Retries {
    /// They go on: a story at its limit is soon blocked again.
    #[default]
    Kept,
    /// Restarts, refinements and recoveries begin at 0; the retries of the implementation go on.
    Reset,
}

/// Marks all four phases complete; the status and `plan_review_complete` stay as they are.
///
/// # Errors
///
/// [`OperationError::Edit`] when a flag cannot be edited.
pub fn mark_complete(story: &mut Document) -> Result<(), OperationError> {
    for flag in FLAGS {
        story.set(flag, true)?;
    }
    Ok(())
}

/// Blocks a story whatever its status is; one that is blocked already gets the new reason, time and diagnostic.
///
/// The reason is made harmless and cut as [`sanitise::reason`] says.
///
/// # Errors
///
/// [`OperationError::Edit`] when a key cannot be edited.
pub fn block(
    story: &mut Document,
    reason: &str,
    circumstances: &Circumstances,
    now: Moment,
) -> Result<(), OperationError> {
    let reason = sanitise::reason(reason);
    let diagnostic = diagnostic(story, &reason, circumstances, now);
    set_status(story, &Status::Blocked)?;
    story.set("blocked_reason", reason)?;
    story.set("blocked_at", now.stamp())?;
    story.set("blocked_diagnostic", diagnostic)?;
    Ok(())
}

/// Sends a blocked story back to where its flags say it was, and returns that status. The diagnostic stays.
///
/// # Errors
///
/// [`OperationError::NotBlocked`], or [`OperationError::Edit`] when a key cannot be edited.
pub fn unblock(story: &mut Document, retries: Retries) -> Result<Status, OperationError> {
    if Status::of(story) != Some(Status::Blocked) {
        let status = present(story, "status");
        return Err(OperationError::NotBlocked { status });
    }
    let status = Status::after_unblock(story);
    set_status(story, &status)?;
    story.unset("blocked_reason")?;
    story.unset("blocked_at")?;
    if retries == Retries::Reset {
        for counter in RESET_ON_UNBLOCK {
            story.set(counter, 0)?;
        }
    }
    Ok(status)
}

/// Has one phase done again; the flags of the others stay.
///
/// # Errors
///
/// [`OperationError::Edit`] when the flag cannot be edited.
pub fn reset_phase(story: &mut Document, phase: Redo) -> Result<(), OperationError> {
    let flag = match phase {
        Redo::Research => "research_complete",
        Redo::Plan => "plan_complete",
        Redo::Implement => "implementation_complete",
    };
    story.set(flag, false)?;
    Ok(())
}

/// Forgets worktree and branch, for a fresh worktree, and returns the status that is set. The flags stay.
///
/// # Errors
///
/// [`OperationError::Edit`] when a key cannot be edited.
pub fn reset_workflow(story: &mut Document) -> Result<Status, OperationError> {
    let status = Status::after_workflow_reset(story);
    story.unset("worktree_path")?;
    story.unset("branch")?;
    set_status(story, &status)?;
    Ok(status)
}

/// Accepts the plan: `plan_review_complete`.
///
/// # Errors
///
/// [`OperationError::Edit`] when the flag cannot be edited.
pub fn approve(story: &mut Document) -> Result<(), OperationError> {
    story.set("plan_review_complete", true)?;
    Ok(())
}

/// Whether the pull request of a story is merged.
pub fn is_merged(story: &Document) -> bool {
    story.flag("pr_merged")
}

/// Marks the pull request of a story merged, by the commit `sha` where that is known.
///
/// # Errors
///
/// [`OperationError::Edit`] when a key cannot be edited.
pub fn mark_merged(
    story: &mut Document,
    sha: Option<&str>,
    now: Moment,
) -> Result<(), OperationError> {
    story.set("pr_merged", true)?;
    story.set("merged_at", now.stamp())?;
    if let Some(sha) = sha {
        story.set("merge_sha", sha)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn story(fields: &str) -> Document {
        Document::parse(format!("---\nid: S-1\n{fields}---\nbody\n")).expect("a story")
    }

    fn now() -> Moment {
        Moment::parse("2026-03-04T05:06:07Z").expect("an instant")
    }

    #[test]
    fn mark_complete_sets_four_flags_and_nothing_else() {
        let mut found = story("plan_complete: false # yet\nplan_review_complete: false\n");
        mark_complete(&mut found).expect("flags can be set");
        let expected = "plan_complete: true # yet\nplan_review_complete: false\n\
                        research_complete: true\nimplementation_complete: true\nreviews_complete: true\n";
        assert_eq!(found, story(expected), "the four flags");
    }

    #[test]
    fn block_replaces_an_older_block_and_unblock_leaves_its_diagnostic() {
        let mut found = story("status: done\nplan_complete: true\nretry_count: 2\n");
        let circumstances = Circumstances::default();
        block(&mut found, "first", &circumstances, now()).expect("any status");
        block(&mut found, "second\nline", &circumstances, now()).expect("blocked already");
        let diagnostic = "blocked_diagnostic:\n  blockedAt: '2026-03-04T05:06:07.000Z'\n  reason: second line\n  \
                          lastPhase: implement\n  errorCount: 2\n  mostCommonError: second line\n";
        let blocked = format!(
            "status: blocked\nplan_complete: true\nretry_count: 2\nblocked_reason: second line\n\
             blocked_at: '2026-03-04T05:06:07.000Z'\n{diagnostic}"
        );
        assert_eq!(found, story(&blocked), "the second block counts");
        let status = unblock(&mut found, Retries::Kept).expect("it is blocked");
        assert_eq!(status, Status::Ready, "a planned story is ready");
        let expected = format!("status: ready\nplan_complete: true\nretry_count: 2\n{diagnostic}");
        assert_eq!(found, story(&expected), "what blocked it is gone");
    }

    #[test]
    fn unblock_with_reset_starts_three_counters_again() {
        let mut found = story(
            "status: blocked\nretry_count: 3\nrefinement_count: 1\nimplementation_retry_count: 2\n",
        );
        unblock(&mut found, Retries::Reset).expect("it is blocked");
        let expected = "status: backlog\nretry_count: 0\nrefinement_count: 0\nimplementation_retry_count: 2\n\
                        total_recovery_attempts: 0\n";
        assert_eq!(found, story(expected), "the fourth one goes on");
    }

    #[test]
    fn unblock_of_what_is_not_blocked_names_the_status() {
        for (fields, expected) in [
            ("status: in-progress\n", "\"in-progress\""),
            ("", "absent"),
            ("status: 5\n", "5"),
        ] {
            let err = unblock(&mut story(fields), Retries::Reset);
            let status = expected.to_owned();
            assert_eq!(
                err,
                Err(OperationError::NotBlocked { status }),
                "{fields:?}"
            );
        }
    }

    #[test]
    fn resets_touch_only_what_they_name() {
        let fields = "status: done\nbranch: b\nworktree_path: /w # mine\nresearch_complete: true\nplan_complete: true\n\
                      implementation_complete: true\n";
        let mut found = story(fields);
        let status = reset_workflow(&mut found).expect("keys can be removed");
        assert_eq!(
            status,
            Status::Ready,
            "not in progress: the worktree is gone"
        );
        let expected = "status: ready\nresearch_complete: true\nplan_complete: true\nimplementation_complete: true\n";
        assert_eq!(found, story(expected), "the flags stay");
        for (phase, flag) in [
            (Redo::Research, "research_complete"),
            (Redo::Plan, "plan_complete"),
            (Redo::Implement, "implementation_complete"),
        ] {
            let mut found = story(fields);
            reset_phase(&mut found, phase).expect("a flag can be set");
            let changed = fields.replace(&format!("{flag}: true"), &format!("{flag}: false"));
            assert_eq!(found, story(&changed), "only {flag}");
        }
    }

    #[test]
    fn mark_merged_and_approve_set_their_fields() {
        let mut found = story("pr_merged: false\n");
        assert!(!is_merged(&found), "not yet");
        mark_merged(&mut found, None, now()).expect("keys can be set");
        let expected = "pr_merged: true\nmerged_at: '2026-03-04T05:06:07.000Z'\n";
        assert_eq!(found, story(expected), "no commit was given");
        assert!(is_merged(&found), "it is");
        mark_merged(&mut found, Some("0012345"), now()).expect("keys can be set");
        let expected = format!("{expected}merge_sha: '0012345'\n");
        assert_eq!(found, story(&expected), "a commit is text");
        approve(&mut found).expect("a flag can be set");
        let expected = format!("{expected}plan_review_complete: true\n");
        assert_eq!(found, story(&expected), "the plan is accepted");
    }
}
