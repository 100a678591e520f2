//! Who may acquire what, for how long, and what is cleared away for it.

use super::*;

#[test]
fn acquire_is_refused_where_another_holds_a_common_path_unless_both_share() {
    let table = [
        (exclusive("a", "x"), exclusive("b", "x"), false),
        (exclusive("a", "x"), shared("b", "x"), false),
        (shared("a", "x"), exclusive("b", "x"), false),
        (shared("a", "x"), shared("b", "x"), true),
        (exclusive("a", "x"), exclusive("b", "y"), true),
        (exclusive("a", "src/"), exclusive("b", "src/x"), false),
        (exclusive("a", "x y"), exclusive("b", "z y"), false),
        (exclusive("a", "x"), exclusive("a", "x"), true),
        (exclusive("a", "x"), shared("a", "x"), true),
        (shared("a", "x"), exclusive("a", "x"), true),
    ];
    for (first, second, expected) in table {
        let mut leases = holding(&first);
        let before = leases.clone();
        let second_try = take(&mut leases, &second, 1);
        assert_eq!(second_try.is_ok(), expected, "{second:?} beside {first:?}");
        if let Err(err) = second_try {
            assert_eq!(blockers(&err), ["a"], "the holder is named");
            assert_eq!(leases, before, "nothing was changed");
        }
    }
}

#[test]
fn acquire_of_the_same_again_replaces_the_lease_and_of_others_adds_one() {
    let mut leases = holding(&exclusive("a", "x y"));
    let first = leases.held[0].clone();
    let again = take(&mut leases, &exclusive("a", "y x"), 1).expect("its own");
    assert_eq!(leases.held.len(), 1, "one lease");
    assert_eq!(leases.held[0], again.lease, "the new one");
    assert!(again.lease.token > first.token, "with a new number");
    assert_eq!(again.lease.generation, 2, "and counted");
    assert_eq!(again.overwritten, [], "nobody else's was ended");
    take(&mut leases, &shared("a", "x y"), 2).expect("its own");
    take(&mut leases, &exclusive("a", "x"), 3).expect("its own");
    assert_eq!(
        leases.held.len(),
        3,
        "another mode or scope is another lease"
    );
    let last = leases.held.last().expect("there are three");
    assert_eq!(last.generation, 1, "which is new");
}

#[test]
fn acquire_overwrites_what_has_ended_and_tells_why() {
    let bound = Request {
        bind_to: Some(process(7)),
        ..exclusive("a", "x")
    };
    let long = |seconds: i64| {
        let mut leases = holding(&exclusive("a", "x"));
        leases.held[0].renewed_at = at(seconds);
        leases.held[0].expires_at = at(10 * DAY);
        leases
    };
    let gone = World { gone: [7].into() };
    let all_run = World::default();
    let table = [
        (holding(&exclusive("a", "x")), &all_run, 59, None),
        (
            holding(&exclusive("a", "x")),
            &all_run,
            60,
            Some(Standing::Expired),
        ),
        (holding(&bound), &all_run, 1, None),
        (holding(&bound), &gone, 1, Some(Standing::OwnerGone)),
        (long(0), &all_run, DAY, None),
        (long(0), &all_run, DAY + 1, Some(Standing::TooOld)),
        (long(DAY), &all_run, 0, None),
        (long(DAY + 1), &all_run, 0, Some(Standing::FromTheFuture)),
    ];
    for (mut leases, world, seconds, expected) in table {
        let old = leases.held[0].clone();
        let taken = world.when(seconds, |present| {
            leases.acquire(&exclusive("b", "x"), present)
        });
        match (taken, expected) {
            (Ok(acquired), Some(standing)) => {
                assert_eq!(acquired.overwritten, [(old, standing)], "it is told");
                assert_eq!(leases.held, [acquired.lease], "and cleared away");
            }
            (Err(err), None) => assert_eq!(blockers(&err), ["a"], "a live one stays"),
            (taken, expected) => panic!("{expected:?} at {seconds}, not {taken:?}"),
        }
    }
}

