//! The protocol itself: the model's state space, and the races replayed with the real code.
//!
//! Both are tests of sidecar-lock; here their test programs are run and their tests counted.

use std::process::Command;

use crate::case::{Case, Expect, Skip, Tally};

/// The cases of this section.
pub const CASES: &[Case] = &[
    Case {
        name: "model: every interleaving of up to four processes",
        expect: Expect::NothingWrong,
        minimum: 9,
        run: |_| tests_of(&["--test", "model"]),
    },
    Case {
        name: "races: each replayed with the real code",
        expect: Expect::NothingWrong,
        minimum: 10_000,
        run: |_| tests_of(&["--lib", "races::"]),
    },
];

/// Runs tests of sidecar-lock; a point is a test that passed, and each point that it says it has tried.
fn tests_of(which: &[&str]) -> Result<Tally, Skip> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["test", "--quiet", "--locked", "--package", "sidecar-lock"])
        .args(which)
        .args(["--", "--nocapture"])
        .current_dir(testkit::workspace())
        .output()
        .map_err(|err| Skip::because(format!("cannot start cargo: {err}")))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let mut tally = Tally {
        points: passed(&text) + tried(&text),
        note: format!("{} tests", passed(&text)),
        ..Tally::default()
    };
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        tally.wrong.push(format!("{text}{words}"));
    }
    Ok(tally)
}

/// The number in `test result: ok. 12 passed; ...`.
fn passed(text: &str) -> u64 {
    let numbers = text.lines().filter_map(|line| {
        let (before, _) = line.split_once(" passed;")?;
        before.rsplit(' ').next()?.parse::<u64>().ok()
    });
    numbers.sum()
}

/// The sum of the numbers in lines like `points tried: 12`.
fn tried(text: &str) -> u64 {
    let numbers = text.lines().filter_map(|line| {
        let (_, number) = line.split_once("points tried: ")?;
        number.trim().parse::<u64>().ok()
    });
    numbers.sum()
}

#[cfg(test)]
mod tests {
    use super::{passed, tried};

    #[test]
    fn tried_adds_up_what_the_tests_say() {
        let text = "...points tried: 12\npoints tried: 3\n.\ntest result: ok. 2 passed;\n";
        assert_eq!(tried(text), 15, "also behind the dots of other tests");
    }

    #[test]
    fn passed_adds_up_what_each_test_program_says() {
        let text = "running 2 tests\ntest result: ok. 2 passed; 0 failed;\n\ntest result: ok. 12 passed; 1 failed;\n";
        assert_eq!(passed(text), 14, "both lines count");
        assert_eq!(passed("error: no such test"), 0, "nothing ran");
    }
}
