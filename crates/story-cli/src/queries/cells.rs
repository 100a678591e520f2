//! Text in columns of a terminal: its width, cut, filled, wrapped. Pure.

use std::borrow::Cow;

use story::workspace::StoryCopy;
use story::{Head, Moment, Status};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use crate::terminal::{Style, escape_line};

/// What stands for the rest of a text that was cut.
const ELLIPSIS: char = '…';

/// How many columns a text takes.
pub fn width(text: &str) -> usize {
    if text.is_ascii() {
        text.len()
    } else {
        text.width()
    }
}

/// Cuts a text to a width; what was cut is told by an ellipsis.
pub fn cut(text: &str, most: usize) -> Cow<'_, str> {
    if width(text) <= most {
        return text.into();
    }
    let mut kept = head(text, most.saturating_sub(1)).trim_end().to_owned();
    if most > 0 {
        kept.push(ELLIPSIS);
    }
    kept.into()
}

/// As many characters as fit into a width.
fn head(text: &str, most: usize) -> &str {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += c.width().unwrap_or(0);
        if used > most {
            return &text[..at];
        }
    }
    text
}

/// Fills a text up with blanks.
pub fn pad(text: &str, to: usize) -> String {
    let blanks = to.saturating_sub(width(text));
    format!("{text}{:blanks$}", "")
}

/// Breaks a text into lines of a width at blanks, and within words that are longer. What does not fit into `lines` is cut.
pub fn wrap(text: &str, most: usize, lines: usize) -> Vec<String> {
    let mut wrapped: Vec<String> = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() && wrapped.len() < lines {
        if wrapped.len() + 1 == lines || width(rest) <= most {
            wrapped.push(cut(rest, most).into_owned());
            break;
        }
        let fitting = head(rest, most);
        // A blank right behind what fits ends a line as well.
        let ends_word = rest[fitting.len()..].starts_with(' ');
        let end = match fitting.rfind(' ') {
            Some(blank) if !ends_word => blank,
            _ => fitting.len(),
        };
        // Not even one character fits: it is shown all the same.
        let end = if end == 0 {
            rest.chars().next().map_or(rest.len(), char::len_utf8)
        } else {
            end
        };
        wrapped.push(rest[..end].trim_end().to_owned());
        rest = rest[end..].trim_start();
    }
    wrapped
}

/// The style of a status.
pub fn style_of(status: &Status) -> Style {
    match status {
        Status::Backlog => Style::Backlog,
        Status::Ready => Style::Ready,
        Status::InProgress => Style::InProgress,
        Status::Done => Style::Done,
        Status::Blocked => Style::Blocked,
        Status::Other(_) => Style::Foreign,
    }
}

/// The title, harmless and on one line.
pub fn title(head: &Head) -> Cow<'_, str> {
    head.title.as_deref().map_or(Cow::Borrowed(""), escape_line)
}

/// The id, harmless and on one line.
pub fn id(head: &Head) -> Cow<'_, str> {
    escape_line(&head.id)
}

/// The priority, where there is one.
pub fn priority(head: &Head) -> String {
    head.priority
        .map_or_else(String::new, |priority| priority.to_string())
}

/// What is not the main copy is marked.
pub fn mark(head: &Head) -> &'static str {
    match head.copy {
        StoryCopy::Main => "",
        StoryCopy::Worktree { .. } => "[worktree]",
        StoryCopy::Legacy { .. } => "[legacy]",
    }
}

/// Who works on it: the owner of a live claim, else who it is assigned to.
pub fn owner(head: &Head, now: Moment) -> Cow<'_, str> {
    let claimed = head.claim().is_some_and(|claim| claim.is_live(now));
    let claimant = head.claimed_by.as_deref().filter(|_| claimed);
    claimant
        .or(head.assignee.as_deref())
        .map_or(Cow::Borrowed(""), escape_line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cut_counts_columns_and_not_bytes() {
        let table = [
            ("plain", 5, "plain"),
            ("plain", 4, "pla…"),
            ("two words", 5, "two…"),
            ("日本語", 6, "日本語"),
            ("日本語", 5, "日本…"),
            ("日本語", 4, "日…"),
            ("e\u{301}te", 3, "e\u{301}te"),
            ("ab", 1, "…"),
            ("ab", 0, ""),
            ("", 0, ""),
        ];
        for (text, most, expected) in table {
            assert_eq!(cut(text, most), expected, "{text:?} in {most}");
        }
        assert_eq!(pad("日", 4), "日  ", "a wide character takes two columns");
    }

    #[test]
    fn wrap_breaks_at_blanks_and_long_words() {
        let table = [
            ("one two three", 7, 3, &["one two", "three"][..]),
            ("one two three", 8, 3, &["one two", "three"]),
            ("one two three", 6, 3, &["one", "two", "three"]),
            ("one two three", 7, 1, &["one tw…"]),
            ("one two three four", 7, 2, &["one two", "three…"]),
            ("abcdefgh", 3, 3, &["abc", "def", "gh"]),
            ("日本語", 4, 2, &["日本", "語"]),
            ("日本", 1, 2, &["日", "…"]),
            ("  ", 4, 2, &[]),
            ("x", 4, 0, &[]),
        ];
        for (text, most, lines, expected) in table {
            assert_eq!(
                wrap(text, most, lines),
                expected,
                "{text:?} in {most} x {lines}"
            );
        }
    }
}
