//! What a power cut makes of a sidecar: its name reaches the disk before its record does.
#![cfg(unix)]

mod common;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use common::{assert_nothing_left, ms, patience, put, resource};
use sidecar_lock::{AcquireError, LockState, TookOver};

const STICKY: u32 = 0o1000;

/// What was seen after cuts of a whole kernel: nothing on ext4, XFS and Btrfs; zeros where a disk lies.
const LOST: [&[u8]; 2] = [b"", &[0; 512]];

#[test]
fn sidecar_is_marked_from_its_creation() {
    let (_sandbox, lock) = resource();
    let guard = lock.acquire(&patience(ms(0))).expect("nobody holds it");
    let mode = fs::metadata(guard.sidecar())
        .expect("it is held")
        .permissions()
        .mode();
    assert_ne!(
        mode & STICKY,
        0,
        "the mark is there with the name: {mode:o}"
    );
}

#[test]
fn marked_sidecar_that_lost_its_record_is_taken_over_at_once() {
    for lost in LOST {
        let (sandbox, lock) = resource();
        put(lock.sidecar(), lost);
        fs::set_permissions(lock.sidecar(), Permissions::from_mode(STICKY | 0o644))
            .expect("it is ours");
        let state = lock.inspect(ms(5000)).expect("it can be looked at");
        assert_eq!(state, LockState::LeftoverUnreadable, "who looks is told so");
        let guard = lock
            .acquire(&patience(ms(0)))
            .expect("its owner cannot live");
        assert_eq!(
            guard.took_over(),
            Some(&TookOver::CrashedUnreadable),
            "and so is the new owner"
        );
        guard.release().expect("it is held");
        assert_nothing_left(&sandbox);
    }
}

#[test]
fn unmarked_file_without_a_record_is_another_tools_lock() {
    for foreign in LOST {
        let (_sandbox, lock) = resource();
        put(lock.sidecar(), foreign);
        let refused = lock.acquire(&patience(ms(0)));
        assert!(
            matches!(refused, Err(AcquireError::Contended { .. })),
            "it may have been made a moment ago: {refused:?}"
        );
    }
}
