//! Where the board of tasks lies. The only place that decides it.

use std::path::{Path, PathBuf};

use crate::failure::{Code, Failure};
use crate::places::sdlc_root;
use crate::settings::Settings;

/// The file of tasks in the sdlc root.
const TASKS: &str = "tasks.json";

/// The file that holds the tasks; it need not exist: `board` (the option `--board`), else `STORY_TASKS`, else in the sdlc root.
///
/// # Errors
///
/// As [`sdlc_root`], where that is needed.
pub fn place(board: Option<&Path>, settings: &Settings) -> Result<PathBuf, Failure> {
    if let Some(named) = board.or(settings.task_board.as_deref()) {
        return Ok(named.to_path_buf());
    }
    let root = sdlc_root(settings).map_err(|failure| match failure.code {
        Code::NotFound => failure
            .hint("`story init` makes one; or name the file of tasks with --board or STORY_TASKS"),
        _ => failure,
    })?;
    Ok(root.join(TASKS))
}

/// The file of metrics beside a board.
///
/// # Errors
///
/// `EUSAGE` for a name that leads into another folder: both files change together, and a record in their folder says so.
pub fn metrics_beside(board: &Path, name: &Path) -> Result<PathBuf, Failure> {
    let is_name = name.file_name() == Some(name.as_os_str());
    if !is_name {
        return Err(
            Failure::usage(format!("{} is not the name of a file", name.display()))
                .hint("the metrics lie in the folder of the board: --metrics takes a name alone"),
        );
    }
    Ok(board.with_file_name(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_lie_beside_the_board_and_nowhere_else() {
        let table = [
            ("tasks.json", "m.json", Some("m.json")),
            ("a/tasks.json", "m.json", Some("a/m.json")),
            ("/a/tasks.json", "m.json", Some("/a/m.json")),
            ("a/tasks.json", "b/m.json", None),
            ("a/tasks.json", "/m.json", None),
            ("a/tasks.json", "..", None),
            ("a/tasks.json", "", None),
        ];
        for (board, name, expected) in table {
            let found = metrics_beside(Path::new(board), Path::new(name)).ok();
            assert_eq!(
                found.as_deref(),
                expected.map(Path::new),
                "{name} beside {board}"
            );
        }
    }
}
