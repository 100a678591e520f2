//! Renewing, giving back, ending by force, clearing away.

use super::*;

fn renew(leases: &mut Leases, world: &World, seconds: i64) -> Result<Vec<Lease>, LeaseError> {
    let (agent, which) = of("a", "x");
    let ttl = Duration::from_mins(2);
    world.when(seconds, |present| {
        leases.renew(&agent, &which, ttl, present)
    })
}

#[test]
fn renew_lengthens_a_live_lease_and_one_that_ended_and_nobody_wants() {
    for seconds in [1, 60, HOUR] {
        let mut leases = holding(&exclusive("a", "x z"));
        let before = leases.held[0].clone();
        let renewed = renew(&mut leases, &World::default(), seconds).expect("it is its own");
        assert_eq!(renewed, leases.held, "what is returned is what holds");
        let lease = &renewed[0];
        assert_eq!(lease.expires_at, at(seconds + 120), "from now");
        assert_eq!(lease.renewed_at, at(seconds), "so its age begins anew");
        assert_eq!(
            (lease.token, lease.acquired_at),
            (before.token, before.acquired_at),
            "it is the same lease"
        );
        assert_eq!(lease.generation, 2, "and counted");
    }
}

#[test]
fn renew_is_refused_when_others_took_or_want_it_or_the_process_is_gone() {
    let mut taken = holding(&exclusive("a", "x z"));
    take(&mut taken, &exclusive("b", "z"), HOUR).expect("it has expired");
    let err = renew(&mut taken, &World::default(), HOUR).unwrap_err();
    assert!(
        matches!(&err, LeaseError::NotHeld { .. }),
        "cleared away: {err}"
    );

    let mut wanted = holding(&exclusive("a", "x"));
    World::default().when(1, |present| {
        let until = at(DAY);
        wanted
            .enqueue(&exclusive("b", "x"), until, process(1), present)
            .expect("no circle");
    });
    renew(&mut wanted.clone(), &World::default(), 59)
        .expect("a live one may be renewed though others wait");
    let err = renew(&mut wanted, &World::default(), 60).unwrap_err();
    let LeaseError::Ended {
        standing,
        obstacles,
        ..
    } = &err
    else {
        panic!("it has ended, not {err}")
    };
    assert_eq!(*standing, Standing::Expired, "why");
    assert_eq!(obstacles[0].agent, agent("b"), "and who comes next");

    let mut bound = holding(&Request {
        bind_to: Some(process(7)),
        ..exclusive("a", "x")
    });
    let gone = World { gone: [7].into() };
    let err = renew(&mut bound, &gone, 1).unwrap_err();
    assert!(
        matches!(
            err,
            LeaseError::Ended {
                standing: Standing::OwnerGone,
                ..
            }
        ),
        "{err}"
    );

    let mut others = holding(&exclusive("b", "x"));
    let err = renew(&mut others, &World::default(), 1).unwrap_err();
    assert!(
        matches!(&err, LeaseError::NotHeld { held_by, .. } if held_by[0].agent == agent("b")),
        "{err}"
    );
}

#[test]
fn renew_is_all_or_nothing() {
    let mut leases = holding(&Request {
        bind_to: Some(process(7)),
        ..exclusive("a", "y")
    });
    take(&mut leases, &exclusive("a", "x"), 0).expect("its own");
    let before = leases.clone();
    let gone = World { gone: [7].into() };
    let ttl = Duration::from_mins(2);
    let err = gone.when(1, |present| {
        leases.renew(&agent("a"), &Which::All, ttl, present)
    });
    assert!(
        matches!(err, Err(LeaseError::Ended { .. })),
        "one has ended"
    );
    assert_eq!(leases, before, "and none was renewed");
}

