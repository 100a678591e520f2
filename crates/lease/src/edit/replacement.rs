//! Finding the one place that is meant, and putting something else there. Pure.

use memchr::memmem::Finder;

use super::error::EditError;
use crate::project_path::ProjectPath;

/// How many places are named at most; chosen: enough to see which of them was meant.
const MOST_NAMED: usize = 10;

/// How many places are counted; chosen: beyond it the number tells nothing more, and counting a long piece that overlaps itself
/// takes minutes.
pub(super) const MOST_COUNTED: usize = 1_000;

/// Why there is no one place that is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mismatch {
    /// There is none.
    Nowhere,
    /// There are several: how many, up to [`MOST_COUNTED`], and the lines in which the first of them begin.
    Several { count: usize, lines: Vec<usize> },
}

impl Mismatch {
    pub(super) fn of(self, path: &ProjectPath) -> EditError {
        let path = path.clone();
        match self {
            Self::Nowhere => EditError::NotFound { path },
            Self::Several { count, lines } => EditError::Ambiguous { path, count, lines },
        }
    }
}

/// `text` with `new` in place of `old`, which must occur exactly once. Places that overlap count, each: `aa` occurs twice in
/// `aaa`, and which one is meant cannot be known.
pub(super) fn replace_once(text: &[u8], old: &[u8], new: &[u8]) -> Result<Vec<u8>, Mismatch> {
    let finder = Finder::new(old);
    let at = finder.find(text).ok_or(Mismatch::Nowhere)?;
    if finder.find(&text[at + 1..]).is_some() {
        return Err(several(text, &finder));
    }
    let mut replaced = Vec::with_capacity(text.len() - old.len() + new.len());
    replaced.extend_from_slice(&text[..at]);
    replaced.extend_from_slice(new);
    replaced.extend_from_slice(&text[at + old.len()..]);
    Ok(replaced)
}

/// Counts the places. Each takes about as long as the piece is, for pieces that overlap themselves.
fn several(text: &[u8], finder: &Finder<'_>) -> Mismatch {
    let mut lines = Vec::new();
    let (mut count, mut from) = (0, 0);
    let (mut line, mut counted_to) = (1, 0);
    while count < MOST_COUNTED
        && let Some(found) = finder.find(&text[from..])
    {
        let at = from + found;
        if lines.len() < MOST_NAMED {
            line += memchr::memchr_iter(b'\n', &text[counted_to..at]).count();
            counted_to = at;
            lines.push(line);
        }
        count += 1;
        from = at + 1;
    }
    Mismatch::Several { count, lines }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn piece_that_occurs_once_is_replaced_and_nothing_else() {
        let table: [[&[u8]; 4]; 7] = [
            [b"one two three", b"two", b"2", b"one 2 three"],
            [b"start", b"st", b"", b"art"],
            [b"the end", b"end", b"end.", b"the end."],
            [b"all", b"all", b"", b""],
            [b"a\r\nb\r\n", b"a\r\n", b"a\n", b"a\nb\r\n"],
            [b"\xff\x00\xfe", b"\x00", b"\n", b"\xff\n\xfe"],
            [b"same", b"same", b"same", b"same"],
        ];
        for [text, old, new, expected] in table {
            let found = replace_once(text, old, new);
            assert_eq!(found.as_deref(), Ok(expected), "{old:?} in {text:?}");
        }
    }

    #[test]
    fn piece_that_occurs_not_once_is_refused_with_its_lines() {
        let several = |count, lines: &[usize]| Mismatch::Several {
            count,
            lines: lines.to_vec(),
        };
        let many = b"x\n".repeat(12);
        let table: [(&[u8], &[u8], Mismatch); 7] = [
            (b"abc", b"x", Mismatch::Nowhere),
            (b"", b"x", Mismatch::Nowhere),
            (b"short", b"shorter", Mismatch::Nowhere),
            (b"x\ny\nx\n", b"x", several(2, &[1, 3])),
            (b"x x", b"x", several(2, &[1, 1])),
            (b"\naaa", b"aa", several(2, &[2, 2])),
            (&many, b"x", several(12, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10])),
        ];
        for (text, old, expected) in table {
            let found = replace_once(text, old, b"new");
            assert_eq!(found, Err(expected), "{old:?} in {text:?}");
        }
    }

    #[test]
    fn places_are_not_counted_for_ever() {
        let found = replace_once(&b"a".repeat(100_000), &b"a".repeat(1_000), b"new");
        let counted = matches!(
            found,
            Err(Mismatch::Several { count, .. }) if count == MOST_COUNTED
        );
        assert!(counted, "enough to know that it is ambiguous");
    }
}
