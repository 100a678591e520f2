//! A free name, and several who want it.

use rustix::io::Errno;

use super::process::Said;
use super::stage::{Stage, TRY, put};
use crate::sys::Call;

#[test]
fn sidecar_is_invisible_until_it_is_complete() {
    let stage = Stage::new();
    let mut first = stage.process();
    first.begin_to(TRY, Call::Link);
    assert_eq!(stage.names(), [""; 0], "nobody ever sees half a sidecar");
    let mut second = stage.process();
    assert_eq!(second.run(TRY), "acquired", "the name was still free");
    assert_eq!(first.finish(), "contended", "and is taken now");
    assert_eq!(second.run("release"), "released");
    stage.assert_nothing_left();
}

#[test]
fn sidecar_under_a_temporary_name_is_nobodys_lock() {
    let stage = Stage::new();
    let mut first = stage.process();
    first.begin_to(TRY, Call::CreateNameless);
    // A file system without nameless files.
    let said = first.main().refuse(Errno::OPNOTSUPP);
    assert_eq!(said, Said::At("CreateNamed".into()), "the other way");
    first.main().to(Call::Link);
    let names = stage.names();
    assert_eq!(names.len(), 1, "one temporary file: {names:?}");
    assert_eq!(
        crate::find_temporaries(stage.lock.folder()).unwrap().len(),
        0,
        "which is not taken for a dead one's: it is locked"
    );
    let mut second = stage.process();
    assert_eq!(second.run(TRY), "acquired", "the name was still free");
    assert_eq!(first.finish(), "contended", "and is taken now");
    assert_eq!(second.run("release"), "released");
    stage.assert_nothing_left();
}

#[test]
fn script_takes_the_name_between_look_and_link() {
    let stage = Stage::new();
    let mut ours = stage.process();
    ours.begin_to(TRY, Call::Link);
    stage.put_file();
    assert_eq!(ours.finish(), "contended", "the script was first");
    assert_eq!(
        std::fs::read(stage.sidecar()).unwrap(),
        b"4711\n",
        "its file stands as it stood"
    );
    assert_eq!(stage.names().len(), 1, "and nothing beside it");
}

#[test]
fn node_takes_the_name_between_look_and_link() {
    let stage = Stage::new();
    let mut ours = stage.process();
    ours.begin_to(TRY, Call::Link);
    stage.put_folder();
    assert_eq!(ours.finish(), "contended", "Node was first");
    std::fs::remove_dir(stage.sidecar()).expect("its folder stands, empty");
    stage.assert_nothing_left();
}

/// What the look saw is not what stands there when it is opened.
#[test]
fn look_sees_a_file_and_open_meets_a_directory() {
    let stage = Stage::new();
    stage.put_file();
    let mut ours = stage.process();
    ours.begin_to(TRY, Call::Open);
    stage.remove_sidecar();
    stage.put_folder();
    assert_eq!(ours.finish(), "contended", "a fresh folder is respected");
    std::fs::remove_dir(stage.sidecar()).expect("it stands, empty");
}

#[test]
fn look_sees_a_directory_and_open_meets_a_file() {
    let stage = Stage::new();
    stage.put_folder();
    let mut ours = stage.process();
    ours.begin_to(TRY, Call::OpenFolder);
    std::fs::remove_dir(stage.sidecar()).unwrap();
    stage.put_file();
    assert_eq!(ours.finish(), "contended", "a fresh file is respected");
}

#[test]
fn look_sees_a_lock_and_open_meets_nothing() {
    for is_folder in [false, true] {
        let stage = Stage::new();
        let mut ours = stage.process();
        if is_folder {
            stage.put_folder();
            ours.begin_to(TRY, Call::OpenFolder);
            std::fs::remove_dir(stage.sidecar()).unwrap();
        } else {
            stage.put_file();
            ours.begin_to(TRY, Call::Open);
            stage.remove_sidecar();
        }
        assert_eq!(ours.finish(), "acquired", "one attempt is enough");
        assert_eq!(ours.run("release"), "released");
        stage.assert_nothing_left();
    }
}

#[test]
fn look_sees_a_lock_and_open_meets_a_link_or_a_fifo() {
    for is_link in [true, false] {
        let stage = Stage::new();
        let precious = stage.path("precious");
        put(&precious, b"precious");
        stage.put_file();
        let mut ours = stage.process();
        ours.begin_to(TRY, Call::Open);
        stage.remove_sidecar();
        if is_link {
            std::os::unix::fs::symlink(&precious, stage.sidecar()).unwrap();
        } else {
            let mode = rustix::fs::Mode::from_raw_mode(0o600);
            rustix::fs::mkfifoat(rustix::fs::CWD, stage.sidecar(), mode).unwrap();
        }
        let outcome = ours.finish();
        assert!(outcome.starts_with("error Obstructed"), "{outcome}");
        assert_eq!(
            std::fs::read(&precious).unwrap(),
            b"precious",
            "nothing was written through it"
        );
    }
}

/// As above, for those who only look.
#[test]
fn inspection_meets_another_kind_of_lock() {
    let stage = Stage::new();
    let mut ours = stage.process();
    stage.put_file();
    ours.begin_to("inspect", Call::Open);
    stage.remove_sidecar();
    stage.put_folder();
    assert_eq!(ours.finish(), "foreign", "it looks again");
    ours.begin_to("inspect", Call::OpenFolder);
    std::fs::remove_dir(stage.sidecar()).unwrap();
    stage.put_file();
    assert_eq!(ours.finish(), "foreign", "it looks again");
    ours.begin_to("inspect", Call::Open);
    stage.remove_sidecar();
    assert_eq!(ours.finish(), "free", "it looks again");
    let mut holder = stage.holder(TRY);
    ours.begin_to("inspect", Call::TryLockShared);
    assert_eq!(holder.run("release"), "released");
    stage.put_file();
    assert_eq!(
        ours.finish(),
        "foreign",
        "not a word about the sidecar that is gone"
    );
}
