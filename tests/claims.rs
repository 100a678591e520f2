//! Many workers share out stories: each is claimed once, in an order that respects dependencies, and a dead worker only
//! delays its story.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use testkit::{Sandbox, SecondProcess, wait_until, without_settings};

use crate::support::{Content, PATIENCE, StoryBox, alone, json, run, story, wait_until_waiting};

/// When these boards live: claims last an hour from then, unless `--now` says that it is later.
const NOON: &str = "2026-03-04T12:00:00Z";
const AFTER_THE_LEASE: &str = "2026-03-04T13:00:00.001Z";

/// A worker: claims the next story, notes what it does in one journal, finishes the story on the condition that the claim is
/// still its own, gives the claim back. It ends when nothing is ready and that will not change by itself, or when it is
/// told to stop.
const WORKER: &str = r#"
while :; do
  if answer=$("$STORY" claim --next --as "$NAME" --lease 1h --now "$NOW" --timeout 60s --json -v 2>>"$NAME.err"); then
    id=${answer#*\"story\":\"}; id=${id%%\"*}
    token=${answer#*\"claim_token\":\"}; token=${token%%\"*}
    for other in $("$STORY" get "$id" dependencies 2>/dev/null | tr -d '[]",'); do
      [ "$("$STORY" get "$other" status)" = done ] || echo "early $id $NAME" >>journal
    done
    echo "claimed $id $NAME" >>journal
    if [ "$NAME" = victim ]; then echo "CLAIMED $id"; read -r forever; fi
    echo "finishing $id $NAME" >>journal
    "$STORY" set "$id" status=done implementation_complete=true reviews_complete=true --inc times_done \
      --if "claim_token=$token" --timeout 60s -q || { echo "failed-set $id $NAME" >>journal; exit 1; }
    "$STORY" release "$id" --token "$token" --timeout 60s -q || { echo "failed-release $id $NAME" >>journal; exit 1; }
    echo "released $id $NAME" >>journal
  else
    code=$?
    [ $code = 3 ] || { echo "failed-claim $code $NAME" >>journal; exit 1; }
    [ -e stop ] && exit 0
    case $answer in *'"retryable":true'*) sleep 0.05 ;; *) exit 0 ;; esac
  fi
done
"#;

/// A board in a sandbox.
struct Board {
    sandbox: Sandbox,
    dependencies: BTreeMap<String, Vec<String>>,
}

impl Board {
    /// Ready stories in layers of `width`. Each depends on two of the layer below, which stand *behind* it on the board:
    /// whoever takes the board's order alone begins with the wrong end.
    fn new(layers: usize, width: usize) -> Self {
        let sandbox = Sandbox::new();
        let mut all = BTreeMap::new();
        for number in 0..layers * width {
            let (layer, place) = (number / width, number % width);
            let below = |place: usize| format!("S-{:04}", (layer - 1) * width + place % width + 1);
            let dependencies = match layer {
                0 => Vec::new(),
                _ => vec![below(place), below(place + 1)],
            };
            let id = format!("S-{:04}", number + 1);
            let text = format!(
                "---\nid: {id}\nstatus: ready # go\npriority: {}\ncreated: '2026-01-15'\nupdated: '2026-01-15'\ndependencies: [{}]\n---\n\n# {id}\n",
                (layers - layer) * 10,
                dependencies.join(", "),
            );
            sandbox.write(format!(".ai-sdlc/stories/{id}/story.md"), text);
            all.insert(id, dependencies);
        }
        sandbox.write("journal", "");
        Self {
            sandbox,
            dependencies: all,
        }
    }

    fn worker(&self, name: &str, now: &str) -> SecondProcess {
        let mut shell = Command::new("sh");
        shell.args(["-c", WORKER]).current_dir(self.sandbox.path());
        without_settings(&mut shell);
        shell.env("STORY", env!("CARGO_BIN_EXE_story"));
        shell.env("NAME", name).env("NOW", now);
        SecondProcess::spawn(&mut shell)
    }

