//! Something else than a file stands where a lock or a story belongs, or a file that is not what it should be.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::case::{Skip, Tally};
use crate::context::{Context, need_programs, need_root, prepare};
use crate::hostile::ground::{Ground, Snapshot, record, write};
use crate::hostile::verbs::Verb;

/// The user that has no rights of its own.
const NOBODY: u32 = 65534;
const GIGABYTE: u64 = 1 << 30;

/// What stands there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Thing {
    LinkToCanary,
    LinkToPasswd,
    LinkToNothing,
    LinkToFolder,
    LinkToItself,
    Fifo,
    Socket,
    NullDevice,
    ZeroDevice,
    FolderWithContent,
    HardLinkToText,
    HardLinkToRecord,
    Huge,
    HugeRecord,
}

impl Thing {
    const ALL: [Self; 14] = [
        Self::LinkToCanary,
        Self::LinkToPasswd,
        Self::LinkToNothing,
        Self::LinkToFolder,
        Self::LinkToItself,
        Self::Fifo,
        Self::Socket,
        Self::NullDevice,
        Self::ZeroDevice,
        Self::FolderWithContent,
        Self::HardLinkToText,
        Self::HardLinkToRecord,
        Self::Huge,
        Self::HugeRecord,
    ];

    /// Puts it in the place of whatever stands at `path`.
    fn put(self, ground: &Ground, path: &Path) -> Result<(), Skip> {
        fs::remove_file(path).ok();
        let outside = |name: &str| ground.outside.join(name);
        let made = match self {
            Self::LinkToCanary => symlink(outside("canary.txt"), path),
            Self::LinkToPasswd => symlink("/etc/passwd", path),
            Self::LinkToNothing => symlink(outside("nothing"), path),
            Self::LinkToFolder => symlink(outside("folder"), path),
            Self::LinkToItself => symlink(path, path),
            Self::Fifo => return node(path, &["p"]),
            Self::Socket => UnixListener::bind(path).map(drop),
            Self::NullDevice => return node(path, &["c", "1", "3"]),
            Self::ZeroDevice => return node(path, &["c", "1", "5"]),
            Self::FolderWithContent => {
                fs::create_dir(path).map(|()| write(&path.join("kept"), b"kept"))
            }
            Self::HardLinkToText => fs::hard_link(outside("canary.txt"), path),
            Self::HardLinkToRecord => fs::hard_link(outside("canary.lock"), path),
            Self::Huge => huge(path, b""),
            Self::HugeRecord => huge(path, &record()),
        };
        made.unwrap_or_else(|err| panic!("{self:?} cannot be made: {err}"));
        Ok(())
    }

    /// Whether it carries a record whose owner is dead.
    fn is_leftover(self) -> bool {
        matches!(self, Self::HardLinkToRecord | Self::HugeRecord)
    }

    /// Whether it is a file that another tool may have made to lock the story.
    fn is_foreign(self) -> bool {
        matches!(self, Self::HardLinkToText | Self::Huge)
    }

    /// The exit codes that are right when it stands at the place of the lock.
    fn as_sidecar(self, verb: Verb) -> &'static [i32] {
        match verb {
            Verb::Get | Verb::Show | Verb::LockStatus => &[0],
            Verb::Doctor | Verb::DoctorFix => {
                let is_mended = verb == Verb::DoctorFix && self.is_leftover();
                if self.is_foreign() || is_mended {
                    &[0]
                } else {
                    &[1]
                }
            }
            // The token is that of another lock.
            Verb::LockBreak if self.is_foreign() || self.is_leftover() => &[5],
            _ if self.is_leftover() => &[0],
            _ if self.is_foreign() => &[4],
            _ => &[7],
        }
    }

    /// The exit codes that are right when it stands at the place of the story.
    fn as_story(self, verb: Verb) -> &'static [i32] {
        match (verb, self) {
            // A loop of links has no folder to lock in.
            (Verb::Doctor | Verb::DoctorFix, _) | (_, Self::LinkToItself) => &[1],
            (Verb::LockBreak, _) => &[3],
            (verb, Self::LinkToNothing) if verb.reads_story() => &[3],
            (verb, _) if verb.reads_story() => &[6],
            _ => &[0],
        }
    }
}

