//! Names of every kind, links of every kind, and what `chattr` forbids.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use super::mounts::{RefusedAsLocked as _, hold};
use super::place::{PATIENCE, Place, Refusal, ensure, exited, refused, run, succeeded};
use crate::case::{Skip, Tally};
use crate::context::{Context, need_programs, need_root, prepare};

const TOO_LONG: Refusal = Refusal {
    exit: 7,
    code: "EREFUSED",
    words: &["too long", "shorter name"],
};

/// Files may be called anything; a name without room for `.lock` is refused before anything is touched.
pub fn names(context: &Context) -> Result<Tally, Skip> {
    need_programs(&["strace"])?;
    let mut tally = Tally::default();
    let long = |bytes: usize| OsString::from("x".repeat(bytes - 3) + ".md");
    let folder = context.folder("names");
    let good = [
        OsString::from("with some spaces.md"),
        OsString::from("two\nlines.md"),
        OsString::from("\n"),
        OsString::from("tab\tand \u{1b}[31m escape.md"),
        OsString::from_vec(b"\xff\xfe not UTF-8.md".to_vec()),
        OsString::from_vec(b"caf\xe9".to_vec()),
        OsString::from("-dash.md"),
        OsString::from("--help"),
        OsString::from("\u{1f4da}\u{200d}\u{1f525}.md"),
        OsString::from("e\u{301}\u{202e}.md"),
        OsString::from("dot.md."),
        OsString::from("..."),
        OsString::from("~"),
        OsString::from("$(id) `id` ; * ? \" ' \\ .md"),
        OsString::from("a:b=c.md"),
        OsString::from(".hidden"),
        long(249),
        long(250),
        OsString::from("\u{fc}".repeat(125)),
    ];
    for (number, name) in good.iter().enumerate() {
        let folder = folder.join(number.to_string());
        fs::create_dir(&folder).expect("the build folder can be written");
        let place = Place::new(context, folder.join(name));
        let outcome = named(&place).and_then(|()| {
            let entries = fs::read_dir(&folder).map_err(|err| err.to_string())?;
            ensure(entries.count() == 1, || {
                "something was left behind".to_owned()
            })
        });
        tally.point(outcome.map_err(|err| format!("{}: {err}", name.display())));
    }
    for bytes in [251, 252, 255] {
        let folder = folder.join(bytes.to_string());
        fs::create_dir(&folder).expect("the build folder can be written");
        let place = Place::new(context, folder.join(long(bytes)));
        tally.point(place.refuses(&TOO_LONG).and_then(|()| place.counts(0)));
        let read = run(&mut place.command(&["get"], &["count"]));
        tally.point(succeeded(&read));
        let run = run(&mut place.command(&["lock", "run", "--json"], &["--", "true"]));
        tally.point(refused(&run, &TOO_LONG, None));
    }
    let place = Place::at(context, folder.join(long(256)));
    let finished = place.increment(&["--json"]);
    tally.point(refused(&finished, &TOO_LONG, None));
    Ok(tally)
}

/// An update, one as the shell would name it, one under `lock run`, one after a crash, several at once.
fn named(place: &Place) -> Result<(), String> {
    place.works()?;
    let name = place.story.file_name().unwrap_or_default();
    // From its own folder, with the path that a completion of the shell gives.
    let mut local = OsString::from("./");
    local.push(name);
    let mut command = place.start();
    command.arg("set").arg(&local).args(["--inc", "count"]);
    succeeded(&run(command.current_dir(place.folder())))?;
    // The command that runs under the lock works under it, whatever the name does to the variable that says so.
    let mut command = place.command(&["lock", "run"], &["--"]);
    let inner = place.command(&["set"], &["--inc", "count", "--timeout", "300ms"]);
    command.arg(inner.get_program()).args(inner.get_args());
    succeeded(&run(&mut command))?;
    let holder = hold(place);
    place.increment(&["--timeout", "0"]).refused_as_locked()?;
    holder.kill_9();
    let took_over = place.increment(&["--timeout", "0"]);
    succeeded(&took_over)?;
    let processes: Vec<_> = (0..3)
        .map(|_| {
            let mut command = place.command(&["set"], &["--inc", "count"]);
            testkit::SecondProcess::spawn(&mut command)
        })
        .collect();
    for process in processes {
        succeeded(&process.wait(PATIENCE))?;
    }
    place.counts(7)?;
    leftover_is_swept(place)
}

