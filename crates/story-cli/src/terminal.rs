//! Text that may come from files, made harmless for a terminal; and colours. Pure.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Escapes everything that a terminal could take as a command: control characters, bidirectional
/// overrides, bytes that are no text. Line feeds and tabs stay, and a carriage return before a line feed.
pub fn escape(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes)
        && !text.chars().any(|c| c == '\r' || is_dangerous(c))
    {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(bytes.len() + 16);
    for chunk in bytes.utf8_chunks() {
        let text = chunk.valid();
        let mut rest = text.chars().peekable();
        while let Some(c) = rest.next() {
            match c {
                '\r' if rest.peek() == Some(&'\n') => safe.push(c),
                _ if c == '\r' || is_dangerous(c) => push_escaped(&mut safe, c),
                _ => safe.push(c),
            }
        }
        for byte in chunk.invalid() {
            push(&mut safe, format_args!("\\x{byte:02x}"));
        }
    }
    Cow::Owned(safe)
}

/// As [`escape`], and on one line: line feeds and tabs are escaped as well.
pub fn escape_line(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|c| c.is_control() || is_dangerous(c)) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' => safe.push_str("\\n"),
            '\t' => safe.push_str("\\t"),
            _ if c == '\r' || is_dangerous(c) => push_escaped(&mut safe, c),
            _ => safe.push(c),
        }
    }
    Cow::Owned(safe)
}

/// Whether a terminal may act on the character instead of showing it, or a reader of lines end one there. Line feed, tab
/// and carriage return are the caller's to judge.
pub fn is_dangerous(c: char) -> bool {
    (c.is_control() && !matches!(c, '\n' | '\t' | '\r'))
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn push_escaped(safe: &mut String, c: char) {
    match c {
        '\r' => safe.push_str("\\r"),
        '\0'..='\u{7f}' => push(safe, format_args!("\\x{:02x}", u32::from(c))),
        _ => push(safe, format_args!("\\u{{{:x}}}", u32::from(c))),
    }
}

fn push(safe: &mut String, text: std::fmt::Arguments<'_>) {
    safe.write_fmt(text).expect("a String takes any text");
}

/// What a piece of output is, for those who see colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// The word `error:`.
    Error,
    /// The word `warning:`.
    Warning,
    /// The word `hint:`.
    Hint,
    /// A line that a change removes.
    Removed,
    /// A line that a change adds.
    Added,
    /// A heading.
    Heading,
    /// What matters less.
    Dim,
    /// Who works on a story.
    Owner,
    /// The status of that name, as those that follow.
    Backlog,
    /// Its status.
    Ready,
    /// Its status.
    InProgress,
    /// Its status.
    Done,
    /// Its status.
    Blocked,
    /// A status of another tool.
    Foreign,
}

/// Where tables and boards are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Canvas {
    /// Columns.
    pub width: usize,
    /// Whether there are colours.
    pub has_colour: bool,
}

impl Canvas {
    /// Paints a text, where there are colours.
    pub fn paint(self, style: Style, text: &str) -> String {
        if self.has_colour && !text.is_empty() {
            paint(style, text)
        } else {
            text.to_owned()
        }
    }
}

/// Wraps `text` in the escape sequences of its style.
pub fn paint(style: Style, text: &str) -> String {
    let code = match style {
        Style::Error | Style::Blocked => "1;31",
        Style::Warning | Style::InProgress => "1;33",
        Style::Hint | Style::Ready => "1;36",
        Style::Removed => "31",
        Style::Added => "32",
        Style::Heading => "1",
        Style::Dim => "2",
        Style::Owner => "36",
        Style::Backlog => "1;34",
        Style::Done => "1;32",
        Style::Foreign => "1;35",
    };
    format!("\x1b[{code}m{text}\x1b[0m")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_makes_sequences_visible_and_keeps_text() {
        let table: [(&[u8], &str); 9] = [
            (b"plain\ttext\n", "plain\ttext\n"),
            ("Ünïcode 日本語 🚀".as_bytes(), "Ünïcode 日本語 🚀"),
            (b"\x1b]0;owned\x07", "\\x1b]0;owned\\x07"),
            (b"crlf\r\nlone\rcr", "crlf\r\nlone\\rcr"),
            ("c1 \u{9b}2J".as_bytes(), "c1 \\u{9b}2J"),
            ("bidi \u{202e}x".as_bytes(), "bidi \\u{202e}x"),
            ("line \u{2028}x".as_bytes(), "line \\u{2028}x"),
            (b"bytes \xff\xfe", "bytes \\xff\\xfe"),
            (b"nul \0 del \x7f", "nul \\x00 del \\x7f"),
        ];
        for (bytes, expected) in table {
            assert_eq!(escape(bytes), expected, "{bytes:?} on a terminal");
        }
    }

    #[test]
    fn escape_line_leaves_one_line() {
        let line = escape_line("a\nb\tc\u{1b}[2J");
        assert_eq!(
            line, "a\\nb\\tc\\x1b[2J",
            "a message cannot fake a second line"
        );
    }
}
