//! Nothing is done behind the scheduler's back, and it is told of nothing that is never done.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use rustix::io::Errno;

use super::points::{CYCLE, Place, Start, step};
use super::process::{Process, Said};
use super::stage::{Stage, TRY, WAIT, put};
use crate::sys::Call;

/// The calls that one order leads to, from the first to the last.
fn calls_of(process: &mut Process, order: &str, place: Place) -> BTreeSet<String> {
    let mut met = BTreeSet::new();
    let mut said = process.begin(order);
    while let Said::At(call) = said {
        met.insert(call);
        said = step(process, place);
    }
    met
}

#[test]
fn every_call_is_met() {
    let mut met = BTreeSet::new();
    for place in Place::ALL {
        for start in Start::ALL {
            let stage = Stage::new();
            start.set(&stage);
            met.extend(calls_of(&mut stage.process(), CYCLE, place));
        }
    }
    // Another length: adopted all the same, and made right.
    let stage = Stage::new();
    stage.leave_dead_sidecar();
    let long = [fs::read(stage.sidecar()).unwrap(), vec![b' '; 9]].concat();
    put(stage.sidecar(), &long);
    met.extend(calls_of(&mut stage.process(), CYCLE, Place::Usual));
    // Waiting: for another tool's lock, and for one of ours.
    stage.put_file();
    let mut ours = stage.process();
    met.extend(calls_of(&mut ours, "acquire 500 60000", Place::Usual));
    met.extend(calls_of(&mut ours, "inspect", Place::Usual));
    stage.remove_sidecar();
    ours.watch("keeper");
    ours.run("acquire 0 60000 hasty");
    let mut keeper = ours.thread();
    met.extend(keeper.at().map(str::to_owned));
    keeper.free();
    let mut waiter = stage.process();
    waiter.watch("queue");
    waiter.begin_to(WAIT, Call::AskFileSystem);
    waiter.main().to(Call::Register);
    met.extend(["AskFileSystem".into(), "Register".into()]);
    waiter.main().let_go();
    let mut helper = waiter.thread();
    met.extend(helper.at().map(str::to_owned));
    helper.let_go();
    stage.wait_for_waiters(1);
    ours.run("release");
    if let Said::At(call) = helper.next() {
        met.insert(call);
    }
    helper.free();
    waiter.main().expect_at(Call::Unregister);
    met.insert("Unregister".into());
    waiter.finish();
    waiter.run("release");
    // The folder is moved away under the breaker's hands.
    Start::StaleFolder.set(&stage);
    ours.begin_to(TRY, Call::Pin);
    let cwd = rustix::fs::CWD;
    rustix::fs::renameat(cwd, stage.sidecar(), cwd, stage.path("moved")).unwrap();
    ours.main().to(Call::Unpin);
    ours.main().refuse(Errno::IO);

    let source = include_str!("../../src/sys/point.rs");
    let (_, variants) = source.split_once("enum Call {").unwrap();
    let (variants, _) = variants.split_once("\n}").unwrap();
    let all: BTreeSet<String> = variants
        .lines()
        .filter_map(|line| line.trim().strip_suffix(','))
        .map(str::to_owned)
        .collect();
    assert!(all.len() > 25, "the list is read: {all:?}");
    met.remove("Holding");
    assert_eq!(met, all, "each call is made somewhere, and known");
}

/// Whoever adds a call to the file system puts it behind `sys`, where it is announced.
#[test]
fn only_sys_touches_the_file_system() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = fs::read_dir(source).unwrap().map(|it| it.unwrap().path());
    let files: Vec<_> = files.filter(|path| path.is_file()).collect();
    assert!(files.len() > 15, "the sources are there: {files:?}");
    for path in files {
        let text = fs::read_to_string(&path).unwrap();
        let (code, _tests) = text
            .split_once("#[cfg(test)]\nmod tests")
            .unwrap_or((&text, ""));
        for line in code.lines() {
            let is_call = [
                "fs::",
                "File::options",
                "OpenOptions",
                ".set_len(",
                ".metadata()",
            ]
            .iter()
            .any(|word| line.contains(word));
            // Which file is meant is found out before there is a lock.
            let is_known = ["use std::fs::File;", "fs::canonicalize(", "fs::read_link("]
                .iter()
                .any(|word| line.contains(word));
            assert!(!is_call || is_known, "{}: {line}", path.display());
        }
    }
}

/// The list of races in `mod.rs` names each test, and only tests that there are.
#[test]
fn list_of_races_is_complete() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/races");
    let list = fs::read_to_string(folder.join("mod.rs")).unwrap();
    let rows = list.lines().filter(|line| line.starts_with("//! |"));
    let listed: BTreeSet<String> = rows
        .flat_map(|row| row.split('`').skip(1).step_by(2))
        .filter(|name| name.contains('_') && *name != "verdict_needs_both_clocks")
        .map(str::to_owned)
        .collect();
    let mut tests = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        for (_, after) in text
            .match_indices("#[test]\nfn ")
            .map(|(at, it)| (at, &text[at + it.len()..]))
        {
            let name = after.split('(').next().unwrap_or_default();
            tests.insert(name.to_owned());
        }
    }
    let others = [
        "every_call_is_met",
        "only_sys_touches_the_file_system",
        "list_of_races_is_complete",
    ];
    for name in others {
        assert!(tests.remove(name), "{name} is there");
    }
    // The one with nothing but the usual in it.
    tests.remove("waiter_gets_the_sidecar_and_the_last_one_removes_it");
    assert_eq!(listed, tests, "each race has its test, each test its race");
}
