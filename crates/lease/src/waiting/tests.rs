use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use testkit::wait_until;

use super::*;
use crate::error::StoreError;
use crate::leases::{Unreadable, Which};
use crate::sample::{Memory, agent, blockers, exclusive, rules_at, scope, shared};

const PATIENCE: Duration = Duration::from_mins(1);
const NOT_LONG: Duration = Duration::from_millis(60);

fn take(store: &Memory, request: &Request, limit: Duration) -> Result<Won, LeaseError> {
    acquire(store, request, limit.into(), &Rules::default())
}

fn give_back(store: &Memory, name: &str) {
    let rules = Rules::default();
    transact(store, PATIENCE, |leases| {
        leases.release(&agent(name), &Which::All, &rules.present())
    })
    .expect("it is its own");
}

fn waiting(store: &Memory) -> usize {
    store.leases().waiting.len()
}

fn wait_for_queue(store: &Memory, length: usize) {
    wait_until("the queue has that length", PATIENCE, || {
        waiting(store) == length
    });
}

#[test]
fn acquire_of_what_is_free_does_not_queue() {
    let store = Memory::default();
    let won = take(&store, &exclusive("a", "x"), PATIENCE).expect("it is free");
    assert!(!won.queued, "nobody stood against it");
    assert_eq!(store.commits(), 1, "one transaction");
}

#[test]
fn acquire_without_patience_is_refused_and_leaves_no_trace() {
    let store = Memory::default();
    take(&store, &exclusive("a", "x"), Duration::ZERO).expect("it is free");
    let before = store.leases();
    let err = take(&store, &exclusive("b", "x"), Duration::ZERO).unwrap_err();
    assert!(matches!(err, LeaseError::Taken(_)), "refused, not {err}");
    assert_eq!(blockers(&err), ["a"], "the holder is named");
    assert_eq!(store.leases(), before, "nothing was changed");
}

#[test]
fn waiters_get_their_turn_in_order_of_arrival() {
    let store = Memory::default();
    take(&store, &exclusive("a", "x"), Duration::ZERO).expect("it is free");
    let tokens = Mutex::new(Vec::new());
    let names = ["b", "c", "d", "e"];
    thread::scope(|threads| {
        for (index, name) in names.into_iter().enumerate() {
            let (store, tokens) = (&store, &tokens);
            threads.spawn(move || {
                let won = take(store, &exclusive(name, "x"), PATIENCE).expect("its turn comes");
                assert!(won.queued, "it had to wait");
                let token = won.acquired.lease.token;
                tokens.lock().unwrap().push((name, token));
                give_back(store, name);
            });
            wait_for_queue(store, index + 1);
        }
        give_back(&store, "a");
    });
    let tokens = tokens.into_inner().unwrap();
    let order: Vec<_> = tokens.iter().map(|(name, _)| *name).collect();
    assert_eq!(order, names, "first come, first served");
    assert!(tokens.is_sorted_by(|one, other| one.1 < other.1), "rising");
    assert_eq!(waiting(&store), 0, "nobody waits any more");
}

#[test]
fn limit_reached_is_told_with_the_holder_and_the_place_is_given_up() {
    let store = Memory::default();
    take(&store, &exclusive("a", "x"), Duration::ZERO).expect("it is free");
    let err = take(&store, &exclusive("b", "x y"), NOT_LONG).unwrap_err();
    let LeaseError::TimedOut(by) = &err else {
        panic!("the time is up, not {err}")
    };
    assert!(by.waited >= NOT_LONG, "the whole limit was waited");
    assert_eq!(blockers(&err), ["a"], "the holder is named");
    assert!(err.is_retryable(), "later it may be free");
    assert_eq!(waiting(&store), 0, "the place is given up");
}

#[test]
fn wait_that_is_stopped_gives_up_its_place() {
    let store = Memory::default();
    take(&store, &exclusive("a", "x"), Duration::ZERO).expect("it is free");
    let stop = AtomicBool::new(false);
    thread::scope(|threads| {
        let waiter = threads.spawn(|| {
            let patience = Patience {
                limit: PATIENCE,
                should_stop: &|| stop.load(Ordering::SeqCst),
            };
            acquire(&store, &exclusive("b", "x"), patience, &Rules::default()).unwrap_err()
        });
        wait_for_queue(&store, 1);
        stop.store(true, Ordering::SeqCst);
        let err = waiter.join().expect("it does not panic");
        assert!(matches!(err, LeaseError::Stopped(_)), "stopped, not {err}");
        assert_eq!(blockers(&err), ["a"], "the holder is named");
    });
    assert_eq!(waiting(&store), 0, "the place is given up");
}

