//! How new text is laid out: as its neighbours are. Indentation, line ends, or all on one line.

use crate::tree::{Item, Tree};

/// The layout of a value that is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layout {
    /// `None`: all on one line.
    pub(crate) lines: Option<Lines>,
    /// Between a name and its value.
    pub(crate) colon: String,
    /// Behind a comma that ends no line.
    pub(crate) gap: String,
}

/// A layout with one member or item in each line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lines {
    pub(crate) end: &'static str,
    /// The indentation of the line with the closing bracket.
    pub(crate) base: String,
    /// What each level has more.
    pub(crate) unit: String,
}

/// How another item is put among those that a list or object has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Beside {
    /// What stands between a comma and the item.
    pub(crate) separator: String,
    /// How its value is written.
    pub(crate) value: Layout,
}

/// How a value in the place of `chain`'s last one is written; the nodes before it in `chain` are those around it.
pub(crate) fn in_place(tree: Tree<'_>, chain: &[usize]) -> Layout {
    let Some((&node, outer)) = chain.split_last() else {
        return fresh(tree);
    };
    if tree.size(node) > 1 {
        return of_container(tree, chain);
    }
    let Some(&parent) = outer.last() else {
        return fresh(tree);
    };
    let item = tree.items(parent).find(|item| item.value == node);
    item.map_or_else(|| fresh(tree), |item| beside(tree, outer, item).value)
}

/// How an item is put beside one that is there, into the list or object at the end of `chain`.
pub(crate) fn beside(tree: Tree<'_>, chain: &[usize], neighbour: Item) -> Beside {
    let container = chain[chain.len() - 1];
    let before = blank_before(tree, neighbour.first());
    let layout = of_container(tree, chain);
    let colon = neighbour
        .key
        .and_then(|key| colon_between(tree, key, neighbour.value));
    let colon = colon.unwrap_or_else(|| layout.colon.clone());
    if let Some((end, indent)) = last_line(before) {
        let unit = unit(tree, container, indent);
        let base = indent.to_owned();
        return Beside {
            separator: format!("{end}{indent}"),
            value: Layout {
                lines: Some(Lines { end, base, unit }),
                colon,
                gap: layout.gap,
            },
        };
    }
    let is_first = neighbour.first() == container + 1;
    let separator = if is_first {
        layout.gap.clone()
    } else {
        before.to_owned()
    };
    Beside {
        value: Layout {
            lines: None,
            colon,
            gap: separator.clone(),
        },
        separator,
    }
}

/// How the items of an empty list or object are written; `chain` leads to it.
pub(crate) fn of_empty(tree: Tree<'_>, chain: &[usize]) -> Layout {
    in_place(tree, chain)
}

/// The layout of a list or object that has items.
fn of_container(tree: Tree<'_>, chain: &[usize]) -> Layout {
    let container = chain[chain.len() - 1];
    let first = tree.items(container).next();
    let colon = first.and_then(|item| colon_between(tree, item.key?, item.value));
    let before = blank_before(tree, container + 1);
    let gap = gap(tree, chain);
    let lines = last_line(before).map(|(end, indent)| Lines {
        end,
        base: base(tree, container).to_owned(),
        unit: unit(tree, container, indent),
    });
    let fallback = if lines.is_some() {
        ": ".to_owned()
    } else {
        format!(":{gap}")
    };
    Layout {
        lines,
        colon: colon.unwrap_or(fallback),
        gap,
    }
}

/// The layout of a text that shows none yet: two blanks for a level, as `JSON.stringify(…, 2)` and npm write it.
fn fresh(tree: Tree<'_>) -> Layout {
    let end = tree
        .text
        .find('\n')
        .map_or("\n", |at| line_end(tree.text, at));
    Layout {
        lines: Some(Lines {
            end,
            base: String::new(),
            unit: "  ".to_owned(),
        }),
        colon: ": ".to_owned(),
        gap: " ".to_owned(),
    }
}

/// What follows a comma within a line: as between two items here, else as around the nearest colon.
fn gap(tree: Tree<'_>, chain: &[usize]) -> String {
    for &container in chain.iter().rev() {
        let items = || tree.items(container);
        let blank = items().skip(1).map(|item| blank_before(tree, item.first()));
        // Two are enough to see it: of a list with 100,000 lines none would tell more.
        if let Some(blank) = blank.take(2).find(|blank| !blank.contains('\n')) {
            return blank.to_owned();
        }
        let colon = items()
            .next()
            .and_then(|item| Some(blank_behind_colon(tree, item.key?, item.value)));
        if let Some(blank) = colon {
            return if blank.is_empty() { "" } else { " " }.to_owned();
        }
    }
    String::new()
}

/// The white space before a node.
fn blank_before(tree: Tree<'_>, node: usize) -> &str {
    let before = &tree.text[..tree.range(node).start];
    &before[before.trim_end_matches(BLANKS).len()..]
}

fn colon_between(tree: Tree<'_>, key: usize, value: usize) -> Option<String> {
    let between = &tree.text[tree.range(key).end..tree.range(value).start];
    (!between.contains('\n')).then(|| between.to_owned())
}

fn blank_behind_colon(tree: Tree<'_>, key: usize, value: usize) -> &str {
    let between = &tree.text[tree.range(key).end..tree.range(value).start];
    between.split_once(':').map_or("", |(_, blank)| blank)
}

/// The indentation of the line that closes a list or object; where that stands behind the last item, of the one that opens it.
fn base(tree: Tree<'_>, container: usize) -> &str {
    let range = tree.range(container);
    let inside = &tree.text[..range.end - 1];
    let blank = &inside[inside.trim_end_matches(BLANKS).len()..];
    last_line(blank).map_or_else(|| line_indent(tree.text, range.start), |(_, indent)| indent)
}

/// What an item that stands at `indent` has more than the list or object that it is in.
fn unit(tree: Tree<'_>, container: usize, indent: &str) -> String {
    match indent.strip_prefix(base(tree, container)) {
        Some(unit) => unit.to_owned(),
        _ if indent.starts_with('\t') => "\t".to_owned(),
        _ => "  ".to_owned(),
    }
}

/// The blanks at the beginning of the line that `at` stands in.
fn line_indent(text: &str, at: usize) -> &str {
    let start = text[..at].rfind('\n').map_or(0, |end| end + 1);
    let line = &text[start..at];
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}

/// The last line end in some white space, and the indentation behind it.
fn last_line(blank: &str) -> Option<(&'static str, &str)> {
    let at = blank.rfind('\n')?;
    Some((line_end(blank, at), &blank[at + 1..]))
}

fn line_end(text: &str, at: usize) -> &'static str {
    if text[..at].ends_with('\r') {
        "\r\n"
    } else {
        "\n"
    }
}

/// White space (RFC 8259, section 2).
pub(crate) const BLANKS: [char; 4] = [' ', '\t', '\n', '\r'];
