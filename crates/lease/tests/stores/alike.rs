//! The same operations, in the same order, by the same clock: all stores answer alike and hold the same.

use std::cell::Cell;
use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use lease::store::{LeaseStore, Transaction, transact};
use lease::{
    Agent, Force, LeaseError, Leases, Mode, Present, Process, Request, StoreError, Token, Which,
};
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};
use testkit::Sandbox;

use crate::oracle::{PATTERNS, claim, double};
use crate::support::{Kind, PATIENCE, agent, request, scope, size};

/// The rules with nothing below them.
#[derive(Debug, Default)]
struct InMemory(Mutex<Leases>);

struct Locked<'a> {
    all: MutexGuard<'a, Leases>,
}

impl LeaseStore for InMemory {
    fn place(&self) -> &Path {
        Path::new("memory")
    }

    fn read(&self) -> Result<Leases, StoreError> {
        Ok(self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone())
    }

    fn begin(&self, _timeout: Duration) -> Result<Box<dyn Transaction + '_>, StoreError> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Box::new(Locked { all }))
    }
}

impl Transaction for Locked<'_> {
    fn leases(&self) -> &Leases {
        &self.all
    }

    fn verify(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn commit(mut self: Box<Self>, after: &Leases) -> Result<(), StoreError> {
        *self.all = after.clone();
        Ok(())
    }
}

/// What somebody does. Numbers that choose are taken modulo what there is to choose from.
#[derive(Debug, Clone)]
enum Step {
    Acquire(Wish),
    Enqueue(Wish, u16),
    TryTurn(usize),
    Withdraw(usize),
    Renew(usize, Meant, u16),
    Release(usize, Meant),
    Break(usize, Option<&'static str>, Force),
    Prune,
    Later(u32),
    Ends(u32),
}

#[derive(Debug, Clone)]
struct Wish {
    agent: usize,
    patterns: Vec<&'static str>,
    mode: Mode,
    seconds: u16,
    bound_to: Option<u32>,
}

#[derive(Debug, Clone)]
enum Meant {
    All,
    Nth(usize),
    Patterns(Vec<&'static str>),
}

fn wishes() -> impl Strategy<Value = Wish> {
    let patterns = proptest::collection::vec(select(&PATTERNS[..]), 1..3);
    let mode = prop_oneof![2 => Just(Mode::Exclusive), 1 => Just(Mode::Shared)];
    let bound_to = proptest::option::weighted(0.3, 1..4_u32);
    (0..4_usize, patterns, mode, 0..30_u16, bound_to).prop_map(
        |(agent, patterns, mode, seconds, bound_to)| Wish {
            agent,
            patterns,
            mode,
            seconds,
            bound_to,
        },
    )
}

fn meant() -> impl Strategy<Value = Meant> {
    prop_oneof![
        Just(Meant::All),
        any::<usize>().prop_map(Meant::Nth),
        proptest::collection::vec(select(&PATTERNS[..]), 1..3).prop_map(Meant::Patterns),
    ]
}

fn steps() -> impl Strategy<Value = Step> {
    let force = select(&[Force::IfEnded, Force::EvenIfLive][..]);
    prop_oneof![
        8 => wishes().prop_map(Step::Acquire),
        4 => (wishes(), 1..60_u16).prop_map(|(wish, limit)| Step::Enqueue(wish, limit)),
        4 => any::<usize>().prop_map(Step::TryTurn),
        1 => any::<usize>().prop_map(Step::Withdraw),
        3 => (0..4_usize, meant(), 0..30_u16).prop_map(|(by, meant, ttl)| Step::Renew(by, meant, ttl)),
        4 => (0..4_usize, meant()).prop_map(|(by, meant)| Step::Release(by, meant)),
        1 => (0..4_usize, proptest::option::of(select(&PATTERNS[..])), force)
            .prop_map(|(of, pattern, force)| Step::Break(of, pattern, force)),
        1 => Just(Step::Prune),
        4 => (0..12_000_u32).prop_map(Step::Later),
        1 => (1..4_u32).prop_map(Step::Ends),
    ]
}

/// One world: where it happens, what time it is, which processes have ended.
struct World {
    project: PathBuf,
    stores: Vec<Box<dyn LeaseStore>>,
    now: Cell<Timestamp>,
    ended: Cell<u32>,
    highest: Cell<Token>,
}

fn process(pid: u32) -> Process {
    Process {
        pid,
        start_time: 7,
        boot_id: "boot".to_owned(),
        pid_namespace: 1,
        host: "host".to_owned(),
    }
}

impl World {
    fn request(&self, wish: &Wish) -> Request {
        Request {
            mode: wish.mode,
            // 0 is refused, which has to be the same everywhere, too.
            ttl: Duration::from_secs(wish.seconds.into()),
            task: wish.bound_to.map(|pid| format!("task {pid}")),
            bind_to: wish.bound_to.map(process),
            ..request(&by(wish.agent), scope(&self.project, &wish.patterns))
        }
    }

    fn which(&self, meant: &Meant) -> Which {
        match meant {
            Meant::All => Which::All,
            Meant::Nth(number) => Which::Token(self.nth_token(*number)),
            Meant::Patterns(patterns) => Which::Patterns(scope(&self.project, patterns)),
        }
    }

    fn nth_token(&self, number: usize) -> Token {
        let held = self.stores[0].read().expect("memory can be read").held;
        let tokens: Vec<_> = held.iter().filter_map(|lease| lease.token).collect();
        tokens
            .get(number % tokens.len().max(1))
            .copied()
            .unwrap_or_default()
    }

