//! What the tables of the rules share.

use super::{Decision, Edit, Present};
use crate::board::moment::Moment;
use crate::board::tasks::Tasks;

pub(super) fn board(text: &str) -> Tasks {
    Tasks::parse(text).unwrap_or_else(|err| panic!("{text}: {err}"))
}

pub(super) fn present(agent: &str) -> Present<'_> {
    Present {
        at: Moment::parse("2026-01-12T10:00:00Z").expect("an instant"),
        agent,
        seed: 7,
    }
}

/// Each edit as a line.
pub(super) fn shown(decision: &Decision) -> Vec<String> {
    decision.edits.iter().map(line).collect()
}

fn line(edit: &Edit) -> String {
    match edit {
        Edit::Add(task) => format!("+ {}", task.id),
        Edit::Set { at, member, value } => format!("{at}.{member} = {value}"),
        Edit::Unset { at, member } => format!("{at}.{member} -"),
        Edit::Push { at, member, value } => format!("{at}.{member} += {value}"),
        Edit::Context {
            at,
            key,
            value: Some(value),
        } => format!("{at}.context.{key} = {value}"),
        Edit::Context {
            at,
            key,
            value: None,
        } => format!("{at}.context.{key} -"),
        Edit::Note { at, entry } => {
            let holder = entry.holder.as_ref().map(|it| format!(" of {it}"));
            let changed =
                (!entry.changed.is_empty()).then(|| format!(" ({})", entry.changed.join(", ")));
            let said = [&entry.result, &entry.reason, &entry.note];
            let said = said.into_iter().flatten().map(|it| format!(": {it}"));
            let parts: Vec<_> = holder.into_iter().chain(changed).chain(said).collect();
            format!(
                "{at}.history += {} by {}{}",
                entry.action,
                entry.agent,
                parts.concat()
            )
        }
    }
}
