//! What a sidecar is at this moment: who holds it, and whether that one lives.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use sidecar_lock::{LockState, SidecarLock};

use super::judge::{Keeper, Lock, Tenure};

/// Commands of ours that run others under their lock, who may write in place. The record shows the first word of those behind
/// ` -- `.
const RUN_OTHERS: [&str; 5] = [
    "story lock run",
    "story lock hold",
    "story with",
    "story state with",
    "story run",
];
/// How a record of ours begins, and its length (docs/protocol.md).
const MAGIC: &[u8] = b"\n{\"sidecar-lock\":";
const RECORD_BYTES: u64 = 512;

/// Who holds a sidecar, as its record says. Not through `inspect`, which takes the kernel lock for a moment: this is asked at
/// each turn of each lock.
pub fn keeper_of(sidecar: &Path) -> Keeper {
    match record_of(sidecar) {
        Ok(Some(record)) => kind_of(&record),
        Err(err) if err.kind() == io::ErrorKind::NotFound => Keeper::Unseen,
        _ => Keeper::Anybody,
    }
}

fn record_of(sidecar: &Path) -> io::Result<Option<Value>> {
    // A FIFO is not even opened: that could wait for ever.
    if !fs::symlink_metadata(sidecar)?.is_file() {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    File::open(sidecar)?
        .take(RECORD_BYTES)
        .read_to_end(&mut bytes)?;
    let is_ours = bytes.starts_with(MAGIC);
    Ok(is_ours
        .then(|| serde_json::from_slice(&bytes).ok())
        .flatten())
}

fn kind_of(record: &Value) -> Keeper {
    let command = record["command"].as_str().unwrap_or_default();
    let verb = command.split(" -- ").next().unwrap_or_default();
    if command.starts_with("story ") && !RUN_OTHERS.contains(&verb) {
        Keeper::Replaces(format!("pid {}, {command}", record["pid"]))
    } else {
        Keeper::Anybody
    }
}

/// What a sidecar is; `None` when there is none, or no lock. An owner that lives may be anybody: the record is not asked.
pub fn state_of(sidecar: &Path, stale_after: Duration) -> Option<Lock> {
    let resource = sidecar.with_file_name(sidecar.file_stem()?);
    let state = SidecarLock::new(&resource).map(|lock| lock.inspect(stale_after));
    match state.ok()? {
        Ok(LockState::Held(_) | LockState::HeldUnreadable) => {
            Some(Lock::Held(Tenure::of(keeper_of(sidecar))))
        }
        Ok(LockState::Leftover(holder)) => Some(Lock::Dead(holder.to_string())),
        Ok(LockState::LeftoverUnreadable) => Some(Lock::Dead("nobody knows who".to_owned())),
        Ok(LockState::Foreign(foreign)) if foreign.age > stale_after => Some(Lock::Dead(
            "another tool, which touches it no more".to_owned(),
        )),
        Ok(LockState::Foreign(_)) => Some(Lock::Held(Tenure::of(Keeper::Anybody))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Keeper, kind_of};

    #[test]
    fn keeper_replaces_where_it_is_a_command_of_ours_that_runs_nobody_else() {
        let table = [
            (json!({"command": "story set", "pid": 7}), true),
            (json!({"command": "story state set", "pid": 7}), true),
            (json!({"command": "story with", "pid": 7}), false),
            (json!({"command": "story with -- sh", "pid": 7}), false),
            (
                json!({"command": "story lock run -- node", "pid": 7}),
                false,
            ),
            (json!({"command": "story lock hold", "pid": 7}), false),
            (json!({"command": "my-tool", "pid": 7}), false),
            (json!({"command": null, "pid": 7}), false),
            (json!({}), false),
        ];
        for (record, expected) in table {
            let replaces = matches!(kind_of(&record), Keeper::Replaces(_));
            assert_eq!(replaces, expected, "whether {record} only replaces");
        }
    }
}
