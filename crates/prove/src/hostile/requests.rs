//! Requests of `story apply` that are built to exhaust or mislead it.

use std::fs;

use crate::case::{Skip, Tally};
use crate::context::{Context, need_programs};
use crate::hostile::ground::{Ground, write};
use crate::hostile::verbs::Verb;

const MEMORY: u64 = 1 << 30;

/// Each is answered or refused within the limits; the story is a story afterwards, and what comes behind is done, where
/// there is a line behind.
pub fn requests(context: &Context) -> Result<Tally, Skip> {
    need_programs(&["prlimit", "timeout"])?;
    let ground = Ground::new(context, &context.folder("hostile-requests"));
    let mut tally = Tally::default();
    for (name, bytes) in inputs() {
        for in_file in [false, true] {
            ground.reset();
            let run = if in_file {
                let path = ground.outside.with_file_name("requests.json");
                write(&path, &bytes);
                ground.run(&["apply"]).arg(path)
            } else {
                ground.run(&["apply"]).input(bytes.clone())
            };
            let ran = run.memory(MEMORY).piped();
            let outcome = ran
                .check()
                .and_then(|()| Verb::Get.on(&ground, "S-1").piped().check_exit(&[0]))
                .and_then(|()| ground.check_outside())
                .and_then(|()| match ground.names() {
                    names if names == ["story.md"] => Ok(()),
                    names => Err(format!("left behind: {names:?}")),
                })
                .and_then(|()| {
                    let refused = ran.exit() != 0;
                    let same = ground.check_story_untouched();
                    if refused { same } else { Ok(()) }
                });
            tally.point(outcome.map_err(|wrong| format!("{name}, in a file {in_file}: {wrong}")));
        }
    }
    tally.point(sound_ones_are_done(&ground).map_err(|wrong| format!("among sound ones: {wrong}")));
    let folder = ground.project.clone();
    for place in [
        "/dev/zero",
        "/proc/self/mem",
        folder.to_str().unwrap_or("/"),
        "/nowhere",
    ] {
        let ran = ground.run(&["apply", place]).memory(MEMORY).piped();
        tally.point(
            ran.check_exit(&[1, 2, 3, 8])
                .and_then(|()| ground.check_outside()),
        );
    }
    Ok(tally)
}