/// Whatever stands at the place of the lock: it is not followed, written, waited for or removed unless it is a lock.
pub fn at_the_sidecar(context: &Context) -> Result<Tally, Skip> {
    need_root()?;
    need_programs(&["mknod"])?;
    let ground = Ground::new(context, &context.folder("hostile-sidecar"));
    let mut tally = Tally::default();
    for thing in Thing::ALL {
        for verb in Verb::ALL {
            ground.reset();
            thing.put(&ground, &ground.sidecar)?;
            let stood = identity(&ground.sidecar);
            let passwd = Passwd::look();
            let ran = verb.on(&ground, "S-1").piped();
            let is_taken_over =
                thing.is_leftover() && (verb.takes_lock() || verb == Verb::DoctorFix);
            let stands = || match (is_taken_over, identity(&ground.sidecar)) {
                (true, None) => Ok(()),
                (false, now) if now == stood => Ok(()),
                (_, now) => Err(format!("the lock was {stood:?} and is {now:?}")),
            };
            let is_written = is_taken_over && matches!(verb, Verb::Set | Verb::Apply);
            let outcome = ran
                .check_exit(thing.as_sidecar(verb))
                .and_then(|()| ground.check_outside())
                .and_then(|()| passwd.check())
                .and_then(|()| stands())
                .and_then(|()| {
                    if is_written {
                        Ok(())
                    } else {
                        ground.check_story_untouched()
                    }
                });
            tally.point(outcome.map_err(|wrong| format!("{thing:?}, {verb:?}: {wrong}")));
        }
    }
    for thing in [Thing::HardLinkToText, Thing::Huge] {
        tally.point(stale(&ground, thing)?.map_err(|wrong| format!("stale {thing:?}: {wrong}")));
    }
    Ok(tally)
}

/// A foreign lock that is old is replaced: the name goes, and what else the file is called stays as it is.
fn stale(ground: &Ground, thing: Thing) -> Result<Result<(), String>, Skip> {
    ground.reset();
    thing.put(ground, &ground.sidecar)?;
    testkit::set_age(&ground.sidecar, Duration::from_hours(1));
    let before = Snapshot::take(&ground.outside);
    let ran = ground
        .run(&["set", "S-1", "--inc", "n", "--stale-after", "100ms"])
        .piped();
    let outcome = ran
        .check_exit(&[0])
        .and_then(|()| before.check(&Snapshot::take(&ground.outside)));
    Ok(outcome)
}

/// Whatever stands at the place of the story: reading it is refused, and nothing is done to it, nor where it leads.
pub fn at_the_story(context: &Context) -> Result<Tally, Skip> {
    need_root()?;
    need_programs(&["mknod"])?;
    let ground = Ground::new(context, &context.folder("hostile-story"));
    let mut tally = Tally::default();
    for thing in Thing::ALL {
        for verb in Verb::ALL {
            let leads_outside = matches!(
                thing,
                Thing::LinkToCanary
                    | Thing::LinkToPasswd
                    | Thing::LinkToFolder
                    | Thing::LinkToNothing
            );
            if leads_outside && matches!(verb, Verb::LockRun | Verb::LockHold) {
                // Told to lock what the link leads to, they do, beside it (decision 0005).
                continue;
            }
            ground.reset();
            thing.put(&ground, &ground.story)?;
            let stood = identity(&ground.story);
            let passwd = Passwd::look();
            let ran = verb.on(&ground, "S-1").piped();
            let stands = || match identity(&ground.story) {
                now if now == stood && ground.names() == ["story.md"] => Ok(()),
                now => Err(format!("{stood:?} is {now:?} beside {:?}", ground.names())),
            };
            let outcome = ran
                .check_exit(thing.as_story(verb))
                .and_then(|()| ground.check_outside())
                .and_then(|()| passwd.check())
                .and_then(|()| stands());
            tally.point(outcome.map_err(|wrong| format!("{thing:?}, {verb:?}: {wrong}")));
        }
    }
    for (verb, exit) in [(Verb::Get, 0), (Verb::Set, 7), (Verb::Apply, 7)] {
        ground.reset();
        fs::remove_file(&ground.story).expect("the story is there");
        fs::hard_link(ground.outside.join("story.md"), &ground.story).expect("a link can be made");
        let outcome = verb.on(&ground, "S-1").piped().check_exit(&[exit]);
        let outcome = outcome.and_then(|()| ground.check_outside());
        tally
            .point(outcome.map_err(|wrong| format!("a second name of a story, {verb:?}: {wrong}")));
    }
    Ok(tally)
}

