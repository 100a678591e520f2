//! Killers and stoppers: signals to commands at work, preferably to the one that holds a lock.

use std::fs;
use std::time::{Duration, Instant};

use super::epoch::Epoch;
use super::jobs::{Running, Slot};
use super::rng::Rng;

/// How long one looks for the moment of a commit; chosen, some updates pass in it.
const LOOK: Duration = Duration::from_millis(100);
/// How often a holder's folder is looked at before somebody else may hold; some milliseconds.
const CLOSE_LOOKS: u32 = 300;

/// Kills commands until the epoch is over.
pub(crate) fn kill(epoch: &Epoch<'_>, lane: usize) {
    let mut rng = epoch.rng(3, lane);
    while !epoch.is_over() {
        epoch.pause(rng.magnitude(20, 400));
        let spares_children = rng.chance(50);
        victim(epoch, &mut rng).with(|running| {
            if running.is_killable {
                kill_one(epoch, running, spares_children);
            }
        });
    }
}

fn kill_one(epoch: &Epoch<'_>, running: &mut Running, spares_children: bool) {
    // Stopped first, so that what is counted is what was killed.
    if !running.stop() {
        running.resume();
        return;
    }
    let place = &epoch.places[running.place];
    epoch.count("kills");
    if place.holder() == Some(running.id()) {
        epoch.count("kills of a holder");
    }
    if has_temporary(epoch, running.place) {
        epoch.count("kills while a temporary file lay there");
    }
    if place.kind.keeps_copies() && spares_children {
        running.kill_parent();
    } else {
        running.kill_all();
    }
}

fn has_temporary(epoch: &Epoch<'_>, at: usize) -> bool {
    let entries = fs::read_dir(epoch.places[at].folder());
    entries.is_ok_and(|entries| {
        let mut names = entries.flatten().map(|entry| entry.file_name());
        names.any(|name| name.as_encoded_bytes().ends_with(b".atomic-tmp"))
    })
}

/// Stops commands for a while, until the epoch is over.
pub(crate) fn stop(epoch: &Epoch<'_>, lane: usize) {
    let mut rng = epoch.rng(4, lane);
    while !epoch.is_over() {
        epoch.pause(rng.magnitude(20, 800));
        let slot = victim(epoch, &mut rng);
        let Some(Some(stopped)) = slot.with(|running| stop_one(epoch, running)) else {
            continue;
        };
        epoch.pause(rng.magnitude(10, 3000));
        slot.with(|running| {
            if running.id() == stopped {
                running.resume();
            }
        });
    }
}

fn stop_one(epoch: &Epoch<'_>, running: &mut Running) -> Option<u32> {
    if !running.stop() {
        running.resume();
        return None;
    }
    epoch.count("stops");
    if epoch.places[running.place].holder() == Some(running.id()) {
        epoch.count("stops of a holder");
    }
    if has_temporary(epoch, running.place) {
        epoch.count("stops while a temporary file lay there");
    }
    Some(running.id())
}

/// Who gets the signal: mostly the holder of a lock, often at the moment of a commit, else anybody.
fn victim<'a>(epoch: &'a Epoch<'_>, rng: &mut Rng) -> &'a Slot {
    let at = usize::try_from(rng.below(epoch.places.len() as u64)).expect("there are few stories");
    let found = match rng.below(100) {
        0..50 => committer(epoch, at),
        50..80 => holder(epoch, at),
        _ => None,
    };
    found.unwrap_or_else(|| rng.one_of(&epoch.slots).expect("there are actors"))
}

/// The holder in the short time in which a version has a temporary name.
fn committer<'a>(epoch: &'a Epoch<'_>, at: usize) -> Option<&'a Slot> {
    let deadline = Instant::now() + LOOK;
    while !epoch.is_over() && Instant::now() < deadline {
        let Some(slot) = holder(epoch, at) else {
            std::thread::sleep(Duration::from_micros(200));
            continue;
        };
        // Without a pause, because the name is there for less than one.
        for _ in 0..CLOSE_LOOKS {
            if has_temporary(epoch, at) {
                return Some(slot);
            }
        }
    }
    None
}

fn holder<'a>(epoch: &'a Epoch<'_>, at: usize) -> Option<&'a Slot> {
    let holder = epoch.places[at].holder()?;
    let mut slots = epoch.slots.iter();
    slots.find(|slot| slot.pid() == Some(holder))
}