    fn story(&self, arguments: &[&str]) -> Command {
        let mut command = story();
        command.current_dir(self.sandbox.path()).args(arguments);
        command
    }

    fn text(&self, id: &str) -> String {
        self.sandbox.read(format!(".ai-sdlc/stories/{id}/story.md"))
    }

    /// What the workers noted: event, story, worker, in the order in which it happened.
    fn journal(&self) -> Vec<(String, String, String)> {
        let text = self.sandbox.read("journal");
        let line = |line: &str| {
            let mut words = line.split(' ').map(str::to_owned);
            let mut next = || words.next().expect("three words a line");
            (next(), next(), next())
        };
        text.lines().map(line).collect()
    }

    fn stories_with(&self, event: &str) -> Vec<String> {
        let journal = self.journal().into_iter();
        let those = journal.filter(|(what, ..)| what == event);
        those.map(|(_, id, _)| id).collect()
    }

    /// Everything above a story, and itself.
    fn held_up_by(&self, id: &str) -> BTreeSet<String> {
        let mut held_up = BTreeSet::from([id.to_owned()]);
        // Ids grow from layer to layer: once through is enough.
        for (id, dependencies) in &self.dependencies {
            if dependencies.iter().any(|other| held_up.contains(other)) {
                held_up.insert(id.clone());
            }
        }
        held_up
    }

    fn assert_each_is_done_once(&self) {
        let all: Vec<String> = self.dependencies.keys().cloned().collect();
        for event in ["finishing", "released"] {
            let mut stories = self.stories_with(event);
            stories.sort();
            assert_eq!(stories, all, "each story once: {event}");
        }
        for (id, dependencies) in &self.dependencies {
            let expected = format!(
                "---\nid: {id}\nstatus: done # go\npriority: {}\ncreated: '2026-01-15'\nupdated: '{}'\ndependencies: [{}]\n\
                 implementation_complete: true\nreviews_complete: true\ntimes_done: 1\n---\n\n# {id}\n",
                line_of(&self.text(id), "priority"),
                line_of(&self.text(id), "updated").trim_matches('\''),
                dependencies.join(", "),
            );
            assert_eq!(
                self.text(id),
                expected,
                "no claim stays, and nothing else has changed"
            );
        }
        let left = testkit::leftovers(&self.sandbox.join(".ai-sdlc"));
        assert!(left.is_empty(), "no litter: {left:?}");
    }

    fn assert_dependencies_came_first(&self) {
        let journal = self.journal();
        let at = |event: &str, story: &str| {
            let found = journal
                .iter()
                .position(|(what, id, _)| what == event && id == story);
            found.unwrap_or_else(|| panic!("{story} has {event}"))
        };
        for (id, dependencies) in &self.dependencies {
            for other in dependencies {
                assert!(
                    at("finishing", other) < at("claimed", id),
                    "{other} was done before {id} was claimed"
                );
            }
        }
        let early = self.stories_with("early");
        assert!(
            early.is_empty(),
            "dependencies were done at the claim: {early:?}"
        );
    }

    /// How often a claim looked at a story under its lock that another worker had just taken.
    fn races(&self) -> usize {
        let logs = fs::read_dir(self.sandbox.path()).expect("the sandbox can be listed");
        let logs = logs.flatten().map(|entry| entry.path());
        let logs = logs.filter(|path| path.extension().is_some_and(|end| end == "err"));
        let text: String = logs
            .map(|path| fs::read_to_string(path).expect("a log"))
            .collect();
        text.matches("is passed over: it is claimed by").count()
    }
}

fn line_of(text: &str, key: &str) -> String {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix(": "));
    line.expect("the key is there").to_owned()
}

fn finish(workers: Vec<SecondProcess>) {
    for worker in workers {
        let finished = worker.wait(PATIENCE);
        assert!(
            finished.status.success(),
            "a worker ends well: {finished:?}"
        );
    }
}

