//! Mounts of other kinds: options, overlays, mount points.

use std::fs;
use std::path::Path;
use std::process::Command;

use testkit::SecondProcess;

use super::place::{PATIENCE, Place, READ_ONLY, Refusal, count_all, ensure, run, succeeded};
use crate::case::{Skip, Tally};
use crate::context::{Context, Mount, need_root};

/// Options that a careful administrator sets; none of them keeps an update from working.
pub fn options(context: &Context) -> Result<Tally, Skip> {
    need_root()?;
    let at = context.folder("options");
    let mut tally = Tally::default();
    for option in [
        "noexec,nosuid,nodev",
        "sync",
        "dirsync",
        "noatime",
        "relatime",
        "mand",
    ] {
        // What this kernel does not know is not tried.
        let Ok(_mount) = Mount::new(&["-t", "tmpfs", "-o", option, "none"], &at) else {
            continue;
        };
        let place = Place::new(context, at.join("story.md"));
        tally.point(
            place
                .counts_all(4, 5)
                .map_err(|err| format!("{option}: {err}")),
        );
    }
    Ok(tally)
}

/// An overlay: the story below, copied up by the first update, locks across that moment; and its upper folder used directly.
pub fn overlay(context: &Context) -> Result<Tally, Skip> {
    need_root()?;
    let mut tally = Tally::default();
    let mut folder = context.folder("overlay");
    let _ground;
    // An overlay cannot stand on an overlay: in a container the layers lie in memory.
    if Layers::mount(&folder).is_err() {
        _ground = Mount::new(&["-t", "tmpfs", "none"], &folder.join("ground"))?;
        folder = folder.join("ground");
    }
    for _ in 0..if context.long { 50 } else { 3 } {
        let layers = Layers::mount(&folder)?;
        let below = Place::new(context, folder.join("lower/story.md"));
        let merged = below.by(folder.join("merged/story.md"));
        // The lock is taken while the story is in the lower layer only; others must wait across the copy.
        let mut holder = hold(&merged);
        tally.point(merged.increment(&["--timeout", "0"]).refused_as_locked());
        let text = fs::read(&merged.story).expect("the story can be read");
        fs::OpenOptions::new()
            .write(true)
            .open(&merged.story)
            .and_then(|mut file| std::io::Write::write_all(&mut file, &text))
            .expect("a write copies it up");
        tally.point(merged.increment(&["--timeout", "0"]).refused_as_locked());
        holder.close_stdin();
        tally.point(succeeded(&holder.wait(PATIENCE)));
        drop(layers);
        fs::remove_dir_all(folder.join("upper")).expect("the layer can be emptied");
        // Two and more processes, of which one copies the story up.
        let layers = Layers::mount(&folder)?;
        tally.point(merged.counts_all(4, 5));
        tally.point(below.counts(0));
        drop(layers);
        let upper = below.by(folder.join("upper/story.md"));
        tally.point(upper.counts(20).and_then(|()| upper.is_alone()));
        fs::remove_dir_all(folder.join("upper")).expect("the layer can be emptied");
    }
    let lower = format!("lowerdir={0}/lower:{0}/merged", folder.display());
    let only = Mount::new(
        &["-t", "overlay", "overlay", "-o", &lower],
        &folder.join("only"),
    )?;
    tally.point(Place::at(context, only.at.join("story.md")).refuses(&READ_ONLY));
    tally.note += "excluded across the copy to the upper layer";
    Ok(tally)
}

struct Layers {
    _mount: Mount,
}

impl Layers {
    fn mount(folder: &Path) -> Result<Self, Skip> {
        for name in ["lower", "upper", "work"] {
            fs::create_dir_all(folder.join(name)).map_err(|err| Skip::because(err.to_string()))?;
        }
        let shown = folder.display();
        let options = format!("lowerdir={shown}/lower,upperdir={shown}/upper,workdir={shown}/work");
        let arguments = ["-t", "overlay", "overlay", "-o", &options];
        let mount = Mount::new(&arguments, &folder.join("merged"))?;
        Ok(Self { _mount: mount })
    }
}

