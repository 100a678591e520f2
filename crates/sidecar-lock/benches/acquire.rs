//! What a lock costs: taken and given back while it is free, while somebody waits for it, and refused.
//!
//! `cargo bench -p sidecar-lock`; folders: `BENCH_DIRS`, a colon-separated list, default the one for temporary files.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use sidecar_lock::{LockOptions, SidecarLock, settle_hand_overs};

fn lock_in(folder: &Path) -> SidecarLock {
    SidecarLock::new(folder.join("story.md")).expect("the folder is there")
}

/// Takes the lock and gives it back.
fn once(lock: &SidecarLock, options: &LockOptions) {
    let guard = lock
        .acquire(options)
        .expect("nobody keeps it for longer than the limit");
    guard.release().expect("nobody else removes it");
}

fn locks(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("lock");
    for base in testkit::bench_folders() {
        let folder = tempfile::tempdir_in(&base).expect("a folder to work in");
        let options = LockOptions::default();
        let lock = lock_in(folder.path());
        let name = base.display();

        group.bench_function(BenchmarkId::new("acquire_release_free", &name), |bench| {
            bench.iter(|| once(&lock, &options));
        });

        group.bench_function(BenchmarkId::new("acquire_release_waiter", &name), |bench| {
            let done = AtomicBool::new(false);
            thread::scope(|scope| {
                scope.spawn(|| {
                    let rival = lock_in(folder.path());
                    while !done.load(Ordering::Relaxed) {
                        once(&rival, &options);
                    }
                });
                bench.iter(|| once(&lock, &options));
                done.store(true, Ordering::Relaxed);
            });
            settle_hand_overs();
        });

        let held = lock.acquire(&options).expect("it is free");
        group.bench_function(BenchmarkId::new("try_acquire_refused", &name), |bench| {
            // Another thread asks: the owner's own would be told that it is nested.
            thread::scope(|scope| {
                scope.spawn(|| {
                    bench.iter(|| {
                        let refused = lock.try_acquire(&options);
                        assert!(matches!(refused, Ok(None)), "somebody else has it");
                    });
                });
            });
        });
        held.release().expect("nobody else removes it");
    }
    group.finish();
}

criterion_group!(benches, locks);
criterion_main!(benches);
