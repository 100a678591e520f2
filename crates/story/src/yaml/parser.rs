//! The only place that knows granit-parser: events and their spans -> our tree.

use std::ops::Range;

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, ScanError, Span, StructureStyle, Tag};

use super::MAX_DEPTH;
use super::builder::{Builder, Properties};
use super::node::{Node, Style};
use crate::error::ParseErrorKind;

/// What is wrong, and at which byte of the YAML text.
pub(crate) type Fault = (usize, ParseErrorKind);

/// Parses a YAML text of at most one document. `None`: the text holds only blanks and comments.
pub(crate) fn parse(text: &str) -> Result<Option<(Node, bool)>, Fault> {
    let mut options = granit_parser::Options::default();
    options.emit_anchor_events = true;
    options.flow_nesting_limit = MAX_DEPTH;
    options.block_nesting_limit = MAX_DEPTH;
    options.set_emit_comments(false);
    let mut events = Events {
        parser: Parser::new_from_str_with_options(text, options),
        text,
    };
    let mut builder = Builder::new(text);
    let mut documents = 0;
    while let Some((event, span)) = events.next()? {
        let place = byte_range(&span, text)?;
        match event {
            Event::DocumentStart(..) => {
                documents += 1;
                if documents > 1 {
                    return Err((place.start, ParseErrorKind::SeveralDocuments));
                }
            }
            Event::Alias(id) => builder.alias(place, id)?,
            Event::Scalar(value, style, anchor, tag) => {
                let properties = events.properties(&span, anchor, tag.as_deref())?;
                builder.scalar(place, own_style(style), &value, properties)?;
            }
            Event::SequenceStart(style, anchor, tag) => {
                let properties = events.properties(&span, anchor, tag.as_deref())?;
                builder.open_list(place, style == StructureStyle::Flow, properties)?;
            }
            Event::MappingStart(style, anchor, tag) => {
                let properties = events.properties(&span, anchor, tag.as_deref())?;
                builder.open_map(place, style == StructureStyle::Flow, properties)?;
            }
            Event::SequenceEnd | Event::MappingEnd => builder.close(place)?,
            _ => {}
        }
    }
    Ok(builder.finish())
}

struct Events<'text> {
    parser: Parser<'text, granit_parser::StrInput<'text>>,
    text: &'text str,
}

impl<'text> Events<'text> {
    fn next(&mut self) -> Result<Option<(Event<'text>, Span)>, Fault> {
        match self.parser.next() {
            None => Ok(None),
            Some(Ok(event)) => Ok(Some(event)),
            Some(Err(err)) => Err(fault(&err, self.text)),
        }
    }

    /// Collects anchor and tag of the node whose event was just read. The parser tells the place
    /// of an anchor in an event of its own that directly follows the node's.
    fn properties(
        &mut self,
        span: &Span,
        anchor: usize,
        tag: Option<&Tag>,
    ) -> Result<Properties, Fault> {
        let mut properties = Properties::default();
        properties.indent = span.indent;
        if let Some(tag) = tag {
            properties.tag = Some(format!("{}{}", tag.handle(), tag.suffix()).into());
            if let Some(place) = span.tag_span() {
                properties.include(&byte_range(&place, self.text)?);
            }
        }
        if anchor != 0 {
            properties.anchor = Some(anchor);
            if let Some((Event::Anchor(..), place)) = self.next()? {
                properties.include(&byte_range(&place, self.text)?);
            }
        }
        Ok(properties)
    }
}

fn own_style(style: ScalarStyle) -> Style {
    match style {
        ScalarStyle::Plain => Style::Plain,
        ScalarStyle::SingleQuoted => Style::Single,
        ScalarStyle::DoubleQuoted => Style::Double,
        ScalarStyle::Literal => Style::Literal,
        ScalarStyle::Folded => Style::Folded,
    }
}

fn byte_range(span: &Span, text: &str) -> Result<Range<usize>, Fault> {
    span.byte_range()
        .filter(|range| text.get(range.clone()).is_some())
        .ok_or((0, unplaced()))
}

/// The fault of a node whose place the parser does not tell in a way that can be trusted.
pub(crate) fn unplaced() -> ParseErrorKind {
    ParseErrorKind::Syntax {
        message: "a value cannot be located".to_owned(),
    }
}

fn fault(err: &ScanError, text: &str) -> Fault {
    let offset = err.marker().byte_offset().unwrap_or(0).min(text.len());
    let at_end = text[offset..].trim().is_empty();
    let kind = match err.kind() {
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabAtBlockScalarStart
        | ErrorKind::TabInIndentation
        | ErrorKind::TabInPlainScalar => ParseErrorKind::Tab,
        ErrorKind::RecursionLimitExceeded => ParseErrorKind::TooDeep { limit: MAX_DEPTH },
        ErrorKind::InvalidQuotedScalarIndent if at_end => ParseErrorKind::Syntax {
            message: "a quoted text is not closed".to_owned(),
        },
        ErrorKind::InvalidQuotedScalarIndent => ParseErrorKind::Continuation,
        _ => ParseErrorKind::Syntax {
            message: err.info(),
        },
    };
    (offset, kind)
}
