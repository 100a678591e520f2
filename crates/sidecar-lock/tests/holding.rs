//! One lock, from acquire to release, in one process.

mod common;

use std::time::Duration;

use common::{assert_nothing_left, leave_behind, ms, patience, put, resource};
use sidecar_lock::{
    AcquireError, Force, LockOptions, LockState, LockedBy, ReleaseError, SidecarLock, TookOver,
};
use testkit::Sandbox;

#[test]
fn acquire_makes_a_readable_sidecar_and_release_removes_it() {
    let (sandbox, lock) = resource();
    let guard = lock
        .acquire(&LockOptions {
            owner: Some("runner 2".into()),
            purpose: Some("a test".into()),
            ..LockOptions::default()
        })
        .unwrap();
    let record = std::fs::read_to_string(lock.sidecar()).unwrap();
    assert_eq!(record.len(), 512, "the record has a fixed size");
    let json: serde_json::Value = serde_json::from_str(&record).unwrap();
    assert_eq!(json["sidecar-lock"], 1, "any JSON tool can read it");
    assert_eq!(
        json["pid"],
        std::process::id(),
        "it says who holds the lock"
    );
    assert_eq!(json["owner"], "runner 2", "it says for whom");
    assert_eq!(guard.holder().generation, 0, "nobody had it before");
    guard.verify().unwrap();
    guard.release().unwrap();
    assert_nothing_left(&sandbox);
}

#[test]
fn guard_releases_on_panic() {
    let (sandbox, lock) = resource();
    let inner = lock.clone();
    let ended = std::thread::spawn(move || {
        let _guard = inner.acquire(&LockOptions::default()).unwrap();
        panic!("the holder fails");
    })
    .join();
    assert!(ended.is_err(), "the thread panicked");
    assert_nothing_left(&sandbox);
    assert!(
        lock.try_acquire(&LockOptions::default()).unwrap().is_some(),
        "the lock is free again"
    );
}

#[test]
fn nested_acquire_by_one_thread_is_refused_at_once() {
    let (_sandbox, lock) = resource();
    let _guard = lock.acquire(&LockOptions::default()).unwrap();
    let again = SidecarLock::new(lock.resource())
        .unwrap()
        .acquire(&patience(Duration::from_mins(1)));
    assert!(
        matches!(again, Err(AcquireError::Nested { .. })),
        "waiting would be waiting for oneself"
    );
}

#[cfg(unix)]
#[test]
fn two_names_of_one_file_share_one_lock() {
    let (sandbox, lock) = resource();
    let link = sandbox.join("link.md");
    std::os::unix::fs::symlink("story.md", &link).unwrap();
    let through_link = SidecarLock::new(&link).unwrap();
    assert_eq!(
        through_link.sidecar(),
        lock.sidecar(),
        "the lock is that of the file, not of the name"
    );
}

#[test]
fn missing_resource_is_lockable_and_missing_folder_is_an_error() {
    let sandbox = Sandbox::new();
    let lock = SidecarLock::new(sandbox.join("not-yet.md")).unwrap();
    lock.acquire(&LockOptions::default())
        .unwrap()
        .release()
        .unwrap();
    let nowhere = SidecarLock::new(sandbox.join("no/such/folder/story.md"));
    assert!(
        matches!(nowhere, Err(AcquireError::NoSuchFolder { .. })),
        "the folder is named as missing"
    );
    assert_nothing_left(&sandbox);
}

#[test]
fn link_to_a_missing_resource_shares_the_lock_of_that_resource() {
    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.join("real")).unwrap();
    std::os::unix::fs::symlink("real/later.md", sandbox.join("one.md")).unwrap();
    std::os::unix::fs::symlink("one.md", sandbox.join("two.md")).unwrap();
    let later = SidecarLock::new(sandbox.join("real/later.md")).unwrap();
    for name in ["one.md", "two.md"] {
        let by_link = SidecarLock::new(sandbox.join(name)).unwrap();
        assert_eq!(by_link, later, "{name} means the file that it points at");
    }
    std::os::unix::fs::symlink("loop.md", sandbox.join("loop.md")).unwrap();
    let lost = SidecarLock::new(sandbox.join("loop.md"));
    assert!(
        matches!(lost, Err(AcquireError::Io { .. })),
        "a loop of links ends in an error: {lost:?}"
    );
}

