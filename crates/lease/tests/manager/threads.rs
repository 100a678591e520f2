//! Many threads of one process, each with a manager of its own.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Barrier, Mutex};
use std::time::Duration;

use lease::{LeaseError, Mode, Rules, Standing, Token};

use crate::support::{
    HOUR, KINDS, Kind, NOT_LONG, PATIENCE, Place, agent, holders, queue, release_all, request,
    scope, wait_for_queue,
};

#[test]
fn lock_is_had_at_once_or_refused_and_given_back_only_by_its_holder() {
    for kind in KINDS {
        let place = Place::new(kind);
        let manager = place.manager();
        let file = Path::new("src/main.rs");
        let won = manager.acquire_lock(file, "a", HOUR, Duration::ZERO);
        assert!(!won.expect("it is free").queued, "{kind:?}: at once");
        let err = manager
            .acquire_lock(file, "b", HOUR, Duration::ZERO)
            .expect_err("a holds it");
        assert!(
            matches!(&err, LeaseError::Taken(by) if by.obstacles[0].agent == agent("a")),
            "{kind:?}: {err}"
        );
        let err = manager.release_lock(file, "b").expect_err("a holds it");
        assert!(
            matches!(err, LeaseError::HeldByAnother(_)),
            "{kind:?}: {err}"
        );
        assert_eq!(
            holders(&manager, "src/main.rs"),
            ["a"],
            "{kind:?}: untouched"
        );
        for given_back in [1, 0] {
            let released = manager.release_lock(file, "a").expect("it may be repeated");
            assert_eq!(released.given_back.len(), given_back, "{kind:?}: once");
        }
        assert!(
            holders(&manager, "src/main.rs").is_empty(),
            "{kind:?}: free"
        );
    }
}

#[test]
fn of_many_that_come_at_once_one_has_it_and_the_others_are_refused() {
    for kind in KINDS {
        let place = Place::new(kind);
        let start = Barrier::new(8);
        let winners = std::thread::scope(|threads| {
            let ask = |number: usize| {
                let (place, start) = (&place, &start);
                threads.spawn(move || {
                    let manager = place.manager();
                    let name = format!("agent {number}");
                    start.wait();
                    match manager.acquire_lock(Path::new("x"), &name, HOUR, Duration::ZERO) {
                        Ok(_) => 1,
                        Err(LeaseError::Taken(_)) => 0,
                        Err(err) => panic!("had or refused, not {err}"),
                    }
                })
            };
            let asking: Vec<_> = (0..8).map(ask).collect();
            asking
                .into_iter()
                .map(|one| one.join().expect("no panic"))
                .sum::<usize>()
        });
        assert_eq!(winners, 1, "{kind:?}: exactly one");
    }
}

#[test]
fn who_waits_for_several_files_holds_none_of_them() {
    for kind in KINDS {
        let place = Place::new(kind);
        let manager = place.manager();
        manager
            .acquire(&request(&manager, "a", &["x"]), Duration::ZERO)
            .expect("free");
        std::thread::scope(|threads| {
            let waiter = threads.spawn(|| {
                let manager = place.manager();
                manager.acquire(&request(&manager, "b", &["y", "x"]), PATIENCE)
            });
            wait_for_queue(&manager, "y", &["b"]);
            assert!(
                holders(&manager, "y").is_empty(),
                "{kind:?}: all or nothing"
            );
            assert_eq!(queue(&manager, "x"), ["b"], "{kind:?}: it waits for both");
            release_all(&manager, "a");
            waiter.join().expect("no panic").expect("its turn comes");
        });
        assert_eq!(holders(&manager, "y"), ["b"], "{kind:?}: both");
        assert_eq!(holders(&manager, "x"), ["b"], "{kind:?}: both");
    }
}

