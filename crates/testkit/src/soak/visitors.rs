//! Visitors: a critical section under `story lock run` that notices every second visitor and every lost visit.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::epoch::Epoch;
use super::place::Kind;
use super::report::Sort;

/// Where the visitors of one story leave their traces.
pub(crate) struct Room {
    /// A folder that exists while somebody is inside.
    pub(crate) door: PathBuf,
    /// A number that is read and written without any protection of its own.
    pub(crate) counter: PathBuf,
    /// A line for each who came in while another was inside.
    pub(crate) overlaps: PathBuf,
}

impl Room {
    pub(crate) fn new(epoch: &Epoch<'_>, place: usize) -> Self {
        let id = &epoch.places[place].id;
        Self {
            door: epoch.beside(&format!("{id}.door")),
            counter: epoch.beside(&format!("{id}.counter")),
            overlaps: epoch.beside(&format!("{id}.overlaps")),
        }
    }

    pub(crate) fn overlaps(&self) -> usize {
        fs::read_to_string(&self.overlaps).map_or(0, |text| text.lines().count())
    }

    pub(crate) fn counted(&self) -> u64 {
        let text = fs::read_to_string(&self.counter).unwrap_or_default();
        text.trim().parse().unwrap_or(0)
    }
}

/// Enters, counts, leaves; `$1` is the door, `$2` the counter, `$3` the list of overlaps.
const VISIT: &str = "\
    if mkdir \"$1\" 2>/dev/null; then mine=yes; else mine=; echo shell >>\"$3\"; fi
    count=0
    if [ -e \"$2\" ]; then read -r count <\"$2\"; fi
    echo $((count + 1)) >\"$2\"
    if [ \"$mine\" ]; then rmdir \"$1\"; fi";

/// Visits a story of `kind` until the epoch is over.
///
/// Visitors are stopped, but never killed: a shell that outlives its lock by an instant would look like an overlap.
pub(crate) fn visit(epoch: &Epoch<'_>, number: usize, kind: Kind) {
    let mut rng = epoch.rng(2, number);
    let place = epoch.places_of(|other| other == kind)[0];
    let room = Room::new(epoch, place);
    while !epoch.is_over() {
        let mut command = if epoch.settings.broken {
            Command::new("sh")
        } else {
            let mut command = epoch.story();
            command.args(["lock", "run", &epoch.places[place].id]);
            command.args(kind.limits()).args(["--", "sh"]);
            command
        };
        command.args(["-c", VISIT, "visit"]);
        command.args([&room.door, &room.counter, &room.overlaps]);
        let ended = epoch.run(number, place, false, &mut command);
        if ended.status.success() {
            epoch.count("visits under `lock run`");
            *epoch.visits().entry(place).or_default() += 1;
        } else {
            epoch.wrong(
                place,
                Sort::Exit,
                format!("a visit fails: {}", ended.words()),
            );
        }
        epoch.pause(rng.magnitude(1, 100));
    }
}
