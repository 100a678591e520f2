//! Several processes, by the example program `hold_file`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use lease::{MIN_TTL, Which};
use testkit::SecondProcess;

use crate::support::{
    HOUR, KINDS, Kind, NOT_LONG, PATIENCE, Place, agent, holders, queue, wait_for_queue,
};

/// The example program. `cargo test` builds examples beside the tests; when only one test binary was asked for, it is built
/// here.
fn program() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let build = || {
        let tests = std::env::current_exe().expect("a test has a path");
        let profile = tests.parent().and_then(Path::parent);
        let profile = profile.expect("tests live in target/<profile>/deps");
        let program = profile.join("examples/hold_file");
        if !program.exists() {
            let built = Command::new(env!("CARGO"))
                .args([
                    "build",
                    "--quiet",
                    "--example",
                    "hold_file",
                    "--manifest-path",
                ])
                .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
                .arg("--target-dir")
                .arg(profile.parent().expect("a profile lives in target"))
                .status()
                .expect("cargo runs");
            assert!(built.success(), "the example is built");
        }
        program
    };
    BUILT.get_or_init(build).clone()
}

/// An agent in a process of its own that wants the file `x`.
struct Wish {
    agent: &'static str,
    ttl: Duration,
    limit: Duration,
    end: &'static str,
}

impl Wish {
    fn of(agent: &'static str) -> Self {
        Self {
            agent,
            ttl: HOUR,
            limit: PATIENCE,
            end: "survives",
        }
    }

    fn start(&self, place: &Place) -> SecondProcess {
        let mut command = Command::new(program());
        command
            .arg(place.tree())
            .arg(place.store())
            .args(["x", self.agent]);
        command.arg(self.ttl.as_millis().to_string());
        command
            .arg(self.limit.as_millis().to_string())
            .arg(self.end);
        SecondProcess::spawn(&mut command)
    }
}

/// The number of the lease, once the process has it.
fn ready(process: &mut SecondProcess, how: &str) -> u64 {
    let line = process
        .next_line(PATIENCE)
        .expect("it tells what came of it");
    let words: Vec<_> = line.split_whitespace().collect();
    assert_eq!(
        (words[0], words[2]),
        ("READY", how),
        "it has the lock: {line}"
    );
    words[1].parse().expect("a number")
}

fn release(process: &mut SecondProcess) {
    process.send_line("release");
    process.expect_line("RELEASED", PATIENCE);
}

#[test]
fn released_lock_goes_to_the_processes_that_wait_in_order() {
    for kind in KINDS {
        let place = Place::new(kind);
        let manager = place.manager();
        let mut line = vec![Wish::of("a").start(&place)];
        let mut last = ready(&mut line[0], "at-once");
        line.push(Wish::of("b").start(&place));
        wait_for_queue(&manager, "x", &["b"]);
        line.push(Wish::of("c").start(&place));
        wait_for_queue(&manager, "x", &["b", "c"]);
        for (turn, name) in [(1, "b"), (2, "c")] {
            release(&mut line[turn - 1]);
            let token = ready(&mut line[turn], "queued");
            assert!(token > last, "{kind:?}: {name} has a higher number");
            last = token;
            let holders = holders(&manager, "x");
            assert_eq!(holders, [name], "{kind:?}: in order of arrival");
        }
        release(&mut line[2]);
        assert!(holders(&manager, "x").is_empty(), "{kind:?}: free");
    }
}

#[test]
fn limit_reached_is_refused_and_names_the_holder() {
    for kind in KINDS {
        let place = Place::new(kind);
        let mut holder = Wish::of("a").start(&place);
        ready(&mut holder, "at-once");
        for limit in [Duration::ZERO, NOT_LONG] {
            let waiter = Wish {
                limit,
                ..Wish::of("b")
            }
            .start(&place)
            .wait(PATIENCE);
            assert_eq!(waiter.status.code(), Some(4), "{kind:?}: refused");
            assert!(
                waiter.stdout.starts_with("REFUSED x is held by a until "),
                "{kind:?}: {}",
                waiter.stdout
            );
            assert_eq!(
                waiter.stdout.contains("waited"),
                limit > Duration::ZERO,
                "{kind:?}: {}",
                waiter.stdout
            );
        }
        assert!(
            queue(&place.manager(), "x").is_empty(),
            "{kind:?}: nobody waits any more"
        );
    }
}

