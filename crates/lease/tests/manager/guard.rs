//! A lease that ends with its guard.

use std::time::Duration;

use lease::{Force, LeaseError, Process};

use crate::support::{HOUR, KINDS, Place, agent, holders, request};

#[test]
fn guard_dropped_or_released_gives_the_lease_back() {
    for kind in KINDS {
        let place = Place::new(kind);
        let manager = place.manager();
        let wanted = request(&manager, "a", &["x"]);
        let guard = manager.hold(&wanted, Duration::ZERO).expect("it is free");
        assert_eq!(
            holders(&manager, "x"),
            ["a"],
            "{kind:?}: held while the guard lives"
        );
        let bound_to = guard.lease().bound_to.clone();
        assert_eq!(
            bound_to,
            Some(Process::current()),
            "{kind:?}: it ends with this process"
        );
        drop(guard);
        assert!(holders(&manager, "x").is_empty(), "{kind:?}: dropped");
        let guard = manager.hold(&wanted, Duration::ZERO).expect("it is free");
        let released = guard.release().expect("the store is there");
        assert_eq!(released.given_back.len(), 1, "{kind:?}: it was there");
        assert!(holders(&manager, "x").is_empty(), "{kind:?}: released");
    }
}

#[test]
fn guard_renewed_lasts_longer_under_the_same_number() {
    for kind in KINDS {
        let place = Place::new(kind);
        let manager = place.manager();
        let wanted = request(&manager, "a", &["x"]);
        let mut guard = manager.hold(&wanted, Duration::ZERO).expect("it is free");
        let (token, until) = (guard.token(), guard.lease().expires_at);
        guard.renew(2 * HOUR).expect("it is live");
        assert!(
            guard.lease().expires_at > until,
            "{kind:?}: it lasts longer"
        );
        assert_eq!(guard.token(), token, "{kind:?}: and is the same lease");
        assert_eq!(
            guard.lease().token,
            Some(token),
            "{kind:?}: in the store, too"
        );
    }
}

#[test]
fn guard_of_a_lease_that_was_broken_leaves_its_successor_alone() {
    for kind in KINDS {
        let place = Place::new(kind);
        let manager = place.manager();
        let wanted = request(&manager, "a", &["x"]);
        let mut old = manager.hold(&wanted, Duration::ZERO).expect("it is free");
        manager
            .break_leases(&agent("a"), None, Force::EvenIfLive)
            .expect("by force");
        let new = manager.hold(&wanted, Duration::ZERO).expect("it is free");
        let err = old.renew(HOUR).expect_err("it was broken");
        assert!(
            matches!(err, LeaseError::NotHeld { .. }),
            "{kind:?}: it is told: {err}"
        );
        drop(old);
        assert_eq!(
            holders(&manager, "x"),
            ["a"],
            "{kind:?}: the second worker of that name holds it"
        );
        drop(new);
        assert!(
            holders(&manager, "x").is_empty(),
            "{kind:?}: until it gives it back"
        );
    }
}