#[test]
fn name_without_room_for_the_sidecars_is_an_error_and_nothing_is_made() {
    let sandbox = Sandbox::new();
    for length in [251, 255, 256] {
        let lock = SidecarLock::new(sandbox.join("x".repeat(length)))
            .and_then(|lock| lock.acquire(&LockOptions::default()).map(drop));
        assert!(
            matches!(lock, Err(AcquireError::NameTooLong { .. })),
            "{length} bytes leave no room for five more: {lock:?}"
        );
    }
    let lock = SidecarLock::new(sandbox.join("x".repeat(250))).unwrap();
    lock.acquire(&LockOptions::default())
        .unwrap()
        .release()
        .unwrap();
    assert_nothing_left(&sandbox);
}

#[test]
fn second_thread_gets_none_or_contention_that_names_the_holder() {
    let (_sandbox, lock) = resource();
    let guard = lock
        .acquire(&LockOptions {
            owner: Some("the first".into()),
            ..LockOptions::default()
        })
        .unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            assert!(
                lock.try_acquire(&LockOptions::default()).unwrap().is_none(),
                "try_acquire never waits"
            );
            let err = lock.acquire(&patience(ms(40))).unwrap_err();
            let AcquireError::Contended { by, waited, .. } = &err else {
                panic!("a live holder is contention, not {err}")
            };
            assert!(*waited >= ms(40), "the limit was waited for");
            let LockedBy::Holder(holder) = by.as_ref() else {
                panic!("the holder is known, not {by}")
            };
            assert_eq!(holder.owner.as_deref(), Some("the first"), "and named");
            assert!(err.is_retryable(), "contention passes");
            assert!(
                err.to_string().contains("locked by another process"),
                "the message says what a person searches for: {err}"
            );
        });
    });
    guard.release().unwrap();
}

#[test]
fn max_retries_gives_up_before_the_timeout() {
    let (_sandbox, lock) = resource();
    let _guard = lock.acquire(&LockOptions::default()).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut options = patience(Duration::from_hours(1));
            options.max_retries = Some(3);
            options.backoff.initial = ms(1);
            options.backoff.max = ms(8);
            let Err(AcquireError::Contended { attempts, .. }) = lock.acquire(&options) else {
                panic!("the lock is held")
            };
            assert_eq!(attempts, 4, "one look and three retries");
        });
    });
}

#[test]
fn leftover_of_a_dead_owner_is_adopted_at_once_and_told() {
    let (sandbox, lock) = resource();
    let token = leave_behind(&lock);
    let LockState::Leftover(dead) = lock.inspect(ms(5000)).unwrap() else {
        panic!("no kernel lock: its owner is dead")
    };
    assert_eq!(dead.token, token, "the record says whose it was");
    let guard = lock
        .try_acquire(&LockOptions::default())
        .unwrap()
        .expect("no waiting for the dead");
    assert!(
        matches!(guard.took_over(), Some(TookOver::Crashed(holder)) if holder.token == token),
        "a take-over is told"
    );
    assert_eq!(
        guard.holder().generation,
        1,
        "the sidecar was adopted in place"
    );
    assert_ne!(guard.holder().token, token, "under a token of its own");
    guard.release().unwrap();
    assert_nothing_left(&sandbox);
}

