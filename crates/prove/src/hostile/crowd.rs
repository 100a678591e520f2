//! Many stories at once, each with a hostile lock of its own: one run of `story` meets hundreds of them.

use std::fs::{self, File, FileTimes};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::{FlockOperation, flock};
use serde_json::{Value, json};

use crate::case::Tally;
use crate::context::Context;
use crate::hostile::ground::{Ground, STORY, write};
use crate::hostile::ran::Ran;
use crate::hostile::records::MAGIC;

/// How many stories one run meets: fewer than a process may have open files.
const AT_ONCE: usize = 256;

/// When the locks were last touched, as their times have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    Now,
    LongAgo,
    Future,
}

impl Age {
    fn set(self, path: &Path) {
        let year = Duration::from_hours(24 * 365);
        let then = match self {
            Self::Now => return,
            Self::LongAgo => SystemTime::now() - year,
            Self::Future => SystemTime::now() + year * 10,
        };
        File::options()
            .write(true)
            .open(path)
            .and_then(|file| file.set_times(FileTimes::new().set_modified(then)))
            .expect("a file's times can be set");
    }
}

/// A live owner: whoever holds the kernel's lock on the file that has the name.
pub struct Holder {
    sidecar: PathBuf,
    file: File,
    bytes: Vec<u8>,
}

impl Holder {
    /// Becomes the owner of the lock that stands there.
    pub fn of(sidecar: &Path) -> Self {
        let file = File::open(sidecar).expect("the lock is there");
        flock(&file, FlockOperation::NonBlockingLockExclusive).expect("nobody else has it");
        let bytes = fs::read(sidecar).expect("the lock can be read");
        Self {
            sidecar: sidecar.to_owned(),
            file,
            bytes,
        }
    }

    /// Whether the lock is still this owner's, untouched.
    pub fn check(&self) -> Result<(), String> {
        let ours = self.file.metadata().map(|found| found.ino());
        let named = fs::symlink_metadata(&self.sidecar).map(|found| found.ino());
        match (ours, named, fs::read(&self.sidecar)) {
            (Ok(ours), Ok(named), Ok(bytes)) if ours == named && bytes == self.bytes => Ok(()),
            (_, _, now) => Err(format!("a live owner was robbed: {now:?}")),
        }
    }
}

/// One story of the crowd.
struct Member<'a> {
    what: &'a str,
    record: &'a [u8],
    id: String,
    story: PathBuf,
    sidecar: PathBuf,
    /// What was wrong with it first.
    wrong: Option<String>,
}

/// Stories in one project.
pub struct Crowd<'a> {
    ground: Ground,
    members: Vec<Member<'a>>,
    age: Age,
}

impl<'a> Crowd<'a> {
    /// Tries each record as that of a live owner, who must not be robbed, and then as that of a dead one, who is
    /// replaced at once; what is no record of ours is left alone while it is fresh.
    pub fn try_each(
        context: &Context,
        home: &Path,
        records: &'a [(String, Vec<u8>)],
        age: Age,
        tally: &mut Tally,
    ) {
        for some in records.chunks(AT_ONCE) {
            let mut crowd = Self::new(Ground::new(context, home), some, age);
            crowd.try_alive();
            crowd.try_dead();
            let outside = crowd.ground.check_outside().err();
            for member in crowd.members {
                let wrong = member.wrong.or_else(|| outside.clone());
                tally.point(wrong.map_or(Ok(()), |wrong| {
                    Err(format!("{}, {age:?}: {wrong}", member.what))
                }));
            }
        }
    }

    fn new(ground: Ground, records: &'a [(String, Vec<u8>)], age: Age) -> Self {
        let stories = ground.project.join(".ai-sdlc/stories");
        let member = |(at, (what, record)): (usize, &'a (String, Vec<u8>))| {
            let id = format!("R-{at}");
            let folder = stories.join(&id);
            fs::create_dir(&folder).expect("a story's folder can be made");
            let story = folder.join("story.md");
            write(&story, STORY.as_bytes());
            let sidecar = folder.join("story.md.lock");
            write(&sidecar, record);
            age.set(&sidecar);
            Member {
                what,
                record,
                id,
                story,
                sidecar,
                wrong: None,
            }
        };
        let members = records.iter().enumerate().map(member).collect();
        Self {
            ground,
            members,
            age,
        }
    }

