//! What must be true after a command was killed, or one of its calls failed.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;

use testkit::Finished;

use super::place::{Author, ID, Place, Version, finish};
use super::scene::{Aim, Ended, PERSONS, RULES_BEFORE, Scene};

/// What is added to a person's `.gitignore`.
const RULES_ADDED: &str = "# Locks and temporary files of `story`\n*.md.lock\n.*.atomic-tmp\n.*.lock-tmp\n.devs-state.lock\n.workflow-state.json.lock\n.devs.db*\n*.json.lock\n*.log.lock\n.state-pending/\n**/.ai-sdlc/journal/\n**/.ai-sdlc/locks/\n**/.ai-sdlc/locks.lock\n**/.ai-sdlc/leases.db*\n";

/// Who takes away what is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Litter {
    /// The next run of the same command.
    IsSwept,
    /// `story doctor --fix`.
    IsMended,
}

/// Judges what a kill left: the old version or the new one, and everything goes on at once.
pub fn after_kill(scene: &Scene, place: &Place, ended: &Ended) -> Result<&'static str, String> {
    if matches!(scene.aim, Aim::Rules) {
        return after_init(place, Litter::IsSwept);
    }
    let now = place.version()?;
    let told = match counts(scene.aim) {
        0 => 0,
        _ => acknowledged(&ended.finished),
    };
    let least = ended.before.plus(ended.others_counted + told);
    let most = ended.before.plus(ended.others_counted + counts(scene.aim));
    let ours = now.author == Author::Us && (least.count..=most.count).contains(&now.count);
    let persons = involves_a_person(scene.aim)
        && (now == PERSONS || now == PERSONS.plus(1) && counts(scene.aim) == 1);
    if !(ours || persons) {
        return Err(format!(
            "the story is {now:?}, neither old nor new ({least:?} to {most:?})"
        ));
    }
    let word = if now == ended.before { "old" } else { "new" };
    goes_on(scene, place, now)?;
    let litter = place.leftovers()?;
    let litter: Vec<_> = litter
        .iter()
        .filter(|name| !is_rescue_of_the_person(scene, place, name))
        .collect();
    if !litter.is_empty() {
        return Err(format!("{word}: the next update does not sweep {litter:?}"));
    }
    if involves_a_person(scene.aim) {
        accept_the_person(place);
    }
    all_is_well(place, litter.len())?;
    Ok(word)
}

/// Judges what a failing call led to: the answer is right, and everything goes on.
pub fn after_error(
    scene: &Scene,
    place: &Place,
    ended: &Ended,
    must_succeed: bool,
) -> Result<&'static str, String> {
    let finished = &ended.finished;
    let exit = documented(finished)?;
    if must_succeed && exit != i32::from(finds_something(scene)) {
        return Err(format!("EINTR is not retried: {}", said(finished)));
    }
    right_answer(scene, place, ended, exit)?;
    if exit != 0 && !names_a_file(finished) {
        return Err(format!("the error names no file: {}", said(finished)));
    }
    if matches!(scene.aim, Aim::Rules) {
        after_init(place, Litter::IsMended)?;
    } else {
        let now = place.version()?;
        goes_on(scene, place, now)?;
        finish(&mut place.story(&["doctor", "--fix"]));
        all_is_well(place, place.leftovers()?.len())?;
    }
    Ok(match exit {
        0 => "done",
        9 => "committed, not durable",
        _ => "refused",
    })
}

/// Whether it ends with 1 because it finds what is there to be found.
fn finds_something(scene: &Scene) -> bool {
    scene.command == ["STORY", "doctor"]
}

/// The exit code, if it is one that a failing call may lead to.
pub fn documented(finished: &Finished) -> Result<i32, String> {
    if finished.stderr.contains("panicked") {
        return Err(format!("it panicked: {}", said(finished)));
    }
    match finished.status.code() {
        // Nothing is missing, locked, malformed or refused in these scenes: other codes would be wrong answers.
        Some(code @ (0 | 1 | 8 | 9)) => Ok(code),
        Some(code) => Err(format!("exit {code} is no true answer: {}", said(finished))),
        None => Err(format!(
            "it died of signal {:?}: {}",
            finished.status.signal(),
            said(finished)
        )),
    }
}

