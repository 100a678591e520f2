//! Which task is next. Pure.

use super::error::RuleError;
use super::task::{Status, Task};
use super::tasks::Tasks;

/// Which tasks are meant. The default means all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// It has all of these.
    pub tags: Vec<String>,
    /// It has this one.
    pub complexity: Option<String>,
    /// It is a child of this one.
    pub parent: Option<String>,
}

impl Filter {
    /// Whether a task is meant.
    pub fn accepts(&self, task: &Task) -> bool {
        let complexity = self.complexity.as_deref();
        let parent = self.parent.as_deref();
        self.tags.iter().all(|tag| task.tags.contains(tag))
            && complexity.is_none_or(|it| task.complexity.as_deref() == Some(it))
            && parent.is_none_or(|it| task.parent.as_deref() == Some(it))
    }
}

/// The next task for an agent: pending, reserved for nobody else, all dependencies completed. First by priority (1 before
/// 2), then by age, then by its place in the file; a task of unknown age is older than any.
///
/// # Errors
///
/// [`RuleError::NothingReady`] says how many are pending, and how many of them wait for others.
pub fn next<'a>(tasks: &'a Tasks, agent: &str, filter: &Filter) -> Result<&'a Task, RuleError> {
    let pending = || {
        let all = tasks.all().iter();
        all.filter(|task| task.status == Status::Pending && filter.accepts(task))
    };
    let is_free = |task: &&Task| task.assignee.as_deref().is_none_or(|it| it == agent);
    let ready = pending().filter(|task| tasks.is_ready(task));
    // The first of equals, which is the first in the file.
    let next = ready
        .filter(is_free)
        .min_by_key(|task| (task.priority, task.created_at));
    next.ok_or_else(|| RuleError::NothingReady {
        pending: pending().count(),
        waiting: pending().filter(|task| !tasks.is_ready(task)).count(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOARD: &str = r#"[
        {"id": "done", "status": "completed", "priority": 1},
        {"id": "late", "priority": 2, "created_at": "2026-01-12T10:00:02Z", "tags": ["x", "y"]},
        {"id": "early", "priority": 2, "created_at": "2026-01-12T10:00:01Z", "tags": ["x"], "complexity": "low"},
        {"id": "twin", "priority": 2, "created_at": "2026-01-12T10:00:01Z", "parent": "late"},
        {"id": "waits", "priority": 1, "dependencies": ["late"]},
        {"id": "after", "priority": 9, "dependencies": ["done"], "tags": ["z"]},
        {"id": "reserved", "priority": 1, "assignee": "ann"},
        {"id": "held", "priority": 1, "assignee": "bob", "status": "in_progress"},
        {"id": "lost", "priority": 1, "dependencies": ["nobody"], "tags": ["lost"]}
    ]"#;

    #[test]
    fn next_is_by_priority_age_and_place() {
        let tasks = Tasks::parse(BOARD).expect("a board");
        let tagged = |tags: &[&str]| Filter {
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            ..Filter::default()
        };
        let table = [
            ("bob", Filter::default(), "early"),
            ("ann", Filter::default(), "reserved"),
            ("bob", tagged(&["x", "y"]), "late"),
            ("bob", tagged(&["z"]), "after"),
            (
                "bob",
                Filter {
                    complexity: Some("low".to_owned()),
                    ..Filter::default()
                },
                "early",
            ),
            (
                "bob",
                Filter {
                    parent: Some("late".to_owned()),
                    ..Filter::default()
                },
                "twin",
            ),
        ];
        for (agent, filter, expected) in table {
            let found = next(&tasks, agent, &filter).expect("one is ready");
            assert_eq!(found.id, expected, "{agent} with {filter:?}");
        }
        assert_eq!(
            next(&tasks, "bob", &tagged(&["lost"])).expect_err("none is ready"),
            RuleError::NothingReady {
                pending: 1,
                waiting: 1
            },
            "and why"
        );
    }
}
