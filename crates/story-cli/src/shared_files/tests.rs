//! Which files of a tree are shared or stand apart, and who changed a story.

use clap::Parser as _;
use sidecar_lock::SidecarLock;
use story::Moment;
use task_runner::{
    AtomicSnapshot, Reason, RestoreOptions, Restored, SharedPolicy, TakeOptions, TaskId,
};
use testkit::Sandbox;

use super::*;
use crate::args::Cli;

/// A tree with a root, one with another name, and one of a copy.
struct Desk {
    sandbox: Sandbox,
    settings: Settings,
}

const STORY: &str = ".ai-sdlc/stories/S-1/story.md";

impl Desk {
    fn new() -> Self {
        // Outside of the workspace: that is a repository of its own, and has a configuration.
        let sandbox =
            Sandbox::inside(&std::env::temp_dir()).expect("the temporary folder can be used");
        sandbox.write(STORY, "---\nid: S-1\npriority: 1\n---\n");
        sandbox.write("service/.ai-sdlc.json", r#"{"sdlcFolder": "docs/board"}"#);
        let root = sandbox.join(".ai-sdlc");
        let root = root.to_str().expect("a plain path");
        let cli = Cli::parse_from(["story", "--root", root, "list"]);
        Self {
            settings: Settings::new(cli.common),
            sandbox,
        }
    }

    fn shared(&self) -> AppShared<'_> {
        AppShared::new(
            self.sandbox.path(),
            "story snapshot restore",
            &self.settings,
        )
        .expect("the tree is there")
    }

    fn git(&self, arguments: &[&str]) {
        let mut git = std::process::Command::new("git");
        git.arg("-C").arg(self.sandbox.path()).args(arguments);
        let output = git.output().expect("git is installed");
        assert!(output.status.success(), "git {arguments:?}: {output:?}");
    }

    fn top(&self) -> PathBuf {
        fs::canonicalize(self.sandbox.path()).expect("it is there")
    }

    /// Sets the priority in a run; returns the story before and after.
    fn set(&self, priority: i64, run: Option<&str>) -> (Vec<u8>, Vec<u8>) {
        let journal = journal::JournalOptions {
            root: self.top().join(".ai-sdlc"),
            at: Moment::new(jiff::Timestamp::UNIX_EPOCH),
            owner: None,
            run: run.map(str::to_owned),
            command: "story set".to_owned(),
            op: None,
        };
        let options = story::UpdateOptions {
            journal: Some(journal),
            ..story::UpdateOptions::default()
        };
        let path = self.sandbox.join(STORY);
        let updated = story::update(&path, &options, |story| story.set("priority", priority));
        let updated = updated.expect("nobody else has it");
        (
            updated.before.as_bytes().to_vec(),
            updated.after.as_bytes().to_vec(),
        )
    }
}

#[test]
fn shared_is_what_lies_below_a_root_in_the_tree() {
    let desk = Desk::new();
    desk.sandbox.write("moved/journal/S-9.jsonl", "");
    desk.sandbox.write("moved/stories/S-9/story.md", "");
    let shared = desk.shared();
    let table = [
        (STORY, true),
        (".ai-sdlc/tasks.json", true),
        (".ai-sdlc/done/01-x.md", true),
        (".ai-sdlc/worktrees/S-1-x/src/main.rs", true),
        ("copies/a/.ai-sdlc/stories/S-2/story.md", true),
        ("service/docs/board/stories/S-3/story.md", true),
        // Its configuration is gone, but its journals tell.
        ("moved/stories/S-9/story.md", true),
        ("service/docs/other.md", false),
        ("docs/board/stories/S-3/story.md", false),
        ("src/main.rs", false),
        (".ai-sdlc.json", false),
        (".ai-sdlc", false),
        ("README.md", false),
    ];
    for (path, expected) in table {
        assert_eq!(shared.is_shared(Path::new(path)), expected, "{path}");
    }
}

