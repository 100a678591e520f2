//! Frontmatter that is built to exhaust or mislead whoever reads it.

use std::fs;

use crate::case::{Skip, Tally};
use crate::context::{Context, need_programs};
use crate::hostile::ground::{Ground, write};
use crate::hostile::verbs::Verb;

/// Address space for one run: a story may have 64 MiB, and is held a few times while it is edited.
const MEMORY: u64 = 1 << 30;

/// What must come of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It cannot be read as a story.
    Unreadable,
    /// It is one, however odd: it is read, and edited or not.
    Readable,
    /// Either will do.
    Any,
}

/// Each is refused or read within the limits of time and memory, and a file that is not edited stays as it is.
pub fn bombs(context: &Context) -> Result<Tally, Skip> {
    need_programs(&["prlimit", "timeout"])?;
    let ground = Ground::new(context, &context.folder("hostile-yaml"));
    let mut tally = Tally::default();
    let verbs = [Verb::Get, Verb::Show, Verb::Doctor, Verb::Set, Verb::Apply];
    for (at, (name, bytes, fate)) in files().into_iter().enumerate() {
        for (more, verb) in verbs.into_iter().enumerate() {
            // With each file another verb is the first.
            if !context.takes(at + more) {
                continue;
            }
            write(&ground.story, &bytes);
            let ran = verb.on(&ground, "S-1").memory(MEMORY).piped();
            let expected: &[i32] = match (verb, fate) {
                (Verb::Doctor, _) => &[0, 1],
                (_, Fate::Unreadable) => &[6],
                (Verb::Get | Verb::Show, Fate::Readable) => &[0],
                (Verb::Get | Verb::Show, Fate::Any) => &[0, 6],
                (_, Fate::Readable) => &[0, 7],
                (_, Fate::Any) => &[0, 6, 7],
            };
            let untouched = || match fs::read(&ground.story) {
                Ok(now) if now == bytes => Ok(()),
                _ => Err("it was changed".to_owned()),
            };
            let is_edited = ran.exit() == 0 && matches!(verb, Verb::Set | Verb::Apply);
            let outcome = ran
                .check_exit(expected)
                .and_then(|()| {
                    if is_edited {
                        reads(&ground)
                    } else {
                        untouched()
                    }
                })
                .and_then(|()| ground.check_outside())
                .and_then(|()| match ground.names() {
                    names if names == ["story.md"] => Ok(()),
                    names => Err(format!("left behind: {names:?}")),
                });
            tally.point(outcome.map_err(|wrong| format!("{name}, {verb:?}: {wrong}")));
        }
    }
    Ok(tally)
}

