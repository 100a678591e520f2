//! What a soak found: counts, times, and everything that is wrong.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// How many wrong lines of each sort are kept in full; the others are counted.
const KEPT: u64 = 5;

/// What can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sort {
    /// An acknowledged change, or a person's save, is not there.
    Lost,
    /// A change is there twice, or without having been asked for, or although it was refused.
    Doubled,
    /// Two were in a critical section together, or a visit was lost from it.
    Overlap,
    /// A reader met a torn, empty, half-made or older version.
    Reader,
    /// A command ended as it must not: a panic, a signal, an exit code, no answer.
    Exit,
    /// A command did not end.
    Hang,
    /// Something lies beside a story, or `doctor` is not content.
    Left,
    /// The mischief that the soak needs did not happen.
    Idle,
}

/// What a soak found.
#[derive(Debug, Default)]
pub struct Report {
    /// What happened how often.
    pub counts: BTreeMap<&'static str, u64>,
    /// What was wrong, a line for each, the first five of each sort.
    pub wrong: Vec<String>,
    /// How many things of each sort were wrong.
    pub sorts: BTreeMap<Sort, u64>,
    times: BTreeMap<&'static str, Times>,
}

/// How long the commands on one kind of story took.
#[derive(Debug, Default)]
struct Times {
    commands: u64,
    longest: Duration,
    /// The fewest and the most changes that one writer got acknowledged in one epoch.
    shares: Option<(u64, u64)>,
    /// How many took less than 2^n milliseconds.
    buckets: [u64; 20],
}

impl Report {
    /// How often it happened.
    pub fn of(&self, what: &str) -> u64 {
        self.counts.get(what).copied().unwrap_or(0)
    }

    /// Whether nothing is wrong.
    pub fn is_well(&self) -> bool {
        self.sorts.is_empty()
    }

    /// How many things were wrong in all.
    pub fn wrong_total(&self) -> u64 {
        self.sorts.values().sum()
    }

    pub(crate) fn count(&mut self, what: &'static str, times: u64) {
        *self.counts.entry(what).or_default() += times;
    }

    pub(crate) fn wrong(&mut self, sort: Sort, line: &str) {
        let times = self.sorts.entry(sort).or_default();
        *times += 1;
        if *times <= KEPT {
            self.wrong.push(format!("{sort:?}: {line}"));
        }
    }

    /// Notes how many changes one writer got acknowledged in an epoch.
    pub(crate) fn share(&mut self, kind: &'static str, changes: u64) {
        let times = self.times.entry(kind).or_default();
        let (least, most) = times.shares.unwrap_or((changes, changes));
        times.shares = Some((least.min(changes), most.max(changes)));
    }

    pub(crate) fn took(&mut self, kind: &'static str, length: Duration) {
        let times = self.times.entry(kind).or_default();
        times.commands += 1;
        times.longest = times.longest.max(length);
        let bucket = (0..19).find(|&n| length < Duration::from_millis(1 << n));
        times.buckets[bucket.unwrap_or(19)] += 1;
    }

    pub(crate) fn add(&mut self, other: Self) {
        for (what, times) in other.counts {
            self.count(what, times);
        }
        self.wrong.extend(other.wrong);
        // As many epochs may go wrong as there are: not all of their lines are kept.
        self.wrong.truncate(100);
        for (sort, times) in other.sorts {
            *self.sorts.entry(sort).or_default() += times;
        }
        for (kind, times) in other.times {
            if let Some((least, most)) = times.shares {
                self.share(kind, least);
                self.share(kind, most);
            }
            let sum = self.times.entry(kind).or_default();
            sum.commands += times.commands;
            sum.longest = sum.longest.max(times.longest);
            for (bucket, count) in sum.buckets.iter_mut().zip(times.buckets) {
                *bucket += count;
            }
        }
    }
}

impl Times {
    /// The bound below which this share of the commands ended.
    fn below(&self, percent: u64) -> Duration {
        let mut seen = 0;
        for (n, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen * 100 >= self.commands * percent {
                return Duration::from_millis(1 << n);
            }
        }
        self.longest
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, times) in &self.counts {
            writeln!(out, "{times:>9}  {what}")?;
        }
        writeln!(
            out,
            "\ncommands on     number  half below  99 % below    longest  acknowledged by one writer in an epoch"
        )?;
        for (kind, times) in &self.times {
            let (least, most) = times.shares.unwrap_or_default();
            writeln!(
                out,
                "{kind:<12} {:>9}  {:>10?}  {:>10?}  {:>9.2?}  {least} to {most}",
                times.commands,
                times.below(50),
                times.below(99),
                times.longest
            )?;
        }
        for line in &self.wrong {
            writeln!(out, "WRONG: {line}")?;
        }
        writeln!(out, "\n{} wrong {:?}", self.wrong_total(), self.sorts)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Report, Sort};

    #[test]
    fn report_adds_up_and_counts_what_it_does_not_keep() {
        let mut sum = Report::default();
        for _ in 0..3 {
            let mut part = Report::default();
            part.count("kills", 2);
            (0..30).for_each(|number| part.wrong(Sort::Lost, &format!("number {number}")));
            part.took("calm", Duration::from_millis(5));
            sum.add(part);
        }
        assert_eq!(sum.of("kills"), 6, "counts are added");
        assert_eq!(sum.wrong_total(), 90, "all that is wrong counts");
        assert_eq!(sum.wrong.len(), 15, "not all of it is kept");
        let text = sum.to_string();
        assert!(
            text.contains("90 wrong {Lost: 90}"),
            "and it is said: {text}"
        );
        assert!(text.contains("8ms"), "five are below eight: {text}");
    }
}
