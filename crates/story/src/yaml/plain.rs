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
const LONGEST_KEY: usize = 128;

/// The tree of a plain frontmatter.
pub(super) fn read(text: &str) -> Option<Node> {
    if text.is_empty() || !text.ends_with('\n') {
        return None;
    }
    let mut entries: Vec<Entry> = Vec::new();
    // The column of the dashes of the list that is being read.
    let mut column = None;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let content = line.strip_suffix('\n')?;
        match content.as_bytes().first()? {
            b' ' | b'-' => {
                let list = &mut entries.last_mut()?.value;
                column = Some(add_item(list, column, content, start)?);
            }
            _ => {
                let entry = entry(content, start)?;
                let is_new = entries.iter().all(|other| other.name() != entry.name());
                if !is_new || entries.len() == MOST_ENTRIES {
                    return None;
                }
                entries.push(entry);
                column = None;
            }
        }
        start += line.len();
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

/// `key: value` or `key:`.
fn entry(content: &str, start: usize) -> Option<Entry> {
    let length = content.find(':')?;
    let (key, rest) = (&content[..length], &content[length + 1..]);
    let is_word = key.as_bytes().first()?.is_ascii_alphabetic()
        && key
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    // Not `true:`, nor a word that readers of YAML 1.1 take for it.
    let is_text = matches!(resolve::plain(key), Value::String(_))
        && !SWITCHES.iter().any(|word| key.eq_ignore_ascii_case(word));
    if !is_word || !is_text || length > LONGEST_KEY {
        return None;
    }
    let colon = start + length;
    let value = match rest.strip_prefix(' ') {
        Some("[]") => {
            let items = Vec::new();
            node(colon + 2..colon + 4, Kind::List { flow: true, items })
        }
        Some(value) => single(value, colon + 2)?,
        None if rest.is_empty() => scalar(colon + 1..colon + 1, Style::Plain, ""),
        None => return None,
    };
    Some(Entry {
        key: scalar(start..colon, Style::Plain, key),
        colon: Some(colon),
        value,
    })
}

/// Booleans of YAML 1.1.
const SWITCHES: [&str; 6] = ["y", "n", "yes", "no", "on", "off"];

/// A list item with a single value, for the entry before. Returns the column of its dash.
fn add_item(list: &mut Node, column: Option<usize>, content: &str, start: usize) -> Option<usize> {
    let indent = content.bytes().take_while(|byte| *byte == b' ').count();
    let value = content[indent..].strip_prefix("- ")?;
    if indent > 2 || column.is_some_and(|column| column != indent) {
        return None;
    }
    let dash = start + indent;
    let item = Item {
        dash: Some(dash),
        value: single(value, dash + 2)?,
    };
    let end = item.value.span.end;
    let is_empty = list.is_empty();
    match &mut list.kind {
        Kind::List { flow: false, items } if column.is_some() => {
            items.push(item);
            list.span.end = end;
        }
        Kind::Scalar { .. } if is_empty => {
            let items = vec![item];
            *list = node(dash..end, Kind::List { flow: false, items });
        }
        _ => return None,
    }
    Some(indent)
}

/// One value to the end of its line: a plain word or number, or a quoted text without escapes.
fn single(value: &str, start: usize) -> Option<Node> {
    let bytes = value.as_bytes();
    let (first, last) = (*bytes.first()?, *bytes.last()?);
    let span = start..start + value.len();
    if first.is_ascii_alphanumeric() {
        let is_harmless = |byte: &u8| byte.is_ascii_alphanumeric() || b" _-+./()".contains(byte);
        return (last != b' ' && bytes.iter().all(is_harmless))
            .then(|| scalar(span, Style::Plain, value));
    }
    let style = match first {
        b'\'' => Style::Single,
        b'"' => Style::Double,
        _ => return None,
    };
    let inner = value.get(1..value.len() - 1).filter(|_| last == first)?;
    let is_harmless = |byte: u8| (b' '..=b'~').contains(&byte) && byte != first && byte != b'\\';
    inner
        .bytes()
        .all(is_harmless)
        .then(|| scalar(span, style, inner))
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
