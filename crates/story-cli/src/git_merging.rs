//! `story init --git`: what makes git merge stories by `story merge-driver`.

use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::failure::{Code, Failure};
use crate::git;
use crate::init::complete;
use crate::json;
use crate::output::Output;
use crate::places::{STORIES, STORY_FILE, git_top_level, project_root};
use crate::settings::Settings;

/// The value of git's attribute `merge` by which stories name the driver.
const ATTRIBUTE: &str = "story";

/// The key that tells git what to run.
const DRIVER: &str = "merge.story.driver";

/// Where `story` is not installed git merges lines, as it would without us: a driver that cannot be run would leave one side
/// in place without a word.
const COMMAND: &str = "if command -v story >/dev/null 2>&1; then story merge-driver %O %A %B %P; \
                       else git merge-file -L ours -L base -L theirs %A %O %B; fi";

/// What git shows for the driver.
const NAME: (&str, &str) = (
    "merge.story.name",
    "stories: key by key, the body line by line",
);

/// What was set up.
#[derive(Debug)]
pub struct Merging {
    attributes: PathBuf,
    line: String,
    line_added: Added,
    driver: Driver,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Added {
    Now,
    Before,
}

/// What became of the merge driver.
#[derive(Debug)]
pub enum Driver {
    /// It is set now.
    SetNow,
    /// It was set before.
    SetBefore,
    /// Somebody has set another one, which is left.
    Other(String),
}

/// Adds the attribute and sets the driver in the repository's own configuration.
///
/// # Errors
///
/// `ENOTFOUND` outside of a repository; else when a file cannot be written or git does not answer.
pub fn set_up(sdlc_root: &Path, settings: &Settings) -> Result<Merging, Failure> {
    let project = project_root(sdlc_root)?;
    let Some(top_level) = git_top_level(&project)? else {
        return Err(Failure::new(Code::NotFound, "there is no git repository")
            .cause(format!("{} is in none", project.display()))
            .hint("`git init` makes one"));
    };
    let root = std::fs::canonicalize(sdlc_root).unwrap_or_else(|_| sdlc_root.to_path_buf());
    let Ok(folder) = root.strip_prefix(&top_level) else {
        return Err(
            Failure::new(Code::NotFound, "the sdlc root is not in the repository").cause(format!(
                "{} is not in {}",
                root.display(),
                top_level.display()
            )),
        );
    };
    let line = attribute(folder);
    let attributes = top_level.join(".gitattributes");
    let added = complete(&attributes, |text| completed(text, &line), settings)?;
    let driver = set_driver(&top_level).map_err(|err| {
        Failure::new(Code::Io, "cannot set the merge driver")
            .cause(err.to_string())
            .hint(format!("git config {DRIVER} '{COMMAND}'"))
    })?;
    Ok(Merging {
        attributes,
        line,
        line_added: added.map_or(Added::Before, |()| Added::Now),
        driver,
    })
}

/// Whether the repository wants stories merged by us, and this clone has no driver for it.
///
/// # Errors
///
/// When git is not installed, or does not answer.
pub fn is_missing_here(top_level: &Path, sdlc_root: &Path) -> io::Result<bool> {
    let story = sdlc_root.join(STORIES).join("S-0000").join(STORY_FILE);
    let attribute = git::attribute(top_level, "merge", &story)?;
    Ok(attribute == ATTRIBUTE && git::configured(top_level, DRIVER)?.is_none())
}

/// Sets the driver in the clone's own configuration, unless there is one.
///
/// # Errors
///
/// When git is not installed, or does not answer.
pub fn set_driver(top_level: &Path) -> io::Result<Driver> {
    match git::configured(top_level, DRIVER)? {
        Some(driver) if driver == COMMAND => return Ok(Driver::SetBefore),
        Some(driver) => return Ok(Driver::Other(driver)),
        None => {}
    }
    git::configure(top_level, NAME.0, NAME.1)?;
    git::configure(top_level, DRIVER, COMMAND)?;
    Ok(Driver::SetNow)
}

/// The line of `.gitattributes` for the stories in the sdlc folder.
fn attribute(folder: &Path) -> String {
    let mut pattern = String::new();
    for part in folder.components() {
        pattern.push('/');
        for c in part.as_os_str().to_string_lossy().chars() {
            if matches!(c, '*' | '?' | '[' | '\\') {
                pattern.push('\\');
            }
            pattern.push(c);
        }
    }
    pattern.extend(["/", STORIES, "/**/", STORY_FILE]);
    if pattern.contains(|c: char| c.is_whitespace() || c == '"') {
        let escaped = pattern.replace('\\', "\\\\").replace('"', "\\\"");
        pattern = format!("\"{escaped}\"");
    }
    format!("{pattern} merge={ATTRIBUTE}")
}

/// The file with the line at its end; `None` when it has it.
fn completed(text: &[u8], line: &str) -> Option<(Vec<u8>, ())> {
    let mut lines = text.split(|byte| *byte == b'\n');
    if lines.any(|other| other.trim_ascii_end() == line.as_bytes()) {
        return None;
    }
    let end: &[u8] = if text.windows(2).any(|pair| pair == b"\r\n") {
        b"\r\n"
    } else {
        b"\n"
    };
    let mut completed = text.to_vec();
    if !completed.is_empty() && !completed.ends_with(b"\n") {
        completed.extend_from_slice(end);
    }
    completed.extend_from_slice(line.as_bytes());
    completed.extend_from_slice(end);
    Some((completed, ()))
}

impl Merging {
    /// Whether anything was changed.
    pub fn is_changed(&self) -> bool {
        self.line_added == Added::Now || matches!(self.driver, Driver::SetNow)
    }

