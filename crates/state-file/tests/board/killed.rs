//! Workers that are killed at any moment: both files change, or neither.

use std::fs;
use std::time::Duration;

use sidecar_lock::{LockState, SidecarLock};
use state_file::board::{Metrics, NewTask, Tasks, metrics};
use testkit::{SecondProcess, wait_until};

use crate::at_once::{PATIENCE, assert_done_once, fill, worker};
use crate::support::{METRICS, Place, TASKS, actor, options, sorted};

const WORKERS: usize = 16;
const COUNT: usize = 500;
const KILLS: usize = 100;

/// Numbers that look random, the same in each run (xorshift, Marsaglia 2003).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// Workers of one board, and what they have said.
struct Crew<'a> {
    place: &'a Place,
    workers: Vec<SecondProcess>,
    lines: Vec<String>,
}

impl<'a> Crew<'a> {
    fn new(place: &'a Place) -> Self {
        let mut crew = Self {
            place,
            workers: Vec::new(),
            lines: Vec::new(),
        };
        for number in 0..WORKERS {
            crew.workers.push(crew.worker(number));
        }
        for worker in &mut crew.workers {
            worker.send_line("go");
        }
        crew
    }

    fn worker(&self, number: usize) -> SecondProcess {
        worker(self.place, &format!("agent-{number:02}"))
    }

    fn listen(&mut self) {
        for worker in &mut self.workers {
            self.lines.extend(worker.lines_so_far());
        }
    }

    fn said(&self, what: &str) -> usize {
        self.lines
            .iter()
            .filter(|line| line.starts_with(what))
            .count()
    }

    /// Waits until so many more tasks are done than now.
    fn wait_for(&mut self, more: usize) {
        self.listen();
        let wanted = (self.said("done") + more).min(COUNT);
        wait_until("tasks are done", PATIENCE, || {
            self.listen();
            self.said("done") >= wanted || self.workers.iter_mut().all(SecondProcess::has_ended)
        });
    }

    /// Who holds the lock of the tasks at this moment, as far as one can see.
    fn holder(&self) -> Option<usize> {
        let lock = SidecarLock::new(self.place.sandbox.join(TASKS)).expect("a path");
        match lock.inspect(Duration::from_secs(2)) {
            Ok(LockState::Held(holder)) => {
                let is_it = |worker: &SecondProcess| worker.id() == holder.pid;
                self.workers.iter().position(is_it)
            }
            _ => None,
        }
    }

    /// Stops whoever holds the lock, again and again, until one is stopped between the decision and its end.
    fn stop_in_the_middle(&mut self) -> usize {
        let mut caught = None;
        wait_until("one is in the middle of something", PATIENCE, || {
            let Some(holder) = self.holder() else {
                return false;
            };
            if self.workers[holder].has_ended() {
                return false;
            }
            self.workers[holder].stop();
            if self.holder() == Some(holder) && is_unfinished(self.place) {
                caught = Some(holder);
                return true;
            }
            self.workers[holder].resume();
            false
        });
        caught.expect("it was waited for")
    }

    /// Kills a worker, and has another process take its name.
    fn kill(&mut self, victim: usize) {
        let next = self.worker(victim);
        let killed = std::mem::replace(&mut self.workers[victim], next);
        let finished = killed.kill_9();
        self.lines
            .extend(finished.stdout.lines().map(str::to_owned));
        self.workers[victim].send_line("go");
    }
}

