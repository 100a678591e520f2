//! How the text of a glob is read: the rules of the crate globset, as tokens. Pure.
//!
//! # Syntax
//!
//! | text | meaning |
//! |---|---|
//! | `?`, `*` | one byte, any number of bytes, within one part of the path |
//! | `**/` at the start (of the glob or of an alternative) | no folder or any folders |
//! | `/**/` | one separator, or folders between two |
//! | `/**` at the end (of the glob or of an alternative) | everything below, but not the folder itself |
//! | `**` alone | everything |
//! | `**` anywhere else | the same as `*` |
//! | `[a-z]`, `[!a-z]`, `[^a-z]` | one byte of these, or none of these; that may be a `/` |
//! | `{a,b}` | one of these globs, which may be empty and may contain further ones |
//! | `\x` | the character itself; not before `/` |
//!
//! Letters outside ASCII consist of several bytes: `*` covers them, `?` does not, and a class must not contain them.

use crate::project_path::fold;

/// The longest glob in characters. Chosen: above what people write, below what makes a comparison slow.
pub(super) const MAX_CHARS: usize = 1000;

/// How deep alternatives may stand in each other. Chosen: regexes, to which globset turns globs, end at 250.
const MAX_DEPTH: usize = 20;

/// One step of a glob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Byte(u8),
    Question,
    Star,
    /// `**/` at the start: nothing, or anything that ends in a separator.
    AnyFolders,
    /// `/**/`: a separator, or anything between two.
    FoldersBetween,
    /// `/**` at the end: a separator and anything.
    Below,
    /// `**` alone.
    Everything,
    Class {
        negated: bool,
        ranges: Vec<(u8, u8)>,
    },
    Alternatives(Vec<Vec<Token>>),
}

/// The form in which globs are compared and matched: without case, and without `\`, whose place `[x]` takes.
///
/// # Errors
///
/// What is wrong, in words.
pub(super) fn canonical(text: &str) -> Result<String, String> {
    if text.chars().count() > MAX_CHARS {
        return Err(format!("it has more than {MAX_CHARS} characters"));
    }
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    let mut depth = 0_usize;
    while let Some(c) = rest.chars().next() {
        let mut length = c.len_utf8();
        match c {
            '\\' => {
                let escaped = escaped(&rest[1..])?;
                clean.push_str(&literally(escaped));
                length += escaped.len_utf8();
            }
            '[' => {
                length = check_class(rest)?;
                clean.push_str(&rest[..length]);
            }
            _ => {
                match c {
                    '{' => depth += 1,
                    '}' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                clean.push(c);
            }
        }
        if depth > MAX_DEPTH {
            return Err(format!("more than {MAX_DEPTH} braces stand in each other"));
        }
        rest = &rest[length..];
    }
    Ok(fold(&clean))
}

/// The character that a `\` before it takes for itself.
pub(crate) fn escaped(rest: &str) -> Result<char, &'static str> {
    match rest.chars().next() {
        None => Err("it ends in a single \\"),
        Some('/') => Err("a \\ stands before a separator"),
        Some(c) => Ok(c),
    }
}

/// A character without the special meaning that it may have.
pub(crate) fn literally(c: char) -> String {
    if matches!(c, '*' | '?' | '[' | '{' | '}' | ',' | '\\') {
        format!("[{c}]")
    } else {
        c.to_string()
    }
}

