//! What the actors of one epoch share, and the run of one epoch.
//!
//! An epoch has stories of its own, so that they do not grow for ever and a log fits into memory.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::ScopedJoinHandle;
use std::time::{Duration, Instant};

use super::checker::{self, Change, Save};
use super::jobs::{Ended, Job, Slot};
use super::place::{Kind, Place};
use super::report::{Report, Sort};
use super::rng::Rng;
use super::{Settings, mischief, peers, readers, vandals, visitors, writers};
use crate::without_settings;

/// No command may take longer: far above the longest waiting limit and the longest stop.
const HANG: Duration = Duration::from_secs(150);

/// What the actors of one epoch share.
pub(crate) struct Epoch<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) number: u64,
    pub(crate) root: PathBuf,
    pub(crate) places: Vec<Place>,
    pub(crate) slots: Vec<Slot>,
    pub(crate) changes: Mutex<Vec<Change>>,
    pub(crate) saves: Mutex<Vec<Save>>,
    visits: Mutex<BTreeMap<usize, u64>>,
    report: Mutex<Report>,
    pub(crate) began: Instant,
    work: PathBuf,
    over: AtomicBool,
}

/// An actor that runs commands: its number is that of its slot and, if it writes, of its counter.
#[derive(Debug, Clone, Copy)]
struct Actor {
    role: Role,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Writer,
    Visitor,
    Asker,
    Mender,
}

/// Runs one epoch and returns what it found.
pub(crate) fn run(settings: &Settings, number: u64, length: Duration) -> Report {
    let work = settings.folder.join(format!("epoch-{number}"));
    std::fs::create_dir(&work)
        .unwrap_or_else(|err| panic!("{} must be new: {err}", work.display()));
    let root = work.join(".ai-sdlc");
    let kinds = [
        Kind::Calm,
        Kind::Calm,
        Kind::Wild,
        Kind::Rough,
        Kind::Edited,
        Kind::Mixed,
    ];
    let places = kinds.iter().enumerate();
    let places = places.map(|(at, &kind)| Place::new(&root, kind, &format!("S-{:04}", at + 1)));
    let actors = actors(settings);
    let epoch = Epoch {
        settings,
        number,
        places: places.collect(),
        slots: actors.iter().map(|_| Slot::default()).collect(),
        changes: Mutex::default(),
        saves: Mutex::default(),
        visits: Mutex::default(),
        report: Mutex::default(),
        over: AtomicBool::new(false),
        began: Instant::now(),
        root,
        work,
    };
    let peers = peers::start(&epoch, length);
    act(&epoch, &actors, length);
    peers::finish(&epoch, peers);
    checker::check(&epoch);
    let report = std::mem::take(&mut *epoch.report());
    if report.is_well() {
        std::fs::remove_dir_all(&epoch.work).expect("the soak's folder can be removed");
    }
    report
}

fn actors(settings: &Settings) -> Vec<Actor> {
    let mut actors = Vec::new();
    let mut add = |role, kind, count| {
        actors.extend(std::iter::repeat_n(Actor { role, kind }, count));
    };
    for kind in Kind::ALL {
        add(Role::Writer, kind, settings.writers);
    }
    add(Role::Visitor, Kind::Calm, settings.visitors);
    add(Role::Visitor, Kind::Mixed, settings.visitors);
    add(Role::Asker, Kind::Calm, settings.readers);
    add(Role::Mender, Kind::Calm, settings.menders);
    actors
}

fn act(epoch: &Epoch<'_>, actors: &[Actor], length: Duration) {
    std::thread::scope(|scope| {
        let workers: Vec<_> = actors
            .iter()
            .enumerate()
            .map(|(number, actor)| {
                scope.spawn(move || match actor.role {
                    Role::Writer => writers::write(epoch, number, actor.kind),
                    Role::Visitor => visitors::visit(epoch, number, actor.kind),
                    Role::Asker => readers::ask(epoch, number),
                    Role::Mender => readers::mend(epoch, number),
                })
            })
            .collect();
        disturb(epoch, length);
        while !workers.iter().all(ScopedJoinHandle::is_finished) {
            end_what_hangs(epoch);
            std::thread::sleep(Duration::from_millis(5));
        }
    });
}

