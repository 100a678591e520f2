//! The text of a new story. Pure.

use super::NewStory;
use crate::document::Document;
use crate::error::EditError;
use crate::lifecycle::FLAGS;
use crate::moment::Moment;
use crate::sanitise::{body, slug, title, trim, unfenced};
use crate::value::Value;

/// Writes a new story: the fields in the order of the contract (section 3), then the extras, then the body.
///
/// # Errors
///
/// [`EditError`] when a field cannot be written.
pub(super) fn document(
    new: &NewStory,
    id: &str,
    priority: f64,
    now: Moment,
) -> Result<Document, EditError> {
    let title = title(&new.title);
    let mut story = Document::parse("---\n---\n").expect("an empty mapping is a frontmatter");
    story.set("id", id)?;
    story.set("title", title.as_str())?;
    story.set("slug", slug(&title))?;
    story.set("priority", number(priority))?;
    story.set("status", "backlog")?;
    story.set("type", new.kind.as_deref().unwrap_or("feature"))?;
    story.set("created", now.day())?;
    story.set("labels", Value::List(Vec::new()))?;
    for label in &new.labels {
        story.add_to_set("labels", label.as_str())?;
    }
    for flag in FLAGS {
        story.set(flag, false)?;
    }
    story.set("content_type", "code")?;
    for (path, value) in &new.extras {
        story.set(path, value.clone())?;
    }
    story.set_body(&text(&title, new.body.as_deref()));
    Ok(story)
}

/// A whole number as one.
fn number(number: f64) -> Value {
    let is_whole = number.fract() == 0.0 && number.abs() < 1e15;
    #[expect(clippy::cast_possible_truncation, reason = "it is whole and small")]
    let whole = number as i64;
    if is_whole {
        Value::from(whole)
    } else {
        Value::Float(number)
    }
}

/// The body: as given, made harmless and without blanks around it, which the reference tool would cut anyway.
fn text(title: &str, given: Option<&str>) -> String {
    let Some(given) = given else {
        return format!(
            "# {title}\n\n## Summary\n\n[What is wanted, and why]\n\n## Acceptance Criteria\n\n- [ ] [What must hold]\n"
        );
    };
    // The frontmatter's lines end with LF.
    let clean = body(given).replace("\r\n", "\n");
    match trim(&clean) {
        "" => String::new(),
        text => format!("{}\n", unfenced(text, title)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment() -> Moment {
        Moment::parse("2026-03-04T05:06:07Z").expect("an instant")
    }

    fn written(new: &NewStory) -> String {
        let story = document(new, "S-0007", 30.0, moment()).expect("it can be written");
        String::from_utf8(story.into_bytes()).expect("text")
    }

    #[test]
    fn document_has_the_fields_in_their_order_and_a_body_to_fill_in() {
        let new = NewStory {
            title: "Pay: `now`".to_owned(),
            ..NewStory::default()
        };
        let expected = "---\nid: S-0007\ntitle: 'Pay: now'\nslug: pay-now\npriority: 30\nstatus: backlog\n\
                        type: feature\ncreated: '2026-03-04'\nlabels: []\nresearch_complete: false\n\
                        plan_complete: false\nimplementation_complete: false\nreviews_complete: false\n\
                        content_type: code\n---\n# Pay: now\n\n## Summary\n\n[What is wanted, and why]\n\n\
                        ## Acceptance Criteria\n\n- [ ] [What must hold]\n";
        assert_eq!(written(&new), expected, "as the reference tool would");
    }

    #[test]
    fn document_takes_what_the_caller_says() {
        let new = NewStory {
            title: "日本".to_owned(),
            kind: Some("bug".to_owned()),
            labels: vec!["a".to_owned(), "b".to_owned(), "a".to_owned()],
            body: Some("\n  Text<script>x</script>.\n\n".to_owned()),
            extras: vec![
                ("assignee".to_owned(), "Ann".into()),
                ("content_type".to_owned(), "mixed".into()),
                ("priority".to_owned(), 5.into()),
            ],
            ..NewStory::default()
        };
        let text = written(&new);
        for line in [
            "title: 日本\nslug: ''\npriority: 5\n",
            "type: bug\n",
            "labels:\n  - a\n  - b\nresearch",
            "content_type: mixed\nassignee: Ann\n---\nText.\n",
        ] {
            assert!(text.contains(line), "{line:?} stands in {text}");
        }
    }

    #[test]
    fn body_never_begins_like_a_frontmatter() {
        let table = [
            (Some("---js\nx\n---\n"), "# T\n\n---js\nx\n---\n"),
            (Some("\n---\na: 1\n---"), "# T\n\n---\na: 1\n---\n"),
            (Some("x\n---\n"), "x\n---\n"),
            (Some("x\r\n---\r\ny"), "x\n---\ny\n"),
            (Some(" \n"), ""),
            (Some(""), ""),
        ];
        for (given, expected) in table {
            assert_eq!(text("T", given), expected, "the body {given:?}");
        }
    }

    #[test]
    fn number_is_whole_where_it_can_be() {
        assert_eq!(number(10.0), 10.into(), "whole");
        assert_eq!(number(-10.0), (-10).into(), "negative");
        assert_eq!(number(1.5), Value::Float(1.5), "a fraction");
        assert_eq!(number(1e300), Value::Float(1e300), "a huge one");
    }
}