#[test]
fn wait_that_panics_gives_up_its_place() {
    let store = Memory::default();
    take(&store, &exclusive("a", "x"), Duration::ZERO).expect("it is free");
    let inside = store.clone();
    let panicked = thread::spawn(move || {
        let patience = Patience {
            limit: PATIENCE,
            should_stop: &|| panic!("the caller's mistake"),
        };
        acquire(&inside, &exclusive("b", "x"), patience, &Rules::default()).is_ok()
    })
    .join();
    assert!(panicked.is_err(), "the panic is not swallowed");
    assert_eq!(waiting(&store), 0, "the place is given up");
}

#[test]
fn busy_store_is_no_error_for_one_that_waits() {
    let store = Memory::default();
    take(&store, &exclusive("a", "x"), Duration::ZERO).expect("it is free");
    thread::scope(|threads| {
        let waiter = threads.spawn(|| take(&store, &exclusive("b", "x"), PATIENCE));
        wait_for_queue(&store, 1);
        store.change(|leases| {
            let present = Rules::default().present();
            leases
                .release(&agent("a"), &Which::All, &present)
                .expect("its own");
            store.be_busy(3);
        });
        let won = waiter.join().expect("it does not panic");
        assert!(won.expect("it is free now").queued, "it waited");
        assert!(!store.is_busy(), "it tried until the store was free");
    });
}

#[test]
fn busy_store_is_told_to_one_that_has_no_place_yet() {
    let store = Memory::default();
    store.be_busy(1);
    let err = take(&store, &exclusive("a", "x"), PATIENCE).unwrap_err();
    assert!(
        matches!(err, LeaseError::Store(StoreError::Busy { .. })),
        "{err}"
    );
}

#[test]
fn place_that_was_cleared_away_is_taken_again_while_there_is_time() {
    let store = Memory::default();
    take(&store, &exclusive("a", "x"), Duration::ZERO).expect("it is free");
    thread::scope(|threads| {
        let waiter = threads.spawn(|| take(&store, &exclusive("b", "x"), PATIENCE));
        wait_for_queue(&store, 1);
        let first = store.change(|leases| leases.waiting.remove(0).ticket);
        wait_for_queue(&store, 1);
        assert!(store.leases().waiting[0].ticket > first, "at the end");
        give_back(&store, "a");
        waiter
            .join()
            .expect("it does not panic")
            .expect("its turn comes");
    });
}

#[test]
fn place_that_was_cleared_away_after_the_limit_is_lost() {
    let store = Memory::default();
    take(&store, &exclusive("a", "x"), Duration::ZERO).expect("it is free");
    // The first pause is the stop: while it lasts the limit passes, the place is cleared away and the holder goes.
    let asked = AtomicU32::new(0);
    let patience = Patience {
        limit: NOT_LONG,
        should_stop: &|| {
            if asked.fetch_add(1, Ordering::SeqCst) == 0 {
                thread::sleep(2 * NOT_LONG);
                store.change(|leases| {
                    let present = Rules::default().present();
                    leases.prune(&present);
                    leases
                        .release(&agent("a"), &Which::All, &present)
                        .expect("its own");
                });
            }
            false
        },
    };
    let err = acquire(&store, &exclusive("b", "x"), patience, &Rules::default()).unwrap_err();
    assert!(
        matches!(err, LeaseError::TimedOut(_)),
        "its time is over: {err}"
    );
    assert_eq!(blockers(&err), ["a"], "whom it saw last is named");
    assert_eq!(store.leases().held, [], "and it holds nothing");
}

#[test]
fn lease_whose_time_passes_is_forced_over_to_the_waiter() {
    let store = Memory::default();
    let clock = Arc::new(AtomicI64::new(0));
    let rules = rules_at(&clock);
    acquire(&store, &exclusive("a", "x"), Duration::ZERO.into(), &rules).expect("it is free");
    thread::scope(|threads| {
        let waiter = threads.spawn(|| {
            acquire(
                &store,
                &exclusive("b", "x"),
                PATIENCE.into(),
                &rules_at(&clock),
            )
        });
        wait_for_queue(&store, 1);
        clock.store(59_999, Ordering::SeqCst);
        assert!(!waiter.is_finished(), "the lease still holds");
        // Its own place ends at 60 s by the same clock; nobody clears it away.
        clock.store(60_000, Ordering::SeqCst);
        let won = waiter
            .join()
            .expect("it does not panic")
            .expect("it is over");
        let warnings = won.acquired.warnings();
        assert_eq!(warnings, ["Overwriting expired lock for a"], "it is told");
    });
}

