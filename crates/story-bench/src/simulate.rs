//! A model of many writers on one story: what each waits, and who gives up. Pure but for printing.
//!
//! The lock is passed on in the order of arrival. When a run is over its sidecar goes: the first of the queue makes a new one,
//! the others move over one after the other, and who comes meanwhile may get in between. Processors are not modelled: each
//! step takes its time, however many writers there are.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::error::Error;
use std::io::{self, Write as _};
use std::time::Duration;

/// How many writers are tried unless it is said.
const WRITERS: [usize; 7] = [1, 10, 32, 100, 128, 320, 1000];

/// What a run of the model begins with.
#[derive(Debug, Clone)]
pub struct Terms {
    /// How long an update holds the lock, without the disk.
    update: Duration,
    /// How long it waits for the disk while it holds the lock.
    sync: Duration,
    /// From the release until the next in the queue works.
    hand_over: Duration,
    /// What one of the queue needs to move to a new sidecar.
    moving: Duration,
    /// How long a run lasts at most (`Fairness::run`).
    run: Duration,
    /// How long nobody takes the lock after a run (`Fairness::gap`).
    gap: Duration,
    /// How long a writer waits at most.
    timeout: Duration,
    /// How many updates each writer makes.
    updates: usize,
}

impl Default for Terms {
    /// A durable update of 4 KB on the machine of the benchmarks, `moving` as it fits 128 processes on its two processors, and
    /// the defaults of the lock.
    fn default() -> Self {
        Self {
            update: Duration::from_micros(150),
            sync: Duration::from_micros(550),
            hand_over: Duration::from_micros(200),
            moving: Duration::from_micros(400),
            run: Duration::from_millis(50),
            gap: Duration::ZERO,
            timeout: Duration::from_secs(5),
            updates: 10,
        }
    }
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq)]
struct Outcome {
    /// How long each update that was done had waited, shortest first.
    waits: Vec<Duration>,
    timed_out: usize,
    /// When the last one was done.
    lasted: Duration,
}

/// Prints a line for each number of writers. The arguments are `NAME=VALUE`: a duration in microseconds for `update`, `sync`,
/// `hand_over`, `moving`, in milliseconds for `run`, `gap`, `timeout`; a number for `updates`; a comma list for `writers`.
pub fn print(arguments: &[&str]) -> Result<(), Box<dyn Error>> {
    let mut terms = Terms::default();
    let mut writers = WRITERS.to_vec();
    for argument in arguments {
        let (name, value) = argument.split_once('=').ok_or("not NAME=VALUE")?;
        let micros = || value.parse().map(Duration::from_micros);
        let millis = || value.parse().map(Duration::from_millis);
        match name {
            "update" => terms.update = micros()?,
            "sync" => terms.sync = micros()?,
            "hand_over" => terms.hand_over = micros()?,
            "moving" => terms.moving = micros()?,
            "run" => terms.run = millis()?,
            "gap" => terms.gap = millis()?,
            "timeout" => terms.timeout = millis()?,
            "updates" => terms.updates = value.parse()?,
            "writers" => {
                let numbers = value.split(',').map(str::parse);
                writers = numbers.collect::<Result<_, _>>()?;
            }
            _ => return Err(format!("there is no {name}").into()),
        }
    }
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "writers  updates/s  median wait  worst wait  timed out"
    )?;
    for writers in writers {
        let outcome = Model::new(&terms, writers).outcome();
        let done = outcome.waits.len();
        let wait = |at: usize| outcome.waits.get(at).copied().unwrap_or_default();
        writeln!(
            out,
            "{writers:7} {:10.0} {:9.1} ms {:8.1} ms {:6} of {}",
            per_second(done, outcome.lasted),
            wait(done / 2).as_secs_f64() * 1e3,
            wait(done.saturating_sub(1)).as_secs_f64() * 1e3,
            outcome.timed_out,
            done + outcome.timed_out,
        )?;
    }
    Ok(())
}

fn per_second(count: usize, lasted: Duration) -> f64 {
    let count = u32::try_from(count).map_or(f64::INFINITY, f64::from);
    count / lasted.as_secs_f64().max(f64::MIN_POSITIVE)
}

/// One update of a writer that waits.
#[derive(Debug, Clone, Copy)]
struct Ticket {
    writer: usize,
    came_at: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// The owner is done.
    Released { writer: usize },
    /// The next of an old queue reaches the new sidecar.
    Moved { queue: usize },
    /// A writer begins an update.
    Came { writer: usize },
    /// A writer waits no longer for the update that it began then.
    GaveUp { writer: usize, came_at: Duration },
}

struct Model<'a> {
    terms: &'a Terms,
    events: BinaryHeap<Reverse<(Duration, usize, Event)>>,
    /// Orders events of one moment.
    number: usize,
    /// Who waits at the sidecar that is there.
    queue: VecDeque<Ticket>,
    /// Who still waits at sidecars that are gone.
    old: Vec<VecDeque<Ticket>>,
    /// When the sidecar was made, while somebody has it.
    born: Option<Duration>,
    /// For each writer: the update it waits for, and how many are left.
    waiting: Vec<Option<Duration>>,
    left: Vec<usize>,
    outcome: Outcome,
}

impl<'a> Model<'a> {
    fn new(terms: &'a Terms, writers: usize) -> Self {
        let mut model = Self {
            terms,
            events: BinaryHeap::new(),
            number: 0,
            queue: VecDeque::new(),
            old: Vec::new(),
            born: None,
            waiting: vec![None; writers],
            left: vec![terms.updates; writers],
            outcome: Outcome::default(),
        };
        for writer in 0..writers {
            model.next_update(writer, Duration::ZERO);
        }
        model
    }