/// How many bytes the class takes with which `text` begins.
fn check_class(text: &str) -> Result<usize, String> {
    let (class, length) = class_at(text).ok_or("a [ is never closed by a ]")?;
    for (first, last) in class.ranges {
        let (Ok(low), Ok(high)) = (u8::try_from(first), u8::try_from(last)) else {
            return Err(not_ascii(first));
        };
        if !low.is_ascii() || !high.is_ascii() {
            return Err(not_ascii(first.max(last)));
        }
        if low > high {
            return Err(format!("the range {first}-{last} is the wrong way round"));
        }
        // Without case [A-z] would lose what stands between Z and a, silently.
        let (lower, upper) = (low.to_ascii_lowercase(), high.to_ascii_lowercase());
        let survives = |byte: u8| (lower..=upper).contains(&byte.to_ascii_lowercase());
        let reached = |byte: u8| (low..=high).any(|own| own.to_ascii_lowercase() == byte);
        if !(low..=high).all(survives) || !compared(lower, upper).all(reached) {
            return Err(format!("the range {first}-{last} mixes letters and others"));
        }
    }
    Ok(length)
}

/// The bytes of a range that occur in what is compared.
fn compared(first: u8, last: u8) -> impl Iterator<Item = u8> {
    (first..=last).filter(|byte| !byte.is_ascii_uppercase())
}

fn not_ascii(c: char) -> String {
    format!("a class in [] can hold ASCII characters only: write {{{c},...}}")
}

struct Class {
    negated: bool,
    ranges: Vec<(char, char)>,
}

/// The class with which `text` begins, and its length in bytes; `None` if it is never closed.
fn class_at(text: &str) -> Option<(Class, usize)> {
    let inner = text.strip_prefix('[')?;
    let negated = inner.starts_with(['!', '^']);
    let start = 1 + usize::from(negated);
    let mut ranges: Vec<(char, char)> = Vec::new();
    let mut in_range = false;
    for (offset, c) in text[start..].char_indices() {
        let is_first = offset == 0;
        match c {
            ']' if !is_first => {
                if in_range {
                    ranges.push(('-', '-'));
                }
                return Some((Class { negated, ranges }, start + offset + 1));
            }
            '-' if !is_first && !in_range => in_range = true,
            c => match ranges.last_mut() {
                Some(last) if in_range => {
                    last.1 = c;
                    in_range = false;
                }
                _ => ranges.push((c, c)),
            },
        }
    }
    None
}

/// Reads what [`canonical`] returned; `None` where that is no glob.
pub(super) fn tokens(key: &str) -> Option<Vec<Token>> {
    let mut reader = Reader {
        text: key,
        at: 0,
        open: vec![Vec::new()],
        groups: Vec::new(),
    };
    while let Some(byte) = reader.peek() {
        reader.step(byte)?;
    }
    let mut whole = reader.open.pop().filter(|_| reader.groups.is_empty())?;
    if whole == [Token::AnyFolders] {
        whole = vec![Token::Everything];
    }
    Some(whole)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// The alternatives that are being read, those of outer groups first; what comes is added to the last one.
    open: Vec<Vec<Token>>,
    /// For each open group, where its alternatives begin in `open`.
    groups: Vec<usize>,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn push(&mut self, token: Token) -> Option<()> {
        self.open.last_mut()?.push(token);
        Some(())
    }

    fn step(&mut self, byte: u8) -> Option<()> {
        if byte == b'[' {
            let (class, length) = class_at(self.text.get(self.at..)?)?;
            self.at += length;
            return self.push(bytes_of(&class)?);
        }
        self.at += 1;
        match byte {
            b'?' => self.push(Token::Question),
            b'*' if self.peek() == Some(b'*') => self.two_stars(),
            b'*' => self.push(Token::Star),
            b'{' => {
                self.groups.push(self.open.len());
                self.open.push(Vec::new());
                Some(())
            }
            b'}' => {
                let start = self.groups.pop()?;
                let alternatives = self.open.drain(start..).collect();
                self.push(Token::Alternatives(alternatives))
            }
            b',' if !self.groups.is_empty() => {
                self.open.push(Vec::new());
                Some(())
            }
            _ => self.push(Token::Byte(byte)),
        }
    }

    /// The first of two stars is read.
    fn two_stars(&mut self) -> Option<()> {
        let before = self.at.checked_sub(2).map(|at| self.text.as_bytes()[at]);
        self.at += 1;
        let after = self.peek();
        let is_first = self.open.last()?.is_empty();
        let ends_group = matches!(after, Some(b',' | b'}')) && !self.groups.is_empty();
        let token = match after {
            None | Some(b'/') if is_first => Token::AnyFolders,
            None if before == Some(b'/') => Token::Below,
            Some(b'/') if before == Some(b'/') => Token::FoldersBetween,
            _ if ends_group && before == Some(b'/') && !is_first => Token::Below,
            _ => {
                self.push(Token::Star)?;
                return self.push(Token::Star);
            }
        };
        self.at += usize::from(after == Some(b'/'));
        if is_first {
            return self.push(token);
        }
        // The separator before is a part of it; `**/**/` is `**/`.
        match self.open.last_mut()?.pop()? {
            same @ (Token::AnyFolders | Token::Below) => self.push(same),
            _ => self.push(token),
        }
    }
}

