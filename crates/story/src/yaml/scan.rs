//! Looks at YAML text between the nodes: blanks, comments, line ends, headers of block scalars.

use std::ops::Range;

/// The first byte at or after `at` that is neither blank, line end nor comment.
pub(crate) fn skip_space(text: &str, mut at: usize) -> usize {
    let bytes = text.as_bytes();
    loop {
        match bytes.get(at) {
            Some(b' ' | b'\t' | b'\r' | b'\n') => at += 1,
            Some(b'#') if at == 0 || matches!(bytes[at - 1], b' ' | b'\t' | b'\r' | b'\n') => {
                at += memchr::memchr2(b'\n', b'\r', &bytes[at..]).unwrap_or(bytes.len() - at);
            }
            _ => return at,
        }
    }
}

/// The first byte of the line that holds `at`.
pub(crate) fn line_start(text: &str, at: usize) -> usize {
    memchr::memrchr(b'\n', &text.as_bytes()[..at]).map_or(0, |newline| newline + 1)
}

/// Where the line that holds `at` ends, before its line end.
pub(crate) fn line_end(text: &str, at: usize) -> usize {
    let next = next_line(text, at);
    let line = &text[at..next];
    let line = line
        .strip_suffix('\n')
        .map_or(line, |line| line.strip_suffix('\r').unwrap_or(line));
    at + line.len()
}

/// The first byte after the line that holds `at`, its line end included.
pub(crate) fn next_line(text: &str, at: usize) -> usize {
    memchr::memchr(b'\n', &text.as_bytes()[at..]).map_or(text.len(), |newline| at + newline + 1)
}

/// The column of `at`, counted in bytes from 0.
pub(crate) fn column(text: &str, at: usize) -> usize {
    at - line_start(text, at)
}

/// Whether only spaces stand before `at` on its line.
pub(crate) fn starts_line(text: &str, at: usize) -> bool {
    text.as_bytes()[line_start(text, at)..at]
        .iter()
        .all(|byte| *byte == b' ')
}

/// The span of a block scalar: from its header to the end of its last line, which is that of its
/// text unless the header says `+`.
///
/// The parser's span leaves the header out and takes blank lines after the text in. A line of
/// blanks is part of the text where it is longer than the `indent` of the block.
pub(crate) fn block_scalar_span(
    text: &str,
    header: usize,
    raw_end: usize,
    indent: Option<usize>,
) -> Range<usize> {
    let mut indicators_end = header + 1;
    while matches!(
        text.as_bytes().get(indicators_end),
        Some(b'0'..=b'9' | b'+' | b'-')
    ) {
        indicators_end += 1;
    }
    let keeps = text[header..indicators_end].contains('+');
    let indent = indent.unwrap_or(usize::MAX);
    let mut end = indicators_end;
    let mut line_start = next_line(text, indicators_end);
    while line_start < raw_end {
        let line_end = line_end(text, line_start);
        if line_end > raw_end {
            // The parser went on over the indentation of what follows.
            break;
        }
        let line = &text[line_start..line_end];
        if keeps || line.len() > indent || !line.trim_start_matches(' ').is_empty() {
            end = line_end;
        }
        line_start = next_line(text, line_start);
    }
    header..end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skip_space_stops_at_content_only() {
        let table = [
            ("  a", 2),
            ("# c\n  a", 6),
            (" #c\r\n#d\na", 8),
            ("#", 1),
            ("a#", 0),
            ("", 0),
        ];
        for (text, expected) in table {
            assert_eq!(skip_space(text, 0), expected, "{text:?}");
        }
        assert_eq!(skip_space("a#b", 1), 1, "a # after content is no comment");
    }

    #[test]
    fn block_scalar_span_covers_header_to_last_line() {
        let table = [
            ("|\n  x\n  y\n\n\nb", 12, Some(2), "|\n  x\n  y"),
            (">-\n  x  \n\n", 10, Some(2), ">-\n  x  "),
            ("|+\n  x\n\n\n", 9, Some(2), "|+\n  x\n\n"),
            ("| # c\n  x\n", 10, Some(2), "| # c\n  x"),
            ("|\r\n  x\r\n", 8, Some(2), "|\r\n  x"),
            ("|-\n\n\n", 5, None, "|-"),
            ("|-\n   \n", 7, None, "|-"),
            ("|\nb: 1", 2, None, "|"),
            ("|2-\n   x", 8, Some(2), "|2-\n   x"),
            ("|2-\n\n   \n \n", 11, Some(2), "|2-\n\n   "),
            ("|-\n  x\n   \n  \n", 14, Some(2), "|-\n  x\n   "),
            ("|-\n    x\n    y: 1\n", 13, Some(4), "|-\n    x"),
        ];
        for (text, raw_end, indent, expected) in table {
            let span = block_scalar_span(text, 0, raw_end, indent);
            assert_eq!(&text[span], expected, "span in {text:?}");
        }
    }
}
