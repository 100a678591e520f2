//! Any JSON text and any edits of it: each does what it says and nothing else, and what comes out is read again.
//! `cargo +nightly fuzz run json_edit`
#![no_main]

#[expect(dead_code, reason = "shared with the tests and the other target")]
#[path = "../../crates/json-text/tests/texts/invariants.rs"]
mod invariants;

use invariants::Choices;
use json_text::{JsonText, Path};
use libfuzzer_sys::fuzz_target;

/// How many of the input's last bytes choose the edits; the others are the text.
const SCRIPT: usize = 64;

/// With so many lists and objects nothing is nested so deeply that an edit would be refused for it.
const SHALLOW: usize = 100;

fuzz_target!(|bytes: &[u8]| {
    let (json, script) = bytes.split_at(bytes.len() - bytes.len().min(SCRIPT).min(bytes.len() / 2));
    let brackets = json.iter().filter(|byte| b"[{".contains(byte)).count();
    if brackets > SHALLOW {
        return;
    }
    let mut choices = Choices::of_bytes(script);
    // Text that nobody would write, or else a layout of a value that is chosen.
    let mut text = JsonText::parse(json).unwrap_or_else(|_| {
        let value = choices.value(4);
        JsonText::parse(choices.text(&value).as_bytes()).expect("it was written as JSON")
    });
    for _ in 0..4 {
        let whole = text.value(&Path::whole()).expect("the whole is there");
        let way = choices.way(&whole);
        invariants::edit_does_what_it_says(&mut text, &way, &choices.operation());
    }
    let before = text.value(&Path::whole()).expect("the whole is there");
    let after = choices.changed(&before);
    let serialised = [&before, &after].map(|value| choices.text(value).into_bytes());
    invariants::following_leads_to_the_value(&mut text, &serialised[0], &serialised[1]);
    invariants::merging_leads_to_the_value(&mut text, &before);
});
