//! Our locks, temporary files, journals, leases and databases: the rules that keep them out of git, and whether a file is one of
//! them. Pure.

use std::ffi::OsStr;
use std::path::{Component, Path};

use story::journal::JournalFile;

use crate::lease_store;

/// What `.gitignore` must hold, but for what lies in the sdlc root. Never a bare `*.lock`: that would hide `Cargo.lock` and its like.
const RULES: [&str; 9] = [
    "*.md.lock",
    ".*.atomic-tmp",
    ".*.lock-tmp",
    STATE_LOCK,
    ".workflow-state.json.lock",
    TASK_JOURNAL,
    "*.json.lock",
    "*.log.lock",
    ".state-pending/",
];

const STATE_LOCK: &str = ".devs-state.lock";
const TASK_JOURNAL: &str = ".devs.db*";

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

/// What keeps the lock and the journal of a tree out of git where nobody ran `story init`: a task that commits everything would
/// else commit them, and the next one that puts a commit back would remove them.
pub fn of_tree() -> Vec<String> {
    [STATE_LOCK, TASK_JOURNAL]
        .map(|rule| format!("/{rule}"))
        .to_vec()
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

/// By which rule a file stands apart from what people and agents write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fits {
    /// By none.
    None,
    /// By one whose names nobody else uses.
    Ours,
    /// Its name is that of a sidecar, such as `x.md.lock`: a lock of ours or of another tool, as a rule. But other programs give
    /// such names to files that they mean to keep, too.
    Sidecar,
}

/// Which rule fits a file; `path` is that in the tree, `in_roots` that in each of the sdlc roots in which it lies.
pub fn fits(path: &Path, in_roots: &[&Path]) -> Fits {
    if !in_roots.is_empty() {
        let rules = in_root();
        let begins = |inside: &&Path| {
            let names = names_of(inside);
            rules.iter().any(|rule| fits_at(&names, 0, rule))
        };
        if in_roots.iter().any(begins) {
            return Fits::Ours;
        }
    }
    let names = names_of(path);
    let is_fitting = |rule: &&str| (0..names.len()).any(|at| fits_at(&names, at, rule));
    let fitting: Vec<&str> = RULES.into_iter().filter(is_fitting).collect();
    if fitting.is_empty() {
        Fits::None
    } else if fitting.into_iter().all(is_of_any_sidecar) {
        Fits::Sidecar
    } else {
        Fits::Ours
    }
}

/// A rule that fits the locks of all files of a kind.
fn is_of_any_sidecar(rule: &str) -> bool {
    let is_lock = Path::new(rule).extension().is_some_and(|end| end == "lock");
    rule.starts_with('*') && is_lock
}

/// Whether a rule fits one of the names of a path: what lies in a folder of such a name is fitted by it, too.
fn fits_at(names: &[&OsStr], at: usize, rule: &str) -> bool {
    match rule.strip_suffix('/') {
        Some(folder) => at + 1 < names.len() && is_like(names[at], folder),
        None => at < names.len() && is_like(names[at], rule),
    }
}

fn names_of(path: &Path) -> Vec<&OsStr> {
    let names = path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name),
        _ => None,
    });
    names.collect()
}

/// As git takes the rules here: each has one `*` at most, and nothing else that is special.
fn is_like(name: &OsStr, rule: &str) -> bool {
    let name = name.as_encoded_bytes();
    match rule.split_once('*') {
        None => name == rule.as_bytes(),
        Some((start, end)) => {
            name.len() >= start.len() + end.len()
                && name.starts_with(start.as_bytes())
                && name.ends_with(end.as_bytes())
        }
    }
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
    fn file_stands_apart_as_git_would_ignore_it() {
        let table = [
            ("docs/x.md.lock", Fits::Sidecar),
            (".md.lock", Fits::Sidecar),
            ("tasks.json.lock", Fits::Sidecar),
            ("run.log.lock", Fits::Sidecar),
            ("folder.md.lock/x", Fits::Sidecar),
            (".ai-sdlc/stories/S-1/.workflow-state.json.lock", Fits::Ours),
            (".devs-state.lock", Fits::Ours),
            ("a/.devs.db-wal", Fits::Ours),
            (".devs.db", Fits::Ours),
            (".story.md.0.0.0123456789abcdef.atomic-tmp", Fits::Ours),
            (".x.lock-tmp", Fits::Ours),
            ("a/.state-pending/0123.transaction", Fits::Ours),
            (".ai-sdlc/journal/S-1.jsonl", Fits::Ours),
            (".ai-sdlc/journal/pending/0.transaction", Fits::Ours),
            (".ai-sdlc/locks/agent.lock", Fits::Ours),
            (".ai-sdlc/locks.lock", Fits::Ours),
            (".ai-sdlc/leases.db", Fits::Ours),
            (".ai-sdlc/leases.db-shm", Fits::Ours),
            ("docs/.ai-sdlc/journal/S-1.jsonl", Fits::Ours),
            // The work of people and agents.
            ("Cargo.lock", Fits::None),
            ("x.lock", Fits::None),
            ("md.lock", Fits::None),
            ("devs.db", Fits::None),
            ("journal/S-1.jsonl", Fits::None),
            (".ai-sdlc/stories/journal/x", Fits::None),
            (".ai-sdlc/journal", Fits::None),
            (".ai-sdlc/locks.md", Fits::None),
            (".state-pending", Fits::None),
            ("x.0123456789abcdef.rescued", Fits::None),
            (".ai-sdlc/stories/S-1/story.md", Fits::None),
        ];
        for (path, expected) in table {
            let path = Path::new(path);
            let roots = [".ai-sdlc", "docs/.ai-sdlc"];
            let inside: Vec<&Path> = roots
                .iter()
                .filter_map(|root| path.strip_prefix(root).ok())
                .collect();
            assert_eq!(fits(path, &inside), expected, "{}", path.display());
        }
        let nowhere = Path::new("x/journal/S-1.jsonl");
        let as_configured = [Path::new("journal/S-1.jsonl")];
        assert_eq!(fits(nowhere, &as_configured), Fits::Ours, "any root counts");
    }

    #[test]
    fn rules_have_no_other_special_characters_than_one_star() {
        let in_root = in_root();
        for rule in RULES
            .iter()
            .copied()
            .chain(in_root.iter().map(String::as_str))
        {
            assert!(rule.matches('*').count() <= 1, "{rule} has one star");
            assert!(!rule.contains(['?', '[', '\\', '!']), "{rule} is plain");
            let inner = rule.strip_suffix('/').unwrap_or(rule);
            assert!(!inner.contains('/'), "{rule} is about one name");
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