/// Whether it is still a story after an edit.
fn reads(ground: &Ground) -> Result<(), String> {
    Verb::Get
        .on(ground, "S-1")
        .memory(MEMORY)
        .piped()
        .check_exit(&[0])
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn files() -> Vec<(String, Vec<u8>, Fate)> {
    let fenced = |yaml: &str| format!("---\n{yaml}\n---\nBody\n").into_bytes();
    let mut files: Vec<(String, Vec<u8>, Fate)> = Vec::new();
    for (name, yaml, fate) in documents() {
        files.push((name.to_owned(), fenced(&yaml), fate));
    }
    let raw: [(&str, Vec<u8>, Fate); 20] = [
        (
            "---js",
            b"---js\n{ n: require('fs').unlinkSync('x') }\n---\n".to_vec(),
            Fate::Unreadable,
        ),
        (
            "---json",
            b"---json\n{ \"n\": 1 }\n---\n".to_vec(),
            Fate::Unreadable,
        ),
        (
            "--- !tag",
            b"--- !!python/object:x\nn: 1\n---\n".to_vec(),
            Fate::Unreadable,
        ),
        ("empty", Vec::new(), Fate::Unreadable),
        ("only a fence", b"---".to_vec(), Fate::Unreadable),
        ("unclosed", b"---\nn: 1\n".to_vec(), Fate::Unreadable),
        ("no fence", b"n: 1\n".to_vec(), Fate::Unreadable),
        ("many fences", b"---\n".repeat(100_000), Fate::Any),
        (
            "fences without ends",
            b"---".repeat(100_000),
            Fate::Unreadable,
        ),
        ("NUL", b"---\nn: \0\n---\n".to_vec(), Fate::Unreadable),
        ("NULs", vec![0; 1 << 20], Fate::Unreadable),
        (
            "no UTF-8",
            b"---\nn: \xff\xfe\n---\n".to_vec(),
            Fate::Unreadable,
        ),
        (
            "UTF-16",
            b"\xff\xfe-\0-\0-\0\n\0n\0:\0 \x001\0\n\0-\0-\0-\0\n\0".to_vec(),
            Fate::Unreadable,
        ),
        (
            "overlong UTF-8",
            b"---\nn: \xc0\xaf\n---\n".to_vec(),
            Fate::Unreadable,
        ),
        (
            "surrogates",
            b"---\nn: \xed\xa0\x80\n---\n".to_vec(),
            Fate::Unreadable,
        ),
        (
            "two byte order marks",
            b"\xef\xbb\xbf\xef\xbb\xbf---\nn: 1\n---\n".to_vec(),
            Fate::Unreadable,
        ),
        (
            "lone carriage returns",
            b"---\rn: 1\r---\r".to_vec(),
            Fate::Unreadable,
        ),
        ("too large", vec![b'-'; (64 << 20) + 1], Fate::Unreadable),
        ("one line of 32 MiB", vec![b'-'; 32 << 20], Fate::Unreadable),
        (
            "a body of 32 MiB that is no text",
            [b"---\nn: 1\n---\n".to_vec(), vec![0xff; 32 << 20]].concat(),
            Fate::Readable,
        ),
    ];
    files.extend(raw.map(|(name, bytes, fate)| (name.to_owned(), bytes, fate)));
    files
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn documents() -> Vec<(&'static str, String, Fate)> {
    use Fate::{Any, Readable, Unreadable};
    let laughs = (1..10).fold(
        "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned(),
        |yaml, level| {
            let aliases = vec![format!("*a{}", level - 1); 10].join(",");
            [yaml, format!("a{level}: &a{level} [{aliases}]\n")].concat()
        },
    );
    let merges = (1..12).fold("m0: &m0 {k0: v}\n".to_owned(), |yaml, level| {
        let merged = vec![format!("*m{}", level - 1); 9].join(",");
        [
            yaml,
            format!("m{level}: &m{level} {{<<: [{merged}], k{level}: v}}\n"),
        ]
        .concat()
    });
    let quadratic = format!(
        "a: &a {}\nb: [{}]",
        "x".repeat(50_000),
        "*a,".repeat(50_000)
    );
    let indented = (0..500)
        .map(|level| " ".repeat(level) + "k:\n")
        .collect::<Vec<_>>()
        .concat();
    let keys = |count: u32| {
        let lines: Vec<_> = (0..count).map(|at| format!("k{at}: v\n")).collect();
        lines.concat()
    };
    vec![
        ("billion laughs", laughs, Unreadable),
        ("merge bomb", merges, Any),
        ("quadratic aliases", quadratic, Unreadable),
        ("an alias to itself", "a: &a [*a]".into(), Unreadable),
        (
            "an alias to its mapping",
            "a: &a {b: *a}".into(),
            Unreadable,
        ),
        (
            "aliases in a circle",
            "a: &a [*b]\nb: &b [*a]".into(),
            Unreadable,
        ),
        ("an alias to nothing", "a: *nothing".into(), Unreadable),
        ("anchors only", "&a ".repeat(60_000), Unreadable),
        ("aliases only", "*a ".repeat(60_000), Unreadable),
        ("tags only", "! ".repeat(100_000), Unreadable),
        (
            "100,000 flow lists",
            "n: ".to_owned() + &"[".repeat(100_000),
            Unreadable,
        ),
        (
            "100,000 closed flow lists",
            format!("n: {}{}", "[".repeat(100_000), "]".repeat(100_000)),
            Unreadable,
        ),
        (
            "50,000 flow mappings",
            "n: ".to_owned() + &"{a: ".repeat(50_000),
            Unreadable,
        ),
        ("100,000 block lists", "- ".repeat(100_000), Unreadable),
        ("100,000 question marks", "? ".repeat(100_000), Unreadable),
        ("500 levels of indentation", indented, Unreadable),
        (
            "65 levels",
            format!("n: {}{}", "[".repeat(65), "]".repeat(65)),
            Unreadable,
        ),
        (
            "a key of 1 MB",
            format!("{}: 1", "k".repeat(1 << 20)),
            Unreadable,
        ),
        (
            "a key of 200 KB",
            format!("{}: 1", "k".repeat(200_000)),
            Any,
        ),
        (
            "a quoted key of 200 KB",
            format!("\"{}\": 1", "\\x41".repeat(50_000)),
            Any,
        ),
        ("1,000,000 keys", keys(1_000_000), Unreadable),
        ("20,000 keys", keys(20_000), Readable),
        ("20,000 equal keys", "k: v\n".repeat(20_000), Unreadable),
        (
            "a list of 100,000",
            format!("n: [{}1]", "1,".repeat(100_000)),
            Readable,
        ),
        (
            "an integer of 100,000 digits",
            format!("n: {}", "9".repeat(100_000)),
            Any,
        ),
        (
            "a fraction of 100,000 digits",
            format!("n: 0.{}1", "0".repeat(100_000)),
            Any,
        ),
        (
            "an exponent of 100,000 digits",
            format!("n: 1e{}", "9".repeat(100_000)),
            Any,
        ),
        (
            "base 60 of 100,000 digits",
            format!("n: 1{}", ":59".repeat(30_000)),
            Any,
        ),
        (
            "hexadecimal of 100,000 digits",
            format!("n: 0x{}", "f".repeat(100_000)),
            Any,
        ),
        (
            "the least integer",
            "n: -9223372036854775808".into(),
            Readable,
        ),
        (
            "the greatest integer",
            "n: 9223372036854775807".into(),
            Readable,
        ),
        ("not a number", "n: .nan".into(), Readable),
        ("an impossible date", "n: 9999-99-99T99:99:99Z".into(), Any),
        ("tabs", "n:\n\t\ta: 1".into(), Unreadable),
        (
            "an unclosed text",
            format!("n: \"{}", "x\\".repeat(50_000)),
            Unreadable,
        ),
        (
            "an unclosed single-quoted text",
            format!("n: '{}", "''".repeat(100_000)),
            Unreadable,
        ),
        ("unknown escapes", "n: \"\\y\\z\\q\"".into(), Unreadable),
        (
            "an escape beyond Unicode",
            "n: \"\\UFFFFFFFF\"".into(),
            Unreadable,
        ),
        ("an escaped surrogate", "n: \"\\ud800\"".into(), Any),
        (
            "escaped NULs",
            format!("n: \"{}\"", "\\0".repeat(50_000)),
            Readable,
        ),
        (
            "a block text of 200 KB",
            format!("n: |\n  {}", "x\n  ".repeat(60_000)),
            Readable,
        ),
        ("a block text indented by 9", "n: |9\n x".into(), Any),
        (
            "comments of 200 KB",
            "#\n".repeat(100_000) + "n: 1",
            Readable,
        ),
        (
            "blank lines of 200 KB",
            "\n".repeat(200_000) + "n: 1",
            Readable,
        ),
        (
            "blanks of 200 KB",
            format!("n:{}1", " ".repeat(200_000)),
            Readable,
        ),
        (
            "directives",
            "%YAML 9.9\n%TAG ! tag:x,2000:\n".repeat(1000),
            Unreadable,
        ),
        ("two documents", "n: 1\n...\nn: 2".into(), Unreadable),
        ("a list at the root", "- 1".into(), Unreadable),
        ("a text at the root", "text".into(), Unreadable),
        (
            "a program as a tag",
            "n: !!python/object/apply:os.system ['touch x']".into(),
            Any,
        ),
        (
            "a function as a tag",
            "n: !!js/function 'function(){}'".into(),
            Any,
        ),
        (
            "a prototype",
            "__proto__: {n: 1}\nconstructor: {prototype: {n: 1}}".into(),
            Readable,
        ),
        (
            "a conflict",
            "<<<<<<< ours\nn: 1\n=======\nn: 2\n>>>>>>> theirs".into(),
            Unreadable,
        ),
        (
            "brackets as text",
            format!("n: {}", "}]".repeat(50_000)),
            Any,
        ),
        ("colons", ":".repeat(200_000), Any),
        ("dashes", format!("n: {}", "-".repeat(200_000)), Any),
        ("pipes", "n: |\n".repeat(40_000), Unreadable),
        ("a control character", "n: \u{1b}[2J".into(), Any),
        (
            "line separators",
            "n: a\u{2028}b\u{2029}c\u{85}d".into(),
            Any,
        ),
    ]
}
