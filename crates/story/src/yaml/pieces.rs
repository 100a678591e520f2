//! A frontmatter cut into its top-level entries, each with the comments that belong to it.

use super::node::{Kind, Tree};
use super::scan::{line_end, next_line};

/// One top-level entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Piece<'a> {
    /// The key.
    pub(crate) name: &'a str,
    /// The lines before it that belong to no entry: blank ones and comments.
    pub(crate) above: &'a str,
    /// Its lines, with the last line end.
    pub(crate) text: &'a str,
    /// The comment behind it, where it stands on one line.
    pub(crate) beside: &'a str,
}

/// The entries in file order, and the lines behind the last one. One after the other they are the whole text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Pieces<'a> {
    pub(crate) entries: Vec<Piece<'a>>,
    pub(crate) rest: &'a str,
}

impl<'a> Pieces<'a> {
    /// Cuts a text. `None`: an entry means something else in another place (anchors), or does not have lines of its own.
    pub(crate) fn of(text: &'a str, tree: &'a Tree) -> Option<Self> {
        let Kind::Map { entries, .. } = &tree.root.kind else {
            return None;
        };
        if tree.has_aliases || tree.root.holds_anchor() {
            return None;
        }
        let mut pieces = Vec::with_capacity(entries.len());
        let mut at = 0;
        for entry in entries {
            let start = entry.key.outer;
            let above = text.get(at..start)?;
            let is_free = above.is_empty() || above.ends_with('\n');
            if !is_free || !above.lines().all(is_between) {
                return None;
            }
            let end = entry.end().max(start);
            at = next_line(text, end);
            pieces.push(Piece {
                name: entry.name(),
                above,
                text: &text[start..at],
                beside: if text[start..end].contains('\n') {
                    ""
                } else {
                    text[end..line_end(text, end)].trim()
                },
            });
        }
        let rest = &text[at..];
        rest.lines().all(is_between).then_some(Self {
            entries: pieces,
            rest,
        })
    }

    /// The entry of a key.
    pub(crate) fn get(&self, name: &str) -> Option<&Piece<'a>> {
        self.entries.iter().find(|piece| piece.name == name)
    }
}

fn is_between(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with('#')
}

#[cfg(test)]
mod tests {
    use super::super::parse_mapping;
    use super::*;

    #[test]
    fn pieces_are_the_whole_text_in_entries() {
        let text = "# head\nid: S-1 # it\n\n# labels\nlabels:\n  - a # x\n  - b\ntext: |\n  # no comment\n  b\nempty:\n# end\n";
        let tree = parse_mapping(text).expect("a mapping");
        let pieces = Pieces::of(text, &tree).expect("plain entries");
        let mut whole = String::new();
        for piece in &pieces.entries {
            whole.push_str(piece.above);
            whole.push_str(piece.text);
        }
        whole.push_str(pieces.rest);
        assert_eq!(whole, text, "nothing is lost between the pieces");
        let names: Vec<_> = pieces.entries.iter().map(|piece| piece.name).collect();
        assert_eq!(names, ["id", "labels", "text", "empty"], "in file order");
        let labels = pieces.get("labels").expect("it is there");
        assert_eq!(labels.above, "\n# labels\n", "its comment belongs to it");
        let id = pieces.get("id").expect("it is there");
        assert_eq!(id.beside, "# it", "and one on its line");
        assert_eq!(pieces.rest, "# end\n", "what is left");
    }

    #[test]
    fn pieces_are_refused_where_entries_hang_together() {
        for text in ["a: &x 1\nb: *x\n", "{a: 1, b: 2}\n", "? a\n: 1\n"] {
            let tree = parse_mapping(text).expect("a mapping");
            let pieces = Pieces::of(text, &tree);
            assert_eq!(pieces, None, "{text:?} cannot be cut");
        }
    }
}