#[test]
fn lock_that_was_not_renewed_for_longer_than_the_maximum_is_forced_and_told() {
    let place = Place::new(Kind::Database);
    let manager = place.manager();
    let won = manager
        .acquire_lock(Path::new("x"), "a", HOUR, Duration::ZERO)
        .expect("free");
    let later = won
        .acquired
        .lease
        .acquired_at
        .saturating_add(Duration::from_mins(2))
        .expect("a time");
    let strict = place.manager_with(Rules {
        max_age: Duration::from_mins(1),
        clock: std::sync::Arc::new(move || later),
        ..Rules::default()
    });
    assert_eq!(
        strict.leases().expect("readable")[0].1,
        Standing::TooOld,
        "it is shown as such"
    );
    let ttl = Duration::from_secs(30);
    let won = strict
        .acquire_lock(Path::new("x"), "b", ttl, Duration::ZERO)
        .expect("it may be forced");
    let warnings = won.acquired.warnings();
    let expected = "Forcing the release of the lock of a on x: not renewed for 2m";
    assert_eq!(warnings, [expected], "agent, file and age are named");
}

#[test]
fn looks_show_who_stands_against_what_and_change_nothing() {
    for kind in KINDS {
        let place = Place::new(kind);
        let manager = place.manager();
        let shared = lease::Request {
            mode: Mode::Shared,
            ..request(&manager, "a", &["src/"])
        };
        manager.acquire(&shared, Duration::ZERO).expect("free");
        let wanted = scope(&manager, &["src/main.rs"]);
        let before = manager.leases().expect("readable");
        let check = |name: &str, mode| {
            manager
                .check(&agent(name), &wanted, mode)
                .expect("readable")
                .len()
        };
        assert_eq!(check("b", Mode::Exclusive), 1, "{kind:?}: a reads it");
        assert_eq!(check("b", Mode::Shared), 0, "{kind:?}: both may read");
        assert_eq!(check("a", Mode::Exclusive), 0, "{kind:?}: its own");
        let wait = |mode| manager.wait_until_free(&agent("b"), &wanted, mode, NOT_LONG);
        wait(Mode::Shared).expect("it is free for that");
        let err = wait(Mode::Exclusive).expect_err("a reads it");
        assert!(matches!(err, LeaseError::TimedOut(_)), "{kind:?}: {err}");
        assert_eq!(
            manager.leases().expect("readable"),
            before,
            "{kind:?}: unchanged"
        );
        assert_eq!(
            manager.prune().expect("writable"),
            [],
            "{kind:?}: nothing has ended"
        );
    }
}

/// What an oracle that knows nothing of leases has seen.
#[derive(Default)]
struct Seen {
    inside: HashMap<String, String>,
    tokens: Vec<(String, Token)>,
    waits: u32,
}

#[test]
fn agents_that_compete_for_files_never_meet_and_none_starves() {
    const AGENTS: usize = 6;
    const ROUNDS: usize = 8;
    for kind in KINDS {
        let place = Place::new(kind);
        let seen = Mutex::new(Seen::default());
        std::thread::scope(|threads| {
            for number in 0..AGENTS {
                let (place, seen) = (&place, &seen);
                threads.spawn(move || compete(place, number, ROUNDS, seen));
            }
        });
        let seen = seen.into_inner().expect("no panic");
        assert_eq!(
            seen.tokens.len(),
            AGENTS * ROUNDS,
            "{kind:?}: everybody had its turns"
        );
        for file in ["f0", "f1"] {
            let of_file = seen.tokens.iter().filter(|(name, _)| name == file);
            assert!(
                of_file.map(|(_, token)| token).is_sorted(),
                "{kind:?}: tokens of {file} rise"
            );
        }
        assert!(seen.waits > 0, "{kind:?}: they did compete");
        assert_eq!(
            place.manager().leases().expect("readable"),
            [],
            "{kind:?}: nothing is left"
        );
    }
}

fn compete(place: &Place, number: usize, rounds: usize, seen: &Mutex<Seen>) {
    let manager = place.manager();
    let name = format!("agent {number}");
    for round in 0..rounds {
        let file = format!("f{}", (number + round) % 2);
        let won = manager
            .acquire_lock(Path::new(&file), &name, HOUR, PATIENCE)
            .expect("its turn comes");
        {
            let mut seen = seen.lock().expect("no panic");
            let other = seen.inside.insert(file.clone(), name.clone());
            assert_eq!(other, None, "{name} is alone in {file}");
            let token = won.acquired.lease.token.expect("it has a number");
            seen.tokens.push((file.clone(), token));
            seen.waits += u32::from(won.queued);
        }
        std::thread::yield_now();
        seen.lock().expect("no panic").inside.remove(&file);
        manager
            .release_lock(Path::new(&file), &name)
            .expect("its own");
    }
}
