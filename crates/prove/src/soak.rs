//! Everything at once: writers, readers, killers, stoppers, vandals, an editor and Node peers; see `testkit::soak`.

use std::fmt::Write as _;
use std::time::Duration;

use testkit::soak::{self, Report, Settings, Sort};

use crate::case::{Case, Expect, Tally};
use crate::context::Context;

/// The cases of this section.
pub const CASES: &[Case] = &[
    Case {
        name: "soak: everything at once",
        expect: Expect::NothingWrong,
        minimum: 500,
        run: |context| Ok(tally(&soak::run(&usual(context), |_| {}))),
    },
    Case {
        name: "soak: writers without a lock",
        expect: Expect::SomethingWrong,
        minimum: 100,
        run: |context| Ok(without_lock(context)),
    },
];

/// What a share of it lasts at least: its own kills and stops must come to pass. Chosen.
const SHORTEST: Duration = Duration::from_secs(40);

/// Two minutes, or the share of them.
fn usual(context: &Context) -> Settings {
    let folder = context.folder("soak");
    let mut settings = Settings::new(context.story.clone(), folder);
    settings.seed = context.seed;
    settings.length = if context.long {
        Duration::from_mins(10)
    } else {
        let shared = u32::try_from(context.one_of()).map(|one_of| settings.length / one_of);
        shared.unwrap_or_default().max(SHORTEST)
    };
    settings
}

/// A point is an acknowledged change, which must be in its story in the end.
fn tally(report: &Report) -> Tally {
    let mut wrong = report.wrong.clone();
    if report.wrong_total() > report.wrong.len() as u64 {
        wrong.push(format!("in all {:?}", report.sorts));
    }
    let figures = [
        ("kills", "kills"),
        ("kills of a holder", "of a holder"),
        ("stops", "stops"),
        ("deleted live locks", "live locks deleted"),
        ("changes by Node peers", "changes by Node peers"),
        ("reads of the file", "reads"),
    ];
    let figures = figures.map(|(what, word)| format!("{} {word}", report.of(what)));
    let without_peers = if report.of("changes by Node peers") == 0 {
        "; SKIPPED within: Node peers"
    } else {
        ""
    };
    Tally {
        points: report.of("changes acknowledged") + report.of("changes by Node peers"),
        wrong,
        note: format!("{}{without_peers}", figures.join(", ")),
        ..Tally::default()
    }
}

/// The same checker must notice lost changes and overlaps when nobody takes a lock.
fn without_lock(context: &Context) -> Tally {
    let mut settings = usual(context);
    settings.folder = context.folder("soak-broken");
    settings.length = Duration::from_secs(3);
    settings.visitors = 4;
    settings.broken = true;
    let report = soak::run(&settings, |_| {});
    let mut tally = tally(&report);
    tally.note = format!("{:?}", report.sorts);
    let needed = [Sort::Lost, Sort::Overlap, Sort::Reader];
    if let Some(unseen) = needed.iter().find(|sort| !report.sorts.contains_key(sort)) {
        // As if nothing had been found: one of the checks is blind.
        tally.wrong.clear();
        write!(tally.note, ", but no {unseen:?}").expect("memory can be written");
    }
    tally
}
