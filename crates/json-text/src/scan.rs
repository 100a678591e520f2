//! Reads a JSON text once, strictly by RFC 8259, and notes where each value stands.

use std::str::Utf8Error;

use crate::error::{ParseError, ParseErrorKind};
use crate::keys;
use crate::tree::{Node, Tree};

/// From this many levels of lists and objects on a text is refused, as by `serde_json`, so that whatever is written here
/// can be read there.
pub const MAX_DEPTH: usize = 128;

/// What is wrong, and at which byte.
#[derive(Debug)]
pub(crate) struct Fault {
    at: usize,
    kind: ParseErrorKind,
}

impl Fault {
    /// The place in lines and columns.
    pub(crate) fn in_text(self, bytes: &[u8]) -> ParseError {
        let mut lines = bytes[..self.at.min(bytes.len())].split(|byte| *byte == b'\n');
        let last = lines.next_back().unwrap_or_default();
        let is_first_of_character = |byte: &&u8| **byte & 0xC0 != 0x80;
        ParseError {
            line: 1 + lines.count(),
            column: 1 + last.iter().filter(is_first_of_character).count(),
            kind: self.kind,
        }
    }
}

/// The text that the bytes are.
pub(crate) fn decode(bytes: Vec<u8>) -> Result<String, ParseError> {
    check_bom(&bytes)?;
    String::from_utf8(bytes).map_err(|err| not_text(err.utf8_error(), err.as_bytes()))
}

/// The text that the bytes are, without taking them.
pub(crate) fn decoded(bytes: &[u8]) -> Result<&str, ParseError> {
    check_bom(bytes)?;
    str::from_utf8(bytes).map_err(|err| not_text(err, bytes))
}

fn check_bom(bytes: &[u8]) -> Result<(), ParseError> {
    if bytes.starts_with(b"\xEF\xBB\xBF") {
        return Err(Fault {
            at: 0,
            kind: ParseErrorKind::Bom,
        }
        .in_text(bytes));
    }
    Ok(())
}

fn not_text(err: Utf8Error, bytes: &[u8]) -> ParseError {
    let is_cut = err.error_len().is_none();
    let kind = if is_cut {
        ParseErrorKind::Truncated
    } else {
        ParseErrorKind::NotUtf8
    };
    Fault {
        at: err.valid_up_to(),
        kind,
    }
    .in_text(bytes)
}

/// The values of a text in their order, each before what it holds, a member's name before its value.
pub(crate) fn scan(text: &str) -> Result<Vec<Node>, Fault> {
    scan_within(text, 0)
}

/// The same of a piece of text that stands within so many lists and objects.
pub(crate) fn scan_within(text: &str, around: usize) -> Result<Vec<Node>, Fault> {
    if u32::try_from(text.len()).is_err() {
        return Err(Fault {
            at: 0,
            kind: ParseErrorKind::TooLong,
        });
    }
    let mut scanner = Scanner {
        text,
        bytes: text.as_bytes(),
        at: 0,
        around,
        // Chosen: about as many as a task board has; more are made room for.
        nodes: Vec::with_capacity(text.len() / 12 + 1),
        open: Vec::new(),
    };
    scanner.whole()?;
    Ok(scanner.nodes)
}

/// Where what stands for itself in a text ends: at a quote, a backslash or a control character. Eight bytes at a time.
pub(crate) fn plain_end(bytes: &[u8], mut at: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    while let Some(chunk) = bytes[at..].first_chunk::<8>() {
        let word = u64::from_le_bytes(*chunk);
        let quote = word ^ (ONES * 0x22);
        let backslash = word ^ (ONES * 0x5C);
        // The high bit of each byte that is zero resp. below 0x20; above the first hit there may be false ones.
        let found = (quote.wrapping_sub(ONES) & !quote)
            | (backslash.wrapping_sub(ONES) & !backslash)
            | (word.wrapping_sub(ONES * 0x20) & !word);
        let found = found & HIGHS;
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let is_plain = |byte: &&u8| **byte >= 0x20 && **byte != b'"' && **byte != b'\\';
    at + bytes[at..].iter().take_while(is_plain).count()
}

struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    /// How many lists and objects are around the text.
    around: usize,
    nodes: Vec<Node>,
    /// The lists and objects around the current place.
    open: Vec<usize>,
}

