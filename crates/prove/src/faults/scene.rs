//! What is going on when a call is killed or fails: a command, what is there before it, and who else is at work.

use std::fs;
use std::path::Path;

use rustix::fs::major;
use testkit::{Finished, SecondProcess, wait_until};

use super::place::{Author, ID, LIMIT, Place, Version, finish, make_ancient};

/// A command and the world around it.
pub struct Scene {
    /// The program that is tampered with, with its arguments; `STORY` and `TOKEN` stand for what they say.
    pub command: &'static [&'static str],
    /// What is there before.
    pub before: fn(&Place),
    /// Who else is at work.
    pub partner: Partner,
    /// What the command is to do.
    pub aim: Aim,
}

/// Who else is at work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Partner {
    /// Nobody.
    Nobody,
    /// The command holds the lock, and a `story set` waits for it.
    Waiter,
    /// The command waits for a lock that is given back as soon as it sleeps in the queue.
    Holder,
    /// The command is one of `story lock run`, and works under its lock.
    Parent,
}

/// What a command is to do.
#[derive(Clone, Copy)]
pub enum Aim {
    /// Counts the story up that often.
    Counts(u32),
    /// Runs a command that counts the story up once; the exit code is that command's.
    RunsACount,
    /// Removes the lock.
    Breaks,
    /// Counts up once, after bringing back what a person had saved.
    CountsAfterThePerson,
    /// Brings back what a person had saved.
    BringsBackThePerson,
    /// Leaves the story as it is.
    Nothing,
    /// Adds rules to a person's `.gitignore`.
    Rules,
    /// Says something that this finds right; the story stays as it is.
    Says(fn(&Finished) -> bool),
}

/// The version that a person saved.
pub const PERSONS: Version = Version {
    author: Author::Person,
    count: 5,
};

/// How a run ended.
pub struct Ended {
    /// The version before it.
    pub before: Version,
    /// The run.
    pub finished: Finished,
    /// How often somebody else counted up meanwhile.
    pub others_counted: u32,
}

impl Scene {
    /// Runs the scene from its beginning, with this tampering.
    pub fn run(&self, place: &Place, inject: Option<&str>) -> Ended {
        let before = self.prepare(place);
        let (finished, others_counted) = match self.partner {
            Partner::Nobody => (finish(&mut place.traced(inject, self.command)), 0),
            Partner::Waiter => self.run_before_a_waiter(place, inject),
            Partner::Holder => (self.run_behind_a_holder(place, inject), 0),
            Partner::Parent => (self.run_under_a_parent(place, inject), 0),
        };
        Ended {
            before,
            finished,
            others_counted,
        }
    }

    /// Puts everything as it is before the command, and returns the story's version.
    pub fn prepare(&self, place: &Place) -> Version {
        place.renew();
        (self.before)(place);
        match self.aim {
            Aim::Rules => PERSONS,
            _ => place.version().expect("a story is prepared"),
        }
    }

    fn run_before_a_waiter(&self, place: &Place, inject: Option<&str>) -> (Finished, u32) {
        let mut holder = SecondProcess::spawn(&mut place.traced(inject, self.command));
        let is_ready = std::iter::from_fn(|| holder.next_line(LIMIT)).any(|line| line == "READY");
        let waiting = [
            "set",
            ID,
            "--inc",
            "retry_count",
            "--timeout",
            "15s",
            "--quiet",
        ];
        let mut waiter = SecondProcess::spawn(&mut place.story(&waiting));
        if is_ready {
            wait_until("the waiter sleeps in the queue", LIMIT, || {
                somebody_queues(place) || waiter.has_ended()
            });
        }
        let finished = holder.wait(LIMIT);
        let waited = waiter.wait(LIMIT);
        assert!(
            waited.status.success(),
            "the waiter gets the lock: {waited:?}"
        );
        (finished, 1)
    }

    fn run_under_a_parent(&self, place: &Place, inject: Option<&str>) -> Finished {
        let mut parent = place.story(&["lock", "run", ID, "--"]);
        let child = place.traced(inject, self.command);
        parent.arg(child.get_program()).args(child.get_args());
        finish(&mut parent)
    }

