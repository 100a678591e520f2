use super::*;
use crate::{LockOptions, SidecarLock};

fn name(path: &Path) -> Name {
    Name::open(path).expect("its folder is there")
}

#[test]
fn sidecar_passed_on_again_is_looked_after_once_and_later() {
    let mut table = Table {
        entries: Vec::new(),
        hand_overs: Vec::new(),
        yields: Vec::new(),
        keeper: keeper::State::new(),
    };
    let sandbox = testkit::Sandbox::new();
    let [one, other] = ["one.lock", "other.lock"].map(|file| name(&sandbox.join(file)));
    let id = sys::FileId {
        device: 1,
        inode: 2,
    };
    table.hand_over(&one, id);
    let first = table.hand_overs[0].due();
    std::thread::sleep(Duration::from_millis(1));
    table.hand_over(&one, id);
    assert_eq!(table.hand_overs.len(), 1, "one look is enough");
    assert!(first < table.hand_overs[0].due(), "after the last time");
    table.hand_over(&other, id);
    let names: Vec<&Path> = table
        .hand_overs
        .iter()
        .map(|it| it.sidecar.path())
        .collect();
    assert_eq!(
        names,
        [one.path(), other.path()],
        "a number that is given out again hides neither of them"
    );
}

#[test]
fn keeper_removes_what_an_heir_has_left_that_died_before_it_ran() {
    let sandbox = testkit::Sandbox::new();
    let lock = SidecarLock::new(sandbox.write("file", "")).expect("it is there");
    let guard = lock.acquire(&LockOptions::default()).expect("it is free");
    let record = sandbox.read("file.lock");
    let id = guard.held.id;
    guard.release().expect("nobody interferes");
    sandbox.write(
        "file.lock",
        record.replace("\"released\":0", "\"released\":1"),
    );
    let mut table = lock_table();
    table.hand_over(&name(lock.sidecar()), id);
    keeper::wake(&mut table, std::process::id());
    drop(table);
    testkit::wait_until("the sidecar is gone", Duration::from_secs(10), || {
        !lock.sidecar().exists()
    });
}

#[test]
fn who_holds_another_lock_does_not_stay_away_with_it() {
    let sandbox = testkit::Sandbox::new();
    let [first, second] = ["first", "second"].map(|name| {
        let path = sandbox.write(name, "");
        SidecarLock::new(path).expect("it is there")
    });
    lock_table().stay_away(second.resource(), Duration::from_hours(1));
    let owed = || {
        let reservation = Reservation::make(second.resource()).expect("it is not held");
        reservation.stay_away_until()
    };
    assert!(owed().is_some(), "others come first");
    let guard = first.acquire(&LockOptions::default()).expect("it is free");
    assert_eq!(owed(), None, "those who wait for the first would pay");
    guard.release().expect("nobody interferes");
}

#[test]
fn who_stays_away_does_so_for_half_its_timeout_at_most() {
    let sandbox = testkit::Sandbox::new();
    let lock = SidecarLock::new(sandbox.write("story.md", "")).expect("it is there");
    lock_table().stay_away(lock.resource(), Duration::from_secs(5));
    let options = LockOptions {
        timeout: Duration::from_millis(100),
        ..LockOptions::default()
    };
    let begun = Instant::now();
    let guard = lock.acquire(&options).expect("it is free");
    let paused = begun.elapsed();
    assert!(
        paused >= options.timeout / 2,
        "others come first: {paused:?}"
    );
    assert!(
        paused < Duration::from_secs(4),
        "but not for long: {paused:?}"
    );
    guard.release().expect("nobody interferes");
}
