//! The table that is printed: one row a case, as it ends, and what was wrong below it.

use std::io::{self, Write};
use std::time::Duration;

use crate::case::{Case, Expect, Skip, Tally, Verdict, verdict};

/// How many wrong points of a case are printed in full.
const SHOWN: usize = 10;

/// The table, written row by row.
pub struct Table<W> {
    out: W,
    width: usize,
    counts: [u64; 3],
    points: u64,
}

impl<W: Write> Table<W> {
    /// Begins a table for these cases.
    pub fn begin(mut out: W, cases: &[Case]) -> io::Result<Self> {
        let width = cases.iter().map(|case| case.name.len()).max().unwrap_or(0);
        writeln!(
            out,
            "{:width$}  {:>7}  {:>5}  verdict  seconds  what",
            "case", "points", "wrong"
        )?;
        Ok(Self {
            out,
            width,
            counts: [0; 3],
            points: 0,
        })
    }

    /// Adds a row.
    pub fn row(
        &mut self,
        case: &Case,
        found: &Result<Tally, Skip>,
        took: Duration,
    ) -> io::Result<()> {
        let verdict = verdict(case, found);
        let (points, wrong, what) = match found {
            Ok(tally) => (tally.points, tally.wrong.len(), what(case, tally)),
            Err(Skip(reason)) => (0, 0, reason.clone()),
        };
        let word = match verdict {
            Verdict::Ok => "ok",
            Verdict::Skipped => "SKIPPED",
            Verdict::Failed => "FAILED",
        };
        self.counts[verdict as usize] += 1;
        self.points += points;
        writeln!(
            self.out,
            "{:width$}  {points:>7}  {wrong:>5}  {word:7}  {:>7.1}  {what}",
            case.name,
            took.as_secs_f64(),
            width = self.width,
        )?;
        if let Ok(tally) = found
            && verdict == Verdict::Failed
        {
            for wrong in tally.wrong.iter().take(SHOWN) {
                writeln!(self.out, "    WRONG: {wrong}")?;
            }
        }
        self.out.flush()
    }

    /// Ends the table; says whether nothing failed (`strict`: and nothing was skipped).
    pub fn end(mut self, strict: bool) -> io::Result<bool> {
        let [ok, skipped, failed] = self.counts;
        writeln!(
            self.out,
            "\n{ok} passed, {failed} failed, {skipped} skipped ({} points tried)",
            self.points
        )?;
        Ok(failed == 0 && (skipped == 0 || !strict))
    }
}

fn what(case: &Case, tally: &Tally) -> String {
    let mut what = match case.expect {
        Expect::NothingWrong => String::new(),
        Expect::SomethingWrong => "negative control: must go wrong; ".to_owned(),
    };
    if tally.left_out > 0 {
        let of = format!("of {}; ", tally.points + tally.left_out);
        what.push_str(&of);
    }
    if tally.is_less_than(case.minimum) {
        let few = format!("fewer than the {} points it takes; ", case.minimum);
        what.push_str(&few);
    }
    what + &tally.note
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROMISE: Case = Case {
        name: "kill: set",
        expect: Expect::NothingWrong,
        minimum: 2,
        run: |_| Ok(Tally::default()),
    };

    fn ends_well(found: &[Result<Tally, Skip>], strict: bool) -> (bool, String) {
        let mut text = Vec::new();
        let mut table = Table::begin(&mut text, &[PROMISE]).expect("memory can be written");
        for found in found {
            let row = table.row(&PROMISE, found, Duration::from_secs(1));
            row.expect("memory can be written");
        }
        let well = table.end(strict).expect("memory can be written");
        (well, String::from_utf8(text).expect("it is text"))
    }

    #[expect(clippy::unnecessary_wraps, reason = "what a case returns")]
    fn tally(points: u64, wrong: &[&str]) -> Result<Tally, Skip> {
        Ok(Tally {
            points,
            wrong: wrong.iter().map(|&line| line.to_owned()).collect(),
            note: "all old or new".to_owned(),
            left_out: 0,
        })
    }

    #[test]
    fn end_fails_on_anything_wrong_and_strictly_on_anything_skipped() {
        let skipped = || Err(Skip::because("no strace"));
        assert!(
            ends_well(&[tally(2, &[])], true).0,
            "all was tried and well"
        );
        assert!(ends_well(&[skipped()], false).0, "a skip is no failure");
        assert!(!ends_well(&[skipped()], true).0, "but strictly it is");
        assert!(
            !ends_well(&[tally(1, &[])], true).0,
            "too few points are a skip"
        );
        let (well, text) = ends_well(&[tally(2, &["torn at close#3"])], false);
        assert!(!well, "what is wrong fails");
        assert!(text.contains("torn at close#3"), "and is named: {text}");
        assert!(text.contains("0 passed, 1 failed, 0 skipped"), "{text}");
    }
}
