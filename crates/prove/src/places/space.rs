//! Places that take nothing more: read-only, full, without inodes, over a quota, on a failing disk.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::place::{NO_SPACE, Place, READ_ONLY, ensure, exited, refused, run, succeeded};
use crate::case::{Skip, Tally};
use crate::context::{Context, Mount, need_programs, need_root, prepare};

const PAGE: u64 = 4096;

/// A bind mount and a file system that became read-only: all that writes is refused, all that reads works.
pub fn read_only(context: &Context) -> Result<Tally, Skip> {
    need_root()?;
    let mut tally = Tally::default();
    let folder = context.folder("read-only");
    for (name, remount) in [("bind", "remount,bind,ro"), ("tmpfs", "remount,ro")] {
        let at = folder.join(name);
        let _mount = if name == "bind" {
            let source = folder.join("source");
            fs::create_dir_all(&source).expect("the build folder can be written");
            Mount::new(&["--bind", &source.to_string_lossy()], &at)?
        } else {
            Mount::new(&["-t", "tmpfs", "none"], &at)?
        };
        let stories = at.join(".ai-sdlc/stories/S-1");
        fs::create_dir_all(&stories).expect("it is still writable");
        let place = Place::new(context, stories.join("story.md"));
        tally.point(place.works());
        prepare(Command::new("mount").args(["-o", remount]).arg(&at))?;
        read_only_verbs(&place, &at, &mut tally);
        let back = remount.replace("ro", "rw");
        prepare(Command::new("mount").args(["-o", &back]).arg(&at))?;
        tally.point(place.works());
    }
    tally.note += "reading works, the rest is EROFS";
    Ok(tally)
}

fn read_only_verbs(place: &Place, root: &Path, tally: &mut Tally) {
    tally.point(place.refuses(&READ_ONLY));
    let story = Some(place.story.as_os_str());
    for (verb, arguments) in [
        (vec!["lock", "run", "--json"], vec!["--", "true"]),
        (vec!["lock", "hold", "--json"], vec![]),
        (vec!["get", "--json", "--locked"], vec!["count"]),
    ] {
        let finished = run(&mut place.command(&verb, &arguments));
        tally.point(refused(&finished, &READ_ONLY, story));
    }
    for (verb, arguments) in [
        (vec!["get"], vec!["count"]),
        (vec!["show"], vec![]),
        (vec!["lock", "status"], vec![]),
    ] {
        tally.point(succeeded(&run(&mut place.command(&verb, &arguments))));
    }
    for arguments in [&["doctor"][..], &["doctor", "--fix", "--json"]] {
        let finished = run(place.start().args(arguments).current_dir(root));
        tally.point(exited(&finished, 1).and_then(|()| {
            ensure(finished.stdout.contains("read-only"), || {
                format!("doctor must name the reason: {finished:?}")
            })
        }));
    }
}

/// A tmpfs of 64 KiB with so many pages free: each step of an update meets a full disk at one of these levels.
pub fn full(context: &Context) -> Result<Tally, Skip> {
    need_root()?;
    let at = context.folder("full");
    let mut tally = Tally::default();
    let (mut refusals, mut successes) = (0, 0);
    for (bytes, arguments) in [
        (0, &[][..]),
        (9000, &[]),
        (9000, &["--fast"]),
        (20_000, &[]),
    ] {
        for free in 0..=8 {
            let _mount = Mount::new(&["-t", "tmpfs", "-o", "size=64k", "none"], &at)?;
            let place = Place::new(context, at.join("story.md")).longer(bytes);
            let filler = fill(&at, free * PAGE);
            let outcome = full_or_done(&place, arguments);
            refusals += u64::from(outcome == Ok(false));
            successes += u64::from(outcome == Ok(true));
            let outcome = outcome.and_then(|_| {
                fs::remove_file(filler).map_err(|err| err.to_string())?;
                place.works()
            });
            tally.point(outcome.map_err(|err| {
                format!("{bytes} bytes of body, {free} pages free, {arguments:?}: {err}")
            }));
        }
    }
    if refusals == 0 || successes == 0 {
        let wrong = format!("all levels are alike: {refusals} refused, {successes} done");
        tally.wrong.push(wrong);
    }
    tally.note = format!("{refusals} refused, {successes} done");
    Ok(tally)
}

