//! What a lease covers as a whole: a set of patterns. Pure.

use std::collections::BTreeSet;
use std::fmt;

use crate::overlap::Overlap;
use crate::pattern::Pattern;
use crate::project_path::ProjectPath;

/// A set of patterns, in one order whichever way they were given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope(BTreeSet<Pattern>);

/// Two patterns that mean a common path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clash {
    /// What was asked for.
    pub wanted: Pattern,
    /// What stands against it.
    pub held: Pattern,
    /// Whether that is certain.
    pub overlap: Overlap,
}

impl Scope {
    /// The patterns, in order.
    pub fn patterns(&self) -> impl Iterator<Item = &Pattern> {
        self.0.iter()
    }

    /// Whether it means nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many patterns there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Adds a pattern.
    pub fn insert(&mut self, pattern: Pattern) {
        self.0.insert(pattern);
    }

    /// Takes the patterns out that stand in `others`; returns those that were there.
    #[must_use = "what was taken out is only here"]
    pub fn remove_all(&mut self, others: &Self) -> Self {
        let (gone, kept) = std::mem::take(&mut self.0)
            .into_iter()
            .partition(|pattern| others.names(pattern));
        self.0 = kept;
        Self(gone)
    }

    /// Whether a pattern stands in it; a path counts however it is meant, as a file or as a directory.
    fn names(&self, pattern: &Pattern) -> bool {
        self.0.iter().any(|own| own.is_same_place(pattern))
    }

    /// Whether any of `others` stands in it, as it is there: being a part of something is not enough.
    pub fn names_any_of(&self, others: &Self) -> bool {
        others.0.iter().any(|pattern| self.names(pattern))
    }

    /// Whether a path is meant.
    pub fn covers(&self, path: &ProjectPath) -> bool {
        self.covering(path).is_some()
    }

    /// The first pattern that means a path.
    pub fn covering(&self, path: &ProjectPath) -> Option<&Pattern> {
        self.0.iter().find(|pattern| pattern.covers(path))
    }

    /// Every pair of patterns, one of each scope, that mean a common path.
    pub fn clashes(&self, held: &Self) -> Vec<Clash> {
        let pairs = self
            .0
            .iter()
            .flat_map(|wanted| held.0.iter().map(move |held| (wanted, held)));
        pairs
            .filter_map(|(wanted, held)| {
                let overlap = wanted.overlap(held);
                overlap.is_conflict().then(|| Clash {
                    wanted: wanted.clone(),
                    held: held.clone(),
                    overlap,
                })
            })
            .collect()
    }

    /// Whether any path may be meant by both.
    pub fn meets(&self, other: &Self) -> bool {
        self.0
            .iter()
            .any(|one| other.0.iter().any(|other| one.overlap(other).is_conflict()))
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, pattern) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{pattern}")?;
        }
        Ok(())
    }
}

impl FromIterator<Pattern> for Scope {
    fn from_iter<I: IntoIterator<Item = Pattern>>(patterns: I) -> Self {
        Self(patterns.into_iter().collect())
    }
}

impl Extend<Pattern> for Scope {
    fn extend<I: IntoIterator<Item = Pattern>>(&mut self, patterns: I) {
        self.0.extend(patterns);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::glob::Glob;

    fn pattern(text: &str) -> Pattern {
        let path = |text: &str| ProjectPath::from_parts(text.split('/'));
        if text.contains('*') {
            Pattern::Glob(Glob::from_clean(text).expect("it is a glob"))
        } else if let Some(folder) = text.strip_suffix('/') {
            Pattern::Directory(path(folder))
        } else {
            Pattern::File(path(text))
        }
    }

    fn scope(texts: &[&str]) -> Scope {
        texts.iter().map(|text| pattern(text)).collect()
    }

    fn told(clashes: &[Clash]) -> Vec<(String, String)> {
        let pair = |clash: &Clash| (clash.wanted.to_string(), clash.held.to_string());
        clashes.iter().map(pair).collect()
    }

    #[test]
    fn scope_is_the_same_whichever_way_it_was_given() {
        let one = scope(&["b", "a/", "*.rs", "b"]);
        let other = scope(&["*.RS", "B", "A/"]);
        assert_eq!(one, other, "order, case and repetition make no difference");
        assert_eq!(one.len(), 3, "each pattern stands once");
        assert_eq!(one.to_string(), "b, a/, *.rs", "files, directories, globs");
        assert_ne!(scope(&["a"]), scope(&["a/"]), "a file is no directory");
    }

    #[test]
    fn clashes_are_all_pairs_with_a_common_path_and_no_others() {
        let wanted = scope(&["src/a.rs", "docs/", "ui/*.ts"]);
        let table = [
            (&["src/b.rs", "doc/", "ui/*.css"][..], &[][..]),
            (&["src/"], &[("src/a.rs", "src/")]),
            (
                &["docs/x.md", "docs/y.md"],
                &[("docs/", "docs/x.md"), ("docs/", "docs/y.md")],
            ),
            (
                &["**/*.ts"],
                &[("docs/", "**/*.ts"), ("ui/*.ts", "**/*.ts")],
            ),
            (
                &["SRC/A.RS", "ui/x.ts"],
                &[("src/a.rs", "SRC/A.RS"), ("ui/*.ts", "ui/x.ts")],
            ),
        ];
        for (texts, expected) in table {
            let held = scope(texts);
            let clashes = told(&wanted.clashes(&held));
            let clashes: Vec<_> = clashes
                .iter()
                .map(|(wanted, held)| (wanted.as_str(), held.as_str()))
                .collect();
            assert_eq!(clashes, expected, "{wanted} against {held}");
            assert_eq!(
                wanted.meets(&held),
                !expected.is_empty(),
                "{wanted} meets {held}"
            );
            assert_eq!(
                held.meets(&wanted),
                !expected.is_empty(),
                "{held} meets {wanted}"
            );
        }
    }

    #[test]
    fn scope_names_what_stands_in_it_and_covers_what_lies_in_that() {
        let own = scope(&["src/", "a.rs", "*.md"]);
        let table = [
            ("src/", true),
            ("src", true),
            ("a.rs/", true),
            ("A.rs", true),
            ("*.MD", true),
            ("src/x", false),
            ("x.md", false),
            ("*.rs", false),
        ];
        for (text, expected) in table {
            let named = own.names_any_of(&scope(&[text]));
            assert_eq!(named, expected, "{own} names {text}");
        }
        let table = [
            ("src/x/y", Some("src/")),
            ("x.md", Some("*.md")),
            ("b.rs", None),
        ];
        for (text, expected) in table {
            let path = ProjectPath::from_parts(text.split('/'));
            let covering = own.covering(&path).map(ToString::to_string);
            assert_eq!(covering.as_deref(), expected, "what covers {text}");
            assert_eq!(own.covers(&path), expected.is_some(), "{text} is covered");
        }
    }

    #[test]
    fn removing_takes_what_is_named_and_keeps_the_rest() {
        let mut own = scope(&["src/", "a.rs", "b.rs", "*.md"]);
        let gone = own.remove_all(&scope(&["src", "A.RS", "src/x", "c.rs"]));
        assert_eq!(gone, scope(&["src/", "a.rs"]), "what was named is given");
        assert_eq!(own, scope(&["b.rs", "*.md"]), "the rest stays");
        let nothing = own.remove_all(&scope(&["x.md"]));
        assert!(nothing.is_empty(), "a part of a glob is not named");
    }
}