#[test]
fn file_that_is_unreadable_for_a_moment_does_not_end_a_wait_but_keeps_it() {
    let store = Memory::default();
    take(&store, &exclusive("a", "x"), Duration::ZERO).expect("it is free");
    let unreadable = Unreadable {
        path: "c.lock".into(),
        reason: "half written".to_owned(),
        modified_at: Rules::default().present().now,
    };
    let looks = AtomicU32::new(0);
    thread::scope(|threads| {
        let waiter = threads.spawn(|| {
            let patience = Patience {
                limit: PATIENCE,
                should_stop: &|| looks.fetch_add(1, Ordering::SeqCst) > u32::MAX / 2,
            };
            acquire(&store, &exclusive("b", "x"), patience, &Rules::default())
        });
        wait_for_queue(&store, 1);
        store.change(|leases| {
            leases.unreadable.push(unreadable.clone());
            leases.held.clear();
        });
        let before = looks.load(Ordering::SeqCst);
        // One look may have begun before, the next one has not.
        wait_until("it has looked again, or ended", PATIENCE, || {
            looks.load(Ordering::SeqCst) >= before + 3 || waiter.is_finished()
        });
        assert_eq!(store.leases().held, [], "it did not get it meanwhile");
        assert_eq!(waiting(&store), 1, "and waits on");
        store.change(|leases| leases.unreadable.clear());
        waiter
            .join()
            .expect("it does not panic")
            .expect("its turn comes");
    });
    store.change(|leases| leases.unreadable.push(unreadable));
    let err = take(&store, &exclusive("c", "y"), PATIENCE).unwrap_err();
    assert!(
        matches!(err, LeaseError::Unreadable(_)),
        "told at once: {err}"
    );
}

#[test]
fn two_that_would_wait_for_each_other_are_told_and_one_goes_on() {
    let store = Memory::default();
    take(&store, &exclusive("a", "x"), Duration::ZERO).expect("it is free");
    take(&store, &exclusive("b", "y"), Duration::ZERO).expect("it is free");
    thread::scope(|threads| {
        let first = threads.spawn(|| take(&store, &exclusive("a", "y"), PATIENCE));
        wait_for_queue(&store, 1);
        let err = take(&store, &exclusive("b", "x"), PATIENCE).unwrap_err();
        assert!(matches!(err, LeaseError::Deadlock(_)), "a circle: {err}");
        assert!(!err.is_retryable(), "it does not pass by itself");
        assert_eq!(waiting(&store), 1, "the second does not wait");
        give_back(&store, "b");
        first
            .join()
            .expect("it does not panic")
            .expect("it goes on");
    });
}

#[test]
fn wait_until_free_takes_nothing_and_names_the_holder() {
    let store = Memory::default();
    take(&store, &shared("a", "src/"), Duration::ZERO).expect("it is free");
    let (me, wanted) = (agent("b"), scope("src/main.rs"));
    let wait = |mode, limit: Duration| {
        wait_until_free(
            &store,
            (&me, &wanted, mode),
            limit.into(),
            &Rules::default(),
        )
    };
    wait(Mode::Shared, Duration::ZERO).expect("it may be shared");
    let err = wait(Mode::Exclusive, Duration::ZERO).unwrap_err();
    assert!(matches!(err, LeaseError::Taken(_)), "not waited for: {err}");
    let err = wait(Mode::Exclusive, NOT_LONG).unwrap_err();
    assert!(matches!(err, LeaseError::TimedOut(_)), "waited for: {err}");
    assert_eq!(blockers(&err), ["a"], "the holder is named");
    assert_eq!(store.commits(), 1, "nothing was written");
    thread::scope(|threads| {
        let waiter = threads.spawn(|| wait(Mode::Exclusive, PATIENCE));
        give_back(&store, "a");
        waiter
            .join()
            .expect("it does not panic")
            .expect("it is free");
    });
    assert_eq!(store.leases().held, [], "nothing was taken");
}
