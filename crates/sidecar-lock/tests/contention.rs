//! Many who want one lock: exclusion, hand-over, deadlines, crashes.

mod common;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use common::{assert_nothing_left, holder_process, ms, patience, put, resource};
use sidecar_lock::{AcquireError, Fairness, LockOptions, LockState, TookOver, settle_hand_overs};

/// Threads that each add to a plain file; returns how many of their acquisitions had to wait.
fn stress(threads: u32, rounds: u32, fairness: Fairness) -> u64 {
    let (sandbox, lock) = resource();
    let counter = sandbox.write("counter", "0");
    let (inside, waits) = (AtomicU32::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                for _ in 0..rounds {
                    let options = LockOptions {
                        fairness,
                        ..patience(Duration::from_mins(2))
                    };
                    let guard = lock.acquire(&options).expect("two minutes are enough");
                    assert_eq!(
                        inside.fetch_add(1, Ordering::SeqCst),
                        0,
                        "one holder at a time"
                    );
                    waits.fetch_add(u64::from(guard.attempts() > 1), Ordering::Relaxed);
                    let count: u32 = sandbox.read("counter").parse().expect("a number");
                    put(&counter, (count + 1).to_string().as_bytes());
                    inside.fetch_sub(1, Ordering::SeqCst);
                    guard.release().expect("nobody interferes");
                }
            });
        }
    });
    settle_hand_overs();
    assert_eq!(
        sandbox.read("counter"),
        (threads * rounds).to_string(),
        "no increment is lost"
    );
    assert_nothing_left(&sandbox);
    waits.into_inner()
}

#[test]
fn threads_exclude_each_other_and_leave_nothing() {
    for fairness in [
        Fairness::default(),
        Fairness {
            run: Duration::ZERO,
            gap: Duration::ZERO,
        },
        Fairness {
            run: ms(2),
            gap: ms(1),
        },
        Fairness {
            run: Duration::MAX,
            gap: Duration::ZERO,
        },
    ] {
        let waits = stress(8, 150, fairness);
        assert!(
            waits > 100,
            "there was contention with {fairness:?}: {waits} of 1200 waited"
        );
    }
}

/// A run that is over after each hold, as on a disk where one update takes longer than a run.
#[test]
fn who_ends_a_run_and_comes_back_does_not_stand_before_those_who_wait() {
    const THREADS: usize = 6;
    let (_sandbox, lock) = resource();
    let order = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (lock, order) = (&lock, &order);
            scope.spawn(move || {
                let options = LockOptions {
                    fairness: Fairness {
                        run: Duration::ZERO,
                        gap: Duration::ZERO,
                    },
                    ..patience(Duration::from_mins(2))
                };
                for _ in 0..12 {
                    let guard = lock.acquire(&options).expect("two minutes are enough");
                    order.lock().unwrap().push(thread);
                    // Longer than the others need to move over.
                    std::thread::sleep(ms(20));
                    guard.release().expect("nobody interferes");
                }
            });
        }
    });
    let order = order.into_inner().unwrap();
    // While all of them want it; the order of the first round is nobody's promise.
    let common = &order[THREADS..order.len() / 2];
    for thread in 0..THREADS {
        let turns = common.iter().filter(|other| **other == thread).count();
        assert!(turns >= 2, "thread {thread} got {turns} turns: {order:?}");
    }
}

#[test]
fn queued_waiter_is_granted_at_the_release_not_at_the_cadence() {
    let (sandbox, lock) = resource();
    let guard = lock.acquire(&LockOptions::default()).unwrap();
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            let mut options = patience(Duration::from_mins(1));
            options.backoff.initial = Duration::from_secs(50);
            options.backoff.max = Duration::from_secs(50);
            let guard = lock.acquire(&options).unwrap();
            assert_eq!(guard.took_over(), None, "a hand-over is not a crash");
            guard.waited()
        });
        std::thread::sleep(ms(40));
        guard.release().unwrap();
        let waited = waiter.join().unwrap();
        assert!(
            waited < Duration::from_secs(10),
            "granted by the kernel, after {waited:?}"
        );
    });
    assert_nothing_left(&sandbox);
}