/// What a writer leaves that dies in the middle of a commit fits beside the name, and is found again.
fn leftover_is_swept(place: &Place) -> Result<(), String> {
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=renameat2"]);
    command.args(["-e", "inject=renameat2:signal=KILL:when=1"]);
    let set = place.command(&["set"], &["--inc", "count"]);
    run(command.arg(set.get_program()).args(set.get_args()));
    let left = testkit::leftovers(place.folder());
    ensure(left.len() >= 2, || {
        format!("a lock and a new version must lie there: {left:?}")
    })?;
    let before = place.count()?;
    succeeded(&place.increment(&["--timeout", "0"]))?;
    place.counts(before + 1)
}

const LOOP: Refusal = Refusal {
    exit: 1,
    code: "EIO",
    words: &["too many levels of symbolic links", "mend"],
};

/// Links to stories, to folders, to nothing, to themselves, and the links of /proc.
pub fn links(context: &Context) -> Result<Tally, Skip> {
    need_programs(&["sh"])?;
    let mut tally = Tally::default();
    let folder = context.folder("links");
    let link = |to: &str, name: &str| {
        symlink(to, folder.join(name)).expect("the build folder can be written");
    };
    fs::create_dir(folder.join("real")).expect("the build folder can be written");
    let place = Place::new(context, folder.join("real/story.md"));
    link("real", "folder");
    link("real/story.md", "one.md");
    link("one.md", "two.md");
    link("folder/story.md", "three.md");
    for name in [
        "folder/story.md",
        "one.md",
        "two.md",
        "three.md",
        "folder/../real/./story.md",
    ] {
        let by_link = place.by(folder.join(name));
        tally.point(by_link.works().map_err(|err| format!("{name}: {err}")));
        let mut holder = hold(&by_link);
        tally.point(place.increment(&["--timeout", "0"]).refused_as_locked());
        holder.close_stdin();
        tally.point(succeeded(&holder.wait(PATIENCE)));
        let is_link = fs::symlink_metadata(folder.join(name)).is_ok_and(|found| found.is_symlink());
        tally.point(ensure(is_link != name.contains('/'), || {
            format!("{name} is no link any more")
        }));
    }
    let ways =
        ["real/story.md", "one.md", "two.md", "three.md"].map(|name| place.by(folder.join(name)));
    tally.point(super::place::count_all(&ways.each_ref(), 5));
    link("b.md", "a.md");
    link("a.md", "b.md");
    link("loop", "loop");
    for name in ["a.md", "b.md", "loop/story.md"] {
        let finished = place.by(folder.join(name)).increment(&["--json"]);
        tally.point(refused(&finished, &LOOP, Some(OsStr::new(name))));
        let read = run(&mut place
            .by(folder.join(name))
            .command(&["get"], &["count", "--json"]));
        tally.point(refused(&read, &LOOP, Some(OsStr::new(name))));
    }
    dangling(&place, &folder, &mut tally);
    proc_links(&place, &mut tally);
    let left = testkit::leftovers(&folder);
    tally.point(ensure(left.is_empty(), || format!("left behind: {left:?}")));
    Ok(tally)
}

/// A link to a story that is not there yet: not found, nothing is made, and its lock is that of the story.
fn dangling(place: &Place, folder: &Path, tally: &mut Tally) {
    symlink("real/later.md", folder.join("dangling.md")).expect("the build folder can be written");
    let later = place.by(folder.join("real/later.md"));
    let by_link = place.by(folder.join("dangling.md"));
    for verb in ["get", "set"] {
        let arguments = if verb == "get" {
            &["count"][..]
        } else {
            &["--inc", "count"]
        };
        tally.point(exited(&run(&mut by_link.command(&[verb], arguments)), 3));
    }
    tally.point(ensure(!later.story.exists(), || {
        "a story was made".to_owned()
    }));
    let mut holder = hold(&by_link);
    later.write(0);
    tally.point(later.increment(&["--timeout", "0"]).refused_as_locked());
    tally.point(by_link.increment(&["--timeout", "0"]).refused_as_locked());
    holder.close_stdin();
    tally.point(succeeded(&holder.wait(PATIENCE)));
    tally.point(by_link.works());
}

