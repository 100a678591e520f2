//! Readers, who take no lock and must never see anything but a whole version; and `doctor`, who mends at the same time.

use std::collections::BTreeMap;
use std::fs;

use super::epoch::Epoch;
use super::report::Sort;
use super::text;

/// Reads the file itself until the epoch is over.
pub(crate) fn read(epoch: &Epoch<'_>, at: usize, lane: usize) {
    let place = &epoch.places[at];
    let mut rng = epoch.rng(7, at * 100 + lane);
    let mut last: BTreeMap<u32, u64> = BTreeMap::new();
    let (mut reads, mut versions) = (0, 0);
    while !epoch.is_over() {
        let read = fs::read_to_string(&place.path)
            .map_err(|err| format!("cannot be read: {err}"))
            .and_then(|text| text::look(&text, &place.id));
        reads += 1;
        match read {
            Err(complaint) => {
                epoch.wrong(at, Sort::Reader, format!("a reader's version {complaint}"));
            }
            Ok(seen) => {
                // Where there is mischief against the lock, a commit may be undone before it is acknowledged.
                if place.kind.is_exclusive()
                    && let Some(complaint) = step_back(&last, &seen.counters)
                {
                    epoch.wrong(at, Sort::Reader, format!("a reader's version {complaint}"));
                }
                versions += u64::from(seen.counters != last);
                last = seen.counters;
            }
        }
        std::thread::sleep(rng.magnitude(1, 30));
    }
    let mut report = epoch.report();
    report.count("reads of the file", reads);
    report.count("new versions seen by readers", versions);
}

fn step_back(last: &BTreeMap<u32, u64>, now: &BTreeMap<u32, u64>) -> Option<String> {
    last.iter().find_map(|(writer, before)| {
        let after = now.get(writer).copied().unwrap_or(0);
        (after < *before).then(|| format!("goes back: count_{writer} was {before}, is {after}"))
    })
}

/// Asks with `story get` until the epoch is over; that must never fail, as it takes no lock.
pub(crate) fn ask(epoch: &Epoch<'_>, number: usize) {
    let mut rng = epoch.rng(8, number);
    while !epoch.is_over() {
        let at = usize::try_from(rng.below(epoch.places.len() as u64)).expect("there are few");
        let id = &epoch.places[at].id;
        let mut command = epoch.story();
        command.args(["get", id, "id", "status"]);
        let ended = epoch.run(number, at, false, &mut command);
        if !ended.status.success() || !ended.stdout.contains(&format!("id={id}")) {
            epoch.wrong(at, Sort::Exit, format!("`story get`: {}", ended.words()));
        }
        epoch.count("`story get`");
        epoch.pause(rng.magnitude(5, 200));
    }
}

/// Runs `story doctor --fix` again and again, beside everybody else; it may find something, but must harm nobody.
pub(crate) fn mend(epoch: &Epoch<'_>, number: usize) {
    let mut rng = epoch.rng(9, number);
    while !epoch.is_over() {
        let mut command = epoch.story();
        command.args(["doctor", "--fix"]);
        let ended = epoch.run(number, 0, true, &mut command);
        if !matches!(ended.status.code(), Some(0 | 1) | None) {
            epoch.wrong(0, Sort::Exit, format!("`story doctor`: {}", ended.words()));
        }
        epoch.count("`story doctor --fix`");
        epoch.pause(rng.magnitude(100, 2000));
    }
}
