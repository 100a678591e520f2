//! Whether a story that another one waits for is done.

use std::path::{Component, Path};

use crate::places::Target;
use crate::settings::Settings;

const DONE: &str = "done";

/// Why a dependency is not done, in a word or two; `None` when it is. Reads the story without a lock.
pub fn why_open(id: &str, settings: &Settings) -> Option<String> {
    let Some(path) = only_an_id(id) else {
        return Some("not an id".to_owned());
    };
    let Ok(target) = Target::of_story(path, settings) else {
        return Some("no such story".to_owned());
    };
    match story::read(&target.path) {
        Ok(story) => match story.text("status") {
            Some(status) if status == DONE => None,
            Some(status) => Some(status),
            None => Some("without a status".to_owned()),
        },
        Err(_) => Some("cannot be read".to_owned()),
    }
}

/// What stands in a story must not lead to a file elsewhere.
fn only_an_id(id: &str) -> Option<&Path> {
    let path = Path::new(id);
    let mut parts = path.components();
    let is_one = matches!(parts.next(), Some(Component::Normal(part)) if part == path.as_os_str());
    let is_file = path.extension().is_some_and(|end| end == "md");
    (is_one && !is_file && parts.next().is_none()).then_some(path)
}