#[test]
fn release_gives_back_what_is_meant_and_may_be_repeated() {
    let table: [(&str, &[&str], &[&str], &str); 6] = [
        ("x", &["a: x"], &["a: y", "a: src/", "b: z"], ""),
        ("x y", &["a: x", "a: y"], &["a: src/", "b: z"], ""),
        ("src", &["a: src/"], &["a: x, y", "b: z"], ""),
        ("src/", &["a: src/"], &["a: x, y", "b: z"], ""),
        ("q", &[], &["a: x, y", "a: src/", "b: z"], "q"),
        ("X q", &["a: x"], &["a: y", "a: src/", "b: z"], "q"),
    ];
    for (wanted, given_back, left, not_held) in table {
        let mut leases = holding(&exclusive("a", "x y"));
        take(&mut leases, &exclusive("a", "src/"), 0).expect("free");
        take(&mut leases, &exclusive("b", "z"), 0).expect("free");
        let (agent, which) = of("a", wanted);
        let mut release =
            || World::default().when(1, |present| leases.release(&agent, &which, present));
        let released = release().expect("its own");
        let told: Vec<_> = released
            .given_back
            .iter()
            .flat_map(|lease| {
                lease
                    .scope
                    .patterns()
                    .map(|one| format!("{}: {one}", lease.agent))
            })
            .collect();
        assert_eq!(told, given_back, "given back of {wanted:?}");
        assert_eq!(released.not_held, scope(not_held), "not held of {wanted:?}");
        let again = release().expect("it may be repeated");
        assert_eq!(again.given_back, [], "nothing was left of {wanted:?}");
        assert_eq!(held(&leases), left, "what stays besides {wanted:?}");
    }
}

#[test]
fn release_counts_a_lease_that_became_smaller_and_keeps_its_number() {
    let mut leases = holding(&exclusive("a", "x y"));
    let token = leases.held[0].token;
    let (agent, which) = of("a", "x");
    World::default()
        .when(1, |present| leases.release(&agent, &which, present))
        .expect("its own");
    assert_eq!(
        (leases.held[0].token, leases.held[0].generation),
        (token, 2),
        "a smaller lease"
    );
}

#[test]
fn release_is_refused_for_a_part_and_for_what_another_holds() {
    let mut leases = holding(&exclusive("a", "src/"));
    take(&mut leases, &exclusive("b", "z"), 0).expect("free");
    take(&mut leases, &shared("b", "s"), 0).expect("free");
    take(&mut leases, &shared("a", "s"), 0).expect("shared");
    let mut release = |name: &str, wanted: &str| {
        let (agent, which) = of(name, wanted);
        let before = leases.clone();
        let released = World::default().when(1, |present| leases.release(&agent, &which, present));
        if released.is_err() {
            assert_eq!(leases, before, "nothing was changed");
        }
        released
    };
    let err = release("a", "src/main.rs src/").unwrap_err();
    assert!(matches!(err, LeaseError::PartOf { .. }), "a part: {err}");
    let err = release("a", "src/ z").unwrap_err();
    assert!(
        matches!(&err, LeaseError::HeldByAnother(by) if by.agent == agent("b")),
        "{err}"
    );
    release("a", "s").expect("its own share");
    let again = release("a", "s").expect("others that share are no reason to refuse a repetition");
    assert_eq!(again.not_held, scope("s"), "it was given back before");
}

#[test]
fn release_by_number_or_of_all_touches_nobody_elses() {
    let mut leases = holding(&exclusive("a", "x"));
    take(&mut leases, &exclusive("b", "y"), 0).expect("free");
    take(&mut leases, &exclusive("a", "z"), 0).expect("free");
    let of_b = leases.held[1].token.expect("it has one");
    let of_a = leases.held[0].token.expect("it has one");
    let mut release = |name: &str, which: Which| {
        World::default()
            .when(1, |present| leases.release(&agent(name), &which, present))
            .expect("never refused");
        held(&leases)
    };
    assert_eq!(
        release("a", Which::Token(of_b)),
        ["a: x", "b: y", "a: z"],
        "another's number"
    );
    assert_eq!(
        release("a", Which::Token(of_a)),
        ["b: y", "a: z"],
        "its own"
    );
    assert_eq!(release("a", Which::All), ["b: y"], "all of its own");
    assert_eq!(release("a", Which::All), ["b: y"], "repeated");
}

#[test]
fn break_ends_a_live_lease_only_by_force() {
    let all: Option<&str> = None;
    let refused: Option<&[&str]> = None;
    let table = [
        ("a", all, 1, Force::IfEnded, refused),
        ("a", all, 1, Force::EvenIfLive, Some(&["b: y"])),
        ("a", all, HOUR, Force::IfEnded, Some(&["b: y"])),
        (
            "a",
            Some("src/main.rs"),
            1,
            Force::EvenIfLive,
            Some(&["a: x", "b: y"]),
        ),
        (
            "a",
            Some("q"),
            1,
            Force::IfEnded,
            Some(&["a: x", "b: y", "a: src/"]),
        ),
        (
            "c",
            None,
            1,
            Force::EvenIfLive,
            Some(&["a: x", "b: y", "a: src/"]),
        ),
    ];
    for (name, wanted, seconds, force, expected) in table {
        let mut leases = holding(&exclusive("a", "x"));
        take(&mut leases, &exclusive("b", "y"), 0).expect("free");
        take(&mut leases, &exclusive("a", "src/"), 0).expect("free");
        let before = leases.clone();
        let wanted = wanted.map(scope);
        let broken = World::default().when(seconds, |present| {
            leases.break_leases(&agent(name), wanted.as_ref(), force, present)
        });
        if let Some(left) = expected {
            let ended = broken.expect("allowed").len();
            assert_eq!(ended, 3 - left.len(), "what was ended");
            assert_eq!(held(&leases), left, "{name} {wanted:?} {force:?}");
        } else {
            let refused = matches!(broken, Err(LeaseError::StillLive(_)));
            assert!(refused, "it holds still: {broken:?}");
            assert_eq!(leases, before, "nothing was changed");
        }
    }
}

