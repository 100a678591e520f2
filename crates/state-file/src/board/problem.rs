//! What on a board can never come right by itself. Pure.

use std::collections::HashMap;
use std::fmt;

use super::circle::{self, Links};
use super::error::RuleError;
use super::task::Status;
use super::tasks::Tasks;

/// Something about a task that somebody has to mend; files that were edited by hand may have it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// It depends on a task that is not there, and is never ready.
    UnknownDependency {
        /// The task.
        task: String,
        /// What it depends on.
        dependency: String,
    },
    /// It is in progress, and nobody holds it.
    NoHolder {
        /// The task.
        task: String,
    },
    /// A child and its parent do not name each other.
    OneSided {
        /// The parent.
        parent: String,
        /// The child.
        child: String,
    },
    /// Tasks wait for each other in a circle.
    Circle {
        /// The way round, the first again at the end.
        ids: Vec<String>,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownDependency { task, dependency } => {
                write!(f, "{task} depends on {dependency}, which is not there")
            }
            Self::NoHolder { task } => write!(f, "{task} is in progress, and nobody holds it"),
            Self::OneSided { parent, child } => {
                write!(f, "{child} and its parent {parent} do not name each other")
            }
            Self::Circle { ids } => {
                write!(
                    f,
                    "tasks wait for each other in a circle: {}",
                    ids.join(" -> ")
                )
            }
        }
    }
}

/// All problems of a board; of its circles one.
pub(super) fn problems(tasks: &Tasks) -> Vec<Problem> {
    let mut problems = Vec::new();
    for task in tasks.all() {
        let id = || task.id.clone();
        let unknown = task
            .dependencies
            .iter()
            .filter(|it| tasks.find(it).is_none());
        problems.extend(unknown.map(|dependency| Problem::UnknownDependency {
            task: id(),
            dependency: dependency.clone(),
        }));
        if task.status == Status::InProgress && task.assignee.is_none() {
            problems.push(Problem::NoHolder { task: id() });
        }
        let of_children = task.children.iter().filter(|child| {
            let parent = tasks.find(child).and_then(|child| child.parent.as_ref());
            parent != Some(&task.id)
        });
        problems.extend(of_children.map(|child| Problem::OneSided {
            parent: id(),
            child: child.clone(),
        }));
        let lost = task.parent.iter().filter(|parent| {
            let parent = tasks.find(parent);
            !parent.is_some_and(|parent| parent.children.contains(&task.id))
        });
        problems.extend(lost.map(|parent| Problem::OneSided {
            parent: parent.clone(),
            child: id(),
        }));
    }
    problems.extend(a_circle(tasks));
    problems
}

/// Takes away what waits for nothing that is left, again and again; what then remains has a circle.
fn a_circle(tasks: &Tasks) -> Option<Problem> {
    let waits = |at: usize| {
        let task = &tasks.all()[at];
        let ids = task.dependencies.iter().chain(&task.children);
        ids.filter_map(|id| tasks.place(id))
    };
    let mut waited_for_by: HashMap<usize, Vec<usize>> = HashMap::new();
    let mut open: Vec<usize> = vec![0; tasks.all().len()];
    for (at, open) in open.iter_mut().enumerate() {
        for other in waits(at) {
            *open += 1;
            waited_for_by.entry(other).or_default().push(at);
        }
    }
    let mut free: Vec<usize> = (0..open.len()).filter(|at| open[*at] == 0).collect();
    while let Some(at) = free.pop() {
        for waiting in waited_for_by.remove(&at).unwrap_or_default() {
            open[waiting] -= 1;
            if open[waiting] == 0 {
                free.push(waiting);
            }
        }
    }
    let left = (0..open.len()).filter(|at| open[*at] > 0);
    left.into_iter().find_map(|at| {
        let id = &tasks.all()[at].id;
        match circle::refuse(tasks, &Links::default(), id) {
            Err(RuleError::Circle { ids }) => Some(Problem::Circle { ids }),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_are_told_by_task() {
        let table: [(&str, &[&str]); 6] = [
            (
                r#"[{"id": "a", "dependencies": ["b"]}, {"id": "b", "children": ["c"]}, {"id": "c", "parent": "b"}]"#,
                &[],
            ),
            (
                r#"[{"id": "a", "dependencies": ["x"]}]"#,
                &["a depends on x, which is not there"],
            ),
            (
                r#"[{"id": "a", "status": "in_progress"}]"#,
                &["a is in progress, and nobody holds it"],
            ),
            (
                r#"[{"id": "a", "children": ["b"]}, {"id": "b"}]"#,
                &["b and its parent a do not name each other"],
            ),
            (
                r#"[{"id": "a"}, {"id": "b", "parent": "a"}]"#,
                &["b and its parent a do not name each other"],
            ),
            (
                r#"[{"id": "z", "dependencies": ["a"]}, {"id": "a", "dependencies": ["b"]}, {"id": "b", "dependencies": ["a"]}]"#,
                &["tasks wait for each other in a circle: a -> b -> a"],
            ),
        ];
        for (text, expected) in table {
            let tasks = Tasks::parse(text).expect("a board");
            let found: Vec<_> = problems(&tasks).iter().map(Problem::to_string).collect();
            assert_eq!(found, expected, "in {text}");
        }
    }
}
