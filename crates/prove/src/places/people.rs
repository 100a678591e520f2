//! Others: other namespaces, other users, other clocks.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use testkit::{Sandbox, SecondProcess};

use super::mounts::{RefusedAsLocked as _, hold};
use super::place::{NO_PERMISSION, PATIENCE, Place, Refusal, count_all, ensure, run, succeeded};
use crate::case::{Skip, Tally};
use crate::context::{Context, need_programs, need_root, prepare};

/// The user that is called `nobody` on Linux systems.
pub const NOBODY: u32 = 65534;
pub const AS_NOBODY: [&str; 6] = [
    "setpriv",
    "--reuid",
    "65534",
    "--regid",
    "65534",
    "--clear-groups",
];
/// Other process ids, another host name, mounts of its own.
const CONTAINER: [&str; 6] = [
    "unshare",
    "--pid",
    "--uts",
    "--mount",
    "--fork",
    "--mount-proc",
];
/// A machine of the same kernel that has been up for a day longer, as a restored container is.
const OTHER_UPTIME: [&str; 6] = [
    "unshare",
    "--time",
    "--boottime",
    "86400",
    "--monotonic",
    "86400",
];

/// Two containers: a holder in one is respected from the other, a killed one is replaced at once, and nothing is lost.
pub fn namespaces(context: &Context) -> Result<Tally, Skip> {
    need_root()?;
    need_programs(&["unshare"])?;
    prepare(Command::new("unshare").args(&CONTAINER[1..]).arg("true"))?;
    let mut tally = Tally::default();
    let mut ways = vec![CONTAINER.as_slice()];
    if prepare(Command::new("unshare").args(&OTHER_UPTIME[1..]).arg("true")).is_ok() {
        ways.push(&OTHER_UPTIME);
    }
    let place = Place::new(context, context.folder("namespaces").join("story.md"));
    for way in ways {
        let inside = place.through(way);
        // Its process id there says nothing here, or is that of another.
        let mut holder = hold(&inside);
        for other in [&inside, &place] {
            let finished = other.increment(&["--timeout", "300ms"]);
            tally.point(
                finished
                    .refused_as_locked()
                    .map_err(|err| format!("{way:?}: {err}")),
            );
        }
        holder.close_stdin();
        tally.point(succeeded(&holder.wait(PATIENCE)));
        for (killed, next) in [(&inside, &place), (&place, &inside), (&inside, &inside)] {
            tally.point(killed_is_replaced(killed, next).map_err(|err| format!("{way:?}: {err}")));
        }
        let each = if context.long { 1000 } else { 50 };
        tally.point(count_all(&[&inside, &inside], each));
        tally.point(count_all(&[&inside, &place], each));
    }
    tally.note += "100 of 100 updates by two namespaces, each way";
    Ok(tally)
}

fn killed_is_replaced(killed: &Place, next: &Place) -> Result<(), String> {
    // It dies with its whole group: the process that entered the namespace and what runs in it.
    let process = hold(killed);
    let sidecar = sidecar_of(&killed.story);
    drop(process);
    testkit::wait_until("the kernel has dropped the lock", PATIENCE, || {
        let state = run(&mut next.command(&["lock", "status"], &[]));
        state.stdout.contains("left over") || !sidecar.exists()
    });
    let before = next.count()?;
    let finished = next.increment(&["--timeout", "0"]);
    succeeded(&finished)?;
    ensure(finished.stderr.contains("took over"), || {
        format!("a take-over must be told: {finished:?}")
    })?;
    next.counts(before + 1)?;
    next.is_alone()
}

fn sidecar_of(story: &Path) -> PathBuf {
    let mut sidecar = story.as_os_str().to_owned();
    sidecar.push(".lock");
    sidecar.into()
}

/// A folder that every user can reach, with a copy of the program.
pub struct Reachable {
    sandbox: Sandbox,
    program: PathBuf,
}

impl Reachable {
    pub fn new(context: &Context) -> Result<Self, Skip> {
        need_root()?;
        need_programs(&["setpriv"])?;
        let sandbox = Sandbox::inside(&std::env::temp_dir())
            .map_err(|err| Skip::because(format!("no temporary folder: {err}")))?;
        set_mode(sandbox.path(), 0o755);
        let program = sandbox.join("story");
        // By another process: a child that is forked here meanwhile would keep our copy open for writing.
        prepare(Command::new("cp").arg(&context.story).arg(&program))?;
        let as_nobody = prepare(Command::new(AS_NOBODY[0]).args(&AS_NOBODY[1..]).arg("true"));
        as_nobody?;
        Ok(Self { sandbox, program })
    }

