//! Recognises entries that every version of YAML takes alike, without building a tree of them.
//!
//! Wider than `plain`, for it has to say yes or no only: nested block lists and mappings, texts on one line, plain or in quotes,
//! block texts without indicators of indentation, `[a, b]`, comments. Whatever is not certain is `None` and left to the parser: tabs,
//! CR, anchors, tags, keys that are no words, values over several lines, unusual characters. Debug builds parse each accepted text
//! and compare.

use super::plain::{self, LONGEST_KEY};

/// Deeper nesting is left to the parser, which counts it exactly (chosen; stories have 3 at most).
const MOST_FRAMES: usize = 24;

/// Larger nested mappings are left to the parser, which finds duplicates faster (chosen).
const MOST_KEYS: usize = 64;

/// What was seen of a top-level entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    /// From its key to the next key at column 0, or to the end.
    pub(super) length: usize,
    /// The length of its key.
    pub(super) name: usize,
    /// How far its first block list is indented below its key.
    pub(super) list_indent: Option<usize>,
}

/// A list or mapping that is open on the line at hand.
#[derive(Debug, Clone, Copy)]
struct Frame {
    column: usize,
    /// Where the keys of a mapping begin in `keys`; lists have none.
    keys: Option<usize>,
}

/// Reads entries one after the other; what it needs for that is kept from one to the next.
#[derive(Debug, Default)]
pub(super) struct Recogniser<'text> {
    frames: Vec<Frame>,
    /// The keys of all open mappings.
    keys: Vec<&'text str>,
    /// The column of the key before, if nothing stood behind it.
    waiting: Option<usize>,
    list_indent: Option<usize>,
    /// Whether the lines of a block text were the last ones.
    is_behind_block: bool,
}

/// What a line leaves open.
enum Opens {
    Nothing,
    /// A block text, whose lines are indented at least this far.
    Block(usize),
}

/// Whether a line at column 0 belongs to no entry before it.
pub(super) fn begins_entry(line: &str) -> bool {
    !matches!(line.as_bytes().first(), None | Some(b' ' | b'-' | b'#'))
}

/// The key that a line begins with, if it is a word that is a text in every version of YAML.
pub(super) fn key(content: &str) -> Option<&str> {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let length = content.bytes().take_while(is_word).count();
    let (key, rest) = content.split_at(length);
    let is_key = key.as_bytes().first()?.is_ascii_alphabetic()
        && (rest == ":" || rest.starts_with(": "))
        && length <= LONGEST_KEY
        && plain::is_text(key);
    is_key.then_some(key)
}

/// Whether a line between entries is empty or a comment.
pub(super) fn is_between(line: &str) -> bool {
    line.is_empty() || (line.starts_with('#') && is_printable(line))
}

impl<'text> Recogniser<'text> {
    /// Looks at the entry that `text` begins with; each line of the text has a line end.
    pub(super) fn entry(&mut self, text: &'text str) -> Option<Shape> {
        self.clear();
        let mut at = 0;
        while at < text.len() {
            let line = line_at(text, at)?;
            if at > 0 && begins_entry(line) {
                break;
            }
            at += line.len() + 1;
            if let Opens::Block(least) = self.line(line)? {
                at = block_text(text, at, least)?;
                self.is_behind_block = true;
            }
        }
        Some(Shape {
            length: at,
            name: self.keys.first()?.len(),
            list_indent: self.list_indent,
        })
    }

    fn clear(&mut self) {
        self.frames.clear();
        self.keys.clear();
        self.waiting = None;
        self.list_indent = None;
        self.is_behind_block = false;
    }

    fn line(&mut self, line: &'text str) -> Option<Opens> {
        let indent = line.bytes().take_while(|byte| *byte == b' ').count();
        let content = &line[indent..];
        match content.as_bytes().first() {
            None => return (indent == 0).then_some(Opens::Nothing),
            Some(b'#') => {
                // Deeper in, readers might count it to the text above.
                let is_clear = indent == 0 || !self.is_behind_block;
                return (is_clear && is_printable(content)).then_some(Opens::Nothing);
            }
            Some(_) => self.is_behind_block = false,
        }
        if let Some(item) = content.strip_prefix("- ") {
            self.place_item(indent)?;
            let column = indent + 2;
            return match key(item) {
                Some(key) => {
                    self.open(column, true)?;
                    self.entry_line(key, &item[key.len()..], column)
                }
                None => value(item, column),
            };
        }
        let key = key(content)?;
        self.place_key(indent)?;
        self.entry_line(key, &content[key.len()..], indent)
    }

