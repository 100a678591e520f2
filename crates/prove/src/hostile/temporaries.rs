//! Somebody has made names like those of our temporary files before us.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::Duration;

use crate::case::{Skip, Tally};
use crate::context::{Context, need_programs};
use crate::hostile::ground::{Ground, STORY, record, write};
use crate::hostile::ran::Run;
use crate::hostile::verbs::Verb;

const RANDOM: &str = "0123456789abcdef";

/// What stands under such a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Thing {
    Link,
    LinkToFolder,
    LinkToNothing,
    FolderWithContent,
    Socket,
    HardLink,
    Persons,
    PersonsOld,
}

impl Thing {
    const ALL: [Self; 8] = [
        Self::Link,
        Self::LinkToFolder,
        Self::LinkToNothing,
        Self::FolderWithContent,
        Self::Socket,
        Self::HardLink,
        Self::Persons,
        Self::PersonsOld,
    ];

    fn put(self, ground: &Ground, path: &Path) {
        let outside = |name: &str| ground.outside.join(name);
        match self {
            Self::Link => symlink(outside("canary.txt"), path),
            Self::LinkToFolder => symlink(outside("folder"), path),
            Self::LinkToNothing => symlink(outside("nothing"), path),
            Self::FolderWithContent => {
                fs::create_dir(path).map(|()| write(&path.join("kept"), b"kept"))
            }
            // The address of a socket is short; its name is not.
            Self::Socket => UnixListener::bind(ground.outside.with_file_name("s"))
                .and_then(|_| rename(&ground.outside.with_file_name("s"), path)),
            Self::HardLink => fs::hard_link(outside("canary.txt"), path),
            Self::Persons | Self::PersonsOld => {
                write(path, b"a person's only copy\n");
                Ok(())
            }
        }
        .expect("anything can be made in an empty folder");
        if self == Self::PersonsOld {
            testkit::set_age(path, Duration::from_hours(1));
        }
    }

    fn is_file(self) -> bool {
        matches!(self, Self::HardLink | Self::Persons | Self::PersonsOld)
    }
}

/// Whatever stands there: it is not followed, nor written to, and what may be a person's is kept under some name.
pub fn planted(context: &Context) -> Tally {
    let ground = Ground::new(context, &context.folder("hostile-temporaries"));
    let names = [
        // A version that was never visible: by its name it is ours.
        (format!(".story.md.0.x.{RANDOM}.atomic-tmp"), true),
        (format!(".story.md.0.0.{RANDOM}.atomic-tmp"), true),
        (format!(".story.md.1-2-3.4-5-6.{RANDOM}.atomic-tmp"), false),
        (format!(".story.md.x.x.{RANDOM}.atomic-tmp"), false),
        (format!("..story.md.1-2-3.4-5-6.{RANDOM}.atomic-tmp"), false),
        (format!(".sidecar-{RANDOM}.lock-tmp"), false),
        (format!("story.md.{RANDOM}.rescued"), false),
        (".story.md.atomic-tmp".to_owned(), false),
        ("story.md~".to_owned(), false),
    ];
    let verbs = [
        Verb::Set,
        Verb::GetLocked,
        Verb::LockRun,
        Verb::Apply,
        Verb::Doctor,
        Verb::DoctorFix,
    ];
    let mut tally = Tally::default();
    for (name, is_ours) in &names {
        for (thing, verb) in Thing::ALL
            .into_iter()
            .flat_map(|thing| verbs.map(|verb| (thing, verb)))
        {
            ground.reset();
            // Its owner is dead: this is when leftovers are looked for.
            write(&ground.sidecar, &record());
            let path = ground.folder.join(name);
            thing.put(&ground, &path);
            let inode = fs::symlink_metadata(&path).expect("it was made").ino();
            let ran = verb.on(&ground, "S-1").piped();
            // A file that nobody has locked and that carries no record goes after a minute.
            let is_settled = name.starts_with(".sidecar") && matches!(thing, Thing::PersonsOld);
            let may_go = (*is_ours && thing.is_file()) || is_settled;
            let outcome = ran
                .check_exit(&[0, 1])
                .and_then(|()| ground.check_outside())
                .and_then(|()| if may_go { Ok(()) } else { kept(&ground, inode) });
            tally.point(outcome.map_err(|wrong| format!("{thing:?} as {name}, {verb:?}: {wrong}")));
        }
    }
    tally
}

#[expect(
    clippy::disallowed_methods,
    reason = "plays somebody who plants a name; nothing is replaced"
)]
fn rename(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::rename(from, to)
}

/// Whether the file, folder or link still stands in the story's folder.
fn kept(ground: &Ground, inode: u64) -> Result<(), String> {
    let entries = fs::read_dir(&ground.folder).into_iter().flatten().flatten();
    let mut inodes = entries.filter_map(|entry| fs::symlink_metadata(entry.path()).ok());
    if inodes.any(|found| found.ino() == inode) {
        Ok(())
    } else {
        Err(format!("it is gone: {:?} are left", ground.names()))
    }
}

/// Every name that an update wants is taken already, as if somebody had guessed it: an error or success, never a file of
/// somebody else's.
pub fn guessed(context: &Context) -> Result<Tally, Skip> {
    need_programs(&["strace"])?;
    let ground = Ground::new(context, &context.folder("hostile-guessed"));
    let mut tally = Tally::default();
    let lock_is_stale = [false, true];
    let mut at = 0;
    for (call, error) in [
        ("linkat", "EEXIST"),
        ("linkat", "ENOENT"),
        ("renameat2", "EEXIST"),
        ("openat", "EEXIST"),
    ] {
        for (when, is_stale) in (1..=6).flat_map(|when| lock_is_stale.map(|stale| (when, stale))) {
            at += 1;
            if !context.takes(at) {
                continue;
            }
            ground.reset();
            if is_stale {
                write(&ground.sidecar, b"4711\n");
                testkit::set_age(&ground.sidecar, Duration::from_hours(1));
            }
            // Not the loader's own calls, which come first.
            let path = if call == "openat" {
                "--trace-path"
            } else {
                "--quiet=all"
            };
            let inject = format!("inject={call}:error={error}:when={when}");
            let mut traced = vec!["-f", "-o", "/dev/null", "-e", &inject];
            let folder = ground.folder.to_string_lossy().into_owned();
            if call == "openat" {
                traced.extend([path, &folder]);
            }
            let run = ground.run(&["set", "S-1", "--inc", "n", "--stale-after", "100ms"]);
            let ran = run.under("strace", &traced).piped();
            let story = fs::read_to_string(&ground.story).unwrap_or_default();
            let is_whole = story == STORY || story == STORY.replace("n: 1", "n: 2");
            let is_done = story != STORY;
            let outcome = ran
                .check()
                .and_then(|()| match (is_whole, is_done == (ran.exit() == 0)) {
                    (true, true) => Ok(()),
                    _ => Err(format!("the story is {story:?} after {}", ran.words())),
                })
                .and_then(|()| ground.check_outside())
                .and_then(|()| mended(&ground.run(&["set", "S-1", "n=7"])));
            tally.point(
                outcome.map_err(|wrong| format!("{inject}, stale lock {is_stale}: {wrong}")),
            );
        }
    }
    Ok(tally)
}

fn mended(run: &Run) -> Result<(), String> {
    run.piped().check_exit(&[0])
}
