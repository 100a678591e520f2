//! Many processes make stories at once, and some are killed: no id or priority twice, no half story.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use testkit::{Sandbox, SecondProcess};

use crate::support::{PATIENCE, RaiseOnDrop, alone, number_in, story, wait_until_waiting};

const LAST_LINE: &str = "<!-- the end -->\n";

/// Ids that exist elsewhere than in `stories/`.
const ELSEWHERE: [&str; 2] = ["S-0005", "S-0011"];

/// A project without stories in `stories/`, but with two elsewhere.
struct Project {
    sandbox: Sandbox,
    stories: PathBuf,
}

impl Project {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        let stories = sandbox.join(".ai-sdlc/stories");
        fs::create_dir_all(&stories).expect("folders can be made");
        let [archived, branched] = ELSEWHERE;
        sandbox.write(
            ".ai-sdlc/done/01-x.md",
            format!("---\nid: {archived}\npriority: 7\n---\n"),
        );
        let copy = format!(".ai-sdlc/worktrees/{branched}-x/.ai-sdlc/stories/{branched}/story.md");
        sandbox.write(copy, format!("---\nid: {branched}\n---\n"));
        Self { sandbox, stories }
    }

    /// `story new` with a body that is long enough to be seen in part.
    fn new_story(&self) -> Command {
        let body = "The quick brown fox jumps over the lazy dog.\n".repeat(800) + LAST_LINE;
        let mut command = story();
        command.current_dir(self.sandbox.path());
        command.args(["new", "A story", "--timeout", "60s", "--body", &body]);
        command
    }

    fn make(&self) -> String {
        id_of(SecondProcess::spawn(&mut self.new_story()))
    }

    fn lock_path(&self) -> PathBuf {
        self.stories.join(".creation.md.lock")
    }

    /// Holds the lock under which stories are made.
    fn hold(&self) -> SecondProcess {
        let mut command = story();
        command
            .args(["lock", "hold"])
            .arg(self.stories.join(".creation.md"));
        SecondProcess::spawn_ready(&mut command, PATIENCE)
    }

    /// The names in `stories/`.
    fn folders(&self) -> BTreeSet<String> {
        let names = fs::read_dir(&self.stories).expect("stories can be listed");
        names
            .map(|entry| {
                entry
                    .expect("an entry")
                    .file_name()
                    .to_string_lossy()
                    .into_owned()
            })
            .filter(|name| !name.starts_with('.'))
            .collect()
    }

    fn text(&self, id: &str) -> String {
        let path = self.stories.join(id).join("story.md");
        fs::read_to_string(&path).unwrap_or_else(|err| panic!("{} is there: {err}", path.display()))
    }

    /// What lies in the folder of a story.
    fn inside(&self, id: &str) -> Vec<String> {
        let names = fs::read_dir(self.stories.join(id)).expect("a story's folder can be listed");
        names
            .map(|entry| {
                entry
                    .expect("an entry")
                    .file_name()
                    .to_string_lossy()
                    .into_owned()
            })
            .collect()
    }
}

/// The id that a creator printed.
fn id_of(creator: SecondProcess) -> String {
    let finished = creator.wait(PATIENCE);
    assert!(
        finished.status.success(),
        "no creation fails under contention: {finished:?}"
    );
    finished.stdout.trim_end().to_owned()
}

fn assert_whole(id: &str, text: &str) {
    let begins = format!("---\nid: {id}\ntitle: A story\n");
    assert!(
        text.starts_with(&begins) && text.ends_with(LAST_LINE),
        "whoever sees {id} sees all of it: {} bytes, {:.60}",
        text.len(),
        text
    );
}

/// Looks at all stories again and again until `stop`, and says how many looks met one.
fn watch(stories: &Path, stop: &AtomicBool) -> usize {
    let mut seen = 0;
    while !stop.load(Ordering::Relaxed) {
        for entry in fs::read_dir(stories)
            .expect("stories can be listed")
            .flatten()
        {
            if let Ok(text) = fs::read_to_string(entry.path().join("story.md")) {
                assert_whole(&entry.file_name().to_string_lossy(), &text);
                seen += 1;
            }
        }
    }
    seen
}

