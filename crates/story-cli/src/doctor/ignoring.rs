//! Whether git would show our locks, temporary files, journals and leases.

use std::path::{Path, PathBuf};

use story::journal::JournalFile;

use super::Mode;
use super::report::{Finding, Report};
use crate::failure::Failure;
use crate::git;
use crate::init;
use crate::places::{STORIES, git_top_level, project_root};
use crate::settings::Settings;

const CHECK: &str = "ignore";

/// Names that a lock, a temporary file and so on have, beside a story and in the project.
const IN_STORY: [&str; 3] = [
    "story.md.lock",
    ".story.md.0-0-0.atomic-tmp",
    ".story.md.0.lock-tmp",
];
const IN_PROJECT: [&str; 6] = [
    ".devs-state.lock",
    ".devs.db",
    ".devs.db-wal",
    "tasks.json.lock",
    "run.log.lock",
    ".state-pending/0000000000000000.transaction",
];
/// Where leases are kept when nobody says otherwise.
const IN_ROOT: [&str; 3] = ["locks/agent.lock", "locks.lock", "leases.db-wal"];

/// Asks git about each kind of name; adds the rules where that helps.
///
/// # Errors
///
/// When the rules cannot be written.
pub fn check(
    root: &Path,
    mode: Mode,
    settings: &Settings,
    report: &mut Report,
) -> Result<(), Failure> {
    let project = project_root(root)?;
    let Some(top_level) = git_top_level(&project)? else {
        return Ok(());
    };
    let names = names(root, &project);
    let rules = init::rules_path(root)?;
    let visible = match git::not_ignored(&top_level, &names) {
        Ok(visible) => visible,
        Err(err) => {
            let message = format!("git does not say whether locks are ignored: {err}");
            report.add(Finding::warning(CHECK, &rules, message));
            return Ok(());
        }
    };
    if visible.is_empty() {
        return Ok(());
    }
    let fixed = mode == Mode::Mend && {
        init::add_rules(&rules, root, settings)?;
        git::not_ignored(&top_level, &names).is_ok_and(|visible| visible.is_empty())
    };
    let shown: Vec<String> = visible
        .iter()
        .filter_map(|path| path.file_name())
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    let message = format!(
        "git does not ignore {}; `story init` adds the rules",
        shown.join(", ")
    );
    report.add(Finding::warning(CHECK, &rules, message).fixed(fixed));
    Ok(())
}

fn names(root: &Path, project: &Path) -> Vec<PathBuf> {
    let story = root.join(STORIES).join("S-0000");
    let in_story = IN_STORY.iter().map(|name| story.join(name));
    let in_project = IN_PROJECT.iter().map(|name| project.join(name));
    let journal = root.join(JournalFile::FOLDER).join("S-0000.jsonl");
    let in_root = IN_ROOT.iter().map(|name| root.join(name));
    let of_project = in_project.chain([journal]).chain(in_root);
    in_story.chain(of_project).collect()
}
