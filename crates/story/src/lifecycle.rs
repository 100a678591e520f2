//! The way of a story from the backlog to done: what moves it, blocks it and sends it back. Pure.

use crate::document::Document;
use crate::operation_error::OperationError;

/// The flags that say which phases are through, in their order.
pub(crate) const FLAGS: [&str; 4] = [
    "research_complete",
    "plan_complete",
    "implementation_complete",
    "reviews_complete",
];

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mark_complete_sets_four_flags_and_nothing_else() {
        let text = "---\nid: S-1\nplan_complete: false # yet\nplan_review_complete: false\n---\n";
        let mut story = Document::parse(text).expect("a story");
        mark_complete(&mut story).expect("flags can be set");
        let expected = "---\nid: S-1\nplan_complete: true # yet\nplan_review_complete: false\n\
                        research_complete: true\nimplementation_complete: true\nreviews_complete: true\n---\n";
        assert_eq!(story.as_str(), Some(expected), "the four flags");
    }
}