    /// A key of the mapping on top, and what stands behind it.
    fn entry_line(&mut self, key: &'text str, rest: &'text str, column: usize) -> Option<Opens> {
        let siblings = &self.keys[self.frames.last()?.keys?..];
        if siblings.len() == MOST_KEYS || siblings.contains(&key) {
            return None;
        }
        self.keys.push(key);
        if rest == ":" {
            self.waiting = Some(column);
            return Some(Opens::Nothing);
        }
        value(rest.strip_prefix(": ")?, column + 1)
    }

    /// Finds or opens the list that a dash in this column belongs to.
    fn place_item(&mut self, column: usize) -> Option<()> {
        let parent = self.waiting.take();
        self.close_to(column);
        match parent {
            Some(parent) if column >= parent => {
                self.list_indent.get_or_insert(column - parent);
                self.open(column, false)
            }
            _ => {
                let top = self.frames.last()?;
                (top.column == column && top.keys.is_none()).then_some(())
            }
        }
    }

    /// Finds or opens the mapping that a key in this column belongs to.
    fn place_key(&mut self, column: usize) -> Option<()> {
        let parent = self.waiting.take();
        self.close_to(column);
        if parent.is_some_and(|parent| column > parent) || self.frames.is_empty() {
            return self.open(column, true);
        }
        if self.frames.last()?.keys.is_none() {
            // A list may stand in the column of its key, and ends with the next key there.
            self.frames.pop();
        }
        let top = self.frames.last()?;
        (top.column == column && top.keys.is_some()).then_some(())
    }

    fn open(&mut self, column: usize, is_map: bool) -> Option<()> {
        if self.frames.len() == MOST_FRAMES {
            return None;
        }
        let keys = is_map.then_some(self.keys.len());
        self.frames.push(Frame { column, keys });
        Some(())
    }

    fn close_to(&mut self, column: usize) {
        while let Some(frame) = self.frames.pop_if(|frame| frame.column > column) {
            if let Some(first) = frame.keys {
                self.keys.truncate(first);
            }
        }
    }
}

/// The line at a place, without its end.
pub(super) fn line_at(text: &str, at: usize) -> Option<&str> {
    let length = memchr::memchr(b'\n', &text.as_bytes()[at..])?;
    Some(&text[at..at + length])
}

/// Where the block text ends whose first line is at `at`.
fn block_text(text: &str, at: usize, least: usize) -> Option<usize> {
    let mut at = at;
    let mut column = None;
    while at < text.len() {
        let line = line_at(text, at)?;
        let indent = line.bytes().take_while(|byte| *byte == b' ').count();
        let is_blank = indent == line.len();
        let first = *column.get_or_insert(indent);
        if first < least || (is_blank && indent > 0) {
            return None;
        }
        if !is_blank && indent < first {
            break;
        }
        if !is_printable(&line[indent..]) {
            return None;
        }
        at += line.len() + 1;
    }
    column.map(|_| at)
}

/// What stands behind a colon or dash; the lines of a block text begin at `least`.
fn value(text: &str, least: usize) -> Option<Opens> {
    if matches!(text, "|" | "|-" | ">" | ">-") {
        return Some(Opens::Block(least));
    }
    let rest = match text.as_bytes().first()? {
        b'\'' => &text[single_quoted(text)?..],
        b'"' => &text[double_quoted(text)?..],
        b'[' => &text[flow_list(text)?..],
        b'{' => text.strip_prefix("{}")?,
        _ => &text[plain_text(text)?..],
    };
    let is_comment = || {
        let comment = rest.trim_start_matches(' ');
        comment.len() < rest.len() && comment.starts_with('#') && is_printable(comment)
    };
    (rest.is_empty() || is_comment()).then_some(Opens::Nothing)
}