    fn run_behind_a_holder(&self, place: &Place, inject: Option<&str>) -> Finished {
        let holder = SecondProcess::spawn_ready(&mut place.story(&["lock", "hold", ID]), LIMIT);
        let mut waiter = SecondProcess::spawn(&mut place.traced(inject, self.command));
        wait_until("the waiter sleeps in the queue", LIMIT, || {
            somebody_queues(place) || waiter.has_ended()
        });
        let held = holder.wait(LIMIT);
        assert!(held.status.success(), "the holder releases: {held:?}");
        waiter.wait(LIMIT)
    }
}

/// Whether somebody sleeps in the kernel's queue for the story's sidecar.
pub fn somebody_queues(place: &Place) -> bool {
    somebody_queues_at(&place.sidecar())
}

/// Whether somebody sleeps in the kernel's queue for a sidecar.
pub fn somebody_queues_at(sidecar: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let Ok(sidecar) = fs::symlink_metadata(sidecar) else {
        return false;
    };
    // `1: -> FLOCK  ADVISORY  WRITE 4711 08:01:1234 0 EOF`
    let file = format!(":{} ", sidecar.ino());
    let device = format!(" {:02x}:", major(sidecar.dev()));
    let locks = fs::read_to_string("/proc/locks").unwrap_or_default();
    locks
        .lines()
        .any(|line| line.contains("-> FLOCK") && line.contains(&file) && line.contains(&device))
}

const INC: &str = "retry_count";

/// `story set`.
pub const SET: Scene = Scene {
    command: &["STORY", "set", ID, "--inc", INC, "--timeout", "1s"],
    before: |_| {},
    partner: Partner::Nobody,
    aim: Aim::Counts(1),
};

/// `story set --fast`.
pub const SET_FAST: Scene = Scene {
    command: &[
        "STORY",
        "set",
        ID,
        "--inc",
        INC,
        "--timeout",
        "1s",
        "--fast",
    ],
    ..SET
};

/// `story set --json`, whose answer is on standard output.
pub const SET_JSON: Scene = Scene {
    command: &[
        "STORY",
        "set",
        ID,
        "--inc",
        INC,
        "--timeout",
        "1s",
        "--json",
    ],
    ..SET
};

/// `story apply` of three lines.
pub const APPLY: Scene = Scene {
    command: &["STORY", "apply", "requests.jsonl", "--timeout", "1s"],
    before: |place| {
        let line = format!("{{\"story\":\"{ID}\",\"inc\":{{\"{INC}\":1}}}}\n");
        write_root(place, "requests.jsonl", &line.repeat(3));
    },
    partner: Partner::Nobody,
    aim: Aim::Counts(3),
};

/// `story lock run` of a command that does nothing.
pub const LOCK_RUN: Scene = Scene {
    command: &["STORY", "lock", "run", ID, "--timeout", "1s", "--", "true"],
    aim: Aim::Nothing,
    ..SET
};

/// `story lock run` of a command that changes the story under its lock.
pub const LOCK_RUN_SET: Scene = Scene {
    command: &[
        "STORY",
        "lock",
        "run",
        ID,
        "--timeout",
        "1s",
        "--",
        "STORY",
        "set",
        ID,
        "--inc",
        INC,
    ],
    aim: Aim::RunsACount,
    ..SET
};

/// The `story set` inside a `story lock run`.
pub const SET_IN_LOCK_RUN: Scene = Scene {
    partner: Partner::Parent,
    ..SET
};

/// `story lock hold`, until its input ends: at once.
pub const LOCK_HOLD: Scene = Scene {
    command: &["STORY", "lock", "hold", ID, "--timeout", "1s"],
    aim: Aim::Nothing,
    ..SET
};

/// `story lock break` of what a dead writer left.
pub const LOCK_BREAK: Scene = Scene {
    command: &["STORY", "lock", "break", ID, "--token", "TOKEN"],
    before: |place| drop(place.crash_in_commit()),
    aim: Aim::Breaks,
    ..SET
};

/// An update that takes the lock of a writer over that was killed in the middle of its commit.
pub const TAKE_OVER: Scene = Scene {
    before: |place| drop(place.crash_in_commit()),
    ..SET
};

/// The same, but what that writer had displaced is a person's only copy.
pub const TAKE_OVER_PERSON: Scene = Scene {
    before: crash_over_a_person,
    aim: Aim::CountsAfterThePerson,
    ..SET
};

/// An update that meets a lock file which some other tool left long ago.
pub const TAKE_OVER_FILE: Scene = Scene {
    before: |place| {
        place.overwrite("story.md.lock", "made by hand\n");
        make_ancient(&place.sidecar());
    },
    ..SET
};

