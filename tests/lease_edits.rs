//! Edits of agents that are stopped in the middle: what they no longer hold they cannot write.

use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use lease::store::folder::FolderStore;
use lease::store::sqlite::SqliteStore;
use lease::store::{LeaseStore, transact};
use lease::{Agent, Mode, Pattern, Project, Request, Rules, Scope, Which};
use rustix::process::Signal;
use serde_json::json;
use sidecar_lock::{LockOptions, SidecarLock};
use testkit::{Sandbox, SecondProcess, skip, wait_until};

use crate::support::{
    PATIENCE, RaiseOnDrop, alone, json as answer_of, run, stopped_with_lock, story,
};

/// The file that is edited: so large that reading it and writing it anew takes its time.
const FILE: &str = "big.txt";

/// How often a process is stopped before it has got to where it should be caught.
const TRIES: usize = 40;

/// How long the first agent holds the file: longer than it takes to be stopped, as a rule.
const SHORT: Duration = Duration::from_secs(2);

/// Opens a store at a place.
type Open = fn(PathBuf, Project) -> Box<dyn LeaseStore>;

/// A project with one large file and a store of leases.
struct Site {
    sandbox: Sandbox,
    store: Box<dyn LeaseStore>,
}

impl Site {
    fn new(store: Open, name: &str) -> Self {
        let sandbox = Sandbox::new();
        std::fs::create_dir(sandbox.join(".ai-sdlc")).expect("a folder can be made");
        let project = Project::new(sandbox.path()).expect("it is there");
        let store = store(sandbox.join(name), project);
        Self { sandbox, store }
    }

    fn text(before: &str) -> String {
        format!("{before}\n{}", "a line of the rest\n".repeat(400_000))
    }

    fn first_line(&self) -> String {
        let text = self.sandbox.read(FILE);
        text.lines().next().unwrap_or_default().to_owned()
    }

    /// Acquires the file; `false` while somebody else holds it, or the store is locked.
    fn try_lease(&self, agent: &str, ttl: Duration) -> bool {
        self.try_lease_of(FILE, agent, ttl)
    }

    fn try_lease_of(&self, path: &str, agent: &str, ttl: Duration) -> bool {
        let project = Project::new(self.sandbox.path()).expect("it is there");
        let path = project.path(path.as_ref()).expect("a path");
        let request = Request {
            agent: Agent::new(agent).expect("a name"),
            scope: Scope::from_iter([Pattern::File(path)]),
            mode: Mode::Exclusive,
            ttl,
            task: None,
            bind_to: None,
        };
        transact(self.store.as_ref(), Duration::ZERO, |leases| {
            leases.acquire(&request, &Rules::default().present())
        })
        .is_ok()
    }

    fn release_all(&self, agent: &str) {
        let agent = Agent::new(agent).expect("a name");
        let released = transact(self.store.as_ref(), PATIENCE, |leases| {
            leases.release(&agent, &Which::All, &Rules::default().present())
        });
        released.expect("it holds them");
    }

    fn edit(&self, agent: &str, old: &str, new: &str) -> Command {
        let mut command = story();
        command.current_dir(self.sandbox.path());
        command.args([
            "edit-file",
            FILE,
            "--as",
            agent,
            "--json",
            "--timeout",
            "60s",
        ]);
        command.args(["--old", old, "--new", new]);
        command.arg("--store").arg(self.store.place());
        command
    }

    /// An edit of `slow`, stopped with the file's lock in hand, before the store is locked and before anything is written,
    /// and its lease taken over by `next`.
    fn overtaken(&self) -> Option<SecondProcess> {
        for _ in 0..TRIES {
            self.sandbox.write(FILE, Self::text("first"));
            let lease_of_slow = self.try_lease("slow", SHORT);
            let ends_at = Timestamp::now() + SHORT;
            if !lease_of_slow {
                continue;
            }
            let lock_path = self.sandbox.join("big.txt.lock");
            let Some(slow) = stopped_with_lock(&mut self.edit("slow", "first", "slow"), &lock_path)
            else {
                continue;
            };
            wait_until("the lease of the stopped agent has ended", PATIENCE, || {
                Timestamp::now() > ends_at
            });
            if self.first_line() == "first" && self.try_lease("next", Duration::from_hours(1)) {
                return Some(slow);
            }
            // Caught too late: it is let go and has its way.
            slow.signal(Signal::CONT);
            slow.wait(PATIENCE);
        }
        None
    }
}

