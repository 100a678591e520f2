//! Puts a new value in the place of a whole old one, keeping what stands around it: the key, the
//! blanks behind the colon, a comment at the end of the line.

use std::ops::Range;

use super::{Change, Edit, Planner, Refusal, Trail, What, is_flow};
use crate::value::Value;
use crate::yaml::node::{Kind, Node, Style};
use crate::yaml::scan;
use crate::yaml::write;

/// The old value and the indicator before it.
struct Old<'tree> {
    node: &'tree Node,
    /// Right behind the colon or dash.
    lead: usize,
    /// Column of the key or dash.
    column: usize,
    is_item: bool,
}

/// What a splice takes away, and the comment of the first line that has to stay there.
struct Cut<'text> {
    range: Range<usize>,
    remark: &'text str,
    /// Whether the new text comes right behind the indicator and so begins with a blank.
    needs_blank: bool,
}

impl Planner<'_> {
    /// Plans to replace a node by a value.
    pub(super) fn whole(&self, trail: &Trail, value: &Value) -> Result<Edit, Refusal> {
        let root = self.root();
        let node = trail.node(root);
        let change = Change {
            path: trail.indexes(),
            what: What::Value(value.clone()),
        };
        let Some((parent, index)) = trail.parent() else {
            return Err(Refusal::Value("the frontmatter itself is not a value"));
        };
        let old = self.old(parent.node(root), index, node);
        let (range, text) = if parent.nodes(root).any(is_flow) {
            if node.is_empty() {
                old?;
            }
            self.in_flow(node, value)
        } else {
            self.in_block(&old?, value)
        };
        Ok(Edit {
            range,
            text,
            change,
        })
    }

    fn old<'tree>(
        &self,
        parent: &'tree Node,
        index: usize,
        node: &'tree Node,
    ) -> Result<Old<'tree>, Refusal> {
        let (before, is_item) = match &parent.kind {
            Kind::List { items, .. } => (items[index].dash, true),
            Kind::Map { entries, .. } => (entries[index].colon, false),
            Kind::Scalar { .. } | Kind::Alias(_) => (None, false),
        };
        let before = before.ok_or(Refusal::unsupported(node.outer, "a key has no colon"))?;
        let column = match &parent.kind {
            Kind::Map { entries, .. } => scan::column(self.text, entries[index].key.outer),
            _ => scan::column(self.text, before),
        };
        Ok(Old {
            node,
            lead: before + 1,
            column,
            is_item,
        })
    }

    fn in_flow(&self, node: &Node, value: &Value) -> (Range<usize>, String) {
        let text = self.in_style_of(node, |keep| write::flow(value, keep));
        let bytes = self.text.as_bytes();
        let glued = node.is_empty() && node.span.start > 0 && bytes[node.span.start - 1] == b':';
        let text = if glued { format!(" {text}") } else { text };
        (node.span.clone(), text)
    }

    fn in_block(&self, old: &Old<'_>, value: &Value) -> (Range<usize>, String) {
        let renderer = self.renderer(scan::next_line(self.text, old.node.span.end));
        // A flow collection with content stays flow when another takes its place.
        let flow_stays = is_flow(old.node) && super::child_count(old.node) > 0;
        let scalar = if flow_stays && matches!(value, Value::List(_) | Value::Map(_)) {
            Some(write::flow(value, None))
        } else {
            self.in_style_of(old.node, |keep| {
                renderer.scalar(value, old.column + 2, keep)
            })
        };
        match scalar {
            Some(text) if text.contains('\n') => self.put_lines(old, &text),
            Some(text) => self.put_word(old, text),
            None => self.put_block(old, value, renderer),
        }
    }

    /// Puts a value of one line.
    fn put_word(&self, old: &Old<'_>, text: String) -> (Range<usize>, String) {
        let node = old.node;
        if node.is_empty() {
            return (node.span.clone(), format!(" {text}"));
        }
        if !is_block_collection(node) && !is_block_scalar(node)
            || (old.is_item && self.is_inline(old))
        {
            return (node.span.clone(), text);
        }
        let cut = self.cut(old);
        let blank = if cut.needs_blank { " " } else { "" };
        (cut.range, format!("{blank}{text}{}", cut.remark))
    }

    /// Puts a block scalar: a header, behind which a comment may stay, and lines.
    fn put_lines(&self, old: &Old<'_>, text: &str) -> (Range<usize>, String) {
        let cut = self.cut(old);
        let blank = if cut.needs_blank { " " } else { "" };
        let (header, lines) = text.split_once('\n').unwrap_or((text, ""));
        (cut.range, format!("{blank}{header}{}\n{lines}", cut.remark))
    }

    /// Puts a list or mapping on lines of its own, or behind its dash.
    fn put_block(
        &self,
        old: &Old<'_>,
        value: &Value,
        renderer: write::Renderer,
    ) -> (Range<usize>, String) {
        let cut = self.cut(old);
        if old.is_item {
            let block = renderer.block(value, old.column + 2);
            let (first, rest) = block
                .split_once('\n')
                .map_or((block.as_str(), None), |(first, rest)| (first, Some(rest)));
            let rest = rest.map_or(String::new(), |rest| format!("\n{rest}"));
            return (
                old.lead..cut.range.end,
                format!(" {first}{}{rest}", cut.remark),
            );
        }
        let column = match (&old.node.kind, value) {
            (Kind::List { flow: false, .. }, Value::List(_))
            | (Kind::Map { flow: false, .. }, Value::Map(_)) => {
                scan::column(self.text, old.node.span.start)
            }
            _ => old.column + renderer.indent_of(value),
        };
        let block = renderer.block(value, column);
        let text = format!("{}\n{}{block}", cut.remark, " ".repeat(column));
        (old.lead..cut.range.end, text)
    }

    /// What goes when the old value goes.
    fn cut<'text>(&'text self, old: &Old<'_>) -> Cut<'text> {
        let node = old.node;
        let line_end = scan::line_end(self.text, old.lead);
        if node.is_empty() {
            return Cut {
                range: node.span.start..line_end,
                remark: self.text[node.span.start..line_end].trim_end(),
                needs_blank: true,
            };
        }
        if !self.is_inline(old) {
            return Cut {
                range: old.lead..scan::line_end(self.text, node.span.end),
                remark: self.text[old.lead..line_end].trim_end(),
                needs_blank: true,
            };
        }
        if is_block_scalar(node) {
            let header_end = scan::line_end(self.text, node.span.start);
            let header = &self.text[node.span.start..header_end];
            let indicators = header.find([' ', '\t']).unwrap_or(header.len());
            return Cut {
                range: node.span.clone(),
                remark: header[indicators..].trim_end(),
                needs_blank: false,
            };
        }
        let end = scan::line_end(self.text, node.span.end);
        Cut {
            range: node.span.start..end,
            remark: self.text[node.span.end..end].trim_end(),
            needs_blank: false,
        }
    }

    /// Whether the value begins on the line of its key or dash.
    fn is_inline(&self, old: &Old<'_>) -> bool {
        old.node.span.start <= scan::line_end(self.text, old.lead)
    }
}

fn is_block_scalar(node: &Node) -> bool {
    matches!(
        node.kind,
        Kind::Scalar {
            style: Style::Literal | Style::Folded,
            ..
        }
    )
}

fn is_block_collection(node: &Node) -> bool {
    matches!(
        node.kind,
        Kind::List { flow: false, .. } | Kind::Map { flow: false, .. }
    )
}