    fn outcome(mut self) -> Outcome {
        while let Some(Reverse((now, _, event))) = self.events.pop() {
            match event {
                Event::Came { writer } => self.came(writer, now),
                Event::Released { writer } => self.released(writer, now),
                Event::Moved { queue } => self.moved(queue, now),
                Event::GaveUp { writer, came_at } => {
                    if self.waiting[writer] == Some(came_at) {
                        self.waiting[writer] = None;
                        self.outcome.timed_out += 1;
                        self.next_update(writer, now);
                    }
                }
            }
        }
        self.outcome.waits.sort();
        self.outcome
    }

    fn at(&mut self, time: Duration, event: Event) {
        self.number += 1;
        self.events.push(Reverse((time, self.number, event)));
    }

    fn next_update(&mut self, writer: usize, now: Duration) {
        if self.left[writer] > 0 {
            self.left[writer] -= 1;
            self.at(now, Event::Came { writer });
        }
    }

    fn came(&mut self, writer: usize, now: Duration) {
        self.waiting[writer] = Some(now);
        let came_at = now;
        self.join(Ticket { writer, came_at }, now);
        self.at(now + self.terms.timeout, Event::GaveUp { writer, came_at });
    }

    fn join(&mut self, ticket: Ticket, now: Duration) {
        if self.born.is_some() {
            self.queue.push_back(ticket);
        } else {
            self.born = Some(now);
            self.grant(ticket, now);
        }
    }

    fn is_waiting(&self, ticket: Ticket) -> bool {
        self.waiting[ticket.writer] == Some(ticket.came_at)
    }

    fn grant(&mut self, ticket: Ticket, now: Duration) {
        let writer = ticket.writer;
        self.waiting[writer] = None;
        self.outcome.waits.push(now.saturating_sub(ticket.came_at));
        let done_at = now + self.terms.update + self.terms.sync;
        self.at(done_at, Event::Released { writer });
    }

    fn released(&mut self, writer: usize, now: Duration) {
        self.outcome.lasted = now;
        let next = loop {
            match self.queue.pop_front() {
                Some(ticket) if !self.is_waiting(ticket) => {}
                next => break next,
            }
        };
        let age = now.saturating_sub(self.born.unwrap_or(now));
        let is_over = age > self.terms.run;
        match next {
            None => self.born = None,
            Some(ticket) if is_over => {
                let begins = now + self.terms.gap + self.terms.hand_over;
                self.born = Some(begins);
                self.grant(ticket, begins);
                self.old.push(std::mem::take(&mut self.queue));
                let queue = self.old.len() - 1;
                self.at(begins + self.terms.moving, Event::Moved { queue });
                // Who ended it leaves the lock to others for half as long as it was held.
                let held = self.terms.update + self.terms.sync;
                self.next_update(writer, now + held / 2);
                return;
            }
            Some(ticket) => self.grant(ticket, now + self.terms.hand_over),
        }
        self.next_update(writer, now);
    }

    fn moved(&mut self, queue: usize, now: Duration) {
        let Some(ticket) = self.old[queue].pop_front() else {
            return;
        };
        if self.is_waiting(ticket) {
            self.join(ticket, now);
        }
        self.at(now + self.terms.moving, Event::Moved { queue });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// One update takes 10 ms, and passing on nothing.
    fn terms(updates: usize) -> Terms {
        Terms {
            update: 4 * MS,
            sync: 6 * MS,
            hand_over: Duration::ZERO,
            moving: Duration::ZERO,
            run: Duration::from_hours(1),
            updates,
            ..Terms::default()
        }
    }

    fn outcome(terms: &Terms, writers: usize) -> Outcome {
        Model::new(terms, writers).outcome()
    }

    #[test]
    fn one_writer_never_waits() {
        let alone = outcome(&terms(5), 1);
        assert_eq!(alone.waits, [Duration::ZERO; 5], "nobody else is there");
        assert_eq!(alone.lasted, 50 * MS, "one after the other");
    }

    #[test]
    fn writers_wait_for_all_that_came_before() {
        let burst = outcome(&terms(1), 100);
        assert_eq!(burst.waits[99], 990 * MS, "the last for all others");
        let steady = outcome(&terms(10), 100);
        assert_eq!(steady.waits[999], 990 * MS, "in turn, however many updates");
        assert_eq!(steady.lasted, 10_000 * MS, "the lock is never idle");
    }

    #[test]
    fn writers_beyond_the_timeout_give_up() {
        let timeout = 500 * MS + MS / 2;
        let terms = Terms {
            timeout,
            ..terms(1)
        };
        let burst = outcome(&terms, 100);
        assert_eq!(burst.waits.len(), 51, "those whose turn comes in time");
        assert_eq!(burst.timed_out, 49, "all others are told");
    }

    #[test]
    fn where_one_update_is_longer_than_a_run_all_are_served_in_turn() {
        let run = 5 * MS;
        let terms = Terms {
            run,
            moving: MS / 10,
            ..terms(10)
        };
        let outcome = outcome(&terms, 16);
        let longest = outcome.waits[159];
        assert!(longest <= 160 * MS, "for one update of each: {longest:?}");
    }

    #[test]
    fn the_end_of_a_run_costs_the_time_of_moving_and_loses_nobody() {
        let terms = Terms {
            run: 50 * MS,
            gap: 2 * MS,
            moving: 20 * MS,
            ..terms(10)
        };
        let outcome = outcome(&terms, 20);
        assert_eq!(outcome.waits.len(), 200, "each update is done");
        assert!(outcome.lasted > 2000 * MS, "gaps and moves take time");
    }
}
