//! Locks of other tools, and things that are no locks, at the sidecar's place.

mod common;

use std::time::{Duration, Instant};

use common::{assert_nothing_left, ms, patience, put, resource};
use sidecar_lock::{
    AcquireError, ForeignKind, LockOptions, LockState, LockedBy, Obstruction, TookOver,
};

fn hasty() -> LockOptions {
    LockOptions {
        stale_after: Some(ms(200)),
        ..patience(ms(3000))
    }
}

fn make(lock: &std::path::Path, kind: ForeignKind) {
    match kind {
        ForeignKind::File => put(lock, b"4711\n"),
        ForeignKind::Directory => std::fs::create_dir(lock).expect("the place is free"),
    }
}

#[test]
fn fresh_foreign_lock_is_respected_and_its_age_named() {
    for kind in [ForeignKind::File, ForeignKind::Directory] {
        let (_sandbox, lock) = resource();
        make(lock.sidecar(), kind);
        let before = std::fs::metadata(lock.sidecar())
            .unwrap()
            .modified()
            .unwrap();
        let err = lock.acquire(&patience(ms(50))).unwrap_err();
        let AcquireError::Contended { by, .. } = &err else {
            panic!("a fresh lock of another tool is contention, not {err}")
        };
        assert!(
            matches!(by.as_ref(), LockedBy::Foreign(f) if f.kind == kind),
            "{by}"
        );
        assert!(
            err.to_string().contains("ms ago"),
            "its age is named: {err}"
        );
        assert!(
            err.to_string().contains("stale in"),
            "and when it ends: {err}"
        );
        let after = std::fs::metadata(lock.sidecar())
            .unwrap()
            .modified()
            .unwrap();
        assert_eq!(before, after, "its time was not touched");
    }
}

#[test]
fn stale_foreign_lock_is_replaced_and_told() {
    for kind in [ForeignKind::File, ForeignKind::Directory] {
        let (sandbox, lock) = resource();
        make(lock.sidecar(), kind);
        testkit::set_age(lock.sidecar(), Duration::from_secs(3));
        let started = Instant::now();
        let guard = lock.acquire(&hasty()).unwrap();
        assert!(
            started.elapsed() >= ms(250),
            "an old time alone does not condemn: it was watched"
        );
        assert!(
            matches!(guard.took_over(), Some(TookOver::Foreign(f)) if f.kind == kind),
            "a take-over is told"
        );
        guard.verify().unwrap();
        guard.release().unwrap();
        assert_nothing_left(&sandbox);
    }
}

#[test]
fn refreshed_foreign_lock_is_never_replaced() {
    for kind in [ForeignKind::File, ForeignKind::Directory] {
        let (_sandbox, lock) = resource();
        make(lock.sidecar(), kind);
        let ended = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !ended.load(std::sync::atomic::Ordering::Relaxed) {
                    // Old by the wall clock at every look, but alive: the time keeps changing.
                    testkit::set_age(lock.sidecar(), Duration::from_mins(1));
                    std::thread::sleep(ms(10));
                }
            });
            let err = lock
                .acquire(&LockOptions {
                    timeout: ms(900),
                    ..hasty()
                })
                .unwrap_err();
            ended.store(true, std::sync::atomic::Ordering::Relaxed);
            assert!(matches!(err, AcquireError::Contended { .. }), "{err}");
        });
        assert!(lock.sidecar().exists(), "it stands where it stood");
    }
}

#[test]
fn waiter_is_woken_when_a_foreign_lock_goes() {
    for kind in [ForeignKind::File, ForeignKind::Directory] {
        let (sandbox, lock) = resource();
        make(lock.sidecar(), kind);
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| {
                let mut options = patience(Duration::from_mins(1));
                // Only an event can wake it before the limit.
                options.backoff.initial = Duration::from_secs(50);
                options.backoff.max = Duration::from_secs(50);
                options.stale_after = Some(Duration::from_secs(500));
                lock.acquire(&options).unwrap().waited()
            });
            std::thread::sleep(ms(40));
            match kind {
                ForeignKind::File => std::fs::remove_file(lock.sidecar()).unwrap(),
                ForeignKind::Directory => std::fs::remove_dir(lock.sidecar()).unwrap(),
            }
            let waited = waiter.join().unwrap();
            assert!(
                waited < Duration::from_secs(10),
                "woken by the event, after {waited:?}"
            );
        });
        assert_nothing_left(&sandbox);
    }
}

