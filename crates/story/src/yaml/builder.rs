//! Builds the tree from parser events, puts the places right, and refuses hostile shapes.
//!
//! The parser gives no place to empty nodes, leaves the header out of block scalars, and its end
//! of a block collection lies anywhere up to the next content. A cursor that moves over the text
//! with the events gives every node the place an editor would give it.

use std::collections::HashSet;
use std::ops::Range;

use super::node::{Entry, Item, Kind, Node, Style};
use super::parser::{Fault, unplaced};
use super::{MAX_DEPTH, MAX_EXPANDED_BYTES, scan};
use crate::error::ParseErrorKind;

/// Mappings up to this size are checked for duplicates without a set (chosen).
const FEW_ENTRIES: usize = 16;

/// What the parser tells of a node besides its text: anchor, tag, indentation.
#[derive(Debug, Default)]
pub(crate) struct Properties {
    pub(crate) anchor: Option<usize>,
    pub(crate) tag: Option<Box<str>>,
    /// How far the lines of a block scalar are indented.
    pub(crate) indent: Option<usize>,
    span: Option<Range<usize>>,
}

impl Properties {
    /// Widens the place of the properties by one of them.
    pub(crate) fn include(&mut self, place: &Range<usize>) {
        let old = self.span.clone().unwrap_or(place.clone());
        self.span = Some(old.start.min(place.start)..old.end.max(place.end));
    }
}

/// How much a node holds once its aliases are resolved.
#[derive(Debug, Clone, Copy, Default)]
struct Extent {
    bytes: usize,
    height: usize,
}

struct Frame {
    node: Node,
    extent: Extent,
    /// A key that waits for its value, with its colon once it is looked for.
    key: Option<Node>,
    /// Place of the dash or colon of the child to come.
    indicator: Option<usize>,
}

/// Builds one tree.
pub(crate) struct Builder<'text> {
    text: &'text str,
    cursor: usize,
    stack: Vec<Frame>,
    root: Option<Node>,
    /// By anchor number; `None` while the anchored node is not complete.
    anchors: Vec<Option<Extent>>,
    has_aliases: bool,
}

impl<'text> Builder<'text> {
    pub(crate) fn new(text: &'text str) -> Self {
        Self {
            text,
            cursor: 0,
            stack: Vec::new(),
            root: None,
            anchors: Vec::new(),
            has_aliases: false,
        }
    }

    /// The root node and whether aliases occur; `None` for a text without content.
    pub(crate) fn finish(self) -> Option<(Node, bool)> {
        self.root.map(|root| (root, self.has_aliases))
    }

    pub(crate) fn alias(&mut self, place: Range<usize>, id: usize) -> Result<(), Fault> {
        let start = place.start;
        self.enter(start)?;
        self.has_aliases = true;
        let bomb = ParseErrorKind::AliasBomb {
            limit: MAX_EXPANDED_BYTES,
        };
        let target = self.anchors.get(id).copied().flatten();
        // An alias inside its own anchor has no finite value.
        let extent = target.ok_or((start, bomb))?;
        if self.stack.len() + extent.height > MAX_DEPTH {
            return Err((start, ParseErrorKind::TooDeep { limit: MAX_DEPTH }));
        }
        self.cursor = place.end;
        let node = Node {
            outer: start,
            span: place,
            anchor: None,
            tag: None,
            kind: Kind::Alias(id),
        };
        self.attach(node, extent)
    }

    pub(crate) fn scalar(
        &mut self,
        place: Range<usize>,
        style: Style,
        value: &str,
        properties: Properties,
    ) -> Result<(), Fault> {
        self.enter(place.start)?;
        self.pass(&properties);
        let mut text = value;
        let span = match style {
            Style::Plain if place.is_empty() => {
                // The parser says `~` for an empty node.
                text = "";
                let at = self.place_of_nothing(&properties);
                at..at
            }
            Style::Plain | Style::Single | Style::Double => {
                if place.start < self.cursor {
                    return Err((place.start, unplaced()));
                }
                self.cursor = place.end;
                place
            }
            Style::Literal | Style::Folded => {
                let header = scan::skip_space(self.text, self.cursor);
                let mark = if style == Style::Literal { b'|' } else { b'>' };
                if self.text.as_bytes().get(header) != Some(&mark) {
                    return Err((place.start, unplaced()));
                }
                // For a text of blanks alone the parser tells no indentation, but its first place.
                let first_column = scan::column(self.text, place.start);
                let of_blanks = value.contains(' ').then_some(first_column);
                let indent = properties.indent.or(of_blanks);
                let span = scan::block_scalar_span(self.text, header, place.end, indent);
                self.cursor = place.end.max(span.end);
                span
            }
        };
        let extent = Extent {
            bytes: text.len() + 1,
            height: 0,
        };
        let kind = Kind::Scalar {
            style,
            text: text.into(),
        };
        let node = Self::node(span, properties, kind);
        self.attach(node, extent)
    }

    pub(crate) fn open_list(
        &mut self,
        place: Range<usize>,
        flow: bool,
        properties: Properties,
    ) -> Result<(), Fault> {
        let items = Vec::new();
        self.open(place, flow, properties, Kind::List { flow, items })
    }

    pub(crate) fn open_map(
        &mut self,
        place: Range<usize>,
        flow: bool,
        properties: Properties,
    ) -> Result<(), Fault> {
        let entries = Vec::new();
        self.open(place, flow, properties, Kind::Map { flow, entries })
    }