#[test]
fn break_by_force_takes_places_in_the_queue_too() {
    let table: [(&str, Option<&str>, Force, &[&str]); 5] = [
        ("b", None, Force::IfEnded, &["b", "c", "b"]),
        ("b", None, Force::EvenIfLive, &["c"]),
        ("b", Some("x"), Force::EvenIfLive, &["c", "b"]),
        ("b", Some("q"), Force::EvenIfLive, &["b", "c", "b"]),
        ("a", None, Force::EvenIfLive, &["b", "c", "b"]),
    ];
    for (name, wanted, force, expected) in table {
        let mut leases = holding(&exclusive("a", "x"));
        for (waiter, what) in [("b", "x"), ("c", "x"), ("b", "y")] {
            World::default().when(0, |present| {
                leases
                    .enqueue(&exclusive(waiter, what), at(100), process(1), present)
                    .expect("no circle");
            });
        }
        let wanted = wanted.map(scope);
        World::default()
            .when(1, |present| {
                leases.break_leases(&agent(name), wanted.as_ref(), force, present)
            })
            .expect("allowed");
        let left: Vec<_> = leases.waiting.iter().map(|it| it.agent.as_str()).collect();
        assert_eq!(
            left, expected,
            "who waits after {name} {wanted:?} {force:?}"
        );
    }
}

#[test]
fn break_removes_a_file_that_cannot_be_read_by_force_or_once_it_is_old() {
    let broken = |name: &str| Unreadable {
        path: format!("locks/{name}.lock").into(),
        reason: "cut off".to_owned(),
        modified_at: at(0),
    };
    let table = [
        (Force::IfEnded, 3_599, None),
        (Force::IfEnded, 3_600, Some(vec![broken("b")])),
        (Force::EvenIfLive, 0, Some(vec![broken("b")])),
    ];
    for (force, seconds, left) in table {
        let mut leases = Leases {
            unreadable: vec![broken("a"), broken("b")],
            ..Leases::default()
        };
        let ended = World::default().when(seconds, |present| {
            leases.break_leases(&agent("a"), None, force, present)
        });
        if let Some(left) = left {
            assert_eq!(ended.expect("allowed"), [], "nothing is known of it");
            assert_eq!(leases.unreadable, left, "that of another stays");
        } else {
            let refused = matches!(ended, Err(LeaseError::Unreadable(_)));
            assert!(refused, "it may hold a live one: {ended:?}");
            assert_eq!(leases.unreadable.len(), 2, "nothing was changed");
        }
    }
}

#[test]
fn prune_clears_away_all_that_ended_and_nothing_else() {
    let mut leases = holding(&exclusive("a", "x"));
    take(
        &mut leases,
        &Request {
            ttl: Duration::from_hours(1),
            ..exclusive("b", "y")
        },
        0,
    )
    .expect("free");
    for (name, until, pid) in [("c", 100, 1), ("d", 50, 2), ("e", 100, 3)] {
        World::default().when(0, |present| {
            leases
                .enqueue(&exclusive(name, "y"), at(until), process(pid), present)
                .expect("no circle");
        });
    }
    let world = World { gone: [3].into() };
    let pruned = world.when(60, |present| leases.prune(present));
    let told: Vec<_> = pruned
        .iter()
        .map(|(lease, standing)| (lease.agent.as_str(), *standing))
        .collect();
    assert_eq!(told, [("a", Standing::Expired)], "told with the reason");
    assert_eq!(held(&leases), ["b: y"], "a live one stays");
    let waiting: Vec<_> = leases
        .waiting
        .iter()
        .map(|waiter| waiter.agent.as_str())
        .collect();
    assert_eq!(
        waiting,
        ["c"],
        "one whose limit passed and one whose process is gone are cleared away"
    );
}
