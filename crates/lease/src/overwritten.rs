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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::leases::Leases;
    use crate::sample::{World, at, exclusive};

    #[test]
    fn warning_names_agent_and_where_it_was_forced_file_and_age() {
        let table = [
            (Standing::Expired, "Overwriting expired lock for a"),
            (
                Standing::OwnerGone,
                "Overwriting lock for a on src/x: its process has ended",
            ),
            (
                Standing::TooOld,
                "Forcing the release of the lock of a on src/x: not renewed for 25h 1m 1s",
            ),
            (
                Standing::FromTheFuture,
                "Overwriting lock for a on src/x: it was made 26h in the future",
            ),
        ];
        for (standing, expected) in table {
            let mut acquired = World::default().when(0, |present| {
                let taken = Leases::default().acquire(&exclusive("a", "src/x"), present);
                taken.expect("nobody holds it")
            });
            let mut old = acquired.lease.clone();
            old.renewed_at = match standing {
                Standing::FromTheFuture => at(26 * 3600),
                _ => at(-25 * 3600 - 61),
            };
            acquired.overwritten.push((old, standing));
            assert_eq!(acquired.warnings(), [expected], "{standing:?}");
        }
    }
}