fn right_answer(scene: &Scene, place: &Place, ended: &Ended, exit: i32) -> Result<(), String> {
    let finished = &ended.finished;
    let wrong = |what: &str| Err(format!("exit {exit}, but {what}: {}", said(finished)));
    if exit == 9 && !finished.stderr.contains("committed") {
        return wrong("it does not say that it is committed");
    }
    let counted = |now: Version| {
        now.count
            .checked_sub(ended.before.count + ended.others_counted)
    };
    match scene.aim {
        Aim::Counts(all) => {
            let now = place.version()?;
            let told = acknowledged(finished);
            let is_right = now.author == ended.before.author
                && match (exit, counted(now)) {
                    (0, Some(done)) => done == all,
                    (9, Some(done)) => done >= told.max(1) && done <= all,
                    (_, Some(done)) => done == told,
                    (_, None) => false,
                };
            if is_right {
                Ok(())
            } else {
                wrong(&format!("the story is {now:?}"))
            }
        }
        Aim::RunsACount => match (exit, counted(place.version()?)) {
            (0 | 9, Some(1)) => Ok(()),
            (code, Some(0 | 1)) if code != 0 => Ok(()),
            (_, done) => wrong(&format!("the story was counted up {done:?} times")),
        },
        Aim::Breaks => match (exit, place.sidecar().exists()) {
            (0 | 9, false) | (1 | 8, true) => Ok(()),
            (_, there) => wrong(&format!("the lock is there: {there}")),
        },
        Aim::Says(right) if exit == 0 && !right(finished) => wrong("what it says is not so"),
        Aim::Nothing | Aim::Says(_)
            if place.version()? != ended.before.plus(ended.others_counted) =>
        {
            wrong("the story was changed")
        }
        Aim::CountsAfterThePerson if exit == 0 && place.version()? != PERSONS.plus(1) => {
            // It may go on without what could not be brought back, if it says so and keeps it.
            let is_told = ["was not looked at", "was kept as"]
                .iter()
                .any(|words| finished.stderr.contains(words));
            if is_told && keeps_the_persons(place)? {
                return Ok(());
            }
            wrong(&format!("the story is {:?}", place.version()?))
        }
        Aim::CountsAfterThePerson
            if exit != 9 && exit != 0 && place.version()? == PERSONS.plus(1) =>
        {
            wrong("the story was counted up")
        }
        _ => Ok(()),
    }
}

/// The next update succeeds without waiting, and what a person saved is not lost.
fn goes_on(scene: &Scene, place: &Place, now: Version) -> Result<(), String> {
    let next = finish(&mut place.story(&["set", ID, "--inc", "retry_count", "--timeout", "0"]));
    if !next.status.success() {
        return Err(format!(
            "the next update does not succeed at once: {}",
            said(&next)
        ));
    }
    let then = place.version()?;
    let person_is_back = involves_a_person(scene.aim) && then == PERSONS.plus(1);
    if then != now.plus(1) && !person_is_back {
        return Err(format!("after {now:?} the next update makes {then:?}"));
    }
    if involves_a_person(scene.aim) && then.author != Author::Person && !keeps_the_persons(place)? {
        return Err(format!(
            "the person's version is lost: the story is {then:?}"
        ));
    }
    Ok(())
}

/// What a person saved has no line in the journal: doctor may say so, and accepts it when it is told to. Whatever else it
/// finds is left for the look at whether all is well.
fn accept_the_person(place: &Place) {
    let doctor = finish(&mut place.story(&["doctor"]));
    let mut findings = doctor.stdout.lines();
    let is_fine = doctor.status.success()
        && findings.all(|line| line.contains("changed without a line in its journal"));
    if is_fine {
        finish(&mut place.story(&["doctor", "--fix"]));
    }
}