    fn try_alive(&mut self) {
        let holders: Vec<Holder> = self
            .members
            .iter()
            .map(|member| Holder::of(&member.sidecar))
            .collect();
        let states = self.states();
        let answers = self.updates(4);
        let mended = self
            .ground
            .run(&["doctor", "--fix", "--timeout", "0"])
            .on_terminal();
        let mended = mended
            .check_terminal()
            .and_then(|()| mended.check_exit(&[0, 1]));
        for (at, member) in self.members.iter_mut().enumerate() {
            member.expect("state", &states[at], "held");
            member.expect("error", &answers[at], "ELOCKED");
            let outcome = mended.clone().and_then(|()| holders[at].check());
            member.note(outcome.and_then(|()| untouched(&member.story)));
        }
    }

    fn try_dead(&mut self) {
        let states = self.states();
        let shown = self.ground.run(&["lock", "status"]).on_terminal();
        let shown = shown.check_terminal().and_then(|()| shown.check_exit(&[0]));
        let looked = self.ground.run(&["doctor"]).on_terminal();
        let looked = looked
            .check_terminal()
            .and_then(|()| looked.check_exit(&[0, 1]));
        let answers = self.updates(0);
        for (at, member) in self.members.iter_mut().enumerate() {
            member.note(shown.clone().and_then(|()| looked.clone()));
            if member.record.starts_with(MAGIC) {
                member.expect("state", &states[at], "leftover");
                member.expect("ok", &answers[at], "true");
                let left = member.sidecar.exists();
                member.note(if left {
                    Err("the lock is left".into())
                } else {
                    Ok(())
                });
                continue;
            }
            member.expect("state", &states[at], "foreign");
            // One that is older than the machine's boot may be taken over at once.
            if self.age != Age::LongAgo {
                member.expect("error", &answers[at], "ELOCKED");
                let is_same = fs::read(&member.sidecar).is_ok_and(|now| now == member.record);
                member.note(if is_same {
                    Ok(())
                } else {
                    Err("it was changed".into())
                });
                member.note(untouched(&member.story));
            }
        }
    }

    /// What `lock status` says of each.
    fn states(&mut self) -> Vec<Value> {
        let ran = self.ground.run(&["lock", "status"]).json().piped();
        self.check(&ran, &[0]);
        let lines = lines(&ran);
        let of = |member: &Member| {
            let is_its = |line: &&Value| line["story"] == member.id.as_str();
            lines.iter().find(is_its).cloned().unwrap_or_default()
        };
        self.members.iter().map(of).collect()
    }

    /// What one update of each answers.
    fn updates(&mut self, expected: i32) -> Vec<Value> {
        let requests: String = self
            .members
            .iter()
            .map(|member| json!({ "story": member.id, "inc": { "n": 1 } }).to_string() + "\n")
            .collect();
        let run = self
            .ground
            .run(&["apply", "--timeout", "0"])
            .input(requests);
        let ran = run.piped();
        // Among the dead are some that are no record of ours any more: fresh locks of other tools.
        self.check(&ran, if expected == 0 { &[0, 4] } else { &[4] });
        let lines = lines(&ran);
        (1..=self.members.len())
            .map(|line| lines.iter().find(|answer| answer["line"] == line))
            .map(|answer| answer.cloned().unwrap_or_default())
            .collect()
    }

    /// What is wrong with a run as a whole is written down once, for the first.
    fn check(&mut self, ran: &Ran, expected: &[i32]) {
        if let Some(first) = self.members.first_mut() {
            first.note(ran.check_exit(expected));
        }
    }
}

impl Member<'_> {
    fn note(&mut self, outcome: Result<(), String>) {
        if self.wrong.is_none() {
            self.wrong = outcome.err();
        }
    }

    /// Notes an answer that does not have this member, or with another value.
    fn expect(&mut self, name: &str, answer: &Value, expected: &str) {
        let found = match name {
            "error" => &answer["error"]["code"],
            name => &answer[name],
        };
        let is_it = match found {
            Value::Bool(is) => expected == if *is { "true" } else { "false" },
            other => other == expected,
        };
        self.note(if is_it {
            Ok(())
        } else {
            Err(format!("{name} {expected} expected: {answer}"))
        });
    }
}

fn untouched(story: &Path) -> Result<(), String> {
    match fs::read(story) {
        Ok(bytes) if bytes == STORY.as_bytes() => Ok(()),
        other => Err(format!("the story was changed: {other:?}")),
    }
}

fn lines(ran: &Ran) -> Vec<Value> {
    let lines = ran.stdout.split(|byte| *byte == b'\n');
    lines
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect()
}
