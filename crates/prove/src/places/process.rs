//! What a process can lack: descriptors, room, a folder, streams, rights for new files, an environment, a reader.

use std::fs;
use std::path::Path;
use std::process::Command;

use testkit::{Finished, SecondProcess};

use super::mounts::hold;
use super::place::{PATIENCE, Place, ensure, exited, run, succeeded};
use crate::case::{Skip, Tally};
use crate::context::{Context, need_programs};

/// So few open files that each step of an update meets the limit once.
pub fn open_files(context: &Context) -> Result<Tally, Skip> {
    need_programs(&["prlimit"])?;
    let mut tally = Tally::default();
    let place = Place::new(context, context.folder("open-files").join("story.md"));
    let (mut refusals, mut successes) = (0, 0);
    for limit in 3..=12 {
        let few = place.through(&["prlimit", &format!("--nofile={limit}")]);
        for verb in ["set", "get", "wait", "run"] {
            let outcome = with_few_files(&place, &few, verb);
            refusals += u64::from(outcome == Ok(false));
            successes += u64::from(outcome == Ok(true));
            let outcome = outcome.and_then(|_| place.is_alone());
            tally.point(outcome.map_err(|err| format!("{limit} files, {verb}: {err}")));
        }
        tally.point(place.works());
    }
    if refusals == 0 || successes == 0 {
        tally
            .wrong
            .push(format!("{refusals} refused, {successes} done: all alike"));
    }
    tally.note = format!("{refusals} refused, {successes} done");
    Ok(tally)
}

fn with_few_files(place: &Place, few: &Place, verb: &str) -> Result<bool, String> {
    let before = place.count()?;
    let set: &[&str] = &["--inc", "count"];
    let finished = match verb {
        "set" => run(&mut few.command(&["set"], set)),
        "get" => run(&mut few.command(&["get"], &["count"])),
        "run" => run(&mut few.command(&["lock", "run"], &["--", "true"])),
        _ => {
            let mut holder = hold(place);
            let waiter = SecondProcess::spawn(&mut few.command(&["set"], set));
            holder.close_stdin();
            succeeded(&holder.wait(PATIENCE))?;
            waiter.wait(PATIENCE)
        }
    };
    let is_done = finished.status.code() == Some(0);
    let is_update = matches!(verb, "set" | "wait");
    place.counts(before + u64::from(is_done && is_update))?;
    if is_done {
        return Ok(true);
    }
    // 127: the loader could not open its libraries, and nothing of ours ran. `lock run` passes that on.
    let is_the_loader = finished.stderr.contains("shared librar");
    ensure(is_the_loader || is_told(&finished, "open files"), || {
        format!("must be told, with what to do: {finished:?}")
    })?;
    Ok(false)
}

fn is_told(finished: &Finished, word: &str) -> bool {
    let has_typed_code = matches!(finished.status.code(), Some(1..=9));
    has_typed_code
        && finished.stderr.contains(word)
        && finished.stderr.contains("hint: ")
        && !finished.stderr.contains("panicked")
}

/// A limit to the size of files: an error like a full disk, not a death by SIGXFSZ in the middle of a commit.
pub fn file_size(context: &Context) -> Result<Tally, Skip> {
    need_programs(&["prlimit"])?;
    let mut tally = Tally::default();
    let folder = context.folder("file-size");
    let place = Place::new(context, folder.join("story.md")).longer(4000);
    let (mut refusals, mut successes) = (0, 0);
    for limit in [0, 1, 511, 512, 1000, 4000, 5000, 100_000] {
        let before = place.count().unwrap_or_default();
        let limited = place.through(&["prlimit", &format!("--fsize={limit}")]);
        let finished = limited.increment(&["--json"]);
        let is_done = finished.status.code() == Some(0);
        refusals += u64::from(!is_done);
        successes += u64::from(is_done);
        let outcome = ensure(is_done || is_told(&finished, "larger files"), || {
            format!("must be told: {finished:?}")
        });
        let outcome = outcome
            .and_then(|()| place.counts(before + u64::from(is_done)))
            .and_then(|()| place.is_alone())
            .and_then(|()| place.works());
        tally.point(outcome.map_err(|err| format!("limit {limit}: {err}")));
    }
    // The answer does not fit into the file that it goes to: committed, and it says so.
    let before = place.count().unwrap_or_default();
    let script = r#"exec prlimit --fsize=5000 "$@" > "$0""#;
    let answer = folder.join("answer");
    fs::File::create(&answer)
        .and_then(|file| file.set_len(4990))
        .expect("the build folder can be written");
    let appending = script.replace("> ", ">> ");
    let set = place.command(&["set"], &["--inc", "count", "--json"]);
    let mut shell = Command::new("sh");
    shell
        .args(["-c", &appending])
        .arg(&answer)
        .arg(set.get_program());
    let finished = run(shell.args(set.get_args()));
    tally.point(exited(&finished, 9).and_then(|()| place.counts(before + 1)));
    // What it starts must not inherit that the signal is caught.
    let script = r#"prlimit --fsize=10 --pid $$; head -c 100 /dev/zero > "$0""#;
    let mut command = place.command(&["lock", "run"], &["--", "sh", "-c", script]);
    let child = run(command.arg(folder.join("child")));
    let shown = child.status.code();
    tally.point(ensure(matches!(shown, Some(153)), || {
        format!("a child dies of it: {child:?}")
    }));
    tally.note = format!("{refusals} refused, {successes} done");
    Ok(tally)
}

