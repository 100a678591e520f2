//! A new list or mapping in place of an old one: keeps what is equal at head and tail.

use super::{Child, Edit, Planner, Refusal, Trail, child_count, is_flow, refuse_marks};
use crate::value::Value;
use crate::yaml::node::{Kind, Node};

impl Planner<'_> {
    /// Plans to replace the value of a node. `None`: it has that value already.
    pub(super) fn replace(&self, trail: &Trail, value: &Value) -> Result<Option<Edit>, Refusal> {
        let node = trail.node(self.root());
        let old = self.reader().value(node);
        if old.same(value) {
            return Ok(None);
        }
        refuse_marks(node)?;
        let new = match (&node.kind, value) {
            (Kind::List { .. }, Value::List(items)) => children_of_list(items),
            (Kind::Map { .. }, Value::Map(entries)) => children_of_map(entries),
            _ => return self.whole(trail, value).map(Some),
        };
        if new.is_empty() || child_count(node) == 0 {
            return self.whole(trail, value).map(Some);
        }
        self.replace_children(trail, node, new).map(Some)
    }

    fn replace_children(
        &self,
        trail: &Trail,
        node: &Node,
        mut new: Vec<Child>,
    ) -> Result<Edit, Refusal> {
        let old = child_count(node);
        let same = |at: usize, child: &Child| self.child_is(node, at, child);
        let most = old.min(new.len());
        let head = (0..most).take_while(|at| same(*at, &new[*at])).count();
        let tail = (0..most - head)
            .take_while(|at| same(old - 1 - at, &new[new.len() - 1 - at]))
            .count();
        let removed = head..old - tail;
        new.truncate(new.len() - tail);
        let inserted = new.split_off(head);
        if let [child] = inserted.as_slice()
            && removed.len() == 1
            && name_of(node, head) == name(child)
        {
            let below = trail.child(head);
            if let Some(edit) = self.replace(&below, child.value())? {
                return Ok(edit);
            }
        }
        // A mapping on the line of a dash gives its first entry no line of its own.
        if head == 0 && tail == 0 && !is_flow(node) {
            return self.whole(trail, &value_of(node, inserted));
        }
        self.children(trail, removed, inserted)
    }

    fn child_is(&self, node: &Node, at: usize, child: &Child) -> bool {
        let equal = |old| self.reader().value(old).same(child.value());
        name_of(node, at) == name(child) && node.child(at).is_some_and(equal)
    }
}

fn children_of_list(items: &[Value]) -> Vec<Child> {
    items.iter().cloned().map(Child::Item).collect()
}

fn children_of_map(entries: &[(String, Value)]) -> Vec<Child> {
    entries
        .iter()
        .map(|(name, value)| Child::Entry(name.clone(), value.clone()))
        .collect()
}

fn value_of(node: &Node, children: Vec<Child>) -> Value {
    if matches!(node.kind, Kind::List { .. }) {
        return Value::List(
            children
                .into_iter()
                .map(|child| child.value().clone())
                .collect(),
        );
    }
    let entries = children.into_iter().filter_map(|child| match child {
        Child::Entry(name, value) => Some((name, value)),
        Child::Item(_) => None,
    });
    Value::Map(entries.collect())
}

fn name(child: &Child) -> Option<&str> {
    match child {
        Child::Item(_) => None,
        Child::Entry(name, _) => Some(name),
    }
}

fn name_of(node: &Node, at: usize) -> Option<&str> {
    match &node.kind {
        Kind::Map { entries, .. } => Some(entries[at].name()),
        _ => None,
    }
}