    /// The copy of the program.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// A new folder of this owner and mode.
    pub fn folder(&self, name: &str, owner: u32, mode: u32) -> PathBuf {
        let folder = self.sandbox.join(name);
        fs::create_dir(&folder).expect("the sandbox can be written");
        chown(&folder, Some(owner), Some(owner)).expect("root may");
        set_mode(&folder, mode);
        folder
    }

    /// A story of this owner and mode in a folder of that owner and mode; worked at by root, and by nobody.
    pub fn story<'a>(
        &self,
        context: &'a Context,
        folder: &Path,
        (owner, mode): (u32, u32),
    ) -> (Place<'a>, Place<'a>) {
        let root = Place::new(context, folder.join("story.md")).with_program(&self.program);
        chown(&root.story, Some(owner), Some(owner)).expect("root may");
        set_mode(&root.story, mode);
        let nobody = root.through(&AS_NOBODY);
        (root, nobody)
    }
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("the mode can be set");
}

const OWNER: Refusal = Refusal {
    exit: 8,
    code: "EACCES",
    words: &["owner", "must not change hands"],
};

/// A user without privileges in folders of others, and root in that user's: refused in words, or the owner and mode are kept.
pub fn users(context: &Context) -> Result<Tally, Skip> {
    let reachable = Reachable::new(context)?;
    let mut tally = Tally::default();
    let mut point = |name: &str, outcome: Result<(), String>| {
        tally.point(outcome.map_err(|err| format!("{name}: {err}")));
    };
    for (name, folder_mode, owner, mode, refusal) in [
        ("folder-of-root", 0o755, NOBODY, 0o644, Some(NO_PERMISSION)),
        ("story-of-root", 0o777, 0, 0o666, Some(OWNER)),
        (
            "story-of-root-read-only",
            0o777,
            0,
            0o644,
            Some(NO_PERMISSION),
        ),
        ("sticky-story-of-root", 0o1777, 0, 0o666, Some(OWNER)),
        ("sticky-own-story", 0o1777, NOBODY, 0o644, None),
        ("open", 0o777, NOBODY, 0o640, None),
        ("searchable", 0o733, NOBODY, 0o600, None),
        (
            "own-read-only-story",
            0o777,
            NOBODY,
            0o444,
            Some(NO_PERMISSION),
        ),
    ] {
        let folder = reachable.folder(name, 0, folder_mode);
        let (root, nobody) = reachable.story(context, &folder, (owner, mode));
        match refusal {
            Some(refusal) => point(name, nobody.refuses(&refusal)),
            None => point(name, nobody.works().and_then(|()| nobody.counts_all(3, 5))),
        }
        point(
            name,
            root.works().and_then(|()| kept(&root.story, owner, mode)),
        );
    }
    let folder = reachable.folder("user-namespace", NOBODY, 0o777);
    let (root, nobody) = reachable.story(context, &folder, (NOBODY, 0o644));
    let mut words = AS_NOBODY.to_vec();
    words.extend(["unshare", "--user", "--map-root-user"]);
    if prepare(Command::new(words[0]).args(&words[1..]).arg("true")).is_ok() {
        let mapped = nobody.through(&words);
        point("mapped root", mapped.works());
        point(
            "mapped root and root",
            count_all(&[&mapped, &root, &nobody], 5),
        );
        point("mapped root", kept(&root.story, NOBODY, 0o644));
        chown(&root.story, Some(0), Some(0)).expect("root may");
        set_mode(&root.story, 0o666);
        point("mapped root, story of the real one", mapped.refuses(&OWNER));
    }
    tally.note += "owner and mode are kept, or the update is refused";
    Ok(tally)
}

fn kept(story: &Path, owner: u32, mode: u32) -> Result<(), String> {
    let found = fs::metadata(story).map_err(|err| err.to_string())?;
    ensure(
        (found.uid(), found.gid(), found.mode() & 0o7777) == (owner, owner, mode),
        || {
            format!(
                "owner {} and mode {:o} are not kept",
                found.uid(),
                found.mode()
            )
        },
    )
}

const LEFT_BY_ANOTHER: Refusal = Refusal {
    exit: 8,
    code: "EACCES",
    words: &["dead process of another user", "doctor --fix"],
};

