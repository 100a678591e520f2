//! The log against the stories: what was acknowledged is there once, what was refused is not, nothing is left over.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::epoch::Epoch;
use super::place::Kind;
use super::report::Sort;
use super::text::{self, Seen};
use super::visitors::Room;

/// What doctor says of a change that the story's journal does not know.
const UNEXPLAINED: &str = "changed without a line in its journal";

/// How a change ended, as far as its writer can know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Acknowledged.
    Done,
    /// An error that says: nothing was written.
    Refused,
    /// Its writer was killed.
    Unknown,
}

/// A change that was asked for.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) place: usize,
    pub(crate) token: String,
    pub(crate) outcome: Outcome,
    pub(crate) started: Instant,
    pub(crate) ended: Instant,
}

/// A person's save by rename.
#[derive(Debug)]
pub(crate) struct Save {
    pub(crate) place: usize,
    pub(crate) token: String,
    pub(crate) opened: Instant,
    pub(crate) saved: Instant,
}

/// What a story holds in the end.
struct Last {
    seen: Seen,
    /// Versions in rescued copies.
    copies: Vec<Seen>,
}

/// How far the last update of a story may take: its waiting limit, with a margin.
const LAST_UPDATE: Duration = Duration::from_mins(1);
/// From here on a writer's number is not that of a writer of ours: Node peers, and the last updates.
const OTHERS: u32 = 500;
/// The number of the writer of last updates.
const LAST_WRITER: usize = 999;

/// Ends each story with one more update and compares everything.
pub(crate) fn check(epoch: &Epoch<'_>) {
    for at in 0..epoch.places.len() {
        check_room(epoch, at);
        update_once_more(epoch, at);
        check_folder(epoch, at);
        match last_of(epoch, at) {
            Ok(last) => compare(epoch, at, &last),
            Err(complaint) => epoch.wrong(at, Sort::Lost, format!("the story {complaint}")),
        }
    }
    check_doctor(epoch);
    share(epoch);
    epoch.count("epochs");
}

/// Doctor finds nothing, but for what others than ours did to a story: of that its journal knows nothing.
fn check_doctor(epoch: &Epoch<'_>) {
    let ended = run(epoch.story().arg("doctor"), epoch);
    let of_others = |line: &str| {
        let mut places = epoch.places.iter();
        line.contains(UNEXPLAINED)
            && places.any(|place| place.kind.has_other_writers() && line.contains(&place.id))
    };
    let is_summary = |line: &str| line == "all is well" || line.starts_with("0 problems, ");
    let is_fine = |line: &str| is_summary(line) || of_others(line);
    if !ended.as_ref().is_ok_and(|said| said.lines().all(is_fine)) {
        epoch.wrong(0, Sort::Left, format!("`story doctor`: {ended:?}"));
    }
}

/// How the acknowledged changes are shared out among the writers of each kind.
fn share(epoch: &Epoch<'_>) {
    let changes = epoch.changes.lock().expect("the writers have ended");
    let mut shares: BTreeMap<(Kind, u32), u64> = BTreeMap::new();
    for change in changes.iter() {
        let writer = text::writer_of(&change.token).filter(|&writer| writer < OTHERS);
        let Some(writer) = writer else { continue };
        let share = shares.entry((epoch.places[change.place].kind, writer));
        *share.or_default() += u64::from(change.outcome == Outcome::Done);
    }
    let mut report = epoch.report();
    for ((kind, _), changes) in shares {
        report.share(kind.name(), changes);
    }
}

fn check_room(epoch: &Epoch<'_>, at: usize) {
    let room = Room::new(epoch, at);
    let overlaps = room.overlaps();
    if overlaps > 0 {
        epoch.wrong(
            at,
            Sort::Overlap,
            format!("{overlaps} times two were inside together"),
        );
    }
    let visits = epoch.visits().get(&at).copied().unwrap_or(0);
    let counted = room.counted();
    if visits != counted {
        epoch.wrong(
            at,
            Sort::Overlap,
            format!("{visits} visits, but {counted} counted"),
        );
    }
}

