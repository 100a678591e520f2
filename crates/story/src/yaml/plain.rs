//! Reads the plainest frontmatter without the parser: `key: value` lines, `[]`, and lists of single
//! values.
//!
//! Most stories hold nothing else, and reading them is most of what an update costs. Whatever has a
//! comment, a colon or `#` in a value, a flow collection, nesting, an anchor, a tag, a blank line, a
//! CR or a character beyond ASCII is left to the parser: `None`. What is left is read alike by every
//! version of YAML. Debug builds read each text with the parser too and compare the trees.

use super::node::{Entry, Item, Kind, Node, Style};
use super::resolve;
use crate::value::Value;

/// Up to this many entries are compared with each other for duplicates; more is left to the parser
/// (chosen: the stories at hand have 26 at most).
const MOST_ENTRIES: usize = 64;

/// Readers refuse keys beyond 1024 characters (YAML 1.2, 7.4.2); no story has one of this length.
pub(super) const LONGEST_KEY: usize = 128;

/// One line of a plain frontmatter.
#[derive(Debug)]
pub(crate) enum Line<'text> {
    /// `key: value`, `key: []` or `key:`.
    Entry {
        /// The key.
        key: &'text str,
        /// Where it begins.
        start: usize,
        /// What stands behind the colon.
        value: Given<'text>,
    },
    /// `- value`, an item of the list of the entry before.
    Item {
        /// Where its dash stands.
        dash: usize,
        /// What stands behind the dash.
        value: Single<'text>,
    },
}

/// What a plain line gives to its key.
#[derive(Debug)]
pub(crate) enum Given<'text> {
    /// Nothing, or the list that the next lines hold.
    Nothing,
    /// `[]`
    EmptyList,
    /// One value.
    Single(Single<'text>),
}

/// A scalar on one line.
#[derive(Debug)]
pub(crate) struct Single<'text> {
    pub(crate) style: Style,
    /// Without its quotes.
    pub(crate) text: &'text str,
    /// Where it begins, quote included.
    start: usize,
}

impl Single<'_> {
    pub(crate) fn value(&self) -> Value {
        resolve::scalar(self.text, self.style, None)
    }

    fn node(&self) -> Node {
        let quotes = if self.style == Style::Plain { 0 } else { 2 };
        let span = self.start..self.start + self.text.len() + quotes;
        scalar(span, self.style, self.text)
    }
}

/// The list that further items would belong to.
#[derive(Debug, Clone, Copy)]
enum Open {
    /// None.
    Nothing,
    /// One without items so far.
    Empty,
    /// One whose dashes stand in this column.
    At(usize),
}

/// The lines of a plain frontmatter; `None` in place of the first one that is not plain, and then no more.
#[derive(Debug)]
pub(crate) struct Lines<'text> {
    text: &'text str,
    start: usize,
    open: Open,
    keys: Vec<&'text str>,
}

/// Reads a frontmatter line by line; `None` when there is nothing plain to read at all.
pub(crate) fn lines(text: &str) -> Option<Lines<'_>> {
    (!text.is_empty() && text.ends_with('\n')).then(|| Lines {
        text,
        start: 0,
        open: Open::Nothing,
        keys: Vec::with_capacity(32),
    })
}

impl<'text> Iterator for Lines<'text> {
    type Item = Option<Line<'text>>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = &self.text[self.start..];
        let length = memchr::memchr(b'\n', rest.as_bytes())?;
        let line = self.line(&rest[..length]);
        self.start = match line {
            Some(_) => self.start + length + 1,
            None => self.text.len(),
        };
        Some(line)
    }
}

