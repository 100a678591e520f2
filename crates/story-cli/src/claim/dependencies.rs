//! Whether a story that another one waits for is done.

use std::path::{Component, Path, PathBuf};

use story::workspace::{LegacyFolder, STORY_FILE};
use story::{ById, Document, Status};

use crate::places::{Target, workspace};
use crate::settings::Settings;

/// Why a dependency is not done, in a word or two; `None` when it is. Reads the story without a lock.
pub fn why_open(id: &str, settings: &Settings) -> Option<String> {
    let Some(path) = only_an_id(id) else {
        return Some("not an id".to_owned());
    };
    let Some(path) = find(path, id, settings) else {
        return Some("no such story".to_owned());
    };
    let Ok(story) = story::read(&path) else {
        return Some("cannot be read".to_owned());
    };
    match status(&story, &path) {
        Some(Status::Done) => None,
        Some(status) => Some(status.as_str().to_owned()),
        None => Some("without a status".to_owned()),
    }
}

/// As every STORY is found; else, as on the board, by the id that stands in a story whose folder is called otherwise.
fn find(path: &Path, id: &str, settings: &Settings) -> Option<PathBuf> {
    if let Ok(target) = Target::of_story(path, settings) {
        return Some(target.path);
    }
    let scan = story::scan(&workspace(settings).ok()?);
    let all = ById::new(&scan.heads);
    all.find(id).map(|head| head.path.clone())
}

/// The status of a story; of one without that lies in a legacy folder, the folder's.
fn status(story: &Document, path: &Path) -> Option<Status> {
    Status::of(story).or_else(|| {
        let is_legacy = path.file_name()? != STORY_FILE;
        let folder = path.parent()?.file_name()?.to_str()?;
        let folder = LegacyFolder::named(folder).filter(|_| is_legacy)?;
        Some(Status::from(folder.name()))
    })
}

/// What stands in a story must not lead to a file elsewhere.
fn only_an_id(id: &str) -> Option<&Path> {
    let path = Path::new(id);
    let mut parts = path.components();
    let is_one = matches!(parts.next(), Some(Component::Normal(part)) if part == path.as_os_str());
    let is_file = path.extension().is_some_and(|end| end == "md");
    (is_one && !is_file && parts.next().is_none()).then_some(path)
}
