//! Real and odd frontmatter, mutated at random and edited at random: nothing panics, nothing is
//! lost, every accepted edit does what it says.

use std::path::{Path, PathBuf};

use crate::invariants::{Choices, edit_does_what_it_says, parse_is_lossless};
use story::Document;

/// Pieces of YAML that parsers trip over.
const PIECES: &[&str] = &[
    "\n",
    "\r\n",
    "\r",
    ": ",
    ":",
    "- ",
    "-",
    "? ",
    "#",
    " #c",
    "'",
    "\"",
    "[",
    "]",
    "{",
    "}",
    ",",
    "&a ",
    "*a",
    "!t ",
    "!!str ",
    "|",
    ">",
    "|+\n",
    ">-\n",
    "|2\n",
    "  ",
    "    ",
    "\t",
    "\u{feff}",
    "\u{85}",
    "\u{2028}",
    "é",
    "日本",
    "~",
    "null",
    "---",
    "---\n",
    "...\n",
    "%YAML 1.1\n",
    "<<: ",
    "@",
    "`",
    "\\",
    "\\x41",
    "k: v\n",
    "  k: v\n",
    "- x\n",
    "  - x\n",
    "# c\n",
    "\n\n",
    "0",
    "12",
    "true",
    "\0",
    "\u{7f}",
    "[a, b]",
    "{a: 1}",
    "a: |\n  t\n\n",
    "\u{a0}",
    "2026-01-15",
    "010",
    "'x'",
];

/// Shapes that real files seldom have.
const SEEDS: &[&str] = &[
    "a:\n  - b: 1 # c\n    d:\n      - x\n      -\n  - - p\n    - q\n",
    "a: &x [1, 2]\nb: *x\nc: !!str 5\nd: {e: f, g: [h]}\n",
    "a:\n- x\n- y: 1\n  z: |\n    text\n\n- >-\n  folded\n  more\nb:\n",
    "? a\n: b\n? c\nd: {? e : f, g}\n",
    "a:\n  ? >\n\n",
    "a:\n  ? |\n    k\n  ? >-\n    l\n\n  : x\n? |+\n  m\n\n",
    "a: [\n  1, # one\n  2 # two\n]\nb: {\n  c: d,\n}\n",
    "a: # c\n  - 1 # d\n# e\n  - 2\nb: 'q\n  r'\nc: \"s\\\n  t\"\nd: plain\n  more\n",
    "a: |+\n  x\n\nb: |2-\n   y\nc: >\n\n  z\n\n   w\n",
    "a: x\r...\n\nb: y\n",
    "a: \u{85}...\nb: x\u{2028} y\nc:\n  - -\n  - \"\u{85}\"\n",
    "a: 0o7272222222222222222222222222\nb: y\n",
    "- not\n- a mapping\n",
    "a:\n    b:\n        c: 1\n    d: 2\ne:   [x ,y ]  # f\n",
    "<<: {a: 1}\nb: 010\nc: 1_000\nd: 1:30\ne: .inf\nf: 2026-01-15\n",
];

fn seeds() -> Vec<String> {
    let mut seeds: Vec<String> = SEEDS.iter().map(|seed| (*seed).to_owned()).collect();
    let mut folders: Vec<PathBuf> =
        vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/stories/valid")];
    folders.extend(testkit::shared().map(|shared| shared.join("corpus")));
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("the folder can be listed") {
            let path = entry.expect("an entry can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(story) =
                Document::parse(std::fs::read(&path).expect("a file can be read"))
                && story.frontmatter().len() < 3000
            {
                seeds.push(story.frontmatter().to_owned());
            }
        }
    }
    seeds
}

fn mutated(seed: &str, choices: &mut Choices<'_>) -> String {
    let mut chars: Vec<char> = seed.chars().collect();
    if choices.below(10) == 0 {
        chars = seed.replace('\n', "\r\n").chars().collect();
    }
    for _ in 0..choices.below(4) {
        let at = choices.below(chars.len() + 1);
        let until = (at + 1 + choices.below(20)).min(chars.len());
        match choices.below(4) {
            0 => drop(chars.splice(at..until, [])),
            1 => {
                let piece = chars[at..until].to_vec();
                let target = choices.below(chars.len() + 1);
                drop(chars.splice(target..target, piece));
            }
            _ => {
                let piece = PIECES[choices.below(PIECES.len())];
                drop(chars.splice(at..at, piece.chars()));
            }
        }
    }
    chars.into_iter().collect()
}

#[test]
fn mutated_stories_are_read_losslessly_and_edited_as_asked() {
    let cases = std::env::var("STORY_MUTATIONS")
        .ok()
        .and_then(|count| count.parse().ok())
        .unwrap_or(3000);
    let first = std::env::var("STORY_MUTATIONS_FROM")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or(1);
    let seeds = seeds();
    let (mut read, mut accepted, mut refused) = (0, 0, 0);
    for case in first..first + cases {
        let mut choices = Choices::of_seed(case);
        let yaml = mutated(&seeds[choices.below(seeds.len())], &mut choices);
        let eol = if yaml.contains("\r\n") { "\r\n" } else { "\n" };
        let glue = if yaml.is_empty() || yaml.ends_with('\n') {
            ""
        } else {
            eol
        };
        let text = format!("---{eol}{yaml}{glue}---{eol}\n# Body\n---\n");
        parse_is_lossless(text.as_bytes());
        let Ok(mut story) = Document::parse(text) else {
            continue;
        };
        read += 1;
        for _ in 0..3 {
            let path = choices.path(&story);
            let operation = choices.operation(&story, &path);
            if edit_does_what_it_says(&mut story, &path, &operation) {
                accepted += 1;
            } else {
                refused += 1;
            }
        }
    }
    println!("{cases} cases, {read} read, {accepted} edits accepted, {refused} refused");
    assert!(
        read * 4 > cases,
        "a good part of the mutated stories can be read"
    );
    assert!(accepted > refused, "most edits are accepted");
}