/// What follows a value.
enum Next {
    Value,
    End,
}

impl Scanner<'_> {
    fn whole(&mut self) -> Result<(), Fault> {
        self.white_space();
        if self.at == self.bytes.len() {
            return Err(self.fault(ParseErrorKind::Empty));
        }
        loop {
            let is_complete = self.value()?;
            if is_complete && matches!(self.after_value()?, Next::End) {
                return Ok(());
            }
        }
    }

    /// Reads a scalar, an empty list or object, or the beginning of one up to its first value: then it is not complete.
    fn value(&mut self) -> Result<bool, Fault> {
        let start = self.at;
        match self.peek() {
            Some(b'"') => self.string()?,
            Some(b'{') => {
                self.open()?;
                if self.peek() == Some(b'}') {
                    self.close()?;
                } else {
                    self.key()?;
                    return Ok(false);
                }
                return Ok(true);
            }
            Some(b'[') => {
                self.open()?;
                let is_empty = self.peek() == Some(b']');
                if is_empty {
                    self.close()?;
                }
                return Ok(is_empty);
            }
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b't') => self.literal("true")?,
            Some(b'f') => self.literal("false")?,
            Some(b'n') => self.literal("null")?,
            _ => return Err(self.unexpected("a value is wanted here")),
        }
        self.nodes.push(Node::new(start, self.at));
        Ok(true)
    }

    /// Goes on behind a value: closes what ends here, up to the next value or the end of the text.
    fn after_value(&mut self) -> Result<Next, Fault> {
        loop {
            self.white_space();
            let Some(&outer) = self.open.last() else {
                return match self.peek() {
                    None => Ok(Next::End),
                    Some(_) => Err(self.fault(ParseErrorKind::TrailingGarbage)),
                };
            };
            let is_object = self.bytes[self.nodes[outer].start()] == b'{';
            match (self.peek(), is_object) {
                (Some(b','), true) => {
                    self.at += 1;
                    self.white_space();
                    self.key()?;
                    return Ok(Next::Value);
                }
                (Some(b','), false) => {
                    self.at += 1;
                    self.white_space();
                    return Ok(Next::Value);
                }
                (Some(b'}'), true) | (Some(b']'), false) => self.close()?,
                (_, true) => return Err(self.unexpected("a comma or } is wanted here")),
                (_, false) => return Err(self.unexpected("a comma or ] is wanted here")),
            }
        }
    }

    fn open(&mut self) -> Result<(), Fault> {
        if self.around + self.open.len() + 1 >= MAX_DEPTH {
            return Err(self.fault(ParseErrorKind::TooDeep));
        }
        self.open.push(self.nodes.len());
        self.nodes.push(Node::new(self.at, self.at + 1));
        self.at += 1;
        self.white_space();
        Ok(())
    }

    fn close(&mut self) -> Result<(), Fault> {
        self.at += 1;
        let Some(outer) = self.open.pop() else {
            return Ok(());
        };
        let size = self.nodes.len() - outer;
        self.nodes[outer].close(self.at, size);
        if self.bytes[self.nodes[outer].start()] == b'{' {
            let tree = Tree::new(self.text, &self.nodes);
            if let Some(key) = keys::duplicate(tree, outer) {
                return Err(Fault {
                    at: self.nodes[key].start(),
                    kind: ParseErrorKind::Duplicate {
                        key: tree.unescaped(key).into_owned(),
                    },
                });
            }
        }
        Ok(())
    }

    /// The name of a member and the colon.
    fn key(&mut self) -> Result<(), Fault> {
        let start = self.at;
        if self.peek() != Some(b'"') {
            return Err(self.unexpected("the name of a member is wanted here, in double quotes"));
        }
        self.string()?;
        self.nodes.push(Node::new(start, self.at));
        self.white_space();
        if self.peek() != Some(b':') {
            return Err(self.unexpected("a colon is wanted here"));
        }
        self.at += 1;
        self.white_space();
        Ok(())
    }

    fn string(&mut self) -> Result<(), Fault> {
        self.at += 1;
        loop {
            self.at = plain_end(self.bytes, self.at);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => self.escape()?,
                _ => {
                    return Err(
                        self.unexpected("control characters in a text are written as escapes")
                    );
                }
            }
        }
    }

    fn escape(&mut self) -> Result<(), Fault> {
        match self.bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 2;
                Ok(())
            }
            Some(b'u') => self.unicode_escape(),
            None => Err(self.truncated()),
            Some(_) => Err(self.syntax("no such escape")),
        }
    }

    /// `\u0041`, or the two halves of a character beyond U+FFFF; half a character is no text.
    fn unicode_escape(&mut self) -> Result<(), Fault> {
        const LONE: &str = "half a character (a lone surrogate)";
        match self.code_unit()? {
            0xD800..=0xDBFF => {
                let rest = &self.bytes[self.at..];
                if b"\\u".starts_with(rest) {
                    return Err(self.truncated());
                }
                if !rest.starts_with(b"\\u") {
                    return Err(self.syntax(LONE));
                }
                match self.code_unit()? {
                    0xDC00..=0xDFFF => Ok(()),
                    _ => Err(self.syntax(LONE)),
                }
            }
            0xDC00..=0xDFFF => Err(self.syntax(LONE)),
            _ => Ok(()),
        }
    }

    fn code_unit(&mut self) -> Result<u32, Fault> {
        let start = self.at + 2;
        let mut unit = 0;
        for at in start..start + 4 {
            let Some(byte) = self.bytes.get(at) else {
                return Err(self.truncated());
            };
            let digit = char::from(*byte).to_digit(16);
            unit = unit * 16
                + digit.ok_or_else(|| self.syntax("four hexadecimal digits are wanted"))?;
        }
        self.at = start + 4;
        Ok(unit)
    }

    fn number(&mut self) -> Result<(), Fault> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
            if matches!(self.peek(), Some(b'0'..=b'9')) {
                return Err(self.syntax("a number does not begin with 0"));
            }
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Fault> {
        let digits = self.bytes[self.at..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit());
        let count = digits.count();
        self.at += count;
        if count == 0 {
            return Err(self.unexpected("a digit is wanted here"));
        }
        Ok(())
    }

    fn literal(&mut self, word: &'static str) -> Result<(), Fault> {
        let rest = &self.bytes[self.at..];
        if rest.starts_with(word.as_bytes()) {
            self.at += word.len();
            return Ok(());
        }
        if word.as_bytes().starts_with(rest) {
            return Err(self.truncated());
        }
        Err(self.syntax("a value is wanted here"))
    }

    fn white_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// The fault of a byte that does not belong here, or of there being none.
    fn unexpected(&self, problem: &'static str) -> Fault {
        match self.peek() {
            None => self.fault(ParseErrorKind::Truncated),
            Some(b'/') => self.syntax("comments are not JSON"),
            Some(_) => self.syntax(problem),
        }
    }

    fn syntax(&self, problem: &'static str) -> Fault {
        self.fault(ParseErrorKind::Syntax { problem })
    }

    fn fault(&self, kind: ParseErrorKind) -> Fault {
        Fault { at: self.at, kind }
    }

    fn truncated(&self) -> Fault {
        Fault {
            at: self.bytes.len(),
            kind: ParseErrorKind::Truncated,
        }
    }
}
