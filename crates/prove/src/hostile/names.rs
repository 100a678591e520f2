//! Names and paths that lead elsewhere: ids, the configuration, the environment, the names of folders.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::case::{Skip, Tally};
use crate::context::{Context, need_programs, prepare};
use crate::hostile::crowd::Holder;
use crate::hostile::ground::{Ground, STORY, record, write};
use crate::hostile::verbs::Verb;

/// Ids that are none, paths that lead out, and texts that a terminal acts on.
fn ids() -> Vec<OsString> {
    let mut ids: Vec<OsString> = [
        "",
        ".",
        "..",
        "../x",
        "../outside",
        "../outside/canary.txt",
        "../outside/folder",
        "a/../../b",
        ".ai-sdlc/stories/S-1/../../../../outside/canary.txt",
        "S-1/",
        "S-1/..",
        "/etc/passwd",
        "/dev/null",
        "/dev/zero",
        "/proc/self/mem",
        "/proc/self/environ",
        "%2e%2e",
        "%2e%2e%2foutside",
        "..\\outside",
        "a\\..\\..\\b",
        "C:\\x",
        "two\nlines",
        "\u{1b}[2J",
        "\u{202e}txet",
        "\u{2028}",
        "S-1\r",
        " ",
        "S-1 ",
        "~",
        "~root",
        "$HOME",
        "`id`",
        "*",
        "S-?",
        "\u{ff33}-1",
        "S\u{2010}1",
        "con",
        "S-1:stream",
    ]
    .map(OsString::from)
    .to_vec();
    ids.push("x".repeat(5000).into());
    ids.push(format!("{}.md", "x".repeat(5000)).into());
    ids.push("x/".repeat(5000).into());
    ids.push("../".repeat(1000).into());
    ids.push(OsString::from_vec(b"S-\xff\xfe".to_vec()));
    ids
}

/// No id, for no verb, leads to anything that is not a story of the project.
pub fn ids_that_lead_out(context: &Context) -> Tally {
    let ground = Ground::new(context, &context.folder("hostile-ids"));
    let mut tally = Tally::default();
    let verbs = Verb::ALL.into_iter().filter(|verb| verb.takes_story());
    for (id, verb) in ids()
        .into_iter()
        .flat_map(|id| verbs.clone().map(move |verb| (id.clone(), verb)))
    {
        let is_path = id.to_string_lossy().contains('/');
        if is_path && matches!(verb, Verb::LockRun | Verb::LockHold) {
            // A path of any file may be locked, and is, beside it.
            continue;
        }
        let run = verb.on(&ground, id.clone());
        let expected: &[i32] = match verb {
            // The lock of a path is free, whatever is there.
            Verb::LockStatus if is_path => &[0, 1, 2, 3, 7],
            // 7: a name too long for its lock.
            _ => &[1, 2, 3, 6, 7],
        };
        let outcome = run
            .clone()
            .json()
            .piped()
            .check_exit(expected)
            .and_then(|()| match verb {
                Verb::Apply => Ok(()),
                _ => run.on_terminal().check_terminal(),
            })
            .and_then(|()| unmoved(&ground));
        tally.point(outcome.map_err(|wrong| format!("{verb:?} {}: {wrong}", id.display())));
    }
    // What no argument can hold, JSON can.
    for id in ["S-1\0", "\0", "../outside\0/x", "S-1\u{0}.md"] {
        let request = json!({ "story": id, "inc": { "n": 1 } }).to_string();
        let ran = ground.run(&["apply"]).input(request).piped();
        let outcome = ran
            .check_exit(&[1, 2, 3, 6])
            .and_then(|()| unmoved(&ground));
        tally.point(outcome.map_err(|wrong| format!("Apply {id:?}: {wrong}")));
    }
    tally
}

/// Nothing outside was touched, and nothing in the project came or went.
fn unmoved(ground: &Ground) -> Result<(), String> {
    ground.check_outside()?;
    ground.check_story_untouched()?;
    let mut names: Vec<_> = fs::read_dir(&ground.project)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.file_name())
        .collect();
    names.sort();
    if names == [".ai-sdlc"] && ground.names() == ["story.md"] {
        Ok(())
    } else {
        Err(format!(
            "the project holds {names:?}, the story's folder {:?}",
            ground.names()
        ))
    }
}

