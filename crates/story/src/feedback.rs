//! What people say about a story, in its body. Pure.

use crate::document::Document;
use crate::moment::Moment;

/// Appends what a person says under a heading of its own, with a blank line before it. Its lines end like those of the file.
pub fn append(story: &mut Document, text: &str, now: Moment) {
    let body = story.body();
    let ends_with_blank_line = body.ends_with(b"\n\n") || body.ends_with(b"\n\r\n");
    let gap = if body.is_empty() || ends_with_blank_line {
        ""
    } else {
        "\n"
    };
    let heading = format!("## Human Feedback ({})", now.stamp());
    let text = text.trim().replace("\r\n", "\n");
    story.append_body(&format!("{gap}{heading}\n\n{text}\n"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn append_makes_a_section_at_the_end() {
        let section = "## Human Feedback (2026-03-04T05:06:07.000Z)\n\nNo.\nReally.\n";
        let table = [
            ("", section.to_owned()),
            ("# T\n", format!("# T\n\n{section}")),
            ("# T", format!("# T\n\n{section}")),
            ("# T\n\n", format!("# T\n\n{section}")),
        ];
        let now = Moment::parse("2026-03-04T05:06:07Z").expect("an instant");
        for (body, expected) in table {
            for eol in ["\n", "\r\n"] {
                let text = format!("---\nid: S-1\n---\n{body}").replace('\n', eol);
                for said in ["\nNo.\nReally.\n\n", "No.\r\nReally.\r\n"] {
                    let mut story = Document::parse(text.as_str()).expect("a story");
                    append(&mut story, said, now);
                    let found = std::str::from_utf8(story.body()).expect("text");
                    assert_eq!(
                        found,
                        expected.replace('\n', eol),
                        "{said:?} after {body:?}, {eol:?}"
                    );
                }
            }
        }
    }
}
