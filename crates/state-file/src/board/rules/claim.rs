//! Beginning to work on a task.

use super::{
    Decision, Edits, OPEN_AGAIN, Present, Right, check_agent, check_holder, entry, wrong_status,
};
use crate::board::choose::{self, Filter};
use crate::board::entry::Action;
use crate::board::error::RuleError;
use crate::board::task::{Status, Task};
use crate::board::tasks::Tasks;

/// Claims a task by name. Who holds it already is told so, and nothing changes.
pub(in crate::board) fn claim(
    tasks: &Tasks,
    id: &str,
    present: &Present<'_>,
) -> Result<Decision, RuleError> {
    check_agent(present)?;
    let (at, task) = tasks.expect(id)?;
    match task.status {
        Status::InProgress if task.assignee.as_deref() == Some(present.agent) => {
            return Ok(Decision::already(at));
        }
        Status::Pending | Status::InProgress => check_holder(task, present, Right::Holder)?,
        Status::Blocked => return Err(wrong_status(task, OPEN_AGAIN)),
        Status::Completed | Status::Failed | Status::Cancelled => {
            return Err(wrong_status(task, OPEN_AGAIN));
        }
    }
    let waits_for = tasks.waits_for(task);
    if !waits_for.is_empty() {
        let id = task.id.clone();
        return Err(RuleError::NotReady { id, waits_for });
    }
    Ok(take(at, task, present))
}

/// Claims the next task that is ready.
pub(in crate::board) fn claim_next(
    tasks: &Tasks,
    filter: &Filter,
    present: &Present<'_>,
) -> Result<Decision, RuleError> {
    check_agent(present)?;
    let task = choose::next(tasks, present.agent, filter)?;
    let (at, task) = tasks.expect(&task.id)?;
    Ok(take(at, task, present))
}

fn take(at: usize, task: &Task, present: &Present<'_>) -> Decision {
    let mut edits = Edits::of(at);
    edits.set("status", &Status::InProgress);
    edits.set("assignee", &present.agent);
    edits.done(entry(present, Action::Claimed, task))
}

#[cfg(test)]
mod tests {
    use super::super::test_support::{board, present, shown};
    use super::*;

    const BOARD: &str = r#"[{"id": "free"}, {"id": "mine", "status": "in_progress", "assignee": "ann"},
        {"id": "his", "status": "in_progress", "assignee": "bob"}, {"id": "reserved", "assignee": "bob"},
        {"id": "orphan", "status": "in_progress"}, {"id": "blocked", "status": "blocked", "assignee": "ann"},
        {"id": "done", "status": "completed", "assignee": "ann"}, {"id": "failed", "status": "failed"},
        {"id": "waits", "dependencies": ["done", "failed", "nobody"]}, {"id": "after", "dependencies": ["done"]}]"#;

    #[test]
    fn claim_follows_its_rules() {
        let tasks = board(BOARD);
        let table = [
            ("free", Ok(true)),
            ("after", Ok(true)),
            ("orphan", Ok(true)),
            ("mine", Ok(false)),
            ("his", Err("his is taken by bob")),
            ("reserved", Err("reserved is taken by bob")),
            (
                "blocked",
                Err("blocked is blocked: set it to pending again first"),
            ),
            (
                "done",
                Err("done is completed: set it to pending again first"),
            ),
            (
                "waits",
                Err("waits is not ready: failed is failed, there is no task nobody"),
            ),
            ("nobody", Err("there is no task nobody")),
        ];
        for (id, expected) in table {
            let found = claim(&tasks, id, &present("ann"));
            let found = found
                .map(|it| !it.edits.is_empty())
                .map_err(|err| err.to_string());
            assert_eq!(found, expected.map_err(str::to_owned), "ann claims {id}");
        }
    }

    #[test]
    fn claim_says_who_works_since_when() {
        let decision = claim(&board(BOARD), "free", &present("ann")).expect("it is free");
        assert_eq!(
            shown(&decision),
            [
                r#"0.status = "in_progress""#,
                r#"0.assignee = "ann""#,
                r#"0.updated_at = "2026-01-12T10:00:00.000Z""#,
                "0.history += claimed by ann"
            ],
            "and nothing else"
        );
    }

    #[test]
    fn claim_next_takes_what_is_reserved_or_free() {
        let next = |agent| {
            let decision = claim_next(&board(BOARD), &Filter::default(), &present(agent));
            decision.map(|it| it.place).map_err(|err| err.to_string())
        };
        assert_eq!(next("ann"), Ok(0), "the first of equals");
        let all_taken = board(r#"[{"id": "a", "assignee": "bob"}]"#);
        let found = claim_next(&all_taken, &Filter::default(), &present("ann"));
        assert_eq!(
            found.expect_err("it is bob's").to_string(),
            "no task is ready (1 pending, 0 of them wait for others)",
            "what is reserved for others is not ready"
        );
    }
}
