//! Lines put together: what both sides changed with an unchanged line between. Pure.

use similar::{MergeResolution, TextMerge};

use super::Conflict;

/// A stretch of lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// Merged, or unchanged.
    Lines(Vec<u8>),
    /// Both changed it, each in its own way.
    Conflict {
        /// Lines of `ours` before it.
        before: usize,
        base: Vec<u8>,
        ours: Vec<u8>,
        theirs: Vec<u8>,
    },
}

/// Lines in three versions, put together.
#[derive(Debug, Clone)]
pub(super) struct Body {
    pub(super) parts: Vec<Part>,
    first_line: usize,
}

impl Body {
    /// Merges three versions; `first_line` is the number of the first line of `ours` in its file.
    pub(super) fn merge(base: &[u8], ours: &[u8], theirs: &[u8], first_line: usize) -> Self {
        let parts = if theirs == base || theirs == ours {
            vec![Part::Lines(ours.to_vec())]
        } else if ours == base {
            vec![Part::Lines(theirs.to_vec())]
        } else {
            merge_lines(base, ours, theirs)
        };
        Self { parts, first_line }
    }

    /// The merged lines, those of `ours` where there is a conflict.
    pub(super) fn ours(&self) -> Vec<u8> {
        let lines = self.parts.iter().map(|part| match part {
            Part::Lines(lines) => lines.as_slice(),
            Part::Conflict { ours, .. } => ours.as_slice(),
        });
        lines.collect::<Vec<_>>().concat()
    }

    pub(super) fn conflicts(&self) -> impl Iterator<Item = Conflict> {
        self.parts.iter().filter_map(|part| match part {
            Part::Lines(_) => None,
            Part::Conflict {
                before,
                base,
                ours,
                theirs,
            } => Some(Conflict::Body {
                line: self.first_line + before,
                base: base.clone(),
                ours: ours.clone(),
                theirs: theirs.clone(),
            }),
        })
    }
}

fn merge_lines(base: &[u8], ours: &[u8], theirs: &[u8]) -> Vec<Part> {
    let merge = TextMerge::from_lines(base, ours, theirs);
    let mut parts = Vec::new();
    for region in merge.regions() {
        let of_ours = || region.ours_range().filter_map(|at| merge.ours_line(at));
        let of_theirs = || region.theirs_range().filter_map(|at| merge.theirs_line(at));
        if region.resolution() == MergeResolution::Theirs {
            push(&mut parts, &of_theirs().collect::<Vec<_>>());
        } else if region.is_conflict() {
            let base = region.base_range().filter_map(|at| merge.base_line(at));
            let base: Vec<_> = base.collect();
            let (ours, theirs): (Vec<_>, Vec<_>) = (of_ours().collect(), of_theirs().collect());
            let before = region.ours_range().start;
            push_conflict(&mut parts, before, &base.concat(), &ours, &theirs);
        } else {
            push(&mut parts, &of_ours().collect::<Vec<_>>());
        }
    }
    parts
}

fn push(parts: &mut Vec<Part>, lines: &[&[u8]]) {
    if !lines.is_empty() {
        parts.push(Part::Lines(lines.concat()));
    }
}

/// Lines with which both sides begin or end are no part of what they disagree on.
fn push_conflict(
    parts: &mut Vec<Part>,
    before: usize,
    base: &[u8],
    ours: &[&[u8]],
    theirs: &[&[u8]],
) {
    let is_equal = |(a, b): &(&&[u8], &&[u8])| a == b;
    let head = ours.iter().zip(theirs).take_while(is_equal).count();
    let (head_lines, ours) = ours.split_at(head);
    let theirs = &theirs[head..];
    let tail = ours
        .iter()
        .rev()
        .zip(theirs.iter().rev())
        .take_while(is_equal)
        .count();
    let (ours, tail_lines) = ours.split_at(ours.len() - tail);
    let theirs = &theirs[..theirs.len() - tail];
    push(parts, head_lines);
    parts.push(Part::Conflict {
        before: before + head,
        base: base.to_vec(),
        ours: ours.concat(),
        theirs: theirs.concat(),
    });
    push(parts, tail_lines);
}

/// Lines of a frontmatter put together, for somebody who checks the outcome: where both inserted, `ours` comes first;
/// where both changed the same lines, `ours` stays. Says whether anything of `theirs` was left out.
pub(super) fn weave(base: &str, ours: &str, theirs: &str) -> (String, Left) {
    if theirs == base || theirs == ours {
        return (ours.to_owned(), Left::Nothing);
    }
    if ours == base {
        return (theirs.to_owned(), Left::Nothing);
    }
    let merge = TextMerge::from_lines(base, ours, theirs);
    let (mut text, mut left) = (String::new(), Left::Nothing);
    for region in merge.regions() {
        let of_ours = region.ours_range().filter_map(|at| merge.ours_line(at));
        let of_theirs = region.theirs_range().filter_map(|at| merge.theirs_line(at));
        match region.resolution() {
            MergeResolution::Theirs => text.extend(of_theirs),
            MergeResolution::Conflict if region.base_range().is_empty() => {
                text.extend(of_ours);
                text.extend(of_theirs);
            }
            MergeResolution::Conflict => {
                text.extend(of_ours);
                left = Left::SomeOfTheirs;
            }
            _ => text.extend(of_ours),
        }
    }
    (text, left)
}

/// What did not find a place in a woven text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    Nothing,
    SomeOfTheirs,
}