#[test]
fn root_that_is_a_whole_project_shares_only_what_story_keeps_there() {
    let desk = Desk::new();
    for project in ["", "service/"] {
        let configuration = format!("{project}.ai-sdlc.json");
        desk.sandbox.write(&configuration, r#"{"sdlcFolder": "."}"#);
    }
    let shared = desk.shared();
    let table = [
        ("stories/S-1/story.md", true),
        ("done/01-x.md", true),
        ("tasks.json", true),
        ("src/main.rs", false),
        ("README.md", false),
        ("web/package.json", false),
        // So it is in a project further down.
        ("service/src/main.rs", false),
        ("service/stories/S-1/story.md", true),
    ];
    for (path, expected) in table {
        assert_eq!(shared.is_shared(Path::new(path)), expected, "{path}");
    }
}

#[test]
fn tree_inside_of_a_root_is_no_part_of_it() {
    let desk = Desk::new();
    let top = desk.sandbox.join(".ai-sdlc/worktrees/S-1-x");
    fs::create_dir_all(&top).expect("a folder can be made");
    let shared = AppShared::new(&top, "x", &desk.settings).expect("it is there");
    let of_the_code = shared.is_shared(Path::new("src/main.rs"));
    assert!(!of_the_code, "a worktree of git has its own files");
    let of_its_root = shared.is_shared(Path::new(STORY));
    assert!(of_its_root, "and a root of its own");
}

#[test]
fn lock_is_told_by_its_magic_and_a_file_of_that_name_by_being_tracked() {
    let desk = Desk::new();
    desk.git(&["init", "--quiet"]);
    for path in [
        "kept.md.lock",
        "gone.json.lock",
        "Cargo.lock",
        "notes.md.lock",
    ] {
        desk.sandbox.write(path, "somebody's\n");
    }
    desk.git(&["add", "kept.md.lock", "gone.json.lock", "Cargo.lock"]);
    fs::remove_file(desk.sandbox.join("gone.json.lock")).expect("it is there");
    // Ours, wherever it is.
    let mut guards = Vec::new();
    for guarded in ["src", "held.md", "tracked.md"] {
        let lock = SidecarLock::new(desk.sandbox.join(guarded)).expect("its folder is there");
        guards.push(lock.acquire(&LockOptions::default()).expect("it is free"));
    }
    desk.git(&["add", "tracked.md.lock"]);
    let shared = desk.shared();
    let table = [
        // Tracked, and no lock: whether it is there or was deleted.
        ("kept.md.lock", false),
        ("gone.json.lock", false),
        ("Cargo.lock", false),
        // Our magic, whoever has committed it, and whatever it is called.
        ("tracked.md.lock", true),
        ("held.md.lock", true),
        ("src.lock", true),
        // Another tool's lock, or one that is gone by now.
        ("notes.md.lock", true),
        ("nothing.md.lock", true),
        ("nothing.lock", false),
    ];
    for (path, expected) in table {
        assert_eq!(shared.is_apart(Path::new(path)), expected, "{path}");
    }
}

#[test]
fn stores_of_leases_stand_apart_wherever_they_were_put() {
    let mut desk = Desk::new();
    let shared = desk.shared();
    for path in [
        ".ai-sdlc/locks/a.lock",
        ".ai-sdlc/journal/S-1.jsonl",
        "service/docs/board/locks/a.lock",
        ".devs.db-wal",
    ] {
        assert!(shared.is_apart(Path::new(path)), "{path}");
    }
    let elsewhere = ["out/locks/a.lock", "out/leases.db", "x/my.sqlite-wal"];
    for path in elsewhere {
        assert!(!shared.is_apart(Path::new(path)), "nobody named {path}");
    }
    drop(shared);
    desk.settings.output = Some(desk.sandbox.join("out"));
    desk.settings.lease_store = Some(desk.sandbox.join("x/my.sqlite"));
    let shared = desk.shared();
    for path in elsewhere {
        assert!(shared.is_apart(Path::new(path)), "{path} was named");
    }
    let other = shared.is_apart(Path::new("x/my.sqlite.txt"));
    assert!(!other, "a name that begins so is another file's");
}

#[test]
fn authorship_is_the_runs_if_the_journal_says_so_of_every_change() {
    let desk = Desk::new();
    let (start, _) = desk.set(2, Some("T-1.2"));
    let (_, own) = desk.set(3, Some("T-1.3"));
    let shared = desk.shared();
    let path = Path::new(STORY);
    let who = |then: Option<&[u8]>, now: Option<&[u8]>, run| {
        shared.authorship(path, then, now, run) == Authorship::OnlyTheRun
    };
    assert!(who(Some(&start), Some(&own), Some("T-1.2")), "its own");
    let later = who(Some(&start), Some(&own), Some("T-1.3"));
    assert!(!later, "an attempt before this one made a part of it");
    assert!(!who(Some(&start), Some(&own), None), "by hand: of no run");
    assert!(
        !who(Some(&start), Some(&own), Some("T-2.2")),
        "another task"
    );
    assert!(!who(None, Some(&own), Some("T-1.2")), "it was not there");
    assert!(!who(Some(&start), None, Some("T-1.2")), "it is gone");
    let (_, others) = desk.set(4, None);
    let mixed = who(Some(&start), Some(&others), Some("T-1.2"));
    assert!(!mixed, "somebody else's on top");
    let plan = Path::new(".ai-sdlc/stories/S-1/plan.md");
    let beside = shared.authorship(plan, Some(b"a"), Some(b"b"), Some("T-1.2"));
    assert_eq!(beside, Authorship::OthersToo, "it has no journal");
}

#[test]
fn attempts_are_of_one_run_by_task_and_number() {
    let table = [
        ("T-1.2", "T-1.2", true),
        ("T-1.2", "T-1.3", true),
        ("T-1.2", "T-1.10", true),
        ("T-1.2", "T-1.1", false),
        ("T-1.2", "T-2.2", false),
        ("a.b.1", "a.b.1", true),
        ("a.b.1", "a.1", false),
        ("odd", "odd", true),
        ("odd", "odd.1", false),
        ("T.x", "T.y", false),
    ];
    for (run, other, expected) in table {
        let is_its = is_same_or_later_attempt(run, other);
        assert_eq!(is_its, expected, "{other} for a restore of {run}");
    }
}

#[test]
fn what_lies_beside_a_story_is_guarded_by_its_lock() {
    let desk = Desk::new();
    let shared = desk.shared();
    let table = [
        (STORY, STORY),
        (".ai-sdlc/stories/S-1/plan.md", STORY),
        (".ai-sdlc/stories/S-1/.workflow-state.json", STORY),
        (".ai-sdlc/done/S-2/plan.md", ".ai-sdlc/done/S-2/story.md"),
        (".ai-sdlc/done/01-x.md", ".ai-sdlc/done/01-x.md"),
        (".ai-sdlc/stories/S-1/a/b.md", ".ai-sdlc/stories/S-1/a/b.md"),
        (".ai-sdlc/tasks.json", ".ai-sdlc/tasks.json"),
        ("stories/x/plan.md", "stories/x/plan.md"),
    ];
    for (path, guard) in table {
        assert_eq!(shared.guard_of(Path::new(path)), Path::new(guard), "{path}");
    }
}

#[test]
fn put_back_leaves_a_line_in_the_journal_so_that_nothing_is_unexplained() {
    let desk = Desk::new();
    let (before, after) = desk.set(2, Some("T-1.1"));
    let file = desk.top().join(STORY);
    let shared = desk.shared();
    let edit = SharedEdit {
        file: &file,
        from: Some(&after),
        to: Some(&before),
        run: Some("T-1.1"),
    };
    shared.put_back(&edit, &mut || {
        atomic_file::replace(&file, &before, &atomic_file::CommitOptions::default()).is_ok()
    });
    let journal = journal::read(&JournalFile::of(&file).expect("a story"));
    let journal = journal.expect("it can be read").expect("it is there");
    let present = story::read(&file).expect("a story");
    assert!(journal.gaps(&present).is_empty(), "every change has a line");
    let entries = journal.entries(present.revision().as_str());
    let commands: Vec<_> = entries
        .iter()
        .map(|(entry, state)| (entry.command.as_str(), state.name()))
        .collect();
    let expected = [("story set", "done"), ("story snapshot restore", "done")];
    assert_eq!(commands, expected, "what happened to it");
    let undone = shared.authorship(Path::new(STORY), Some(&after), Some(&before), Some("T-1.1"));
    assert_eq!(undone, Authorship::OnlyTheRun, "it can be undone as well");
    assert!(shared.take_notes().is_empty(), "there is nothing to tell");
}

/// Takes a snapshot for a run, lets `task` work, and restores it.
fn undone(desk: &Desk, policy: SharedPolicy, task: impl FnOnce()) -> (Restored, Vec<String>) {
    desk.git(&["init", "--quiet"]);
    desk.sandbox.write(".ai-sdlc/tasks.json", "{}\n");
    desk.sandbox.write("src/main.rs", "fn main() {}\n");
    desk.git(&["add", "--all"]);
    let names = ["-c", "user.name=T", "-c", "user.email=t@example.org"];
    desk.git(&[&names[..], &["commit", "--quiet", "-m", "base"]].concat());
    let shared = desk.shared();
    let snapshots = AtomicSnapshot::open(desk.sandbox.path()).expect("a tree");
    let now = jiff::Timestamp::UNIX_EPOCH;
    let options = TakeOptions {
        run: Some("T-1.1".to_owned()),
        ..TakeOptions::new(TaskId::new("T-1").expect("a name"), now)
    };
    let taken = snapshots.take(&options, &shared).expect("it can be taken");
    task();
    let options = RestoreOptions {
        shared: policy,
        ..RestoreOptions::new(now)
    };
    let restored = snapshots.restore(&taken.snapshot, &options, &shared);
    (restored.expect("it can be restored"), shared.take_notes())
}

fn left(restored: &Restored) -> Vec<(&str, Reason)> {
    let left = restored.left.iter();
    left.map(|left| (left.path.to_str().expect("a plain path"), left.reason))
        .collect()
}

#[test]
fn restore_puts_back_what_the_run_did_to_stories_and_leaves_what_others_did() {
    let desk = Desk::new();
    let (restored, notes) = undone(&desk, SharedPolicy::default(), || {
        desk.set(2, Some("T-1.1"));
        desk.sandbox.write("src/main.rs", "broken");
    });
    assert_eq!(left(&restored), [], "nothing was left");
    assert!(notes.is_empty(), "nothing is to be told: {notes:?}");
    assert!(desk.sandbox.read(STORY).contains("priority: 1\n"), "story");
    assert_eq!(desk.sandbox.read("src/main.rs"), "fn main() {}\n", "code");
    let journal = desk.sandbox.read(".ai-sdlc/journal/S-1.jsonl");
    assert_eq!(journal.matches("\"done\"").count(), 2, "journal: {journal}");

    let desk = Desk::new();
    let (restored, _) = undone(&desk, SharedPolicy::default(), || {
        desk.set(2, Some("T-1.1"));
        desk.set(3, None);
        desk.sandbox.write(".ai-sdlc/tasks.json", "{\"a\": 1}\n");
        desk.sandbox.write("src/main.rs", "broken");
    });
    let by_others = [
        (STORY, Reason::ChangedByOthers),
        (".ai-sdlc/tasks.json", Reason::ChangedByOthers),
    ];
    assert_eq!(left(&restored), by_others, "others have done it");
    assert!(desk.sandbox.read(STORY).contains("priority: 3\n"), "story");
    assert_eq!(desk.sandbox.read("src/main.rs"), "fn main() {}\n", "code");

    let desk = Desk::new();
    let (restored, _) = undone(&desk, SharedPolicy::Force, || {
        desk.set(3, None);
        desk.sandbox.write(".ai-sdlc/tasks.json", "{\"a\": 1}\n");
    });
    assert_eq!(left(&restored), [], "it was asked for");
    assert!(desk.sandbox.read(STORY).contains("priority: 1\n"), "story");
    assert_eq!(desk.sandbox.read(".ai-sdlc/tasks.json"), "{}\n", "tasks");
}

#[test]
fn restore_leaves_a_story_that_another_agent_has_leased() {
    let desk = Desk::new();
    let (restored, notes) = undone(&desk, SharedPolicy::Force, || {
        desk.set(2, Some("T-1.1"));
        let project = lease::Project::new(desk.sandbox.path()).expect("it is there");
        let store = lease::store::folder::FolderStore::new(
            desk.sandbox.join(".ai-sdlc/locks"),
            project.clone(),
        );
        let path = project.path(Path::new(STORY)).expect("a path of it");
        let request = lease::Request {
            agent: lease::Agent::new("bob").expect("a name"),
            scope: lease::Scope::from_iter([lease::Pattern::File(path)]),
            mode: lease::Mode::Exclusive,
            ttl: std::time::Duration::from_hours(1),
            task: None,
            bind_to: None,
        };
        let present = lease::Rules::default().present();
        let wait = std::time::Duration::from_mins(1);
        lease::store::transact(&store, wait, |leases| leases.acquire(&request, &present))
            .expect("nobody else has it");
    });
    assert_eq!(left(&restored), [(STORY, Reason::ChangedByOthers)], "left");
    assert!(
        desk.sandbox.read(STORY).contains("priority: 2\n"),
        "as it was"
    );
    let told = notes.iter().any(|note| note.contains("bob"));
    assert!(told, "who has it is told: {notes:?}");
    assert!(
        desk.sandbox.join(".ai-sdlc/locks").is_dir(),
        "leases are not a part of the tree"
    );
}
