//! `story snapshot take`.

use serde_json::json;
use task_runner::{Left, Snapshot, TakeOptions};

use super::Desk;
use super::json::{left_to_json, snapshot_to_json};
use crate::args::snapshot::TakeArgs;
use crate::failure::{Code, Failure};
use crate::json::success;
use crate::output::write_json;
use crate::shared_files::AppShared;
use crate::table::short;

pub(super) fn take(desk: &Desk<'_>, args: &TakeArgs) -> Result<(), Failure> {
    let options = TakeOptions {
        label: args.label.clone().unwrap_or_default(),
        ..TakeOptions::new(args.task.clone(), desk.settings.now())
    };
    let shared = AppShared::new(
        desk.snapshots.repository().top(),
        "story snapshot take",
        desk.settings,
    )?;
    let taken = desk
        .snapshots
        .take(&options, &shared)
        .map_err(|err| Failure::from_snapshot(&err, "take a snapshot"))?;
    for left in &taken.left {
        desk.output.warning(&format!("{left}: it is not recorded"));
    }
    if args.stash_list {
        enter_in_stash_list(desk, &taken.snapshot)?;
    }
    tell_taken(desk, &taken.snapshot, &taken.left)
        .map_err(|unwritten| unreported(&unwritten, &taken.snapshot))
}

fn enter_in_stash_list(desk: &Desk<'_>, snapshot: &Snapshot) -> Result<(), Failure> {
    let repository = desk.snapshots.repository();
    let subject = repository.git(["show", "--no-patch", "--format=%s", &snapshot.id]);
    let store = |subject: &str| {
        let words = ["stash", "store", "--quiet", "-m", subject, &snapshot.id];
        repository.git(words).run()
    };
    let stored = subject.run_line().and_then(|subject| store(&subject));
    stored.map(drop).map_err(|err| {
        let id = &snapshot.id;
        let headline = format!("snapshot {} is taken, but is no stash", short(id));
        Failure::from_git(&err)
            .headline(headline)
            .hint(format!("`git stash store {id}` enters it in the list"))
    })
}

fn tell_taken(desk: &Desk<'_>, snapshot: &Snapshot, left: &[Left]) -> Result<(), Failure> {
    if desk.output.is_json() {
        let mut result = success();
        result.extend(snapshot_to_json(snapshot));
        result.insert("left".to_owned(), left_to_json(left));
        result.insert("warnings".to_owned(), json!([]));
        return write_json(result);
    }
    desk.output.note(&format!(
        "recorded; `story snapshot restore {}` brings it back",
        short(&snapshot.id)
    ));
    desk.output.line(None, &snapshot.id)
}

fn unreported(unwritten: &Failure, snapshot: &Snapshot) -> Failure {
    Failure::new(
        Code::Unsynced,
        format!("committed, not reported: snapshot {} is taken", snapshot.id),
    )
    .cause(unwritten.message())
    .hint("`story snapshot list` shows it")
}
