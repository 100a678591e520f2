//! Vandals, who delete, plant and touch locks; and a person whose editor saves by rename.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};

use super::checker::Save;
use super::epoch::Epoch;
use super::place::{Kind, Place};
use super::text::{self, Seen};
use crate::{ForeignLock, LegacyWriter};

/// How long a vandal looks for its chance.
const LOOK: Duration = Duration::from_millis(500);

/// Does harm to the locks of the stories that are for it, until the epoch is over.
pub(crate) fn vandalise(epoch: &Epoch<'_>, lane: usize) {
    let mut rng = epoch.rng(5, lane);
    let places = epoch.places_of(Kind::is_vandalised);
    while !epoch.is_over() {
        let Some(&at) = rng.one_of(&places) else {
            return;
        };
        let place = &epoch.places[at];
        match rng.below(100) {
            0..60 => {
                delete(epoch, place);
                epoch.pause(rng.magnitude(20, 400));
            }
            60..75 => {
                let is_folder = rng.chance(50);
                if let Some(lock) = plant(epoch, place, is_folder) {
                    epoch.count("fresh locks of other tools");
                    epoch.pause(rng.magnitude(10, 400));
                    drop(lock);
                }
            }
            75..80 => {
                let is_folder = rng.chance(50);
                if let Some(lock) = plant(epoch, place, is_folder) {
                    age(lock.path());
                    lock.abandon();
                    epoch.count("stale locks of other tools");
                }
                epoch.pause(rng.magnitude(200, 1000));
            }
            _ => {
                let path = if rng.chance(50) {
                    place.lock_path()
                } else {
                    place.path.clone()
                };
                if age(&path) {
                    epoch.count("touched files");
                }
                epoch.pause(rng.magnitude(20, 200));
            }
        }
    }
}

fn delete(epoch: &Epoch<'_>, place: &Place) {
    let deadline = Instant::now() + LOOK;
    while !epoch.is_over() && Instant::now() < deadline {
        // Only while it is one of ours and held: other moments prove nothing.
        if place.holder().is_some() && fs::remove_file(place.lock_path()).is_ok() {
            epoch.count("deleted live locks");
            return;
        }
        std::thread::sleep(Duration::from_micros(300));
    }
}

fn plant(epoch: &Epoch<'_>, place: &Place, is_folder: bool) -> Option<ForeignLock> {
    let deadline = Instant::now() + LOOK;
    while !epoch.is_over() && Instant::now() < deadline {
        let path = place.lock_path();
        let lock = if is_folder {
            ForeignLock::directory(&path)
        } else {
            ForeignLock::file(&path)
        };
        if let Ok(lock) = lock {
            return Some(lock);
        }
        std::thread::sleep(Duration::from_micros(300));
    }
    None
}

/// Makes a file look an hour old; false: it is gone already.
fn age(path: &Path) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let then = now
        .unwrap_or_default()
        .saturating_sub(Duration::from_hours(1));
    let then = Timespec {
        tv_sec: i64::try_from(then.as_secs()).unwrap_or(0),
        tv_nsec: 0,
    };
    let times = Timestamps {
        last_access: then,
        last_modification: then,
    };
    utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW).is_ok()
}

/// Edits the story that has an editor: opens it, adds a line, saves it by rename, until the epoch is over.
pub(crate) fn edit(epoch: &Epoch<'_>) {
    let mut rng = epoch.rng(6, 0);
    let Some(&at) = epoch.places_of(|kind| kind == Kind::Edited).first() else {
        return;
    };
    let place = &epoch.places[at];
    let editor = LegacyWriter::new(&place.path);
    let mut saved: Vec<String> = Vec::new();
    for number in 0_u64.. {
        epoch.pause(rng.magnitude(10, 400));
        if epoch.is_over() {
            return;
        }
        let opened = Instant::now();
        let text = fs::read_to_string(&place.path).unwrap_or_default();
        let Ok(seen) = text::look(&text, &place.id) else {
            // The readers complain; a person would not save that.
            continue;
        };
        if saved.iter().any(|token| seen.times(token) == 0) && !are_kept(place, &saved, &seen) {
            // A commit that met the save is on its way back, or its writer is dead or stopped. Who saves on top of it
            // throws the own text away.
            epoch.count("times an editor missed its save for a while");
            continue;
        }
        if rng.chance(50) {
            epoch.pause(rng.magnitude(1, 20));
        }
        let token = format!("e0-{number}");
        editor.save_by_rename(&format!("{text}{token}\n"));
        saved.push(token.clone());
        epoch.count("saves by an editor");
        let save = Save {
            place: at,
            token,
            opened,
            saved: Instant::now(),
        };
        epoch.saves.lock().expect("the editor is alone").push(save);
    }
}

/// Whether the saves that the story lacks are in rescued copies: the person has been told, and goes on without them.
fn are_kept(place: &Place, saved: &[String], seen: &Seen) -> bool {
    let copies: String = place
        .beside()
        .iter()
        .filter(|path| path.extension().is_some_and(|ending| ending == "rescued"))
        .filter_map(|path| fs::read_to_string(path).ok())
        .collect();
    let mut missing = saved.iter().filter(|token| seen.times(token) == 0);
    missing.all(|token| copies.lines().any(|line| line == token.as_str()))
}