fn bytes_of(class: &Class) -> Option<Token> {
    let byte = |c: char| u8::try_from(c).ok().filter(u8::is_ascii);
    let ranges = class
        .ranges
        .iter()
        .map(|(first, last)| Some((byte(*first)?, byte(*last)?)));
    Some(Token::Class {
        negated: class.negated,
        ranges: ranges.collect::<Option<_>>()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_becomes_the_form_that_is_compared() {
        let table = [
            ("SRC/*.RS", "src/*.rs"),
            (r"\[id\]/*.tsx", "[[]id]/*.tsx"),
            (r"a\*b", "a[*]b"),
            (r"\a\\b", r"a[\]b"),
            (r"{a\,b}", "{a[,]b}"),
            (r"[\]/x", r"[\]/x"),
            ("[A-Z][!A-Z][]][a-]", "[a-z][!a-z][]][a-]"),
            ("caf\u{e9}/*", "cafe\u{301}/*"),
        ];
        for (text, expected) in table {
            assert_eq!(
                canonical(text),
                Ok(fold(expected)),
                "what {text} is compared as"
            );
        }
    }

    #[test]
    fn text_that_would_be_misunderstood_is_refused() {
        let long = "a".repeat(MAX_CHARS + 1);
        let deep = "{".repeat(MAX_DEPTH + 1);
        let table = [
            ("a\\", "ends in a single"),
            (r"a\/*", "before a separator"),
            ("[a", "never closed"),
            ("[]", "never closed"),
            ("[\u{e4}]", "ASCII"),
            ("[a-\u{e4}]", "ASCII"),
            ("[z-a]", "wrong way"),
            ("[A-z]", "mixes"),
            ("[0-Z]", "mixes"),
            (long.as_str(), "1000 characters"),
            (deep.as_str(), "20 braces"),
        ];
        for (text, expected) in table {
            let err = canonical(text).expect_err(text);
            assert!(
                err.contains(expected),
                "{text} is refused with reason: {err}"
            );
        }
    }

    #[test]
    fn two_stars_are_read_by_where_they_stand() {
        use Token::{AnyFolders, Below, Byte, Everything, FoldersBetween, Star};
        let table = [
            ("**", vec![Everything]),
            ("**/**", vec![Everything]),
            ("**/**/a", vec![AnyFolders, Byte(b'a')]),
            ("a/**", vec![Byte(b'a'), Below]),
            ("a/**/**", vec![Byte(b'a'), Below]),
            ("a/**/b", vec![Byte(b'a'), FoldersBetween, Byte(b'b')]),
            ("a**", vec![Byte(b'a'), Star, Star]),
            ("**a", vec![Star, Star, Byte(b'a')]),
            ("{**}", vec![Token::Alternatives(vec![vec![Star, Star]])]),
            (
                "{a/**}",
                vec![Token::Alternatives(vec![vec![Byte(b'a'), Below]])],
            ),
        ];
        for (text, expected) in table {
            assert_eq!(tokens(text), Some(expected), "how {text} is read");
        }
    }
}
