//! Many agents that claim at the same moment.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Barrier, Mutex};

use jiff::Timestamp;
use lease::store::{LeaseStore, transact};
use lease::{Lease, LeaseError, Mode, Request, Which};
use testkit::Sandbox;

use crate::oracle::{PATTERNS, claim, double};
use crate::support::{Chance, Kind, PATIENCE, agent, at, request, scope, size};

const AGENTS: usize = 16;

#[derive(Default)]
struct Counted {
    granted: AtomicUsize,
    refused: AtomicUsize,
    /// What must not happen. Told at the end: an agent that stopped at once would keep the others waiting for it.
    failed: Mutex<Vec<LeaseError>>,
}

impl Counted {
    fn fail(&self, err: LeaseError) {
        self.failed.lock().expect("no agent panics").push(err);
    }
}

/// What an agent got in one round, if anything.
fn try_acquire(store: &dyn LeaseStore, wanted: &Request, counted: &Counted) -> Option<Lease> {
    let acquired = transact(store, PATIENCE, |leases| {
        leases.acquire(wanted, &at(Timestamp::now()))
    });
    match acquired {
        Ok(acquired) => {
            counted.granted.fetch_add(1, Ordering::Relaxed);
            Some(acquired.lease)
        }
        Err(LeaseError::Taken(_)) => {
            counted.refused.fetch_add(1, Ordering::Relaxed);
            None
        }
        Err(err) => {
            counted.fail(err);
            None
        }
    }
}

/// All agents claim at once, keep what they got until all have claimed, and give it back. Returns what each got in each round.
fn play(
    stores: &[Box<dyn LeaseStore>],
    rounds: usize,
    counted: &Counted,
) -> Vec<Vec<Option<Lease>>> {
    let store_of = |number: usize| stores[number % stores.len()].as_ref();
    let together = Barrier::new(AGENTS);
    std::thread::scope(|threads| {
        let agents: Vec<_> = (0..AGENTS)
            .map(|number| {
                let (together, store) = (&together, store_of(number));
                threads.spawn(move || {
                    let mut chance = Chance::new(number as u64 + 1);
                    let own = agent(&format!("agent-{number}"));
                    let folder = store.place().parent().expect("it lies in the sandbox");
                    let mut got = Vec::new();
                    for _ in 0..rounds {
                        let names: Vec<_> = (0..=chance.below(2))
                            .map(|_| chance.of(&PATTERNS))
                            .collect();
                        let wanted = Request {
                            mode: chance.of(&[Mode::Exclusive, Mode::Exclusive, Mode::Shared]),
                            ..request(&own, scope(folder, &names))
                        };
                        together.wait();
                        got.push(try_acquire(store, &wanted, counted));
                        together.wait();
                        let released = transact(store, PATIENCE, |leases| {
                            leases.release(&own, &Which::All, &at(Timestamp::now()))
                        });
                        if let Err(err) = released {
                            counted.fail(err);
                        }
                    }
                    got
                })
            })
            .collect();
        agents
            .into_iter()
            .map(|agent| agent.join().expect("no agent fails"))
            .collect()
    })
}

#[test]
fn sixteen_agents_that_claim_at_once_never_have_the_same_path() {
    let rounds = size("STORY_LEASE_ROUNDS", 60);
    for kind in Kind::ALL {
        // One value for all threads; then one for each, as if they were processes.
        for values in [1, AGENTS] {
            // Thousands of small commits: in memory, where that can be.
            let sandbox = Sandbox::on_tmpfs().unwrap_or_default();
            let stores: Vec<_> = (0..values).map(|_| kind.open(sandbox.path())).collect();
            let counted = Counted::default();
            let got = play(&stores, rounds, &counted);
            let failed = counted.failed.lock().expect("no agent panics");
            assert!(
                failed.is_empty(),
                "a claim is granted or refused, nothing else: {failed:?}"
            );
            drop(failed);
            let mut last = None;
            for round in 0..rounds {
                let held: Vec<_> = got.iter().filter_map(|got| got[round].as_ref()).collect();
                let claims: Vec<_> = held.iter().map(|lease| claim(lease)).collect();
                let found = double(&claims);
                assert!(found.is_none(), "{kind:?}, round {round}: {found:?}");
                let mut tokens: Vec<_> = held.iter().map(|lease| lease.token).collect();
                tokens.sort_unstable();
                let count = tokens.len();
                tokens.dedup();
                assert_eq!(
                    tokens.len(),
                    count,
                    "{kind:?}, round {round}: each number once"
                );
                assert!(
                    tokens.first() > last.as_ref(),
                    "{kind:?}, round {round}: numbers rise: {last:?}, {tokens:?}"
                );
                last = tokens.last().copied().or(last);
            }
            let (granted, refused) = (counted.granted.into_inner(), counted.refused.into_inner());
            println!("{kind:?}, {values} values: {granted} granted, {refused} refused");
            assert_eq!(
                granted + refused,
                rounds * AGENTS,
                "each claim was answered"
            );
            assert!(granted >= rounds, "in each round somebody gets something");
            assert!(refused >= rounds, "and somebody is refused: {refused}");
        }
    }
}
