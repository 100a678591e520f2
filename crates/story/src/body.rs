//! The body as lines: headings, what stands under them, and where a text is put in. Pure, on bytes: a body need not be UTF-8.
//!
//! A section begins with a line that is `## ` and its heading, and ends before the next line that begins with `## `, as
//! in the reference tool. Two things differ from its search for a part of a text. The heading is the *whole* line, so
//! that `### Notes` and `## Notes on tests` are not taken for `## Notes`. And what stands in a fenced block of code is no
//! heading: a text must not end up in somebody's example. A fence that is never closed is taken for text, for else a
//! forgotten one would hide everything below it.

use std::ops::Range;

/// What every heading of a section begins with.
pub(crate) const MARK: &[u8] = b"## ";

/// A section of a body, in bytes from the start of the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Section {
    /// The line of the heading, with its end.
    pub(crate) heading: Range<usize>,
    /// Everything up to the next section.
    pub(crate) content: Range<usize>,
}

/// A text that is put into a body; nothing else changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Insertion {
    /// Where.
    pub(crate) at: usize,
    /// What.
    pub(crate) text: Vec<u8>,
}

/// Finds the first section of that heading.
pub(crate) fn section(body: &[u8], heading: &str) -> Option<Section> {
    let mut found: Option<Range<usize>> = None;
    for line in headings(body) {
        match &found {
            Some(heading) => {
                return Some(Section {
                    heading: heading.clone(),
                    content: heading.end..line.start,
                });
            }
            None if heading_in(&body[line.clone()]) == heading.as_bytes() => found = Some(line),
            None => {}
        }
    }
    found.map(|heading| Section {
        content: heading.end..body.len(),
        heading,
    })
}

/// Where `text` goes to stand last under a heading, with a blank line around; a missing heading comes with it.
/// `text` has the line ends `eol`, and neither begins nor ends with an empty line.
pub(crate) fn under(body: &[u8], heading: &str, text: &[u8], eol: &str) -> Insertion {
    let eol = eol.as_bytes();
    if let Some(found) = section(body, heading) {
        let whole = found.heading.start..found.content.end;
        return append(body, whole, text, eol);
    }
    let title = [MARK, heading.as_bytes()].concat();
    append(body, 0..body.len(), &[&title, eol, eol, text].concat(), eol)
}

/// Where `text` goes to stand after the last text in a part of a body.
fn append(body: &[u8], part: Range<usize>, text: &[u8], eol: &[u8]) -> Insertion {
    let is_last = part.end == body.len();
    let Some(at) = end_of_text(body, part.clone()) else {
        return Insertion {
            at: part.end,
            text: [text, eol].concat(),
        };
    };
    let gap = memchr::memchr_iter(b'\n', &body[at..part.end]).count();
    let wanted = if is_last { 1 } else { 2 };
    let missing = eol.repeat(wanted - gap.min(wanted));
    Insertion {
        at,
        text: [eol, eol, text, &missing].concat(),
    }
}

/// Where the last line with any text in it ends, before its line end; `None` when there is none.
fn end_of_text(body: &[u8], part: Range<usize>) -> Option<usize> {
    let filled = body[part.clone()].trim_ascii_end().len();
    if filled == 0 {
        return None;
    }
    let from = part.start + filled;
    let line_feed = memchr::memchr(b'\n', &body[from..part.end]);
    let Some(line_feed) = line_feed.map(|after| from + after) else {
        return Some(part.end);
    };
    let has_return = line_feed > from && body[line_feed - 1] == b'\r';
    Some(if has_return { line_feed - 1 } else { line_feed })
}

/// The text of a heading's line.
fn heading_in(line: &[u8]) -> &[u8] {
    line.strip_prefix(MARK).unwrap_or_default().trim_ascii()
}

/// The lines that are headings of sections, outside of code.
fn headings(body: &[u8]) -> impl Iterator<Item = Range<usize>> {
    marked(body, MARK)
}

/// The lines that begin with a mark such as `### `, outside of code.
pub(crate) fn marked<'a>(body: &'a [u8], mark: &'a [u8]) -> impl Iterator<Item = Range<usize>> {
    plain_lines(body, 0..body.len()).filter(move |line| body[line.clone()].starts_with(mark))
}