#[test]
fn workers_killed_a_hundred_times_leave_metrics_that_agree() {
    let place = Place::in_memory();
    fill(&place, COUNT);
    let mut crew = Crew::new(&place);
    let mut random = Random(0x5eed_0006);
    for kill in 0..KILLS {
        crew.wait_for(usize::try_from(random.below(4)).expect("a small number"));
        let anybody = usize::try_from(random.below(WORKERS as u64)).expect("a small number");
        // An instant within a transaction: nobody is waited for.
        std::thread::sleep(Duration::from_micros(random.below(3000)));
        let victim = match kill % 10 {
            0 => crew.stop_in_the_middle(),
            1..5 => crew.holder().unwrap_or(anybody),
            _ => anybody,
        };
        crew.kill(victim);
    }
    crew.listen();
    let done_by_then = crew.said("done");
    let Crew {
        workers, mut lines, ..
    } = crew;
    for worker in workers {
        let finished = worker.wait(PATIENCE);
        assert!(finished.status.success(), "it found work: {finished:?}");
        lines.extend(finished.stdout.lines().map(str::to_owned));
    }
    assert!(done_by_then < COUNT, "there was work until the last kill");
    let finished = lines.iter().filter(|line| *line == "finished").count();
    assert!(
        finished > 0,
        "of those that died after the decision some had files left to change, and others changed them"
    );
    assert_done_once(&place, COUNT);
    place.assert_agreement();
    place.assert_tidy();
}

fn is_unfinished(place: &Place) -> bool {
    let unfinished = state_file::unfinished(place.sandbox.path());
    !unfinished.expect("it can be looked for").is_empty()
}

/// Whether the files themselves say different things: one has changed, the other has not.
fn is_torn(place: &Place) -> bool {
    let tasks = Tasks::parse(&place.sandbox.read(TASKS)).expect("each file is whole");
    let said = match fs::read_to_string(place.sandbox.join(METRICS)) {
        Ok(text) => Metrics::parse(&text).expect("each file is whole"),
        Err(_) => Metrics::default(),
    };
    sorted(said) != metrics::of(&tasks)
}

/// Runs a worker until it is stopped at a moment when one of its two files has changed, and the other has not.
fn stopped_in_the_middle(place: &Place) -> SecondProcess {
    let mut worker = worker(place, "bob");
    worker.send_line("go");
    loop {
        assert!(!worker.has_ended(), "it is caught before its work is done");
        worker.stop();
        if is_unfinished(place) && is_torn(place) {
            return worker;
        }
        worker.resume();
    }
}

#[test]
fn reader_sees_both_files_of_a_transaction_that_is_decided() {
    let place = Place::in_memory();
    fill(&place, COUNT);
    let worker = stopped_in_the_middle(&place);
    let found = place.board.read().expect("the board is clear");
    assert!(found.is_settled, "whoever is at work is stopped");
    assert_eq!(
        sorted(found.metrics.clone()),
        metrics::of(&found.seen.tasks),
        "the metrics are of the same moment as the tasks"
    );
    worker.kill_9();
    assert!(is_unfinished(&place), "it is still decided");
    let after = place.board.read().expect("the board is clear");
    assert_eq!(
        after.seen.revision(),
        found.seen.revision(),
        "and still shown"
    );
    place.assert_agreement();
    let finished = place.board.read().expect("the board is clear");
    assert_eq!(
        finished.seen.revision(),
        found.seen.revision(),
        "what was shown is what is now in the file"
    );
    let new = NewTask::new("Another");
    let made = place.board.create(&new, &actor("ann", 0), &options());
    assert!(made.is_ok(), "work goes on: {made:?}");
    place.assert_tidy();
}

#[test]
fn edit_of_one_file_finishes_what_was_decided_over_both() {
    let place = Place::in_memory();
    fill(&place, COUNT);
    let worker = stopped_in_the_middle(&place);
    worker.kill_9();
    let shown = place.board.read().expect("the board is clear");
    let member = "seen".parse().expect("a path");
    let options = state_file::UpdateOptions::default();
    let edited = state_file::edit(&place.sandbox.join(TASKS), &options, |text| {
        text.set(&member, &json_text::Json::integer(1))
    });
    let edited = edited.expect("it is an object");
    let before = edited.before.as_deref().map(atomic_file::Revision::of);
    assert_eq!(
        before,
        Some(shown.seen.revision()),
        "the edit began with what was decided"
    );
    place.assert_agreement();
    place.assert_tidy();
}
