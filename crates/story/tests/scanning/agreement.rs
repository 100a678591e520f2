//! The fast way to a head and the parser's agree on everything that there is.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use story::workspace::{StoryCopy, StoryFile};
use story::{Document, Head, scan};
use testkit::Sandbox;

use crate::support::settle;

fn story_file(path: PathBuf) -> StoryFile {
    StoryFile {
        name: path.file_name().map(OsString::from).unwrap_or_default(),
        copy: StoryCopy::Main,
        path,
    }
}

/// What the scan makes of a file, and what the parser does.
fn both(path: &Path) -> (Option<Head>, Option<Head>) {
    let file = story_file(path.to_path_buf());
    let scan = scan::heads_of(std::slice::from_ref(&file));
    assert_eq!(
        scan.heads.len() + scan.skipped.len(),
        1,
        "{}: shown or told",
        path.display()
    );
    let bytes = std::fs::read(path).expect("a file can be read");
    let parsed = Document::parse(bytes).ok();
    let parsed = parsed.map(|story| Head::of(&story, &file));
    (scan.heads.into_iter().next(), parsed)
}

fn files_below(folder: PathBuf, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("the folder can be listed") {
        let path = entry.expect("an entry can be read").path();
        if path.is_dir() {
            files_below(path, files);
        } else {
            files.push(path);
        }
    }
}

#[test]
fn scan_and_parser_agree_on_every_real_file() {
    let mut files = Vec::new();
    files_below(testkit::fixtures().join("stories"), &mut files);
    match testkit::shared() {
        Some(shared) => files_below(shared.join("corpus"), &mut files),
        None => testkit::skip(
            "scan_and_parser_agree_on_every_real_file",
            "the shared corpus is not there; only the fixtures are tried",
        ),
    }
    let mut stories = 0;
    for path in files {
        let (scanned, parsed) = both(&path);
        assert_eq!(scanned, parsed, "{}", path.display());
        stories += usize::from(parsed.is_some());
    }
    assert!(stories > 30, "stories were among them: {stories}");
}

/// A line as it may stand in a frontmatter: mostly plain, some not, some wrong.
fn line() -> impl Strategy<Value = String> {
    let key = prop_oneof![
        Just("id"),
        Just("title"),
        Just("slug"),
        Just("status"),
        Just("priority"),
        Just("type"),
        Just("created"),
        Just("labels"),
        Just("epic"),
        Just("assignee"),
        Just("dependencies"),
        Just("claimed_by"),
        Just("claimed_until"),
        Just("other"),
        Just("on"),
        Just("a b"),
    ];
    let value = prop_oneof![
        4 => "[a-z0-9-]{0,6}",
        1 => "[0-9]{1,4}",
        1 => Just("'x: # y'".to_owned()),
        1 => Just("\"x\"".to_owned()),
        1 => Just("\"\\u00e9\"".to_owned()),
        1 => Just("[]".to_owned()),
        1 => Just("[a, 'b']".to_owned()),
        1 => Just("2026-01-15".to_owned()),
        1 => Just("x # note".to_owned()),
        1 => Just("übung".to_owned()),
        1 => Just(".nan".to_owned()),
        1 => Just("true".to_owned()),
        1 => Just("&a x".to_owned()),
        1 => Just("*a".to_owned()),
        1 => Just("|".to_owned()),
        1 => "[ -~]{0,8}",
    ];
    prop_oneof![
        8 => (key, value.clone()).prop_map(|(key, value)| match value.as_str() {
            "" => format!("{key}:"),
            value => format!("{key}: {value}"),
        }),
        3 => value.clone().prop_map(|value| format!("  - {value}")),
        1 => value.clone().prop_map(|value| format!("- {value}")),
        1 => value.prop_map(|value| format!("  {value}")),
        1 => Just(String::new()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn scan_and_parser_agree_on_generated_heads(
        lines in prop::collection::vec(line(), 0..12),
        fences in prop::sample::select(vec!["---\n", "---\r\n", "---yaml\n", "\u{feff}---\n", "--- x\n"]),
        closing in prop::sample::select(vec!["---\n", "---", "----\n", "---\r\n", ""]),
        padding in prop::sample::select(vec![0, 4000, 4080, 5000, 20_000, 70_000]),
    ) {
        // A comment line moves the closing fence to and beyond the limits of the reads.
        let pad = if padding == 0 { String::new() } else { format!("pad: '{}'\n", "x".repeat(padding)) };
        let lines = lines.join("\n") + if lines.is_empty() { "" } else { "\n" };
        let text = format!("{fences}{lines}{pad}{closing}");
        let sandbox = Sandbox::new();
        let path = sandbox.write("story.md", text + if closing.ends_with('\n') { "body\n---\n" } else { "" });
        settle(&path);
        let (scanned, parsed) = both(&path);
        prop_assert_eq!(scanned, parsed, "both readers agree");
    }
}

#[test]
fn scan_reads_a_head_of_any_length_up_to_the_limit() {
    let sandbox = Sandbox::new();
    let frame = "---\nid: S-1\npad: ''\n---\n".len();
    let mut lengths: Vec<usize> = (4080..=4100).collect();
    lengths.extend([
        16_383,
        16_384,
        16_385,
        65_536,
        262_000,
        262_144 - 20,
        262_200,
        300_000,
    ]);
    let mut read = 0;
    for length in lengths {
        let pad = "x".repeat(length - frame);
        let body = "---\n".repeat(3000);
        let path = sandbox.write(
            "story.md",
            format!("---\nid: S-1\npad: '{pad}'\n---\n{body}"),
        );
        settle(&path);
        let (scanned, parsed) = both(&path);
        assert_eq!(scanned, parsed, "a head of {length} bytes");
        read += usize::from(scanned.is_some());
    }
    assert!(read > 25, "those below the limit are read: {read}");
}

#[test]
fn scan_is_not_misled_by_a_closing_line_that_is_cut_by_the_end_of_a_read() {
    let sandbox = Sandbox::new();
    let mut refused = 0;
    for length in [4090..=4100, 16_380..=16_388].into_iter().flatten() {
        for closing in ["---x\n", "---\r\n", "--- \n", "---", "---\r", "----\n"] {
            let frame = "---\nid: S-1\npad: ''\n---".len();
            let pad = "x".repeat(length - frame);
            let path = sandbox.write("story.md", format!("---\nid: S-1\npad: '{pad}'\n{closing}"));
            settle(&path);
            let (scanned, parsed) = both(&path);
            assert_eq!(scanned, parsed, "{closing:?} after {length} bytes");
            refused += usize::from(scanned.is_none());
        }
    }
    assert!(
        refused > 20,
        "what other readers take otherwise is refused: {refused}"
    );
}
