//! Which item of a list before a change is which one after it.

use std::collections::HashMap;

/// What tells an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark<'a> {
    /// The whole item as it is serialised.
    pub(crate) raw: &'a str,
    /// Its member `id`, if it is an object that has one.
    pub(crate) id: Option<&'a str>,
}

impl<'a> Mark<'a> {
    fn identity(self) -> (bool, &'a str) {
        self.id.map_or((false, self.raw), |id| (true, id))
    }
}

/// What became of an item, by its number before and after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Stays(usize, usize),
    Goes(usize),
    Comes(usize),
    /// It comes here, and goes where it was: that is told as well.
    Moves(usize, usize),
}

/// The fates of all items, in order.
///
/// Equal items at both ends stay. In between, items with one `id`, or without any that are equal, are the same; they stay where
/// their order is kept. What is left between two that stay is paired in order, unless an `id` says that they are different things:
/// members that only the text knows must not pass from one to another.
pub(crate) fn align(before: &[Mark<'_>], after: &[Mark<'_>]) -> Vec<Fate> {
    let start = common(before.iter().zip(after));
    let (was, is) = (&before[start..], &after[start..]);
    let end = common(was.iter().rev().zip(is.iter().rev()));
    let middle = Middle::of(&was[..was.len() - end], &is[..is.len() - end]);
    let mut fates: Vec<_> = (0..start).map(|at| Fate::Stays(at, at)).collect();
    middle.tell(|fate| fates.push(shifted(fate, start)));
    let tail = (0..end).map(|at| Fate::Stays(before.len() - end + at, after.len() - end + at));
    fates.extend(tail);
    fates
}

fn common<'a>(pairs: impl Iterator<Item = (&'a Mark<'a>, &'a Mark<'a>)>) -> usize {
    pairs
        .take_while(|(before, after)| before.raw == after.raw)
        .count()
}

fn shifted(fate: Fate, by: usize) -> Fate {
    match fate {
        Fate::Stays(before, after) => Fate::Stays(before + by, after + by),
        Fate::Goes(before) => Fate::Goes(before + by),
        Fate::Comes(after) => Fate::Comes(after + by),
        Fate::Moves(before, after) => Fate::Moves(before + by, after + by),
    }
}

/// What lies between the equal ends.
struct Middle<'a> {
    before: &'a [Mark<'a>],
    after: &'a [Mark<'a>],
    /// The items that stay, by both numbers.
    row: Vec<(usize, usize)>,
    /// For each item after, which one before it is.
    origins: Vec<Option<usize>>,
    /// For each item before, whether it is known after.
    is_known: Vec<bool>,
}

impl<'a> Middle<'a> {
    fn of(before: &'a [Mark<'a>], after: &'a [Mark<'a>]) -> Self {
        let mut places: HashMap<_, Vec<usize>> = HashMap::new();
        for (number, mark) in before.iter().enumerate().rev() {
            places.entry(mark.identity()).or_default().push(number);
        }
        let origins = after
            .iter()
            .map(|mark| places.get_mut(&mark.identity())?.pop());
        let origins: Vec<_> = origins.collect();
        let known = origins
            .iter()
            .enumerate()
            .filter_map(|(number, origin)| Some(((*origin)?, number)));
        let known: Vec<_> = known.collect();
        let mut is_known = vec![false; before.len()];
        for (origin, _) in &known {
            is_known[*origin] = true;
        }
        let row = longest_rising(&known);
        Self {
            before,
            after,
            row,
            origins,
            is_known,
        }
    }

    fn tell(&self, mut tell: impl FnMut(Fate)) {
        let mut from = (0, 0);
        for pair in &self.row {
            self.between(from, *pair, &mut tell);
            tell(Fate::Stays(pair.0, pair.1));
            from = (pair.0 + 1, pair.1 + 1);
        }
        self.between(from, (self.before.len(), self.after.len()), &mut tell);
    }

    /// Pairs what is left between two that stay.
    fn between(&self, from: (usize, usize), to: (usize, usize), tell: &mut impl FnMut(Fate)) {
        let (mut was, mut is) = from;
        while was < to.0 || is < to.1 {
            let goes =
                was < to.0 && (is >= to.1 || self.is_known[was] || self.before[was].id.is_some());
            let comes = is < to.1
                && (was >= to.0 || self.origins[is].is_some() || self.after[is].id.is_some());
            if goes {
                tell(Fate::Goes(was));
            } else if comes {
                tell(self.origins[is].map_or(Fate::Comes(is), |origin| Fate::Moves(origin, is)));
            } else {
                tell(Fate::Stays(was, is));
            }
            was += usize::from(goes || !comes);
            is += usize::from(!goes);
        }
    }
}

