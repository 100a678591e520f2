//! What a soak found: counts, times, and everything that is wrong.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// How many wrong lines are kept in full; the others are counted.
const KEPT: usize = 40;

/// What a soak found.
#[derive(Debug, Default)]
pub struct Report {
    /// What happened how often.
    pub counts: BTreeMap<&'static str, u64>,
    /// What was wrong, a line for each, the first forty.
    pub wrong: Vec<String>,
    /// How many things were wrong in all.
    pub wrong_total: u64,
    times: BTreeMap<&'static str, Times>,
}

/// How long the commands on one kind of story took.
#[derive(Debug, Default)]
struct Times {
    commands: u64,
    longest: Duration,
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
        self.wrong_total == 0
    }

    pub(crate) fn count(&mut self, what: &'static str, times: u64) {
        *self.counts.entry(what).or_default() += times;
    }

    pub(crate) fn wrong(&mut self, line: String) {
        self.wrong_total += 1;
        if self.wrong.len() < KEPT {
            self.wrong.push(line);
        }
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
        let hidden = other.wrong_total - other.wrong.len() as u64;
        other.wrong.into_iter().for_each(|line| self.wrong(line));
        self.wrong_total += hidden;
        for (kind, times) in other.times {
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
            "\ncommands on     number  half below  99 % below  longest"
        )?;
        for (kind, times) in &self.times {
            writeln!(
                out,
                "{kind:<12} {:>9}  {:>10?}  {:>10?}  {:.2?}",
                times.commands,
                times.below(50),
                times.below(99),
                times.longest
            )?;
        }
        for line in &self.wrong {
            writeln!(out, "WRONG: {line}")?;
        }
        writeln!(out, "\n{} wrong", self.wrong_total)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Report;

    #[test]
    fn report_adds_up_and_counts_what_it_does_not_keep() {
        let mut sum = Report::default();
        for _ in 0..3 {
            let mut part = Report::default();
            part.count("kills", 2);
            (0..30).for_each(|number| part.wrong(format!("number {number}")));
            part.took("calm", Duration::from_millis(5));
            sum.add(part);
        }
        assert_eq!(sum.of("kills"), 6, "counts are added");
        assert_eq!(sum.wrong_total, 90, "all that is wrong counts");
        assert_eq!(sum.wrong.len(), 40, "not all of it is kept");
        let text = sum.to_string();
        assert!(text.contains("90 wrong"), "and it is said: {text}");
        assert!(text.contains("8ms"), "five are below eight: {text}");
    }
}
