//! The file that FILE means, and what it must not be.

use std::path::Path;

use crate::failure::Failure;
use crate::places::Target;

/// The file at a path.
///
/// # Errors
///
/// `EUSAGE` when it is a story, or the lock of something: other commands are for these.
pub fn of(given: &Path) -> Result<Target, Failure> {
    let name = given.display();
    match given.extension().and_then(|end| end.to_str()) {
        Some("md") => Err(Failure::usage(format!("{name} is Markdown, not JSON"))
            .hint("for a story say `story get`, `story set`, `story with`")),
        Some("lock") => {
            let guarded = given.with_extension("");
            Err(
                Failure::usage(format!("{name} is a lock file, not what it guards"))
                    .hint(format!("name what is guarded: {}", guarded.display())),
            )
        }
        _ => Ok(Target::at(given.to_path_buf())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_takes_every_file_but_stories_and_locks() {
        let table = [
            ("state.json", true),
            ("a/.ai-sdlc.json", true),
            ("state", true),
            ("x/stories/S-1/.workflow-state.json", true),
            ("story.md", false),
            ("x/S-1.md", false),
            ("state.json.lock", false),
            ("yarn.lock", false),
        ];
        for (path, expected) in table {
            assert_eq!(of(Path::new(path)).is_ok(), expected, "FILE may be {path}");
        }
    }
}