/// Paths by way of a descriptor: a folder's is as good as the folder, and a pipe is no story.
fn proc_links(place: &Place, tally: &mut Tally) {
    let text = r#"exec 7<"$2" 8<"$1"
        "$3" set /proc/$$/fd/8/story.md --inc count && "$3" set /proc/$$/fd/7 --inc count
        echo "code=$?"
        cat "$2" | { "$3" set /dev/stdin --inc count; echo "pipe=$?"; }
        "$3" get /dev/stdin count < "$2"
        "$3" set /dev/null --inc count; echo "null=$?"
        "$3" set /dev/fd/8 --inc count; echo "folder=$?""#;
    let before = place.count().unwrap_or_default();
    let mut shell = Command::new("sh");
    shell
        .args(["-c", text, "sh"])
        .arg(place.folder())
        .arg(&place.story);
    let finished = run(shell.arg(place.start().get_program()));
    let answers: Vec<_> = finished.stdout.lines().collect();
    // The second set is by the descriptor of a version that the first one has replaced: it is not there any more.
    let read = (before + 1).to_string();
    let expected = ["code=3", "pipe=3", &read, "null=6", "folder=6"];
    tally.point(ensure(answers == expected, || {
        format!("not {expected:?}: {finished:?}")
    }));
    tally.point(place.counts(before + 1).and_then(|()| place.is_alone()));
    let devices = [Path::new("/dev/stdin.lock"), Path::new("/dev/null.lock")];
    tally.point(ensure(devices.iter().all(|path| !path.exists()), || {
        "a lock was left in /dev".to_owned()
    }));
}

const FIXED: Refusal = Refusal {
    exit: 8,
    code: "EACCES",
    words: &["permission", "immutable or append-only"],
};

/// What `chattr` makes immutable or append-only: refused in these words, seen by the doctor, and well again afterwards.
pub fn attributes(context: &Context) -> Result<Tally, Skip> {
    need_root()?;
    need_programs(&["chattr"])?;
    let mut tally = Tally::default();
    let root = context.folder("attributes");
    let folder = root.join(".ai-sdlc/stories/S-1");
    fs::create_dir_all(&folder).expect("the build folder can be written");
    let place = Place::new(context, folder.join("story.md"));
    let chattr = |mode: &str, path: &Path| prepare(Command::new("chattr").arg(mode).arg(path));
    for flag in ["i", "a"] {
        for path in [place.story.as_path(), &folder] {
            chattr(&format!("+{flag}"), path)?;
            let is_append_only_folder = flag == "a" && path == folder;
            let outcome = if is_append_only_folder {
                // Names can be made there, but never be taken away: what is left is swept afterwards.
                let finished = place.increment(&["--json"]);
                refused(&finished, &FIXED, None)
            } else {
                place.refuses(&FIXED)
            };
            let doctor = run(place.start().arg("doctor").current_dir(&root));
            chattr(&format!("-{flag}"), path)?;
            tally.point(outcome.map_err(|err| format!("+{flag} {}: {err}", path.display())));
            tally.point(ensure(
                doctor.status.code() == Some(1)
                    && doctor.stdout.contains("immutable or append-only"),
                || format!("+{flag} {}: doctor must say so: {doctor:?}", path.display()),
            ));
            tally.point(place.works());
        }
    }
    fs::hard_link(&place.story, root.join("other-name.md")).expect("a second name can be made");
    tally.point(place.refuses(&Refusal {
        exit: 7,
        code: "EREFUSED",
        words: &["hard-linked", "a file of its own"],
    }));
    let doctor = run(place.start().arg("doctor").current_dir(&root));
    tally.point(ensure(doctor.stdout.contains("hard-linked"), || {
        format!("{doctor:?}")
    }));
    Ok(tally)
}