/// The longest row of pairs, not necessarily neighbours, in which the first number rises.
fn longest_rising(pairs: &[(usize, usize)]) -> Vec<(usize, usize)> {
    // For each length, which pair is the lowest that ends a row of that length; for each pair, which one it follows.
    let mut ends: Vec<usize> = Vec::new();
    let mut follows = Vec::with_capacity(pairs.len());
    for (number, pair) in pairs.iter().enumerate() {
        let length = ends.partition_point(|end| pairs[*end].0 < pair.0);
        follows.push(length.checked_sub(1).map(|shorter| ends[shorter]));
        if length == ends.len() {
            ends.push(number);
        } else {
            ends[length] = number;
        }
    }
    let mut row = Vec::with_capacity(ends.len());
    let mut next = ends.last().copied();
    while let Some(number) = next {
        row.push(pairs[number]);
        next = follows[number];
    }
    row.reverse();
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `x1` is an item with the id x that says 1; what begins with a dot has no id.
    fn marks(items: &str) -> Vec<Mark<'_>> {
        let mark = |raw| Mark {
            raw,
            id: (!str::starts_with(raw, '.')).then(|| &raw[..1]),
        };
        items.split_whitespace().map(mark).collect()
    }

    #[test]
    fn items_are_followed_by_id_then_by_place() {
        let table = [
            ("a1 b1 c1", "a1 b2 c1", "a1>a1 b1>b2 c1>c1"),
            ("a1 b1 c1 d1", "a1 c1 d2", "a1>a1 -b1 c1>c1 d1>d2"),
            ("a1 b1", "a1 x1 b2", "a1>a1 +x1 b1>b2"),
            ("a1 b1", "b2 a1", "b1~b2 a1>a1 -b1"),
            (".x .y", ".y .x", ".y~.y .x>.x -.y"),
            (".k .s .t", ".q .s .t .k", "-.k +.q .s>.s .t>.t .k~.k"),
            (
                ".q .s .t .k",
                ".k .s .t .z",
                ".k~.k -.q .s>.s .t>.t -.k +.z",
            ),
            (
                "a1 b1 c1 .x",
                "c2 .q b1 a1",
                "c1~c2 +.q b1~b1 a1>a1 -b1 -c1 -.x",
            ),
            ("a1", "b1", "-a1 +b1"),
            ("", "a1 .x", "+a1 +.x"),
            (".x .x", "", "-.x -.x"),
            (".x .y .z", ".x .q .z", ".x>.x .y>.q .z>.z"),
            (".x .y .z", ".q .y .r .s", ".x>.q .y>.y .z>.r +.s"),
            (".x a1 .y", ".q .r", ".x>.q -a1 .y>.r"),
            (".x .x .x", ".x .x", ".x>.x .x>.x -.x"),
            (
                "a1 b1 c1 d1 e1",
                "e2 a2 b2 c2 d2",
                "e1~e2 a1>a2 b1>b2 c1>c2 d1>d2 -e1",
            ),
        ];
        for (before, after, wanted) in table {
            let (was, is) = (marks(before), marks(after));
            let told = align(&was, &is).into_iter().map(|fate| match fate {
                Fate::Stays(before, after) => format!("{}>{}", was[before].raw, is[after].raw),
                Fate::Goes(before) => format!("-{}", was[before].raw),
                Fate::Comes(after) => format!("+{}", is[after].raw),
                Fate::Moves(before, after) => format!("{}~{}", was[before].raw, is[after].raw),
            });
            let told: Vec<_> = told.collect();
            let wanted: Vec<_> = wanted.split_whitespace().collect();
            assert_eq!(told, wanted, "from {before:?} to {after:?}");
        }
    }
}