/// The length of a plain text up to the end of the line or the blanks before a comment.
fn plain_text(line: &str) -> Option<usize> {
    let text = line.split_once(" #").map_or(line, |(text, _)| text);
    let text = text.trim_end_matches(' ');
    let bytes = text.as_bytes();
    let begins = match bytes.first()? {
        b'-' => bytes.get(1)?.is_ascii_digit(),
        first => first.is_ascii_alphanumeric() || b"/(_.$+~".contains(first) || !first.is_ascii(),
    };
    let has_colon = || {
        memchr::memchr_iter(b':', bytes).any(|at| matches!(bytes.get(at + 1), None | Some(b' ')))
    };
    (begins && is_printable(text) && !has_colon() && !may_be_huge(text)).then_some(text.len())
}

/// Whether a text may be a number beyond 64 bits, which not every reader takes.
fn may_be_huge(text: &str) -> bool {
    // The shortest of them has 18 digits and a mark.
    let is_digit = |byte: u8| byte.is_ascii_hexdigit() || b"xXo_+-.:".contains(&byte);
    text.len() >= 19
        && !text.starts_with(|char: char| char.is_ascii_alphabetic())
        && text.bytes().all(is_digit)
}

/// The length of a text in single quotes that the line begins with.
fn single_quoted(line: &str) -> Option<usize> {
    let bytes = line.as_bytes();
    let mut at = 1;
    loop {
        at += memchr::memchr(b'\'', &bytes[at..])? + 1;
        if bytes.get(at) != Some(&b'\'') {
            return is_printable(&line[..at]).then_some(at);
        }
        at += 1;
    }
}

/// The length of a text in double quotes that the line begins with.
fn double_quoted(line: &str) -> Option<usize> {
    let bytes = line.as_bytes();
    let mut at = 1;
    loop {
        at += memchr::memchr2(b'"', b'\\', &bytes[at..])?;
        if bytes[at] == b'"' {
            return is_printable(&line[..=at]).then_some(at + 1);
        }
        let digits = match bytes.get(at + 1)? {
            b'"' | b'\\' | b'n' | b't' | b'r' => 0,
            b'x' => 2,
            b'u' => 4,
            b'U' => 8,
            _ => return None,
        };
        at += 2;
        if digits > 0 {
            let digits = line.get(at..at + digits)?;
            let is_number = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
            let code = u32::from_str_radix(digits, 16).ok().filter(|_| is_number)?;
            char::from_u32(code).filter(|char| *char != '\0')?;
            at += digits.len();
        }
    }
}

/// The length of a list of words and quoted texts that the line begins with.
fn flow_list(line: &str) -> Option<usize> {
    if line.starts_with("[]") {
        return Some(2);
    }
    let mut at = 1;
    loop {
        let rest = &line[at..];
        let length = match rest.as_bytes().first()? {
            b'\'' => single_quoted(rest)?,
            b'"' => double_quoted(rest)?,
            _ => flow_word(rest)?,
        };
        at += length;
        if line[at..].starts_with(']') {
            return Some(at + 1);
        }
        at += line[at..].starts_with(", ").then_some(2)?;
    }
}

fn flow_word(text: &str) -> Option<usize> {
    let is_harmless = |byte: &u8| byte.is_ascii_alphanumeric() || b" _-+./()".contains(byte);
    let length = text.bytes().take_while(is_harmless).count();
    let word = &text[..length];
    let begins = word.starts_with(|char: char| char.is_ascii_alphanumeric());
    (begins && !word.ends_with(' ') && !may_be_huge(word)).then_some(length)
}

/// Whether a text holds nothing that a reader could take for a line end, a blank or a mark of its own, or refuse.
fn is_printable(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~')) || text.chars().all(is_ordinary)
}

fn is_ordinary(char: char) -> bool {
    match char {
        ' '..='~' => true,
        '\0'..='\u{a0}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => false,
        char => !char.is_whitespace(),
    }
}
