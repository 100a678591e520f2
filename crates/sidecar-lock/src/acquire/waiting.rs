//! Waiting for a turn: in the kernel's queue, or for something to happen in the folder.

use std::thread;
use std::time::{Duration, Instant};

use super::{Attempt, Busy};
use crate::error::AcquireError;
use crate::queue::{self, Ticket, Waited};
use crate::sys;

/// Waits this short are not worth a place in the queue (SL1 "hand-over", "Avoid").
const TOO_SHORT_TO_QUEUE: Duration = Duration::from_millis(3);

impl Attempt<'_> {
    pub(super) fn wait(&mut self, busy: Busy, until: Instant) -> Result<(), AcquireError> {
        match busy {
            Busy::Queued => self.wait_in_queue(until),
            Busy::Locked(file, id) => {
                let left = until.saturating_duration_since(Instant::now());
                if left < TOO_SHORT_TO_QUEUE || !sys::supports_queue(&file) {
                    drop(file);
                    self.wait_for_event(until);
                    return Ok(());
                }
                // Waiting elsewhere from now on: wake the next one of the removed sidecar's queue.
                self.free_dead();
                match queue::enter(file, id, &self.sidecar) {
                    Ok(ticket) => {
                        self.ticket = Some(ticket);
                        self.wait_in_queue(until)
                    }
                    // No thread to be had, say: waiting works without one, only less fairly.
                    Err(err) => {
                        tracing::debug!(%err, "no place in the queue");
                        self.wait_for_event(until);
                        Ok(())
                    }
                }
            }
            Busy::Foreign(foreign) => {
                let stale_at = Instant::now() + foreign.stale_in.max(Duration::from_millis(1));
                self.wait_for_event(until.min(stale_at));
                Ok(())
            }
        }
    }

    fn wait_in_queue(&mut self, until: Instant) -> Result<(), AcquireError> {
        let Some(mut ticket) = self.ticket.take() else {
            return Ok(());
        };
        let id = ticket.id();
        match ticket.wait(until).map_err(|err| self.io("wait for", err))? {
            Waited::Granted(file) => self.granted = id.map(|id| (file, id)),
            Waited::TimeIsUp => self.ticket = Some(ticket),
        }
        Ok(())
    }

    fn wait_for_event(&mut self, until: Instant) {
        match &self.events {
            Some(events) => events.wait(&self.sidecar, until),
            // Look again as soon as the watch is on: the event may have come just before.
            None => match sys::Events::watch(self.sidecar.folder()) {
                Ok(events) => self.events = Some(events),
                Err(_) => thread::sleep(until.saturating_duration_since(Instant::now())),
            },
        }
    }

    /// Gives the place in a queue up that is not the sidecar's any more.
    pub(super) fn leave_queue(&mut self) {
        if let Some(file) = self.ticket.take().and_then(Ticket::give_up) {
            self.dead = Some(file);
        }
    }

    pub(super) fn free_dead(&mut self) {
        if let Some(dead) = self.dead.take()
            && let Err(err) = sys::unlock(&dead)
        {
            tracing::debug!(%err, "a removed lock file was not unlocked");
        }
    }
}
