//! A story's folder that is moved away, and a link or another folder put in its place, while `story` is at work in it.
//!
//! The program is stopped after each of its system calls, from the one that has resolved the path; the folders change
//! places; it goes on. What it then does is done in the folder that it has locked, or refused.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::fs::{CWD, renameat};
use rustix::process::{Pid, Signal, kill_process};
use testkit::{Finished, SecondProcess, without_settings};

use crate::case::{Skip, Tally};
use crate::context::{Context, need_programs};
use crate::faults::calls::{Call, calls};
use crate::hostile::ground::{Ground, STORY, Snapshot};

/// Far more than any point takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// What takes the place of the story's folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stranger {
    /// A symbolic link to a folder outside.
    Link,
    /// The folder itself.
    Folder,
}

/// What is tried.
struct Verb {
    arguments: &'static [&'static str],
    /// What the story says after it.
    new: &'static str,
}

/// At each call of an update, and of a command under a lock, with a link and with another folder.
pub fn under_an_update(context: &Context) -> Result<Tally, Skip> {
    need_programs(&["strace"])?;
    let incremented = STORY.replace("\nn: 1\n", "\nn: 2\n");
    let verbs = [
        Verb {
            arguments: &["set", "--timeout", "300", "S-1", "--inc", "n"],
            new: incremented.leak(),
        },
        Verb {
            arguments: &["lock", "run", "--timeout", "300", "S-1", "--", "true"],
            new: STORY,
        },
    ];
    let home = context.folder("swapped");
    let mut tally = Tally::default();
    let mut done = 0;
    for verb in verbs {
        let trace = undisturbed(context, &home, &verb)?;
        for stranger in [Stranger::Link, Stranger::Folder] {
            for call in after_the_path_is_resolved(&trace, stranger) {
                let scene = Scene::new(context, &home, stranger);
                let Some(outcome) = scene.run(context, &verb, &call) else {
                    continue;
                };
                done += u64::from(outcome == Ok(0));
                let outcome = outcome.map(|_| ()).map_err(|wrong| {
                    let words = verb.arguments.join(" ");
                    let Call { name, number, .. } = &call;
                    format!("story {words}: {stranger:?} after {name} number {number}: {wrong}")
                });
                tally.point(outcome);
            }
        }
    }
    tally.note = format!("{done} done in the folder that was locked, the others refused");
    Ok(tally)
}

/// The calls of a run that nobody disturbs.
fn undisturbed(context: &Context, home: &Path, verb: &Verb) -> Result<Vec<Call>, Skip> {
    let ground = Ground::new(context, home);
    let trace = home.join("trace");
    let output = strace(context, &ground, verb, &trace, &[])
        .output()
        .map_err(|err| Skip::because(format!("strace does not start: {err}")))?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(Skip::because(format!("cannot trace: {words}")));
    }
    Ok(calls(&fs::read_to_string(trace).unwrap_or_default()))
}

fn strace(context: &Context, ground: &Ground, verb: &Verb, trace: &Path, more: &[&str]) -> Command {
    let mut command = Command::new("strace");
    command
        .arg("-o")
        .arg(trace)
        .args(more)
        .arg(&context.story)
        .args(verb.arguments)
        .current_dir(&ground.project);
    without_settings(&mut command);
    command
}

/// From where on nobody else's link may be followed: the path was seen to have none. From where on no other folder may be
/// taken for the story's: it is open. The first two calls of `openat2` are these two.
fn after_the_path_is_resolved(calls: &[Call], stranger: Stranger) -> Vec<Call> {
    let mut opens = (0..calls.len()).filter(|at| calls[*at].name == "openat2");
    let (resolved, opened) = (opens.next(), opens.next());
    let first = match stranger {
        Stranger::Link => resolved,
        Stranger::Folder => opened,
    };
    let stops = |call: &&Call| !matches!(call.name.as_str(), "exit" | "exit_group");
    let first = first.unwrap_or(calls.len());
    calls[first..].iter().filter(stops).cloned().collect()
}