impl<'text> Lines<'text> {
    fn line(&mut self, content: &'text str) -> Option<Line<'text>> {
        if matches!(content.as_bytes().first()?, b' ' | b'-') {
            return self.item(content);
        }
        let (key, value) = entry(content, self.start)?;
        if self.keys.len() == MOST_ENTRIES || self.keys.contains(&key) {
            return None;
        }
        self.keys.push(key);
        self.open = match value {
            Given::Nothing => Open::Empty,
            _ => Open::Nothing,
        };
        Some(Line::Entry {
            key,
            start: self.start,
            value,
        })
    }

    fn item(&mut self, content: &'text str) -> Option<Line<'text>> {
        let indent = content.bytes().take_while(|byte| *byte == b' ').count();
        let value = content[indent..].strip_prefix("- ")?;
        let fits = match self.open {
            Open::Nothing => false,
            Open::Empty => indent <= 2,
            Open::At(column) => indent == column,
        };
        if !fits {
            return None;
        }
        self.open = Open::At(indent);
        let dash = self.start + indent;
        let value = single(value, dash + 2)?;
        Some(Line::Item { dash, value })
    }
}

/// The tree of a plain frontmatter.
pub(super) fn read(text: &str) -> Option<Node> {
    let mut entries: Vec<Entry> = Vec::new();
    for line in lines(text)? {
        match line? {
            Line::Entry { key, start, value } => entries.push(entry_node(key, start, &value)),
            Line::Item { dash, value } => add_item(&mut entries.last_mut()?.value, dash, &value),
        }
    }
    let (first, last) = (entries.first()?, entries.last()?);
    let span = first.key.span.start..last.end();
    Some(node(
        span,
        Kind::Map {
            flow: false,
            entries,
        },
    ))
}

fn node(span: std::ops::Range<usize>, kind: Kind) -> Node {
    Node {
        outer: span.start,
        span,
        anchor: None,
        tag: None,
        kind,
    }
}

fn scalar(span: std::ops::Range<usize>, style: Style, text: &str) -> Node {
    let text = text.into();
    node(span, Kind::Scalar { style, text })
}

fn entry_node(key: &str, start: usize, value: &Given<'_>) -> Entry {
    let colon = start + key.len();
    let value = match value {
        Given::Nothing => scalar(colon + 1..colon + 1, Style::Plain, ""),
        Given::EmptyList => {
            let items = Vec::new();
            node(colon + 2..colon + 4, Kind::List { flow: true, items })
        }
        Given::Single(single) => single.node(),
    };
    Entry {
        key: scalar(start..colon, Style::Plain, key),
        colon: Some(colon),
        value,
    }
}

/// A list item for the entry before, which is empty or a block list: the lines say so.
fn add_item(list: &mut Node, dash: usize, value: &Single<'_>) {
    let item = Item {
        dash: Some(dash),
        value: value.node(),
    };
    let end = item.value.span.end;
    if let Kind::List { items, .. } = &mut list.kind {
        items.push(item);
        list.span.end = end;
    } else {
        let items = vec![item];
        *list = node(dash..end, Kind::List { flow: false, items });
    }
}

/// `key: value` or `key:`.
fn entry(content: &str, start: usize) -> Option<(&str, Given<'_>)> {
    let length = memchr::memchr(b':', content.as_bytes())?;
    let (key, rest) = (&content[..length], &content[length + 1..]);
    let is_word = key.as_bytes().first()?.is_ascii_alphabetic()
        && key
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !is_word || !is_text(key) || length > LONGEST_KEY {
        return None;
    }
    let value = match rest.strip_prefix(' ') {
        Some("[]") => Given::EmptyList,
        Some(value) => Given::Single(single(value, start + length + 2)?),
        None if rest.is_empty() => Given::Nothing,
        None => return None,
    };
    Some((key, value))
}

/// Whether a word is no `true`, nor one that readers of YAML 1.1 take for it.
pub(super) fn is_text(word: &str) -> bool {
    // The longest of the others is `false`.
    word.len() > 5
        || (matches!(resolve::plain(word), Value::String(_))
            && !SWITCHES
                .iter()
                .any(|switch| word.eq_ignore_ascii_case(switch)))
}

/// Booleans of YAML 1.1.
const SWITCHES: [&str; 6] = ["y", "n", "yes", "no", "on", "off"];

/// One value to the end of its line: a plain word or number, or a quoted text without escapes.
fn single(value: &str, start: usize) -> Option<Single<'_>> {
    let bytes = value.as_bytes();
    let (first, last) = (*bytes.first()?, *bytes.last()?);
    if first.is_ascii_alphanumeric() {
        let is_harmless = |byte: &u8| byte.is_ascii_alphanumeric() || b" _-+./()".contains(byte);
        let is_plain = last != b' ' && bytes.iter().all(is_harmless) && !is_huge(value);
        return is_plain.then_some(Single {
            style: Style::Plain,
            text: value,
            start,
        });
    }
    let style = match first {
        b'\'' => Style::Single,
        b'"' => Style::Double,
        _ => return None,
    };
    let text = value.get(1..value.len() - 1).filter(|_| last == first)?;
    let is_harmless = |byte: u8| (b' '..=b'~').contains(&byte) && byte != first && byte != b'\\';
    text.bytes()
        .all(is_harmless)
        .then_some(Single { style, text, start })
}

/// Whether a word may be an integer of more than 64 bits, which counts as a float, or as a text if it is octal as YAML 1.2 writes
/// it: other readers refuse it, and so the story that holds it.
fn is_huge(word: &str) -> bool {
    // The shortest of them, 0x10000000000000000, has 19 characters.
    word.len() >= 19 && (word.starts_with("0o") || matches!(resolve::plain(word), Value::Float(_)))
}

#[cfg(test)]
mod tests {
    use super::super::parser;
    use super::*;

