//! Waiting for a lease in order of arrival: a place in the queue, a look now and then, and the place given up in any case.

use std::time::Duration;

use crate::agent::Agent;
use crate::error::{LeaseError, Obstacle};
use crate::lease::{Mode, Present, Token};
use crate::leases::{Acquired, Leases, Request};
use crate::patience::{Countdown, Patience, Pause};
use crate::process::Process;
use crate::queue::Turn;
use crate::rules::Rules;
use crate::scope::Scope;
use crate::store::{LeaseStore, transact};

/// A lease that was to be had, at once or after a wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Won {
    /// What the acquisition did.
    pub acquired: Acquired,
    /// How long it took.
    pub waited: Duration,
    /// Whether it stood in the queue for it.
    pub queued: bool,
}

/// Acquires a lease; where others stand against it, waits in order of arrival. The place in the queue is taken by the very
/// look that found it held, and is given up whenever this ends without a lease.
///
/// # Errors
///
/// As [`Leases::acquire`]; [`LeaseError::Taken`] only with a limit of zero, otherwise [`LeaseError::TimedOut`],
/// [`LeaseError::Stopped`], or [`LeaseError::Deadlock`].
pub(crate) fn acquire(
    store: &dyn LeaseStore,
    request: &Request,
    patience: Patience<'_>,
    rules: &Rules,
) -> Result<Won, LeaseError> {
    let line = Line {
        store,
        request,
        rules,
        countdown: Countdown::new(patience),
        ticket: None,
        obstacles: Vec::new(),
    };
    line.stand()
}

/// Waits until no live lease of others stands against a scope, and takes nothing. Returns how long it took.
///
/// # Errors
///
/// As [`acquire`], but for `Deadlock`. What may pass before the limit is waited for.
pub(crate) fn wait_until_free(
    store: &dyn LeaseStore,
    wanted: (&Agent, &Scope, Mode),
    patience: Patience<'_>,
    rules: &Rules,
) -> Result<Duration, LeaseError> {
    let mut countdown = Countdown::new(patience);
    loop {
        let against = match what_stands_against(store, wanted, rules) {
            Ok(obstacles) if obstacles.is_empty() => return Ok(countdown.waited()),
            Err(err) if !may_pass(&err) => return Err(err),
            looked => looked,
        };
        match countdown.pause() {
            Pause::Passed => {}
            Pause::Over => return Err(countdown.over(wanted.0, against?)),
            Pause::Stopped => return Err(countdown.stopped(wanted.0, against?)),
        }
    }
}

/// Looks at the live leases of others.
///
/// # Errors
///
/// [`LeaseError::Store`], [`LeaseError::Unreadable`].
pub(crate) fn what_stands_against(
    store: &dyn LeaseStore,
    (agent, scope, mode): (&Agent, &Scope, Mode),
    rules: &Rules,
) -> Result<Vec<Obstacle>, LeaseError> {
    let leases = store.read()?;
    let present = rules.present();
    leases.check_readable(&present)?;
    Ok(leases.check(agent, scope, mode, &present))
}

/// Whether a failure may be over soon: others keep the store busy, or are just writing what cannot be read.
fn may_pass(err: &LeaseError) -> bool {
    match err {
        LeaseError::Store(err) => err.is_retryable() && !err.is_committed(),
        LeaseError::Unreadable(_) => true,
        _ => false,
    }
}

/// One that stands in line. Dropped, it gives up its place.
struct Line<'a> {
    store: &'a dyn LeaseStore,
    request: &'a Request,
    rules: &'a Rules,
    countdown: Countdown<'a>,
    ticket: Option<Token>,
    /// What stood against it when it last looked.
    obstacles: Vec<Obstacle>,
}

