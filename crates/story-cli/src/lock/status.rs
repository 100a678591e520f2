//! `story lock status`: who holds which lock.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::{Map, Value, json};
use sidecar_lock::{Holder, LockState, Printable, SidecarLock};

use crate::args::LockStatusArgs;
use crate::durations::rough;
use crate::failure::Failure;
use crate::failure_sources::{code_of_io, foreign_lock, millis};
use crate::json;
use crate::output::{Output, write_json};
use crate::places::{STORIES, STORY_FILE, Target, is_there, sdlc_root};
use crate::settings::Settings;
use crate::sys;
use crate::terminal::escape_line;

/// Prints the state of each lock that was asked for; without a path, of each that there is.
///
/// # Errors
///
/// When a place cannot be looked at; those before it are printed.
pub fn run(args: &LockStatusArgs, settings: &Settings, output: &Output) -> Result<(), Failure> {
    let (targets, asked) = if args.paths.is_empty() {
        (stories_with_sidecar(settings)?, false)
    } else {
        let targets = args
            .paths
            .iter()
            .map(|path| Target::of_resource(path, settings));
        (targets.collect::<Result<_, _>>()?, true)
    };
    let mut shown = 0;
    for target in &targets {
        let lock = SidecarLock::new(&target.path).map_err(|err| {
            Failure::from_acquire(err, settings.timeout).about("look at the lock of", target)
        })?;
        let state = lock
            .inspect(settings.stale_after())
            .map_err(|err| Failure::from_inspect(&err).about("look at the lock of", target))?;
        if asked || !matches!(state, LockState::Free) {
            show(target, &lock, &state, settings, output)?;
            shown += 1;
        }
    }
    if shown == 0 {
        output.note("no locks");
    }
    Ok(())
}

fn stories_with_sidecar(settings: &Settings) -> Result<Vec<Target>, Failure> {
    let stories = sdlc_root(settings)?.join(STORIES);
    let entries = match sys::entries_of(&stories) {
        Ok(entries) => entries,
        Err(err) if err.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(err) => {
            return Err(Failure::new(code_of_io(&err), "cannot look for locks")
                .cause(format!("cannot list {}", stories.display()))
                .cause(err.to_string()));
        }
    };
    let mut found = Vec::new();
    for folder in entries {
        let story = folder.join(STORY_FILE);
        let mut sidecar = story.clone().into_os_string();
        sidecar.push(".lock");
        if is_there(Path::new(&sidecar))? {
            found.push(Target::at(story));
        }
    }
    Ok(found)
}

fn show(
    target: &Target,
    lock: &SidecarLock,
    state: &LockState,
    settings: &Settings,
    output: &Output,
) -> Result<(), Failure> {
    let age = age(lock, state, settings);
    if output.is_json() {
        return write_json(to_json(target, lock, state, age));
    }
    let age = age.map_or_else(String::new, |age| format!(", {} ago", rough(age)));
    let text = format!("{}: {}{age}", target.name(), words(state));
    // Names and tokens come from files of others: each stays on its line. JSON has them letter by letter.
    output.line(None, &escape_line(&text))?;
    match state.token() {
        Some(token) => output.line(None, &format!("  token {}", escape_line(token))),
        None => Ok(()),
    }
}

fn name(state: &LockState) -> &'static str {
    match state {
        LockState::Free => "free",
        LockState::Held(_) | LockState::HeldUnreadable => "held",
        LockState::Leftover(_) | LockState::LeftoverUnreadable => "leftover",
        LockState::Foreign(_) => "foreign",
        LockState::Obstructed(_) => "obstructed",
        _ => "unknown",
    }
}

fn words(state: &LockState) -> String {
    match state {
        LockState::Free => "free".to_owned(),
        LockState::Held(holder) => format!("held by {holder}{}", task(holder)),
        LockState::HeldUnreadable => {
            "held by a live process whose record cannot be read".to_owned()
        }
        LockState::Leftover(holder) => {
            format!("left over by a dead process, {holder}{}", task(holder))
        }
        LockState::LeftoverUnreadable => "left over by a dead process".to_owned(),
        LockState::Foreign(foreign) => foreign_lock(foreign),
        LockState::Obstructed(what) => format!("{what} stands at the place of its lock file"),
        _ => "in a state that this version does not know".to_owned(),
    }
}

/// The task that a lock of a tree tells of.
fn task(holder: &Holder) -> String {
    let task = holder.extra.get("task_id").and_then(Value::as_str);
    task.map_or_else(String::new, |task| format!(", task {}", Printable(task)))
}

/// How long ago it was acquired, by the record; for a lock without a readable time, when it was last touched.
fn age(lock: &SidecarLock, state: &LockState, settings: &Settings) -> Option<Duration> {
    match state {
        LockState::Held(holder) | LockState::Leftover(holder) => {
            let acquired_at: jiff::Timestamp = holder.acquired_at.parse().ok()?;
            Duration::try_from(settings.now().duration_since(acquired_at)).ok()
        }
        LockState::HeldUnreadable | LockState::LeftoverUnreadable => {
            let metadata = fs::symlink_metadata(lock.sidecar()).ok()?;
            metadata.modified().ok()?.elapsed().ok()
        }
        // Its words tell its age.
        _ => None,
    }
}

fn to_json(
    target: &Target,
    lock: &SidecarLock,
    state: &LockState,
    age: Option<Duration>,
) -> Map<String, Value> {
    let mut result = json::success_of(target.id.as_deref(), lock.resource());
    let (holder, age, stale_in) = match state {
        LockState::Held(holder) | LockState::Leftover(holder) => (Some(holder), age, None),
        LockState::Foreign(foreign) => (None, Some(foreign.age), Some(foreign.stale_in)),
        _ => (None, age, None),
    };
    let members = [
        ("sidecar", json::text(lock.sidecar())),
        ("state", name(state).into()),
        ("holder", json!(holder)),
        ("token", state.token().into()),
        ("age_ms", age.map(millis).into()),
        ("stale_in_ms", stale_in.map(millis).into()),
    ];
    result.extend(members.map(|(name, value)| (name.to_owned(), value)));
    result
}