/// A story's folder, and what will take its place.
struct Scene {
    ground: Ground,
    stranger: Stranger,
    moved: PathBuf,
    canary: PathBuf,
    trace: PathBuf,
}

impl Scene {
    fn new(context: &Context, home: &Path, stranger: Stranger) -> Self {
        let ground = Ground::new(context, home);
        Self {
            moved: ground.folder.with_file_name("moved"),
            canary: match stranger {
                Stranger::Link => ground.outside.join("folder"),
                Stranger::Folder => ground.folder.clone(),
            },
            trace: home.join("trace"),
            ground,
            stranger,
        }
    }

    /// Stops the run after `call`, changes the folders, and lets it go on. Returns its exit code, or what was wrong;
    /// nothing where this run came to no such call.
    fn run(&self, context: &Context, verb: &Verb, call: &Call) -> Option<Result<i32, String>> {
        let stop = format!("inject={}:signal=STOP:when={}", call.name, call.number);
        let more = ["-e", stop.as_str()];
        fs::remove_file(&self.trace).ok();
        let mut run =
            SecondProcess::spawn(&mut strace(context, &self.ground, verb, &self.trace, &more));
        let Some(stopped) = self.wait_for_stop(&mut run) else {
            run.wait(PATIENCE);
            return None;
        };
        self.swap();
        let before = Snapshot::take(&self.canary);
        kill_process(stopped, Signal::CONT).expect("it is ours, and stopped");
        let finished = run.wait(PATIENCE);
        Some(self.check(verb, &before, &finished))
    }

    /// The stopped process; `None` when it ended instead.
    fn wait_for_stop(&self, run: &mut SecondProcess) -> Option<Pid> {
        let begun = Instant::now();
        loop {
            // Written by strace when the whole process has stopped: single threads stop at every call.
            let trace = fs::read_to_string(&self.trace).unwrap_or_default();
            if trace.contains("stopped by SIGSTOP") {
                return child_of(run.id());
            }
            if run.has_ended() {
                return None;
            }
            assert!(begun.elapsed() < PATIENCE, "neither stopped nor ended");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn swap(&self) {
        let folder = &self.ground.folder;
        renameat(CWD, folder, CWD, &self.moved).expect("the story's folder can be moved");
        let outside = self.ground.outside.join("folder");
        let placed = match self.stranger {
            Stranger::Link => symlink(outside, folder),
            Stranger::Folder => renameat(CWD, outside, CWD, folder).map_err(Into::into),
        };
        placed.expect("its place is free");
    }

    fn check(&self, verb: &Verb, before: &Snapshot, finished: &Finished) -> Result<i32, String> {
        let words = || format!("{}: {:?}", finished.status, finished.stderr);
        before.check(&Snapshot::take(&self.canary))?;
        if self.stranger == Stranger::Link {
            self.ground.check_outside()?;
        }
        let exit = match finished.status.code() {
            Some(exit @ 0..=9) if !finished.stderr.contains("panicked") => exit,
            _ => return Err(format!("no answer of ours: {}", words())),
        };
        // 9: committed, but not known to be durable.
        let expected = if matches!(exit, 0 | 9) {
            verb.new
        } else {
            STORY
        };
        let left = fs::read_to_string(self.moved.join("story.md"));
        if !left.as_ref().is_ok_and(|left| left == expected) {
            return Err(format!("the story that was moved is {left:?}: {}", words()));
        }
        let names = names(&self.moved);
        if names != ["story.md"] {
            return Err(format!("left in the folder: {names:?}: {}", words()));
        }
        Ok(exit)
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("the folder can be listed");
    entries
        .map(|entry| entry.expect("the folder can be listed").file_name())
        .map(|name| name.to_string_lossy().into_owned())
        .collect()
}

/// The process that strace runs.
fn child_of(strace: u32) -> Option<Pid> {
    let children = fs::read_to_string(format!("/proc/{strace}/task/{strace}/children")).ok()?;
    Pid::from_raw(children.split_whitespace().next()?.parse().ok()?)
}