/// Somebody who holds the lock until its input is closed.
pub fn hold(place: &Place) -> SecondProcess {
    SecondProcess::spawn_ready(&mut place.command(&["lock", "hold"], &[]), PATIENCE)
}

/// What an update by somebody else must come to while the lock is held.
pub trait RefusedAsLocked {
    /// It must be refused as locked.
    fn refused_as_locked(&self) -> Result<(), String>;
}

impl RefusedAsLocked for testkit::Finished {
    fn refused_as_locked(&self) -> Result<(), String> {
        super::place::exited(self, 4)?;
        ensure(self.stderr.contains("locked by another process"), || {
            format!("it must say who is in the way: {self:?}")
        })
    }
}

/// A folder that is a mount point works, by both its names; a single file that is one is refused.
pub fn points(context: &Context) -> Result<Tally, Skip> {
    need_root()?;
    let mut tally = Tally::default();
    let folder = context.folder("points");
    let place = Place::new(context, make(&folder, "real").join("story.md"));
    let real = place.folder().to_string_lossy().into_owned();
    let mount = Mount::new(&["--bind", &real], &folder.join("bound"))?;
    let bound = place.by(mount.at.join("story.md"));
    tally.point(bound.works());
    tally.point(count_all(&[&place, &bound, &place, &bound], 5));
    let mut holder = hold(&bound);
    tally.point(place.increment(&["--timeout", "0"]).refused_as_locked());
    holder.close_stdin();
    tally.point(succeeded(&holder.wait(PATIENCE)));
    single_file(context, &folder, &place, &mut tally)?;
    // A story on another file system than the folder that is named, by a link and by a mount.
    let other = Mount::new(&["-t", "tmpfs", "none"], &folder.join("real/other"))?;
    let elsewhere = Place::new(context, other.at.join("story.md"));
    tally.point(elsewhere.works());
    let link = folder.join("link.md");
    std::os::unix::fs::symlink(&elsewhere.story, &link).expect("a link can be made");
    tally.point(count_all(&[&elsewhere, &elsewhere.by(&link)], 5));
    single_file(context, &folder, &elsewhere, &mut tally)?;
    Ok(tally)
}

const MOUNTED: Refusal = Refusal {
    exit: 7,
    code: "EREFUSED",
    words: &["mount point", "mount its folder"],
};

/// Mounts the story alone into another folder, as people do with containers.
fn single_file(
    context: &Context,
    folder: &Path,
    place: &Place,
    tally: &mut Tally,
) -> Result<(), Skip> {
    let root = make(folder, "container");
    let stories = make(&root, ".ai-sdlc/stories/S-1");
    let target = stories.join("story.md");
    fs::File::create(&target).expect("the build folder can be written");
    let status = Command::new("mount")
        .arg("--bind")
        .arg(&place.story)
        .arg(&target)
        .status();
    if !status.is_ok_and(|status| status.success()) {
        return Err(Skip::because("a single file cannot be mounted here"));
    }
    let single = Place::at(context, &target);
    tally.point(single.refuses(&MOUNTED));
    let doctor = run(single.start().arg("doctor").current_dir(&root));
    tally.point(ensure(
        doctor.status.code() == Some(1) && doctor.stdout.contains("mounted by itself"),
        || format!("doctor must say that it is mounted by itself: {doctor:?}"),
    ));
    let unmounted = Command::new("umount").arg(&target).status();
    tally.point(ensure(
        unmounted.is_ok_and(|status| status.success()),
        || "the story is still in use".to_owned(),
    ));
    tally.point(place.works());
    Ok(())
}

fn make(folder: &Path, name: &str) -> std::path::PathBuf {
    let made = folder.join(name);
    fs::create_dir_all(&made).expect("the build folder can be written");
    made
}
