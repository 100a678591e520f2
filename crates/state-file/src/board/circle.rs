//! Whether tasks would wait for each other for ever. Pure.

use std::collections::{HashMap, HashSet};

use super::error::RuleError;
use super::tasks::Tasks;

/// What a task is going to wait for, in place of or besides what the board says.
#[derive(Debug, Default)]
pub(super) struct Links<'a> {
    /// Of each task named here these are all, instead of those on the board: its dependencies and its children.
    pub(super) instead: HashMap<&'a str, Vec<&'a str>>,
}

/// Looks for a circle through a task. A task waits for its dependencies, for it cannot be claimed before; and for its
/// children, for it cannot be completed before.
///
/// # Errors
///
/// [`RuleError::Circle`].
pub(super) fn refuse(tasks: &Tasks, links: &Links<'_>, start: &str) -> Result<(), RuleError> {
    let mut seen = HashSet::from([start]);
    // The way to where we are, and at each step what is still to be looked at.
    let mut way = vec![(start, next(tasks, links, start))];
    while let Some((_, open)) = way.last_mut() {
        match open.pop() {
            Some(id) if id == start => {
                let ids = way.iter().map(|(id, _)| (*id).to_owned());
                let ids = ids.chain([start.to_owned()]).collect();
                return Err(RuleError::Circle { ids });
            }
            Some(id) => {
                if seen.insert(id) {
                    way.push((id, next(tasks, links, id)));
                }
            }
            None => {
                way.pop();
            }
        }
    }
    Ok(())
}

fn next<'a>(tasks: &'a Tasks, links: &Links<'a>, id: &str) -> Vec<&'a str> {
    if let Some(instead) = links.instead.get(id) {
        return instead.clone();
    }
    let Some(task) = tasks.find(id) else {
        return Vec::new();
    };
    let ids = task.dependencies.iter().chain(&task.children);
    ids.map(String::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuse_finds_circles_through_dependencies_and_children() {
        let text = r#"[{"id": "a", "dependencies": ["b"]}, {"id": "b", "children": ["c"]},
            {"id": "c", "dependencies": ["e"]}, {"id": "x", "dependencies": ["y"]}, {"id": "y", "dependencies": ["x"]}]"#;
        let tasks = Tasks::parse(text).expect("a board");
        let table = [
            ("e", vec![], None),
            ("e", vec!["nobody"], None),
            ("e", vec!["e"], Some("e -> e")),
            ("e", vec!["a"], Some("e -> a -> b -> c -> e")),
            ("e", vec!["b"], Some("e -> b -> c -> e")),
            // A circle that was there before, and through which the new link does not go.
            ("e", vec!["x"], None),
        ];
        for (start, waits, expected) in table {
            let links = Links {
                instead: HashMap::from([(start, waits.clone())]),
            };
            let found = refuse(&tasks, &links, start).err().map(|err| match err {
                RuleError::Circle { ids } => ids.join(" -> "),
                err => panic!("{err}"),
            });
            assert_eq!(found.as_deref(), expected, "{start} waits for {waits:?}");
        }
    }
}
