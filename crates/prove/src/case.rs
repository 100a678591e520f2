//! One thing that is tried, and what came of it.

use crate::context::Context;

/// Something to try: one row of the table.
#[derive(Clone, Copy)]
pub struct Case {
    /// `section: what`, as it stands in the table and is matched by `--only`.
    pub name: &'static str,
    /// What must come of it.
    pub expect: Expect,
    /// With fewer points than this the case says nothing, and reads SKIPPED. Those count that were left to other runs.
    pub minimum: u64,
    /// Tries it.
    pub run: fn(&Context) -> Result<Tally, Skip>,
}

/// What must come of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// Nothing is wrong at any point.
    NothingWrong,
    /// A negative control, broken on purpose: at least one point is wrong. Else the checks are blind.
    SomethingWrong,
}

/// What a case found.
#[derive(Debug, Default)]
pub struct Tally {
    /// How many points were tried: kills, failing calls, cuts, hostile files.
    pub points: u64,
    /// How many more there were, which this run was not to try.
    pub left_out: u64,
    /// What was wrong, a line for each, with all that is needed to try that point again.
    pub wrong: Vec<String>,
    /// A few words for the last column: what came out how often.
    pub note: String,
}

impl Tally {
    /// Counts a point, and what was wrong at it.
    pub fn point(&mut self, outcome: Result<(), String>) {
        self.points += 1;
        self.wrong.extend(outcome.err());
    }

    /// Whether there were fewer points, tried or left to other runs, or none was tried.
    pub fn is_less_than(&self, minimum: u64) -> bool {
        self.points == 0 || self.points + self.left_out < minimum
    }
}

/// Why a case could not be tried here.
#[derive(Debug)]
pub struct Skip(pub String);

impl Skip {
    /// A skip for this reason.
    pub fn because(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

/// What a row says in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// As expected, at enough points.
    Ok,
    /// Not tried, or at too few points to say anything.
    Skipped,
    /// A promise was broken, or a negative control passed.
    Failed,
}

/// Judges what was found against what must come of it.
pub fn verdict(case: &Case, found: &Result<Tally, Skip>) -> Verdict {
    let Ok(tally) = found else {
        return Verdict::Skipped;
    };
    match (case.expect, tally.wrong.is_empty()) {
        (Expect::NothingWrong, false) => Verdict::Failed,
        _ if tally.is_less_than(case.minimum) => Verdict::Skipped,
        (Expect::NothingWrong, true) | (Expect::SomethingWrong, false) => Verdict::Ok,
        (Expect::SomethingWrong, true) => Verdict::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(expect: Expect) -> Case {
        Case {
            name: "section: what",
            expect,
            minimum: 10,
            run: |_| Ok(Tally::default()),
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "what a case returns")]
    fn found(points: u64, wrong: usize) -> Result<Tally, Skip> {
        Ok(Tally {
            points,
            wrong: vec!["a story is torn".to_owned(); wrong],
            ..Tally::default()
        })
    }

    #[test]
    fn points_that_are_left_to_other_runs_count_unless_none_is_tried() {
        let shared = |points, left_out| {
            let tally = Tally {
                points,
                left_out,
                ..Tally::default()
            };
            verdict(&case(Expect::NothingWrong), &Ok(tally))
        };
        assert_eq!(shared(3, 7), Verdict::Ok, "there were ten");
        assert_eq!(shared(3, 6), Verdict::Skipped, "there were nine");
        assert_eq!(shared(0, 99), Verdict::Skipped, "none of them was tried");
    }

    #[test]
    fn verdict_is_ok_only_for_what_was_expected_at_enough_points() {
        use Expect::{NothingWrong, SomethingWrong};
        for (expect, found, expected) in [
            (NothingWrong, found(10, 0), Verdict::Ok),
            (NothingWrong, found(9, 0), Verdict::Skipped),
            (NothingWrong, found(9, 1), Verdict::Failed),
            (NothingWrong, found(10, 1), Verdict::Failed),
            (SomethingWrong, found(10, 1), Verdict::Ok),
            (SomethingWrong, found(10, 0), Verdict::Failed),
            (SomethingWrong, found(9, 0), Verdict::Skipped),
            (
                NothingWrong,
                Err(Skip::because("no root")),
                Verdict::Skipped,
            ),
        ] {
            assert_eq!(
                verdict(&case(expect), &found),
                expected,
                "{expect:?} and {found:?}"
            );
        }
    }
}
