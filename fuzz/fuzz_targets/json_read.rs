//! Any bytes: what is read as JSON is what serde_json reads, and nothing panics.
//! `cargo +nightly fuzz run json_read`
#![no_main]

#[expect(dead_code, reason = "shared with the tests and the other target")]
#[path = "../../crates/json-text/tests/texts/invariants.rs"]
mod invariants;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| invariants::reading_agrees_with_serde_json(bytes));