#[test]
fn acquire_leaves_alone_what_has_ended_elsewhere() {
    let mut leases = holding(&exclusive("a", "x"));
    let acquired = take(&mut leases, &exclusive("b", "y"), HOUR).expect("nobody holds it");
    assert_eq!(acquired.overwritten, [], "nothing stood in the way");
    assert_eq!(held(&leases), ["a: x", "b: y"], "prune clears it away");
}

#[test]
fn tokens_rise_whatever_the_clock_does() {
    let mut leases = Leases::default();
    let mut last = Token::default();
    for (name, seconds) in [("a", 0), ("b", 0), ("c", -HOUR), ("d", HOUR), ("e", 0)] {
        let request = exclusive(name, name);
        let token = take(&mut leases, &request, seconds)
            .expect("nobody holds it")
            .lease
            .token
            .expect("an acquisition gives a number");
        assert!(token > last, "{name} comes later than those before");
        last = token;
    }
    assert_eq!(leases.last_token, last, "the store remembers the highest");
    let fresh = holding(&exclusive("f", "f"));
    let now = u64::try_from(at(0).as_millisecond()).expect("after 1970");
    assert_eq!(
        fresh.last_token,
        Token(now),
        "a new store begins at the time"
    );
}

#[test]
fn acquire_judges_the_time_that_is_asked_for() {
    let table = [
        (Duration::ZERO, false),
        (Duration::from_millis(99), false),
        (MIN_TTL, true),
        (DEFAULT_MAX_AGE, true),
        (DEFAULT_MAX_AGE + Duration::from_millis(1), false),
        (Duration::MAX, false),
    ];
    for (ttl, expected) in table {
        let request = Request {
            ttl,
            ..exclusive("a", "x")
        };
        let mut leases = Leases::default();
        let taken = take(&mut leases, &request, 0);
        assert_eq!(taken.is_ok(), expected, "{ttl:?}");
        let mut leases = holding(&exclusive("a", "x"));
        let renewed = World::default().when(1, |present| {
            leases.renew(&agent("a"), &Which::All, ttl, present)
        });
        assert_eq!(renewed.is_ok(), expected, "the same for a renewal: {ttl:?}");
        if !expected {
            assert!(matches!(taken, Err(LeaseError::Ttl { .. })), "{taken:?}");
        }
    }
    let nothing = take(&mut Leases::default(), &exclusive("a", ""), 0);
    assert!(
        matches!(nothing, Err(LeaseError::EmptyScope)),
        "{nothing:?}"
    );
}

#[test]
fn unreadable_file_stands_against_everything_until_it_is_an_hour_old() {
    let mut leases = holding(&exclusive("a", "x"));
    leases.unreadable.push(Unreadable {
        path: "c.lock".into(),
        reason: "no JSON".to_owned(),
        modified_at: at(0),
    });
    for (seconds, expected) in [(HOUR - 1, false), (HOUR, true)] {
        let mut leases = leases.clone();
        let taken = take(&mut leases, &exclusive("b", "y"), seconds);
        assert_eq!(taken.is_ok(), expected, "acquire at {seconds}");
        let renewed = World::default().when(seconds, |present| {
            leases.renew(&agent("a"), &Which::All, MIN_TTL, present)
        });
        assert_eq!(renewed.is_ok(), expected, "renew at {seconds}");
        if let Err(err) = taken {
            assert!(
                matches!(&err, LeaseError::Unreadable(found)
                if found.path.ends_with("c.lock")),
                "the file is named: {err}"
            );
        }
    }
    let released = World::default().when(1, |present| {
        leases.release(&agent("a"), &Which::All, present)
    });
    assert_eq!(
        released.expect("its own").given_back.len(),
        1,
        "giving back is always possible"
    );
}
