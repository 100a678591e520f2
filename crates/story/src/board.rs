//! Which stories a list or board shows, and in which order. Pure.

mod label;

use std::cmp::Ordering;

pub use label::{LabelPattern, PatternError};

use crate::by_id::ById;
use crate::head::Head;
use crate::moment::Moment;
use crate::status::Status;

/// What an epic's label, and often its name, begins with.
const EPIC: &str = "epic-";

/// Which stories are shown: those that satisfy everything that is asked for. The default shows all.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// One of these, if there are any.
    pub statuses: Vec<Status>,
    /// For each pattern at least one label.
    pub labels: Vec<LabelPattern>,
    /// Belongs to this epic, with or without `epic-` before it: by the field `epic`, or by a label `epic-…`.
    pub epic: Option<String>,
    /// Is assigned to, or was claimed by, this one.
    pub owner: Option<String>,
    /// Can be started at this moment, see [`is_ready`].
    pub ready_at: Option<Moment>,
    /// The id or the title holds this text, ignoring case.
    pub text: Option<String>,
}

impl Filter {
    /// Whether a story is shown. `all`: every story, for its dependencies.
    pub fn shows(&self, head: &Head, all: &ById<'_>) -> bool {
        let has = |pattern: &LabelPattern| head.labels.iter().any(|label| pattern.matches(label));
        (self.statuses.is_empty() || self.statuses.contains(&head.status))
            && self.labels.iter().all(has)
            && self
                .epic
                .as_deref()
                .is_none_or(|epic| is_of_epic(head, epic))
            && self
                .owner
                .as_deref()
                .is_none_or(|owner| is_of_owner(head, owner))
            && self
                .text
                .as_deref()
                .is_none_or(|text| holds_text(head, text))
            && self.ready_at.is_none_or(|now| is_ready(head, now, all))
    }

    /// The stories that are shown, in the order of the board.
    pub fn select<'a>(&self, heads: &'a [Head]) -> Vec<&'a Head> {
        let needs_all = self.ready_at.is_some();
        let all = ById::new(heads.iter().filter(|_| needs_all));
        let mut shown: Vec<_> = heads.iter().filter(|head| self.shows(head, &all)).collect();
        shown.sort_by(|a, b| order(a, b));
        shown
    }
}

/// Whether a story can be started: its status is ready, nobody has a live claim on it, and all its dependencies are done.
/// A dependency that is not there is not done.
pub fn is_ready(head: &Head, now: Moment, all: &ById<'_>) -> bool {
    head.status == Status::Ready
        && head.claim().is_none_or(|claim| !claim.is_live(now))
        && head.dependencies.iter().all(|id| all.is_done(id))
}

/// Whether a story belongs to an epic: its field `epic` is `x` or `epic-x`, or it has the label `epic-x`.
pub fn is_of_epic(head: &Head, epic: &str) -> bool {
    let bare = |name: &str| name.strip_prefix(EPIC).unwrap_or(name).to_owned();
    let epic = bare(epic);
    let is_label = |label: &String| label.strip_prefix(EPIC) == Some(epic.as_str());
    head.epic.as_deref().map(bare) == Some(epic.clone()) || head.labels.iter().any(is_label)
}

fn is_of_owner(head: &Head, owner: &str) -> bool {
    let names = [&head.assignee, &head.claimed_by];
    names.into_iter().any(|name| name.as_deref() == Some(owner))
}

fn holds_text(head: &Head, text: &str) -> bool {
    let wanted = text.to_lowercase();
    let texts = [Some(&head.id), head.title.as_ref()];
    let mut texts = texts.into_iter().flatten();
    texts.any(|text| text.to_lowercase().contains(&wanted))
}

/// The order of the board: by column, priority (lower first, missing last), `created` as text (missing last), id; then by
/// file, so that no two stories are equal.
pub fn order(a: &Head, b: &Head) -> Ordering {
    let column = |head: &Head| column_of(&head.status);
    let priority = |head: &Head| head.priority.unwrap_or(f64::INFINITY);
    column(a)
        .cmp(&column(b))
        .then_with(|| a.status.as_str().cmp(b.status.as_str()))
        .then_with(|| a.priority.is_none().cmp(&b.priority.is_none()))
        .then_with(|| priority(a).total_cmp(&priority(b)))
        .then_with(|| a.created.is_none().cmp(&b.created.is_none()))
        .then_with(|| a.created.cmp(&b.created))
        .then_with(|| a.id.cmp(&b.id))
        .then_with(|| a.path.cmp(&b.path))
}

/// The column of a status, counted from 0; those of other tools come last.
pub fn column_of(status: &Status) -> usize {
    let place = Status::ALL.iter().position(|other| other == status);
    place.unwrap_or(Status::ALL.len())
}

#[cfg(test)]
mod tests;