/// No further processes or threads for this user: an update needs none, and waiting does without.
pub fn processes(context: &Context) -> Result<Tally, Skip> {
    need_programs(&["prlimit"])?;
    let reachable = super::people::Reachable::new(context)?;
    let folder = reachable.folder("processes", super::people::NOBODY, 0o755);
    let (root, nobody) = reachable.story(context, &folder, (super::people::NOBODY, 0o644));
    let mut tally = Tally::default();
    for limit in [0, 1, 2] {
        let limit = format!("--nproc={limit}");
        let mut words = vec!["prlimit", &limit];
        words.extend(super::people::AS_NOBODY);
        let few = nobody.through(&words);
        tally.point(few.works());
        let before = root.count().unwrap_or_default();
        let mut holder = hold(&root);
        let refused = few.increment(&["--timeout", "100ms"]);
        tally.point(super::mounts::RefusedAsLocked::refused_as_locked(&refused));
        let waiter = SecondProcess::spawn(&mut few.command(&["set"], &["--inc", "count"]));
        holder.close_stdin();
        let outcome = succeeded(&holder.wait(PATIENCE));
        tally.point(outcome.and_then(|()| succeeded(&waiter.wait(PATIENCE))));
        tally.point(root.counts(before + 1));
        let finished = run(&mut few.command(&["lock", "run"], &["--", "true"]));
        tally.point(ensure(is_told(&finished, "more processes"), || {
            format!("{finished:?}")
        }));
    }
    Ok(tally)
}

/// The working folder was removed: what is named from it is not found, all else works.
pub fn working_folder(context: &Context) -> Result<Tally, Skip> {
    need_programs(&["sh"])?;
    let mut tally = Tally::default();
    let folder = context.folder("working-folder");
    let place = Place::new(context, folder.join("story.md"));
    let script = r#"mkdir "$1/gone" && cd "$1/gone" && rmdir "$1/gone" && shift && exec "$@""#;
    let inside = |command: &Command| {
        let mut shell = Command::new("sh");
        shell
            .args(["-c", script, "sh"])
            .arg(&folder)
            .arg(command.get_program());
        run(shell.args(command.get_args()))
    };
    let absolute = [
        place.command(&["set"], &["--inc", "count"]),
        place.command(&["get"], &["count"]),
        place.command(&["lock", "run"], &["--", "true"]),
        place.command(&["lock", "status"], &[]),
    ];
    for command in &absolute {
        tally.point(succeeded(&inside(command)));
    }
    tally.point(place.counts(1).and_then(|()| place.is_alone()));
    for arguments in [
        &["set", "story.md", "--inc", "count"][..],
        &["set", "./story.md", "--inc", "count"],
        &["set", "S-1", "--inc", "count"],
        &["lock", "run", "story.md", "--", "true"],
        &["lock", "status", "story.md"],
        &["init"],
        &["doctor"],
    ] {
        let mut command = place.start();
        let finished = inside(command.args(arguments));
        let outcome = exited(&finished, 3).and_then(|()| {
            ensure(finished.stderr.contains("hint: "), || {
                format!("{finished:?}")
            })
        });
        tally.point(outcome.map_err(|err| format!("{arguments:?}: {err}")));
    }
    Ok(tally)
}