/// A lock or a story that may not be read: a typed refusal, and nothing is done to it.
pub fn without_rights(context: &Context) -> Result<Tally, Skip> {
    need_root()?;
    // Below the build folder the user may not even find the program.
    let home = tempfile::Builder::new()
        .prefix("prove-nobody-")
        .permissions(fs::Permissions::from_mode(0o755))
        .tempdir()
        .map_err(|err| Skip::because(format!("no temporary folder: {err}")))?;
    let program = home.path().join("story");
    prepare(Command::new("cp").arg(&context.story).arg(&program))?;
    let ground = Ground::with_program(&program, &home.path().join("ground"));
    let mut tally = Tally::default();
    for (place, owner, verb) in [&ground.sidecar, &ground.story]
        .into_iter()
        .flat_map(|place| [(place, 0), (place, NOBODY)])
        .flat_map(|(place, owner)| Verb::ALL.map(|verb| (place, owner, verb)))
    {
        ground.reset();
        write(place, &record());
        fs::set_permissions(place, fs::Permissions::from_mode(0o000)).expect("root may");
        chown(place, Some(owner), Some(owner)).expect("root may");
        for path in [&ground.folder, &ground.story] {
            let owner = if path == place { owner } else { NOBODY };
            chown(path, Some(owner), Some(owner)).expect("root may");
        }
        let stood = identity(place);
        let ran = verb.on(&ground, "S-1").user(NOBODY).piped();
        let at_lock = *place == ground.sidecar;
        let expected: &[i32] = match verb {
            Verb::Doctor | Verb::DoctorFix => &[1],
            Verb::Get | Verb::Show if at_lock => &[0],
            Verb::LockBreak if !at_lock => &[3],
            Verb::LockStatus | Verb::LockRun | Verb::LockHold if !at_lock => &[0],
            _ => &[8],
        };
        let stands = || match identity(place) {
            now if now == stood => Ok(()),
            now => Err(format!("{stood:?} is {now:?}")),
        };
        let outcome = ran
            .check_exit(expected)
            .and_then(|()| ground.check_outside())
            .and_then(|()| stands());
        let what = if at_lock { "lock" } else { "story" };
        tally.point(
            outcome
                .map_err(|wrong| format!("unreadable {what} of user {owner}, {verb:?}: {wrong}")),
        );
    }
    Ok(tally)
}

/// What a look tells of a file without opening it.
fn identity(path: &Path) -> Option<(u64, u32, u64, i64, i64)> {
    let seen = fs::symlink_metadata(path).ok()?;
    Some((
        seen.ino(),
        seen.mode(),
        seen.size(),
        seen.mtime(),
        seen.mtime_nsec(),
    ))
}

/// The real list of users, and its folder: only ever looked at.
struct Passwd {
    seen: Option<(u64, u32, u64, i64, i64)>,
    bytes: Option<Vec<u8>>,
    names: Vec<PathBuf>,
}

impl Passwd {
    fn look() -> Self {
        let entries = fs::read_dir("/etc").into_iter().flatten().flatten();
        Self {
            seen: identity(Path::new("/etc/passwd")),
            bytes: fs::read("/etc/passwd").ok(),
            names: entries.map(|entry| entry.path()).collect(),
        }
    }

    fn check(&self) -> Result<(), String> {
        let now = Self::look();
        if self.seen == now.seen && self.bytes == now.bytes && self.names == now.names {
            Ok(())
        } else {
            Err("/etc/passwd, or the names in its folder, have changed".to_owned())
        }
    }
}

fn node(path: &Path, kind: &[&str]) -> Result<(), Skip> {
    prepare(Command::new("mknod").arg(path).args(kind)).map(drop)
}

/// A file of a gigabyte, most of it a hole.
fn huge(path: &Path, head: &[u8]) -> std::io::Result<()> {
    write(path, head);
    OpenOptions::new().write(true).open(path)?.set_len(GIGABYTE)
}
