//! Ending the work on a task: done, failed, given back.

use super::{
    Decision, Edits, OPEN_AGAIN, Present, Right, check_agent, check_holder, check_line, entry,
    was_by, wrong_status,
};
use crate::board::entry::{Action, Entry};
use crate::board::error::RuleError;
use crate::board::task::{Status, Task};
use crate::board::tasks::Tasks;

/// Whether a task may be completed while parts of it are not ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OpenChildren {
    /// It may not.
    #[default]
    Refused,
    /// It may; the parts stay as they are.
    Allowed,
}

/// How a task is completed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Completion {
    /// What came of it, for the history.
    pub result: Option<String>,
    /// What about its children.
    pub open_children: OpenChildren,
    /// Who may.
    pub right: Right,
}

const CLAIM_FIRST: &str = "claim it first";

/// Completes a task. Who has done so already is told so, and nothing changes.
pub(in crate::board) fn complete(
    tasks: &Tasks,
    id: &str,
    completion: &Completion,
    present: &Present<'_>,
) -> Result<Decision, RuleError> {
    check_agent(present)?;
    let (at, task) = tasks.expect(id)?;
    if was_by(task, Status::Completed, &Action::Completed, present.agent) {
        return Ok(Decision::already(at));
    }
    check_may_end(task, present, completion.right)?;
    let children = match completion.open_children {
        OpenChildren::Refused => tasks.open_children(task),
        OpenChildren::Allowed => Vec::new(),
    };
    if !children.is_empty() {
        let id = task.id.clone();
        return Err(RuleError::OpenChildren { id, children });
    }
    let mut edits = Edits::of(at);
    edits.set("status", &Status::Completed);
    edits.set("completed_at", &present.at);
    Ok(edits.done(Entry {
        result: completion.result.clone(),
        ..entry(present, Action::Completed, task)
    }))
}

/// Says that a task could not be done. Who has said so already is told so, and nothing changes.
pub(in crate::board) fn fail(
    tasks: &Tasks,
    id: &str,
    reason: &str,
    right: Right,
    present: &Present<'_>,
) -> Result<Decision, RuleError> {
    check_agent(present)?;
    check_reason(reason)?;
    let (at, task) = tasks.expect(id)?;
    if was_by(task, Status::Failed, &Action::Failed, present.agent) {
        return Ok(Decision::already(at));
    }
    check_may_end(task, present, right)?;
    let mut edits = Edits::of(at);
    edits.set("status", &Status::Failed);
    Ok(edits.done(Entry {
        reason: Some(reason.to_owned()),
        ..entry(present, Action::Failed, task)
    }))
}

/// Gives a task back, or what is reserved; one that nobody has is back already.
pub(in crate::board) fn release(
    tasks: &Tasks,
    id: &str,
    right: Right,
    present: &Present<'_>,
) -> Result<Decision, RuleError> {
    check_agent(present)?;
    let (at, task) = tasks.expect(id)?;
    match task.status {
        Status::Pending if task.assignee.is_none() => return Ok(Decision::already(at)),
        Status::Pending | Status::InProgress => check_holder(task, present, right)?,
        Status::Blocked => return Err(wrong_status(task, OPEN_AGAIN)),
        Status::Completed | Status::Failed | Status::Cancelled => {
            return Err(wrong_status(task, "there is nothing to give back"));
        }
    }
    let mut edits = Edits::of(at);
    if task.status != Status::Pending {
        edits.set("status", &Status::Pending);
    }
    edits.unset("assignee");
    Ok(edits.done(entry(present, Action::Released, task)))
}

/// A reason may have several lines.
fn check_reason(reason: &str) -> Result<(), RuleError> {
    let first = reason.trim().lines().next().unwrap_or_default();
    check_line("reason", &first.replace('\t', " "))
}