#[cfg(unix)]
#[test]
fn symlink_at_the_sidecars_place_is_an_error_and_stays_untouched() {
    let (sandbox, lock) = resource();
    let target = sandbox.write("precious.txt", "precious");
    std::os::unix::fs::symlink(&target, lock.sidecar()).unwrap();
    let err = lock.acquire(&hasty()).unwrap_err();
    let AcquireError::Obstructed { what, .. } = err else {
        panic!("a link is no lock: {err}")
    };
    assert_eq!(what, Obstruction::Symlink, "it is named");
    assert_eq!(
        lock.inspect(ms(1)).unwrap(),
        LockState::Obstructed(what),
        "inspect agrees"
    );
    assert_eq!(
        std::fs::read_to_string(&target).unwrap(),
        "precious",
        "not written through"
    );
    assert!(
        std::fs::symlink_metadata(lock.sidecar())
            .unwrap()
            .is_symlink(),
        "still there"
    );
}

#[cfg(unix)]
#[test]
fn fifo_at_the_sidecars_place_is_an_error_and_stays_untouched() {
    use std::os::unix::fs::FileTypeExt;
    let (_sandbox, lock) = resource();
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mkfifoat(rustix::fs::CWD, lock.sidecar(), mode).unwrap();
    let err = lock.acquire(&hasty()).unwrap_err();
    let AcquireError::Obstructed { what, .. } = err else {
        panic!("a FIFO is no lock: {err}")
    };
    assert_eq!(what, Obstruction::Special, "it is named");
    let kind = std::fs::symlink_metadata(lock.sidecar())
        .unwrap()
        .file_type();
    assert!(kind.is_fifo(), "still there");
}

#[test]
fn directory_with_content_is_an_error_and_stays_untouched() {
    let (_sandbox, lock) = resource();
    std::fs::create_dir(lock.sidecar()).unwrap();
    put(&lock.sidecar().join("content"), b"x");
    testkit::set_age(lock.sidecar(), Duration::from_hours(1));
    let err = lock.acquire(&hasty()).unwrap_err();
    let AcquireError::Obstructed { what, .. } = err else {
        panic!("a directory with content is no lock: {err}")
    };
    assert_eq!(what, Obstruction::DirectoryWithContent, "it is named");
    assert!(
        lock.sidecar().join("content").exists(),
        "nothing of it was removed"
    );
}

#[test]
fn directory_that_a_killed_breaker_has_pinned_is_still_replaced() {
    let (sandbox, lock) = resource();
    std::fs::create_dir(lock.sidecar()).unwrap();
    put(
        &lock.sidecar().join(".sidecar-0123456789abcdef.lock-tmp"),
        b"",
    );
    testkit::set_age(lock.sidecar(), Duration::from_secs(3));
    let guard = lock.acquire(&hasty()).unwrap();
    assert!(guard.took_over().is_some(), "the pin is no content");
    guard.release().unwrap();
    assert_nothing_left(&sandbox);
}

#[test]
fn remove_leftover_takes_only_what_is_gone() {
    let (sandbox, lock) = resource();
    assert_eq!(
        lock.remove_leftover(ms(200)).unwrap(),
        None,
        "nothing there"
    );
    make(lock.sidecar(), ForeignKind::Directory);
    assert_eq!(
        lock.remove_leftover(Duration::from_mins(1)).unwrap(),
        None,
        "fresh"
    );
    testkit::set_age(lock.sidecar(), Duration::from_secs(3));
    assert!(lock.remove_leftover(ms(200)).unwrap().is_some(), "stale");
    assert_nothing_left(&sandbox);
    common::leave_behind(&lock);
    assert!(lock.remove_leftover(ms(200)).unwrap().is_some(), "crashed");
    assert_nothing_left(&sandbox);
}