/// A broken line does not keep the ones around it from being done.
fn sound_ones_are_done(ground: &Ground) -> Result<(), String> {
    ground.reset();
    let sound = "{\"story\":\"S-1\",\"inc\":{\"n\":1}}\n";
    let broken = [
        "{\"story\":\"S-1\",\"set\":{\n",
        "}\n",
        "nonsense\n",
        "{\"story\":7}\n",
        "[[[[\n",
    ];
    let input = broken.map(|line| [sound, line].concat()).concat() + sound;
    let ran = ground.run(&["apply"]).input(input).piped();
    ran.check_exit(&[2])?;
    let story = fs::read_to_string(&ground.story).unwrap_or_default();
    if story.contains("n: 7\n") {
        Ok(())
    } else {
        Err(format!("six sound lines, and {story:?}: {}", ran.words()))
    }
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn inputs() -> Vec<(&'static str, Vec<u8>)> {
    let set = |value: &str| format!("{{\"story\":\"S-1\",\"set\":{{\"n\":{value}}}}}").into_bytes();
    let members = |members: &str| format!("{{\"story\":\"S-1\",{members}}}").into_bytes();
    let deep = |open: &str, close: &str, levels: usize| {
        set(&(open.repeat(levels) + "1" + &close.repeat(levels)))
    };
    let dotted = vec!["a"; 1000].join(".");
    vec![
        ("nothing", Vec::new()),
        ("NULs", vec![0; 1 << 20]),
        ("a program", fs::read("/bin/true").unwrap_or_default()),
        (
            "no UTF-8",
            b"{\"story\":\"S-1\xff\",\"inc\":{\"n\":1}}".to_vec(),
        ),
        (
            "a byte order mark",
            b"\xef\xbb\xbf{\"story\":\"S-1\",\"inc\":{\"n\":1}}".to_vec(),
        ),
        ("UTF-16", b"{\0\"\0s\0".to_vec()),
        ("a line of 4 MiB", vec![b'x'; 4 << 20]),
        (
            "a text of 1 MiB",
            set(&format!("\"{}\"", "x".repeat(1 << 20))),
        ),
        ("a million lines of nothing", b"\n".repeat(1_000_000)),
        ("brackets that never close", b"[".repeat(1 << 20)),
        ("brackets on lines", b"[\n".repeat(100_000)),
        ("braces that never close", b"{\"a\":".repeat(200_000)),
        ("closing ones only", b"]}".repeat(200_000)),
        ("65 lists", deep("[", "]", 65)),
        ("120 lists", deep("[", "]", 120)),
        ("100,000 lists", deep("[", "]", 100_000)),
        ("100,000 mappings", deep("{\"a\":", "}", 100_000)),
        (
            "a story twice",
            members("\"story\":\"../outside/canary.txt\",\"inc\":{\"n\":1}"),
        ),
        (
            "a member twice",
            members("\"set\":{\"n\":1},\"set\":{\"n\":2}"),
        ),
        ("a key twice", members("\"set\":{\"n\":1,\"n\":2}")),
        (
            "a key twice, set and unset",
            members("\"set\":{\"n\":1},\"unset\":[\"n\"]"),
        ),
        ("an unknown member", members("\"exec\":\"touch x\"")),
        ("a number too large", set("1e999")),
        ("a number of 100,000 digits", set(&"9".repeat(100_000))),
        (
            "an increment beyond 64 bits",
            members("\"inc\":{\"n\":9223372036854775807}"),
        ),
        ("an increment of 1e30", members("\"inc\":{\"n\":1e30}")),
        ("an increment by a text", members("\"inc\":{\"n\":\"1\"}")),
        (
            "a cap of nothing",
            members("\"push\":{\"labels\":1},\"cap\":{\"labels\":0}"),
        ),
        (
            "a cap below",
            members("\"push\":{\"labels\":1},\"cap\":{\"labels\":-1}"),
        ),
        (
            "a cap above",
            members("\"push\":{\"labels\":1},\"cap\":{\"labels\":1e18}"),
        ),
        ("a lone surrogate", set("\"\\ud800\"")),
        ("a NUL in a text", set("\"\\u0000\\u001b[2J\\u202e\"")),
        ("a NUL in a key", members("\"set\":{\"a\\u0000b\":1}")),
        ("an empty key", members("\"set\":{\"\":1}")),
        (
            "a key of 1,000 levels",
            members(&format!("\"set\":{{\"{dotted}\":1}}")),
        ),
        (
            "an index far away",
            members("\"set\":{\"labels[18446744073709551615]\":1}"),
        ),
        (
            "an index beyond",
            members("\"set\":{\"labels[99999999999999999999999]\":1}"),
        ),
        (
            "brackets in a key",
            members(&format!("\"set\":{{\"{}\":1}}", "[".repeat(10_000))),
        ),
        ("a prototype", members("\"set\":{\"__proto__\":{\"n\":1}}")),
        ("an anchor as a text", set("\"&a *a !!js/function <<\"")),
        ("a fence in a text", set("\"x\\n---\\nn: 9\\n---\\n\"")),
        ("a fence in a key", members("\"set\":{\"x\\n---\\ny\":1}")),
        (
            "a fence as the body",
            members("\"content\":\"---\\nn: 9\\n---\\n\""),
        ),
        (
            "a body of 8 MiB",
            members(&format!("\"append_body\":\"{}\"", "x".repeat(8 << 20))),
        ),
        (
            "a body of 65 MiB",
            members(&format!("\"append_body\":\"{}\"", "x".repeat(65 << 20))),
        ),
        (
            "a value of 1 MiB",
            set(&format!("\"{}\"", "x ".repeat(1 << 19))),
        ),
        (
            "a revision that is none",
            members("\"inc\":{\"n\":1},\"if_rev\":\"../../x\""),
        ),
        (
            "a condition on nothing",
            members("\"inc\":{\"n\":1},\"if\":{\"x.y[3].z\":null}"),
        ),
        ("100 keys", {
            let keys: Vec<String> = (0..100).map(|at| format!("\"k{at}\":1")).collect();
            members(&format!("\"set\":{{{}}}", keys.join(",")))
        }),
    ]
}
