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