#[test]
fn sixteen_workers_drain_two_hundred_stories_and_each_is_claimed_once() {
    let _alone = alone();
    let board = Board::new(5, 40);
    let workers = (1..=16).map(|number| board.worker(&format!("worker-{number}"), NOON));
    finish(workers.collect());
    let mut claimed = board.stories_with("claimed");
    claimed.sort();
    let all: Vec<String> = board.dependencies.keys().cloned().collect();
    assert_eq!(claimed, all, "each story was claimed exactly once");
    board.assert_each_is_done_once();
    board.assert_dependencies_came_first();
    let busy: BTreeSet<String> = board
        .journal()
        .into_iter()
        .map(|(.., worker)| worker)
        .collect();
    assert_eq!(busy.len(), 16, "every worker had work");
    assert!(
        board.races() > 0,
        "workers met at one story, else this proves nothing"
    );
}

#[test]
fn killed_worker_only_delays_its_story_until_the_lease_ends() {
    let _alone = alone();
    let board = Board::new(3, 8);
    let mut victim = board.worker("victim", NOON);
    let line = victim
        .next_line(PATIENCE)
        .expect("the victim claims a story");
    let id = line
        .strip_prefix("CLAIMED ")
        .expect("it says which")
        .to_owned();
    victim.kill_9();
    let workers = (1..=4)
        .map(|number| board.worker(&format!("worker-{number}"), NOON))
        .collect();
    let held_up = board.held_up_by(&id);
    let free = board.dependencies.len() - held_up.len();
    wait_until("everything else is done", PATIENCE, || {
        board.stories_with("released").len() >= free
    });
    board.sandbox.write("stop", "");
    finish(workers);
    let done = BTreeSet::from_iter(board.stories_with("released"));
    assert_eq!(done.len(), free, "what does not need it is done: {done:?}");
    assert!(done.is_disjoint(&held_up), "the rest waits: {done:?}");

    let early =
        run(&mut board.story(&["claim", "--next", "--as", "heir", "--now", NOON, "--json"]));
    assert_eq!(
        early.status.code(),
        Some(3),
        "its lease still runs: {early:?}"
    );
    let answer = json(&early);
    assert_eq!(
        answer["error"]["code"], "ENOTHINGREADY",
        "says so: {answer}"
    );
    assert_eq!(
        answer["error"]["retryable"], true,
        "and that it ends: {answer}"
    );

    fs::remove_file(board.sandbox.join("stop")).expect("it was made");
    finish(
        (1..=2)
            .map(|number| board.worker(&format!("heir-{number}"), AFTER_THE_LEASE))
            .collect(),
    );
    board.assert_each_is_done_once();
    let took_over = board
        .journal()
        .into_iter()
        .filter(|(what, story, _)| what == "claimed" && *story == id);
    assert_eq!(
        took_over.count(),
        2,
        "claimed by the victim and by one heir"
    );
}

#[test]
fn sixteen_processes_claim_one_story_and_exactly_one_wins() {
    let _alone = alone();
    let story = StoryBox::new(Content::Torn);
    let gate = story.hold(&[]);
    let claim = |number| {
        let name = format!("worker-{number}");
        let mut command = story.command(&["claim"]);
        command.args(["--as", &name, "--timeout", "60s", "--json"]);
        SecondProcess::spawn(&mut command)
    };
    let claims: Vec<_> = (1..=16).map(claim).collect();
    wait_until_waiting(&claims, &story.lock_path());
    StoryBox::let_go(gate);
    let finished: Vec<_> = claims
        .into_iter()
        .map(|claim| claim.wait(PATIENCE))
        .collect();
    let (won, lost): (Vec<_>, Vec<_>) = finished.iter().partition(|one| one.status.success());
    assert_eq!(won.len(), 1, "exactly one wins: {won:?}");
    let winner = json(won[0])["claimed_by"]
        .as_str()
        .expect("it says who")
        .to_owned();
    for one in lost {
        assert_eq!(one.status.code(), Some(4), "the others are told: {one:?}");
        let answer = json(one);
        let message = answer["error"]["message"].as_str().unwrap_or_default();
        assert!(
            message.contains(&format!("claimed by \"{winner}\"")),
            "by whom: {message}"
        );
    }
    let text = story.text();
    let lines = text.split_inclusive('\n');
    let rest: String = lines.filter(|line| !line.starts_with("claim")).collect();
    assert!(
        rest == StoryBox::text_of(Content::Torn),
        "every other byte is kept"
    );
    story.assert_alone();
}