/// Negative control: a script that writes in place must be seen to tear the story on the same full disks.
pub fn full_in_place(context: &Context) -> Result<Tally, Skip> {
    need_root()?;
    let at = context.folder("full-in-place");
    let mut tally = Tally::default();
    for free in 0..=2 {
        let _mount = Mount::new(&["-t", "tmpfs", "-o", "size=64k", "none"], &at)?;
        let place = Place::new(context, at.join("story.md")).longer(9000);
        fill(&at, free * PAGE);
        let script = r#"text=$(sed "s/^count: 0/count: 1/" "$1"; echo .)
            { truncate -s 0 "$1"; cat /dev/zero > "$2" 2>/dev/null; printf %s "${text%.}" > "$1"; } 2>/dev/null; true"#;
        run(Command::new("sh")
            .args(["-c", script, "sh"])
            .args([&place.story, &at.join("more")]));
        tally.point(place.count().map(drop));
    }
    Ok(tally)
}

/// `Ok(true)` when the update was done, `Ok(false)` when it was refused as on a full disk, and all is well either way.
fn full_or_done(place: &Place, arguments: &[&str]) -> Result<bool, String> {
    let before = place.count()?;
    let mut words = vec!["--json"];
    words.extend(arguments);
    let finished = place.increment(&words);
    let is_done = finished.status.code() == Some(0);
    if !is_done {
        refused(&finished, &NO_SPACE, Some(place.story.as_os_str()))?;
    }
    place.counts(before + u64::from(is_done))?;
    place.is_alone()?;
    Ok(is_done)
}

/// Fills the file system, and gives so many bytes back.
fn fill(folder: &Path, free: u64) -> PathBuf {
    let path = folder.join("filler");
    let mut file = fs::File::create(&path).expect("there is an inode left");
    let page = [0; 4096];
    while std::io::Write::write_all(&mut file, &page).is_ok() {}
    let size = file.metadata().expect("it is open").len();
    file.set_len(size.saturating_sub(free))
        .expect("shorter is always possible");
    path
}

/// So many inodes that the lock, the new version, or neither can be made.
pub fn inodes(context: &Context) -> Result<Tally, Skip> {
    need_root()?;
    let at = context.folder("inodes");
    let mut tally = Tally::default();
    let (mut refusals, mut successes) = (0, 0);
    for limit in 3..=7 {
        let options = format!("nr_inodes={limit}");
        let _mount = Mount::new(&["-t", "tmpfs", "-o", &options, "none"], &at)?;
        let place = Place::new(context, at.join("story.md"));
        fs::File::create(at.join("filler")).expect("there is an inode for it");
        let outcome = full_or_done(&place, &[]);
        refusals += u64::from(outcome == Ok(false));
        successes += u64::from(outcome == Ok(true));
        let outcome = outcome.and_then(|_| {
            prepare(
                Command::new("mount")
                    .args(["-o", "remount,nr_inodes=100"])
                    .arg(&at),
            )
            .map_err(|Skip(reason)| reason)?;
            place.works()
        });
        tally.point(outcome.map_err(|err| format!("{limit} inodes: {err}")));
    }
    if refusals == 0 || successes == 0 {
        tally
            .wrong
            .push(format!("{refusals} refused, {successes} done: all alike"));
    }
    tally.note = format!("{refusals} refused, {successes} done");
    Ok(tally)
}

/// A disk that takes nothing more from some moment on: the system tells only when it is synced.
pub fn failing_disk(context: &Context) -> Result<Tally, Skip> {
    need_root()?;
    need_programs(&["losetup", "mkfs.ext4", "mkfs.xfs"])?;
    let mut tally = Tally::default();
    let mut told = Vec::new();
    let rounds = if context.long { 20 } else { 1 };
    for round in 0..rounds {
        for (maker, bytes) in [
            (&["mkfs.ext4", "-q"][..], 9000),
            (&["mkfs.ext4", "-q"], 400_000),
            (&["mkfs.xfs", "-q", "-f"], 400_000),
        ] {
            let folder = context.folder("failing-disk");
            told.extend(
                fail_once(context, &folder, (maker, bytes), &mut tally)
                    .map_err(|Skip(reason)| Skip(format!("round {round}, {maker:?}: {reason}")))?,
            );
        }
    }
    told.sort_unstable();
    told.dedup();
    tally.note = format!(
        "told: {}; the repaired disk has all that was acknowledged",
        told.join(" ")
    );
    Ok(tally)
}

