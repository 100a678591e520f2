//! Killers and stoppers: signals to commands at work, preferably to the one that holds a lock.

use std::time::Duration;

use super::epoch::Epoch;
use super::jobs::{Running, Slot};
use super::rng::Rng;

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

fn has_temporary(epoch: &Epoch<'_>, place: usize) -> bool {
    let paths = epoch.places[place].beside();
    paths
        .iter()
        .any(|path| path.to_string_lossy().contains(".atomic-tmp"))
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
    Some(running.id())
}

/// Mostly the holder of a lock, often at the moment of a commit, else anybody.
fn victim<'a>(epoch: &'a Epoch<'_>, rng: &mut Rng) -> &'a Slot {
    let waits_for_commit = rng.chance(40);
    if waits_for_commit || rng.chance(50) {
        // A few looks: locks are held for some milliseconds only, and a new version has a name for much less.
        let looks = if waits_for_commit { 500 } else { 50 };
        for _ in 0..looks {
            let at = usize::try_from(rng.below(epoch.places.len() as u64)).expect("few");
            if waits_for_commit && !has_temporary(epoch, at) {
                std::thread::sleep(Duration::from_micros(50));
                continue;
            }
            let holder = epoch.places[at].holder();
            let mut slots = epoch.slots.iter();
            let slot = slots.find(|slot| holder.is_some() && slot.pid() == holder);
            if let Some(slot) = slot {
                return slot;
            }
        }
    }
    rng.one_of(&epoch.slots).expect("there are actors")
}
