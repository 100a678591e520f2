//! What the doctor says of places: each in which an update would be refused is named, with the reason, before it is needed.

use std::fs;
use std::path::Path;
use std::process::Command;

use testkit::Finished;

use super::people::{AS_NOBODY, NOBODY, Reachable};
use super::place::{Place, ensure, run};
use crate::case::{Skip, Tally};
use crate::context::{Context, Mount, need_root, prepare};

/// A project whose stories lie in places of many kinds.
pub fn doctor(context: &Context) -> Result<Tally, Skip> {
    need_root()?;
    let reachable = Reachable::new(context)?;
    let mut tally = Tally::default();
    let project = reachable.folder("project", NOBODY, 0o755);
    let root = project.join(".ai-sdlc");
    let stories = root.join("stories");
    let well = story(context, &stories.join("S-1"));
    tally.point(says(&look(&well, &project), 0, ""));
    tally.point(says(&look(&well, Path::new("/")), 3, "story init"));

    let legacy = root.join("backlog");
    fs::create_dir_all(&legacy).expect("the sandbox can be written");
    let long = legacy.join("x".repeat(248) + ".md");
    fs::copy(&well.story, &long).expect("the sandbox can be written");
    tally.point(says(&look(&well, &project), 1, "its name is too long"));
    fs::remove_file(&long).expect("it is there");
    fs::copy(&well.story, legacy.join("x".repeat(247) + ".md"))
        .expect("the sandbox can be written");
    tally.point(says(&look(&well, &project), 0, ""));
    fs::remove_dir_all(&legacy).expect("it is there");

    // One story's folder on a read-only mount; the rest of the project can be written.
    let second = story(context, &stories.join("S-2"));
    let folder = second.folder().to_string_lossy().into_owned();
    let mount = Mount::new(&["--bind", &folder], second.folder())?;
    prepare(Command::new("mount").args(["-o", "remount,bind,ro", &folder]))?;
    tally.point(says(
        &look(&well, &project),
        1,
        "its file system is read-only",
    ));
    drop(mount);

    // Seen by a user who owns some of it.
    prepare(Command::new("chown").args(["-R", "65534:65534"]).arg(&root))?;
    let nobody = well.through(&AS_NOBODY).with_program(reachable.program());
    tally.point(says(&look(&nobody, &project), 0, ""));
    prepare(Command::new("chown").arg("0:0").arg(&second.story))?;
    tally.point(says(
        &look(&nobody, &project),
        1,
        "it belongs to another user",
    ));
    prepare(Command::new("chown").arg("0:0").arg(second.folder()))?;
    tally.point(says(&look(&nobody, &project), 1, "may not make files"));
    tally.point(says(&look(&well, &project), 0, ""));

    fs::remove_file(&second.story).expect("it is there");
    std::os::unix::fs::symlink("nowhere.md", &second.story).expect("a link can be made");
    tally.point(says(&look(&well, &project), 1, "no such file"));
    fs::remove_dir_all(second.folder()).expect("it is there");

    on_overlay(&reachable, &project, &well, &mut tally)?;
    Ok(tally)
}

/// Over an overlay all is well: its locks work for all who use it by the same path.
fn on_overlay(
    reachable: &Reachable,
    project: &Path,
    well: &Place,
    tally: &mut Tally,
) -> Result<(), Skip> {
    let ground = reachable.folder("ground", 0, 0o755);
    let _ground = Mount::new(&["-t", "tmpfs", "none"], &ground)?;
    for name in ["upper", "work"] {
        fs::create_dir(ground.join(name)).expect("it is writable");
    }
    let options = format!(
        "lowerdir={},upperdir={1}/upper,workdir={1}/work",
        project.display(),
        ground.display()
    );
    let arguments = ["-t", "overlay", "overlay", "-o", &options];
    let merged = Mount::new(&arguments, &ground.join("merged"))?;
    tally.point(says(&look(well, &merged.at), 0, ""));
    Ok(())
}

fn story<'a>(context: &'a Context, folder: &Path) -> Place<'a> {
    fs::create_dir_all(folder).expect("the sandbox can be written");
    let place = Place::new(context, folder.join("story.md"));
    // The id is the folder's name, or the doctor has something to say about that.
    let text = fs::read_to_string(&place.story).expect("it was written");
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let text = text.replace("id: S-1", &format!("id: {name}"));
    fs::File::create(&place.story)
        .and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()))
        .expect("the sandbox can be written");
    place
}

fn look(place: &Place, project: &Path) -> Finished {
    run(place.start().arg("doctor").current_dir(project))
}

fn says(finished: &Finished, exit: i32, word: &str) -> Result<(), String> {
    let said = format!("{}{}", finished.stdout, finished.stderr);
    ensure(
        finished.status.code() == Some(exit) && said.contains(word) && !said.contains("panicked"),
        || format!("must exit with {exit} and say {word:?}: {finished:?}"),
    )
}