fn fail_once(
    context: &Context,
    folder: &Path,
    (maker, bytes): (&[&str], usize),
    tally: &mut Tally,
) -> Result<Vec<String>, Skip> {
    let below = Mount::new(
        &["-t", "tmpfs", "-o", "size=110M", "none"],
        &folder.join("below"),
    )?;
    let image = below.at.join("disk");
    let made = fs::File::create(&image).and_then(|file| file.set_len(320 * 1024 * 1024));
    made.map_err(|err| Skip::because(err.to_string()))?;
    prepare(Command::new(maker[0]).args(&maker[1..]).arg(&image))?;
    let at = folder.join("disk");
    let mounted = Mount::new(&["-o", "loop", &image.to_string_lossy()], &at)?;
    // No update before: it would free blocks that the image has already, and a later one would find room in them.
    let place = Place::new(context, at.join("story.md")).longer(bytes);
    prepare(Command::new("sync").arg("-f").arg(&at))?;
    let filler = fill(&below.at, 0);
    let mut acknowledged = place.count().unwrap_or_default();
    let mut largest = acknowledged;
    let mut told = Vec::new();
    for _ in 0..8 {
        let finished = place.increment(&["--json", "--timeout", "1s"]);
        let code = finished.status.code();
        largest += 1;
        if code == Some(0) {
            acknowledged = largest;
        }
        told.push(code_in(&finished.stdout).to_owned());
        // A disk that fails may be seen as an error of any of these kinds; a word and a hint belong to each.
        let is_typed = matches!(code, Some(0 | 1 | 8 | 9)) && !finished.stderr.contains("panicked");
        let is_told = code == Some(0) || finished.stderr.contains("hint: ");
        tally.point(ensure(is_typed && is_told, || {
            format!("{maker:?}: {finished:?}")
        }));
    }
    tally.point(ensure(acknowledged < largest, || {
        format!("{maker:?}: the disk did not fail")
    }));
    drop(mounted);
    fs::remove_file(filler).map_err(|err| Skip::because(err.to_string()))?;
    let _mounted = Mount::new(&["-o", "loop", &image.to_string_lossy()], &at)?;
    let found = place.count();
    tally.point(found.and_then(|count| {
        ensure((acknowledged..=largest).contains(&count), || {
            format!("{maker:?}: {acknowledged} were acknowledged, {count} are there")
        })
    }));
    // A lock whose record never reached the disk is an empty file: another tool's, for all that can be known.
    tally.point(place.works());
    Ok(told)
}

/// The code of an error in JSON.
fn code_in(answer: &str) -> &str {
    let (_, rest) = answer.split_once("\"code\":\"").unwrap_or(("", "done\""));
    rest.split('"').next().unwrap_or_default()
}

/// A quota of btrfs: EDQUOT, which must be told as no space.
pub fn quota(context: &Context) -> Result<Tally, Skip> {
    need_root()?;
    need_programs(&["losetup", "mkfs.btrfs", "btrfs"])?;
    let folder = context.folder("quota");
    let image = folder.join("disk");
    let made = fs::File::create(&image).and_then(|file| file.set_len(128 * 1024 * 1024));
    made.map_err(|err| Skip::because(err.to_string()))?;
    prepare(Command::new("mkfs.btrfs").arg("-q").arg(&image))?;
    let at = folder.join("disk.mounted");
    let _mount = Mount::new(&["-o", "loop", &image.to_string_lossy()], &at)?;
    let volume = at.join("volume");
    let btrfs = |arguments: &[&str]| prepare(Command::new("btrfs").args(arguments).arg(&volume));
    btrfs(&["subvolume", "create"])?;
    btrfs(&["quota", "enable"])?;
    let mut tally = Tally::default();
    let place = Place::new(context, volume.join("story.md")).longer(9000);
    tally.point(place.works());
    btrfs(&["qgroup", "limit", "512K"])?;
    let (mut refusals, mut successes) = (0, 0);
    for number in 0..24 {
        // What was not written back yet is not counted yet: the quota is met a little at a time.
        let filler = volume.join(format!("filler-{number}"));
        run(Command::new("dd")
            .args(["if=/dev/urandom", "bs=24k", "count=1", "conv=fsync"])
            .arg(format!("of={}", filler.display())));
        let outcome = full_or_done(&place, &[]);
        refusals += u64::from(outcome == Ok(false));
        successes += u64::from(outcome == Ok(true));
        tally.point(
            outcome
                .map(drop)
                .map_err(|err| format!("file {number}: {err}")),
        );
    }
    btrfs(&["qgroup", "limit", "none"])?;
    if refusals == 0 || successes == 0 {
        tally
            .wrong
            .push(format!("{refusals} refused, {successes} done: all alike"));
    }
    tally.point(place.works());
    tally.note = format!("{refusals} refused, {successes} done");
    Ok(tally)
}