    /// Tells people what was done.
    pub fn tell(&self, output: &Output) {
        if self.line_added == Added::Now {
            let path = self.attributes.display();
            output.note(&format!("added to {path}: {} (commit it)", self.line));
        }
        match &self.driver {
            Driver::SetNow => {
                output.note(&format!("set {DRIVER} in this clone: {COMMAND}"));
                output.hint("every other clone needs `story init --git` once; without it git merges stories line by line");
            }
            Driver::SetBefore => {}
            Driver::Other(driver) => {
                output.warning(&format!(
                    "{DRIVER} is something else and was left: {driver}"
                ));
                output.hint(&format!("git config {DRIVER} '{COMMAND}'"));
            }
        }
    }

    /// Members of the result.
    pub fn to_json(&self) -> Map<String, Value> {
        let driver = match &self.driver {
            Driver::Other(driver) => driver,
            _ => COMMAND,
        };
        let members = json!({
            "gitattributes": json::text(&self.attributes),
            "attribute": self.line,
            "attribute_added": self.line_added == Added::Now,
            "merge_driver": driver,
            "merge_driver_set": matches!(self.driver, Driver::SetNow),
        });
        match members {
            Value::Object(members) => members,
            _ => Map::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attribute_names_the_stories_of_the_folder_and_nothing_else() {
        let table = [
            (".ai-sdlc", "/.ai-sdlc/stories/**/story.md merge=story"),
            ("a/b", "/a/b/stories/**/story.md merge=story"),
            ("", "/stories/**/story.md merge=story"),
            ("a*[b]", "/a\\*\\[b]/stories/**/story.md merge=story"),
            ("my dir", "\"/my dir/stories/**/story.md\" merge=story"),
        ];
        for (folder, expected) in table {
            assert_eq!(
                attribute(Path::new(folder)),
                expected,
                "the line for {folder}"
            );
        }
    }

    #[test]
    fn completed_adds_the_line_once_and_keeps_the_rest() {
        let line = "/x merge=story";
        let table = [
            ("", "/x merge=story\n"),
            ("*.png binary", "*.png binary\n/x merge=story\n"),
            ("a b\r\n", "a b\r\n/x merge=story\r\n"),
        ];
        for (before, expected) in table {
            let (after, ()) = completed(before.as_bytes(), line).expect("it is missing");
            assert_eq!(
                String::from_utf8_lossy(&after),
                expected,
                "added to {before:?}"
            );
            assert!(
                completed(&after, line).is_none(),
                "a second time adds nothing"
            );
        }
    }
}