/// Configurations that name a folder elsewhere, or are no configuration at all.
pub fn configuration(context: &Context) -> Result<Tally, Skip> {
    need_programs(&["mkfifo"])?;
    let ground = Ground::new(context, &context.folder("hostile-configuration"));
    let path = ground.project.join(".ai-sdlc.json");
    let mut tally = Tally::default();
    let folders = [
        json!("../outside"),
        json!("../.."),
        json!(".."),
        json!("/"),
        json!("/etc"),
        json!(ground.outside.to_string_lossy()),
        json!("a/../../outside"),
        json!(""),
        json!("two\nlines\u{1b}[2J"),
        json!("nul\0"),
        json!("x".repeat(5000)),
        json!("x/".repeat(3000)),
        json!(7),
        json!(null),
        json!([".ai-sdlc"]),
    ];
    let mut contents: Vec<Vec<u8>> = folders
        .iter()
        .map(|name| json!({ "sdlcFolder": name }).to_string().into_bytes())
        .collect();
    contents.extend([
        Vec::new(),
        b"{".to_vec(),
        b"\xff\xfe{\0}\0".to_vec(),
        b"[".repeat(100_000),
        b"{\"a\":".repeat(100_000),
        b" ".repeat(2 << 20),
        format!("{{\"sdlcFolder\":{}}}", "9".repeat(100_000)).into_bytes(),
        b"{\"sdlcFolder\":\"../outside\",\"sdlcFolder\":\"../outside\"}".to_vec(),
    ]);
    for bytes in contents {
        write(&path, &bytes);
        let what = String::from_utf8_lossy(&bytes[..bytes.len().min(60)]).into_owned();
        misconfigured(&ground, &what, &mut tally);
        fs::remove_file(&path).expect("it was made");
    }
    let links = [
        Path::new("/dev/zero"),
        Path::new("nowhere"),
        &ground.outside,
        &path,
    ];
    for to in links {
        symlink(to, &path).expect("a link can be made");
        misconfigured(&ground, &format!("a link to {}", to.display()), &mut tally);
        fs::remove_file(&path).expect("it was made");
    }
    prepare(Command::new("mkfifo").arg(&path))?;
    misconfigured(&ground, "a FIFO", &mut tally);
    Ok(tally)
}

fn misconfigured(ground: &Ground, what: &str, tally: &mut Tally) {
    for verb in [
        Verb::Get,
        Verb::Set,
        Verb::Apply,
        Verb::LockStatus,
        Verb::LockRun,
        Verb::Doctor,
        Verb::DoctorFix,
    ] {
        let run = verb.on(ground, "S-1");
        let outcome = run
            .clone()
            .json()
            .piped()
            .check()
            .and_then(|()| match verb {
                Verb::Apply => Ok(()),
                _ => run.on_terminal().check_terminal(),
            })
            .and_then(|()| ground.check_outside());
        tally.point(outcome.map_err(|wrong| format!("configuration {what:?}, {verb:?}: {wrong}")));
    }
    let outcome = ground
        .run(&["init"])
        .piped()
        .check()
        .and_then(|()| ground.check_outside());
    tally.point(outcome.map_err(|wrong| format!("configuration {what:?}, init: {wrong}")));
}

