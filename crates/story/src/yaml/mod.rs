//! YAML text with places: parse, read, plan an edit as one splice, check its result.
//!
//! Offsets in this module count bytes of the YAML text, not of the file.

mod builder;
mod check;
mod draft;
mod edit;
mod local;
mod node;
mod outline;
mod parser;
mod pieces;
mod plain;
mod read;
mod resolve;
mod scan;
mod second;
mod simple;
mod source;
mod write;

pub(crate) use draft::{Draft, Failure};
pub(crate) use edit::{Found, Refusal, Trail, locate};
pub(crate) use parser::Fault;
pub(crate) use pieces::{Piece, Pieces};
pub(crate) use plain::{Given, Line, lines as plain_lines};
pub(crate) use read::Reader;
pub(crate) use source::{Source, Splice};
pub(crate) use write::named;

use node::{Kind, Node, Tree};

use crate::error::{ParseError, ParseErrorKind};
use crate::value::Value;

/// Deepest nesting of lists and mappings that is read or written.
pub const MAX_DEPTH: usize = 64;

/// Most bytes the values may hold once aliases are resolved: 1 MiB, four times the longest
/// frontmatter (chosen).
pub const MAX_EXPANDED_BYTES: usize = 4 * crate::MAX_FRONTMATTER_BYTES;

/// Parses the YAML of a frontmatter; one of only blanks and comments is an empty mapping.
pub(crate) fn parse_mapping(text: &str) -> Result<Tree, Fault> {
    if let Some(root) = plain::read(text) {
        debug_assert!(
            matches!(parser::parse(text), Ok(Some((parsed, false))) if parsed == root),
            "a plain text reads as the parser reads it"
        );
        return Ok(Tree {
            root,
            has_aliases: false,
            is_plain: true,
        });
    }
    let (root, has_aliases) = match parser::parse(text)? {
        Some((root, _)) if root.is_empty() => (empty_mapping(text), false),
        Some((root, has_aliases)) => match root.kind {
            Kind::Map { .. } => (root, has_aliases),
            _ => return Err((root.outer, ParseErrorKind::NotAMapping)),
        },
        None => (empty_mapping(text), false),
    };
    Ok(Tree {
        root,
        has_aliases,
        is_plain: false,
    })
}

/// Parses one YAML value of any kind; an empty text is null.
pub(crate) fn parse_value(text: &str) -> Result<Value, ParseError> {
    let fault = |(offset, kind)| ParseError::at(text.as_bytes(), offset, kind);
    if let Some(nul) = memchr::memchr(0, text.as_bytes()) {
        return Err(fault((nul, ParseErrorKind::Nul)));
    }
    if text.len() > crate::MAX_FRONTMATTER_BYTES {
        let limit = crate::MAX_FRONTMATTER_BYTES;
        return Err(fault((0, ParseErrorKind::TooLarge { limit })));
    }
    Ok(match parser::parse(text).map_err(fault)? {
        Some((root, has_aliases)) => Reader::of(&root, has_aliases).whole(),
        None => Value::Null,
    })
}

fn empty_mapping(text: &str) -> Node {
    Node {
        span: text.len()..text.len(),
        outer: text.len(),
        anchor: None,
        tag: None,
        kind: Kind::Map {
            flow: false,
            entries: Vec::new(),
        },
    }
}
