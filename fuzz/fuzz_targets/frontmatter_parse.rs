//! Any bytes: parsing keeps each of them or refuses the file, and setting a value to itself
//! changes nothing. `cargo +nightly fuzz run frontmatter_parse`
#![no_main]

#[expect(dead_code, reason = "shared with the tests and the other target")]
#[path = "../../crates/story/tests/document/invariants.rs"]
mod invariants;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    invariants::parse_is_lossless(bytes);
    let fenced = [b"---\n", bytes, b"\n---\nBody"].concat();
    invariants::parse_is_lossless(&fenced);
});
