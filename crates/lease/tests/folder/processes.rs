//! Several processes, and processes that die.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use lease::store::{LeaseStore as _, transact};
use lease::{Mode, Request, Rules, Token, Which};
use testkit::{Sandbox, SecondProcess, leftovers};

use crate::desk::{Desk, HOUR, PATIENCE, agent, project, store_in};

/// The root of the project, for a second self of these tests.
const ROOT: &str = "LEASE_TEST_ROOT";

/// Its name.
const NAME: &str = "LEASE_TEST_AGENT";

const ROUNDS: usize = 25;

const KILLS: u32 = 40;

const PASSES: u32 = 50;

/// One agent that acquires and releases, again and again, and tells the numbers.
fn work(root: &Path, name: &str, rounds: usize, mut tell: impl FnMut(Token)) {
    let store = store_in(root);
    let scope = [project(root).file_or_directory(Path::new(name))];
    let request = Request {
        agent: agent(name),
        scope: scope
            .into_iter()
            .map(|pattern| pattern.expect("a path"))
            .collect(),
        mode: Mode::Exclusive,
        ttl: HOUR,
        task: None,
        bind_to: None,
    };
    for _ in 0..rounds {
        let acquired = transact(&store, PATIENCE, |leases| {
            leases.acquire(&request, &Rules::default().present())
        })
        .expect("nobody else wants it");
        tell(acquired.lease.token.expect("ours has one"));
        transact(&store, PATIENCE, |leases| {
            leases.release(&request.agent, &Which::All, &Rules::default().present())
        })
        .expect("it is its own");
    }
}

/// Whether this process is a second self; it has done its work then.
fn is_second_self(rounds: usize) -> bool {
    let (Some(root), Ok(name)) = (std::env::var_os(ROOT), std::env::var(NAME)) else {
        return false;
    };
    work(Path::new(&root), &name, rounds, |token| {
        writeln!(std::io::stdout(), "\nTOKEN {token}").expect("the first self listens");
    });
    true
}

fn second_self(test: &str, root: &Path, name: &str) -> SecondProcess {
    let exe = std::env::current_exe().expect("the test binary knows where it is");
    let mut command = Command::new(exe);
    command.args(["--exact", test, "--nocapture"]);
    command.env(ROOT, root).env(NAME, name);
    SecondProcess::spawn(&mut command)
}

fn token(line: &str) -> Option<Token> {
    line.strip_prefix("TOKEN ")?.parse().ok().map(Token)
}

#[test]
fn tokens_of_many_agents_are_all_different_and_rise() {
    if is_second_self(ROUNDS) {
        return;
    }
    let sandbox = Sandbox::new();
    let root = sandbox.path();
    let others: Vec<_> = ["p1", "p2", "p3", "p4"]
        .into_iter()
        .map(|name| {
            second_self(
                "processes::tokens_of_many_agents_are_all_different_and_rise",
                root,
                name,
            )
        })
        .collect();
    let mut tokens: Vec<Vec<Token>> = thread::scope(|scope| {
        let threads: Vec<_> = ["t1", "t2", "t3", "t4"]
            .into_iter()
            .map(|name| {
                scope.spawn(move || {
                    let mut tokens = Vec::new();
                    work(root, name, ROUNDS, |token| tokens.push(token));
                    tokens
                })
            })
            .collect();
        let threads = threads.into_iter();
        threads
            .map(|thread| thread.join().expect("it works"))
            .collect()
    });
    for other in others {
        let finished = other.wait(PATIENCE);
        assert!(finished.status.success(), "it works: {}", finished.stderr);
        tokens.push(finished.stdout.lines().filter_map(token).collect());
    }
    for of_one in &tokens {
        assert_eq!(of_one.len(), ROUNDS, "each acquisition has a number");
        assert!(of_one.is_sorted(), "they rise: {of_one:?}");
    }
    let all: BTreeSet<Token> = tokens.iter().flatten().copied().collect();
    assert_eq!(all.len(), 8 * ROUNDS, "no number is given out twice");
    let overlapping = tokens
        .iter()
        .filter(|one| {
            let between = |token: &&Token| one[0] < **token && **token < one[ROUNDS - 1];
            tokens.iter().flatten().filter(between).count() > ROUNDS
        })
        .count();
    assert!(overlapping > 1, "they were at work at the same time");
    assert_eq!(
        leftovers(root),
        [] as [PathBuf; 0],
        "nothing is left behind"
    );
}

#[test]
fn killed_agent_leaves_a_store_that_can_be_read_and_numbers_that_rise() {
    if is_second_self(usize::MAX) {
        return;
    }
    let sandbox = Sandbox::new();
    let root = sandbox.path();
    let store = store_in(root);
    let mut highest = Token::default();
    let mut held_the_lock = 0;
    for round in 0..KILLS {
        let mut other = second_self(
            "processes::killed_agent_leaves_a_store_that_can_be_read_and_numbers_that_rise",
            root,
            "victim",
        );
        while token(&other.next_line(PATIENCE).expect("it works")).is_none() {}
        // Not to wait for anything: to hit another place each time.
        thread::sleep(Duration::from_micros(u64::from(round) * 397 % 7919));
        let finished = other.kill_9();
        held_the_lock += u32::from(root.join("locks.lock").exists());
        let last = finished.stdout.lines().filter_map(token).max();
        highest = highest.max(last.unwrap_or_default());

        let found = store.read().expect("it can be read without the lock");
        assert_eq!(found.unreadable, [], "no file is torn");
        assert!(found.held.len() <= 1, "one lease at most: {found:?}");
        assert!(found.last_token >= highest, "the last number is known");
        let mut seen = Token::default();
        work(root, "heir", 1, |token| seen = token);
        assert!(seen > highest, "{seen} comes after {highest}");
        highest = seen;
        let left: Vec<_> = leftovers(root)
            .into_iter()
            .filter(|path| !path.ends_with("locks/victim.lock"))
            .collect();
        assert_eq!(left, [] as [PathBuf; 0], "the heir clears away");
    }
    assert!(held_the_lock > 0, "some died in the middle of it");
}

#[test]
fn read_never_shows_a_lease_with_two_holders_while_it_passes_from_one_to_the_other() {
    let desk = Desk::new();
    // What stands between the two when the files are read one after the other.
    for index in 0..10 {
        let text = format!(
            r#"{{"agent":"m{index}","locked_at":"2026-01-02T03:00:00Z","files":[],"expires_at":"2026-01-02T04:00:00Z"}}"#
        );
        desk.sandbox.write(format!("locks/m{index}.lock"), text);
    }
    let pass = |from: &str, to: &str| {
        transact(&desk.store, PATIENCE, |leases| {
            let src = Which::Patterns(desk.scope(&["src/"]));
            leases.release(&agent(from), &src, &desk.present())?;
            leases.acquire(&desk.wants(to, &["src/"]), &desk.present())
        })
        .expect("nobody else wants it");
    };
    // Both have a file all the time.
    desk.must_acquire("a", &["a.rs"]);
    desk.must_acquire("z", &["z.rs"]);
    pass("z", "a");
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..PASSES {
                pass("a", "z");
                pass("z", "a");
            }
            is_over.store(true, Ordering::Relaxed);
        });
        while !is_over.load(Ordering::Relaxed) {
            let held = desk.leases().held.len();
            assert!(held <= 3, "one holder at a time");
        }
    });
}
