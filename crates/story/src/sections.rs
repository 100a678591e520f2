//! Sections of a story's body: what stands under a `## ` heading, and a text that is added to it. Pure.

use std::borrow::Cow;

use crate::body;
use crate::document::Document;
use crate::operation_error::OperationError;

/// Appends a text under a heading: after its last text and before the next `## `, with a blank line around. A missing
/// heading is added at the end of the body.
///
/// The first section of that heading counts; the heading is the whole line, and a line in a fenced block of code is none.
/// No byte that is there changes. The text gets the line ends of the file; empty lines around it are dropped, and nothing
/// happens when nothing is left. A `## ` line *in* the text begins a section of its own.
///
/// # Errors
///
/// [`OperationError::Heading`] when the heading is empty or more than one line. Retrying does not help.
pub fn append_under(story: &mut Document, heading: &str, text: &str) -> Result<(), OperationError> {
    let heading = heading_of(heading)?;
    let eol = story.line_end();
    let text = trimmed(text).replace("\r\n", "\n").replace('\n', eol);
    if text.is_empty() {
        return Ok(());
    }
    let insertion = body::under(story.body(), heading, text.as_bytes(), eol);
    story.splice_body(insertion.at..insertion.at, &insertion.text);
    Ok(())
}

/// Reads what stands under a heading, trimmed; `None` when there is no such heading. Bytes that are no UTF-8 are replaced.
pub fn under<'a>(story: &'a Document, heading: &str) -> Option<Cow<'a, str>> {
    let body = story.body();
    let found = body::section(body, heading_of(heading).ok()?)?;
    Some(String::from_utf8_lossy(body[found.content].trim_ascii()))
}

/// The heading without its mark, which people write out of habit.
fn heading_of(given: &str) -> Result<&str, OperationError> {
    let heading = given.trim_start();
    let heading = heading.strip_prefix("## ").unwrap_or(heading).trim();
    if heading.is_empty() || heading.chars().any(char::is_control) {
        return Err(OperationError::Heading {
            given: given.to_owned(),
        });
    }
    Ok(heading)
}

/// Without the empty lines at both ends; the first line keeps its indentation.
fn trimmed(text: &str) -> &str {
    let text = text.trim_end();
    let blanks = text.len() - text.trim_start().len();
    let start = text[..blanks].rfind('\n').map_or(0, |at| at + 1);
    &text[start..]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn story(body: &str) -> Document {
        Document::parse(format!("---\nid: S-1 # one\n---\n{body}")).expect("a story")
    }

    #[test]
    fn append_under_adds_the_text_and_its_heading() {
        let table = [
            ("\n# T\n", "Notes", "a\n", "\n# T\n\n## Notes\n\na\n"),
            (
                "## N\n\na\n",
                "## N",
                "\n\n  b\n- c\n\n",
                "## N\n\na\n\n  b\n- c\n",
            ),
            ("## N\n\na\n", "N", " \n\t\n", "## N\n\na\n"),
            ("## N\n\na\n", "N", "b\r\nc", "## N\n\na\n\nb\nc\n"),
        ];
        for (before, heading, text, after) in table {
            let mut edited = story(before);
            append_under(&mut edited, heading, text).expect("a heading");
            assert_eq!(
                edited,
                story(after),
                "{text:?} under {heading:?} in {before:?}"
            );
        }
    }

    #[test]
    fn append_under_works_in_every_kind_of_file() {
        let table: [(&[u8], &[u8]); 4] = [
            (b"---\nid: S-1\n---", b"---\nid: S-1\n---\n## N\n\na\nb\n"),
            (
                b"\xef\xbb\xbf---\r\nid: S-1\r\n---\r\n## N\r\n\xff\r\n",
                b"\xef\xbb\xbf---\r\nid: S-1\r\n---\r\n## N\r\n\xff\r\n\r\na\r\nb\r\n",
            ),
            (
                b"---\r\nid: S-1\r\n---",
                b"---\r\nid: S-1\r\n---\r\n## N\r\n\r\na\r\nb\r\n",
            ),
            (
                b"---\nid: S-1\n---\n---\nno: fence\n---\n",
                b"---\nid: S-1\n---\n---\nno: fence\n---\n\n## N\n\na\nb\n",
            ),
        ];
        for (before, after) in table {
            let mut edited = Document::parse(before).expect("a story");
            append_under(&mut edited, "N", "a\nb").expect("a heading");
            assert_eq!(
                String::from_utf8_lossy(edited.as_bytes()),
                String::from_utf8_lossy(after),
                "two lines under N"
            );
            assert_eq!(edited.as_bytes(), after, "to the byte");
            edited.set("status", "ready").expect("it can be edited on");
            Document::parse(edited.as_bytes()).expect("and is a story still");
        }
    }

    #[test]
    fn append_under_refuses_what_is_no_heading() {
        for given in ["", "  ", "## ", "a\nb", "a\rb", "a\0"] {
            let mut edited = story("x\n");
            let refused = append_under(&mut edited, given, "text");
            assert!(
                matches!(refused, Err(OperationError::Heading { .. })),
                "{given:?} is refused: {refused:?}"
            );
            assert_eq!(edited, story("x\n"), "and nothing has changed");
        }
    }

    #[test]
    fn appended_texts_stand_in_their_order() {
        let mut edited = story("# T\n\n## Notes\n\n## Last\nend");
        for number in 0..20 {
            append_under(&mut edited, "Notes", &format!("- {number}")).expect("a heading");
        }
        let expected: Vec<String> = (0..20).map(|number| format!("- {number}")).collect();
        let found = under(&edited, "Notes").expect("it is there").into_owned();
        assert_eq!(found, expected.join("\n\n"), "all of them, in order");
        assert_eq!(
            under(&edited, "Last").as_deref(),
            Some("end"),
            "the rest stays"
        );
        assert_eq!(under(&edited, "Other"), None, "no such heading");
    }
}
