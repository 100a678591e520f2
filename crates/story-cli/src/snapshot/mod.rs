//! `story snapshot`: the working tree as it was, and back to it.

mod changes;
mod dropping;
mod json;
mod kept;
mod looking;
mod restoring;
mod table;
mod taking;

use task_runner::{AtomicSnapshot, Snapshot};

pub use self::dropping::only_copy;
pub use self::restoring::{head, policy, restored_to_json, tell_restored};
pub use crate::table::short;

use crate::app::heard_enough;
use crate::args::snapshot::SnapshotVerb;
use crate::failure::Failure;
use crate::output::Output;
use crate::places;
use crate::run::{Known, Tasks};
use crate::settings::Settings;
use crate::sys;

/// Runs one of the verbs and returns the exit code.
///
/// # Errors
///
/// [`Failure`]; what was done then, it says.
pub fn run(verb: &SnapshotVerb, settings: &Settings, output: &Output) -> Result<u8, Failure> {
    // If this fails, git says so.
    sys::expect_children().ok();
    let desk = Desk::open(settings, output)?;
    match verb {
        SnapshotVerb::Take(args) => taking::take(&desk, args).map(|()| 0),
        SnapshotVerb::List(_) => heard_enough(looking::list(&desk)),
        SnapshotVerb::Show(args) => heard_enough(looking::show(&desk, args)),
        SnapshotVerb::Restore(args) => restoring::restore(&desk, args).map(|()| 0),
        SnapshotVerb::Drop(args) => Ok(dropping::drop_all(&desk, args)),
    }
}

/// What every verb needs.
struct Desk<'a> {
    snapshots: AtomicSnapshot,
    settings: &'a Settings,
    output: &'a Output,
}

impl<'a> Desk<'a> {
    fn open(settings: &'a Settings, output: &'a Output) -> Result<Self, Failure> {
        let here = places::working_folder()?;
        let snapshots = AtomicSnapshot::open(&here)
            .map_err(|err| Failure::from_snapshot(&err, "work with snapshots"))?;
        Ok(Self {
            snapshots,
            settings,
            output,
        })
    }

    /// The tasks of the tree. Snapshots can be shown and restored without them.
    fn tasks(&self) -> Vec<Known> {
        let tasks = Tasks::of(self.snapshots.clone(), self.settings, self.output);
        tasks
            .and_then(|tasks| tasks.list())
            .unwrap_or_else(|failure| {
                self.output.warning(&failure.message());
                Vec::new()
            })
    }

    fn find(&self, text: &str) -> Result<Snapshot, Failure> {
        self.snapshots
            .find(text)
            .map_err(|err| Failure::from_snapshot(&err, &format!("find the snapshot {text}")))
    }
}