fn update_once_more(epoch: &Epoch<'_>, at: usize) {
    let place = &epoch.places[at];
    let token = format!("t{LAST_WRITER}-1");
    let mut command = epoch.story();
    command.args(["set", &place.id, "--inc", &format!("count_{LAST_WRITER}")]);
    command.args(["--push", &format!("log={token}"), "--stale-after", "1s"]);
    let started = Instant::now();
    let ended = run(command.args(["--timeout", "30s"]), epoch);
    if let Err(words) = ended {
        epoch.wrong(at, Sort::Exit, format!("the last update fails: {words}"));
        return;
    }
    let mut changes = epoch.changes.lock().expect("the writers have ended");
    changes.push(Change {
        place: at,
        token,
        outcome: Outcome::Done,
        started,
        ended: Instant::now(),
    });
}

/// After one more update nothing lies beside a story. Where locks of the killed were deleted too, `doctor --fix` finds
/// what nobody was told of.
fn check_folder(epoch: &Epoch<'_>, at: usize) {
    let place = &epoch.places[at];
    let is_unexpected = |path: &PathBuf| !(place.kind.keeps_copies() && is_copy(path));
    let mut left: Vec<_> = place.beside().into_iter().filter(is_unexpected).collect();
    if place.kind == Kind::Rough && !left.is_empty() {
        let mut report = epoch.report();
        report.count("left for `doctor --fix`", left.len() as u64);
        drop(report);
        // Rescued copies stay a problem for a person: its exit code says so.
        run(epoch.story().args(["doctor", "--fix"]), epoch).ok();
        left = place.beside().into_iter().filter(is_unexpected).collect();
    }
    if !left.is_empty() {
        epoch.wrong(at, Sort::Left, format!("left over: {left:?}"));
    }
    let copies = place.beside().iter().filter(|path| is_copy(path)).count();
    epoch.report().count("rescued copies", copies as u64);
}

fn is_copy(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "rescued")
}

/// Reads the story and its rescued copies, and takes the copies away, as a person would who has looked at them.
fn last_of(epoch: &Epoch<'_>, at: usize) -> Result<Last, String> {
    let place = &epoch.places[at];
    let look = |path: &Path| {
        let text = fs::read_to_string(path).map_err(|err| format!("cannot be read: {err}"))?;
        text::look(&text, &place.id)
    };
    let copies: Vec<PathBuf> = place
        .beside()
        .into_iter()
        .filter(|path| is_copy(path))
        .collect();
    let last = Last {
        seen: look(&place.path)?,
        copies: copies
            .iter()
            .map(|path| look(path).map_err(|err| format!("copy {err}")))
            .collect::<Result<_, _>>()?,
    };
    for path in copies {
        // Outside of the stories, where `doctor` does not look.
        let kept = epoch.beside(&format!("{}.copies", place.id));
        fs::create_dir_all(&kept)
            .and_then(|()| fs::hard_link(&path, kept.join(path.file_name().unwrap_or_default())))
            .and_then(|()| fs::remove_file(&path))
            .map_err(|err| format!("copy cannot be moved away: {err}"))?;
    }
    Ok(last)
}

fn compare(epoch: &Epoch<'_>, at: usize, last: &Last) {
    let changes = epoch.changes.lock().expect("the writers have ended");
    let saves = epoch.saves.lock().expect("the editor has ended");
    let kind = epoch.places[at].kind;
    let mut asked = HashSet::new();
    for change in changes.iter().filter(|change| change.place == at) {
        asked.insert(change.token.as_str());
        let undone = || {
            let meets = |save: &&Save| {
                save.place == at && save.opened <= change.ended && save.saved >= change.started
            };
            saves.iter().find(meets).is_some()
        };
        match judge(kind, change, last, undone) {
            Ok(Some(what)) => epoch.count(what),
            Ok(None) => {}
            Err((sort, complaint)) => epoch.wrong(at, sort, complaint),
        }
    }
    for save in saves.iter().filter(|save| save.place == at) {
        asked.insert(save.token.as_str());
        let copied = last.copies.iter().any(|copy| copy.times(&save.token) > 0);
        match last.seen.times(&save.token) {
            1 => {}
            0 if copied => epoch.count("saves kept in a rescued copy"),
            times => epoch.wrong(
                at,
                Sort::Lost,
                format!("a person's save {} is there {times} times", save.token),
            ),
        }
    }
    for token in last.seen.tokens.keys() {
        if !asked.contains(token.as_str()) {
            epoch.wrong(at, Sort::Doubled, format!("nobody wrote {token}"));
        }
    }
}