/// Lets readers and mischief loose for `length`; when this returns they are at rest, and no process is stopped.
fn disturb(epoch: &Epoch<'_>, length: Duration) {
    let settings = epoch.settings;
    std::thread::scope(|scope| {
        let _ending = RaiseOnDrop(&epoch.over);
        if !settings.broken {
            for lane in 0..settings.killers {
                scope.spawn(move || mischief::kill(epoch, lane));
            }
            for lane in 0..settings.stoppers {
                scope.spawn(move || mischief::stop(epoch, lane));
            }
            for lane in 0..settings.vandals {
                scope.spawn(move || vandals::vandalise(epoch, lane));
            }
            scope.spawn(move || vandals::edit(epoch));
        }
        for at in 0..epoch.places.len() {
            for lane in 0..settings.readers {
                scope.spawn(move || readers::read(epoch, at, lane));
            }
        }
        std::thread::sleep(length);
    });
}

/// After the end of an epoch only: within it a command has not had the time to hang.
fn end_what_hangs(epoch: &Epoch<'_>) {
    for slot in &epoch.slots {
        let hung = slot.with(|running| {
            let hangs = running.age() > HANG;
            if hangs {
                running.kill_all();
            }
            hangs.then_some(running.place)
        });
        if let Some(place) = hung.flatten() {
            epoch.wrong(
                place,
                Sort::Hang,
                format!("a command still runs after {HANG:?}"),
            );
        }
    }
}

impl Epoch<'_> {
    /// Whether the actors shall come to an end.
    pub(crate) fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// Sleeps, but not beyond the end of the epoch.
    pub(crate) fn pause(&self, length: Duration) {
        let end = Instant::now() + length;
        while !self.is_over() && Instant::now() < end {
            let rest = end.saturating_duration_since(Instant::now());
            std::thread::sleep(rest.min(Duration::from_millis(10)));
        }
    }

    /// The chance of one actor.
    pub(crate) fn rng(&self, role: u64, lane: usize) -> Rng {
        let lane = u64::try_from(lane).expect("there are few actors");
        Rng::new(self.settings.seed, self.number, role * 1000 + lane)
    }

    /// The numbers of the places of this kind.
    pub(crate) fn places_of(&self, is_meant: impl Fn(Kind) -> bool) -> Vec<usize> {
        let places = self.places.iter().enumerate();
        places
            .filter(|(_, place)| is_meant(place.kind))
            .map(|(at, _)| at)
            .collect()
    }

    /// The program under test, with the root of this epoch.
    pub(crate) fn story(&self) -> Command {
        let mut command = Command::new(&self.settings.story);
        command.arg("--root").arg(&self.root);
        without_settings(&mut command);
        command
    }

    /// Runs a command in an actor's slot, and complains about a panic or a signal that nobody sent.
    pub(crate) fn run(
        &self,
        actor: usize,
        place: usize,
        is_killable: bool,
        command: &mut Command,
    ) -> Ended {
        let output = self.work.join(format!("actor-{actor}"));
        let job = Job {
            place,
            is_killable: is_killable && self.places[place].kind.is_killed(),
            output: &output,
        };
        let ended = self.slots[actor].run(command, &job);
        let kind = self.places[place].kind.name();
        self.report()
            .took(kind, ended.finished.duration_since(ended.started));
        if let Some(complaint) = ended.complaint() {
            self.wrong(place, Sort::Exit, format!("{command:?} {complaint}"));
        }
        ended
    }

    /// A path beside the stories, for what an actor needs.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.work.join(name)
    }

    /// How many visits each place had.
    pub(crate) fn visits(&self) -> MutexGuard<'_, BTreeMap<usize, u64>> {
        self.visits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn report(&self) -> MutexGuard<'_, Report> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts something that happened.
    pub(crate) fn count(&self, what: &'static str) {
        self.report().count(what, 1);
    }

    /// Notes something that is wrong, with what is needed to look at it again.
    pub(crate) fn wrong(&self, place: usize, sort: Sort, what: impl std::fmt::Display) {
        let place = &self.places[place];
        let line = format!(
            "seed {} epoch {} after {:.1} s, {} ({}): {what}; kept: {}",
            self.settings.seed,
            self.number,
            self.began.elapsed().as_secs_f64(),
            place.id,
            place.kind.name(),
            self.work.display(),
        );
        self.report().wrong(sort, &line);
    }
}

/// Raises a flag when it goes out of scope, by a panic too: else the threads that watch the flag would go on for ever.
struct RaiseOnDrop<'a>(&'a AtomicBool);

impl Drop for RaiseOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