/// An update that meets a lock directory, as proper-lockfile makes them, left long ago.
pub const TAKE_OVER_DIRECTORY: Scene = Scene {
    before: |place| {
        fs::create_dir(place.sidecar()).expect("the build folder can be written");
        make_ancient(&place.sidecar());
    },
    ..SET
};

/// An owner that passes its lock on to a waiter.
pub const HAND_OVER: Scene = Scene {
    partner: Partner::Waiter,
    ..LOCK_HOLD
};

/// A waiter that is woken in the queue.
pub const WAITER: Scene = Scene {
    command: &["STORY", "set", ID, "--inc", INC, "--timeout", "15s"],
    partner: Partner::Holder,
    ..SET
};

/// `story init` in a project without stories, but with a person's `.gitignore`.
pub const INIT: Scene = Scene {
    command: &["STORY", "init", "--timeout", "1s"],
    before: |place| {
        let entries = fs::read_dir(&place.root).expect("the build folder can be read");
        for entry in entries
            .filter_map(Result::ok)
            .filter(|entry| entry.file_name() != ".git")
        {
            fs::remove_dir_all(entry.path())
                .or_else(|_| fs::remove_file(entry.path()))
                .expect("the build folder can be written");
        }
        write_root(place, ".gitignore", RULES_BEFORE);
    },
    aim: Aim::Rules,
    ..SET
};

/// A person's `.gitignore`.
pub const RULES_BEFORE: &str = "# what we build\n/build/\n";

/// `story doctor --fix` after a crash.
pub const DOCTOR_FIX: Scene = Scene {
    command: &["STORY", "doctor", "--fix"],
    before: |place| drop(place.crash_in_commit()),
    aim: Aim::Nothing,
    ..SET
};

/// `story doctor --fix` after a crash that had displaced a person's only copy.
pub const DOCTOR_FIX_PERSON: Scene = Scene {
    before: crash_over_a_person,
    aim: Aim::BringsBackThePerson,
    ..DOCTOR_FIX
};

/// `story get --locked` after a crash: a read that takes a lock, and sweeps.
pub const GET_LOCKED: Scene = Scene {
    command: &["STORY", "get", ID, INC, "--locked", "--timeout", "1s"],
    before: |place| drop(place.crash_in_commit()),
    aim: Aim::Says(|said| said.stdout == "1\n"),
    ..SET
};

/// `story get`.
pub const GET: Scene = Scene {
    command: &["STORY", "get", ID, INC, "title"],
    aim: Aim::Says(|said| said.stdout == "retry_count=0\ntitle=As it was prepared\n"),
    ..SET
};

/// `story show`.
pub const SHOW: Scene = Scene {
    command: &["STORY", "show", ID],
    aim: Aim::Says(|said| Version::of(said.stdout.as_bytes()).is_some()),
    ..SET
};

/// `story lock status` of all there are, after a crash.
pub const LOCK_STATUS: Scene = Scene {
    command: &["STORY", "lock", "status"],
    before: |place| drop(place.crash_in_commit()),
    aim: Aim::Says(|said| {
        said.stdout
            .starts_with("story S-0034: left over by a dead process")
    }),
    ..SET
};

/// `story doctor` after a crash: it must not say that all is well.
pub const DOCTOR: Scene = Scene {
    command: &["STORY", "doctor"],
    before: |place| drop(place.crash_in_commit()),
    aim: Aim::Says(|_| false),
    ..SET
};

/// A writer without our care: it empties the story and writes it anew. What it leaves must be seen to be wrong.
pub const IN_PLACE: Scene = Scene {
    command: &["cp", "new.md", ".ai-sdlc/stories/S-0034/story.md"],
    before: |place| {
        let first = place.version().expect("a story is prepared");
        write_root(place, "new.md", &first.plus(1).text());
    },
    ..SET
};

fn crash_over_a_person(place: &Place) {
    let displaced = place.crash_in_commit();
    // As if the person had saved between the writer's last look and its swap.
    place.overwrite(&displaced, &PERSONS.text());
}

/// Writes a file of the project in place.
pub fn write_root(place: &Place, name: &str, text: &str) {
    let path = place.root.join(name);
    fs::File::create(&path)
        .and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()))
        .unwrap_or_else(|err| panic!("cannot write {}: {err}", path.display()));
}
