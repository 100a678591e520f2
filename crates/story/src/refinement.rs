//! Refinements: a story that a review sends back is worked on again, a limited number of times. Pure.

use crate::body;
use crate::document::Document;
use crate::limits::Limits;
use crate::moment::Moment;
use crate::operation_error::OperationError;
use crate::recovery::{Budget, counter, own_limit};
use crate::sections;
use crate::value::Value;

const COUNT: &str = "refinement_count";
const MAX: &str = "max_refinement_attempts";
const ITERATIONS: &str = "refinement_iterations";
/// The section that reviews and refinements are written down in.
const NOTES: &str = "Review Notes";
const BLOCK: &[u8] = b"### ";

/// How often the story was refined, and whether it may be refined again: the story's own `max_refinement_attempts` comes
/// before the configuration's limit.
pub fn refinements(story: &Document, limits: &Limits) -> Budget {
    let limit = own_limit(story, MAX).unwrap_or(limits.refinements);
    Budget::up_to(counter(story, COUNT), limit)
}

/// Notes that an agent begins to refine the story, and returns which refinement it is, counted from 1. The limit is not
/// asked: that is for the caller to do before.
///
/// # Errors
///
/// [`OperationError::Edit`] when the count is no integer or the iterations are no list.
pub fn record(
    story: &mut Document,
    agent: &str,
    feedback: &str,
    now: Moment,
) -> Result<i128, OperationError> {
    let iteration = story.count(COUNT).unwrap_or(0).saturating_add(1);
    let record: [(&str, Value); 5] = [
        ("iteration", Value::Int(iteration)),
        ("agentType", agent.into()),
        ("startedAt", now.stamp().into()),
        ("reviewFeedback", feedback.into()),
        ("result", "in_progress".into()),
    ];
    let record = record.map(|(key, value)| (key.to_owned(), value));
    story.push(ITERATIONS, Value::Map(record.into()), None)?;
    Ok(story.increment(COUNT, 1)?)
}

/// Appends what a refinement has to say to the section `Review Notes`, under a heading with its number.
///
/// # Errors
///
/// [`OperationError::Heading`] in principle; the heading of the section is a fixed one.
pub fn append_note(story: &mut Document, iteration: u32, text: &str) -> Result<(), OperationError> {
    let note = format!("### Refinement Iteration {iteration}\n\n{text}");
    sections::append_under(story, NOTES, &note)
}

/// The last block of the section `Review Notes`: from the text of its `### ` heading to the end of the section, trimmed.
/// `None` when there is no such block.
pub fn latest_feedback(story: &Document) -> Option<String> {
    let notes = sections::under(story, NOTES)?;
    let last = body::marked(notes.as_bytes(), BLOCK).last()?;
    Some(notes[last.start + BLOCK.len()..].trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limit;

    fn story(yaml: &str, body: &str) -> Document {
        Document::parse(format!("---\n{yaml}---\n{body}")).expect("a story")
    }

    fn now() -> Moment {
        Moment::parse("2026-03-04T05:06:07.089Z").expect("an instant")
    }

    #[test]
    fn refinements_are_exhausted_when_the_limit_is_reached() {
        let table = [
            ("a: 1\n", 3, false),
            ("refinement_count: 2\n", 3, false),
            ("refinement_count: 3\n", 3, true),
            (
                "refinement_count: 3\nmax_refinement_attempts: 4\n",
                4,
                false,
            ),
            ("max_refinement_attempts: 0\n", 0, true),
            (
                "refinement_count: 3\nmax_refinement_attempts: none\n",
                3,
                true,
            ),
        ];
        for (yaml, limit, is_exhausted) in table {
            let found = refinements(&story(yaml, ""), &Limits::default());
            assert_eq!(found.limit, Limit::Times(limit), "the limit of {yaml:?}");
            assert_eq!(found.is_exhausted, is_exhausted, "of {yaml:?}");
        }
    }

    #[test]
    fn record_counts_and_appends() {
        let one = |n: u32| {
            format!(
                "  - iteration: {n}\n    agentType: refiner\n    startedAt: '2026-03-04T05:06:07.089Z'\n    \
                 reviewFeedback: 'no tests: add some'\n    result: in_progress\n"
            )
        };
        let table = [
            (
                "id: S-1 # one\n".to_owned(),
                Some(format!("id: S-1 # one\nrefinement_iterations:\n{}refinement_count: 1\n", one(1))),
            ),
            (
                "refinement_count: 4 # so far\nrefinement_iterations:\n  - iteration: 4 # the last\n".to_owned(),
                Some(format!(
                    "refinement_count: 5 # so far\nrefinement_iterations:\n  - iteration: 4 # the last\n{}",
                    one(5)
                )),
            ),
            ("refinement_count: many\n".to_owned(), None),
            ("refinement_iterations: none\n".to_owned(), None),
        ];
        for (before, expected) in table {
            let mut edited = story(&before, "body\n");
            let recorded = record(&mut edited, "refiner", "no tests: add some", now());
            let found = recorded.ok().map(|_| edited.frontmatter().to_owned());
            assert_eq!(found, expected, "from {before:?}");
        }
    }

    #[test]
    fn append_note_stands_last_under_review_notes() {
        let note = "### Refinement Iteration 2\n\nTests added.\n";
        let table = [
            ("# T\n", format!("# T\n\n## Review Notes\n\n{note}")),
            (
                "## Review Notes\n\n### Review 1\n\nbad\n\n## Later\n",
                format!("## Review Notes\n\n### Review 1\n\nbad\n\n{note}\n## Later\n"),
            ),
        ];
        for (before, after) in table {
            let mut edited = story("id: S-1 # one\n", before);
            append_note(&mut edited, 2, "Tests added.\n").expect("a body can be added to");
            assert_eq!(edited, story("id: S-1 # one\n", &after), "in {before:?}");
            let feedback = latest_feedback(&edited);
            let expected = Some("Refinement Iteration 2\n\nTests added.");
            assert_eq!(feedback.as_deref(), expected, "and it is the latest");
        }
    }

    #[test]
    fn latest_feedback_is_the_last_block_of_the_section() {
        let table = [
            ("", None),
            ("## Review Notes\n", None),
            ("## Review Notes\n\nno block\n", None),
            (
                "### A\n\n## Review Notes\n\nno block\n\n## B\n\n### C\n",
                None,
            ),
            ("## Review Notes\n\n### A\n\na\n", Some("A\n\na")),
            (
                "## Review Notes\n### A\n### B\n\nb\n\n## C\n",
                Some("B\n\nb"),
            ),
            (
                "## Review Notes\n\n### A\n\n#### Detail\n\nx ### y\n",
                Some("A\n\n#### Detail\n\nx ### y"),
            ),
            (
                "## Review Notes\n\n### A\n\n```\n### code\n```\n",
                Some("A\n\n```\n### code\n```"),
            ),
            (
                "## Review Notes\r\n\r\n### A\r\n\r\na\r\n",
                Some("A\r\n\r\na"),
            ),
        ];
        for (body, expected) in table {
            let found = latest_feedback(&story("id: S-1\n", body));
            assert_eq!(found.as_deref(), expected, "of {body:?}");
        }
    }
}