/// Only who holds a task ends it; with [`Right::Anybody`] a task that nobody holds can be ended, too.
fn check_may_end(task: &Task, present: &Present<'_>, right: Right) -> Result<(), RuleError> {
    if task.status.is_ended() {
        return Err(wrong_status(task, OPEN_AGAIN));
    }
    check_holder(task, present, right)?;
    let is_held = task.status == Status::InProgress && task.assignee.is_some();
    if is_held || right == Right::Anybody {
        Ok(())
    } else {
        Err(wrong_status(task, CLAIM_FIRST))
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_support::{board, present, shown};
    use super::*;

    const BOARD: &str = r#"[{"id": "free"}, {"id": "mine", "status": "in_progress", "assignee": "ann"},
        {"id": "his", "status": "in_progress", "assignee": "bob"}, {"id": "reserved", "assignee": "ann"},
        {"id": "orphan", "status": "in_progress"}, {"id": "blocked", "status": "blocked", "assignee": "ann"},
        {"id": "done", "status": "completed", "history": [{"action": "completed", "agent": "ann"}]},
        {"id": "failed", "status": "failed", "assignee": "ann", "history": [{"action": "failed", "agent": "ann"}]},
        {"id": "whole", "status": "in_progress", "assignee": "ann", "children": ["free", "done", "gone"]}]"#;

    type Found = Result<bool, String>;

    fn changes(decision: Result<Decision, RuleError>) -> Found {
        decision
            .map(|it| !it.edits.is_empty())
            .map_err(|err| err.to_string())
    }

    fn completed(id: &str, right: Right) -> Found {
        let completion = Completion {
            right,
            ..Completion::default()
        };
        changes(complete(&board(BOARD), id, &completion, &present("ann")))
    }

    fn failed(id: &str, right: Right) -> Found {
        changes(fail(&board(BOARD), id, "broken", right, &present("ann")))
    }

    fn released(id: &str, right: Right) -> Found {
        changes(release(&board(BOARD), id, right, &present("ann")))
    }

    const ONLY: Right = Right::Holder;
    const FORCE: Right = Right::Anybody;

    fn check(rule: fn(&str, Right) -> Found, table: &[(&str, Right, Result<bool, &str>)]) {
        for (id, right, expected) in table {
            let expected = expected.map_err(str::to_owned);
            assert_eq!(rule(id, *right), expected, "{id} with {right:?}");
        }
    }

    #[test]
    fn complete_follows_its_rules() {
        let table = [
            ("mine", ONLY, Ok(true)),
            ("done", ONLY, Ok(false)),
            ("free", ONLY, Err("free is pending: claim it first")),
            ("free", FORCE, Ok(true)),
            ("reserved", ONLY, Err("reserved is pending: claim it first")),
            ("his", ONLY, Err("his is taken by bob")),
            ("his", FORCE, Ok(true)),
            ("orphan", ONLY, Err("orphan is in_progress: claim it first")),
            ("blocked", ONLY, Err("blocked is blocked: claim it first")),
            (
                "failed",
                FORCE,
                Err("failed is failed: set it to pending again first"),
            ),
            (
                "whole",
                FORCE,
                Err("whole has children that are not ended: free"),
            ),
            ("x", FORCE, Err("there is no task x")),
        ];
        check(completed, &table);
    }

    #[test]
    fn fail_follows_its_rules() {
        let table = [
            ("mine", ONLY, Ok(true)),
            ("failed", ONLY, Ok(false)),
            ("his", ONLY, Err("his is taken by bob")),
            ("his", FORCE, Ok(true)),
            (
                "done",
                FORCE,
                Err("done is completed: set it to pending again first"),
            ),
            ("whole", ONLY, Ok(true)),
            ("free", ONLY, Err("free is pending: claim it first")),
        ];
        check(failed, &table);
    }

    #[test]
    fn release_follows_its_rules() {
        let table = [
            ("mine", ONLY, Ok(true)),
            ("free", ONLY, Ok(false)),
            ("reserved", ONLY, Ok(true)),
            ("his", ONLY, Err("his is taken by bob")),
            ("his", FORCE, Ok(true)),
            ("orphan", ONLY, Ok(true)),
            (
                "blocked",
                ONLY,
                Err("blocked is blocked: set it to pending again first"),
            ),
            (
                "done",
                ONLY,
                Err("done is completed: there is nothing to give back"),
            ),
        ];
        check(released, &table);
    }

    #[test]
    fn complete_with_open_children_leaves_them() {
        let completion = Completion {
            result: Some("half".to_owned()),
            open_children: OpenChildren::Allowed,
            right: Right::Holder,
        };
        let decision = complete(&board(BOARD), "whole", &completion, &present("ann"));
        let decision = decision.expect("it was asked for");
        assert_eq!(
            shown(&decision),
            [
                r#"8.status = "completed""#,
                r#"8.completed_at = "2026-01-12T10:00:00.000Z""#,
                r#"8.updated_at = "2026-01-12T10:00:00.000Z""#,
                "8.history += completed by ann: half"
            ],
            "only the parent changes"
        );
    }

    #[test]
    fn release_by_force_says_whose_it_was() {
        let decision = release(&board(BOARD), "his", Right::Anybody, &present("ann"));
        assert_eq!(
            shown(&decision.expect("it was asked for")),
            [
                r#"2.status = "pending""#,
                "2.assignee -",
                r#"2.updated_at = "2026-01-12T10:00:00.000Z""#,
                "2.history += released by ann of bob"
            ],
            "it is free again"
        );
    }

    #[test]
    fn fail_wants_a_reason() {
        let found = fail(&board(BOARD), "mine", "\n", Right::Holder, &present("ann"));
        assert_eq!(
            found.expect_err("no reason").to_string(),
            "reason: it is empty",
            "people must know why"
        );
    }
}