    pub(crate) fn close(&mut self, place: Range<usize>) -> Result<(), Fault> {
        let mut frame = self.stack.pop().ok_or((place.start, unplaced()))?;
        let (flow, last_end) = match &frame.node.kind {
            Kind::List { flow, items } => (*flow, items.last().map(Item::end)),
            Kind::Map { flow, entries } => (*flow, entries.last().map(Entry::end)),
            Kind::Scalar { .. } | Kind::Alias(_) => return Err((place.start, unplaced())),
        };
        // `[a: b]` holds a mapping without braces, which ends as a block collection does.
        let bracketed = flow && !place.is_empty();
        frame.node.span.end = if bracketed {
            self.cursor = place.end;
            place.end
        } else {
            last_end.ok_or((place.start, unplaced()))?
        };
        if let Kind::Map { entries, .. } = &frame.node.kind {
            refuse_duplicates(entries)?;
        }
        frame.extent.height += 1;
        self.attach(frame.node, frame.extent)
    }

    fn open(
        &mut self,
        place: Range<usize>,
        flow: bool,
        properties: Properties,
        kind: Kind,
    ) -> Result<(), Fault> {
        self.enter(place.start)?;
        if self.stack.len() >= MAX_DEPTH {
            return Err((place.start, ParseErrorKind::TooDeep { limit: MAX_DEPTH }));
        }
        self.pass(&properties);
        let start = if flow {
            self.cursor = self.cursor.max(place.end);
            place.start
        } else {
            scan::skip_space(self.text, self.cursor)
        };
        self.stack.push(Frame {
            node: Self::node(start..start, properties, kind),
            extent: Extent {
                bytes: 1,
                height: 0,
            },
            key: None,
            indicator: None,
        });
        Ok(())
    }

    /// Moves the cursor over the dash or colon that leads to the node that comes now.
    fn enter(&mut self, node_start: usize) -> Result<(), Fault> {
        let Some(frame) = self.stack.last_mut() else {
            return Ok(());
        };
        let next = scan::skip_space(self.text, self.cursor);
        let byte = self.text.as_bytes().get(next);
        match (&frame.node.kind, &frame.key) {
            (Kind::List { flow: false, .. }, _) => {
                if byte != Some(&b'-') {
                    return Err((node_start, unplaced()));
                }
                frame.indicator = Some(next);
                self.cursor = next + 1;
            }
            (Kind::Map { .. }, Some(_)) => {
                frame.indicator = (byte == Some(&b':')).then_some(next);
                if frame.indicator.is_some() {
                    self.cursor = next + 1;
                }
            }
            (Kind::Map { flow: false, .. }, None) if byte == Some(&b'?') && node_start != next => {
                self.cursor = next + 1;
            }
            _ => {}
        }
        Ok(())
    }

    /// Where an empty node stands: behind its indicator or properties, else behind its key (`? a`).
    fn place_of_nothing(&self, properties: &Properties) -> usize {
        let key = self.stack.last().and_then(|frame| match frame.indicator {
            None => frame.key.as_ref(),
            Some(_) => None,
        });
        match key {
            // The cursor may be beyond the blank lines behind a block scalar.
            Some(key) if properties.span.is_none() => key.span.end,
            _ => self.cursor,
        }
    }

    fn pass(&mut self, properties: &Properties) {
        if let Some(span) = &properties.span {
            self.cursor = self.cursor.max(span.end);
        }
    }

    fn node(span: Range<usize>, properties: Properties, kind: Kind) -> Node {
        Node {
            outer: properties.span.map_or(span.start, |place| place.start),
            span,
            anchor: properties.anchor,
            tag: properties.tag,
            kind,
        }
    }

    /// Hands a complete node to its parent.
    fn attach(&mut self, node: Node, extent: Extent) -> Result<(), Fault> {
        if let Some(id) = node.anchor {
            if self.anchors.len() <= id {
                self.anchors.resize(id + 1, None);
            }
            self.anchors[id] = Some(extent);
        }
        let Some(frame) = self.stack.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        frame.extent.bytes = frame.extent.bytes.saturating_add(extent.bytes);
        frame.extent.height = frame.extent.height.max(extent.height);
        if frame.extent.bytes > MAX_EXPANDED_BYTES {
            let limit = MAX_EXPANDED_BYTES;
            return Err((node.outer, ParseErrorKind::AliasBomb { limit }));
        }
        match &mut frame.node.kind {
            Kind::List { items, .. } => items.push(Item {
                dash: frame.indicator.take(),
                value: node,
            }),
            Kind::Map { entries, .. } => match frame.key.take() {
                Some(key) => entries.push(Entry {
                    key,
                    colon: frame.indicator.take(),
                    value: node,
                }),
                None => frame.key = Some(scalar_key(node)?),
            },
            Kind::Scalar { .. } | Kind::Alias(_) => return Err((node.outer, unplaced())),
        }
        Ok(())
    }
}

fn scalar_key(node: Node) -> Result<Node, Fault> {
    let found = match &node.kind {
        Kind::Scalar { .. } => return Ok(node),
        Kind::Alias(_) => "an alias",
        Kind::List { .. } => "a list",
        Kind::Map { .. } => "a mapping",
    };
    Err((node.outer, ParseErrorKind::ComplexKey { found }))
}

fn refuse_duplicates(entries: &[Entry]) -> Result<(), Fault> {
    let duplicate = if entries.len() <= FEW_ENTRIES {
        let seen_before = |(at, entry): &(usize, &Entry)| {
            entries[..*at]
                .iter()
                .any(|other| other.name() == entry.name())
        };
        entries
            .iter()
            .enumerate()
            .find(seen_before)
            .map(|found| found.1)
    } else {
        let mut seen = HashSet::with_capacity(entries.len());
        entries.iter().find(|entry| !seen.insert(entry.name()))
    };
    match duplicate {
        None => Ok(()),
        Some(entry) => {
            let key = entry.name().chars().take(80).collect();
            Err((entry.key.outer, ParseErrorKind::DuplicateKey { key }))
        }
    }
}