/// A lock of root, made under a strict umask: others must see it, wait for it, and replace it when its owner is dead.
pub fn locks_of_others(context: &Context) -> Result<Tally, Skip> {
    let reachable = Reachable::new(context)?;
    let mut tally = Tally::default();
    for umask in ["022", "077", "777"] {
        for sticky in [false, true] {
            let name = format!("{umask}-{sticky}");
            let mode = if sticky { 0o1777 } else { 0o777 };
            let folder = reachable.folder(&name, 0, mode);
            let (root, nobody) = reachable.story(context, &folder, (NOBODY, 0o644));
            let script = format!("umask {umask}; exec \"$0\" \"$@\"");
            let strict = root.through(&["sh", "-c", &script]);
            let outcome = locks_of_root(&strict, &root, &nobody, sticky);
            tally.point(outcome.map_err(|err| format!("umask {umask}, sticky {sticky}: {err}")));
        }
    }
    tally.note += "seen under every umask";
    Ok(tally)
}

fn locks_of_root(strict: &Place, root: &Place, nobody: &Place, sticky: bool) -> Result<(), String> {
    let mut holder = hold(strict);
    let holder_id = holder.id();
    nobody
        .increment(&["--timeout", "300ms"])
        .refused_as_locked()?;
    let state = run(&mut nobody.command(&["lock", "status"], &[]));
    ensure(
        state.stdout.contains(&format!("held by pid {holder_id}")),
        || format!("the holder must be seen: {state:?}"),
    )?;
    // Somebody who waits gets it when it is given back.
    let waiter = SecondProcess::spawn(&mut nobody.command(&["set"], &["--inc", "count"]));
    holder.close_stdin();
    succeeded(&holder.wait(PATIENCE))?;
    succeeded(&waiter.wait(PATIENCE))?;
    nobody.counts(1)?;
    let killed = hold(strict);
    killed.kill_9();
    if sticky {
        // Only its owner may remove it there.
        let finished = nobody.increment(&["--json"]);
        super::place::refused(&finished, &LEFT_BY_ANOTHER, None)?;
        nobody.counts(1)?;
        return root.works();
    }
    let finished = nobody.increment(&["--timeout", "0"]);
    succeeded(&finished)?;
    nobody.counts(2)?;
    nobody.is_alone()
}

/// Holders, waiters and writers whose wall clock is a day off or runs ten times as fast.
pub fn clocks(context: &Context) -> Result<Tally, Skip> {
    need_programs(&["faketime"])?;
    let mut tally = Tally::default();
    let place = Place::new(context, context.folder("clocks").join("story.md"));
    for clock in ["+1d", "-1d", "+0 x10"] {
        // What no wrongly set clock changes is left alone: the monotonic one, and the times that the disk gives to files.
        let words = [
            "env",
            "FAKETIME_DONT_FAKE_MONOTONIC=1",
            "NO_FAKE_STAT=1",
            "faketime",
            "-f",
            clock,
        ];
        let away = place.through(&words);
        let outcome = with_clocks(&away, &place);
        tally.point(outcome.map_err(|err| format!("holder at {clock}: {err}")));
        let outcome = with_clocks(&place, &away);
        tally.point(outcome.map_err(|err| format!("waiter at {clock}: {err}")));
        let outcome = count_all(&[&away, &place, &away], 20);
        tally.point(outcome.map_err(|err| format!("three writers, {clock}: {err}")));
        // Its leftovers are judged by the kernel's word, not by a clock.
        let outcome = killed_is_replaced(&away, &place);
        tally.point(outcome.map_err(|err| format!("killed at {clock}: {err}")));
        let outcome = killed_is_replaced(&place, &away);
        tally.point(outcome.map_err(|err| format!("take-over at {clock}: {err}")));
        // Another tool's fresh lock: a wrong clock must not make us wait for ever.
        fs::create_dir(sidecar_of(&place.story)).expect("the lock is free");
        let finished = away.increment(&["--timeout", "6s", "--stale-after", "2s"]);
        tally.point(succeeded(&finished).map_err(|err| format!("abandoned, {clock}: {err}")));
    }
    tally.note += "nobody robbed, nobody waits for ever";
    Ok(tally)
}

fn with_clocks(holder: &Place, waiter: &Place) -> Result<(), String> {
    let mut holding = hold(holder);
    // Above its stale limit: it must not be taken for abandoned.
    let limits = ["--timeout", "700ms", "--stale-after", "200ms"];
    waiter.increment(&limits).refused_as_locked()?;
    let process = SecondProcess::spawn(&mut waiter.command(&["set"], &["--inc", "count"]));
    holding.close_stdin();
    succeeded(&holding.wait(PATIENCE))?;
    succeeded(&process.wait(PATIENCE))?;
    waiter.is_alone()
}
