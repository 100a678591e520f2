//! Texts of several lines -> literal (`|`) and folded (`>`) block scalars.

/// Writes a literal block scalar: header and lines, without the last line end.
pub(crate) fn literal(text: &str, indent: usize) -> String {
    format!("|{}", body(text, text, indent))
}

/// Writes a folded block scalar whose lines are at most `width` long where blanks allow it.
pub(crate) fn folded(text: &str, indent: usize, width: usize) -> String {
    format!(">{}", body(text, &fold(text, width), indent))
}

/// Whether the header needs `+`, because line ends after the last line belong to the text.
pub(crate) fn needs_keep(text: &str) -> bool {
    text == "\n" || text.ends_with("\n\n")
}

fn body(text: &str, lines: &str, indent: usize) -> String {
    // Without the digit a reader would take leading blanks of the text for indentation. All
    // blocks are indented by two.
    let digit = if text.trim_start_matches('\n').starts_with(' ') {
        "2"
    } else {
        ""
    };
    let chomping = if needs_keep(text) {
        "+"
    } else if text.ends_with('\n') {
        ""
    } else {
        "-"
    };
    let pad = " ".repeat(indent);
    let mut out = format!("{digit}{chomping}");
    for line in lines.strip_suffix('\n').unwrap_or(lines).split('\n') {
        out.push('\n');
        if !line.is_empty() {
            out.push_str(&pad);
            out.push_str(line);
        }
    }
    out
}

/// Breaks long lines, and doubles the line ends between lines that a reader would fold.
fn fold(text: &str, width: usize) -> String {
    let mut lines = text.split('\n');
    let first = lines.next().unwrap_or("");
    let mut out = fold_line(first, width);
    // Line ends next to lines that begin with a blank are kept by readers, so are those before
    // the first content.
    let mut kept = text.starts_with(['\n', ' ']);
    let mut pending = 0;
    let lines: Vec<&str> = lines.collect();
    for (at, line) in lines.iter().enumerate() {
        pending += 1;
        let last = at + 1 == lines.len();
        if line.is_empty() && !last {
            continue;
        }
        let begins_blank = line.starts_with(' ');
        out.push_str(&"\n".repeat(pending));
        if !kept && !begins_blank && !line.is_empty() {
            out.push('\n');
        }
        out.push_str(&fold_line(line, width));
        kept = begins_blank;
        pending = 0;
    }
    out
}

/// Breaks one line greedily at single blanks; a word longer than the width stays whole.
fn fold_line(line: &str, width: usize) -> String {
    if line.starts_with(' ') || line.chars().count() <= width {
        return line.to_owned();
    }
    let chars: Vec<char> = line.chars().collect();
    let is_break =
        |at: usize| chars[at] == ' ' && chars.get(at + 1).is_some_and(|next| *next != ' ');
    let mut out = String::with_capacity(line.len() + line.len() / width + 1);
    let mut start = 0;
    // The last place where a break is possible; `start` means none yet.
    let mut candidate = 0;
    for at in (0..chars.len()).filter(|at| is_break(*at)) {
        if at - start > width {
            let end = if candidate > start { candidate } else { at };
            out.extend(&chars[start..end]);
            out.push('\n');
            start = end + 1;
        }
        candidate = at;
    }
    if chars.len() - start > width && candidate > start {
        out.extend(&chars[start..candidate]);
        out.push('\n');
        start = candidate + 1;
    }
    out.extend(&chars[start..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literal_chooses_header_by_text() {
        let table = [
            ("a\nb", "|-\n  a\n  b"),
            ("a\nb\n", "|\n  a\n  b"),
            ("a\n\n\n", "|+\n  a\n\n"),
            ("\n", "|+\n"),
            ("  a\nb", "|2-\n    a\n  b"),
            ("\n  a", "|2-\n\n    a"),
            ("a\n   \nb", "|-\n  a\n     \n  b"),
        ];
        for (text, expected) in table {
            assert_eq!(literal(text, 2), expected, "{text:?}");
        }
    }

    #[test]
    fn folded_breaks_greedily_at_single_blanks() {
        let table = [
            ("aaa bbb ccc", ">-\n  aaa bbb\n  ccc"),
            ("aaa  bbb ccc", ">-\n  aaa \n  bbb ccc"),
            ("aaaaaaaaaaaa", ">-\n  aaaaaaaaaaaa"),
            ("aaaaaaaaaaaa b", ">-\n  aaaaaaaaaaaa\n  b"),
            ("aaa bbb ccc\nd\n", ">\n  aaa bbb\n  ccc\n\n  d"),
            (" aaa bbb ccc\nd", ">2-\n   aaa bbb ccc\n  d"),
            ("a\n\nb\n b\nc", ">-\n  a\n\n\n  b\n   b\n  c"),
        ];
        for (text, expected) in table {
            assert_eq!(folded(text, 2, 7), expected, "{text:?}");
        }
    }
}