fn all_is_well(place: &Place, copies_to_look_at: usize) -> Result<(), String> {
    let doctor = finish(&mut place.story(&["doctor"]));
    let is_well = doctor.status.success() && doctor.stderr.trim() == "all is well";
    if is_well || copies_to_look_at > 0 {
        return Ok(());
    }
    Err(format!("afterwards doctor finds: {}", said(&doctor)))
}

/// A person's `.gitignore` is as it was or complete, and the next `init` completes it at once.
fn after_init(place: &Place, litter: Litter) -> Result<&'static str, String> {
    let rules = || fs::read_to_string(place.root.join(".gitignore")).unwrap_or_default();
    let complete = format!("{RULES_BEFORE}{RULES_ADDED}");
    let word = match rules() {
        now if now == RULES_BEFORE => "old",
        now if now == complete => "new",
        other => return Err(format!(".gitignore is neither old nor new: {other:?}")),
    };
    let next = finish(&mut place.story(&["init", "--timeout", "0"]));
    if !next.status.success() || rules() != complete {
        return Err(format!(
            "the next init does not succeed at once: {}",
            said(&next)
        ));
    }
    if litter == Litter::IsMended {
        finish(&mut place.story(&["doctor", "--fix"]));
    }
    let entries = fs::read_dir(&place.root).map_err(|err| err.to_string())?;
    let mut names: Vec<_> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| ![".ai-sdlc", ".git", ".gitignore"].contains(&name.as_str()))
        .collect();
    names.sort();
    if !names.is_empty() {
        return Err(format!("{word}: the next init does not sweep {names:?}"));
    }
    all_is_well(place, 0)?;
    Ok(word)
}

fn counts(aim: Aim) -> u32 {
    match aim {
        Aim::Counts(all) => all,
        Aim::RunsACount | Aim::CountsAfterThePerson => 1,
        _ => 0,
    }
}

fn involves_a_person(aim: Aim) -> bool {
    matches!(aim, Aim::CountsAfterThePerson | Aim::BringsBackThePerson)
}

fn is_rescue_of_the_person(scene: &Scene, place: &Place, name: &str) -> bool {
    involves_a_person(scene.aim)
        && name.ends_with(".rescued")
        && fs::read_to_string(place.folder().join(name)).is_ok_and(|text| text == PERSONS.text())
}

/// Whether what the person saved lies beside the story.
fn keeps_the_persons(place: &Place) -> Result<bool, String> {
    let text = PERSONS.text();
    let is_it = |name: &String| {
        fs::read_to_string(place.folder().join(name)).is_ok_and(|found| found == text)
    };
    Ok(place.leftovers()?.iter().any(is_it))
}

/// How many changes the command has said to be done.
fn acknowledged(finished: &Finished) -> u32 {
    let count = |text: &str, words: &str| text.matches(words).count();
    let on_stderr = count(&finished.stderr, ": changed retry_count");
    let on_stdout = count(&finished.stdout, "\"ok\":true");
    u32::try_from(on_stderr.max(on_stdout)).unwrap_or(u32::MAX)
}

/// Whether its words say which file or stream they are about.
pub fn names_a_file(finished: &Finished) -> bool {
    [
        ID,
        "story.md",
        ".ai-sdlc",
        ".git",
        "requests.jsonl",
        "body.md",
        "locks",
        "leases.db",
        "a.txt",
        "new.txt",
        "wanted.txt",
        // The project's own folder.
        "/project",
        "working folder",
        "standard output",
        "standard input",
        // The command of `lock run`.
        "cannot run ",
    ]
    .iter()
    .any(|name| finished.stderr.contains(name) || finished.stdout.contains(name))
}

/// What a command said, on one line.
pub fn said(finished: &Finished) -> String {
    let line = |text: &str| text.trim().replace('\n', " | ");
    format!(
        "{}; stderr: {:.300}; stdout: {:.200}",
        finished.status,
        line(&finished.stderr),
        line(&finished.stdout)
    )
}
