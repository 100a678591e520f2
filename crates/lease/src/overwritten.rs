//! What a person is told about leases that had ended and were cleared away for a new one. Pure.

use jiff::{SignedDuration, SignedDurationRound, Timestamp, Unit};

use crate::lease::{Lease, Standing};
use crate::leases::Acquired;

impl Acquired {
    /// A line for each lease that was cleared away: whose, and where it was taken by force, what and how old it was.
    pub fn warnings(&self) -> Vec<String> {
        self.overwritten
            .iter()
            .map(|(lease, standing)| warning(lease, *standing, self.lease.acquired_at))
            .collect()
    }
}

fn warning(lease: &Lease, standing: Standing, now: Timestamp) -> String {
    let Lease { agent, scope, .. } = lease;
    match standing {
        // The words of the integration-locks requirement.
        Standing::Expired | Standing::Live => format!("Overwriting expired lock for {agent}"),
        Standing::OwnerGone => {
            format!("Overwriting lock for {agent} on {scope}: its process has ended")
        }
        Standing::TooOld => format!(
            "Forcing the release of the lock of {agent} on {scope}: not renewed for {:#}",
            whole_seconds(now.duration_since(lease.renewed_at))
        ),
        Standing::FromTheFuture => format!(
            "Overwriting lock for {agent} on {scope}: it was made {:#} in the future",
            whole_seconds(lease.renewed_at.duration_since(now))
        ),
    }
}

fn whole_seconds(age: SignedDuration) -> SignedDuration {
    let seconds = SignedDurationRound::new().smallest(Unit::Second);
    // Fails only beyond the range of a time.
    age.round(seconds).unwrap_or(age)
}