/// Has `workers` processes make `each` stories one after the other, all beginning at the same moment.
fn make_at_once(workers: usize, each: usize) {
    let project = Project::new();
    // The gate: everybody stands in the queue before the first one may pass.
    let gate = project.hold();
    let first: Vec<_> = (0..workers)
        .map(|_| SecondProcess::spawn(&mut project.new_story()))
        .collect();
    wait_until_waiting(&first, &project.lock_path());
    let stop = AtomicBool::new(false);
    let ids = std::thread::scope(|scope| {
        let _raised = RaiseOnDrop(&stop);
        let watcher = scope.spawn(|| watch(&project.stories, &stop));
        let opened = gate.wait(PATIENCE);
        assert!(opened.status.success(), "the gate opens: {opened:?}");
        let workers: Vec<_> = first
            .into_iter()
            .map(|creator| {
                let project = &project;
                scope.spawn(move || {
                    let rest = (1..each).map(|_| project.make());
                    std::iter::once(id_of(creator))
                        .chain(rest)
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        let ids: Vec<String> = workers
            .into_iter()
            .flat_map(|worker| worker.join().expect("a worker does not panic"))
            .collect();
        stop.store(true, Ordering::Relaxed);
        let seen = watcher
            .join()
            .expect("no reader sees an empty or partial story");
        assert!(seen > 0, "the reader really met stories");
        ids
    });
    let expected = workers * each;
    assert_eq!(ids.len(), expected, "each creation printed an id");
    let told: BTreeSet<String> = ids.into_iter().collect();
    assert_eq!(told.len(), expected, "and no id was printed twice");
    assert_eq!(
        project.folders(),
        told,
        "each is a story, and nothing else is"
    );
    let mut priorities = BTreeSet::new();
    for id in &told {
        let text = project.text(id);
        assert_whole(id, &text);
        priorities.insert(number_in(&text, "priority"));
        assert_eq!(project.inside(id), ["story.md"], "alone in its folder");
    }
    assert_eq!(priorities.len(), expected, "no priority is there twice");
    for id in ELSEWHERE {
        assert!(
            !told.contains(id),
            "{id} exists elsewhere and is not reused"
        );
    }
    let left = testkit::leftovers(project.sandbox.path());
    assert!(left.is_empty(), "nothing is left behind: {left:?}");
}

#[test]
fn eight_processes_make_three_stories_each() {
    let _alone = alone();
    make_at_once(8, 3);
}

#[test]
fn thirty_two_processes_make_five_stories_each() {
    let _alone = alone();
    make_at_once(32, 5);
}

#[test]
fn creators_count_what_was_changed_while_they_waited() {
    let _alone = alone();
    let project = Project::new();
    let story = |folder: &str, id: &str, priority: usize| {
        let text = format!("---\nid: {id}\npriority: {priority}\n---\n");
        let path = format!(".ai-sdlc/stories/{folder}/story.md");
        project.sandbox.write(path, text);
    };
    for number in 20..60 {
        let id = format!("S-00{number}");
        story(&id, &id, number);
    }
    let gate = project.hold();
    let creators: Vec<_> = (0..4)
        .map(|_| SecondProcess::spawn(&mut project.new_story()))
        .collect();
    wait_until_waiting(&creators, &project.lock_path());
    story("S-0030", "S-0060", 5000);
    gate.wait(PATIENCE);
    let ids: BTreeSet<String> = creators.into_iter().map(id_of).collect();
    let expected = ["S-0061", "S-0062", "S-0063", "S-0064"].map(str::to_owned);
    assert_eq!(ids, expected.into(), "an id is given to one story alone");
    let priorities: BTreeSet<_> = ids
        .iter()
        .map(|id| number_in(&project.text(id), "priority"))
        .collect();
    let expected = [5010, 5020, 5030, 5040];
    assert_eq!(priorities, expected.into(), "behind all, and each its own");
}

#[test]
fn creators_without_our_lock_never_get_or_lose_a_story_of_ours() {
    let _alone = alone();
    let project = Project::new();
    let stop = AtomicBool::new(false);
    let (ours, theirs) = std::thread::scope(|scope| {
        let _raised = RaiseOnDrop(&stop);
        // A tool that claims the next number by making its folder, while one of ours is about to.
        let foreign = scope.spawn(|| {
            let mut made = BTreeSet::new();
            let mut number = 12;
            while !stop.load(Ordering::Relaxed) && made.len() < 300 {
                if !project.lock_path().exists() {
                    continue;
                }
                let id = format!("S-{number:04}");
                number += 1;
                let folder = project.stories.join(&id);
                if fs::create_dir(&folder).is_ok() {
                    project.sandbox.write(
                        folder.join("story.md"),
                        format!("---\nid: {id}\n---\nforeign\n"),
                    );
                    made.insert(id);
                }
            }
            made
        });
        let workers: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| (0..5).map(|_| project.make()).collect::<Vec<_>>()))
            .collect();
        let ours: Vec<String> = workers
            .into_iter()
            .flat_map(|worker| worker.join().expect("a worker does not panic"))
            .collect();
        stop.store(true, Ordering::Relaxed);
        (ours, foreign.join().expect("it does not panic"))
    });
    assert!(
        theirs.len() > 20,
        "there was another creator: {}",
        theirs.len()
    );
    assert_eq!(
        ours.iter().collect::<BTreeSet<_>>().len(),
        20,
        "our ids are 20"
    );
    for id in &ours {
        assert!(!theirs.contains(id), "{id} belongs to one alone");
        assert_whole(id, &project.text(id));
    }
    for id in &theirs {
        assert!(
            project.text(id).ends_with("foreign\n"),
            "{id} is what they made of it"
        );
    }
}

/// Starts a creator and kills it at the first moment at which its folder is there; says whether that was in between.
fn killed_in_between(project: &Project) -> bool {
    let before = project.folders();
    let mut victim = SecondProcess::spawn(&mut project.new_story());
    let deadline = Instant::now() + PATIENCE;
    // Not `wait_until`: its pause would be longer than the moment that is looked for.
    while project.folders() == before && !victim.has_ended() {
        assert!(Instant::now() < deadline, "a creator makes its folder");
    }
    victim.kill_9();
    let made: Vec<_> = project.folders().difference(&before).cloned().collect();
    made.iter().any(|id| project.inside(id).is_empty())
}

#[test]
fn killed_creators_leave_no_half_story_and_others_go_on() {
    let _alone = alone();
    let project = Project::new();
    let mut ids = BTreeSet::new();
    let mut in_between = 0;
    for round in 0..200 {
        in_between += usize::from(killed_in_between(&project));
        // One beside it that is killed earlier, by and by at each stage, and one that comes after.
        let other = SecondProcess::spawn(&mut project.new_story());
        let moment = Instant::now();
        while moment.elapsed().as_micros() < round * 150 {
            std::hint::spin_loop();
        }
        other.kill_9();
        assert!(
            ids.insert(project.make()),
            "the next one gets an id of its own"
        );
        if in_between >= 3 && round >= 40 {
            break;
        }
    }
    assert!(in_between > 0, "some were killed between folder and file");
    for id in project.folders() {
        match project.inside(&id).as_slice() {
            [] => assert!(
                !ids.contains(&id),
                "an empty folder was never told as a story"
            ),
            [one] if one == "story.md" => assert_whole(&id, &project.text(&id)),
            other => panic!("{id} holds a story or nothing: {other:?}"),
        }
    }
    let mut list = story();
    list.current_dir(project.sandbox.path())
        .args(["doctor", "--json"]);
    let told = crate::support::run(&mut list);
    assert!(
        told.stdout.contains("holds no story.md"),
        "doctor tells what was left: {told:?}"
    );
}

/// Moves a story to a legacy folder and kills that at the first moment at which the new file is there; says whether both
/// files were left.
fn killed_while_moving() -> bool {
    let project = Project::new();
    let text = format!("---\nid: S-0034\nslug: x\n---\n{LAST_LINE}");
    let old = project
        .sandbox
        .write(".ai-sdlc/stories/S-0034/story.md", &text);
    let new = project.sandbox.join(".ai-sdlc/ready/01-x.md");
    let mut command = story();
    command.current_dir(project.sandbox.path());
    let mut victim = SecondProcess::spawn(command.args(["move", "S-0034", "ready"]));
    let deadline = Instant::now() + PATIENCE;
    while !new.exists() && !victim.has_ended() {
        assert!(Instant::now() < deadline, "a move makes the new file");
    }
    victim.kill_9();
    let found = [&old, &new].map(|path| fs::read_to_string(path).ok());
    for text in found.iter().flatten() {
        assert!(text.ends_with(LAST_LINE), "what is there is whole: {text}");
    }
    assert!(found.iter().any(Option::is_some), "never neither is there");
    found.iter().all(Option::is_some)
}

#[test]
fn killed_move_leaves_both_files_or_one_but_never_none() {
    let _alone = alone();
    let mut both = 0;
    for round in 0..200 {
        both += usize::from(killed_while_moving());
        if both >= 3 && round >= 20 {
            break;
        }
    }
    assert!(both > 0, "some were killed between the two steps");
}

#[test]
fn stories_that_move_at_once_get_numbers_of_their_own() {
    let _alone = alone();
    let project = Project::new();
    let ready = project.sandbox.join(".ai-sdlc/ready");
    fs::create_dir_all(&ready).expect("a folder can be made");
    let mut command = story();
    command
        .args(["lock", "hold"])
        .arg(ready.join(".creation.md"));
    let holder = SecondProcess::spawn_ready(&mut command, PATIENCE);
    let movers: Vec<_> = (1..=6)
        .map(|number| {
            let id = format!("S-{number:04}");
            project.sandbox.write(
                format!(".ai-sdlc/stories/{id}/story.md"),
                format!("---\nid: {id}\nslug: s{number}\n---\n"),
            );
            let mut command = story();
            command.current_dir(project.sandbox.path());
            command.args(["move", &id, "ready", "--timeout", "60s"]);
            SecondProcess::spawn(&mut command)
        })
        .collect();
    wait_until_waiting(&movers, &ready.join(".creation.md.lock"));
    holder.wait(PATIENCE);
    for mover in movers {
        let finished = mover.wait(PATIENCE);
        assert!(finished.status.success(), "each is moved: {finished:?}");
    }
    let names = fs::read_dir(&ready).expect("it can be listed");
    let numbers: BTreeSet<String> = names
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy()[..2].to_owned())
        .collect();
    let expected = ["01", "02", "03", "04", "05", "06"].map(str::to_owned);
    assert_eq!(
        numbers,
        expected.into(),
        "the number is the priority: none is given twice"
    );
}
