//! Every real file has a typed view, or names the field that is in the way.

use story::{Document, Frontmatter, Value};

use crate::corpus::stories;

fn entry(story: &Document, key: &str) -> Option<Value> {
    let Value::Map(entries) = story.to_value() else {
        return None;
    };
    let found = entries.into_iter().find(|(name, _)| name == key);
    found.map(|(_, value)| value)
}

#[test]
fn every_real_story_has_a_typed_view_that_leaves_no_key_out() {
    let mut viewed = 0;
    let mut refused = Vec::new();
    for (path, story) in stories("every_real_story_has_a_typed_view_that_leaves_no_key_out") {
        let is_of_the_reference = path.components().any(|part| part.as_os_str() == "ai-sdlc");
        match Frontmatter::of(&story) {
            Ok(view) => {
                for (key, value) in &view.extra {
                    let found = entry(&story, key);
                    // `.nan` does not equal itself.
                    let (found, value) = (format!("{found:?}"), format!("{:?}", Some(value)));
                    assert_eq!(found, value, "{key} of {} is kept", path.display());
                }
                viewed += 1;
            }
            Err(err) => {
                let key = err.path.split(['.', '[']).next().unwrap_or_default();
                let stands_there = story.fields().contains(&key);
                assert!(stands_there, "{}: {err} names a key", path.display());
                assert!(!is_of_the_reference, "{}: {err}", path.display());
                refused.push(format!("{}: {err}", path.display()));
            }
        }
    }
    assert!(
        viewed > 10,
        "most can be viewed: {viewed}; not: {refused:#?}"
    );
}