    /// What the parser makes of a text, if it accepts it.
    fn parsed(text: &str) -> Option<Node> {
        parser::parse(text).ok().flatten().map(|(root, _)| root)
    }

    #[test]
    fn plain_texts_have_the_tree_of_the_parser() {
        for text in [
            "id: S-0034\n",
            "a_1: x\nlabels:\n  - a\n  - 'b c'\nnext: \"d\"\n",
            "labels:\n- a\n- 12\nlast:\n",
            "empty:\nalso:\n",
            "quoted: ''\nbig: \"\"\n",
            "date: 2026-01-15\nhex: 0x1F\nfloat: 1.5e3\nword: yes\nnone: null\n",
            "list:\n - one\n - two words (and more)\n",
            "path: a/b+c.d\n",
            "dependencies: []\nlast: 1\n",
            "most: 18446744073709551615\n",
        ] {
            let plain = read(text);
            assert!(plain.is_some(), "{text:?} is plain");
            assert_eq!(plain, parsed(text), "both readers agree on {text:?}");
        }
    }

    #[test]
    fn anything_else_is_left_to_the_parser() {
        for text in [
            "",
            "id: x",
            "id: x\n\n",
            "# note\nid: x\n",
            "id: x # note\n",
            "id: a: b\n",
            "id: x \n",
            "id:  x\n",
            "id:x\n",
            "id: [a]\n",
            "id: [] \n",
            "id: []\n  - a\n",
            "id:\n  - []\n",
            "id: {}\n",
            "id: &a x\n",
            "id: *a\n",
            "id: !t x\n",
            "id: |\n  x\n",
            "id: x\r\n",
            "id: -1\n",
            "id: 18446744073709551616\n",
            "id: 0x10000000000000000\n",
            "id: 0o7272222222222222222222222222\n",
            "id: 'it''s'\n",
            "id: \"a\\n\"\n",
            "id: 'x\n",
            "id: 'x' y\n",
            "id: '\n",
            "id: \u{e4}\n",
            "id: x\n  y\n",
            "id: x\n- y\n",
            "id:\n  - a\n - b\n",
            "id:\n   - a\n",
            "id:\n  - - a\n",
            "id:\n  -\n",
            "id:\n  - a: b\n",
            "id: 1\nid: 2\n",
            "- a\n",
            "true: x\n",
            "yes: x\n",
            "Off: x\n",
            "1: x\n",
            "a-b: x\n",
            "---\n",
            "...\n",
            "%YAML 1.1\n",
            "<<: x\n",
        ] {
            assert_eq!(read(text), None, "{text:?} is not plain");
        }
    }
}