#[test]
fn locked_story_is_passed_over_and_waited_for_only_when_nothing_else_is_left() {
    let board = Board::new(1, 2);
    let held = board.story(&["lock", "hold", "S-0001"]);
    let holder = hold(held);
    let claim = ["claim", "--next", "--as", "worker-1"];
    let first = run(&mut board.story(&claim));
    assert_eq!(
        first.stdout, "S-0002\n",
        "the locked one is passed over: {first:?}"
    );
    let busy = run(board.story(&claim).args(["--timeout", "0"]));
    assert_eq!(
        busy.status.code(),
        Some(4),
        "nothing else is left: {busy:?}"
    );
    assert!(
        busy.stderr.contains("locked by another process"),
        "says why: {busy:?}"
    );
    let mut waiting = board.story(&claim);
    let waiting = SecondProcess::spawn(waiting.args(["--timeout", "60s"]));
    let lock_path = board.sandbox.join(".ai-sdlc/stories/S-0001/story.md.lock");
    wait_until_waiting([&waiting], &lock_path);
    StoryBox::let_go(holder);
    let waited = waiting.wait(PATIENCE);
    assert_eq!(waited.stdout, "S-0001\n", "it was waited for: {waited:?}");
}

/// The board is read before the lock is waited for, so the dependencies are looked at once more under it.
#[test]
fn dependency_that_is_reopened_during_the_wait_for_the_lock_is_noticed() {
    for round in 0..5 {
        let board = Board::new(2, 1);
        let must = |arguments: &[&str]| {
            let finished = run(&mut board.story(arguments));
            assert!(finished.status.success(), "{arguments:?}: {finished:?}");
        };
        must(&["set", "S-0001", "status=done"]);
        let holder = hold(board.story(&["lock", "hold", "S-0002"]));
        let mut claim = board.story(&["claim", "--next", "--as", "ann", "--timeout", "60s"]);
        let claim = SecondProcess::spawn(&mut claim);
        let lock_path = board.sandbox.join(".ai-sdlc/stories/S-0002/story.md.lock");
        wait_until_waiting([&claim], &lock_path);
        must(&["set", "S-0001", "status=blocked"]);
        StoryBox::let_go(holder);
        let finished = claim.wait(PATIENCE);
        assert_eq!(
            finished.status.code(),
            Some(3),
            "not ready any more, round {round}: {finished:?}"
        );
    }
}

/// Whoever waits for the lock must not have its lease run meanwhile.
#[test]
fn lease_begins_when_the_lock_is_had() {
    let board = Board::new(1, 2);
    let holder = hold(board.story(&["lock", "hold", "S-0001"]));
    let mut claim = board.story(&["claim", "S-0001", "--as", "ann", "--lease", "1h"]);
    let claim = SecondProcess::spawn(claim.args(["--timeout", "60s", "--json"]));
    let lock_path = board.sandbox.join(".ai-sdlc/stories/S-0001/story.md.lock");
    wait_until_waiting([&claim], &lock_path);
    run(&mut board.story(&["set", "S-0002", "status=done"]));
    let released_at = jiff::Timestamp::now();
    StoryBox::let_go(holder);
    let answer = json(&claim.wait(PATIENCE));
    let until = answer["claimed_until"].as_str().unwrap_or_default();
    let until: jiff::Timestamp = until.parse().expect("an instant");
    let least = released_at.as_millisecond() + 3_600_000;
    assert!(
        until.as_millisecond() >= least,
        "a whole hour from then: {answer}"
    );
}

