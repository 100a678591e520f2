//! `story tasks claim` and `done` that are killed, or one of whose calls fails: the board and the metrics are both old or both
//! new, at the latest after the next command.

use std::fs;

use testkit::Finished;

use crate::faults::judge::said;
use crate::faults::operation::{Judged, Operation, all_is_well, word_of};
use crate::faults::place::{Place, finish};
use crate::faults::scene::{Aim, SET, Scene};
use crate::state_files::{BOARD, Bench, CLAIM, Change, DONE, FIRST_TASK, Left, NOW, beside};

/// A claim of the next task.
pub const CLAIMED: Operation = Operation {
    scene: Scene {
        command: &[
            "STORY",
            "tasks",
            "claim",
            "--as",
            "a",
            "--now",
            NOW,
            "--timeout",
            "1s",
            "--json",
        ],
        before: |place| bench(place, &CLAIM).renew(),
        aim: Aim::Nothing,
        ..SET
    },
    after_kill: |place, finished| judged_after_kill(place, finished, &CLAIM),
    after_error: |place, finished, exit| judged_after_error(place, finished, exit, &CLAIM),
};

/// The end of a task that was claimed.
pub const COMPLETED: Operation = Operation {
    scene: Scene {
        command: &[
            "STORY",
            "tasks",
            "done",
            FIRST_TASK,
            "--as",
            "a",
            "--now",
            NOW,
            "--timeout",
            "1s",
            "--json",
        ],
        before: |place| bench(place, &DONE).renew(),
        ..CLAIMED.scene
    },
    after_kill: |place, finished| judged_after_kill(place, finished, &DONE),
    after_error: |place, finished, exit| judged_after_error(place, finished, exit, &DONE),
};

/// A program that copies the new versions of both files over the old ones: what comes of it when it is killed between them
/// must be seen. (Negative control.)
pub const COPIED: Operation = Operation {
    scene: Scene {
        command: &[
            "cp",
            "new/tasks.json",
            "new/agent-performance-metrics.json",
            ".ai-sdlc",
        ],
        before: |place| {
            bench(place, &CLAIM).renew();
            let new = place.scratch("board").join(CLAIM.name).join("new");
            fs::create_dir_all(place.root.join("new")).expect("the build folder can be written");
            for name in BOARD {
                fs::copy(new.join(name), place.root.join("new").join(name))
                    .expect("the build folder can be written");
            }
        },
        ..CLAIMED.scene
    },
    ..CLAIMED
};

fn bench<'a>(place: &'a Place, change: &'a Change) -> Bench<'a> {
    Bench {
        root: place.root.join(".ai-sdlc"),
        kept: place.scratch("board"),
        story: Box::new(|| place.story(&[])),
        change,
    }
}

fn judged_after_kill(place: &Place, finished: &Finished, change: &Change) -> Judged {
    let left = bench(place, change).judge(&finished.stdout)?;
    is_tidy(place)?;
    Ok(match left {
        Left::Old => "old",
        Left::New => "new",
        Left::Decided => "new, finished by the next",
    })
}

fn judged_after_error(place: &Place, finished: &Finished, exit: i32, change: &Change) -> Judged {
    let left = bench(place, change).judge(&finished.stdout)?;
    if !matches!(
        (exit, left),
        (0 | 9, Left::New | Left::Decided) | (1 | 8, Left::Old)
    ) {
        return Err(format!("no true answer: {left:?} after {}", said(finished)));
    }
    finish(&mut place.story(&["doctor", "--fix"]));
    is_tidy(place)?;
    Ok(word_of(exit))
}

/// Nothing lies beside the two files, and `story doctor` finds nothing.
fn is_tidy(place: &Place) -> Result<(), String> {
    let names = beside(&place.root.join(".ai-sdlc"), &BOARD);
    if names.is_empty() {
        return all_is_well(place);
    }
    Err(format!("left behind: {names:?}"))
}