#[test]
fn lock_whose_time_passes_goes_to_who_waits() {
    for kind in KINDS {
        let place = Place::new(kind);
        let manager = place.manager();
        let mut holder = Wish::of("a").start(&place);
        let old = ready(&mut holder, "at-once");
        let mut waiter = Wish::of("b").start(&place);
        wait_for_queue(&manager, "x", &["b"]);
        let soon = manager.renew(&agent("a"), &Which::All, MIN_TTL);
        soon.expect("it is live");
        let new = ready(&mut waiter, "queued");
        assert!(new > old, "{kind:?}: the successor has the higher number");
        let holders = holders(&manager, "x");
        assert_eq!(holders, ["b"], "{kind:?}: though a lives still");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn lock_that_was_bound_to_a_killed_process_goes_to_who_waits_at_once() {
    for kind in KINDS {
        let place = Place::new(kind);
        let bound = Wish {
            end: "bound",
            ..Wish::of("a")
        };
        let mut holder = bound.start(&place);
        ready(&mut holder, "at-once");
        let mut waiter = Wish::of("b").start(&place);
        wait_for_queue(&place.manager(), "x", &["b"]);
        holder.kill_9();
        ready(&mut waiter, "queued");
    }
}

#[test]
fn lock_of_a_killed_process_holds_until_its_time_is_over() {
    for kind in KINDS {
        let place = Place::new(kind);
        let mut holder = Wish::of("a").start(&place);
        ready(&mut holder, "at-once");
        holder.kill_9();
        let hasty = Wish {
            limit: NOT_LONG,
            ..Wish::of("b")
        };
        let waiter = hasty.start(&place).wait(PATIENCE);
        let told = waiter.stdout;
        assert!(
            told.starts_with("REFUSED x is held by a"),
            "{kind:?}: {told}"
        );
    }
}

#[cfg(target_os = "linux")]
#[test]
fn place_of_a_killed_waiter_stands_against_nobody() {
    for kind in KINDS {
        let place = Place::new(kind);
        let manager = place.manager();
        let mut holder = Wish::of("a").start(&place);
        ready(&mut holder, "at-once");
        let killed = Wish::of("b").start(&place);
        wait_for_queue(&manager, "x", &["b"]);
        let mut next = Wish::of("c").start(&place);
        wait_for_queue(&manager, "x", &["b", "c"]);
        killed.kill_9();
        wait_for_queue(&manager, "x", &["c"]);
        release(&mut holder);
        ready(&mut next, "queued");
    }
}

#[test]
fn waiter_that_was_stopped_past_its_limit_is_overtaken_and_told() {
    let place = Place::new(Kind::Database);
    let manager = place.manager();
    let mut holder = Wish::of("a").start(&place);
    ready(&mut holder, "at-once");
    let stopped = Wish {
        limit: Duration::from_secs(5),
        ..Wish::of("b")
    }
    .start(&place);
    wait_for_queue(&manager, "x", &["b"]);
    stopped.stop();
    let mut next = Wish::of("c").start(&place);
    testkit::wait_until("the place of the stopped one ends", PATIENCE, || {
        queue(&manager, "x") == ["c"]
    });
    release(&mut holder);
    ready(&mut next, "queued");
    stopped.resume();
    let stopped = stopped.wait(PATIENCE);
    assert!(
        stopped.stdout.starts_with("REFUSED x is held by "),
        "its time is over: {}",
        stopped.stdout
    );
    assert_eq!(holders(&manager, "x"), ["c"], "and it took nothing");
}
