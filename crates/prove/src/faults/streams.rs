//! Results and messages that cannot be written: standard output, standard error or both are full.

use super::crew::each;
use super::judge::{after_kill, said};
use super::place::{ID, Place, finish};
use super::scene::{
    APPLY, Aim, DOCTOR, DOCTOR_FIX, Ended, GET, GET_LOCKED, INIT, LOCK_BREAK, LOCK_HOLD, LOCK_RUN,
    LOCK_STATUS, SET, SET_JSON, SHOW, Scene,
};
use crate::case::{Skip, Tally};
use crate::context::{Context, need_programs};
use crate::share::Point;

/// A verb, and how it ends.
struct Verb {
    scene: Scene,
    /// The exit code when all can be written.
    exit: i32,
    /// The exit code when standard output is full.
    when_full: i32,
}

impl Point for (&Verb, (&str, bool)) {}

/// What is full, as a shell says it, and whether standard output is among it.
const STREAMS: [(&str, bool); 4] = [
    ("", false),
    ("2>/dev/full", false),
    (">/dev/full", true),
    (">/dev/full 2>&1", true),
];

/// A verb that prints a result: with 8 it says that this was not possible.
const fn prints(scene: Scene) -> Verb {
    ends(scene, 0, 8)
}

/// A verb whose words go to standard error, which nobody has to read.
const fn is_silent(scene: Scene) -> Verb {
    ends(scene, 0, 0)
}

/// A verb that changes something and prints a result: with 9 it says that the change is there.
const fn reports_a_change(scene: Scene) -> Verb {
    ends(scene, 0, 9)
}

const fn ends(scene: Scene, exit: i32, when_full: i32) -> Verb {
    Verb {
        scene,
        exit,
        when_full,
    }
}

/// A command that leaves the story as it is.
const fn plain(command: &'static [&'static str]) -> Scene {
    Scene {
        command,
        aim: Aim::Nothing,
        ..SET
    }
}

const VERBS: [Verb; 28] = [
    prints(GET),
    prints(GET_LOCKED),
    prints(SHOW),
    is_silent(SET),
    reports_a_change(SET_JSON),
    reports_a_change(APPLY),
    prints(LOCK_STATUS),
    // There is none.
    is_silent(plain(&["STORY", "lock", "status"])),
    prints(plain(&["STORY", "lock", "status", ID, "--json"])),
    prints(LOCK_HOLD),
    prints(plain(&["STORY", "lock", "hold", ID, "--json"])),
    is_silent(LOCK_RUN),
    // The exit code is that of the command.
    ends(
        plain(&["STORY", "lock", "run", ID, "--", "echo", "words"]),
        0,
        1,
    ),
    reports_a_change(Scene {
        command: &[
            "STORY",
            "lock",
            "run",
            ID,
            "--",
            "STORY",
            "set",
            ID,
            "--inc",
            "retry_count",
            "--json",
        ],
        ..SET
    }),
    is_silent(LOCK_BREAK),
    reports_a_change(Scene {
        command: &["STORY", "lock", "break", ID, "--token", "TOKEN", "--json"],
        ..LOCK_BREAK
    }),
    // It finds what is left over.
    ends(DOCTOR, 1, 8),
    is_silent(plain(&["STORY", "doctor"])),
    prints(plain(&["STORY", "doctor", "--json"])),
    // What it says is its result; to mend again harms nothing.
    prints(DOCTOR_FIX),
    is_silent(INIT),
    reports_a_change(Scene {
        command: &["STORY", "init", "--json"],
        ..INIT
    }),
    prints(plain(&["STORY", "completions", "bash"])),
    prints(plain(&["STORY", "man"])),
    prints(plain(&["STORY", "--help"])),
    prints(plain(&["STORY", "--version"])),
    // There is no such story; there is no such verb.
    ends(plain(&["STORY", "set", "S-9", "a=b", "--json"]), 3, 3),
    ends(plain(&["STORY", "nonsense"]), 2, 2),
];

/// Runs every verb with each of its streams full: no panic, the documented exit code, and the change is there or not.
pub fn full(context: &Context) -> Result<Tally, Skip> {
    need_programs(&["sh", "git"])?;
    let points: Vec<_> = VERBS
        .iter()
        .flat_map(|verb| STREAMS.map(|streams| (verb, streams)))
        .collect();
    each(context, "full output", &points, |place, (verb, streams)| {
        Some(written_to(place, verb, *streams))
    })
}

fn written_to(
    place: &Place,
    verb: &Verb,
    (redirections, is_full): (&str, bool),
) -> Result<&'static str, String> {
    let scene = &verb.scene;
    let before = scene.prepare(place);
    let ended = Ended {
        before,
        finished: finish(&mut place.redirected(redirections, &scene.command[1..])),
        others_counted: 0,
    };
    let finished = &ended.finished;
    let expected = if is_full { verb.when_full } else { verb.exit };
    let judged = if finished.stderr.contains("panicked") {
        Err("it panicked".to_owned())
    } else if finished.status.code() != Some(expected) {
        Err(format!("exit {expected} is right"))
    } else {
        effect(scene, place, &ended, expected)
    };
    judged.map_err(|wrong| {
        let command = scene.command.join(" ");
        format!("{command} {redirections}: {wrong}: {}", said(finished))
    })
}

/// Whether what the exit code says of the change is so, and everything goes on.
fn effect(scene: &Scene, place: &Place, ended: &Ended, exit: i32) -> Result<&'static str, String> {
    let is_locked = place.sidecar().exists();
    let then = after_kill(scene, place, ended)?;
    match (scene.aim, then) {
        (Aim::Counts(_) | Aim::Rules, "old") => Err("the change is not there".to_owned()),
        (Aim::Breaks, _) if is_locked => Err("the lock is still there".to_owned()),
        _ if exit == 9 => Ok("done, not told"),
        _ if exit == 0 => Ok("done"),
        _ => Ok("refused"),
    }
}