#[test]
fn damaged_record_of_ours_is_adopted_when_its_owner_is_dead() {
    let (sandbox, lock) = resource();
    put(
        lock.sidecar(),
        b"\n{\"sidecar-lock\":1,\"released\":0,\"token\":\"half",
    );
    let guard = lock
        .try_acquire(&LockOptions::default())
        .unwrap()
        .expect("nobody lives there");
    assert_eq!(
        guard.took_over(),
        Some(&TookOver::CrashedUnreadable),
        "it is told"
    );
    assert_eq!(
        std::fs::metadata(lock.sidecar()).unwrap().len(),
        512,
        "the record is whole again"
    );
    guard.release().unwrap();
    put(
        lock.sidecar(),
        &[b"\n{\"sidecar-lock\":1,".as_slice(), &vec![b'x'; 100_000]].concat(),
    );
    lock.try_acquire(&LockOptions::default())
        .unwrap()
        .expect("a huge record is no obstacle")
        .release()
        .unwrap();
    assert_nothing_left(&sandbox);
}

#[test]
fn leftover_with_a_second_name_is_replaced_and_its_other_name_left_alone() {
    let (sandbox, lock) = resource();
    let token = leave_behind(&lock);
    let backup = sandbox.join("backup");
    std::fs::hard_link(lock.sidecar(), &backup).unwrap();
    let before = std::fs::read(&backup).unwrap();
    let guard = lock.acquire(&LockOptions::default()).unwrap();
    assert!(
        matches!(guard.took_over(), Some(TookOver::Crashed(holder)) if holder.token == token),
        "the dead owner is told all the same: {:?}",
        guard.took_over()
    );
    guard.release().unwrap();
    let now = std::fs::read(&backup).unwrap();
    assert_eq!(now, before, "a backup is not ours to write to");
    assert_nothing_left(&sandbox);
}

#[test]
fn leftover_with_the_greatest_numbers_is_adopted() {
    let (sandbox, lock) = resource();
    let most = u64::MAX;
    for released in [0, 1] {
        let record = format!(
            "\n{{\"sidecar-lock\":1,\"released\":{released},\"token\":\"t\",\"pid\":{},\"generation\":{most},\"run_ns\":{most},\"stale_ms\":{most}}}",
            u32::MAX
        );
        put(lock.sidecar(), record.as_bytes());
        let guard = lock.acquire(&LockOptions::default()).unwrap();
        assert_eq!(
            guard.holder().generation,
            most,
            "what cannot grow stays; nobody is kept out by it"
        );
        guard.release().unwrap();
        assert_nothing_left(&sandbox);
    }
}

#[test]
fn frozen_record_of_version_1_is_read() {
    let (_sandbox, lock) = resource();
    put(
        lock.sidecar(),
        &std::fs::read(testkit::fixtures().join("locks/v1.lock")).unwrap(),
    );
    let LockState::Leftover(holder) = lock.inspect(ms(5000)).unwrap() else {
        panic!("a record of version 1 is ours")
    };
    assert_eq!(holder.token, "000102030405060708090a0b0c0d0e0f", "token");
    assert_eq!(holder.owner.as_deref(), Some("runner 2"), "owner");
    assert_eq!((holder.pid, holder.generation), (4711, 3), "numbers");
    let guard = lock
        .try_acquire(&LockOptions::default())
        .unwrap()
        .expect("adopted");
    assert_eq!(guard.holder().generation, 4, "the generation goes on");
}

#[test]
fn record_of_a_later_version_is_respected_and_never_adopted() {
    let (_sandbox, lock) = resource();
    let later = b"\n{\"sidecar-lock\":2,\"token\":\"from the future\"}\n";
    put(lock.sidecar(), later);
    let live = std::fs::File::open(lock.sidecar()).unwrap();
    let mut live = fd_lock::RwLock::new(live);
    let kernel_lock = live.write().unwrap();
    assert_eq!(
        lock.inspect(ms(50)).unwrap(),
        LockState::HeldUnreadable,
        "its owner lives"
    );
    testkit::set_age(lock.sidecar(), Duration::from_hours(1));
    let err = lock
        .acquire(&LockOptions {
            stale_after: Some(ms(50)),
            ..patience(ms(400))
        })
        .unwrap_err();
    assert!(
        matches!(err, AcquireError::Contended { .. }),
        "held while its kernel lock is: {err}"
    );
    assert_eq!(
        std::fs::read(lock.sidecar()).unwrap(),
        later,
        "not one byte of it was written"
    );
    drop(kernel_lock);
}

