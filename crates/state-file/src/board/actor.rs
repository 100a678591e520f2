//! Who changes a board, with a clock.

use std::fmt;

use super::moment::Moment;
use super::rules::Present;

/// Who changes a board. The clock is looked at once the locks of both files are held, so that what waited for another's
/// change is not told as older than that.
pub struct Actor<'a> {
    agent: &'a str,
    seed: u64,
    clock: Box<dyn Fn() -> Moment + 'a>,
}

impl<'a> Actor<'a> {
    /// An agent; a random number, from which the id of a new task is made; and how to tell the time.
    pub fn new(agent: &'a str, seed: u64, clock: impl Fn() -> Moment + 'a) -> Self {
        let clock = Box::new(clock);
        Self { agent, seed, clock }
    }

    /// What the rules are told, now.
    pub(super) fn present(&self) -> Present<'a> {
        Present {
            at: (self.clock)(),
            agent: self.agent,
            seed: self.seed,
        }
    }
}

impl fmt::Debug for Actor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Actor")
            .field("agent", &self.agent)
            .field("seed", &self.seed)
            .finish_non_exhaustive()
    }
}
