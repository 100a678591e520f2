//! Where leases are kept: what every store offers. What leases mean is decided elsewhere, so that all stores behave alike.

pub mod folder;
pub mod sqlite;

use std::fmt::Debug;
use std::path::Path;
use std::time::Duration;

use crate::error::{LeaseError, StoreError};
use crate::leases::Leases;
pub use folder::Removal;

/// How often a change is tried again after somebody without the lock interfered; chosen, as stories do.
const RERUNS: u32 = 3;

/// A place for leases that many processes use at the same time.
pub trait LeaseStore: Debug + Send + Sync {
    /// Where it is: the folder, or the file of the database.
    fn place(&self) -> &Path;

    /// Reads everything without waiting for anybody. A store that is not there yet is empty.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotAStore`], [`StoreError::Io`].
    fn read(&self) -> Result<Leases, StoreError>;

    /// Locks the store, waiting for it no longer than `timeout`, and reads everything. Nobody else changes it until the
    /// transaction is committed or dropped. A store that is not there is made, by the first commit at the latest.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    fn begin(&self, timeout: Duration) -> Result<Box<dyn Transaction + '_>, StoreError>;

    /// Removes the store if it is a folder that holds no leases, nobody waits, and nothing else lies in it. Another store stays.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: it is there still.
    fn remove_if_empty(&self, _timeout: Duration) -> Result<Removal, StoreError> {
        Ok(Removal::default())
    }
}

/// A locked store. Dropped without [`Transaction::commit`] it leaves everything as it was.
#[must_use = "the store is unlocked when this is dropped"]
pub trait Transaction {
    /// What is in the store.
    fn leases(&self) -> &Leases;

    /// Makes sure that the store is still locked, and still the one that was locked: people delete files.
    ///
    /// # Errors
    ///
    /// [`StoreError::Interfered`]: begin again. Others: it cannot be found out.
    fn verify(&self) -> Result<(), StoreError>;

    /// Writes what has changed, durably, and unlocks the store.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; nothing of it is in the store, except where [`StoreError::is_committed`] is true.
    fn commit(self: Box<Self>, after: &Leases) -> Result<(), StoreError>;
}

/// Lets `change` change the leases under the store's lock. If it fails or changes nothing, nothing is written.
///
/// `change` may run again, with fresh leases, if somebody without the lock changed the store meanwhile.
///
/// # Errors
///
/// What `change` returned, or [`LeaseError::Store`].
pub fn transact<T>(
    store: &dyn LeaseStore,
    timeout: Duration,
    mut change: impl FnMut(&mut Leases) -> Result<T, LeaseError>,
) -> Result<T, LeaseError> {
    let mut rerun = 0;
    loop {
        let transaction = store.begin(timeout)?;
        let mut leases = transaction.leases().clone();
        let value = change(&mut leases)?;
        if leases == *transaction.leases() {
            return Ok(value);
        }
        match transaction.commit(&leases) {
            Err(StoreError::Interfered { .. }) if rerun < RERUNS => rerun += 1,
            committed => return committed.map(|()| value).map_err(LeaseError::from),
        }
    }
}