    /// The nth of those who wait, and what it waits for.
    fn nth_waiting(&self, number: usize) -> Option<(Request, Token)> {
        let waiting = self.stores[0].read().expect("memory can be read").waiting;
        let waiter = waiting.get(number % waiting.len().max(1))?;
        let request = Request {
            mode: waiter.mode,
            ttl: Duration::from_secs(5),
            ..request(&waiter.agent, waiter.scope.clone())
        };
        Some((request, waiter.ticket))
    }

    /// Does the same in every store; all must answer alike.
    fn all<T: Debug>(&self, change: impl Fn(&mut Leases, &Present<'_>) -> Result<T, LeaseError>) {
        let ended = self.ended.get();
        let is_gone = move |process: &Process| ended & (1 << process.pid) != 0;
        let present = Present {
            now: self.now.get(),
            max_age: Duration::from_secs(25),
            is_gone: &is_gone,
        };
        let answers: Vec<_> = self
            .stores
            .iter()
            .map(|store| {
                let answer = transact(store.as_ref(), PATIENCE, |leases| change(leases, &present));
                format!("{answer:?}")
            })
            .collect();
        for (store, answer) in self.stores.iter().zip(&answers) {
            assert_eq!(answer, &answers[0], "{store:?} answers as the rules do");
        }
        self.check(&present);
    }

    fn check(&self, present: &Present<'_>) {
        let expected = self.stores[0].read().expect("memory can be read");
        for store in &self.stores[1..] {
            let found = store.read().expect("it can be read");
            assert_eq!(found, expected, "{store:?} holds what the rules say");
        }
        let live = expected.held.iter().filter(|lease| lease.is_live(present));
        let claims: Vec<_> = live.map(claim).collect();
        let found = double(&claims);
        assert!(found.is_none(), "two have the same: {found:?}");
        assert!(
            expected.last_token >= self.highest.get(),
            "numbers never go back"
        );
        self.highest.set(expected.last_token);
    }

    /// A number that was just given out is higher than all before.
    fn risen(&self, token: Token) {
        let all = self.highest.get();
        assert!(token > all, "{token} was given out before, or {all} was");
    }

    fn step(&self, step: &Step) {
        match step {
            Step::Acquire(wish) => {
                let wanted = self.request(wish);
                self.all(|leases, present| {
                    let acquired = leases.acquire(&wanted, present)?;
                    self.risen(acquired.lease.token.expect("it has a number"));
                    Ok(acquired)
                });
            }
            Step::Enqueue(wish, limit) => {
                let wanted = self.request(wish);
                let runs = process(wish.bound_to.unwrap_or(9));
                let until = self.now.get() + Duration::from_secs((*limit).into());
                self.all(|leases, present| {
                    let ticket = leases.enqueue(&wanted, until, runs.clone(), present)?;
                    self.risen(ticket);
                    Ok(ticket)
                });
            }
            Step::TryTurn(number) => {
                if let Some((wanted, ticket)) = self.nth_waiting(*number) {
                    self.all(|leases, present| leases.try_turn(&wanted, ticket, present));
                }
            }
            Step::Withdraw(number) => {
                if let Some((_, ticket)) = self.nth_waiting(*number) {
                    self.all(|leases, _| {
                        leases.withdraw(ticket);
                        Ok(())
                    });
                }
            }
            other => self.end(other),
        }
    }

    /// The steps by which leases end or go on.
    fn end(&self, step: &Step) {
        match step {
            Step::Renew(number, meant, seconds) => {
                let which = self.which(meant);
                let ttl = Duration::from_secs((*seconds).into());
                self.all(|leases, present| leases.renew(&by(*number), &which, ttl, present));
            }
            Step::Release(number, meant) => {
                let which = self.which(meant);
                self.all(|leases, present| leases.release(&by(*number), &which, present));
            }
            Step::Break(number, pattern, force) => {
                let part = pattern.map(|pattern| scope(&self.project, &[pattern]));
                self.all(|leases, present| {
                    leases.break_leases(&by(*number), part.as_ref(), *force, present)
                });
            }
            Step::Prune => self.all(|leases, present| Ok(leases.prune(present))),
            Step::Later(milliseconds) => {
                let later = Duration::from_millis((*milliseconds).into());
                self.now.set(self.now.get() + later);
            }
            Step::Ends(pid) => self.ended.set(self.ended.get() | (1 << pid)),
            _ => {}
        }
    }
}

fn by(number: usize) -> Agent {
    agent(["ann", "Bob", "čeněk", "d 4"][number])
}

#[test]
fn same_operations_give_same_answers_and_leases_in_all_stores() {
    let cases = size("STORY_LEASE_CASES", 32);
    let mut runner = TestRunner::new(Config {
        cases: u32::try_from(cases).expect("a size is no huge number"),
        failure_persistence: None,
        ..Config::default()
    });
    let sequences = proptest::collection::vec(steps(), 1..50);
    // Thousands of small commits: in memory, where that can be.
    let outcome = runner.run(&sequences, |steps| {
        let sandbox = Sandbox::on_tmpfs().unwrap_or_default();
        let mut stores: Vec<Box<dyn LeaseStore>> = vec![Box::<InMemory>::default()];
        stores.extend(Kind::ALL.map(|kind| kind.open(sandbox.path())));
        let world = World {
            project: sandbox.path().to_owned(),
            stores,
            now: Cell::new("2026-01-12T10:00:00Z".parse().expect("a time")),
            ended: Cell::new(0),
            highest: Cell::new(Token::default()),
        };
        for step in &steps {
            world.step(step);
        }
        Ok(())
    });
    if let Err(err) = outcome {
        panic!("{err}");
    }
}
