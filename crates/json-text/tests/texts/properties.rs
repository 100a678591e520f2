//! Any text in any layout, and any edits of it.

use json_text::JsonText;
use proptest::prelude::*;

use crate::invariants::{
    Choices, edit_does_what_it_says, following_leads_to_the_value, merging_leads_to_the_value,
    reading_agrees_with_serde_json,
};

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..400)
}

fn read(text: &str) -> JsonText {
    JsonText::parse(text.as_bytes()).expect("it was written as JSON")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn edits_do_what_they_say_and_nothing_else(bytes in bytes()) {
        let mut choices = Choices::of_bytes(&bytes);
        let value = choices.value(4);
        let mut text = read(&choices.text(&value));
        for _ in 0..4 {
            let value = text.value(&json_text::Path::whole()).expect("the whole is there");
            let way = choices.way(&value);
            edit_does_what_it_says(&mut text, &way, &choices.operation());
        }
    }

    #[test]
    fn following_leads_to_the_value_in_any_layout(bytes in bytes()) {
        let mut choices = Choices::of_bytes(&bytes);
        let before = choices.value(4);
        let after = choices.changed(&before);
        let mut text = read(&choices.text(&before));
        let serialised = [&before, &after].map(|value| choices.text(value).into_bytes());
        following_leads_to_the_value(&mut text, &serialised[0], &serialised[1]);
        // And back, now that the text has another layout.
        following_leads_to_the_value(&mut text, &serialised[1], &serialised[0]);
    }

    #[test]
    fn merging_leads_to_the_value_in_any_layout(bytes in bytes()) {
        let mut choices = Choices::of_bytes(&bytes);
        let value = choices.value(4);
        let patch = choices.changed(&value);
        let mut text = read(&choices.text(&value));
        merging_leads_to_the_value(&mut text, &patch);
    }

    #[test]
    fn reading_agrees_with_serde_json_about_damaged_texts(bytes in bytes(), damage in prop::collection::vec((any::<u16>(), 0..16_usize), 0..4)) {
        let mut choices = Choices::of_bytes(&bytes);
        let value = choices.value(4);
        let mut text = choices.text(&value).into_bytes();
        reading_agrees_with_serde_json(&text);
        for (at, kind) in damage {
            let at = usize::from(at) % (text.len() + 1);
            match kind {
                0 => text.truncate(at),
                1 if at < text.len() => drop(text.remove(at)),
                kind => text.insert(at, b"{}[]\",:\\u0e-. x\n"[kind]),
            }
        }
        reading_agrees_with_serde_json(&text);
    }
}