#[test]
fn verify_and_release_notice_a_deleted_sidecar_and_spare_the_successors() {
    let (sandbox, lock) = resource();
    let first = lock.acquire(&LockOptions::default()).unwrap();
    std::fs::remove_file(lock.sidecar()).unwrap();
    assert!(first.verify().is_err(), "the lock is lost");
    let successor = {
        let lock = lock.clone();
        std::thread::spawn(move || lock.try_acquire(&LockOptions::default()).unwrap())
            .join()
            .unwrap()
            .expect("nothing stands there")
    };
    assert!(
        matches!(first.release(), Err(ReleaseError::Lost(_))),
        "the release says so"
    );
    successor
        .verify()
        .expect("the successor's lock was not removed");
    successor.release().unwrap();
    assert_nothing_left(&sandbox);
}

#[test]
fn keeper_refreshes_the_sidecar_while_the_lock_is_held() {
    let (_sandbox, lock) = resource();
    let _guard = lock
        .acquire(&LockOptions {
            stale_after: Some(ms(150)),
            ..LockOptions::default()
        })
        .unwrap();
    testkit::set_age(lock.sidecar(), Duration::from_secs(100));
    testkit::wait_until("the sidecar is touched", Duration::from_secs(20), || {
        let modified = std::fs::metadata(lock.sidecar())
            .unwrap()
            .modified()
            .unwrap();
        modified
            .elapsed()
            .is_ok_and(|age| age < Duration::from_secs(50))
    });
}

#[test]
fn break_needs_the_token_and_a_dead_owner_or_force() {
    let (sandbox, lock) = resource();
    assert!(
        lock.break_with_token("x", Force::IfDead).is_err(),
        "nothing to break"
    );
    let guard = lock.acquire(&LockOptions::default()).unwrap();
    let token = guard.holder().token.clone();
    for (token, force, message) in [
        ("0000", Force::EvenIfAlive, "another token"),
        (token.as_str(), Force::IfDead, "in use"),
    ] {
        let err = lock.break_with_token(token, force).unwrap_err();
        assert!(err.to_string().contains(message), "{message}: {err}");
        guard.verify().expect("a refused break changes nothing");
    }
    lock.break_with_token(&token, Force::EvenIfAlive).unwrap();
    assert!(guard.verify().is_err(), "told twice, it is broken");
    assert!(guard.release().is_err(), "and its owner learns of it");
    let token = leave_behind(&lock);
    lock.break_with_token(&token, Force::IfDead).unwrap();
    assert_nothing_left(&sandbox);
}

#[test]
fn inherited_lock_needs_a_live_owner_and_its_token() {
    let (_sandbox, lock) = resource();
    let guard = lock.acquire(&LockOptions::default()).unwrap();
    let token = guard.holder().token.clone();
    assert!(lock.inherit("0000").is_err(), "another token");
    let inherited = lock.inherit(&token).unwrap();
    inherited.verify().unwrap();
    guard.release().unwrap();
    assert!(inherited.verify().is_err(), "the parent has released it");
    let token = leave_behind(&lock);
    assert!(lock.inherit(&token).is_err(), "the parent is dead");
}

#[test]
fn uncontended_acquire_and_release_take_less_than_100_ms() {
    // S-0034 "Performance": a promise with a margin of a thousand.
    let (_sandbox, lock) = resource();
    let mut times: Vec<Duration> = (0..51)
        .map(|_| {
            let started = std::time::Instant::now();
            lock.acquire(&LockOptions::default())
                .unwrap()
                .release()
                .unwrap();
            started.elapsed()
        })
        .collect();
    times.sort();
    assert!(times[25] < ms(100), "median {:?}", times[25]);
}