/// Streams that are closed: no file of ours may take the number of one and then be written to as if it were that.
pub fn streams(context: &Context) -> Result<Tally, Skip> {
    need_programs(&["sh"])?;
    let mut tally = Tally::default();
    let place = Place::new(context, context.folder("streams").join("story.md"));
    let mut count = 0;
    for closed in [
        "<&-",
        ">&-",
        "2>&-",
        "<&- >&-",
        "<&- 2>&-",
        ">&- 2>&-",
        "<&- >&- 2>&-",
    ] {
        for (verb, arguments, exit) in [
            (&["set"][..], &["--inc", "count", "-v"][..], 0),
            (&["set"], &["--inc", "count", "--json"], 0),
            (
                &["set"],
                &["--if", "count=-1", "--inc", "count", "--json"],
                5,
            ),
            (&["get"], &["count"], 0),
            (&["get"], &["nokey", "--json"], 3),
            (&["show"], &[], 0),
            (&["lock", "status"], &["--json"], 0),
            (&["lock", "hold"], &[], 0),
            (
                &["lock", "run"],
                &["--", "sh", "-c", "echo out; echo err >&2; cat"],
                0,
            ),
        ] {
            let command = place.command(verb, arguments);
            let mut shell = Command::new("sh");
            shell
                .args(["-c", &format!("\"$@\" {closed}"), "sh"])
                .arg(command.get_program());
            let finished = run(shell.args(command.get_args()));
            count += u64::from(verb == ["set"] && exit == 0);
            // A shell that finds its own streams closed may fail for that; the story is what counts.
            let outcome = if verb == ["lock", "run"] {
                Ok(())
            } else {
                exited(&finished, exit)
            };
            let outcome = outcome
                .and_then(|()| place.counts(count))
                .and_then(|()| place.is_alone());
            tally.point(outcome.map_err(|err| format!("{verb:?} {closed}: {err}")));
        }
    }
    Ok(tally)
}

/// Readers that go away, and outputs that are full: what is committed is told as committed.
pub fn readers(context: &Context) -> Result<Tally, Skip> {
    need_programs(&["sh"])?;
    let mut tally = Tally::default();
    let place = Place::new(context, context.folder("readers").join("story.md")).longer(400_000);
    let mut count = 0;
    for (verb, arguments, output, exits) in [
        (&["show"][..], &[][..], "| head -c 1 >/dev/null", &[0][..]),
        (&["get"], &["--json"], "| true", &[0]),
        (&["show"], &[], "| true", &[0]),
        (&["lock", "status"], &[], "| true", &[0]),
        (&["set"], &["--inc", "count"], "| true", &[0]),
        (&["set"], &["--inc", "count", "--json"], "| true", &[0, 9]),
        (&["set"], &["--inc", "count", "--json"], "> /dev/full", &[9]),
        (&["get"], &["count"], "> /dev/full", &[8]),
        (&["show"], &[], "> /dev/full", &[8]),
        (&["lock", "run"], &["--", "true"], "> /dev/full", &[0]),
        (&["set"], &["--inc", "count"], "2> /dev/full", &[0]),
    ] {
        let command = place.command(verb, arguments);
        let script = format!("{{ \"$@\"; echo $? >&3; }} 3>\"$0\" {output}");
        let told = place.folder().join("exit");
        let mut shell = Command::new("sh");
        shell
            .args(["-c", &script])
            .arg(&told)
            .arg(command.get_program());
        run(shell.args(command.get_args()));
        count += u64::from(verb == ["set"]);
        let code = fs::read_to_string(&told).unwrap_or_default();
        let is_one = exits
            .iter()
            .any(|exit: &i32| code.trim() == exit.to_string());
        let outcome = ensure(is_one, || format!("exit {code:?}, not {exits:?}"))
            .and_then(|()| place.counts(count))
            .and_then(|()| place.is_alone());
        tally.point(outcome.map_err(|err| format!("{verb:?} {output}: {err}")));
    }
    Ok(tally)
}

/// No rights for new files, no home, no language, no environment at all.
pub fn environments(context: &Context) -> Result<Tally, Skip> {
    need_programs(&["sh"])?;
    let mut tally = Tally::default();
    let place = Place::new(context, context.folder("environments").join("story.md"));
    let mode = mode_of(&place.story);
    for words in [
        &["sh", "-c", "umask 777; exec \"$0\" \"$@\""][..],
        &["sh", "-c", "umask 0; exec \"$0\" \"$@\""],
        &["env", "-u", "HOME"],
        &["env", "HOME=/nowhere/at/all", "TMPDIR=/nowhere"],
        &["env", "-i"],
        &["env", "-i", "LC_ALL=C"],
        &[
            "env",
            "LC_ALL=xx_YY.nonsense",
            "LANG=",
            "TZ=Nowhere/Else",
            "TERM=",
        ],
        &["env", "PATH="],
    ] {
        let there = place.through(words);
        let outcome = there.works().and_then(|()| there.counts_all(3, 5));
        let outcome = outcome.and_then(|()| {
            ensure(mode_of(&place.story) == mode, || {
                "the mode changed".to_owned()
            })
        });
        tally.point(outcome.map_err(|err| format!("{words:?}: {err}")));
        let missing = run(&mut there.command(&["get"], &["no-such-key"]));
        tally.point(exited(&missing, 3));
    }
    Ok(tally)
}

fn mode_of(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).map_or(0, |found| found.permissions().mode())
}