#[test]
fn waiters_that_give_up_leave_no_sidecar_however_close_to_the_release() {
    let (sandbox, lock) = resource();
    let mut outcomes = [0, 0];
    for round in 0..150_u64 {
        let guard = lock.acquire(&LockOptions::default()).unwrap();
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| lock.acquire(&patience(ms(5))).map(drop));
            std::thread::sleep(ms(3) + Duration::from_micros(round * 27));
            guard.release().unwrap();
            match waiter.join().unwrap() {
                Ok(()) => outcomes[0] += 1,
                Err(AcquireError::Contended { .. }) => outcomes[1] += 1,
                Err(err) => panic!("unexpected: {err}"),
            }
        });
        settle_hand_overs();
        // An abandoned place may be granted a moment after its waiter has returned.
        testkit::wait_until("the sidecar is gone", Duration::from_secs(10), || {
            !lock.sidecar().exists()
        });
    }
    assert!(
        outcomes[0] > 0 && outcomes[1] > 0,
        "both outcomes were met: {outcomes:?}"
    );
    assert_nothing_left(&sandbox);
}

#[test]
fn short_deadlines_reuse_one_place_in_the_queue() {
    let (_sandbox, lock) = resource();
    let guard = lock.acquire(&LockOptions::default()).unwrap();
    let threads = || std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let before = threads();
            for _ in 0..40 {
                let err = lock.acquire(&patience(ms(6))).unwrap_err();
                assert!(matches!(err, AcquireError::Contended { .. }), "{err}");
            }
            let grown = threads().saturating_sub(before);
            assert!(
                grown < 20,
                "forty waits in vain do not pile up forty threads: {grown}"
            );
        });
    });
    guard.release().unwrap();
}

#[test]
fn killed_process_is_replaced_at_once() {
    let (sandbox, lock) = resource();
    for _ in 0..5 {
        let process = holder_process(lock.resource());
        let pid = process.id();
        assert!(
            matches!(lock.inspect(ms(1)).unwrap(), LockState::Held(h) if h.pid == pid),
            "held"
        );
        assert!(
            lock.try_acquire(&LockOptions::default()).unwrap().is_none(),
            "excluded"
        );
        process.kill_9();
        let guard = lock
            .try_acquire(&LockOptions::default())
            .unwrap()
            .expect("no waiting");
        assert!(
            matches!(guard.took_over(), Some(TookOver::Crashed(h)) if h.pid == pid),
            "and told whose lock it was"
        );
        guard.release().unwrap();
    }
    assert_nothing_left(&sandbox);
}

#[test]
fn waiter_is_granted_when_the_holder_is_killed() {
    let (sandbox, lock) = resource();
    let process = holder_process(lock.resource());
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            let started = Instant::now();
            lock.acquire(&patience(Duration::from_mins(1)))
                .map(|guard| {
                    assert!(guard.took_over().is_some(), "the crash is told");
                    started.elapsed()
                })
        });
        std::thread::sleep(ms(40));
        process.kill_9();
        let waited = waiter.join().unwrap().unwrap();
        assert!(
            waited < Duration::from_secs(10),
            "woken by the kernel after {waited:?}"
        );
    });
    assert_nothing_left(&sandbox);
}

#[test]
fn deleted_sidecar_of_a_live_holder_does_not_strand_the_waiters() {
    let (sandbox, lock) = resource();
    let process = holder_process(lock.resource());
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| lock.acquire(&patience(Duration::from_mins(1))).map(drop));
        std::thread::sleep(ms(40));
        std::fs::remove_file(lock.sidecar()).unwrap();
        waiter
            .join()
            .unwrap()
            .expect("the next look finds the name free");
    });
    process.kill_9();
    assert_nothing_left(&sandbox);
}

#[test]
fn waiting_costs_no_processor_time() {
    let (_sandbox, lock) = resource();
    let process = holder_process(lock.resource());
    let cpu = || {
        let used = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Duration::new(
            used.tv_sec.unsigned_abs(),
            u32::try_from(used.tv_nsec).unwrap(),
        )
    };
    let before = cpu();
    lock.acquire(&patience(ms(1500))).unwrap_err();
    let burnt = cpu().saturating_sub(before);
    assert!(burnt < ms(150), "a wait of 1.5 s burnt {burnt:?}");
    process.kill_9();
}
