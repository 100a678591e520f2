//! A lease that ends with the value that stands for it.

use std::time::Duration;

use crate::error::LeaseError;
use crate::lease::{Lease, Token};
use crate::leases::{Released, Which};
use crate::manager::FileLockManager;
use crate::waiting::Won;

/// A lease of this process: given back when the guard is dropped, and ended at once if the process is killed (where the
/// system tells that: Linux; elsewhere when its time is over).
///
/// The guard does not renew it by itself: a worker that hangs would keep it for ever.
#[derive(Debug)]
#[must_use = "the lease ends when this is dropped"]
pub struct LeaseGuard<'a> {
    manager: &'a FileLockManager,
    won: Won,
    token: Token,
    is_released: bool,
}

impl<'a> LeaseGuard<'a> {
    pub(crate) fn new(manager: &'a FileLockManager, won: Won) -> Self {
        let token = won.acquired.lease.token;
        Self {
            manager,
            token: token.expect("an acquisition of ours gives a number"),
            won,
            is_released: false,
        }
    }

    /// The lease, as it was when it was acquired or last renewed by this guard.
    pub fn lease(&self) -> &Lease {
        &self.won.acquired.lease
    }

    /// How it was acquired.
    pub fn won(&self) -> &Won {
        &self.won
    }

    /// Its number.
    pub fn token(&self) -> Token {
        self.token
    }

    /// Has it end `ttl` from now.
    ///
    /// # Errors
    ///
    /// As [`FileLockManager::renew`]; the lease is lost unless the error is retryable.
    pub fn renew(&mut self, ttl: Duration) -> Result<(), LeaseError> {
        let agent = &self.lease().agent;
        let renewed = self.manager.renew(agent, &self.which(), ttl)?;
        if let Some(lease) = renewed.into_iter().next() {
            self.won.acquired.lease = lease;
        }
        Ok(())
    }

    /// Gives it back. What is not there any more, because it was broken or taken over, is no error.
    ///
    /// # Errors
    ///
    /// [`LeaseError::Store`]: the lease stays until its time is over or this process ends.
    pub fn release(mut self) -> Result<Released, LeaseError> {
        self.is_released = true;
        self.manager.release(&self.lease().agent, &self.which())
    }

    fn which(&self) -> Which {
        Which::Token(self.token)
    }
}

impl Drop for LeaseGuard<'_> {
    fn drop(&mut self) {
        if self.is_released {
            return;
        }
        let Lease { agent, scope, .. } = self.lease();
        if let Err(err) = self.manager.release(agent, &self.which()) {
            tracing::warn!(%agent, %scope, %err, "a lease stays until its time is over");
        }
    }
}