impl Line<'_> {
    fn stand(mut self) -> Result<Won, LeaseError> {
        loop {
            match self.step() {
                Ok(Step::Granted(acquired)) => return Ok(self.won(*acquired)),
                Ok(Step::Queued { ticket, obstacles }) => {
                    self.ticket = Some(ticket);
                    self.obstacles = obstacles;
                }
                Ok(Step::Refused(obstacles)) => {
                    self.ticket = None;
                    return Err(self.countdown.over(&self.request.agent, obstacles));
                }
                Err(err) => self.bear(err)?,
            }
            while let Pause::Passed = self.pause()? {
                if self.is_worth_a_step()? {
                    break;
                }
            }
        }
    }

    /// Under the store's lock: the lease, a place in the queue, or the end of the wait.
    fn step(&self) -> Result<Step, LeaseError> {
        let mut reached = None;
        let written = transact(self.store, self.rules.store_timeout, |leases| {
            let present = self.rules.present();
            let step = self.decide(leases, &present)?;
            reached = Some(step.clone());
            Ok(step)
        });
        written.or_else(|err| match reached {
            // A place in the queue need not outlive a power cut.
            Some(step @ (Step::Queued { .. } | Step::Refused(_))) if err.is_committed() => Ok(step),
            _ => Err(err),
        })
    }

    fn decide(&self, leases: &mut Leases, present: &Present<'_>) -> Result<Step, LeaseError> {
        let remaining = self.countdown.remaining();
        let place = self.ticket.filter(|ticket| leases.is_waiting(*ticket));
        if place.is_none() && self.ticket.is_some() && remaining.is_zero() {
            // It was stopped for longer than its limit: its place was cleared away, and its caller reckons with it no more.
            return Ok(Step::Refused(self.obstacles.clone()));
        }
        let turn = match place {
            Some(ticket) => leases.try_turn(self.request, ticket, present)?,
            None => match leases.acquire(self.request, present) {
                Ok(acquired) => Turn::Granted(Box::new(acquired)),
                Err(LeaseError::Taken(by)) => Turn::Blocked(by.obstacles),
                Err(err) => return Err(err),
            },
        };
        let obstacles = match turn {
            Turn::Granted(acquired) => return Ok(Step::Granted(acquired)),
            Turn::Blocked(obstacles) => obstacles,
        };
        if remaining.is_zero() {
            place.inspect(|ticket| leases.withdraw(*ticket));
            return Ok(Step::Refused(obstacles));
        }
        let ticket = if let Some(ticket) = place {
            ticket
        } else {
            let until = present.after(remaining);
            leases.enqueue(self.request, until, Process::current(), present)?
        };
        Ok(Step::Queued { ticket, obstacles })
    }

    /// Looks without the store's lock, which those need who hold something.
    fn is_worth_a_step(&mut self) -> Result<bool, LeaseError> {
        let mut seen = match self.store.read() {
            Ok(leases) => leases,
            Err(err) if err.is_retryable() => return Ok(false),
            Err(err) => return Err(err.into()),
        };
        let Some(ticket) = self.ticket.filter(|ticket| seen.is_waiting(*ticket)) else {
            return Ok(true);
        };
        match seen.try_turn(self.request, ticket, &self.rules.present()) {
            Ok(Turn::Blocked(obstacles)) => {
                self.obstacles = obstacles;
                Ok(false)
            }
            // Somebody is perhaps writing it just now; at the limit it is told.
            Err(LeaseError::Unreadable(_)) => Ok(false),
            Ok(Turn::Granted(_)) | Err(_) => Ok(true),
        }
    }

    /// A failure of one that has its place and still has time is borne.
    fn bear(&self, err: LeaseError) -> Result<(), LeaseError> {
        let has_time = self.ticket.is_some() && !self.countdown.remaining().is_zero();
        if has_time && may_pass(&err) {
            Ok(())
        } else {
            Err(err)
        }
    }

    fn pause(&mut self) -> Result<Pause, LeaseError> {
        match self.countdown.pause() {
            Pause::Stopped => {
                let obstacles = std::mem::take(&mut self.obstacles);
                Err(self.countdown.stopped(&self.request.agent, obstacles))
            }
            pause => Ok(pause),
        }
    }

    fn won(&mut self, acquired: Acquired) -> Won {
        let waited = self.countdown.waited();
        let queued = self.ticket.take().is_some();
        let Acquired { lease, .. } = &acquired;
        tracing::debug!(agent = %lease.agent, scope = %lease.scope, ?waited, queued, "acquired");
        Won {
            acquired,
            waited,
            queued,
        }
    }
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        let Some(ticket) = self.ticket else { return };
        let withdrawn = transact(self.store, self.rules.store_timeout, |leases| {
            leases.withdraw(ticket);
            Ok(())
        });
        if let Err(err) = withdrawn {
            tracing::warn!(%ticket, %err, "a place in the queue stays until its limit");
        }
    }
}

/// What became of one step.
#[derive(Clone)]
enum Step {
    Granted(Box<Acquired>),
    Queued {
        ticket: Token,
        obstacles: Vec<Obstacle>,
    },
    /// It has no place in the queue any more.
    Refused(Vec<Obstacle>),
}

#[cfg(test)]
mod tests;
