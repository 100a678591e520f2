//! The rules that keep our locks, temporary files, journals and leases out of git. Pure.

use std::path::Path;

use story::journal::JournalFile;

use crate::lease_store;

/// What `.gitignore` must hold, but for what lies in the sdlc root. Never a bare `*.lock`: that would hide `Cargo.lock` and its like.
const RULES: [&str; 9] = [
    "*.md.lock",
    ".*.atomic-tmp",
    ".*.lock-tmp",
    ".devs-state.lock",
    ".workflow-state.json.lock",
    ".devs.db*",
    "*.json.lock",
    "*.log.lock",
    ".state-pending/",
];

const COMMENT: &str = "# Locks and temporary files of `story`";

/// What lies in the sdlc root: the journals, and the leases of agents as a folder with its lock or as a database.
fn in_root() -> [String; 4] {
    [
        format!("{}/", JournalFile::FOLDER),
        format!("{}/", lease_store::FOLDER),
        format!("{}.lock", lease_store::FOLDER),
        "leases.db*".to_owned(),
    ]
}

/// What `.gitignore` must hold for an sdlc root, which must have no links in it. The rules of what lies in it hold at any depth:
/// the project may be a part of the repository.
pub fn of_root(sdlc_root: &Path) -> Vec<String> {
    let name = sdlc_root.file_name().unwrap_or_default().to_string_lossy();
    let escaped: String = name
        .chars()
        .flat_map(|c| "*?[\\".contains(c).then_some('\\').into_iter().chain([c]))
        .collect();
    let in_root = in_root().map(|rule| format!("**/{escaped}/{rule}"));
    RULES
        .map(str::to_owned)
        .into_iter()
        .chain(in_root)
        .collect()
}

/// The file with those of the rules that it lacks at its end, and which these are; `None` when it has all.
pub fn completed(text: &[u8], rules: &[String]) -> Option<(Vec<u8>, Vec<String>)> {
    let has = |rule: &str| {
        text.split(|byte| *byte == b'\n')
            .any(|line| line.trim_ascii_end() == rule.as_bytes())
    };
    let missing: Vec<String> = rules.iter().filter(|rule| !has(rule)).cloned().collect();
    if missing.is_empty() {
        return None;
    }
    let line_end = if text.windows(2).any(|pair| pair == b"\r\n") {
        "\r\n"
    } else {
        "\n"
    };
    let mut completed = text.to_vec();
    if !completed.is_empty() && !completed.ends_with(b"\n") {
        completed.extend_from_slice(line_end.as_bytes());
    }
    let comment = (!has(COMMENT)).then_some(COMMENT);
    for line in comment
        .into_iter()
        .chain(missing.iter().map(String::as_str))
    {
        completed.extend_from_slice(line.as_bytes());
        completed.extend_from_slice(line_end.as_bytes());
    }
    Some((completed, missing))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: &str = "# Locks and temporary files of `story`\n*.md.lock\n.*.atomic-tmp\n.*.lock-tmp\n.devs-state.lock\n.workflow-state.json.lock\n.devs.db*\n*.json.lock\n*.log.lock\n.state-pending/\n**/.ai-sdlc/journal/\n**/.ai-sdlc/locks/\n**/.ai-sdlc/locks.lock\n**/.ai-sdlc/leases.db*\n";

    #[test]
    fn completed_adds_what_is_missing_and_keeps_the_rest() {
        let table = [
            (String::new(), ALL.to_owned()),
            ("/build/".to_owned(), format!("/build/\n{ALL}")),
            ("a\r\nb".to_owned(), format!("a\r\nb\r\n{}", ALL.replace('\n', "\r\n"))),
            (
                "*.md.lock\n.devs.db*  \n".to_owned(),
                "*.md.lock\n.devs.db*  \n# Locks and temporary files of `story`\n.*.atomic-tmp\n.*.lock-tmp\n.devs-state.lock\n.workflow-state.json.lock\n*.json.lock\n*.log.lock\n.state-pending/\n**/.ai-sdlc/journal/\n**/.ai-sdlc/locks/\n**/.ai-sdlc/locks.lock\n**/.ai-sdlc/leases.db*\n".to_owned(),
            ),
        ];
        let rules = of_root(Path::new("/x/.ai-sdlc"));
        for (before, expected) in table {
            let (after, _) = completed(before.as_bytes(), &rules).expect("something is missing");
            assert_eq!(
                String::from_utf8_lossy(&after),
                expected,
                "rules added to {before:?}"
            );
            assert!(
                completed(&after, &rules).is_none(),
                "a second time adds nothing"
            );
        }
    }

    #[test]
    fn rule_of_journals_names_the_sdlc_folder_as_it_is_called() {
        let table = [
            ("/x/.ai-sdlc", "**/.ai-sdlc/journal/"),
            ("/x/docs/board", "**/board/journal/"),
            ("/x/a[b]*c", "**/a\\[b]\\*c/journal/"),
        ];
        for (root, expected) in table {
            let rules = of_root(Path::new(root));
            assert!(
                rules.iter().any(|rule| rule == expected),
                "the rule of {root}: {rules:?}"
            );
        }
    }
}