/// The lines in a part of a body that are not in a block of code.
pub(crate) fn plain_lines(
    body: &[u8],
    part: Range<usize>,
) -> impl Iterator<Item = Range<usize>> + '_ {
    let code = fenced(body);
    lines(body).filter(move |line| {
        let before = code.partition_point(|block| block.end <= line.start);
        let is_code = code
            .get(before)
            .is_some_and(|block| block.contains(&line.start));
        part.contains(&line.start) && !is_code
    })
}

/// The lines of a text, each with its end.
fn lines(text: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    std::iter::from_fn(move || {
        if start == text.len() {
            return None;
        }
        let end = memchr::memchr(b'\n', &text[start..]).map_or(text.len(), |at| start + at + 1);
        let line = start..end;
        start = end;
        Some(line)
    })
}

/// The blocks of code between fences, with their fences, in order.
fn fenced(body: &[u8]) -> Vec<Range<usize>> {
    let fences: Vec<(Range<usize>, Fence)> = lines(body)
        .filter_map(|line| Some((line.clone(), Fence::in_line(&body[line])?)))
        .collect();
    let closers = longest_closers(&fences);
    let mut blocks = Vec::new();
    let mut at = 0;
    while let Some((opening, fence)) = fences.get(at) {
        at += 1;
        if !fence.opens || closers[at][fence.kind()] < fence.length {
            continue;
        }
        while let Some((closing, other)) = fences.get(at) {
            at += 1;
            if other.closes(fence) {
                blocks.push(opening.start..closing.end);
                break;
            }
        }
    }
    blocks
}

/// For each fence, and behind the last: the longest that could close anything from there on, by kind. So nobody looks
/// in vain through the rest of a body for each fence that is never closed.
fn longest_closers(fences: &[(Range<usize>, Fence)]) -> Vec<[usize; 2]> {
    let mut longest = vec![[0, 0]; fences.len() + 1];
    for (at, (_, fence)) in fences.iter().enumerate().rev() {
        longest[at] = longest[at + 1];
        if fence.is_bare {
            let known = &mut longest[at][fence.kind()];
            *known = fence.length.max(*known);
        }
    }
    longest
}

/// A line that opens or closes a block of code, as `CommonMark` has it.
#[derive(Debug, Clone, Copy)]
struct Fence {
    mark: u8,
    length: usize,
    /// Nothing stands behind it.
    is_bare: bool,
    opens: bool,
}

impl Fence {
    /// Up to three blanks, then three backticks or tildes or more; no backtick behind backticks, for that is code in a line.
    fn in_line(line: &[u8]) -> Option<Self> {
        let indent = line.iter().take_while(|byte| **byte == b' ').count();
        let line = line.get(indent..).filter(|_| indent <= 3)?;
        let mark = *line.first().filter(|mark| matches!(mark, b'`' | b'~'))?;
        let length = line.iter().take_while(|byte| **byte == mark).count();
        let behind = &line[length..];
        (length >= 3).then(|| Self {
            mark,
            length,
            is_bare: behind.trim_ascii().is_empty(),
            opens: mark == b'~' || !behind.contains(&b'`'),
        })
    }

    /// 0 for backticks, 1 for tildes.
    fn kind(&self) -> usize {
        usize::from(self.mark == b'~')
    }

