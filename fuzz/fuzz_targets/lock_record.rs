//! Any bytes at the place of a lock: what is said of them is harmless to a terminal, only a record of ours is adopted,
//! and everything else stays as it is. `cargo +nightly fuzz run lock_record`
#![no_main]

use std::cell::OnceCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use sidecar_lock::{ForeignLock, LockOptions, LockState, SidecarLock, TookOver};

/// How every record of version 1 begins (docs/protocol.md).
const MAGIC: &[u8] = b"\n{\"sidecar-lock\":1,";
const LONG: Duration = Duration::from_secs(3600);

/// A folder in memory: a target runs for minutes, and a disk would be most of it.
struct Place {
    lock: SidecarLock,
    sidecar: PathBuf,
}

impl Place {
    fn new() -> Self {
        let folder = Path::new("/dev/shm").join(format!("fuzz-lock-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("there is a file system in memory");
        let lock = SidecarLock::new(folder.join("x")).expect("the folder is there");
        let sidecar = lock.sidecar().to_path_buf();
        Self { lock, sidecar }
    }
}

thread_local! {
    static PLACE: OnceCell<Place> = const { OnceCell::new() };
}

fuzz_target!(|input: &[u8]| {
    let bytes = &contents(input);
    PLACE.with(|place| {
        let Place { lock, sidecar } = place.get_or_init(Place::new);
        fs::write(sidecar, bytes).expect("memory can be written");
        let is_ours = bytes.starts_with(MAGIC);
        let state = lock.inspect(LONG).expect("a file can be looked at");
        check_words(&state);
        assert_eq!(is_leftover(&state), is_ours, "the magic decides: {state:?}");
        let options = LockOptions {
            stale_after: Some(LONG),
            ..LockOptions::default()
        };
        let acquired = lock.try_acquire(&options).expect("nothing is in the way");
        assert_eq!(
            acquired.is_some(),
            is_ours,
            "only what is ours is adopted: {state:?}"
        );
        match acquired {
            Some(guard) => {
                check_taken_over(&state, guard.took_over());
                guard.release().expect("it is released");
                assert!(!sidecar.exists(), "and gone");
            }
            None => {
                let now = fs::read(sidecar).expect("it is there");
                assert_eq!(&now, bytes, "what is not ours is left alone");
            }
        }
    });
});

/// What stands in the file. Two of three inputs begin as a record does, one of them with all members: chance alone would
/// seldom get so far.
fn contents(input: &[u8]) -> Vec<u8> {
    match input.split_first() {
        Some((choice, rest)) if choice % 3 == 1 => [MAGIC, rest].concat(),
        Some((choice, rest)) if choice % 3 == 2 => record(rest),
        _ => input.to_vec(),
    }
}

const NUMBERS: [&str; 10] = [
    "0",
    "1",
    "-1",
    "4294967295",
    "4294967296",
    "18446744073709551615",
    "18446744073709551616",
    "1.5",
    "1e400",
    "null",
];
const MEMBERS: [&str; 7] = [
    "released",
    "pid",
    "start_time",
    "pid_namespace",
    "stale_ms",
    "generation",
    "run_ns",
];

/// A record whose numbers are chosen by the first bytes and whose texts are the others.
fn record(input: &[u8]) -> Vec<u8> {
    let (choices, text) = input.split_at(input.len().min(MEMBERS.len()));
    let mut record = MAGIC.to_vec();
    for (member, choice) in MEMBERS.iter().zip(choices) {
        let number = NUMBERS[usize::from(*choice) % NUMBERS.len()];
        record.extend_from_slice(format!("\"{member}\":{number},").as_bytes());
    }
    for member in ["token", "owner", "host"] {
        record.extend_from_slice(format!("\"{member}\":\"").as_bytes());
        record.extend_from_slice(text);
        record.extend_from_slice(if member == "host" { b"\"}" } else { b"\"," });
    }
    record
}

fn is_leftover(state: &LockState) -> bool {
    match state {
        LockState::Leftover(_) | LockState::LeftoverUnreadable => true,
        LockState::Foreign(ForeignLock { .. }) => false,
        other => panic!("nobody holds it, and it is a file: {other:?}"),
    }
}

fn check_words(state: &LockState) {
    if let LockState::Leftover(holder) = state {
        let words = holder.to_string();
        assert!(!words.chars().any(char::is_control), "harmless: {words:?}");
    }
}

fn check_taken_over(state: &LockState, took_over: Option<&TookOver>) {
    match (state, took_over) {
        (LockState::Leftover(seen), Some(TookOver::Crashed(named))) => assert_eq!(seen, named),
        (LockState::LeftoverUnreadable, Some(TookOver::CrashedUnreadable)) => {}
        // Its record says that it was released.
        (LockState::Leftover(_), None) => {}
        other => panic!("one answer: {other:?}"),
    }
}
