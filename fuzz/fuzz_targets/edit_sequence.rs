//! Any frontmatter and any edits of it: what is accepted does what it says and nothing else.
//! `cargo +nightly fuzz run edit_sequence`
#![no_main]

#[expect(dead_code, reason = "shared with the tests and the other target")]
#[path = "../../crates/story/tests/document/invariants.rs"]
mod invariants;

use invariants::Choices;
use libfuzzer_sys::fuzz_target;
use story::Document;

/// How many of the input's last bytes choose the edits; the others are the frontmatter.
const SCRIPT: usize = 48;

fuzz_target!(|bytes: &[u8]| {
    let (yaml, script) = bytes.split_at(bytes.len() - bytes.len().min(SCRIPT).min(bytes.len() / 2));
    let fenced = [b"---\n", yaml, b"\n---\nBody"].concat();
    let Ok(mut story) = Document::parse(fenced) else {
        return;
    };
    let mut choices = Choices::of_bytes(script);
    for _ in 0..4 {
        let path = choices.path(&story);
        let operation = choices.operation(&story, &path);
        invariants::edit_does_what_it_says(&mut story, &path, &operation);
    }
});