/// Variables of the environment that lie, about the root and about a lock that a parent holds.
pub fn environment(context: &Context) -> Tally {
    let ground = Ground::new(context, &context.folder("hostile-environment"));
    let mut tally = Tally::default();
    let long = "x".repeat(100_000);
    let roots = [
        "/",
        "/etc",
        "/dev/null",
        "../outside",
        "two\nlines\u{1b}[2J",
        "-",
        "--help",
        "\u{202e}",
        &long,
        "/proc/self/root/etc",
    ];
    for root in roots {
        for verb in Verb::ALL {
            if !verb.takes_story() {
                // The doctor tries a lock in the folder that it is told, and mends there.
                continue;
            }
            let ran = verb
                .on(&ground, "S-1")
                .variable("AI_SDLC_ROOT", root)
                .piped();
            let outcome = ran.check().and_then(|()| unmoved(&ground));
            tally.point(outcome.map_err(|wrong| format!("root {root:.60?}, {verb:?}: {wrong}")));
        }
    }
    let story = ground.story.to_string_lossy().into_owned();
    let forged = [
        String::new(),
        ":".to_owned(),
        "\n\n\n".to_owned(),
        format!("{story}:"),
        format!("{story}:0123456789abcdef0123456789abcdef"),
        format!("{story}:../../x"),
        format!("{story}:\u{1b}[2J\n{story}:x"),
        format!(":{story}"),
        long.clone(),
        format!("{story}:{long}"),
    ];
    for held in forged {
        ground.reset();
        let run = |verb: Verb| verb.on(&ground, "S-1").variable("STORY_LOCK_HELD", &held);
        let free = run(Verb::Set).piped().check_exit(&[0]);
        ground.reset();
        write(&ground.sidecar, &record());
        let holder = Holder::of(&ground.sidecar);
        let outcome = free
            .and_then(|()| run(Verb::Set).piped().check_exit(&[4]))
            .and_then(|()| run(Verb::LockRun).piped().check_exit(&[4]))
            .and_then(|()| run(Verb::GetLocked).piped().check_exit(&[4]))
            .and_then(|()| holder.check())
            .and_then(|()| ground.check_story_untouched())
            .and_then(|()| ground.check_outside());
        tally.point(outcome.map_err(|wrong| format!("held {held:.60?}: {wrong}")));
    }
    tally
}

/// Stories, folders and files whose names or contents a terminal would act on.
pub fn shown(context: &Context) -> Tally {
    let ground = Ground::new(context, &context.folder("hostile-names"));
    let mut tally = Tally::default();
    let stories = ground.project.join(".ai-sdlc/stories");
    let names: [&[u8]; 6] = [
        b"S-\x1b[2J",
        b"two\nlines",
        b"S-\xff\xfe",
        "S-\u{202e}txet".as_bytes(),
        "S-\u{9b}31m".as_bytes(),
        "S-\u{2028}x".as_bytes(),
    ];
    let body = "\u{1b}]0;owned\u{7}\u{202e}\n\u{9b}2J over\rwritten\n";
    for name in names {
        let name = OsString::from_vec(name.to_vec());
        let folder = stories.join(&name);
        fs::create_dir(&folder).expect("any name but / and NUL will do");
        let yaml = "id: \"\\e[2J\\u202E\\n\"\n\"\\e]0;key\\a\": \"\\x9b\\L\"\nn: 1\n";
        write(
            &folder.join("story.md"),
            format!("---\n{yaml}---\n{body}").as_bytes(),
        );
        write(&folder.join("story.md.lock"), &record());
        let path = folder.join("story.md");
        let of_story: [&[&str]; 7] = [
            &["get"],
            &["get", "id"],
            &["show"],
            &["set", "--dry-run", "--inc", "n", "--append-body", body],
            &["set", "n=2", "--if", "n=7"],
            &["lock", "status"],
            &["set", "--inc", "n"],
        ];
        for words in of_story {
            let run = ground.run(words).arg(&path);
            // The story stands first: words behind a verb are its own.
            let run = if words[0] == "get" {
                ground.run(&["get"]).arg(&path).args(&words[1..])
            } else {
                run
            };
            let outcome = run
                .clone()
                .json()
                .piped()
                .check()
                .and_then(|()| run.on_terminal().check_terminal());
            tally.point(
                outcome.map_err(|wrong| format!("{words:?} of {}: {wrong}", name.display())),
            );
        }
        write(&folder.join("story.md.lock"), &record());
    }
    for words in [&["lock", "status"][..], &["doctor"], &["doctor", "--fix"]] {
        let run = ground.run(words);
        let outcome = run
            .clone()
            .json()
            .piped()
            .check()
            .and_then(|()| run.on_terminal().check_terminal());
        tally.point(outcome.map_err(|wrong| format!("{words:?} of all: {wrong}")));
    }
    tally.point(unmoved_outside(&ground));
    tally
}

fn unmoved_outside(ground: &Ground) -> Result<(), String> {
    ground.check_outside()?;
    let got: Option<Value> = {
        let ran = ground.run(&["get", "S-1"]).json().piped();
        serde_json::from_slice(&ran.stdout).ok()
    };
    match got {
        Some(answer) if answer["ok"] == true && STORY.contains("id: S-1") => Ok(()),
        other => Err(format!("the story among them is not found: {other:?}")),
    }
}