    fn closes(&self, opening: &Self) -> bool {
        self.is_bare && self.mark == opening.mark && self.length >= opening.length
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands under `## Notes`, as it is.
    fn content(body: &str) -> Option<&str> {
        section(body.as_bytes(), "Notes").map(|found| &body[found.content])
    }

    #[test]
    fn section_is_the_first_of_its_heading_up_to_the_next() {
        let table = [
            ("", None),
            ("Notes\n", None),
            ("## Notes", Some("")),
            ("## Notes\n", Some("")),
            ("## Notes  \t\nx\n", Some("x\n")),
            ("##   Notes\nx\n", Some("x\n")),
            ("## Notes\r\nx\r\n## Next\r\n", Some("x\r\n")),
            ("# A\n## Notes\na\n\n## Next\nb\n", Some("a\n\n")),
            ("## Notes\na\n## Notes\nb\n", Some("a\n")),
            (
                "## Notes\n### Sub\na\n# Top\nb\n",
                Some("### Sub\na\n# Top\nb\n"),
            ),
            ("## Notes\n##Next\n", Some("##Next\n")),
            ("### Notes\na\n", None),
            ("## Notes on tests\na\n", None),
            ("## notes\na\n", None),
            ("see ## Notes\na\n", None),
            (" ## Notes\na\n", None),
        ];
        for (body, expected) in table {
            assert_eq!(
                content(body),
                expected,
                "what stands under Notes in {body:?}"
            );
        }
    }

    #[test]
    fn section_does_not_begin_or_end_in_a_block_of_code() {
        let table = [
            ("```\n## Notes\n```\n", None),
            ("~~~ md\n## Notes\n```\n~~~\n", None),
            ("```\n## Notes\n```\n## Notes\nb\n", Some("b\n")),
            (
                "## Notes\n```sh\n## no heading\n```\nb\n## Next\n",
                Some("```sh\n## no heading\n```\nb\n"),
            ),
            ("````\n```\n## Notes\n````\n", None),
            ("```\r\n## Notes\r\n```\r\n", None),
            // Never closed: text.
            ("```\n## Notes\nb\n", Some("b\n")),
            ("````\n## Notes\n```\nb\n", Some("```\nb\n")),
            // No fences: four blanks, code in a line, two marks.
            ("    ```\n## Notes\nb\n    ```\n", Some("b\n    ```\n")),
            ("```x```\n## Notes\nb\n```\n", Some("b\n```\n")),
            ("``\n## Notes\nb\n``\n", Some("b\n``\n")),
        ];
        for (body, expected) in table {
            assert_eq!(
                content(body),
                expected,
                "what stands under Notes in {body:?}"
            );
        }
    }

    #[test]
    fn under_puts_the_text_last_in_its_section_and_changes_nothing_else() {
        // Before, and after "new" was put under Notes.
        let table = [
            ("", "## Notes\n\nnew\n"),
            ("\n", "\n## Notes\n\nnew\n"),
            ("a", "a\n\n## Notes\n\nnew\n"),
            ("a\n", "a\n\n## Notes\n\nnew\n"),
            ("a\n\n\n", "a\n\n## Notes\n\nnew\n\n\n"),
            ("## Notes", "## Notes\n\nnew\n"),
            ("## Notes\n", "## Notes\n\nnew\n"),
            ("## Notes\n\na", "## Notes\n\na\n\nnew\n"),
            ("## Notes\n\na  \n", "## Notes\n\na  \n\nnew\n"),
            ("## Notes\na\n## B\n", "## Notes\na\n\nnew\n\n## B\n"),
            ("## Notes\na\n\n## B\n", "## Notes\na\n\nnew\n\n## B\n"),
            ("## Notes\na\n \n\n## B", "## Notes\na\n\nnew\n \n\n## B"),
            ("## Notes\n## B\n", "## Notes\n\nnew\n\n## B\n"),
            (
                "## A\n```\n## Notes\n```\n",
                "## A\n```\n## Notes\n```\n\n## Notes\n\nnew\n",
            ),
        ];
        for (before, expected) in table {
            let mut after = before.as_bytes().to_vec();
            let insertion = under(&after, "Notes", b"new", "\n");
            after.splice(insertion.at..insertion.at, insertion.text);
            assert_eq!(
                String::from_utf8_lossy(&after),
                expected,
                "\"new\" under Notes in {before:?}"
            );
        }
    }

    #[test]
    fn under_keeps_the_line_ends_of_the_file() {
        let before = b"## Notes\r\na \xff\r\n## B\r\n";
        let mut after = before.to_vec();
        let insertion = under(before, "Notes", b"new", "\r\n");
        after.splice(insertion.at..insertion.at, insertion.text);
        assert_eq!(
            after, b"## Notes\r\na \xff\r\n\r\nnew\r\n\r\n## B\r\n",
            "CR LF around the new text, and bytes that are no text kept"
        );
    }
}