fn hold(mut command: Command) -> SecondProcess {
    SecondProcess::spawn_ready(&mut command, PATIENCE)
}

/// A story that is ready for the board, and not for the lock: the board is read again, but not for ever.
#[test]
fn story_that_is_never_what_it_looked_like_does_not_hold_up_the_others() {
    let board = Board::new(1, 2);
    let path = board.sandbox.join(".ai-sdlc/stories/S-0001/story.md");
    let odd = board
        .text("S-0001")
        .replace("updated:", "claimed_by: [ann]\nupdated:");
    board
        .sandbox
        .write(".ai-sdlc/stories/S-0001/story.md", &odd);
    let claim = ["claim", "--next", "--as", "worker-1", "--json"];
    let first = json(&run(&mut board.story(&claim)));
    assert_eq!(first["story"], "S-0002", "the other one: {first}");
    let none = json(&run(&mut board.story(&claim)));
    assert_eq!(none["error"]["code"], "ENOTHINGREADY", "then none: {none}");
    assert_eq!(
        fs::read_to_string(path).expect("it is there"),
        odd,
        "it stays as it is"
    );
}

#[test]
fn abandoned_story_in_progress_is_taken_only_when_asked_for() {
    let board = Board::new(1, 1);
    let claim = |name: &str, now: &str| {
        board.story(&["claim", "--next", "--as", name, "--now", now, "--json"])
    };
    let claimed = run(&mut claim("ann", NOON));
    assert!(claimed.status.success(), "claimed: {claimed:?}");
    let begun = run(&mut board.story(&["set", "S-0001", "status=in-progress"]));
    assert!(begun.status.success(), "begun: {begun:?}");
    let none = json(&run(&mut claim("bob", AFTER_THE_LEASE)));
    let error = &none["error"];
    assert_eq!(error["code"], "ENOTHINGREADY", "it is not ready: {none}");
    assert!(
        error["hint"].to_string().contains("--resume"),
        "but can be had: {none}"
    );
    let resumed = json(&run(claim("bob", AFTER_THE_LEASE).arg("--resume")));
    assert_eq!(
        resumed["took_over_claim"]["claimed_by"], "ann",
        "from whom: {resumed}"
    );
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let mut git = Command::new("git");
    git.current_dir(folder)
        .args(["-c", "user.name=t", "-c", "user.email=t@example.org"]);
    git.args(["-c", "commit.gpgsign=false"]).args(arguments);
    let finished = run(&mut git);
    assert!(finished.status.success(), "git {arguments:?}: {finished:?}");
    finished.stdout
}

#[test]
fn claim_is_three_added_lines_in_git_and_holds_in_a_clone() {
    let board = Board::new(1, 1);
    let here = board.sandbox.path();
    git(here, &["init", "-q", "."]);
    git(here, &["add", ".ai-sdlc"]);
    git(here, &["commit", "-qm", "a board"]);
    let claimed = run(&mut board.story(&["claim", "S-0001", "--as", "ann", "--lease", "720h"]));
    assert!(claimed.status.success(), "claimed: {claimed:?}");
    let diff = git(here, &["diff", "--unified=0"]);
    let changed = |sign: char| {
        let lines = diff.lines().filter(|line| line.starts_with(sign));
        lines
            .filter(|line| !line.starts_with("---") && !line.starts_with("+++"))
            .count()
    };
    assert_eq!(
        (changed('+'), changed('-')),
        (3, 0),
        "three lines more: {diff}"
    );
    git(here, &["commit", "-qam", "claimed"]);
    git(here, &["clone", "-q", ".", "clone"]);
    let clone: PathBuf = here.join("clone");
    let refused = run(board
        .story(&["claim", "S-0001", "--as", "bob", "--json"])
        .current_dir(clone));
    let answer: Value = json(&refused);
    assert_eq!(
        refused.status.code(),
        Some(4),
        "the claim came along: {answer}"
    );
}