fn stores() -> [(&'static str, Open); 2] {
    [
        ("locks", |place, project| {
            Box::new(FolderStore::new(place, project))
        }),
        ("leases.db", |place, project| {
            Box::new(SqliteStore::new(place, project))
        }),
    ]
}

/// The one that was stopped is let go, and must be refused because of its successor.
fn assert_refused(slow: SecondProcess) {
    slow.signal(Signal::CONT);
    let finished = slow.wait(PATIENCE);
    assert_eq!(
        finished.status.code(),
        Some(4),
        "it is another's by now: {finished:?}"
    );
    let told = answer_of(&finished);
    assert_eq!(
        told["error"]["committed"],
        json!(false),
        "nothing was written: {told}"
    );
    let message = told["error"]["message"].as_str().unwrap_or_default();
    assert!(
        message.contains("held by next"),
        "its successor is named: {message}"
    );
}

#[test]
fn stopped_edit_is_refused_when_its_lease_was_taken_over_and_the_successor_has_written() {
    if !cfg!(target_os = "linux") {
        return skip("stopped_edit_is_refused", "needs /proc");
    }
    let _alone = alone();
    for (name, store) in stores() {
        let project = Site::new(store, name);
        let slow = project
            .overtaken()
            .expect("it is caught in one of many tries");
        // The one that is stopped has the file's lock still; whoever is sure that it hangs breaks it.
        let lock = |verb: &str, more: &[&str]| {
            let mut command = story();
            command.current_dir(project.sandbox.path());
            run(command
                .args(["lock", verb, "./big.txt", "--json"])
                .args(more))
        };
        let status = answer_of(&lock("status", &[]));
        let token = status["token"].as_str().expect("it is locked").to_owned();
        let force = ["--token", &token, "--force", "--yes-the-owner-is-alive"];
        let broken = lock("break", &force);
        assert!(broken.status.success(), "the lock is broken: {broken:?}");
        let next = run(&mut project.edit("next", "first", "next"));
        assert!(next.status.success(), "the successor writes: {next:?}");
        assert_refused(slow);
        assert!(
            project.sandbox.read(FILE) == Site::text("next"),
            "its text stands, whole"
        );
    }
}

#[test]
fn successor_that_waits_for_the_lock_of_a_stopped_edit_writes_once_that_is_refused() {
    if !cfg!(target_os = "linux") {
        return skip("successor_that_waits", "needs /proc");
    }
    let _alone = alone();
    for (name, store) in stores() {
        let project = Site::new(store, name);
        let slow = project
            .overtaken()
            .expect("it is caught in one of many tries");
        // The piece that the stopped one wants to replace: if it had its way, this one would not find it.
        let next = SecondProcess::spawn(&mut project.edit("next", "first", "next"));
        let lock_path = project.sandbox.join("big.txt.lock");
        crate::support::wait_until_waiting([&next], &lock_path);
        assert_refused(slow);
        let next = next.wait(PATIENCE);
        assert!(
            next.status.success(),
            "the successor's turn comes: {next:?}"
        );
        assert!(
            project.sandbox.read(FILE) == Site::text("next"),
            "its text stands, whole"
        );
        assert!(!lock_path.exists(), "no lock is left");
    }
}

#[test]
fn first_lease_of_all_counts_for_a_change_that_waited_for_the_lock_of_the_story() {
    const STORY: &str = ".ai-sdlc/stories/S-0034/story.md";
    const TEXT: &str = "---\nid: S-0034\ncount: 0\n---\n";
    if !cfg!(target_os = "linux") {
        return skip("first_lease_of_all", "needs /proc");
    }
    for (name, store) in stores() {
        let site = Site::new(store, name);
        let path = site.sandbox.write(STORY, TEXT);
        let lock = SidecarLock::new(path).expect("a path");
        let held = lock.acquire(&LockOptions::default()).expect("it is free");
        let mut set = story();
        set.current_dir(site.sandbox.path());
        set.env("STORY_LEASES", site.store.place());
        set.args(["set", STORY, "--inc", "count", "--as", "other"]);
        let set = SecondProcess::spawn(set.args(["--timeout", "60s"]));
        crate::support::wait_until_waiting([&set], lock.sidecar());
        assert!(
            site.try_lease_of(STORY, "holder", Duration::from_hours(1)),
            "nobody else is there"
        );
        held.release().expect("nobody has touched it");
        let finished = set.wait(PATIENCE);
        let code = finished.status.code();
        assert_eq!(code, Some(4), "{name}: it is leased by now: {finished:?}");
        assert_eq!(
            site.sandbox.read(STORY),
            TEXT,
            "{name}: nothing was changed"
        );
    }
}

#[test]
fn story_stays_as_it_is_from_the_moment_that_another_agent_has_leased_it() {
    const ROUNDS: usize = 12;
    const STORY: &str = ".ai-sdlc/stories/S-0034/story.md";
    let _alone = alone();
    for (name, store) in stores() {
        let site = Site::new(store, name);
        site.sandbox
            .write(STORY, "---\nid: S-0034\ncount: 0\n---\n");
        // The store is there from the start: who finds none makes none.
        assert!(
            site.try_lease_of("first.txt", "holder", SHORT),
            "nobody else is there"
        );
        let (changed, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let _over = RaiseOnDrop(&is_over);
            for _ in 0..3 {
                scope.spawn(|| {
                    while !is_over.load(Ordering::Relaxed) {
                        let mut set = story();
                        set.current_dir(site.sandbox.path());
                        set.env("STORY_LEASES", site.store.place());
                        let finished =
                            run(set.args(["set", STORY, "--inc", "count", "--as", "other"]));
                        let counter = match finished.status.code() {
                            Some(0) => &changed,
                            Some(4) => &refused,
                            _ => panic!("changed or refused: {finished:?}"),
                        };
                        counter.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
            let grows = |counter: &AtomicUsize, by| {
                let from = counter.load(Ordering::Relaxed);
                wait_until("the others go on", PATIENCE, || {
                    counter.load(Ordering::Relaxed) >= from + by
                });
            };
            for round in 0..ROUNDS {
                grows(&changed, 1);
                wait_until("the story is leased", PATIENCE, || {
                    site.try_lease_of(STORY, "holder", Duration::from_hours(1))
                });
                let before = site.sandbox.read(STORY);
                // Each of the three may have been at it when the lease was acquired.
                grows(&refused, 6);
                assert_eq!(
                    site.sandbox.read(STORY),
                    before,
                    "round {round}: nobody changes it any more"
                );
                site.release_all("holder");
            }
        });
        let count = crate::support::number_in(&site.sandbox.read(STORY), "count");
        let changed = changed.into_inner() as u64;
        assert_eq!(
            count, changed,
            "what was refused changed nothing, what was not is there"
        );
    }
}