/// Judges one change; `Ok` names what is worth counting.
fn judge(
    kind: Kind,
    change: &Change,
    last: &Last,
    was_undone: impl Fn() -> bool,
) -> Result<Option<&'static str>, (Sort, String)> {
    let token = &change.token;
    let times = last.seen.times(token);
    let took = change.ended.duration_since(change.started);
    let copied = last.copies.iter().any(|copy| copy.times(token) > 0);
    match (change.outcome, times) {
        (_, 2..) => Err((Sort::Doubled, format!("{token} is there {times} times"))),
        (Outcome::Done, 1) | (Outcome::Unknown | Outcome::Refused, 0) => Ok(None),
        (Outcome::Unknown, _) => Ok(Some("changes of the killed that are there")),
        (Outcome::Refused, _) => {
            let what = format!("{token} was refused and is there (took {took:?})");
            Err((Sort::Doubled, what))
        }
        (Outcome::Done, _) if kind.keeps_copies() && copied => {
            Ok(Some("changes kept in a rescued copy"))
        }
        (Outcome::Done, _) if kind == Kind::Edited && was_undone() => {
            Ok(Some("changes that the editor's older text undid"))
        }
        (Outcome::Done, _) => {
            let what = format!("{token} was acknowledged and is lost (took {took:?})");
            Err((Sort::Lost, what))
        }
    }
}

fn run(command: &mut std::process::Command, epoch: &Epoch<'_>) -> Result<String, String> {
    let finished = crate::SecondProcess::spawn(command).wait(LAST_UPDATE);
    epoch.count("last looks");
    if finished.status.success() {
        // Notes go to stderr.
        Ok(format!("{}{}", finished.stdout, finished.stderr.trim()))
    } else {
        Err(format!("{finished:?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judge_finds_what_is_lost_doubled_or_done_in_spite_of_a_refusal() {
        use Outcome::{Done, Refused, Unknown};
        let now = Instant::now();
        for (kind, outcome, times, copied, undone, is_well) in [
            (Kind::Calm, Done, 1, false, false, true),
            (Kind::Calm, Done, 0, false, false, false),
            (Kind::Calm, Done, 0, true, true, false),
            (Kind::Calm, Done, 2, false, false, false),
            (Kind::Rough, Done, 0, true, false, true),
            (Kind::Rough, Done, 0, false, true, false),
            (Kind::Edited, Done, 0, false, true, true),
            (Kind::Edited, Done, 0, false, false, false),
            (Kind::Wild, Refused, 0, false, false, true),
            (Kind::Wild, Refused, 1, false, false, false),
            (Kind::Calm, Unknown, 0, false, false, true),
            (Kind::Calm, Unknown, 1, false, false, true),
            (Kind::Calm, Unknown, 2, false, false, false),
        ] {
            let seen = |times| Seen {
                tokens: [("t1-1".to_owned(), times)].into(),
                ..Seen::default()
            };
            let last = Last {
                seen: seen(times),
                copies: vec![seen(u32::from(copied))],
            };
            let change = Change {
                place: 0,
                token: "t1-1".to_owned(),
                outcome,
                started: now,
                ended: now,
            };
            let judged = judge(kind, &change, &last, || undone);
            assert_eq!(
                judged.is_ok(),
                is_well,
                "{kind:?} {outcome:?} {times} {copied} {undone}"
            );
        }
    }
}
